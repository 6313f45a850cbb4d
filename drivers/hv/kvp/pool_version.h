/* SPDX-License-Identifier: GPL-2.0 */
/*
 * What a version of a pool is made of. For the pool_*.c files alone.
 *
 * A version holds two persistent tries over the same items:
 *
 *   order: index -> item, a radix trie without holes. Its height follows from
 *	the number of items; at height 0 the root slot is the one item.
 *   keys: hash of the key -> index, a trie of compressed nodes. A leaf holds an
 *	index and not an item, so that an update of an item leaves it alone.
 *
 * Nodes and items ("parts") are shared by versions and never change once
 * published. A part belongs to the versions from its birth to the one before
 * that which dropped it: this interval, and not a count in each part, tells
 * when it can go. Until a version is published its builder may change the parts
 * that were born in it.
 */
#ifndef HKVP_POOL_VERSION_H
#define HKVP_POOL_VERSION_H

#include <linux/build_bug.h>
#include <linux/refcount.h>
#include <linux/types.h>

#include "pool.h"

enum hkvp_part_kind {
	HKVP_PART_ITEM,
	HKVP_PART_NODE,
};

/*
 * Bits of an index or hash that one level of a trie consumes. A writer copies a
 * node a level: twice the width would save it one level in four or five and
 * make each copy twice as long.
 */
#define HKVP_TRIE_BITS	4
#define HKVP_TRIE_FAN	16u	/* 2^HKVP_TRIE_BITS */
#define HKVP_TRIE_MASK	(HKVP_TRIE_FAN - 1)

/* Most levels of a trie over 32 bits. */
#define HKVP_TRIE_LEVELS	((32 + HKVP_TRIE_BITS - 1) / HKVP_TRIE_BITS)

/* Most items of a pool: the shift of a full trie of indices stays below 32. */
#define HKVP_ITEMS_MAX	0x10000000u

/*
 * Most keys of one 32-bit hash. The hash is keyed, so only chance brings them
 * together: even three among 100,000 keys are a matter of one pool in 100,000.
 */
#define HKVP_COLLISIONS_MAX	16

/**
 * struct hkvp_node - inner node of either trie
 * @part: head; @part.size tells the number of slots
 * @slot: order: node or item. keys: node or leaf, one for each bit set in
 *	@part.map, lowest first; a node whose map is 0 holds the leaves of keys
 *	that share their whole hash
 */
struct hkvp_node {
	struct hkvp_part part;
	void *slot[];
};

/**
 * struct hkvp_dead - parts that a version no longer holds but the one before did
 * @next: further chunk
 * @count: number of @part
 * @max: room in @part
 * @part: the parts
 */
struct hkvp_dead {
	struct hkvp_dead *next;
	u32 count;
	u32 max;
	struct hkvp_part *part[];
};

/* Most parts that one change drops: two paths in each trie, and the item. */
#define HKVP_CHANGE_DROPS	(4 * (HKVP_TRIE_LEVELS + 1) + 1)

/*
 * Bytes of nodes that an item counts with, on top of its own. Some 20 are what a
 * trie of hashes takes for each item, its slots included, and 10 the trie of
 * indices; the first varies with the number of items.
 */
#define HKVP_ITEM_NODES	48

/* Allocations stay within the smallest page there is. */
#define HKVP_ALLOC_MAX	4096

/**
 * struct hkvp_version - root of a version
 * @generation: number of versions before this one
 * @sequence: of the key that came last
 * @order: root of the index trie: node, item or NULL
 * @keys: root of the key trie: node, leaf or NULL
 * @count: number of items
 * @size: bytes of this structure
 * @shift: bits of an index that @order consumes
 * @owner: enum hkvp_owner: who made it, and is charged for what was born in it
 * @items: items of each owner
 * @item_bytes: bytes of the items of each owner, with HKVP_ITEM_NODES for each
 * @bytes: bytes of all parts
 * @turnover: bytes that were dropped since the pool began, wrapping
 * @pool: its pool
 *
 * All of these are fixed once published, and the next version begins with a copy
 * of them.
 *
 * @refs: 1 for having been published, and one for each pin. Not 0 before the
 *	reclaimer has seen a newer version; 0 is final
 * @privileged: while it is built: may use what is reserved for administrators
 *
 * The reclaimer alone touches the rest once it is published:
 *
 * @retired: the reference for having been published is dropped
 * @unused: nobody can pin it any more, and a grace period will tell that nobody
 *	reads it
 * @swept: @dead has been dealt with
 * @older: the next older version that is not freed yet
 * @kept: list of parts that died after @older and that it still holds
 * @kept_tail: last of @kept
 * @kept_for: generation of the version that @kept was sifted for
 * @dead: what this version dropped
 */
struct hkvp_version {
	u64 generation;
	u64 sequence;
	void *order;
	void *keys;
	u32 count;
	u16 size;
	u8 shift;
	u8 owner;
	u32 items[HKVP_OWNER_COUNT];
	u64 item_bytes[HKVP_OWNER_COUNT];
	u64 bytes;
	unsigned long turnover;
	struct hkvp_pool *pool;

