// SPDX-License-Identifier: GPL-2.0
/*
 * The pool alone, in user space, beside a mutex, a spinlock and an rwlock around
 * a hash table, all in one run. A reader looks up a random key and copies its
 * value; a writer replaces the value of a random key. Same keys, hash, compare
 * and allocator for all.
 *
 *	pool_bench [ITEMS [MILLISECONDS]]
 */
#include <pthread.h>
#include <stdio.h>
#include <stdlib.h>
#include <time.h>
#include <unistd.h>

#include <linux/kernel.h>
#include <linux/rcupdate.h>
#include <linux/siphash.h>
#include <linux/slab.h>
#include <linux/string.h>

#include "pool.h"

#define KEY_CHARS	20
#define KEY_BYTES	(2 * (KEY_CHARS + 1))
#define VALUE_BYTES	KEY_BYTES
#define THREADS_MAX	4
#define ROUNDS		5
#define BATCH		64	/* operations between two looks at the time */
#define PACE		50000	/* writes a second of a writer that is paced */

static u8 (*keys)[KEY_BYTES];
static u32 items = 1000;
static u32 milliseconds = 300;
static bool go, stop;

struct thread {
	pthread_t id;
	const struct contender *contender;
	u64 seed;
	u64 operations;
	u64 start;
	bool writes;
	bool paced;
} __aligned(128);

struct contender {
	const char *name;
	void (*init)(void);
	void (*exit)(void);
	void (*read)(const u8 *key, u8 *value);
	void (*write)(const u8 *key, const u8 *value);
};

static u64 now_ns(void)
{
	struct timespec t;

	clock_gettime(CLOCK_MONOTONIC, &t);
	return t.tv_sec * 1000000000ull + t.tv_nsec;
}

/* The pool. */

static struct hkvp_pool pool;

static void pool_write(const u8 *key, const u8 *value)
{
	const struct hkvp_change change = {
		.key = key,
		.key_size = KEY_BYTES,
		.value = value,
		.value_size = VALUE_BYTES,
		.type = 1,
	};

	BUG_ON(hkvp_pool_change(&pool, &change, GFP_KERNEL));
}

static void pool_init(void)
{
	static const struct hkvp_limit limits[HKVP_OWNER_COUNT] = {
		{ ~0u, ~0ull }, { ~0u, ~0ull }
	};
	static struct hkvp_budget budget;
	u32 i;

	hkvp_budget_init(&budget, limits, 0);
	BUG_ON(hkvp_pool_init(&pool, &budget));
	for (i = 0; i < items; i++)
		pool_write(keys[i], keys[i]);
}

static void pool_exit(void)
{
	hkvp_pool_destroy(&pool);
}

static void pool_read(const u8 *key, u8 *value)
{
	const struct hkvp_item *item;

	rcu_read_lock();
	item = hkvp_version_find(hkvp_pool_current(&pool), key, KEY_BYTES);
	memcpy(value, hkvp_item_value(item), item->value_size);
	rcu_read_unlock();
}

/* A hash table with chains, at most one entry a bucket on average. */

struct entry {
	struct entry *next;
	u32 hash;
	u16 key_size;
	u16 value_size;
	u8 data[];
};

static struct entry **table;
static u32 buckets;
static hsiphash_key_t seed;

static u32 table_hash(const u8 *key)
{
	return hsiphash(key, KEY_BYTES, &seed);
}

static struct entry *entry_new(const u8 *key, const u8 *value)
{
	struct entry *e = kmalloc(sizeof(*e) + KEY_BYTES + VALUE_BYTES, GFP_KERNEL);

	BUG_ON(!e);
	e->hash = table_hash(key);
	e->key_size = KEY_BYTES;
	e->value_size = VALUE_BYTES;
	memcpy(e->data, key, KEY_BYTES);
	memcpy(e->data + KEY_BYTES, value, VALUE_BYTES);
	return e;
}

/* Under the lock. Returns what @e replaces. */
static struct entry *table_put(struct entry *e)
{
	struct entry **p = &table[e->hash & (buckets - 1)];
	struct entry *old;

	for (; (old = *p); p = &old->next)
		if (old->hash == e->hash && old->key_size == KEY_BYTES &&
		    !memcmp(old->data, e->data, KEY_BYTES))
			break;
	e->next = old ? old->next : NULL;
	*p = e;
	return old;
}

