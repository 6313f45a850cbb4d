// SPDX-License-Identifier: GPL-2.0
/*
 * Tests of service.c, on real pools.
 */
#include <linux/errno.h>
#include <linux/gfp.h>
#include <linux/preempt.h>
#include <linux/rcupdate.h>
#include <linux/string.h>
#include "codec.h"
#include "kunit.h"
#include "service.h"

#define FILL		0x5a	/* what the host's buffer holds to begin with */
#define FEW		3	/* items the host may keep where there are few */
#define NO_INDEX	0xffffffff
#define V4		HKVP_VERSION(4, 0)
#define V5		HKVP_VERSION(5, 0)
#define BODY		7428	/* bytes of the largest message */
#define KVP_BODY	2580

struct fixture {
	struct hkvp_budget budget;
	struct hkvp_pool pools[HKVP_POOL_COUNT];
	u32 ready;			/* pools that are initialized */
	struct hkvp_service svc;
	struct hkvp_result result;
	u64 now;
	u32 version;
	u8 *body;
	/* what the callbacks saw, and what they are to return */
	int ret;
	u32 changed[HKVP_POOL_COUNT];
	u32 calls;
	u32 connects;
	u32 cancels;
	u32 asked;
	int may_read;			/* what ask() returns */
	u32 reads;
	const char *called;
};

static u32 put_string(u8 *dst, const char *ascii)
{
	u32 i;

	for (i = 0; ascii[i]; i++) {
		dst[2 * i] = ascii[i];
		dst[2 * i + 1] = 0;
	}
	dst[2 * i] = 0;
	dst[2 * i + 1] = 0;
	return 2 * i + 2;
}

static bool is_string(const u8 *wire, u32 size, const char *ascii)
{
	u8 want[128];

	return size == put_string(want, ascii) && !memcmp(wire, want, size);
}

/* Two intrinsic items. */
static int intrinsic_at(void *ctx, u32 index, struct hkvp_value *out)
{
	struct fixture *f = ctx;
	char key[] = "Item0";

	f->calls++;
	if (f->ret)
		return f->ret;
	if (index > 1)
		return -ENOENT;
	key[4] += index;
	out->type = cpu_to_le32(HKVP_TYPE_SZ);
	out->key_size = cpu_to_le32(put_string(out->key, key));
	out->value_size = cpu_to_le32(put_string(out->value, "live"));
	return 0;
}

static int intrinsic_find(void *ctx, const void *key, u32 key_size,
			  struct hkvp_value *out)
{
	struct fixture *f = ctx;

	f->calls++;
	if (!is_string(key, key_size, "Item1"))
		return -ENOENT;
	out->type = cpu_to_le32(HKVP_TYPE_SZ);
	out->value_size = cpu_to_le32(put_string(out->value, "found"));
	return 0;
}

static void changed(void *ctx, enum hkvp_pool_id pool)
{
	struct fixture *f = ctx;

	f->changed[pool]++;
}

static int get_ip_strings(void *ctx, struct hkvp_ip_strings *ip, gfp_t gfp)
{
	struct fixture *f = ctx;

	f->called = "get strings";
	ip->family = HKVP_IP_V4;
	return f->ret;
}

static int get_ip_binary(void *ctx, struct hkvp_ip_binary *ip, gfp_t gfp)
{
	struct fixture *f = ctx;

	f->called = "get binary";
	ip->family = HKVP_IP_V6;
	return f->ret;
}

static int set_ip_strings(void *ctx, const struct hkvp_ip_strings *ip, gfp_t gfp)
{
	struct fixture *f = ctx;

	f->called = "set strings";
	return f->ret;
}

static int set_ip_binary(void *ctx, const struct hkvp_ip_binary *ip, gfp_t gfp)
{
	struct fixture *f = ctx;

	f->called = "set binary";
	return f->ret;
}

static void connected(void *ctx)
{
	struct fixture *f = ctx;

	f->connects++;
}

static int ask(void *ctx, gfp_t gfp)
{
	struct fixture *f = ctx;

	f->asked++;
	return f->may_read;
}

static void host_read(void *ctx)
{
	struct fixture *f = ctx;

	f->reads++;
}

static void cancel(void *ctx)
{
	struct fixture *f = ctx;

	f->cancels++;
}

static const struct hkvp_service_ops ops = {
	.intrinsic_at = intrinsic_at,
	.intrinsic_find = intrinsic_find,
	.changed = changed,
	.get_ip_strings = get_ip_strings,
	.get_ip_binary = get_ip_binary,
	.set_ip_strings = set_ip_strings,
	.set_ip_binary = set_ip_binary,
	.ask = ask,
	.host_read = host_read,
	.connected = connected,
	.cancel = cancel,
};

static const struct hkvp_service_ops no_ops;

static int set_up(struct kunit *test)
{
	static const struct hkvp_limit limits[HKVP_OWNER_COUNT] = {
		{ .items = 100000, .bytes = 64 << 20 },
		{ .items = 100000, .bytes = 64 << 20 },
	};
	struct fixture *f = kunit_kzalloc(test, sizeof(*f), GFP_KERNEL);
	int err;

	if (!f)
		return -ENOMEM;
	test->priv = f;
	f->body = kunit_kzalloc(test, BODY, GFP_KERNEL);
	if (!f->body)
		return -ENOMEM;
	hkvp_budget_init(&f->budget, limits, 0);
	for (f->ready = 0; f->ready < HKVP_POOL_COUNT; f->ready++) {
		err = hkvp_pool_init(&f->pools[f->ready], &f->budget);
		if (err)
			return err;
	}
	f->now = 1000;
	f->version = V5;
	hkvp_service_init(&f->svc, f->pools, &ops, f);
	hkvp_service_connect(&f->svc);
	return 0;
}

static void tear_down(struct kunit *test)
{
	struct fixture *f = test->priv;

	if (!f)
		return;
	if (f->ready == HKVP_POOL_COUNT)
		hkvp_service_disconnect(&f->svc);
	while (f->ready)
		hkvp_pool_destroy(&f->pools[--f->ready]);
}

static enum hkvp_verdict request(struct fixture *f, u32 size, gfp_t gfp)
{
	struct hkvp_call call = {
		.now = f->now, .version = f->version, .gfp = gfp,
	};

	return hkvp_service_request(&f->svc, f->body, size, &call, &f->result);
}

/* A request in process context, which is always answered; its status. */
static u32 status(struct kunit *test, u32 size)
{
	struct fixture *f = test->priv;

	KUNIT_EXPECT_EQ(test, (u32)request(f, size, GFP_KERNEL), (u32)HKVP_REPLY);
	return f->result.status;
}

static struct hkvp_value *start(struct fixture *f, u8 op, u8 pool)
{
	struct hkvp_msg_value *msg = (void *)f->body;

	memset(f->body, FILL, BODY);
	msg->hdr.op = op;
	msg->hdr.pool = pool;
	return &msg->value;
}

static struct hkvp_value *put_key(struct fixture *f, u8 op, u8 pool,
				  const char *key)
{
	struct hkvp_value *value = start(f, op, pool);

	value->key_size = cpu_to_le32(put_string(value->key, key));
	return value;
}

static void put_set(struct fixture *f, u8 pool, const char *key,
		    const char *string)
{
	struct hkvp_value *value = put_key(f, HKVP_OP_SET, pool, key);

	value->type = cpu_to_le32(HKVP_TYPE_SZ);
	value->value_size = cpu_to_le32(put_string(value->value, string));
}

static u32 set(struct kunit *test, u8 pool, const char *key, const char *string)
{
	put_set(test->priv, pool, key, string);
	return status(test, KVP_BODY);
}

static u32 get(struct kunit *test, u8 pool, const char *key)
{
	put_key(test->priv, HKVP_OP_GET, pool, key);
	return status(test, KVP_BODY);
}

static void put_delete(struct fixture *f, u8 pool, const char *key)
{
	struct hkvp_msg_delete *msg;

	start(f, HKVP_OP_DELETE, pool);
	msg = (void *)f->body;
	msg->key_size = cpu_to_le32(put_string(msg->key, key));
}

static u32 delete(struct kunit *test, u8 pool, const char *key)
{
	put_delete(test->priv, pool, key);
	return status(test, KVP_BODY);
}

