/* SPDX-License-Identifier: GPL-2.0 */
/* Who has hv_utils' node of KVP open. */
#ifndef HKVP_HOLDER_H
#define HKVP_HOLDER_H

#include <linux/types.h>

struct device_driver;

bool hkvp_holder_is_gone(const struct device_driver *hv_utils);

#endif /* HKVP_HOLDER_H */
