/* SPDX-License-Identifier: GPL-2.0 */
#ifndef SHIM_LINUX_UUID_H
#define SHIM_LINUX_UUID_H

#include <linux/types.h>

#define UUID_STRING_LEN 36

typedef struct {
	u8 b[16];
} guid_t;

int guid_parse(const char *text, guid_t *guid);

#endif /* SHIM_LINUX_UUID_H */
