// SPDX-License-Identifier: GPL-2.0
/*
 * Tests of ic.c: whole packets, on real pools.
 */
#include <linux/errno.h>
#include <linux/gfp.h>
#include <linux/string.h>
#include "ic.h"
#include "kunit.h"
#include "share.h"

#define HEADERS		HKVP_IC_HEADERS
#define KVP_BODY	2580
#define LARGEST		8192	/* of a packet, with the channel as we open it */
#define ID		0x77
#define REQUEST		(HKVP_IC_TRANSACTION | HKVP_IC_REQUEST)
#define REPLY		(HKVP_IC_TRANSACTION | HKVP_IC_RESPONSE)
#define V(major, minor)	HKVP_VERSION(major, minor)

struct fixture {
	struct hkvp_budget budget;
	struct hkvp_pool pools[HKVP_POOL_COUNT];
	u32 ready;			/* pools that are initialized */
	struct hkvp_ic ic;
	u8 *packet;
	struct hkvp_pipe_hdr *pipe;
	struct hkvp_ic_hdr *hdr;
	u32 len;
	u32 told;			/* times that state_changed was called */
	enum hkvp_state state;		/* as it was then */
	bool waits;			/* SET_IP_INFO has no answer yet */
	u32 cancels;			/* times that nobody waited for it any more */
};

static int set_ip_later(void *ctx, const struct hkvp_ip_binary *ip, gfp_t gfp)
{
	struct fixture *f = ctx;

	return f->waits ? -EINPROGRESS : -EAGAIN;
}

static void cancel_ip(void *ctx)
{
	struct fixture *f = ctx;

	f->cancels++;
}

static void state_changed(void *ctx)
{
	struct fixture *f = ctx;

	f->told++;
	f->state = f->ic.state;
}

static const struct hkvp_service_ops ops = {
	.state_changed = state_changed,
	.set_ip_binary = set_ip_later,
	.cancel = cancel_ip,
};

static int set_up(struct kunit *test)
{
	static const struct hkvp_limit limits[HKVP_OWNER_COUNT] = {
		{ .items = 10000, .bytes = 16 << 20 },
		{ .items = 10000, .bytes = 16 << 20 },
	};
	struct fixture *f = kunit_kzalloc(test, sizeof(*f), GFP_KERNEL);
	int err;

	if (!f)
		return -ENOMEM;
	test->priv = f;
	f->packet = kunit_kzalloc(test, LARGEST, GFP_KERNEL);
	if (!f->packet)
		return -ENOMEM;
	hkvp_budget_init(&f->budget, limits, 0);
	for (f->ready = 0; f->ready < HKVP_POOL_COUNT; f->ready++) {
		err = hkvp_pool_init(&f->pools[f->ready], &f->budget);
		if (err)
			return err;
	}
	hkvp_ic_init(&f->ic, f->pools, &ops, f);
	hkvp_ic_open(&f->ic);
	return 0;
}

static void tear_down(struct kunit *test)
{
	struct fixture *f = test->priv;

	if (!f)
		return;
	if (f->ready == HKVP_POOL_COUNT)
		hkvp_ic_close(&f->ic);
	while (f->ready)
		hkvp_pool_destroy(&f->pools[--f->ready]);
}

/* A packet of the host with a body of zeroes, padded to 8 bytes like VMBus's. */
static void *put_packet(struct fixture *f, u16 type, u16 size)
{
	memset(f->packet, 0, LARGEST);
	f->pipe = (void *)f->packet;
	f->hdr = (void *)(f->pipe + 1);
	f->pipe->flags = cpu_to_le32(HKVP_PIPE_DATA);
	f->pipe->size = cpu_to_le32(sizeof(*f->hdr) + size);
	f->hdr->type = cpu_to_le16(type);
	f->hdr->size = cpu_to_le16(size);
	f->hdr->id = ID;
	f->hdr->flags = REQUEST;
	f->len = ALIGN(HEADERS + size, 8);
	return f->hdr + 1;
}

static enum hkvp_verdict send(struct fixture *f, gfp_t gfp)
{
	return hkvp_ic_packet(&f->ic, f->packet, f->len, 1, gfp);
}

static u32 put_versions(struct hkvp_ic_version *dst, const u32 *versions)
{
	u32 n;

	for (n = 0; versions[n]; n++) {
		dst[n].major = cpu_to_le16(versions[n] >> 16);
		dst[n].minor = cpu_to_le16(versions[n]);
	}
	return n;
}

static void put_negotiate(struct fixture *f, const u32 *fw, const u32 *msg)
{
	struct hkvp_negotiate *body = put_packet(f, HKVP_IC_NEGOTIATE, 100);
	u32 n, m;

	n = put_versions(body->versions, fw);
	m = put_versions(body->versions + n, msg);
	body->fw_count = cpu_to_le16(n);
	body->msg_count = cpu_to_le16(m);
	f->hdr->size = cpu_to_le16(sizeof(*body) + 4 * (n + m));
}

