/* SPDX-License-Identifier: GPL-2.0 */
#ifndef SHIM_LINUX_TIMEKEEPING_H
#define SHIM_LINUX_TIMEKEEPING_H

#include <linux/compiler.h>
#include <linux/types.h>

/* The clock stands still but for the test program. */
extern u64 shim_boottime;

static inline u64 ktime_get_boottime_ns(void)
{
	return READ_ONCE(shim_boottime);
}

#endif /* SHIM_LINUX_TIMEKEEPING_H */
