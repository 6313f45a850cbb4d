// SPDX-License-Identifier: GPL-2.0
/*
 * Tests of ip_encode.c.
 */
#include <linux/string.h>
#include "ip_encode.h"
#include "kunit.h"

/* The message, at an odd address, and bytes around it that must not change. */
#define FILL	0xa5
#define GUARD	15

struct ip_ctx {
	struct hkvp_ip_encoder e;
	struct hkvp_ip_strings *strings;
	struct hkvp_ip_binary *binary;
	u8 *memory;
	u32 size;
};

static int ip_init(struct kunit *test)
{
	struct ip_ctx *x = kunit_kzalloc(test, sizeof(*x), GFP_KERNEL);

	KUNIT_ASSERT_NOT_NULL(test, x);
	x->size = sizeof(struct hkvp_ip_strings) + 2 * GUARD;
	x->memory = kunit_kmalloc(test, x->size, GFP_KERNEL);
	KUNIT_ASSERT_NOT_NULL(test, x->memory);
	memset(x->memory, FILL, x->size);
	x->strings = (void *)x->memory + GUARD;
	x->binary = (void *)x->memory + GUARD;
	test->priv = x;
	return 0;
}

static void expect_guards(struct kunit *test, u32 size)
{
	struct ip_ctx *x = test->priv;
	u32 i;

	for (i = 0; i < GUARD; i++) {
		KUNIT_EXPECT_EQ(test, x->memory[i], FILL);
		KUNIT_EXPECT_EQ(test, x->memory[GUARD + size + i], FILL);
	}
}

/* The list at @units as ASCII; valid until the next call. */
static const char *text(const void *units, u32 room)
{
	static char ascii[1025];
	const u8 *bytes = units;
	u32 i;

	for (i = 0; i < room && (bytes[2 * i] || bytes[2 * i + 1]); i++)
		ascii[i] = bytes[2 * i + 1] ? '?' : bytes[2 * i];
	strscpy(ascii + i, i < room ? "" : "-", 2);
	return ascii;
}

#define EXPECT_SAME(test, got, want, size)				\
	KUNIT_EXPECT_EQ(test, memcmp(got, want, size), 0)

static const char *addresses(const struct hkvp_ip_strings *s)
{
	return text(s->addresses, ARRAY_SIZE(s->addresses));
}

static const char *subnets(const struct hkvp_ip_strings *s)
{
	return text(s->subnets, ARRAY_SIZE(s->subnets));
}

static const char *gateways(const struct hkvp_ip_strings *s)
{
	return text(s->gateways, ARRAY_SIZE(s->gateways));
}

static const char *dns(const struct hkvp_ip_strings *s)
{
	return text(s->dns, ARRAY_SIZE(s->dns));
}

static const u8 v4_a[4] = { 192, 0, 2, 1 };
static const u8 v4_b[4] = { 192, 0, 2, 10 };
static const u8 v6_a[16] = { 0x20, 0x01, 0x0d, 0xb8, [15] = 1 };
static const u8 v6_b[16] = { 0xfe, 0x80, [15] = 0xff };

static void test_strings_empty(struct kunit *test)
{
	struct ip_ctx *x = test->priv;

	hkvp_ip_encoder_strings(&x->e, x->strings);
	hkvp_ip_encoder_end(&x->e, false);
	KUNIT_EXPECT_EQ(test, x->strings->family, HKVP_IP_NONE);
	KUNIT_EXPECT_EQ(test, x->strings->dhcp, 0);
	KUNIT_EXPECT_STREQ(test, addresses(x->strings), "");
	KUNIT_EXPECT_STREQ(test, subnets(x->strings), "");
	KUNIT_EXPECT_STREQ(test, gateways(x->strings), "");
	KUNIT_EXPECT_STREQ(test, dns(x->strings), "");
	KUNIT_EXPECT_EQ(test, le16_to_cpu(x->strings->adapter_id[0]),
			FILL << 8 | FILL);
	expect_guards(test, sizeof(*x->strings));
}

