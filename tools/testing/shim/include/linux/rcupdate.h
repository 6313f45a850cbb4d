/* SPDX-License-Identifier: GPL-2.0 */
/*
 * RCU in user space. A reader stores the number of the grace period in a word
 * of its thread and 0 when it leaves; synchronize_rcu() raises the number and
 * waits until no thread holds a lower one. Costs a reader one store, as
 * membarrier() takes the barrier to the waiting side; under ThreadSanitizer,
 * which does not know membarrier(), it is an exchange instead.
 */
#ifndef SHIM_LINUX_RCUPDATE_H
#define SHIM_LINUX_RCUPDATE_H

#include <linux/atomic.h>
#include <linux/bug.h>
#include <linux/compiler.h>
#include <linux/types.h>

struct shim_reader {
	unsigned long period;	/* 0: not in a section */
	unsigned int nesting;
	bool registered;
	struct shim_reader *next;
};

extern _Thread_local struct shim_reader shim_reader;
extern unsigned long shim_period;

void shim_reader_register(void);

#if defined(__SANITIZE_THREAD__)
#define SHIM_RCU_EXCHANGE 1
#elif defined(__has_feature)
#if __has_feature(thread_sanitizer)
#define SHIM_RCU_EXCHANGE 1
#endif
#endif

static inline void rcu_read_lock(void)
{
	struct shim_reader *r = &shim_reader;
	unsigned long period;

	if (r->nesting++)
		return;
	if (unlikely(!r->registered))
		shim_reader_register();
	period = __atomic_load_n(&shim_period, __ATOMIC_ACQUIRE);
#ifdef SHIM_RCU_EXCHANGE
	__atomic_exchange_n(&r->period, period, __ATOMIC_SEQ_CST);
#else
	__atomic_store_n(&r->period, period, __ATOMIC_RELAXED);
	barrier();
#endif
}

static inline void rcu_read_unlock(void)
{
	struct shim_reader *r = &shim_reader;

	BUG_ON(!r->nesting);
	if (--r->nesting == 0)
		__atomic_store_n(&r->period, 0, __ATOMIC_RELEASE);
}

static inline bool rcu_read_lock_held(void)
{
	return shim_reader.nesting;
}

void synchronize_rcu(void);

/* Threads that are in synchronize_rcu(). */
unsigned int shim_synchronizing(void);

/* No call_rcu() here, so there is nothing to wait for. */
static inline void rcu_barrier(void)
{
}

/* Stricter than the kernel without lockdep: a section must be open. */
#define rcu_dereference(p) ({						\
	BUG_ON(!rcu_read_lock_held());					\
	__atomic_load_n(&(p), __ATOMIC_ACQUIRE);			\
})
#define rcu_dereference_check(p, c) ({					\
	BUG_ON(!(c) && !rcu_read_lock_held());				\
	__atomic_load_n(&(p), __ATOMIC_ACQUIRE);			\
})
/* A plain load, as in the kernel: a sanitizer tells who writes meanwhile. */
#define rcu_dereference_protected(p, c) ({				\
	BUG_ON(!(c));							\
	(p);								\
})
#define rcu_access_pointer(p)	__atomic_load_n(&(p), __ATOMIC_ACQUIRE)
#define rcu_assign_pointer(p, v) __atomic_store_n(&(p), v, __ATOMIC_RELEASE)
#define RCU_INIT_POINTER(p, v)	__atomic_store_n(&(p), v, __ATOMIC_RELAXED)
#define RCU_INITIALIZER(v)	(v)
#define unrcu_pointer(p)	(p)

#endif /* SHIM_LINUX_RCUPDATE_H */
