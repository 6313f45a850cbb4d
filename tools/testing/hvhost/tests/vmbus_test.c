// SPDX-License-Identifier: GPL-2.0
/*
 * User-space test of the VMBus server (src/vmbus.c, gpadl.c, channel.c, ring.c) against a guest
 * that breaks the rules: what is below the server (SynIC, mailbox, heap, guest memory) is faked
 * here.
 */
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include "../src/host.h"
#include "../src/hypercall.h"
#include "../src/lib.h"
#include "../src/mailbox.h"
#include "../src/synic.h"
#include "../src/vmbus.h"

#define RAM_PAGES	64
#define RAM_GPA		0x10000000ull
#define DEV		7

struct host host = { .tsc_hz = 1000000000, .cpus = 2 };

static u8 ram[RAM_PAGES][PAGE_SIZE] __aligned(4096);
static struct hv_post_message inbox[256];
static u32 inbox_head, inbox_tail;
static int pending_event = -1;
static u32 sent[64], sent_count;		/* types of messages to the guest */
static u32 last_status, last_relid;
static char violation[256];
static u32 violations, acks, packets, signals;
static int last_ack;
static bool last_fatal;
static int number, failed;

/* -- what the server stands on ---------------------------------------------------------------- */

void *guest_ptr(u64 gpa, u64 len)
{
	if (gpa < RAM_GPA || gpa + len > RAM_GPA + sizeof(ram))
		return NULL;
	return (u8 *)ram + (gpa - RAM_GPA);
}

u64 host_us_to_tsc(u64 us)
{
	return us;
}

bool hypercall_take_message(struct hv_post_message *m)
{
	if (inbox_head == inbox_tail)
		return false;
	*m = inbox[inbox_tail++ % ARRAY_SIZE(inbox)];
	return true;
}

int hypercall_take_event(void)
{
	int e = pending_event;

	pending_event = -1;
	return e;
}

bool synic_post(u32 vp, u32 sint, const void *data, u32 len)
{
	u32 word[8] = { 0 };

	if (vp >= host.cpus || sint != VMBUS_SINT || len > HV_MESSAGE_PAYLOAD)
		abort();
	memcpy(word, data, len < sizeof(word) ? len : sizeof(word));
	sent[sent_count++ % ARRAY_SIZE(sent)] = word[0];
	if (word[0] == MSG_OFFER_CHANNEL)
		last_relid = ((const struct msg_offer *)data)->relid;
	else
		last_status = word[4];		/* of GPADL_CREATED and OPEN_RESULT */
	return true;
}

void synic_flush(void)
{
}

bool synic_deliver(void)
{
	return false;
}

bool synic_signal(u32 vp, u32 sint, u32 flag)
{
	if (vp >= host.cpus || sint != VMBUS_SINT || flag >= HV_EVENT_FLAGS)
		abort();
	signals++;
	return true;
}

void mailbox_event(u16 type, u32 seq, u32 dev, const struct part *parts, u32 count)
{
	u32 i, sum = 0;

	(void)seq;
	(void)dev;
	for (i = 0; i < count; i++)	/* touch all of it, for the address sanitizer */
		for (u32 n = 0; n < parts[i].len; n++)
			sum += ((const u8 *)parts[i].data)[n];
	if (type == HVHOST_EVT_PACKET)
		packets += sum != 1u << 31;
	if (type != HVHOST_EVT_VIOLATION)
		return;
	violations++;
	memcpy(&last_fatal, parts[0].data, 1);
	memcpy(violation, parts[1].data, parts[1].len);
	violation[parts[1].len] = 0;
}

void mailbox_event1(u16 type, u32 seq, u32 dev, const void *data, u32 len)
{
	struct part p = { data, len };

	mailbox_event(type, seq, dev, &p, 1);
}

void mailbox_ack(u32 seq, u32 dev, int status, const void *data, u32 len)
{
	(void)seq;
	(void)dev;
	(void)data;
	(void)len;
	acks++;
	last_ack = status;
}

