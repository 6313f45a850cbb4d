// SPDX-License-Identifier: GPL-2.0
/*
 * Writes the answer to GET_IP_INFO straight into the host's message.
 *
 * An entry is written whole or not at all. The first one that does not fit
 * closes its list, or its table for that family, so that what the host gets is
 * always the beginning of what there is.
 */
#include <asm/byteorder.h>
#include <linux/bits.h>
#include <linux/kernel.h>
#include <linux/string.h>

#include "ip_encode.h"

/* Longest texts of an address and of a subnet. */
#define TEXT_SIZE	sizeof("ffff:ffff:ffff:ffff:ffff:ffff:255.255.255.255")

/* A list of the string form. Messages may have any alignment. */
struct list {
	u8 *text;
	u32 room;	/* units, the NUL included */
};

static void put_unit(u8 *text, u32 at, char unit)
{
	text[2 * at] = unit;
	text[2 * at + 1] = 0;
}

/* Its character is ASCII, for we wrote it. */
static char get_unit(const u8 *text, u32 at)
{
	return text[2 * at];
}

static struct list list_of(const struct hkvp_ip_encoder *e, enum hkvp_ip_list id)
{
	struct hkvp_ip_strings *s = e->strings;

	switch (id) {
	case HKVP_IP_ADDRESSES_LIST:
		return (struct list) { (u8 *)s->addresses, ARRAY_SIZE(s->addresses) };
	case HKVP_IP_SUBNETS_LIST:
		return (struct list) { (u8 *)s->subnets, ARRAY_SIZE(s->subnets) };
	case HKVP_IP_GATEWAYS_LIST:
		return (struct list) { (u8 *)s->gateways, ARRAY_SIZE(s->gateways) };
	default:
		return (struct list) { (u8 *)s->dns, ARRAY_SIZE(s->dns) };
	}
}

static bool fits(const struct hkvp_ip_encoder *e, enum hkvp_ip_list id,
		 const char *text)
{
	u32 used = e->used[id];

	return used + !!used + strlen(text) < list_of(e, id).room;
}

/* The caller has seen that it fits. */
static void append(struct hkvp_ip_encoder *e, enum hkvp_ip_list id,
		   const char *text)
{
	struct list list = list_of(e, id);

	if (e->used[id])
		put_unit(list.text, e->used[id]++, ';');
	while (*text)
		put_unit(list.text, e->used[id]++, *text++);
}

/* Is @text one of the entries? */
static bool listed(const struct hkvp_ip_encoder *e, enum hkvp_ip_list id,
		   const char *text)
{
	const u8 *list = list_of(e, id).text;
	u32 len = strlen(text), used = e->used[id];
	u32 start = 0, same = 0, i;

	for (i = 0; i <= used; i++) {
		if (i < used && get_unit(list, i) != ';') {
			same += i - start < len && get_unit(list, i) == text[i - start];
			continue;
		}
		if (same == len && i - start == len)
			return true;
		start = i + 1;
		same = 0;
	}
	return false;
}

static void address_text(char text[TEXT_SIZE], bool v6, const void *addr)
{
	snprintf(text, TEXT_SIZE, v6 ? "%pI6c" : "%pI4", addr);
}

static __be32 mask_of(u32 prefix)
{
	return cpu_to_be32(prefix ? ~0u << (32 - prefix) : 0);
}

static void subnet_text(char text[TEXT_SIZE], bool v6, u32 prefix)
{
	__be32 mask;

	if (v6) {
		/* as hv_kvp_daemon.c has it */
		snprintf(text, TEXT_SIZE, "/%u", prefix);
		return;
	}
	mask = mask_of(prefix);
	snprintf(text, TEXT_SIZE, "%pI4", &mask);
}

/* Addresses and subnets are parallel: either gets an entry or neither does. */
static bool put_address_text(struct hkvp_ip_encoder *e, bool v6,
			     const void *addr, u32 prefix)
{
	char address[TEXT_SIZE], subnet[TEXT_SIZE];

	address_text(address, v6, addr);
	subnet_text(subnet, v6, prefix);
	if (!fits(e, HKVP_IP_ADDRESSES_LIST, address) ||
	    !fits(e, HKVP_IP_SUBNETS_LIST, subnet))
		return false;
	append(e, HKVP_IP_ADDRESSES_LIST, address);
	append(e, HKVP_IP_SUBNETS_LIST, subnet);
	return true;
}

