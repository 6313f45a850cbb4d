/* SPDX-License-Identifier: GPL-2.0 */
/*
 * What IP messages mean, said a second time and differently: byte offsets,
 * every entry of a list first, then inet_pton(). Knows none of the driver's
 * structures but the one that an IP agent gets.
 */
#ifndef IP_MODEL_H
#define IP_MODEL_H

#include <stdbool.h>
#include <stdint.h>
#include <linux/types.h>
#include <uapi/linux/hv_kvp.h>

#define MODEL_STRINGS	7426	/* bytes of each form */
#define MODEL_BINARY	3712
#define MODEL_LONGEST	48	/* text of an address */

/* Offsets in a message of string form. */
enum {
	STRINGS_ID = 0, STRINGS_FAMILY = 256, STRINGS_DHCP = 257,
	STRINGS_ADDRESSES = 258, STRINGS_SUBNETS = 2306,
	STRINGS_GATEWAYS = 4354, STRINGS_DNS = 5378,
};

/* Offsets in a message of binary form. */
enum {
	BINARY_COUNTS = 0, BINARY_ID = 24, BINARY_FAMILY = 280,
	BINARY_DHCP = 281, BINARY_ZERO = 282, BINARY_V4 = 284, BINARY_V6 = 540,
	BINARY_MASKS = 1564, BINARY_PREFIXES = 1820,
	BINARY_V4_GATEWAYS = 2076, BINARY_V6_GATEWAYS = 2096,
	BINARY_V4_DNS = 2176, BINARY_V6_DNS = 2432, BINARY_ORIGINS = 3456,
};

enum model_table { MODEL_ADDRESSES, MODEL_GATEWAYS, MODEL_DNS, MODEL_TABLES };

struct model_entry {
	uint8_t addr[16];
	uint8_t prefix;
	uint8_t origin;
};

/* More than fit into the longest list of text. */
#define MODEL_ENTRIES	512

/* An answer to GET_IP_INFO: what has been taken of what was added. */
struct model_answer {
	bool binary;
	struct model_entry entries[MODEL_TABLES][2][MODEL_ENTRIES];
	uint32_t count[MODEL_TABLES][2];
	bool closed[MODEL_TABLES][2];
	/* addresses, subnets, gateways, DNS servers: string form */
	char text[4][1024];
};

/* The adapter's name in order of its digits; GUID or MAC. */
bool model_adapter(const uint8_t *id, bool *is_guid, uint8_t digits[16]);

/* How much was left out, -ENOENT, -EINVAL; *@c is complete if that is no error. */
int model_decode(const uint8_t *msg, bool binary, struct hv_kvp_ip_config *c);

void model_answer_begin(struct model_answer *a, bool binary);
/* Whether it was taken. */
bool model_answer_add(struct model_answer *a, enum model_table table, bool v6,
		      const struct model_entry *entry);
/* Writes what the encoder is to write, and nothing else. */
void model_answer_end(const struct model_answer *a, bool dhcp, uint8_t *msg);
/* Read again as SET_IP_INFO, into *@c but for the adapter; as model_decode(). */
int model_answer_config(const struct model_answer *a, bool dhcp,
			struct hv_kvp_ip_config *c);

/* Both with a NUL. */
void model_address_text(char text[MODEL_LONGEST], bool v6, const uint8_t *addr);
void model_subnet_text(char text[MODEL_LONGEST], bool v6, uint32_t prefix);

#endif /* IP_MODEL_H */
