// SPDX-License-Identifier: GPL-2.0
/* Tests of view.c. */
#include <linux/string.h>
#include <uapi/linux/hv_kvp.h>

#include "kunit.h"
#include "view.h"

static u32 flags(enum hkvp_pool_id pool, enum hkvp_owner owner, u32 connection,
		 u8 traits)
{
	const struct hkvp_origin origin = { connection, owner, traits };

	return hkvp_view_flags(pool, origin, 3);
}

static void test_flags(struct kunit *test)
{
	const u8 traits = HKVP_TRAIT_HELD | HKVP_TRAIT_MIRROR;
	enum hkvp_pool_id pool;

	KUNIT_EXPECT_EQ(test, flags(HKVP_POOL_GUEST, HKVP_OWNER_AGENT, 0, 0), 0);
	KUNIT_EXPECT_EQ(test, flags(HKVP_POOL_GUEST, HKVP_OWNER_AGENT, 0, traits),
			HV_KVP_ITEM_MIRROR | HV_KVP_ITEM_EPHEMERAL);
	KUNIT_EXPECT_EQ(test, flags(HKVP_POOL_AUTO, HKVP_OWNER_AGENT, 0,
				    HKVP_TRAIT_HELD),
			HV_KVP_ITEM_OVERRIDE | HV_KVP_ITEM_EPHEMERAL);
	/* the host does not send again what is in GUEST */
	KUNIT_EXPECT_EQ(test, flags(HKVP_POOL_GUEST, HKVP_OWNER_HOST, 2, 0),
			HV_KVP_ITEM_HOST);
	for (pool = 0; pool < HKVP_POOL_COUNT; pool++) {
		if (!(BIT(pool) & HKVP_HOST_FILLED))
			continue;
		KUNIT_EXPECT_EQ(test, flags(pool, HKVP_OWNER_HOST, 3, 0),
				HV_KVP_ITEM_HOST);
		KUNIT_EXPECT_EQ(test, flags(pool, HKVP_OWNER_HOST, 2, 0),
				HV_KVP_ITEM_HOST | HV_KVP_ITEM_STALE);
		/* brought in from elsewhere */
		KUNIT_EXPECT_EQ(test, flags(pool, HKVP_OWNER_HOST, 0, 0),
				HV_KVP_ITEM_HOST | HV_KVP_ITEM_STALE);
	}
}

static void test_value(struct kunit *test)
{
	const __le32 dword = cpu_to_le32(0x01020304);
	const __le64 qword = cpu_to_le64(0x0102030405060708ULL);
	u8 out[8];
	u32 d;
	u64 q;

	KUNIT_EXPECT_EQ(test, hkvp_view_value(out, 8, HKVP_TYPE_DWORD, &dword, 4), 4);
	memcpy(&d, out, sizeof(d));
	KUNIT_EXPECT_EQ(test, d, 0x01020304);
	KUNIT_EXPECT_EQ(test, hkvp_view_value(out, 8, HKVP_TYPE_QWORD, &qword, 8), 8);
	memcpy(&q, out, sizeof(q));
	KUNIT_EXPECT_EQ(test, q, 0x0102030405060708ULL);
	KUNIT_EXPECT_EQ(test, hkvp_view_value(out, 7, HKVP_TYPE_QWORD, &qword, 8),
			-ENOSPC);
	KUNIT_EXPECT_EQ(test, hkvp_view_value(out, 8, HKVP_TYPE_SZ, "a\0\xe4\0\0", 6),
			3);
	KUNIT_EXPECT_EQ(test, memcmp(out, "a\xc3\xa4", 3), 0);
	KUNIT_EXPECT_EQ(test, hkvp_view_value(out, 2, HKVP_TYPE_SZ, "a\0\xe4\0\0", 6),
			-ENOSPC);
}

static struct kunit_case cases[] = {
	KUNIT_CASE(test_flags),
	KUNIT_CASE(test_value),
	{ }
};

struct kunit_suite hkvp_view_suite = {
	.name = "hkvp_view",
	.test_cases = cases,
};
