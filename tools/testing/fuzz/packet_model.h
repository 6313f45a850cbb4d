/* SPDX-License-Identifier: GPL-2.0 */
/*
 * What the guest must answer to a packet, said a second time and differently:
 * flat arrays, byte offsets, one item after the other. Knows none of the
 * driver's structures.
 */
#ifndef PACKET_MODEL_H
#define PACKET_MODEL_H

#include <stdbool.h>
#include <stdint.h>

#define MODEL_POOLS	5
#define MODEL_ITEMS	8	/* items that the host may keep in all pools */
#define MODEL_ARENA	4096	/* items that one input may set */
#define MODEL_TIMEOUT	30000000000ull

struct model_item {
	uint32_t type;
	uint32_t key_size;
	uint32_t value_size;
	uint8_t key[512];
	uint8_t value[2048];
};

struct model_pool {
	const struct model_item *items[MODEL_ITEMS];
	uint32_t count;
};

struct model_cursor {
	bool open;
	struct model_pool seen;
	uint32_t last;
	uint64_t used;
};

struct model {
	struct model_pool pools[MODEL_POOLS];
	struct model_cursor cursors[MODEL_POOLS];
	uint32_t fw, msg;	/* major numbers chosen; minor ones are all 0 */
	uint32_t connection;
	uint32_t state;		/* as WMI counts them */
	uint32_t used;		/* of the arena */
	uint32_t waited;	/* times that the request has had no answer yet */
	struct model_item *arena;
};

/* How the driver got on with the memory it needed. */
enum model_memory {
	MODEL_ENOUGH,
	MODEL_NONE,	/* there was none: a change fails */
	MODEL_LATER,	/* it is put off: only what that leaves in the buffer */
};

enum model_verdict {
	MODEL_REPLY,
	MODEL_DROP,
	MODEL_DEFER,
	MODEL_WAIT,
};

/* What the emulated rest of the guest says about adapter id @first. */
int model_ip_error(uint8_t first);

/*
 * The same about a SET, asked for the @waited-th time from 0 on: bits 3 and 4
 * of @first are how often there is no answer yet, bit 5 says that it needs
 * process context.
 */
int model_set_ip_error(uint8_t first, uint32_t waited, bool may_block);

/* The host gives up a SET that waits: the channel is closed, or it starts over. */
#define MODEL_GIVES_UP		0x40
#define MODEL_STARTS_OVER	0x80

/* Both: the other end of the callbacks; item @index of AUTO, NULL past them. */
const struct model_item *model_intrinsic(uint32_t index);

void model_reset(struct model *m);
void model_close(struct model *m);
void model_open(struct model *m);
/* @packet becomes the answer, to the byte. */
enum model_verdict model_packet(struct model *m, uint8_t *packet, uint32_t len,
				uint64_t now, enum model_memory memory);
/* The same of a packet that waits, when a NEGOTIATE is behind it. */
void model_abandon(struct model *m, uint8_t *packet);
/* Whether a packet of @len bytes is one. */
bool model_is_negotiate(const uint8_t *packet, uint32_t len);

#endif /* PACKET_MODEL_H */
