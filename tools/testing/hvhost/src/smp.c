// SPDX-License-Identifier: GPL-2.0
/* Processors. Those that wait do so halted: an NMI wakes them, and only to look again. */
#include "smp.h"
#include "asm.h"
#include "host.h"
#include "lapic.h"
#include "lib.h"
#include "mailbox.h"
#include "svm.h"
#include "x86.h"

#define STACK_SIZE	16384

/* MTRR registers of QEMU's CPUs: AMD APM vol. 2, 7.7 */
static const u32 mtrr_msrs[] = {
	0x200, 0x201, 0x202, 0x203, 0x204, 0x205, 0x206, 0x207,
	0x208, 0x209, 0x20a, 0x20b, 0x20c, 0x20d, 0x20e, 0x20f,
	0x250, 0x258, 0x259, 0x268, 0x269, 0x26a, 0x26b, 0x26c, 0x26d, 0x26e, 0x26f,
	0x2ff,
};

/* ACPI 6.4, table 5.43: multiprocessor wakeup mailbox */
struct mp_mailbox {
	u16 command;
	u16 reserved;
	u32 apic_id;
	u64 wakeup_vector;
};

#define MP_WAKEUP	1

struct idt_gate {
	u16 offset_lo, selector, attr, offset_mid;
	u32 offset_hi, reserved;
};

struct park {
	u64 rip, rsi;
	bool go;
	bool settled;		/* no further NMI comes */
};

extern u8 ap_trampoline[], ap_trampoline_end[], trap_stubs[];
extern u64 ap_stack;

static struct idt_gate idt[256] __aligned(16);
static u8 stacks[HVHOST_MAX_CPUS + 1][STACK_SIZE] __aligned(16);
static struct park park[HVHOST_MAX_CPUS];
static u64 mtrrs[ARRAY_SIZE(mtrr_msrs)];
static bool ap_started;
static bool host_sleeping, host_kicked;

void trap_init(void)
{
	struct {
		u16 limit;
		u64 base;
	} __packed idtr = { sizeof(idt) - 1, (u64)idt };
	u32 i;

	for (i = 0; i < ARRAY_SIZE(idt); i++) {
		u64 at = (u64)trap_stubs + i * TRAP_STUB_SIZE;

		/* 0x8e00: present, DPL 0, 64-bit interrupt gate (APM vol. 2, 4.8.4) */
		idt[i] = (struct idt_gate){ at, SEL_CODE64, 0x8e00, at >> 16, at >> 32, 0 };
	}
	asm volatile("lidt %0" :: "m"(idtr));
}

struct trap_frame {
	u64 gpr[16];
	u64 vector, error;
	u64 rip, cs, rflags, rsp, ss;
};

void __noreturn trap(const struct trap_frame *f);
void __noreturn trap(const struct trap_frame *f)
{
	struct hvhost_regs regs = {
		.cpu = lapic_id(), .vector = f->vector,
		.rip = f->rip, .rsp = f->rsp, .rflags = f->rflags,
	};

	memcpy(regs.gpr, f->gpr, sizeof(regs.gpr));
	asm volatile("mov %%cr0, %0" : "=r"(regs.cr0));
	asm volatile("mov %%cr2, %0" : "=r"(regs.cr2));
	asm volatile("mov %%cr3, %0" : "=r"(regs.cr3));
	asm volatile("mov %%cr4, %0" : "=r"(regs.cr4));
	hv_fatal(&regs, "exception %lu in hvhost, error code %lx", f->vector, f->error);
}

void ap_main(void);
void ap_main(void)
{
	u32 id = lapic_id(), i;

	trap_init();
	/* INIT resets the MTRRs in QEMU; Linux complains about CPUs that differ. */
	for (i = 0; i < ARRAY_SIZE(mtrr_msrs); i++)
		wrmsr(mtrr_msrs[i], mtrrs[i]);
	store_release(&ap_started, true);
	if (id == host.host_apic)
		host_loop();
	smp_park(id);
}

static void start_one(u32 id)
{
	u64 deadline;

	ap_stack = (u64)&stacks[id][STACK_SIZE];
	WRITE_ONCE(ap_started, false);
	lapic_send_init(id);
	deadline = rdtsc() + host_us_to_tsc(1000);
	while (rdtsc() < deadline)
		cpu_wait();
	lapic_send_startup(id, AP_TRAMPOLINE);
	deadline = rdtsc() + host_us_to_tsc(10000000);
	while (!load_acquire(&ap_started)) {
		if (rdtsc() > deadline)
			hv_fatal(NULL, "CPU %u did not start", id);
		cpu_wait();
	}
}

void smp_start(u32 cpus)
{
	u32 i;

	if (lapic_id())
		hv_fatal(NULL, "boot CPU has APIC id %u", lapic_id());
	for (i = 0; i < ARRAY_SIZE(mtrr_msrs); i++)
		mtrrs[i] = rdmsr(mtrr_msrs[i]);
	memcpy((void *)AP_TRAMPOLINE, ap_trampoline, ap_trampoline_end - ap_trampoline);
	for (i = 1; i < cpus; i++)
		start_one(i);
}

void smp_park(u32 cpu)
{
	struct park *p = &park[cpu];

	/* An NMI between the test and the halt is lost, but not the next: see smp_release(). */
	while (!load_acquire(&p->go))
		asm volatile("cli; hlt" ::: "memory");
	WRITE_ONCE(mailbox_stats(cpu)->state, HVHOST_CPU_GUEST);
	while (!load_acquire(&p->settled))
		cpu_relax();
	svm_enter(cpu, p->rip, p->rsi);
}

void smp_release(u32 cpu, u64 rip, u64 rsi)
{
	struct hvhost_cpu_stats *st = mailbox_stats(cpu);

	park[cpu].rip = rip;
	park[cpu].rsi = rsi;
	store_release(&park[cpu].go, true);
	while (READ_ONCE(st->state) == HVHOST_CPU_PARKED) {
		u64 until = rdtsc() + host_us_to_tsc(100);

		lapic_send_nmi(cpu);
		while (rdtsc() < until && READ_ONCE(st->state) == HVHOST_CPU_PARKED)
			cpu_relax();
	}
	store_release(&park[cpu].settled, true);
}

bool smp_poll_wakeup(void)
{
	struct mp_mailbox *mb = (void *)(HVHOST_MAILBOX + HVHOST_OFF_MP_MAILBOX);
	u32 id;

	if (load_acquire(&mb->command) != MP_WAKEUP)
		return false;
	id = mb->apic_id;
	if (id == 0 || id >= host.cpus || mailbox_stats(id)->state == HVHOST_CPU_DEAD)
		hv_log("guest asks to wake CPU %u", id);
	else if (mailbox_stats(id)->state == HVHOST_CPU_PARKED)
		smp_release(id, mb->wakeup_vector, 0);
	else
		svm_restart(id, mb->wakeup_vector);
	store_release(&mb->command, 0);
	return true;
}

void host_kick(void)
{
	WRITE_ONCE(host_kicked, true);
	full_fence();
	if (READ_ONCE(host_sleeping))
		lapic_send_fixed(host.host_apic, LAPIC_VECTOR_WAKE);
}

void smp_host_idle(void)
{
	WRITE_ONCE(host_sleeping, true);
	full_fence();
	if (!READ_ONCE(host_kicked))
		asm volatile("sti; hlt; cli" ::: "memory");
	else
		/* Take a pending tick now, so that it does not end the next halt at once. */
		asm volatile("sti; nop; cli" ::: "memory");
	WRITE_ONCE(host_sleeping, false);
	WRITE_ONCE(host_kicked, false);
	full_fence();
}
