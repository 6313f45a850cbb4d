// SPDX-License-Identifier: GPL-2.0
/*
 * Strings and values: checks of what came in, and UTF-16LE to and from UTF-8.
 *
 * The kernel's own utf16s_to_utf8s() and utf8s_to_utf16s() changed how they
 * treat malformed input between the versions that we build for, and neither
 * keeps an unpaired surrogate.
 */
#include <asm/byteorder.h>
#include <linux/errno.h>
#include <linux/kernel.h>
#include <linux/string.h>
#include "codec.h"

#define SURROGATE_HIGH	0xd800u
#define SURROGATE_LOW	0xdc00u
#define SUPPLEMENTARY	0x10000u	/* first code point that takes a pair */
#define UNICODE_MAX	0x10ffffu

/* 1, and the top bit, in each of the four units of a word. */
#define UNITS_ONE	0x0001000100010001ULL
#define UNITS_TOP	(UNITS_ONE << 15)

/* Bytes that are looked at together. */
#define BLOCK	32u

static bool is_high(u32 c)
{
	return (c & ~0x3ffu) == SURROGATE_HIGH;
}

static bool is_low(u32 c)
{
	return (c & ~0x3ffu) == SURROGATE_LOW;
}

static u32 get_unit(const u8 *s)
{
	return s[0] | (u32)s[1] << 8;
}

static void put_unit(u8 *s, u32 unit)
{
	s[0] = unit;
	s[1] = unit >> 8;
}

/*
 * What subtracting 1 from each of the four units gives. The top bit of some unit
 * is set if one of them was NUL, or above 0x8000, which few are.
 */
static u64 units_less_one(const u8 *s)
{
	u64 word;

	memcpy(&word, s, sizeof(word));
	return word - UNITS_ONE;
}

/* From @i on over blocks that have no NUL for sure. */
static u32 skip_plain(const u8 *s, u32 i, u32 size)
{
	for (; size - i >= BLOCK; i += BLOCK)
		if ((units_less_one(s + i) | units_less_one(s + i + 8) |
		     units_less_one(s + i + 16) | units_less_one(s + i + 24)) &
		    UNITS_TOP)
			break;
	return i;
}

/* Bytes before the first NUL unit, @size if there is none. @size is even. */
static u32 bytes_before_nul(const u8 *s, u32 size)
{
	u32 i = 0, end;

	while ((i = skip_plain(s, i, size)) < size)
		for (end = min(i + BLOCK, size); i < end; i += 2)
			if (!get_unit(s + i))
				return i;
	return size;
}

/**
 * hkvp_codec_string() - normalize a UTF-16LE string of the wire in place
 * @string: the string, any alignment
 * @size: bytes that the sender says it has, with or without a NUL
 * @room: bytes that may be accessed at @string, even
 *
 * A string ends at its first NUL; one without gets it added.
 *
 * Return: bytes of the string, the NUL included; -EINVAL if @size is odd or
 * more than @room, or leaves no room for the NUL that is missing. Then nothing
 * has been written.
 */
int hkvp_codec_string(void *string, u32 size, u32 room)
{
	u8 *s = string;
	u32 bytes;

	if (size % 2 || size > room)
		return -EINVAL;
	bytes = bytes_before_nul(s, size);
	if (bytes == size) {
		if (room - size < 2)
			return -EINVAL;
		put_unit(s + bytes, 0);
	}
	return bytes + 2;
}

/**
 * hkvp_codec_key() - normalize a key of the wire in place
 * @key: HKVP_KEY_SIZE bytes, any alignment
 * @size: bytes that the sender says it has
 *
 * Return: bytes of the key, the NUL included; -EINVAL as hkvp_codec_string(),
 * and for an empty key.
 */
int hkvp_codec_key(void *key, u32 size)
{
	int ret = hkvp_codec_string(key, size, HKVP_KEY_SIZE);

	return ret == 2 ? -EINVAL : ret;
}

/**
 * hkvp_codec_value() - normalize a value of the wire in place
 * @value: HKVP_VALUE_SIZE bytes, any alignment
 * @size: bytes that the sender says it has
 * @type: enum hkvp_type; HKVP_TYPE_QWORD_OLD becomes HKVP_TYPE_QWORD
 *
 * Return: bytes of the value, of strings with the NUL; -EINVAL for an unknown
 * type, a size that is not the type's, or as hkvp_codec_string(). Then nothing
 * has been written.
 */
int hkvp_codec_value(void *value, u32 size, u32 *type)
{
	switch (*type) {
	case HKVP_TYPE_SZ:
	case HKVP_TYPE_EXPAND_SZ:
		return hkvp_codec_string(value, size, HKVP_VALUE_SIZE);
	case HKVP_TYPE_DWORD:
		if (size != sizeof(u32))
			return -EINVAL;
		return sizeof(u32);
	case HKVP_TYPE_QWORD_OLD:
	case HKVP_TYPE_QWORD:
		if (size != sizeof(u64))
			return -EINVAL;
		*type = HKVP_TYPE_QWORD;
		return sizeof(u64);
	default:
		return -EINVAL;
	}
}

static u32 utf8_length(u32 c)
{
	if (c < 0x80)
		return 1;
	if (c < 0x800)
		return 2;
	return c < SUPPLEMENTARY ? 3 : 4;
}

static void put_utf8(u8 *dst, u32 c, u32 length)
{
	static const u8 lead[] = { 0, 0, 0xc0, 0xe0, 0xf0 };
	u32 i;

	for (i = length - 1; i > 0; i--) {
		dst[i] = 0x80 | (c & 0x3f);
		c >>= 6;
	}
	dst[0] = lead[length] | c;
}

