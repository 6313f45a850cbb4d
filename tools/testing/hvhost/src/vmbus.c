// SPDX-License-Identifier: GPL-2.0
/* VMBus server: contact and version, offers, rescinds, and the dispatch of messages. */
#include "vmbus.h"
#include "host.h"
#include "hypercall.h"
#include "lib.h"
#include "mailbox.h"
#include "synic.h"
#include "x86.h"

#define MAX_RELID	(VMBUS_CONNECTIONS - 1)

struct vmbus vmbus;

void vmbus_init(void)
{
	static const struct hvhost_config defaults = {
		.versions = {
			VMBUS_VERSION(5, 3), VMBUS_VERSION(5, 2), VMBUS_VERSION(5, 1),
			VMBUS_VERSION(5, 0), VMBUS_VERSION(4, 1), VMBUS_VERSION(4, 0),
		},
		.close_policy = HVHOST_CLOSE_KEEP,
		.signal_policy = HVHOST_SIGNAL_EDGE,
		.spin_us = 1000,
	};

	vmbus.config = defaults;
}

void vmbus_violation(const struct vmbus_device *d, bool fatal, const char *fmt, ...)
{
	char text[256];
	u32 is_fatal = fatal;
	struct part p[2] = { { &is_fatal, sizeof(is_fatal) }, { text, 0 } };
	va_list ap;

	va_start(ap, fmt);
	p[1].len = vsnprintf(text, sizeof(text), fmt, ap);
	va_end(ap);
	mailbox_event(HVHOST_EVT_VIOLATION, 0, d ? d->number : 0, p, 2);
}

void vmbus_post(const void *msg, u32 len)
{
	if (!synic_post(vmbus.vp, vmbus.sint, msg, len))
		hv_fatal(NULL, "no memory for a message to the guest");
}

void vmbus_state_event(const struct vmbus_device *d)
{
	struct hvhost_state s = {
		.state = d->state,
		.relid = d->relid,
		.target_vp = d->target_vp,
		.ring_in_size = d->state == HVHOST_DEV_OPEN ? d->in.size : 0,
		.ring_out_size = d->state == HVHOST_DEV_OPEN ? d->out.size : 0,
	};

	mailbox_event1(HVHOST_EVT_STATE, 0, d->number, &s, sizeof(s));
}

struct vmbus_device *vmbus_find(u32 number)
{
	u32 i;

	for (i = 0; number && i < HVHOST_MAX_DEVICES; i++)
		if (vmbus.devices[i].number == number)
			return &vmbus.devices[i];
	return NULL;
}

struct vmbus_device *vmbus_by_relid(u32 relid)
{
	u32 i;

	for (i = 0; relid && i < HVHOST_MAX_DEVICES; i++)
		if (vmbus.devices[i].number && vmbus.devices[i].relid == relid)
			return &vmbus.devices[i];
	return NULL;
}

/* Ids go round, so that one that was released is not soon in use again. */
static u32 new_relid(void)
{
	do {
		vmbus.last_relid = vmbus.last_relid % MAX_RELID + 1;
	} while (vmbus_by_relid(vmbus.last_relid));
	return vmbus.last_relid;
}

static void set_state(struct vmbus_device *d, u32 state)
{
	d->state = state;
	if (state == HVHOST_DEV_NONE)
		d->relid = 0;
	vmbus_state_event(d);
}

static void send_offer(struct vmbus_device *d)
{
	struct msg_offer m = {
		.h.type = MSG_OFFER_CHANNEL,
		.chn_flags = d->offer.chn_flags,
		.mmio_megabytes = d->offer.mmio_megabytes,
		.sub_channel = d->offer.sub_channel,
		.monitor_id = 0xff,
		.dedicated_interrupt = 1,
	};

	d->relid = new_relid();
	d->offer_at = 0;
	d->reoffer = false;
	m.relid = d->relid;
	m.connection_id = VMBUS_EVENT_CONNECTION + d->relid;
	memcpy(m.class_id, d->offer.class_id, sizeof(m.class_id));
	memcpy(m.instance_id, d->offer.instance_id, sizeof(m.instance_id));
	memcpy(m.user_def, d->offer.user_def, sizeof(m.user_def));
	set_state(d, HVHOST_DEV_OFFERED);
	vmbus_post(&m, sizeof(m));
}

