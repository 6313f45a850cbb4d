// SPDX-License-Identifier: GPL-2.0
/* Synthetic interrupt controller. */
#include "synic.h"
#include "host.h"
#include "lapic.h"
#include "lib.h"
#include "mailbox.h"
#include "x86.h"

/* TLFS 11.8: SynIC MSRs */
#define HV_X64_MSR_SCONTROL	0x40000080
#define HV_X64_MSR_SVERSION	0x40000081
#define HV_X64_MSR_SIEFP	0x40000082
#define HV_X64_MSR_SIMP		0x40000083
#define HV_X64_MSR_EOM		0x40000084
#define HV_X64_MSR_SINT0	0x40000090

#define ENABLE			1ull
#define SINT_MASKED		BIT_ULL(16)
#define SINT_VECTOR		0xffull

/* TLFS 11, HV_MESSAGE */
struct hv_message {
	u32 type;
	u8 payload_size;
	u8 flags;
	u16 reserved;
	u64 sender;
	u8 payload[HV_MESSAGE_PAYLOAD];
};

#define HV_MESSAGE_NONE		0
#define HV_MESSAGE_CHANNEL	1	/* the type VMBus uses: port messages have no bit 31 */
#define HV_MESSAGE_PENDING	1	/* flags: another one waits, tell me by EOM */

struct queued {
	struct queued *next;
	u32 vp, sint, len;
	u8 data[HV_MESSAGE_PAYLOAD];
};

static_assert(sizeof(struct hv_message) == 256, "TLFS");

static struct queued *head, **tail = &head;
static bool waiting_for_eom;	/* the first message found its slot taken, and said so there */
static bool eom_written;	/* by a guest CPU, taken back by the host CPU */

bool synic_msr_read(struct vcpu *v, u32 msr, u64 *value)
{
	struct synic *s = &v->synic;

	switch (msr) {
	case HV_X64_MSR_SCONTROL:
		*value = s->scontrol;
		return true;
	case HV_X64_MSR_SVERSION:
		*value = 1;			/* TLFS 11.8, SVERSION */
		return true;
	case HV_X64_MSR_SIEFP:
		*value = s->siefp;
		return true;
	case HV_X64_MSR_SIMP:
		*value = s->simp;
		return true;
	case HV_X64_MSR_EOM:
		*value = 0;
		return true;
	case HV_X64_MSR_SINT0 ... HV_X64_MSR_SINT0 + HV_SINT_COUNT - 1:
		*value = s->sint[msr - HV_X64_MSR_SINT0];
		return true;
	}
	return false;
}

static bool page_valid(u64 value)
{
	return !(value & ENABLE) || guest_ptr(value & ~(PAGE_SIZE - 1), PAGE_SIZE);
}

bool synic_msr_write(struct vcpu *v, u32 msr, u64 value)
{
	struct synic *s = &v->synic;

	switch (msr) {
	case HV_X64_MSR_SCONTROL:
		WRITE_ONCE(s->scontrol, value);
		break;
	case HV_X64_MSR_SIEFP:
		if (!page_valid(value))
			return false;
		WRITE_ONCE(s->siefp, value);
		break;
	case HV_X64_MSR_SIMP:
		if (!page_valid(value))
			return false;
		WRITE_ONCE(s->simp, value);
		break;
	case HV_X64_MSR_EOM:
		store_release(&eom_written, true);
		host_kick();
		return true;
	case HV_X64_MSR_SINT0 ... HV_X64_MSR_SINT0 + HV_SINT_COUNT - 1:
		/* TLFS 11.8, SINTx: vectors 0 to 15 raise #GP unless masked */
		if (!(value & SINT_MASKED) && (value & SINT_VECTOR) < 16)
			return false;
		WRITE_ONCE(s->sint[msr - HV_X64_MSR_SINT0], value);
		break;
	default:
		return false;
	}
	/* A slot may have become usable for what waits. */
	store_release(&eom_written, true);
	host_kick();
	return true;
}