void *heap_alloc(size_t size)
{
	return calloc(1, size);
}

void heap_free(void *p)
{
	free(p);
}

void hv_log(const char *fmt, ...)
{
	(void)fmt;
}

void hv_fatal(const struct hvhost_regs *regs, const char *fmt, ...)
{
	(void)regs;
	puts(fmt);
	abort();
}

/* -- the guest -------------------------------------------------------------------------------- */

static void check(bool ok, const char *name)
{
	printf("%s %d vmbus: %s\n", ok ? "ok" : "not ok", ++number, name);
	if (!ok)
		printf("# last violation: %s\n", violation);
	failed += !ok;
}

static void post_on(u32 connection, const void *msg, u32 len)
{
	struct hv_post_message *m = &inbox[inbox_head++ % ARRAY_SIZE(inbox)];

	m->connection_id = connection;
	m->message_type = 1;
	m->payload_size = len;
	memcpy(m->payload, msg, len);
	violation[0] = 0;
	vmbus_poll();
}

static void post(const void *msg, u32 len)
{
	post_on(4, msg, len);
}

static u32 last_sent(void)
{
	return sent[(sent_count - 1) % ARRAY_SIZE(sent)];
}

static void simple(u32 type)
{
	struct msg_header h = { .type = type };

	post(&h, sizeof(h));
}

static void contact(u32 version)
{
	struct msg_initiate_contact m = {
		.h.type = MSG_INITIATE_CONTACT, .version = version, .sint = VMBUS_SINT,
	};

	post_on(version >= VMBUS_VERSION_5_0 ? 4 : 1, &m, sizeof(m));
}

struct gpadl_msg {
	struct msg_gpadl_header m;
	u8 pfns[26 * 8];
};

static struct gpadl_msg gpadl_of(u32 handle, u32 pages)
{
	struct gpadl_msg g = { .m = {
		.h.type = MSG_GPADL_HEADER, .relid = last_relid, .gpadl = handle,
		.range_len = 8 + pages * 8, .range_count = 1, .byte_count = pages * PAGE_SIZE,
	} };
	u32 i;

	for (i = 0; i < 26 && i < pages; i++) {
		u64 pfn = (RAM_GPA >> PAGE_SHIFT) + i;

		memcpy(g.pfns + i * 8, &pfn, 8);
	}
	return g;
}

static void post_gpadl(const struct gpadl_msg *g, u32 pages)
{
	post(g, sizeof(g->m) + pages * 8);
}

static void open_it(u32 gpadl, u32 downstream, u32 vp)
{
	struct msg_open m = {
		.h.type = MSG_OPEN_CHANNEL, .relid = last_relid, .open_id = 1, .gpadl = gpadl,
		.downstream_page = downstream, .target_vp = vp,
	};

	post(&m, sizeof(m));
}

static void by_relid(u32 type, u32 relid)
{
	struct msg_relid m = { .h.type = type, .relid = relid };

	post(&m, sizeof(m));
}

static void teardown(u32 relid, u32 gpadl)
{
	struct msg_gpadl_teardown m = {
		.h.type = MSG_GPADL_TEARDOWN, .relid = relid, .gpadl = gpadl,
	};

	post(&m, sizeof(m));
}

static struct vmbus_device *dev(void)
{
	return vmbus_find(DEV);
}

/* Connected, one device offered, nothing open. */
static void fresh(void)
{
	static const struct hvhost_offer offer;

	if (vmbus.version)
		simple(MSG_UNLOAD);
	memset(ram, 0, sizeof(ram));
	if (!dev())
		vmbus_add_device(DEV, &offer);
	vmbus_reoffer(dev());		/* it may have been rescinded */
	contact(VMBUS_VERSION_5_3);
	simple(MSG_REQUEST_OFFERS);
	violations = 0;
}

static void open_fresh(void)
{
	struct gpadl_msg g;

	fresh();
	g = gpadl_of(5, 8);
	post_gpadl(&g, 8);
	open_it(5, 4, 0);
}

