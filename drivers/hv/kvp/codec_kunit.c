// SPDX-License-Identifier: GPL-2.0
/*
 * Tests of codec.c.
 */
#include <linux/errno.h>
#include <linux/string.h>
#include "codec.h"
#include "kunit.h"

#define GUARD	0xa5

static void put_units(u8 *dst, const u16 *units, u32 count)
{
	u32 i;

	for (i = 0; i < count; i++) {
		dst[2 * i] = units[i];
		dst[2 * i + 1] = units[i] >> 8;
	}
}

/* Nothing at or behind @from has been written. */
static void expect_guard(struct kunit *test, const u8 *buf, u32 from, u32 size)
{
	u32 i;

	for (i = from; i < size; i++)
		if (buf[i] != GUARD)
			break;
	KUNIT_EXPECT_EQ(test, i, size);
}

/*
 * hkvp_codec_string(): @fill units of 'x' with a NUL at unit @nul (-1: none),
 * handed over with @size bytes and @room.
 */
struct string_case {
	const char *name;
	int nul;
	u32 size;
	u32 room;
	int ret;
};

static const struct string_case string_cases[] = {
	{ "with NUL", 3, 8, 512, 8 },
	{ "NUL added", -1, 6, 512, 8 },
	{ "ends at first NUL", 1, 20, 512, 4 },
	{ "empty with NUL", 0, 2, 512, 2 },
	{ "empty without", -1, 0, 512, 2 },
	{ "empty, more behind the NUL", 0, 512, 512, 2 },
	{ "odd", 3, 7, 512, -EINVAL },
	{ "odd 1", -1, 1, 512, -EINVAL },
	{ "odd beyond room", -1, 513, 512, -EINVAL },
	{ "beyond room", 3, 514, 512, -EINVAL },
	{ "huge", 3, 0xfffffffe, 512, -EINVAL },
	{ "huge odd", 3, 0xffffffff, 512, -EINVAL },
	{ "255 units and NUL", 255, 512, 512, 512 },
	{ "255 units without NUL", -1, 510, 512, 512 },
	{ "256 units, no room for a NUL", -1, 512, 512, -EINVAL },
	{ "1023 units and NUL", 1023, 2048, 2048, 2048 },
	{ "1023 units without NUL", -1, 2046, 2048, 2048 },
	{ "1024 units, no room for a NUL", -1, 2048, 2048, -EINVAL },
	{ "NUL in the first word", 2, 2048, 2048, 6 },
	{ "NUL first in a word", 4, 40, 2048, 10 },
	{ "NUL last in a word", 7, 40, 2048, 16 },
	{ "NUL in the tail", 9, 20, 2048, 20 },
	{ "no room at all", -1, 0, 0, -EINVAL },
	{ "room for the NUL alone", -1, 0, 2, 2 },
};

static void string_desc(const struct string_case *c, char *desc)
{
	strscpy(desc, c->name, KUNIT_PARAM_DESC_SIZE);
}

KUNIT_ARRAY_PARAM(string, string_cases, string_desc);

static void test_string(struct kunit *test)
{
	const struct string_case *c = test->param_value;
	u8 *buf = kunit_kzalloc(test, 2 * HKVP_VALUE_SIZE + 1, GFP_KERNEL);
	u8 *copy = kunit_kzalloc(test, HKVP_VALUE_SIZE, GFP_KERNEL);
	u8 *s;
	u32 i, align;

	KUNIT_ASSERT_NOT_NULL(test, buf);
	KUNIT_ASSERT_NOT_NULL(test, copy);
	for (align = 0; align < 2; align++) {
		s = buf + align;
		memset(buf, GUARD, 2 * HKVP_VALUE_SIZE + 1);
		for (i = 0; i < min_t(u32, c->size, c->room) / 2; i++)
			put_units(s + 2 * i, (const u16 []){ 'x' }, 1);
		if (c->nul >= 0)
			memset(s + 2 * c->nul, 0, 2);
		memcpy(copy, s, HKVP_VALUE_SIZE);

		KUNIT_EXPECT_EQ(test, hkvp_codec_string(s, c->size, c->room),
				c->ret);
		if (c->ret > 0) {
			KUNIT_EXPECT_EQ(test, s[c->ret - 1] | s[c->ret - 2], 0);
			s[c->ret - 1] = copy[c->ret - 1];
			s[c->ret - 2] = copy[c->ret - 2];
		}
		/* Nothing but that NUL was written. */
		KUNIT_EXPECT_EQ(test, memcmp(s, copy, HKVP_VALUE_SIZE), 0);
		expect_guard(test, s, HKVP_VALUE_SIZE, 2 * HKVP_VALUE_SIZE);
	}
}

