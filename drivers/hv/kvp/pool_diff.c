// SPDX-License-Identifier: GPL-2.0
/*
 * The differences between two versions: both tries of indices are walked side
 * by side, and what they share is skipped. An item at another index than before
 * is told from a new one by its key.
 */
#include <linux/minmax.h>

#include "pool_version.h"

struct diff {
	const struct hkvp_version *old;
	const struct hkvp_version *new;
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

/* One place holds @old in one version and @new in the other, not the same. */
static int tell(const struct diff *diff, const struct hkvp_item *old,
		const struct hkvp_item *new)
{
	const struct hkvp_item *before;
	int err;

	if (old && !same_key(diff->new, old)) {
		err = diff->fn(diff->ctx, old, NULL);
		if (err)
			return err;
	}
	if (!new)
		return 0;
	before = same_key(diff->old, new);
	return before == new ? 0 : diff->fn(diff->ctx, before, new);
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
static int walk(const struct diff *diff, void *old, u32 old_shift, void *new,
		u32 new_shift)
{
	u32 level = max(old_shift, new_shift);
	u32 i, old_below, new_below;
	int err = 0;

	if (old == new)
		return 0;
	if (!level)
		return tell(diff, old, new);
	for (i = 0; i < HKVP_TRIE_FAN && !err; i++) {
		void *a = branch(old, old_shift, level, i, &old_below);
		void *b = branch(new, new_shift, level, i, &new_below);

		err = walk(diff, a, old_below, b, new_below);
	}
	return err;
}

int hkvp_version_diff(const struct hkvp_version *old,
		      const struct hkvp_version *new,
		      hkvp_diff_fn fn, void *ctx)
{
	const struct diff diff = {
		.old = old, .new = new, .fn = fn, .ctx = ctx
	};

	return walk(&diff, old->order, old->shift, new->order, new->shift);
}
