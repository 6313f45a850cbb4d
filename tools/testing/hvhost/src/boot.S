/* SPDX-License-Identifier: GPL-2.0 */
/*
 * Entry from QEMU's multiboot loader, the application processors' way into long mode, interrupt
 * stubs, and the world switch.
 */
#include "asm.h"

#define MULTIBOOT_MAGIC		0x1badb002	/* Multiboot specification 0.6.96, 3.1.1 */
#define MULTIBOOT_FLAGS		0x3		/* modules on pages, memory map wanted */

	.section .multiboot, "ax"
	.balign 4
	.long MULTIBOOT_MAGIC, MULTIBOOT_FLAGS, -(MULTIBOOT_MAGIC + MULTIBOOT_FLAGS)

	.code32
	.globl _start
_start:
	cli
	movl	%ebx, multiboot_info
	movl	%eax, multiboot_magic

	/* Identity map of 4 GiB in 2 MiB pages; paging_init() adds what lies above. */
	movl	$boot_pds, %edi
	movl	$0x83, %eax
	movl	$2048, %ecx
1:	movl	%eax, (%edi)
	movl	$0, 4(%edi)
	addl	$0x200000, %eax
	addl	$8, %edi
	loop	1b
	movl	$(boot_pds + 3), %eax
	movl	$boot_pdpt, %edi
	movl	$4, %ecx
1:	movl	%eax, (%edi)
	addl	$4096, %eax
	addl	$8, %edi
	loop	1b
	movl	$(boot_pdpt + 3), boot_pml4

	movl	$boot_stack_top, %esp
	movl	$bsp_entry64, %ebx
	jmp	enter_long_mode

bsp_entry64:
	.code64
	call	hv_main
1:	cli
	hlt
	jmp	1b

	/* 32-bit protected mode, flat; continue in 64-bit mode at %ebx. */
	.code32
enter_long_mode:
	lgdt	gdt_pointer
	movl	$0x20, %eax		/* CR4.PAE */
	movl	%eax, %cr4
	movl	$boot_pml4, %eax
	movl	%eax, %cr3
	movl	$0xc0000080, %ecx	/* EFER: LME, NXE */
	movl	$0x900, %eax
	xorl	%edx, %edx
	wrmsr
	movl	$0x80010033, %eax	/* PG WP NE ET MP PE */
	movl	%eax, %cr0
	ljmp	$SEL_CODE64, $1f
1:
	.code64
	movl	$SEL_DATA, %eax
	movl	%eax, %ds
	movl	%eax, %es
	movl	%eax, %ss
	movl	%ebx, %ebx
	jmp	*%rbx

	.text
ap_entry64:
	movq	ap_stack(%rip), %rsp
	call	ap_main
1:	cli
	hlt
	jmp	1b

	/*
	 * Copied to AP_TRAMPOLINE, where a SIPI starts an AP in real mode. Nothing in it may
	 * depend on where it was linked.
	 */
	.code16
	.globl ap_trampoline, ap_trampoline_end
ap_trampoline:
	cli
	xorw	%ax, %ax
	movw	%ax, %ds
	lgdtl	AP_TRAMPOLINE + (ap_gdt_pointer - ap_trampoline)
	movl	%cr0, %eax
	orl	$1, %eax
	movl	%eax, %cr0
	ljmpl	$SEL_CODE32, $ap_entry32
	.balign 4
ap_gdt_pointer:
	.word	gdt_end - gdt - 1
	.long	gdt
ap_trampoline_end:

	.code32
ap_entry32:
	movl	$SEL_DATA, %eax
	movl	%eax, %ds
	movl	%eax, %es
	movl	%eax, %ss
	movl	$ap_entry64, %ebx
	jmp	enter_long_mode

	.code64
	/*
	 * u64 svm_run(struct vcpu *v): one stay in the guest. The registers that VMRUN does not
	 * switch are exchanged here: all general ones but RAX and RSP.
	 */
	.globl svm_run
