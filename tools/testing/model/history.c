// SPDX-License-Identifier: GPL-2.0
/*
 * Concurrent histories of several threads on one pool, each checked for
 * linearizability.
 *
 * Operations on one key only: the history is linearizable if it is for each key
 * alone (Herlihy, Wing 1990), so that it may be long. Operations on the whole
 * pool (batches, compare-and-swap by generation, lists): the specification is
 * the whole pool with its order and generation, and histories are short. Then
 * a storm on deeper tries: every snapshot is checked for all invariants, and in
 * the end each change that succeeded must have made a version, and each key that
 * one thread alone changed be what that thread made it. Last a pool that goes
 * while it is read.
 *
 * Argument: rounds.
 */
#include <pthread.h>
#include <sched.h>

#include <linux/atomic.h>
#include <linux/build_bug.h>
#include <linux/kernel.h>
#include <linux/sched.h>
#include <linux/slab.h>

#include "common.h"
#include "linear.h"
#include "pool_version.h"

#define THREADS		4
#define KEYS		4
#define BATCH		3
#define SINGLE_OPS	14	/* of a thread, in a round */
#define WHOLE_OPS	5

#define NO_EXPECT	(~0u)

enum kind {
	SET,
	DELETE,
	GET,		/* in a read-side section */
	GET_PINNED,
	BATCH_OP,
	LIST,		/* everything, from a pinned version */
	LIST_RCU,	/* everything, in a read-side section */
};

struct one {
	u8 key;
	u8 value;	/* 0: delete */
};

struct op {
	enum kind kind;
	struct one one[BATCH];
	u32 count;
	u32 expect;		/* generation, or NO_EXPECT */
	int err;
	u64 observed;		/* value, or state as below */
	u64 call;
	u64 reply;
};

struct thread {
	struct rng rng;
	struct op op[SINGLE_OPS];
	u32 ops;
	u32 generation;		/* last one that this thread saw */
	pthread_t id;
};

static struct hkvp_pool pool;
static struct thread threads[THREADS];
static pthread_barrier_t barrier;
static u64 clock_now;
static bool whole, stop;

/* Relaxed, so that it orders nothing for ThreadSanitizer. */
static u64 tick(void)
{
	return __atomic_fetch_add(&clock_now, 1, __ATOMIC_RELAXED);
}

/*
 * State of a pool in a number: a byte for each place, key in the lower two bits
 * and value above, from the lowest byte on; the generation in the upper half.
 */
static u32 pack_generation(u64 state)
{
	return state >> 32;
}

static u32 places(u64 state)
{
	u32 n = 0;

	while (n < KEYS && state >> 8 * n & 0xff)
		n++;
	return n;
}

static bool find(u64 state, u8 key, u32 *place)
{
	for (*place = 0; *place < places(state); ++*place)
		if ((state >> 8 * *place & 3) == key)
			return true;
	return false;
}

static u64 put(u64 state, u32 place, u64 byte)
{
	return (state & ~(0xffull << 8 * place)) | byte << 8 * place;
}

static int spec_one(u64 *state, const struct one *one)
{
	u32 place, last;

	if (one->value) {
		find(*state, one->key, &place);
		*state = put(*state, place, one->value << 2 | one->key);
		return 0;
	}
	if (!find(*state, one->key, &place))
		return -ENOENT;
	last = places(*state) - 1;
	*state = put(*state, place, *state >> 8 * last & 0xff);
	*state = put(*state, last, 0);
	return 0;
}

static int spec_batch(u64 *state, const struct op *op)
{
	u64 next = *state;
	u32 i;
	int err;

	if (op->expect != NO_EXPECT && op->expect != pack_generation(*state))
		return -ESTALE;
	for (i = 0; i < op->count; i++) {
		err = spec_one(&next, &op->one[i]);
		if (err)
			return err;
	}
	*state = next + (1ull << 32);
	return 0;
}

