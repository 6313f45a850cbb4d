// SPDX-License-Identifier: GPL-2.0
/* What versions and files cost their owners. */
#include <linux/errno.h>
#include <linux/kernel.h>
#include <linux/limits.h>
#include <linux/rcupdate.h>
#include <linux/sched/signal.h>

#include "pool_version.h"

/* How often a writer that is over its budget has others make room for it. */
#define RELIEF_TRIES	20

void hkvp_budget_init(struct hkvp_budget *budget,
		      const struct hkvp_limit limits[HKVP_OWNER_COUNT],
		      u64 files)
{
	enum hkvp_owner owner;

	*budget = (struct hkvp_budget) { };
	for (owner = 0; owner < HKVP_OWNER_COUNT; owner++) {
		struct hkvp_account *account = &budget->account[owner];
		u64 bytes = limits[owner].bytes;

		account->limit = limits[owner];
		account->memory = bytes > U64_MAX / 4 - files ?
				  U64_MAX : 2 * bytes + bytes / 4 + files;
		if (owner == HKVP_OWNER_HOST)
			continue;
		account->reserve = (struct hkvp_limit) {
			.items = limits[owner].items / HKVP_RESERVE_SHARE,
			.bytes = bytes / HKVP_RESERVE_SHARE,
		};
	}
}

static struct hkvp_account *get_account(const struct hkvp_version *v,
					enum hkvp_owner owner)
{
	return &v->pool->budget->account[owner];
}

/* Items that @owner holds more, or with a negative number less, than before @v. */
static long more_items(const struct hkvp_version *v, enum hkvp_owner owner)
{
	return (long)v->items[owner] - (long)v->older->items[owner];
}

static long more_bytes(const struct hkvp_version *v, enum hkvp_owner owner)
{
	return v->item_bytes[owner] - v->older->item_bytes[owner];
}

/* Bytes that were allocated for @v: parts, lists of what it drops, and itself. */
static long born_bytes(const struct hkvp_version *v)
{
	const struct hkvp_version *base = v->older;

	/* What it dropped is in neither of the first two, and in the third. */
	return v->bytes - base->bytes + (v->turnover - base->turnover) -
	       base->size + v->size;
}

static bool take(atomic_long_t *sum, long more, u64 most)
{
	if ((unsigned long)atomic_long_add_return(more, sum) <= most)
		return true;
	atomic_long_sub(more, sum);
	return false;
}

/* Nothing is over a limit that it does not make worse. */
static bool take_items(const struct hkvp_version *v, enum hkvp_owner owner)
{
	struct hkvp_account *account = get_account(v, owner);
	long items = more_items(v, owner), bytes = more_bytes(v, owner);
	struct hkvp_limit reserve = { };

	if (items <= 0 && bytes <= 0)
		return true;
	if (!v->privileged)
		reserve = account->reserve;
	if (items > 0 && !take(&account->items, items,
			       account->limit.items - reserve.items))
		return false;
	if (bytes <= 0 || take(&account->bytes, bytes,
			       account->limit.bytes - reserve.bytes))
		return true;
	if (items > 0)
		atomic_long_sub(items, &account->items);
	return false;
}

static void give_items(const struct hkvp_version *v, enum hkvp_owner owner)
{
	struct hkvp_account *account = get_account(v, owner);
	long items = more_items(v, owner), bytes = more_bytes(v, owner);

	if (items > 0)
		atomic_long_sub(items, &account->items);
	if (bytes > 0)
		atomic_long_sub(bytes, &account->bytes);
}

/* Whether nobody holds more by @v than before, and somebody less, or it is a touch. */
static bool is_shrinking(const struct hkvp_version *v)
{
	bool less = !v->dead.count && !v->dead.next;
	enum hkvp_owner owner;

	for (owner = 0; owner < HKVP_OWNER_COUNT; owner++) {
		if (more_items(v, owner) > 0 || more_bytes(v, owner) > 0)
			return false;
		less |= more_bytes(v, owner) < 0;
	}
	return less;
}

/* Another writer was first: what is in the way may be the base of @v itself. */
static bool is_lost(const struct hkvp_version *v)
{
	return rcu_access_pointer(v->pool->root) != v->older;
}

