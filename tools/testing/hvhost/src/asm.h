/* SPDX-License-Identifier: GPL-2.0 */
/* Constants that boot.S and the C files share. */
#ifndef HVHOST_ASM_H
#define HVHOST_ASM_H

/* Selectors of the GDT in boot.S; code and data as the Linux 64-bit boot protocol wants them. */
#define SEL_CODE32	0x08
#define SEL_CODE64	0x10
#define SEL_DATA	0x18

#define AP_TRAMPOLINE	0x8000		/* below 1 MiB, page aligned: a SIPI's start address */
#define LAPIC_BASE	0xfee00000	/* Intel SDM vol. 3, 11.4.1 */
#define TRAP_STUB_SIZE	16

/* Offsets in struct vcpu; svm.c asserts them. */
#define VCPU_RAX	0x00
#define VCPU_RCX	0x08
#define VCPU_RDX	0x10
#define VCPU_RBX	0x18
#define VCPU_RSP	0x20
#define VCPU_RBP	0x28
#define VCPU_RSI	0x30
#define VCPU_RDI	0x38
#define VCPU_R8		0x40
#define VCPU_VMCB	0x80

#endif
