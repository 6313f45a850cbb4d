// SPDX-License-Identifier: GPL-2.0
#include <errno.h>
#include <fcntl.h>
#include <limits.h>
#include <linux/netlink.h>
#include <linux/rtnetlink.h>
#include <stdio.h>
#include <sys/inotify.h>
#include <sys/socket.h>
#include <unistd.h>

#include "linkstate.h"
#include "netwatch.h"

#define GROUPS	(RTMGRP_LINK | RTMGRP_IPV4_IFADDR | RTMGRP_IPV6_IFADDR | \
		 RTMGRP_IPV4_ROUTE | RTMGRP_IPV6_ROUTE)
#define EVENTS	(IN_CLOSE_WRITE | IN_MOVED_TO | IN_DELETE | IN_CREATE | IN_ONLYDIR)

/* A directory that is watched already keeps its watch. */
static void watch_directories(struct netwatch *watch, const char *root)
{
	char path[PATH_MAX];

	for (const char *const *dir = linkstate_directories; *dir; dir++) {
		snprintf(path, sizeof(path), "%s%s", root, *dir);
		inotify_add_watch(watch->files, path, EVENTS);
	}
	/* os-release of the distribution */
	snprintf(path, sizeof(path), "%s/usr/lib", root);
	inotify_add_watch(watch->files, path, EVENTS);
}

static int open_link(void)
{
	struct sockaddr_nl address = { .nl_family = AF_NETLINK, .nl_groups = GROUPS };
	int fd = socket(AF_NETLINK, SOCK_RAW | SOCK_CLOEXEC | SOCK_NONBLOCK, NETLINK_ROUTE);

	if (fd < 0)
		return -errno;
	if (bind(fd, (struct sockaddr *)&address, sizeof(address))) {
		int error = -errno;

		close(fd);
		return error;
	}
	return fd;
}

int netwatch_open(struct netwatch *watch, const char *root)
{
	watch->files = -1;
	watch->hostname = -1;
	watch->link = open_link();
	if (watch->link < 0)
		return watch->link;
	watch->files = inotify_init1(IN_CLOEXEC | IN_NONBLOCK);
	if (watch->files < 0) {
		int error = -errno;

		netwatch_close(watch);
		return error;
	}
	watch->hostname = open("/proc/sys/kernel/hostname", O_RDONLY | O_CLOEXEC);
	netwatch_drain_hostname(watch);
	watch_directories(watch, root);
	return 0;
}

/* What the messages say does not matter: everything is looked at anew. */
void netwatch_drain(struct netwatch *watch, const char *root)
{
	char buffer[16384];

	/* ENOBUFS: some were lost, which says as much */
	while (recv(watch->link, buffer, sizeof(buffer), 0) > 0 || errno == ENOBUFS)
		errno = 0;
	while (read(watch->files, buffer, sizeof(buffer)) > 0)
		;
	watch_directories(watch, root);
}

void netwatch_drain_hostname(struct netwatch *watch)
{
	char buffer[256];

	if (watch->hostname < 0 || lseek(watch->hostname, 0, SEEK_SET) < 0)
		return;
	while (read(watch->hostname, buffer, sizeof(buffer)) > 0)
		;
}

void netwatch_close(struct netwatch *watch)
{
	if (watch->link >= 0)
		close(watch->link);
	if (watch->files >= 0)
		close(watch->files);
	if (watch->hostname >= 0)
		close(watch->hostname);
}
