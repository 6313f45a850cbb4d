// SPDX-License-Identifier: GPL-2.0
/*
 * File names for keys: every key has exactly one, and no two have the same.
 *
 * Bytes that cannot stand in a file name, or would be a nuisance there, are
 * written as '%' and two hexadecimal digits: control characters, '/', '%', a
 * leading '.', and unpaired surrogates, which are not UTF-8. What is then
 * longer than a file name may be is cut and ends in "%~" and a hash of the
 * whole key; "%~" occurs nowhere else.
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

/* A surrogate in WTF-8 is ED A0 80 to ED BF BF. */
static bool is_surrogate(const u8 *p, const u8 *end)
{
	return end - p >= 3 && p[0] == 0xed && p[1] >= 0xa0;
}

static bool is_special(u8 c, bool first)
{
	return c < 0x20 || c == 0x7f || c == '/' || c == '%' ||
	       (c == '.' && first);
}

static u32 sequence_length(u8 c)
{
	if (c < 0xc0)
		return 1;
	if (c < 0xe0)
		return 2;
	return c < 0xf0 ? 3 : 4;
}

/* Escapes until @room bytes are used, by whole characters; true if all fit. */
static bool escape(char *dst, u32 room, const u8 *p, const u8 *end)
{
	const u8 *start = p;
	char *limit = dst + room;
	bool fits = true;
	u32 n, size, i;

	while (p < end) {
		bool hex = is_special(*p, p == start) || is_surrogate(p, end);

		n = min_t(u32, sequence_length(*p), end - p);
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