static bool can_offer(const struct vmbus_device *d)
{
	return vmbus.offers_requested && d->number && d->state == HVHOST_DEV_NONE && !d->withheld;
}

int vmbus_add_device(u32 number, const struct hvhost_offer *offer)
{
	u32 i;

	if (!number)
		return -EINVAL;
	if (vmbus_find(number))
		return -EEXIST;
	for (i = 0; i < HVHOST_MAX_DEVICES; i++) {
		struct vmbus_device *d = &vmbus.devices[i];

		if (d->number)
			continue;
		memset(d, 0, sizeof(*d));
		d->number = number;
		d->offer = *offer;
		d->queue_tail = &d->queue;
		if (can_offer(d))
			send_offer(d);
		return 0;
	}
	return -ENOSPC;
}

static void forget(struct vmbus_device *d)
{
	channel_cancel(d);
	memset(d, 0, sizeof(*d));
}

static void send_rescind(struct vmbus_device *d)
{
	struct msg_relid m = { .h.type = MSG_RESCIND_OFFER, .relid = d->relid };

	d->rescind_at = 0;
	if (d->state == HVHOST_DEV_OPEN)
		channel_close(d);
	set_state(d, HVHOST_DEV_RESCINDED);
	vmbus_post(&m, sizeof(m));
}

int vmbus_rescind(struct vmbus_device *d, bool remove)
{
	d->removing |= remove;
	d->withheld = true;
	d->reoffer = false;
	d->offer_at = 0;
	switch (d->state) {
	case HVHOST_DEV_OFFERED:
	case HVHOST_DEV_OPEN:
		send_rescind(d);
		return 0;
	case HVHOST_DEV_NONE:
		if (remove)
			forget(d);
		return 0;
	}
	return 0;			/* under way */
}

int vmbus_reoffer(struct vmbus_device *d)
{
	if (d->removing)
		return -ENOENT;
	switch (d->state) {
	case HVHOST_DEV_NONE:
		d->withheld = false;
		if (can_offer(d))
			send_offer(d);
		return 0;
	case HVHOST_DEV_RESCINDED:
		d->withheld = false;
		d->reoffer = true;	/* as soon as the guest has released the id */
		return 0;
	}
	return -EBUSY;
}

int vmbus_rescind_upon(struct vmbus_device *d, const struct hvhost_upon *upon)
{
	if (upon->when > HVHOST_WHEN_AFTER || upon->what > HVHOST_UPON_READ)
		return -EINVAL;
	if (upon->when != HVHOST_WHEN_AFTER && (upon->delay_us || upon->what >= HVHOST_UPON_SENT))
		return -EINVAL;
	d->upon = *upon;
	d->upon_at = 0;
	return 0;
}

/* True once: @what has happened as often as it was to happen. */
static bool enough(struct vmbus_device *d, u32 what)
{
	return d->upon.what == what && d->upon.nth && !--d->upon.nth;
}

static void rescind_soon(struct vmbus_device *d)
{
	d->upon_at = rdtsc() + host_us_to_tsc(d->upon.delay_us);
}

/* Not at once: the caller is busy with the channel. */
void vmbus_happened(struct vmbus_device *d, u32 what)
{
	if (enough(d, what))
		rescind_soon(d);
}

/* The guest will not use the channel id any more. */
static void released(struct vmbus_device *d)
{
	if (d->state == HVHOST_DEV_OPEN)
		channel_close(d);
	gpadl_forget(d->relid);
	d->rescind_at = 0;
	set_state(d, HVHOST_DEV_NONE);
	if (d->removing)
		forget(d);
}

