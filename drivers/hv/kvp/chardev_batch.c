// SPDX-License-Identifier: GPL-2.0
/* The ioctls that change many items as one version: BATCH, IMPORT, PURGE. */
#include <linux/sched/signal.h>
#include <linux/slab.h>
#include <linux/string.h>
#include <linux/uaccess.h>

#include "chardev_file.h"

/* Items that PURGE deletes as one version, and looks at before it sleeps. */
#define PURGE_MAX	128
#define PURGE_SLICE	1024

/**
 * struct batch - changes in the kernel's memory
 * @changes: the changes; each has memory of its own for key and value
 * @count: number of @changes that are complete
 * @failed: the change after these is malformed
 */
struct batch {
	struct hkvp_change *changes;
	u32 count;
	bool failed;
};

/* How the operations are to be read. */
struct rules {
	u64 ops;
	u32 count;
	u32 op_size;
	u32 pool;
	enum hkvp_utf8 mode;
	enum hkvp_owner owner;
	bool privileged;
	bool deletes;
};

static void free_batch(struct batch *batch)
{
	while (batch->count--)
		/* key and value are one object, and may be secrets */
		kfree_sensitive(batch->changes[batch->count].key);
	kvfree(batch->changes);
}

/* Sizes of what is in @text into @change. */
static int convert(struct hkvp_text *text, const struct hvkvp_op *op,
		   const struct rules *rules, struct hkvp_change *change)
{
	enum hkvp_utf8 mode = rules->mode;
	int ret;

	change->owner = rules->owner;
	change->privileged = rules->privileged;
	if (op->op == HVKVP_OP_DELETE && rules->deletes) {
		if (op->value || op->value_len || op->type)
			return -EINVAL;
		change->delete = true;
		mode = HKVP_UTF8_WTF8;
	} else if (op->op != HVKVP_OP_SET) {
		return -EINVAL;
	}
	ret = hkvp_text_get_key(text, op->key, op->key_len, mode);
	if (ret < 0)
		return ret;
	change->key_size = ret;
	if (change->delete)
		return 0;
	ret = hkvp_text_get_value(text, op->type, op->value, op->value_len,
				  mode);
	if (ret < 0)
		return ret;
	change->value_size = ret;
	change->type = op->type;
	change->key = text->key;
	return hkvp_text_may_set(rules->pool, change);
}

static int read_op(struct hkvp_text *text, const struct rules *rules, u32 i,
		   struct hkvp_change *change)
{
	u64 addr = rules->ops + (u64)i * rules->op_size;
	struct hvkvp_op op;
	u8 *data;
	int ret;

	memset(change, 0, sizeof(*change));
	ret = copy_struct_from_user(&op, sizeof(op), u64_to_user_ptr(addr),
				    rules->op_size);
	if (ret)
		return ret;
	ret = convert(text, &op, rules, change);
	if (ret)
		return ret;
	data = kmalloc(change->key_size + change->value_size,
		       GFP_KERNEL_ACCOUNT);
	if (!data)
		return -ENOMEM;
	memcpy(data, text->key, change->key_size);
	memcpy(data + change->key_size, text->value, change->value_size);
	change->key = data;
	change->value = data + change->key_size;
	return 0;
}

/* On an error too @batch is to be freed; it then tells how far this went. */
static int read_batch(struct batch *batch, const struct rules *rules)
{
	struct hkvp_text *text;
	int ret = -ENOMEM;

	if (rules->op_size < sizeof(struct hvkvp_op) ||
	    rules->op_size > PAGE_SIZE)
		return -EINVAL;
	if (rules->count > HKVP_BATCH_MAX)
		return -E2BIG;

	text = hkvp_text_alloc(HKVP_KEY_UTF8_MAX, HKVP_VALUE_UTF8_MAX);
	batch->changes = kvmalloc_array(rules->count ?: 1,
					sizeof(*batch->changes),
					GFP_KERNEL_ACCOUNT);
	if (!text || !batch->changes)
		goto failed;
	while (batch->count < rules->count) {
		ret = read_op(text, rules, batch->count,
			      &batch->changes[batch->count]);
		batch->failed = ret && ret != -ENOMEM;
		if (ret)
			goto failed;
		/* from here on free_batch() knows of it */
		batch->count++;
		ret = -EINTR;
		if (fatal_signal_pending(current))
			goto failed;
		cond_resched();
	}
	kfree_sensitive(text);
	return 0;

failed:
	kfree_sensitive(text);
	return ret;
}