/**
 * hkvp_codec_to_utf8() - UTF-8 of a UTF-16LE string
 * @dst: where to; NULL to learn the length
 * @size: bytes at @dst
 * @src: the string, any alignment
 * @bytes: bytes of @src; an odd last one is left out
 *
 * Stops at the first NUL. Unpaired surrogates become three bytes each (WTF-8).
 * No NUL is written.
 *
 * Return: bytes of the UTF-8 form, at most @bytes / 2 * 3; -ENOSPC if it needs
 * more than @size. @dst then holds its beginning.
 */
int hkvp_codec_to_utf8(u8 *dst, u32 size, const void *src, u32 bytes)
{
	const u8 *s = src;
	u32 out = 0;
	u32 i;

	bytes -= bytes % 2;
	for (i = 0; i < bytes; i += 2) {
		u32 c = get_unit(s + i);
		u32 length;

		if (!c)
			break;
		if (is_high(c) && bytes - i > 2 && is_low(get_unit(s + i + 2))) {
			i += 2;
			c = SUPPLEMENTARY + ((c & 0x3ff) << 10) +
			    (get_unit(s + i) & 0x3ff);
		}
		length = utf8_length(c);
		if (dst) {
			if (length > size - out)
				return -ENOSPC;
			put_utf8(dst + out, c, length);
		}
		out += length;
	}
	return out;
}

/* One code point at @s, surrogates included; bytes it takes, or -EILSEQ. */
static int get_utf8(const u8 *s, u32 len, u32 *c)
{
	static const u32 smallest[] = { 0, 0, 0x80, 0x800, SUPPLEMENTARY };
	u32 length, i;

	if (s[0] < 0x80) {
		*c = s[0];
		return 1;
	}
	if (s[0] < 0xc0 || s[0] >= 0xf8)
		return -EILSEQ;
	length = s[0] < 0xe0 ? 2 : s[0] < 0xf0 ? 3 : 4;
	if (length > len)
		return -EILSEQ;
	*c = s[0] & (0x7f >> length);
	for (i = 1; i < length; i++) {
		if ((s[i] & 0xc0) != 0x80)
			return -EILSEQ;
		*c = *c << 6 | (s[i] & 0x3f);
	}
	if (*c < smallest[length] || *c > UNICODE_MAX)
		return -EILSEQ;
	return length;
}

/**
 * hkvp_codec_from_utf8() - UTF-16LE of a UTF-8 string
 * @dst: where to, any alignment
 * @room: bytes at @dst, at least 2 and even; (@len + 1) * 2 always suffice
 * @src: the string
 * @len: bytes of @src
 * @mode: what to accept
 *
 * The NUL is added.
 *
 * Return: bytes at @dst, the NUL included; -EILSEQ if @src is not what @mode
 * accepts, -EINVAL for a NUL in @src, -E2BIG if @room does not suffice. On an
 * error @dst holds the beginning of the string, without a NUL.
 */
int hkvp_codec_from_utf8(void *dst, u32 room, const u8 *src, u32 len,
			 enum hkvp_utf8 mode)
{
	u8 *d = dst;
	u32 before = 0;		/* code point before this one */
	u32 out = 0;
	u32 c;

	room -= 2;
	while (len) {
		int used = get_utf8(src, len, &c);
		u32 bytes = 2;

		if (used < 0)
			return used;
		if (!c)
			return -EINVAL;
		if (is_high(c) || is_low(c)) {
			if (mode == HKVP_UTF8_STRICT)
				return -EILSEQ;
			/* A pair has a form of its own, of four bytes. */
			if (is_low(c) && is_high(before))
				return -EILSEQ;
		}
		if (c >= SUPPLEMENTARY)
			bytes = 4;
		if (bytes > room - out)
			return -E2BIG;
		before = c;
		if (c >= SUPPLEMENTARY) {
			c -= SUPPLEMENTARY;
			put_unit(d + out, SURROGATE_HIGH | c >> 10);
			put_unit(d + out + 2, SURROGATE_LOW | (c & 0x3ff));
		} else {
			put_unit(d + out, c);
		}
		out += bytes;
		src += used;
		len -= used;
	}
	put_unit(d + out, 0);
	return out + 2;
}

/**
 * hkvp_codec_value_text() - a value as text
 * @dst: where to; HKVP_VALUE_TEXT_MAX bytes suffice for any value
 * @size: bytes at @dst
 * @type: enum hkvp_type
 * @value: the value as on the wire, any alignment
 * @bytes: bytes of @value
 *
 * Strings as UTF-8 (hkvp_codec_to_utf8()), integers in decimal. Neither a
 * newline nor a NUL is written.
 *
 * Return: bytes of the text; -ENOSPC if it needs more than @size, -EINVAL for
 * an unknown type or a size that is not the type's.
 */
int hkvp_codec_value_text(u8 *dst, u32 size, u32 type, const void *value,
			  u32 bytes)
{
	char digits[24];
	__le64 qword = 0;
	int length;

	switch (type) {
	case HKVP_TYPE_SZ:
	case HKVP_TYPE_EXPAND_SZ:
		return hkvp_codec_to_utf8(dst, size, value, bytes);
	case HKVP_TYPE_DWORD:
		if (bytes != sizeof(__le32))
			return -EINVAL;
		break;
	case HKVP_TYPE_QWORD_OLD:
	case HKVP_TYPE_QWORD:
		if (bytes != sizeof(__le64))
			return -EINVAL;
		break;
	default:
		return -EINVAL;
	}
	memcpy(&qword, value, bytes);	/* little-endian: the rest stays 0 */
	length = snprintf(digits, sizeof(digits), "%llu",
			  (unsigned long long)le64_to_cpu(qword));
	if ((u32)length > size)
		return -ENOSPC;
	memcpy(dst, digits, length);
	return length;
}
