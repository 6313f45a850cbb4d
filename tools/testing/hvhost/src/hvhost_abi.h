/* SPDX-License-Identifier: GPL-2.0 */
/*
 * The interface between hvhost.elf and the program that drives it from outside: a mailbox in guest
 * memory that both map. QEMU keeps guest memory in a shared file, so guest-physical addresses
 * below 3 GiB are offsets into that file.
 *
 * hvhost/abi.py reads every #define of this file, and checks the structure sizes against
 * HVHOST_SIZEOF_*: this header is the only place where the interface is written down.
 *
 * All integers are little-endian. Nothing here knows what a VMBus device is used for.
 */
#ifndef HVHOST_ABI_H
#define HVHOST_ABI_H

#define HVHOST_MAGIC		0x31304c4d54534f48	/* "HOSTML01" in memory */
#define HVHOST_ABI_VERSION	1

/*
 * Guest-physical memory that belongs to hvhost; the guest is told that it is reserved. An ELF
 * vmlinux is linked to run at 16 MiB, so the end cannot move up.
 */
#define HVHOST_BASE		0x100000
#define HVHOST_END		0x1000000
#define HVHOST_MAILBOX		0x300000
#define HVHOST_CMD_RING		0x400000
#define HVHOST_CMD_SIZE		0x100000
#define HVHOST_EVT_RING		0x500000
#define HVHOST_EVT_SIZE		0x400000
#define HVHOST_HEAP		0x900000

/* Offsets from HVHOST_MAILBOX. */
#define HVHOST_OFF_MAGIC	0x000	/* u64, written last */
#define HVHOST_OFF_VERSION	0x008	/* u32 */
#define HVHOST_OFF_CPUS		0x00c	/* u32, guest CPUs */
#define HVHOST_OFF_TSC_HZ	0x010	/* u64 */
#define HVHOST_OFF_HOST_APIC	0x018	/* u32, APIC id of the CPU that never runs the guest */
#define HVHOST_OFF_E820_COUNT	0x01c	/* u32 */
#define HVHOST_OFF_TSC0		0x020	/* u64, TSC at which the partition reference time is 0 */
#define HVHOST_OFF_CMD_HEAD	0x100	/* u64, bytes ever written to the command ring */
#define HVHOST_OFF_CMD_TAIL	0x140	/* u64, bytes ever read from it */
#define HVHOST_OFF_EVT_HEAD	0x180	/* u64, bytes ever written to the event ring */
#define HVHOST_OFF_EVT_TAIL	0x1c0	/* u64, bytes ever read from it */
#define HVHOST_OFF_EVT_WAIT	0x200	/* u32, 1: ring the doorbell port at the next event */
#define HVHOST_OFF_E820		0x800	/* the firmware's map: {u64 addr, size; u32 type;} packed */
#define HVHOST_E820_MAX		64
#define HVHOST_OFF_STATS	0x2000	/* struct hvhost_cpu_stats, one per guest CPU */
#define HVHOST_OFF_MP_MAILBOX	0x8000	/* ACPI multiprocessor wakeup mailbox, a page */
#define HVHOST_OFF_ACPI		0x9000	/* free for the driving program's ACPI table, 4 KiB */

#define HVHOST_DOORBELL_PORT	0xea
#define HVHOST_LOG_PORT		0xe9

#define HVHOST_MAX_CPUS		16
#define HVHOST_MAX_DEVICES	64
#define HVHOST_MAX_PACKET	0x20000	/* bytes of a packet in one command or event */

/* Kept up to date by each guest CPU at every #VMEXIT: what a hang is diagnosed from. */
struct hvhost_cpu_stats {
	unsigned long long exits;
	unsigned long long cpuid;
	unsigned long long msr;
	unsigned long long hypercall;
	unsigned long long io;
	unsigned long long other;
	unsigned long long last_rip;
	unsigned long long last_exit_code;
	unsigned long long last_exit_tsc;
	unsigned long long state;	/* HVHOST_CPU_* */
	unsigned long long irqs;	/* SynIC interrupts sent to this CPU */
	unsigned long long reserved[5];
};

#define HVHOST_SIZEOF_cpu_stats	128
#define HVHOST_CPU_PARKED	0
#define HVHOST_CPU_GUEST	1
#define HVHOST_CPU_DEAD		2

/* Head of every frame of both rings. Frames start at multiples of 8 and may wrap. */
struct hvhost_frame {
	unsigned int len;		/* bytes, this header included */
	unsigned short type;
	unsigned short flags;
	unsigned int seq;		/* in events: of the command that is answered, or 0 */
	unsigned int dev;		/* device number, chosen by the driving program, or 0 */
	unsigned long long tsc;		/* events: when it happened */
};

#define HVHOST_SIZEOF_frame	24

