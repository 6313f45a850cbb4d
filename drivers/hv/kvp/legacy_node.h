/* SPDX-License-Identifier: GPL-2.0 */
/* When there is a /dev/vmbus/hv_kvp that is ours. */
#ifndef HKVP_LEGACY_NODE_H
#define HKVP_LEGACY_NODE_H

#include "driver.h"

void hkvp_legacy_node_start(struct device *sibling);
void hkvp_legacy_node_stop(void);
void hkvp_legacy_node_event(enum hkvp_driver_event event);

#endif /* HKVP_LEGACY_NODE_H */
