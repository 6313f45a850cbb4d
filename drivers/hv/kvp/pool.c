// SPDX-License-Identifier: GPL-2.0
/* Root of a pool: reading, pinning and publishing its versions. */
#include <linux/errno.h>
#include <linux/gfp.h>
#include <linux/jiffies.h>
#include <linux/kernel.h>
#include <linux/nospec.h>
#include <linux/random.h>
#include <linux/rcupdate.h>
#include <linux/sched.h>
#include <linux/string.h>

#include "pool_version.h"
#include "wire.h"

/* How long the reclaimer lets versions gather before it begins. */
#define RECLAIM_DELAY_MS	10

int hkvp_pool_init(struct hkvp_pool *pool, struct hkvp_budget *budget)
{
	union hkvp_build build;
	struct hkvp_version *v;

	memset(pool, 0, sizeof(*pool));
	pool->budget = budget;
	get_random_bytes(&pool->seed, sizeof(pool->seed));
	INIT_DELAYED_WORK(&pool->reclaim, hkvp_reclaim_work);
	if (hkvp_memory_get())
		return -ENOMEM;
	v = hkvp_build_complete(hkvp_build_begin(&build, pool, NULL, NULL),
				GFP_KERNEL);
	if (!v)
		goto put_memory;
	pool->wq = alloc_ordered_workqueue("hv_kvp_pool", 0);
	if (!pool->wq)
		goto free_version;
	hkvp_budget_begin(v);
	rcu_assign_pointer(pool->root, v);
	return 0;

free_version:
	hkvp_memory_free(v, v->size);
put_memory:
	hkvp_memory_put();
	return -ENOMEM;
}

void hkvp_pool_destroy(struct hkvp_pool *pool)
{
	unsigned long freed[HKVP_OWNER_COUNT] = { };
	struct hkvp_version *v;

	might_sleep();
	cancel_delayed_work_sync(&pool->reclaim);
	hkvp_reclaim(pool);
	synchronize_rcu();
	v = rcu_dereference_protected(pool->root, true);
	if (WARN_ON_ONCE(v->older || refcount_read(&v->refs) != 1))
		return;
	RCU_INIT_POINTER(pool->root, NULL);
	destroy_workqueue(pool->wq);
	hkvp_parts_free(v->keys, 0, freed);
	hkvp_parts_free(v->order, 0, freed);
	freed[v->owner] += v->size;
	hkvp_budget_free(pool->budget, freed);
	hkvp_budget_end(v);
	hkvp_memory_free(v, v->size);
	hkvp_memory_put();
}

void hkvp_pool_flush(struct hkvp_pool *pool)
{
	flush_delayed_work(&pool->reclaim);
}

static void reclaim_soon(struct hkvp_pool *pool)
{
	queue_delayed_work(pool->wq, &pool->reclaim,
			   msecs_to_jiffies(RECLAIM_DELAY_MS));
}

const struct hkvp_version *hkvp_pool_current(const struct hkvp_pool *pool)
{
	return rcu_dereference(pool->root);
}

struct hkvp_version *hkvp_pool_pin(struct hkvp_pool *pool)
{
	struct hkvp_version *v;

	rcu_read_lock();
	do {
		v = rcu_dereference(pool->root);
	} while (!refcount_inc_not_zero(&v->refs));
	rcu_read_unlock();
	return v;
}

void hkvp_version_unpin(struct hkvp_version *version)
{
	struct hkvp_pool *pool;

	if (!version)
		return;
	pool = version->pool;
	if (refcount_dec_and_test(&version->refs))
		reclaim_soon(pool);
}

u32 hkvp_version_count(const struct hkvp_version *version)
{
	return version->count;
}

u64 hkvp_version_generation(const struct hkvp_version *version)
{
	return version->generation;
}

struct hkvp_limit hkvp_version_usage(const struct hkvp_version *version,
				     enum hkvp_owner owner)
{
	return (struct hkvp_limit) {
		.items = version->items[owner],
		.bytes = version->item_bytes[owner],
	};
}