static void negotiate(struct kunit *test)
{
	static const u32 fw[] = { V(1, 0), V(3, 0), 0 };
	static const u32 msg[] = { V(3, 0), V(4, 0), V(5, 0), 0 };
	struct fixture *f = test->priv;

	put_negotiate(f, fw, msg);
	KUNIT_EXPECT_EQ(test, (u32)send(f, GFP_ATOMIC), (u32)HKVP_REPLY);
	KUNIT_EXPECT_EQ(test, (u32)f->ic.state, (u32)HKVP_STATE_OK);
}

static struct hkvp_msg_enumerate *put_kvp(struct fixture *f, u8 op, u8 pool)
{
	struct hkvp_msg_enumerate *msg = put_packet(f, HKVP_IC_KVP, KVP_BODY);

	msg->hdr.op = op;
	msg->hdr.pool = pool;
	return msg;
}

static void put_set(struct fixture *f, u8 pool, u8 letter)
{
	struct hkvp_msg_value *msg = (void *)put_kvp(f, HKVP_OP_SET, pool);

	msg->value.type = cpu_to_le32(HKVP_TYPE_SZ);
	msg->value.key_size = cpu_to_le32(4);
	msg->value.value_size = cpu_to_le32(4);
	msg->value.key[0] = letter;
	msg->value.value[0] = letter;
}

/* The answer has the request's headers, but for these fields. */
static void expect_reply(struct kunit *test, u32 status)
{
	struct fixture *f = test->priv;

	KUNIT_EXPECT_EQ(test, le32_to_cpu(f->hdr->status), status);
	KUNIT_EXPECT_EQ(test, f->hdr->flags, REPLY);
	KUNIT_EXPECT_EQ(test, f->hdr->id, ID);
	KUNIT_EXPECT_EQ(test, f->ic.last.status, status);
	KUNIT_EXPECT_EQ(test, f->ic.last.id, ID);
	KUNIT_EXPECT_EQ(test, f->ic.last.type, le16_to_cpu(f->hdr->type));
}

struct drop_case {
	const char *name;
	u32 len;
	u32 pipe_flags;
	u32 pipe_size;
	u16 type;
	u8 flags;
	enum hkvp_drop drop;	/* HKVP_DROP_COUNT: answered */
	u32 status;
};

#define FITS	HKVP_DROP_COUNT

static const struct drop_case drop_cases[] = {
	{ "nothing", 0, 1, 20, 2, REQUEST, HKVP_DROP_SHORT },
	{ "one byte", 1, 1, 20, 2, REQUEST, HKVP_DROP_SHORT },
	{ "pipe header only", 8, 1, 0, 2, REQUEST, HKVP_DROP_SHORT },
	{ "IC header cut", 27, 1, 20, 2, REQUEST, HKVP_DROP_SHORT },
	{ "both headers", 28, 1, 20, 2, REQUEST, FITS, HKVP_E_INVALID_ARGUMENT },
	{ "both headers, padded", 32, 1, 20, 2, REQUEST, FITS, HKVP_E_INVALID_ARGUMENT },
	{ "pipe flags 0", 32, 0, 20, 2, REQUEST, FITS, HKVP_E_INVALID_ARGUMENT },
	{ "part of a message", 32, 2, 20, 2, REQUEST, HKVP_DROP_PIPE_FLAGS },
	{ "set-up of memory", 32, 3, 20, 2, REQUEST, HKVP_DROP_PIPE_FLAGS },
	{ "tear-down of memory", 32, 4, 20, 2, REQUEST, HKVP_DROP_PIPE_FLAGS },
	{ "pipe flags 5", 32, 5, 20, 2, REQUEST, FITS, HKVP_E_INVALID_ARGUMENT },
	{ "pipe flags in the upper half", 32, 0x10001, 20, 2, REQUEST,
	  FITS, HKVP_E_INVALID_ARGUMENT },
	{ "pipe flags highest, a response", 32, 0xffffffff, 20, 2, REPLY,
	  HKVP_DROP_RESPONSE },
	{ "pipe size 0", 32, 1, 0, 2, REQUEST, HKVP_DROP_PIPE_SIZE },
	{ "pipe size below an IC header", 32, 1, 19, 2, REQUEST, HKVP_DROP_PIPE_SIZE },
	{ "pipe size all there is", 32, 1, 24, 2, REQUEST, FITS, HKVP_E_INVALID_ARGUMENT },
	{ "pipe size one more", 32, 1, 25, 2, REQUEST, HKVP_DROP_PIPE_SIZE },
	{ "pipe size wraps", 32, 1, 0xfffffffc, 2, REQUEST, HKVP_DROP_PIPE_SIZE },
	{ "pipe size highest", 32, 1, 0xffffffff, 2, REQUEST, HKVP_DROP_PIPE_SIZE },
	{ "response", 32, 1, 20, 2, REPLY, HKVP_DROP_RESPONSE },
	{ "response to NEGOTIATE", 32, 1, 20, 0, REPLY, HKVP_DROP_RESPONSE },
	{ "request and response", 32, 1, 20, 2, REQUEST | REPLY, HKVP_DROP_RESPONSE },
	{ "response of an unknown type", 32, 1, 20, 9, REPLY, HKVP_DROP_RESPONSE },
	{ "no flags", 32, 1, 20, 2, 0, FITS, HKVP_E_INVALID_ARGUMENT },
	{ "no transaction", 32, 1, 20, 2, HKVP_IC_REQUEST, FITS, HKVP_E_INVALID_ARGUMENT },
	{ "unknown flags", 32, 1, 20, 2, 0xf8, FITS, HKVP_E_INVALID_ARGUMENT },
	{ "heartbeat", 32, 1, 20, 1, REQUEST, FITS, HKVP_E_NOT_SUPPORTED },
	{ "shutdown", 32, 1, 20, 3, REQUEST, FITS, HKVP_E_NOT_SUPPORTED },
	{ "type 8", 32, 1, 20, 8, REQUEST, FITS, HKVP_E_NOT_SUPPORTED },
	{ "type 258", 32, 1, 20, 258, REQUEST, FITS, HKVP_E_NOT_SUPPORTED },
	{ "type 65535", 32, 1, 20, 65535, REQUEST, FITS, HKVP_E_NOT_SUPPORTED },
	{ "type 1, no flags", 32, 1, 20, 1, 0, HKVP_DROP_TYPE },
	{ "type 9, transaction only", 32, 1, 20, 9, HKVP_IC_TRANSACTION, HKVP_DROP_TYPE },
	{ "NEGOTIATE without a body", 32, 1, 20, 0, REQUEST, FITS, HKVP_E_INVALID_ARGUMENT },
};