static bool fatal(const char *text)
{
	bool yes = violation[0] && last_fatal && strstr(violation, text);

	violation[0] = 0;
	return yes;
}

/* -- cases ------------------------------------------------------------------------------------ */

static void test_contact(void)
{
	struct msg_initiate_contact m = {
		.h.type = MSG_INITIATE_CONTACT, .version = VMBUS_VERSION_5_3, .target_vp = 2,
	};

	simple(MSG_REQUEST_OFFERS);
	check(fatal("without contact"), "offers before contact");
	post(&m, sizeof(m));
	check(fatal("VP 2") && !vmbus.version, "contact from a VP that is not there");
	contact(VMBUS_VERSION(3, 0));
	check(last_sent() == MSG_VERSION_RESPONSE && !vmbus.version, "version that nobody speaks");
	fresh();
	check(vmbus.version == VMBUS_VERSION_5_3 && dev()->state == HVHOST_DEV_OFFERED, "contact");
	contact(VMBUS_VERSION_5_3);
	check(violations == 1 && dev()->state == HVHOST_DEV_NONE,
	      "contact while connected starts over");
}

static void test_messages(void)
{
	fresh();
	simple(99);
	check(fatal("unknown type"), "unknown message");
	simple(MSG_OFFER_CHANNEL);
	check(fatal("unknown type"), "message of the other direction");
	simple(MSG_OPEN_CHANNEL);
	check(fatal("has 8 bytes"), "short message");
	post("", 0);
	check(fatal("message of 0 bytes"), "empty message");
	by_relid(MSG_CLOSE_CHANNEL, last_relid);
	check(fatal("not open"), "close of a channel that is not open");
	by_relid(MSG_CLOSE_CHANNEL, 1999);
	check(fatal("not open"), "close of an unknown channel");
}

static void refuse_gpadl(struct gpadl_msg *g, u32 pages, const char *text, const char *name)
{
	post_gpadl(g, pages);
	check(fatal(text) && last_sent() == MSG_GPADL_CREATED && last_status, name);
}

static void test_gpadl(void)
{
	struct gpadl_msg g;
	u64 pfn = 0x100;

	fresh();
	g = gpadl_of(5, 8);
	memcpy(g.pfns + 16, &pfn, 8);
	refuse_gpadl(&g, 8, "not RAM", "page outside RAM");
	check(!gpadl_find(5), "refused list is gone");
	pfn = ~0ull;
	memcpy(g.pfns + 16, &pfn, 8);
	refuse_gpadl(&g, 8, "not RAM", "page number that overflows");
	g = gpadl_of(5, 8);
	g.m.range_count = 2;
	refuse_gpadl(&g, 8, "ranges", "two ranges");
	g = gpadl_of(5, 8);
	g.m.range_len = 0xffff;
	refuse_gpadl(&g, 8, "range list", "wrong length of the list");
	g = gpadl_of(5, 8);
	g.m.byte_count = 0xffffffff;
	refuse_gpadl(&g, 8, "bytes at", "4 GiB");
	g = gpadl_of(5, 8);
	g.m.byte_count = 0;
	refuse_gpadl(&g, 8, "bytes at", "nothing");
	g = gpadl_of(0, 8);
	refuse_gpadl(&g, 8, "in use", "handle 0");
	g = gpadl_of(5, 8);
	g.m.relid = 1999;
	refuse_gpadl(&g, 8, "unknown channel", "unknown channel");
	g = gpadl_of(5, 8);
	post_gpadl(&g, 8);
	check(last_sent() == MSG_GPADL_CREATED && !last_status && gpadl_find(5), "good list");
	refuse_gpadl(&g, 8, "in use", "the same handle again");
	teardown(last_relid, 6);
	check(fatal("no such list"), "teardown of an unknown list");
	teardown(last_relid, 5);
	check(last_sent() == MSG_GPADL_TORNDOWN && !gpadl_find(5), "teardown");
}

