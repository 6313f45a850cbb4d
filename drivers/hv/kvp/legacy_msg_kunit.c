// SPDX-License-Identifier: GPL-2.0
/* Tests of legacy_msg.c. */
#include <linux/slab.h>
#include <linux/string.h>

#include "codec.h"
#include "kunit.h"
#include "legacy_msg.h"
#include "pool.h"

/* A wide character that takes three bytes of UTF-8, and one that takes one. */
#define WIDE		0x20ac
#define NARROW		'x'

static u32 fill(u8 *dst, u32 units, u16 unit)
{
	u32 i;

	for (i = 0; i < units; i++) {
		dst[2 * i] = unit;
		dst[2 * i + 1] = unit >> 8;
	}
	dst[2 * units] = 0;
	dst[2 * units + 1] = 0;
	return 2 * units + 2;
}

/* Key "k", and no value yet. */
static struct hkvp_item *item(struct kunit *test, u32 type,
			      enum hkvp_owner owner)
{
	struct hkvp_item *it = kunit_kzalloc(test, sizeof(*it) + HKVP_KEY_SIZE +
					     HKVP_VALUE_SIZE, GFP_KERNEL);

	KUNIT_ASSERT_NOT_NULL(test, it);
	it->type = type;
	it->owner = owner;
	it->key_size = fill(it->data, 1, 'k');
	return it;
}

/* An item with a key and a string of so many units. */
static const struct hkvp_item *text(struct kunit *test, u32 key, u16 key_unit,
				    u32 value, u16 value_unit)
{
	struct hkvp_item *it = item(test, HKVP_TYPE_SZ, HKVP_OWNER_HOST);

	it->key_size = fill(it->data, key, key_unit);
	it->value_size = fill(it->data + it->key_size, value, value_unit);
	return it;
}

static const struct hkvp_item *number(struct kunit *test, u32 type, u64 value)
{
	struct hkvp_item *it = item(test, type, HKVP_OWNER_HOST);
	__le64 wire = cpu_to_le64(value);

	it->value_size = type == HKVP_TYPE_DWORD ? 4 : 8;
	memcpy(it->data + it->key_size, &wire, it->value_size);
	return it;
}

static struct hv_kvp_msg *message(struct kunit *test)
{
	struct hv_kvp_msg *msg = kunit_kzalloc(test, sizeof(*msg), GFP_KERNEL);

	KUNIT_ASSERT_NOT_NULL(test, msg);
	/* what was in it before must not show */
	memset(msg, 0xa5, sizeof(*msg));
	return msg;
}

static void expect_zero(struct kunit *test, const void *from, const void *to)
{
	KUNIT_EXPECT_FALSE(test, memchr_inv(from, 0, to - from));
}

static void expect_set(struct kunit *test, const struct hv_kvp_msg *msg,
		       u32 pool, const char *key, const char *value)
{
	const struct hv_kvp_exchg_msg_value *data = &msg->body.kvp_set.data;
	u32 key_size = data->key_size, value_size = data->value_size;
	u32 type = data->value_type;

	KUNIT_EXPECT_EQ(test, msg->kvp_hdr.operation, KVP_OP_SET);
	KUNIT_EXPECT_EQ(test, msg->kvp_hdr.pool, pool);
	KUNIT_EXPECT_EQ(test, msg->kvp_hdr.pad, 0);
	KUNIT_EXPECT_EQ(test, type, REG_SZ);
	KUNIT_EXPECT_EQ(test, key_size, strlen(key) + 1);
	KUNIT_EXPECT_EQ(test, value_size, strlen(value) + 1);
	KUNIT_EXPECT_STREQ(test, (const char *)data->key, key);
	KUNIT_EXPECT_STREQ(test, (const char *)data->value, value);
	expect_zero(test, data->key + strlen(key), data->value);
	expect_zero(test, data->value + strlen(value), msg + 1);
}

static void expect_delete(struct kunit *test, const struct hv_kvp_msg *msg,
			  u32 pool, const char *key)
{
	u32 key_size = msg->body.kvp_delete.key_size;

	KUNIT_EXPECT_EQ(test, msg->kvp_hdr.operation, KVP_OP_DELETE);
	KUNIT_EXPECT_EQ(test, msg->kvp_hdr.pool, pool);
	KUNIT_EXPECT_EQ(test, key_size, strlen(key) + 1);
	KUNIT_EXPECT_STREQ(test, (const char *)msg->body.kvp_delete.key, key);
	expect_zero(test, msg->body.kvp_delete.key + strlen(key), msg + 1);
}

static void test_register(struct kunit *test)
{
	struct hv_kvp_msg *msg = message(test);

	hkvp_legacy_register_msg(msg);
	KUNIT_EXPECT_EQ(test, msg->kvp_hdr.operation, KVP_OP_REGISTER1);
	/* where the daemon looks */
	KUNIT_EXPECT_STREQ(test, (const char *)msg + 4, HKVP_LEGACY_VERSION);
	expect_zero(test, (u8 *)msg + 4 + strlen(HKVP_LEGACY_VERSION), msg + 1);
}

