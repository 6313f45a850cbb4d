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
#include <linux/sched/signal.h>
#include <linux/string.h>

#include "pool_version.h"
#include "wire.h"

/* How long the reclaimer lets versions gather before it begins. */
#define RECLAIM_DELAY_MS	10

/* How long others are asked to leave a pool alone, at first and at most. */
#define QUIET_MIN	msecs_to_jiffies(20)
#define QUIET_MAX	msecs_to_jiffies(640)

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
 * Make @v current if the one it was built on still is. That is pinned, or the
 * caller has been in a read-side section since it was loaded: either way it was not
 * freed and came back under the same address.
 */
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

/* Whether what is built on @base can no longer be published, or is not needed. */
static int check_base(const struct hkvp_version *base)
{
	if (fatal_signal_pending(current))
		return -EINTR;
	return rcu_access_pointer(base->pool->root) == base ? 0 : -EAGAIN;
}

/* Whether change @i is to be made, as of typedef hkvp_check_fn. */
static int check_change(const struct hkvp_version *base,
			const struct hkvp_update *update, u32 i)
{
	const struct hkvp_change *change = &update->changes[i];

	if (!update->check)
		return 0;
	return update->check(update->ctx, i,
			     hkvp_version_find(base, change->key,
					       change->key_size));
}

static int apply_one(struct hkvp_version *v, struct hkvp_update *update, u32 i,
		     gfp_t gfp)
{
	const struct hkvp_change *change = &update->changes[i];
	int ret = check_change(v->older, update, i);

	if (!ret)
		ret = hkvp_build_apply(v, change, gfp);
	/* found out before anything was done to @v */
	if (ret > 0 || (ret == -ENOENT && change->missing_ok)) {
		update->skipped++;
		return 0;
	}
	if (ret && ret != -ENOMEM)
		update->failed = i;
	return ret;
}

/* All changes in @v. Stops as soon as it is in vain: nobody's base is kept for that. */
static int apply_all(struct hkvp_version *v, struct hkvp_update *update, gfp_t gfp)
{
	bool may_sleep = gfpflags_allow_blocking(gfp);
	int err;
	u32 i;

	update->skipped = 0;
	update->failed = HKVP_NO_CHANGE;
	for (i = 0; i < update->count; i++) {
		err = may_sleep ? check_base(v->older) : 0;
		if (!err)
			err = apply_one(v, update, i, gfp);
		if (err)
			return err;
		if (may_sleep)
			cond_resched();
	}
	return 0;
}

static int update_once(struct hkvp_pool *pool, struct hkvp_version *base,
		       struct hkvp_update *update, gfp_t gfp)
{
	union hkvp_build build;
	struct hkvp_version *v;
	int err;

	if (update->expect != HKVP_ANY_GENERATION &&
	    update->expect != base->generation)
		return -ESTALE;
	v = hkvp_build_begin(&build, pool, base,
			     update->count ? update->changes : NULL);
	update->generation = base->generation;
	err = apply_all(v, update, gfp);
	if (!err && update->skipped == update->count && !update->touch)
		return 0;
	update->generation = v->generation;
	return finish(pool, v, err, gfp);
}

static int update_atomic(struct hkvp_pool *pool, struct hkvp_update *update,
			 gfp_t gfp)
{
	struct hkvp_version *base;
	int err = -EAGAIN;
	int i;

	rcu_read_lock();
	for (i = 0; i < HKVP_POOL_TRIES && err == -EAGAIN; i++) {
		base = rcu_dereference(pool->root);
		if (backlog(pool, base) > HKVP_POOL_BACKLOG_ATOMIC)
			break;
		err = update_once(pool, base, update, gfp);
	}
	rcu_read_unlock();
	return err;
}

/*
 * The version to build on, pinned. What waits to be freed is little then: the
 * reclaimer gets its turn, and past the limit of atomic context no less than
 * that. So whatever is published on it comes on top of a bounded amount, however
 * many build. (Where @base is not current any more the difference may be anything.)
 */
