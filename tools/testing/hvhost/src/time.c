// SPDX-License-Identifier: GPL-2.0
/* The partition's clock: TSC, calibrated against the ACPI PM timer. */
#include "time.h"
#include "host.h"
#include "lib.h"
#include "x86.h"

#define PM_TIMER_PORT	0x608		/* QEMU's i440FX and Q35: PM base 0x600 (SeaBIOS), + 8 */
#define PM_TIMER_HZ	3579545ull	/* ACPI 6.4, 4.8.2.1 */
#define PM_TIMER_MASK	0xffffff	/* 24 bits */
#define REF_HZ		10000000ull	/* TLFS 12, reference counter: units of 100 ns */

struct sample {
	u64 tsc;
	u32 pm;
};

/* The pair read in the shortest time of 64: whatever pre-empted us is not in it. */
static struct sample take_sample(void)
{
	struct sample best = { 0, 0 };
	u64 shortest = ~0ull;
	u32 i;

	for (i = 0; i < 64; i++) {
		u64 before = rdtsc();
		u32 pm = inl(PM_TIMER_PORT) & PM_TIMER_MASK;
		u64 took = rdtsc() - before;

		if (took < shortest) {
			shortest = took;
			best = (struct sample){ before + took / 2, pm };
		}
	}
	return best;
}

void time_init(void)
{
	struct sample a = take_sample(), b;
	u32 ticks;

	do {
		cpu_wait();
		ticks = ((inl(PM_TIMER_PORT) & PM_TIMER_MASK) - a.pm) & PM_TIMER_MASK;
	} while (ticks < PM_TIMER_HZ / 20);
	b = take_sample();
	ticks = (b.pm - a.pm) & PM_TIMER_MASK;
	host.tsc_hz = (b.tsc - a.tsc) * PM_TIMER_HZ / ticks;
	if (host.tsc_hz <= REF_HZ)
		hv_fatal(NULL, "TSC frequency of %lu Hz", host.tsc_hz);
	host.tsc_scale = div_shl64(REF_HZ, host.tsc_hz);
	host.tsc0 = a.tsc;
}

u64 host_ref_time(void)
{
	return mul_hi(rdtsc() - host.tsc0, host.tsc_scale);
}

u64 host_us_to_tsc(u64 us)
{
	return us * (host.tsc_hz / 1000) / 1000;
}
