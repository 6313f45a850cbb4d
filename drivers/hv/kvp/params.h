/* SPDX-License-Identifier: GPL-2.0 */
/* Module parameters, checked and with their defaults filled in. */
#ifndef HKVP_PARAMS_H
#define HKVP_PARAMS_H

#include <linux/types.h>
#include "pool_budget.h"

/**
 * struct hkvp_params - what the module was loaded with
 * @limits: what each owner may hold in all pools
 * @host_may_write_guest: the host may change pool GUEST
 * @sysfs_items: most item files per pool in sysfs; 0: none, so that not even
 *	the keys show
 * @sysfs_mode: mode of those files
 */
struct hkvp_params {
	struct hkvp_limit limits[HKVP_OWNER_COUNT];
	bool host_may_write_guest;
	u32 sysfs_items;
	u16 sysfs_mode;
};

/* Constant once hkvp_params_init() has returned 0. */
extern struct hkvp_params hkvp_params;

int hkvp_params_init(void);
bool hkvp_params_takeover(void);

#endif /* HKVP_PARAMS_H */
