// SPDX-License-Identifier: GPL-2.0
/*
 * World switch and exit dispatch. There are no nested page tables: guest-physical is physical, and
 * the guest runs its local APIC, I/O APIC and devices natively. Only what makes the machine look
 * like Hyper-V is intercepted.
 */
#include "svm.h"
#include "asm.h"
#include "host.h"
#include "lapic.h"
#include "lib.h"
#include "mailbox.h"
#include "x86.h"

#define EXIT_NMI	0x61	/* APM vol. 2, appendix C */
#define EXIT_CPUID	0x72
#define EXIT_MSR	0x7c
#define EXIT_SHUTDOWN	0x7f
#define EXIT_VMRUN	0x80
#define EXIT_VMMCALL	0x81
#define EXIT_SKINIT	0x86

/* Intercept bits count from exit code 0x60. */
#define INTERCEPT(code)	BIT_ULL((code) - 0x60)

/* APM vol. 2, 15.20: valid, error code follows, type in bits 10:8, vector */
#define EVENT_GP	(BIT_ULL(31) | BIT_ULL(11) | 3 << 8 | 13)
#define EVENT_UD	(BIT_ULL(31) | 3 << 8 | 6)
#define EVENT_NMI	(BIT_ULL(31) | 2 << 8 | 2)

#define LEN_CPUID_MSR	2	/* CPUID, RDMSR, WRMSR; TCG has no next-RIP saving */
#define LEN_VMMCALL	3

extern void svm_run(struct vcpu *v);

/*
 * In the start state of the Linux 64-bit boot protocol and of the ACPI wakeup vector: long mode,
 * hvhost's identity map and GDT.
 */
extern u8 gdt[], gdt_end[];
extern u64 boot_pml4[512];

static struct vmcb vmcbs[HVHOST_MAX_CPUS];
static u8 hsave[HVHOST_MAX_CPUS][PAGE_SIZE] __aligned(4096);
static u8 msrpm[8192] __aligned(4096);		/* APM 15.11; MSRs outside its ranges always exit */
static struct vcpu vcpus[HVHOST_MAX_CPUS];

static_assert(offsetof(struct vcpu, vmcb) == VCPU_VMCB, "boot.S");
static_assert(offsetof(struct vmcb, c.exit_code) == 0x70, "APM");
static_assert(offsetof(struct vmcb, c.event_inj) == 0xa8, "APM");
static_assert(offsetof(struct vmcb, s) == 0x400, "APM");
static_assert(offsetof(struct vmcb, s.cpl) == 0x4cb, "APM");
static_assert(offsetof(struct vmcb, s.efer) == 0x4d0, "APM");
static_assert(offsetof(struct vmcb, s.rip) == 0x578, "APM");
static_assert(offsetof(struct vmcb, s.rax) == 0x5f8, "APM");
static_assert(offsetof(struct vmcb, s.cr2) == 0x640, "APM");
static_assert(sizeof(struct vmcb) == 4096, "APM");

struct vcpu *vcpu_get(u32 index)
{
	HV_ASSERT(index < host.cpus);
	return &vcpus[index];
}

void svm_regs(const struct vcpu *v, struct hvhost_regs *regs)
{
	const struct vmcb *b = v->vmcb;

	*regs = (struct hvhost_regs){
		.cpu = v->index, .vector = ~0u,
		.exit_code = b->c.exit_code,
		.exit_info_1 = b->c.exit_info_1, .exit_info_2 = b->c.exit_info_2,
		.rip = b->s.rip, .rsp = b->s.rsp, .rflags = b->s.rflags,
		.cr0 = b->s.cr0, .cr2 = b->s.cr2, .cr3 = b->s.cr3, .cr4 = b->s.cr4,
	};
	memcpy(regs->gpr, v->gpr, sizeof(regs->gpr));
	regs->gpr[GPR_RAX] = b->s.rax;
	regs->gpr[GPR_RSP] = b->s.rsp;
}

void svm_inject_gp(struct vcpu *v)
{
	v->vmcb->c.event_inj = EVENT_GP;
}

void svm_inject_ud(struct vcpu *v)
{
	v->vmcb->c.event_inj = EVENT_UD;
}

static void skip(struct vcpu *v, u32 len)
{
	v->vmcb->s.rip += len;
	v->vmcb->c.int_state = 0;
}

static void reset_registers(struct vcpu *v, u64 rip, u64 rsi)
{
	struct vmcb_seg data = { SEL_DATA, 0xc93, 0xffffffff, 0 };
	struct vmcb *b = v->vmcb;

	memset(v->gpr, 0, sizeof(v->gpr));
	v->gpr[GPR_RSI] = rsi;
	memset(&b->s, 0, sizeof(b->s));
	b->s.cs = (struct vmcb_seg){ SEL_CODE64, 0xa9b, 0xffffffff, 0 };
	b->s.ds = data;
	b->s.es = data;
	b->s.ss = data;
	b->s.gdtr = (struct vmcb_seg){ 0, 0, gdt_end - gdt - 1, (u64)gdt };
	b->s.efer = EFER_SVME | EFER_NXE | EFER_LMA | EFER_LME;
	b->s.cr0 = 0x80010033;			/* PG WP NE ET MP PE */
	b->s.cr3 = (u64)boot_pml4;
	b->s.cr4 = 0x20;			/* PAE */
	b->s.dr6 = 0xffff0ff0;			/* reset values */
	b->s.dr7 = 0x400;
	b->s.rflags = 2;
	b->s.rip = rip;
}

