// SPDX-License-Identifier: GPL-2.0
/* An open channel: its two rings, what waits to be sent, and signals both ways. */
#include "host.h"
#include "lib.h"
#include "mailbox.h"
#include "synic.h"
#include "vmbus.h"
#include "x86.h"

#define PUMP_BUDGET	64	/* packets of one channel before the others get a turn */

static u8 bounce[HVHOST_MAX_PACKET];

u32 channel_open(struct vmbus_device *d, const struct msg_open *m)
{
	struct gpadl *g = gpadl_find(m->gpadl);

	if (!g || g->relid != d->relid || g->have != g->count) {
		vmbus_violation(d, true, "OPENCHANNEL with GPADL %x, which is not usable",
				m->gpadl);
		return STATUS_INVALID_PARAMETER;
	}
	if (m->downstream_page >= g->count || m->target_vp >= host.cpus) {
		vmbus_violation(d, true, "OPENCHANNEL with ring page %u of %u on VP %u",
				m->downstream_page, g->count, m->target_vp);
		return STATUS_INVALID_PARAMETER;
	}
	if (ring_init(&d->in, g->pages, m->downstream_page, false) ||
	    ring_init(&d->out, g->pages + m->downstream_page, g->count - m->downstream_page,
		      true)) {
		vmbus_violation(d, true, "OPENCHANNEL with rings of %u and %u pages or bad indices",
				m->downstream_page, g->count - m->downstream_page);
		return STATUS_INVALID_PARAMETER;
	}
	d->gpadl = g;
	d->target_vp = m->target_vp;
	d->stalled = false;
	d->broken = false;
	d->serial_wait = false;
	d->signalled = true;	/* whatever the guest wrote before it opened */
	d->sent_tsc = 0;
	return STATUS_SUCCESS;
}

void channel_cancel(struct vmbus_device *d)
{
	while (d->queue) {
		struct pending *p = d->queue;

		d->queue = p->next;
		mailbox_ack(p->seq, d->number, -ECANCELED, NULL, 0);
		heap_free(p);
	}
	d->queue_tail = &d->queue;
	d->queued = 0;
	d->serial_wait = false;
}

void channel_close(struct vmbus_device *d)
{
	channel_cancel(d);
	d->gpadl = NULL;
	d->signalled = false;
}

bool channel_signal(struct vmbus_device *d)
{
	return synic_signal(d->target_vp, VMBUS_SINT, d->relid);
}

/* The rings are broken beyond doubt: read and write nothing until the guest reopens. */
static void give_up(struct vmbus_device *d, const char *what)
{
	d->broken = true;
	vmbus_violation(d, true, "ring of channel %u: %s (read %x write %x)", d->relid, what,
			d->in.ctl->read_index, d->in.ctl->write_index);
	channel_cancel(d);
}

static void signal_after_send(struct vmbus_device *d, u16 flags, bool was_empty)
{
	bool masked = d->out.ctl->interrupt_mask;

	if (flags & HVHOST_SEND_NO_SIGNAL)
		return;
	switch (vmbus.config.signal_policy) {
	case HVHOST_SIGNAL_EDGE:
		if (masked || !was_empty)
			return;
		break;
	case HVHOST_SIGNAL_EACH:
		if (masked)
			return;
		break;
	}
	if (!channel_signal(d))
		hv_log("channel %u: no event page on VP %u", d->relid, d->target_vp);
}