/* Every position of the NUL, and units with a zero byte that are none. */
static void test_string_positions(struct kunit *test)
{
	static const u16 fillers[] = { 'x', 0x0100, 0x8000, 0x00ff, 0x0001, 0xffff };
	u8 *s = kunit_kzalloc(test, HKVP_KEY_SIZE, GFP_KERNEL);
	u32 f, nul, i;

	KUNIT_ASSERT_NOT_NULL(test, s);
	for (f = 0; f < ARRAY_SIZE(fillers); f++) {
		for (nul = 0; nul < 40; nul++) {
			for (i = 0; i < HKVP_KEY_SIZE / 2; i++)
				put_units(s + 2 * i, &fillers[f], 1);
			memset(s + 2 * nul, 0, 2);
			KUNIT_EXPECT_EQ(test, hkvp_codec_string(s, 80, 80),
					2 * nul + 2);
		}
	}
}

static void test_key(struct kunit *test)
{
	u8 key[HKVP_KEY_SIZE + 2];
	u32 i;

	memset(key, GUARD, sizeof(key));
	put_units(key, (const u16 []){ 'k', 'e', 'y', 0 }, 4);
	KUNIT_EXPECT_EQ(test, hkvp_codec_key(key, 8), 8);
	KUNIT_EXPECT_EQ(test, hkvp_codec_key(key, 4), 6);
	KUNIT_EXPECT_EQ(test, hkvp_codec_key(key, 3), -EINVAL);
	KUNIT_EXPECT_EQ(test, hkvp_codec_key(key, 0), -EINVAL);
	put_units(key, (const u16 []){ 0 }, 1);
	KUNIT_EXPECT_EQ(test, hkvp_codec_key(key, 2), -EINVAL);
	KUNIT_EXPECT_EQ(test, hkvp_codec_key(key, 8), -EINVAL);
	for (i = 0; i < HKVP_KEY_SIZE; i++)
		key[i] = 'k';
	KUNIT_EXPECT_EQ(test, hkvp_codec_key(key, HKVP_KEY_SIZE), -EINVAL);
	KUNIT_EXPECT_EQ(test, hkvp_codec_key(key, HKVP_KEY_SIZE + 2), -EINVAL);
	expect_guard(test, key, HKVP_KEY_SIZE, sizeof(key));
	KUNIT_EXPECT_EQ(test, hkvp_codec_key(key, HKVP_KEY_SIZE - 2),
			HKVP_KEY_SIZE);
}

struct value_case {
	const char *name;
	u32 type;
	u32 size;
	int ret;
	u32 type_after;
};

