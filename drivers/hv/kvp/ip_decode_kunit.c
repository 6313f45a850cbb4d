// SPDX-License-Identifier: GPL-2.0
/*
 * Tests of ip_decode.c: both forms, each limit, and what lies beyond.
 */
#include <linux/errno.h>
#include <linux/string.h>
#include "ip_decode.h"
#include "kunit.h"

#define MAC	"00:15:5D:01:02:03"
#define GUID	"{7e57c1a5-0000-4000-8000-00155d000001}"

struct fixture {
	struct hkvp_ip_strings strings;
	struct hkvp_ip_binary binary;
	struct hv_kvp_ip_config config;
	struct hv_kvp_ip_config wanted;
};

static void put(void *field, const char *ascii)
{
	u8 *to = field;

	do {
		*to++ = *ascii;
		*to++ = 0;
	} while (*ascii++);
}

static int set_up(struct kunit *test)
{
	struct fixture *f = kunit_kzalloc(test, sizeof(*f), GFP_KERNEL);

	if (!f)
		return -ENOMEM;
	test->priv = f;
	put(f->strings.adapter_id, MAC);
	put(f->binary.adapter_id, MAC);
	f->wanted.adapter = HV_KVP_ADAPTER_MAC;
	memcpy(f->wanted.mac, "\0\x15\x5d\1\2\3", 6);
	f->strings.family = HKVP_IP_BOTH;
	f->binary.family = HKVP_IP_BOTH;
	f->wanted.family = HV_KVP_IP_V4 | HV_KVP_IP_V6;
	return 0;
}

static int strings(struct fixture *f)
{
	memset(&f->config, 0x5a, sizeof(f->config));
	return hkvp_ip_decode_strings(&f->config, &f->strings);
}

static int binary(struct fixture *f)
{
	memset(&f->config, 0x5a, sizeof(f->config));
	return hkvp_ip_decode_binary(&f->config, &f->binary);
}

static void expect_wanted(struct kunit *test)
{
	struct fixture *f = test->priv;

	KUNIT_EXPECT_EQ(test, memcmp(&f->config, &f->wanted,
				     sizeof(f->config)), 0);
}

/* Nothing but a name and a family: nothing in the tables. */
static void test_empty(struct kunit *test)
{
	struct fixture *f = test->priv;

	KUNIT_EXPECT_EQ(test, strings(f), 0);
	expect_wanted(test);
	KUNIT_EXPECT_EQ(test, binary(f), 0);
	expect_wanted(test);
}

/*
 * A request about neither family is none about both. In string form the addresses
 * say what it is about, and DHCP, which is about IPv4.
 */
static void test_no_family(struct kunit *test)
{
	static const struct {
		const char *addresses;
		u8 family, dhcp;
		int strings;	/* the family, or an error */
	} cases[] = {
		{ "", 0, 0, -EINVAL }, { "", 0, 1, 1 }, { "1.2.3.4", 0, 0, 1 },
		{ "1.2.3.4", 0, 1, 1 }, { "::1", 0, 0, 2 }, { "::1", 0, 1, 2 },
		{ "1.2.3.4;::1", 0, 0, 3 }, { "::1", 1, 0, 3 },
		{ "1.2.3.4", 2, 0, 3 }, { "", 2, 1, 2 },
	};
	struct fixture *f = test->priv;
	u32 i;

	put(f->strings.subnets, "24;24");
	for (i = 0; i < ARRAY_SIZE(cases); i++) {
		put(f->strings.addresses, cases[i].addresses);
		f->strings.family = cases[i].family;
		f->strings.dhcp = cases[i].dhcp;
		if (cases[i].strings < 0) {
			KUNIT_EXPECT_EQ(test, strings(f), cases[i].strings);
			continue;
		}
		KUNIT_EXPECT_GE(test, strings(f), 0);
		KUNIT_EXPECT_EQ_MSG(test, (int)f->config.family,
				    cases[i].strings, "%s", cases[i].addresses);
	}
	f->binary.family = 0;
	for (i = 0; i < 4; i++) {
		f->binary.dhcp = i & 1;
		f->binary.v4_count = cpu_to_le32(i >> 1);
		KUNIT_EXPECT_EQ(test, binary(f), -EINVAL);
	}
}

