// SPDX-License-Identifier: GPL-2.0
/* read() of the files in sysfs that show the value of an item. */
#include <linux/capability.h>
#include <linux/fs.h>
#include <linux/slab.h>
#include <linux/string.h>
#include <linux/user_namespace.h>

#include "codec.h"
#include "params.h"
#include "sysfs_value.h"

/**
 * hkvp_sysfs_read_value() - read() of a file that shows the value of an item
 * @filp: the file; who opened it counts
 * @buf: as read() of a bin_attribute gives it
 * @off: likewise
 * @count: likewise
 * @text_of: write the text of the value as it is now; its bytes, or an error
 * @ctx: first argument of @text_of
 *
 * Context: process, may sleep.
 * Return: bytes read; -EPERM, -ENOMEM, or what @text_of returns.
 */
ssize_t hkvp_sysfs_read_value(struct file *filp, char *buf, loff_t off,
			      size_t count,
			      int (*text_of)(const void *ctx, u8 *text,
					     u32 size),
			      const void *ctx)
{
	ssize_t ret;
	u8 *text;

	/*
	 * Root's alone: not of a container's root either, which passes for the
	 * owner of the file wherever sysfs is mounted.
	 */
	if (hkvp_params.sysfs_mode == 0400 &&
	    !file_ns_capable(filp, &init_user_ns, CAP_SYS_ADMIN))
		return -EPERM;
	text = kmalloc(HKVP_VALUE_TEXT_MAX, GFP_KERNEL);
	if (!text)
		return -ENOMEM;
	ret = text_of(ctx, text, HKVP_VALUE_TEXT_MAX);
	if (ret >= 0)
		ret = memory_read_from_buffer(buf, count, &off, text, ret);
	/* values may be secrets */
	kfree_sensitive(text);
	return ret;
}
