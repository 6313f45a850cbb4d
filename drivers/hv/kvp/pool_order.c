// SPDX-License-Identifier: GPL-2.0
/*
 * The trie of indices. Full but for its right edge, so that all of its shape
 * follows from the number of items: a node has exactly the slots in use, and
 * the height is the least that has room.
 */
#include <linux/errno.h>

#include "pool_version.h"

static u32 digit(u32 index, u32 shift)
{
	return index >> shift & HKVP_TRIE_MASK;
}

/* @index must be below @v->count. */
struct hkvp_item *hkvp_order_at(const struct hkvp_version *v, u32 index)
{
	void *slot = v->order;
	u32 shift = v->shift;

	while (shift) {
		shift -= HKVP_TRIE_BITS;
		slot = ((struct hkvp_node *)slot)->slot[digit(index, shift)];
	}
	return slot;
}

/*
 * The slot that leads to @index at the level whose nodes take the digit at
 * @level, everything above it @v's own. NULL if there is no memory.
 */
static void **own_path(struct hkvp_version *v, u32 index, u32 level, gfp_t gfp)
{
	void **ref = &v->order;
	u32 shift = v->shift;
	struct hkvp_node *node;

	while (shift > level) {
		shift -= HKVP_TRIE_BITS;
		node = hkvp_node_own(v, ref, gfp);
		if (!node)
			return NULL;
		ref = &node->slot[digit(index, shift)];
	}
	return ref;
}

/* Put @item in the place of the one at @index, which the caller drops. */
int hkvp_order_set(struct hkvp_version *v, u32 index, struct hkvp_item *item,
		   gfp_t gfp)
{
	void **ref = own_path(v, index, 0, gfp);

	if (!ref)
		return -ENOMEM;
	*ref = item;
	return 0;
}

/* A new branch at *@ref, @shift bits high, with @item alone. */
static int add_branch(struct hkvp_version *v, void **ref, u32 shift,
		      struct hkvp_item *item, gfp_t gfp)
{
	struct hkvp_node *node;

	for (; shift; shift -= HKVP_TRIE_BITS) {
		node = hkvp_node_new(v, 1, gfp);
		if (!node)
			return -ENOMEM;
		node->slot[0] = NULL;
		*ref = node;
		ref = &node->slot[0];
	}
	*ref = item;
	return 0;
}

/* The trie is full: put a level on top, and @item into its second branch. */
static int add_level(struct hkvp_version *v, struct hkvp_item *item, gfp_t gfp)
{
	struct hkvp_node *root = hkvp_node_new(v, 2, gfp);
	u32 shift = v->shift;

	if (!root)
		return -ENOMEM;
	root->slot[0] = v->order;
	root->slot[1] = NULL;
	v->order = root;
	v->shift += HKVP_TRIE_BITS;
	return add_branch(v, &root->slot[1], shift, item, gfp);
}

/* Level of the lowest digit of @index that is not 0; @index is not 0. */
static u32 lowest_digit(u32 index)
{
	u32 shift = 0;

	while (!digit(index, shift))
		shift += HKVP_TRIE_BITS;
	return shift;
}

/* Put @item after the last one; the caller then raises @v->count. */
int hkvp_order_append(struct hkvp_version *v, struct hkvp_item *item, gfp_t gfp)
{
	u32 index = v->count;
	struct hkvp_node *node;
	void **ref;
	u32 shift;

	if (!index) {
		v->order = item;
		return 0;
	}
	if (index == 1u << v->shift)
		return add_level(v, item, gfp);

	/* All digits below are 0, so the branch begins where this one is. */
	shift = lowest_digit(index);
	ref = own_path(v, index, shift + HKVP_TRIE_BITS, gfp);
	if (!ref)
		return -ENOMEM;
	node = hkvp_node_insert(v, ref, digit(index, shift), gfp);
	if (!node)
		return -ENOMEM;
	return add_branch(v, &node->slot[digit(index, shift)], shift, item, gfp);
}

/* Drop the nodes of a branch @shift bits high that leads to one item alone. */
static void drop_branch(struct hkvp_version *v, void *slot, u32 shift)
{
	struct hkvp_node *node;

	for (; shift; shift -= HKVP_TRIE_BITS) {
		node = slot;
		slot = node->slot[0];
		hkvp_part_drop(v, node);
	}
}

/* Take the last item out. */
static int pop(struct hkvp_version *v, gfp_t gfp)
{
	u32 index = v->count - 1;
	struct hkvp_node *node;
	void *branch;
	void **ref;
	u32 shift;

	if (!index) {
		v->order = NULL;
		return 0;
	}
	shift = lowest_digit(index);
	if (shift + HKVP_TRIE_BITS == v->shift && digit(index, shift) == 1) {
		/* What is left fills the first branch: a level less. */
		node = v->order;
		v->order = node->slot[0];
		v->shift = shift;
		branch = node->slot[1];
		hkvp_part_drop(v, node);
		drop_branch(v, branch, shift);
		return 0;
	}
	ref = own_path(v, index, shift + HKVP_TRIE_BITS, gfp);
	if (!ref)
		return -ENOMEM;
	branch = ((struct hkvp_node *)*ref)->slot[digit(index, shift)];
	if (!hkvp_node_remove(v, ref, digit(index, shift), gfp))
		return -ENOMEM;
	drop_branch(v, branch, shift);
	return 0;
}

/*
 * Take the item at @index out and put the last one in its place; the caller then
 * lowers @v->count and drops the item.
 */
int hkvp_order_remove(struct hkvp_version *v, u32 index, gfp_t gfp)
{
	u32 last = v->count - 1;
	struct hkvp_item *moved = hkvp_order_at(v, last);
	void **ref;
	int err;

	err = pop(v, gfp);
	if (err || index == last)
		return err;
	ref = own_path(v, index, 0, gfp);
	if (ref) {
		*ref = moved;
		return 0;
	}
	/* Hangs nowhere any more. */
	if (moved->part.birth == v->generation)
		hkvp_part_drop(v, moved);
	return -ENOMEM;
}