static void test_strings(struct kunit *test)
{
	struct ip_ctx *x = test->priv;

	hkvp_ip_encoder_strings(&x->e, x->strings);
	KUNIT_EXPECT_TRUE(test, hkvp_ip_encode_v4(&x->e, v4_a, 24, HKVP_IP_ORIGIN_STATIC));
	KUNIT_EXPECT_TRUE(test, hkvp_ip_encode_v4(&x->e, v4_b, 32, HKVP_IP_ORIGIN_STATIC));
	KUNIT_EXPECT_TRUE(test, hkvp_ip_encode_v6(&x->e, v6_a, 64, HKVP_IP_ORIGIN_OTHER));
	KUNIT_EXPECT_TRUE(test, hkvp_ip_encode_v6(&x->e, v6_b, 0, HKVP_IP_ORIGIN_OTHER));
	KUNIT_EXPECT_TRUE(test, hkvp_ip_encode_gateway(&x->e, false, v4_b));
	KUNIT_EXPECT_TRUE(test, hkvp_ip_encode_gateway(&x->e, false, v4_a));
	KUNIT_EXPECT_TRUE(test, hkvp_ip_encode_gateway(&x->e, true, v6_b));
	KUNIT_EXPECT_TRUE(test, hkvp_ip_encode_dns(&x->e, true, v6_a));
	KUNIT_EXPECT_TRUE(test, hkvp_ip_encode_dns(&x->e, false, v4_a));
	hkvp_ip_encoder_end(&x->e, true);

	KUNIT_EXPECT_EQ(test, x->strings->family, HKVP_IP_BOTH);
	KUNIT_EXPECT_EQ(test, x->strings->dhcp, 1);
	KUNIT_EXPECT_STREQ(test, addresses(x->strings),
			   "192.0.2.1;192.0.2.10;2001:db8::1;fe80::ff");
	KUNIT_EXPECT_STREQ(test, subnets(x->strings),
			   "255.255.255.0;255.255.255.255;/64;/0");
	KUNIT_EXPECT_STREQ(test, gateways(x->strings),
			   "192.0.2.10;192.0.2.1;fe80::ff");
	KUNIT_EXPECT_STREQ(test, dns(x->strings),
			   "2001:db8::1;192.0.2.1");
	expect_guards(test, sizeof(*x->strings));
}

/* An entry that begins or ends like another one is not that one. */
static void test_strings_once(struct kunit *test)
{
	struct ip_ctx *x = test->priv;
	static const u8 c[4] = { 92, 0, 2, 1 };
	static const u8 d[4] = { 192, 0, 2, 0 };

	hkvp_ip_encoder_strings(&x->e, x->strings);
	hkvp_ip_encode_gateway(&x->e, false, v4_b);
	hkvp_ip_encode_gateway(&x->e, false, v4_a);
	hkvp_ip_encode_gateway(&x->e, false, c);
	hkvp_ip_encode_gateway(&x->e, false, d);
	KUNIT_EXPECT_TRUE(test, hkvp_ip_encode_gateway(&x->e, false, v4_a));
	KUNIT_EXPECT_TRUE(test, hkvp_ip_encode_gateway(&x->e, false, v4_b));
	KUNIT_EXPECT_TRUE(test, hkvp_ip_encode_gateway(&x->e, false, d));
	hkvp_ip_encoder_end(&x->e, false);
	KUNIT_EXPECT_STREQ(test, gateways(x->strings),
			   "192.0.2.10;192.0.2.1;92.0.2.1;192.0.2.0");
	KUNIT_EXPECT_EQ(test, x->strings->family, HKVP_IP_NONE);
}

static void test_masks(struct kunit *test)
{
	static const char * const masks[33] = {
		[0] = "0.0.0.0", [1] = "128.0.0.0", [8] = "255.0.0.0",
		[15] = "255.254.0.0", [31] = "255.255.255.254",
		[32] = "255.255.255.255",
	};
	struct ip_ctx *x = test->priv;
	u32 i;

	for (i = 0; i < ARRAY_SIZE(masks); i++) {
		if (!masks[i])
			continue;
		hkvp_ip_encoder_strings(&x->e, x->strings);
		hkvp_ip_encode_v4(&x->e, v4_a, i, HKVP_IP_ORIGIN_STATIC);
		hkvp_ip_encoder_end(&x->e, false);
		KUNIT_EXPECT_STREQ(test, subnets(x->strings), masks[i]);
	}
}

static u32 entries(const char *list)
{
	u32 n = *list != 0;

	for (; *list; list++)
		n += *list == ';';
	return n;
}

