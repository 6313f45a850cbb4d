// SPDX-License-Identifier: GPL-2.0
/* The ioctl that changes many items as one version: BATCH. */
#include <linux/sched/signal.h>
#include <linux/slab.h>
#include <linux/stddef.h>
#include <linux/string.h>
#include <linux/uaccess.h>

#include "chardev_file.h"

/* Smallest struct hv_kvp_op. */
#define OP_SIZE_MIN	offsetofend(struct hv_kvp_op, reserved)

#define DELETE_FLAGS	(HV_KVP_IF_GENERATION | HV_KVP_UNLESS_HOST | HV_KVP_OR_SKIP)
#define SET_FLAGS	(DELETE_FLAGS | HV_KVP_IF_ABSENT | HV_KVP_EPHEMERAL)

/**
 * struct batch - changes in the kernel's memory
 * @changes: the changes; each has memory of its own for key and value
 * @conditions: one for each
 * @count: number of @changes that are complete
 * @failed: the change after these is malformed
 */
struct batch {
	struct hkvp_change *changes;
	struct hkvp_condition *conditions;
	u32 count;
	bool failed;
};

/* How the operations are to be read. */
struct rules {
	struct hkvp_file *file;
	const struct hv_kvp_batch *args;
	enum hkvp_utf8 mode;
	enum hkvp_owner owner;
	u8 traits;
	bool privileged;
	bool only_sets;
};

static void free_batch(struct batch *batch)
{
	while (batch->count--)
		/* key and value are one object, and may be secrets */
		kfree_sensitive(batch->changes[batch->count].key);
	kvfree(batch->changes);
	kvfree(batch->conditions);
}

/* What does not depend on key and value. */
static int check_op(const struct hv_kvp_op *op, const struct rules *rules)
{
	u32 flags = op->flags;

	if (op->reserved || !hkvp_text_is_condition(flags, op->if_generation))
		return -EINVAL;
	switch (op->op) {
	case HV_KVP_OP_SET:
		/* the host's items are nobody's to take away */
		if (rules->owner == HKVP_OWNER_HOST && flags & HV_KVP_EPHEMERAL)
			return -EINVAL;
		return flags & ~SET_FLAGS ? -EINVAL : 0;
	case HV_KVP_OP_DELETE:
		if (flags & ~DELETE_FLAGS || op->value || op->value_len || op->type)
			return -EINVAL;
		return rules->only_sets ? -EOPNOTSUPP : 0;
	default:
		return -EINVAL;
	}
}

