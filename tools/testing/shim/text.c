// SPDX-License-Identifier: GPL-2.0
/*
 * The kernel facilities for text that the pure files of the driver use, in user
 * space: addresses in snprintf(), GUIDs.
 */
#include <ctype.h>
#include <errno.h>
#include <stdarg.h>
#include <stdio.h>

#include <linux/bug.h>
#include <linux/sprintf.h>
#include <linux/string.h>
#include <linux/uuid.h>

/* Longest text of an address. */
#define TEXT_SIZE	sizeof("ffff:ffff:ffff:ffff:ffff:ffff:255.255.255.255")

/* What has been printed so far; counts on when the room is used up. */
struct out {
	char *buf;
	size_t size;
	size_t used;
};

static void put(struct out *out, const char *text)
{
	for (; *text; text++, out->used++)
		if (out->used + 1 < out->size)
			out->buf[out->used] = *text;
}

static void print_v4(char *text, const u8 *addr)
{
	sprintf(text, "%u.%u.%u.%u", addr[0], addr[1], addr[2], addr[3]);
}

/* Mapped IPv4 addresses, and ISATAP ones (RFC 5214), end in dotted form. */
static bool is_dotted(const u8 *addr)
{
	static const u8 mapped[12] = { [10] = 0xff, [11] = 0xff };

	if (!memcmp(addr, mapped, sizeof(mapped)))
		return true;
	return (addr[8] | 2) == 2 && !addr[9] && addr[10] == 0x5e &&
	       addr[11] == 0xfe;
}

/* RFC 5952: the first of the longest runs of two or more zero groups is "::". */
static void print_v6(char *text, const u8 *addr)
{
	u32 groups = is_dotted(addr) ? 6 : 8, best = 0, longest = 1, run = 0, i;
	bool colon = false;

	for (i = 0; i < groups; i++) {
		run = addr[2 * i] || addr[2 * i + 1] ? 0 : run + 1;
		if (run > longest) {
			longest = run;
			best = i + 1 - run;
		}
	}
	for (i = 0; i < groups; i++) {
		if (longest > 1 && i == best) {
			text += sprintf(text, "::");
			i += longest - 1;
			colon = false;
			continue;
		}
		text += sprintf(text, "%s%x", colon ? ":" : "",
				addr[2 * i] << 8 | addr[2 * i + 1]);
		colon = true;
	}
	if (groups == 8)
		return;
	text += sprintf(text, "%s", colon ? ":" : "");
	print_v4(text, addr + 12);
}

/* One conversion; how many characters of @fmt it takes. */
static size_t convert(struct out *out, const char *fmt, va_list *args)
{
	char text[TEXT_SIZE];

	if (!strncmp(fmt, "%pI6c", 5)) {
		print_v6(text, va_arg(*args, const u8 *));
		put(out, text);
		return 5;
	}
	if (!strncmp(fmt, "%pI4", 4)) {
		print_v4(text, va_arg(*args, const u8 *));
		put(out, text);
		return 4;
	}
	if (fmt[1] == 's') {
		put(out, va_arg(*args, const char *));
		return 2;
	}
	BUG_ON(fmt[1] != 'u');
	sprintf(text, "%u", va_arg(*args, unsigned int));
	put(out, text);
	return 2;
}

int shim_snprintf(char *buf, size_t size, const char *fmt, ...)
{
	struct out out = { buf, size, 0 };
	char plain[2] = "";
	va_list args;

	va_start(args, fmt);
	while (*fmt) {
		if (*fmt == '%') {
			fmt += convert(&out, fmt, &args);
			continue;
		}
		plain[0] = *fmt++;
		put(&out, plain);
	}
	va_end(args);
	if (size)
		buf[out.used < size ? out.used : size - 1] = '\0';
	return out.used;
}

static int digit(char c)
{
	return isdigit(c) ? c - '0' : tolower(c) - 'a' + 10;
}

/* The first three groups are numbers, stored little-endian. */
int guid_parse(const char *text, guid_t *guid)
{
	static const u8 at[16] = { 3, 2, 1, 0, 5, 4, 7, 6, 8, 9, 10, 11, 12, 13, 14, 15 };
	const char *s = text;
	u32 i;

	for (i = 0; i < UUID_STRING_LEN; i++) {
		bool dash = i == 8 || i == 13 || i == 18 || i == 23;

		if (dash ? text[i] != '-' : !isxdigit(text[i]))
			return -EINVAL;
	}
	for (i = 0; i < 16; i++, s += 2) {
		s += *s == '-';
		guid->b[at[i]] = digit(s[0]) << 4 | digit(s[1]);
	}
	return 0;
}