/* 64 addresses of 15 characters and 63 separators end right at the NUL. */
static void test_strings_addresses_full(struct kunit *test)
{
	static const u8 small[16] = { [15] = 1 };
	u8 addr[4] = { 255, 255, 255, 100 };
	struct ip_ctx *x = test->priv;
	u32 i;

	hkvp_ip_encoder_strings(&x->e, x->strings);
	for (i = 0; i < 70; i++, addr[3]++)
		KUNIT_EXPECT_EQ(test, hkvp_ip_encode_v4(&x->e, addr, 8, HKVP_IP_ORIGIN_STATIC),
				i < 64);
	KUNIT_EXPECT_FALSE(test, hkvp_ip_encode_v6(&x->e, small, 128, HKVP_IP_ORIGIN_STATIC));
	hkvp_ip_encoder_end(&x->e, false);
	KUNIT_EXPECT_EQ(test, strlen(addresses(x->strings)), 1023);
	KUNIT_EXPECT_EQ(test, entries(addresses(x->strings)), 64);
	KUNIT_EXPECT_EQ(test, entries(subnets(x->strings)), 64);
	KUNIT_EXPECT_EQ(test, x->strings->family, HKVP_IP_V4);
	expect_guards(test, sizeof(*x->strings));
}

/* What comes behind an entry that did not fit would hide the gap. */
static void test_strings_closed(struct kunit *test)
{
	static const u8 small[16] = { [15] = 1 };
	struct ip_ctx *x = test->priv;
	u8 addr[16];
	u32 i = 0;

	memset(addr, 0x11, sizeof(addr));
	hkvp_ip_encoder_strings(&x->e, x->strings);
	for (; hkvp_ip_encode_v6(&x->e, addr, 64, HKVP_IP_ORIGIN_STATIC) && i < 100; i++)
		addr[15]++;
	KUNIT_EXPECT_EQ(test, i, 25);
	KUNIT_EXPECT_FALSE(test, hkvp_ip_encode_v6(&x->e, small, 128, HKVP_IP_ORIGIN_STATIC));
	hkvp_ip_encoder_end(&x->e, false);
	KUNIT_EXPECT_EQ(test, entries(addresses(x->strings)), 25);
	KUNIT_EXPECT_EQ(test, entries(subnets(x->strings)), 25);
	expect_guards(test, sizeof(*x->strings));
}

/* The list of subnets can be the longer one. */
static void test_strings_subnets_full(struct kunit *test)
{
	u8 addr[4] = { 1, 1, 1, 1 };
	struct ip_ctx *x = test->priv;
	u32 i = 0;

	hkvp_ip_encoder_strings(&x->e, x->strings);
	while (hkvp_ip_encode_v4(&x->e, addr, 32, HKVP_IP_ORIGIN_STATIC) && i < 100)
		i++;
	hkvp_ip_encoder_end(&x->e, false);
	KUNIT_EXPECT_EQ(test, i, 64);
	KUNIT_EXPECT_EQ(test, entries(addresses(x->strings)), 64);
	KUNIT_EXPECT_EQ(test, entries(subnets(x->strings)), 64);
	KUNIT_EXPECT_EQ(test, strlen(subnets(x->strings)), 1023);
	expect_guards(test, sizeof(*x->strings));
}

/* 512 units: 32 gateways of 15 characters with their separators. */
static void test_strings_gateways_full(struct kunit *test)
{
	u8 addr[4] = { 255, 255, 255, 100 };
	struct ip_ctx *x = test->priv;
	u32 i = 0;

	hkvp_ip_encoder_strings(&x->e, x->strings);
	for (; hkvp_ip_encode_gateway(&x->e, false, addr) && i < 100; i++)
		addr[3]++;
	hkvp_ip_encoder_end(&x->e, false);
	KUNIT_EXPECT_EQ(test, i, 32);
	KUNIT_EXPECT_EQ(test, strlen(gateways(x->strings)), 511);
	KUNIT_EXPECT_STREQ(test, dns(x->strings), "");
	expect_guards(test, sizeof(*x->strings));
}

static void test_strings_dns_full(struct kunit *test)
{
	struct ip_ctx *x = test->priv;
	u8 addr[16];
	u32 i = 0;

	memset(addr, 0x11, sizeof(addr));
	hkvp_ip_encoder_strings(&x->e, x->strings);
	for (; hkvp_ip_encode_dns(&x->e, true, addr) && i < 100; i++)
		addr[15]++;
	hkvp_ip_encoder_end(&x->e, false);
	/* 39 characters each, and 24 separators */
	KUNIT_EXPECT_EQ(test, i, 25);
	KUNIT_EXPECT_EQ(test, strlen(dns(x->strings)), 999);
	expect_guards(test, sizeof(*x->strings));
}