/* Everything back to how it was before the first contact. Devices are kept. */
static void disconnect(void)
{
	u32 i;

	vmbus.offers_requested = false;
	vmbus.version = 0;
	for (i = 0; i < HVHOST_MAX_DEVICES; i++) {
		struct vmbus_device *d = &vmbus.devices[i];

		if (!d->number)
			continue;
		d->reoffer = false;
		d->offer_at = 0;
		if (d->state != HVHOST_DEV_NONE)
			released(d);
	}
	gpadl_forget(0);
	synic_flush();
}

static bool version_accepted(u32 version)
{
	u32 i;

	for (i = 0; i < ARRAY_SIZE(vmbus.config.versions) && vmbus.config.versions[i]; i++)
		if (vmbus.config.versions[i] == version)
			return true;
	return false;
}

/* hv.c, vmbus_negotiate_version(): since 5.0 contact is made on connection 4, before on 1 */
static u32 connection_of(u32 version)
{
	return version >= VMBUS_VERSION_5_0 ? 4 : 1;
}

static void initiate_contact(const void *msg, u32 connection)
{
	const struct msg_initiate_contact *m = msg;
	struct msg_version_response r = { .h.type = MSG_VERSION_RESPONSE };
	u32 event[4] = { m->version, 0, m->target_vp, connection };

	if (m->target_vp >= host.cpus) {
		vmbus_violation(NULL, true, "INITIATE_CONTACT names VP %u", m->target_vp);
		return;
	}
	if (connection != connection_of(m->version))
		vmbus_violation(NULL, false, "contact for version %x on connection %u",
				m->version, connection);
	if (vmbus.version) {
		vmbus_violation(NULL, false, "INITIATE_CONTACT while connected");
		disconnect();
	}
	vmbus.vp = m->target_vp;
	vmbus.sint = VMBUS_SINT;
	if (m->version >= VMBUS_VERSION_5_0 && m->sint != VMBUS_SINT)
		vmbus_violation(NULL, false, "contact asks for messages on SINT %u", m->sint);
	if (version_accepted(m->version)) {
		vmbus.version = m->version;
		r.supported = 1;
		r.connection_id = connection_of(m->version);
	}
	event[1] = r.supported;
	mailbox_event1(HVHOST_EVT_CONTACT, 0, 0, event, sizeof(event));
	vmbus_post(&r, sizeof(r));
}

static void request_offers(const void *msg, u32 len)
{
	struct msg_header done = { .type = MSG_ALL_OFFERS_DELIVERED };
	u32 i;

	(void)msg;
	(void)len;
	if (vmbus.offers_requested)
		vmbus_violation(NULL, false, "REQUESTOFFERS a second time");
	vmbus.offers_requested = true;
	for (i = 0; i < HVHOST_MAX_DEVICES; i++)
		if (can_offer(&vmbus.devices[i]))
			send_offer(&vmbus.devices[i]);
	vmbus_post(&done, sizeof(done));
}

static void open_channel(const void *msg, u32 len)
{
	const struct msg_open *m = msg;
	struct msg_open_result r = {
		.h.type = MSG_OPEN_RESULT,
		.relid = m->relid,
		.open_id = m->open_id,
		.status = STATUS_INVALID_PARAMETER,
	};
	struct vmbus_device *d = vmbus_by_relid(m->relid);

	(void)len;
	if (!d)
		vmbus_violation(NULL, true, "OPENCHANNEL of unknown channel %u", m->relid);
	else if (d->state == HVHOST_DEV_RESCINDED)
		r.status = STATUS_UNSUCCESSFUL;		/* crossed our RESCIND */
	else if (d->state == HVHOST_DEV_OPEN)
		vmbus_violation(d, true, "OPENCHANNEL of an open channel");
	else
		r.status = channel_open(d, m);
	vmbus_post(&r, sizeof(r));
	if (r.status == STATUS_SUCCESS)
		set_state(d, HVHOST_DEV_OPEN);
}