static void drop_desc(const struct drop_case *c, char *desc)
{
	strscpy(desc, c->name, KUNIT_PARAM_DESC_SIZE);
}

KUNIT_ARRAY_PARAM(drop, drop_cases, drop_desc);

static void test_drop(struct kunit *test)
{
	const struct drop_case *c = test->param_value;
	bool answered = c->drop == FITS;
	struct fixture *f = test->priv;
	u8 *exact, *before;
	u32 i;

	negotiate(test);
	put_packet(f, c->type, 0);
	f->pipe->flags = cpu_to_le32(c->pipe_flags);
	f->pipe->size = cpu_to_le32(c->pipe_size);
	f->hdr->flags = c->flags;
	/* A buffer of just that size, so that KASAN sees what reads on. */
	exact = kunit_kzalloc(test, c->len + 1, GFP_KERNEL);
	before = kunit_kzalloc(test, c->len + 1, GFP_KERNEL);
	KUNIT_ASSERT_NOT_NULL(test, exact);
	KUNIT_ASSERT_NOT_NULL(test, before);
	memcpy(exact + 1, f->packet, c->len);
	memcpy(before + 1, f->packet, c->len);

	KUNIT_EXPECT_EQ(test, (u32)hkvp_ic_packet(&f->ic, exact + 1, c->len, 1,
						  GFP_ATOMIC),
			(u32)(answered ? HKVP_REPLY : HKVP_DROP));
	KUNIT_EXPECT_EQ(test, f->ic.stats.packets, 2);
	KUNIT_EXPECT_EQ(test, f->ic.stats.bad_pipe_flags,
			answered && c->pipe_flags != HKVP_PIPE_DATA);
	for (i = 0; i < HKVP_DROP_COUNT; i++)
		KUNIT_EXPECT_EQ(test, f->ic.stats.dropped[i], i == c->drop);
	if (answered) {
		f->hdr = (void *)(exact + 1 + sizeof(*f->pipe));
		expect_reply(test, c->status);
	} else {
		KUNIT_EXPECT_EQ(test, f->ic.last.drop, c->drop);
		KUNIT_EXPECT_EQ(test, memcmp(exact, before, c->len + 1), 0);
	}
	KUNIT_EXPECT_EQ(test, (u32)f->ic.state, (u32)HKVP_STATE_OK);
}

struct negotiate_case {
	const char *name;
	u32 fw[3];		/* end with 0 */
	u32 msg[5];
	u32 fw_chosen;
	u32 msg_chosen;
	enum hkvp_state state;
};

static const struct negotiate_case negotiate_cases[] = {
	{ "1.0", { V(1, 0) }, { V(1, 0) }, V(1, 0), V(1, 0), HKVP_STATE_OK },
	{ "3.0", { V(1, 0), V(3, 0) }, { V(1, 0), V(3, 0) },
	  V(3, 0), V(3, 0), HKVP_STATE_OK },
	{ "4.0", { V(1, 0), V(3, 0) }, { V(3, 0), V(4, 0) },
	  V(3, 0), V(4, 0), HKVP_STATE_OK },
	{ "5.0", { V(1, 0), V(3, 0) }, { V(3, 0), V(4, 0), V(5, 0) },
	  V(3, 0), V(5, 0), HKVP_STATE_OK },
	{ "a newer message version", { V(3, 0) }, { V(5, 0), V(6, 0) },
	  V(3, 0), V(5, 0), HKVP_STATE_DEGRADED },
	{ "a newer framework", { V(3, 0), V(4, 0) }, { V(5, 0) },
	  V(3, 0), V(5, 0), HKVP_STATE_DEGRADED },
	{ "no common message version", { V(3, 0) }, { V(6, 0) },
	  0, 0, HKVP_STATE_NON_RECOVERABLE },
	{ "no common framework", { V(4, 0) }, { V(5, 0) },
	  0, 0, HKVP_STATE_NON_RECOVERABLE },
	{ "nothing offered", { 0 }, { 0 }, 0, 0, HKVP_STATE_NON_RECOVERABLE },
};

