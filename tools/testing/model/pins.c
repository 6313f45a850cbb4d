// SPDX-License-Identifier: GPL-2.0
/*
 * Pins that stay open while updates go by: memory stays within one old copy for
 * each pin, plus what waits for the reclaimer; and when the pins go, all of it
 * comes back. The pinned versions stay what they were.
 *
 * Argument: updates.
 */
#include <linux/kernel.h>
#include <linux/slab.h>

#include "common.h"
#include "pool_version.h"

#define ITEMS 10000

/* What may wait beyond the threshold: a writer checks before it changes. */
#define SLACK (1u << 20)

static struct rng rng = { 1 };

static void change(struct hkvp_pool *pool, u32 n, bool delete)
{
	u8 key[MODEL_KEY_SIZE];
	u64 value = rng_next(&rng);
	const struct hkvp_change change = {
		.key = key,
		.key_size = model_key(key, n),
		.value = &value,
		.value_size = sizeof(value),
		.type = 11,
		.delete = delete,
	};
	int err = hkvp_pool_change(pool, &change, GFP_KERNEL);

	REQUIRE(!err || (delete && err == -ENOENT), "%d", err);
}

static void fill(struct hkvp_pool *pool)
{
	u32 i;

	REQUIRE(!hkvp_pool_init(pool, &no_limits));
	wrap_soon(pool);
	for (i = 0; i < ITEMS; i++)
		change(pool, i, false);
}

/* Updates of all items, and deletes and adds among the last quarter. */
static void churn(struct hkvp_pool *pool, u64 updates)
{
	u64 i;

	for (i = 0; i < updates; i++) {
		u32 n = rng_below(&rng, ITEMS);
		bool delete = n > ITEMS * 3 / 4 && i % 2;

		change(pool, n, delete);
	}
}

static u64 copy_bytes(const struct hkvp_version *v)
{
	return v->bytes + v->size;
}

static void settle(struct hkvp_pool *pool)
{
	struct hkvp_pool_usage usage;
	int i;

	for (i = 0; i < 2; i++) {
		queue_delayed_work(pool->wq, &pool->reclaim, 0);
		flush_delayed_work(&pool->reclaim);
	}
	usage = hkvp_pool_usage(pool);
	REQUIRE(!usage.backlog_bytes);
}

struct digest {
	u64 sum;
	u32 count;
};

static struct digest digest(const struct hkvp_version *v)
{
	struct digest d = { .count = hkvp_version_count(v) };
	u32 i;

	for (i = 0; i < d.count; i++) {
		const struct hkvp_item *item = hkvp_version_at(v, i);
		u64 value;

		memcpy(&value, hkvp_item_value(item), sizeof(value));
		d.sum = d.sum * 31 + value + item->part.hash;
	}
	return d;
}

/* Parts of versions, once for each version that holds them. */
struct parts {
	const struct hkvp_part **part;
	size_t count;
	size_t max;
};

static void gather(struct parts *parts, const void *slot)
{
	const struct hkvp_node *node = slot;
	u32 i;

	if (!slot || hkvp_is_leaf(slot))
		return;
	if (parts->count == parts->max) {
		parts->max = parts->max * 2 + 1024;
		parts->part = realloc(parts->part,
				      parts->max * sizeof(*parts->part));
		REQUIRE(parts->part);
	}
	parts->part[parts->count++] = slot;
	if (node->part.kind != HKVP_PART_NODE)
		return;
	for (i = 0; i < hkvp_node_slots(node); i++)
		gather(parts, node->slot[i]);
}

static void gather_version(struct parts *parts, const struct hkvp_version *v)
{
	gather(parts, v->order);
	gather(parts, v->keys);
}

static int compare_parts(const void *a, const void *b)
{
	const struct hkvp_part *x = *(const struct hkvp_part * const *)a;
	const struct hkvp_part *y = *(const struct hkvp_part * const *)b;

	return (x > y) - (x < y);
}

/* Bytes of different parts. */
static u64 part_bytes(struct parts *parts)
{
	u64 bytes = 0;
	size_t i;

	if (parts->count)
		qsort(parts->part, parts->count, sizeof(*parts->part),
		      compare_parts);
	for (i = 0; i < parts->count; i++)
		if (!i || parts->part[i] != parts->part[i - 1])
			bytes += parts->part[i]->size;
	return bytes;
}

/*
 * What the reclaimer keeps is, to the byte, what the pinned versions hold and the
 * current one does not, and what is on the accounts is all of it. NULL in @pin: not
 * pinned any more.
 */
static void check_retained(struct hkvp_pool *pool,
			   struct hkvp_version * const *pin, u32 pins)
{
	u64 retained = hkvp_pool_usage(pool).retained_bytes;
	struct parts parts = { NULL };
	u64 all, roots = pool->root->size;
	u32 i;

