/* SPDX-License-Identifier: GPL-2.0 */
/* Freestanding C library: strings, formatting, spinlock, heap, logging, assertion. */
#ifndef HVHOST_LIB_H
#define HVHOST_LIB_H

#include <stdarg.h>
#include "types.h"

void *memcpy(void *dst, const void *src, size_t n);
void *memset(void *dst, int c, size_t n);
int memcmp(const void *a, const void *b, size_t n);
size_t strlen(const char *s);

/* Knows %s %c %d %u %x %p, l and ll, width and zero padding. Returns the length written. */
int vsnprintf(char *buf, size_t size, const char *fmt, va_list ap);
int __printf(3, 4) snprintf(char *buf, size_t size, const char *fmt, ...);

struct spinlock {
	u32 locked;
};

void spin_lock(struct spinlock *l);
void spin_unlock(struct spinlock *l);

/*
 * Power-of-two size classes in [HVHOST_HEAP, HVHOST_END). Host CPU only, no lock. The memory is
 * zeroed. heap_alloc() returns NULL when the heap is used up; callers report it, none waits.
 */
void *heap_alloc(size_t size);
void heap_free(void *p);

/* Text for the driving program: an HVHOST_EVT_LOG, or the debug port before the mailbox is up. */
void __printf(1, 2) hv_log(const char *fmt, ...);

struct hvhost_regs;

/* Report and stop all CPUs: hvhost itself is wrong. @regs may be NULL. */
void __noreturn __printf(2, 3) hv_fatal(const struct hvhost_regs *regs, const char *fmt, ...);

#define HV_ASSERT(cond)								\
	do {									\
		if (!(cond))							\
			hv_fatal(NULL, "%s:%d: assertion failed: %s",		\
				 __FILE__, __LINE__, #cond);			\
	} while (0)

#endif