/*
 * What waits to be freed is no reason to refuse a change, and old versions that
 * agents read are none either, but this takes process context. A change that
 * lets its owner hold less passes even if no room is made: what it keeps by that
 * is bounded by what there was to hold.
 */
static int take_memory(const struct hkvp_version *v, bool may_sleep)
{
	struct hkvp_account *account = get_account(v, v->owner);
	u64 most = account->memory;
	bool ended = true;
	int tries;

	if (!v->privileged)
		most -= account->reserve.bytes;
	if (take(&account->kept, born_bytes(v), most))
		return 0;
	if (!may_sleep)
		return -ENOMEM;
	for (tries = 0; tries < RELIEF_TRIES && ended; tries++) {
		if (is_lost(v))
			return -EAGAIN;
		if (fatal_signal_pending(current))
			return -EINTR;
		hkvp_pool_flush(v->pool);
		if (take(&account->kept, born_bytes(v), most))
			return 0;
		ended = v->pool->budget->relieve && v->pool->budget->relieve();
		if (take(&account->kept, born_bytes(v), most))
			return 0;
	}
	if (is_lost(v))
		return -EAGAIN;
	if (!is_shrinking(v))
		return -ENOSPC;
	atomic_long_add(born_bytes(v), &account->kept);
	return 0;
}

/*
 * Reserve what @v costs, before it is published. -ENOSPC: too much; -ENOMEM: process
 * context may have better luck; -EAGAIN: another writer was first; -EINTR: the task
 * is being killed.
 */
int hkvp_budget_reserve(const struct hkvp_version *v, bool may_sleep)
{
	enum hkvp_owner owner;
	int err = -ENOSPC;

	for (owner = 0; owner < HKVP_OWNER_COUNT; owner++)
		if (!take_items(v, owner))
			goto undo;
	err = take_memory(v, may_sleep);
	if (!err)
		return 0;
undo:
	while (owner--)
		give_items(v, owner);
	return err;
}

/* @v is published: give back what it holds less than the version before. */
void hkvp_budget_settle(const struct hkvp_version *v)
{
	enum hkvp_owner owner;

	for (owner = 0; owner < HKVP_OWNER_COUNT; owner++) {
		struct hkvp_account *account = get_account(v, owner);
		long items = more_items(v, owner), bytes = more_bytes(v, owner);

		if (items < 0)
			atomic_long_add(items, &account->items);
		if (bytes < 0)
			atomic_long_add(bytes, &account->bytes);
	}
}

/* @v will not be published: undo hkvp_budget_reserve(). */
void hkvp_budget_cancel(const struct hkvp_version *v)
{
	enum hkvp_owner owner;

	for (owner = 0; owner < HKVP_OWNER_COUNT; owner++)
		give_items(v, owner);
	atomic_long_sub(born_bytes(v), &get_account(v, v->owner)->kept);
}

/* @freed: bytes that each owner was charged for, and that are freed. */
void hkvp_budget_free(struct hkvp_budget *budget,
		      const unsigned long freed[HKVP_OWNER_COUNT])
{
	enum hkvp_owner owner;

	for (owner = 0; owner < HKVP_OWNER_COUNT; owner++)
		atomic_long_sub(freed[owner], &budget->account[owner].kept);
}

/* The first version of a pool, which is empty. */
void hkvp_budget_begin(const struct hkvp_version *v)
{
	atomic_long_add(v->size, &get_account(v, v->owner)->kept);
}

/* The last version of a pool: its items are held no longer. */
void hkvp_budget_end(const struct hkvp_version *v)
{
	enum hkvp_owner owner;

	for (owner = 0; owner < HKVP_OWNER_COUNT; owner++) {
		struct hkvp_account *account = get_account(v, owner);

		atomic_long_sub(v->items[owner], &account->items);
		atomic_long_sub(v->item_bytes[owner], &account->bytes);
	}
}

bool hkvp_budget_take_file(struct hkvp_budget *budget, enum hkvp_owner owner)
{
	struct hkvp_account *account = &budget->account[owner];

	return take(&account->kept, HKVP_FILE_BYTES,
		    account->memory - account->reserve.bytes);
}

void hkvp_budget_give_file(struct hkvp_budget *budget, enum hkvp_owner owner)
{
	atomic_long_sub(HKVP_FILE_BYTES, &budget->account[owner].kept);
}