static const struct value_case value_cases[] = {
	{ "SZ", HKVP_TYPE_SZ, 4, 6, HKVP_TYPE_SZ },
	{ "SZ empty", HKVP_TYPE_SZ, 0, 2, HKVP_TYPE_SZ },
	{ "SZ odd", HKVP_TYPE_SZ, 5, -EINVAL, HKVP_TYPE_SZ },
	{ "SZ longest", HKVP_TYPE_SZ, 2046, 2048, HKVP_TYPE_SZ },
	{ "SZ without room for NUL", HKVP_TYPE_SZ, 2048, -EINVAL, HKVP_TYPE_SZ },
	{ "SZ oversized", HKVP_TYPE_SZ, 2050, -EINVAL, HKVP_TYPE_SZ },
	{ "EXPAND_SZ", HKVP_TYPE_EXPAND_SZ, 4, 6, HKVP_TYPE_EXPAND_SZ },
	{ "EXPAND_SZ odd", HKVP_TYPE_EXPAND_SZ, 1, -EINVAL, HKVP_TYPE_EXPAND_SZ },
	{ "DWORD", HKVP_TYPE_DWORD, 4, 4, HKVP_TYPE_DWORD },
	{ "DWORD 0", HKVP_TYPE_DWORD, 0, -EINVAL, HKVP_TYPE_DWORD },
	{ "DWORD 3", HKVP_TYPE_DWORD, 3, -EINVAL, HKVP_TYPE_DWORD },
	{ "DWORD 5", HKVP_TYPE_DWORD, 5, -EINVAL, HKVP_TYPE_DWORD },
	{ "DWORD 8", HKVP_TYPE_DWORD, 8, -EINVAL, HKVP_TYPE_DWORD },
	{ "QWORD", HKVP_TYPE_QWORD, 8, 8, HKVP_TYPE_QWORD },
	{ "QWORD 4", HKVP_TYPE_QWORD, 4, -EINVAL, HKVP_TYPE_QWORD },
	{ "QWORD 9", HKVP_TYPE_QWORD, 9, -EINVAL, HKVP_TYPE_QWORD },
	{ "QWORD by Linux's number", HKVP_TYPE_QWORD_OLD, 8, 8, HKVP_TYPE_QWORD },
	{ "the same, 7", HKVP_TYPE_QWORD_OLD, 7, -EINVAL, HKVP_TYPE_QWORD_OLD },
	{ "type 0", 0, 4, -EINVAL, 0 },
	{ "type 3", 3, 4, -EINVAL, 3 },
	{ "type 5", 5, 4, -EINVAL, 5 },
	{ "type 7", 7, 4, -EINVAL, 7 },
	{ "type 9", 9, 8, -EINVAL, 9 },
	{ "type 12", 12, 8, -EINVAL, 12 },
	{ "type 257", 257, 4, -EINVAL, 257 },
	{ "type huge", 0xffffffff, 4, -EINVAL, 0xffffffff },
};

static void value_desc(const struct value_case *c, char *desc)
{
	strscpy(desc, c->name, KUNIT_PARAM_DESC_SIZE);
}

KUNIT_ARRAY_PARAM(value, value_cases, value_desc);

static void test_value(struct kunit *test)
{
	const struct value_case *c = test->param_value;
	u8 *value = kunit_kzalloc(test, HKVP_VALUE_SIZE + 2, GFP_KERNEL);
	u32 type = c->type;

	KUNIT_ASSERT_NOT_NULL(test, value);
	memset(value, GUARD, HKVP_VALUE_SIZE + 2);
	KUNIT_EXPECT_EQ(test, hkvp_codec_value(value, c->size, &type), c->ret);
	KUNIT_EXPECT_EQ(test, type, c->type_after);
	/* Only strings get a NUL, behind what they had. */
	if (c->ret > (int)c->size) {
		KUNIT_EXPECT_EQ(test, value[c->size], 0);
		KUNIT_EXPECT_EQ(test, value[c->size + 1], 0);
		memset(value + c->size, GUARD, 2);
	}
	expect_guard(test, value, 0, HKVP_VALUE_SIZE + 2);
}

/* Strings that have one form on either side. */
struct utf_case {
	const char *name;
	const char *utf8;
	u16 units[8];
	u32 count;
	bool wtf8;		/* not valid UTF-8 */
};

