// SPDX-License-Identifier: GPL-2.0
/*
 * Writers who lose every race: right before each cmpxchg() another change is
 * published. So many times must they try, no more, and then say -EAGAIN; what
 * they built must be gone and all that the others did be there. One time less,
 * and the last try must succeed.
 */
#include <linux/kernel.h>
#include <linux/slab.h>

#include "host.h"
#include "pool_version.h"

#define CALLBACK	(GFP_NOWAIT | __GFP_NOWARN)
#define KERNEL		GFP_KERNEL

/* One for each change of the rival, who sets one after the other. */
#define RIVALS		(HKVP_POOL_TRIES + 10)
/* Ours: not there, and there. */
#define NEW		RIVALS
#define OLD		(RIVALS + 1)
#define OTHER		(RIVALS + 2)

#define SIZE		20
#define POOL		HKVP_POOL_EXTERNAL

static struct hkvp_pool pools[HKVP_POOL_COUNT];
static struct hkvp_ic ic;
static u32 changed;

/* Races that the rival is to win, and those that it has won. */
static u32 wanted, won;

static int set(u32 key, u32 number, gfp_t gfp)
{
	u8 bytes[MODEL_KEY_SIZE], value[SIZE];
	const struct hkvp_change change = {
		.key = bytes,
		.key_size = model_key(bytes, key),
		.value = value,
		.value_size = SIZE,
		.type = HKVP_TYPE_SZ,
		.owner = HKVP_OWNER_AGENT,
	};

	host_string(value, number, SIZE);
	return hkvp_pool_change(&pools[POOL], &change, gfp);
}

static int delete(u32 key, gfp_t gfp)
{
	u8 bytes[MODEL_KEY_SIZE];
	const struct hkvp_change change = {
		.key = bytes,
		.key_size = model_key(bytes, key),
		.delete = true,
	};

	return hkvp_pool_change(&pools[POOL], &change, gfp);
}

/* Within the race, maybe in atomic context. */
static void rival(void)
{
	if (won == wanted)
		return;
	REQUIRE(won < RIVALS);
	REQUIRE(!set(won, won + 1, GFP_ATOMIC));
	won++;
}

static bool has(u32 key, u32 number)
{
	u8 bytes[MODEL_KEY_SIZE], value[SIZE];
	u32 size = model_key(bytes, key);
	const struct hkvp_item *item;
	bool same;

	host_string(value, number, SIZE);
	rcu_read_lock();
	item = hkvp_version_find(hkvp_pool_current(&pools[POOL]), bytes, size);
	same = item && item->value_size == SIZE &&
	       !memcmp(hkvp_item_value(item), value, SIZE);
	rcu_read_unlock();
	return same;
}

static const struct hkvp_version *root(void)
{
	return rcu_dereference_protected(pools[POOL].root, true);
}

/* Twice: what a run drops itself the next one frees. */
static void settle(void)
{
	int i;

	for (i = 0; i < 2; i++) {
		queue_delayed_work(pools[POOL].wq, &pools[POOL].reclaim, 0);
		flush_delayed_work(&pools[POOL].reclaim);
	}
}

/* As each operation finds it, in whatever state the last one left it. */
static void reset(void)
{
	u32 i;

	delete(NEW, GFP_KERNEL);
	for (i = 0; i < RIVALS; i++)
		REQUIRE(!set(i, 0, GFP_KERNEL));
	REQUIRE(!set(OLD, 0, GFP_KERNEL));
	REQUIRE(!set(OTHER, 0, GFP_KERNEL));
	settle();
}

static int set_new(gfp_t gfp)
{
	return set(NEW, 1, gfp);
}

static int set_old(gfp_t gfp)
{
	return set(OLD, 1, gfp);
}

static int delete_old(gfp_t gfp)
{
	return delete(OLD, gfp);
}

static int batch_expecting(u64 generation)
{
	u8 key[3][MODEL_KEY_SIZE], value[SIZE];
	struct hkvp_change changes[3] = {
		{ .key_size = model_key(key[0], NEW) },
		{ .key_size = model_key(key[1], OLD) },
		{ .key_size = model_key(key[2], OTHER), .delete = true },
	};
	u32 i;

	host_string(value, 1, SIZE);
	for (i = 0; i < 3; i++) {
		changes[i].key = key[i];
		changes[i].value = value;
		changes[i].value_size = SIZE;
		changes[i].type = HKVP_TYPE_SZ;
		changes[i].owner = HKVP_OWNER_AGENT;
	}
	return hkvp_pool_batch(&pools[POOL], changes, 3, generation);
}

