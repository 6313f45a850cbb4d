// SPDX-License-Identifier: GPL-2.0
/*
 * What wakes those who wait, a line for each, until killed.
 *
 *	hv_kvp_events poll FILE...	file of sysfs and what it holds now
 *	hv_kvp_events uevent		the variables of each KOBJ_CHANGE
 */
#include <errno.h>
#include <fcntl.h>
#include <poll.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "uevents.h"

#define FILES	16

static int failed(const char *what)
{
	printf("%s: %s\n", what, strerror(errno));
	return 1;
}

/* Reading is what makes the file quiet again. */
static int show(int fd, const char *name)
{
	char text[128];
	ssize_t size = pread(fd, text, sizeof(text) - 1, 0);

	if (size < 0)
		return failed(name);
	text[size] = '\0';
	printf("%s %s", name, text);
	fflush(stdout);
	return 0;
}

static int poll_files(char **names, nfds_t count)
{
	struct pollfd files[FILES];

	for (nfds_t i = 0; i < count; i++) {
		files[i].events = POLLPRI;
		files[i].fd = open(names[i], O_RDONLY);
		if (files[i].fd < 0 || show(files[i].fd, names[i]))
			return failed(names[i]);
	}
	printf("polling\n");
	fflush(stdout);
	while (poll(files, count, -1) > 0)
		for (nfds_t i = 0; i < count; i++)
			if (files[i].revents & POLLPRI &&
			    show(files[i].fd, names[i]))
				return 1;
	return failed("poll");
}

static int uevents(void)
{
	int sock = uevent_open();
	struct uevent event;

	if (sock < 0)
		return failed("socket");
	printf("listening\n");
	fflush(stdout);
	for (;;) {
		if (!uevent_next(sock, &event, 1000))
			continue;
		for (const char *p = event.text;
		     p < event.text + event.size; p += strlen(p) + 1)
			if (!strncmp(p, "HV_KVP_", 7))
				printf("%s;", p);
		printf("\n");
		fflush(stdout);
	}
}

int main(int argc, char **argv)
{
	if (argc > 2 && argc <= FILES + 2 && !strcmp(argv[1], "poll"))
		return poll_files(argv + 2, argc - 2);
	if (argc == 2 && !strcmp(argv[1], "uevent"))
		return uevents();
	fprintf(stderr, "usage: %s poll FILE...|uevent\n", argv[0]);
	return 2;
}