static int send_now(struct vmbus_device *d, const struct pending *p)
{
	struct hv_descriptor desc = {
		.type = p->send.type,
		.flags = p->send.flags,
		.offset8 = sizeof(desc) / 8,
		.len8 = (sizeof(desc) + ALIGN_UP(p->len, 8)) / 8,
		.trans_id = p->send.trans_id,
	};
	u64 trailer = p->send.trailer;
	bool was_empty;
	int ret;

	if (p->flags & HVHOST_SEND_RAW_DESC) {
		desc.offset8 = p->send.offset8;
		desc.len8 = p->send.len8;
	}
	if (p->raw)
		ret = ring_send_raw(&d->out, p->data, p->len, &was_empty);
	else
		ret = ring_send(&d->out, &desc, p->data, p->len,
				p->flags & HVHOST_SEND_TRAILER ? &trailer : NULL, &was_empty);
	if (ret)
		return ret;
	d->sent_tsc = rdtsc();
	if (p->flags & HVHOST_SEND_SERIAL) {
		d->serial_wait = true;
		d->serial_id = p->send.trans_id;
	}
	signal_after_send(d, p->flags, was_empty);
	vmbus_happened(d, HVHOST_UPON_SENT);
	return 0;
}

/*
 * Ask the guest for a signal once more than what @p needs is free (hv_pkt_iter_close() in Linux);
 * then look again, because it may have read meanwhile.
 */
static int ask_for_room(struct vmbus_device *d, const struct pending *p)
{
	d->out.ctl->pending_send_sz = p->raw ? p->len : ring_packet_size(p->len);
	full_fence();
	return send_now(d, p);
}

/* Send what is queued, in order. Without the feature bit room is polled for on every round. */
static bool pump_out(struct vmbus_device *d)
{
	bool moved = false;

	while (d->queue) {
		struct pending *p = d->queue;
		int ret;

		if ((p->flags & HVHOST_SEND_SERIAL) && d->serial_wait)
			break;
		ret = send_now(d, p);
		if (ret == -ENOSPC && !(p->flags & HVHOST_SEND_NO_WAIT))
			ret = ask_for_room(d, p);
		if (ret == -ENOSPC && !(p->flags & HVHOST_SEND_NO_WAIT))
			break;
		if (ret == -EPROTO) {
			give_up(d, "guest's read index of the host->guest ring");
			return true;
		}
		d->out.ctl->pending_send_sz = 0;
		d->queue = p->next;
		d->queued--;
		if (!d->queue)
			d->queue_tail = &d->queue;
		mailbox_ack(p->seq, d->number, ret, NULL, 0);
		heap_free(p);
		moved = true;
	}
	return moved;
}

static void packet_event(struct vmbus_device *d, const struct ring_packet *p)
{
	struct hvhost_packet e = {
		.type = p->desc.type,
		.flags = p->desc.flags,
		.offset8 = p->desc.offset8,
		.len8 = p->desc.len8,
		.trans_id = p->desc.trans_id,
		.trailer = p->trailer,
		.sent_tsc = d->sent_tsc,
		.start = p->start,
	};
	struct part parts[2] = { { &e, sizeof(e) }, { bounce, p->body_len } };
	u32 body = p->start + sizeof(p->desc);

	ring_copy_out(&d->in, body >= d->in.size ? body - d->in.size : body, bounce, p->body_len);
	mailbox_event(HVHOST_EVT_PACKET, 0, d->number, parts, 2);
}

/*
 * The guest waits for room until more than pending_send_sz is free. Signal when reading has just
 * made it so, not again and again: the rule that hv_pkt_iter_close() follows on the other side.
 */
static void signal_room(struct vmbus_device *d, u32 used_before)
{
	u32 pending = d->in.ctl->pending_send_sz, used;

	if (!pending || ring_used(&d->in, false, &used))
		return;
	if (d->in.size - used_before <= pending && d->in.size - used > pending)
		channel_signal(d);
}

