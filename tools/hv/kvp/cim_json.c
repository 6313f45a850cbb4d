// SPDX-License-Identifier: GPL-2.0
/* Msvm_KvpExchangeComponent as a JSON object. */
#include <stdlib.h>
#include <string.h>

#include "cim.h"
#include "json.h"

static void put_value(struct json *j, const char *name,
		      const struct cim_property *property, size_t i)
{
	const struct cim_value *value = &property->values[i];

	switch (property->type) {
	case CIM_STRING:
	case CIM_DATETIME:
		json_text(j, name, value->s, value->len);
		break;
	case CIM_BOOLEAN:
		json_bool(j, name, !strcmp(value->s, "TRUE"));
		break;
	default:
		json_number(j, name, strtoull(value->s, NULL, 10));
	}
}

void cim_put_json(FILE *out, const struct cim *cim)
{
	struct json j = { .out = out };

	json_open(&j, NULL, '{');
	for (size_t i = 0; i < CIM_PROPERTIES; i++) {
		const struct cim_property *property = &cim->properties[i];

		if (property->is_null) {
			json_null(&j, property->name);
		} else if (property->is_array) {
			json_open(&j, property->name, '[');
			for (size_t k = 0; k < property->count; k++)
				put_value(&j, NULL, property, k);
			json_close(&j);
		} else {
			put_value(&j, property->name, property, 0);
		}
	}
	json_close(&j);
}