/* Under the lock. */
static void table_read(u32 hash, const u8 *key, u8 *value)
{
	const struct entry *e = table[hash & (buckets - 1)];

	while (e->hash != hash || e->key_size != KEY_BYTES ||
	       memcmp(e->data, key, KEY_BYTES))
		e = e->next;
	memcpy(value, e->data + e->key_size, e->value_size);
}

static void table_init(void)
{
	u32 i;

	for (buckets = 1; buckets < items;)
		buckets *= 2;
	table = kcalloc(buckets, sizeof(*table), GFP_KERNEL);
	BUG_ON(!table);
	for (i = 0; i < items; i++)
		table_put(entry_new(keys[i], keys[i]));
}

static void table_exit(void)
{
	struct entry *e;
	u32 i;

	for (i = 0; i < buckets; i++) {
		while ((e = table[i])) {
			table[i] = e->next;
			kfree(e);
		}
	}
	kfree(table);
}

/* Hashed and allocated before the lock, freed after it, as anyone would. */

static pthread_mutex_t mutex_lock = PTHREAD_MUTEX_INITIALIZER;

static void mutex_read(const u8 *key, u8 *value)
{
	u32 hash = table_hash(key);

	pthread_mutex_lock(&mutex_lock);
	table_read(hash, key, value);
	pthread_mutex_unlock(&mutex_lock);
}

static void mutex_write(const u8 *key, const u8 *value)
{
	struct entry *e = entry_new(key, value);

	pthread_mutex_lock(&mutex_lock);
	e = table_put(e);
	pthread_mutex_unlock(&mutex_lock);
	kfree_sensitive(e);
}

/* Unlike the kernel's it can lose the CPU while it is held. */
static pthread_spinlock_t spinlock_lock;

static void spinlock_read(const u8 *key, u8 *value)
{
	u32 hash = table_hash(key);

	pthread_spin_lock(&spinlock_lock);
	table_read(hash, key, value);
	pthread_spin_unlock(&spinlock_lock);
}

static void spinlock_write(const u8 *key, const u8 *value)
{
	struct entry *e = entry_new(key, value);

	pthread_spin_lock(&spinlock_lock);
	e = table_put(e);
	pthread_spin_unlock(&spinlock_lock);
	kfree_sensitive(e);
}

static pthread_rwlock_t rwlock_lock = PTHREAD_RWLOCK_INITIALIZER;

static void rwlock_read(const u8 *key, u8 *value)
{
	u32 hash = table_hash(key);

	pthread_rwlock_rdlock(&rwlock_lock);
	table_read(hash, key, value);
	pthread_rwlock_unlock(&rwlock_lock);
}

static void rwlock_write(const u8 *key, const u8 *value)
{
	struct entry *e = entry_new(key, value);

	pthread_rwlock_wrlock(&rwlock_lock);
	e = table_put(e);
	pthread_rwlock_unlock(&rwlock_lock);
	kfree_sensitive(e);
}

#define TABLE(name) { #name, table_init, table_exit, name##_read, name##_write }

static const struct contender contenders[] = {
	{ "pool", pool_init, pool_exit, pool_read, pool_write },
	TABLE(mutex), TABLE(spinlock), TABLE(rwlock),
};

struct scenario {
	const char *name;
	u32 readers;
	u32 writers;
	bool paced;
};

/*
 * Writers that write as fast as they can get less done beside a lock that
 * prefers readers, which then looks good for reading; paced ones all do the same.
 */
static const struct scenario scenarios[] = {
	{ "1 reader", 1, 0, false },
	{ "2 readers", 2, 0, false },
	{ "2 readers, 2 writers of 50,000/s", 2, 2, true },
	{ "2 readers, 2 writers", 2, 2, false },
};

struct result {
	double reads;		/* a second, all readers */
	double writes;
};

/* Sleep until it is time for the next batch. */
static void keep_pace(const struct thread *t)
{
	u64 due = t->start + t->operations * (1000000000ull / PACE);
	u64 now = now_ns();

	if (due > now)
		usleep((due - now) / 1000);
}

