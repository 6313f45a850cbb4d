/* SPDX-License-Identifier: GPL-2.0 */
/*
 * hsiphash() as on 64-bit kernels: SipHash-1-3 (Aumasson, Bernstein 2012), the
 * lower half of its result.
 */
#ifndef SHIM_LINUX_SIPHASH_H
#define SHIM_LINUX_SIPHASH_H

#include <linux/types.h>

typedef struct {
	unsigned long key[2];
} hsiphash_key_t;

/* ANDed to each result: a test narrows it to bring keys together. */
extern u32 shim_hash_mask;

u32 hsiphash(const void *data, size_t len, const hsiphash_key_t *key);

#endif /* SHIM_LINUX_SIPHASH_H */