static void test_binary_empty(struct kunit *test)
{
	struct ip_ctx *x = test->priv;

	hkvp_ip_encoder_binary(&x->e, x->binary);
	hkvp_ip_encoder_end(&x->e, false);
	KUNIT_EXPECT_EQ(test, le32_to_cpu(x->binary->v4_count), 0);
	KUNIT_EXPECT_EQ(test, le32_to_cpu(x->binary->v6_count), 0);
	KUNIT_EXPECT_EQ(test, le32_to_cpu(x->binary->v4_gateway_count), 0);
	KUNIT_EXPECT_EQ(test, le32_to_cpu(x->binary->v6_gateway_count), 0);
	KUNIT_EXPECT_EQ(test, le32_to_cpu(x->binary->v4_dns_count), 0);
	KUNIT_EXPECT_EQ(test, le32_to_cpu(x->binary->v6_dns_count), 0);
	KUNIT_EXPECT_EQ(test, x->binary->family, HKVP_IP_NONE);
	KUNIT_EXPECT_EQ(test, le16_to_cpu(x->binary->zero), 0);
	KUNIT_EXPECT_EQ(test, le16_to_cpu(x->binary->adapter_id[0]),
			FILL << 8 | FILL);
	KUNIT_EXPECT_EQ(test, x->binary->v4[0][0], FILL);
}

static void test_binary(struct kunit *test)
{
	struct ip_ctx *x = test->priv;
	struct hkvp_ip_binary *b = x->binary;
	static const u8 mask[4] = { 255, 255, 254, 0 };

	hkvp_ip_encoder_binary(&x->e, b);
	KUNIT_EXPECT_TRUE(test, hkvp_ip_encode_v4(&x->e, v4_a, 23, HKVP_IP_ORIGIN_STATIC));
	KUNIT_EXPECT_TRUE(test, hkvp_ip_encode_v6(&x->e, v6_a, 64, HKVP_IP_ORIGIN_OTHER));
	KUNIT_EXPECT_TRUE(test, hkvp_ip_encode_v6(&x->e, v6_b, 128, HKVP_IP_ORIGIN_STATIC));
	KUNIT_EXPECT_TRUE(test, hkvp_ip_encode_gateway(&x->e, true, v6_b));
	KUNIT_EXPECT_TRUE(test, hkvp_ip_encode_gateway(&x->e, false, v4_b));
	KUNIT_EXPECT_TRUE(test, hkvp_ip_encode_gateway(&x->e, false, v4_b));
	KUNIT_EXPECT_TRUE(test, hkvp_ip_encode_dns(&x->e, false, v4_b));
	KUNIT_EXPECT_TRUE(test, hkvp_ip_encode_dns(&x->e, false, v4_a));
	KUNIT_EXPECT_TRUE(test, hkvp_ip_encode_dns(&x->e, true, v6_a));
	/* its origin would be another one's */
	KUNIT_EXPECT_FALSE(test, hkvp_ip_encode_v4(&x->e, v4_b, 24, HKVP_IP_ORIGIN_STATIC));
	hkvp_ip_encoder_end(&x->e, true);

	KUNIT_EXPECT_EQ(test, le32_to_cpu(b->v4_count), 1);
	KUNIT_EXPECT_EQ(test, le32_to_cpu(b->v6_count), 2);
	KUNIT_EXPECT_EQ(test, le32_to_cpu(b->v4_gateway_count), 1);
	KUNIT_EXPECT_EQ(test, le32_to_cpu(b->v6_gateway_count), 1);
	KUNIT_EXPECT_EQ(test, le32_to_cpu(b->v4_dns_count), 2);
	KUNIT_EXPECT_EQ(test, le32_to_cpu(b->v6_dns_count), 1);
	KUNIT_EXPECT_EQ(test, b->family, HKVP_IP_BOTH);
	KUNIT_EXPECT_EQ(test, b->dhcp, 1);
	EXPECT_SAME(test, b->v4[0], v4_a, 4);
	EXPECT_SAME(test, b->v4_mask[0], mask, 4);
	EXPECT_SAME(test, b->v6[0], v6_a, 16);
	EXPECT_SAME(test, b->v6[1], v6_b, 16);
	KUNIT_EXPECT_EQ(test, le32_to_cpu(b->v6_prefix[0]), 64);
	KUNIT_EXPECT_EQ(test, le32_to_cpu(b->v6_prefix[1]), 128);
	EXPECT_SAME(test, b->v4_gateway[0], v4_b, 4);
	EXPECT_SAME(test, b->v6_gateway[0], v6_b, 16);
	EXPECT_SAME(test, b->v4_dns[0], v4_b, 4);
	EXPECT_SAME(test, b->v4_dns[1], v4_a, 4);
	EXPECT_SAME(test, b->v6_dns[0], v6_a, 16);
	KUNIT_EXPECT_EQ(test, le16_to_cpu(b->origin[0]), HKVP_IP_ORIGIN_STATIC);
	KUNIT_EXPECT_EQ(test, le16_to_cpu(b->origin[1]), HKVP_IP_ORIGIN_OTHER);
	KUNIT_EXPECT_EQ(test, le16_to_cpu(b->origin[2]), HKVP_IP_ORIGIN_STATIC);
}

