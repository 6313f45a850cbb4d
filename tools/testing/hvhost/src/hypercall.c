// SPDX-License-Identifier: GPL-2.0
/* Hypercalls: PostMessage and SignalEvent, both handed to the host CPU. */
#include "hypercall.h"
#include "host.h"
#include "lib.h"
#include "svm.h"

/* TLFS, appendices "Hypercall Code Reference" and "Hypercall Status Code Reference" */
#define HVCALL_POST_MESSAGE			0x5c
#define HVCALL_SIGNAL_EVENT			0x5d
#define HV_STATUS_SUCCESS			0
#define HV_STATUS_INVALID_HYPERCALL_CODE	2
#define HV_STATUS_INVALID_HYPERCALL_INPUT	3
#define HV_STATUS_INVALID_ALIGNMENT		4
#define HV_STATUS_INVALID_PARAMETER		5
#define HV_STATUS_INVALID_CONNECTION_ID		18
#define HV_STATUS_INSUFFICIENT_BUFFERS		19

/* TLFS 3.7: hypercall input value */
#define CONTROL_CODE		0xffffull
#define CONTROL_FAST		BIT_ULL(16)
#define CONTROL_REST		0xfffffffffffe0000ull	/* variable header, nesting, reps */

/* hyperv.h: the connections that VMBus messages use, before and since version 5.0 */
#define VMBUS_MESSAGE_CONNECTION_ID	1
#define VMBUS_MESSAGE_CONNECTION_ID_4	4

#define QUEUE_SIZE		64

static struct hv_post_message queue[QUEUE_SIZE];
static u32 queue_head, queue_tail;
static struct spinlock queue_lock;
static u64 events[VMBUS_CONNECTIONS / 64];

static u64 post_message(u64 gpa)
{
	const struct hv_post_message *in;
	u64 status = HV_STATUS_SUCCESS;

	if (gpa & 7)
		return HV_STATUS_INVALID_ALIGNMENT;
	in = guest_ptr(gpa, sizeof(*in));
	if (!in || (gpa & (PAGE_SIZE - 1)) + sizeof(*in) > PAGE_SIZE)
		return HV_STATUS_INVALID_PARAMETER;
	if (in->connection_id != VMBUS_MESSAGE_CONNECTION_ID &&
	    in->connection_id != VMBUS_MESSAGE_CONNECTION_ID_4)
		return HV_STATUS_INVALID_CONNECTION_ID;
	if (in->payload_size > sizeof(in->payload))
		return HV_STATUS_INVALID_PARAMETER;

	spin_lock(&queue_lock);
	if (queue_head - queue_tail == QUEUE_SIZE)
		status = HV_STATUS_INSUFFICIENT_BUFFERS;	/* the guest tries again later */
	else
		queue[queue_head++ % QUEUE_SIZE] = *in;
	spin_unlock(&queue_lock);
	host_kick();
	return status;
}

static u64 signal_event(u64 connection, u64 flag)
{
	u64 bit = connection - VMBUS_EVENT_CONNECTION;

	if (connection < VMBUS_EVENT_CONNECTION || bit >= VMBUS_CONNECTIONS)
		return HV_STATUS_INVALID_CONNECTION_ID;
	if (flag)					/* each of our ports has one flag */
		return HV_STATUS_INVALID_PARAMETER;
	__atomic_fetch_or(&events[bit / 64], 1ull << (bit & 63), __ATOMIC_SEQ_CST);
	host_kick();
	return HV_STATUS_SUCCESS;
}

u64 hypercall(struct vcpu *v, u64 control, u64 in, u64 out)
{
	const u64 *param;

	(void)v;
	(void)out;
	switch (control & CONTROL_CODE) {
	case HVCALL_POST_MESSAGE:
		if (control & (CONTROL_FAST | CONTROL_REST))
			return HV_STATUS_INVALID_HYPERCALL_INPUT;
		return post_message(in);
	case HVCALL_SIGNAL_EVENT:
		if (control & CONTROL_REST)
			return HV_STATUS_INVALID_HYPERCALL_INPUT;
		if (!(control & CONTROL_FAST)) {
			if (in & 7)
				return HV_STATUS_INVALID_ALIGNMENT;
			param = guest_ptr(in, sizeof(*param));
			if (!param)
				return HV_STATUS_INVALID_PARAMETER;
			in = *param;
		}
		/* TLFS 11, HvCallSignalEvent: connection id, then the flag number in 16 bits */
		return signal_event((u32)in, in >> 32 & 0xffff);
	}
	return HV_STATUS_INVALID_HYPERCALL_CODE;
}

bool hypercall_take_message(struct hv_post_message *m)
{
	bool found;

	if (READ_ONCE(queue_head) == queue_tail)
		return false;
	spin_lock(&queue_lock);
	found = queue_head != queue_tail;
	if (found)
		*m = queue[queue_tail++ % QUEUE_SIZE];
	spin_unlock(&queue_lock);
	return found;
}

int hypercall_take_event(void)
{
	u32 i, bit;

	for (i = 0; i < ARRAY_SIZE(events); i++) {
		u64 word = READ_ONCE(events[i]);

		if (!word)
			continue;
		bit = __builtin_ctzll(word);
		__atomic_fetch_and(&events[i], ~(1ull << bit), __ATOMIC_SEQ_CST);
		return i * 64 + bit;
	}
	return -1;
}
