// SPDX-License-Identifier: GPL-2.0
/*
 * The reference that fuzz_ip.c compares with; see ip_model.h.
 */
#include <arpa/inet.h>
#include <ctype.h>
#include <errno.h>
#include <stdio.h>
#include <string.h>
#include <linux/sprintf.h>
#include "ip_model.h"

static uint32_t get16(const uint8_t *p)
{
	return p[0] | p[1] << 8;
}

static uint32_t get32(const uint8_t *p)
{
	return get16(p) | get16(p + 2) << 16;
}

static void put32(uint8_t *p, uint32_t v)
{
	p[0] = v;
	p[1] = v >> 8;
	p[2] = v >> 16;
	p[3] = v >> 24;
}

/* Adapters */

/* Whether @id is like @form, where 'x' is a digit; the digits to @hex. */
static bool is_like(const uint8_t *id, const char *form, char *hex)
{
	uint32_t c;

	for (;; id += 2, form++) {
		c = get16(id);
		if (*form != 'x') {
			if (c != (uint8_t)*form)
				return false;
			if (!c)
				break;
		} else if (c < 0x80 && isxdigit(c)) {
			*hex++ = c;
		} else {
			return false;
		}
	}
	*hex = '\0';
	return true;
}

bool model_adapter(const uint8_t *id, bool *is_guid, uint8_t digits[16])
{
	static const char * const forms[] = {
		"xxxxxxxxxxxx", "xx:xx:xx:xx:xx:xx", "xx-xx-xx-xx-xx-xx",
		"xxxxxxxx-xxxx-xxxx-xxxx-xxxxxxxxxxxx",
		"{xxxxxxxx-xxxx-xxxx-xxxx-xxxxxxxxxxxx}",
	};
	char hex[33];
	unsigned int value;
	uint32_t form, i;

	for (form = 0; form < 5; form++)
		if (is_like(id, forms[form], hex))
			break;
	if (form == 5 || !strcmp(hex, "000000000000"))
		return false;
	*is_guid = form > 2;
	for (i = 0; hex[2 * i]; i++) {
		if (sscanf(hex + 2 * i, "%2x", &value) != 1)
			return false;
		digits[i] = value;
	}
	return true;
}

/* Reading */

/* A list, taken apart. */
struct list {
	uint32_t count;
	char entries[1024][1025];
};

/* Of a unit, not of its low byte. */
static bool is_blank(uint32_t c)
{
	return c == ' ' || c == '\t';
}

/* Blanks around an entry do not belong to it. */
static void split(struct list *list, const uint8_t *text, uint32_t units)
{
	uint32_t used = 0, i, c = 0;
	char *entry;

	list->count = 0;
	for (i = 0; i <= units; i++) {
		entry = list->entries[list->count];
		c = i < units ? get16(text + 2 * i) : 0;
		if (c && c != ';') {
			/* '?' is in nothing that is valid */
			if (used || !is_blank(c))
				entry[used++] = c < 0x80 ? c : '?';
			continue;
		}
		while (used && is_blank(entry[used - 1]))
			used--;
		entry[used] = '\0';
		list->count += !!used;
		used = 0;
		if (!c)
			break;
	}
}

/* In network order. */
static uint32_t mask_of(uint32_t prefix)
{
	return htonl((uint32_t)(0xffffffff00000000 >> prefix));
}

/* -1 if it is none. */
static int prefix_of(const char *text, bool v6)
{
	char number[16];
	uint32_t mask;
	int n;

	if (!v6 && inet_pton(AF_INET, text, &mask) == 1) {
		for (n = 0; n <= 32; n++)
			if (mask == mask_of(n))
				return n;
		return -1;
	}
	if (*text == '/')
		text++;
	for (n = 0; n <= (v6 ? 128 : 32); n++) {
		sprintf(number, "%d", n);
		if (!strcmp(text, number))
			return n;
	}
	return -1;
}

#define ZONE_LETTERS "abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789._-"

/* 0 or 1: whether IPv6, and *@zone: whether it has a zone; -1 if it is neither. */
static int address_of(const char *text, uint8_t addr[16], bool *zone)
{
	size_t size = strcspn(text, "%");
	char plain[1025];

	*zone = text[size];
	if (inet_pton(AF_INET, text, addr) == 1)
		return 0;
	if (*zone && (!text[size + 1] || strlen(text + size + 1) > 15 ||
		      text[size + 1 + strspn(text + size + 1, ZONE_LETTERS)]))
		return -1;
	sprintf(plain, "%.*s", (int)size, text);
	return inet_pton(AF_INET6, plain, addr) == 1 ? 1 : -1;
}