static bool spec_whole(u64 *state, const void *data)
{
	const struct op *op = data;
	u32 place;

	switch (op->kind) {
	case LIST:
	case LIST_RCU:
		return op->observed == *state;
	case GET:
	case GET_PINNED:
		if (!find(*state, op->one[0].key, &place))
			return !op->observed;
		return op->observed == (*state >> 8 * place & 0xff) >> 2;
	default:
		return spec_batch(state, op) == op->err;
	}
}

/* The same for one key; the state is its value. */
static bool spec_key(u64 *state, const void *data)
{
	const struct op *op = data;

	switch (op->kind) {
	case SET:
		*state = op->one[0].value;
		return !op->err;
	case DELETE:
		if (op->err != (*state ? 0 : -ENOENT))
			return false;
		*state = 0;
		return true;
	default:
		return op->observed == *state;
	}
}

static void fill_change(struct hkvp_change *change, const struct one *one,
			u8 key[MODEL_KEY_SIZE])
{
	*change = (struct hkvp_change) {
		.key = key,
		.key_size = model_key(key, one->key),
		.value = &one->value,
		.value_size = 1,
		.type = 1,
		.delete = !one->value,
	};
}

static u64 value_of(const struct hkvp_item *item)
{
	return item ? *(const u8 *)hkvp_item_value(item) : 0;
}

static u64 read_one(const struct hkvp_version *v, u8 number)
{
	u8 key[MODEL_KEY_SIZE];
	u32 size = model_key(key, number);

	return value_of(hkvp_version_find(v, key, size));
}

static u64 read_all(const struct hkvp_version *v)
{
	u64 state = hkvp_version_generation(v) << 32;
	u32 i;

	for (i = 0; i < hkvp_version_count(v); i++) {
		const struct hkvp_item *item = hkvp_version_at(v, i);
		const u8 *digits = hkvp_item_key(item);
		u8 key = digits[MODEL_KEY_SIZE - 4] - '0';

		state = put(state, i, value_of(item) << 2 | key);
		REQUIRE(hkvp_version_find(v, digits, item->key_size) == item);
	}
	return state;
}

static u64 observe(const struct hkvp_version *v, const struct op *op)
{
	if (op->kind == LIST || op->kind == LIST_RCU)
		return read_all(v);
	return read_one(v, op->one[0].key);
}

static u64 generation_now(void)
{
	u64 generation;

	rcu_read_lock();
	generation = hkvp_version_generation(hkvp_pool_current(&pool));
	rcu_read_unlock();
	return generation;
}

/*
 * -EAGAIN is for one in atomic context who lost as many races as it has tries: since
 * @before others published as many versions. The backlog cannot be the reason, for half of all
 * changes wait until there is little of it.
 */
static void check_again(int err, u64 before, bool atomic)
{
	if (err == -EAGAIN)
		REQUIRE(atomic &&
			generation_now() - before >= HKVP_POOL_TRIES);
}

static void run_op(struct thread *t, struct op *op)
{
	u8 key[BATCH][MODEL_KEY_SIZE];
	struct hkvp_change change[BATCH];
	struct hkvp_version *pin;
	bool atomic = rng_below(&t->rng, 2) && op->kind != BATCH_OP;
	u64 before = generation_now();
	u32 i;

	for (i = 0; i < op->count; i++)
		fill_change(&change[i], &op->one[i], key[i]);
	op->call = tick();
	switch (op->kind) {
	case SET:
	case DELETE:
		op->err = hkvp_pool_change(&pool, change,
					   atomic ? GFP_ATOMIC : GFP_KERNEL);
		break;
	case BATCH_OP:
		op->err = hkvp_pool_batch(&pool, change, op->count,
					  op->expect == NO_EXPECT ?
					  HKVP_ANY_GENERATION : op->expect);
		break;
	case GET:
	case LIST_RCU:
		rcu_read_lock();
		op->observed = observe(hkvp_pool_current(&pool), op);
		rcu_read_unlock();
		break;
	case GET_PINNED:
	case LIST:
		pin = hkvp_pool_pin(&pool);
		op->observed = observe(pin, op);
		hkvp_version_unpin(pin);
		break;
	}
	op->reply = tick();
	check_again(op->err, before, atomic);
	if (op->kind == LIST || op->kind == LIST_RCU)
		t->generation = pack_generation(op->observed);
}

