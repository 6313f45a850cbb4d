// SPDX-License-Identifier: GPL-2.0
/*
 * Every allocation of every operation fails in turn. Each time the operation
 * must say so, the pool must be the very version that it was, and no memory may
 * be kept. Without a failure the operation must succeed.
 */
#include <linux/kernel.h>
#include <linux/siphash.h>
#include <linux/slab.h>

#include "common.h"
#include "pool_version.h"

/* Around the sizes at which a trie gets or loses a level. */
static const u32 sizes[] = { 0, 1, 2, 3, 15, 16, 17, 18, 256, 257, 1000, 4096, 4097 };

/* Hashes with few bits, and how many keys go into so few. */
static const struct {
	u32 mask;
	u32 most;
} hashes[] = {
	{ ~0u, ~0u },
	{ 0xffff, ~0u },
	{ 0xc0000001, 35 },
};

#define BATCH 400

struct operation {
	const char *name;
	u32 least;		/* items that it needs */
	int (*run)(struct hkvp_pool *pool, u32 items, gfp_t gfp);
	bool sleeps;		/* in process context only */
};

static int change(struct hkvp_pool *pool, u32 n, bool delete, gfp_t gfp)
{
	u8 key[MODEL_KEY_SIZE];
	const struct hkvp_change change = {
		.key = key,
		.key_size = model_key(key, n),
		.value = MODEL_SECRET,
		.value_size = MODEL_SECRET_SIZE,
		.type = 1,
		.delete = delete,
	};

	return hkvp_pool_change(pool, &change, gfp);
}

static int add(struct hkvp_pool *pool, u32 items, gfp_t gfp)
{
	return change(pool, items, false, gfp);
}

static int update_first(struct hkvp_pool *pool, u32 items, gfp_t gfp)
{
	(void)items;
	return change(pool, 0, false, gfp);
}

static int update_last(struct hkvp_pool *pool, u32 items, gfp_t gfp)
{
	return change(pool, items - 1, false, gfp);
}

static int delete_first(struct hkvp_pool *pool, u32 items, gfp_t gfp)
{
	(void)items;
	return change(pool, 0, true, gfp);
}

static int delete_middle(struct hkvp_pool *pool, u32 items, gfp_t gfp)
{
	return change(pool, items / 2, true, gfp);
}

static int delete_last(struct hkvp_pool *pool, u32 items, gfp_t gfp)
{
	return change(pool, items - 1, true, gfp);
}

/* Adds as many as there is memory for several chunks of drops, and deletes. */
static int batch(struct hkvp_pool *pool, u32 items, gfp_t gfp)
{
	static u8 key[BATCH][MODEL_KEY_SIZE];
	static struct hkvp_change changes[BATCH];
	u32 i, n = 0;

	(void)gfp;
	for (i = 0; i < BATCH; i++) {
		bool delete = i % 5 == 4;

		/* A delete takes what the change before it set. */
		if (!delete)
			n = i % 2 || i >= items ? items + i : i;
		changes[i] = (struct hkvp_change) {
			.key = key[i],
			.key_size = model_key(key[i], n),
			.value = MODEL_SECRET "batch",
			.value_size = sizeof(MODEL_SECRET "batch"),
			.type = 1,
			.owner = HKVP_OWNER_AGENT,
			.delete = delete,
		};
	}
	return hkvp_pool_batch(pool, changes, BATCH, HKVP_ANY_GENERATION);
}

static int touch(struct hkvp_pool *pool, u32 items, gfp_t gfp)
{
	(void)items;
	(void)gfp;
	return hkvp_pool_touch(pool);
}

static const struct operation operations[] = {
	{ "add", 0, add, false },
	{ "update the first", 1, update_first, false },
	{ "update the last", 1, update_last, false },
	{ "delete the first", 1, delete_first, false },
	{ "delete in the middle", 1, delete_middle, false },
	{ "delete the last", 1, delete_last, false },
	{ "batch", 0, batch, true },
	{ "touch", 0, touch, true },
};