static void negotiate_desc(const struct negotiate_case *c, char *desc)
{
	strscpy(desc, c->name, KUNIT_PARAM_DESC_SIZE);
}

KUNIT_ARRAY_PARAM(negotiate, negotiate_cases, negotiate_desc);

static void test_negotiate(struct kunit *test)
{
	const struct negotiate_case *c = test->param_value;
	struct fixture *f = test->priv;
	struct hkvp_negotiate *body;
	u32 pipe_size;

	KUNIT_EXPECT_EQ(test, (u32)f->ic.state, (u32)HKVP_STATE_NO_CONTACT);
	put_negotiate(f, c->fw, c->msg);
	body = (void *)(f->hdr + 1);
	pipe_size = le32_to_cpu(f->pipe->size);
	KUNIT_EXPECT_EQ(test, (u32)send(f, GFP_ATOMIC), (u32)HKVP_REPLY);
	expect_reply(test, HKVP_S_OK);
	KUNIT_EXPECT_EQ(test, (u32)f->ic.state, (u32)c->state);
	KUNIT_EXPECT_EQ(test, f->ic.versions.fw, c->fw_chosen);
	KUNIT_EXPECT_EQ(test, f->ic.versions.msg, c->msg_chosen);
	KUNIT_EXPECT_EQ(test, le16_to_cpu(body->fw_count), c->fw_chosen ? 1 : 0);
	KUNIT_EXPECT_EQ(test, le16_to_cpu(body->msg_count), c->fw_chosen ? 1 : 0);
	KUNIT_EXPECT_EQ(test, le16_to_cpu(f->hdr->size), c->fw[0] ? 16 : 8);
	KUNIT_EXPECT_EQ(test, le32_to_cpu(f->pipe->size), pipe_size);
	KUNIT_EXPECT_EQ(test, f->ic.service.connection, 1);
	KUNIT_EXPECT_EQ(test, f->ic.stats.negotiations, 1);

	/* And now there is a service, or not. */
	put_kvp(f, HKVP_OP_ENUMERATE, HKVP_POOL_GUEST);
	KUNIT_EXPECT_EQ(test, (u32)send(f, GFP_ATOMIC), (u32)HKVP_REPLY);
	expect_reply(test, c->fw_chosen ? HKVP_E_NO_MORE_ITEMS :
					  HKVP_E_NOT_CONNECTED);
	KUNIT_EXPECT_EQ(test, le16_to_cpu(f->hdr->size), KVP_BODY);
}

/* NEGOTIATE at any time: the enumeration ends, the connection is a new one. */
static void test_negotiate_again(struct kunit *test)
{
	struct fixture *f = test->priv;

	negotiate(test);
	put_set(f, HKVP_POOL_GUEST, 'a');
	KUNIT_EXPECT_EQ(test, (u32)send(f, GFP_ATOMIC), (u32)HKVP_REPLY);
	expect_reply(test, HKVP_S_OK);
	put_kvp(f, HKVP_OP_ENUMERATE, HKVP_POOL_GUEST);
	KUNIT_EXPECT_EQ(test, (u32)send(f, GFP_ATOMIC), (u32)HKVP_REPLY);
	expect_reply(test, HKVP_S_OK);
	KUNIT_EXPECT_NOT_NULL(test, f->ic.service.cursors[HKVP_POOL_GUEST].version);
	KUNIT_EXPECT_NE(test, hkvp_ic_expire(&f->ic, 1), 0);

	negotiate(test);
	KUNIT_EXPECT_NULL(test, f->ic.service.cursors[HKVP_POOL_GUEST].version);
	KUNIT_EXPECT_EQ(test, f->ic.service.connection, 2);
	KUNIT_EXPECT_EQ(test, hkvp_ic_expire(&f->ic, 1), 0);
	/* The pools stay. */
	put_kvp(f, HKVP_OP_ENUMERATE, HKVP_POOL_GUEST);
	KUNIT_EXPECT_EQ(test, (u32)send(f, GFP_ATOMIC), (u32)HKVP_REPLY);
	expect_reply(test, HKVP_S_OK);
}