/* Commands. Each is answered by exactly one HVHOST_EVT_ACK. */
#define HVHOST_CMD_NOP		1
#define HVHOST_CMD_CONFIG	2	/* struct hvhost_config; all of it is replaced */
#define HVHOST_CMD_BOOT		3	/* struct hvhost_boot */
#define HVHOST_CMD_OFFER	4	/* struct hvhost_offer: a new device */
#define HVHOST_CMD_RESCIND	5
#define HVHOST_CMD_REOFFER	6	/* undo a rescind; -EBUSY unless it is withdrawn */
#define HVHOST_CMD_REMOVE	7	/* rescind and forget */
#define HVHOST_CMD_SEND		8	/* struct hvhost_send and the payload */
#define HVHOST_CMD_RAW		9	/* bytes for the host->guest ring; HVHOST_SEND_NO_SIGNAL */
#define HVHOST_CMD_POKE		10	/* struct hvhost_poke */
#define HVHOST_CMD_PEEK		11	/* answered by ACK with struct hvhost_ring_state */
#define HVHOST_CMD_STALL	12	/* flags 1: leave guest->host packets where they are */
#define HVHOST_CMD_POST		13	/* messages {u32 len, 0; u8 data[]}, each padded to 8 */
#define HVHOST_CMD_SIGNAL	14	/* raise the channel's event */
#define HVHOST_CMD_CANCEL	15	/* drop what is queued; their ACKs say -ECANCELED */
#define HVHOST_CMD_RESCIND_UPON	16	/* struct hvhost_upon: rescind, once that happens */

/* flags of HVHOST_CMD_SEND */
#define HVHOST_SEND_NO_SIGNAL	0x0001	/* leave the guest uninformed */
#define HVHOST_SEND_NO_WAIT	0x0002	/* ring full: fail with -ENOSPC, do not wait */
#define HVHOST_SEND_SERIAL	0x0004	/* wait for the answer to the last SERIAL packet */
#define HVHOST_SEND_RAW_DESC	0x0008	/* offset8 and len8 as given */
#define HVHOST_SEND_TRAILER	0x0010	/* trailer as given */

struct hvhost_config {
	unsigned int versions[8];	/* VMBus versions accepted, major << 16 | minor; 0 ends */
	unsigned int close_policy;	/* HVHOST_CLOSE_* */
	unsigned int signal_policy;	/* HVHOST_SIGNAL_* */
	unsigned int rescind_delay_us;	/* from CLOSE to RESCIND */
	unsigned int reoffer_delay_us;	/* from RELID_RELEASED to OFFER */
	unsigned int spin_us;		/* polls that long after activity, then halts */
	unsigned int early_signal;	/* 1: raise an event before its GPADL is answered */
	unsigned int reserved[2];
};

#define HVHOST_SIZEOF_config	64
#define HVHOST_CLOSE_KEEP	0	/* as OpenVMM: the offer stays */
#define HVHOST_CLOSE_REOFFER	1	/* as Hyper-V: rescind, and offer anew */
#define HVHOST_SIGNAL_EDGE	0	/* when the ring was empty and is not masked: the rule */
#define HVHOST_SIGNAL_EACH	1	/* at each packet unless masked */
#define HVHOST_SIGNAL_ALWAYS	2	/* even when masked */

struct hvhost_boot {
	unsigned long long rip;		/* 64-bit entry point of the kernel */
	unsigned long long rsi;		/* physical address of boot_params */
};

#define HVHOST_SIZEOF_boot	16

struct hvhost_offer {
	unsigned char class_id[16];	/* GUIDs in the mixed-endian wire form */
	unsigned char instance_id[16];
	unsigned short chn_flags;
	unsigned short mmio_megabytes;
	unsigned short sub_channel;
	unsigned short reserved;
	unsigned char user_def[120];
};

#define HVHOST_SIZEOF_offer	160

struct hvhost_send {
	unsigned short type;		/* packet type, normally 6: data in-band */
	unsigned short flags;		/* descriptor flags; 1: completion requested */
	unsigned short offset8;		/* with HVHOST_SEND_RAW_DESC */
	unsigned short len8;
	unsigned long long trans_id;
	unsigned long long trailer;	/* with HVHOST_SEND_TRAILER */
};

#define HVHOST_SIZEOF_send	24

/* offset: bytes from the start of the ring's control page (4096 and up reach the data). */
struct hvhost_poke {
	unsigned int ring;		/* HVHOST_RING_* */
	unsigned int offset;
	unsigned int len;		/* 1, 2, 4 or 8 */
	unsigned int reserved;
	unsigned long long value;
};

#define HVHOST_SIZEOF_poke	24
#define HVHOST_RING_OUT		0	/* host -> guest */
#define HVHOST_RING_IN		1	/* guest -> host */