static void test_ip(struct kunit *test)
{
	struct hv_kvp_ipaddr_value *ip =
		kunit_kzalloc(test, sizeof(*ip), GFP_KERNEL);
	struct hv_kvp_msg *msg = message(test);

	KUNIT_ASSERT_NOT_NULL(test, ip);
	memset(ip, 'i', sizeof(*ip));
	hkvp_legacy_ip_msg(msg, ip);
	KUNIT_EXPECT_EQ(test, msg->error, KVP_OP_SET_IP_INFO);
	KUNIT_EXPECT_EQ(test, memcmp((u8 *)msg + 4, ip, sizeof(*ip)), 0);
}

static void test_set(struct kunit *test)
{
	struct hv_kvp_msg *msg = message(test);
	bool left_out = false;

	KUNIT_EXPECT_TRUE(test, hkvp_legacy_change_msg
			  (msg, HKVP_POOL_AUTO_EXTERNAL, NULL,
			   text(test, 3, 'a', 2, WIDE), &left_out));
	expect_set(test, msg, 3, "aaa", "\xe2\x82\xac\xe2\x82\xac");
	KUNIT_EXPECT_TRUE(test, hkvp_legacy_change_msg
			  (msg, HKVP_POOL_EXTERNAL, NULL,
			   text(test, 1, 'b', 0, 0), &left_out));
	expect_set(test, msg, 0, "b", "");
	KUNIT_EXPECT_FALSE(test, left_out);
}

struct number_case {
	u32 type;
	u64 value;
	const char *text;
};

static const struct number_case numbers[] = {
	{ HKVP_TYPE_DWORD, 0, "0" },
	{ HKVP_TYPE_DWORD, U32_MAX, "4294967295" },
	{ HKVP_TYPE_QWORD, U64_MAX, "18446744073709551615" },
};

static void test_numbers(struct kunit *test)
{
	struct hv_kvp_msg *msg = message(test);
	bool left_out = false;
	u32 i;

	for (i = 0; i < ARRAY_SIZE(numbers); i++) {
		KUNIT_EXPECT_TRUE(test, hkvp_legacy_change_msg
				  (msg, HKVP_POOL_EXTERNAL, NULL,
				   number(test, numbers[i].type,
					  numbers[i].value), &left_out));
		expect_set(test, msg, 0, "k", numbers[i].text);
	}
	KUNIT_EXPECT_FALSE(test, left_out);
}

static void test_delete(struct kunit *test)
{
	struct hv_kvp_msg *msg = message(test);
	bool left_out = false;

	KUNIT_EXPECT_TRUE(test, hkvp_legacy_change_msg
			  (msg, HKVP_POOL_AUTO_INTERNAL,
			   text(test, 2, 'd', 5, 'v'), NULL, &left_out));
	expect_delete(test, msg, 4, "dd");
	KUNIT_EXPECT_FALSE(test, left_out);
}

/* The host sends everything again at each connection. */
static void test_the_same_again(struct kunit *test)
{
	struct hv_kvp_msg *msg = message(test);
	const struct hkvp_item *zero = number(test, HKVP_TYPE_DWORD, 0);
	bool left_out = false;

	KUNIT_EXPECT_FALSE(test, hkvp_legacy_change_msg
			   (msg, HKVP_POOL_EXTERNAL, text(test, 1, 'k', 9, 'v'),
			    text(test, 1, 'k', 9, 'v'), &left_out));
	KUNIT_EXPECT_FALSE(test, hkvp_legacy_change_msg
			   (msg, HKVP_POOL_EXTERNAL,
			    text(test, 1, 'k', 900, WIDE),
			    text(test, 1, 'k', 900, WIDE), &left_out));
	KUNIT_EXPECT_TRUE(test, hkvp_legacy_change_msg
			  (msg, HKVP_POOL_EXTERNAL, text(test, 1, 'k', 9, 'v'),
			   text(test, 1, 'k', 9, 'w'), &left_out));
	KUNIT_EXPECT_TRUE(test, hkvp_legacy_change_msg
			  (msg, HKVP_POOL_EXTERNAL, text(test, 1, 'k', 9, 'v'),
			   text(test, 1, 'k', 8, 'v'), &left_out));
	KUNIT_EXPECT_TRUE(test, hkvp_legacy_change_msg
			  (msg, HKVP_POOL_EXTERNAL, text(test, 1, 'k', 1, 0),
			   zero, &left_out));
	expect_set(test, msg, 0, "k", "0");
	KUNIT_EXPECT_FALSE(test, left_out);
}

struct long_case {
	const char *name;
	u32 key;
	u16 key_unit;
	u32 value;
	u16 value_unit;
	bool fits;
};

