/* SPDX-License-Identifier: GPL-2.0 */
/*
 * The items of pool AUTO: what the kernel itself knows, unless an agent has
 * overridden it.
 */
#ifndef HKVP_INTRINSIC_H
#define HKVP_INTRINSIC_H

#include <linux/types.h>
#include "wire.h"

#define HKVP_INTRINSIC_COUNT	10

struct hkvp_pool;

void hkvp_intrinsic_init(const struct hkvp_pool *overrides);
int hkvp_intrinsic_index(const void *key, u32 key_size);
u64 hkvp_intrinsic_get(u32 index, struct hkvp_value *out, u64 *generation);
void hkvp_intrinsic_default(u32 index, struct hkvp_value *out);
int hkvp_intrinsic_at(void *ctx, u32 index, struct hkvp_value *out);
int hkvp_intrinsic_find(void *ctx, const void *key, u32 key_size,
			struct hkvp_value *out);
const char *hkvp_intrinsic_name(u32 index);

#endif /* HKVP_INTRINSIC_H */
