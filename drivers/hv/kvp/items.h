/* SPDX-License-Identifier: GPL-2.0 */
/* One sysfs file per item of a pool. */
#ifndef HKVP_ITEMS_H
#define HKVP_ITEMS_H

#include <linux/kobject.h>
#include <linux/types.h>
#include <linux/workqueue.h>

struct hkvp_items;
struct hkvp_pool;

struct hkvp_items *hkvp_items_create(struct kobject *parent,
				     struct hkvp_pool *pool,
				     struct workqueue_struct *wq);
void hkvp_items_tell(struct hkvp_items *items, struct kobject *kobj,
		     const char *name);
void hkvp_items_destroy(struct hkvp_items *items);
void hkvp_items_changed(struct hkvp_items *items);

u64 hkvp_items_generation(const struct hkvp_items *items);
u32 hkvp_items_left_out(const struct hkvp_items *items);

#endif /* HKVP_ITEMS_H */
