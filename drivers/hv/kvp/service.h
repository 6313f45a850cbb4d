/* SPDX-License-Identifier: GPL-2.0 */
/*
 * The KVP service: what the guest answers to each operation of the host.
 *
 * Pure: bytes in, bytes out. Knows the pools, and through @ops the intrinsic
 * items and the IP information; knows neither VMBus nor userland.
 */
#ifndef HKVP_SERVICE_H
#define HKVP_SERVICE_H

#include <linux/types.h>
#include "pool.h"
#include "wire.h"

/* What became of a request. */
enum hkvp_verdict {
	HKVP_REPLY,	/* the buffer holds the answer: send it */
	HKVP_DEFER,	/* nothing changed: call again in process context */
	HKVP_DROP,	/* not a request: no answer, go on */
};

/**
 * struct hkvp_service_ops - what the service asks of the rest of the guest
 * @intrinsic_at: write intrinsic item @index (key, type, sizes, value) into
 *	@out, ready for the wire. Any context. 0, -ENOENT past the last one.
 * @intrinsic_find: the same by key.
 * @changed: pool @pool has a new version. Any context, must not sleep.
 */
struct hkvp_service_ops {
	int (*intrinsic_at)(void *ctx, u32 index, struct hkvp_value *out);
	int (*intrinsic_find)(void *ctx, const void *key, u32 key_size,
			      struct hkvp_value *out);
	void (*changed)(void *ctx, enum hkvp_pool_id pool);
};

#endif /* HKVP_SERVICE_H */
