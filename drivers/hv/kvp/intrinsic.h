/* SPDX-License-Identifier: GPL-2.0 */
/* The items of pool AUTO that the kernel itself knows. */
#ifndef HKVP_INTRINSIC_H
#define HKVP_INTRINSIC_H

#include <linux/types.h>
#include "wire.h"

#define HKVP_INTRINSIC_COUNT	10

int hkvp_intrinsic_at(void *ctx, u32 index, struct hkvp_value *out);
int hkvp_intrinsic_find(void *ctx, const void *key, u32 key_size,
			struct hkvp_value *out);
const char *hkvp_intrinsic_name(u32 index);

#endif /* HKVP_INTRINSIC_H */
