// SPDX-License-Identifier: GPL-2.0
/* Operations as lines of text. */
#include <string.h>

#include "kvpctl.h"
#include "lines.h"
#include "pool.h"
#include "text.h"

#define MAX_FIELDS	4

void line_put_set(FILE *out, const struct hvkvp_item *item)
{
	struct value value = item_value_of(item);

	fprintf(out, "set\t%s\t", type_name(item->type));
	text_put_escaped(out, item_key(item), item->key_len);
	fputc('\t', out);
	value_put_escaped(out, &value);
	fputc('\n', out);
}

struct field {
	char *s;
	size_t len;
};

/* The number of fields, or MAX_FIELDS + 1 for more. Each ends with a NUL. */
static int split(char *line, size_t len, struct field *fields)
{
	char *end = line + len;
	int count = 0;

	for (;;) {
		char *tab = memchr(line, '\t', end - line);

		if (count == MAX_FIELDS)
			return MAX_FIELDS + 1;
		fields[count].s = line;
		fields[count++].len = (tab ? tab : end) - line;
		if (!tab)
			return count;
		*tab = '\0';
		line = tab + 1;
	}
}

static bool unescape(struct field *field)
{
	long len = text_unescape(field->s, field->len);

	field->len = len < 0 ? 0 : len;
	return len >= 0;
}

static const char *take_set(struct operations *all, struct field *fields)
{
	struct field *key = &fields[2], *text = &fields[3];
	unsigned int type = type_by_name(fields[1].s);
	struct value value;
	uint64_t number;

	if (!type)
		return "unknown type";
	if (!unescape(key) || !unescape(text))
		return "unknown escape";
	if (!value_parse(&value, type, text->s, text->len, &number))
		return "the value is no integer of this type";
	operations_set(all, key->s, key->len, &value);
	return NULL;
}

const char *line_take(struct operations *all, char *line, size_t len)
{
	struct field fields[MAX_FIELDS] = { 0 };
	int count;

	if (!len || *line == '#')
		return NULL;
	line[len] = '\0';
	count = split(line, len, fields);
	if (!strcmp(fields[0].s, "set"))
		return count == 4 ? take_set(all, fields) :
			"wanted: set, type, key, value, with tabs between";
	if (strcmp(fields[0].s, "delete"))
		return "neither set nor delete";
	if (count != 2)
		return "wanted: delete, key, with a tab between";
	if (!unescape(&fields[1]))
		return "unknown escape";
	operations_delete(all, fields[1].s, fields[1].len);
	return NULL;
}