static struct hkvp_value *put_enumerate(struct fixture *f, u8 pool, u32 index)
{
	struct hkvp_msg_enumerate *msg;

	start(f, HKVP_OP_ENUMERATE, pool);
	msg = (void *)f->body;
	msg->index = cpu_to_le32(index);
	return &msg->value;
}

/* ENUMERATE gives @key, or NO_MORE_ITEMS if that is NULL. */
static void expect_at(struct kunit *test, u8 pool, u32 index, const char *key)
{
	struct fixture *f = test->priv;
	struct hkvp_value *value = put_enumerate(f, pool, index);

	KUNIT_EXPECT_EQ(test, status(test, KVP_BODY),
			(u32)(key ? HKVP_STATUS_OK : HKVP_STATUS_NO_MORE_ITEMS));
	KUNIT_EXPECT_EQ(test, f->result.index, index);
	if (key)
		KUNIT_EXPECT_TRUE_MSG(test,
				      is_string(value->key,
						le32_to_cpu(value->key_size),
						key),
				      "index %u is not %s", index, key);
}

static u32 count(struct fixture *f, u8 pool)
{
	u32 n;

	rcu_read_lock();
	n = hkvp_version_count(hkvp_pool_current(&f->pools[pool]));
	rcu_read_unlock();
	return n;
}

static u64 generation(struct fixture *f, u8 pool)
{
	u64 n;

	rcu_read_lock();
	n = hkvp_version_generation(hkvp_pool_current(&f->pools[pool]));
	rcu_read_unlock();
	return n;
}

/*
 * One request of the host, with sizes of its own making. The key is 'k' over
 * and over, then NULs from @key_nul bytes on; the value likewise.
 */
struct request_case {
	const char *name;
	u8 op;
	u8 pool;
	u32 body;
	u32 type;
	u32 key_size;
	u32 key_nul;
	u32 value_size;
	u32 value_nul;
	enum hkvp_status status;
};

#define SZ		HKVP_TYPE_SZ
#define OK		HKVP_STATUS_OK
#define NONE		HKVP_STATUS_NO_MORE_ITEMS
#define INVALID		HKVP_STATUS_INVALID_ARGUMENT
#define UNSUPPORTED	HKVP_STATUS_NOT_SUPPORTED

static const struct request_case request_cases[] = {
	{ "SET", HKVP_OP_SET, 0, 2580, SZ, 4, 2, 4, 2, OK },
	{ "SET pool 1", HKVP_OP_SET, 1, 2580, SZ, 4, 2, 4, 2, OK },
	{ "SET pool 3", HKVP_OP_SET, 3, 2580, SZ, 4, 2, 4, 2, OK },
	{ "SET pool 4", HKVP_OP_SET, 4, 2580, SZ, 4, 2, 4, 2, UNSUPPORTED },
	{ "SET AUTO", HKVP_OP_SET, 2, 2580, SZ, 4, 2, 4, 2, UNSUPPORTED },
	{ "SET pool 5", HKVP_OP_SET, 5, 2580, SZ, 4, 2, 4, 2, INVALID },
	{ "SET pool 200", HKVP_OP_SET, 200, 2580, SZ, 4, 2, 4, 2, INVALID },
	{ "SET pool 255", HKVP_OP_SET, 255, 2580, SZ, 4, 2, 4, 2, INVALID },
	{ "SET in the least body", HKVP_OP_SET, 0, 2576, SZ, 4, 2, 4, 2, OK },
	{ "SET in one byte less", HKVP_OP_SET, 0, 2575, SZ, 4, 2, 4, 2, INVALID },
	{ "SET, header only", HKVP_OP_SET, 0, 2, SZ, 4, 2, 4, 2, INVALID },
	{ "SET, no NUL", HKVP_OP_SET, 0, 2580, SZ, 4, 512, 4, 512, OK },
	{ "SET, empty value", HKVP_OP_SET, 0, 2580, SZ, 4, 2, 2, 0, OK },
	{ "SET, value of 0 bytes", HKVP_OP_SET, 0, 2580, SZ, 4, 2, 0, 2, OK },
	{ "SET, empty key", HKVP_OP_SET, 0, 2580, SZ, 2, 0, 4, 2, INVALID },
	{ "SET, key of 0 bytes", HKVP_OP_SET, 0, 2580, SZ, 0, 2, 4, 2, INVALID },
	{ "SET, key begins with NUL", HKVP_OP_SET, 0, 2580, SZ, 512, 0, 4, 2, INVALID },
	{ "SET, odd key", HKVP_OP_SET, 0, 2580, SZ, 5, 2, 4, 2, INVALID },
	{ "SET, longest key", HKVP_OP_SET, 0, 2580, SZ, 512, 510, 4, 2, OK },
	{ "SET, key 256 units", HKVP_OP_SET, 0, 2580, SZ, 512, 512, 4, 2, INVALID },
	{ "SET, key 514 bytes", HKVP_OP_SET, 0, 2580, SZ, 514, 512, 4, 2, INVALID },
	{ "SET, key huge", HKVP_OP_SET, 0, 2580, SZ, 0xfffffffe, 2, 4, 2, INVALID },
	{ "SET, odd value", HKVP_OP_SET, 0, 2580, SZ, 4, 2, 3, 2, INVALID },
	{ "SET, longest value", HKVP_OP_SET, 0, 2580, SZ, 4, 2, 2048, 2046, OK },
	{ "SET, longest of all", HKVP_OP_SET, 0, 2580, SZ, 512, 510, 2048, 2046, OK },
	{ "SET, 255 and 1023 units without NUL", HKVP_OP_SET, 0, 2580, SZ,
	  510, 512, 2046, 2048, OK },
	{ "SET, value 1024 units", HKVP_OP_SET, 0, 2580, SZ, 4, 2, 2048, 2048, INVALID },
	{ "SET, value 2050 bytes", HKVP_OP_SET, 0, 2580, SZ, 4, 2, 2050, 2048, INVALID },
	{ "SET, value huge", HKVP_OP_SET, 0, 2580, SZ, 4, 2, 0xffffffff, 2, INVALID },
	{ "SET EXPAND_SZ", HKVP_OP_SET, 0, 2580, 2, 4, 2, 4, 2, OK },
	{ "SET DWORD", HKVP_OP_SET, 0, 2580, 4, 4, 2, 4, 512, OK },
	{ "SET DWORD of 0", HKVP_OP_SET, 0, 2580, 4, 4, 2, 0, 512, INVALID },
	{ "SET DWORD of 2", HKVP_OP_SET, 0, 2580, 4, 4, 2, 2, 512, INVALID },
	{ "SET DWORD of 8", HKVP_OP_SET, 0, 2580, 4, 4, 2, 8, 512, INVALID },
	{ "SET QWORD", HKVP_OP_SET, 0, 2580, 11, 4, 2, 8, 512, OK },
	{ "SET QWORD as 8", HKVP_OP_SET, 0, 2580, 8, 4, 2, 8, 512, OK },
	{ "SET QWORD of 4", HKVP_OP_SET, 0, 2580, 11, 4, 2, 4, 512, INVALID },
	{ "SET QWORD as 8, of 4", HKVP_OP_SET, 0, 2580, 8, 4, 2, 4, 512, INVALID },
	{ "SET type 0", HKVP_OP_SET, 0, 2580, 0, 4, 2, 4, 2, INVALID },
	{ "SET type 3 (BINARY)", HKVP_OP_SET, 0, 2580, 3, 4, 2, 4, 2, INVALID },
	{ "SET type 7 (MULTI_SZ)", HKVP_OP_SET, 0, 2580, 7, 4, 2, 4, 2, INVALID },
	{ "SET type huge", HKVP_OP_SET, 0, 2580, ~0, 4, 2, 4, 2, INVALID },

	{ "GET missing", HKVP_OP_GET, 0, 2580, 0, 4, 2, 0, 0, NONE },
	{ "GET missing, no NUL", HKVP_OP_GET, 1, 2580, 0, 4, 512, 0, 0, NONE },
	{ "GET, sizes of the value mean nothing", HKVP_OP_GET, 3, 2580, 99, 4, 2,
	  0xffffffff, 0, NONE },
	{ "GET in the least body", HKVP_OP_GET, 4, 2576, 0, 4, 2, 0, 0, NONE },
	{ "GET in one byte less", HKVP_OP_GET, 0, 2575, 0, 4, 2, 0, 0, INVALID },
	{ "GET, empty key", HKVP_OP_GET, 0, 2580, 0, 2, 0, 0, 0, INVALID },
	{ "GET, key of 0 bytes", HKVP_OP_GET, 0, 2580, 0, 0, 2, 0, 0, INVALID },
	{ "GET, odd key", HKVP_OP_GET, 0, 2580, 0, 3, 2, 0, 0, INVALID },
	{ "GET, longest key", HKVP_OP_GET, 0, 2580, 0, 512, 510, 0, 0, NONE },
	{ "GET, key 256 units", HKVP_OP_GET, 0, 2580, 0, 512, 512, 0, 0, INVALID },
	{ "GET, key oversized", HKVP_OP_GET, 0, 2580, 0, 514, 2, 0, 0, INVALID },
	{ "GET pool 5", HKVP_OP_GET, 5, 2580, 0, 4, 2, 0, 0, INVALID },
	{ "GET AUTO, missing", HKVP_OP_GET, 2, 2580, 0, 4, 2, 0, 0, NONE },
	{ "GET AUTO, odd key", HKVP_OP_GET, 2, 2580, 0, 5, 2, 0, 0, INVALID },

	{ "DELETE missing", HKVP_OP_DELETE, 0, 2580, 0, 4, 2, 0, 0, NONE },
	{ "DELETE in the least body", HKVP_OP_DELETE, 1, 520, 0, 4, 2, 0, 0, NONE },
	{ "DELETE in one byte less", HKVP_OP_DELETE, 1, 519, 0, 4, 2, 0, 0, INVALID },
	{ "DELETE AUTO", HKVP_OP_DELETE, 2, 2580, 0, 4, 2, 0, 0, UNSUPPORTED },
	{ "DELETE, empty key", HKVP_OP_DELETE, 0, 2580, 0, 2, 0, 0, 0, INVALID },
	{ "DELETE, odd key", HKVP_OP_DELETE, 0, 2580, 0, 1, 2, 0, 0, INVALID },
	{ "DELETE, longest key", HKVP_OP_DELETE, 0, 2580, 0, 512, 510, 0, 0, NONE },
	{ "DELETE, key 256 units", HKVP_OP_DELETE, 0, 2580, 0, 512, 512, 0, 0, INVALID },
	{ "DELETE, key huge", HKVP_OP_DELETE, 0, 2580, 0, 0x80000000, 2, 0, 0, INVALID },
	{ "DELETE pool 5", HKVP_OP_DELETE, 5, 2580, 0, 4, 2, 0, 0, INVALID },

	{ "ENUMERATE empty", HKVP_OP_ENUMERATE, 0, 2580, 0, 0, 0, 0, 0, NONE },
	{ "ENUMERATE in one byte less", HKVP_OP_ENUMERATE, 0, 2579, 0, 0, 0, 0, 0,
	  INVALID },
	{ "ENUMERATE pool 4", HKVP_OP_ENUMERATE, 4, 2580, 0, 0, 0, 0, 0, NONE },
	{ "ENUMERATE pool 5", HKVP_OP_ENUMERATE, 5, 2580, 0, 0, 0, 0, 0, INVALID },
	{ "ENUMERATE pool 200", HKVP_OP_ENUMERATE, 200, 2580, 0, 0, 0, 0, 0, INVALID },

	{ "operation 6", 6, 0, 2580, 0, 4, 2, 0, 0, UNSUPPORTED },
	{ "operation 6, pool 200", 6, 200, 2580, 0, 4, 2, 0, 0, UNSUPPORTED },
	{ "operation 6, header only", 6, 0, 2, 0, 4, 2, 0, 0, UNSUPPORTED },
	{ "operation 100", 100, 0, 2580, 0, 4, 2, 0, 0, UNSUPPORTED },
	{ "operation 255", 255, 0, 2580, 0, 4, 2, 0, 0, UNSUPPORTED },
	{ "no body", HKVP_OP_GET, 0, 0, 0, 4, 2, 0, 0, INVALID },
	{ "one byte of body", HKVP_OP_GET, 0, 1, 0, 4, 2, 0, 0, INVALID },
};

