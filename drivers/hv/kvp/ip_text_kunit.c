// SPDX-License-Identifier: GPL-2.0
/*
 * Tests of ip_text.c: what hv_kvp_daemon gets.
 */
#include <linux/errno.h>
#include <linux/kernel.h>
#include <linux/string.h>
#include "ip_text.h"
#include "kunit.h"

struct fixture {
	struct hv_kvp_ip_config config;
	struct hv_kvp_ipaddr_value out;
};

static int set_up(struct kunit *test)
{
	test->priv = kunit_kzalloc(test, sizeof(struct fixture), GFP_KERNEL);
	return test->priv ? 0 : -ENOMEM;
}

static void test_text(struct kunit *test)
{
	struct fixture *f = test->priv;
	struct hv_kvp_ip_config *c = &f->config;

	c->adapter = HV_KVP_ADAPTER_MAC;
	memcpy(c->mac, "\0\x15\x5d\1\2\3", 6);
	c->family = HV_KVP_IP_V4 | HV_KVP_IP_V6;
	c->dhcp = 1;
	c->v4_count = 2;
	memcpy(c->v4, "\xc0\0\2\7\x0a\1\2\3", 8);
	c->v4_prefix[0] = 20;
	c->v4_prefix[1] = 0;
	c->v6_count = 2;
	c->v6[0][0] = 0xfe;
	c->v6[0][1] = 0x80;
	c->v6[0][15] = 1;
	c->v6_prefix[0] = 64;
	c->v6_prefix[1] = 128;
	c->v6_gateway_count = 1;
	c->v4_dns_count = 1;
	memset(c->v4_dns, 0xff, 4);
	memset(&f->out, 0x5a, sizeof(f->out));
	KUNIT_EXPECT_EQ(test, hkvp_ip_text(&f->out, c), 0);
	KUNIT_EXPECT_STREQ(test, (char *)f->out.adapter_id,
			   "00:15:5D:01:02:03");
	KUNIT_EXPECT_EQ(test, f->out.addr_family, 3);
	KUNIT_EXPECT_EQ(test, f->out.dhcp_enabled, 1);
	KUNIT_EXPECT_STREQ(test, (char *)f->out.ip_addr,
			   "192.0.2.7;10.1.2.3;fe80::1;::");
	KUNIT_EXPECT_STREQ(test, (char *)f->out.sub_net,
			   "255.255.240.0;0.0.0.0;64;128");
	KUNIT_EXPECT_STREQ(test, (char *)f->out.gate_way, "::");
	KUNIT_EXPECT_STREQ(test, (char *)f->out.dns_addr, "255.255.255.255");
}

/* As sysfs has it, for the daemon knows it in no other writing. */
static void test_guid(struct kunit *test)
{
	static const u8 guid[] = {
		0xf8, 0x61, 0x51, 0x63, 0xdf, 0x3e, 0x46, 0xc5,
		0x91, 0x3f, 0xf2, 0xd2, 0xf9, 0x65, 0xed, 0x0e,
	};
	struct fixture *f = test->priv;

	f->config.adapter = HV_KVP_ADAPTER_GUID;
	memcpy(f->config.guid, guid, sizeof(guid));
	KUNIT_EXPECT_EQ(test, hkvp_ip_text(&f->out, &f->config), 0);
	KUNIT_EXPECT_STREQ(test, (char *)f->out.adapter_id,
			   "{f8615163-df3e-46c5-913f-f2d2f965ed0e}");
}

/* Of the longest ones 51 fit into 2,048 bytes, with their separators. */
static void test_too_long(struct kunit *test)
{
	struct fixture *f = test->priv;
	struct hv_kvp_ip_config *c = &f->config;

	memset(c->v6_dns, 0xff, sizeof(c->v6_dns));
	c->v6_dns_count = 51;
	KUNIT_EXPECT_EQ(test, hkvp_ip_text(&f->out, c), 0);
	KUNIT_EXPECT_EQ(test, strlen((char *)f->out.dns_addr), 51 * 40 - 1);
	c->v6_dns_count = 52;
	KUNIT_EXPECT_EQ(test, hkvp_ip_text(&f->out, c), -EMSGSIZE);
	c->v6_dns_count = 0;
	memset(c->v6, 0xff, sizeof(c->v6));
	c->v6_count = HV_KVP_IP_ADDRESSES;
	KUNIT_EXPECT_EQ(test, hkvp_ip_text(&f->out, c), -EMSGSIZE);
}

static struct kunit_case cases[] = {
	KUNIT_CASE(test_text),
	KUNIT_CASE(test_guid),
	KUNIT_CASE(test_too_long),
	{}
};

struct kunit_suite hkvp_ip_text_suite = {
	.name = "hkvp_ip_text",
	.init = set_up,
	.test_cases = cases,
};
