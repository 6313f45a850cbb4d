// SPDX-License-Identifier: GPL-2.0
#include <errno.h>
#include <fcntl.h>
#include <limits.h>
#include <poll.h>
#include <signal.h>
#include <spawn.h>
#include <stdio.h>
#include <string.h>
#include <sys/syscall.h>
#include <sys/wait.h>
#include <unistd.h>

#include "deadline.h"
#include "kvpctl.h"
#include "program.h"

/* Not the caller's PATH: it may be anyone's. */
static const char *const directories[] = { "/usr/sbin", "/usr/bin", "/sbin", "/bin" };
static char *const environment[] = {
	"PATH=/usr/sbin:/usr/bin:/sbin:/bin", "LANG=C.UTF-8", NULL
};

/* From SIGTERM to SIGKILL, ms. */
#define GRACE	1000

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

/* A process group of its own, so that what the program starts ends with it. */
static int start(const char *path, char *const argv[], pid_t *pid)
{
	posix_spawn_file_actions_t files;
	posix_spawnattr_t attributes;
	sigset_t none, all;
	int error;

	sigemptyset(&none);
	sigfillset(&all);
	posix_spawnattr_init(&attributes);
	posix_spawnattr_setflags(&attributes, POSIX_SPAWN_SETPGROUP | POSIX_SPAWN_SETSIGMASK |
				 POSIX_SPAWN_SETSIGDEF);
	posix_spawnattr_setsigmask(&attributes, &none);
	posix_spawnattr_setsigdefault(&attributes, &all);
	posix_spawn_file_actions_init(&files);
	posix_spawn_file_actions_addopen(&files, STDIN_FILENO, "/dev/null", O_RDONLY, 0);
	posix_spawn_file_actions_adddup2(&files, STDERR_FILENO, STDOUT_FILENO);
	error = posix_spawn(pid, path, &files, &attributes, argv, environment);
	posix_spawn_file_actions_destroy(&files);
	posix_spawnattr_destroy(&attributes);
	return -error;
}

/* 0 when the process has ended, -ETIMEDOUT, or -EINTR for @wake. */
static int wait_end(int process, int64_t deadline, int wake)
{
	struct pollfd events[] = {
		{ .fd = process, .events = POLLIN },
		{ .fd = wake, .events = POLLIN },
	};

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

static void end_group(pid_t pid, int process)
{
	kill(-pid, SIGTERM);
	wait_end(process, deadline_now() + GRACE, -1);
	kill(-pid, SIGKILL);
}

int program_run(char *const argv[], int64_t deadline, int wake)
{
	char path[PATH_MAX];
	int process, error, status;
	pid_t pid;

	if (!search(argv[0], path))
		return -ENOENT;
	error = start(path, argv, &pid);
	if (error)
		return error;
	process = syscall(SYS_pidfd_open, pid, 0);
	error = process < 0 ? -errno : wait_end(process, deadline, wake);
	if (error)
		end_group(pid, process);
	if (process >= 0)
		close(process);
	while (waitpid(pid, &status, 0) < 0 && errno == EINTR)
		;
	if (error)
		return error;
	return WIFEXITED(status) ? WEXITSTATUS(status) : 128 + WTERMSIG(status);
}