static const struct utf_case utf_cases[] = {
	{ "empty", "", { 0 }, 0 },
	{ "ASCII", "aZ~", { 'a', 'Z', '~' }, 3 },
	{ "control characters", "\x01\x7f", { 0x01, 0x7f }, 2 },
	{ "first of two bytes", "\xc2\x80", { 0x80 }, 1 },
	{ "last of two bytes", "\xdf\xbf", { 0x7ff }, 1 },
	{ "first of three bytes", "\xe0\xa0\x80", { 0x800 }, 1 },
	{ "last before the surrogates", "\xed\x9f\xbf", { 0xd7ff }, 1 },
	{ "first after the surrogates", "\xee\x80\x80", { 0xe000 }, 1 },
	{ "byte order mark", "\xef\xbb\xbf", { 0xfeff }, 1 },
	{ "last of three bytes", "\xef\xbf\xbf", { 0xffff }, 1 },
	{ "first of four bytes", "\xf0\x90\x80\x80", { 0xd800, 0xdc00 }, 2 },
	{ "emoji", "a\xf0\x9f\x98\x80z", { 'a', 0xd83d, 0xde00, 'z' }, 4 },
	{ "last of four bytes", "\xf4\x8f\xbf\xbf", { 0xdbff, 0xdfff }, 2 },
	{ "two pairs", "\xf0\x90\x80\x80\xf0\x90\x80\x81",
	  { 0xd800, 0xdc00, 0xd800, 0xdc01 }, 4 },
	{ "high alone", "\xed\xa0\x80", { 0xd800 }, 1, true },
	{ "last high alone", "\xed\xaf\xbf", { 0xdbff }, 1, true },
	{ "low alone", "\xed\xb0\x80", { 0xdc00 }, 1, true },
	{ "last low alone", "\xed\xbf\xbf", { 0xdfff }, 1, true },
	{ "high, letter", "\xed\xa0\x80x", { 0xd800, 'x' }, 2, true },
	{ "low, high", "\xed\xb0\x80\xed\xa0\x80", { 0xdc00, 0xd800 }, 2, true },
	{ "high, high", "\xed\xa0\x80\xed\xa0\x80", { 0xd800, 0xd800 }, 2, true },
	{ "high, pair", "\xed\xa0\x80\xf0\x90\x80\x80",
	  { 0xd800, 0xd800, 0xdc00 }, 3, true },
	{ "pair, low", "\xf0\x90\x80\x80\xed\xb0\x80",
	  { 0xd800, 0xdc00, 0xdc00 }, 3, true },
	{ "high, letter, low", "\xed\xa0\x80x\xed\xb0\x80",
	  { 0xd800, 'x', 0xdc00 }, 3, true },
};

static void utf_desc(const struct utf_case *c, char *desc)
{
	strscpy(desc, c->name, KUNIT_PARAM_DESC_SIZE);
}

KUNIT_ARRAY_PARAM(utf, utf_cases, utf_desc);

static void test_utf(struct kunit *test)
{
	const struct utf_case *c = test->param_value;
	u32 length = strlen(c->utf8);
	u8 wire[20], text[32], back[20];
	int ret;

	memset(wire, 0, sizeof(wire));
	put_units(wire, c->units, c->count);

	/* Out, without and with a NUL at the end. */
	KUNIT_EXPECT_EQ(test, hkvp_codec_to_utf8(NULL, 0, wire, 2 * c->count),
			length);
	memset(text, GUARD, sizeof(text));
	KUNIT_EXPECT_EQ(test, hkvp_codec_to_utf8(text, length, wire,
						 2 * c->count + 2), length);
	KUNIT_EXPECT_EQ(test, memcmp(text, c->utf8, length), 0);
	expect_guard(test, text, length, sizeof(text));
	/* An odd byte at the end means nothing. */
	KUNIT_EXPECT_EQ(test, hkvp_codec_to_utf8(text, length, wire,
						 2 * c->count + 1), length);
	if (length) {
		memset(text, GUARD, sizeof(text));
		KUNIT_EXPECT_EQ(test, hkvp_codec_to_utf8(text, length - 1, wire,
							 2 * c->count), -ENOSPC);
		expect_guard(test, text, length - 1, sizeof(text));
	}

	/* And back. */
	memset(back, GUARD, sizeof(back));
	ret = hkvp_codec_from_utf8(back, 2 * c->count + 2, c->utf8, length,
				   HKVP_UTF8_WTF8);
	KUNIT_EXPECT_EQ(test, ret, 2 * c->count + 2);
	KUNIT_EXPECT_EQ(test, memcmp(back, wire, 2 * c->count + 2), 0);
	expect_guard(test, back, 2 * c->count + 2, sizeof(back));
	KUNIT_EXPECT_EQ(test, hkvp_codec_from_utf8(back, sizeof(back), c->utf8,
						   length, HKVP_UTF8_STRICT),
			c->wtf8 ? -EILSEQ : ret);
	if (c->count) {
		memset(back, GUARD, sizeof(back));
		KUNIT_EXPECT_EQ(test, hkvp_codec_from_utf8(back, 2 * c->count,
							   c->utf8, length,
							   HKVP_UTF8_WTF8),
				-E2BIG);
		expect_guard(test, back, 2 * c->count - 2, sizeof(back));
	}
}

