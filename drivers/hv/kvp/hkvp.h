/* SPDX-License-Identifier: GPL-2.0 */
/* What there is one of: the guest's side of the exchange. */
#ifndef HKVP_H
#define HKVP_H

#include "channel.h"
#include "ic.h"
#include "legacy.h"
#include "pool.h"

/**
 * struct hkvp - the whole service
 * @pools: the pools, by enum hkvp_pool_id; AUTO holds what agents override
 * @ic: answers the host
 * @channel: brings the host's packets to @ic
 * @legacy: counters of the old daemon protocol
 *
 * As old as the module: devices come and go.
 */
struct hkvp {
	struct hkvp_pool pools[HKVP_POOL_COUNT];
	struct hkvp_ic ic;
	struct hkvp_channel channel;
	struct hkvp_legacy_stats legacy;
};

#endif /* HKVP_H */
