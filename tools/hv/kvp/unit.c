// SPDX-License-Identifier: GPL-2.0
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/un.h>
#include <unistd.h>

#include "deadline.h"
#include "kvpctl.h"
#include "program.h"
#include "unit.h"

/*
 * The manager's own socket, for root's systemctl. Not the folder of sd_booted(3):
 * netplan's generator makes that too, whoever runs the system.
 */
#define MANAGER		"/run/systemd/private"
#define BUS		"/run/dbus/system_bus_socket"

bool unit_is_possible(void)
{
	return !access(MANAGER, F_OK) && program_exists("systemd-run");
}

/**
 * struct words - arguments that are being gathered
 * @count: entries of @argv
 * @argv: the last one is followed by NULL
 */
struct words {
	unsigned int count;
	char **argv;
};

static void add(struct words *words, const char *format, const char *value)
{
	words->argv = need_more(words->argv, words->count + 2, sizeof(*words->argv));
	if (asprintf(&words->argv[words->count++], format, value) < 0)
		abort();
	words->argv[words->count] = NULL;
}

/* systemd replaces "$NAME" in arguments; "$$" stands for "$". */
static void add_literally(struct words *words, const char *argument)
{
	char *escaped = need(2 * strlen(argument) + 1), *out = escaped;

	for (; *argument; argument++) {
		if (*argument == '$')
			*out++ = '$';
		*out++ = *argument;
	}
	*out = '\0';
	add(words, "%s", escaped);
	free(escaped);
}

/* The socket's name may be there without anybody behind it. */
static bool has_bus(void)
{
	const struct sockaddr_un address = { .sun_family = AF_UNIX, .sun_path = BUS };
	int fd = socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC | SOCK_NONBLOCK, 0);
	bool there;

	if (fd < 0)
		return false;
	there = !connect(fd, (const struct sockaddr *)&address, sizeof(address));
	close(fd);
	return there;
}

/* Only by the bus is the output handed on; without one it is in the journal. */
static void add_bus(struct words *words)
{
	if (!has_bus())
		return;
	add(words, "%s", "--wait");
	add(words, "%s", "--pipe");
}

char **unit_wrap(const char *path, char *const argv[], char *const environment[],
		 const char *after, char name[UNIT_NAME])
{
	static unsigned int number;
	struct words words = { 0 };

	snprintf(name, UNIT_NAME, "hv-kvp-agent-%llx-%u.service",
		 (unsigned long long)deadline_now(), number++);
	add(&words, "%s", "systemd-run");
	add(&words, "%s", "--quiet");
	add(&words, "%s", "--collect");
	add(&words, "--unit=%s", name);
	add(&words, "--description=kvpctl agent: %s", argv[0]);
	/* it is starting until the program ends: others can come after it */
	add(&words, "%s", "--service-type=oneshot");
	if (after)
		add(&words, "--property=After=%s", after);
	/* what it starts stays when it ends */
	add(&words, "%s", "--property=KillMode=process");
	/* a request is undone during a shutdown too, which others must not start in */
	add(&words, "%s", "--property=DefaultDependencies=no");
	for (; *environment; environment++)
		add(&words, "--setenv=%s", *environment);
	add_bus(&words);
	add(&words, "%s", "--");
	add(&words, "%s", path);
	while (*++argv)
		add_literally(&words, *argv);
	return words.argv;
}

void unit_free(char **argv)
{
	for (char **arg = argv; arg && *arg; arg++)
		free(*arg);
	free(argv);
}
