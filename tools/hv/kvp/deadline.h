/* SPDX-License-Identifier: GPL-2.0 */
/* A moment on the monotonic clock that a request must not outlast. */
#ifndef KVPCTL_DEADLINE_H
#define KVPCTL_DEADLINE_H

#include <stdint.h>
#include <time.h>

/* Milliseconds since boot. */
static inline int64_t deadline_now(void)
{
	struct timespec now;

	clock_gettime(CLOCK_MONOTONIC, &now);
	return (int64_t)now.tv_sec * 1000 + now.tv_nsec / 1000000;
}

/* Milliseconds to @deadline, for poll(); 0 if it has passed. */
static inline int deadline_left(int64_t deadline)
{
	int64_t left = deadline - deadline_now();

	return left < 0 ? 0 : left > 3600000 ? 3600000 : (int)left;
}

#endif /* KVPCTL_DEADLINE_H */
