// SPDX-License-Identifier: GPL-2.0
/* The ioctls on one item: GET, SET, DELETE. */
#include <linux/slab.h>
#include <linux/uaccess.h>

#include "chardev_file.h"
#include "intrinsic.h"

/* Room for most values; those that need more are asked for twice. */
#define SHORT_VALUE	256

/* The value as userland sees it; its bytes, -ENOENT or -ENOSPC: no room. */
static int get_from_pool(const struct hkvp *kvp, const struct hkvp_pool *pool,
			 struct hv_kvp_get *get, const void *key, u32 key_size,
			 u8 *value, u32 room)
{
	const struct hkvp_version *v;
	const struct hkvp_item *item;
	int len = -ENOENT;

	rcu_read_lock();
	v = hkvp_pool_current(pool);
	get->generation = hkvp_version_generation(v);
	item = hkvp_version_find(v, key, key_size);
	if (item) {
		get->type = item->type;
		get->item_flags = hkvp_text_flags(kvp, get->pool, item);
		get->item_generation = hkvp_item_generation(item);
		get->sequence = item->sequence;
		len = hkvp_view_value(value, room, item->type,
				      hkvp_item_value(item), item->value_size);
	}
	rcu_read_unlock();
	return len;
}

/* The same of an intrinsic item; also -ENOMEM. */
static int get_intrinsic(struct hv_kvp_get *get, const void *key, u32 key_size,
			 u8 *value, u32 room)
{
	int index = hkvp_intrinsic_index(key, key_size);
	struct hkvp_source source;
	struct hkvp_value *wire;
	int len;

	if (index < 0)
		return index;
	wire = kmalloc(sizeof(*wire), GFP_KERNEL_ACCOUNT);
	if (!wire)
		return -ENOMEM;
	hkvp_intrinsic_get(index, wire, &source);
	get->generation = source.looked_at;
	get->item_generation = source.generation;
	get->item_flags = hkvp_text_source_flags(&source);
	get->sequence = index + 1;
	get->type = le32_to_cpu(wire->type);
	len = hkvp_view_value(value, room, get->type, wire->value,
			      le32_to_cpu(wire->value_size));
	kfree_sensitive(wire);
	return len;
}

static int give_value(struct hv_kvp_get *get, const u8 *value, u32 len)
{
	u32 room = get->value_size;

	get->value_size = len;
	if (len > room)
		return -ERANGE;
	if (copy_to_user(u64_to_user_ptr(get->value), value, len))
		return -EFAULT;
	return 0;
}

/* By way of @room bytes; -ENOSPC: it takes more of them. */
static int get_value(const struct hkvp *kvp, const struct hkvp_pool *pool,
		     struct hv_kvp_get *get, const void *key, u32 key_size,
		     u32 room)
{
	u8 *value = kmalloc(room, GFP_KERNEL_ACCOUNT);
	int ret;

	if (!value)
		return -ENOMEM;
	get->item_flags = 0;
	get->item_generation = 0;
	get->generation = 0;
	get->sequence = 0;
	if (get->pool == HKVP_POOL_AUTO)
		ret = get_intrinsic(get, key, key_size, value, room);
	else
		ret = get_from_pool(kvp, pool, get, key, key_size, value, room);
	if (ret >= 0)
		ret = give_value(get, value, ret);
	/* it may be a secret */
	kfree_sensitive(value);
	return ret;
}

int hkvp_ioctl_get(struct hkvp_file *file, void *arg)
{
	struct hv_kvp_get *get = arg;
	struct hkvp_pool *pool = hkvp_text_pool(file->kvp, get->pool);
	struct hkvp_text *text;
	int size, ret;

	if (!pool || get->flags)
		return -EINVAL;
	text = hkvp_text_alloc(get->key_len, 0);
	if (!text)
		return -ENOMEM;
	size = hkvp_text_get_key(text, get->key, get->key_len, HKVP_UTF8_WTF8);
	ret = size;
	if (size > 0)
		ret = get_value(file->kvp, pool, get, text->key, size,
				SHORT_VALUE);
	if (ret == -ENOSPC)
		ret = get_value(file->kvp, pool, get, text->key, size,
				HKVP_VALUE_UTF8_MAX);
	kfree(text);
	return ret;
}

/* Which conditions an operation may have. */
#define SET_FLAGS	(HV_KVP_IF_ABSENT | HV_KVP_IF_GENERATION |	\
			 HV_KVP_UNLESS_HOST | HV_KVP_EPHEMERAL)
#define DELETE_FLAGS	(HV_KVP_IF_GENERATION | HV_KVP_UNLESS_HOST)

/* One change; its generation into @generation. */
static int write_one(struct hkvp_file *file, u32 pool,
		     const struct hkvp_change *change, u32 flags,
		     u64 if_generation, u64 *generation)
{
	const struct hkvp_condition condition = { flags, if_generation };
	struct hkvp_write write = {
		.kvp = file->kvp,
		.id = pool,
		.conditions = &condition,
		.update = {
			.changes = change,
			.count = 1,
			.expect = HKVP_ANY_GENERATION,
		},
	};
	int ret = hkvp_write_one(hkvp_text_pool(file->kvp, pool), &write);

	if (ret)
		return ret;
	*generation = write.update.generation;
	hkvp_chardev_changed(pool);
	return 0;
}

static int set_value(struct hkvp_file *file, struct hv_kvp_set *set,
		     struct hkvp_text *text)
{
	struct hkvp_change change = {
		.key = text->key,
		.value = text->value,
		.type = set->type,
		.owner = HKVP_OWNER_AGENT,
		.privileged = hkvp_text_is_privileged(),
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
	if (!ret && set->flags & HV_KVP_EPHEMERAL)
		ret = hkvp_hold_mark(file, &change);
	return ret ?: write_one(file, set->pool, &change, set->flags,
				set->if_generation, &set->generation);
}

int hkvp_ioctl_set(struct hkvp_file *file, void *arg)
{
	struct hv_kvp_set *set = arg;
	struct hkvp_text *text;
	int ret;

	if (set->flags & ~SET_FLAGS || set->reserved ||
	    !hkvp_text_is_condition(set->flags, set->if_generation))
		return -EINVAL;
	ret = hkvp_text_may_write(set->pool);
	if (ret)
		return ret;
	text = hkvp_text_alloc(set->key_len, set->value_len);
	if (!text)
		return -ENOMEM;
	ret = set_value(file, set, text);
	kfree_sensitive(text);
	return ret;
}

int hkvp_ioctl_delete(struct hkvp_file *file, void *arg)
{
	struct hv_kvp_delete *delete = arg;
	struct hkvp_change change = {
		.owner = HKVP_OWNER_AGENT,
		.privileged = hkvp_text_is_privileged(),
		.delete = true,
	};
	struct hkvp_text *text;
	int ret;

	if (delete->flags & ~DELETE_FLAGS || delete->reserved ||
	    !hkvp_text_is_condition(delete->flags, delete->if_generation))
		return -EINVAL;
	ret = hkvp_text_may_write(delete->pool);
	if (ret)
		return ret;
	text = hkvp_text_alloc(delete->key_len, 0);
	if (!text)
		return -ENOMEM;
	ret = hkvp_text_get_key(text, delete->key, delete->key_len,
				HKVP_UTF8_WTF8);
	if (ret > 0) {
		change.key = text->key;
		change.key_size = ret;
		ret = write_one(file, delete->pool, &change, delete->flags,
				delete->if_generation, &delete->generation);
	}
	kfree_sensitive(text);
	return ret;
}