static void request_desc(const struct request_case *c, char *desc)
{
	strscpy(desc, c->name, KUNIT_PARAM_DESC_SIZE);
}

KUNIT_ARRAY_PARAM(request, request_cases, request_desc);

/* Bodies of just the size that is told, so that KASAN sees what reads on. */
static void test_request(struct kunit *test)
{
	const struct request_case *c = test->param_value;
	struct fixture *f = test->priv;
	struct hkvp_value *value = start(f, c->op, c->pool);
	u8 *key = value->key;
	u64 before = c->pool < HKVP_POOL_COUNT ? generation(f, c->pool) : 0;
	bool writes = c->status == OK;
	u8 *copy;

	value->type = cpu_to_le32(c->type);
	value->key_size = cpu_to_le32(c->key_size);
	value->value_size = cpu_to_le32(c->value_size);
	memset(value->value, 'v', HKVP_VALUE_SIZE);
	memset(value->value + c->value_nul, 0, HKVP_VALUE_SIZE - c->value_nul);
	if (c->op == HKVP_OP_DELETE) {
		value->type = cpu_to_le32(c->key_size);
		key -= 8;
	} else if (c->op == HKVP_OP_ENUMERATE) {
		value->type = 0;
	}
	memset(key, 'k', HKVP_KEY_SIZE);
	memset(key + c->key_nul, 0, HKVP_KEY_SIZE - c->key_nul);

	copy = kunit_kzalloc(test, c->body + 1, GFP_KERNEL);
	KUNIT_ASSERT_NOT_NULL(test, copy);
	memcpy(copy + 1, f->body, c->body);
	f->body = copy + 1;

	KUNIT_EXPECT_EQ(test, status(test, c->body), (u32)c->status);
	KUNIT_EXPECT_EQ(test, f->result.op, c->body >= 2 ? c->op :
			HKVP_OP_UNKNOWN);
	KUNIT_EXPECT_EQ(test, f->result.pool, c->body >= 2 ? c->pool : 0);
	if (c->pool < HKVP_POOL_COUNT) {
		KUNIT_EXPECT_EQ(test, generation(f, c->pool), before + writes);
		KUNIT_EXPECT_EQ(test, f->changed[c->pool], (u32)writes);
		KUNIT_EXPECT_EQ(test, count(f, c->pool), (u32)writes);
	}
	/* Counted once, under its operation and its status. */
	KUNIT_EXPECT_EQ(test, f->svc.stats.status[c->status], 1);
	KUNIT_EXPECT_EQ(test, f->svc.stats.ops[c->body < 2 || c->op > 5 ?
					       HKVP_OP_UNKNOWN : c->op], 1);
	/* Without a version there is no service. */
	f->version = 0;
	KUNIT_EXPECT_EQ(test, status(test, c->body), c->body < 2 ?
			(u32)INVALID : (u32)HKVP_STATUS_NOT_CONNECTED);
}

/* What is SET comes back from GET and ENUMERATE, byte for byte. */
struct value_case {
	const char *name;
	u32 type;
	u32 size;		/* as sent */
	u32 nul;		/* NULs from here on */
	u32 type_back;
	u32 size_back;
};

static const struct value_case value_cases[] = {
	{ "SZ", SZ, 10, 8, SZ, 10 },
	{ "SZ without NUL", SZ, 8, 2048, SZ, 10 },
	{ "SZ ends at its first NUL", SZ, 100, 6, SZ, 8 },
	{ "SZ empty", SZ, 2, 0, SZ, 2 },
	{ "SZ of 0 bytes", SZ, 0, 2048, SZ, 2 },
	{ "SZ longest", SZ, 2048, 2046, SZ, 2048 },
	{ "SZ longest without NUL", SZ, 2046, 2048, SZ, 2048 },
	{ "EXPAND_SZ", HKVP_TYPE_EXPAND_SZ, 12, 10, HKVP_TYPE_EXPAND_SZ, 12 },
	{ "EXPAND_SZ without NUL", HKVP_TYPE_EXPAND_SZ, 12, 2048,
	  HKVP_TYPE_EXPAND_SZ, 14 },
	{ "DWORD", HKVP_TYPE_DWORD, 4, 2048, HKVP_TYPE_DWORD, 4 },
	{ "DWORD 0", HKVP_TYPE_DWORD, 4, 0, HKVP_TYPE_DWORD, 4 },
	{ "QWORD", HKVP_TYPE_QWORD, 8, 2048, HKVP_TYPE_QWORD, 8 },
	{ "QWORD with zero bytes", HKVP_TYPE_QWORD, 8, 2, HKVP_TYPE_QWORD, 8 },
	{ "QWORD as 8", HKVP_TYPE_QWORD_OLD, 8, 2048, HKVP_TYPE_QWORD, 8 },
};

