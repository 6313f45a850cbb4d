// SPDX-License-Identifier: GPL-2.0
/*
 * Tests of negotiate.c.
 */
#include <linux/errno.h>
#include <linux/string.h>
#include "kunit.h"
#include "negotiate.h"

#define MAX_OFFER	5
#define V(major, minor)	HKVP_VERSION(major, minor)

struct offer_case {
	const char *name;
	u32 fw[MAX_OFFER + 1];		/* end with 0 */
	u32 msg[MAX_OFFER + 1];
	u32 fw_chosen;
	u32 msg_chosen;
	u32 fw_newest;
	u32 msg_newest;
};

static const struct offer_case offer_cases[] = {
	{ "Windows Server 2008", { V(1, 0) }, { V(1, 0) },
	  V(1, 0), V(1, 0), V(1, 0), V(1, 0) },
	{ "Windows 7", { V(1, 0), V(3, 0) }, { V(1, 0), V(3, 0) },
	  V(3, 0), V(3, 0), V(3, 0), V(3, 0) },
	{ "Windows 8", { V(1, 0), V(3, 0) }, { V(3, 0), V(4, 0) },
	  V(3, 0), V(4, 0), V(3, 0), V(4, 0) },
	{ "Windows 10", { V(1, 0), V(3, 0) }, { V(3, 0), V(4, 0), V(5, 0) },
	  V(3, 0), V(5, 0), V(3, 0), V(5, 0) },
	{ "any order", { V(3, 0), V(1, 0) }, { V(5, 0), V(3, 0), V(4, 0) },
	  V(3, 0), V(5, 0), V(3, 0), V(5, 0) },
	{ "twice the same", { V(3, 0), V(3, 0) }, { V(4, 0), V(4, 0) },
	  V(3, 0), V(4, 0), V(3, 0), V(4, 0) },
	{ "a newer message version", { V(3, 0) }, { V(5, 0), V(6, 0) },
	  V(3, 0), V(5, 0), V(3, 0), V(6, 0) },
	{ "a newer minor version", { V(3, 0) }, { V(5, 0), V(5, 1) },
	  V(3, 0), V(5, 0), V(3, 0), V(5, 1) },
	{ "a newer framework", { V(4, 0), V(3, 0) }, { V(5, 0) },
	  V(3, 0), V(5, 0), V(4, 0), V(5, 0) },
	{ "unknown ones between", { V(2, 0), V(1, 0) }, { V(2, 0), V(3, 0), V(3, 5) },
	  V(1, 0), V(3, 0), V(2, 0), V(3, 5) },
	{ "highest numbers", { V(0xffff, 0xffff), V(1, 0) },
	  { V(0xffff, 0xffff), V(1, 0) },
	  V(1, 0), V(1, 0), V(0xffff, 0xffff), V(0xffff, 0xffff) },
	{ "old framework, new messages", { V(1, 0) }, { V(5, 0) },
	  V(1, 0), V(5, 0), V(1, 0), V(5, 0) },
	{ "no common framework", { V(2, 0) }, { V(5, 0) },
	  0, 0, V(2, 0), V(5, 0) },
	{ "no common message version", { V(3, 0) }, { V(2, 0), V(6, 0) },
	  0, 0, V(3, 0), V(6, 0) },
	{ "3.1 is not 3.0", { V(3, 1) }, { V(3, 1) },
	  0, 0, V(3, 1), V(3, 1) },
	{ "no framework offered", { 0 }, { V(5, 0) }, 0, 0, 0, V(5, 0) },
	{ "no message version offered", { V(3, 0) }, { 0 }, 0, 0, V(3, 0), 0 },
	{ "nothing offered", { 0 }, { 0 }, 0, 0, 0, 0 },
};

static void offer_desc(const struct offer_case *c, char *desc)
{
	strscpy(desc, c->name, KUNIT_PARAM_DESC_SIZE);
}

KUNIT_ARRAY_PARAM(offer, offer_cases, offer_desc);

static u32 put_versions(struct hkvp_ic_version *dst, const u32 *versions)
{
	u32 n;

	for (n = 0; versions[n]; n++) {
		dst[n].major = cpu_to_le16(versions[n] >> 16);
		dst[n].minor = cpu_to_le16(versions[n]);
	}
	return n;
}

static u32 get_version(const struct hkvp_ic_version *v)
{
	return V(le16_to_cpu(v->major), le16_to_cpu(v->minor));
}