/* Refused in either mode. */
struct bad_case {
	const char *name;
	const char *utf8;
	u32 length;
	int ret;
};

#define BAD(name, bytes, ret)	{ name, bytes, sizeof(bytes) - 1, ret }

static const struct bad_case bad_cases[] = {
	BAD("NUL", "\0", -EINVAL),
	BAD("NUL inside", "a\0b", -EINVAL),
	BAD("continuation first", "\x80", -EILSEQ),
	BAD("last continuation first", "\xbf", -EILSEQ),
	BAD("overlong NUL", "\xc0\x80", -EILSEQ),
	BAD("overlong two bytes", "\xc1\xbf", -EILSEQ),
	BAD("overlong three bytes", "\xe0\x9f\xbf", -EILSEQ),
	BAD("overlong four bytes", "\xf0\x8f\xbf\xbf", -EILSEQ),
	BAD("beyond Unicode", "\xf4\x90\x80\x80", -EILSEQ),
	BAD("far beyond Unicode", "\xf7\xbf\xbf\xbf", -EILSEQ),
	BAD("five bytes", "\xf8\x88\x80\x80\x80", -EILSEQ),
	BAD("FE", "\xfe", -EILSEQ),
	BAD("FF", "\xff", -EILSEQ),
	BAD("two bytes cut", "a\xc2", -EILSEQ),
	BAD("three bytes cut at 1", "\xe2", -EILSEQ),
	BAD("three bytes cut at 2", "\xe2\x82", -EILSEQ),
	BAD("four bytes cut at 3", "\xf0\x90\x80", -EILSEQ),
	BAD("two bytes, no continuation", "\xc2x", -EILSEQ),
	BAD("three bytes, bad second", "\xe2x\x80", -EILSEQ),
	BAD("three bytes, bad third", "\xe2\x82x", -EILSEQ),
	BAD("four bytes, bad last", "\xf0\x90\x80\xc0", -EILSEQ),
	BAD("pair in six bytes", "\xed\xa0\x80\xed\xb0\x80", -EILSEQ),
	BAD("last pair in six bytes", "\xed\xaf\xbf\xed\xbf\xbf", -EILSEQ),
};

static void bad_desc(const struct bad_case *c, char *desc)
{
	strscpy(desc, c->name, KUNIT_PARAM_DESC_SIZE);
}

KUNIT_ARRAY_PARAM(bad, bad_cases, bad_desc);

static void test_bad_utf8(struct kunit *test)
{
	const struct bad_case *c = test->param_value;
	u8 *src = kunit_kzalloc(test, c->length, GFP_KERNEL);
	u8 out[32];

	/* An allocation of its own, so that KASAN sees a read behind it. */
	KUNIT_ASSERT_NOT_NULL(test, src);
	memcpy(src, c->utf8, c->length);
	KUNIT_EXPECT_EQ(test, hkvp_codec_from_utf8(out, sizeof(out), src,
						   c->length, HKVP_UTF8_WTF8),
			c->ret);
	KUNIT_EXPECT_EQ(test, hkvp_codec_from_utf8(out, sizeof(out), src,
						   c->length, HKVP_UTF8_STRICT),
			c->ret);
}