static void test_gpadl_bodies(void)
{
	struct gpadl_msg g;
	struct {
		struct msg_gpadl_body m;
		u8 pfns[28 * 8];
	} body = { .m = { .h.type = MSG_GPADL_BODY, .gpadl = 9 } };
	u64 pfn = RAM_GPA >> PAGE_SHIFT;
	u32 i;

	fresh();
	for (i = 0; i < 28; i++)
		memcpy(body.pfns + i * 8, &pfn, 8);
	post(&body, sizeof(body.m) + 8);
	check(fatal("expects none"), "body without header");
	g = gpadl_of(9, 26 + 28 + 1);
	post_gpadl(&g, 26);
	i = sent_count;
	post(&body, sizeof(body));
	check(sent_count == i && gpadl_find(9)->have == 54, "answer only when complete");
	open_it(9, 4, 0);
	check(fatal("not usable") && last_status, "open with a list that is not complete");
	post(&body, sizeof(body));
	check(last_sent() == MSG_GPADL_CREATED && !last_status && gpadl_find(9)->have == 55,
	      "more pages than announced are ignored");
	post(&body, sizeof(body));
	check(fatal("expects none"), "body after the last");
}

static void refuse_open(u32 gpadl, u32 downstream, u32 vp, const char *text, const char *name)
{
	open_it(gpadl, downstream, vp);
	check(fatal(text) && last_sent() == MSG_OPEN_RESULT && last_status &&
	      dev()->state == HVHOST_DEV_OFFERED, name);
}

static void test_open(void)
{
	struct gpadl_msg g;

	fresh();
	refuse_open(5, 4, 0, "not usable", "open without a list");
	g = gpadl_of(5, 8);
	post_gpadl(&g, 8);
	refuse_open(5, 8, 0, "ring page 8", "no host -> guest ring");
	refuse_open(5, 0xffffffff, 0, "ring page", "ring page far out");
	refuse_open(5, 0, 0, "rings of 0", "no guest -> host ring");
	refuse_open(5, 7, 0, "rings of 7 and 1", "ring without data");
	refuse_open(5, 4, 2, "VP 2", "VP that is not there");
	((struct hv_ring_control *)ram[0])->write_index = 3 * PAGE_SIZE;
	refuse_open(5, 4, 0, "bad indices", "bad index in a ring");
	((struct hv_ring_control *)ram[0])->write_index = 0;
	open_it(5, 4, 1);
	check(dev()->state == HVHOST_DEV_OPEN && dev()->target_vp == 1, "open");
	open_it(5, 4, 0);
	check(fatal("open channel") && dev()->state == HVHOST_DEV_OPEN, "open again");
	teardown(last_relid, 5);
	check(fatal("while the channel is open") && gpadl_find(5), "teardown while open");
	by_relid(MSG_CLOSE_CHANNEL, last_relid);
	check(dev()->state == HVHOST_DEV_OFFERED, "close");
}

static void signal_host(void)
{
	pending_event = last_relid;
	vmbus_poll();
}

static void test_broken_ring(void)
{
	struct hv_ring_control *in = (void *)ram[0], *out = (void *)ram[4];
	struct hvhost_send s = { .type = HV_PACKET_INBAND };
	struct hv_descriptor d = { HV_PACKET_INBAND, 2, 0x7fff, 0, 0 };

	open_fresh();
	memcpy(ram[1], &d, sizeof(d));
	in->write_index = 64;
	signal_host();
	check(fatal("packet length") && dev()->broken, "impossible packet stops the channel");
	check(channel_send(dev(), 1, 0, &s, "x", 1) == -EPROTO, "and nothing is sent on it");
	packets = 0;
	violations = 0;
	signal_host();
	check(!packets && !violations, "or read");

	open_fresh();
	in->write_index = 0xffffffff;
	signal_host();
	check(fatal("write index"), "write index out of range");

	open_fresh();
	out->read_index = 3 * PAGE_SIZE;
	acks = 0;
	channel_send(dev(), 1, 0, &s, "x", 1);
	vmbus_poll();
	check(dev()->broken && acks == 1 && last_ack == -ECANCELED, "read index out of range");
}

