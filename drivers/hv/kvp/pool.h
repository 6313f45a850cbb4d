/* SPDX-License-Identifier: GPL-2.0 */
/*
 * A pool of key-value items: an immutable version behind one root pointer.
 *
 * Readers take the current version under rcu_read_lock() and write nothing;
 * who needs it for longer pins it. Writers build the next version by copying
 * the path that they change and publish it with one cmpxchg.
 * Documentation/design/pool.md has the drawing and the argument.
 *
 * n is the number of items in the pool. "Atomic" below means any context but
 * NMI and hard interrupts; everything else is process context.
 */
#ifndef HKVP_POOL_H
#define HKVP_POOL_H

#include <linux/bits.h>
#include <linux/limits.h>
#include <linux/rcupdate.h>
#include <linux/siphash.h>
#include <linux/string.h>
#include <linux/types.h>
#include <linux/workqueue.h>

#include "pool_budget.h"

struct hkvp_version;

/**
 * struct hkvp_part - head of everything that versions share: items and nodes
 * @next: list of the reclaimer, who alone touches it, and only once the part is
 *	no longer in the current version
 * @birth: generation of the first version that holds the part
 * @size: bytes requested from the allocator
 * @kind: enum hkvp_part_kind of pool_version.h
 * @owner: enum hkvp_owner: who is charged for it
 * @map: of a key node: its children; 0 in all others
 * @hash: of an item: hash of its key
 */
struct hkvp_part {
	struct hkvp_part *next;
	u64 birth;
	u16 size;
	u8 kind;
	u8 owner;
	union {
		u32 map;
		u32 hash;
	};
};

/**
 * struct hkvp_item - one key and its value, immutable once published
 * @part: shared head; use hkvp_item_generation() for its birth
 * @sequence: orders the items of a pool by when their keys came
 * @connection: for items of the host the connection that last set it, else 0
 * @key_size: bytes of the key, UTF-16LE, the NUL included
 * @value_size: bytes of the value as on the wire; of strings with the NUL
 * @type: enum hkvp_type, as the change gave it
 * @owner: enum hkvp_owner
 * @traits: HKVP_TRAIT_*
 * @reserved: keeps the key at an even address
 * @data: key, then value, then, with HKVP_TRAIT_HELD, the holder;
 *	hkvp_item_key(), hkvp_item_value() and hkvp_item_holder()
 *
 * An item lives as long as a version that holds it: to the end of the read-side
 * section, or of the pin, that the version was had under.
 */
struct hkvp_item {
	struct hkvp_part part;
	u64 sequence;
	u32 connection;
	u16 key_size;
	u16 value_size;
	u8 type;
	u8 owner;
	u8 traits;
	u8 reserved;
	u8 data[];
};

/* What agents' items may be besides: it goes with its holder; the mirror's. */
#define HKVP_TRAIT_HELD	BIT(0)
#define HKVP_TRAIT_MIRROR	BIT(1)

/**
 * struct hkvp_change - one change to a pool
 * @key: key, UTF-16LE, NUL-terminated
 * @value: value as on the wire; strings NUL-terminated
 * @key_size: bytes of @key, the NUL included; 4 to HKVP_KEY_SIZE, even
 * @value_size: bytes of @value, at most HKVP_VALUE_SIZE
 * @type: enum hkvp_type; stored as it is, so QWORD_OLD is turned into QWORD
 *	by the caller
 * @connection: number of the host's connection, 0 for agents
 * @holder: of HKVP_TRAIT_HELD: never 0; else unused
 * @owner: who makes the change, and is charged for what it takes
 * @traits: HKVP_TRAIT_*
 * @privileged: may use what the budget reserves for administrators
 * @delete: delete @key; @value to @traits but @owner are then unused
 * @missing_ok: of a delete: that @key is not there is no error, and nothing is done
 *
 * The caller has checked the contents (codec.c does). The pool copies the bytes
 * and compares keys as bytes; of the sizes it refuses what would not fit.
 */
struct hkvp_change {
	const void *key;
	const void *value;
	u32 key_size;
	u32 value_size;
	u32 type;
	u32 connection;
	u64 holder;
	enum hkvp_owner owner;
	u8 traits;
	bool privileged;
	bool delete;
	bool missing_ok;
};

/**
 * struct hkvp_pool - a pool
 * @root: current version; replaced by cmpxchg only, never NULL once initialised
 * @budget: what each owner may keep, shared with other pools; fixed at init
 * @seed: key of the hash of the keys, random per pool, fixed at init
 * @wq: queue of @reclaim
 * @reclaim: frees what no reader and no pin can see any more; never runs twice
 *	at a time
 * @reclaimed: bytes that @reclaim has dealt with since init, wrapping; who else
 *	reads it uses READ_ONCE(), as of @retained
 * @retained: bytes that are kept for pinned old versions alone
 * @quiet_until: until when agents begin no change, in jiffies, because a writer
 *	keeps losing; 0 if there is none
 */
