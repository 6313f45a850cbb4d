// SPDX-License-Identifier: GPL-2.0
/* The ioctls on one item: GET, SET, DELETE. */
#include <linux/slab.h>
#include <linux/uaccess.h>

#include "chardev_file.h"
#include "intrinsic.h"

/* Write the value as userland sees it into @text->utf8; its length or error. */
static int get_from_pool(const struct hkvp *kvp, const struct hkvp_pool *pool,
			 struct hvkvp_get *get, struct hkvp_text *text, int size)
{
	const struct hkvp_version *v;
	const struct hkvp_item *item;
	int len = -ENOENT;

	rcu_read_lock();
	v = hkvp_pool_current(pool);
	get->generation = hkvp_version_generation(v);
	item = hkvp_version_find(v, text->wire.key, size);
	if (item) {
		get->type = item->type;
		get->item_flags = hkvp_text_flags(kvp, get->pool, item);
		get->item_generation = hkvp_item_generation(item);
		len = hkvp_text_put_value(text->utf8, sizeof(text->utf8),
					  item->type, hkvp_item_value(item),
					  item->value_size);
	}
	rcu_read_unlock();
	return len;
}

static int get_intrinsic(struct hvkvp_get *get, struct hkvp_text *text, int size)
{
	int index = hkvp_intrinsic_index(text->wire.key, size);

	if (index < 0)
		return index;
	get->item_generation = hkvp_intrinsic_get(index, &text->wire,
						  &get->generation);
	get->item_flags = get->item_generation ? HVKVP_ITEM_OVERRIDE : 0;
	get->type = le32_to_cpu(text->wire.type);
	return hkvp_text_put_value(text->utf8, sizeof(text->utf8), get->type,
				   text->wire.value,
				   le32_to_cpu(text->wire.value_size));
}

static int get_value(const struct hkvp *kvp, const struct hkvp_pool *pool,
		     struct hvkvp_get *get, struct hkvp_text *text)
{
	u32 room = get->value_size;
	int ret;

	ret = hkvp_text_get_key(text, get->key, get->key_len, HKVP_UTF8_WTF8);
	if (ret < 0)
		return ret;
	get->item_flags = 0;
	get->item_generation = 0;
	get->generation = 0;
	if (get->pool == HKVP_POOL_AUTO)
		ret = get_intrinsic(get, text, ret);
	else
		ret = get_from_pool(kvp, pool, get, text, ret);
	if (ret < 0)
		return ret;

	get->value_size = ret;
	if (ret > room)
		return -ERANGE;
	if (copy_to_user(u64_to_user_ptr(get->value), text->utf8, ret))
		return -EFAULT;
	return 0;
}

int hkvp_ioctl_get(struct hkvp_file *file, void *arg)
{
	struct hvkvp_get *get = arg;
	struct hkvp_pool *pool = hkvp_text_pool(file->kvp, get->pool);
	struct hkvp_text *text;
	int ret;

	if (!pool || get->flags)
		return -EINVAL;
	text = hkvp_text_alloc();
	if (!text)
		return -ENOMEM;
	ret = get_value(file->kvp, pool, get, text);
	kfree_sensitive(text);
	return ret;
}

static int set_value(struct hkvp_pool *pool, const struct hvkvp_set *set,
		     struct hkvp_text *text)
{
	struct hkvp_change change = {
		.key = text->wire.key,
		.value = text->wire.value,
		.type = set->type,
		.owner = HKVP_OWNER_AGENT,
	};
	int ret;

	ret = hkvp_text_get_key(text, set->key, set->key_len, HKVP_UTF8_STRICT);
	if (ret < 0)
		return ret;
	change.key_size = ret;
	ret = hkvp_text_get_value(text, set->type, set->value, set->value_len,
				  HKVP_UTF8_STRICT);
	if (ret < 0)
		return ret;
	change.value_size = ret;
	ret = hkvp_text_may_set(set->pool, &change);
	return ret ?: hkvp_pool_change(pool, &change, GFP_KERNEL_ACCOUNT);
}

int hkvp_ioctl_set(struct hkvp_file *file, void *arg)
{
	const struct hvkvp_set *set = arg;
	struct hkvp_pool *pool = hkvp_text_pool(file->kvp, set->pool);
	struct hkvp_text *text;
	int ret;

	if (set->flags || set->reserved)
		return -EINVAL;
	ret = hkvp_text_may_write(set->pool);
	if (ret)
		return ret;
	text = hkvp_text_alloc();
	if (!text)
		return -ENOMEM;
	ret = set_value(pool, set, text);
	kfree_sensitive(text);
	if (!ret)
		hkvp_chardev_changed(set->pool);
	return ret;
}

int hkvp_ioctl_delete(struct hkvp_file *file, void *arg)
{
	const struct hvkvp_delete *delete = arg;
	struct hkvp_pool *pool = hkvp_text_pool(file->kvp, delete->pool);
	struct hkvp_change change = { .delete = true };
	struct hkvp_text *text;
	int ret;

	if (delete->flags || delete->reserved)
		return -EINVAL;
	ret = hkvp_text_may_write(delete->pool);
	if (ret)
		return ret;
	text = hkvp_text_alloc();
	if (!text)
		return -ENOMEM;
	ret = hkvp_text_get_key(text, delete->key, delete->key_len,
				HKVP_UTF8_WTF8);
	if (ret > 0) {
		change.key = text->wire.key;
		change.key_size = ret;
		ret = hkvp_pool_change(pool, &change, GFP_KERNEL_ACCOUNT);
	}
	kfree_sensitive(text);
	if (!ret)
		hkvp_chardev_changed(delete->pool);
	return ret;
}
