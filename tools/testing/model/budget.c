// SPDX-License-Identifier: GPL-2.0
/*
 * Some pools that share a budget, in a small world where it is always short: random
 * changes of both owners, of all sizes, with versions pinned on the way. Nothing is
 * kept beyond the budget unless it was kept by a change that lets its owner hold
 * less; a delete is never refused; and what is on the accounts in the end is exactly
 * what the current versions hold. First alone, then with threads.
 *
 * Argument: changes.
 */
#include <pthread.h>

#include <linux/kernel.h>
#include <linux/slab.h>

#include "common.h"
#include "pool_version.h"

#define POOLS		3
#define KEYS		60
#define VALUE_MAX	1500
#define PINS		4
#define WRITERS		4
#define BATCH		8
#define FILES_MAX	8

static const struct hkvp_limit limits[HKVP_OWNER_COUNT] = {
	{ .items = 50, .bytes = 40000 },
	{ .items = 40, .bytes = 30000 },
};

static struct hkvp_budget budget;
static struct hkvp_pool pools[POOLS];

/* Pins of old versions that relieve() may end, as of agents' lists. */
static struct hkvp_version *lists[PINS];
static atomic_t relieved;

static bool relieve(void)
{
	bool ended = false;
	u32 i;

	for (i = 0; i < PINS && !ended; i++) {
		struct hkvp_version *list = xchg(&lists[i], NULL);

		ended = list;
		hkvp_version_unpin(list);
	}
	for (i = 0; i < POOLS; i++)
		hkvp_pool_flush(&pools[i]);
	if (ended)
		atomic_inc(&relieved);
	return ended;
}

static void begin(void)
{
	u32 i;

	hkvp_budget_init(&budget, limits, FILES_MAX * HKVP_FILE_BYTES);
	budget.relieve = relieve;
	/* Tighter than it need be, for old versions are small here. */
	for (i = 0; i < HKVP_OWNER_COUNT; i++)
		budget.account[i].memory = limits[i].bytes * 3 / 2;
	for (i = 0; i < POOLS; i++) {
		REQUIRE(!hkvp_pool_init(&pools[i], &budget));
		wrap_soon(&pools[i]);
	}
}

static void settle(void)
{
	u32 i, j;

	for (i = 0; i < POOLS; i++) {
		for (j = 0; j < 2; j++) {
			queue_delayed_work(pools[i].wq, &pools[i].reclaim, 0);
			hkvp_pool_flush(&pools[i]);
		}
	}
}

/* Parts of a trie, by who was charged for them. */
static void add_parts(const void *slot, long bytes[HKVP_OWNER_COUNT])
{
	const struct hkvp_node *node = slot;
	u32 i;

	if (!slot || hkvp_is_leaf(slot))
		return;
	bytes[node->part.owner] += node->part.size;
	if (node->part.kind == HKVP_PART_NODE)
		for (i = 0; i < hkvp_node_slots(node); i++)
			add_parts(node->slot[i], bytes);
}

/* Nobody changes anything, and nothing is pinned: the accounts are the versions. */
static void check_exact(void)
{
	long items[HKVP_OWNER_COUNT] = { 0 }, bytes[HKVP_OWNER_COUNT] = { 0 };
	long kept[HKVP_OWNER_COUNT] = { 0 };
	enum hkvp_owner owner;
	u32 i;

	settle();
	for (i = 0; i < POOLS; i++) {
		const struct hkvp_version *v = pools[i].root;

		check_version(v);
		REQUIRE(!v->older);
		add_parts(v->order, kept);
		add_parts(v->keys, kept);
		kept[v->owner] += v->size;
		for (owner = 0; owner < HKVP_OWNER_COUNT; owner++) {
			items[owner] += v->items[owner];
			bytes[owner] += v->item_bytes[owner];
		}
	}
	for (owner = 0; owner < HKVP_OWNER_COUNT; owner++) {
		const struct hkvp_account *account = &budget.account[owner];

		REQUIRE(atomic_long_read(&account->items) == items[owner]);
		REQUIRE(atomic_long_read(&account->bytes) == bytes[owner]);
		REQUIRE(atomic_long_read(&account->kept) == kept[owner],
			"owner %d: %ld on the account, %ld kept", owner,
			atomic_long_read(&account->kept), kept[owner]);
		REQUIRE(items[owner] <= (long)account->limit.items);
		REQUIRE(bytes[owner] <= (long)account->limit.bytes);
	}
}

struct packed {
	u8 key[MODEL_KEY_SIZE];
	u8 value[VALUE_MAX];
};

static struct hkvp_change pack(struct rng *rng, struct packed *p)
{
	return (struct hkvp_change) {
		.key = p->key,
		.key_size = model_key(p->key, rng_below(rng, KEYS)),
		.value = p->value,
		.value_size = rng_below(rng, rng_below(rng, VALUE_MAX) + 1),
		.type = 1,
		.owner = rng_below(rng, HKVP_OWNER_COUNT),
		.privileged = !rng_below(rng, 4),
		.delete = !rng_below(rng, 3),
	};
}

struct counts {
	u64 done, refused, later;
};

static void count(struct counts *counts, int err, bool sleeps, bool deletes)
{
	if (err == -EAGAIN)
		return;
	REQUIRE(!err || (err == -ENOENT && deletes) ||
		(err == -ENOSPC && !(deletes && sleeps)) ||
		(err == -ENOMEM && !sleeps), "%d", err);
	counts->done += !err;
	counts->refused += err == -ENOSPC;
	counts->later += err == -ENOMEM;
}