struct hkvp_pool {
	struct hkvp_version __rcu *root;
	struct hkvp_budget *budget;
	hsiphash_key_t seed;
	struct workqueue_struct *wq;
	struct delayed_work reclaim;
	unsigned long reclaimed;
	unsigned long retained;
	unsigned long quiet_until;
};

/**
 * hkvp_pool_init() - make an empty pool, generation 0
 * @pool: memory for it
 * @budget: what it may keep, with all pools of the same budget; outlives them
 *
 * Context: process, may sleep.
 * Return: 0 or -ENOMEM.
 */
int hkvp_pool_init(struct hkvp_pool *pool, struct hkvp_budget *budget);

/**
 * hkvp_pool_destroy() - free a pool and all its items
 * @pool: pool that hkvp_pool_init() made
 *
 * Before the call: stop whatever begins to read or change the pool, and drop all
 * pins. Read-side sections that began earlier are waited for. Nothing of the
 * pool runs afterwards, and no RCU callback of its is ever outstanding, so that
 * module exit needs no rcu_barrier() on its behalf.
 *
 * A pin that is still open is a bug of the caller: it is reported with a
 * warning, and the pool is leaked rather than freed under its reader.
 *
 * Context: process, may sleep. Cost: n.
 */
void hkvp_pool_destroy(struct hkvp_pool *pool);

/**
 * hkvp_pool_flush() - free what can be freed by now
 * @pool: pool
 *
 * Context: process, may sleep.
 */
void hkvp_pool_flush(struct hkvp_pool *pool);

/**
 * hkvp_pool_current() - the version to read from
 * @pool: pool
 *
 * This load is the point where the read takes effect: all lookups in the
 * version see the pool as it was then.
 *
 * Context: any, within rcu_read_lock(); the version, its items and their bytes
 *	are good until rcu_read_unlock(). Writes nothing. Cost: one load.
 * Return: the version, never NULL.
 */
const struct hkvp_version *hkvp_pool_current(const struct hkvp_pool *pool);

/**
 * hkvp_pool_pin() - the current version, kept until hkvp_version_unpin()
 * @pool: pool
 *
 * Costs memory: at most what the version holds that later versions do not,
 * however many updates go by. Who pins limits the number of pins.
 *
 * Context: atomic. Cost: constant; goes round again only when another version
 *	was published and reclaimed meanwhile.
 * Return: the version, never NULL.
 */
struct hkvp_version *hkvp_pool_pin(struct hkvp_pool *pool);

/**
 * hkvp_version_unpin() - end a pin
 * @version: version from hkvp_pool_pin(), or NULL
 *
 * What no other version holds is freed later, by the pool's work item and after
 * a grace period. So a reader that still looks at the version in a read-side
 * section which began before the unpin is safe.
 *
 * Context: atomic. Cost: constant.
 */
void hkvp_version_unpin(struct hkvp_version *version);

/*
 * Readers. Context: any, with @version current under rcu_read_lock(), or
 * pinned. They take no lock, write nothing and cannot fail otherwise.
 */

/**
 * hkvp_version_count() - number of items
 * @version: version
 *
 * Return: n; the indices are 0 to n - 1. Cost: constant.
 */
u32 hkvp_version_count(const struct hkvp_version *version);

/**
 * hkvp_version_generation() - how many versions there were before this one
 * @version: version
 *
 * Return: the number, 1 more with each version. Cost: constant.
 */
u64 hkvp_version_generation(const struct hkvp_version *version);

/**
 * hkvp_version_usage() - what one owner keeps
 * @version: version
 * @owner: owner
 *
 * Return: items, and bytes as the limits count them. Cost: constant.
 */
struct hkvp_limit hkvp_version_usage(const struct hkvp_version *version,
				     enum hkvp_owner owner);

/**
 * hkvp_version_find() - item by key
 * @version: version
 * @key: key as in struct hkvp_change; any bytes and any size are safe
 * @key_size: bytes of @key
 *
 * Return: the item or NULL. Cost: log n, and one hash of the key.
 */
const struct hkvp_item *hkvp_version_find(const struct hkvp_version *version,
					  const void *key, u32 key_size);

/**
 * hkvp_version_at() - item by index
 * @version: version
 * @index: any number
 *
 * Order is that of insertion; an update keeps the item's place, a delete moves
 * the last item into the hole.
 *
 * Return: the item, or NULL past the last one. Cost: log n.
 */