static void random_one(struct thread *t, struct one *one, u8 value)
{
	one->key = rng_below(&t->rng, KEYS);
	one->value = rng_below(&t->rng, 3) ? value : 0;
}

/* Values differ within a thread's round as far as a byte with a key allows. */
static void choose(struct thread *t, u32 number, struct op *op)
{
	u8 value = 1 + (number * THREADS + (t - threads)) % 63;
	u32 i;

	memset(op, 0, sizeof(*op));
	op->expect = NO_EXPECT;
	op->count = 1;
	random_one(t, &op->one[0], value);
	op->kind = op->one[0].value ? SET : DELETE;
	if (rng_below(&t->rng, 100) < (whole ? 25 : 40))
		op->kind = rng_below(&t->rng, 2) ? GET : GET_PINNED;
	if (!whole || rng_below(&t->rng, 100) < 30)
		return;
	if (rng_below(&t->rng, 3) == 0) {
		op->kind = rng_below(&t->rng, 2) ? LIST : LIST_RCU;
		op->count = 0;
		return;
	}
	op->kind = BATCH_OP;
	op->count = 1 + rng_below(&t->rng, BATCH);
	for (i = 1; i < op->count; i++)
		random_one(t, &op->one[i], value);
	if (rng_below(&t->rng, 2))
		op->expect = t->generation;
}

static void *worker(void *arg)
{
	struct thread *t = arg;
	u32 i;

	for (;;) {
		pthread_barrier_wait(&barrier);
		if (stop)
			return NULL;
		for (i = 0; i < t->ops; i++) {
			run_op(t, &t->op[i]);
			/* Compare-and-swap against what was just seen. */
			if (i + 1 < t->ops && t->op[i + 1].expect != NO_EXPECT)
				t->op[i + 1].expect = t->generation;
		}
		pthread_barrier_wait(&barrier);
	}
}

static void report(const struct op *op)
{
	static const char * const names[] = {
		"set", "delete", "get", "get pinned", "batch", "list", "list rcu"
	};
	u32 i;

	printf("# %llu-%llu %s", (unsigned long long)op->call,
	       (unsigned long long)op->reply, names[op->kind]);
	for (i = 0; i < op->count; i++)
		printf(" %u=%u", op->one[i].key, op->one[i].value);
	printf(" expect %x err %d observed %llx\n", op->expect, op->err,
	       (unsigned long long)op->observed);
}

/* All operations of the round that @wanted says, as a history. */
static u32 gather(struct linear_op history[LINEAR_MAX], int key)
{
	u32 count = 0;
	u32 i, j;

	for (i = 0; i < THREADS; i++) {
		for (j = 0; j < threads[i].ops; j++) {
			const struct op *op = &threads[i].op[j];

			/* Gave up, with nothing done. */
			if (op->err == -EAGAIN)
				continue;
			if (key >= 0 && op->one[0].key != key)
				continue;
			history[count++] = (struct linear_op) {
				.call = op->call, .reply = op->reply, .data = op
			};
		}
	}
	return count;
}

static void check_history(const struct linear_op *history, u32 count,
			  u64 state, linear_apply apply)
{
	u32 i;

	if (linearizable(history, count, state, apply))
		return;
	printf("# not linearizable, from state %llx:\n",
	       (unsigned long long)state);
	for (i = 0; i < count; i++)
		report(history[i].data);
	fflush(stdout);
	abort();
}

