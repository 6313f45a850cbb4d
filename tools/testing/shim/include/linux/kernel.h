/* SPDX-License-Identifier: GPL-2.0 */
#ifndef SHIM_LINUX_KERNEL_H
#define SHIM_LINUX_KERNEL_H

#include <stdio.h>

#include <linux/bug.h>
#include <linux/build_bug.h>
#include <linux/compiler.h>
#include <linux/container_of.h>
#include <linux/minmax.h>
#include <linux/rcupdate.h>
#include <linux/sprintf.h>
#include <linux/types.h>

/* Warns in a read-side section, which stands for all atomic context. */
#ifdef SHIM_FAST
#define might_sleep()		do { } while (0)
#else
#define might_sleep()		WARN_ON(rcu_read_lock_held())
#endif
#define might_sleep_if(cond)	do { if (cond) might_sleep(); } while (0)

#define ARRAY_SIZE(a) (sizeof(a) / sizeof((a)[0]))

#endif /* SHIM_LINUX_KERNEL_H */
