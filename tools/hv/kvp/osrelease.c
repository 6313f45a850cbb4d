// SPDX-License-Identifier: GPL-2.0
#include <errno.h>
#include <stdbool.h>
#include <stdlib.h>
#include <string.h>

#include "kvpctl.h"
#include "osrelease.h"
#include "readfile.h"

/* Far beyond any os-release; a runaway file must not fill memory. */
#define OSRELEASE_FILE_MAX	65536

static bool is_name_character(char c)
{
	return (c >= 'A' && c <= 'Z') || (c >= 'a' && c <= 'z') || (c >= '0' && c <= '9') ||
	       c == '_';
}

/* In double quotes a backslash keeps its meaning before these only. */
static bool escapes_in_quotes(char c)
{
	return c && strchr("\"$`\\", c);
}

/*
 * The value of one assignment as a shell would see it, in place. False if its
 * quotes do not close or it ends in a backslash.
 */
static bool unquote(char *value)
{
	char *out = value;
	char quote = '\0';

	for (const char *in = value; *in; in++) {
		/* what follows is a comment, or what a shell would run */
		if (!quote && (*in == ' ' || *in == '\t'))
			break;
		if (quote == '\'' && *in != '\'') {
			*out++ = *in;
		} else if (quote && *in == quote) {
			quote = '\0';
		} else if (!quote && (*in == '"' || *in == '\'')) {
			quote = *in;
		} else if (*in == '\\' && (!quote || escapes_in_quotes(in[1]))) {
			if (!*++in)
				return false;
			*out++ = *in;
		} else {
			*out++ = *in;
		}
	}
	*out = '\0';
	return !quote;
}

/* Copies @value, cut in front of the UTF-8 character that does not fit. */
static void keep(char *field, const char *value)
{
	size_t size = strlen(value);

	if (size >= OSRELEASE_VALUE) {
		size = OSRELEASE_VALUE - 1;
		while (size && ((unsigned char)value[size] & 0xc0) == 0x80)
			size--;
	}
	for (size_t i = 0; i < size; i++) {
		unsigned char c = value[i];

		field[i] = c < 0x20 || c == 0x7f ? ' ' : value[i];
	}
	field[size] = '\0';
}

void osrelease_parse(char *text, struct osrelease *os)
{
	char id[OSRELEASE_VALUE] = "", *line, *save;

	memset(os, 0, sizeof(*os));
	for (line = strtok_r(text, "\n", &save); line; line = strtok_r(NULL, "\n", &save)) {
		char *value = line;
		size_t name;

		line[strcspn(line, "\r")] = '\0';
		while (is_name_character(*value))
			value++;
		name = value - line;
		if (!name || *value != '=' || !unquote(++value))
			continue;
		if (name == 4 && !strncmp(line, "NAME", name))
			keep(os->name, value);
		else if (name == 2 && !strncmp(line, "ID", name))
			keep(id, value);
		else if (name == 10 && !strncmp(line, "VERSION_ID", name))
			keep(os->version_id, value);
	}
	if (!os->name[0])
		strcpy(os->name, id[0] ? id : "Linux");
}

int osrelease_read(const char *root, struct osrelease *os)
{
	static const char *const files[] = { "/etc/os-release", "/usr/lib/os-release" };
	int error = 0;

	for (size_t i = 0; i < ARRAY_SIZE(files); i++) {
		char *text;

		error = readfile(root, files[i], OSRELEASE_FILE_MAX, &text, NULL);
		if (!error) {
			osrelease_parse(text, os);
			free(text);
			return 0;
		}
	}
	osrelease_parse((char []){ "" }, os);
	return error;
}