/* What was left out: zones, and all past @room; -1 if an entry is no address. */
static int take(const struct list *list, uint8_t (*v4)[4], uint32_t *v4_count,
		uint8_t (*v6)[16], uint32_t *v6_count, uint32_t room)
{
	uint8_t addr[16];
	int left_out = 0;
	uint32_t i;
	bool zone;

	for (i = 0; i < list->count; i++) {
		switch (address_of(list->entries[i], addr, &zone)) {
		case 0:
			if (*v4_count < room)
				memcpy(v4[(*v4_count)++], addr, 4);
			else
				left_out++;
			break;
		case 1:
			left_out += zone;
			if (*v6_count < room)
				memcpy(v6[(*v6_count)++], addr, 16);
			else
				left_out++;
			break;
		default:
			return -1;
		}
	}
	return left_out;
}

static bool take_prefixes(const struct list *addresses,
			  const struct list *subnets, struct hv_kvp_ip_config *c)
{
	uint32_t v4 = 0, v6 = 0, i;
	uint8_t addr[16];
	bool is_v6, zone;
	int prefix;

	if (addresses->count > subnets->count)
		return false;
	for (i = 0; i < addresses->count; i++) {
		is_v6 = address_of(addresses->entries[i], addr, &zone);
		prefix = prefix_of(subnets->entries[i], is_v6);
		if (prefix < 0)
			return false;
		if (is_v6)
			c->v6_prefix[v6++] = prefix;
		else
			c->v4_prefix[v4++] = prefix;
	}
	return true;
}

/* What was left out, or -1. Every address is taken, and with a subnet. */
static int decode_strings(const uint8_t *msg, struct hv_kvp_ip_config *c)
{
	static struct list addresses, subnets, gateways, dns;
	int some, more, most;

	split(&addresses, msg + STRINGS_ADDRESSES, 1024);
	split(&subnets, msg + STRINGS_SUBNETS, 1024);
	split(&gateways, msg + STRINGS_GATEWAYS, 512);
	split(&dns, msg + STRINGS_DNS, 1024);
	some = take(&addresses, c->v4, &c->v4_count, c->v6, &c->v6_count, 64);
	more = take(&gateways, c->v4_gateway, &c->v4_gateway_count, c->v6_gateway,
		    &c->v6_gateway_count, 5);
	most = take(&dns, c->v4_dns, &c->v4_dns_count, c->v6_dns, &c->v6_dns_count, 64);
	if (some < 0 || more < 0 || most < 0 ||
	    c->v4_count + c->v6_count < addresses.count ||
	    !take_prefixes(&addresses, &subnets, c))
		return -1;
	c->family |= (c->v4_count ? 1 : 0) | (c->v6_count ? 2 : 0);
	if (!c->family)
		c->family = c->dhcp;
	if (!c->family)
		return -1;
	return some + more + most + subnets.count - addresses.count;
}

static bool decode_binary(const uint8_t *msg, struct hv_kvp_ip_config *c)
{
	static const uint32_t most[] = { 64, 64, 5, 5, 64, 64 };
	uint32_t count[6], i;
	char mask[16];
	int prefix;

	for (i = 0; i < 6; i++) {
		count[i] = get32(msg + BINARY_COUNTS + 4 * i);
		if (count[i] > most[i])
			return false;
	}
	c->v4_count = count[0];
	c->v6_count = count[1];
	c->v4_gateway_count = count[2];
	c->v6_gateway_count = count[3];
	c->v4_dns_count = count[4];
	c->v6_dns_count = count[5];
	memcpy(c->v4, msg + BINARY_V4, 4 * count[0]);
	memcpy(c->v6, msg + BINARY_V6, 16 * count[1]);
	memcpy(c->v4_gateway, msg + BINARY_V4_GATEWAYS, 4 * count[2]);
	memcpy(c->v6_gateway, msg + BINARY_V6_GATEWAYS, 16 * count[3]);
	memcpy(c->v4_dns, msg + BINARY_V4_DNS, 4 * count[4]);
	memcpy(c->v6_dns, msg + BINARY_V6_DNS, 16 * count[5]);
	for (i = 0; i < count[0]; i++) {
		inet_ntop(AF_INET, msg + BINARY_MASKS + 4 * i, mask, sizeof(mask));
		prefix = prefix_of(mask, false);
		if (prefix < 0)
			return false;
		c->v4_prefix[i] = prefix;
	}
	for (i = 0; i < count[1]; i++) {
		if (get32(msg + BINARY_PREFIXES + 4 * i) > 128)
			return false;
		c->v6_prefix[i] = msg[BINARY_PREFIXES + 4 * i];
	}
	return true;
}