static void value_desc(const struct value_case *c, char *desc)
{
	strscpy(desc, c->name, KUNIT_PARAM_DESC_SIZE);
}

KUNIT_ARRAY_PARAM(value, value_cases, value_desc);

static void expect_value(struct kunit *test, const struct hkvp_value *value,
			 const struct value_case *c, const u8 *want, u32 key_size)
{
	const u8 *behind = value->value + c->size_back;
	u32 i;

	KUNIT_EXPECT_EQ(test, le32_to_cpu(value->type), c->type_back);
	KUNIT_EXPECT_EQ(test, le32_to_cpu(value->key_size), key_size);
	KUNIT_EXPECT_EQ(test, le32_to_cpu(value->value_size), c->size_back);
	KUNIT_EXPECT_EQ(test, memcmp(value->value, want, c->size_back), 0);
	/* Behind it are the host's own bytes, not the guest's memory. */
	for (i = 0; i < HKVP_VALUE_SIZE - c->size_back; i++)
		if (behind[i] != FILL)
			break;
	KUNIT_EXPECT_EQ(test, i, HKVP_VALUE_SIZE - c->size_back);
}

static void test_value(struct kunit *test)
{
	const struct value_case *c = test->param_value;
	bool string = c->type <= HKVP_TYPE_EXPAND_SZ;
	struct fixture *f = test->priv;
	struct hkvp_value *value;
	u8 *want;

	want = kunit_kzalloc(test, HKVP_VALUE_SIZE, GFP_KERNEL);
	KUNIT_ASSERT_NOT_NULL(test, want);
	memset(want, 'v', min(c->nul, c->size));
	if (string)
		memset(want + c->size_back - 2, 0, 2);

	value = put_key(f, HKVP_OP_SET, HKVP_POOL_EXTERNAL, "key");
	value->type = cpu_to_le32(c->type);
	value->value_size = cpu_to_le32(c->size);
	memset(value->value, 'v', HKVP_VALUE_SIZE);
	memset(value->value + c->nul, 0, HKVP_VALUE_SIZE - c->nul);
	KUNIT_EXPECT_EQ(test, status(test, KVP_BODY), (u32)OK);
	KUNIT_EXPECT_EQ(test, f->result.key_size, 8);
	KUNIT_EXPECT_EQ(test, f->result.value_size, c->size_back);

	KUNIT_EXPECT_EQ(test, get(test, HKVP_POOL_EXTERNAL, "key"), (u32)OK);
	value = &((struct hkvp_msg_value *)f->body)->value;
	expect_value(test, value, c, want, 8);
	KUNIT_EXPECT_EQ(test, f->result.value_size, c->size_back);

	value = put_enumerate(f, HKVP_POOL_EXTERNAL, 0);
	KUNIT_EXPECT_EQ(test, status(test, KVP_BODY), (u32)OK);
	expect_value(test, value, c, want, 8);
	KUNIT_EXPECT_TRUE(test, is_string(value->key, 8, "key"));
	KUNIT_EXPECT_EQ(test, value->key[8], FILL);
	KUNIT_EXPECT_EQ(test, f->result.key_size, 8);
	KUNIT_EXPECT_EQ(test, f->result.value_size, c->size_back);
}

/* A key is what stands before the first NUL, however it was sent. */
static void test_get_normalizes_key(struct kunit *test)
{
	struct fixture *f = test->priv;
	struct hkvp_value *value;

	KUNIT_EXPECT_EQ(test, set(test, HKVP_POOL_GUEST, "key", "x"), (u32)OK);
	value = put_key(f, HKVP_OP_GET, HKVP_POOL_GUEST, "key");
	value->key_size = cpu_to_le32(6);
	value->key[6] = 'z';
	KUNIT_EXPECT_EQ(test, status(test, KVP_BODY), (u32)OK);
	KUNIT_EXPECT_TRUE(test, is_string(value->key,
					  le32_to_cpu(value->key_size), "key"));
	value = put_key(f, HKVP_OP_GET, HKVP_POOL_GUEST, "key");
	value->key_size = cpu_to_le32(HKVP_KEY_SIZE);
	KUNIT_EXPECT_EQ(test, status(test, KVP_BODY), (u32)OK);
	KUNIT_EXPECT_EQ(test, le32_to_cpu(value->key_size), 8);
	/* Case matters, and so does every character. */
	KUNIT_EXPECT_EQ(test, get(test, HKVP_POOL_GUEST, "Key"), (u32)NONE);
	KUNIT_EXPECT_EQ(test, get(test, HKVP_POOL_GUEST, "ke"), (u32)NONE);
	KUNIT_EXPECT_EQ(test, get(test, HKVP_POOL_GUEST, "keys"), (u32)NONE);
	KUNIT_EXPECT_EQ(test, get(test, HKVP_POOL_EXTERNAL, "key"), (u32)NONE);
}

static void test_set_delete(struct kunit *test)
{
	struct fixture *f = test->priv;
	const u8 pool = HKVP_POOL_EXTERNAL;

	KUNIT_EXPECT_EQ(test, set(test, pool, "a", "1"), (u32)OK);
	KUNIT_EXPECT_EQ(test, set(test, pool, "b", "2"), (u32)OK);
	KUNIT_EXPECT_EQ(test, set(test, pool, "c", "3"), (u32)OK);
	KUNIT_EXPECT_EQ(test, set(test, pool, "a", "4"), (u32)OK);
	KUNIT_EXPECT_EQ(test, count(f, pool), 3);
	expect_at(test, pool, 0, "a");
	expect_at(test, pool, 1, "b");
	expect_at(test, pool, 2, "c");
	expect_at(test, pool, 3, NULL);
	KUNIT_EXPECT_EQ(test, delete(test, pool, "a"), (u32)OK);
	KUNIT_EXPECT_EQ(test, f->result.key_size, 4);
	KUNIT_EXPECT_EQ(test, delete(test, pool, "a"), (u32)NONE);
	/* The last item has moved into the hole: no index is missing. */
	expect_at(test, pool, 0, "c");
	expect_at(test, pool, 1, "b");
	expect_at(test, pool, 2, NULL);
	KUNIT_EXPECT_EQ(test, f->changed[pool], 5);
	/* Other pools have seen nothing of it. */
	KUNIT_EXPECT_EQ(test, count(f, HKVP_POOL_GUEST), 0);
	KUNIT_EXPECT_EQ(test, count(f, HKVP_POOL_AUTO_EXTERNAL), 0);
	KUNIT_EXPECT_EQ(test, f->changed[HKVP_POOL_GUEST], 0);
}

static void test_host_items(struct kunit *test)
{
	struct fixture *f = test->priv;
	const struct hkvp_item *item;

	KUNIT_EXPECT_EQ(test, f->svc.connection, 1);
	hkvp_service_connect(&f->svc);
	KUNIT_EXPECT_EQ(test, set(test, HKVP_POOL_EXTERNAL, "a", "1"), (u32)OK);
	rcu_read_lock();
	item = hkvp_version_at(hkvp_pool_current(&f->pools[0]), 0);
	KUNIT_EXPECT_EQ(test, (u32)item->owner, (u32)HKVP_OWNER_HOST);
	KUNIT_EXPECT_EQ(test, item->connection, 2);
	rcu_read_unlock();

	/* 0 marks what is not the host's. */
	f->svc.connection = 0xffffffff;
	hkvp_service_connect(&f->svc);
	KUNIT_EXPECT_EQ(test, f->svc.connection, 1);
}

