// SPDX-License-Identifier: GPL-2.0
/* A version from its first change to its publication. */
#include <linux/errno.h>
#include <linux/slab.h>
#include <linux/stddef.h>
#include <linux/string.h>

#include "pool_version.h"
#include "wire.h"

static_assert(sizeof(struct hkvp_item) + HKVP_KEY_SIZE + HKVP_VALUE_SIZE +
	      sizeof(u64) <= HKVP_ALLOC_MAX);
static_assert(sizeof(union hkvp_build) <= HKVP_ALLOC_MAX);

/*
 * Make in @build a copy of @base, or with NULL an empty first version. @change: its
 * first change, whose owner is charged for it; or NULL.
 */
struct hkvp_version *hkvp_build_begin(union hkvp_build *build,
				      struct hkvp_pool *pool,
				      struct hkvp_version *base,
				      const struct hkvp_change *change)
{
	struct hkvp_version *v = &build->version;

	memset(v, 0, sizeof(*v));
	if (base) {
		memcpy(v, base, offsetof(struct hkvp_version, refs));
		v->generation++;
		v->turnover += base->size;
	}
	if (change) {
		v->owner = change->owner;
		v->privileged = change->privileged;
	}
	v->pool = pool;
	v->older = base;
	refcount_set(&v->refs, 1);
	v->dead.max = HKVP_CHANGE_DROPS;
	return v;
}

/* Room for what one more change drops. The first one has it already. */
static int make_room(struct hkvp_version *v, gfp_t gfp)
{
	struct hkvp_dead *dead = v->dead.next ?: &v->dead;

	if (dead->max - dead->count >= HKVP_CHANGE_DROPS)
		return 0;
	dead = kmalloc(HKVP_ALLOC_MAX, gfp);
	if (!dead)
		return -ENOMEM;
	dead->count = 0;
	dead->max = (HKVP_ALLOC_MAX - sizeof(*dead)) / sizeof(dead->part[0]);
	dead->next = v->dead.next;
	v->dead.next = dead;
	v->turnover += HKVP_ALLOC_MAX;
	return 0;
}

static void count_in(struct hkvp_version *v, const struct hkvp_item *item)
{
	v->items[item->owner]++;
	v->item_bytes[item->owner] += item->part.size + HKVP_ITEM_NODES;
}

static void count_out(struct hkvp_version *v, const struct hkvp_item *item)
{
	v->items[item->owner]--;
	v->item_bytes[item->owner] -= item->part.size + HKVP_ITEM_NODES;
}

/* @sequence: of the key. */
static struct hkvp_item *new_item(struct hkvp_version *v,
				  const struct hkvp_change *change, u32 hash,
				  u64 sequence, gfp_t gfp)
{
	bool held = change->traits & HKVP_TRAIT_HELD;
	u32 data = change->key_size + change->value_size;
	u32 size = sizeof(struct hkvp_item) + data;
	struct hkvp_item *item;

	if (held)
		size += sizeof(change->holder);
	item = hkvp_part_new(v, HKVP_PART_ITEM, size, gfp);
	if (!item)
		return NULL;
	item->part.hash = hash;
	item->sequence = sequence;
	item->connection = change->connection;
	item->key_size = change->key_size;
	item->value_size = change->value_size;
	item->type = change->type;
	item->owner = change->owner;
	item->traits = change->traits;
	item->reserved = 0;
	memcpy(item->data, change->key, change->key_size);
	memcpy(item->data + change->key_size, change->value,
	       change->value_size);
	if (held)
		memcpy(item->data + data, &change->holder, sizeof(change->holder));
	return item;
}

static int replace(struct hkvp_version *v, u32 index, struct hkvp_item *old,
		   struct hkvp_item *item, gfp_t gfp)
{
	int err = hkvp_order_set(v, index, item, gfp);

	if (err)
		hkvp_part_drop(v, item);
	else
		hkvp_part_drop(v, old);
	return err;
}

static int append(struct hkvp_version *v, struct hkvp_item *item, gfp_t gfp)
{
	int err = hkvp_order_append(v, item, gfp);

	if (err) {
		hkvp_part_drop(v, item);
		return err;
	}
	err = hkvp_keys_insert(v, item->part.hash, v->count, gfp);
	if (!err)
		v->count++;
	return err;
}

static int set(struct hkvp_version *v, const struct hkvp_change *change,
	       u32 hash, u32 index, struct hkvp_item *old, gfp_t gfp)
{
	struct hkvp_item *item;

	if (!old && v->count == HKVP_ITEMS_MAX)
		return -ENOSPC;
	item = new_item(v, change, hash, old ? old->sequence : v->sequence + 1,
			gfp);
	if (!item)
		return -ENOMEM;
	if (old)
		count_out(v, old);
	else
		v->sequence++;
	count_in(v, item);
	return old ? replace(v, index, old, item, gfp) : append(v, item, gfp);
}

static int delete(struct hkvp_version *v, u32 index, struct hkvp_item *old,
		  gfp_t gfp)
{
	u32 last = v->count - 1;
	int err;

	err = hkvp_keys_remove(v, old->part.hash, index, gfp);
	if (!err && index != last)
		err = hkvp_keys_move(v, hkvp_order_at(v, last)->part.hash, last,
				     index, gfp);
	if (!err)
		err = hkvp_order_remove(v, index, gfp);
	if (err)
		return err;
	v->count--;
	count_out(v, old);
	hkvp_part_drop(v, old);
	return 0;
}

/*
 * Make @change in @v. On error @v is good for hkvp_build_abort() alone, except that
 * -ENOENT has left it as it was.
 */
int hkvp_build_apply(struct hkvp_version *v, const struct hkvp_change *change,
		     gfp_t gfp)
{
	struct hkvp_item *old;
	u32 hash, index = 0;
	int err;

	hash = hkvp_keys_hash(v->pool, change->key, change->key_size);
	old = hkvp_keys_find(v, hash, change->key, change->key_size, &index);
	if (change->delete && !old)
		return -ENOENT;
	err = make_room(v, gfp);
	if (err)
		return err;
	if (change->delete)
		return delete(v, index, old, gfp);
	return set(v, change, hash, index, old, gfp);
}

/* @v in memory of its own, ready to be published, or NULL. */
struct hkvp_version *hkvp_build_complete(struct hkvp_version *v, gfp_t gfp)
{
	struct hkvp_version *complete;

	v->size = sizeof(*v) + v->dead.count * sizeof(v->dead.part[0]);
	complete = hkvp_memory_alloc(v->size, gfp);
	if (!complete)
		return NULL;
	memcpy(complete, v, v->size);
	complete->dead.max = v->dead.count;
	return complete;
}

/* Free all that was born in @v, which nobody has seen, and not @v itself. */
void hkvp_build_abort(struct hkvp_version *v)
{
	struct hkvp_dead *dead, *next;

	for (dead = v->dead.next; dead; dead = next) {
		next = dead->next;
		kfree(dead);
	}
	hkvp_parts_free(v->keys, v->generation, NULL);
	hkvp_parts_free(v->order, v->generation, NULL);
}