static void test_rescind(void)
{
	u32 old;

	open_fresh();
	old = last_relid;
	vmbus_rescind(dev(), false);
	check(last_sent() == MSG_RESCIND_OFFER && dev()->state == HVHOST_DEV_RESCINDED, "rescind");
	open_it(5, 4, 0);
	check(!violations && last_status, "open that crosses it fails quietly");
	by_relid(MSG_CLOSE_CHANNEL, old);
	check(!violations, "so does close");
	vmbus_reoffer(dev());
	check(dev()->state == HVHOST_DEV_RESCINDED, "no new offer while the id is in use");
	by_relid(MSG_RELID_RELEASED, old);
	vmbus_poll();
	check(dev()->state == HVHOST_DEV_OFFERED && last_relid != old && !gpadl_find(5),
	      "new offer after the release, lists gone");
}

static int upon(u32 what, u32 nth, u32 when, u32 delay_us)
{
	const struct hvhost_upon u = {
		.what = what, .nth = nth, .when = when, .delay_us = delay_us,
	};

	return vmbus_rescind_upon(dev(), &u);
}

/* The message before the last one. */
static u32 sent_before(void)
{
	return sent[(sent_count - 2) % ARRAY_SIZE(sent)];
}

static bool is_rescinded(void)
{
	return dev()->state == HVHOST_DEV_RESCINDED;
}

/* Everything up to the message that is to open the channel. */
static void list_fresh(void)
{
	struct gpadl_msg g;

	fresh();
	g = gpadl_of(5, 8);
	post_gpadl(&g, 8);
}

static void test_upon_message(void)
{
	struct gpadl_msg g;
	u32 count, old;

	list_fresh();
	upon(MSG_OPEN_CHANNEL, 1, HVHOST_WHEN_BEFORE, 0);
	open_it(5, 4, 0);
	check(is_rescinded() && sent_before() == MSG_RESCIND_OFFER &&
	      last_sent() == MSG_OPEN_RESULT && last_status, "rescind before open is answered");

	list_fresh();
	upon(MSG_OPEN_CHANNEL, 1, HVHOST_WHEN_INSTEAD, 0);
	count = sent_count;
	open_it(5, 4, 0);
	check(is_rescinded() && last_sent() == MSG_RESCIND_OFFER && sent_count == count + 1,
	      "rescind, and open is ignored");

	list_fresh();
	upon(MSG_OPEN_CHANNEL, 1, HVHOST_WHEN_AFTER, 0);
	open_it(5, 4, 0);
	vmbus_poll();
	check(is_rescinded() && sent_before() == MSG_OPEN_RESULT && !last_status &&
	      last_sent() == MSG_RESCIND_OFFER, "rescind right after open");

	open_fresh();
	upon(MSG_CLOSE_CHANNEL, 1, HVHOST_WHEN_BEFORE, 0);
	by_relid(MSG_CLOSE_CHANNEL, last_relid);
	check(is_rescinded() && !violations, "rescind before close");
	upon(MSG_GPADL_TEARDOWN, 1, HVHOST_WHEN_BEFORE, 0);
	teardown(last_relid, 5);
	check(is_rescinded() && !violations && last_sent() == MSG_GPADL_TORNDOWN,
	      "the teardown behind it");

	fresh();
	upon(MSG_GPADL_HEADER, 2, HVHOST_WHEN_INSTEAD, 0);
	g = gpadl_of(5, 8);
	post_gpadl(&g, 8);
	check(!is_rescinded() && last_sent() == MSG_GPADL_CREATED, "not upon the first of two");
	g = gpadl_of(6, 8);
	post_gpadl(&g, 8);
	check(is_rescinded() && !gpadl_find(6), "upon the second");

	open_fresh();
	vmbus_rescind(dev(), false);
	vmbus_reoffer(dev());
	old = last_relid;
	upon(MSG_RELID_RELEASED, 1, HVHOST_WHEN_AFTER, 0);
	by_relid(MSG_RELID_RELEASED, old);
	count = sent_count;
	vmbus_poll();
	vmbus_poll();
	check(is_rescinded() && last_relid != old && sent_count == count + 2 &&
	      sent_before() == MSG_OFFER_CHANNEL, "a new offer, and a rescind right behind it");
}