static void test_writable(struct kunit *test)
{
	struct fixture *f = test->priv;
	u8 pool;

	KUNIT_EXPECT_EQ(test, set(test, HKVP_POOL_GUEST, "a", "1"), (u32)OK);
	f->svc.writable &= ~BIT(HKVP_POOL_GUEST);
	KUNIT_EXPECT_EQ(test, set(test, HKVP_POOL_GUEST, "a", "2"), (u32)UNSUPPORTED);
	KUNIT_EXPECT_EQ(test, set(test, HKVP_POOL_GUEST, "b", "2"), (u32)UNSUPPORTED);
	KUNIT_EXPECT_EQ(test, delete(test, HKVP_POOL_GUEST, "a"), (u32)UNSUPPORTED);
	KUNIT_EXPECT_EQ(test, get(test, HKVP_POOL_GUEST, "a"), (u32)OK);
	KUNIT_EXPECT_EQ(test, generation(f, HKVP_POOL_GUEST), 1);
	KUNIT_EXPECT_EQ(test, set(test, HKVP_POOL_EXTERNAL, "a", "2"), (u32)OK);
	/* No host exchanges this one. */
	KUNIT_EXPECT_EQ(test, set(test, HKVP_POOL_AUTO_INTERNAL, "a", "2"),
			(u32)UNSUPPORTED);
	KUNIT_EXPECT_EQ(test, delete(test, HKVP_POOL_AUTO_INTERNAL, "a"),
			(u32)UNSUPPORTED);
	/* AUTO stays closed, whatever the bitmap says. */
	f->svc.writable = ~0;
	KUNIT_EXPECT_EQ(test, set(test, HKVP_POOL_AUTO, "a", "2"), (u32)UNSUPPORTED);
	KUNIT_EXPECT_EQ(test, delete(test, HKVP_POOL_AUTO, "a"), (u32)UNSUPPORTED);
	f->svc.writable = 0;
	for (pool = 0; pool < HKVP_POOL_COUNT; pool++)
		KUNIT_EXPECT_EQ(test, set(test, pool, "z", "2"), (u32)UNSUPPORTED);
}

static void test_disk_full(struct kunit *test)
{
	struct fixture *f = test->priv;
	const u8 pool = HKVP_POOL_AUTO_EXTERNAL;
	char key[] = "0";

	f->budget.account[HKVP_OWNER_HOST].limit.items = FEW;
	for (key[0] = '0'; key[0] < '0' + FEW; key[0]++)
		KUNIT_EXPECT_EQ(test, set(test, pool, key, "x"), (u32)OK);
	KUNIT_EXPECT_EQ(test, set(test, pool, key, "x"),
			(u32)HKVP_STATUS_DISK_FULL);
	KUNIT_EXPECT_EQ(test, count(f, pool), FEW);
	KUNIT_EXPECT_EQ(test, f->changed[pool], FEW);
	/* One budget for all pools. */
	KUNIT_EXPECT_EQ(test, set(test, HKVP_POOL_EXTERNAL, key, "x"),
			(u32)HKVP_STATUS_DISK_FULL);
	KUNIT_EXPECT_EQ(test, set(test, HKVP_POOL_GUEST, key, "x"),
			(u32)HKVP_STATUS_DISK_FULL);
	/* What is there can still be changed, and room made. */
	KUNIT_EXPECT_EQ(test, set(test, pool, "0", "y"), (u32)OK);
	KUNIT_EXPECT_EQ(test, delete(test, pool, "0"), (u32)OK);
	KUNIT_EXPECT_EQ(test, set(test, pool, key, "x"), (u32)OK);
}

static void test_auto(struct kunit *test)
{
	struct fixture *f = test->priv;
	struct hkvp_value *value;

	expect_at(test, HKVP_POOL_AUTO, 0, "Item0");
	KUNIT_EXPECT_EQ(test, f->result.key_size, 12);
	KUNIT_EXPECT_EQ(test, f->result.value_size, 10);
	expect_at(test, HKVP_POOL_AUTO, 1, "Item1");
	expect_at(test, HKVP_POOL_AUTO, 2, NULL);
	expect_at(test, HKVP_POOL_AUTO, NO_INDEX, NULL);
	KUNIT_EXPECT_EQ(test, get(test, HKVP_POOL_AUTO, "Item1"), (u32)OK);
	value = &((struct hkvp_msg_value *)f->body)->value;
	KUNIT_EXPECT_TRUE(test, is_string(value->value,
					  le32_to_cpu(value->value_size), "found"));
	KUNIT_EXPECT_TRUE(test, is_string(value->key,
					  le32_to_cpu(value->key_size), "Item1"));
	KUNIT_EXPECT_EQ(test, f->result.value_size, 12);
	KUNIT_EXPECT_EQ(test, get(test, HKVP_POOL_AUTO, "Item7"), (u32)NONE);
	KUNIT_EXPECT_EQ(test, f->calls, 6);
	/* No pin is ever held for it. */
	KUNIT_EXPECT_NULL(test, f->svc.cursors[HKVP_POOL_AUTO].version);

	f->ret = -EIO;
	put_enumerate(f, HKVP_POOL_AUTO, 0);
	KUNIT_EXPECT_EQ(test, status(test, KVP_BODY), (u32)HKVP_STATUS_FAIL);
}

static void test_no_ops(struct kunit *test)
{
	struct fixture *f = test->priv;

	f->svc.ops = &no_ops;
	expect_at(test, HKVP_POOL_AUTO, 0, NULL);
	KUNIT_EXPECT_EQ(test, get(test, HKVP_POOL_AUTO, "Item1"), (u32)NONE);
	KUNIT_EXPECT_EQ(test, set(test, HKVP_POOL_GUEST, "a", "1"), (u32)OK);
	KUNIT_EXPECT_EQ(test, delete(test, HKVP_POOL_GUEST, "a"), (u32)OK);
	for (f->version = V4; f->version <= V5; f->version += V5 - V4) {
		start(f, HKVP_OP_GET_IP_INFO, 0);
		KUNIT_EXPECT_EQ(test, status(test, BODY),
				(u32)HKVP_STATUS_NOT_FOUND);
		start(f, HKVP_OP_SET_IP_INFO, 0);
		memset(f->body + 4, 0, BODY - 4);
		KUNIT_EXPECT_EQ(test, status(test, BODY), (u32)UNSUPPORTED);
	}
}

struct ip_case {
	const char *name;
	u8 op;
	u32 version;
	u32 body;
	int ret;
	u32 status;
	const char *called;
};

static const struct ip_case ip_cases[] = {
	{ "GET 1.0", 4, HKVP_VERSION(1, 0), 7428, 0, OK, "get strings" },
	{ "GET 3.0", 4, HKVP_VERSION(3, 0), 7428, 0, OK, "get strings" },
	{ "GET 4.0", 4, V4, 7428, 0, OK, "get strings" },
	{ "GET 4.0, one byte less", 4, V4, 7427, 0, INVALID },
	{ "GET 4.0, KVP size", 4, V4, 2580, 0, INVALID },
	{ "GET 5.0", 4, V5, 7428, 0, OK, "get binary" },
	{ "GET 5.0, least", 4, V5, 3716, 0, OK, "get binary" },
	{ "GET 5.0, one byte less", 4, V5, 3715, 0, INVALID },
	{ "GET 5.0, header only", 4, V5, 2, 0, INVALID },
	{ "GET unknown adapter", 4, V4, 7428, -ENOENT, HKVP_STATUS_NOT_FOUND, "get strings" },
	{ "GET 5.0 unknown adapter", 4, V5, 7428, -ENOENT, HKVP_STATUS_NOT_FOUND, "get binary" },
	{ "GET -ENODEV", 4, V5, 7428, -ENODEV, HKVP_STATUS_NOT_FOUND, "get binary" },
	{ "GET -EINVAL", 4, V5, 7428, -EINVAL, INVALID, "get binary" },
	{ "GET -EOPNOTSUPP", 4, V5, 7428, -EOPNOTSUPP, UNSUPPORTED, "get binary" },
	{ "GET -ENOMEM", 4, V5, 7428, -ENOMEM, HKVP_STATUS_FAIL, "get binary" },
	{ "GET -EAGAIN", 4, V4, 7428, -EAGAIN, HKVP_STATUS_FAIL, "get strings" },
	{ "GET -EIO", 4, V4, 7428, -EIO, HKVP_STATUS_FAIL, "get strings" },
	{ "SET 1.0", 5, HKVP_VERSION(1, 0), 7428, 0, OK, "set strings" },
	{ "SET 3.0", 5, HKVP_VERSION(3, 0), 7428, 0, OK, "set strings" },
	{ "SET 4.0", 5, V4, 7428, 0, OK, "set strings" },
	{ "SET 4.0, one byte less", 5, V4, 7427, 0, INVALID },
	{ "SET 5.0", 5, V5, 7428, 0, OK, "set binary" },
	{ "SET 5.0, least", 5, V5, 3716, 0, OK, "set binary" },
	{ "SET 5.0, one byte less", 5, V5, 3715, 0, INVALID },
	{ "SET -ENOENT", 5, V5, 7428, -ENOENT, HKVP_STATUS_NOT_FOUND, "set binary" },
	{ "SET -EOPNOTSUPP", 5, V4, 7428, -EOPNOTSUPP, UNSUPPORTED, "set strings" },
	{ "SET -ETIMEDOUT", 5, V5, 7428, -ETIMEDOUT, HKVP_STATUS_FAIL, "set binary" },
	{ "SET -ENOSPC", 5, V5, 7428, -ENOSPC, HKVP_STATUS_DISK_FULL, "set binary" },
	{ "SET -ENOMEM", 5, V5, 7428, -ENOMEM, HKVP_STATUS_FAIL, "set binary" },
};

