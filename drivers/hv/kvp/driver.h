/* SPDX-License-Identifier: GPL-2.0 */
/* The VMBus driver of the KVP device. */
#ifndef HKVP_DRIVER_H
#define HKVP_DRIVER_H

#include <linux/hyperv.h>
#include <linux/types.h>

struct hkvp_channel;

/* The driver that has KVP devices where this module is not. */
#define HKVP_HV_UTILS	"hv_utils"

/**
 * enum hkvp_driver_event - what becomes of a KVP device
 * @HKVP_DRIVER_BOUND: the driver has it, and its channel is open
 * @HKVP_DRIVER_UNBINDING: the driver is about to close and lose it
 * @HKVP_DRIVER_REFUSED: a second one, which another driver may have
 */
enum hkvp_driver_event {
	HKVP_DRIVER_BOUND,
	HKVP_DRIVER_UNBINDING,
	HKVP_DRIVER_REFUSED,
};

int hkvp_driver_register(struct hkvp_channel *channel,
			 void (*tell)(enum hkvp_driver_event event));
void hkvp_driver_unregister(void);

bool hkvp_driver_is_kvp(const struct device *dev);
bool hkvp_driver_is_bound(void);
void hkvp_driver_want(const struct device *dev);
void hkvp_driver_unwant(const struct device *dev);
bool hkvp_driver_wants(const struct device *dev);
bool hkvp_driver_matches(struct device *dev);
struct device_driver *hkvp_driver_core(void);

#endif /* HKVP_DRIVER_H */
