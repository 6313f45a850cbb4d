/* SPDX-License-Identifier: GPL-2.0 */
/* What requests.c and requests_ip.c share: the guest's side, and one request. */
#ifndef MODEL_REQUESTS_H
#define MODEL_REQUESTS_H

#include "host.h"

/* As channel.c has it. */
#define CALLBACK	(GFP_NOWAIT | __GFP_NOWARN)

/**
 * struct world - the guest
 * @pools: its pools; each has a few items
 * @ic: what answers
 * @changed: times that a pool was said to have changed, the last one being
 * @changed_pool: this
 * @told: times that the host was said to have connected
 * @ip_left_out: what was left out of requests about addresses
 */
struct world {
	struct hkvp_pool pools[HKVP_POOL_COUNT];
	struct hkvp_ic ic;
	u32 changed;
	u8 changed_pool;
	u32 told;
	u64 ip_left_out;
};

extern struct world world;

/* How the request got on: allocations that it asked for, and if one failed. */
struct run {
	unsigned long allocations;
	bool failed;
};

enum hkvp_verdict handle(u8 *p, u32 len, gfp_t gfp, u32 nth, struct run *run);
u8 *copy_of(const void *packet, u32 len);
void settle(void);

/*
 * requests_ip.c: a guest whose host has negotiated @version, with a few items in
 * all pools but @empty; and its end.
 */
void begin_world(u32 version, u8 empty);
void end_world(void);

/* The requests about addresses; with @plan only how many tests they are. */
u32 run_ip(bool plan);

#endif /* MODEL_REQUESTS_H */
