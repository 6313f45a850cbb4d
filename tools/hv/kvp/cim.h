/* SPDX-License-Identifier: GPL-2.0 */
/*
 * Msvm_KvpExchangeComponent, as the host's WMI shows it, made from what the
 * guest knows. Documentation/userspace-api/hv_kvp/component.md describes the
 * three forms.
 */
#ifndef CIM_H
#define CIM_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>

#include <linux/hv_kvp.h>

#define CIM_PROPERTIES	34

enum cim_type {
	CIM_STRING,
	CIM_UINT16,
	CIM_UINT32,
	CIM_UINT64,
	CIM_BOOLEAN,
	CIM_DATETIME,
};

/**
 * struct cim_value - one value, in allocated memory
 * @s: text (WTF-8), or a number in decimal
 * @len: bytes of it
 */
struct cim_value {
	char *s;
	size_t len;
};

/**
 * struct cim_property - a property
 * @name: as in the class
 * @type: of its values
 * @is_array: it may have any number of values, even none
 * @is_null: it has none, not even an empty array
 * @values: of them
 * @count: 1 unless it is an array
 */
struct cim_property {
	const char *name;
	enum cim_type type;
	bool is_array;
	bool is_null;
	struct cim_value *values;
	size_t count;
};

/**
 * struct cim - an instance
 * @properties: in the order of the class
 */
struct cim {
	struct cim_property properties[CIM_PROPERTIES];
};

/* All constants; the rest is null. */
void cim_init(struct cim *cim);
void cim_free(struct cim *cim);

/* Makes it an array without values. */
void cim_empty(struct cim *cim, const char *name);
/* One more value. */
void cim_add_text(struct cim *cim, const char *name, const char *s, size_t len);
void cim_add_number(struct cim *cim, const char *name, uint64_t number);

const char *cim_type_name(enum cim_type type);

/* An item as an instance of Msvm_KvpExchangeDataItem, in allocated memory. */
char *cim_embed_item(unsigned int pool, const struct hv_kvp_item *item,
		     size_t *len);

/* Text of an XML element: escaped, without what XML cannot hold. */
void cim_put_xml_text(FILE *out, const char *s, size_t len);

void cim_put_mof(FILE *out, const struct cim *cim);
void cim_put_json(FILE *out, const struct cim *cim);
void cim_put_xml(FILE *out, const struct cim *cim);

#endif /* CIM_H */