/* A malformed NEGOTIATE is refused and changes nothing. */
static void test_negotiate_malformed(struct kunit *test)
{
	struct fixture *f = test->priv;
	struct hkvp_negotiate *body;
	u32 size;

	negotiate(test);
	for (size = 0; size < 16; size++) {
		body = put_packet(f, HKVP_IC_NEGOTIATE, size);
		body->fw_count = cpu_to_le16(1);
		body->msg_count = cpu_to_le16(1);
		KUNIT_EXPECT_EQ(test, (u32)send(f, GFP_ATOMIC), (u32)HKVP_REPLY);
		expect_reply(test, HKVP_E_INVALID_ARGUMENT);
		KUNIT_EXPECT_EQ(test, le16_to_cpu(f->hdr->size), size);
		KUNIT_EXPECT_EQ(test, le16_to_cpu(body->fw_count), size < 8);
	}
	KUNIT_EXPECT_EQ(test, f->ic.stats.bad_negotiations, 16);
	KUNIT_EXPECT_EQ(test, f->ic.stats.negotiations, 1);
	KUNIT_EXPECT_EQ(test, f->ic.versions.msg, V(5, 0));
	KUNIT_EXPECT_EQ(test, f->ic.service.connection, 1);
	KUNIT_EXPECT_EQ(test, (u32)f->ic.state, (u32)HKVP_STATE_OK);
	/* told by set_up()'s open and the one that was well-formed */
	KUNIT_EXPECT_EQ(test, f->told, 2);
}

/* A size in the IC header that is not that of the body: what arrived counts. */
static void test_bad_size(struct kunit *test)
{
	static const u16 sizes[] = { 0, KVP_BODY + 1, 0x7fff, 0xffff };
	static const u32 fw[] = { V(3, 0), 0 };
	static const u32 msg[] = { V(4, 0), V(5, 0), 0 };
	struct fixture *f = test->priv;
	u32 i;

	for (i = 0; i < ARRAY_SIZE(sizes); i++) {
		put_negotiate(f, fw, msg);
		f->hdr->size = cpu_to_le16(sizes[i]);
		KUNIT_EXPECT_EQ(test, (u32)send(f, GFP_ATOMIC), (u32)HKVP_REPLY);
		expect_reply(test, HKVP_S_OK);
		KUNIT_EXPECT_EQ(test, le16_to_cpu(f->hdr->size), 16);
		KUNIT_EXPECT_EQ(test, f->ic.versions.msg, V(5, 0));

		put_set(f, HKVP_POOL_GUEST, 'a' + i);
		f->hdr->size = cpu_to_le16(sizes[i]);
		KUNIT_EXPECT_EQ(test, (u32)send(f, GFP_ATOMIC), (u32)HKVP_REPLY);
		expect_reply(test, HKVP_S_OK);
		KUNIT_EXPECT_EQ(test, le16_to_cpu(f->hdr->size), KVP_BODY);

		put_packet(f, 1, 40);
		f->hdr->size = cpu_to_le16(sizes[i]);
		KUNIT_EXPECT_EQ(test, (u32)send(f, GFP_ATOMIC), (u32)HKVP_REPLY);
		expect_reply(test, HKVP_E_NOT_SUPPORTED);
		KUNIT_EXPECT_EQ(test, le16_to_cpu(f->hdr->size), 40);
	}
	KUNIT_EXPECT_EQ(test, f->ic.stats.bad_size, 3 * ARRAY_SIZE(sizes));
	/* What is less than the body is its size; so is 0 where there is none. */
	put_set(f, HKVP_POOL_GUEST, 'z');
	f->hdr->size = cpu_to_le16(1);
	KUNIT_EXPECT_EQ(test, (u32)send(f, GFP_ATOMIC), (u32)HKVP_REPLY);
	expect_reply(test, HKVP_E_INVALID_ARGUMENT);
	KUNIT_EXPECT_EQ(test, le16_to_cpu(f->hdr->size), 1);
	put_packet(f, HKVP_IC_KVP, 0);
	KUNIT_EXPECT_EQ(test, (u32)send(f, GFP_ATOMIC), (u32)HKVP_REPLY);
	expect_reply(test, HKVP_E_INVALID_ARGUMENT);
	KUNIT_EXPECT_EQ(test, f->ic.stats.bad_size, 3 * ARRAY_SIZE(sizes));
	/* The padding of VMBus is no part of the body. */
	put_packet(f, HKVP_IC_KVP, 5);
	f->hdr->size = cpu_to_le16(6);
	KUNIT_EXPECT_EQ(test, (u32)send(f, GFP_ATOMIC), (u32)HKVP_REPLY);
	KUNIT_EXPECT_EQ(test, le16_to_cpu(f->hdr->size), 5);
	KUNIT_EXPECT_EQ(test, f->ic.stats.bad_size, 3 * ARRAY_SIZE(sizes) + 1);
}

/*
 * Each beginning of a good packet, in a buffer of just that size: torn by the
 * ring (the pipe header promises more) and torn by the sender (it does not).
 */
