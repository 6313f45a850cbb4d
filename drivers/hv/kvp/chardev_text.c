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
 * Agents own pool GUEST, and privileged ones override what is in AUTO; only an
 * import fills the host's. 0 or an error.
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

/* The same for imports and purges, which an administrator may do. */
int hkvp_text_may_import(u32 pool)
{
	switch (pool) {
	case HKVP_POOL_GUEST:
		return 0;
	case HKVP_POOL_AUTO:
		return -EOPNOTSUPP;
	default:
		if (pool >= HKVP_POOL_COUNT)
			return -EINVAL;
		return capable(CAP_SYS_ADMIN) ? 0 : -EPERM;
	}
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
	case HVKVP_TYPE_SZ:
	case HVKVP_TYPE_EXPAND_SZ:
		return get_string(text, value, len, mode);
	case HVKVP_TYPE_DWORD:
		return get_dword(text, value, len);
	case HVKVP_TYPE_QWORD:
		return get_qword(text, value, len);
	default:
		return -EINVAL;
	}
}

/*
 * A value of the wire as userland sees it. Its bytes, or -ENOSPC if they are
 * more than @size; HKVP_VALUE_UTF8_MAX always suffices.
 */
int hkvp_text_put_value(u8 *dst, u32 size, u32 type, const void *value,
			u32 bytes)
{
	__le64 wire = 0;
	u32 dword;
	u64 qword;

	switch (type) {
	case HKVP_TYPE_DWORD:
	case HKVP_TYPE_QWORD:
		if (bytes > size || bytes > sizeof(wire))
			return -ENOSPC;
		memcpy(&wire, value, bytes);
		qword = le64_to_cpu(wire);
		dword = qword;
		if (bytes == sizeof(dword))
			memcpy(dst, &dword, sizeof(dword));
		else
			memcpy(dst, &qword, bytes);
		return bytes;
	default:
		return hkvp_codec_to_utf8(dst, size, value, bytes);
	}
}

/*
 * HVKVP_ITEM_* of an item. What the host has put into GUEST it does not send
 * again, so that nothing there is stale.
 */
u32 hkvp_text_flags(const struct hkvp *kvp, enum hkvp_pool_id id,
		    const struct hkvp_item *item)
{
	if (item->owner != HKVP_OWNER_HOST)
		return 0;
	if (!(BIT(id) & HKVP_HOST_FILLED))
		return HVKVP_ITEM_HOST;
	if (item->connection &&
	    item->connection == READ_ONCE(kvp->ic.service.connection))
		return HVKVP_ITEM_HOST;
	return HVKVP_ITEM_HOST | HVKVP_ITEM_STALE;
}
