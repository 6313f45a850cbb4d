// SPDX-License-Identifier: GPL-2.0
#include <ctype.h>
#include <stdlib.h>
#include <string.h>

#include "jsonread.h"

static const char *skip_space(const char *at)
{
	return at + strspn(at, " \t\r\n");
}

/* Behind a string; NULL if it does not end. */
static const char *skip_string(const char *at)
{
	for (at++; *at && *at != '"'; at++)
		if (*at == '\\' && !*++at)
			return NULL;
	return *at ? at + 1 : NULL;
}

/* Behind a value, whatever it is; NULL if it does not end. */
static const char *skip_value(const char *at)
{
	unsigned int depth = 0;

	do {
		at = skip_space(at);
		if (*at == '"') {
			at = skip_string(at);
			if (!at)
				return NULL;
		} else if (*at == '{' || *at == '[') {
			depth++;
			at++;
		} else if (*at == '}' || *at == ']') {
			if (!depth--)
				return NULL;
			at++;
		} else if (depth && (*at == ',' || *at == ':')) {
			at++;
		} else {
			size_t size = strcspn(at, " \t\r\n{}[],:\"");

			if (!size)
				return NULL;
			at += size;
		}
	} while (depth);
	return at;
}

/* Behind the comma; NULL behind the last one. */
static const char *skip_comma(const char *at)
{
	at = skip_space(at);
	return *at == ',' ? skip_space(at + 1) : NULL;
}

const char *jsonread_member(const char *object, const char *name)
{
	const char *at = skip_space(object);
	size_t size = strlen(name);

	if (*at != '{')
		return NULL;
	at = skip_space(at + 1);
	while (at && *at == '"') {
		const char *end = skip_string(at), *value;

		if (!end)
			return NULL;
		value = skip_space(end);
		if (*value != ':')
			return NULL;
		value = skip_space(value + 1);
		if ((size_t)(end - at) == size + 2 && !memcmp(at + 1, name, size))
			return value;
		at = skip_value(value);
		at = at ? skip_comma(at) : NULL;
	}
	return NULL;
}

const char *jsonread_first(const char *array)
{
	const char *at = skip_space(array);

	if (*at != '[')
		return NULL;
	at = skip_space(at + 1);
	return *at == ']' ? NULL : at;
}

const char *jsonread_next(const char *value)
{
	const char *end = skip_value(value);

	return end ? skip_comma(end) : NULL;
}

bool jsonread_string(const char *value, char *text, size_t size)
{
	const char *end;
	size_t length;

	if (*value != '"')
		return false;
	end = skip_string(value);
	if (!end)
		return false;
	length = end - value - 2;
	if (length >= size || memchr(value + 1, '\\', length))
		return false;
	memcpy(text, value + 1, length);
	text[length] = '\0';
	return true;
}

bool jsonread_number(const char *value, unsigned long *number)
{
	char *end;

	if (!isdigit((unsigned char)*value))
		return false;
	*number = strtoul(value, &end, 10);
	return !strchr(".eE", *end) || !*end;
}
