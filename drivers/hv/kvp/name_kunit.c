// SPDX-License-Identifier: GPL-2.0
/*
 * Tests of name.c.
 */
#include <linux/limits.h>
#include <linux/string.h>
#include "codec.h"
#include "kunit.h"
#include "name.h"

static_assert(sizeof(char[HKVP_NAME_SIZE]) == NAME_MAX + 1);

struct name_case {
	const char *desc;
	const char *key;
	const char *name;
};

static const struct name_case name_cases[] = {
	{ "plain", "HostName", "HostName" },
	{ "spaces and signs", "a b+c=d;e~f", "a b+c=d;e~f" },
	{ "slash", "a/b", "a%2Fb" },
	{ "percent", "100%", "100%25" },
	{ "an escape as a key", "%2F", "%252F" },
	{ "the mark of a hash as a key", "a%~b", "a%25~b" },
	{ "dot", ".", "%2E" },
	{ "two dots", "..", "%2E." },
	{ "hidden", ".ssh", "%2Essh" },
	{ "dot inside", "a.b.", "a.b." },
	{ "path", "../../etc/passwd", "%2E.%2F..%2Fetc%2Fpasswd" },
	{ "control characters", "\x01\n\x1f\x7f", "%01%0A%1F%7F" },
	{ "two bytes", "\xc3\xbc", "\xc3\xbc" },
	{ "three bytes", "\xe2\x82\xac", "\xe2\x82\xac" },
	{ "last before the surrogates", "\xed\x9f\xbf", "\xed\x9f\xbf" },
	{ "four bytes", "\xf0\x9f\x98\x80", "\xf0\x9f\x98\x80" },
	{ "high surrogate", "\xed\xa0\x80", "%ED%A0%80" },
	{ "low surrogate", "x\xed\xbf\xbfy", "x%ED%BF%BFy" },
	{ "first after the surrogates", "\xee\x80\x80", "\xee\x80\x80" },
	{ "an option", "-rf", "%2Drf" },
	{ "a long option", "--", "%2D-" },
	{ "dash inside", "a-b-", "a-b-" },
	{ "dot and dash", ".-", "%2E-" },
	{ "C1 controls", "\xc2\x80\xc2\x9b\xc2\x9f", "%C2%80%C2%9B%C2%9F" },
	{ "first after C1", "\xc2\xa0", "\xc2\xa0" },
	{ "soft hyphen", "a\xc2\xad", "a%C2%AD" },
	{ "Arabic mark", "\xd8\x9c", "%D8%9C" },
	{ "zero width", "\xe2\x80\x8b\xe2\x80\x8f", "%E2%80%8B%E2%80%8F" },
	{ "before zero width", "\xe2\x80\x8a", "\xe2\x80\x8a" },
	{ "hyphens", "\xe2\x80\x90\xe2\x80\xa7", "\xe2\x80\x90\xe2\x80\xa7" },
	{ "separators", "\xe2\x80\xa8\xe2\x80\xa9", "%E2%80%A8%E2%80%A9" },
	{ "right to left", "a\xe2\x80\xaetxt.exe", "a%E2%80%AEtxt.exe" },
	{ "after overrides", "\xe2\x80\xaf", "\xe2\x80\xaf" },
	{ "isolates", "\xe2\x81\xa6\xe2\x81\xa9", "%E2%81%A6%E2%81%A9" },
	{ "variant of a sign", "\xe2\x9d\xa4\xef\xb8\x8f", "\xe2\x9d\xa4%EF%B8%8F" },
	{ "byte order mark", "\xef\xbb\xbf", "%EF%BB%BF" },
	{ "annotation", "\xef\xbf\xbb\xef\xbf\xbc", "%EF%BF%BB\xef\xbf\xbc" },
	{ "tag", "\xf3\xa0\x80\x81", "%F3%A0%80%81" },
	{ "last hidden", "\xf3\xa0\xbf\xbf", "%F3%A0%BF%BF" },
	{ "first behind", "\xf3\xa1\x80\x80", "\xf3\xa1\x80\x80" },
};

static void name_desc(const struct name_case *c, char *desc)
{
	strscpy(desc, c->desc, KUNIT_PARAM_DESC_SIZE);
}

KUNIT_ARRAY_PARAM(name, name_cases, name_desc);

static void test_name(struct kunit *test)
{
	const struct name_case *c = test->param_value;
	char name[HKVP_NAME_SIZE];

	hkvp_name_from_key(name, (const u8 *)c->key, strlen(c->key));
	KUNIT_EXPECT_STREQ(test, name, c->name);
}

/* @key repeated to @len bytes. */
static void repeat(u8 *dst, u32 len, const char *key)
{
	u32 i, n = strlen(key);

	for (i = 0; i < len; i++)
		dst[i] = key[i % n];
}