const struct hkvp_item *hkvp_version_find(const struct hkvp_version *version,
					  const void *key, u32 key_size)
{
	u32 hash = hkvp_keys_hash(version->pool, key, key_size);
	u32 index;

	return hkvp_keys_find(version, hash, key, key_size, &index);
}

const struct hkvp_item *hkvp_version_at(const struct hkvp_version *version,
					u32 index)
{
	if (index >= version->count)
		return NULL;
	/* it is the host's or a program's number */
	index = array_index_nospec(index, version->count);
	return hkvp_order_at(version, index);
}

static unsigned long backlog(const struct hkvp_pool *pool,
			     const struct hkvp_version *current_version)
{
	return current_version->turnover - READ_ONCE(pool->reclaimed);
}

struct hkvp_pool_usage hkvp_pool_usage(struct hkvp_pool *pool)
{
	const struct hkvp_version *v;
	struct hkvp_pool_usage usage;

	rcu_read_lock();
	v = hkvp_pool_current(pool);
	usage.current_bytes = v->bytes + v->size;
	usage.backlog_bytes = backlog(pool, v);
	usage.retained_bytes = READ_ONCE(pool->retained);
	rcu_read_unlock();
	return usage;
}

/*
 * The version to build on. With @pin it is pinned, else the caller is in a
 * read-side section: either way it cannot be freed and come back under the same
 * address before publish() compares it.
 */
static struct hkvp_version *get_base(struct hkvp_pool *pool, bool pin)
{
	return pin ? hkvp_pool_pin(pool) : rcu_dereference(pool->root);
}

/* Make @v current if the one it was built on still is. */
static bool publish(struct hkvp_pool *pool, struct hkvp_version *v)
{
	struct hkvp_version *base = v->older;
	struct hkvp_version *was;

	was = unrcu_pointer(cmpxchg(&pool->root, RCU_INITIALIZER(base),
				    RCU_INITIALIZER(v)));
	if (was != base)
		return false;
	reclaim_soon(pool);
	return true;
}

/*
 * Publish @v unless it failed with @err. 0: it is current. -EAGAIN: another writer
 * was first. With any error all that was built is gone.
 */
static int finish(struct hkvp_pool *pool, struct hkvp_version *v, int err,
		  gfp_t gfp)
{
	struct hkvp_version *complete;

	if (err)
		goto abort;
	err = -ENOMEM;
	complete = hkvp_build_complete(v, gfp);
	if (!complete)
		goto abort;
	err = hkvp_budget_reserve(v, gfpflags_allow_blocking(gfp));
	if (err)
		goto free;
	if (publish(pool, complete)) {
		hkvp_budget_settle(v);
		return 0;
	}
	hkvp_budget_cancel(v);
	err = -EAGAIN;
free:
	hkvp_memory_free(complete, complete->size);
abort:
	hkvp_build_abort(v);
	return err;
}

static bool fits(const struct hkvp_change *change)
{
	return change->key_size <= HKVP_KEY_SIZE &&
	       (change->delete || change->value_size <= HKVP_VALUE_SIZE);
}

static int change_once(struct hkvp_pool *pool, struct hkvp_version *base,
		       const struct hkvp_change *change, gfp_t gfp)
{
	union hkvp_build build;
	struct hkvp_version *v = hkvp_build_begin(&build, pool, base, change);
	int err = hkvp_build_apply(v, change, gfp);

	return finish(pool, v, err, gfp);
}

/* Let the reclaimer catch up. Process context. */
static void wait_for_reclaim(struct hkvp_pool *pool)
{
	unsigned long bytes;

	rcu_read_lock();
	bytes = backlog(pool, hkvp_pool_current(pool));
	rcu_read_unlock();
	if (bytes > HKVP_POOL_BACKLOG)
		flush_delayed_work(&pool->reclaim);
}