/* 511 and 2,047 bytes fit. */
static const struct long_case long_cases[] = {
	{ "longest of ASCII", 255, NARROW, 1023, NARROW, true },
	{ "key of 510 bytes", 170, WIDE, 1, NARROW, true },
	{ "key of 513 bytes", 171, WIDE, 1, NARROW, false },
	{ "key of 765 bytes", 255, WIDE, 1, NARROW, false },
	{ "value of 2,046 bytes", 1, NARROW, 682, WIDE, true },
	{ "value of 2,049 bytes", 1, NARROW, 683, WIDE, false },
	{ "value of 3,069 bytes", 1, NARROW, 1023, WIDE, false },
	{ "both", 255, WIDE, 1023, WIDE, false },
};

static void long_desc(const struct long_case *c, char *desc)
{
	strscpy(desc, c->name, KUNIT_PARAM_DESC_SIZE);
}

KUNIT_ARRAY_PARAM(long, long_cases, long_desc);

static void test_long(struct kunit *test)
{
	const struct long_case *c = test->param_value;
	const struct hkvp_item *it = text(test, c->key, c->key_unit, c->value,
					  c->value_unit);
	struct hv_kvp_msg *msg = message(test);
	bool left_out = false;

	KUNIT_EXPECT_EQ(test, hkvp_legacy_change_msg(msg, HKVP_POOL_EXTERNAL,
						     NULL, it, &left_out),
			c->fits);
	KUNIT_EXPECT_EQ(test, left_out, !c->fits);
	/* what the daemon was never told it need not forget */
	left_out = false;
	KUNIT_EXPECT_EQ(test, hkvp_legacy_change_msg(msg, HKVP_POOL_EXTERNAL,
						     it, NULL, &left_out),
			c->fits);
	KUNIT_EXPECT_FALSE(test, left_out);
}

/* An old value must not stay where the new one cannot go. */
static void test_becomes_too_long(struct kunit *test)
{
	const struct hkvp_item *small = text(test, 1, 'k', 4, 'v');
	const struct hkvp_item *large = text(test, 1, 'k', 1023, WIDE);
	struct hv_kvp_msg *msg = message(test);
	bool left_out = false;

	KUNIT_EXPECT_TRUE(test, hkvp_legacy_change_msg
			  (msg, HKVP_POOL_EXTERNAL, small, large, &left_out));
	expect_delete(test, msg, 0, "k");
	KUNIT_EXPECT_TRUE(test, left_out);
	left_out = false;
	KUNIT_EXPECT_TRUE(test, hkvp_legacy_change_msg
			  (msg, HKVP_POOL_EXTERNAL, large, small, &left_out));
	expect_set(test, msg, 0, "k", "vvvv");
	KUNIT_EXPECT_FALSE(test, left_out);
}

/* Of GUEST only what is the host's. */
static void test_guest(struct kunit *test)
{
	const struct hkvp_item *host = item(test, HKVP_TYPE_SZ,
					    HKVP_OWNER_HOST);
	const struct hkvp_item *agent = item(test, HKVP_TYPE_SZ,
					     HKVP_OWNER_AGENT);
	struct hv_kvp_msg *msg = message(test);
	bool left_out = false;

	KUNIT_EXPECT_TRUE(test, hkvp_legacy_change_msg
			  (msg, HKVP_POOL_GUEST, NULL, host, &left_out));
	expect_set(test, msg, 1, "k", "");
	KUNIT_EXPECT_FALSE(test, hkvp_legacy_change_msg
			   (msg, HKVP_POOL_GUEST, NULL, agent, &left_out));
	KUNIT_EXPECT_FALSE(test, hkvp_legacy_change_msg
			   (msg, HKVP_POOL_GUEST, agent, NULL, &left_out));
	KUNIT_EXPECT_TRUE(test, hkvp_legacy_change_msg
			  (msg, HKVP_POOL_GUEST, host, agent, &left_out));
	expect_delete(test, msg, 1, "k");
	KUNIT_EXPECT_TRUE(test, hkvp_legacy_change_msg
			  (msg, HKVP_POOL_GUEST, agent, host, &left_out));
	expect_set(test, msg, 1, "k", "");
	/* imported ones are in the host's pools like any other */
	KUNIT_EXPECT_TRUE(test, hkvp_legacy_change_msg
			  (msg, HKVP_POOL_EXTERNAL, NULL, agent, &left_out));
	expect_set(test, msg, 0, "k", "");
	KUNIT_EXPECT_FALSE(test, left_out);
}

static struct kunit_case cases[] = {
	KUNIT_CASE(test_register),
	KUNIT_CASE(test_ip),
	KUNIT_CASE(test_set),
	KUNIT_CASE(test_numbers),
	KUNIT_CASE(test_delete),
	KUNIT_CASE(test_the_same_again),
	KUNIT_CASE_PARAM(test_long, long_gen_params),
	KUNIT_CASE(test_becomes_too_long),
	KUNIT_CASE(test_guest),
	{}
};

struct kunit_suite hkvp_legacy_suite = {
	.name = "hkvp_legacy",
	.test_cases = cases,
};