static void test_to_utf8_stops(struct kunit *test)
{
	u8 wire[8], text[8];

	put_units(wire, (const u16 []){ 'a', 0, 'b', 'c' }, 4);
	KUNIT_EXPECT_EQ(test, hkvp_codec_to_utf8(text, 8, wire, 8), 1);
	KUNIT_EXPECT_EQ(test, text[0], 'a');
	KUNIT_EXPECT_EQ(test, hkvp_codec_to_utf8(text, 8, wire, 0), 0);
}

/* Each code unit but 0, alone: there and back, and the same length measured. */
static void test_all_units(struct kunit *test)
{
	u8 wire[4], text[3];
	u32 unit, bad = 0;

	for (unit = 1; unit <= 0xffff; unit++) {
		u8 in[2] = { unit, unit >> 8 };
		int n = hkvp_codec_to_utf8(text, sizeof(text), in, 2);

		if (n < 1 || n != hkvp_codec_to_utf8(NULL, 0, in, 2) ||
		    hkvp_codec_from_utf8(wire, 4, text, n, HKVP_UTF8_WTF8) != 4 ||
		    memcmp(wire, in, 2))
			bad++;
	}
	KUNIT_EXPECT_EQ(test, bad, 0);
}

/* Each code point that takes a pair. */
static void test_all_pairs(struct kunit *test)
{
	u8 wire[6], text[4];
	u32 c, bad = 0;

	for (c = 0; c < 0x100000; c += 0x11) {
		u16 units[2] = { 0xd800 | c >> 10, 0xdc00 | (c & 0x3ff) };
		u8 in[4];

		put_units(in, units, 2);
		if (hkvp_codec_to_utf8(text, sizeof(text), in, 4) != 4 ||
		    hkvp_codec_from_utf8(wire, 6, text, 4, HKVP_UTF8_STRICT) != 6 ||
		    memcmp(wire, in, 4))
			bad++;
	}
	KUNIT_EXPECT_EQ(test, bad, 0);
}

/* The full lengths, at the longest form that each has. */
static void test_limits(struct kunit *test)
{
	u8 *wire = kunit_kzalloc(test, HKVP_VALUE_SIZE, GFP_KERNEL);
	u8 *back = kunit_kzalloc(test, HKVP_VALUE_SIZE, GFP_KERNEL);
	u8 *text = kunit_kzalloc(test, HKVP_VALUE_UTF8_MAX + 3, GFP_KERNEL);
	u32 sizes[] = { HKVP_KEY_SIZE, HKVP_VALUE_SIZE };
	u32 maxes[] = { HKVP_KEY_UTF8_MAX, HKVP_VALUE_UTF8_MAX };
	u32 i, j;

	KUNIT_ASSERT_NOT_NULL(test, wire);
	KUNIT_ASSERT_NOT_NULL(test, back);
	KUNIT_ASSERT_NOT_NULL(test, text);
	KUNIT_EXPECT_EQ(test, HKVP_KEY_UTF8_MAX, 765);
	KUNIT_EXPECT_EQ(test, HKVP_VALUE_UTF8_MAX, 3069);
	for (i = 0; i < ARRAY_SIZE(sizes); i++) {
		memset(wire, 0, HKVP_VALUE_SIZE);
		for (j = 0; j < sizes[i] / 2 - 1; j++)
			put_units(wire + 2 * j, (const u16 []){ 0x4e2d }, 1);
		KUNIT_EXPECT_EQ(test, hkvp_codec_to_utf8(text, maxes[i], wire,
							 sizes[i]), maxes[i]);
		KUNIT_EXPECT_EQ(test, hkvp_codec_from_utf8(back, sizes[i], text,
							   maxes[i],
							   HKVP_UTF8_STRICT),
				sizes[i]);
		KUNIT_EXPECT_EQ(test, memcmp(back, wire, sizes[i]), 0);
		/* One more does not fit. */
		memcpy(text + maxes[i], "\xe4\xb8\xad", 3);
		KUNIT_EXPECT_EQ(test, hkvp_codec_from_utf8(back, sizes[i], text,
							   maxes[i] + 3,
							   HKVP_UTF8_STRICT),
				-E2BIG);
	}
}