static int change_atomic(struct hkvp_pool *pool,
			 const struct hkvp_change *change, gfp_t gfp)
{
	struct hkvp_version *base;
	int err = -EAGAIN;
	int i;

	rcu_read_lock();
	for (i = 0; i < HKVP_POOL_ATOMIC_TRIES && err == -EAGAIN; i++) {
		base = get_base(pool, false);
		if (backlog(pool, base) > HKVP_POOL_BACKLOG_ATOMIC)
			break;
		err = change_once(pool, base, change, gfp);
	}
	rcu_read_unlock();
	return err;
}

int hkvp_pool_change(struct hkvp_pool *pool, const struct hkvp_change *change,
		     gfp_t gfp)
{
	struct hkvp_version *base;
	int err = -EAGAIN;
	int i;

	might_sleep_if(gfpflags_allow_blocking(gfp));
	if (!fits(change))
		return -EMSGSIZE;
	gfp |= __GFP_NOWARN;
	if (!gfpflags_allow_blocking(gfp))
		return change_atomic(pool, change, gfp);

	gfp |= __GFP_RETRY_MAYFAIL;
	wait_for_reclaim(pool);
	for (i = 0; i < HKVP_POOL_TRIES && err == -EAGAIN; i++) {
		base = get_base(pool, true);
		err = change_once(pool, base, change, gfp);
		hkvp_version_unpin(base);
	}
	return err;
}

static int apply_all(struct hkvp_version *v, const struct hkvp_change *changes,
		     u32 count, gfp_t gfp)
{
	int err;
	u32 i;

	for (i = 0; i < count; i++) {
		err = hkvp_build_apply(v, &changes[i], gfp);
		if (err)
			return err;
		cond_resched();
	}
	return 0;
}

static int batch_once(struct hkvp_pool *pool, struct hkvp_version *base,
		      const struct hkvp_change *changes, u32 count, u64 expect,
		      gfp_t gfp)
{
	union hkvp_build build;
	struct hkvp_version *v;

	if (expect != HKVP_ANY_GENERATION && expect != base->generation)
		return -ESTALE;
	if (!count)
		return 0;
	v = hkvp_build_begin(&build, pool, base, changes);
	return finish(pool, v, apply_all(v, changes, count, gfp), gfp);
}

int hkvp_pool_batch(struct hkvp_pool *pool, const struct hkvp_change *changes,
		    u32 count, u64 expect)
{
	gfp_t gfp = GFP_KERNEL_ACCOUNT | __GFP_RETRY_MAYFAIL | __GFP_NOWARN;
	struct hkvp_version *base;
	int err = -EAGAIN;
	u32 i;

	might_sleep();
	for (i = 0; i < count; i++)
		if (!fits(&changes[i]))
			return -EMSGSIZE;

	wait_for_reclaim(pool);
	for (i = 0; i < HKVP_POOL_TRIES && err == -EAGAIN; i++) {
		base = get_base(pool, true);
		err = batch_once(pool, base, changes, count, expect, gfp);
		hkvp_version_unpin(base);
	}
	return err;
}

static int touch_once(struct hkvp_pool *pool, struct hkvp_version *base,
		      gfp_t gfp)
{
	union hkvp_build build;

	return finish(pool, hkvp_build_begin(&build, pool, base, NULL), 0, gfp);
}

int hkvp_pool_touch(struct hkvp_pool *pool)
{
	struct hkvp_version *base;
	int err = -EAGAIN;
	int i;

	might_sleep();
	wait_for_reclaim(pool);
	for (i = 0; i < HKVP_POOL_TRIES && err == -EAGAIN; i++) {
		base = get_base(pool, true);
		err = touch_once(pool, base, GFP_KERNEL | __GFP_RETRY_MAYFAIL |
					     __GFP_NOWARN);
		hkvp_version_unpin(base);
	}
	return err;
}