int model_decode(const uint8_t *msg, bool binary, struct hv_kvp_ip_config *c)
{
	const uint8_t *id = msg + (binary ? BINARY_ID : STRINGS_ID);
	uint8_t family = msg[binary ? BINARY_FAMILY : STRINGS_FAMILY];
	uint8_t digits[16];
	bool is_guid;
	int left_out;

	memset(c, 0, sizeof(*c));
	if (!model_adapter(id, &is_guid, digits))
		return -ENOENT;
	c->adapter = is_guid ? HV_KVP_ADAPTER_GUID : HV_KVP_ADAPTER_MAC;
	if (is_guid)
		memcpy(c->guid, digits, 16);
	else
		memcpy(c->mac, digits, 6);
	if (family > 3)
		return -EINVAL;
	c->family = family;
	c->dhcp = msg[binary ? BINARY_DHCP : STRINGS_DHCP] != 0;
	if (binary)
		return family && decode_binary(msg, c) ? 0 : -EINVAL;
	left_out = decode_strings(msg, c);
	return left_out < 0 ? -EINVAL : left_out;
}

/* Writing */

void model_address_text(char text[MODEL_LONGEST], bool v6, const uint8_t *addr)
{
	shim_snprintf(text, MODEL_LONGEST, v6 ? "%pI6c" : "%pI4", addr);
}

void model_subnet_text(char text[MODEL_LONGEST], bool v6, uint32_t prefix)
{
	uint32_t mask;

	if (v6) {
		sprintf(text, "/%u", prefix);
		return;
	}
	mask = mask_of(prefix);
	inet_ntop(AF_INET, &mask, text, MODEL_LONGEST);
}

void model_answer_begin(struct model_answer *a, bool binary)
{
	a->binary = binary;
	memset(a->count, 0, sizeof(a->count));
	memset(a->closed, 0, sizeof(a->closed));
	memset(a->text, 0, sizeof(a->text));
}

static const uint32_t text_room[] = { 1024, 1024, 512, 1024 };

static bool fits(const struct model_answer *a, int list, const char *text)
{
	uint32_t used = strlen(a->text[list]);

	return used + (used ? 1 : 0) + strlen(text) + 1 <= text_room[list];
}

static void append(struct model_answer *a, int list, const char *text)
{
	if (a->text[list][0])
		strcat(a->text[list], ";");
	strcat(a->text[list], text);
}

static bool add_text(struct model_answer *a, enum model_table table, bool v6,
		     const struct model_entry *entry)
{
	static const int list_of[] = { 0, 2, 3 };
	char address[MODEL_LONGEST], subnet[MODEL_LONGEST];

	model_address_text(address, v6, entry->addr);
	if (!fits(a, list_of[table], address))
		return false;
	if (table == MODEL_ADDRESSES) {
		model_subnet_text(subnet, v6, entry->prefix);
		if (!fits(a, 1, subnet))
			return false;
		append(a, 1, subnet);
	}
	append(a, list_of[table], address);
	return true;
}

static bool has(const struct model_answer *a, enum model_table table, bool v6,
		const uint8_t *addr)
{
	uint32_t i;

	for (i = 0; i < a->count[table][v6]; i++)
		if (!memcmp(a->entries[table][v6][i].addr, addr, v6 ? 16 : 4))
			return true;
	return false;
}

bool model_answer_add(struct model_answer *a, enum model_table table, bool v6,
		      const struct model_entry *entry)
{
	bool *closed = &a->closed[table][a->binary ? v6 : 0];
	uint32_t *count = &a->count[table][v6];
	bool room;

	if (*closed)
		return false;
	if (table != MODEL_ADDRESSES && has(a, table, v6, entry->addr))
		return true;
	if (!a->binary)
		room = add_text(a, table, v6, entry);
	else if (table == MODEL_ADDRESSES && !v6 && a->count[table][true])
		room = false;	/* its origin's place is taken */
	else
		room = *count < (table == MODEL_GATEWAYS ? 5 : 64);
	if (room)
		a->entries[table][v6][(*count)++] = *entry;
	*closed = !room;
	return room;
}

static uint8_t family_of(const struct model_answer *a)
{
	return (a->count[MODEL_ADDRESSES][0] ? 1 : 0) |
	       (a->count[MODEL_ADDRESSES][1] ? 2 : 0);
}

