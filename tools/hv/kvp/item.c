// SPDX-License-Identifier: GPL-2.0
/* Items as text and as JSON, and values from text. */
#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "item.h"
#include "kvpctl.h"
#include "pool.h"
#include "text.h"

bool value_is_number(const struct value *value)
{
	return value->type == HV_KVP_TYPE_DWORD ||
	       value->type == HV_KVP_TYPE_QWORD;
}

uint64_t value_number(const struct value *value)
{
	uint64_t qword;
	uint32_t dword;

	if (value->len == sizeof(dword)) {
		memcpy(&dword, value->bytes, sizeof(dword));
		return dword;
	}
	if (value->len != sizeof(qword))
		return 0;
	memcpy(&qword, value->bytes, sizeof(qword));
	return qword;
}

void value_put(FILE *out, const struct value *value)
{
	if (value_is_number(value))
		fprintf(out, "%llu",
			(unsigned long long)value_number(value));
	else
		fwrite(value->bytes, 1, value->len, out);
}

void value_put_escaped(FILE *out, const struct value *value)
{
	if (value_is_number(value))
		value_put(out, value);
	else
		text_put_escaped(out, value->bytes, value->len);
}

void key_json(struct json *j, const char *key, size_t len)
{
	json_text(j, "key", key, len);
	if (!text_is_valid(key, len))
		json_base64(j, "key_base64", key, len);
}

void value_json(struct json *j, const struct value *value)
{
	char digits[24];

	switch (value->type) {
	case HV_KVP_TYPE_DWORD:
		json_number(j, "value", value_number(value));
		break;
	case HV_KVP_TYPE_QWORD:
		snprintf(digits, sizeof(digits), "%llu", (unsigned long long)value_number(value));
		json_string(j, "value", digits);
		break;
	default:
		json_text(j, "value", value->bytes, value->len);
		if (!text_is_valid(value->bytes, value->len))
			json_base64(j, "value_base64", value->bytes, value->len);
	}
}

/* strtoull() takes blanks and signs, and stops at a NUL. */
static bool parse_number(const char *text, size_t len, uint64_t *number)
{
	bool hex = len > 2 && text[0] == '0' && (text[1] | 0x20) == 'x';
	const char *digits = hex ? text + 2 : text;
	char copy[32], *end;

	if (!len || len >= sizeof(copy) ||
	    strspn(digits, hex ? "0123456789abcdefABCDEF" : "0123456789") <
	    len - (digits - text))
		return false;
	memcpy(copy, digits, len - (digits - text));
	copy[len - (digits - text)] = '\0';
	errno = 0;
	*number = strtoull(copy, &end, hex ? 16 : 10);
	return !errno && !*end;
}

bool value_parse(struct value *value, unsigned int type, const char *text,
		 size_t len, uint64_t *number)
{
	uint32_t dword;

	value->type = type;
	value->bytes = text;
	value->len = len;
	if (!value_is_number(value))
		return true;
	if (!parse_number(text, len, number))
		return false;
	value->bytes = (const char *)number;
	value->len = sizeof(*number);
	if (type == HV_KVP_TYPE_QWORD)
		return true;
	if (*number > UINT32_MAX)
		return false;
	dword = *number;
	memcpy(number, &dword, sizeof(dword));
	value->len = sizeof(dword);
	return true;
}

const char *item_owner(unsigned int pool, uint32_t flags)
{
	if (flags & HV_KVP_ITEM_HOST)
		return "host";
	if (flags & HV_KVP_ITEM_MIRROR)
		return "mirror";
	return pool == HV_KVP_POOL_AUTO && !(flags & HV_KVP_ITEM_OVERRIDE) ? "kernel" : "agent";
}

struct value item_value_of(const struct hv_kvp_item *item)
{
	return (struct value) {
		item->type, item->value_len, item_value(item)
	};
}

void item_json(struct json *j, unsigned int pool,
	       const struct hv_kvp_item *item)
{
	struct value value = item_value_of(item);

	json_string(j, "pool", pool_name(pool));
	key_json(j, item_key(item), item->key_len);
	json_string(j, "type", type_name(item->type));
	value_json(j, &value);
	json_string(j, "owner", item_owner(pool, item->flags));
	json_bool(j, "host", item->flags & HV_KVP_ITEM_HOST);
	json_bool(j, "stale", item->flags & HV_KVP_ITEM_STALE);
	json_bool(j, "ephemeral", item->flags & HV_KVP_ITEM_EPHEMERAL);
	json_number(j, "generation", item->generation);
}