static u64 current_state(void)
{
	u64 state;

	rcu_read_lock();
	check_version(hkvp_pool_current(&pool));
	state = read_all(hkvp_pool_current(&pool));
	rcu_read_unlock();
	return state;
}

static void check_single(u64 before, u64 after)
{
	struct linear_op history[LINEAR_MAX];
	struct op last = { .kind = GET, .call = ~0ull - 1, .reply = ~0ull };
	u32 key, place, count;

	for (key = 0; key < KEYS; key++) {
		u64 value = find(before, key, &place) ?
			    (before >> 8 * place & 0xff) >> 2 : 0;

		last.observed = find(after, key, &place) ?
				(after >> 8 * place & 0xff) >> 2 : 0;
		count = gather(history, key);
		history[count++] = (struct linear_op) {
			.call = last.call, .reply = last.reply, .data = &last
		};
		check_history(history, count, value, spec_key);
	}
}

static void check_whole(u64 before, u64 after)
{
	struct linear_op history[LINEAR_MAX];
	struct op last = {
		.kind = LIST, .observed = after,
		.call = ~0ull - 1, .reply = ~0ull
	};
	u32 count = gather(history, -1);

	history[count++] = (struct linear_op) {
		.call = last.call, .reply = last.reply, .data = &last
	};
	check_history(history, count, before, spec_whole);
}

/* Pairs of operations of two threads that ran at the same time. */
static u64 overlaps(void)
{
	struct linear_op history[LINEAR_MAX];
	u32 count = gather(history, -1);
	u64 pairs = 0;
	u32 i, j;

	for (i = 0; i < count; i++)
		for (j = 0; j < i; j++)
			pairs += history[i].call < history[j].reply &&
				 history[j].call < history[i].reply;
	return pairs;
}

static void run(bool whole_pool, u64 rounds)
{
	struct shim_memory memory = shim_memory();
	u64 before, after, round, pairs = 0, races = 0;
	u32 i, j;

	whole = whole_pool;
	REQUIRE(!hkvp_pool_init(&pool, &no_limits));
	for (round = 0; round < rounds; round++) {
		before = current_state();
		for (i = 0; i < THREADS; i++) {
			struct thread *t = &threads[i];

			t->ops = whole ? WHOLE_OPS : SINGLE_OPS;
			t->generation = pack_generation(before);
			for (j = 0; j < t->ops; j++)
				choose(t, j, &t->op[j]);
		}
		pthread_barrier_wait(&barrier);
		pthread_barrier_wait(&barrier);
		after = current_state();
		if (whole)
			check_whole(before, after);
		else
			check_single(before, after);
		pairs += overlaps();
		races += !!overlaps();
	}
	hkvp_pool_destroy(&pool);
	REQUIRE(shim_memory().blocks == memory.blocks, "leak");
	REQUIRE(races, "no two operations ever ran at the same time");
	ktap_ok("history: %s: %llu histories, %llu with overlap, %llu pairs",
		whole ? "whole pool" : "by key", (unsigned long long)rounds,
		(unsigned long long)races, (unsigned long long)pairs);
}

