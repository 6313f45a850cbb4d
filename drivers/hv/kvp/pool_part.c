// SPDX-License-Identifier: GPL-2.0
/* Parts of a version that is being built: made, copied, dropped, freed. */
#include <linux/sched.h>
#include <linux/string.h>

#include "pool_version.h"

static_assert(sizeof(struct hkvp_node) + HKVP_TRIE_FAN * sizeof(void *) <=
	      HKVP_ALLOC_MAX);

/* A part born in @v, or NULL. What follows the head is not initialised. */
void *hkvp_part_new(struct hkvp_version *v, enum hkvp_part_kind kind, u32 size,
		    gfp_t gfp)
{
	struct hkvp_part *part = hkvp_memory_alloc(size, gfp);

	if (!part)
		return NULL;
	part->next = NULL;
	part->birth = v->generation;
	part->size = size;
	part->kind = kind;
	part->owner = v->owner;
	part->map = 0;
	v->bytes += size;
	return part;
}

/* Items may be secrets. */
void hkvp_part_free(struct hkvp_part *part)
{
	u32 size = part->size;

	if (part->kind == HKVP_PART_ITEM)
		memzero_explicit(part, size);
	hkvp_memory_free(part, size);
}

/*
 * @part is no longer in @v. One that was born in @v nobody else has seen; any
 * other is noted for the reclaimer, in the room that hkvp_build_apply() made.
 */
void hkvp_part_drop(struct hkvp_version *v, void *part)
{
	struct hkvp_part *p = part;
	struct hkvp_dead *dead;

	v->bytes -= p->size;
	if (p->birth == v->generation) {
		hkvp_part_free(p);
		return;
	}
	v->turnover += p->size;
	dead = v->dead.next ?: &v->dead;
	dead->part[dead->count++] = p;
}

/*
 * Free what hangs on @slot and was born in @birth or later. Goes as deep as a
 * trie is high, which is bounded; shared parts are not entered. @freed: where to
 * add what each owner was charged for it, in process context; or NULL.
 */
void hkvp_parts_free(void *slot, u64 birth, unsigned long *freed)
{
	struct hkvp_part *part = slot;
	struct hkvp_node *node = slot;
	u32 i;

	if (!slot || hkvp_is_leaf(slot) || part->birth < birth)
		return;
	if (part->kind == HKVP_PART_NODE) {
		for (i = 0; i < hkvp_node_slots(node); i++)
			hkvp_parts_free(node->slot[i], birth, freed);
		if (freed)
			cond_resched();
	}
	if (freed)
		freed[part->owner] += part->size;
	hkvp_part_free(part);
}

struct hkvp_node *hkvp_node_new(struct hkvp_version *v, u32 slots, gfp_t gfp)
{
	struct hkvp_node *node;

	return hkvp_part_new(v, HKVP_PART_NODE,
			     sizeof(*node) + slots * sizeof(node->slot[0]), gfp);
}

static void copy_slots(void **to, void **from, u32 count)
{
	memcpy(to, from, count * sizeof(*to));
}

/* Put a copy of the node at *@ref there, unless it is @v's own already. */
struct hkvp_node *hkvp_node_own(struct hkvp_version *v, void **ref, gfp_t gfp)
{
	struct hkvp_node *node = *ref;
	u32 slots = hkvp_node_slots(node);
	struct hkvp_node *copy;

	if (node->part.birth == v->generation)
		return node;
	copy = hkvp_node_new(v, slots, gfp);
	if (!copy)
		return NULL;
	copy->part.map = node->part.map;
	copy_slots(copy->slot, node->slot, slots);
	*ref = copy;
	hkvp_part_drop(v, node);
	return copy;
}

/* The same with one more slot, NULL, at @pos. */
struct hkvp_node *hkvp_node_insert(struct hkvp_version *v, void **ref, u32 pos,
				   gfp_t gfp)
{
	struct hkvp_node *node = *ref;
	u32 slots = hkvp_node_slots(node);
	struct hkvp_node *copy = hkvp_node_new(v, slots + 1, gfp);

	if (!copy)
		return NULL;
	copy->part.map = node->part.map;
	copy_slots(copy->slot, node->slot, pos);
	copy->slot[pos] = NULL;
	copy_slots(copy->slot + pos + 1, node->slot + pos, slots - pos);
	*ref = copy;
	hkvp_part_drop(v, node);
	return copy;
}

/* The same without the slot at @pos. */
struct hkvp_node *hkvp_node_remove(struct hkvp_version *v, void **ref, u32 pos,
				   gfp_t gfp)
{
	struct hkvp_node *node = *ref;
	u32 slots = hkvp_node_slots(node);
	struct hkvp_node *copy = hkvp_node_new(v, slots - 1, gfp);

	if (!copy)
		return NULL;
	copy->part.map = node->part.map;
	copy_slots(copy->slot, node->slot, pos);
	copy_slots(copy->slot + pos, node->slot + pos + 1, slots - pos - 1);
	*ref = copy;
	hkvp_part_drop(v, node);
	return copy;
}