static int batch(gfp_t gfp)
{
	(void)gfp;
	return batch_expecting(HKVP_ANY_GENERATION);
}

static int touch(gfp_t gfp)
{
	(void)gfp;
	return hkvp_pool_touch(&pools[POOL]);
}

/* Where the keys of the operations are once it was done; -1: not there. */
struct operation {
	const char *name;
	int (*run)(gfp_t gfp);
	bool sleeps;
	int new, old, other;
};

static const struct operation operations[] = {
	{ "set of a new key", set_new, false, 1, 0, 0 },
	{ "set of a key that is there", set_old, false, -1, 1, 0 },
	{ "delete", delete_old, false, -1, -1, 0 },
	{ "batch", batch, true, 1, 1, -1 },
	{ "touch", touch, true, -1, 0, 0 },
};

static void expect_item(u32 key, int number)
{
	u8 bytes[MODEL_KEY_SIZE];
	u32 size = model_key(bytes, key);
	bool found;

	if (number >= 0) {
		REQUIRE(has(key, number), "key %u", key);
		return;
	}
	rcu_read_lock();
	found = hkvp_version_find(hkvp_pool_current(&pools[POOL]), bytes, size);
	rcu_read_unlock();
	REQUIRE(!found, "key %u", key);
}

/* The rival's changes are all there, and no other ones of its keys. */
static void expect_rivals(void)
{
	u32 i;

	for (i = 0; i < RIVALS; i++)
		REQUIRE(has(i, i < won ? i + 1 : 0), "key %u", i);
}

/* What @op did, or what there was before it. */
static void expect_state(const struct operation *op, bool done)
{
	expect_rivals();
	expect_item(NEW, done ? op->new : -1);
	expect_item(OLD, done ? op->old : 0);
	expect_item(OTHER, done ? op->other : 0);
	check_version(root());
}

/* Let @op lose @races races of @tries. */
static void lose(const struct operation *op, gfp_t gfp, u32 races, u32 tries)
{
	bool done = races < tries;
	struct shim_memory before;
	u64 generation;
	int err;

	reset();
	before = shim_memory();
	generation = root()->generation;
	won = 0;
	wanted = races;
	shim_rival = rival;
	err = op->run(gfp);
	shim_rival = NULL;
	REQUIRE(err == (done ? 0 : -EAGAIN), "%s: %d", op->name, err);
	REQUIRE(won == min(races, tries), "%s: %u races", op->name, won);
	REQUIRE(root()->generation == generation + won + done);
	expect_state(op, done);
	settle();
	/* The rival replaces its items: as many blocks as there were. */
	if (!done)
		REQUIRE(shim_memory().blocks == before.blocks, "leak: %ld blocks",
			shim_memory().blocks - before.blocks);
}

static void run(const struct operation *op, gfp_t gfp)
{
	bool may_sleep = gfpflags_allow_blocking(gfp);
	u32 tries = may_sleep ? HKVP_POOL_TRIES : HKVP_POOL_ATOMIC_TRIES;

	lose(op, gfp, ~0u, tries);
	lose(op, gfp, tries, tries);
	lose(op, gfp, tries - 1, tries);
	lose(op, gfp, 1, tries);
	ktap_ok("retries: %s, %s: %u tries", op->name,
		may_sleep ? "process" : "atomic", tries);
}

/* Who builds on one generation alone has lost with the first race. */
static void run_expecting(void)
{
	u64 generation;
	int err;

	reset();
	generation = root()->generation;
	won = 0;
	wanted = ~0u;
	shim_rival = rival;
	err = batch_expecting(generation);
	shim_rival = NULL;
	REQUIRE(err == -ESTALE, "%d", err);
	REQUIRE(won == 1);
	REQUIRE(root()->generation == generation + 1);
	expect_rivals();
	expect_item(NEW, -1);
	ktap_ok("retries: batch that expects a generation: stale after 1 race");
}