static void close_channel(const void *msg, u32 len)
{
	const struct msg_relid *m = msg;
	struct vmbus_device *d = vmbus_by_relid(m->relid);

	(void)len;
	if (!d || d->state == HVHOST_DEV_OFFERED) {
		vmbus_violation(d, true, "CLOSECHANNEL of channel %u, which is not open", m->relid);
		return;
	}
	if (d->state == HVHOST_DEV_RESCINDED)
		return;
	channel_close(d);
	set_state(d, HVHOST_DEV_OFFERED);
	if (vmbus.config.close_policy == HVHOST_CLOSE_REOFFER) {
		d->reoffer = true;
		d->rescind_at = rdtsc() + host_us_to_tsc(vmbus.config.rescind_delay_us);
	}
}

static void relid_released(const void *msg, u32 len)
{
	const struct msg_relid *m = msg;
	struct vmbus_device *d = vmbus_by_relid(m->relid);
	bool reoffer;

	(void)len;
	if (!d) {
		vmbus_violation(NULL, false, "RELID_RELEASED for unknown channel %u", m->relid);
		return;
	}
	reoffer = d->reoffer;
	released(d);
	if (d->number && reoffer)
		d->offer_at = rdtsc() + host_us_to_tsc(vmbus.config.reoffer_delay_us);
}

static void unload(const void *msg, u32 len)
{
	struct msg_header r = { .type = MSG_UNLOAD_RESPONSE };

	(void)msg;
	(void)len;
	disconnect();
	mailbox_event(HVHOST_EVT_UNLOAD, 0, 0, NULL, 0);
	vmbus_post(&r, sizeof(r));
}

static void modify_channel(const void *msg, u32 len)
{
	const struct msg_modify_channel *m = msg;
	struct msg_modify_response r = {
		.h.type = MSG_MODIFY_CHANNEL_RESPONSE,
		.relid = m->relid,
	};
	struct vmbus_device *d = vmbus_by_relid(m->relid);

	(void)len;
	if (vmbus.version < VMBUS_VERSION_4_1)
		vmbus_violation(d, false, "MODIFYCHANNEL in version %x", vmbus.version);
	if (!d || d->state != HVHOST_DEV_OPEN || m->target_vp >= host.cpus) {
		vmbus_violation(d, true, "MODIFYCHANNEL of channel %u to VP %u",
				m->relid, m->target_vp);
		r.status = STATUS_INVALID_PARAMETER;
	} else {
		d->target_vp = m->target_vp;
		vmbus_state_event(d);
	}
	if (vmbus.version >= VMBUS_VERSION_5_3)
		vmbus_post(&r, sizeof(r));
}

static const struct handler {
	u32 min_len;
	void (*fn)(const void *msg, u32 len);
} handlers[] = {
	[MSG_REQUEST_OFFERS] = { sizeof(struct msg_header), request_offers },
	[MSG_OPEN_CHANNEL] = { sizeof(struct msg_open), open_channel },
	[MSG_CLOSE_CHANNEL] = { sizeof(struct msg_relid), close_channel },
	[MSG_GPADL_HEADER] = { sizeof(struct msg_gpadl_header), gpadl_header },
	[MSG_GPADL_BODY] = { sizeof(struct msg_gpadl_body), gpadl_body },
	[MSG_GPADL_TEARDOWN] = { sizeof(struct msg_gpadl_teardown), gpadl_teardown },
	[MSG_RELID_RELEASED] = { sizeof(struct msg_relid), relid_released },
	[MSG_UNLOAD] = { sizeof(struct msg_header), unload },
	[MSG_MODIFY_CHANNEL] = { sizeof(struct msg_modify_channel), modify_channel },
};

/* The device that a message is about, or NULL. */
static struct vmbus_device *subject(const struct msg_header *h)
{
	const struct msg_relid *m = (const void *)h;
	const struct gpadl *g;

	switch (h->type) {
	case MSG_OPEN_CHANNEL:
	case MSG_CLOSE_CHANNEL:
	case MSG_GPADL_HEADER:
	case MSG_GPADL_TEARDOWN:
	case MSG_RELID_RELEASED:
	case MSG_MODIFY_CHANNEL:
		return vmbus_by_relid(m->relid);
	case MSG_GPADL_BODY:
		g = gpadl_find(((const struct msg_gpadl_body *)h)->gpadl);
		return g ? vmbus_by_relid(g->relid) : NULL;
	}
	return NULL;
}

