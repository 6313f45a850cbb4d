/* SPDX-License-Identifier: GPL-2.0 */
/* What all layers know: the clock, the CPUs, guest memory, and how to wake the host CPU. */
#ifndef HVHOST_HOST_H
#define HVHOST_HOST_H

#include "types.h"
#include "hvhost_abi.h"

struct host {
	u64 tsc_hz;
	u64 tsc0;		/* TSC when the partition's reference time was 0 */
	u64 tsc_scale;		/* reference time, 100 ns units = (tsc - tsc0) * tsc_scale >> 64 */
	u32 cpus;		/* guest CPUs; their APIC ids are 0 to cpus - 1 */
	u32 host_apic;		/* the host CPU's APIC id */
	u64 ram_top;		/* end of the highest RAM */
	struct hvhost_boot boot;
	bool booted;		/* boot is valid, CPU 0 may enter the guest */
};

extern struct host host;

/* Partition reference time in units of 100 ns. */
u64 host_ref_time(void);

/* Microseconds as TSC ticks. */
u64 host_us_to_tsc(u64 us);

/*
 * Guest-physical range to pointer, or NULL unless all of it is RAM that belongs to the guest.
 * Every address that the guest hands over passes through here once.
 */
void *guest_ptr(u64 gpa, u64 len);

/*
 * A guest CPU left work for the host CPU (a flag or queue that its loop looks at). Callable from
 * any CPU with interrupts off.
 */
void host_kick(void);

/* Runs on the host CPU, for ever. */
void __noreturn host_loop(void);

#endif
