// SPDX-License-Identifier: GPL-2.0
/*
 * One sysfs file per intrinsic item, as items.c has for the other pools. These
 * are always the same ones, and a read asks the system as the host would.
 */
#include <linux/slab.h>
#include <linux/sysfs.h>

#include "codec.h"
#include "compat.h"
#include "intrinsic.h"
#include "intrinsic_files.h"
#include "params.h"
#include "sysfs_value.h"

static struct kobject *folder;
static struct bin_attribute files[HKVP_INTRINSIC_COUNT];

/* Text of the value as it is now. */
static int get_text(const void *ctx, u8 *text, u32 size)
{
	const struct bin_attribute *attr = ctx;
	struct hkvp_value *item = kmalloc(sizeof(*item), GFP_KERNEL);
	struct hkvp_source source;
	int len;

	if (!item)
		return -ENOMEM;
	hkvp_intrinsic_get(attr - files, item, &source);
	len = hkvp_codec_value_text(text, size, le32_to_cpu(item->type),
				    item->value,
				    le32_to_cpu(item->value_size));
	kfree_sensitive(item);
	return len;
}

static ssize_t read_value(struct file *filp, struct kobject *kobj,
			  hkvp_bin_attribute *attr, char *buf, loff_t off,
			  size_t count)
{
	return hkvp_sysfs_read_value(filp, buf, off, count, get_text, attr);
}

/**
 * hkvp_intrinsic_files_create() - make items/ for pool AUTO
 * @parent: the pool's folder
 *
 * Context: process, may sleep.
 * Return: 0, -ENOMEM, or what sysfs returns; hkvp_intrinsic_files_remove()
 * cleans up in each case.
 */
int hkvp_intrinsic_files_create(struct kobject *parent)
{
	u32 i;
	int ret;

	folder = kobject_create_and_add("items", parent);
	if (!folder)
		return -ENOMEM;
	if (!hkvp_params.sysfs_items)
		return 0;
	for (i = 0; i < ARRAY_SIZE(files); i++) {
		sysfs_bin_attr_init(&files[i]);
		files[i].attr.name = hkvp_intrinsic_name(i);
		files[i].attr.mode = hkvp_params.sysfs_mode;
		files[i].read = read_value;
		ret = sysfs_create_bin_file(folder, &files[i]);
		if (ret)
			return ret;
	}
	return 0;
}

/**
 * hkvp_intrinsic_files_remove() - undo hkvp_intrinsic_files_create()
 *
 * Context: process, may sleep; waits for readers.
 */
void hkvp_intrinsic_files_remove(void)
{
	u32 i;

	for (i = 0; i < ARRAY_SIZE(files) && files[i].attr.name; i++)
		sysfs_remove_bin_file(folder, &files[i]);
	kobject_put(folder);
	folder = NULL;
}
