// SPDX-License-Identifier: GPL-2.0
#include <errno.h>
#include <fcntl.h>
#include <limits.h>
#include <net/if.h>
#include <poll.h>
#include <signal.h>
#include <spawn.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/syscall.h>
#include <sys/wait.h>
#include <unistd.h>

#include "deadline.h"
#include "kvpctl.h"
#include "program.h"
#include "unit.h"

/* Not the caller's PATH: it may be anyone's. */
static const char *const directories[] = { "/usr/sbin", "/usr/bin", "/sbin", "/bin" };
static char *const environment[] = {
	"PATH=/usr/sbin:/usr/bin:/sbin:/bin", "LANG=C.UTF-8", NULL
};

/* From SIGTERM to SIGKILL, ms. */
#define GRACE	1000

/**
 * struct child - a program at work
 * @pid: its process, and the group of what it starts
 * @process: descriptor of it, or a negative error
 * @unit: the unit that it waits for, or empty
 */
struct child {
	pid_t pid;
	int process;
	char unit[UNIT_NAME];
};

/**
 * struct left - a program that goes on after it was waited for
 * @child: the program; a @pid of 0: none
 * @order: later ones have more
 * @owner: the interface that it works on
 */
struct left {
	struct child child;
	unsigned int order;
	char owner[IF_NAMESIZE];
};

/* Each interface has a few at most, of its last request. */
static struct left lefts[64];

static bool search(const char *name, char path[PATH_MAX])
{
	if (name[0] == '/')
		return snprintf(path, PATH_MAX, "%s", name) < PATH_MAX && !access(path, X_OK);
	if (strchr(name, '/'))
		return false;
	for (size_t i = 0; i < ARRAY_SIZE(directories); i++)
		if (snprintf(path, PATH_MAX, "%s/%s", directories[i], name) < PATH_MAX &&
		    !access(path, X_OK))
			return true;
	return false;
}

bool program_exists(const char *name)
{
	char path[PATH_MAX];

	return search(name, path);
}

/* Whether messages can be written at all: the terminal, or who read the pipe, may be gone. */
static bool is_heard(int fd)
{
	struct pollfd output = { .fd = fd, .events = POLLOUT };

	return poll(&output, 1, 0) >= 0 && !(output.revents & (POLLERR | POLLHUP | POLLNVAL));
}

/*
 * A process group of its own, so that what the program starts ends with it.
 * @output: where it prints to, and nothing is said on stderr; or -1
 */
static int start(const char *path, char *const argv[], int output, pid_t *pid)
{
	posix_spawn_file_actions_t files;
	posix_spawnattr_t attributes;
	sigset_t none, all;
	int error;

	sigemptyset(&none);
	sigfillset(&all);
	/* ignored as in systemd's services: who reads our messages may be gone */
	sigdelset(&all, SIGPIPE);
	posix_spawnattr_init(&attributes);
	posix_spawnattr_setflags(&attributes, POSIX_SPAWN_SETPGROUP | POSIX_SPAWN_SETSIGMASK |
				 POSIX_SPAWN_SETSIGDEF);
	posix_spawnattr_setsigmask(&attributes, &none);
	posix_spawnattr_setsigdefault(&attributes, &all);
	posix_spawn_file_actions_init(&files);
	posix_spawn_file_actions_addopen(&files, STDIN_FILENO, "/dev/null", O_RDONLY, 0);
	if (output >= 0 || !is_heard(STDERR_FILENO))
		posix_spawn_file_actions_addopen(&files, STDERR_FILENO, "/dev/null", O_WRONLY, 0);
	posix_spawn_file_actions_adddup2(&files, output >= 0 ? output : STDERR_FILENO,
					 STDOUT_FILENO);
	error = posix_spawn(pid, path, &files, &attributes, argv, environment);
	posix_spawn_file_actions_destroy(&files);
	posix_spawnattr_destroy(&attributes);
	return -error;
}

/* 0 when the process has ended, -ETIMEDOUT, or -EINTR for @wake. */
static int wait_end(const struct child *child, int64_t deadline, int wake)
{
	struct pollfd events[] = {
		{ .fd = child->process, .events = POLLIN },
		{ .fd = wake, .events = POLLIN },
	};

	if (child->process < 0)
		return child->process;
	for (;;) {
		int ready = poll(events, 2, deadline_left(deadline));

		if (ready < 0 && errno == EINTR)
			continue;
		if (ready < 0)
			return -errno;
		if (events[0].revents)
			return 0;
		return ready ? -EINTR : -ETIMEDOUT;
	}
}

static int start_apart(const char *path, char *const argv[], const char *after,
		       struct child *child)
{
	char **wrapped = unit_wrap(path, argv, environment, after, child->unit);
	char runner[PATH_MAX];
	int error = search(wrapped[0], runner) ? start(runner, wrapped, -1, &child->pid) : -ENOENT;

	unit_free(wrapped);
	return error;
}

/* @after: a unit that is to end before, or NULL */
static int begin(char *const argv[], bool apart, const char *after, int output,
		 struct child *child)
{
	char path[PATH_MAX];
	int error;

	child->unit[0] = '\0';
	if (!search(argv[0], path))
		return -ENOENT;
	error = apart && unit_is_possible() ? start_apart(path, argv, after, child) :
					      start(path, argv, output, &child->pid);
	if (error)
		return error;
	child->process = syscall(SYS_pidfd_open, child->pid, 0);
	if (child->process < 0)
		child->process = -errno;
	return 0;
}

