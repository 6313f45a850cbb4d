/* SPDX-License-Identifier: GPL-2.0 */
/*
 * Strings and values: checks of what came in, and UTF-16LE to and from UTF-8.
 *
 * Pure. Every function may be called in any context, takes no lock and
 * allocates nothing.
 */
#ifndef HKVP_CODEC_H
#define HKVP_CODEC_H

#include <linux/types.h>
#include "wire.h"

/*
 * Longest UTF-8 form, without a NUL, of a key (255 code units) and of a value
 * (1,023): three bytes per unit. A surrogate pair takes four bytes for two.
 */
#define HKVP_KEY_UTF8_MAX	((HKVP_KEY_SIZE / 2 - 1) * 3)
#define HKVP_VALUE_UTF8_MAX	((HKVP_VALUE_SIZE / 2 - 1) * 3)

/* Room for the text of any value: hkvp_codec_value_text(). */
#define HKVP_VALUE_TEXT_MAX	HKVP_VALUE_UTF8_MAX

/**
 * enum hkvp_utf8 - which byte sequences hkvp_codec_from_utf8() takes
 * @HKVP_UTF8_STRICT: UTF-8 (RFC 3629)
 * @HKVP_UTF8_WTF8: also unpaired surrogates as three bytes each (WTF-8), which
 *	the host may have stored; a pair of them written as six bytes is refused,
 *	so that every string has one form
 */
enum hkvp_utf8 {
	HKVP_UTF8_STRICT,
	HKVP_UTF8_WTF8,
};

int hkvp_codec_string(void *string, u32 size, u32 room);
int hkvp_codec_key(void *key, u32 size);
int hkvp_codec_value(void *value, u32 size, u32 *type);

int hkvp_codec_to_utf8(u8 *dst, u32 size, const void *src, u32 bytes);
int hkvp_codec_from_utf8(void *dst, u32 room, const u8 *src, u32 len,
			 enum hkvp_utf8 mode);
int hkvp_codec_value_text(u8 *dst, u32 size, u32 type, const void *value,
			  u32 bytes);

#endif /* HKVP_CODEC_H */
