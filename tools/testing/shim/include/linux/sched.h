/* SPDX-License-Identifier: GPL-2.0 */
#ifndef SHIM_LINUX_SCHED_H
#define SHIM_LINUX_SCHED_H

#include <linux/rcupdate.h>

/*
 * If not NULL, called wherever this thread would let others run in a long job, but
 * not from there: so others do something in the middle of it.
 */
extern _Thread_local void (*shim_others)(void);
void shim_call_others(void);

static inline void cond_resched(void)
{
	BUG_ON(rcu_read_lock_held());
	if (unlikely(shim_others))
		shim_call_others();
}

/* A jiffy is a millisecond. */
long schedule_timeout_killable(long timeout);

#endif /* SHIM_LINUX_SCHED_H */