	refcount_t refs;
	bool privileged;

	bool retired;
	bool unused;
	bool swept;
	struct hkvp_version *older;
	struct hkvp_part *kept;
	struct hkvp_part *kept_tail;
	u64 kept_for;
	struct hkvp_dead dead;
};

/**
 * union hkvp_build - a version that is being built
 * @version: the version; it moves to memory of its own, of the size that it
 *	needs, when it is complete
 * @room: with room for what one change drops
 *
 * Lives on the stack.
 */
union hkvp_build {
	struct hkvp_version version;
	u8 room[sizeof(struct hkvp_version) + HKVP_CHANGE_DROPS * sizeof(void *)];
};

static inline bool hkvp_is_leaf(const void *slot)
{
	return (unsigned long)slot & 1;
}

static inline void *hkvp_leaf(u32 index)
{
	return (void *)((unsigned long)index << 1 | 1);
}

static inline u32 hkvp_leaf_index(const void *leaf)
{
	return (unsigned long)leaf >> 1;
}

static inline u32 hkvp_node_slots(const struct hkvp_node *node)
{
	return (node->part.size - sizeof(*node)) / sizeof(node->slot[0]);
}

/* pool_memory.c: the allocator of parts and versions. */
int hkvp_memory_get(void);
void hkvp_memory_put(void);
void *hkvp_memory_alloc(u32 size, gfp_t gfp);
void hkvp_memory_free(void *p, u32 size);

/*
 * pool_part.c: parts of a version that is being built. All but hkvp_part_free()
 * need @v unpublished. Where an allocation fails, each part that was born in @v
 * hangs in one place of a trie, or is not there any more, so that
 * hkvp_build_abort() frees it once.
 */
void *hkvp_part_new(struct hkvp_version *v, enum hkvp_part_kind kind, u32 size,
		    gfp_t gfp);
void hkvp_part_drop(struct hkvp_version *v, void *part);
void hkvp_part_free(struct hkvp_part *part);
void hkvp_parts_free(void *slot, u64 birth, unsigned long *freed);

struct hkvp_node *hkvp_node_new(struct hkvp_version *v, u32 slots, gfp_t gfp);
struct hkvp_node *hkvp_node_own(struct hkvp_version *v, void **ref, gfp_t gfp);
struct hkvp_node *hkvp_node_insert(struct hkvp_version *v, void **ref, u32 pos,
				   gfp_t gfp);
struct hkvp_node *hkvp_node_remove(struct hkvp_version *v, void **ref, u32 pos,
				   gfp_t gfp);

/* pool_order.c: the trie of indices. */
struct hkvp_item *hkvp_order_at(const struct hkvp_version *v, u32 index);
int hkvp_order_set(struct hkvp_version *v, u32 index, struct hkvp_item *item,
		   gfp_t gfp);
int hkvp_order_append(struct hkvp_version *v, struct hkvp_item *item, gfp_t gfp);
int hkvp_order_remove(struct hkvp_version *v, u32 index, gfp_t gfp);

/* pool_keys.c: the trie of keys. */
u32 hkvp_keys_hash(const struct hkvp_pool *pool, const void *key, u32 key_size);
struct hkvp_item *hkvp_keys_find(const struct hkvp_version *v, u32 hash,
				 const void *key, u32 key_size, u32 *index);
int hkvp_keys_insert(struct hkvp_version *v, u32 hash, u32 index, gfp_t gfp);
int hkvp_keys_remove(struct hkvp_version *v, u32 hash, u32 index, gfp_t gfp);
int hkvp_keys_move(struct hkvp_version *v, u32 hash, u32 from, u32 to,
		   gfp_t gfp);

/* pool_build.c: a version from its first change to its publication. */
struct hkvp_version *hkvp_build_begin(union hkvp_build *build,
				      struct hkvp_pool *pool,
				      struct hkvp_version *base,
				      const struct hkvp_change *change);
int hkvp_build_apply(struct hkvp_version *v, const struct hkvp_change *change,
		     gfp_t gfp);
struct hkvp_version *hkvp_build_complete(struct hkvp_version *v, gfp_t gfp);
void hkvp_build_abort(struct hkvp_version *v);

/*
 * pool_budget.c: what a version costs. Reserved before it is published; then
 * hkvp_budget_settle() gives back what it no longer holds, or, if it was not
 * published, hkvp_budget_cancel() everything. For what lives on hkvp_budget_free()
 * comes once it is freed.
 */
void hkvp_budget_begin(const struct hkvp_version *v);
int hkvp_budget_reserve(const struct hkvp_version *v, bool may_sleep);
void hkvp_budget_settle(const struct hkvp_version *v);
void hkvp_budget_cancel(const struct hkvp_version *v);
void hkvp_budget_free(struct hkvp_budget *budget,
		      const unsigned long freed[HKVP_OWNER_COUNT]);
void hkvp_budget_end(const struct hkvp_version *v);

/* pool_reclaim.c */
void hkvp_reclaim_work(struct work_struct *work);
void hkvp_reclaim(struct hkvp_pool *pool);

#endif /* HKVP_POOL_VERSION_H */
