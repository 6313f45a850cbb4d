// SPDX-License-Identifier: GPL-2.0
/*
 * The trie of keys: hash of the key to index, four bits a level, nodes with
 * only the slots in use. A node is never the root of a single leaf: the leaf
 * then stands in its place. So the shape depends on the keys alone, and not on
 * the order in which they came and went (but for keys of one hash, whose node
 * stays where it was needed first).
 *
 * The hash is keyed with random bytes of the pool, because host and agents choose
 * the keys: who does not know them cannot make the trie deep, and no one can
 * make it deeper than 32 bits. Keys of the very same hash share a node that is
 * searched from end to end and holds HKVP_COLLISIONS_MAX at most.
 */
#include <linux/bitops.h>
#include <linux/errno.h>
#include <linux/siphash.h>
#include <linux/string.h>

#include "pool_version.h"

/* Nodes on the way to a leaf: one a level, and one of keys of one hash. */
#define PATH_MAX_NODES	(HKVP_TRIE_LEVELS + 1)

struct step {
	struct hkvp_node *node;
	u32 pos;
};

u32 hkvp_keys_hash(const struct hkvp_pool *pool, const void *key, u32 key_size)
{
	return hsiphash(key, key_size, &pool->seed);
}

static u32 bit_at(u32 hash, u32 shift)
{
	return 1u << (hash >> shift & HKVP_TRIE_MASK);
}

static u32 slot_of(const struct hkvp_node *node, u32 bit)
{
	return hweight32(node->part.map & (bit - 1));
}

static struct hkvp_item *match(const struct hkvp_version *v, const void *leaf,
			       u32 hash, const void *key, u32 key_size,
			       u32 *index)
{
	u32 i = hkvp_leaf_index(leaf);
	struct hkvp_item *item = hkvp_order_at(v, i);

	if (item->part.hash != hash || item->key_size != key_size ||
	    memcmp(item->data, key, key_size))
		return NULL;
	*index = i;
	return item;
}

static struct hkvp_item *match_any(const struct hkvp_version *v,
				   const struct hkvp_node *node, u32 hash,
				   const void *key, u32 key_size, u32 *index)
{
	struct hkvp_item *item = NULL;
	u32 i;

	for (i = 0; i < hkvp_node_slots(node) && !item; i++)
		item = match(v, node->slot[i], hash, key, key_size, index);
	return item;
}

/* The item of @key, and its index at *@index, or NULL. */
struct hkvp_item *hkvp_keys_find(const struct hkvp_version *v, u32 hash,
				 const void *key, u32 key_size, u32 *index)
{
	const struct hkvp_node *node;
	void *slot = v->keys;
	u32 rest = hash;
	u32 bit;

	if (!slot)
		return NULL;
	while (!hkvp_is_leaf(slot)) {
		node = slot;
		bit = bit_at(rest, 0);
		if (!(node->part.map & bit))
			return node->part.map ? NULL :
				match_any(v, node, hash, key, key_size, index);
		slot = node->slot[slot_of(node, bit)];
		rest >>= HKVP_TRIE_BITS;
	}
	return match(v, slot, hash, key, key_size, index);
}

/*
 * Put nodes at *@ref, down to where the hashes differ, that lead to @old, which
 * is there now, and to @leaf.
 */
static int split(struct hkvp_version *v, void **ref, u32 shift, u32 old_hash,
		 u32 hash, void *leaf, gfp_t gfp)
{
	void *old = *ref;
	struct hkvp_node *node;
	u32 old_bit, bit;

	for (;; shift += HKVP_TRIE_BITS) {
		old_bit = bit_at(old_hash, shift);
		bit = bit_at(hash, shift);
		if (old_bit != bit)
			break;
		node = hkvp_node_new(v, 1, gfp);
		if (!node)
			return -ENOMEM;
		node->part.map = bit;
		node->slot[0] = old;
		*ref = node;
		ref = &node->slot[0];
	}
	node = hkvp_node_new(v, 2, gfp);
	if (!node)
		return -ENOMEM;
	node->part.map = old_bit | bit;
	node->slot[old_bit > bit] = old;
	node->slot[old_bit < bit] = leaf;
	*ref = node;
	return 0;
}

/* Two keys of one hash: give them a node of their own, at whatever level. */
static int collide(struct hkvp_version *v, void **ref, void *leaf, gfp_t gfp)
{
	struct hkvp_node *node = hkvp_node_new(v, 2, gfp);

	if (!node)
		return -ENOMEM;
	node->slot[0] = *ref;
	node->slot[1] = leaf;
	*ref = node;
	return 0;
}

/* One more key for a node of one hash. */
static int collide_more(struct hkvp_version *v, void **ref, void *leaf,
			gfp_t gfp)
{
	struct hkvp_node *node = *ref;
	u32 slots = hkvp_node_slots(node);

	if (slots >= HKVP_COLLISIONS_MAX)
		return -ENOSPC;
	node = hkvp_node_insert(v, ref, slots, gfp);
	if (!node)
		return -ENOMEM;
	node->slot[slots] = leaf;
	return 0;
}

