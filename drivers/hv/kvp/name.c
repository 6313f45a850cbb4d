// SPDX-License-Identifier: GPL-2.0
/*
 * File names for keys: every key has exactly one, and no two have the same.
 *
 * Characters that cannot stand in a file name, or would be a nuisance there, are
 * written as '%' and two hexadecimal digits for each of their bytes: control
 * characters, '/', '%', a leading '.' or '-', what is not to be seen or turns
 * text around, and unpaired surrogates, which are not UTF-8. What is then longer
 * than a file name may be is cut and ends in "%~" and a hash of the whole key;
 * "%~" occurs nowhere else.
 *
 * Pure; any context.
 */
#include <linux/kernel.h>
#include <linux/siphash.h>
#include <linux/string.h>

#include "name.h"

#define HASH_DIGITS	32
#define HASHED_PREFIX	(HKVP_NAME_SIZE - 1 - 2 - HASH_DIGITS)

/* Fixed, so that a key has the same name everywhere and always. */
static const siphash_key_t hash_keys[2] = {
	{ { 0x6876206b76702031ULL, 0x66696c65206e616dULL } },
	{ { 0x6876206b76702032ULL, 0x65206f6620612e2eULL } },
};

/*
 * What is written in hexadecimal wherever it stands: control characters and
 * surrogates, and above them Unicode's Default_Ignorable_Code_Point, to which
 * the formats that turn text around belong, with the separators of lines and
 * paragraphs and the marks of annotations. Sorted.
 */
static const struct {
	u32 first;
	u32 last;
} hidden[] = {
	{ 0x0000, 0x001f }, { '%', '%' }, { '/', '/' }, { 0x007f, 0x009f },
	{ 0x00ad, 0x00ad }, { 0x034f, 0x034f }, { 0x061c, 0x061c },
	{ 0x115f, 0x1160 }, { 0x17b4, 0x17b5 }, { 0x180b, 0x180f },
	{ 0x200b, 0x200f }, { 0x2028, 0x202e }, { 0x2060, 0x206f },
	{ 0x3164, 0x3164 }, { 0xd800, 0xdfff }, { 0xfe00, 0xfe0f },
	{ 0xfeff, 0xfeff }, { 0xffa0, 0xffa0 }, { 0xfff0, 0xfffb },
	{ 0x1bca0, 0x1bca3 }, { 0x1d173, 0x1d17a }, { 0xe0000, 0xe0fff },
};

/* Programs take a name that begins with '-' for an option. */
static bool is_special(u32 c, bool first)
{
	u32 i;

	if (first && (c == '.' || c == '-'))
		return true;
	for (i = 0; i < ARRAY_SIZE(hidden) && c >= hidden[i].first; i++)
		if (c <= hidden[i].last)
			return true;
	return false;
}

static u32 sequence_length(u8 c)
{
	if (c < 0xc0)
		return 1;
	if (c < 0xe0)
		return 2;
	return c < 0xf0 ? 3 : 4;
}

/* The code point of @n bytes. */
static u32 decode(const u8 *p, u32 n)
{
	u32 c = n == 1 ? *p : *p & (0x7f >> n);

	while (--n)
		c = c << 6 | (*++p & 0x3f);
	return c;
}

/* Escapes until @room bytes are used, by whole characters; true if all fit. */
static bool escape(char *dst, u32 room, const u8 *p, const u8 *end)
{
	const u8 *start = p;
	char *limit = dst + room;
	bool fits = true;
	u32 n, size, i;

	while (p < end) {
		bool hex;

		n = min_t(u32, sequence_length(*p), end - p);
		hex = is_special(decode(p, n), p == start);
		size = hex ? 3 * n : n;
		fits = size <= limit - dst;
		if (!fits)
			break;
		for (i = 0; i < n; i++, p++)
			if (hex)
				dst += sprintf(dst, "%%%02X", *p);
			else
				*dst++ = *p;
	}
	*dst = '\0';
	return fits;
}

/**
 * hkvp_name_from_key() - file name of a key
 * @name: gets the name, with a NUL
 * @key: key as hkvp_codec_to_utf8() writes it, WTF-8 without a NUL
 * @len: bytes of @key
 *
 * An empty key, which no pool holds, gives an empty name.
 *
 * Two long keys of one hash would share a name. The hash has 128 bits; who
 * makes such a pair finds one of the two without a file.
 */
void hkvp_name_from_key(char name[HKVP_NAME_SIZE], const u8 *key, u32 len)
{
	const u8 *end = key + len;

	if (escape(name, HKVP_NAME_SIZE - 1, key, end))
		return;
	escape(name, HASHED_PREFIX, key, end);
	sprintf(name + strlen(name), "%%~%016llx%016llx",
		siphash(key, len, &hash_keys[0]),
		siphash(key, len, &hash_keys[1]));
}

/**
 * hkvp_pool_name() - what userland calls a pool
 * @pool: the pool
 *
 * Context: any.
 * Return: lower-case letters and '_', a constant.
 */
const char *hkvp_pool_name(enum hkvp_pool_id pool)
{
	static const char * const names[HKVP_POOL_COUNT] = {
		[HKVP_POOL_EXTERNAL] = "external",
		[HKVP_POOL_GUEST] = "guest",
		[HKVP_POOL_AUTO] = "auto",
		[HKVP_POOL_AUTO_EXTERNAL] = "auto_external",
		[HKVP_POOL_AUTO_INTERNAL] = "auto_internal",
	};

	return names[pool];
}
