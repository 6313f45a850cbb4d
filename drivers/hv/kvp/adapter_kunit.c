// SPDX-License-Identifier: GPL-2.0
/*
 * Tests of adapter.c.
 */
#include <linux/etherdevice.h>
#include <linux/string.h>
#include "adapter.h"
#include "kunit.h"

#define MAC	{ 0x00, 0x15, 0x5d, 0x0a, 0xb2, 0x03 }
#define G	"7e57c1a5-0a0b-4c0d-8e0f-00155d0000fe"
#define G_UPPER	"7E57C1A5-0A0B-4C0D-8E0F-00155D0000FE"

static const u8 mac[ETH_ALEN] = MAC;
static const guid_t guid = GUID_INIT(0x7e57c1a5, 0x0a0b, 0x4c0d, 0x8e, 0x0f,
				     0x00, 0x15, 0x5d, 0x00, 0x00, 0xfe);

struct adapter_case {
	const char *text;
	enum { NEITHER, IS_MAC, IS_GUID } kind;
};

static const struct adapter_case cases[] = {
	{ "00:15:5D:0A:B2:03", IS_MAC },
	{ "00:15:5d:0a:b2:03", IS_MAC },
	{ "00-15-5D-0A-B2-03", IS_MAC },
	{ "00-15-5d-0a-B2-03", IS_MAC },
	{ "00155D0AB203", IS_MAC },
	{ "00155d0ab203", IS_MAC },
	{ G, IS_GUID },
	{ G_UPPER, IS_GUID },
	{ "{" G "}", IS_GUID },
	{ "{" G_UPPER "}", IS_GUID },
	{ "" },
	{ "0" },
	{ "eth0" },
	{ "00:15:5D:0A:B2" },
	{ "00:15:5D:0A:B2:0" },
	{ "00:15:5D:0A:B2:03:" },
	{ "00:15:5D:0A:B2:03:04" },
	{ "00:15:5D:0A:B2:03 " },
	{ " 00:15:5D:0A:B2:03" },
	{ "00:15:5D-0A:B2:03" },
	{ "00.15.5D.0A.B2.03" },
	{ "00 15 5D 0A B2 03" },
	{ "0015.5D0A.B203" },
	{ "00155D0AB20" },
	{ "00155D0AB2034" },
	{ "00155D0AB2G3" },
	{ "0:0155D0AB203" },
	{ "000000000000" },
	{ "00:00:00:00:00:00" },
	{ "{" G },
	{ G "}" },
	{ "(" G ")" },
	{ "{{" G "}" },
	{ "{" G "}}" },
	{ "7e57c1a50a0b4c0d8e0f00155d0000fe" },
	{ "7e57c1a5-0a0b-4c0d-8e0f-00155d0000f" },
	{ "7e57c1a5-0a0b-4c0d-8e0f-00155d0000fe0" },
	{ "7e57c1a5-0a0b-4c0d-8e0f-00155d0000fg" },
	{ "7e57c1a5:0a0b:4c0d:8e0f:00155d0000fe" },
};

static void adapter_desc(const struct adapter_case *c, char *desc)
{
	strscpy(desc, *c->text ? c->text : "nothing", KUNIT_PARAM_DESC_SIZE);
}

KUNIT_ARRAY_PARAM(adapter, cases, adapter_desc);

static void put(__le16 id[HKVP_ADAPTER_ID_UNITS], const char *text)
{
	u32 i;

	/* what is behind the NUL means nothing */
	memset(id, 'A', HKVP_ADAPTER_ID_UNITS * sizeof(*id));
	for (i = 0; i <= strlen(text); i++)
		id[i] = cpu_to_le16(text[i]);
}

static void test_parse(struct kunit *test)
{
	const struct adapter_case *c = test->param_value;
	__le16 id[HKVP_ADAPTER_ID_UNITS];
	struct hkvp_adapter adapter;
	int ret;

	put(id, c->text);
	ret = hkvp_adapter_parse(id, &adapter);
	KUNIT_EXPECT_EQ(test, ret, c->kind == NEITHER ? -ENOENT : 0);
	if (ret)
		return;
	KUNIT_EXPECT_EQ(test, adapter.is_guid, c->kind == IS_GUID);
	if (c->kind == IS_GUID)
		KUNIT_EXPECT_TRUE(test, guid_equal(&adapter.guid, &guid));
	else
		KUNIT_EXPECT_TRUE(test, ether_addr_equal(adapter.mac, mac));
}

/* A unit whose low byte is the right digit is another character. */
static void test_wide(struct kunit *test)
{
	__le16 id[HKVP_ADAPTER_ID_UNITS];
	struct hkvp_adapter adapter;

	put(id, "00155D0AB203");
	KUNIT_EXPECT_EQ(test, hkvp_adapter_parse(id, &adapter), 0);
	id[3] |= cpu_to_le16(0x0100);
	KUNIT_EXPECT_EQ(test, hkvp_adapter_parse(id, &adapter), -ENOENT);
	put(id, "00155D0AB203");
	id[0] = cpu_to_le16(0xff10);	/* a full-width digit */
	KUNIT_EXPECT_EQ(test, hkvp_adapter_parse(id, &adapter), -ENOENT);
}

/* A field without any NUL is read to its end at most. */
static void test_no_nul(struct kunit *test)
{
	__le16 *id = kunit_kmalloc(test, HKVP_ADAPTER_ID_UNITS * sizeof(*id),
				   GFP_KERNEL);
	struct hkvp_adapter adapter;

	KUNIT_ASSERT_NOT_NULL(test, id);
	memset(id, '0', HKVP_ADAPTER_ID_UNITS * sizeof(*id));
	KUNIT_EXPECT_EQ(test, hkvp_adapter_parse(id, &adapter), -ENOENT);
	put(id, "00155D0AB203");
	id[12] = cpu_to_le16('0');
	KUNIT_EXPECT_EQ(test, hkvp_adapter_parse(id, &adapter), -ENOENT);
}

static struct kunit_case adapter_tests[] = {
	KUNIT_CASE_PARAM(test_parse, adapter_gen_params),
	KUNIT_CASE(test_wide),
	KUNIT_CASE(test_no_nul),
	{}
};

struct kunit_suite hkvp_adapter_suite = {
	.name = "hkvp_adapter",
	.test_cases = adapter_tests,
};
