// SPDX-License-Identifier: GPL-2.0
/* Synthetic MSRs of the partition and of each virtual processor, and EFER. */
#include "svm.h"
#include "host.h"
#include "lib.h"
#include "mailbox.h"
#include "synic.h"
#include "x86.h"

/* TLFS, appendix "Hypervisor Synthetic MSRs" */
#define HV_X64_MSR_GUEST_OS_ID		0x40000000
#define HV_X64_MSR_HYPERCALL		0x40000001
#define HV_X64_MSR_VP_INDEX		0x40000002
#define HV_X64_MSR_TIME_REF_COUNT	0x40000020
#define HV_X64_MSR_REFERENCE_TSC	0x40000021
#define HV_X64_MSR_TSC_FREQUENCY	0x40000022
#define HV_X64_MSR_APIC_FREQUENCY	0x40000023
#define HV_X64_MSR_VP_ASSIST_PAGE	0x40000073
#define HV_X64_MSR_SYNIC_FIRST		0x40000080
#define HV_X64_MSR_SYNIC_LAST		0x4000009f
#define HV_X64_MSR_CRASH_P0		0x40000100
#define HV_X64_MSR_CRASH_P4		0x40000104
#define HV_X64_MSR_CRASH_CTL		0x40000105
#define HV_MSR_FIRST			0x40000000
#define HV_MSR_LAST			0x400001ff

/* TLFS 3.13: hypercall page */
#define HYPERCALL_ENABLE		1ull
#define HYPERCALL_LOCKED		2ull

/* hyperv-tlfs.h: the two capabilities of the crash control MSR; P3, P4 carry the message then */
#define CRASH_NOTIFY			BIT_ULL(63)
#define CRASH_NOTIFY_MSG		BIT_ULL(62)

#define APIC_HZ				1000000000ull	/* QEMU's APIC bus */

/* TLFS 12.7: reference TSC page */
struct reference_tsc_page {
	u32 sequence;		/* 0: invalid */
	u32 reserved;
	u64 scale;
	s64 offset;
};

static struct {
	u64 os_id;
	u64 hypercall;
	u64 reference_tsc;
	u64 crash[5];
} partition;

static struct spinlock partition_lock;

bool hypercall_enabled(void)
{
	return READ_ONCE(partition.hypercall) & HYPERCALL_ENABLE;
}

/* TLFS 3.13: without an OS id the page cannot be enabled, and clearing the id disables it. */
static bool write_hypercall(u64 value)
{
	static const u8 code[] = { 0x0f, 0x01, 0xd9, 0xc3 };	/* vmmcall; ret */
	u8 *page;

	if (partition.hypercall & HYPERCALL_LOCKED)
		return true;
	if (!(value & HYPERCALL_ENABLE) || !partition.os_id) {
		partition.hypercall = value & ~HYPERCALL_ENABLE;
		return true;
	}
	page = guest_ptr(value & ~(PAGE_SIZE - 1), PAGE_SIZE);
	if (!page)
		return false;
	memcpy(page, code, sizeof(code));
	partition.hypercall = value;
	return true;
}

static bool write_reference_tsc(u64 value)
{
	struct reference_tsc_page *page;

	if (value & 1) {
		page = guest_ptr(value & ~(PAGE_SIZE - 1), PAGE_SIZE);
		if (!page)
			return false;
		memset(page, 0, PAGE_SIZE);
		page->scale = host.tsc_scale;
		page->offset = -(s64)mul_hi(host.tsc0, host.tsc_scale);
		store_release(&page->sequence, 1);
	}
	partition.reference_tsc = value;
	return true;
}

static void write_os_id(u64 value)
{
	partition.os_id = value;
	if (!value)
		partition.hypercall &= ~HYPERCALL_ENABLE;
	mailbox_event1(HVHOST_EVT_OS_ID, 0, 0, &value, sizeof(value));
}

static void write_crash_ctl(u64 value)
{
	struct part parts[3] = {
		{ partition.crash, sizeof(partition.crash) },
		{ &value, sizeof(value) },
	};
	u64 len = partition.crash[4];
	const void *text;

	if (!(value & CRASH_NOTIFY))
		return;
	if ((value & CRASH_NOTIFY_MSG) && len && len <= PAGE_SIZE) {
		text = guest_ptr(partition.crash[3], len);
		if (text)
			parts[2] = (struct part){ text, len };
	}
	mailbox_event(HVHOST_EVT_CRASH, 0, 0, parts, 3);
}