static void test_torn(struct kunit *test)
{
	struct fixture *f = test->priv;
	u32 len, torn, bad = 0;

	negotiate(test);
	for (len = 0; len < HEADERS + KVP_BODY; len += len < 600 ? 1 : 41) {
		for (torn = 0; torn < 2; torn++) {
			u8 *exact = kmalloc(len + 1, GFP_KERNEL);
			enum hkvp_verdict want = HKVP_DROP;
			enum hkvp_verdict got;

			KUNIT_ASSERT_NOT_NULL(test, exact);
			put_set(f, HKVP_POOL_GUEST, 'a');
			if (!torn && len >= HEADERS) {
				f->pipe->size = cpu_to_le32(len - sizeof(*f->pipe));
				f->hdr->size = cpu_to_le16(len - HEADERS);
				want = HKVP_REPLY;
			}
			memcpy(exact + 1, f->packet, len);
			got = hkvp_ic_packet(&f->ic, exact + 1, len, 1, GFP_ATOMIC);
			if (got != want || (got == HKVP_REPLY &&
					    f->ic.last.status !=
					    (len < HEADERS + sizeof(struct hkvp_msg_value) ?
					     HKVP_E_INVALID_ARGUMENT : HKVP_S_OK)))
				bad++;
			kfree(exact);
		}
	}
	KUNIT_EXPECT_EQ(test, bad, 0);
	KUNIT_EXPECT_EQ(test, (u32)f->ic.state, (u32)HKVP_STATE_OK);
}

static void test_open_close(struct kunit *test)
{
	struct fixture *f = test->priv;

	KUNIT_EXPECT_EQ(test, (u32)f->ic.state, (u32)HKVP_STATE_NO_CONTACT);
	put_kvp(f, HKVP_OP_ENUMERATE, HKVP_POOL_GUEST);
	KUNIT_EXPECT_EQ(test, (u32)send(f, GFP_ATOMIC), (u32)HKVP_REPLY);
	expect_reply(test, HKVP_E_NOT_CONNECTED);
	negotiate(test);
	put_set(f, HKVP_POOL_GUEST, 'a');
	KUNIT_EXPECT_EQ(test, (u32)send(f, GFP_ATOMIC), (u32)HKVP_REPLY);
	put_kvp(f, HKVP_OP_ENUMERATE, HKVP_POOL_GUEST);
	KUNIT_EXPECT_EQ(test, (u32)send(f, GFP_ATOMIC), (u32)HKVP_REPLY);
	expect_reply(test, HKVP_S_OK);

	KUNIT_EXPECT_EQ(test, f->told, 2);
	KUNIT_EXPECT_EQ(test, (u32)f->state, (u32)HKVP_STATE_OK);
	hkvp_ic_close(&f->ic);
	KUNIT_EXPECT_EQ(test, f->told, 3);
	KUNIT_EXPECT_EQ(test, (u32)f->state, (u32)HKVP_STATE_LOST);
	KUNIT_EXPECT_EQ(test, (u32)f->ic.state, (u32)HKVP_STATE_LOST);
	KUNIT_EXPECT_EQ(test, f->ic.versions.msg, 0);
	KUNIT_EXPECT_EQ(test, hkvp_ic_expire(&f->ic, 1), 0);
	hkvp_ic_open(&f->ic);
	KUNIT_EXPECT_EQ(test, f->told, 4);
	KUNIT_EXPECT_EQ(test, (u32)f->ic.state, (u32)HKVP_STATE_NO_CONTACT);
	put_kvp(f, HKVP_OP_ENUMERATE, HKVP_POOL_GUEST);
	KUNIT_EXPECT_EQ(test, (u32)send(f, GFP_ATOMIC), (u32)HKVP_REPLY);
	expect_reply(test, HKVP_E_NOT_CONNECTED);
	negotiate(test);
	KUNIT_EXPECT_EQ(test, f->ic.service.connection, 2);
	put_kvp(f, HKVP_OP_ENUMERATE, HKVP_POOL_GUEST);
	KUNIT_EXPECT_EQ(test, (u32)send(f, GFP_ATOMIC), (u32)HKVP_REPLY);
	expect_reply(test, HKVP_S_OK);
}

/* A deferred packet is the same packet again in process context. */
static void test_defer(struct kunit *test)
{
	struct fixture *f = test->priv;
	struct hkvp_msg_hdr *msg;
	u8 *before = kunit_kzalloc(test, LARGEST, GFP_KERNEL);

	KUNIT_ASSERT_NOT_NULL(test, before);
	negotiate(test);
	msg = put_packet(f, HKVP_IC_KVP, 7428);
	msg->op = HKVP_OP_SET_IP_INFO;
	memcpy(before, f->packet, LARGEST);
	KUNIT_EXPECT_EQ(test, (u32)send(f, GFP_ATOMIC), (u32)HKVP_DEFER);
	KUNIT_EXPECT_EQ(test, memcmp(before, f->packet, LARGEST), 0);
	KUNIT_EXPECT_EQ(test, f->ic.stats.packets, 1);
	KUNIT_EXPECT_EQ(test, f->ic.service.stats.deferred, 1);
	KUNIT_EXPECT_EQ(test, (u32)send(f, GFP_KERNEL), (u32)HKVP_REPLY);
	expect_reply(test, HKVP_E_FAIL);
	KUNIT_EXPECT_EQ(test, f->ic.stats.packets, 2);
	KUNIT_EXPECT_EQ(test, f->ic.last.kvp.op, HKVP_OP_SET_IP_INFO);
}