/* The same in both forms. */
static void test_both_forms(struct kunit *test)
{
	static const u8 v6[16] = { 0x20, 1, 0xd, 0xb8, [15] = 7 };
	static const u8 local[16] = { 0xfe, 0x80, [13] = 1, [15] = 2 };
	/* as it is written */
	static const u8 guid[16] = { 0x7e, 0x57, 0xc1, 0xa5, 0, 0, 0x40, 0, 0x80, 0,
				     0, 0x15, 0x5d, 0, 0, 1 };
	struct fixture *f = test->priv;
	struct hv_kvp_ip_config *w = &f->wanted;
	struct hkvp_ip_binary *b = &f->binary;

	put(f->strings.adapter_id, GUID);
	put(b->adapter_id, GUID);
	w->adapter = HV_KVP_ADAPTER_GUID;
	memcpy(w->guid, guid, sizeof(guid));
	memset(w->mac, 0, sizeof(w->mac));
	f->strings.dhcp = 1;
	put(f->strings.addresses, "192.0.2.7;2001:db8::7;10.1.2.3;fe80::1:2");
	put(f->strings.subnets, "255.255.255.0;/64;255.255.255.255;128");
	put(f->strings.gateways, ";2001:DB8::7; \t192.0.2.1 ; ;");
	put(f->strings.dns, "192.0.2.2;fe80::1:2");

	b->dhcp = 0xff;
	b->v4_count = cpu_to_le32(2);
	b->v6_count = cpu_to_le32(2);
	memcpy(b->v4, "\xc0\0\2\7\x0a\1\2\3", 8);
	memcpy(b->v4_mask, "\xff\xff\xff\0\xff\xff\xff\xff", 8);
	memcpy(b->v6[0], v6, 16);
	memcpy(b->v6[1], local, 16);
	b->v6_prefix[0] = cpu_to_le32(64);
	b->v6_prefix[1] = cpu_to_le32(128);
	b->v4_gateway_count = cpu_to_le32(1);
	b->v6_gateway_count = cpu_to_le32(1);
	memcpy(b->v4_gateway, "\xc0\0\2\1", 4);
	memcpy(b->v6_gateway, v6, 16);
	b->v4_dns_count = cpu_to_le32(1);
	b->v6_dns_count = cpu_to_le32(1);
	memcpy(b->v4_dns, "\xc0\0\2\2", 4);
	memcpy(b->v6_dns, local, 16);
	/* what is behind the counts, and the origins, mean nothing */
	memset(b->v4[2], 0xee, 8);
	memset(b->origin, 0xee, sizeof(b->origin));

	w->dhcp = 1;
	w->v4_count = 2;
	w->v6_count = 2;
	w->v4_gateway_count = 1;
	w->v6_gateway_count = 1;
	w->v4_dns_count = 1;
	w->v6_dns_count = 1;
	memcpy(w->v4, b->v4, 8);
	memcpy(w->v6, b->v6, 32);
	w->v4_prefix[0] = 24;
	w->v4_prefix[1] = 32;
	w->v6_prefix[0] = 64;
	w->v6_prefix[1] = 128;
	memcpy(w->v4_gateway, b->v4_gateway, 4);
	memcpy(w->v6_gateway, b->v6_gateway, 16);
	memcpy(w->v4_dns, b->v4_dns, 4);
	memcpy(w->v6_dns, b->v6_dns, 16);

	KUNIT_EXPECT_EQ(test, strings(f), 0);
	expect_wanted(test);
	KUNIT_EXPECT_EQ(test, binary(f), 0);
	expect_wanted(test);
}

struct text_case {
	const char *text;
	int family;	/* 0: malformed */
	u8 addr[16];
	int left_out;
};

