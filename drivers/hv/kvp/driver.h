/* SPDX-License-Identifier: GPL-2.0 */
/* The VMBus driver of the KVP device. */
#ifndef HKVP_DRIVER_H
#define HKVP_DRIVER_H

#include <linux/hyperv.h>
#include <linux/types.h>

struct hkvp_channel;

int hkvp_driver_register(struct hkvp_channel *channel);
void hkvp_driver_unregister(void);

bool hkvp_driver_is_kvp(const struct device *dev);
bool hkvp_driver_is_bound(void);
bool hkvp_driver_matches(struct device *dev);
struct device_driver *hkvp_driver_core(void);

#endif /* HKVP_DRIVER_H */
