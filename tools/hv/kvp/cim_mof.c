// SPDX-License-Identifier: GPL-2.0
/* Msvm_KvpExchangeComponent as MOF (DMTF DSP0004). */
#include <stdio.h>

#include "cim.h"
#include "text.h"

/* A character that stands for itself gives NULL. */
static const char *escape(uint32_t code)
{
	switch (code) {
	case '"':
		return "\\\"";
	case '\\':
		return "\\\\";
	case '\n':
		return "\\n";
	case '\r':
		return "\\r";
	case '\t':
		return "\\t";
	default:
		return NULL;
	}
}

static void put_text(FILE *out, const char *s, size_t len)
{
	fputc('"', out);
	while (len) {
		uint32_t code;
		size_t n = text_decode(s, len, &code);

		if (escape(code))
			fputs(escape(code), out);
		else if (code < 0x20 || (code >= 0x7f && code < 0xa0) ||
			 (code >= 0xd800 && code < 0xe000))
			fprintf(out, "\\x%04X", code);
		else
			fwrite(s, 1, n, out);
		s += n;
		len -= n;
	}
	fputc('"', out);
}

static void put_value(FILE *out, const struct cim_property *property, size_t i)
{
	const struct cim_value *value = &property->values[i];

	if (property->type == CIM_STRING || property->type == CIM_DATETIME)
		put_text(out, value->s, value->len);
	else
		fputs(value->s, out);
}

/* Numbers on one line, strings on one each. */
static void put_array(FILE *out, const struct cim_property *property)
{
	const char *gap = property->type == CIM_STRING ? "\n\t\t" : "";

	fputc('{', out);
	for (size_t i = 0; i < property->count; i++) {
		if (i)
			fputs(*gap ? "," : ", ", out);
		fputs(gap, out);
		put_value(out, property, i);
	}
	fputc('}', out);
}

void cim_put_mof(FILE *out, const struct cim *cim)
{
	fputs("instance of Msvm_KvpExchangeComponent\n{\n", out);
	for (size_t i = 0; i < CIM_PROPERTIES; i++) {
		const struct cim_property *property = &cim->properties[i];

		fprintf(out, "\t%s = ", property->name);
		if (property->is_null)
			fputs("NULL", out);
		else if (property->is_array)
			put_array(out, property);
		else
			put_value(out, property, 0);
		fputs(";\n", out);
	}
	fputs("};\n", out);
}