int hkvp_ioctl_batch(struct hkvp_file *file, void *arg)
{
	struct hvkvp_batch *args = arg;
	struct hkvp_pool *pool = hkvp_text_pool(file->kvp, args->pool);
	const struct rules rules = {
		.ops = args->ops,
		.count = args->count,
		.op_size = args->op_size,
		.pool = args->pool,
		.mode = HKVP_UTF8_STRICT,
		.owner = HKVP_OWNER_AGENT,
		.privileged = hkvp_text_is_privileged(),
		.deletes = true,
	};
	bool expect = args->flags & HVKVP_BATCH_IF_GENERATION;
	struct batch batch = { };
	int ret;

	args->failed = HVKVP_NO_OP;
	if ((args->flags & ~HVKVP_BATCH_IF_GENERATION) || args->reserved ||
	    (!expect && args->generation))
		return -EINVAL;
	ret = hkvp_text_may_write(args->pool);
	if (ret)
		return ret;
	/* no pool ever gets there, and the pool has another use for it */
	if (expect && args->generation == HKVP_ANY_GENERATION)
		return -ESTALE;

	ret = read_batch(&batch, &rules);
	if (batch.failed)
		args->failed = batch.count;
	if (!ret)
		ret = hkvp_write_batch(pool, batch.changes, batch.count,
				       expect ? args->generation :
						HKVP_ANY_GENERATION);
	free_batch(&batch);
	if (!ret && args->count)
		hkvp_chardev_changed(args->pool);
	return ret;
}

/* What an import is about, for is_fresh(). */
struct place {
	const struct hkvp *kvp;
	enum hkvp_pool_id pool;
};

/* Whether an import must leave an item alone. */
static bool is_fresh(void *ctx, const struct hkvp_item *item)
{
	const struct place *place = ctx;

	return !(hkvp_text_flags(place->kvp, place->pool, item) &
		 HVKVP_ITEM_STALE);
}

static int import(const struct hkvp *kvp, struct hkvp_pool *pool,
		  struct hvkvp_import *args, const struct batch *batch)
{
	struct place place = { .kvp = kvp, .pool = args->pool };

	if (args->flags & HVKVP_IMPORT_REPLACE)
		return hkvp_write_batch(pool, batch->changes, batch->count,
					HKVP_ANY_GENERATION);
	return hkvp_write_add(pool, batch->changes, batch->count, is_fresh,
			      &place, &args->kept);
}

int hkvp_ioctl_import(struct hkvp_file *file, void *arg)
{
	struct hvkvp_import *args = arg;
	struct hkvp_pool *pool = hkvp_text_pool(file->kvp, args->pool);
	bool guest = args->pool == HKVP_POOL_GUEST;
	/*
	 * In the host's pools an administrator may put back what the host has
	 * had there. The host reads GUEST too, and there are hosts that give up
	 * the channel for an unpaired surrogate.
	 */
	const struct rules rules = {
		.ops = args->ops,
		.count = args->count,
		.op_size = args->op_size,
		.pool = args->pool,
		.mode = guest ? HKVP_UTF8_STRICT : HKVP_UTF8_WTF8,
		.owner = guest ? HKVP_OWNER_AGENT : HKVP_OWNER_HOST,
		.privileged = hkvp_text_is_privileged(),
	};
	struct batch batch = { };
	int ret;

	args->failed = HVKVP_NO_OP;
	args->kept = 0;
	if (args->flags & ~HVKVP_IMPORT_REPLACE)
		return -EINVAL;
	ret = hkvp_text_may_import(args->pool);
	if (ret)
		return ret;

	ret = read_batch(&batch, &rules);
	if (batch.failed)
		args->failed = batch.count;
	if (!ret)
		ret = import(file->kvp, pool, args, &batch);
	free_batch(&batch);
	if (!ret && args->kept < args->count)
		hkvp_chardev_changed(args->pool);
	return ret;
}

