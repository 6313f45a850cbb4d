// SPDX-License-Identifier: GPL-2.0
/* Local APIC. */
#include "lapic.h"
#include "asm.h"
#include "x86.h"

/* Register offsets: Intel SDM vol. 3, table 11-1. */
#define LAPIC_ID	0x020
#define LAPIC_SVR	0x0f0
#define LAPIC_ICR	0x300
#define LAPIC_ICR2	0x310
#define LAPIC_LVTT	0x320
#define LAPIC_TMICT	0x380
#define LAPIC_TDCR	0x3e0

/* SDM vol. 3, figure 11-12: delivery mode in bits 10:8, level 14, delivery status 12. */
#define ICR_FIXED	0x04000
#define ICR_NMI		0x04400
#define ICR_INIT	0x04500
#define ICR_STARTUP	0x04600
#define ICR_BUSY	0x01000

#define SVR_ENABLE	0x100
#define LVTT_PERIODIC	0x20000
#define TDCR_BY_1	0xb

#define LAPIC_HZ	1000000000u	/* QEMU hw/intc/apic_common.c: APIC bus cycle of 1 ns */

static u32 lapic_read(u32 reg)
{
	return *(volatile u32 *)(u64)(LAPIC_BASE + reg);
}

static void lapic_write(u32 reg, u32 v)
{
	*(volatile u32 *)(u64)(LAPIC_BASE + reg) = v;
}

u32 lapic_id(void)
{
	return lapic_read(LAPIC_ID) >> 24;
}

static void send(u32 id, u32 icr)
{
	u32 icr2 = lapic_read(LAPIC_ICR2);

	lapic_write(LAPIC_ICR2, id << 24);
	lapic_write(LAPIC_ICR, icr);
	while (lapic_read(LAPIC_ICR) & ICR_BUSY)
		cpu_relax();
	lapic_write(LAPIC_ICR2, icr2);
}

void lapic_send_fixed(u32 id, u8 vector)
{
	send(id, ICR_FIXED | vector);
}

void lapic_send_nmi(u32 id)
{
	send(id, ICR_NMI);
}

void lapic_send_init(u32 id)
{
	send(id, ICR_INIT);
}

void lapic_send_startup(u32 id, u64 addr)
{
	send(id, ICR_STARTUP | addr >> PAGE_SHIFT);
}

void lapic_start_tick(u32 microseconds)
{
	lapic_write(LAPIC_SVR, SVR_ENABLE | 0xff);
	lapic_write(LAPIC_TDCR, TDCR_BY_1);
	lapic_write(LAPIC_LVTT, LVTT_PERIODIC | LAPIC_VECTOR_TICK);
	lapic_write(LAPIC_TMICT, microseconds * (LAPIC_HZ / 1000000));
}