static void end_strings(const struct model_answer *a, bool dhcp, uint8_t *msg)
{
	static const uint32_t list[] = {
		STRINGS_ADDRESSES, STRINGS_SUBNETS, STRINGS_GATEWAYS, STRINGS_DNS,
	};
	uint32_t i, j;

	for (i = 0; i < 4; i++) {
		for (j = 0; j <= strlen(a->text[i]); j++) {
			msg[list[i] + 2 * j] = a->text[i][j];
			msg[list[i] + 2 * j + 1] = 0;
		}
	}
	msg[STRINGS_FAMILY] = family_of(a);
	msg[STRINGS_DHCP] = dhcp;
}

static void end_binary(const struct model_answer *a, bool dhcp, uint8_t *msg)
{
	static const uint32_t at[MODEL_TABLES][2] = {
		{ BINARY_V4, BINARY_V6 },
		{ BINARY_V4_GATEWAYS, BINARY_V6_GATEWAYS },
		{ BINARY_V4_DNS, BINARY_V6_DNS },
	};
	const struct model_entry *entry;
	uint32_t table, v6, i, mask, all = 0;

	for (table = 0; table < MODEL_TABLES; table++) {
		for (v6 = 0; v6 < 2; v6++) {
			uint32_t size = v6 ? 16 : 4;

			put32(msg + BINARY_COUNTS + 8 * table + 4 * v6,
			      a->count[table][v6]);
			for (i = 0; i < a->count[table][v6]; i++)
				memcpy(msg + at[table][v6] + size * i,
				       a->entries[table][v6][i].addr, size);
		}
	}
	for (v6 = 0; v6 < 2; v6++) {
		for (i = 0; i < a->count[MODEL_ADDRESSES][v6]; i++) {
			entry = &a->entries[MODEL_ADDRESSES][v6][i];
			mask = mask_of(v6 ? 0 : entry->prefix);
			if (v6)
				put32(msg + BINARY_PREFIXES + 4 * i, entry->prefix);
			else
				memcpy(msg + BINARY_MASKS + 4 * i, &mask, 4);
			msg[BINARY_ORIGINS + 2 * all] = entry->origin;
			msg[BINARY_ORIGINS + 2 * all++ + 1] = 0;
		}
	}
	msg[BINARY_FAMILY] = family_of(a);
	msg[BINARY_DHCP] = dhcp;
	msg[BINARY_ZERO] = 0;
	msg[BINARY_ZERO + 1] = 0;
}

void model_answer_end(const struct model_answer *a, bool dhcp, uint8_t *msg)
{
	if (a->binary)
		end_binary(a, dhcp, msg);
	else
		end_strings(a, dhcp, msg);
}

/* Each address to @to, its prefix to @prefix; how many. */
static uint32_t entries(const struct model_answer *a, enum model_table table,
			bool v6, uint8_t *to, uint8_t *prefix)
{
	uint32_t most = table == MODEL_GATEWAYS ? 5 : 64;
	uint32_t size = v6 ? 16 : 4, i;

	for (i = 0; i < most && i < a->count[table][v6]; i++) {
		memcpy(to + size * i, a->entries[table][v6][i].addr, size);
		if (prefix)
			prefix[i] = a->entries[table][v6][i].prefix;
	}
	return i;
}

int model_answer_config(const struct model_answer *a, bool dhcp,
			struct hv_kvp_ip_config *c)
{
	uint32_t table, v6;
	int left_out = 0;

	memset(c, 0, sizeof(*c));
	c->family = family_of(a);
	if (!c->family && dhcp && !a->binary)
		c->family = 1;
	if (!c->family || a->count[MODEL_ADDRESSES][0] > 64 ||
	    a->count[MODEL_ADDRESSES][1] > 64)
		return -EINVAL;
	for (table = MODEL_GATEWAYS; table < MODEL_TABLES; table++) {
		uint32_t most = table == MODEL_GATEWAYS ? 5 : 64;

		for (v6 = 0; v6 < 2; v6++)
			if (a->count[table][v6] > most)
				left_out += a->count[table][v6] - most;
	}
	c->dhcp = dhcp;
	c->v4_count = entries(a, MODEL_ADDRESSES, false, c->v4[0], c->v4_prefix);
	c->v6_count = entries(a, MODEL_ADDRESSES, true, c->v6[0], c->v6_prefix);
	c->v4_gateway_count = entries(a, MODEL_GATEWAYS, false, c->v4_gateway[0], NULL);
	c->v6_gateway_count = entries(a, MODEL_GATEWAYS, true, c->v6_gateway[0], NULL);
	c->v4_dns_count = entries(a, MODEL_DNS, false, c->v4_dns[0], NULL);
	c->v6_dns_count = entries(a, MODEL_DNS, true, c->v6_dns[0], NULL);
	return left_out;
}