/* When to rescind by itself, once. Replaces what was asked for before. */
struct hvhost_upon {
	unsigned int what;		/* type of a message from the guest, or HVHOST_UPON_* */
	unsigned int nth;		/* of these, from now on; 0: never */
	unsigned int when;		/* HVHOST_WHEN_* */
	unsigned int delay_us;		/* with HVHOST_WHEN_AFTER */
};

#define HVHOST_SIZEOF_upon	16
#define HVHOST_UPON_SENT	0x100	/* a packet is in the host -> guest ring; AFTER only */
#define HVHOST_UPON_READ	0x101	/* a packet of the guest's was read; AFTER only */
#define HVHOST_WHEN_BEFORE	0	/* the message is handled, and answered, afterwards */
#define HVHOST_WHEN_INSTEAD	1	/* the message is ignored */
#define HVHOST_WHEN_AFTER	2

struct hvhost_ring_state {
	unsigned int write_index;
	unsigned int read_index;
	unsigned int interrupt_mask;
	unsigned int pending_send_sz;
	unsigned int feature_bits;
	unsigned int data_size;
};

struct hvhost_peek {
	struct hvhost_ring_state ring[2];	/* by HVHOST_RING_* */
	unsigned int queued;			/* packets waiting in host memory */
	unsigned int relid;
	unsigned int state;			/* HVHOST_DEV_* */
	unsigned int target_vp;
};

#define HVHOST_SIZEOF_peek	64

/* Events. */
#define HVHOST_EVT_ACK		1	/* struct hvhost_ack, and data with some commands */
#define HVHOST_EVT_LOG		2	/* text */
#define HVHOST_EVT_OS_ID	3	/* u64, as written to HV_X64_MSR_GUEST_OS_ID */
#define HVHOST_EVT_CRASH	4	/* u64 p[5], ctl; the kernel's last messages */
#define HVHOST_EVT_TRIPLE	5	/* struct hvhost_regs: a guest CPU shut down */
#define HVHOST_EVT_FATAL	6	/* struct hvhost_regs, text: hvhost itself failed */
#define HVHOST_EVT_MSG_RX	7	/* u32 connection, u32 type; the guest's message */
#define HVHOST_EVT_MSG_TX	8	/* u32 sint, u32 vp; the message as delivered */
#define HVHOST_EVT_STATE	9	/* struct hvhost_state: a device changed state */
#define HVHOST_EVT_PACKET	10	/* struct hvhost_packet, all after the descriptor */
#define HVHOST_EVT_VIOLATION	11	/* u32 fatal; text: what the guest did wrong */
#define HVHOST_EVT_CONTACT	12	/* u32 version, u32 accepted, u32 vp, u32 connection */
#define HVHOST_EVT_UNLOAD	13	/* the guest left the bus */
#define HVHOST_EVT_GPADL	14	/* u32 gpadl, u32 pages, u32 HVHOST_GPADL_* */
#define HVHOST_EVT_CPU_UP	15	/* u32 guest CPU that entered the guest */

struct hvhost_ack {
	int status;			/* 0 or a negative errno */
	unsigned int reserved;
};

#define HVHOST_SIZEOF_ack	8

struct hvhost_regs {
	unsigned int cpu;
	unsigned int vector;		/* exception in hvhost, or ~0 */
	unsigned long long exit_code, exit_info_1, exit_info_2;
	unsigned long long rip, rsp, rflags, cr0, cr2, cr3, cr4;
	unsigned long long gpr[16];	/* rax rcx rdx rbx rsp rbp rsi rdi r8..r15 */
};

#define HVHOST_SIZEOF_regs	216

struct hvhost_state {
	unsigned int state;		/* HVHOST_DEV_* */
	unsigned int relid;
	unsigned int target_vp;
	unsigned int ring_in_size;	/* data bytes, guest -> host; 0 unless open */
	unsigned int ring_out_size;
	unsigned int reserved;
};

#define HVHOST_SIZEOF_state	24
#define HVHOST_DEV_NONE		0	/* known to the host, not offered */
#define HVHOST_DEV_OFFERED	1
#define HVHOST_DEV_OPEN		2
#define HVHOST_DEV_RESCINDED	3	/* the guest still holds the channel id */

struct hvhost_packet {
	unsigned short type, flags, offset8, len8;
	unsigned long long trans_id;
	unsigned long long trailer;
	unsigned long long sent_tsc;	/* when the last packet to this channel was published */
	unsigned int start;		/* ring offset of the descriptor */
	unsigned int reserved;
};

#define HVHOST_SIZEOF_packet	40

#define HVHOST_GPADL_CREATED	1
#define HVHOST_GPADL_TORNDOWN	2

#endif
