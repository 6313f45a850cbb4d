// SPDX-License-Identifier: GPL-2.0
/* The ioctl that deletes what the host has left: PURGE. */
#include <linux/sched/signal.h>
#include <linux/slab.h>

#include "chardev_file.h"

/* Items that are deleted as one version, and looked at before it sleeps. */
#define PURGE_MAX	128
#define PURGE_SLICE	1024

/**
 * struct purge - a walk over a pool, from the last item to the first
 * @changes: deletes of stale items of a version
 * @count: number of @changes
 * @above: indices from here on have been looked at; a delete fills its hole with
 *	an item from there
 */
struct purge {
	struct hkvp_change changes[PURGE_MAX];
	u32 count;
	u32 above;
};

/* The host's, and from before @connection, whatever came after that. */
static bool is_left(const struct hkvp_item *item, u32 connection)
{
	return item->owner == HKVP_OWNER_HOST &&
	       (!item->connection || (s32)(connection - item->connection) > 0);
}

static void find_left(const struct hkvp_version *v, u32 connection,
		      struct purge *purge)
{
	u32 looked = 0;

	purge->count = 0;
	purge->above = min(purge->above, hkvp_version_count(v));
	while (purge->above && purge->count < PURGE_MAX) {
		const struct hkvp_item *item =
			hkvp_version_at(v, --purge->above);

		if (is_left(item, connection))
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
static int purge_some(struct hkvp_pool *pool, struct hv_kvp_purge *args,
		      struct purge *purge)
{
	struct hkvp_update update = { .changes = purge->changes };
	struct hkvp_version *v;
	int turn = hkvp_write_begin(pool);
	int ret;

	if (turn < 0)
		return turn;
	v = hkvp_pool_pin(pool);
	find_left(v, args->connection, purge);
	update.count = purge->count;
	update.expect = hkvp_version_generation(v);
	ret = hkvp_pool_update(pool, &update, GFP_KERNEL_ACCOUNT);
	hkvp_version_unpin(v);
	hkvp_write_end(turn);
	if (ret)
		return ret;
	args->count += purge->count;
	/* where nothing was left that of before stands */
	if (purge->count || !args->generation)
		args->generation = update.generation;
	return 0;
}

static int purge_all(const struct hkvp *kvp, struct hkvp_pool *pool,
		     struct hv_kvp_purge *args, struct purge *purge)
{
	u32 above;
	int ret;

	purge->above = U32_MAX;
	do {
		if (args->connection != READ_ONCE(kvp->ic.service.connection))
			return -ESTALE;
		if (fatal_signal_pending(current))
			return -EINTR;
		above = purge->above;
		ret = purge_some(pool, args, purge);
		if (ret && ret != -ESTALE)
			return ret;
		/* the host was first: look again */
		if (ret)
			purge->above = above;
	} while (purge->above);
	return 0;
}

int hkvp_ioctl_purge(struct hkvp_file *file, void *arg)
{
	struct hv_kvp_purge *args = arg;
	struct purge *purge;
	int ret;

	args->count = 0;
	args->generation = 0;
	if (args->flags)
		return -EINVAL;
	/* what the host puts into GUEST is never stale */
	ret = hkvp_text_may_fill(args->pool);
	if (ret)
		return ret;

	purge = kmalloc(sizeof(*purge), GFP_KERNEL_ACCOUNT);
	if (!purge)
		return -ENOMEM;
	ret = purge_all(file->kvp, hkvp_text_pool(file->kvp, args->pool), args,
			purge);
	kfree(purge);
	if (args->count)
		hkvp_chardev_changed(args->pool);
	return ret;
}
