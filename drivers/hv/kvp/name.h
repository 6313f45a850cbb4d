/* SPDX-License-Identifier: GPL-2.0 */
/* Names in sysfs: of pools, and of the files of keys. */
#ifndef HKVP_NAME_H
#define HKVP_NAME_H

#include <linux/types.h>

#include "wire.h"

/* Bytes of any file name, with its NUL: NAME_MAX of Linux's file systems, + 1. */
#define HKVP_NAME_SIZE		256

void hkvp_name_from_key(char name[HKVP_NAME_SIZE], const u8 *key, u32 len);
const char *hkvp_pool_name(enum hkvp_pool_id pool);

#endif /* HKVP_NAME_H */