static const struct text_case text_cases[] = {
	{ "0.0.0.0", 4, { 0 } },
	{ "255.255.255.255", 4, { 255, 255, 255, 255 } },
	{ "1.20.100.9", 4, { 1, 20, 100, 9 } },
	{ "1.2.3", 0 }, { "1.2.3.", 0 }, { "1.2.3.4.", 0 }, { "1.2.3.4.5", 0 },
	{ ".1.2.3.4", 0 }, { "1..2.3", 0 }, { "1.2.3.256", 0 },
	{ "1.2.3.1000", 0 }, { "01.2.3.4", 0 }, { "1.2.3.00", 0 },
	{ "+1.2.3.4", 0 }, { "-1.2.3.4", 0 }, { "1.2.3.4 5", 0 },
	{ " 1.2.3.4 ", 4, { 1, 2, 3, 4 } }, { "1.2 .3.4", 0 },
	{ "0x1.2.3.4", 0 }, { "1.2.3.4/24", 0 }, { "1.2.3.4\n", 0 },
	{ "eth0", 0 }, { "$(id)", 0 },
	{ "::", 6, { 0 } },
	{ "::1", 6, { [15] = 1 } },
	{ "1::", 6, { 0, 1 } },
	{ "1:2:3:4:5:6:7:8", 6,
	  { 0, 1, 0, 2, 0, 3, 0, 4, 0, 5, 0, 6, 0, 7, 0, 8 } },
	{ "1:2:3:4:5:6:7::", 6,
	  { 0, 1, 0, 2, 0, 3, 0, 4, 0, 5, 0, 6, 0, 7, 0, 0 } },
	{ "::2:3:4:5:6:7:8", 6,
	  { 0, 0, 0, 2, 0, 3, 0, 4, 0, 5, 0, 6, 0, 7, 0, 8 } },
	{ "FFFF:abcd::00ef", 6, { 255, 255, 0xab, 0xcd, [15] = 0xef } },
	{ "::ffff:192.0.2.1", 6,
	  { [10] = 255, [11] = 255, [12] = 192, [14] = 2, [15] = 1 } },
	{ "1:2:3:4:5:6:1.2.3.4", 6,
	  { 0, 1, 0, 2, 0, 3, 0, 4, 0, 5, 0, 6, 1, 2, 3, 4 } },
	{ "1::1.2.3.4", 6, { 0, 1, [12] = 1, [13] = 2, [14] = 3, [15] = 4 } },
	{ "1:2:3:4:5:6:7:8:9", 0 }, { "1:2:3:4:5:6:7", 0 }, { ":", 0 },
	{ ":::", 0 }, { "1:::2", 0 }, { "1::2::3", 0 }, { ":1", 0 },
	{ "1:", 0 }, { "1:2:3:4:5:6:7:", 0 }, { ":1:2:3:4:5:6:7:8", 0 },
	{ "1:2:3:4:5:6:7:8::", 0 }, { "::1:2:3:4:5:6:7:8", 0 },
	{ "12345::", 0 }, { "::g", 0 }, { "[::1]", 0 },
	{ "1:2:3:4:5:6:7:1.2.3.4", 0 }, { "::1.2.3.4:5", 0 }, { "::1.2.3", 0 },
	{ "\t::1\t ", 6, { [15] = 1 } }, { "::1/64", 0 },
	/* one character longer than any address */
	{ "ffff:ffff:ffff:ffff:ffff:ffff:255.255.255.2555", 0 },
	{ "fe80::1%12", 6, { 0xfe, 0x80, [15] = 1 }, 1 },
	{ "::1%br-lan.5_6", 6, { [15] = 1 }, 1 },
	{ "ffff:ffff:ffff:ffff:ffff:ffff:255.255.255.255%interface123456", 6,
	  { 255, 255, 255, 255, 255, 255, 255, 255, 255, 255, 255, 255, 255,
	    255, 255, 255 }, 1 },
	{ "ffff:ffff:ffff:ffff:ffff:ffff:255.255.255.255%interface1234567", 0 },
	{ "::1%interface1234567", 0 }, { "::1%", 0 }, { "::1%a%b", 0 },
	{ "::1%$(id)", 0 }, { "%eth0", 0 }, { "1.2.3.4%eth0", 0 },
};

