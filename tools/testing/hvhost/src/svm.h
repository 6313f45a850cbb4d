/* SPDX-License-Identifier: GPL-2.0 */
/* The guest's CPUs: AMD SVM as QEMU's TCG implements it (AMD APM vol. 2, chapter 15). */
#ifndef HVHOST_SVM_H
#define HVHOST_SVM_H

#include "types.h"
#include "hvhost_abi.h"

/* APM vol. 2, table B-1 */
struct vmcb_control {
	u16 cr_read, cr_write, dr_read, dr_write;
	u32 exceptions;
	u64 intercepts;
	u8 reserved1[44];
	u64 iopm_base;
	u64 msrpm_base;
	u64 tsc_offset;
	u32 asid;
	u32 tlb_ctl;
	u32 int_ctl, int_vector;
	u64 int_state;
	u64 exit_code;
	u64 exit_info_1, exit_info_2;
	u64 exit_int_info;
	u64 nested_ctl;
	u8 reserved2[16];
	u64 event_inj;
	u64 nested_cr3;
	u8 reserved3[0x400 - 0xb8];
} __packed;

struct vmcb_seg {
	u16 selector, attr;
	u32 limit;
	u64 base;
};

/* APM vol. 2, table B-2 */
struct vmcb_save {
	struct vmcb_seg es, cs, ss, ds, fs, gs, gdtr, ldtr, idtr, tr;
	u8 reserved1[43];
	u8 cpl;
	u32 reserved2;
	u64 efer;
	u8 reserved3[112];
	u64 cr4, cr3, cr0, dr7, dr6, rflags, rip;
	u8 reserved4[88];
	u64 rsp;
	u8 reserved5[24];
	u64 rax;
	u64 star, lstar, cstar, sfmask, kernel_gs_base;
	u64 sysenter_cs, sysenter_esp, sysenter_eip;
	u64 cr2;
	u8 reserved6[0xc00 - 0x248];
} __packed;

struct vmcb {
	struct vmcb_control c;
	struct vmcb_save s;
} __aligned(4096);

/* TLFS 11, SINTx: synthetic interrupt sources */
#define HV_SINT_COUNT	16

struct synic {
	u64 scontrol, siefp, simp;
	u64 sint[HV_SINT_COUNT];
};

struct vcpu {
	u64 gpr[16];			/* as in struct hvhost_regs; RAX and RSP live in the VMCB */
	struct vmcb *vmcb;
	u32 index;			/* VP index = APIC id */
	struct hvhost_cpu_stats *stats;
	struct synic synic;		/* written by this CPU's exits, read by the host CPU */
	u64 vp_assist;
	bool restart;			/* set by the host CPU, see svm_restart() */
	u64 restart_rip;
};

enum { GPR_RAX, GPR_RCX, GPR_RDX, GPR_RBX, GPR_RSP, GPR_RBP, GPR_RSI, GPR_RDI, GPR_R8 };

/* Enter the guest on this CPU and serve its exits for ever. */
void __noreturn svm_enter(u32 cpu, u64 rip, u64 rsi);

struct vcpu *vcpu_get(u32 index);

/*
 * Host CPU: tear guest CPU @cpu out of what it does, which should be the halt loop of a CPU that
 * was taken offline, and let it start again at @rip as svm_enter() does.
 */
void svm_restart(u32 cpu, u64 rip);

/* Queue #GP(0) or #UD for the guest; RIP must still point at the instruction. */
void svm_inject_gp(struct vcpu *v);
void svm_inject_ud(struct vcpu *v);

/* The register file as reports carry it. */
void svm_regs(const struct vcpu *v, struct hvhost_regs *regs);

/* Emulations, one file each. They do not advance RIP; false: #GP was injected instead. */
void cpuid_emulate(struct vcpu *v);
bool msr_read(struct vcpu *v, u32 msr, u64 *value);
bool msr_write(struct vcpu *v, u32 msr, u64 value);
u64 hypercall(struct vcpu *v, u64 control, u64 in, u64 out);

/* The partition-wide hypercall page MSR says "enabled". */
bool hypercall_enabled(void);

#endif