const struct hkvp_item *hkvp_version_at(const struct hkvp_version *version,
					u32 index);

/**
 * typedef hkvp_diff_fn - told one difference between two versions
 * @ctx: as given to hkvp_version_diff()
 * @old: the item as it was, NULL if it was added
 * @new: the item as it is, NULL if it was deleted
 *
 * Return: 0 to go on; anything else ends the walk.
 */
typedef int (*hkvp_diff_fn)(void *ctx, const struct hkvp_item *old,
			    const struct hkvp_item *new);

/**
 * hkvp_version_diff() - tell the differences between two versions of one pool
 * @old: a version
 * @new: a version, older or newer
 * @fn: called once for each key that was added, deleted or set in between, in
 *	no particular order; items that only changed place are not told
 * @ctx: passed on to @fn
 *
 * A key that was deleted and added again, or set to what it was, is told as
 * set. A key that came and went in between is not told.
 *
 * Context: as @fn, with both versions pinned, or both current in the same
 *	read-side section. Cost: d log n for d changed places; what the versions
 *	share is skipped.
 * Return: 0, or what ended the walk.
 */
int hkvp_version_diff(const struct hkvp_version *old,
		      const struct hkvp_version *new,
		      hkvp_diff_fn fn, void *ctx);

/**
 * hkvp_version_diff_from() - hkvp_version_diff() that is taken up again
 * @old: a version, or NULL for one without items
 * @new: a version
 * @place: where to begin, 0 at first; moved behind each difference that is told
 * @fn: as of hkvp_version_diff(); differences come in the order of the indices
 * @ctx: passed on to @fn
 *
 * Context: as hkvp_version_diff(). Cost: that of what is left from @place on.
 * Return: 0, or what ended the walk.
 */
int hkvp_version_diff_from(const struct hkvp_version *old,
			   const struct hkvp_version *new, u64 *place,
			   hkvp_diff_fn fn, void *ctx);

/* Key of an item, item->key_size bytes. Lives as long as the item. */
static inline const void *hkvp_item_key(const struct hkvp_item *item)
{
	return item->data;
}

/* Value of an item, item->value_size bytes, not aligned. Lives as the item. */
static inline const void *hkvp_item_value(const struct hkvp_item *item)
{
	return item->data + item->key_size;
}

/* Holder of an item, 0 if there is none. */
static inline u64 hkvp_item_holder(const struct hkvp_item *item)
{
	u64 holder = 0;

	if (item->traits & HKVP_TRAIT_HELD)
		memcpy(&holder, item->data + item->key_size + item->value_size,
		       sizeof(holder));
	return holder;
}

/* Generation of the version that last set the item. */
static inline u64 hkvp_item_generation(const struct hkvp_item *item)
{
	return item->part.birth;
}

/*
 * Rounds of hkvp_pool_change() where it must not sleep. In process context a writer
 * goes on, and asks agents to let it through each time that it has lost so many.
 */
#define HKVP_POOL_TRIES		8

/*
 * Bytes that were replaced and wait to be freed. Past the first a writer that
 * may sleep waits for the reclaimer before it begins a round, past the second one
 * that must not gives -EAGAIN. So there is never more than the second, and what one
 * batch replaces, whatever the number of writers.
 */
#define HKVP_POOL_BACKLOG		(4u << 20)
#define HKVP_POOL_BACKLOG_ATOMIC	(8u << 20)

/**
 * hkvp_pool_change() - make one change
 * @pool: pool
 * @change: the change
 * @gfp: GFP_ATOMIC in atomic context: nothing then sleeps, and no allocation is
 *	above one page. GFP_KERNEL or GFP_KERNEL_ACCOUNT in process context:
 *	where memory is short the change fails, and no process is killed for it.
 *
 * A set takes effect, and a delete, when the new version is published; one that
 * fails takes effect when the version that it fails on is loaded. On error
 * nothing has changed and nothing is kept.
 *
 * Context: atomic or process, as @gfp says. Takes no lock of the pool's. In process
 *	context the version that it builds on is pinned meanwhile: who lets others
 *	call this bounds their number.
 *	Cost: log n a round; another round only where another writer was first.
 * Return:
 * 0;
 * -ENOENT: delete of a key that is not there;
 * -ENOSPC: over the budget, and the change makes it worse; or, as good as never,
 *	too many keys of one hash;
 * -EMSGSIZE: key or value larger than any item may be;
 * -ENOMEM: no memory; in atomic context process context may have better luck;
 * -EAGAIN: in atomic context only: others were first HKVP_POOL_TRIES times, or the
 *	reclaimer is far behind: call again in process context;
 * -EINTR: in process context only: the task is being killed.
 */
