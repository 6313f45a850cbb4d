/* SPDX-License-Identifier: GPL-2.0 */
/* The kernel's memcpy() on a CPU with fast short rep movsb, in place of libc's. */
#ifndef BENCH_REP_MOVSB_H
#define BENCH_REP_MOVSB_H

#include <stddef.h>
#include <string.h>

/* A short copy of known size is not a call in the kernel either. */
static inline void *copy_by_rep_movsb(void *to, const void *from, size_t size)
{
#ifdef __x86_64__
	void *at = to;

	if (!__builtin_constant_p(size) || size > 64) {
		asm volatile("rep movsb" : "+D" (at), "+S" (from), "+c" (size)
			     : : "memory");
		return to;
	}
#endif
	return __builtin_memcpy(to, from, size);
}

#define memcpy copy_by_rep_movsb

#endif /* BENCH_REP_MOVSB_H */