static void test_longest_whole(struct kunit *test)
{
	u8 key[NAME_MAX];
	char name[HKVP_NAME_SIZE];

	repeat(key, sizeof(key), "k");
	hkvp_name_from_key(name, key, sizeof(key));
	KUNIT_EXPECT_EQ(test, strlen(name), sizeof(key));
	KUNIT_EXPECT_FALSE(test, memcmp(name, key, sizeof(key)));

	/* 85 slashes are 255 bytes, one more is cut */
	repeat(key, 86, "/");
	hkvp_name_from_key(name, key, 85);
	KUNIT_EXPECT_EQ(test, strlen(name), (size_t)NAME_MAX);
	KUNIT_EXPECT_FALSE(test, strstr(name, "%~"));
	hkvp_name_from_key(name, key, 86);
	KUNIT_EXPECT_TRUE(test, strstr(name, "%~"));
}

/* What is cut, where, and by what: by units of one to nine bytes. */
static void test_cut(struct kunit *test)
{
	static const struct {
		const char *unit;
		u32 len;		/* of the key */
		size_t prefix;		/* of the name */
	} cuts[] = {
		{ "k", 256, 221 },
		{ "k", HKVP_KEY_UTF8_MAX, 221 },
		{ "\xc3\xbc", 510, 220 },
		{ "\xe2\x82\xac", HKVP_KEY_UTF8_MAX, 219 },
		{ "\xf0\x9f\x98\x80", 508, 220 },
		{ "/", 255, 219 },
		{ "\xed\xa0\x80", HKVP_KEY_UTF8_MAX, 216 },
	};
	u8 *key = kunit_kzalloc(test, HKVP_KEY_UTF8_MAX, GFP_KERNEL);
	char name[HKVP_NAME_SIZE];
	size_t i;

	KUNIT_ASSERT_NOT_ERR_OR_NULL(test, key);
	for (i = 0; i < ARRAY_SIZE(cuts); i++) {
		repeat(key, cuts[i].len, cuts[i].unit);
		hkvp_name_from_key(name, key, cuts[i].len);
		KUNIT_EXPECT_EQ(test, strlen(name), cuts[i].prefix + 2 + 32);
		KUNIT_EXPECT_FALSE(test, memcmp(name + cuts[i].prefix, "%~", 2));
		KUNIT_EXPECT_EQ(test, strspn(name + cuts[i].prefix + 2,
					     "0123456789abcdef"), (size_t)32);
	}
}

/* Long keys that differ in one place have different names, and always the same. */
static void test_hash(struct kunit *test)
{
	static const char always[] = "%~6fff5f0c96937c392a90ec003f7149a2";
	char name[HKVP_NAME_SIZE], other[HKVP_NAME_SIZE];
	u8 key[300];
	u32 i;

	repeat(key, sizeof(key), "k");
	hkvp_name_from_key(name, key, sizeof(key));
	KUNIT_EXPECT_STREQ(test, name + 221, always);
	for (i = 0; i < sizeof(key); i++) {
		key[i] = 'l';
		hkvp_name_from_key(other, key, sizeof(key));
		KUNIT_EXPECT_TRUE(test, strcmp(name, other));
		key[i] = 'k';
	}
	hkvp_name_from_key(other, key, sizeof(key) - 1);
	KUNIT_EXPECT_TRUE(test, strcmp(name, other));
}

static void test_empty(struct kunit *test)
{
	char name[HKVP_NAME_SIZE] = "x";

	hkvp_name_from_key(name, (const u8 *)"", 0);
	KUNIT_EXPECT_STREQ(test, name, "");
}

/* Variables of uevents have room for names of this length. */
static void test_pools(struct kunit *test)
{
	static const char letters[] = "abcdefghijklmnopqrstuvwxyz_";
	enum hkvp_pool_id a, b;

	for (a = 0; a < HKVP_POOL_COUNT; a++) {
		const char *name = hkvp_pool_name(a);

		KUNIT_EXPECT_EQ(test, strspn(name, letters), strlen(name));
		KUNIT_EXPECT_LT(test, strlen(name), 16);
		for (b = 0; b < a; b++)
			KUNIT_EXPECT_STRNEQ(test, name, hkvp_pool_name(b));
	}
}

static struct kunit_case cases[] = {
	KUNIT_CASE(test_pools),
	KUNIT_CASE_PARAM(test_name, name_gen_params),
	KUNIT_CASE(test_longest_whole),
	KUNIT_CASE(test_cut),
	KUNIT_CASE(test_hash),
	KUNIT_CASE(test_empty),
	{}
};

struct kunit_suite hkvp_name_suite = {
	.name = "hkvp_name",
	.test_cases = cases,
};
