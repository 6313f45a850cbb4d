// SPDX-License-Identifier: GPL-2.0
/* Decoding and escaping of the strings of items. */
#include <stdbool.h>
#include <string.h>

#include "kvpctl.h"
#include "text.h"

/* Bytes of a sequence by its first byte, 0 if none begins so. */
static size_t sequence_length(unsigned char first)
{
	if (first < 0x80)
		return 1;
	if (first >= 0xc2 && first < 0xe0)
		return 2;
	if (first >= 0xe0 && first < 0xf0)
		return 3;
	return first >= 0xf0 && first < 0xf5 ? 4 : 0;
}

size_t text_decode(const char *s, size_t len, uint32_t *code)
{
	/* the least code point of each length; less is written shorter */
	static const uint32_t least[] = { 0, 0, 0x80, 0x800, 0x10000 };
	const unsigned char *p = (const unsigned char *)s;
	size_t n = sequence_length(*p);
	uint32_t c;

	*code = TEXT_BAD;
	if (!n || n > len)
		return 1;
	c = n == 1 ? *p : *p & (0x7f >> n);
	for (size_t i = 1; i < n; i++) {
		if ((p[i] & 0xc0) != 0x80)
			return 1;
		c = c << 6 | (p[i] & 0x3f);
	}
	if (c < least[n] || c > 0x10ffff)
		return 1;
	*code = c;
	return n;
}

/* Unicode's Bidi_Control and Default_Ignorable_Code_Point, and lines' ends. */
static const struct {
	uint32_t first;
	uint32_t last;
} invisible[] = {
	{ 0x0000, 0x001f }, { 0x007f, 0x009f }, { 0x00ad, 0x00ad }, { 0x034f, 0x034f },
	{ 0x061c, 0x061c }, { 0x115f, 0x1160 }, { 0x17b4, 0x17b5 }, { 0x180b, 0x180f },
	{ 0x200b, 0x200f }, { 0x2028, 0x202e }, { 0x2060, 0x206f }, { 0x3164, 0x3164 },
	{ 0xd800, 0xdfff }, { 0xfe00, 0xfe0f }, { 0xfeff, 0xfeff }, { 0xffa0, 0xffa0 },
	{ 0xfff0, 0xfffb }, { 0x1bca0, 0x1bca3 }, { 0x1d173, 0x1d17a },
	{ 0xe0000, 0xe0fff }, { TEXT_BAD, TEXT_BAD },
};

bool text_is_hidden(uint32_t code)
{
	for (size_t i = 0; i < ARRAY_SIZE(invisible); i++)
		if (code >= invisible[i].first && code <= invisible[i].last)
			return true;
	return false;
}

bool text_is_valid(const char *s, size_t len)
{
	while (len) {
		uint32_t code;
		size_t n = text_decode(s, len, &code);

		if (code == TEXT_BAD || (code >= 0xd800 && code < 0xe000))
			return false;
		s += n;
		len -= n;
	}
	return true;
}

/* Goes on while there is room for @units; the units and bytes that it took. */
static size_t count_units(const char *s, size_t len, size_t most, size_t *bytes)
{
	size_t units = 0;

	for (*bytes = 0; *bytes < len;) {
		uint32_t code;
		size_t n = text_decode(s + *bytes, len - *bytes, &code);
		size_t more = n == 4 ? 2 : 1;

		if (units + more > most)
			break;
		units += more;
		*bytes += n;
	}
	return units;
}

size_t text_units(const char *s, size_t len)
{
	size_t bytes;

	return count_units(s, len, len, &bytes);
}

size_t text_fit(const char *s, size_t len, size_t units)
{
	size_t bytes;

	count_units(s, len, units, &bytes);
	return bytes;
}

static const char *short_escape(uint32_t code)
{
	switch (code) {
	case '\\':
		return "\\\\";
	case '\t':
		return "\\t";
	case '\n':
		return "\\n";
	case '\r':
		return "\\r";
	default:
		return NULL;
	}
}

static void put(FILE *out, const char *s, size_t len, bool escape_backslash)
{
	while (len) {
		uint32_t code;
		size_t n = text_decode(s, len, &code);
		const char *escape = short_escape(code);

		if (escape && (code != '\\' || escape_backslash))
			fputs(escape, out);
		else if (!text_is_hidden(code))
			fwrite(s, 1, n, out);
		else
			for (size_t i = 0; i < n; i++)
				fprintf(out, "\\x%02X", (unsigned char)s[i]);
		s += n;
		len -= n;
	}
}

void text_put_escaped(FILE *out, const char *s, size_t len)
{
	put(out, s, len, true);
}

void text_put_visible(FILE *out, const char *s, size_t len)
{
	put(out, s, len, false);
}

static int hex_digit(char c)
{
	if (c >= '0' && c <= '9')
		return c - '0';
	if (c >= 'a' && c <= 'f')
		return c - 'a' + 10;
	return c >= 'A' && c <= 'F' ? c - 'A' + 10 : -1;
}

/* One escape, behind its backslash; returns the characters it took, or 0. */
static size_t unescape_one(const char *s, size_t len, char *byte)
{
	static const char from[] = "\\tnr", to[] = "\\\t\n\r";
	const char *found;
	int high, low;

	if (!len)
		return 0;
	found = memchr(from, *s, strlen(from));
	if (found) {
		*byte = to[found - from];
		return 1;
	}
	if (*s != 'x' || len < 3)
		return 0;
	high = hex_digit(s[1]);
	low = hex_digit(s[2]);
	if (high < 0 || low < 0)
		return 0;
	*byte = high << 4 | low;
	return 3;
}

long text_unescape(char *s, size_t len)
{
	size_t out = 0;

	for (size_t at = 0; at < len; at++) {
		if (s[at] == '\\') {
			size_t n = unescape_one(s + at + 1, len - at - 1,
						&s[out]);

			if (!n)
				return -1;
			at += n;
		} else {
			s[out] = s[at];
		}
		out++;
	}
	return out;
}