static void ip_desc(const struct ip_case *c, char *desc)
{
	strscpy(desc, c->name, KUNIT_PARAM_DESC_SIZE);
}

KUNIT_ARRAY_PARAM(ip, ip_cases, ip_desc);

static void test_ip(struct kunit *test)
{
	const struct ip_case *c = test->param_value;
	bool later = c->ret == -ENOMEM || c->ret == -EAGAIN;
	struct fixture *f = test->priv;

	/* The pool means nothing here. */
	start(f, c->op, 200);
	memset(f->body + 2, 0, BODY - 2);
	f->version = c->version;
	f->ret = c->ret;
	KUNIT_EXPECT_EQ(test, status(test, c->body), c->status);
	KUNIT_EXPECT_STREQ(test, f->called ?: "", c->called ?: "");
	/* What may go better in process context is put off to it. */
	KUNIT_EXPECT_EQ(test, (u32)request(f, c->body, GFP_ATOMIC),
			(u32)(later ? HKVP_DEFER : HKVP_REPLY));
	KUNIT_EXPECT_EQ(test, f->svc.stats.deferred, (u64)later);
	KUNIT_EXPECT_EQ(test, f->svc.stats.ops[c->op], later ? 1 : 2);
	KUNIT_EXPECT_EQ(test, f->svc.stats.status[c->status], later ? 1 : 2);
}

/* Not answered, not counted, until something else is returned. */
static void test_ip_wait(struct kunit *test)
{
	static const gfp_t contexts[] = { GFP_ATOMIC, GFP_KERNEL };
	struct fixture *f = test->priv;
	u32 i;

	start(f, HKVP_OP_SET_IP_INFO, 0);
	memset(f->body + 2, 0, BODY - 2);
	f->ret = -EINPROGRESS;
	for (i = 0; i < ARRAY_SIZE(contexts); i++) {
		f->called = NULL;
		KUNIT_EXPECT_EQ(test, (u32)request(f, BODY, contexts[i]),
				(u32)HKVP_WAIT);
		KUNIT_EXPECT_STREQ(test, f->called ?: "", "set binary");
	}
	KUNIT_EXPECT_EQ(test, f->svc.stats.ops[HKVP_OP_SET_IP_INFO], 0);
	KUNIT_EXPECT_EQ(test, f->svc.stats.deferred, 0);
	f->ret = 0;
	KUNIT_EXPECT_EQ(test, status(test, BODY), (u32)OK);
	KUNIT_EXPECT_EQ(test, f->svc.stats.ops[HKVP_OP_SET_IP_INFO], 1);
}

/* Who waits is told of a new start, and of the end. */
static void test_ip_ends(struct kunit *test)
{
	struct fixture *f = test->priv;
	u32 connects = f->connects, cancels = f->cancels;

	hkvp_service_connect(&f->svc);
	KUNIT_EXPECT_EQ(test, f->connects, connects + 1);
	KUNIT_EXPECT_EQ(test, f->cancels, cancels + 1);
	hkvp_service_disconnect(&f->svc);
	KUNIT_EXPECT_EQ(test, f->connects, connects + 1);
	KUNIT_EXPECT_EQ(test, f->cancels, cancels + 2);
}

/* Each count of the binary form at its limit and one beyond. */
static void test_ip_counts(struct kunit *test)
{
	static const u32 limits[] = { 64, 64, 5, 5, 64, 64 };
	static const u32 beyond[] = { 1, 2, 0x10000, 0x7fffffff };
	struct fixture *f = test->priv;
	__le32 *counts;
	u32 i, j;

	for (i = 0; i < ARRAY_SIZE(limits); i++) {
		start(f, HKVP_OP_SET_IP_INFO, 0);
		memset(f->body + 2, 0, BODY - 2);
		counts = (void *)f->body + 4;
		counts[i] = cpu_to_le32(limits[i]);
		KUNIT_EXPECT_EQ(test, status(test, BODY), (u32)OK);
		for (j = 0; j < ARRAY_SIZE(beyond); j++) {
			counts[i] = cpu_to_le32(limits[i] + beyond[j]);
			KUNIT_EXPECT_EQ(test, status(test, BODY), (u32)INVALID);
		}
		/* In a GET they are the answer's. */
		f->body[0] = HKVP_OP_GET_IP_INFO;
		KUNIT_EXPECT_EQ(test, status(test, BODY), (u32)OK);
	}
}

static void fill(struct kunit *test, u8 pool)
{
	char key[] = "a";

	for (; key[0] <= 'd'; key[0]++)
		KUNIT_EXPECT_EQ(test, set(test, pool, key, "1"), (u32)OK);
}

static bool pinned(struct fixture *f, u8 pool)
{
	return f->svc.cursors[pool].version;
}

/* One version from index 0 to the end, whatever happens meanwhile. */
static void test_enumerate_one_version(struct kunit *test)
{
	struct fixture *f = test->priv;
	const u8 pool = HKVP_POOL_EXTERNAL;

	fill(test, pool);
	expect_at(test, pool, 0, "a");
	KUNIT_EXPECT_EQ(test, delete(test, pool, "a"), (u32)OK);
	expect_at(test, pool, 1, "b");
	KUNIT_EXPECT_EQ(test, delete(test, pool, "c"), (u32)OK);
	expect_at(test, pool, 1, "b");		/* the same again */
	expect_at(test, pool, 2, "c");
	KUNIT_EXPECT_EQ(test, set(test, pool, "e", "1"), (u32)OK);
	expect_at(test, pool, 3, "d");
	KUNIT_EXPECT_TRUE(test, pinned(f, pool));
	expect_at(test, pool, 4, NULL);
	KUNIT_EXPECT_FALSE(test, pinned(f, pool));
	/* A new one sees what has become of the pool. */
	expect_at(test, pool, 0, "d");
	expect_at(test, pool, 1, "b");
	expect_at(test, pool, 2, "e");
	expect_at(test, pool, 3, NULL);
	/* Index 0 starts anew, also as a repetition. */
	expect_at(test, pool, 0, "d");
	KUNIT_EXPECT_EQ(test, delete(test, pool, "d"), (u32)OK);
	expect_at(test, pool, 0, "e");
}

/* What ends an enumeration; the answer is then the current version's. */
struct end_case {
	const char *name;
	u32 index;		/* asked for next, after 0 and 1 */
	const char *key;	/* what it gives */
	bool connect;
	bool disconnect;
	u64 pass;		/* ns that go by */
};

