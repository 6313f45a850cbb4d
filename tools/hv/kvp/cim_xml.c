// SPDX-License-Identifier: GPL-2.0
/* CIM-XML (DMTF DSP0201): the component, and items embedded in it. */
#include <stdbool.h>
#include <stdlib.h>
#include <string.h>

#include "cim.h"
#include "item.h"
#include "kvpctl.h"
#include "text.h"

/* Char of XML 1.0. */
static bool is_xml(uint32_t code)
{
	if (code < 0x20)
		return code == '\t' || code == '\n' || code == '\r';
	return code < 0xd800 || (code >= 0xe000 && code < 0xfffe) ||
	       (code >= 0x10000 && code <= 0x10ffff);
}

/* A parser takes a bare carriage return for a newline. */
static const char *entity(uint32_t code)
{
	switch (code) {
	case '&':
		return "&amp;";
	case '<':
		return "&lt;";
	case '>':
		return "&gt;";
	case '\r':
		return "&#13;";
	default:
		return is_xml(code) ? NULL : "\xef\xbf\xbd";	/* U+FFFD */
	}
}

void cim_put_xml_text(FILE *out, const char *s, size_t len)
{
	while (len) {
		uint32_t code;
		size_t n = text_decode(s, len, &code);

		if (entity(code))
			fputs(entity(code), out);
		else
			fwrite(s, 1, n, out);
		s += n;
		len -= n;
	}
}

static void put_value(FILE *out, const char *s, size_t len)
{
	fputs("<VALUE>", out);
	cim_put_xml_text(out, s, len);
	fputs("</VALUE>", out);
}

/* What has no value has that of the class. */
static void put_null(FILE *out, const char *element, const char *name,
		     const char *type)
{
	fprintf(out, "<%s NAME=\"%s\" PROPAGATED=\"true\" TYPE=\"%s\"></%s>",
		element, name, type, element);
}

static void put_property(FILE *out, const char *name, const char *type,
			 const char *s, size_t len)
{
	fprintf(out, "<PROPERTY NAME=\"%s\" TYPE=\"%s\">", name, type);
	put_value(out, s, len);
	fputs("</PROPERTY>", out);
}

static void put_array(FILE *out, const struct cim_property *property)
{
	fprintf(out, "<PROPERTY.ARRAY NAME=\"%s\" TYPE=\"%s\"><VALUE.ARRAY>",
		property->name, cim_type_name(property->type));
	for (size_t i = 0; i < property->count; i++)
		put_value(out, property->values[i].s, property->values[i].len);
	fputs("</VALUE.ARRAY></PROPERTY.ARRAY>", out);
}

void cim_put_xml(FILE *out, const struct cim *cim)
{
	fputs("<INSTANCE CLASSNAME=\"Msvm_KvpExchangeComponent\">", out);
	for (size_t i = 0; i < CIM_PROPERTIES; i++) {
		const struct cim_property *property = &cim->properties[i];

		if (property->is_null)
			put_null(out, property->is_array ? "PROPERTY.ARRAY" :
				 "PROPERTY", property->name,
				 cim_type_name(property->type));
		else if (property->is_array)
			put_array(out, property);
		else
			put_property(out, property->name,
				     cim_type_name(property->type),
				     property->values[0].s,
				     property->values[0].len);
	}
	fputs("</INSTANCE>\n", out);
}

/* Source: 0 the host, 1 the guest's agents, 2 the guest itself. */
char *cim_embed_item(unsigned int pool, const struct hv_kvp_item *item,
		     size_t *len)
{
	struct value value = item_value_of(item);
	char *data = NULL, *text = NULL;
	size_t data_len = 0;
	FILE *out;

	out = open_memstream(&data, &data_len);
	if (!out)
		exit(fail(EXIT_ERROR, "out of memory"));
	value_put(out, &value);
	fclose(out);

	out = open_memstream(&text, len);
	if (!out)
		exit(fail(EXIT_ERROR, "out of memory"));
	fputs("<INSTANCE CLASSNAME=\"Msvm_KvpExchangeDataItem\">", out);
	put_null(out, "PROPERTY", "Caption", "string");
	put_property(out, "Data", "string", data, data_len);
	put_null(out, "PROPERTY", "Description", "string");
	put_null(out, "PROPERTY", "ElementName", "string");
	put_property(out, "Name", "string", item_key(item), item->key_len);
	put_property(out, "Source", "uint16",
		     pool == HV_KVP_POOL_GUEST ? "1" : "2", 1);
	fputs("</INSTANCE>", out);
	fclose(out);
	free(data);
	return text;
}