static enum hkvp_verdict handle(struct packet *p, u32 len, gfp_t gfp, u32 races)
{
	bool callback = !gfpflags_allow_blocking(gfp);
	enum hkvp_verdict verdict;

	won = 0;
	wanted = races;
	shim_rival = rival;
	/* The callback must not sleep, as a reader. */
	if (callback)
		rcu_read_lock();
	verdict = hkvp_ic_packet(&ic, p, len, 1, gfp);
	if (callback)
		rcu_read_unlock();
	shim_rival = NULL;
	return verdict;
}

/* The host's request @x, which makes what @done says of the keys. */
static void run_request(const char *name, struct exchange *x,
			const struct operation *done)
{
	const u64 *deferred = &ic.service.stats.deferred;
	struct packet p = x->request;
	u64 generation, was = *deferred;

	reset();
	changed = 0;
	generation = root()->generation;
	REQUIRE(handle(&p, x->len, CALLBACK, ~0u) == HKVP_DEFER);
	REQUIRE(won == HKVP_POOL_ATOMIC_TRIES, "%u races", won);
	REQUIRE(root()->generation == generation + won);
	REQUIRE(!memcmp(&p, &x->kept, x->len));
	REQUIRE(*deferred == was + 1 && !changed);
	expect_state(done, false);

	/* In the work item the rival has less luck. */
	REQUIRE(handle(&p, x->len, KERNEL, 3) == HKVP_REPLY);
	REQUIRE(!memcmp(&p, &x->answer, x->len));
	REQUIRE(changed == 1);
	expect_item(NEW, done->new);
	expect_item(OLD, done->old);

	/* Or more: then that is the answer. */
	reset();
	changed = 0;
	generation = root()->generation;
	p = x->request;
	REQUIRE(handle(&p, x->len, KERNEL, ~0u) == HKVP_REPLY);
	REQUIRE(won == HKVP_POOL_TRIES, "%u races", won);
	REQUIRE(root()->generation == generation + won);
	host_refuse(x, HKVP_E_FAIL);
	REQUIRE(!memcmp(&p, &x->answer, x->len));
	REQUIRE(*deferred == was + 1 && !changed);
	expect_state(done, false);
	ktap_ok("retries: %s of the host's: put off after %u races, refused after %u",
		name, HKVP_POOL_ATOMIC_TRIES, HKVP_POOL_TRIES);
}

static void count_change(void *ctx, enum hkvp_pool_id pool)
{
	(void)ctx;
	REQUIRE(pool == POOL);
	changed++;
}

static const struct hkvp_service_ops ops = { .changed = count_change };

static void run_requests(void)
{
	const struct host_value new = { NEW, 1, SIZE }, old = { OLD, 1, SIZE };
	struct exchange x;
	struct packet p;

	host_negotiate(&x, HOST_BINARY);
	p = x.request;
	REQUIRE(handle(&p, x.len, CALLBACK, 0) == HKVP_REPLY);
	host_set(&x, POOL, &new, true);
	run_request("SET of a new key", &x, &operations[0]);
	host_set(&x, POOL, &old, false);
	run_request("SET of a key that is there", &x, &operations[1]);
	host_delete(&x, POOL, OLD);
	run_request("DELETE", &x, &operations[2]);
}

int main(void)
{
	struct shim_memory before = shim_memory();
	u32 i, tests = 4;

	for (i = 0; i < ARRAY_SIZE(operations); i++)
		tests += operations[i].sleeps ? 1 : 2;
	ktap_plan(tests);
	for (i = 0; i < HKVP_POOL_COUNT; i++)
		REQUIRE(!hkvp_pool_init(&pools[i], &no_limits));
	hkvp_ic_init(&ic, pools, &ops, NULL);
	for (i = 0; i < ARRAY_SIZE(operations); i++) {
		run(&operations[i], KERNEL);
		if (!operations[i].sleeps)
			run(&operations[i], GFP_ATOMIC);
	}
	run_expecting();
	run_requests();
	hkvp_ic_close(&ic);
	for (i = 0; i < HKVP_POOL_COUNT; i++)
		hkvp_pool_destroy(&pools[i]);
	REQUIRE(shim_memory().blocks == before.blocks, "leak");
	check_unused(&no_limits);
	REQUIRE(shim_memory().bytes == before.bytes, "leak");
	return 0;
}