static void text_desc(const struct text_case *c, char *desc)
{
	strscpy(desc, c->text, KUNIT_PARAM_DESC_SIZE);
	strreplace(desc, '\n', '~');
	strreplace(desc, '\t', '~');
}

KUNIT_ARRAY_PARAM(text, text_cases, text_desc);

static void test_text(struct kunit *test)
{
	const struct text_case *c = test->param_value;
	struct fixture *f = test->priv;

	put(f->strings.dns, c->text);
	KUNIT_EXPECT_EQ(test, strings(f), c->family ? c->left_out : -EINVAL);
	if (!c->family)
		return;
	f->wanted.v4_dns_count = c->family == 4;
	f->wanted.v6_dns_count = c->family == 6;
	memcpy(c->family == 4 ? f->wanted.v4_dns[0] : f->wanted.v6_dns[0],
	       c->addr, c->family == 4 ? 4 : 16);
	expect_wanted(test);
}

static const struct {
	const char *subnet;
	int v4, v6;	/* prefix lengths, or errors */
} subnets[] = {
	{ "0.0.0.0", 0, -EINVAL }, { "128.0.0.0", 1, -EINVAL },
	{ "255.255.255.254", 31, -EINVAL }, { "255.255.255.255", 32, -EINVAL },
	{ "255.0.255.0", -EINVAL, -EINVAL }, { "0.0.0.1", -EINVAL, -EINVAL },
	{ "127.255.255.255", -EINVAL, -EINVAL },
	{ "/0", 0, 0 }, { "0", 0, 0 }, { "/32", 32, 32 }, { "32", 32, 32 },
	{ "/33", -EINVAL, 33 }, { "/128", -EINVAL, 128 },
	{ "/129", -EINVAL, -EINVAL }, { "/1280", -EINVAL, -EINVAL },
	{ "/", -EINVAL, -EINVAL }, { "//8", -EINVAL, -EINVAL },
	{ "/08", -EINVAL, -EINVAL }, { " 8 ", 8, 8 }, { "/ 8", -EINVAL, -EINVAL },
	{ "/-1", -EINVAL, -EINVAL }, { "ffff::", -EINVAL, -EINVAL },
};

static void test_subnets(struct kunit *test)
{
	struct fixture *f = test->priv;
	u32 i;

	for (i = 0; i < ARRAY_SIZE(subnets); i++) {
		put(f->strings.subnets, subnets[i].subnet);
		put(f->strings.addresses, "1.2.3.4");
		KUNIT_EXPECT_EQ_MSG(test, strings(f), min(subnets[i].v4, 0),
				    "%s", subnets[i].subnet);
		if (subnets[i].v4 >= 0)
			KUNIT_EXPECT_EQ(test, (int)f->config.v4_prefix[0],
					subnets[i].v4);
		put(f->strings.addresses, "::1");
		KUNIT_EXPECT_EQ_MSG(test, strings(f), min(subnets[i].v6, 0),
				    "%s", subnets[i].subnet);
		if (subnets[i].v6 >= 0)
			KUNIT_EXPECT_EQ(test, (int)f->config.v6_prefix[0],
					subnets[i].v6);
	}
}

/* A subnet for each address, the n-th for the n-th; more are left out. */
static void test_pairs(struct kunit *test)
{
	struct fixture *f = test->priv;

	put(f->strings.addresses, "1.2.3.4;::1;5.6.7.8");
	put(f->strings.subnets, "/8;/64;/16");
	KUNIT_EXPECT_EQ(test, strings(f), 0);
	KUNIT_EXPECT_EQ(test, f->config.v4_prefix[1], 16);
	put(f->strings.subnets, "/8;/64");
	KUNIT_EXPECT_EQ(test, strings(f), -EINVAL);
	put(f->strings.subnets, "/8;/64;/16;/24; rubbish ;$(id);;");
	KUNIT_EXPECT_EQ(test, strings(f), 3);
	KUNIT_EXPECT_EQ(test, f->config.v4_prefix[1], 16);
	put(f->strings.addresses, "");
	KUNIT_EXPECT_EQ(test, strings(f), 6);
	put(f->strings.addresses, "1.2.3.4;::1;5.6.7.8");
	/* which is of the wrong family then */
	put(f->strings.subnets, "/8;/16;/64");
	KUNIT_EXPECT_EQ(test, strings(f), -EINVAL);
	put(f->strings.addresses, "nonsense");
	put(f->strings.subnets, "/8");
	KUNIT_EXPECT_EQ(test, strings(f), -EINVAL);
}

