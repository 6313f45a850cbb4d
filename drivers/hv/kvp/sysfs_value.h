/* SPDX-License-Identifier: GPL-2.0 */
/* read() of the files in sysfs that show the value of an item. */
#ifndef HKVP_SYSFS_VALUE_H
#define HKVP_SYSFS_VALUE_H

#include <linux/types.h>

struct file;

ssize_t hkvp_sysfs_read_value(struct file *filp, char *buf, loff_t off,
			      size_t count,
			      int (*text_of)(const void *ctx, u8 *text,
					     u32 size),
			      const void *ctx);

#endif /* HKVP_SYSFS_VALUE_H */
