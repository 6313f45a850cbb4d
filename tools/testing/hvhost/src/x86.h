/* SPDX-License-Identifier: GPL-2.0 */
/* Instructions and architectural constants. */
#ifndef HVHOST_X86_H
#define HVHOST_X86_H

#include "types.h"

#define MSR_EFER		0xc0000080
#define EFER_LME		BIT_ULL(8)
#define EFER_LMA		BIT_ULL(10)
#define EFER_NXE		BIT_ULL(11)
#define EFER_SVME		BIT_ULL(12)
#define MSR_VM_HSAVE_PA		0xc0010117

#define X86_CR4_OSXSAVE		BIT_ULL(18)
#define X86_CR4_PKE		BIT_ULL(22)

static inline void cpu_relax(void)
{
	asm volatile("pause" ::: "memory");
}

/*
 * Some 50,000 instructions for loops that wait on the clock: with -icount each look at a clock or
 * port costs as much real time as all of them.
 */
static inline void cpu_wait(void)
{
	u32 i;

	for (i = 0; i < 20000; i++)
		barrier();
	cpu_relax();
}

static inline u64 rdtsc(void)
{
	u32 lo, hi;

	asm volatile("rdtsc" : "=a"(lo), "=d"(hi) :: "memory");
	return (u64)hi << 32 | lo;
}

static inline u64 rdmsr(u32 msr)
{
	u32 lo, hi;

	asm volatile("rdmsr" : "=a"(lo), "=d"(hi) : "c"(msr));
	return (u64)hi << 32 | lo;
}

static inline void wrmsr(u32 msr, u64 v)
{
	asm volatile("wrmsr" :: "a"((u32)v), "d"((u32)(v >> 32)), "c"(msr) : "memory");
}

static inline void outb(u16 port, u8 v)
{
	asm volatile("outb %0, %1" :: "a"(v), "Nd"(port) : "memory");
}

static inline u32 inl(u16 port)
{
	u32 v;

	asm volatile("inl %1, %0" : "=a"(v) : "Nd"(port) : "memory");
	return v;
}

static inline void cpuid_raw(u32 leaf, u32 sub, u32 r[4])
{
	asm volatile("cpuid" : "=a"(r[0]), "=b"(r[1]), "=c"(r[2]), "=d"(r[3])
		     : "a"(leaf), "c"(sub));
}

/* a * b >> 64 */
static inline u64 mul_hi(u64 a, u64 b)
{
	u64 hi, lo;

	asm("mulq %3" : "=d"(hi), "=a"(lo) : "a"(a), "r"(b));
	return hi;
}

/* (a << 64) / b; a < b */
static inline u64 div_shl64(u64 a, u64 b)
{
	u64 q, r;

	asm("divq %4" : "=a"(q), "=d"(r) : "a"(0ull), "d"(a), "r"(b));
	return q;
}

#endif
