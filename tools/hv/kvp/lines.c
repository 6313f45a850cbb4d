// SPDX-License-Identifier: GPL-2.0
/* Operations as lines of text. */
#include <ctype.h>
#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "kvpctl.h"
#include "lines.h"
#include "pool.h"
#include "text.h"

#define MAX_FIELDS	4

void line_put_set(FILE *out, const struct hv_kvp_item *item)
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

static bool take_generation(const char *text, struct hv_kvp_op *op)
{
	char *end;

	errno = 0;
	op->flags |= HV_KVP_IF_GENERATION;
	op->if_generation = strtoull(text, &end, 10);
	return !errno && !*end && isdigit((unsigned char)*text);
}

static bool take_condition(const char *word, struct hv_kvp_op *op)
{
	static const char generation[] = "if-generation=";
	size_t len = strlen(generation);

	if (!strncmp(word, generation, len))
		return take_generation(word + len, op);
	if (!strcmp(word, "if-absent"))
		op->flags |= HV_KVP_IF_ABSENT;
	else if (!strcmp(word, "unless-host"))
		op->flags |= HV_KVP_UNLESS_HOST;
	else if (!strcmp(word, "or-skip"))
		op->flags |= HV_KVP_OR_SKIP;
	else
		return false;
	return true;
}

/* Cuts the field behind its first word. */
static bool take_conditions(char *field, struct hv_kvp_op *op)
{
	char *word;

	strsep(&field, ",");
	while ((word = strsep(&field, ",")))
		if (!take_condition(word, op))
			return false;
	return true;
}

static const char *take_set(struct operations *all, struct field *fields,
			    const struct hv_kvp_op *conditions)
{
	struct field *key = &fields[2], *text = &fields[3];
	unsigned int type = type_by_name(fields[1].s);
	struct hv_kvp_op *op;
	struct value value;
	uint64_t number;

	if (!type)
		return "unknown type";
	if (!unescape(key) || !unescape(text))
		return "unknown escape";
	if (!value_parse(&value, type, text->s, text->len, &number))
		return "the value is no integer of this type";
	op = operations_set(all, key->s, key->len, &value);
	op->flags = conditions->flags;
	op->if_generation = conditions->if_generation;
	return NULL;
}

static const char *take_delete(struct operations *all, struct field *key,
			       const struct hv_kvp_op *conditions)
{
	struct hv_kvp_op *op;

	if (conditions->flags & HV_KVP_IF_ABSENT)
		return "delete has no if-absent";
	if (!unescape(key))
		return "unknown escape";
	op = operations_delete(all, key->s, key->len);
	op->flags = conditions->flags;
	op->if_generation = conditions->if_generation;
	return NULL;
}

const char *line_take(struct operations *all, char *line, size_t len)
{
	struct field fields[MAX_FIELDS] = { 0 };
	struct hv_kvp_op conditions = { 0 };
	int count;

	if (!len || *line == '#')
		return NULL;
	line[len] = '\0';
	count = split(line, len, fields);
	if (!take_conditions(fields[0].s, &conditions))
		return "unknown condition";
	if (!strcmp(fields[0].s, "set"))
		return count == 4 ? take_set(all, fields, &conditions) :
			"wanted: set, type, key, value, with tabs between";
	if (strcmp(fields[0].s, "delete"))
		return "neither set nor delete";
	return count == 2 ? take_delete(all, &fields[1], &conditions) :
		"wanted: delete, key, with a tab between";
}