static bool put_text(struct hkvp_ip_encoder *e, enum hkvp_ip_list id, bool v6,
		     const void *addr)
{
	char text[TEXT_SIZE];

	address_text(text, v6, addr);
	if (listed(e, id, text))
		return true;
	if (!fits(e, id, text))
		return false;
	append(e, id, text);
	return true;
}

/* Address @i of the binary form has its origin behind those of all before. */
static void put_origin(struct hkvp_ip_encoder *e, enum hkvp_ip_origin origin)
{
	const u8 *count = e->count[HKVP_IP_ADDRESSES_LIST];

	e->binary->origin[count[0] + count[1]] = cpu_to_le16(origin);
}

static bool put_v4_entry(struct hkvp_ip_encoder *e, const void *addr,
			 u32 prefix, enum hkvp_ip_origin origin)
{
	u8 *count = e->count[HKVP_IP_ADDRESSES_LIST];
	struct hkvp_ip_binary *b = e->binary;
	__be32 mask = mask_of(prefix);

	/* behind an IPv6 one it would take that one's origin */
	if (count[0] == HKVP_IP_ADDRESSES || count[1])
		return false;
	memcpy(b->v4[count[0]], addr, sizeof(b->v4[0]));
	memcpy(b->v4_mask[count[0]], &mask, sizeof(b->v4_mask[0]));
	put_origin(e, origin);
	count[0]++;
	return true;
}

static bool put_v6_entry(struct hkvp_ip_encoder *e, const void *addr,
			 u32 prefix, enum hkvp_ip_origin origin)
{
	u8 *count = e->count[HKVP_IP_ADDRESSES_LIST];
	struct hkvp_ip_binary *b = e->binary;

	if (count[1] == HKVP_IP_ADDRESSES)
		return false;
	memcpy(b->v6[count[1]], addr, sizeof(b->v6[0]));
	b->v6_prefix[count[1]] = cpu_to_le32(prefix);
	put_origin(e, origin);
	count[1]++;
	return true;
}

/* Into one of the other tables, once. */
static bool put_entry(struct hkvp_ip_encoder *e, enum hkvp_ip_list id, bool v6,
		      const void *addr)
{
	bool dns = id == HKVP_IP_DNS_LIST;
	u32 room = dns ? HKVP_IP_ADDRESSES : HKVP_IP_GATEWAYS;
	struct hkvp_ip_binary *b = e->binary;
	u8 *count = &e->count[id][v6];
	u32 size, i;
	u8 *table;

	if (v6) {
		table = dns ? b->v6_dns[0] : b->v6_gateway[0];
		size = sizeof(b->v6_dns[0]);
	} else {
		table = dns ? b->v4_dns[0] : b->v4_gateway[0];
		size = sizeof(b->v4_dns[0]);
	}
	for (i = 0; i < *count; i++)
		if (!memcmp(table + i * size, addr, size))
			return true;
	if (*count == room)
		return false;
	memcpy(table + i * size, addr, size);
	++*count;
	return true;
}

/* Once closed, a list stays so: no gap in what the host gets. */
static bool keep(struct hkvp_ip_encoder *e, enum hkvp_ip_list id, bool v6,
		 bool put)
{
	if (!put)
		e->closed |= BIT(id * 2 + (e->binary && v6));
	return put;
}

static bool closed(const struct hkvp_ip_encoder *e, enum hkvp_ip_list id,
		   bool v6)
{
	return e->closed & BIT(id * 2 + (e->binary && v6));
}

/**
 * hkvp_ip_encoder_strings() - begin an answer in string form
 * @e: encoder
 * @strings: the host's message
 */
void hkvp_ip_encoder_strings(struct hkvp_ip_encoder *e,
			     struct hkvp_ip_strings *strings)
{
	*e = (struct hkvp_ip_encoder) { .strings = strings };
}

/**
 * hkvp_ip_encoder_binary() - begin an answer in binary form
 * @e: encoder
 * @binary: the host's message
 */
void hkvp_ip_encoder_binary(struct hkvp_ip_encoder *e,
			    struct hkvp_ip_binary *binary)
{
	*e = (struct hkvp_ip_encoder) { .binary = binary };
}

/**
 * hkvp_ip_encode_v4() - add an IPv4 address
 * @e: encoder; has no IPv6 address yet
 * @addr: 4 bytes, network order
 * @prefix: length of its prefix, 0 to 32
 * @origin: where it is from; binary form only
 *
 * Return: false if it, or one before it, did not fit.
 */