/* Histories that are not linearizable must be found out, or all else is void. */
static void run_self_test(void)
{
	const struct op set1 = { .kind = SET, .one = { { 0, 1 } }, .count = 1,
				 .expect = NO_EXPECT };
	const struct op set2 = { .kind = SET, .one = { { 1, 2 } }, .count = 1,
				 .expect = NO_EXPECT };
	const struct op none = { .kind = GET };
	const struct op lost = { .kind = LIST, .observed = 1ull << 32 | 2 << 2 | 1 };
	const struct op both = {
		.kind = LIST, .observed = 2ull << 32 | (2 << 2 | 1) << 8 | 1 << 2
	};
	const struct op moved = {
		.kind = LIST, .observed = 2ull << 32 | 1 << 2 << 8 | 2 << 2 | 1
	};
	/* A read of the past, after the write had ended; beside it; a lost update. */
	const struct linear_op stale[] = { { 1, 2, &set1 }, { 3, 4, &none } };
	const struct linear_op beside[] = { { 1, 4, &set1 }, { 2, 3, &none } };
	const struct linear_op losing[] = {
		{ 1, 4, &set1 }, { 2, 3, &set2 }, { 5, 6, &lost }
	};
	const struct linear_op keeping[] = {
		{ 1, 4, &set1 }, { 2, 3, &set2 }, { 5, 6, &both }
	};
	const struct linear_op disorder[] = {
		{ 1, 2, &set1 }, { 3, 4, &set2 }, { 5, 6, &moved }
	};

	REQUIRE(!linearizable(stale, 2, 0, spec_key));
	REQUIRE(linearizable(beside, 2, 0, spec_key));
	REQUIRE(!linearizable(losing, 3, 0, spec_whole));
	REQUIRE(linearizable(keeping, 3, 0, spec_whole));
	REQUIRE(!linearizable(disorder, 3, 0, spec_whole));
	ktap_ok("history: the checker finds a stale read, a lost update, a wrong order");
}

#define STORM_SHARED	300	/* keys of all writers */
#define STORM_OWN	100	/* of each writer alone */
#define STORM_WRITERS	(THREADS / 2)
#define STORM_KEYS	(STORM_SHARED + STORM_WRITERS * STORM_OWN)
#define STORM_PINS	3

struct storm_value {
	u8 secret[MODEL_SECRET_SIZE];
	u32 key;
	u32 number;
};

static struct storm_writer {
	u64 changes;		/* that succeeded */
	u32 last[STORM_OWN];	/* number in the value, 0: not there */
} storm_writers[STORM_WRITERS];

/* The number in the value of @item, which must be one of its own key. */
static u32 storm_number(const struct hkvp_item *item)
{
	struct storm_value value;
	u8 key[MODEL_KEY_SIZE];

	REQUIRE(item->value_size == sizeof(value));
	memcpy(&value, hkvp_item_value(item), sizeof(value));
	REQUIRE(item->key_size == model_key(key, value.key));
	REQUIRE(!memcmp(hkvp_item_key(item), key, item->key_size));
	REQUIRE(value.number);
	return value.number;
}

static u32 storm_find(const struct hkvp_version *v, u32 number)
{
	const struct hkvp_item *item;
	u8 key[MODEL_KEY_SIZE];

	item = hkvp_version_find(v, key, model_key(key, number));
	return item ? storm_number(item) : 0;
}

static u32 own_key(const struct storm_writer *w, u32 n)
{
	return STORM_SHARED + (w - storm_writers) * STORM_OWN + n;
}

/* Of this key the writer knows what the change must give, and what is there. */
static void check_own(const struct storm_writer *w, u32 n, int err, int want)
{
	u32 there;

	REQUIRE(err == want || err == -EAGAIN, "got %d, want %d", err, want);
	rcu_read_lock();
	there = storm_find(hkvp_pool_current(&pool), own_key(w, n));
	rcu_read_unlock();
	REQUIRE(there == w->last[n], "%u, not %u", there, w->last[n]);
}

/* @number: of this change, from 1 on. */
static void storm_change(struct rng *rng, struct storm_writer *w, u32 number)
{
	u32 n = rng_below(rng, STORM_OWN);
	bool own = rng_below(rng, 2), atomic = rng_below(rng, 2);
	struct storm_value value = {
		.key = own ? own_key(w, n) : rng_below(rng, STORM_SHARED),
		.number = number,
	};
	u8 key[MODEL_KEY_SIZE];
	const struct hkvp_change change = {
		.key = key,
		.key_size = model_key(key, value.key),
		.value = &value,
		.value_size = sizeof(value),
		.type = 1,
		.delete = rng_below(rng, 100) < 45,
	};
	int want = own && change.delete && !w->last[n] ? -ENOENT : 0;
	u64 before = generation_now();
	int err;

	memcpy(value.secret, MODEL_SECRET, MODEL_SECRET_SIZE);
	err = hkvp_pool_change(&pool, &change, atomic ? GFP_ATOMIC : GFP_KERNEL);
	check_again(err, before, atomic);
	w->changes += !err;
	if (own) {
		if (!err)
			w->last[n] = change.delete ? 0 : number;
		check_own(w, n, err, want);
		return;
	}
	REQUIRE(!err || err == -EAGAIN || (change.delete && err == -ENOENT), "%d",
		err);
}

