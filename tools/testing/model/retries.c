// SPDX-License-Identifier: GPL-2.0
/*
 * Writers who lose race after race: right before each cmpxchg() another change is
 * published. In atomic context they must try so many times, no more, and then say
 * -EAGAIN; what they built must be gone and all that the others did be there. One
 * time less, and the last try must succeed. In process context they must go on, ask
 * for quiet, and end only when they win or are killed.
 *
 * Also what one that has lost already must not do: build on, or publish on top of
 * what waits to be freed.
 */
#include <linux/jiffies.h>
#include <linux/kernel.h>
#include <linux/sched.h>
#include <linux/sched/signal.h>
#include <linux/slab.h>

#include "host.h"
#include "pool_version.h"

#define CALLBACK	(GFP_NOWAIT | __GFP_NOWARN)
#define KERNEL		GFP_KERNEL

/* One for each change of the rival, who sets one after the other. */
#define RIVALS		250
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

/* The race after which the writer is killed, 0 for none. */
static u32 killed_after;

static bool is_quiet(void)
{
	return READ_ONCE(pools[POOL].quiet_until);
}

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
	bool atomic = rcu_read_lock_held();

	REQUIRE(is_quiet() == (!atomic && won >= HKVP_POOL_TRIES));
	if (won == wanted)
		return;
	REQUIRE(won < RIVALS);
	REQUIRE(!set(won, won + 1, GFP_ATOMIC));
	won++;
	shim_killed = won == killed_after;
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

static int batch_small(gfp_t gfp)
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
	{ "batch", batch_small, true, 1, 1, -1 },
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

/* Let @op lose @races races; it then returns @want. */
static void lose(const struct operation *op, gfp_t gfp, u32 races, int want)
{
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
	shim_killed = false;
	REQUIRE(err == want, "%s: %d", op->name, err);
	REQUIRE(won == races, "%s: %u races", op->name, won);
	REQUIRE(root()->generation == generation + won + !want);
	REQUIRE(!is_quiet());
	expect_state(op, !want);
	settle();
	/* The rival replaces its items: as many blocks as there were. */
	if (want)
		REQUIRE(shim_memory().blocks == before.blocks, "leak: %ld blocks",
			shim_memory().blocks - before.blocks);
}

static void run_atomic(const struct operation *op)
{
	lose(op, GFP_ATOMIC, 1, 0);
	lose(op, GFP_ATOMIC, HKVP_POOL_TRIES - 1, 0);
	lose(op, GFP_ATOMIC, HKVP_POOL_TRIES, -EAGAIN);
	ktap_ok("retries: %s, atomic: %u tries", op->name, HKVP_POOL_TRIES);
}

static void run_process(const struct operation *op)
{
	lose(op, KERNEL, 1, 0);
	lose(op, KERNEL, HKVP_POOL_TRIES, 0);
	lose(op, KERNEL, RIVALS, 0);
	for (killed_after = 1; killed_after < 2 * HKVP_POOL_TRIES; killed_after++)
		lose(op, KERNEL, killed_after, -EINTR);
	killed_after = 0;
	ktap_ok("retries: %s, process: done after %u races, or killed", op->name,
		RIVALS);
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

#define MANY	100

static u32 looks;

/* When it lets others run. */
static void be_first_once(void)
{
	if (!looks++)
		REQUIRE(!set(0, 1, GFP_ATOMIC));
}

static void fill_batch(struct hkvp_change *changes, u8 (*key)[MODEL_KEY_SIZE],
		       u32 count, const u8 *value, u32 size)
{
	u32 i;

	for (i = 0; i < count; i++)
		changes[i] = (struct hkvp_change) {
			.key = key[i],
			.key_size = model_key(key[i], i),
			.value = value,
			.value_size = size,
			.type = HKVP_TYPE_SZ,
			.owner = HKVP_OWNER_AGENT,
		};
}

/* A batch that has lost in its middle ends there and begins again. */
static void run_lost(void)
{
	static struct hkvp_change changes[MANY];
	static u8 key[MANY][MODEL_KEY_SIZE];
	u8 value[SIZE];

	reset();
	host_string(value, 2, SIZE);
	fill_batch(changes, key, MANY, value, SIZE);
	looks = 0;
	shim_others = be_first_once;
	REQUIRE(!hkvp_pool_batch(&pools[POOL], changes, MANY,
				 HKVP_ANY_GENERATION));
	shim_others = NULL;
	/* one change, the way back to the start, and all of them */
	REQUIRE(looks == 1 + 1 + MANY, "%u", looks);
	REQUIRE(has(0, 2) && has(MANY - 1, 2));
	ktap_ok("retries: a batch that has lost stops");
}

/* The same for one that is killed. */
static void be_killed(void)
{
	looks++;
	shim_killed = true;
}

static void run_killed(void)
{
	static struct hkvp_change changes[MANY];
	static u8 key[MANY][MODEL_KEY_SIZE];
	u8 value[SIZE];

	reset();
	host_string(value, 2, SIZE);
	fill_batch(changes, key, MANY, value, SIZE);
	looks = 0;
	shim_others = be_killed;
	REQUIRE(hkvp_pool_batch(&pools[POOL], changes, MANY,
				HKVP_ANY_GENERATION) == -EINTR);
	shim_others = NULL;
	shim_killed = false;
	REQUIRE(looks == 1, "%u", looks);
	REQUIRE(has(0, 0));
	ktap_ok("retries: a batch that is killed stops");
}

static u64 backlog(void)
{
	return hkvp_pool_usage(&pools[POOL]).backlog_bytes;
}

/* Leaves much to be freed behind, once; the second time it looks. */
static void leave_much(void)
{
	static const u8 value[HKVP_VALUE_SIZE];
	const struct hkvp_change change = {
		.key = "k\0\0",
		.key_size = 4,
		.value = value,
		.value_size = sizeof(value),
		.type = HKVP_TYPE_SZ,
		.owner = HKVP_OWNER_AGENT,
	};

	if (won++) {
		REQUIRE(backlog() <= HKVP_POOL_BACKLOG, "%llu",
			(unsigned long long)backlog());
		return;
	}
	while (backlog() <= HKVP_POOL_BACKLOG + 4 * HKVP_VALUE_SIZE)
		REQUIRE(!hkvp_pool_change(&pools[POOL], &change, GFP_ATOMIC));
}

/* What a round is published on top of is looked at in that round. */
static void run_backlog(int (*run)(gfp_t gfp), const char *name)
{
	reset();
	won = 0;
	shim_rival = leave_much;
	REQUIRE(!run(KERNEL));
	shim_rival = NULL;
	REQUIRE(won == 2, "%u", won);
	ktap_ok("retries: %s waits for the reclaimer in its second round too",
		name);
}

/* Agents make way for who keeps losing, for as long as it needs and no longer. */
static void run_give_way(void)
{
	struct hkvp_pool *pool = &pools[POOL];
	unsigned long began = jiffies;

	REQUIRE(!hkvp_pool_give_way(pool));
	pool->quiet_until = began + 50;
	REQUIRE(!hkvp_pool_give_way(pool));
	REQUIRE(jiffies - began >= 50);
	/* over and done with */
	pool->quiet_until = jiffies - 10;
	REQUIRE(!hkvp_pool_give_way(pool));
	pool->quiet_until = jiffies + 100000;
	shim_killed = true;
	REQUIRE(hkvp_pool_give_way(pool) == -EINTR);
	shim_killed = false;
	pool->quiet_until = 0;
	ktap_ok("retries: agents give way");
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
	REQUIRE(won == HKVP_POOL_TRIES, "%u races", won);
	REQUIRE(root()->generation == generation + won);
	REQUIRE(!memcmp(&p, &x->kept, x->len));
	REQUIRE(*deferred == was + 1 && !changed);
	expect_state(done, false);

	/* In the work item it is done, whatever the rival does. */
	REQUIRE(handle(&p, x->len, KERNEL, RIVALS - HKVP_POOL_TRIES) == HKVP_REPLY);
	REQUIRE(won == RIVALS - HKVP_POOL_TRIES, "%u races", won);
	REQUIRE(!memcmp(&p, &x->answer, x->len));
	REQUIRE(*deferred == was + 1 && changed == 1);
	REQUIRE(!is_quiet());
	expect_item(NEW, done->new);
	expect_item(OLD, done->old);
	ktap_ok("retries: %s of the host's: put off after %u races, then done",
		name, HKVP_POOL_TRIES);
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
	u32 i, tests = 9;

	for (i = 0; i < ARRAY_SIZE(operations); i++)
		tests += operations[i].sleeps ? 1 : 2;
	ktap_plan(tests);
	for (i = 0; i < HKVP_POOL_COUNT; i++)
		REQUIRE(!hkvp_pool_init(&pools[i], &no_limits));
	hkvp_ic_init(&ic, pools, &ops, NULL);
	for (i = 0; i < ARRAY_SIZE(operations); i++) {
		run_process(&operations[i]);
		if (!operations[i].sleeps)
			run_atomic(&operations[i]);
	}
	run_expecting();
	run_lost();
	run_killed();
	run_backlog(batch_small, "a batch");
	run_backlog(set_new, "a change");
	run_give_way();
	run_requests();
	hkvp_ic_close(&ic);
	for (i = 0; i < HKVP_POOL_COUNT; i++)
		hkvp_pool_destroy(&pools[i]);
	REQUIRE(shim_memory().blocks == before.blocks, "leak");
	check_unused(&no_limits);
	REQUIRE(shim_memory().bytes == before.bytes, "leak");
	return 0;
}