static const struct end_case end_cases[] = {
	{ "one left out", 3, NULL },
	{ "far ahead", 1000, NULL },
	{ "highest index", NO_INDEX, NULL },
	{ "negative", 0x80000000, NULL },
	{ "NEGOTIATE", 2, "c", .connect = true },
	{ "close", 2, "c", .disconnect = true },
	{ "30 s of silence", 2, "c", .pass = HKVP_CURSOR_TIMEOUT_NS },
	{ "31 s, the same index", 1, "b", .pass = HKVP_CURSOR_TIMEOUT_NS + 1000000000 },
};

static void end_desc(const struct end_case *c, char *desc)
{
	strscpy(desc, c->name, KUNIT_PARAM_DESC_SIZE);
}

KUNIT_ARRAY_PARAM(end, end_cases, end_desc);

static void test_enumerate_ends(struct kunit *test)
{
	const struct end_case *c = test->param_value;
	struct fixture *f = test->priv;
	const u8 pool = HKVP_POOL_GUEST;

	fill(test, pool);
	expect_at(test, pool, 0, "a");
	expect_at(test, pool, 1, "b");
	KUNIT_EXPECT_EQ(test, delete(test, pool, "a"), (u32)OK);	/* d b c */
	KUNIT_EXPECT_TRUE(test, pinned(f, pool));
	if (c->connect)
		hkvp_service_connect(&f->svc);
	if (c->disconnect)
		hkvp_service_disconnect(&f->svc);
	f->now += c->pass;
	expect_at(test, pool, c->index, c->key);
	KUNIT_EXPECT_FALSE(test, pinned(f, pool));
	expect_at(test, pool, 0, "d");
}

/* Going back to an earlier index ends it, and so does one too far ahead. */
static void test_enumerate_back(struct kunit *test)
{
	struct fixture *f = test->priv;
	const u8 pool = HKVP_POOL_GUEST;

	fill(test, pool);
	expect_at(test, pool, 0, "a");
	expect_at(test, pool, 1, "b");
	expect_at(test, pool, 2, "c");
	KUNIT_EXPECT_EQ(test, delete(test, pool, "b"), (u32)OK);	/* a d c */
	expect_at(test, pool, 1, "d");
	KUNIT_EXPECT_FALSE(test, pinned(f, pool));
	expect_at(test, pool, 0, "a");
	KUNIT_EXPECT_EQ(test, delete(test, pool, "a"), (u32)OK);	/* c d */
	expect_at(test, pool, 2, NULL);
	KUNIT_EXPECT_FALSE(test, pinned(f, pool));
	/* In the middle of nothing, the current version answers. */
	expect_at(test, pool, 1, "d");
	KUNIT_EXPECT_FALSE(test, pinned(f, pool));
}

static void test_enumerate_within_30s(struct kunit *test)
{
	struct fixture *f = test->priv;
	const u8 pool = HKVP_POOL_GUEST;

	fill(test, pool);
	expect_at(test, pool, 0, "a");
	KUNIT_EXPECT_EQ(test, delete(test, pool, "a"), (u32)OK);
	f->now += HKVP_CURSOR_TIMEOUT_NS - 1;
	expect_at(test, pool, 1, "b");
	f->now += HKVP_CURSOR_TIMEOUT_NS - 1;
	expect_at(test, pool, 2, "c");
	expect_at(test, pool, 3, "d");
}

/* Reads items @from to @to, which is one more than there are or less. */
static void read_items(struct kunit *test, u8 pool, u32 from, u32 to)
{
	for (; from <= to; from++) {
		put_enumerate(test->priv, pool, from);
		status(test, KVP_BODY);
	}
}

static u64 read_generation(struct fixture *f, u8 pool)
{
	return hkvp_service_host_read(&f->svc, pool).generation;
}

static void test_host_read(struct kunit *test)
{
	const u8 pool = HKVP_POOL_GUEST;
	struct fixture *f = test->priv;
	struct hkvp_host_read read;

	KUNIT_EXPECT_EQ(test, hkvp_service_host_read(&f->svc, pool).time, 0);
	/* an empty pool can be read */
	read_items(test, pool, 0, 0);
	read = hkvp_service_host_read(&f->svc, pool);
	KUNIT_EXPECT_EQ(test, read.generation, 0);
	KUNIT_EXPECT_EQ(test, read.time, 1000);
	KUNIT_EXPECT_EQ(test, read.connection, 1);
	KUNIT_EXPECT_EQ(test, f->reads, 1);

	set(test, pool, "a", "1");
	set(test, pool, "b", "1");
	f->now++;
	/* not to the end; with a gap; without the beginning */
	read_items(test, pool, 0, 1);
	KUNIT_EXPECT_EQ(test, read_generation(f, pool), 0);
	read_items(test, HKVP_POOL_EXTERNAL, 0, 0);
	read_items(test, pool, 0, 0);
	read_items(test, pool, 2, 2);
	KUNIT_EXPECT_EQ(test, read_generation(f, pool), 0);
	read_items(test, pool, 1, 2);
	KUNIT_EXPECT_EQ(test, read_generation(f, pool), 0);
	KUNIT_EXPECT_EQ(test, f->reads, 2);

	/* what it saw, whatever came meanwhile; an item may be asked for twice */
	read_items(test, pool, 0, 1);
	set(test, pool, "c", "1");
	read_items(test, pool, 1, 2);
	read = hkvp_service_host_read(&f->svc, pool);
	KUNIT_EXPECT_EQ(test, read.generation, 2);
	KUNIT_EXPECT_EQ(test, read.time, 1001);
	KUNIT_EXPECT_EQ(test, f->reads, 3);
	/* the end again is not the end of another one */
	f->now++;
	read_items(test, pool, 3, 3);
	KUNIT_EXPECT_EQ(test, f->reads, 3);
	/* pool AUTO has no versions */
	read_items(test, HKVP_POOL_AUTO, 0, 2);
	KUNIT_EXPECT_EQ(test, hkvp_service_host_read(&f->svc, HKVP_POOL_AUTO).time, 0);
}

/* Asked before the host reads GUEST, once an enumeration. */
static void test_ask(struct kunit *test)
{
	struct fixture *f = test->priv;

	set(test, HKVP_POOL_GUEST, "a", "1");
	set(test, HKVP_POOL_EXTERNAL, "a", "1");
	KUNIT_EXPECT_EQ(test, f->asked, 0);
	read_items(test, HKVP_POOL_GUEST, 0, 1);
	KUNIT_EXPECT_EQ(test, f->asked, 1);
	get(test, HKVP_POOL_GUEST, "a");
	KUNIT_EXPECT_EQ(test, f->asked, 2);
	read_items(test, HKVP_POOL_EXTERNAL, 0, 1);
	get(test, HKVP_POOL_EXTERNAL, "a");
	read_items(test, HKVP_POOL_AUTO, 0, 2);
	get(test, HKVP_POOL_AUTO, "Item1");
	KUNIT_EXPECT_EQ(test, f->asked, 2);

	f->may_read = -EAGAIN;
	put_enumerate(f, HKVP_POOL_GUEST, 0);
	KUNIT_EXPECT_EQ(test, (u32)request(f, KVP_BODY, GFP_ATOMIC),
			(u32)HKVP_DEFER);
	f->may_read = -EINPROGRESS;
	KUNIT_EXPECT_EQ(test, (u32)request(f, KVP_BODY, GFP_KERNEL),
			(u32)HKVP_WAIT);
	KUNIT_EXPECT_NULL(test, f->svc.cursors[HKVP_POOL_GUEST].version);
	/* the pool as it is once the host may read it */
	f->may_read = 0;
	put_set(f, HKVP_POOL_GUEST, "b", "1");
	status(test, KVP_BODY);
	put_enumerate(f, HKVP_POOL_GUEST, 0);
	KUNIT_EXPECT_EQ(test, status(test, KVP_BODY), (u32)OK);
	read_items(test, HKVP_POOL_GUEST, 1, 2);
	KUNIT_EXPECT_EQ(test, read_generation(f, HKVP_POOL_GUEST), 2);

	f->may_read = -EINPROGRESS;
	put_key(f, HKVP_OP_GET, HKVP_POOL_GUEST, "b");
	KUNIT_EXPECT_EQ(test, (u32)request(f, KVP_BODY, GFP_KERNEL),
			(u32)HKVP_WAIT);
	hkvp_service_abandon(&f->svc, &f->result);
	KUNIT_EXPECT_EQ(test, f->cancels, 2);
	KUNIT_EXPECT_EQ(test, (u32)f->result.status, (u32)HKVP_STATUS_FAIL);
	f->may_read = 0;
	KUNIT_EXPECT_EQ(test, get(test, HKVP_POOL_GUEST, "b"), (u32)OK);
}

