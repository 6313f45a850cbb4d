/* SPDX-License-Identifier: GPL-2.0 */
/*
 * Writes the answer to GET_IP_INFO, entry by entry, in either form.
 *
 * Pure. Every function may be called in any context, takes no lock and
 * allocates nothing.
 */
#ifndef HKVP_IP_ENCODE_H
#define HKVP_IP_ENCODE_H

#include <linux/types.h>
#include "wire.h"

/* The lists of the string form, by struct hkvp_ip_encoder. */
enum hkvp_ip_list {
	HKVP_IP_ADDRESSES_LIST,
	HKVP_IP_SUBNETS_LIST,
	HKVP_IP_GATEWAYS_LIST,
	HKVP_IP_DNS_LIST,
	HKVP_IP_LIST_COUNT
};

/**
 * struct hkvp_ip_encoder - an answer under construction
 * @strings: the message in string form, or NULL
 * @binary: the message in binary form, or NULL
 * @family: what is inside so far, enum hkvp_ip_family
 * @closed: bitmap of the lists that had no room for an entry, to which nothing
 *	is added any more; in binary form of the tables, two to a list
 * @used: string form: units of each list, without its NUL
 * @count: binary form: entries of each table, IPv4 and IPv6
 *
 * The message is complete after hkvp_ip_encoder_end(). What lies behind the
 * last entry of a list or table is left as it was.
 */
struct hkvp_ip_encoder {
	struct hkvp_ip_strings *strings;
	struct hkvp_ip_binary *binary;
	u8 family;
	u8 closed;
	u16 used[HKVP_IP_LIST_COUNT];
	u8 count[HKVP_IP_LIST_COUNT][2];
};

void hkvp_ip_encoder_strings(struct hkvp_ip_encoder *e,
			     struct hkvp_ip_strings *strings);
void hkvp_ip_encoder_binary(struct hkvp_ip_encoder *e,
			    struct hkvp_ip_binary *binary);

bool hkvp_ip_encode_v4(struct hkvp_ip_encoder *e, const void *addr,
		       u32 prefix, enum hkvp_ip_origin origin);
bool hkvp_ip_encode_v6(struct hkvp_ip_encoder *e, const void *addr,
		       u32 prefix, enum hkvp_ip_origin origin);
bool hkvp_ip_encode_gateway(struct hkvp_ip_encoder *e, bool v6,
			    const void *addr);
bool hkvp_ip_encode_dns(struct hkvp_ip_encoder *e, bool v6, const void *addr);

void hkvp_ip_encoder_end(struct hkvp_ip_encoder *e, bool dhcp);

#endif /* HKVP_IP_ENCODE_H */
