/* SPDX-License-Identifier: GPL-2.0 */
/* What there is one of: the guest's side of the exchange. */
#ifndef HKVP_H
#define HKVP_H

#include "channel.h"
#include "ic.h"
#include "pool.h"

/**
 * struct hkvp_legacy_stats - counters of legacy.c, read with READ_ONCE()
 * @messages: answers that daemons gave
 * @errors: those that were an error
 * @left_out: items that were too long for the old fields
 */
struct hkvp_legacy_stats {
	u64 messages;
	u64 errors;
	u64 left_out;
};

/**
 * struct hkvp - the whole service
 * @instance: random number of this load of the module, never 0
 * @budget: what host and agents may make the kernel keep, in all pools
 * @pools: the pools, by enum hkvp_pool_id; AUTO holds what agents override
 * @ic: answers the host
 * @channel: brings the host's packets to @ic
 * @legacy: counters of the old daemon protocol
 * @ip_left_out: what was left out of SET_IP_INFO; read with READ_ONCE()
 *
 * As old as the module: devices come and go.
 */
struct hkvp {
	u64 instance;
	struct hkvp_budget budget;
	struct hkvp_pool pools[HKVP_POOL_COUNT];
	struct hkvp_ic ic;
	struct hkvp_channel channel;
	struct hkvp_legacy_stats legacy;
	u64 ip_left_out;
};

#endif /* HKVP_H */