/* The packet stays as it is until the answer is known. */
static void test_wait(struct kunit *test)
{
	u8 *before = kunit_kzalloc(test, LARGEST, GFP_KERNEL);
	struct fixture *f = test->priv;
	struct hkvp_msg_hdr *msg;

	KUNIT_ASSERT_NOT_NULL(test, before);
	negotiate(test);
	msg = put_packet(f, HKVP_IC_KVP, 7428);
	msg->op = HKVP_OP_SET_IP_INFO;
	f->waits = true;
	memcpy(before, f->packet, LARGEST);
	KUNIT_EXPECT_EQ(test, (u32)send(f, GFP_KERNEL), (u32)HKVP_WAIT);
	KUNIT_EXPECT_EQ(test, (u32)send(f, GFP_KERNEL), (u32)HKVP_WAIT);
	KUNIT_EXPECT_EQ(test, memcmp(before, f->packet, LARGEST), 0);
	KUNIT_EXPECT_EQ(test, f->ic.stats.packets, 1);
	f->waits = false;
	KUNIT_EXPECT_EQ(test, (u32)send(f, GFP_KERNEL), (u32)HKVP_REPLY);
	expect_reply(test, HKVP_E_FAIL);
	KUNIT_EXPECT_EQ(test, f->ic.stats.packets, 2);
}

/* The host has started over: the answer is one at once, and is the last one. */
static void test_abandon(struct kunit *test)
{
	struct fixture *f = test->priv;
	struct hkvp_msg_hdr *msg;
	u32 cancels;

	negotiate(test);
	msg = put_packet(f, HKVP_IC_KVP, 7428);
	msg->op = HKVP_OP_SET_IP_INFO;
	f->hdr->size = 0;
	f->waits = true;
	KUNIT_EXPECT_EQ(test, (u32)send(f, GFP_KERNEL), (u32)HKVP_WAIT);
	KUNIT_EXPECT_EQ(test, f->ic.stats.bad_size, 0);
	cancels = f->cancels;
	hkvp_ic_abandon(&f->ic, f->packet);
	expect_reply(test, HKVP_E_FAIL);
	KUNIT_EXPECT_EQ(test, f->cancels, cancels + 1);
	KUNIT_EXPECT_EQ(test, le16_to_cpu(f->hdr->size), 7428);
	KUNIT_EXPECT_EQ(test, f->ic.stats.packets, 2);
	KUNIT_EXPECT_EQ(test, f->ic.stats.bad_size, 1);
	KUNIT_EXPECT_EQ(test,
			f->ic.service.stats.ops[HKVP_OP_SET_IP_INFO], 1);
	KUNIT_EXPECT_EQ(test, f->ic.service.stats.status[HKVP_STATUS_FAIL], 1);
	negotiate(test);
}

/* What is behind a packet that waits, by its headers alone. */
static void test_is_negotiate(struct kunit *test)
{
	static const u32 fw[] = { V(3, 0), 0 };
	static const u32 msg[] = { V(5, 0), 0 };
	struct fixture *f = test->priv;
	u8 *headers = kunit_kzalloc(test, HEADERS, GFP_KERNEL);
	u32 i;

	KUNIT_ASSERT_NOT_NULL(test, headers);
	put_negotiate(f, fw, msg);
	memcpy(headers, f->packet, HEADERS);
	KUNIT_EXPECT_TRUE(test, hkvp_ic_is_negotiate(headers, f->len));
	/* as hkvp_ic_packet() takes it, whatever its body is */
	KUNIT_EXPECT_FALSE(test, hkvp_ic_is_negotiate(headers, HEADERS - 1));
	KUNIT_EXPECT_FALSE(test, hkvp_ic_is_negotiate(headers, HEADERS));
	put_packet(f, HKVP_IC_NEGOTIATE, 0);
	KUNIT_EXPECT_TRUE(test, hkvp_ic_is_negotiate(f->packet, HEADERS));
	f->hdr->flags = REPLY;
	KUNIT_EXPECT_FALSE(test, hkvp_ic_is_negotiate(f->packet, f->len));
	for (i = 1; i < 300; i++) {
		put_packet(f, i, 40);
		KUNIT_EXPECT_FALSE(test,
				   hkvp_ic_is_negotiate(f->packet, f->len));
	}
}

/* A clock that somebody else moves. */
static u64 fake_now, fake_step;

static u64 fake_clock(void)
{
	return fake_now += fake_step;
}

