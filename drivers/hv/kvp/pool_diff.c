// SPDX-License-Identifier: GPL-2.0
/*
 * The differences between two versions: both tries of indices are walked side
 * by side, and what they share is skipped. An item at another index than before
 * is told from a new one by its key.
 */
#include <linux/minmax.h>

#include "pool_version.h"

/*
 * Each index has two steps: what was there may be gone, and what is there may be
 * new. @place: number of the first step to take.
 */
struct diff {
	const struct hkvp_version *old;
	const struct hkvp_version *new;
	u64 place;
	hkvp_diff_fn fn;
	void *ctx;
};

static const struct hkvp_item *same_key(const struct hkvp_version *v,
					const struct hkvp_item *item)
{
	u32 index;

	return hkvp_keys_find(v, item->part.hash, item->data, item->key_size,
			      &index);
}

static int step(struct diff *diff, u64 place, const struct hkvp_item *old,
		const struct hkvp_item *new)
{
	if (place < diff->place)
		return 0;
	diff->place = place + 1;
	return diff->fn(diff->ctx, old, new);
}

/* @index holds @old in one version and @new in the other, not the same. */
static int tell(struct diff *diff, u32 index, const struct hkvp_item *old,
		const struct hkvp_item *new)
{
	const struct hkvp_item *before = NULL;
	int err;

	if (old && !same_key(diff->new, old)) {
		err = step(diff, 2ULL * index, old, NULL);
		if (err)
			return err;
	}
	if (!new)
		return 0;
	if (diff->old)
		before = same_key(diff->old, new);
	return before == new ? 0 : step(diff, 2ULL * index + 1, before, new);
}

/*
 * Branch @i of a tree @shift bits high, seen as one of @level bits: a tree that
 * is lower than that is the first branch of what is missing above it.
 */
static void *branch(void *slot, u32 shift, u32 level, u32 i, u32 *below)
{
	struct hkvp_node *node = slot;

	*below = shift < level ? shift : level - HKVP_TRIE_BITS;
	if (!slot)
		return NULL;
	if (shift < level)
		return i ? NULL : slot;
	return i < hkvp_node_slots(node) ? node->slot[i] : NULL;
}

/* As deep as the higher tree, which is HKVP_TRIE_LEVELS at most. */
static int walk(struct diff *diff, u32 index, void *old, u32 old_shift,
		void *new, u32 new_shift)
{
	u32 level = max(old_shift, new_shift);
	u32 i, old_below, new_below;
	int err = 0;

	if (old == new || 2 * (index + (1ULL << level)) <= diff->place)
		return 0;
	if (!level)
		return tell(diff, index, old, new);
	for (i = 0; i < HKVP_TRIE_FAN && !err; i++) {
		void *a = branch(old, old_shift, level, i, &old_below);
		void *b = branch(new, new_shift, level, i, &new_below);

		err = walk(diff, index + (i << (level - HKVP_TRIE_BITS)),
			   a, old_below, b, new_below);
	}
	return err;
}

int hkvp_version_diff_from(const struct hkvp_version *old,
			   const struct hkvp_version *new, u64 *place,
			   hkvp_diff_fn fn, void *ctx)
{
	struct diff diff = {
		.old = old, .new = new, .place = *place, .fn = fn, .ctx = ctx
	};
	int err = walk(&diff, 0, old ? old->order : NULL, old ? old->shift : 0,
		       new->order, new->shift);

	*place = diff.place;
	return err;
}

int hkvp_version_diff(const struct hkvp_version *old,
		      const struct hkvp_version *new,
		      hkvp_diff_fn fn, void *ctx)
{
	u64 place = 0;

	return hkvp_version_diff_from(old, new, &place, fn, ctx);
}
