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
#include <strings.h>
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

static int count_labels(const char *name)
{
	int count = 1;

	for (; *name; name++)
		count += *name == '.' && name[1];
	return count;
}

static bool is_loopback(const char *name)
{
	size_t size = strlen("localhost");

	if (strncasecmp(name, "localhost", size))
		return false;
	return !name[size] || strchr(".46", name[size]);
}

/*
 * Whether @name says no less than @node, and of the same machine: /etc/hosts may
 * have the node as an alias of localhost, or its short name in front.
 */
static bool is_same_host(const char *name, const char *node)
{
	size_t label = strcspn(node, ".");

	return !is_loopback(name) && strcspn(name, ".") == label &&
	       !strncasecmp(name, node, label) && count_labels(name) >= count_labels(node);
}

/* What the child writes in place of a name: the resolver may know it later. */
#define ASK_AGAIN	"?"

/* In the child: writes the canonical name of @node, ASK_AGAIN, or nothing. */
static void ask(int out, const char *node)
{
	struct addrinfo hints = { .ai_socktype = SOCK_STREAM, .ai_flags = AI_CANONNAME };
	struct addrinfo *info = NULL;
	const char *name = NULL;
	ssize_t done = 0;
	int error;

	error = getaddrinfo(node, NULL, &hints, &info);
	if (error == EAI_AGAIN)
		name = ASK_AGAIN;
	else if (!error && info && info->ai_canonname && is_hostname(info->ai_canonname) &&
		 is_same_host(info->ai_canonname, node))
		name = info->ai_canonname;
	if (name)
		done = write(out, name, strlen(name));
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
	return strcmp(name, ASK_AGAIN) ? 0 : -EAGAIN;
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