/* The exit code of one that has ended, or is about to. */
static int reap(const struct child *child)
{
	int status;

	if (child->process >= 0)
		close(child->process);
	while (waitpid(child->pid, &status, 0) < 0)
		if (errno != EINTR)
			return -errno;
	return WIFEXITED(status) ? WEXITSTATUS(status) : 128 + WTERMSIG(status);
}

/* All processes of the unit: one that is not there yet is not started either. */
static void signal_unit(const char *unit, const char *signal)
{
	char *const argv[] = {
		"systemctl", "kill", "--signal", (char *)signal, (char *)unit, NULL,
	};
	struct child child;

	if (!*unit || begin(argv, false, NULL, -1, &child))
		return;
	if (wait_end(&child, deadline_now() + GRACE, -1))
		kill(child.pid, SIGKILL);
	reap(&child);
}

static void end_group(const struct child *child)
{
	signal_unit(child->unit, "SIGTERM");
	if (!*child->unit)
		kill(-child->pid, SIGTERM);
	wait_end(child, deadline_now() + GRACE, -1);
	signal_unit(child->unit, "SIGKILL");
	kill(-child->pid, SIGKILL);
	reap(child);
}

int program_run(char *const argv[], bool apart, int64_t deadline, int wake)
{
	struct child child;
	int error = begin(argv, apart, NULL, -1, &child);

	if (error)
		return error;
	error = wait_end(&child, deadline, wake);
	if (!error)
		return reap(&child);
	end_group(&child);
	return error;
}

/* 0 at the end of the output, or a negative error. */
static int read_output(int fd, int64_t deadline, FILE *out)
{
	struct pollfd event = { .fd = fd, .events = POLLIN };
	char buffer[4096];
	size_t all = 0;

	for (;;) {
		int ready = poll(&event, 1, deadline_left(deadline));
		ssize_t size;

		if (ready < 0 && errno == EINTR)
			continue;
		if (ready <= 0)
			return ready ? -errno : -ETIMEDOUT;
		size = read(fd, buffer, sizeof(buffer));
		if (size < 0)
			return -errno;
		if (!size)
			return 0;
		all += size;
		if (all > PROGRAM_OUTPUT_MAX)
			return -EFBIG;
		fwrite(buffer, 1, size, out);
	}
}

static int run_for_output(char *const argv[], int64_t deadline, FILE *out)
{
	struct child child;
	int ends[2], error;

	if (pipe2(ends, O_CLOEXEC))
		return -errno;
	error = begin(argv, false, NULL, ends[1], &child);
	close(ends[1]);
	if (!error) {
		error = read_output(ends[0], deadline, out);
		if (!error)
			error = wait_end(&child, deadline, -1);
		if (error)
			end_group(&child);
		else
			error = reap(&child);
	}
	close(ends[0]);
	return error;
}

int program_output(char *const argv[], int64_t deadline, char **text)
{
	size_t size;
	FILE *out = open_memstream(text, &size);
	int error;

	if (!out)
		return -ENOMEM;
	error = run_for_output(argv, deadline, out);
	if (fclose(out) && !error)
		error = -ENOMEM;
	if (error)
		free(*text);
	return error;
}

void program_reap_left(void)
{
	for (size_t i = 0; i < ARRAY_SIZE(lefts); i++) {
		if (!lefts[i].child.pid || wait_end(&lefts[i].child, 0, -1))
			continue;
		reap(&lefts[i].child);
		lefts[i].child.pid = 0;
	}
}

/* If there is no room it goes on all the same. */
static void remember(const struct child *child, const char *owner)
{
	static unsigned int order;

	program_reap_left();
	for (size_t i = 0; i < ARRAY_SIZE(lefts); i++) {
		if (lefts[i].child.pid)
			continue;
		lefts[i].child = *child;
		lefts[i].order = ++order;
		snprintf(lefts[i].owner, sizeof(lefts[i].owner), "%s", owner);
		return;
	}
	if (child->process >= 0)
		close(child->process);
}

/* What is left at work comes to its end first: the order is that of the plan. */
static const char *last_unit(const char *owner)
{
	const struct left *last = NULL;

	program_reap_left();
	for (const struct left *left = lefts; left < lefts + ARRAY_SIZE(lefts); left++)
		if (left->child.pid && *left->child.unit && !strcmp(left->owner, owner) &&
		    (!last || left->order > last->order))
			last = left;
	return last ? last->child.unit : NULL;
}

int program_let(char *const argv[], bool apart, int64_t deadline, const char *owner)
{
	struct child child;
	int error = begin(argv, apart, last_unit(owner), -1, &child);

	if (error)
		return error;
	error = wait_end(&child, deadline, -1);
	if (!error)
		return reap(&child);
	remember(&child, owner);
	return error;
}

int program_end_left(const char *owner, int64_t deadline, int wake)
{
	for (size_t i = 0; i < ARRAY_SIZE(lefts); i++) {
		struct child *child = &lefts[i].child;
		int error;

		if (!child->pid || strcmp(lefts[i].owner, owner))
			continue;
		error = wait_end(child, deadline, wake);
		if (error == -EINTR)
			return error;
		if (error)
			end_group(child);
		else
			reap(child);
		child->pid = 0;
	}
	return 0;
}
