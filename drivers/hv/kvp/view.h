/* SPDX-License-Identifier: GPL-2.0 */
/*
 * Items as programs see them: flags and values of the ABI. Pure; any context.
 */
#ifndef HKVP_VIEW_H
#define HKVP_VIEW_H

#include <linux/types.h>

#include "pool.h"
#include "wire.h"

/* Pools that the host fills anew at each connection. */
#define HKVP_HOST_FILLED	(BIT(HKVP_POOL_EXTERNAL) |		\
				 BIT(HKVP_POOL_AUTO_EXTERNAL) |		\
				 BIT(HKVP_POOL_AUTO_INTERNAL))

/**
 * struct hkvp_origin - where an item comes from
 * @connection: for items of the host the connection that last set it, else 0
 * @owner: enum hkvp_owner
 * @traits: HKVP_TRAIT_*
 */
struct hkvp_origin {
	u32 connection;
	u8 owner;
	u8 traits;
};

static inline struct hkvp_origin hkvp_view_origin(const struct hkvp_item *item)
{
	return (struct hkvp_origin) {
		.connection = item->connection,
		.owner = item->owner,
		.traits = item->traits,
	};
}

u32 hkvp_view_flags(enum hkvp_pool_id pool, struct hkvp_origin origin,
		    u32 connection);
int hkvp_view_value(u8 *dst, u32 size, u32 type, const void *value, u32 bytes);

#endif /* HKVP_VIEW_H */
