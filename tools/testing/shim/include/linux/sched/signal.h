/* SPDX-License-Identifier: GPL-2.0 */
/* A signal that kills, and no others: set for a thread by a test. */
#ifndef SHIM_LINUX_SCHED_SIGNAL_H
#define SHIM_LINUX_SCHED_SIGNAL_H

#include <linux/types.h>

extern _Thread_local bool shim_killed;

#define current			(&shim_killed)
#define fatal_signal_pending(p)	(*(p))

#endif /* SHIM_LINUX_SCHED_SIGNAL_H */