static bool pump_in(struct vmbus_device *d)
{
	struct ring_packet p;
	const char *what;
	bool signalled = d->signalled;
	u32 before = 0;
	int n, ret = 0;

	if (d->stalled || d->broken)
		return false;
	/* Who wants no signals (a poke of interrupt_mask) looks at each tick. */
	if (!signalled && !d->in.ctl->interrupt_mask)
		return false;
	d->signalled = false;
	full_fence();	/* a signal that comes from here on is for what we may not see */
	ring_used(&d->in, false, &before);
	for (n = 0; n < PUMP_BUDGET; n++) {
		ret = ring_peek(&d->in, &p, &what);
		if (ret)
			break;
		packet_event(d, &p);
		if (p.trailer != ring_trailer(p.start))
			vmbus_violation(d, false, "trailer %lx of a packet at %x", p.trailer,
					p.start);
		ring_consume(&d->in, &p);
		if (d->serial_wait && p.desc.trans_id == d->serial_id)
			d->serial_wait = false;
		vmbus_happened(d, HVHOST_UPON_READ);
	}
	if (ret == -EPROTO)
		give_up(d, what);
	else if (!ret)
		d->signalled = true;	/* out of budget */
	if (n)
		signal_room(d, before);
	return signalled || n;
}

bool channel_pump(struct vmbus_device *d)
{
	bool moved = pump_in(d);

	if (d->queue && !d->broken)
		moved |= pump_out(d);
	return moved;
}

static int enqueue(struct vmbus_device *d, u32 seq, u16 flags, bool raw,
		   const struct hvhost_send *s, const void *data, u32 len)
{
	struct pending *p;

	if (d->state != HVHOST_DEV_OPEN)
		return -ENOTCONN;
	if (d->broken)
		return -EPROTO;
	p = heap_alloc(sizeof(*p) + len);
	if (!p)
		return -ENOMEM;
	p->seq = seq;
	p->len = len;
	p->flags = flags;
	p->raw = raw;
	if (s)
		p->send = *s;
	memcpy(p->data, data, len);
	*d->queue_tail = p;
	d->queue_tail = &p->next;
	d->queued++;
	pump_out(d);
	return 0;
}

int channel_send(struct vmbus_device *d, u32 seq, u16 flags, const struct hvhost_send *s,
		 const void *data, u32 len)
{
	return enqueue(d, seq, flags, false, s, data, len);
}

int channel_send_raw(struct vmbus_device *d, u32 seq, u16 flags, const void *data, u32 len)
{
	return enqueue(d, seq, flags & HVHOST_SEND_NO_SIGNAL, true, NULL, data, len);
}

int channel_poke(struct vmbus_device *d, const struct hvhost_poke *p)
{
	struct ring *r = p->ring == HVHOST_RING_OUT ? &d->out : &d->in;

	if (d->state != HVHOST_DEV_OPEN)
		return -ENOTCONN;
	if (p->ring > HVHOST_RING_IN || (p->len != 1 && p->len != 2 && p->len != 4 && p->len != 8))
		return -EINVAL;
	if (p->offset % p->len || (u64)p->offset + p->len > PAGE_SIZE + r->size)
		return -EINVAL;
	if (p->offset < PAGE_SIZE)
		memcpy((u8 *)r->ctl + p->offset, &p->value, p->len);
	else
		ring_copy_in(r, p->offset - PAGE_SIZE, &p->value, p->len);
	return 0;
}

static void peek_ring(const struct ring *r, struct hvhost_ring_state *s)
{
	s->write_index = r->ctl->write_index;
	s->read_index = r->ctl->read_index;
	s->interrupt_mask = r->ctl->interrupt_mask;
	s->pending_send_sz = r->ctl->pending_send_sz;
	s->feature_bits = r->ctl->feature_bits;
	s->data_size = r->size;
}

void channel_peek(const struct vmbus_device *d, struct hvhost_peek *out)
{
	memset(out, 0, sizeof(*out));
	if (d->state == HVHOST_DEV_OPEN) {
		peek_ring(&d->out, &out->ring[HVHOST_RING_OUT]);
		peek_ring(&d->in, &out->ring[HVHOST_RING_IN]);
	}
	out->queued = d->queued;
	out->relid = d->relid;
	out->state = d->state;
	out->target_vp = d->target_vp;
}