struct text_case {
	const char *name;
	u32 type;
	u8 value[8];
	u32 bytes;
	const char *text;	/* NULL: -EINVAL */
};

static const struct text_case text_cases[] = {
	{ "SZ", HKVP_TYPE_SZ, { 'h', 0, 'i', 0, 0, 0 }, 6, "hi" },
	{ "EXPAND_SZ", HKVP_TYPE_EXPAND_SZ, { 0xe9, 0, 0, 0 }, 4, "\xc3\xa9" },
	{ "SZ empty", HKVP_TYPE_SZ, { 0, 0 }, 2, "" },
	{ "DWORD 0", HKVP_TYPE_DWORD, { 0 }, 4, "0" },
	{ "DWORD 1", HKVP_TYPE_DWORD, { 1 }, 4, "1" },
	{ "DWORD bytes", HKVP_TYPE_DWORD, { 0x78, 0x56, 0x34, 0x12 }, 4,
	  "305419896" },
	{ "DWORD max", HKVP_TYPE_DWORD, { 0xff, 0xff, 0xff, 0xff }, 4,
	  "4294967295" },
	{ "DWORD of 8", HKVP_TYPE_DWORD, { 0 }, 8, NULL },
	{ "QWORD 0", HKVP_TYPE_QWORD, { 0 }, 8, "0" },
	{ "QWORD bytes", HKVP_TYPE_QWORD, { 0, 0, 0, 0, 1 }, 8, "4294967296" },
	{ "QWORD max", HKVP_TYPE_QWORD,
	  { 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff }, 8,
	  "18446744073709551615" },
	{ "QWORD by Linux's number", HKVP_TYPE_QWORD_OLD, { 7 }, 8, "7" },
	{ "QWORD of 4", HKVP_TYPE_QWORD, { 0 }, 4, NULL },
	{ "type 0", 0, { 0 }, 4, NULL },
	{ "type 3", 3, { 0 }, 4, NULL },
};

static void text_desc(const struct text_case *c, char *desc)
{
	strscpy(desc, c->name, KUNIT_PARAM_DESC_SIZE);
}

KUNIT_ARRAY_PARAM(text, text_cases, text_desc);

static void test_value_text(struct kunit *test)
{
	const struct text_case *c = test->param_value;
	u32 length = c->text ? strlen(c->text) : 0;
	u8 text[32];

	memset(text, GUARD, sizeof(text));
	KUNIT_EXPECT_EQ(test, hkvp_codec_value_text(text, sizeof(text), c->type,
						    c->value, c->bytes),
			c->text ? (int)length : -EINVAL);
	if (c->text)
		KUNIT_EXPECT_EQ(test, memcmp(text, c->text, length), 0);
	expect_guard(test, text, length, sizeof(text));
	if (length)
		KUNIT_EXPECT_EQ(test, hkvp_codec_value_text(text, length - 1,
							    c->type, c->value,
							    c->bytes), -ENOSPC);
}

static struct kunit_case cases[] = {
	KUNIT_CASE_PARAM(test_string, string_gen_params),
	KUNIT_CASE(test_string_positions),
	KUNIT_CASE(test_key),
	KUNIT_CASE_PARAM(test_value, value_gen_params),
	KUNIT_CASE_PARAM(test_utf, utf_gen_params),
	KUNIT_CASE_PARAM(test_bad_utf8, bad_gen_params),
	KUNIT_CASE(test_to_utf8_stops),
	KUNIT_CASE(test_all_units),
	KUNIT_CASE(test_all_pairs),
	KUNIT_CASE(test_limits),
	KUNIT_CASE_PARAM(test_value_text, text_gen_params),
	{}
};

struct kunit_suite hkvp_codec_suite = {
	.name = "hkvp_codec",
	.test_cases = cases,
};