static void vcpu_init(struct vcpu *v, u32 cpu)
{
	struct vmcb *b = &vmcbs[cpu];
	u64 code;
	u32 i;

	v->vmcb = b;
	v->index = cpu;
	v->stats = mailbox_stats(cpu);
	for (i = 0; i < HV_SINT_COUNT; i++)
		v->synic.sint[i] = 0x10000;	/* TLFS 11.8, SINTx: masked at reset */

	b->c.intercepts = INTERCEPT(EXIT_NMI) | INTERCEPT(EXIT_CPUID) | INTERCEPT(EXIT_MSR) |
			  INTERCEPT(EXIT_SHUTDOWN);
	for (code = EXIT_VMRUN; code <= EXIT_SKINIT; code++)
		b->c.intercepts |= INTERCEPT(code);
	b->c.msrpm_base = (u64)msrpm;
	b->c.asid = 1;
}

static void exit_msr(struct vcpu *v)
{
	struct vmcb *b = v->vmcb;
	u32 msr = v->gpr[GPR_RCX];
	u64 value;

	v->stats->msr++;
	if (b->c.exit_info_1) {
		value = (u32)b->s.rax | v->gpr[GPR_RDX] << 32;
		if (!msr_write(v, msr, value))
			return;
	} else {
		if (!msr_read(v, msr, &value))
			return;
		b->s.rax = (u32)value;
		v->gpr[GPR_RDX] = value >> 32;
	}
	skip(v, LEN_CPUID_MSR);
}

static void exit_vmmcall(struct vcpu *v)
{
	struct vmcb *b = v->vmcb;

	v->stats->hypercall++;
	if (b->s.cpl || !hypercall_enabled()) {		/* TLFS 3.5: ring 0 only, else #UD */
		svm_inject_ud(v);
		return;
	}
	b->s.rax = hypercall(v, v->gpr[GPR_RCX], v->gpr[GPR_RDX], v->gpr[GPR_R8]);
	skip(v, LEN_VMMCALL);
}

void svm_restart(u32 cpu, u64 rip)
{
	struct vcpu *v = vcpu_get(cpu);

	v->restart_rip = rip;
	store_release(&v->restart, true);
	lapic_send_nmi(cpu);		/* one: a second would reach a CPU that has no IDT yet */
	while (READ_ONCE(v->restart))
		cpu_relax();
}

/* Ours, with which the host CPU asks for a restart, or one that the guest sent. */
static void exit_nmi(struct vcpu *v)
{
	/* The intercept leaves it pending (APM 15.13.4): take it here, where it does nothing. */
	asm volatile("stgi; nop; clgi" ::: "memory");
	if (!load_acquire(&v->restart)) {
		v->vmcb->c.event_inj = EVENT_NMI;
		return;
	}
	reset_registers(v, v->restart_rip, 0);
	v->vmcb->c.int_state = 0;
	store_release(&v->restart, false);
}

static void __noreturn exit_shutdown(struct vcpu *v)
{
	struct hvhost_regs regs;

	svm_regs(v, &regs);
	WRITE_ONCE(v->stats->state, HVHOST_CPU_DEAD);
	mailbox_event1(HVHOST_EVT_TRIPLE, 0, 0, &regs, sizeof(regs));
	for (;;)
		asm volatile("hlt");		/* interrupts are off by CLGI */
}

static void handle_exit(struct vcpu *v)
{
	struct vmcb *b = v->vmcb;
	struct hvhost_cpu_stats *st = v->stats;
	struct hvhost_regs regs;

	st->exits++;
	st->last_rip = b->s.rip;
	st->last_exit_code = b->c.exit_code;
	st->last_exit_tsc = rdtsc();
	b->c.event_inj = 0;

	switch (b->c.exit_code) {
	case EXIT_NMI:
		st->other++;
		exit_nmi(v);
		break;
	case EXIT_CPUID:
		st->cpuid++;
		cpuid_emulate(v);
		skip(v, LEN_CPUID_MSR);
		break;
	case EXIT_MSR:
		exit_msr(v);
		break;
	case EXIT_VMMCALL:
		exit_vmmcall(v);
		break;
	case EXIT_SHUTDOWN:
		exit_shutdown(v);
	case EXIT_VMRUN:
	case EXIT_VMMCALL + 1 ... EXIT_SKINIT:
		st->other++;			/* CPUID says that there is no SVM */
		svm_inject_ud(v);
		break;
	default:
		svm_regs(v, &regs);
		hv_fatal(&regs, "unexpected #VMEXIT %lx", b->c.exit_code);
	}
}

void svm_enter(u32 cpu, u64 rip, u64 rsi)
{
	struct vcpu *v = &vcpus[cpu];
	u32 efer_byte = 0x800 + (MSR_EFER & 0x1fff) / 4;	/* APM 15.11: second range */

	msrpm[efer_byte] |= 3 << (MSR_EFER & 3) * 2;		/* read and write */
	vcpu_init(v, cpu);
	reset_registers(v, rip, rsi);
	wrmsr(MSR_EFER, rdmsr(MSR_EFER) | EFER_SVME);
	wrmsr(MSR_VM_HSAVE_PA, (u64)hsave[cpu]);
	asm volatile("clgi");
	mailbox_event1(HVHOST_EVT_CPU_UP, 0, 0, &cpu, sizeof(cpu));
	for (;;) {
		svm_run(v);
		handle_exit(v);
	}
}