/**
 * struct purge - a walk over a pool, from the last item to the first
 * @changes: deletes of stale items of @version
 * @count: number of @changes
 * @above: indices from here on have been looked at; a delete fills its hole with
 *	an item from there
 */
struct purge {
	struct hkvp_change changes[PURGE_MAX];
	u32 count;
	u32 above;
};

static void find_stale(const struct hkvp *kvp, enum hkvp_pool_id id,
		       const struct hkvp_version *v, struct purge *purge)
{
	u32 looked = 0;

	purge->count = 0;
	purge->above = min(purge->above, hkvp_version_count(v));
	while (purge->above && purge->count < PURGE_MAX) {
		const struct hkvp_item *item =
			hkvp_version_at(v, --purge->above);

		if (hkvp_text_flags(kvp, id, item) & HVKVP_ITEM_STALE)
			purge->changes[purge->count++] = (struct hkvp_change) {
				.key = hkvp_item_key(item),
				.key_size = item->key_size,
				.owner = HKVP_OWNER_HOST,
				.delete = true,
			};
		if (++looked % PURGE_SLICE == 0)
			cond_resched();
	}
}

/* One go of a walk. The generation keeps it from what is new. */
static int purge_some(const struct hkvp *kvp, struct hkvp_pool *pool,
		      enum hkvp_pool_id id, struct purge *purge)
{
	struct hkvp_version *v;
	int turn = hkvp_write_begin(pool);
	int ret;

	if (turn < 0)
		return turn;
	v = hkvp_pool_pin(pool);
	find_stale(kvp, id, v, purge);
	ret = hkvp_pool_batch(pool, purge->changes, purge->count,
			      hkvp_version_generation(v));
	hkvp_version_unpin(v);
	hkvp_write_end(turn);
	return ret;
}

static int purge_all(const struct hkvp *kvp, struct hkvp_pool *pool,
		     struct hvkvp_purge *args, struct purge *purge)
{
	u32 above;
	int ret;

	purge->above = U32_MAX;
	while (purge->above) {
		if (fatal_signal_pending(current))
			return -EINTR;
		above = purge->above;
		ret = purge_some(kvp, pool, args->pool, purge);
		if (!ret) {
			args->count += purge->count;
			continue;
		}
		if (ret != -ESTALE)
			return ret;
		purge->above = above;
	}
	return 0;
}

int hkvp_ioctl_purge(struct hkvp_file *file, void *arg)
{
	struct hvkvp_purge *args = arg;
	struct hkvp_pool *pool = hkvp_text_pool(file->kvp, args->pool);
	struct purge *purge;
	int ret;

	args->count = 0;
	if (args->flags || args->reserved)
		return -EINVAL;
	/* what the host puts into GUEST is never stale */
	if (args->pool == HKVP_POOL_GUEST)
		return -EOPNOTSUPP;
	ret = hkvp_text_may_import(args->pool);
	if (ret)
		return ret;

	purge = kmalloc(sizeof(*purge), GFP_KERNEL_ACCOUNT);
	if (!purge)
		return -ENOMEM;
	ret = purge_all(file->kvp, pool, args, purge);
	kfree(purge);
	if (args->count)
		hkvp_chardev_changed(args->pool);
	return ret;
}