/* Sizes of what is in @text into @change. */
static int convert(struct hkvp_text *text, const struct hv_kvp_op *op,
		   const struct rules *rules, struct hkvp_change *change)
{
	enum hkvp_utf8 mode = rules->mode;
	int ret;

	change->owner = rules->owner;
	change->traits = rules->traits;
	change->privileged = rules->privileged;
	change->delete = op->op == HV_KVP_OP_DELETE;
	if (change->delete) {
		change->missing_ok = op->flags & HV_KVP_OR_SKIP;
		mode = HKVP_UTF8_WTF8;
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
	ret = hkvp_text_may_set(rules->args->pool, change);
	if (!ret && op->flags & HV_KVP_EPHEMERAL)
		ret = hkvp_hold_mark(rules->file, change);
	return ret;
}

static int read_op(struct hkvp_text *text, const struct rules *rules, u32 i,
		   struct hkvp_change *change, struct hkvp_condition *condition)
{
	const struct hv_kvp_batch *args = rules->args;
	u64 addr = args->ops + (u64)i * args->op_size;
	struct hv_kvp_op op;
	u8 *data;
	int ret;

	memset(change, 0, sizeof(*change));
	ret = copy_struct_from_user(&op, sizeof(op), u64_to_user_ptr(addr),
				    args->op_size);
	if (!ret)
		ret = check_op(&op, rules);
	if (!ret)
		ret = convert(text, &op, rules, change);
	if (ret)
		return ret;
	condition->flags = op.flags;
	condition->if_generation = op.if_generation;
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

static int alloc_batch(struct batch *batch, u32 count)
{
	batch->changes = kvmalloc_array(count ?: 1, sizeof(*batch->changes),
					GFP_KERNEL_ACCOUNT);
	batch->conditions = kvmalloc_array(count ?: 1, sizeof(*batch->conditions),
					   GFP_KERNEL_ACCOUNT);
	return batch->changes && batch->conditions ? 0 : -ENOMEM;
}

/* On an error too @batch is to be freed; it then tells how far this went. */
static int read_batch(struct batch *batch, const struct rules *rules)
{
	u32 count = rules->args->count;
	struct hkvp_text *text;
	int ret;

	text = hkvp_text_alloc(HKVP_KEY_UTF8_MAX, HKVP_VALUE_UTF8_MAX);
	ret = text ? alloc_batch(batch, count) : -ENOMEM;
	while (!ret && batch->count < count) {
		u32 i = batch->count;

		ret = read_op(text, rules, i, &batch->changes[i],
			      &batch->conditions[i]);
		batch->failed = ret && ret != -ENOMEM;
		if (ret)
			break;
		/* from here on free_batch() knows of it */
		batch->count++;
		if (fatal_signal_pending(current))
			ret = -EINTR;
		cond_resched();
	}
	kfree_sensitive(text);
	return ret;
}

/* Whose the items are to be: into @rules, if the caller may. */
static int find_owner(struct rules *rules)
{
	u32 pool = rules->args->pool;

	rules->mode = HKVP_UTF8_STRICT;
	rules->owner = HKVP_OWNER_AGENT;
	switch (rules->args->owner) {
	case HV_KVP_OWNER_AGENT:
		return hkvp_text_may_write(pool);
	case HV_KVP_OWNER_HOST:
		/* an administrator may put back what the host has had there */
		rules->mode = HKVP_UTF8_WTF8;
		rules->owner = HKVP_OWNER_HOST;
		rules->only_sets = true;
		return hkvp_text_may_fill(pool);
	case HV_KVP_OWNER_MIRROR:
		if (pool >= HKVP_POOL_COUNT)
			return -EINVAL;
		if (pool != HKVP_POOL_GUEST)
			return -EOPNOTSUPP;
		rules->traits = HKVP_TRAIT_MIRROR;
		return hkvp_is_mirror(rules->file) ? 0 : -EPERM;
	default:
		return -EINVAL;
	}
}

static int check_args(const struct hv_kvp_batch *args)
{
	bool expect = args->flags & HV_KVP_BATCH_IF_GENERATION;

	if (args->flags & ~HV_KVP_BATCH_IF_GENERATION || args->reserved ||
	    (!expect && args->if_generation) ||
	    args->op_size < OP_SIZE_MIN || args->op_size > PAGE_SIZE)
		return -EINVAL;
	if (args->count > HKVP_BATCH_MAX)
		return -E2BIG;
	/* no pool ever gets there, and the pool has another use for it */
	if (expect && args->if_generation == HKVP_ANY_GENERATION)
		return -ESTALE;
	return 0;
}

static int write_batch(struct hkvp_file *file, struct hv_kvp_batch *args,
		       const struct batch *batch)
{
	struct hkvp_write write = {
		.kvp = file->kvp,
		.id = args->pool,
		.conditions = batch->conditions,
		.update = {
			.changes = batch->changes,
			.count = batch->count,
			.expect = args->flags & HV_KVP_BATCH_IF_GENERATION ?
				  args->if_generation : HKVP_ANY_GENERATION,
			.failed = HKVP_NO_CHANGE,
		},
	};
	int ret = hkvp_write_many(hkvp_text_pool(file->kvp, args->pool), &write);

	args->failed = write.update.failed;
	if (ret)
		return ret;
	args->generation = write.update.generation;
	args->skipped = write.update.skipped;
	if (args->skipped < args->count)
		hkvp_chardev_changed(args->pool);
	return 0;
}

int hkvp_ioctl_batch(struct hkvp_file *file, void *arg)
{
	struct hv_kvp_batch *args = arg;
	struct rules rules = {
		.file = file,
		.args = args,
		.privileged = hkvp_text_is_privileged(),
	};
	struct batch batch = { };
	int ret;

	args->failed = HV_KVP_NO_OP;
	args->generation = 0;
	args->skipped = 0;
	ret = check_args(args) ?: find_owner(&rules);
	if (ret)
		return ret;
	ret = read_batch(&batch, &rules);
	if (batch.failed)
		args->failed = batch.count;
	if (!ret)
		ret = write_batch(file, args, &batch);
	free_batch(&batch);
	return ret;
}
