// SPDX-License-Identifier: GPL-2.0
/* Writes JSON. */
#include <stdlib.h>
#include <string.h>

#include "json.h"
#include "text.h"

static void put_char(FILE *out, const char *s, size_t n, uint32_t code)
{
	static const char escaped[] = "\"\\\b\f\n\r\t";
	static const char letters[] = "\"\\bfnrt";
	const char *found = NULL;

	if (code && code < 0x80)
		found = strchr(escaped, code);
	if (found)
		fprintf(out, "\\%c", letters[found - escaped]);
	else if (code == TEXT_BAD || (code >= 0xd800 && code < 0xe000))
		fputs("\\uFFFD", out);
	else if (text_is_hidden(code) && code > 0xffff)
		fprintf(out, "\\u%04X\\u%04X", 0xd7c0 + (code >> 10), 0xdc00 | (code & 0x3ff));
	else if (text_is_hidden(code))
		fprintf(out, "\\u%04X", code);
	else
		fwrite(s, 1, n, out);
}

static void put_text(FILE *out, const char *s, size_t len)
{
	fputc('"', out);
	while (len) {
		uint32_t code;
		size_t n = text_decode(s, len, &code);

		put_char(out, s, n, code);
		s += n;
		len -= n;
	}
	fputc('"', out);
}

static bool is_lines(const struct json *j)
{
	return j->depth == 1 && j->closing[0] == ']';
}

/* What comes before a value. */
static void begin(struct json *j, const char *name)
{
	if (j->depth) {
		bool first = !j->members[j->depth - 1]++;

		if (is_lines(j))
			fputs(first ? "\n" : ",\n", j->out);
		else if (!first)
			fputs(", ", j->out);
	}
	if (name) {
		put_text(j->out, name, strlen(name));
		fputs(": ", j->out);
	}
}

void json_open(struct json *j, const char *name, char bracket)
{
	begin(j, name);
	if (j->depth == JSON_DEPTH)
		abort();
	j->members[j->depth] = 0;
	j->closing[j->depth++] = bracket == '{' ? '}' : ']';
	fputc(bracket, j->out);
}

void json_close(struct json *j)
{
	if (is_lines(j) && j->members[0])
		fputc('\n', j->out);
	fputc(j->closing[--j->depth], j->out);
	if (!j->depth)
		fputc('\n', j->out);
}

void json_text(struct json *j, const char *name, const char *s, size_t len)
{
	begin(j, name);
	put_text(j->out, s, len);
}

void json_base64(struct json *j, const char *name, const char *s, size_t len)
{
	static const char digits[] =
		"ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789+/";
	const unsigned char *p = (const unsigned char *)s;

	begin(j, name);
	fputc('"', j->out);
	for (size_t at = 0; at < len; at += 3) {
		uint32_t bits = p[at] << 16 | (at + 1 < len ? p[at + 1] << 8 : 0) |
				(at + 2 < len ? p[at + 2] : 0);

		for (size_t i = 0; i < 4; i++)
			fputc(at + i > len ? '=' : digits[bits >> (18 - 6 * i) & 63], j->out);
	}
	fputc('"', j->out);
}

void json_string(struct json *j, const char *name, const char *s)
{
	json_text(j, name, s, strlen(s));
}

void json_number(struct json *j, const char *name, uint64_t number)
{
	begin(j, name);
	fprintf(j->out, "%llu", (unsigned long long)number);
}

void json_bool(struct json *j, const char *name, bool value)
{
	begin(j, name);
	fputs(value ? "true" : "false", j->out);
}

void json_null(struct json *j, const char *name)
{
	begin(j, name);
	fputs("null", j->out);
}
