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

/**
 * struct hkvp_source - where the value of an intrinsic item comes from
 * @looked_at: generation of pool AUTO that was looked at
 * @generation: of pool AUTO that set it, never 0; 0 if it is the kernel's own
 * @traits: HKVP_TRAIT_* of what was set
 */
struct hkvp_source {
	u64 looked_at;
	u64 generation;
	u8 traits;
};

void hkvp_intrinsic_init(const struct hkvp_pool *overrides);
int hkvp_intrinsic_index(const void *key, u32 key_size);
void hkvp_intrinsic_get(u32 index, struct hkvp_value *out,
			struct hkvp_source *source);
void hkvp_intrinsic_default(u32 index, struct hkvp_value *out);
int hkvp_intrinsic_at(void *ctx, u32 index, struct hkvp_value *out);
int hkvp_intrinsic_find(void *ctx, const void *key, u32 key_size,
			struct hkvp_value *out);
const char *hkvp_intrinsic_name(u32 index);

#endif /* HKVP_INTRINSIC_H */