bool hkvp_ip_encode_v4(struct hkvp_ip_encoder *e, const void *addr,
		       u32 prefix, enum hkvp_ip_origin origin)
{
	bool put;

	if (closed(e, HKVP_IP_ADDRESSES_LIST, false))
		return false;
	put = e->strings ? put_address_text(e, false, addr, prefix) :
			   put_v4_entry(e, addr, prefix, origin);
	if (put)
		e->family |= HKVP_IP_V4;
	return keep(e, HKVP_IP_ADDRESSES_LIST, false, put);
}

/**
 * hkvp_ip_encode_v6() - add an IPv6 address
 * @e: encoder
 * @addr: 16 bytes, network order
 * @prefix: length of its prefix, 0 to 128
 * @origin: where it is from; binary form only
 *
 * Return: false if it, or one before it, did not fit.
 */
bool hkvp_ip_encode_v6(struct hkvp_ip_encoder *e, const void *addr,
		       u32 prefix, enum hkvp_ip_origin origin)
{
	bool put;

	if (closed(e, HKVP_IP_ADDRESSES_LIST, true))
		return false;
	put = e->strings ? put_address_text(e, true, addr, prefix) :
			   put_v6_entry(e, addr, prefix, origin);
	if (put)
		e->family |= HKVP_IP_V6;
	return keep(e, HKVP_IP_ADDRESSES_LIST, true, put);
}

static bool encode_other(struct hkvp_ip_encoder *e, enum hkvp_ip_list id,
			 bool v6, const void *addr)
{
	if (closed(e, id, v6))
		return false;
	return keep(e, id, v6, e->strings ? put_text(e, id, v6, addr) :
					    put_entry(e, id, v6, addr));
}

/**
 * hkvp_ip_encode_gateway() - add a gateway that is not there yet
 * @e: encoder
 * @v6: family of @addr
 * @addr: 4 or 16 bytes, network order
 *
 * Return: false if it, or one before it, did not fit.
 */
bool hkvp_ip_encode_gateway(struct hkvp_ip_encoder *e, bool v6,
			    const void *addr)
{
	return encode_other(e, HKVP_IP_GATEWAYS_LIST, v6, addr);
}

/**
 * hkvp_ip_encode_dns() - add a DNS server that is not there yet
 * @e: encoder
 * @v6: family of @addr
 * @addr: 4 or 16 bytes, network order
 *
 * Return: false if it, or one before it, did not fit.
 */
bool hkvp_ip_encode_dns(struct hkvp_ip_encoder *e, bool v6, const void *addr)
{
	return encode_other(e, HKVP_IP_DNS_LIST, v6, addr);
}

static void end_strings(struct hkvp_ip_encoder *e, bool dhcp)
{
	enum hkvp_ip_list id;

	for (id = 0; id < HKVP_IP_LIST_COUNT; id++)
		put_unit(list_of(e, id).text, e->used[id], 0);
	e->strings->family = e->family;
	e->strings->dhcp = dhcp;
}

static void end_binary(struct hkvp_ip_encoder *e, bool dhcp)
{
	struct hkvp_ip_binary *b = e->binary;

	b->v4_count = cpu_to_le32(e->count[HKVP_IP_ADDRESSES_LIST][0]);
	b->v6_count = cpu_to_le32(e->count[HKVP_IP_ADDRESSES_LIST][1]);
	b->v4_gateway_count = cpu_to_le32(e->count[HKVP_IP_GATEWAYS_LIST][0]);
	b->v6_gateway_count = cpu_to_le32(e->count[HKVP_IP_GATEWAYS_LIST][1]);
	b->v4_dns_count = cpu_to_le32(e->count[HKVP_IP_DNS_LIST][0]);
	b->v6_dns_count = cpu_to_le32(e->count[HKVP_IP_DNS_LIST][1]);
	b->family = e->family;
	b->dhcp = dhcp;
	b->zero = 0;
}

/**
 * hkvp_ip_encoder_end() - complete the answer
 * @e: encoder
 * @dhcp: whether the adapter gets its addresses by DHCP
 *
 * The family is that of the addresses inside, HKVP_IP_NONE without any.
 */
void hkvp_ip_encoder_end(struct hkvp_ip_encoder *e, bool dhcp)
{
	if (e->strings)
		end_strings(e, dhcp);
	else
		end_binary(e, dhcp);
}