static u32 hash_of(const struct hkvp_version *v, const void *leaf)
{
	return hkvp_order_at(v, hkvp_leaf_index(leaf))->part.hash;
}

/* *@ref leads to one key, or to keys of one hash: add another there. */
static int insert_at(struct hkvp_version *v, void **ref, u32 shift, u32 hash,
		     void *leaf, gfp_t gfp)
{
	bool single = hkvp_is_leaf(*ref);
	void *first = single ? *ref : ((struct hkvp_node *)*ref)->slot[0];
	u32 old_hash = hash_of(v, first);

	if (old_hash != hash)
		return split(v, ref, shift, old_hash, hash, leaf, gfp);
	if (single)
		return collide(v, ref, leaf, gfp);
	return collide_more(v, ref, leaf, gfp);
}

/* Add a key that is not there; the item is at @index already. */
int hkvp_keys_insert(struct hkvp_version *v, u32 hash, u32 index, gfp_t gfp)
{
	void *leaf = hkvp_leaf(index);
	void **ref = &v->keys;
	struct hkvp_node *node;
	u32 shift, bit, pos;

	if (!*ref) {
		*ref = leaf;
		return 0;
	}
	for (shift = 0;; shift += HKVP_TRIE_BITS) {
		node = *ref;
		if (hkvp_is_leaf(node) || !node->part.map)
			return insert_at(v, ref, shift, hash, leaf, gfp);
		bit = bit_at(hash, shift);
		pos = slot_of(node, bit);
		if (!(node->part.map & bit))
			break;
		node = hkvp_node_own(v, ref, gfp);
		if (!node)
			return -ENOMEM;
		ref = &node->slot[pos];
	}
	node = hkvp_node_insert(v, ref, pos, gfp);
	if (!node)
		return -ENOMEM;
	node->part.map |= bit;
	node->slot[pos] = leaf;
	return 0;
}

/* The nodes on the way to @leaf, which is there. Returns their number. */
static u32 find_path(const struct hkvp_version *v, u32 hash, const void *leaf,
		     struct step *path)
{
	void *slot = v->keys;
	u32 depth = 0;

	while (!hkvp_is_leaf(slot)) {
		struct hkvp_node *node = slot;
		u32 pos = 0;

		if (node->part.map)
			pos = slot_of(node, bit_at(hash, depth * HKVP_TRIE_BITS));
		else
			while (node->slot[pos] != leaf)
				pos++;
		path[depth].node = node;
		path[depth].pos = pos;
		slot = node->slot[pos];
		depth++;
	}
	return depth;
}

/* The slot below the first @depth nodes of @path, all of them @v's own. */
static void **own_path(struct hkvp_version *v, const struct step *path,
		       u32 depth, gfp_t gfp)
{
	void **ref = &v->keys;
	struct hkvp_node *node;
	u32 i;

	for (i = 0; i < depth; i++) {
		node = hkvp_node_own(v, ref, gfp);
		if (!node)
			return NULL;
		ref = &node->slot[path[i].pos];
	}
	return ref;
}

/*
 * The last node of @path has two leaves. The one that stays takes the place of
 * that node and of those above it that lead nowhere else.
 */
static int collapse(struct hkvp_version *v, const struct step *path, u32 depth,
		    void *stays, gfp_t gfp)
{
	u32 top = depth - 1;
	void **ref;

	while (top && hkvp_node_slots(path[top - 1].node) == 1)
		top--;
	ref = own_path(v, path, top, gfp);
	if (!ref)
		return -ENOMEM;
	*ref = stays;
	for (; top < depth; top++)
		hkvp_part_drop(v, path[top].node);
	return 0;
}

/* Take out the key at @index. */
int hkvp_keys_remove(struct hkvp_version *v, u32 hash, u32 index, gfp_t gfp)
{
	struct step path[PATH_MAX_NODES];
	const struct step *last;
	struct hkvp_node *node;
	u32 depth, bit;
	void **ref;

	depth = find_path(v, hash, hkvp_leaf(index), path);
	if (!depth) {
		v->keys = NULL;
		return 0;
	}
	last = &path[depth - 1];
	node = last->node;
	if (hkvp_node_slots(node) == 2 && hkvp_is_leaf(node->slot[!last->pos]))
		return collapse(v, path, depth, node->slot[!last->pos], gfp);

	ref = own_path(v, path, depth - 1, gfp);
	if (!ref)
		return -ENOMEM;
	bit = node->part.map ? bit_at(hash, (depth - 1) * HKVP_TRIE_BITS) : 0;
	node = hkvp_node_remove(v, ref, last->pos, gfp);
	if (!node)
		return -ENOMEM;
	node->part.map &= ~bit;
	return 0;
}

/* The item at @from is going to be at @to. */
int hkvp_keys_move(struct hkvp_version *v, u32 hash, u32 from, u32 to,
		   gfp_t gfp)
{
	struct step path[PATH_MAX_NODES];
	u32 depth = find_path(v, hash, hkvp_leaf(from), path);
	void **ref = own_path(v, path, depth, gfp);

	if (!ref)
		return -ENOMEM;
	*ref = hkvp_leaf(to);
	return 0;
}
