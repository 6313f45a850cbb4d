// SPDX-License-Identifier: GPL-2.0
/*
 * getaddrinfo() has no time limit of its own: with a resolv.conf that names
 * servers that are not there it takes half a minute and more. So a child asks.
 */
#include <errno.h>
#include <netdb.h>
#include <poll.h>
#include <signal.h>
#include <stdbool.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/wait.h>
#include <unistd.h>

#include "hostname.h"

/* Letters, digits, '-', '_' and dots between: RFC 1123, and what is in use. */
static bool is_hostname(const char *name)
{
	static const char allowed[] =
		"abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789-_.";
	size_t size = strlen(name);

	return size && size < HOSTNAME_SIZE && strspn(name, allowed) == size && name[0] != '.' &&
	       name[0] != '-';
}

/* In the child: writes the canonical name of @node, or nothing. */
static void ask(int out, const char *node)
{
	struct addrinfo hints = { .ai_socktype = SOCK_STREAM, .ai_flags = AI_CANONNAME };
	struct addrinfo *info = NULL;
	const char *name;
	ssize_t done = 0;

	if (!getaddrinfo(node, NULL, &hints, &info) && info && info->ai_canonname) {
		name = info->ai_canonname;
		if (is_hostname(name))
			done = write(out, name, strlen(name));
	}
	_exit(done <= 0);
}

/* Reads to the end of @in; less than a pipe's buffer, so in one piece. */
static int wait_for(int in, char *name, int timeout_ms)
{
	struct pollfd wait = { .fd = in, .events = POLLIN };
	ssize_t got;
	int ready;

	do {
		ready = poll(&wait, 1, timeout_ms);
	} while (ready < 0 && errno == EINTR);
	if (ready <= 0)
		return ready ? -errno : -ETIMEDOUT;
	got = read(in, name, HOSTNAME_SIZE - 1);
	if (got <= 0)
		return got ? -errno : -ENOENT;
	name[got] = '\0';
	return 0;
}

static int canonical(const char *node, char *name, int timeout_ms)
{
	int ends[2], error;
	pid_t child;

	if (pipe(ends))
		return -errno;
	child = fork();
	if (!child)
		ask(ends[1], node);
	close(ends[1]);
	error = child < 0 ? -errno : wait_for(ends[0], name, timeout_ms);
	close(ends[0]);
	if (child > 0) {
		kill(child, SIGKILL);
		waitpid(child, NULL, 0);
	}
	return error;
}

int hostname_full(char name[HOSTNAME_SIZE], int timeout_ms)
{
	char node[HOSTNAME_SIZE] = "", full[HOSTNAME_SIZE];
	int error;

	if (gethostname(node, sizeof(node) - 1))
		return -errno;
	error = is_hostname(node) ? canonical(node, full, timeout_ms) : -ENOENT;
	strcpy(name, error ? node : full);
	return error;
}