static struct hkvp_version *pin_base(struct hkvp_pool *pool)
{
	unsigned long limit = HKVP_POOL_BACKLOG;
	struct hkvp_version *base;

	for (;;) {
		base = hkvp_pool_pin(pool);
		if (backlog(pool, base) <= limit)
			return base;
		hkvp_version_unpin(base);
		flush_delayed_work(&pool->reclaim);
		limit = HKVP_POOL_BACKLOG_ATOMIC;
	}
}

/* The caller keeps losing: ask others to wait, each time for longer. */
static unsigned long ask_for_quiet(struct hkvp_pool *pool, u32 times)
{
	unsigned long pause = min(QUIET_MIN << min(times, 8u), QUIET_MAX);
	/* 0 is for nobody */
	unsigned long until = (jiffies + pause) | 1;

	WRITE_ONCE(pool->quiet_until, until);
	return until;
}

/*
 * Ends what ask_for_quiet() began, unless another writer has asked since. One who
 * asks at this very moment may have to ask again.
 */
static void end_quiet(struct hkvp_pool *pool, unsigned long until)
{
	if (until && READ_ONCE(pool->quiet_until) == until)
		WRITE_ONCE(pool->quiet_until, 0);
}

/*
 * Every change in process context. Goes on until it is done, or the task is
 * killed: somebody else's change was made in each round that is lost.
 */
static int update_blocking(struct hkvp_pool *pool, struct hkvp_update *update,
			   gfp_t gfp)
{
	unsigned long quiet = 0;
	struct hkvp_version *base;
	u32 lost = 0;
	int err;

	might_sleep();
	gfp |= __GFP_RETRY_MAYFAIL;

	for (;;) {
		base = pin_base(pool);
		err = update_once(pool, base, update, gfp);
		hkvp_version_unpin(base);
		if (err != -EAGAIN)
			break;
		err = -EINTR;
		if (fatal_signal_pending(current))
			break;
		if (++lost % HKVP_POOL_TRIES == 0)
			quiet = ask_for_quiet(pool, lost / HKVP_POOL_TRIES - 1);
		cond_resched();
	}
	end_quiet(pool, quiet);
	return err;
}

int hkvp_pool_give_way(struct hkvp_pool *pool)
{
	unsigned long until = READ_ONCE(pool->quiet_until);

	might_sleep();
	/* to the end of this pause, and not of those that may follow it */
	while (until && READ_ONCE(pool->quiet_until) &&
	       time_before(jiffies, until)) {
		if (fatal_signal_pending(current))
			return -EINTR;
		schedule_timeout_killable(1);
	}
	return 0;
}

int hkvp_pool_update(struct hkvp_pool *pool, struct hkvp_update *update,
		     gfp_t gfp)
{
	u32 i;

	update->skipped = 0;
	for (i = 0; i < update->count; i++) {
		update->failed = i;
		if (!fits(&update->changes[i]))
			return -EMSGSIZE;
	}
	update->failed = HKVP_NO_CHANGE;
	gfp |= __GFP_NOWARN;
	if (gfpflags_allow_blocking(gfp))
		return update_blocking(pool, update, gfp);
	return update_atomic(pool, update, gfp);
}

int hkvp_pool_change(struct hkvp_pool *pool, const struct hkvp_change *change,
		     gfp_t gfp)
{
	struct hkvp_update update = {
		.changes = change,
		.count = 1,
		.expect = HKVP_ANY_GENERATION,
	};

	return hkvp_pool_update(pool, &update, gfp);
}

int hkvp_pool_batch(struct hkvp_pool *pool, const struct hkvp_change *changes,
		    u32 count, u64 expect)
{
	struct hkvp_update update = {
		.changes = changes,
		.count = count,
		.expect = expect,
	};

	return hkvp_pool_update(pool, &update, GFP_KERNEL_ACCOUNT);
}

int hkvp_pool_touch(struct hkvp_pool *pool)
{
	struct hkvp_update update = {
		.expect = HKVP_ANY_GENERATION,
		.touch = true,
	};

	return hkvp_pool_update(pool, &update, GFP_KERNEL);
}