int hkvp_pool_change(struct hkvp_pool *pool, const struct hkvp_change *change,
		     gfp_t gfp);

#define HKVP_ANY_GENERATION	(~0ULL)

/**
 * hkvp_pool_batch() - make many changes as one version, or none
 * @pool: pool
 * @changes: the changes; each sees what those before it did
 * @count: number of @changes
 * @expect: generation that the pool must have, or HKVP_ANY_GENERATION
 *
 * Limits count for the result, not for the steps. 0 changes publish nothing.
 * Memory is charged to the caller's cgroup.
 *
 * Context: process, may sleep. Cost: count log n a round; one that is lost ends
 *	with the change at hand.
 * Return: as hkvp_pool_change(), where -ENOENT means that any of the deletes
 * found nothing, and -ESTALE: the generation is not @expect.
 */
int hkvp_pool_batch(struct hkvp_pool *pool, const struct hkvp_change *changes,
		    u32 count, u64 expect);

/**
 * typedef hkvp_check_fn - whether a change is to be made
 * @ctx: as given in &struct hkvp_update
 * @index: of the change
 * @item: the item of its key in the version that is built on, before any change
 *	of the update; or NULL
 *
 * Return: 0 to make it; 1 to leave it out; an error, with which the update fails.
 */
typedef int (*hkvp_check_fn)(void *ctx, u32 index, const struct hkvp_item *item);

/* No single change is to blame. */
#define HKVP_NO_CHANGE	U32_MAX

/**
 * struct hkvp_update - many changes as one version, and what came of them
 * @changes: the changes; each sees what those before it did
 * @count: number of @changes
 * @expect: generation that the pool must have, or HKVP_ANY_GENERATION
 * @check: asked of each change once in each round; or NULL
 * @ctx: first argument of @check
 * @touch: publish a version even if nothing in it is new
 * @generation: out, on success: of the version made; if nothing was to be changed,
 *	of the one that was looked at
 * @skipped: out: changes that were left out, by @check or as deletes of what is not
 *	there
 * @failed: out: index of the change that made the update fail, or HKVP_NO_CHANGE
 */
struct hkvp_update {
	const struct hkvp_change *changes;
	u32 count;
	u64 expect;
	hkvp_check_fn check;
	void *ctx;
	bool touch;
	u64 generation;
	u32 skipped;
	u32 failed;
};

/**
 * hkvp_pool_update() - make many changes as one version, or none
 * @pool: pool
 * @update: the changes
 * @gfp: as of hkvp_pool_change()
 *
 * What @check was asked of is what is replaced: look and change are one step.
 * Where nothing is left to be changed nothing is published. Limits count for the
 * result, not for the steps.
 *
 * Context: as hkvp_pool_change(); @check too. Cost: count log n a round; one that is
 *	lost ends with the change at hand.
 * Return: as hkvp_pool_batch(), or what @check gave.
 */
int hkvp_pool_update(struct hkvp_pool *pool, struct hkvp_update *update,
		     gfp_t gfp);

/**
 * hkvp_pool_give_way() - let a writer through who keeps losing
 * @pool: pool
 *
 * For agents, before they change the pool: waits for a while if a writer has
 * asked for it, and no longer than that one needs. Two writers who never do this
 * could be first each time, as a small change is made in less time than a batch.
 *
 * Context: process, may sleep for up to 640 ms.
 * Return: 0; -EINTR: the task is being killed.
 */
int hkvp_pool_give_way(struct hkvp_pool *pool);

/**
 * hkvp_pool_touch() - publish a version with the same items
 * @pool: pool
 *
 * For news that the pool does not hold itself: who follows the generation
 * looks again.
 *
 * Context: process, may sleep. Cost: constant a round.
 * Return: 0 or -ENOMEM; then nothing has changed.
 */
int hkvp_pool_touch(struct hkvp_pool *pool);

/**
 * struct hkvp_pool_usage - memory that a pool holds, in bytes requested
 * @current_bytes: items, nodes and root of the current version
 * @backlog_bytes: replaced, not yet looked at by the reclaimer
 * @retained_bytes: kept for pinned old versions alone
 */
struct hkvp_pool_usage {
	u64 current_bytes;
	u64 backlog_bytes;
	u64 retained_bytes;
};

/**
 * hkvp_pool_usage() - memory that a pool holds
 * @pool: pool
 *
 * Context: any. The figures are of nearly the same moment. Cost: constant.
 * Return: the figures.
 */
struct hkvp_pool_usage hkvp_pool_usage(struct hkvp_pool *pool);

#endif /* HKVP_POOL_H */