svm_run:
	pushq	%rbx
	pushq	%rbp
	pushq	%r12
	pushq	%r13
	pushq	%r14
	pushq	%r15
	pushq	%rdi
	movq	VCPU_VMCB(%rdi), %rax
	movq	VCPU_RCX(%rdi), %rcx
	movq	VCPU_RDX(%rdi), %rdx
	movq	VCPU_RBX(%rdi), %rbx
	movq	VCPU_RBP(%rdi), %rbp
	movq	VCPU_RSI(%rdi), %rsi
	movq	VCPU_R8(%rdi), %r8
	movq	VCPU_R8+8(%rdi), %r9
	movq	VCPU_R8+16(%rdi), %r10
	movq	VCPU_R8+24(%rdi), %r11
	movq	VCPU_R8+32(%rdi), %r12
	movq	VCPU_R8+40(%rdi), %r13
	movq	VCPU_R8+48(%rdi), %r14
	movq	VCPU_R8+56(%rdi), %r15
	movq	VCPU_RDI(%rdi), %rdi
	vmrun
	xchgq	%rdi, (%rsp)
	movq	%rcx, VCPU_RCX(%rdi)
	movq	%rdx, VCPU_RDX(%rdi)
	movq	%rbx, VCPU_RBX(%rdi)
	movq	%rbp, VCPU_RBP(%rdi)
	movq	%rsi, VCPU_RSI(%rdi)
	movq	%r8, VCPU_R8(%rdi)
	movq	%r9, VCPU_R8+8(%rdi)
	movq	%r10, VCPU_R8+16(%rdi)
	movq	%r11, VCPU_R8+24(%rdi)
	movq	%r12, VCPU_R8+32(%rdi)
	movq	%r13, VCPU_R8+40(%rdi)
	movq	%r14, VCPU_R8+48(%rdi)
	movq	%r15, VCPU_R8+56(%rdi)
	popq	VCPU_RDI(%rdi)
	popq	%r15
	popq	%r14
	popq	%r13
	popq	%r12
	popq	%rbp
	popq	%rbx
	ret

	/* One stub for each vector, TRAP_STUB_SIZE apart. */
	.balign TRAP_STUB_SIZE
	.globl trap_stubs
trap_stubs:
	vector = 0
	.rept 256
	.balign TRAP_STUB_SIZE
	.if vector == 2
	/* NMI: wakes a halted CPU, nothing else. */
	iretq
	.elseif vector < 32
	.if ((0x27d00 >> vector) & 1) == 0	/* no error code of its own */
	pushq	$0
	.endif
	pushq	$vector
	jmp	trap_common
	.else
	jmp	irq_common
	.endif
	vector = vector + 1
	.endr

	/*
	 * Any interrupt: acknowledge it and go back. Whoever halted looks for work by itself. The
	 * guest's "all but self" IPIs end here too.
	 */
irq_common:
	pushq	%rax
	movl	$(LAPIC_BASE + 0xb0), %eax
	movl	$0, (%rax)
	popq	%rax
	iretq

trap_common:
	pushq	%r15
	pushq	%r14
	pushq	%r13
	pushq	%r12
	pushq	%r11
	pushq	%r10
	pushq	%r9
	pushq	%r8
	pushq	%rdi
	pushq	%rsi
	pushq	%rbp
	pushq	%rsp
	pushq	%rbx
	pushq	%rdx
	pushq	%rcx
	pushq	%rax
	movq	%rsp, %rdi
	cld
	andq	$-16, %rsp
	call	trap
1:	cli
	hlt
	jmp	1b

	.data
	.balign 8
	.globl gdt, gdt_end
gdt:
	.quad	0
	.quad	0x00cf9b000000ffff	/* 0x08: 32-bit code */
	.quad	0x00af9b000000ffff	/* 0x10: 64-bit code, the selector of the boot protocol */
	.quad	0x00cf93000000ffff	/* 0x18: data */
gdt_end:
gdt_pointer:
	.word	gdt_end - gdt - 1
	.long	gdt
	.globl multiboot_info, multiboot_magic, ap_stack
	.balign 8
multiboot_info:
	.long	0
multiboot_magic:
	.long	0
ap_stack:
	.quad	0

	.bss
	.balign 4096
	.globl boot_pml4, boot_pdpt
boot_pml4:
	.skip	4096
boot_pdpt:
	.skip	4096
boot_pds:
	.skip	4 * 4096
boot_stack:
	.skip	16384
boot_stack_top:
