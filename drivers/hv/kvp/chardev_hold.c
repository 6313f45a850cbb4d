// SPDX-License-Identifier: GPL-2.0
/*
 * Items that go with the open file that set them.
 *
 * Each file that has set one has a number, which such an item carries. When the file
 * is closed for good a work item deletes the items that still have it: not the
 * process that closes, which may be a killed one, and then could wait for nothing.
 * Whoever sets the item again, the host for instance, takes it off this way.
 */
#include <linux/atomic.h>
#include <linux/list.h>
#include <linux/sched.h>
#include <linux/slab.h>
#include <linux/spinlock.h>
#include <linux/workqueue.h>

#include "chardev_file.h"

/* Items that are deleted as one version, and looked at before it sleeps. */
#define DROP_MAX	64
#define DROP_SLICE	1024

/* Memory was short: it is tried again after this. */
#define RETRY		HZ

/**
 * struct hkvp_hold - what goes with an open file
 * @node: of files that were closed
 * @kvp: the service
 * @holder: number of the file, never 0
 */
struct hkvp_hold {
	struct list_head node;
	struct hkvp *kvp;
	u64 holder;
};

/**
 * struct drop - a walk over a pool, from the last item to the first
 * @changes: deletes of items of a version
 * @count: number of @changes
 * @above: indices from here on have been looked at
 * @holder: whose items go
 */
struct drop {
	struct hkvp_change changes[DROP_MAX];
	u32 count;
	u32 above;
	u64 holder;
};

static atomic64_t last_holder = ATOMIC64_INIT(0);

/* Of @closed; held for some instructions. */
static DEFINE_SPINLOCK(lock);
static LIST_HEAD(closed);

static void drop_all(struct work_struct *work);
static DECLARE_DELAYED_WORK(dropper, drop_all);

/* Two calls on one file may come here at a time. */
static struct hkvp_hold *get_hold(struct hkvp_file *file)
{
	/* pairs with the cmpxchg() below: the number before the pointer */
	struct hkvp_hold *hold = smp_load_acquire(&file->hold);
	struct hkvp_hold *first;

	if (hold)
		return hold;
	hold = kzalloc(sizeof(*hold), GFP_KERNEL_ACCOUNT);
	if (!hold)
		return NULL;
	hold->kvp = file->kvp;
	hold->holder = atomic64_inc_return(&last_holder);
	first = cmpxchg(&file->hold, NULL, hold);
	if (!first)
		return hold;
	kfree(hold);
	return first;
}

/* What @change sets is to go with @file. 0 or -ENOMEM. */
int hkvp_hold_mark(struct hkvp_file *file, struct hkvp_change *change)
{
	struct hkvp_hold *hold = get_hold(file);

	if (!hold)
		return -ENOMEM;
	change->traits |= HKVP_TRAIT_HELD;
	change->holder = hold->holder;
	return 0;
}

static void find_held(const struct hkvp_version *v, struct drop *drop)
{
	u32 looked = 0;

	drop->count = 0;
	drop->above = min(drop->above, hkvp_version_count(v));
	while (drop->above && drop->count < DROP_MAX) {
		const struct hkvp_item *item = hkvp_version_at(v, --drop->above);

		if (hkvp_item_holder(item) == drop->holder)
			drop->changes[drop->count++] = (struct hkvp_change) {
				.key = hkvp_item_key(item),
				.key_size = item->key_size,
				.owner = HKVP_OWNER_AGENT,
				.privileged = true,
				.delete = true,
				.missing_ok = true,
			};
		if (++looked % DROP_SLICE == 0)
			cond_resched();
	}
}

/* As typedef hkvp_check_fn has it: somebody else's by now? */
static int check(void *ctx, u32 index, const struct hkvp_item *item)
{
	const struct drop *drop = ctx;

	return !item || hkvp_item_holder(item) != drop->holder;
}

/* Items move down only by deletes, into places that have been looked at then. */
static int drop_from_pool(struct hkvp *kvp, enum hkvp_pool_id id,
			  struct drop *drop)
{
	struct hkvp_pool *pool = &kvp->pools[id];
	struct hkvp_update update = {
		.changes = drop->changes,
		.expect = HKVP_ANY_GENERATION,
		.check = check,
		.ctx = drop,
	};
	struct hkvp_version *v = hkvp_pool_pin(pool);
	int ret = 0;

	drop->above = U32_MAX;
	while (!ret && drop->above) {
		find_held(v, drop);
		update.count = drop->count;
		ret = hkvp_pool_update(pool, &update, GFP_KERNEL);
		if (!ret && update.skipped < update.count)
			hkvp_chardev_changed(id);
	}
	hkvp_version_unpin(v);
	return ret;
}

static int drop_hold(const struct hkvp_hold *hold, struct drop *drop)
{
	enum hkvp_pool_id id;
	int ret;

	drop->holder = hold->holder;
	/* no other pool has items of agents */
	for (id = HKVP_POOL_GUEST; id <= HKVP_POOL_AUTO; id++) {
		ret = drop_from_pool(hold->kvp, id, drop);
		if (ret)
			return ret;
	}
	return 0;
}

static struct hkvp_hold *get_first(void)
{
	struct hkvp_hold *hold;

	spin_lock(&lock);
	hold = list_first_entry_or_null(&closed, struct hkvp_hold, node);
	spin_unlock(&lock);
	return hold;
}

static void forget(struct hkvp_hold *hold)
{
	spin_lock(&lock);
	list_del(&hold->node);
	spin_unlock(&lock);
	kfree(hold);
}

/* It alone takes entries off the list. */
static void drop_all(struct work_struct *work)
{
	struct drop *drop = kmalloc(sizeof(*drop), GFP_KERNEL);
	struct hkvp_hold *hold;
	int err = drop ? 0 : -ENOMEM;

	while (!err && (hold = get_first())) {
		err = drop_hold(hold, drop);
		if (!err)
			forget(hold);
	}
	kfree(drop);
	if (err)
		schedule_delayed_work(&dropper, RETRY);
}

/* The file is closed for good. When this returns its items are gone, memory allowing. */
void hkvp_hold_end(struct hkvp_file *file)
{
	struct hkvp_hold *hold = file->hold;

	if (!hold)
		return;
	spin_lock(&lock);
	list_add_tail(&hold->node, &closed);
	spin_unlock(&lock);
	schedule_delayed_work(&dropper, 0);
	/* at once, also where it waits for memory */
	flush_delayed_work(&dropper);
}

/* No descriptor is open any more, and the pools go. */
void hkvp_hold_exit(void)
{
	struct hkvp_hold *hold;

	cancel_delayed_work_sync(&dropper);
	while ((hold = get_first()))
		forget(hold);
}
