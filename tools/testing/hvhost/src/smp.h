/* SPDX-License-Identifier: GPL-2.0 */
/* Processors: starting them, their interrupt tables, parking, and waking the host CPU. */
#ifndef HVHOST_SMP_H
#define HVHOST_SMP_H

#include "types.h"

/* Load the interrupt table of this CPU. */
void trap_init(void);

/*
 * Start all CPUs but this one, which must have APIC id 0. The highest one becomes the host CPU and
 * enters host_loop(); the others park until the guest starts them. @cpus counts all.
 */
void smp_start(u32 cpus);

/* Halt until told to run guest CPU @cpu, then run it for ever. */
void __noreturn smp_park(u32 cpu);

/* Host CPU: let a parked CPU enter the guest at @rip (64-bit, hvhost's identity map) with RSI. */
void smp_release(u32 cpu, u64 rip, u64 rsi);

/* Host CPU: act on the ACPI multiprocessor wakeup mailbox. True when a CPU was started. */
bool smp_poll_wakeup(void);

/* Host CPU: halt until an interrupt, unless somebody kicked since the last call. */
void smp_host_idle(void);

#endif