/* Handle a message, and rescind its device where that was asked for. */
static void dispatch(const struct handler *handler, const struct msg_header *h, u32 len)
{
	struct vmbus_device *d = subject(h);
	u32 when;

	if (!d || !enough(d, h->type)) {
		handler->fn(h, len);
		return;
	}
	when = d->upon.when;
	if (when != HVHOST_WHEN_AFTER)
		vmbus_rescind(d, false);
	if (when != HVHOST_WHEN_INSTEAD)
		handler->fn(h, len);
	if (when == HVHOST_WHEN_AFTER && d->number)	/* else it is forgotten */
		rescind_soon(d);
}

static void handle_message(const struct hv_post_message *p)
{
	u32 where[2] = { p->connection_id, p->message_type };
	struct part parts[2] = { { where, sizeof(where) }, { p->payload, p->payload_size } };
	const struct msg_header *h = (const void *)p->payload;
	const struct handler *handler;

	mailbox_event(HVHOST_EVT_MSG_RX, 0, 0, parts, 2);
	if (p->payload_size < sizeof(*h)) {
		vmbus_violation(NULL, true, "message of %u bytes", p->payload_size);
		return;
	}
	if (h->type == MSG_INITIATE_CONTACT &&
	    p->payload_size >= sizeof(struct msg_initiate_contact)) {
		initiate_contact(h, p->connection_id);
		return;
	}
	if (!vmbus.version) {
		/* A guest that unloads releases its ids afterwards. */
		if (h->type != MSG_RELID_RELEASED)
			vmbus_violation(NULL, true, "message %u without contact", h->type);
		return;
	}
	if (p->connection_id != connection_of(vmbus.version))
		vmbus_violation(NULL, false, "message %u on connection %u", h->type,
				p->connection_id);
	handler = h->type < ARRAY_SIZE(handlers) ? &handlers[h->type] : NULL;
	if (!handler || !handler->fn) {
		vmbus_violation(NULL, true, "message of unknown type %u", h->type);
		return;
	}
	if (p->payload_size < handler->min_len) {
		vmbus_violation(NULL, true, "message %u has %u bytes, not %u", h->type,
				p->payload_size, handler->min_len);
		return;
	}
	dispatch(handler, h, p->payload_size);
}

static bool run_timers(struct vmbus_device *d, u64 now)
{
	if (d->rescind_at && now >= d->rescind_at &&
	    (d->state == HVHOST_DEV_OFFERED || d->state == HVHOST_DEV_OPEN)) {
		send_rescind(d);	/* whether or not the guest opened it again meanwhile */
		return true;
	}
	if (d->offer_at && now >= d->offer_at) {
		d->offer_at = 0;
		if (can_offer(d)) {
			send_offer(d);
			return true;
		}
	}
	if (d->upon_at && now >= d->upon_at) {
		d->upon_at = 0;
		vmbus_rescind(d, false);
		return true;
	}
	return false;
}

bool vmbus_poll(void)
{
	static struct hv_post_message m;
	struct vmbus_device *d;
	bool worked = false;
	u64 now = rdtsc();
	int event;
	u32 i;

	while (hypercall_take_message(&m)) {
		handle_message(&m);
		worked = true;
	}
	while ((event = hypercall_take_event()) >= 0) {
		d = vmbus_by_relid(event);
		if (d && d->state == HVHOST_DEV_OPEN)
			d->signalled = true;
		worked = true;
	}
	for (i = 0; i < HVHOST_MAX_DEVICES; i++) {
		d = &vmbus.devices[i];
		if (!d->number)
			continue;
		worked |= run_timers(d, now);
		if (d->state == HVHOST_DEV_OPEN)
			worked |= channel_pump(d);
	}
	return worked | synic_deliver();
}
