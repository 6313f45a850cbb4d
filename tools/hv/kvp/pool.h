/* SPDX-License-Identifier: GPL-2.0 */
/* Names of pools and of types of values. */
#ifndef POOL_H
#define POOL_H

#include <linux/hv_kvp.h>

#define ALL_POOLS	((1u << HV_KVP_POOL_COUNT) - 1)

/* As in sysfs: external, guest, auto, auto_external, auto_internal. */
const char *pool_name(unsigned int pool);

/* By name or number; -1 if there is none. */
int pool_by_name(const char *name);

/* SZ, EXPAND_SZ, DWORD, QWORD. */
const char *type_name(unsigned int type);

/* In any case; 0 if there is none. */
unsigned int type_by_name(const char *name);

#endif /* POOL_H */