static void test_offer(struct kunit *test)
{
	const u32 head = sizeof(struct hkvp_negotiate);
	const struct offer_case *c = test->param_value;
	struct hkvp_versions v;
	u8 buf[100], before[100];
	u32 n, m, size, full, align;

	for (align = 0; align < 2; align++) {
		struct hkvp_negotiate *msg = (void *)buf + align;

		memset(buf, 0xa5, sizeof(buf));
		memset(&v, 0xff, sizeof(v));
		n = put_versions(msg->versions, c->fw);
		m = put_versions(msg->versions + n, c->msg);
		msg->fw_count = cpu_to_le16(n);
		msg->msg_count = cpu_to_le16(m);
		full = head + 4 * (n + m);
		memcpy(before, buf, sizeof(buf));

		size = full;
		KUNIT_EXPECT_EQ(test, hkvp_negotiate(msg, &size, &v), 0);
		KUNIT_EXPECT_EQ(test, size, min_t(u32, full, 16));
		KUNIT_EXPECT_EQ(test, v.fw, c->fw_chosen);
		KUNIT_EXPECT_EQ(test, v.msg, c->msg_chosen);
		KUNIT_EXPECT_EQ(test, v.fw_offered, c->fw_newest);
		KUNIT_EXPECT_EQ(test, v.msg_offered, c->msg_newest);
		n = c->fw_chosen ? 1 : 0;
		KUNIT_EXPECT_EQ(test, le16_to_cpu(msg->fw_count), n);
		KUNIT_EXPECT_EQ(test, le16_to_cpu(msg->msg_count), n);
		if (n) {
			KUNIT_EXPECT_EQ(test, get_version(&msg->versions[0]),
					c->fw_chosen);
			KUNIT_EXPECT_EQ(test, get_version(&msg->versions[1]),
					c->msg_chosen);
		}
		/* Behind the answer, everything is as it was. */
		KUNIT_EXPECT_EQ(test, memcmp(buf + align + 16, before + align + 16,
					     sizeof(buf) - align - 16), 0);
	}
}

struct malformed_case {
	const char *name;
	u16 fw_count;
	u16 msg_count;
	u32 size;
	bool zeroed;		/* there is room for the counts */
};

static const struct malformed_case malformed_cases[] = {
	{ "no body", 1, 1, 0, false },
	{ "cut in the counts", 1, 1, 3, false },
	{ "cut in the reserved field", 1, 1, 7, false },
	{ "no versions", 1, 1, 8, true },
	{ "cut before the last version", 1, 1, 15, true },
	{ "cut in the last of many", 2, 3, 27, true },
	{ "one too many frameworks", 2, 1, 16, true },
	{ "one too many message versions", 1, 2, 16, true },
	{ "most frameworks", 0xffff, 1, 16, true },
	{ "most message versions", 1, 0xffff, 16, true },
	{ "most of both", 0xffff, 0xffff, 16, true },
};

static void malformed_desc(const struct malformed_case *c, char *desc)
{
	strscpy(desc, c->name, KUNIT_PARAM_DESC_SIZE);
}

KUNIT_ARRAY_PARAM(malformed, malformed_cases, malformed_desc);

static void test_malformed(struct kunit *test)
{
	const struct malformed_case *c = test->param_value;
	struct hkvp_versions v = { 1, 2, 3, 4 };
	struct hkvp_negotiate full = {
		.fw_count = cpu_to_le16(c->fw_count),
		.msg_count = cpu_to_le16(c->msg_count),
	};
	struct hkvp_negotiate *msg;
	u32 size = c->size;

	/* An allocation of its own, so that KASAN sees an access behind it. */
	msg = kunit_kzalloc(test, c->size ? c->size : 1, GFP_KERNEL);
	KUNIT_ASSERT_NOT_NULL(test, msg);
	memcpy(msg, &full, min_t(u32, c->size, sizeof(full)));

	KUNIT_EXPECT_EQ(test, hkvp_negotiate(msg, &size, &v), -EINVAL);
	KUNIT_EXPECT_EQ(test, size, c->size);
	KUNIT_EXPECT_EQ(test, v.fw, 1);
	KUNIT_EXPECT_EQ(test, v.msg, 2);
	KUNIT_EXPECT_EQ(test, v.fw_offered, 3);
	KUNIT_EXPECT_EQ(test, v.msg_offered, 4);
	if (c->zeroed) {
		memset(&full, 0, sizeof(full));
		KUNIT_EXPECT_EQ(test, memcmp(msg, &full, 4), 0);
	} else {
		KUNIT_EXPECT_EQ(test, memcmp(msg, &full, c->size), 0);
	}
}

/* As many versions as a body can hold: the right one is found at the end. */
static void test_longest(struct kunit *test)
{
	const u32 size = 0xffff;
	const u32 count = (size - sizeof(struct hkvp_negotiate)) / 4;
	struct hkvp_negotiate *msg = kunit_kzalloc(test, size, GFP_KERNEL);
	struct hkvp_versions v;
	u32 answer = size;

	KUNIT_ASSERT_NOT_NULL(test, msg);
	msg->fw_count = cpu_to_le16(1);
	msg->msg_count = cpu_to_le16(count - 1);
	msg->versions[0].major = cpu_to_le16(3);
	msg->versions[count - 1].major = cpu_to_le16(4);
	KUNIT_EXPECT_EQ(test, hkvp_negotiate(msg, &answer, &v), 0);
	KUNIT_EXPECT_EQ(test, v.fw, V(3, 0));
	KUNIT_EXPECT_EQ(test, v.msg, V(4, 0));
	KUNIT_EXPECT_EQ(test, answer, 16);
}

static struct kunit_case cases[] = {
	KUNIT_CASE_PARAM(test_offer, offer_gen_params),
	KUNIT_CASE_PARAM(test_malformed, malformed_gen_params),
	KUNIT_CASE(test_longest),
	{}
};

struct kunit_suite hkvp_negotiate_suite = {
	.name = "hkvp_negotiate",
	.test_cases = cases,
};
