/* SPDX-License-Identifier: GPL-2.0 */
/* Spinlocks, under which nothing may sleep: as a read-side section they say so. */
#ifndef SHIM_LINUX_SPINLOCK_H
#define SHIM_LINUX_SPINLOCK_H

#include <pthread.h>
#include <linux/rcupdate.h>

typedef struct {
	pthread_mutex_t lock;
} spinlock_t;

static inline void spin_lock_init(spinlock_t *l)
{
	pthread_mutex_init(&l->lock, NULL);
}

static inline void spin_lock_bh(spinlock_t *l)
{
	pthread_mutex_lock(&l->lock);
	rcu_read_lock();
}

static inline void spin_unlock_bh(spinlock_t *l)
{
	rcu_read_unlock();
	pthread_mutex_unlock(&l->lock);
}

#endif /* SHIM_LINUX_SPINLOCK_H */
