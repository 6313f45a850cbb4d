/* SPDX-License-Identifier: GPL-2.0 */
#ifndef SHIM_LINUX_ATOMIC_H
#define SHIM_LINUX_ATOMIC_H

#include <linux/compiler.h>
#include <linux/types.h>

typedef struct {
	int counter;
} atomic_t;

typedef struct {
	s64 counter;
} atomic64_t;

typedef struct {
	long counter;
} atomic_long_t;

#define ATOMIC_INIT(n)		{ .counter = (n) }
#define atomic_read(v)		__atomic_load_n(&(v)->counter, __ATOMIC_RELAXED)
#define atomic_set(v, n)	__atomic_store_n(&(v)->counter, n, __ATOMIC_RELAXED)
#define atomic_inc(v)		((void)__atomic_fetch_add(&(v)->counter, 1, __ATOMIC_RELAXED))
#define atomic_dec(v)		((void)__atomic_fetch_sub(&(v)->counter, 1, __ATOMIC_RELAXED))
#define atomic64_read(v)	atomic_read(v)
#define atomic64_set(v, n)	atomic_set(v, n)
#define atomic64_add(n, v)	((void)__atomic_fetch_add(&(v)->counter, n, __ATOMIC_RELAXED))
#define atomic64_inc(v)		atomic_inc(v)
#define atomic_long_read(v)	atomic_read(v)
#define atomic_long_set(v, n)	atomic_set(v, n)
#define atomic_long_add(n, v)	atomic64_add(n, v)
#define atomic_long_sub(n, v)	((void)__atomic_fetch_sub(&(v)->counter, n, __ATOMIC_RELAXED))
#define atomic_long_add_return(n, v)	__atomic_add_fetch(&(v)->counter, n, __ATOMIC_SEQ_CST)

/*
 * If not NULL, called before each cmpxchg() of this thread, but for those that
 * it makes itself: so another writer comes first at the worst of moments.
 */
#ifdef SHIM_FAST
static inline void shim_before_cmpxchg(void)
{
}
#else
extern _Thread_local void (*shim_rival)(void);
void shim_call_rival(void);

static inline void shim_before_cmpxchg(void)
{
	if (unlikely(shim_rival))
		shim_call_rival();
}
#endif

/* Fully ordered, as in the kernel. Gives what was there. */
#define cmpxchg(ptr, old, new) ({					\
	__typeof__(*(ptr)) _was = (old);				\
	shim_before_cmpxchg();						\
	__atomic_compare_exchange_n(ptr, &_was, new, false,		\
				    __ATOMIC_SEQ_CST, __ATOMIC_SEQ_CST);\
	_was;								\
})
#define xchg(ptr, new)	__atomic_exchange_n(ptr, new, __ATOMIC_SEQ_CST)
#define smp_mb()	__atomic_thread_fence(__ATOMIC_SEQ_CST)
#define smp_rmb()	__atomic_thread_fence(__ATOMIC_ACQUIRE)
#define smp_wmb()	__atomic_thread_fence(__ATOMIC_RELEASE)
#define smp_load_acquire(p)	__atomic_load_n(p, __ATOMIC_ACQUIRE)
#define smp_store_release(p, v)	__atomic_store_n(p, v, __ATOMIC_RELEASE)

#endif /* SHIM_LINUX_ATOMIC_H */
