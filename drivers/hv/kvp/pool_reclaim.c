// SPDX-License-Identifier: GPL-2.0
/*
 * Frees what no reader and no pin can see any more.
 *
 * All versions that are not freed yet form a chain from the current one to
 * older ones. Each has a list of the parts that it or a version since freed
 * dropped, and that the next older version in the chain still holds. When a
 * version leaves the chain its list goes to the next newer one, and what the
 * version below does not hold either is freed. So a pin keeps alive its own
 * parts and nothing of what came and went after it.
 *
 * A part that was born in version b and dropped by version d is in exactly the
 * versions b to d - 1. A list has only parts that were dropped after the next
 * older version: that one holds those of them that were born by then.
 *
 * One work item per pool, which never runs twice at a time, is all that touches
 * the chain; no writer waits for it and it waits for no writer.
 */
#include <linux/rcupdate.h>
#include <linux/sched.h>
#include <linux/slab.h>

#include "pool_version.h"

/* Parts and versions to look at before others get the CPU. */
#define SLICE	256

/* @freed: what each owner gets back in the end */
struct sweep {
	struct hkvp_pool *pool;
	unsigned long freed[HKVP_OWNER_COUNT];
	u32 steps;
};

static void slice(struct sweep *sweep)
{
	if (++sweep->steps % SLICE == 0)
		cond_resched();
}

static void free_part(struct sweep *sweep, struct hkvp_part *part)
{
	sweep->freed[part->owner] += part->size;
	hkvp_part_free(part);
}

static void retain(struct hkvp_pool *pool, long bytes)
{
	WRITE_ONCE(pool->retained, pool->retained + bytes);
}

/*
 * Note which versions are out of use; a grace period must pass before they go.
 * Returns whether there is anything to do.
 */
static bool mark(struct sweep *sweep, struct hkvp_version *current_version)
{
	bool work = !current_version->swept;
	struct hkvp_version *v;

	for (v = current_version->older; v; v = v->older) {
		bool unused = false;

		if (!v->retired) {
			v->retired = true;
			unused = refcount_dec_and_test(&v->refs);
		}
		/* 0 is final. The grace period also orders what its last user read. */
		if (unused || !refcount_read(&v->refs))
			v->unused = true;
		work |= v->unused;
		slice(sweep);
	}
	return work;
}

static bool holds(const struct hkvp_version *v, const struct hkvp_part *part)
{
	return v && part->birth <= v->generation;
}

static void keep(struct hkvp_version *v, struct hkvp_part *first,
		 struct hkvp_part *last)
{
	if (v->kept)
		v->kept_tail->next = first;
	else
		v->kept = first;
	v->kept_tail = last;
}

/* Move to @to, or free, what @from dropped; @older is what @to is to end up above. */
static void sift_dead(struct sweep *sweep, struct hkvp_version *to,
		      struct hkvp_version *from,
		      const struct hkvp_version *older)
{
	struct hkvp_dead *dead = &from->dead;
	struct hkvp_dead *next;
	u32 i;

	while (dead) {
		for (i = 0; i < dead->count; i++) {
			struct hkvp_part *part = dead->part[i];

			if (holds(older, part)) {
				retain(sweep->pool, part->size);
				keep(to, part, part);
			} else {
				free_part(sweep, part);
			}
			slice(sweep);
		}
		next = dead->next;
		if (dead != &from->dead) {
			sweep->freed[from->owner] += HKVP_ALLOC_MAX;
			kfree(dead);
		}
		dead = next;
	}
	from->dead.next = NULL;
	from->dead.count = 0;
	from->swept = true;
}

/* The same for the list of @from, which may be @to itself. */
static void sift_kept(struct sweep *sweep, struct hkvp_version *to,
		      struct hkvp_version *from,
		      const struct hkvp_version *older)
{
	struct hkvp_part *part = from->kept;
	struct hkvp_part *next;

	if (!part)
		return;
	from->kept = NULL;
	if (older && from->kept_for == older->generation) {
		keep(to, part, from->kept_tail);
		return;
	}
	for (; part; part = next) {
		next = part->next;
		if (holds(older, part)) {
			part->next = NULL;
			keep(to, part, part);
		} else {
			retain(sweep->pool, -(long)part->size);
			free_part(sweep, part);
		}
		slice(sweep);
	}
}

static void sift(struct sweep *sweep, struct hkvp_version *to,
		 struct hkvp_version *from, const struct hkvp_version *older)
{
	sift_kept(sweep, to, from, older);
	if (!from->swept)
		sift_dead(sweep, to, from, older);
}

/* Take the unused versions right below @v out of the chain. */
static void sweep_below(struct sweep *sweep, struct hkvp_version *v)
{
	struct hkvp_version *older = v->older;
	struct hkvp_version *gone;

	while (older && older->unused)
		older = older->older;
	if (older == v->older && v->swept)
		return;

	sift(sweep, v, v, older);
	while (v->older != older) {
		gone = v->older;
		v->older = gone->older;
		sift(sweep, v, gone, older);
		sweep->freed[gone->owner] += gone->size;
		hkvp_memory_free(gone, gone->size);
		slice(sweep);
	}
	v->kept_for = older ? older->generation : 0;
}

/* Process context; one caller at a time. */
void hkvp_reclaim(struct hkvp_pool *pool)
{
	struct sweep sweep = { .pool = pool };
	struct hkvp_version *newest, *v;

	/*
	 * Nobody else frees versions, so that this one stays without a lock.
	 * Writers publish meanwhile: not rcu_dereference_protected().
	 */
	newest = rcu_dereference_check(pool->root, true);
	if (!mark(&sweep, newest))
		return;
	synchronize_rcu();
	for (v = newest; v; v = v->older)
		sweep_below(&sweep, v);
	hkvp_budget_free(pool->budget, sweep.freed);
	WRITE_ONCE(pool->reclaimed, newest->turnover);
}

void hkvp_reclaim_work(struct work_struct *work)
{
	hkvp_reclaim(container_of(to_delayed_work(work), struct hkvp_pool,
				  reclaim));
}
