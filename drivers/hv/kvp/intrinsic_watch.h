/* SPDX-License-Identifier: GPL-2.0 */
/* Tells when what the kernel says of the guest is no longer what it was. */
#ifndef HKVP_INTRINSIC_WATCH_H
#define HKVP_INTRINSIC_WATCH_H

#include "wire.h"

struct hkvp_pool;

int hkvp_intrinsic_watch_start(struct hkvp_pool *pool,
			       void (*changed)(void *ctx, enum hkvp_pool_id id));
void hkvp_intrinsic_watch_stop(void);

#endif /* HKVP_INTRINSIC_WATCH_H */