static void *enabled_page(const struct synic *s, const u64 *reg)
{
	u64 value = READ_ONCE(*reg);

	if (!(READ_ONCE(s->scontrol) & ENABLE) || !(value & ENABLE))
		return NULL;
	return (void *)(value & ~(PAGE_SIZE - 1));
}

static void interrupt(struct vcpu *v, u32 sint)
{
	u64 value = READ_ONCE(v->synic.sint[sint]);

	if (value & SINT_MASKED)
		return;
	v->stats->irqs++;
	lapic_send_fixed(v->index, value & SINT_VECTOR);
}

/* TLFS 11, SIM page: a message goes into an empty slot, its type last. */
static bool deliver_one(const struct queued *q)
{
	struct vcpu *v = vcpu_get(q->vp);
	struct hv_message *slot = enabled_page(&v->synic, &v->synic.simp);
	struct part parts[2];
	u32 where[2] = { q->sint, q->vp };

	if (!slot)
		return false;
	slot += q->sint;
	if (load_acquire(&slot->type) != HV_MESSAGE_NONE) {
		__atomic_fetch_or(&slot->flags, HV_MESSAGE_PENDING, __ATOMIC_SEQ_CST);
		full_fence();
		if (load_acquire(&slot->type) != HV_MESSAGE_NONE)
			return false;
	}
	slot->payload_size = q->len;
	slot->flags = q->next ? HV_MESSAGE_PENDING : 0;
	slot->reserved = 0;
	slot->sender = 0;
	memset(slot->payload, 0, sizeof(slot->payload));
	memcpy(slot->payload, q->data, q->len);
	parts[0] = (struct part){ where, sizeof(where) };
	parts[1] = (struct part){ q->data, q->len };
	mailbox_event(HVHOST_EVT_MSG_TX, 0, 0, parts, 2);
	store_release(&slot->type, HV_MESSAGE_CHANNEL);
	interrupt(v, q->sint);
	return true;
}

bool synic_post(u32 vp, u32 sint, const void *data, u32 len)
{
	struct queued *q;

	HV_ASSERT(sint < HV_SINT_COUNT && len <= HV_MESSAGE_PAYLOAD);
	q = heap_alloc(sizeof(*q));
	if (!q)
		return false;
	q->vp = vp;
	q->sint = sint;
	q->len = len;
	memcpy(q->data, data, len);
	*tail = q;
	tail = &q->next;
	return true;
}

void synic_flush(void)
{
	while (head) {
		struct queued *q = head;

		head = q->next;
		heap_free(q);
	}
	tail = &head;
	waiting_for_eom = false;
}

bool synic_deliver(void)
{
	bool done = false;

	/*
	 * Nothing but the guest's EOM (or a change of its SynIC registers) ends a wait: polling
	 * the slot would hide a guest that forgets it.
	 */
	if (waiting_for_eom && !READ_ONCE(eom_written))
		return false;
	WRITE_ONCE(eom_written, false);
	full_fence();
	waiting_for_eom = false;
	while (head) {
		struct queued *q = head;

		if (!deliver_one(q)) {
			waiting_for_eom = true;
			break;
		}
		head = q->next;
		if (!head)
			tail = &head;
		heap_free(q);
		done = true;
	}
	return done;
}

bool synic_signal(u32 vp, u32 sint, u32 flag)
{
	struct vcpu *v = vcpu_get(vp);
	u64 *flags = enabled_page(&v->synic, &v->synic.siefp);
	u64 bit = 1ull << (flag & 63);

	HV_ASSERT(flag < HV_EVENT_FLAGS);
	if (!flags)
		return false;
	flags += sint * (HV_EVENT_FLAGS / 64) + flag / 64;
	if (!(__atomic_fetch_or(flags, bit, __ATOMIC_SEQ_CST) & bit))
		interrupt(v, sint);
	return true;
}
