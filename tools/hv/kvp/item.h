/* SPDX-License-Identifier: GPL-2.0 */
/* Items as text and as JSON, and values from text. */
#ifndef ITEM_H
#define ITEM_H

#include <stdio.h>

#include "device.h"
#include "json.h"

/**
 * struct value - the value of an item, as the device takes and gives it
 * @type: HV_KVP_TYPE_*
 * @len: bytes at @bytes
 * @bytes: UTF-8 without a NUL, or an integer in the machine's byte order
 */
struct value {
	unsigned int type;
	size_t len;
	const char *bytes;
};

bool value_is_number(const struct value *value);
uint64_t value_number(const struct value *value);

/* A string's exact bytes, an integer in decimal. */
void value_put(FILE *out, const struct value *value);
/* The same on one line, see text_put_escaped(). */
void value_put_escaped(FILE *out, const struct value *value);

/*
 * Members "key" and "value" of a JSON object; a QWORD is a string. What is no text
 * of Unicode is there a second time, exactly, as "key_base64" or "value_base64".
 */
void key_json(struct json *j, const char *key, size_t len);
void value_json(struct json *j, const struct value *value);

/*
 * Makes a value of @type from @text, which it may point to afterwards, as it may
 * to @number. An integer is decimal or, behind 0x, hexadecimal. False if it is
 * none or too large.
 */
bool value_parse(struct value *value, unsigned int type, const char *text,
		 size_t len, uint64_t *number);

/* Who set it last: "host", "agent", "mirror", or "kernel" for what is intrinsic. */
const char *item_owner(unsigned int pool, uint32_t flags);

struct value item_value_of(const struct hv_kvp_item *item);

/* The members of a JSON object for an item. */
void item_json(struct json *j, unsigned int pool,
	       const struct hv_kvp_item *item);

#endif /* ITEM_H */