static bool hv_msr_write(struct vcpu *v, u32 msr, u64 value)
{
	bool ok = true;

	switch (msr) {
	case HV_X64_MSR_SYNIC_FIRST ... HV_X64_MSR_SYNIC_LAST:
		return synic_msr_write(v, msr, value);
	case HV_X64_MSR_VP_ASSIST_PAGE:
		v->vp_assist = value;
		return true;
	}
	spin_lock(&partition_lock);
	switch (msr) {
	case HV_X64_MSR_GUEST_OS_ID:
		write_os_id(value);
		break;
	case HV_X64_MSR_HYPERCALL:
		ok = write_hypercall(value);
		break;
	case HV_X64_MSR_REFERENCE_TSC:
		ok = write_reference_tsc(value);
		break;
	case HV_X64_MSR_CRASH_P0 ... HV_X64_MSR_CRASH_P4:
		partition.crash[msr - HV_X64_MSR_CRASH_P0] = value;
		break;
	case HV_X64_MSR_CRASH_CTL:
		write_crash_ctl(value);
		break;
	default:
		ok = false;
	}
	spin_unlock(&partition_lock);
	return ok;
}

static bool hv_msr_read(struct vcpu *v, u32 msr, u64 *value)
{
	switch (msr) {
	case HV_X64_MSR_GUEST_OS_ID:
		*value = partition.os_id;
		return true;
	case HV_X64_MSR_HYPERCALL:
		*value = partition.hypercall;
		return true;
	case HV_X64_MSR_VP_INDEX:
		*value = v->index;
		return true;
	case HV_X64_MSR_TIME_REF_COUNT:
		*value = host_ref_time();
		return true;
	case HV_X64_MSR_REFERENCE_TSC:
		*value = partition.reference_tsc;
		return true;
	case HV_X64_MSR_TSC_FREQUENCY:
		*value = host.tsc_hz;
		return true;
	case HV_X64_MSR_APIC_FREQUENCY:
		*value = APIC_HZ;
		return true;
	case HV_X64_MSR_VP_ASSIST_PAGE:
		*value = v->vp_assist;
		return true;
	case HV_X64_MSR_SYNIC_FIRST ... HV_X64_MSR_SYNIC_LAST:
		return synic_msr_read(v, msr, value);
	case HV_X64_MSR_CRASH_P0 ... HV_X64_MSR_CRASH_P4:
		*value = partition.crash[msr - HV_X64_MSR_CRASH_P0];
		return true;
	case HV_X64_MSR_CRASH_CTL:
		*value = CRASH_NOTIFY | CRASH_NOTIFY_MSG;
		return true;
	}
	return false;
}

bool msr_read(struct vcpu *v, u32 msr, u64 *value)
{
	if (msr == MSR_EFER) {
		*value = v->vmcb->s.efer & ~EFER_SVME;
		return true;
	}
	if (msr < HV_MSR_FIRST || msr > HV_MSR_LAST) {
		*value = 0;			/* as QEMU does with MSRs that it does not know */
		return true;
	}
	if (hv_msr_read(v, msr, value))
		return true;
	hv_log("read of unknown MSR %x at %lx", msr, v->vmcb->s.rip);
	svm_inject_gp(v);
	return false;
}

bool msr_write(struct vcpu *v, u32 msr, u64 value)
{
	if (msr == MSR_EFER) {
		/* LMA follows CR0.PG, not this write; VMRUN insists on SVME. */
		v->vmcb->s.efer = (value & ~EFER_LMA) | (v->vmcb->s.efer & EFER_LMA) | EFER_SVME;
		return true;
	}
	if (msr < HV_MSR_FIRST || msr > HV_MSR_LAST)
		return true;
	if (hv_msr_write(v, msr, value))
		return true;
	hv_log("write of %lx to MSR %x refused at %lx", value, msr, v->vmcb->s.rip);
	svm_inject_gp(v);
	return false;
}