/* Every table takes what it can hold and not one more. */
static void test_binary_full(struct kunit *test)
{
	struct ip_ctx *x = test->priv;
	struct hkvp_ip_binary *b = x->binary;
	u8 addr[16] = { 1 };
	u32 i;

	hkvp_ip_encoder_binary(&x->e, b);
	for (i = 0; i < 70; i++, addr[3]++)
		KUNIT_EXPECT_EQ(test, hkvp_ip_encode_v4(&x->e, addr, 8, HKVP_IP_ORIGIN_STATIC),
				i < HKVP_IP_ADDRESSES);
	for (i = 0; i < 70; i++, addr[15]++)
		KUNIT_EXPECT_EQ(test, hkvp_ip_encode_v6(&x->e, addr, 8, HKVP_IP_ORIGIN_OTHER),
				i < HKVP_IP_ADDRESSES);
	for (i = 0; i < 8; i++, addr[3]++)
		KUNIT_EXPECT_EQ(test, hkvp_ip_encode_gateway(&x->e, false, addr),
				i < HKVP_IP_GATEWAYS);
	for (i = 0; i < 8; i++, addr[15]++)
		KUNIT_EXPECT_EQ(test, hkvp_ip_encode_gateway(&x->e, true, addr),
				i < HKVP_IP_GATEWAYS);
	for (i = 0; i < 70; i++, addr[3]++)
		KUNIT_EXPECT_EQ(test, hkvp_ip_encode_dns(&x->e, false, addr),
				i < HKVP_IP_ADDRESSES);
	for (i = 0; i < 70; i++, addr[15]++)
		KUNIT_EXPECT_EQ(test, hkvp_ip_encode_dns(&x->e, true, addr),
				i < HKVP_IP_ADDRESSES);
	hkvp_ip_encoder_end(&x->e, false);

	KUNIT_EXPECT_EQ(test, le32_to_cpu(b->v4_count), HKVP_IP_ADDRESSES);
	KUNIT_EXPECT_EQ(test, le32_to_cpu(b->v6_count), HKVP_IP_ADDRESSES);
	KUNIT_EXPECT_EQ(test, le32_to_cpu(b->v4_gateway_count), HKVP_IP_GATEWAYS);
	KUNIT_EXPECT_EQ(test, le32_to_cpu(b->v6_gateway_count), HKVP_IP_GATEWAYS);
	KUNIT_EXPECT_EQ(test, le32_to_cpu(b->v4_dns_count), HKVP_IP_ADDRESSES);
	KUNIT_EXPECT_EQ(test, le32_to_cpu(b->v6_dns_count), HKVP_IP_ADDRESSES);
	for (i = 0; i < 2 * HKVP_IP_ADDRESSES; i++)
		KUNIT_EXPECT_EQ(test, le16_to_cpu(b->origin[i]),
				i < HKVP_IP_ADDRESSES ? HKVP_IP_ORIGIN_STATIC :
							HKVP_IP_ORIGIN_OTHER);
	expect_guards(test, sizeof(*b));
}

static struct kunit_case ip_encode_tests[] = {
	KUNIT_CASE(test_strings_empty),
	KUNIT_CASE(test_strings),
	KUNIT_CASE(test_strings_once),
	KUNIT_CASE(test_masks),
	KUNIT_CASE(test_strings_addresses_full),
	KUNIT_CASE(test_strings_closed),
	KUNIT_CASE(test_strings_subnets_full),
	KUNIT_CASE(test_strings_gateways_full),
	KUNIT_CASE(test_strings_dns_full),
	KUNIT_CASE(test_binary_empty),
	KUNIT_CASE(test_binary),
	KUNIT_CASE(test_binary_full),
	{}
};

struct kunit_suite hkvp_ip_encode_suite = {
	.name = "hkvp_ip_encode",
	.init = ip_init,
	.test_cases = ip_encode_tests,
};
