/* SPDX-License-Identifier: GPL-2.0 */
/* Integer names, barriers and the few helpers that the kernel's headers would give. */
#ifndef HVHOST_TYPES_H
#define HVHOST_TYPES_H

#include <assert.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

typedef uint8_t u8;
typedef uint16_t u16;
typedef uint32_t u32;
typedef uint64_t u64;
typedef int32_t s32;
typedef int64_t s64;

#define EBUSY		16
#define EINVAL		22
#define ENOSPC		28
#define ENOENT		2
#define ENOMEM		12
#define EEXIST		17
#define EPROTO		71
#define EMSGSIZE	90
#define ENOTCONN	107
#define ECANCELED	125

#define PAGE_SHIFT	12
#define PAGE_SIZE	4096ul

#define __packed	__attribute__((packed))
#define __aligned(n)	__attribute__((aligned(n)))
#define __noreturn	__attribute__((noreturn))
#define __printf(a, b)	__attribute__((format(printf, a, b)))
#define ARRAY_SIZE(a)	(sizeof(a) / sizeof((a)[0]))
#define BIT(n)		(1u << (n))
#define BIT_ULL(n)	(1ull << (n))
#define ALIGN_UP(x, n)	(((x) + (n) - 1) & ~((typeof(x))(n) - 1))

#define barrier()	asm volatile("" ::: "memory")
#define full_fence()	asm volatile("mfence" ::: "memory")
#define READ_ONCE(x)	(*(const volatile typeof(x) *)&(x))
#define WRITE_ONCE(x, v) (*(volatile typeof(x) *)&(x) = (v))

/* x86 orders loads with loads and stores with stores: the compiler alone must be held back. */
#define load_acquire(p) ({ typeof(*(p)) __v = READ_ONCE(*(p)); barrier(); __v; })
#define store_release(p, v) do { barrier(); WRITE_ONCE(*(p), v); } while (0)

static inline u32 min_u32(u32 a, u32 b)
{
	return a < b ? a : b;
}

#endif