/* Packets that a run takes where each takes @step ns, from @start on. */
static u32 share_taken(u64 start, u64 step)
{
	struct hkvp_share share = { };
	u32 taken = 0;

	fake_now = start;
	fake_step = step;
	while (hkvp_share_take(&share, fake_clock))
		taken++;
	return taken;
}

static void test_share(struct kunit *test)
{
	struct hkvp_share share = { };

	KUNIT_EXPECT_EQ(test, share_taken(0, 0), HKVP_SHARE_PACKETS);
	KUNIT_EXPECT_EQ(test, share_taken(1, 1), HKVP_SHARE_PACKETS);
	KUNIT_EXPECT_EQ(test, share_taken(5, HKVP_SHARE_NS / 62),
			HKVP_SHARE_PACKETS);
	KUNIT_EXPECT_EQ(test, share_taken(5, HKVP_SHARE_NS / 62 + 1),
			HKVP_SHARE_PACKETS - 1);
	KUNIT_EXPECT_EQ(test, share_taken(7, HKVP_SHARE_NS / 4), 5);
	KUNIT_EXPECT_EQ(test, share_taken(7, HKVP_SHARE_NS), 2);
	KUNIT_EXPECT_EQ(test, share_taken(1ull << 62, 1ull << 40), 2);
	/* the clock is not looked at for a packet that comes alone */
	fake_now = 0;
	fake_step = 1;
	KUNIT_EXPECT_TRUE(test, hkvp_share_take(&share, fake_clock));
	KUNIT_EXPECT_EQ(test, fake_now, 0);
	KUNIT_EXPECT_TRUE(test, hkvp_share_take(&share, fake_clock));
	KUNIT_EXPECT_EQ(test, fake_now, 1);
}

/* The version in the header means nothing: the negotiated one counts. */
static void test_header_version(struct kunit *test)
{
	struct fixture *f = test->priv;

	negotiate(test);
	put_set(f, HKVP_POOL_GUEST, 'a');
	f->hdr->fw.major = cpu_to_le16(0x1234);
	f->hdr->msg.major = cpu_to_le16(0x5678);
	f->hdr->reserved[0] = 0x9a;
	KUNIT_EXPECT_EQ(test, (u32)send(f, GFP_ATOMIC), (u32)HKVP_REPLY);
	expect_reply(test, HKVP_S_OK);
	KUNIT_EXPECT_EQ(test, le16_to_cpu(f->hdr->fw.major), 0x1234);
	KUNIT_EXPECT_EQ(test, le16_to_cpu(f->hdr->msg.major), 0x5678);
	KUNIT_EXPECT_EQ(test, f->hdr->reserved[0], 0x9a);
	KUNIT_EXPECT_EQ(test, f->ic.last.kvp.op, HKVP_OP_SET);
	KUNIT_EXPECT_EQ(test, f->ic.last.kvp.pool, HKVP_POOL_GUEST);
	KUNIT_EXPECT_EQ(test, f->ic.last.kvp.key_size, 4);
}

/* Noise behind headers that are mostly right. The same numbers each time. */
static void test_noise(struct kunit *test)
{
	struct fixture *f = test->priv;
	u32 seed = 1, i, j, bad = 0;

	for (i = 0; i < 3000; i++) {
		u8 *body = put_packet(f, i % 4 ? HKVP_IC_KVP : HKVP_IC_NEGOTIATE,
				      i % 16 == 15 ? 7428 : KVP_BODY);
		u32 noise = i % 3 ? 16 : le16_to_cpu(f->hdr->size);
		enum hkvp_verdict verdict;

		for (j = 0; j < noise; j++) {
			seed = seed * 1664525 + 1013904223;
			body[j] = seed >> 24;
		}
		if (i % 5)
			body[0] %= 8;
		if (i % 7)
			body[1] %= 6;
		verdict = send(f, GFP_KERNEL);
		if (verdict != HKVP_REPLY || f->hdr->flags != REPLY ||
		    f->hdr->id != ID)
			bad++;
	}
	KUNIT_EXPECT_EQ(test, bad, 0);
	KUNIT_EXPECT_EQ(test, f->ic.stats.packets, 3000);
}

static struct kunit_case cases[] = {
	KUNIT_CASE_PARAM(test_drop, drop_gen_params),
	KUNIT_CASE_PARAM(test_negotiate, negotiate_gen_params),
	KUNIT_CASE(test_negotiate_again),
	KUNIT_CASE(test_negotiate_malformed),
	KUNIT_CASE(test_bad_size),
	KUNIT_CASE(test_torn),
	KUNIT_CASE(test_open_close),
	KUNIT_CASE(test_defer),
	KUNIT_CASE(test_wait),
	KUNIT_CASE(test_abandon),
	KUNIT_CASE(test_is_negotiate),
	KUNIT_CASE(test_share),
	KUNIT_CASE(test_header_version),
	KUNIT_CASE(test_noise),
	{}
};

struct kunit_suite hkvp_ic_suite = {
	.name = "hkvp_ic",
	.init = set_up,
	.exit = tear_down,
	.test_cases = cases,
};