static void repeat(void *field, const char *entry, u32 count)
{
	u32 size = 2 * strlen(entry);

	while (count--) {
		put(field, entry);
		field += size;
	}
}

/* The tables of the structure are the limits of either form. */
static void test_full(struct kunit *test)
{
	struct fixture *f = test->priv;

	repeat(f->strings.addresses, "1.2.3.4;", 64);
	repeat(f->strings.subnets, "32;", 64);
	repeat(f->strings.gateways, "1.2.3.4;", 5);
	repeat(f->strings.dns, "::1;", 64);
	KUNIT_EXPECT_EQ(test, strings(f), 0);
	KUNIT_EXPECT_EQ(test, f->config.v4_count, 64);
	KUNIT_EXPECT_EQ(test, f->config.v4_prefix[63], 32);
	KUNIT_EXPECT_EQ(test, f->config.v4_gateway_count, 5);
	KUNIT_EXPECT_EQ(test, f->config.v6_dns_count, 64);
	KUNIT_EXPECT_EQ(test, f->config.v6_dns[63][15], 1);

	repeat(f->strings.dns, "::1;", 65);
	KUNIT_EXPECT_EQ(test, strings(f), 1);
	KUNIT_EXPECT_EQ(test, f->config.v6_dns_count, 64);
	repeat(f->strings.gateways, "1.2.3.4;", 7);
	KUNIT_EXPECT_EQ(test, strings(f), 3);
	KUNIT_EXPECT_EQ(test, f->config.v4_gateway_count, 5);
	/* also what is left out has to be an address */
	put((u8 *)f->strings.gateways + 2 * 8 * 6, "1.2.3.x");
	KUNIT_EXPECT_EQ(test, strings(f), -EINVAL);
	put(f->strings.gateways, "");
	put(f->strings.dns, "");
	KUNIT_EXPECT_EQ(test, strings(f), 0);
	repeat(f->strings.addresses, "1.2.3.4;", 65);
	repeat(f->strings.subnets, "32;", 65);
	KUNIT_EXPECT_EQ(test, strings(f), -EINVAL);
}

/* A field that is full to its end without a NUL ends there. */
static void test_no_nul(struct kunit *test)
{
	struct fixture *f = test->priv;
	u32 i;

	for (i = 0; i < ARRAY_SIZE(f->strings.gateways); i++)
		f->strings.gateways[i] = cpu_to_le16(';');
	/* what would be read next if it did not */
	put(f->strings.dns, "1.2.3.4");
	KUNIT_EXPECT_EQ(test, strings(f), 0);
	KUNIT_EXPECT_EQ(test, f->config.v4_gateway_count, 0);
	for (i = 0; i < ARRAY_SIZE(f->strings.dns); i++)
		f->strings.dns[i] = cpu_to_le16('1');
	KUNIT_EXPECT_EQ(test, strings(f), -EINVAL);
	put(f->strings.dns, "1.2.3.4");
	f->strings.dns[6] = cpu_to_le16(0x0134);
	KUNIT_EXPECT_EQ(test, strings(f), -EINVAL);
}