	gather_version(&parts, pool->root);
	for (i = 0; i < pins; i++)
		if (pin[i]) {
			gather_version(&parts, pin[i]);
			roots += pin[i]->size;
		}
	all = part_bytes(&parts);
	free(parts.part);
	REQUIRE(retained == all - pool->root->bytes, "%llu, not %llu",
		(unsigned long long)retained,
		(unsigned long long)(all - pool->root->bytes));
	REQUIRE(kept_bytes(pool->budget) == (long)(all + roots), "%ld, not %llu",
		kept_bytes(pool->budget), (unsigned long long)(all + roots));
}

static void run(u32 pins, u64 updates)
{
	struct shim_memory before = shim_memory(), during;
	struct hkvp_version **pin = calloc(pins + 1, sizeof(*pin));
	struct digest *was = calloc(pins + 1, sizeof(*was));
	struct hkvp_pool pool;
	u64 allowed = HKVP_POOL_BACKLOG + SLACK;
	u64 largest = 0, one;
	double start = seconds();
	u32 i;

	fill(&pool);
	settle(&pool);
	shim_memory_reset_peak();
	one = hkvp_pool_usage(&pool).current_bytes;
	for (i = 0; i < pins; i++) {
		pin[i] = hkvp_pool_pin(&pool);
		was[i] = digest(pin[i]);
		allowed += copy_bytes(pin[i]);
		churn(&pool, updates / (pins + 1));
		largest = max(largest, hkvp_pool_usage(&pool).current_bytes);
	}
	churn(&pool, updates / (pins + 1));
	/* The pool's own size varies a little with what is deleted. */
	allowed += max(largest, one) * 11 / 10;
	during = shim_memory();
	during.peak -= before.bytes;
	REQUIRE((u64)during.peak <= allowed, "peak %ld, allowed %llu",
		during.peak, (unsigned long long)allowed);

	settle(&pool);
	REQUIRE(hkvp_pool_usage(&pool).retained_bytes <= pins * one * 11 / 10);
	check_retained(&pool, pin, pins);
	/* Out of order, so that lists are handed to older and newer versions. */
	for (i = 0; i < pins; i++) {
		u32 at = i % 2 ? pins - 1 - i / 2 : i / 2;
		struct digest now = digest(pin[at]);

		check_version(pin[at]);
		REQUIRE(now.sum == was[at].sum && now.count == was[at].count);
		hkvp_version_unpin(pin[at]);
		pin[at] = NULL;
		settle(&pool);
		check_retained(&pool, pin, pins);
	}
	REQUIRE(!hkvp_pool_usage(&pool).retained_bytes);
	REQUIRE(!pool.root->older);
	check_version(pool.root);
	hkvp_pool_destroy(&pool);
	REQUIRE(shim_memory().blocks == before.blocks, "leak");
	check_unused(&no_limits);
	free(pin);
	free(was);
	ktap_ok("pins: %u open, %llu updates: copy %llu KiB, peak %ld of %llu KiB # %.1f s",
		pins, (unsigned long long)updates,
		(unsigned long long)one >> 10, during.peak >> 10,
		(unsigned long long)allowed >> 10, seconds() - start);
}

/* A pin left open at the end is reported, and its version stays readable. */
static void run_destroy(void)
{
	struct hkvp_version *pin;
	struct hkvp_pool pool;
	int warnings = 0;

	REQUIRE(!hkvp_pool_init(&pool, &no_limits));
	change(&pool, 1, false);
	pin = hkvp_pool_pin(&pool);
	change(&pool, 2, false);
	shim_warnings = &warnings;
	hkvp_pool_destroy(&pool);
	shim_warnings = NULL;
	REQUIRE(warnings == 1);
	check_version(pin);
	hkvp_version_unpin(pin);
	hkvp_pool_destroy(&pool);
	ktap_ok("pins: destroy with one open");
}

/*
 * Who must not sleep and says that he may is told so, also where nothing is
 * allocated and nobody waited for.
 */
static void run_wrong_context(void)
{
	const struct hkvp_change missing = {
		.key = "n\0o\0\0", .key_size = 6, .delete = true,
	};
	struct hkvp_pool pool;
	int warnings = 0;

	REQUIRE(!hkvp_pool_init(&pool, &no_limits));
	shim_warnings = &warnings;
	rcu_read_lock();
	REQUIRE(hkvp_pool_change(&pool, &missing, GFP_NOWAIT) == -ENOENT);
	REQUIRE(!warnings);
	REQUIRE(hkvp_pool_change(&pool, &missing, GFP_KERNEL) == -ENOENT);
	REQUIRE(warnings == 1);
	REQUIRE(hkvp_pool_batch(&pool, &missing, 1, 1) == -ESTALE);
	REQUIRE(warnings == 2);
	rcu_read_unlock();
	shim_warnings = NULL;
	hkvp_pool_destroy(&pool);
	ktap_ok("pins: sleeping where it is forbidden is noticed");
}

int main(int argc, char **argv)
{
	u64 updates = argument(argc, argv, 1000000);

	ktap_plan(5);
	run_destroy();
	run_wrong_context();
	run(0, updates / 4);
	run(1, updates);
	run(9, updates / 2);
	return 0;
}
