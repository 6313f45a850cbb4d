// SPDX-License-Identifier: GPL-2.0
/* Items between userland's form and that of the wire. */
#include <linux/capability.h>
#include <linux/minmax.h>
#include <linux/nospec.h>
#include <linux/overflow.h>
#include <linux/slab.h>
#include <linux/string.h>
#include <linux/uaccess.h>
#include <linux/user_namespace.h>

#include "chardev_file.h"
#include "intrinsic.h"

/* Most bytes on the wire of a string of @len bytes: a unit each, and the NUL. */
static u32 wire_room(u32 len, u32 max)
{
	return min(2 * len + 2, max);
}

/*
 * Room for a key and a value of these lengths, or shorter ones. Longer ones than
 * any may be are refused where they are read. Once it has had a value free it
 * with kfree_sensitive().
 */
struct hkvp_text *hkvp_text_alloc(u32 key_len, u32 value_len)
{
	struct hkvp_text *text;
	u32 key, value;

	key_len = min_t(u32, key_len, HKVP_KEY_UTF8_MAX);
	value_len = min_t(u32, value_len, HKVP_VALUE_UTF8_MAX);
	key = wire_room(key_len, HKVP_KEY_SIZE);
	value = wire_room(value_len, HKVP_VALUE_SIZE);
	text = kmalloc(struct_size(text, key,
				   key + value + max(key_len, value_len)),
		       GFP_KERNEL_ACCOUNT);
	if (!text)
		return NULL;
	text->value = text->key + key;
	text->utf8 = text->value + value;
	return text;
}

/* The pool of a number from userland, or NULL. */
struct hkvp_pool *hkvp_text_pool(struct hkvp *kvp, u32 id)
{
	if (id >= HKVP_POOL_COUNT)
		return NULL;
	return &kvp->pools[array_index_nospec(id, HKVP_POOL_COUNT)];
}

/* May the caller use what is reserved for administrators? Most may not: no audit. */
bool hkvp_text_is_privileged(void)
{
	return ns_capable_noaudit(&init_user_ns, CAP_SYS_ADMIN);
}

/*
 * Agents own pool GUEST, and privileged ones override what is in AUTO; the host's
 * are filled as if by the host. 0 or an error.
 */
int hkvp_text_may_write(u32 pool)
{
	switch (pool) {
	case HKVP_POOL_GUEST:
		return 0;
	case HKVP_POOL_AUTO:
		return capable(CAP_SYS_ADMIN) ? 0 : -EPERM;
	default:
		return pool < HKVP_POOL_COUNT ? -EPERM : -EINVAL;
	}
}

/* An administrator fills and purges the pools that the host fills. 0 or an error. */
int hkvp_text_may_fill(u32 pool)
{
	if (pool >= HKVP_POOL_COUNT)
		return -EINVAL;
	if (!(BIT(pool) & HKVP_HOST_FILLED))
		return -EOPNOTSUPP;
	return capable(CAP_SYS_ADMIN) ? 0 : -EPERM;
}

/*
 * Whether an item may be what @change makes it: in pool AUTO only an intrinsic
 * one can be set, and only to a string. 0 or an error.
 */
int hkvp_text_may_set(u32 pool, const struct hkvp_change *change)
{
	if (pool != HKVP_POOL_AUTO)
		return 0;
	if (hkvp_intrinsic_index(change->key, change->key_size) < 0)
		return -ENOENT;
	return change->type == HKVP_TYPE_SZ ? 0 : -EINVAL;
}

/*
 * The key at @key into @text->key. Its bytes there, or -EINVAL (empty or
 * with a NUL), -ENAMETOOLONG, -EILSEQ, -EFAULT.
 */
int hkvp_text_get_key(struct hkvp_text *text, u64 key, u32 len,
		      enum hkvp_utf8 mode)
{
	int ret;

	if (!len)
		return -EINVAL;
	if (len > HKVP_KEY_UTF8_MAX)
		return -ENAMETOOLONG;
	if (copy_from_user(text->utf8, u64_to_user_ptr(key), len))
		return -EFAULT;
	ret = hkvp_codec_from_utf8(text->key, wire_room(len, HKVP_KEY_SIZE),
				   text->utf8, len, mode);
	return ret == -E2BIG ? -ENAMETOOLONG : ret;
}

static int get_string(struct hkvp_text *text, u64 value, u32 len,
		      enum hkvp_utf8 mode)
{
	int ret;

	if (len > HKVP_VALUE_UTF8_MAX)
		return -EMSGSIZE;
	if (copy_from_user(text->utf8, u64_to_user_ptr(value), len))
		return -EFAULT;
	ret = hkvp_codec_from_utf8(text->value, wire_room(len, HKVP_VALUE_SIZE),
				   text->utf8, len, mode);
	return ret == -E2BIG ? -EMSGSIZE : ret;
}

static int get_dword(struct hkvp_text *text, u64 value, u32 len)
{
	__le32 wire;
	u32 number;

	if (len != sizeof(number))
		return -EINVAL;
	if (copy_from_user(&number, u64_to_user_ptr(value), len))
		return -EFAULT;
	wire = cpu_to_le32(number);
	memcpy(text->value, &wire, sizeof(wire));
	return sizeof(wire);
}

static int get_qword(struct hkvp_text *text, u64 value, u32 len)
{
	__le64 wire;
	u64 number;

	if (len != sizeof(number))
		return -EINVAL;
	if (copy_from_user(&number, u64_to_user_ptr(value), len))
		return -EFAULT;
	wire = cpu_to_le64(number);
	memcpy(text->value, &wire, sizeof(wire));
	return sizeof(wire);
}

/*
 * The value at @value into @text->value. Its bytes there, or -EINVAL
 * (unknown type, a size that is not the type's, or a NUL inside), -EMSGSIZE,
 * -EILSEQ, -EFAULT.
 */
int hkvp_text_get_value(struct hkvp_text *text, u32 type, u64 value, u32 len,
			enum hkvp_utf8 mode)
{
	switch (type) {
	case HV_KVP_TYPE_SZ:
	case HV_KVP_TYPE_EXPAND_SZ:
		return get_string(text, value, len, mode);
	case HV_KVP_TYPE_DWORD:
		return get_dword(text, value, len);
	case HV_KVP_TYPE_QWORD:
		return get_qword(text, value, len);
	default:
		return -EINVAL;
	}
}

/* Whether a generation is given where it is asked for, and only there. */
bool hkvp_text_is_condition(u32 flags, u64 if_generation)
{
	return flags & HV_KVP_IF_GENERATION || !if_generation;
}

/* HV_KVP_ITEM_* of an intrinsic item. */
u32 hkvp_text_source_flags(const struct hkvp_source *source)
{
	const struct hkvp_origin origin = { .traits = source->traits };

	return source->generation ? hkvp_view_flags(HKVP_POOL_AUTO, origin, 0) : 0;
}

/* HV_KVP_ITEM_* of an item. */
u32 hkvp_text_flags(const struct hkvp *kvp, enum hkvp_pool_id id,
		    const struct hkvp_item *item)
{
	return hkvp_view_flags(id, hkvp_view_origin(item),
			       READ_ONCE(kvp->ic.service.connection));
}