/* The host may enumerate several pools by turns. */
static void test_enumerate_interleaved(struct kunit *test)
{
	fill(test, HKVP_POOL_EXTERNAL);
	fill(test, HKVP_POOL_GUEST);
	expect_at(test, HKVP_POOL_EXTERNAL, 0, "a");
	expect_at(test, HKVP_POOL_GUEST, 0, "a");
	KUNIT_EXPECT_EQ(test, delete(test, HKVP_POOL_EXTERNAL, "a"), (u32)OK);
	KUNIT_EXPECT_EQ(test, delete(test, HKVP_POOL_GUEST, "b"), (u32)OK);
	expect_at(test, HKVP_POOL_EXTERNAL, 1, "b");
	expect_at(test, HKVP_POOL_AUTO, 0, "Item0");
	expect_at(test, HKVP_POOL_GUEST, 1, "b");
	expect_at(test, HKVP_POOL_EXTERNAL, 2, "c");
	expect_at(test, HKVP_POOL_GUEST, 2, "c");
	expect_at(test, HKVP_POOL_EXTERNAL, 3, "d");
	expect_at(test, HKVP_POOL_GUEST, 3, "d");
	expect_at(test, HKVP_POOL_GUEST, 4, NULL);
	expect_at(test, HKVP_POOL_EXTERNAL, 4, NULL);
}

static void test_expire(struct kunit *test)
{
	struct fixture *f = test->priv;

	KUNIT_EXPECT_EQ(test, hkvp_service_expire(&f->svc, f->now), 0);
	fill(test, HKVP_POOL_EXTERNAL);
	fill(test, HKVP_POOL_GUEST);
	expect_at(test, HKVP_POOL_EXTERNAL, 0, "a");
	KUNIT_EXPECT_EQ(test, hkvp_service_expire(&f->svc, f->now),
			HKVP_CURSOR_TIMEOUT_NS);
	f->now += 100;
	expect_at(test, HKVP_POOL_GUEST, 0, "a");
	KUNIT_EXPECT_EQ(test, hkvp_service_expire(&f->svc, f->now),
			HKVP_CURSOR_TIMEOUT_NS - 100);
	f->now += HKVP_CURSOR_TIMEOUT_NS - 101;
	KUNIT_EXPECT_EQ(test, hkvp_service_expire(&f->svc, f->now), 1);
	KUNIT_EXPECT_TRUE(test, pinned(f, HKVP_POOL_EXTERNAL));
	f->now += 1;
	KUNIT_EXPECT_EQ(test, hkvp_service_expire(&f->svc, f->now), 100);
	KUNIT_EXPECT_FALSE(test, pinned(f, HKVP_POOL_EXTERNAL));
	KUNIT_EXPECT_TRUE(test, pinned(f, HKVP_POOL_GUEST));
	f->now += 1000000000000;
	KUNIT_EXPECT_EQ(test, hkvp_service_expire(&f->svc, f->now), 0);
	KUNIT_EXPECT_FALSE(test, pinned(f, HKVP_POOL_GUEST));
}

/*
 * In the channel's callback: nothing sleeps. A reader that never ends its
 * section keeps all old versions from being freed, until the pool has no
 * patience left: the request is put off, with the buffer as it was, and then
 * goes through in process context.
 */
static void test_atomic(struct kunit *test)
{
	struct fixture *f = test->priv;
	enum hkvp_verdict verdicts[5];
	enum hkvp_verdict last = HKVP_REPLY;
	const u8 pool = HKVP_POOL_EXTERNAL;
	u8 *before = kunit_kzalloc(test, BODY, GFP_KERNEL);
	u32 tries = 0;
	u64 answered;
	u32 i;

	KUNIT_ASSERT_NOT_NULL(test, before);
	preempt_disable();
	put_set(f, pool, "a", "1");
	verdicts[0] = request(f, KVP_BODY, GFP_ATOMIC);
	put_key(f, HKVP_OP_GET, pool, "a");
	verdicts[1] = request(f, KVP_BODY, GFP_ATOMIC);
	put_enumerate(f, pool, 0);
	verdicts[2] = request(f, KVP_BODY, GFP_ATOMIC);
	put_enumerate(f, pool, 1);
	verdicts[3] = request(f, KVP_BODY, GFP_ATOMIC);
	put_delete(f, pool, "a");
	verdicts[4] = request(f, KVP_BODY, GFP_ATOMIC);
	preempt_enable();
	for (i = 0; i < ARRAY_SIZE(verdicts); i++)
		KUNIT_EXPECT_EQ(test, (u32)verdicts[i], (u32)HKVP_REPLY);
	KUNIT_EXPECT_EQ(test, f->svc.stats.status[OK], 4);
	KUNIT_EXPECT_EQ(test, f->svc.stats.status[NONE], 1);

	put_set(f, pool, "a", "1");
	((struct hkvp_msg_value *)f->body)->value.value_size = cpu_to_le32(2046);
	memset(((struct hkvp_msg_value *)f->body)->value.value, 'v', 2046);
	rcu_read_lock();
	while (last == HKVP_REPLY && tries++ < 20000) {
		memcpy(before, f->body, BODY);
		last = request(f, KVP_BODY, GFP_ATOMIC);
	}
	rcu_read_unlock();
	KUNIT_EXPECT_EQ(test, (u32)last, (u32)HKVP_DEFER);
	KUNIT_EXPECT_EQ(test, memcmp(before, f->body, BODY), 0);
	KUNIT_EXPECT_EQ(test, f->svc.stats.deferred, 1);
	answered = f->svc.stats.ops[HKVP_OP_SET];
	KUNIT_EXPECT_EQ(test, answered, tries);
	KUNIT_EXPECT_EQ(test, f->changed[pool], tries + 1);
	KUNIT_EXPECT_EQ(test, status(test, KVP_BODY), (u32)OK);
	KUNIT_EXPECT_EQ(test, f->svc.stats.ops[HKVP_OP_SET], answered + 1);
	KUNIT_EXPECT_EQ(test, f->svc.stats.deferred, 1);
}

static void test_status_wire(struct kunit *test)
{
	static const u32 wire[] = {
		0, 0x80004005, 0x80070103, 0x80070032, 0x80041002, 0x80070057,
		0x80070070, 0x8007048f,
	};
	u32 i;

	KUNIT_EXPECT_EQ(test, ARRAY_SIZE(wire), HKVP_STATUS_COUNT);
	for (i = 0; i < HKVP_STATUS_COUNT; i++)
		KUNIT_EXPECT_EQ(test, hkvp_status_wire(i), wire[i]);
}

static struct kunit_case cases[] = {
	KUNIT_CASE_PARAM(test_request, request_gen_params),
	KUNIT_CASE_PARAM(test_value, value_gen_params),
	KUNIT_CASE(test_get_normalizes_key),
	KUNIT_CASE(test_set_delete),
	KUNIT_CASE(test_host_items),
	KUNIT_CASE(test_writable),
	KUNIT_CASE(test_disk_full),
	KUNIT_CASE(test_auto),
	KUNIT_CASE(test_no_ops),
	KUNIT_CASE_PARAM(test_ip, ip_gen_params),
	KUNIT_CASE(test_ip_wait),
	KUNIT_CASE(test_ip_ends),
	KUNIT_CASE(test_ip_counts),
	KUNIT_CASE(test_enumerate_one_version),
	KUNIT_CASE_PARAM(test_enumerate_ends, end_gen_params),
	KUNIT_CASE(test_enumerate_back),
	KUNIT_CASE(test_enumerate_within_30s),
	KUNIT_CASE(test_enumerate_interleaved),
	KUNIT_CASE(test_host_read),
	KUNIT_CASE(test_ask),
	KUNIT_CASE(test_expire),
	KUNIT_CASE(test_atomic),
	KUNIT_CASE(test_status_wire),
	{}
};

struct kunit_suite hkvp_service_suite = {
	.name = "hkvp_service",
	.init = set_up,
	.exit = tear_down,
	.test_cases = cases,
};