static void *run_thread(void *arg)
{
	struct thread *t = arg;
	u8 value[VALUE_BYTES] = { 0 };
	u64 x = t->seed;
	u32 i;

	while (!READ_ONCE(go))
		;
	t->start = now_ns();
	while (!READ_ONCE(stop)) {
		for (i = 0; i < BATCH; i++) {
			const u8 *key;

			x = x * 6364136223846793005ull + 1442695040888963407ull;
			key = keys[(x >> 32) * items >> 32];
			if (t->writes)
				t->contender->write(key, value);
			else
				t->contender->read(key, value);
		}
		t->operations += BATCH;
		if (t->paced)
			keep_pace(t);
	}
	return NULL;
}

static struct result run_once(const struct contender *c, const struct scenario *s)
{
	static struct thread thread[THREADS_MAX];
	u32 threads = s->readers + s->writers;
	struct result r = { 0, 0 };
	double elapsed;
	u64 start;
	u32 i;

	WRITE_ONCE(go, false);
	WRITE_ONCE(stop, false);
	for (i = 0; i < threads; i++) {
		thread[i] = (struct thread) {
			.contender = c, .seed = i + 1,
			.writes = i >= s->readers,
			.paced = s->paced && i >= s->readers
		};
		BUG_ON(pthread_create(&thread[i].id, NULL, run_thread, &thread[i]));
	}
	start = now_ns();
	WRITE_ONCE(go, true);
	usleep(milliseconds * 1000);
	WRITE_ONCE(stop, true);
	elapsed = (now_ns() - start) / 1e9;
	for (i = 0; i < threads; i++) {
		pthread_join(thread[i].id, NULL);
		if (thread[i].writes)
			r.writes += thread[i].operations / elapsed;
		else
			r.reads += thread[i].operations / elapsed;
	}
	return r;
}

static int by_reads(const void *a, const void *b)
{
	const struct result *x = a, *y = b;

	return x->reads < y->reads ? -1 : x->reads > y->reads;
}

int main(int argc, char **argv)
{
	static struct result all[ARRAY_SIZE(contenders)][ARRAY_SIZE(scenarios)][ROUNDS];
	char text[KEY_CHARS + 1];
	u32 c, s, round, i, j;

	if (argc > 1)
		items = strtoul(argv[1], NULL, 0);
	if (argc > 2)
		milliseconds = strtoul(argv[2], NULL, 0);
	pthread_spin_init(&spinlock_lock, PTHREAD_PROCESS_PRIVATE);
	keys = calloc(items, sizeof(*keys));
	BUG_ON(!keys || !items);
	for (i = 0; i < items; i++) {
		snprintf(text, sizeof(text), "hkvp-bench-%09u", i % 1000000000);
		for (j = 0; j < KEY_CHARS; j++)
			keys[i][2 * j] = text[j];
	}
	/* All in turn, and again, so that what disturbs one disturbs the others. */
	for (round = 0; round < ROUNDS; round++) {
		for (c = 0; c < ARRAY_SIZE(contenders); c++) {
			contenders[c].init();
			for (s = 0; s < ARRAY_SIZE(scenarios); s++)
				all[c][s][round] = run_once(&contenders[c], &scenarios[s]);
			contenders[c].exit();
		}
	}
	printf("%u items, median of %u rounds of %u ms, millions of operations a second\n\n",
	       items, ROUNDS, milliseconds);
	printf("| |");
	for (s = 0; s < ARRAY_SIZE(scenarios); s++)
		printf(" %s |%s", scenarios[s].name,
		       scenarios[s].writers ? " writes |" : "");
	printf(" scaling |\n|---|---|---|---|---|---|---|---|\n");
	for (c = 0; c < ARRAY_SIZE(contenders); c++) {
		printf("| %s |", contenders[c].name);
		for (s = 0; s < ARRAY_SIZE(scenarios); s++) {
			qsort(all[c][s], ROUNDS, sizeof(all[c][s][0]), by_reads);
			printf(" %.3f |", all[c][s][ROUNDS / 2].reads / 1e6);
			if (scenarios[s].writers)
				printf(" %.3f |", all[c][s][ROUNDS / 2].writes / 1e6);
		}
		printf(" %.2f |\n", all[c][1][ROUNDS / 2].reads /
		       all[c][0][ROUNDS / 2].reads);
	}
	free(keys);
	return 0;
}
