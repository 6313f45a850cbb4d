/* SPDX-License-Identifier: GPL-2.0 */
/* State and items in /sys/class/misc/hv_kvp/. */
#ifndef HKVP_SYSFS_H
#define HKVP_SYSFS_H

#include "wire.h"

struct device;
struct hkvp;

int hkvp_sysfs_register(struct hkvp *kvp);
void hkvp_sysfs_announce(void);
void hkvp_sysfs_unregister(void);
struct device *hkvp_sysfs_device(void);
void hkvp_sysfs_changed(void *ctx, enum hkvp_pool_id pool);
void hkvp_sysfs_state_changed(void *ctx);

#endif /* HKVP_SYSFS_H */