/* Each of its counts at the limit of its table, and one beyond. */
static void test_counts(struct kunit *test)
{
	static const u32 most[] = { 64, 64, 5, 5, 64, 64 };
	struct fixture *f = test->priv;
	__le32 *counts = &f->binary.v4_count;
	u32 i;

	for (i = 0; i < ARRAY_SIZE(most); i++) {
		counts[i] = cpu_to_le32(most[i]);
		KUNIT_EXPECT_EQ(test, binary(f), 0);
		counts[i] = cpu_to_le32(most[i] + 1);
		KUNIT_EXPECT_EQ(test, binary(f), -EINVAL);
		counts[i] = cpu_to_le32(0x80000000);
		KUNIT_EXPECT_EQ(test, binary(f), -EINVAL);
		counts[i] = 0;
	}
}

static void test_masks(struct kunit *test)
{
	struct fixture *f = test->priv;
	u32 length, mask;

	f->binary.v4_count = cpu_to_le32(1);
	for (length = 0; length <= 32; length++) {
		mask = length ? ~0U << (32 - length) : 0;
		*(__be32 *)f->binary.v4_mask[0] = cpu_to_be32(mask);
		KUNIT_EXPECT_EQ(test, binary(f), 0);
		KUNIT_EXPECT_EQ(test, (u32)f->config.v4_prefix[0], length);
		if (length > 30)
			continue;
		/* one more bit, with a hole in front */
		*(__be32 *)f->binary.v4_mask[0] =
			cpu_to_be32(mask | 1U << (30 - length));
		KUNIT_EXPECT_EQ(test, binary(f), -EINVAL);
	}
	f->binary.v4_count = 0;
	f->binary.v6_count = cpu_to_le32(1);
	f->binary.v6_prefix[0] = cpu_to_le32(128);
	KUNIT_EXPECT_EQ(test, binary(f), 0);
	KUNIT_EXPECT_EQ(test, f->config.v6_prefix[0], 128);
	f->binary.v6_prefix[0] = cpu_to_le32(129);
	KUNIT_EXPECT_EQ(test, binary(f), -EINVAL);
	f->binary.v6_prefix[0] = cpu_to_le32(0x10000);
	KUNIT_EXPECT_EQ(test, binary(f), -EINVAL);
}

static void test_common(struct kunit *test)
{
	static const char * const names[] = {
		"", "eth0", "00:15:5D:01:02", MAC ":04", "../../etc/passwd",
		"{7e57c1a5-0000-4000-8000-00155d000001", GUID "x",
	};
	struct fixture *f = test->priv;
	u32 i;

	for (i = 1; i < 4; i++) {
		f->strings.family = i;
		f->binary.family = i;
		KUNIT_EXPECT_EQ(test, strings(f), 0);
		KUNIT_EXPECT_EQ(test, f->config.family, i);
		KUNIT_EXPECT_EQ(test, binary(f), 0);
		KUNIT_EXPECT_EQ(test, f->config.family, i);
	}
	f->strings.family = 4;
	f->binary.family = 0xff;
	KUNIT_EXPECT_EQ(test, strings(f), -EINVAL);
	KUNIT_EXPECT_EQ(test, binary(f), -EINVAL);
	f->strings.family = HKVP_IP_BOTH;
	f->binary.family = HKVP_IP_BOTH;
	for (i = 0; i < ARRAY_SIZE(names); i++) {
		put(f->strings.adapter_id, names[i]);
		put(f->binary.adapter_id, names[i]);
		KUNIT_EXPECT_EQ_MSG(test, strings(f), -ENOENT, "%s", names[i]);
		KUNIT_EXPECT_EQ_MSG(test, binary(f), -ENOENT, "%s", names[i]);
	}
}

static struct kunit_case cases[] = {
	KUNIT_CASE(test_empty),
	KUNIT_CASE(test_no_family),
	KUNIT_CASE(test_both_forms),
	KUNIT_CASE_PARAM(test_text, text_gen_params),
	KUNIT_CASE(test_subnets),
	KUNIT_CASE(test_pairs),
	KUNIT_CASE(test_full),
	KUNIT_CASE(test_no_nul),
	KUNIT_CASE(test_counts),
	KUNIT_CASE(test_masks),
	KUNIT_CASE(test_common),
	{}
};

struct kunit_suite hkvp_ip_decode_suite = {
	.name = "hkvp_ip_decode",
	.init = set_up,
	.test_cases = cases,
};
