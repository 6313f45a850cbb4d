/* SPDX-License-Identifier: GPL-2.0 */
/* /dev/hv_kvp, the pools for programs. */
#ifndef HKVP_CHARDEV_H
#define HKVP_CHARDEV_H

#include <linux/fs.h>
#include "wire.h"

struct hkvp;

/* Of the misc device. */
extern const struct file_operations hkvp_chardev_fops;

void hkvp_chardev_init(struct hkvp *kvp,
		       void (*changed)(void *ctx, enum hkvp_pool_id pool));
bool hkvp_chardev_relieve(void);
void hkvp_chardev_exit(void);

#endif /* HKVP_CHARDEV_H */
