// SPDX-License-Identifier: GPL-2.0
/*
 * The messages of the old daemon protocol: registration, an item that the host
 * has set or deleted, addresses to set.
 *
 * The old fields hold UTF-8, a NUL included, in as many bytes as the wire has
 * for UTF-16: a string of the host's can be too long for them.
 */
#include <linux/string.h>

#include "codec.h"
#include "legacy_msg.h"
#include "pool.h"

/* Bytes without the NUL. */
#define KEY_MAX		(HV_KVP_EXCHANGE_MAX_KEY_SIZE - 1)
#define VALUE_MAX	(HV_KVP_EXCHANGE_MAX_VALUE_SIZE - 1)

/*
 * Of GUEST the daemon hears what the host sets, as with the stock kernel; what
 * agents keep there is theirs.
 */
static bool is_told(enum hkvp_pool_id pool, const struct hkvp_item *item)
{
	return pool != HKVP_POOL_GUEST || item->owner == HKVP_OWNER_HOST;
}

static bool is_string(const struct hkvp_item *item)
{
	return item->type == HKVP_TYPE_SZ || item->type == HKVP_TYPE_EXPAND_SZ;
}

static bool fits(const struct hkvp_item *item)
{
	if (hkvp_codec_to_utf8(NULL, 0, hkvp_item_key(item),
			       item->key_size) > KEY_MAX)
		return false;
	return !is_string(item) ||
	       hkvp_codec_to_utf8(NULL, 0, hkvp_item_value(item),
				  item->value_size) <= VALUE_MAX;
}

static bool same_value(const struct hkvp_item *a, const struct hkvp_item *b)
{
	return a->type == b->type && a->value_size == b->value_size &&
	       !memcmp(hkvp_item_value(a), hkvp_item_value(b), a->value_size);
}

static void begin(struct hv_kvp_msg *msg, u8 operation, u8 pool)
{
	memset(msg, 0, sizeof(*msg));
	msg->kvp_hdr.operation = operation;
	msg->kvp_hdr.pool = pool;
}

/* @item fits. Values are strings, integers in decimal, whatever their type. */
static void set_msg(struct hv_kvp_msg *msg, enum hkvp_pool_id pool,
		    const struct hkvp_item *item)
{
	begin(msg, KVP_OP_SET, pool);
	msg->body.kvp_set.data.value_type = HKVP_TYPE_SZ;
	msg->body.kvp_set.data.key_size = 1 +
		hkvp_codec_to_utf8(msg->body.kvp_set.data.key, KEY_MAX,
				   hkvp_item_key(item), item->key_size);
	msg->body.kvp_set.data.value_size = 1 +
		hkvp_codec_value_text(msg->body.kvp_set.data.value, VALUE_MAX,
				      item->type, hkvp_item_value(item),
				      item->value_size);
}

static void delete_msg(struct hv_kvp_msg *msg, enum hkvp_pool_id pool,
		       const struct hkvp_item *item)
{
	begin(msg, KVP_OP_DELETE, pool);
	msg->body.kvp_delete.key_size = 1 +
		hkvp_codec_to_utf8(msg->body.kvp_delete.key, KEY_MAX,
				   hkvp_item_key(item), item->key_size);
}

/**
 * hkvp_legacy_register_msg() - what a daemon that registers reads first
 * @msg: the message
 */
void hkvp_legacy_register_msg(struct hv_kvp_msg *msg)
{
	begin(msg, KVP_OP_REGISTER1, 0);
	strscpy(msg->body.kvp_register.version, HKVP_LEGACY_VERSION,
		sizeof(msg->body.kvp_register.version));
}

/**
 * hkvp_legacy_ip_msg() - set addresses
 * @msg: the message
 * @ip: the addresses, its strings UTF-8 with a NUL
 */
void hkvp_legacy_ip_msg(struct hv_kvp_msg *msg,
			const struct hv_kvp_ipaddr_value *ip)
{
	begin(msg, KVP_OP_SET_IP_INFO, 0);
	msg->body.kvp_ip_val = *ip;
}

/**
 * hkvp_legacy_change_msg() - tell a difference between two versions of a pool
 * @msg: the message
 * @pool: the pool
 * @old: item that the daemon was told, if it was; or NULL
 * @new: item as it is, or NULL
 * @left_out: set to true if @new is too long for the old fields
 *
 * The daemon has the old item to the letter, or not at all: what has become too
 * long is deleted there.
 *
 * Return: true if there is something to tell; else @msg is as it was.
 */
bool hkvp_legacy_change_msg(struct hv_kvp_msg *msg, enum hkvp_pool_id pool,
			    const struct hkvp_item *old,
			    const struct hkvp_item *new, bool *left_out)
{
	if (old && !is_told(pool, old))
		old = NULL;
	if (new && !is_told(pool, new))
		new = NULL;
	if (old && new && same_value(old, new))
		return false;
	if (new && fits(new)) {
		set_msg(msg, pool, new);
		return true;
	}
	*left_out = new;
	if (!old || !fits(old))
		return false;
	delete_msg(msg, pool, old);
	return true;
}