static void change(struct rng *rng, struct counts *counts)
{
	struct hkvp_pool *pool = &pools[rng_below(rng, POOLS)];
	struct packed packed[BATCH];
	struct hkvp_change changes[BATCH];
	bool sleeps = rng_below(rng, 2);
	u32 i, n = rng_below(rng, 8) ? 1 : BATCH;
	int err;

	for (i = 0; i < n; i++)
		changes[i] = pack(rng, &packed[i]);
	if (n == 1) {
		err = hkvp_pool_change(pool, changes,
				       sleeps ? GFP_KERNEL : GFP_ATOMIC);
		count(counts, err, sleeps, changes[0].delete);
		return;
	}
	err = hkvp_pool_batch(pool, changes, n, HKVP_ANY_GENERATION);
	if (err != -ENOENT)
		count(counts, err, true, false);
}

/* Who reads for long: a list, which relieve() ends, or one of the caller's own. */
static void read_long(struct rng *rng, struct hkvp_version **own)
{
	struct hkvp_version *pin = hkvp_pool_pin(&pools[rng_below(rng, POOLS)]);

	if (rng_below(rng, 2)) {
		pin = xchg(&lists[rng_below(rng, PINS)], pin);
	} else {
		hkvp_version_unpin(*own);
		*own = pin;
		pin = NULL;
	}
	if (pin)
		hkvp_version_unpin(pin);
}

static void end_lists(void)
{
	u32 i;

	for (i = 0; i < PINS; i++)
		hkvp_version_unpin(xchg(&lists[i], NULL));
}

static long kept_by(enum hkvp_owner owner)
{
	return atomic_long_read(&budget.account[owner].kept);
}

/* Does the owner hold less by now, or is it within what may be kept? */
static void check_bound(enum hkvp_owner owner, long kept, long bytes)
{
	const struct hkvp_account *account = &budget.account[owner];

	REQUIRE(kept_by(owner) <= max_t(long, kept, account->memory) ||
		atomic_long_read(&account->bytes) < bytes,
		"owner %d: %ld kept", owner, kept_by(owner));
}

static void run_alone(u64 steps)
{
	struct counts counts = { 0 };
	struct hkvp_version *own = NULL;
	struct rng rng = { 7 };
	u32 files = 0;
	u64 i;

	begin();
	atomic_set(&relieved, 0);
	for (i = 0; i < steps; i++) {
		long kept[HKVP_OWNER_COUNT], bytes[HKVP_OWNER_COUNT];
		enum hkvp_owner owner;

		for (owner = 0; owner < HKVP_OWNER_COUNT; owner++) {
			kept[owner] = kept_by(owner);
			bytes[owner] = atomic_long_read(&budget.account[owner].bytes);
		}
		if (!rng_below(&rng, 10))
			read_long(&rng, &own);
		else if (!rng_below(&rng, 50))
			files += files < FILES_MAX &&
				 hkvp_budget_take_file(&budget, HKVP_OWNER_HOST);
		else if (files && !rng_below(&rng, 50))
			hkvp_budget_give_file(&budget, HKVP_OWNER_HOST), files--;
		else
			change(&rng, &counts);
		for (owner = 0; owner < HKVP_OWNER_COUNT; owner++)
			check_bound(owner, kept[owner], bytes[owner]);
		if (i % 1000)
			continue;
		end_lists();
		hkvp_version_unpin(own);
		own = NULL;
		for (; files; files--)
			hkvp_budget_give_file(&budget, HKVP_OWNER_HOST);
		check_exact();
	}
	end_lists();
	hkvp_version_unpin(own);
	for (; files; files--)
		hkvp_budget_give_file(&budget, HKVP_OWNER_HOST);
	check_exact();
	for (i = 0; i < POOLS; i++)
		hkvp_pool_destroy(&pools[i]);
	check_unused(&budget);
	REQUIRE(counts.done && counts.refused && counts.later && atomic_read(&relieved));
	ktap_ok("budget: alone: %llu changes, %llu refused, %llu put off, %d lists ended",
		(unsigned long long)counts.done,
		(unsigned long long)counts.refused,
		(unsigned long long)counts.later, atomic_read(&relieved));
}

struct writer {
	pthread_t thread;
	struct rng rng;
	u64 steps;
	struct counts counts;
};

static void *write_much(void *arg)
{
	struct writer *w = arg;
	struct hkvp_version *own = NULL;
	u64 i;

	for (i = 0; i < w->steps; i++) {
		if (rng_below(&w->rng, 10))
			change(&w->rng, &w->counts);
		else
			read_long(&w->rng, &own);
	}
	hkvp_version_unpin(own);
	return NULL;
}

static void run_together(u64 steps)
{
	struct writer writer[WRITERS];
	u64 done = 0, refused = 0;
	u32 i;

	begin();
	for (i = 0; i < WRITERS; i++) {
		writer[i] = (struct writer) {
			.rng = { i + 1 }, .steps = steps / WRITERS,
		};
		REQUIRE(!pthread_create(&writer[i].thread, NULL, write_much,
					&writer[i]));
	}
	for (i = 0; i < WRITERS; i++) {
		pthread_join(writer[i].thread, NULL);
		done += writer[i].counts.done;
		refused += writer[i].counts.refused;
	}
	end_lists();
	check_exact();
	for (i = 0; i < POOLS; i++)
		hkvp_pool_destroy(&pools[i]);
	check_unused(&budget);
	REQUIRE(done && refused);
	ktap_ok("budget: %d threads: %llu changes, %llu refused", WRITERS,
		(unsigned long long)done, (unsigned long long)refused);
}

int main(int argc, char **argv)
{
	struct shim_memory before = shim_memory();
	u64 steps = argument(argc, argv, 100000);

	ktap_plan(2);
	run_alone(steps);
	run_together(steps);
	REQUIRE(shim_memory().blocks == before.blocks, "leak");
	return 0;
}