static void test_upon_body(void)
{
	struct {
		struct msg_gpadl_body m;
		u8 pfns[8];
	} body = { .m = { .h.type = MSG_GPADL_BODY, .gpadl = 9 } };
	u64 pfn = RAM_GPA >> PAGE_SHIFT;
	struct gpadl_msg g;

	fresh();
	memcpy(body.pfns, &pfn, 8);
	g = gpadl_of(9, 27);
	upon(MSG_GPADL_BODY, 1, HVHOST_WHEN_BEFORE, 0);
	post_gpadl(&g, 26);
	check(!is_rescinded(), "not upon the first part of a list");
	post(&body, sizeof(body));
	check(is_rescinded() && sent_before() == MSG_RESCIND_OFFER &&
	      last_sent() == MSG_GPADL_CREATED, "upon the second part");
}

static void test_upon_packet(void)
{
	struct hv_ring_control *in = (void *)ram[0];
	struct hv_descriptor d = { HV_PACKET_INBAND, 2, 2, 0, 0 };
	struct hvhost_send s = { .type = HV_PACKET_INBAND };

	open_fresh();
	upon(HVHOST_UPON_SENT, 2, HVHOST_WHEN_AFTER, 0);
	channel_send(dev(), 1, 0, &s, "x", 1);
	vmbus_poll();
	check(!is_rescinded(), "not upon the first packet");
	channel_send(dev(), 2, 0, &s, "x", 1);
	vmbus_poll();
	check(is_rescinded() && last_ack == 0, "upon the second, which is in the ring");

	open_fresh();
	upon(HVHOST_UPON_SENT, 1, HVHOST_WHEN_AFTER, 1000000000);
	channel_send(dev(), 1, 0, &s, "x", 1);
	vmbus_poll();
	check(!is_rescinded() && dev()->upon_at, "not yet");
	dev()->upon_at = 1;
	vmbus_poll();
	check(is_rescinded(), "later");

	open_fresh();
	upon(HVHOST_UPON_READ, 1, HVHOST_WHEN_AFTER, 0);
	channel_send(dev(), 1, 0, &s, "x", 1);
	vmbus_poll();
	check(!is_rescinded(), "a packet to the guest is none of the guest's");
	memcpy(ram[1], &d, sizeof(d));
	in->write_index = 24;
	packets = 0;
	signal_host();
	vmbus_poll();
	check(is_rescinded() && packets == 1, "upon a packet of the guest's");
}

static void test_upon_nothing(void)
{
	static const struct hvhost_offer offer;
	u32 mine;

	open_fresh();
	check(upon(MSG_OPEN_CHANNEL, 1, HVHOST_WHEN_AFTER + 1, 0) == -EINVAL &&
	      upon(HVHOST_UPON_READ + 1, 1, HVHOST_WHEN_AFTER, 0) == -EINVAL &&
	      upon(HVHOST_UPON_SENT, 1, HVHOST_WHEN_BEFORE, 0) == -EINVAL &&
	      upon(MSG_OPEN_CHANNEL, 1, HVHOST_WHEN_INSTEAD, 1) == -EINVAL,
	      "what cannot be waited for");
	upon(MSG_CLOSE_CHANNEL, 1, HVHOST_WHEN_AFTER, 0);
	upon(MSG_CLOSE_CHANNEL, 0, HVHOST_WHEN_AFTER, 0);
	by_relid(MSG_CLOSE_CHANNEL, last_relid);
	vmbus_poll();
	check(dev()->state == HVHOST_DEV_OFFERED, "undone");

	open_fresh();
	mine = last_relid;
	upon(MSG_RELID_RELEASED, 1, HVHOST_WHEN_AFTER, 0);
	vmbus_add_device(DEV + 1, &offer);
	vmbus_rescind(vmbus_find(DEV + 1), true);
	by_relid(MSG_RELID_RELEASED, last_relid);
	vmbus_poll();
	check(dev()->state == HVHOST_DEV_OPEN && !vmbus_find(DEV + 1),
	      "not upon another device's message");
	vmbus_rescind(dev(), true);
	by_relid(MSG_RELID_RELEASED, mine);
	vmbus_poll();
	check(!dev() && !violations, "a device that is forgotten upon it");
	fresh();
}