static void check_storm_version(const struct hkvp_version *v)
{
	u32 i;

	check_version(v);
	for (i = 0; i < hkvp_version_count(v); i++)
		storm_number(hkvp_version_at(v, i));
}

/* Everybody has ended: nothing that was done is lost. */
static void check_storm(const struct hkvp_version *v)
{
	const struct storm_writer *w;
	u64 changes = 0;
	u32 i, there;

	check_storm_version(v);
	for (w = storm_writers; w < storm_writers + STORM_WRITERS; w++) {
		changes += w->changes;
		for (i = 0; i < STORM_OWN; i++) {
			there = storm_find(v, own_key(w, i));
			REQUIRE(there == w->last[i], "%u, not %u", there,
				w->last[i]);
		}
	}
	REQUIRE(hkvp_version_generation(v) == changes,
		"%llu versions of %llu changes",
		(unsigned long long)hkvp_version_generation(v),
		(unsigned long long)changes);
}

static int count_changes(void *ctx, const struct hkvp_item *old,
			 const struct hkvp_item *new)
{
	REQUIRE(old || new);
	++*(u32 *)ctx;
	return 0;
}

static void storm_read(struct thread *t, struct hkvp_version **pin)
{
	struct hkvp_version **p = &pin[rng_below(&t->rng, STORM_PINS)];
	u32 changes = 0;

	rcu_read_lock();
	check_storm_version(hkvp_pool_current(&pool));
	rcu_read_unlock();
	if (*p) {
		struct hkvp_version *now = hkvp_pool_pin(&pool);

		check_storm_version(*p);
		hkvp_version_diff(*p, now, count_changes, &changes);
		REQUIRE(changes <= STORM_KEYS);
		hkvp_version_unpin(now);
	}
	hkvp_version_unpin(*p);
	*p = *p ? NULL : hkvp_pool_pin(&pool);
}

static void *storm_worker(void *arg)
{
	struct thread *t = arg;
	struct hkvp_version *pin[STORM_PINS] = { NULL };
	u32 i;

	for (i = 0; i < t->ops; i++) {
		if ((t - threads) % 2)
			storm_change(&t->rng, &storm_writers[(t - threads) / 2],
				     i + 1);
		else if (i % 16 == 0)
			storm_read(t, pin);
	}
	for (i = 0; i < STORM_PINS; i++)
		hkvp_version_unpin(pin[i]);
	return NULL;
}

static void run_storm(u64 rounds)
{
	struct shim_memory memory = shim_memory();
	u64 versions;
	u32 i;

	memset(storm_writers, 0, sizeof(storm_writers));
	REQUIRE(!hkvp_pool_init(&pool, &no_limits));
	for (i = 0; i < THREADS; i++) {
		threads[i].ops = rounds * 4;
		REQUIRE(!pthread_create(&threads[i].id, NULL, storm_worker,
					&threads[i]));
	}
	for (i = 0; i < THREADS; i++)
		pthread_join(threads[i].id, NULL);
	rcu_read_lock();
	check_storm(hkvp_pool_current(&pool));
	rcu_read_unlock();
	versions = generation_now();
	hkvp_pool_destroy(&pool);
	REQUIRE(shim_memory().blocks == memory.blocks, "leak");
	ktap_ok("history: storm: %llu versions", (unsigned long long)versions);
}

