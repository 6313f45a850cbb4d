/* SPDX-License-Identifier: GPL-2.0 */
#ifndef SHIM_LINUX_SCHED_H
#define SHIM_LINUX_SCHED_H

#include <linux/rcupdate.h>

static inline void cond_resched(void)
{
	BUG_ON(rcu_read_lock_held());
}

#endif /* SHIM_LINUX_SCHED_H */
