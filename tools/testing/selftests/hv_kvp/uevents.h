/* SPDX-License-Identifier: GPL-2.0 */
/* Uevents of the device hv_kvp, from the kernel itself. */
#ifndef UEVENTS_H
#define UEVENTS_H

#include <stdbool.h>
#include <stddef.h>

struct uevent {
	char text[8192];	/* "NAME=value" and a NUL, several times */
	size_t size;
};

/* A socket that gets them from now on; -1 and errno. */
int uevent_open(void);

/* The next KOBJ_CHANGE; false if there is none within @timeout ms. */
bool uevent_next(int sock, struct uevent *event, int timeout);

/* Value of a variable, or NULL. */
const char *uevent_get(const struct uevent *event, const char *name);

#endif /* UEVENTS_H */