/* Packets of 32 bytes all over guest memory, so that some of what is read is right. */
static void fill_with_packets(void)
{
	struct hv_descriptor d = { HV_PACKET_INBAND, 2, 3, 0, 1 };
	u32 page, at;

	for (page = 0; page < RAM_PAGES; page++)
		for (at = 0; at < PAGE_SIZE; at += 32)
			memcpy(&ram[page][at], &d, sizeof(d));
	for (page = 0; page < RAM_PAGES; page++)
		memset(ram[page], 0, 16);
}

/* Anything at all, in random order, mostly with plausible fields. */
static bool random_messages(void)
{
	u32 i, n, type;

	srand(1);
	for (i = 0; i < 300000; i++) {
		u32 w[60];

		if (!vmbus.version) {
			fresh();
			fill_with_packets();
		}
		for (n = 0; n < ARRAY_SIZE(w); n++)
			w[n] = rand() & 1 ? (u32)rand() % 9 : (u32)rand() << (rand() & 4);
		type = rand() % 30;
		w[0] = type == MSG_UNLOAD && rand() % 8 ? (u32)MSG_OPEN_CHANNEL : type;
		if (rand() & 3)
			w[2] = last_relid;
		if (w[0] == MSG_GPADL_HEADER && rand() & 3) {
			struct gpadl_msg g = gpadl_of(1 + rand() % 8, 2 + rand() % 30);

			memcpy(w, &g, sizeof(g));
		}
		if (w[0] == MSG_OPEN_CHANNEL && rand() & 3) {
			w[4] = 1 + rand() % 8;
			w[5] = rand() & 1;
			w[6] = 2 + rand() % 6;
		}
		if (rand() & 1)
			((u32 *)ram[rand() % 8])[rand() & 1] =
				rand() & 7 ? rand() % 64 * 32 : rand();
		post_on(rand() & 7 ? 4 : 1, w, rand() & 3 ? 240 : rand() % 241);
		signal_host();
		if (dev()->state == HVHOST_DEV_OPEN) {
			struct hvhost_send s = { .type = HV_PACKET_INBAND, .trans_id = i };

			channel_send(dev(), 1, rand() & 7, &s, w, rand() % 240);
		}
		if (rand() % 50 == 0)
			vmbus_rescind(dev(), false);
		if (rand() % 50 == 0)
			upon(rand() & 1 ? rand() % 30 : HVHOST_UPON_SENT + rand() % 2,
			     1 + rand() % 3, rand() % 3, 0);
		if (rand() % 5 == 0)
			vmbus_reoffer(dev());
	}
	return true;
}

int main(void)
{
	vmbus_init();
	test_contact();
	test_messages();
	test_gpadl();
	test_gpadl_bodies();
	test_open();
	test_broken_ring();
	test_rescind();
	test_upon_message();
	test_upon_body();
	test_upon_packet();
	test_upon_nothing();
	packets = 0;
	signals = 0;
	vmbus.config.signal_policy = HVHOST_SIGNAL_EACH;
	check(random_messages() && packets > 1000 && signals > 20, "300,000 random messages");
	printf("# %u packets read, %u signals sent\n", packets, signals);
	simple(MSG_UNLOAD);
	check(last_sent() == MSG_UNLOAD_RESPONSE && !vmbus.version, "unload");
	printf("1..%d\n", number);
	return failed != 0;
}
