/* SPDX-License-Identifier: GPL-2.0 */
/* This CPU's local APIC, in xAPIC mode (Intel SDM vol. 3, chapter 11). */
#ifndef HVHOST_LAPIC_H
#define HVHOST_LAPIC_H

#include "types.h"

#define LAPIC_VECTOR_WAKE	0x40
#define LAPIC_VECTOR_TICK	0x41

u32 lapic_id(void);

/*
 * Send @vector (fixed delivery), an NMI, INIT or start-up IPI to the CPU with APIC id @id. ICR2 is
 * kept: the caller may be a guest CPU that was interrupted half-way through an IPI of its own.
 */
void lapic_send_fixed(u32 id, u8 vector);
void lapic_send_nmi(u32 id);
void lapic_send_init(u32 id);
void lapic_send_startup(u32 id, u64 addr);

/* Switch on, with a periodic interrupt: the host CPU's clock. */
void lapic_start_tick(u32 microseconds);

#endif
