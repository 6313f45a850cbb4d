// SPDX-License-Identifier: GPL-2.0
/* CPUID: QEMU's leaves with the hypervisor bit, and the Hyper-V leaves (TLFS chapter 2). */
#include "svm.h"
#include "host.h"
#include "lib.h"
#include "x86.h"

#define LEAF_MAX_HV		0x40000006	/* Linux takes 0x40000005 to 0x4000ffff */

/* TLFS 2.4.4 and HV_PARTITION_PRIVILEGE_MASK, 4.2.2: leaf 0x40000003, EAX */
#define ACCESS_PARTITION_REFERENCE_COUNTER	BIT(1)
#define ACCESS_SYNIC_REGS			BIT(2)
#define ACCESS_INTR_CTRL_REGS			BIT(4)
#define ACCESS_HYPERCALL_MSRS			BIT(5)
#define ACCESS_VP_INDEX				BIT(6)
#define ACCESS_PARTITION_REFERENCE_TSC		BIT(9)
#define ACCESS_FREQUENCY_REGS			BIT(11)
/* EBX. Bit 12, CPU management, would make Linux the root partition. */
#define POST_MESSAGES				BIT(4)
#define SIGNAL_EVENTS				BIT(5)
/* EDX */
#define FREQUENCY_REGS_AVAILABLE		BIT(8)
#define GUEST_CRASH_REGS_AVAILABLE		BIT(10)

/* TLFS 2.4.5: leaf 0x40000004, EAX */
#define RELAXED_TIMING				BIT(5)
/* The local APIC is native: nobody could EOI for the guest. */
#define DEPRECATE_AUTO_EOI			BIT(9)

static void hv_leaf(u32 leaf, u32 r[4])
{
	static const char vendor[12] = "Microsoft Hv";

	memset(r, 0, 4 * sizeof(r[0]));
	switch (leaf) {
	case 0x40000000:
		r[0] = LEAF_MAX_HV;
		memcpy(&r[1], vendor, sizeof(vendor));
		break;
	case 0x40000001:
		r[0] = 0x31237648;	/* "Hv#1" */
		break;
	case 0x40000002:		/* version: build 20348, 10.0, as Windows Server 2022 */
		r[0] = 20348;
		r[1] = 10 << 16;
		break;
	case 0x40000003:
		r[0] = ACCESS_PARTITION_REFERENCE_COUNTER | ACCESS_SYNIC_REGS |
		       ACCESS_INTR_CTRL_REGS | ACCESS_HYPERCALL_MSRS | ACCESS_VP_INDEX |
		       ACCESS_PARTITION_REFERENCE_TSC | ACCESS_FREQUENCY_REGS;
		r[1] = POST_MESSAGES | SIGNAL_EVENTS;
		r[3] = FREQUENCY_REGS_AVAILABLE | GUEST_CRASH_REGS_AVAILABLE;
		break;
	case 0x40000004:
		r[0] = RELAXED_TIMING | DEPRECATE_AUTO_EOI;
		r[1] = 0xffffffff;	/* never notify about long spins */
		break;
	case 0x40000005:
		r[0] = host.cpus;
		break;
	}
}

void cpuid_emulate(struct vcpu *v)
{
	u64 cr4 = v->vmcb->s.cr4;
	u32 leaf = v->vmcb->s.rax, sub = v->gpr[GPR_RCX];
	u32 r[4];

	if (leaf >= 0x40000000 && leaf <= 0x400000ff) {
		hv_leaf(leaf, r);
	} else {
		cpuid_raw(leaf, sub, r);
		switch (leaf) {
		case 1:
			r[2] |= 1u << 31;		/* a hypervisor is present */
			/* OSXSAVE and OSPKE mirror CR4, and here that is hvhost's. */
			r[2] &= ~(1u << 27);
			if (cr4 & X86_CR4_OSXSAVE)
				r[2] |= 1u << 27;
			break;
		case 7:
			if (sub)
				break;
			r[2] &= ~(1u << 4);
			if (cr4 & X86_CR4_PKE)
				r[2] |= 1u << 4;
			break;
		case 0x80000001:
			r[2] &= ~(1u << 2);		/* SVM is taken */
			break;
		case 0x8000000a:
			memset(r, 0, sizeof(r));
			break;
		}
	}
	v->vmcb->s.rax = r[0];
	v->gpr[GPR_RBX] = r[1];
	v->gpr[GPR_RCX] = r[2];
	v->gpr[GPR_RDX] = r[3];
}
