// SPDX-License-Identifier: GPL-2.0
/* Uevents of the device hv_kvp, from the kernel itself. */
#include <poll.h>
#include <string.h>
#include <sys/socket.h>
#include <time.h>
#include <unistd.h>

#include <linux/netlink.h>

#include "uevents.h"

#define KERNEL_GROUP	1

int uevent_open(void)
{
	struct sockaddr_nl address = {
		.nl_family = AF_NETLINK, .nl_groups = KERNEL_GROUP,
	};
	int sock = socket(AF_NETLINK, SOCK_DGRAM | SOCK_CLOEXEC,
			  NETLINK_KOBJECT_UEVENT);

	if (sock >= 0 &&
	    bind(sock, (struct sockaddr *)&address, sizeof(address))) {
		close(sock);
		return -1;
	}
	return sock;
}

const char *uevent_get(const struct uevent *event, const char *name)
{
	const char *end = event->text + event->size;
	size_t len = strlen(name);

	for (const char *p = event->text; p < end; p += strlen(p) + 1)
		if (!strncmp(p, name, len) && p[len] == '=')
			return p + len + 1;
	return NULL;
}

static bool is_ours(const struct uevent *event)
{
	const char *action = uevent_get(event, "ACTION");
	const char *device = uevent_get(event, "DEVNAME");

	return action && !strcmp(action, "change") &&
	       device && !strcmp(device, "hv_kvp");
}

static long long now(void)
{
	struct timespec t;

	clock_gettime(CLOCK_MONOTONIC, &t);
	return t.tv_sec * 1000LL + t.tv_nsec / 1000000;
}

bool uevent_next(int sock, struct uevent *event, int timeout)
{
	struct pollfd p = { .fd = sock, .events = POLLIN };
	long long end = now() + timeout, left;
	ssize_t size;

	while ((left = end - now()) >= 0 && poll(&p, 1, left) > 0) {
		size = recv(sock, event->text, sizeof(event->text) - 1, 0);
		if (size <= 0)
			return false;
		event->text[size] = '\0';
		event->size = size;
		if (is_ours(event))
			return true;
	}
	return false;
}