static const struct hkvp_version *root(struct hkvp_pool *pool)
{
	return rcu_dereference_protected(pool->root, true);
}

/* Run @op until it has had no failure; returns how many it had. */
static u32 fail_all(struct hkvp_pool *pool, const struct operation *op,
		    u32 items, gfp_t gfp)
{
	const struct hkvp_version *before = root(pool);
	struct shim_memory memory;
	u32 nth;
	int err;

	/* Let nothing else give memory back while it is counted. */
	flush_delayed_work(&pool->reclaim);
	for (nth = 1;; nth++) {
		memory = shim_memory();
		shim_fail_nth(nth);
		err = op->run(pool, items, gfp);
		if (!shim_failed())
			break;
		shim_fail_nth(0);
		REQUIRE(err == -ENOMEM, "%s of %u: %d", op->name, items, err);
		REQUIRE(root(pool) == before);
		REQUIRE(shim_memory().blocks == memory.blocks, "leak");
		REQUIRE(shim_memory().bytes == memory.bytes, "leak");
		if (nth % 16 == 1 || items < 64)
			check_version(before);
	}
	shim_fail_nth(0);
	REQUIRE(!err, "%s of %u: %d", op->name, items, err);
	REQUIRE(root(pool)->generation == before->generation + 1);
	check_version(root(pool));
	return nth - 1;
}

static void fill(struct hkvp_pool *pool, u32 items)
{
	u32 i;

	REQUIRE(!hkvp_pool_init(pool, &no_limits));
	for (i = 0; i < items; i++)
		REQUIRE(!change(pool, i, false, GFP_KERNEL));
}

static void run(const struct operation *op, gfp_t gfp)
{
	struct shim_memory before = shim_memory();
	struct hkvp_pool pool;
	u32 failures = 0, pools = 0;
	u32 i, j;

	for (i = 0; i < ARRAY_SIZE(sizes); i++) {
		for (j = 0; j < ARRAY_SIZE(hashes); j++) {
			u32 most = sizes[i] + (op->run == batch ? BATCH : 1);

			if (sizes[i] < op->least || most > hashes[j].most)
				continue;
			shim_hash_mask = hashes[j].mask;
			fill(&pool, sizes[i]);
			failures += fail_all(&pool, op, sizes[i], gfp);
			hkvp_pool_destroy(&pool);
			pools++;
		}
	}
	REQUIRE(shim_memory().blocks == before.blocks, "leak");
	check_unused(&no_limits);
	REQUIRE(failures, "nothing failed");
	ktap_ok("failures: %s, %s: %u failures in %u pools", op->name,
		gfpflags_allow_blocking(gfp) ? "process" : "atomic", failures,
		pools);
}

static void run_init(void)
{
	struct shim_memory before = shim_memory();
	struct hkvp_pool pool;
	u32 nth;

	for (nth = 1;; nth++) {
		int err;

		shim_fail_nth(nth);
		err = hkvp_pool_init(&pool, &no_limits);
		if (!shim_failed())
			break;
		shim_fail_nth(0);
		REQUIRE(err == -ENOMEM);
		REQUIRE(shim_memory().blocks == before.blocks, "leak");
	check_unused(&no_limits);
	}
	shim_fail_nth(0);
	hkvp_pool_destroy(&pool);
	REQUIRE(nth > 1);
	REQUIRE(shim_memory().blocks == before.blocks, "leak");
	check_unused(&no_limits);
	ktap_ok("failures: init: %u failures", nth - 1);
}

int main(void)
{
	u32 i, tests = 1;

	for (i = 0; i < ARRAY_SIZE(operations); i++)
		tests += operations[i].sleeps ? 1 : 2;
	ktap_plan(tests);
	run_init();
	for (i = 0; i < ARRAY_SIZE(operations); i++) {
		run(&operations[i], GFP_KERNEL);
		if (!operations[i].sleeps)
			run(&operations[i], GFP_ATOMIC);
	}
	return 0;
}