#define LAST_ITEMS	300
#define LAST_ROUNDS	10

static void last_change(u32 n)
{
	struct storm_value value = { .key = n, .number = 1 };
	u8 key[MODEL_KEY_SIZE];
	const struct hkvp_change change = {
		.key = key,
		.key_size = model_key(key, n),
		.value = &value,
		.value_size = sizeof(value),
		.type = 1,
	};

	memcpy(value.secret, MODEL_SECRET, MODEL_SECRET_SIZE);
	REQUIRE(!hkvp_pool_change(&pool, &change, GFP_KERNEL));
}

/* Twice: what a run drops itself the next one frees. */
static void settle(void)
{
	int i;

	for (i = 0; i < 2; i++) {
		queue_delayed_work(pool.wq, &pool.reclaim, 0);
		flush_delayed_work(&pool.reclaim);
	}
}

static bool pool_gone;

/* Reads on until the pool's end waits for it, or does not. */
static void *last_reader(void *arg)
{
	const struct hkvp_version *v;
	bool gone;

	(void)arg;
	rcu_read_lock();
	v = hkvp_pool_current(&pool);
	pthread_barrier_wait(&barrier);
	/* What is read now is replaced, maybe. */
	pthread_barrier_wait(&barrier);
	do {
		check_storm_version(v);
		gone = __atomic_load_n(&pool_gone, __ATOMIC_RELAXED);
		sched_yield();
	} while (!gone && !shim_synchronizing());
	REQUIRE(!gone, "the pool went while it was read");
	check_storm_version(v);
	REQUIRE(hkvp_version_count(v) == LAST_ITEMS);
	rcu_read_unlock();
	return NULL;
}

/*
 * hkvp_pool_destroy() beside a reader, with and without something to reclaim:
 * only with it the reclaimer has a grace period of its own.
 */
static void run_destroy(void)
{
	struct shim_memory memory = shim_memory();
	pthread_t reader;
	u32 i, round;

	pthread_barrier_destroy(&barrier);
	REQUIRE(!pthread_barrier_init(&barrier, NULL, 2));
	for (round = 0; round < LAST_ROUNDS; round++) {
		REQUIRE(!hkvp_pool_init(&pool, &no_limits));
		for (i = 0; i < LAST_ITEMS; i++)
			last_change(i);
		settle();
		__atomic_store_n(&pool_gone, false, __ATOMIC_RELAXED);
		REQUIRE(!pthread_create(&reader, NULL, last_reader, NULL));
		pthread_barrier_wait(&barrier);
		for (i = 0; i < LAST_ITEMS && round % 2; i++)
			last_change(i);
		pthread_barrier_wait(&barrier);
		hkvp_pool_destroy(&pool);
		__atomic_store_n(&pool_gone, true, __ATOMIC_RELAXED);
		pthread_join(reader, NULL);
		REQUIRE(shim_memory().blocks == memory.blocks, "leak");
	}
	ktap_ok("history: the end of a pool waits for its readers, %u times", round);
}

int main(int argc, char **argv)
{
	u64 rounds = argument(argc, argv, 20000);
	u32 i;

	ktap_plan(5);
	run_self_test();
	/* So that threads meet in the middle of an operation, on few cores too. */
	shim_yield_one_in = 6;
	REQUIRE(!pthread_barrier_init(&barrier, NULL, THREADS + 1));
	for (i = 0; i < THREADS; i++) {
		threads[i].rng.state = i + 1;
		REQUIRE(!pthread_create(&threads[i].id, NULL, worker, &threads[i]));
	}
	run(false, rounds);
	run(true, rounds * 2);
	stop = true;
	pthread_barrier_wait(&barrier);
	for (i = 0; i < THREADS; i++)
		pthread_join(threads[i].id, NULL);
	run_storm(rounds);
	run_destroy();
	pthread_barrier_destroy(&barrier);
	return 0;
}
