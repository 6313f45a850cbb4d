// SPDX-License-Identifier: GPL-2.0
/*
 * Tests of pool.c and pool_*.c. Random sequences, concurrent histories and open
 * pins are the matter of tools/testing/model, on the same sources.
 */
#include <linux/errno.h>
#include <linux/jiffies.h>
#include <linux/mm.h>
#include <linux/sched.h>
#include <linux/slab.h>
#include <linux/sort.h>
#include <linux/string.h>

#include "kunit.h"
#include "pool_version.h"
#include "wire.h"

#define KEY_BYTES	16	/* "k" and six digits, UTF-16LE, with the NUL */
#define VALUE_BYTES	8
#define ITEM_BYTES	(sizeof(struct hkvp_item) + KEY_BYTES + VALUE_BYTES +	\
			 HKVP_ITEM_NODES)

static const struct hkvp_limit no_limits[HKVP_OWNER_COUNT] = {
	{ .items = U32_MAX, .bytes = U64_MAX },
	{ .items = U32_MAX, .bytes = U64_MAX },
};

static void make_key(u8 key[KEY_BYTES], u32 n)
{
	int i;

	memset(key, 0, KEY_BYTES);
	key[0] = 'k';
	for (i = 6; i > 0; i--, n /= 10)
		key[2 * i] = '0' + n % 10;
}

struct packed {
	struct hkvp_change change;
	u8 key[KEY_BYTES];
	u64 value;
};

static const struct hkvp_change *pack(struct packed *p, u32 n, u64 value,
				      enum hkvp_owner owner, bool delete)
{
	make_key(p->key, n);
	p->value = value;
	p->change = (struct hkvp_change) {
		.key = p->key,
		.key_size = KEY_BYTES,
		.value = &p->value,
		.value_size = VALUE_BYTES,
		.type = HKVP_TYPE_QWORD,
		.connection = owner == HKVP_OWNER_HOST ? 3 : 0,
		.owner = owner,
		.delete = delete,
	};
	return &p->change;
}

static int set(struct hkvp_pool *pool, u32 n, u64 value)
{
	struct packed p;

	return hkvp_pool_change(pool, pack(&p, n, value, HKVP_OWNER_HOST, false),
				GFP_KERNEL);
}

static int set_as(struct hkvp_pool *pool, u32 n, enum hkvp_owner owner)
{
	struct packed p;

	return hkvp_pool_change(pool, pack(&p, n, 1, owner, false), GFP_KERNEL);
}

static int delete(struct hkvp_pool *pool, u32 n)
{
	struct packed p;

	return hkvp_pool_change(pool, pack(&p, n, 0, HKVP_OWNER_HOST, true),
				GFP_KERNEL);
}

static const struct hkvp_item *find(const struct hkvp_version *v, u32 n)
{
	u8 key[KEY_BYTES];

	make_key(key, n);
	return hkvp_version_find(v, key, KEY_BYTES);
}

static u64 value_of(const struct hkvp_item *item)
{
	u64 value;

	memcpy(&value, hkvp_item_value(item), sizeof(value));
	return value;
}

static u64 generation(struct hkvp_pool *pool)
{
	u64 is;

	rcu_read_lock();
	is = hkvp_version_generation(hkvp_pool_current(pool));
	rcu_read_unlock();
	return is;
}

static u32 count(struct hkvp_pool *pool)
{
	u32 is;

	rcu_read_lock();
	is = hkvp_version_count(hkvp_pool_current(pool));
	rcu_read_unlock();
	return is;
}

/* Every item is found by its key, and where its index says. */
static void expect_sound(struct kunit *test, struct hkvp_pool *pool)
{
	struct hkvp_version *v = hkvp_pool_pin(pool);
	u32 bad = 0;
	u32 i;

	for (i = 0; i < hkvp_version_count(v); i++) {
		const struct hkvp_item *item = hkvp_version_at(v, i);

		bad += hkvp_version_find(v, hkvp_item_key(item),
					 item->key_size) != item;
	}
	KUNIT_EXPECT_EQ(test, bad, 0);
	KUNIT_EXPECT_NULL(test, hkvp_version_at(v, hkvp_version_count(v)));
	KUNIT_EXPECT_NULL(test, hkvp_version_at(v, U32_MAX));
	hkvp_version_unpin(v);
}

/* Let the reclaimer do all that it can. */
static void settle(struct hkvp_pool *pool)
{
	int i;

	for (i = 0; i < 2; i++) {
		queue_delayed_work(pool->wq, &pool->reclaim, 0);
		flush_delayed_work(&pool->reclaim);
	}
}

static int pool_test_init(struct kunit *test)
{
	struct hkvp_pool *pool = kunit_kzalloc(test, sizeof(*pool), GFP_KERNEL);
	struct hkvp_budget *budget;

	budget = kunit_kzalloc(test, sizeof(*budget), GFP_KERNEL);
	KUNIT_ASSERT_NOT_NULL(test, pool);
	KUNIT_ASSERT_NOT_NULL(test, budget);
	hkvp_budget_init(budget, no_limits, 0);
	budget->account[HKVP_OWNER_AGENT].reserve = (struct hkvp_limit) { };
	KUNIT_ASSERT_EQ(test, hkvp_pool_init(pool, budget), 0);
	test->priv = pool;
	return 0;
}

static void pool_test_exit(struct kunit *test)
{
	struct hkvp_pool *pool = test->priv;
	struct hkvp_budget *budget;
	int i;

	if (!pool)
		return;
	settle(pool);
	KUNIT_EXPECT_EQ(test, hkvp_pool_usage(pool).backlog_bytes, 0);
	KUNIT_EXPECT_EQ(test, hkvp_pool_usage(pool).retained_bytes, 0);
	budget = pool->budget;
	hkvp_pool_destroy(pool);
	for (i = 0; i < HKVP_OWNER_COUNT; i++) {
		KUNIT_EXPECT_EQ(test, atomic_long_read(&budget->account[i].items), 0);
		KUNIT_EXPECT_EQ(test, atomic_long_read(&budget->account[i].bytes), 0);
		KUNIT_EXPECT_EQ(test, atomic_long_read(&budget->account[i].kept), 0);
	}
}

/* Of every size: the block has room, and little more, and goes where it is from. */
static void test_memory(struct kunit *test)
{
	const u32 largest = sizeof(struct hkvp_item) + HKVP_KEY_SIZE +
			    HKVP_VALUE_SIZE;
	u32 size;
	void *p;

	for (size = 1; size <= HKVP_ALLOC_MAX; size++) {
		p = hkvp_memory_alloc(size, GFP_KERNEL);
		KUNIT_ASSERT_NOT_NULL(test, p);
		KUNIT_EXPECT_GE(test, ksize(p), size);
		if (size > 128 && size <= largest)
			KUNIT_EXPECT_LT(test, ksize(p) * 2, size * 3);
		memset(p, 0xff, size);
		hkvp_memory_free(p, size);
	}
}

static void test_empty(struct kunit *test)
{
	struct hkvp_pool *pool = test->priv;
	struct hkvp_version *v = hkvp_pool_pin(pool);

	KUNIT_EXPECT_EQ(test, hkvp_version_count(v), 0);
	KUNIT_EXPECT_EQ(test, hkvp_version_generation(v), 0);
	KUNIT_EXPECT_NULL(test, hkvp_version_at(v, 0));
	KUNIT_EXPECT_NULL(test, find(v, 1));
	hkvp_version_unpin(v);
	KUNIT_EXPECT_EQ(test, delete(pool, 1), -ENOENT);
	KUNIT_EXPECT_EQ(test, generation(pool), 0);
	hkvp_version_unpin(NULL);
}

/* A new generation of the same items. */
static void test_touch(struct kunit *test)
{
	struct hkvp_pool *pool = test->priv;
	struct hkvp_version *old, *new;

	KUNIT_EXPECT_EQ(test, hkvp_pool_touch(pool), 0);
	KUNIT_EXPECT_EQ(test, generation(pool), 1);
	KUNIT_EXPECT_EQ(test, set(pool, 1, 1), 0);
	old = hkvp_pool_pin(pool);
	KUNIT_EXPECT_EQ(test, hkvp_pool_touch(pool), 0);
	new = hkvp_pool_pin(pool);
	KUNIT_EXPECT_EQ(test, hkvp_version_generation(old), 2);
	KUNIT_EXPECT_EQ(test, hkvp_version_generation(new), 3);
	KUNIT_EXPECT_EQ(test, hkvp_version_count(new), 1);
	KUNIT_EXPECT_PTR_EQ(test, hkvp_version_at(old, 0),
			    hkvp_version_at(new, 0));
	KUNIT_EXPECT_EQ(test, hkvp_item_generation(hkvp_version_at(new, 0)), 2);
	hkvp_version_unpin(old);
	hkvp_version_unpin(new);
	KUNIT_EXPECT_EQ(test, delete(pool, 1), 0);
}

/* A letter sets that key, a letter after '-' deletes it. */
struct order_case {
	const char *changes;
	const char *order;
	int err;		/* of the last change */
};

static const struct order_case order_cases[] = {
	{ "a", "a", 0 },
	{ "abc", "abc", 0 },
	{ "abca", "abc", 0 },
	{ "abcb", "abc", 0 },
	{ "abc-a", "cb", 0 },
	{ "abc-b", "ac", 0 },
	{ "abc-c", "ab", 0 },
	{ "abc-aa", "cba", 0 },
	{ "abc-a-c", "b", 0 },
	{ "abc-a-b-c", "", 0 },
	{ "a-aa", "a", 0 },
	{ "a-a-a", "", -ENOENT },
	{ "ab-c", "ab", -ENOENT },
	{ "abcdefgh-a-b-c", "hgfde", 0 },
};

static void order_desc(const struct order_case *c, char *desc)
{
	strscpy(desc, c->changes, KUNIT_PARAM_DESC_SIZE);
}

KUNIT_ARRAY_PARAM(order, order_cases, order_desc);

static void test_order(struct kunit *test)
{
	const struct order_case *c = test->param_value;
	struct hkvp_pool *pool = test->priv;
	struct hkvp_version *v;
	u64 changes = 0;
	const char *s;
	int err = 0;
	u32 i;

	for (s = c->changes; *s; s++) {
		err = *s == '-' ? delete(pool, *++s) : set(pool, *s, *s);
		changes += !err;
	}
	KUNIT_EXPECT_EQ(test, err, c->err);
	expect_sound(test, pool);

	v = hkvp_pool_pin(pool);
	KUNIT_EXPECT_EQ(test, hkvp_version_generation(v), changes);
	KUNIT_ASSERT_EQ(test, hkvp_version_count(v), strlen(c->order));
	for (i = 0; c->order[i]; i++)
		KUNIT_EXPECT_EQ(test, value_of(hkvp_version_at(v, i)), c->order[i]);
	hkvp_version_unpin(v);
}

static void test_fields(struct kunit *test)
{
	struct hkvp_pool *pool = test->priv;
	const struct hkvp_item *item;
	struct hkvp_version *v;
	u8 key[KEY_BYTES];

	KUNIT_ASSERT_EQ(test, set(pool, 1, 11), 0);
	KUNIT_ASSERT_EQ(test, set_as(pool, 2, HKVP_OWNER_AGENT), 0);
	KUNIT_ASSERT_EQ(test, set(pool, 1, 12), 0);
	v = hkvp_pool_pin(pool);
	make_key(key, 1);
	item = hkvp_version_at(v, 0);
	KUNIT_EXPECT_EQ(test, item->key_size, KEY_BYTES);
	KUNIT_EXPECT_EQ(test, memcmp(hkvp_item_key(item), key, KEY_BYTES), 0);
	KUNIT_EXPECT_EQ(test, item->value_size, VALUE_BYTES);
	KUNIT_EXPECT_EQ(test, value_of(item), 12);
	KUNIT_EXPECT_EQ(test, item->type, HKVP_TYPE_QWORD);
	KUNIT_EXPECT_EQ(test, item->owner, HKVP_OWNER_HOST);
	KUNIT_EXPECT_EQ(test, item->connection, 3);
	KUNIT_EXPECT_EQ(test, hkvp_item_generation(item), 3);
	item = hkvp_version_at(v, 1);
	KUNIT_EXPECT_EQ(test, item->owner, HKVP_OWNER_AGENT);
	KUNIT_EXPECT_EQ(test, item->connection, 0);
	KUNIT_EXPECT_EQ(test, hkvp_item_generation(item), 2);
	/* Part of a key is another key. */
	KUNIT_EXPECT_NULL(test, hkvp_version_find(v, key, KEY_BYTES - 2));
	hkvp_version_unpin(v);
}

static u32 identity(u32 i, u32 items)
{
	return i;
}

static u32 backwards(u32 i, u32 items)
{
	return items - 1 - i;
}

static u32 from_the_middle(u32 i, u32 items)
{
	return (i + items / 2) % items;
}

static u32 (* const orders[])(u32 i, u32 items) = {
	identity, backwards, from_the_middle
};

/* Around the sizes at which the tries get or lose a level. */
static const u32 sizes[] = {
	1, 2, 15, 16, 17, 18, 31, 32, 33, 65, 255, 256, 257, 1024, 1026, 4097
};

static void size_desc(const u32 *size, char *desc)
{
	snprintf(desc, KUNIT_PARAM_DESC_SIZE, "%u items", *size);
}

KUNIT_ARRAY_PARAM(size, sizes, size_desc);

/* One by one up to here, all others at once: it is the same code, and faster. */
#define SINGLY 70

static void change_rest(struct kunit *test, u32 items, u32 first,
			u32 (*order)(u32 i, u32 items), bool delete)
{
	u32 rest = items - first;
	struct hkvp_change *changes;
	struct packed *packed;
	u32 i, n;

	changes = kvcalloc(rest + 1, sizeof(*changes), GFP_KERNEL);
	packed = kvcalloc(rest + 1, sizeof(*packed), GFP_KERNEL);
	KUNIT_ASSERT_NOT_NULL(test, changes);
	KUNIT_ASSERT_NOT_NULL(test, packed);
	for (i = 0; i < rest; i++) {
		n = order(first + i, items);
		changes[i] = *pack(&packed[i], n, n, HKVP_OWNER_HOST, delete);
	}
	KUNIT_EXPECT_EQ(test, hkvp_pool_batch(test->priv, changes, rest,
					      HKVP_ANY_GENERATION), 0);
	kvfree(changes);
	kvfree(packed);
}

static void expect_all(struct kunit *test, struct hkvp_pool *pool, u32 first,
		       u32 last, bool there)
{
	struct hkvp_version *v = hkvp_pool_pin(pool);
	u32 bad = 0;
	u32 n;

	for (n = first; n < last; n++) {
		const struct hkvp_item *item = find(v, n);

		bad += there ? !item || value_of(item) != n : !!item;
	}
	KUNIT_EXPECT_EQ(test, bad, 0);
	hkvp_version_unpin(v);
}

static void try_size(struct kunit *test, u32 items,
		     u32 (*order)(u32 i, u32 items))
{
	struct hkvp_pool *pool = test->priv;
	u32 singly = min_t(u32, items, SINGLY);
	u32 failed = 0;
	u32 i;

	for (i = 0; i < singly; i++)
		failed += !!set(pool, i, i);
	change_rest(test, items, singly, identity, false);
	expect_sound(test, pool);
	expect_all(test, pool, 0, items, true);
	for (i = 0; i < singly; i++) {
		failed += !!delete(pool, order(i, items));
		if (i % 8 == 0 && items < 1000)
			expect_sound(test, pool);
	}
	KUNIT_EXPECT_EQ(test, count(pool), items - singly);
	expect_sound(test, pool);
	change_rest(test, items, singly, order, true);
	KUNIT_EXPECT_EQ(test, count(pool), 0);
	expect_all(test, pool, 0, items, false);
	KUNIT_EXPECT_EQ(test, failed, 0);
	/* Nothing but the root is left. */
	KUNIT_EXPECT_LE(test, hkvp_pool_usage(pool).current_bytes, 1024);
}

static void test_sizes(struct kunit *test)
{
	u32 items = *(const u32 *)test->param_value;
	u32 i;

	for (i = 0; i < ARRAY_SIZE(orders); i++)
		try_size(test, items, orders[i]);
}

struct large_case {
	const char *name;
	u32 key_size;
	u32 value_size;
	bool delete;
	int err;
};

static const struct large_case large_cases[] = {
	{ "smallest", 4, 0, false, 0 },
	{ "largest", HKVP_KEY_SIZE, HKVP_VALUE_SIZE, false, 0 },
	{ "key too large", HKVP_KEY_SIZE + 1, 4, false, -EMSGSIZE },
	{ "value too large", 4, HKVP_VALUE_SIZE + 1, false, -EMSGSIZE },
	{ "sizes that wrap", 4, U32_MAX - 4, false, -EMSGSIZE },
	{ "delete of a key too large", U32_MAX, 0, true, -EMSGSIZE },
	{ "delete ignores the value", 4, U32_MAX, true, -ENOENT },
};

static void large_desc(const struct large_case *c, char *desc)
{
	strscpy(desc, c->name, KUNIT_PARAM_DESC_SIZE);
}

KUNIT_ARRAY_PARAM(large, large_cases, large_desc);

static void test_large(struct kunit *test)
{
	const struct large_case *c = test->param_value;
	struct hkvp_pool *pool = test->priv;
	struct hkvp_change change = {
		.key_size = c->key_size,
		.value_size = c->value_size,
		.type = HKVP_TYPE_SZ,
		.delete = c->delete,
	};
	struct hkvp_version *v;
	u8 *bytes;

	bytes = kunit_kzalloc(test, HKVP_VALUE_SIZE, GFP_KERNEL);
	KUNIT_ASSERT_NOT_NULL(test, bytes);
	memset(bytes, 0x41, HKVP_VALUE_SIZE);
	change.key = bytes;
	change.value = bytes;
	KUNIT_EXPECT_EQ(test, hkvp_pool_change(pool, &change, GFP_ATOMIC), c->err);
	KUNIT_EXPECT_EQ(test, hkvp_pool_batch(pool, &change, 1, HKVP_ANY_GENERATION),
			c->err);
	v = hkvp_pool_pin(pool);
	KUNIT_EXPECT_EQ(test, hkvp_version_generation(v), c->err ? 0 : 2);
	if (!c->err) {
		const struct hkvp_item *item = hkvp_version_at(v, 0);

		KUNIT_EXPECT_EQ(test, item->key_size, c->key_size);
		KUNIT_EXPECT_EQ(test, item->value_size, c->value_size);
		KUNIT_EXPECT_EQ(test, memcmp(hkvp_item_value(item), bytes,
					     c->value_size), 0);
	}
	hkvp_version_unpin(v);
}

static void test_limit_items(struct kunit *test)
{
	struct hkvp_pool *pool = test->priv;
	struct hkvp_version *v;

	pool->budget->account[HKVP_OWNER_HOST].limit.items = 2;
	pool->budget->account[HKVP_OWNER_AGENT].limit.items = 1;
	KUNIT_EXPECT_EQ(test, set_as(pool, 1, HKVP_OWNER_HOST), 0);
	KUNIT_EXPECT_EQ(test, set_as(pool, 2, HKVP_OWNER_HOST), 0);
	KUNIT_EXPECT_EQ(test, set_as(pool, 3, HKVP_OWNER_HOST), -ENOSPC);
	KUNIT_EXPECT_EQ(test, generation(pool), 2);
	/* The other owner has a limit of its own. */
	KUNIT_EXPECT_EQ(test, set_as(pool, 3, HKVP_OWNER_AGENT), 0);
	KUNIT_EXPECT_EQ(test, set_as(pool, 4, HKVP_OWNER_AGENT), -ENOSPC);
	/* An update needs no room; one that changes the owner moves the cost. */
	KUNIT_EXPECT_EQ(test, set_as(pool, 1, HKVP_OWNER_HOST), 0);
	KUNIT_EXPECT_EQ(test, set_as(pool, 3, HKVP_OWNER_HOST), -ENOSPC);
	KUNIT_EXPECT_EQ(test, delete(pool, 3), 0);
	KUNIT_EXPECT_EQ(test, set_as(pool, 2, HKVP_OWNER_AGENT), 0);
	KUNIT_EXPECT_EQ(test, set_as(pool, 3, HKVP_OWNER_HOST), 0);

	v = hkvp_pool_pin(pool);
	KUNIT_EXPECT_EQ(test, hkvp_version_usage(v, HKVP_OWNER_HOST).items, 2);
	KUNIT_EXPECT_EQ(test, hkvp_version_usage(v, HKVP_OWNER_AGENT).items, 1);
	KUNIT_EXPECT_EQ(test, hkvp_version_usage(v, HKVP_OWNER_AGENT).bytes, ITEM_BYTES);
	hkvp_version_unpin(v);
}

static void test_limit_bytes(struct kunit *test)
{
	struct hkvp_pool *pool = test->priv;
	struct packed p;

	pool->budget->account[HKVP_OWNER_HOST].limit.bytes = 2 * ITEM_BYTES;
	KUNIT_EXPECT_EQ(test, set(pool, 1, 1), 0);
	KUNIT_EXPECT_EQ(test, set(pool, 2, 1), 0);
	KUNIT_EXPECT_EQ(test, set(pool, 3, 1), -ENOSPC);
	/* As large is fine; larger is not; where it is over, smaller is. */
	KUNIT_EXPECT_EQ(test, set(pool, 2, 2), 0);
	pool->budget->account[HKVP_OWNER_HOST].limit.bytes = ITEM_BYTES;
	KUNIT_EXPECT_EQ(test, set(pool, 2, 3), 0);
	pack(&p, 2, 4, HKVP_OWNER_HOST, false);
	p.change.value_size = 4;
	KUNIT_EXPECT_EQ(test, hkvp_pool_change(pool, &p.change, GFP_ATOMIC), 0);
	p.change.value_size = VALUE_BYTES;
	KUNIT_EXPECT_EQ(test, hkvp_pool_change(pool, &p.change, GFP_ATOMIC), -ENOSPC);
	KUNIT_EXPECT_EQ(test, delete(pool, 1), 0);
	KUNIT_EXPECT_EQ(test, hkvp_pool_change(pool, &p.change, GFP_ATOMIC), 0);
}

#define BATCH_MAX 8

struct batch_case {
	const char *name;
	const char *before;	/* changes as in order_cases, one by one */
	const char *batch;	/* the same, as one batch */
	s64 expect;		/* generation, or -1 for any */
	u32 limit_items;
	int err;
	const char *after;	/* order */
};

static const struct batch_case batch_cases[] = {
	{ "nothing", "ab", "", -1, 9, 0, "ab" },
	{ "nothing, expected", "ab", "", 2, 9, 0, "ab" },
	{ "nothing, stale", "ab", "", 1, 9, -ESTALE, "ab" },
	{ "into an empty pool", "", "abc", -1, 9, 0, "abc" },
	{ "sets and deletes", "abc", "-ad-b", -1, 9, 0, "cd" },
	{ "a key twice", "a", "bbb", -1, 9, 0, "ab" },
	{ "comes and goes", "a", "b-b", -1, 9, 0, "a" },
	{ "goes and comes", "abc", "-aa", -1, 9, 0, "cba" },
	{ "empties", "abc", "-c-a-b", -1, 9, 0, "" },
	{ "a delete finds nothing", "abc", "d-x-a", -1, 9, -ENOENT, "abc" },
	{ "last delete finds nothing", "abc", "def-x", -1, 9, -ENOENT, "abc" },
	{ "expected", "abc", "d", 3, 9, 0, "abcd" },
	{ "stale", "abc", "d", 2, 9, -ESTALE, "abc" },
	{ "over the limit", "abc", "def", -1, 5, -ENOSPC, "abc" },
	{ "over the limit between", "abc", "def-a-b-c", -1, 3, 0, "fed" },
	{ "over the limit already", "abc", "ab", -1, 2, 0, "abc" },
	{ "over the limit, less so", "abc", "d-a-b", -1, 1, 0, "dc" },
};

static void batch_desc(const struct batch_case *c, char *desc)
{
	strscpy(desc, c->name, KUNIT_PARAM_DESC_SIZE);
}

KUNIT_ARRAY_PARAM(batch, batch_cases, batch_desc);

static void test_batch(struct kunit *test)
{
	const struct batch_case *c = test->param_value;
	struct hkvp_change changes[BATCH_MAX];
	struct hkvp_pool *pool = test->priv;
	u64 before, expect = c->expect < 0 ? HKVP_ANY_GENERATION : c->expect;
	struct hkvp_version *v;
	struct packed *packed;
	const char *s;
	u32 i, n = 0;

	packed = kunit_kcalloc(test, BATCH_MAX, sizeof(*packed), GFP_KERNEL);
	KUNIT_ASSERT_NOT_NULL(test, packed);
	for (s = c->before; *s; s++)
		KUNIT_ASSERT_EQ(test, *s == '-' ? delete(pool, *++s) : set(pool, *s, *s), 0);
	for (s = c->batch; *s; s++, n++) {
		bool del = *s == '-';

		s += del;
		KUNIT_ASSERT_LT(test, n, BATCH_MAX);
		changes[n] = *pack(&packed[n], *s, *s, HKVP_OWNER_HOST, del);
	}
	before = generation(pool);
	pool->budget->account[HKVP_OWNER_HOST].limit.items = c->limit_items;
	KUNIT_EXPECT_EQ(test, hkvp_pool_batch(pool, changes, n, expect), c->err);
	KUNIT_EXPECT_EQ(test, generation(pool), before + (n && !c->err));
	expect_sound(test, pool);
	v = hkvp_pool_pin(pool);
	KUNIT_ASSERT_EQ(test, hkvp_version_count(v), strlen(c->after));
	for (i = 0; c->after[i]; i++)
		KUNIT_EXPECT_EQ(test, value_of(hkvp_version_at(v, i)), c->after[i]);
	hkvp_version_unpin(v);
}

/* More than a chunk of what it drops. */
static void test_batch_large(struct kunit *test)
{
	struct hkvp_pool *pool = test->priv;
	struct hkvp_change *changes;
	struct packed *packed;
	u32 items = 1200;
	u32 i;

	changes = kunit_kcalloc(test, items, sizeof(*changes), GFP_KERNEL);
	packed = kunit_kcalloc(test, items + 1, sizeof(*packed), GFP_KERNEL);
	KUNIT_ASSERT_NOT_NULL(test, changes);
	KUNIT_ASSERT_NOT_NULL(test, packed);
	for (i = 0; i < items; i++)
		KUNIT_ASSERT_EQ(test, set(pool, i, 0), 0);
	for (i = 0; i < items; i++)
		changes[i] = *pack(&packed[i], i, i, HKVP_OWNER_AGENT, false);
	KUNIT_EXPECT_EQ(test, hkvp_pool_batch(pool, changes, items, items), 0);
	KUNIT_EXPECT_EQ(test, generation(pool), items + 1);
	expect_sound(test, pool);
	expect_all(test, pool, 0, items, true);
	/* Large enough to be given up late. */
	changes[items - 1] = *pack(&packed[items], items, 0, HKVP_OWNER_HOST, true);
	KUNIT_EXPECT_EQ(test, hkvp_pool_batch(pool, changes, items,
					      HKVP_ANY_GENERATION), -ENOENT);
	expect_all(test, pool, 0, items, true);
	for (i = 0; i < items; i++)
		changes[i].delete = true;
	changes[items - 1] = *pack(&packed[items - 1], items - 1, 0,
				   HKVP_OWNER_HOST, true);
	KUNIT_EXPECT_EQ(test, hkvp_pool_batch(pool, changes, items,
					      HKVP_ANY_GENERATION), 0);
	KUNIT_EXPECT_EQ(test, count(pool), 0);
}

static void test_pin(struct kunit *test)
{
	struct hkvp_pool *pool = test->priv;
	struct hkvp_version *pin[3];
	u32 wrong = 0;
	u32 i, n, copy;

	for (n = 0; n < 100; n++)
		KUNIT_ASSERT_EQ(test, set(pool, n, 0), 0);
	for (i = 0; i < ARRAY_SIZE(pin); i++) {
		pin[i] = hkvp_pool_pin(pool);
		for (n = 0; n < 100; n++)
			KUNIT_ASSERT_EQ(test, set(pool, n, i + 1), 0);
	}
	settle(pool);
	copy = hkvp_pool_usage(pool).current_bytes;
	KUNIT_EXPECT_GT(test, hkvp_pool_usage(pool).retained_bytes, 0);
	for (i = 0; i < 2000; i++)
		KUNIT_ASSERT_EQ(test, set(pool, i % 100, 9), 0);
	settle(pool);
	KUNIT_EXPECT_LE(test, hkvp_pool_usage(pool).retained_bytes,
			ARRAY_SIZE(pin) * copy);
	/* The middle one first: what it alone held goes. */
	hkvp_version_unpin(pin[1]);
	settle(pool);
	KUNIT_EXPECT_LE(test, hkvp_pool_usage(pool).retained_bytes, 2 * copy);
	for (i = 0; i < ARRAY_SIZE(pin); i += 2)
		for (n = 0; n < 100; n++)
			wrong += value_of(find(pin[i], n)) != i;
	KUNIT_EXPECT_EQ(test, wrong, 0);
	hkvp_version_unpin(pin[0]);
	settle(pool);
	KUNIT_EXPECT_EQ(test, value_of(find(pin[2], 7)), 2);
	hkvp_version_unpin(pin[2]);
}

/* A change that leaves much behind: the largest value. */
static const struct hkvp_change *pack_large(struct kunit *test, struct packed *p)
{
	pack(p, 1, 0, HKVP_OWNER_HOST, false);
	p->change.value = kunit_kzalloc(test, HKVP_VALUE_SIZE, GFP_KERNEL);
	KUNIT_ASSERT_NOT_NULL(test, p->change.value);
	p->change.value_size = HKVP_VALUE_SIZE;
	return &p->change;
}

/* What may wait to be freed stays bounded without any pause for the reclaimer. */
static void test_backlog(struct kunit *test)
{
	struct hkvp_pool *pool = test->priv;
	const struct hkvp_change *change;
	struct packed p;
	u64 most = 0;
	u32 i;

	change = pack_large(test, &p);
	for (i = 0; i < 3 * HKVP_POOL_BACKLOG / HKVP_VALUE_SIZE; i++) {
		if (hkvp_pool_change(pool, change, GFP_KERNEL))
			break;
		most = max(most, hkvp_pool_usage(pool).backlog_bytes);
	}
	KUNIT_EXPECT_EQ(test, i, 3 * HKVP_POOL_BACKLOG / HKVP_VALUE_SIZE);
	KUNIT_EXPECT_LE(test, most, HKVP_POOL_BACKLOG + 8192);
}

/* Atomic context cannot wait for the reclaimer: it is told to come back. */
static void test_backlog_atomic(struct kunit *test)
{
	struct hkvp_pool *pool = test->priv;
	const struct hkvp_change *change;
	struct packed p;
	u32 i = 0;
	int err;

	change = pack_large(test, &p);
	/* A long read-side section keeps the reclaimer from its work. */
	rcu_read_lock();
	do {
		err = hkvp_pool_change(pool, change, GFP_ATOMIC);
	} while (!err && ++i < 3 * HKVP_POOL_BACKLOG_ATOMIC / HKVP_VALUE_SIZE);
	rcu_read_unlock();
	KUNIT_EXPECT_EQ(test, err, -EAGAIN);
	KUNIT_EXPECT_GT(test, hkvp_pool_usage(pool).backlog_bytes,
			HKVP_POOL_BACKLOG_ATOMIC);
	KUNIT_EXPECT_EQ(test, hkvp_pool_change(pool, change, GFP_KERNEL), 0);
	KUNIT_EXPECT_EQ(test, hkvp_pool_change(pool, change, GFP_ATOMIC), 0);
}

/**
 * struct rival - who changes the pool while others build a version
 * @pool: the pool
 * @races: times that it is to be first
 * @asked: times that it was asked of an item
 */
struct rival {
	struct hkvp_pool *pool;
	u32 races;
	u32 asked;
};

/* Items 0 to 9 are to be left alone. */
static int keep_some(void *ctx, u32 index, const struct hkvp_item *item)
{
	struct rival *rival = ctx;

	if (!item)
		return 0;
	rival->asked++;
	if (rival->races) {
		rival->races--;
		set(rival->pool, 1000, rival->races);
	}
	return value_of(item) < 10;
}

/* Adds items 5 to 14, of which 5 to 11 are there. */
static int add_ten(struct kunit *test, struct rival *rival,
		   struct hkvp_update *update)
{
	struct packed *p = kunit_kcalloc(test, 10, sizeof(*p), GFP_KERNEL);
	struct hkvp_change changes[10];
	u32 i;

	KUNIT_ASSERT_NOT_NULL(test, p);
	for (i = 0; i < 10; i++)
		changes[i] = *pack(&p[i], 5 + i, 100, HKVP_OWNER_AGENT, false);
	*update = (struct hkvp_update) {
		.changes = changes, .count = 10,
		.expect = HKVP_ANY_GENERATION, .check = keep_some, .ctx = rival,
	};
	return hkvp_pool_update(rival->pool, update, GFP_KERNEL);
}

static void test_add(struct kunit *test)
{
	struct rival rival = { .pool = test->priv };
	struct hkvp_version *v;
	struct hkvp_update update;
	u32 i;

	for (i = 0; i < 12; i++)
		set(rival.pool, i, i);
	KUNIT_EXPECT_EQ(test, add_ten(test, &rival, &update), 0);
	KUNIT_EXPECT_EQ(test, update.skipped, 5);
	KUNIT_EXPECT_EQ(test, rival.asked, 7);
	v = hkvp_pool_pin(rival.pool);
	KUNIT_EXPECT_EQ(test, hkvp_version_count(v), 15);
	KUNIT_EXPECT_EQ(test, hkvp_version_generation(v), 13);
	for (i = 0; i < 15; i++)
		KUNIT_EXPECT_EQ(test, value_of(find(v, i)), i < 10 ? i : 100);
	hkvp_version_unpin(v);
}

/* Where nothing is left to be changed there is no new version. */
static void test_add_nothing(struct kunit *test)
{
	struct rival rival = { .pool = test->priv };
	struct hkvp_update update;
	u32 i;

	for (i = 5; i < 15; i++)
		set(rival.pool, i, 1);
	KUNIT_EXPECT_EQ(test, add_ten(test, &rival, &update), 0);
	KUNIT_EXPECT_EQ(test, update.skipped, 10);
	KUNIT_EXPECT_EQ(test, generation(rival.pool), 10);
	KUNIT_EXPECT_EQ(test, update.generation, 10);
}

/* Others are first: each time the rest of the build is left out. */
static void test_add_raced(struct kunit *test)
{
	struct rival rival = { .pool = test->priv, .races = 20 };
	struct hkvp_update update;
	u32 i;

	for (i = 0; i < 12; i++)
		set(rival.pool, i, i);
	KUNIT_EXPECT_EQ(test, add_ten(test, &rival, &update), 0);
	KUNIT_EXPECT_EQ(test, update.skipped, 5);
	KUNIT_EXPECT_EQ(test, rival.asked, 20 + 7);
	KUNIT_EXPECT_EQ(test, generation(rival.pool), 12 + 20 + 1);
	KUNIT_EXPECT_EQ(test, update.generation, 12 + 20 + 1);
	KUNIT_EXPECT_EQ(test, count(rival.pool), 16);
	KUNIT_EXPECT_EQ(test, rival.pool->quiet_until, 0);
}

static void test_give_way(struct kunit *test)
{
	struct hkvp_pool *pool = test->priv;
	unsigned long began = jiffies;

	KUNIT_EXPECT_EQ(test, hkvp_pool_give_way(pool), 0);
	pool->quiet_until = (began + HZ / 10) | 1;
	KUNIT_EXPECT_EQ(test, hkvp_pool_give_way(pool), 0);
	KUNIT_EXPECT_GE(test, jiffies - began, HZ / 10);
	pool->quiet_until = 0;
}

struct tally {
	u32 added, deleted, set;
	u32 stop_after;
};

static int tell(void *ctx, const struct hkvp_item *old,
		const struct hkvp_item *new)
{
	struct tally *t = ctx;

	t->added += !old;
	t->deleted += !new;
	t->set += old && new;
	return t->stop_after && --t->stop_after == 0 ? -ECANCELED : 0;
}

struct diff_case {
	const char *name;
	u32 fill;
	const char *changes;
	struct tally tally;
};

static const struct diff_case diff_cases[] = {
	{ "nothing", 0, "", { 0, 0, 0 } },
	{ "from empty", 0, "ab", { 2, 0, 0 } },
	{ "set", 300, "ab", { 2, 0, 0 } },
	{ "comes and goes", 300, "a-a", { 0, 0, 0 } },
	{ "a level more", 16, "ab", { 2, 0, 0 } },
	{ "another level more", 255, "ab-a", { 1, 0, 0 } },
};

static void diff_desc(const struct diff_case *c, char *desc)
{
	strscpy(desc, c->name, KUNIT_PARAM_DESC_SIZE);
}

KUNIT_ARRAY_PARAM(diff, diff_cases, diff_desc);

static void expect_diff(struct kunit *test, const struct hkvp_version *old,
			const struct hkvp_version *new, const struct tally *want)
{
	struct tally t = { 0 };

	KUNIT_EXPECT_EQ(test, hkvp_version_diff(old, new, tell, &t), 0);
	KUNIT_EXPECT_EQ(test, t.added, want->added);
	KUNIT_EXPECT_EQ(test, t.deleted, want->deleted);
	KUNIT_EXPECT_EQ(test, t.set, want->set);
}

static void test_diff(struct kunit *test)
{
	const struct diff_case *c = test->param_value;
	const struct tally back = {
		.added = c->tally.deleted,
		.deleted = c->tally.added,
		.set = c->tally.set,
	};
	struct hkvp_pool *pool = test->priv;
	struct hkvp_version *old, *new;
	const char *s;
	u32 i;

	for (i = 0; i < c->fill; i++)
		KUNIT_ASSERT_EQ(test, set(pool, 1000 + i, i), 0);
	old = hkvp_pool_pin(pool);
	for (s = c->changes; *s; s++)
		KUNIT_ASSERT_EQ(test, *s == '-' ? delete(pool, *++s) : set(pool, *s, *s), 0);
	new = hkvp_pool_pin(pool);
	expect_diff(test, old, new, &c->tally);
	expect_diff(test, new, old, &back);
	hkvp_version_unpin(old);
	hkvp_version_unpin(new);
}

/* Items that a delete moved are not told, those that it deleted are. */
static void test_diff_moves(struct kunit *test)
{
	struct hkvp_pool *pool = test->priv;
	struct hkvp_version *old, *new;
	struct tally t = { .stop_after = 2 };
	u32 i;

	for (i = 0; i < 1500; i++)
		KUNIT_ASSERT_EQ(test, set(pool, i, i), 0);
	old = hkvp_pool_pin(pool);
	for (i = 0; i < 1490; i++)
		KUNIT_ASSERT_EQ(test, delete(pool, i), 0);
	KUNIT_ASSERT_EQ(test, set(pool, 1495, 0), 0);
	KUNIT_ASSERT_EQ(test, set(pool, 3, 3), 0);
	new = hkvp_pool_pin(pool);
	expect_diff(test, old, new, &(struct tally) { 0, 1489, 2 });
	expect_diff(test, new, old, &(struct tally) { 1489, 0, 2 });
	KUNIT_EXPECT_EQ(test, hkvp_version_diff(old, new, tell, &t), -ECANCELED);
	KUNIT_EXPECT_EQ(test, t.added + t.deleted + t.set, 2);
	hkvp_version_unpin(old);
	hkvp_version_unpin(new);
}

struct steps {
	const struct hkvp_item *old[64];
	const struct hkvp_item *new[64];
	u32 count;
	bool one_by_one;
};

static int note_step(void *ctx, const struct hkvp_item *old,
		     const struct hkvp_item *new)
{
	struct steps *s = ctx;

	if (s->count == ARRAY_SIZE(s->old))
		return -E2BIG;
	s->old[s->count] = old;
	s->new[s->count++] = new;
	return s->one_by_one;
}

/* Taken up after each difference, the walk tells the same as in one go. */
static void expect_same_steps(struct kunit *test, const struct hkvp_version *old,
			      const struct hkvp_version *new, u32 count)
{
	struct steps *whole = kunit_kzalloc(test, sizeof(*whole), GFP_KERNEL);
	struct steps *parts = kunit_kzalloc(test, sizeof(*parts), GFP_KERNEL);
	u64 place = 0;

	KUNIT_ASSERT_TRUE(test, whole && parts);
	KUNIT_EXPECT_EQ(test, hkvp_version_diff_from(old, new, &place, note_step,
						     whole), 0);
	KUNIT_EXPECT_EQ(test, whole->count, count);
	place = 0;
	parts->one_by_one = true;
	while (hkvp_version_diff_from(old, new, &place, note_step, parts) == 1)
		;
	KUNIT_EXPECT_EQ(test, parts->count, count);
	KUNIT_EXPECT_EQ(test, memcmp(whole->old, parts->old,
				     sizeof(whole->old)), 0);
	KUNIT_EXPECT_EQ(test, memcmp(whole->new, parts->new,
				     sizeof(whole->new)), 0);
}

static void test_diff_from(struct kunit *test)
{
	struct hkvp_pool *pool = test->priv;
	struct hkvp_version *empty, *old, *new;
	u32 i;

	empty = hkvp_pool_pin(pool);
	expect_same_steps(test, NULL, empty, 0);
	for (i = 0; i < 40; i++)
		KUNIT_ASSERT_EQ(test, set(pool, i, i), 0);
	old = hkvp_pool_pin(pool);
	expect_same_steps(test, NULL, old, 40);
	expect_same_steps(test, empty, old, 40);
	expect_same_steps(test, old, empty, 40);
	expect_same_steps(test, old, old, 0);
	/* at index 3 one goes and, once the last is moved there and set, one comes */
	KUNIT_ASSERT_EQ(test, delete(pool, 3), 0);
	KUNIT_ASSERT_EQ(test, set(pool, 39, 1), 0);
	KUNIT_ASSERT_EQ(test, set(pool, 20, 1), 0);
	KUNIT_ASSERT_EQ(test, set(pool, 100, 1), 0);
	for (i = 200; i < 210; i++)
		KUNIT_ASSERT_EQ(test, set(pool, i, i), 0);
	new = hkvp_pool_pin(pool);
	expect_same_steps(test, old, new, 14);
	expect_same_steps(test, new, old, 14);
	hkvp_version_unpin(empty);
	hkvp_version_unpin(old);
	hkvp_version_unpin(new);
}

struct hashed {
	u32 hash;
	u32 n;
};

static int compare_hashed(const void *a, const void *b)
{
	const struct hashed *x = a, *y = b;

	return x->hash < y->hash ? -1 : x->hash > y->hash;
}

#define HASHED		300000
#define PAIRS_MAX	8

/* Pairs of keys whose 32 bits of hash are the same; returns their number. */
static u32 find_pairs(struct kunit *test, const struct hkvp_pool *pool,
		      u32 pair[PAIRS_MAX][2])
{
	struct hashed *h = kvmalloc_array(HASHED, sizeof(*h), GFP_KERNEL);
	u8 key[KEY_BYTES];
	u32 pairs = 0;
	u32 i;

	KUNIT_ASSERT_NOT_NULL(test, h);
	for (i = 0; i < HASHED; i++) {
		make_key(key, i);
		h[i].hash = hkvp_keys_hash(pool, key, KEY_BYTES);
		h[i].n = i;
	}
	sort(h, HASHED, sizeof(*h), compare_hashed, NULL);
	for (i = 1; i < HASHED && pairs < PAIRS_MAX; i++) {
		if (h[i].hash != h[i - 1].hash)
			continue;
		pair[pairs][0] = h[i - 1].n;
		pair[pairs][1] = h[i].n;
		pairs++;
	}
	kvfree(h);
	return pairs;
}

/*
 * Keys that share their whole hash. 300,000 keys have ten such pairs on average;
 * the seed is fixed, so that each run has the same.
 */
static void test_collisions(struct kunit *test)
{
	struct hkvp_pool *pool = test->priv;
	u32 pair[PAIRS_MAX][2];
	struct hkvp_version *v;
	u32 i, pairs;

	memset(&pool->seed, 1, sizeof(pool->seed));
	pairs = find_pairs(test, pool, pair);
	KUNIT_ASSERT_GT(test, pairs, 2);
	for (i = 0; i < pairs; i++) {
		KUNIT_EXPECT_EQ(test, set(pool, pair[i][0], 1), 0);
		KUNIT_EXPECT_EQ(test, delete(pool, pair[i][1]), -ENOENT);
		KUNIT_EXPECT_EQ(test, set(pool, pair[i][1], 2), 0);
		KUNIT_EXPECT_EQ(test, set(pool, pair[i][0], 3), 0);
	}
	KUNIT_EXPECT_EQ(test, count(pool), 2 * pairs);
	expect_sound(test, pool);
	/* Others push the shared nodes down. */
	for (i = 0; i < 200; i++)
		KUNIT_EXPECT_EQ(test, set(pool, HASHED + i, 4), 0);
	expect_sound(test, pool);
	v = hkvp_pool_pin(pool);
	for (i = 0; i < pairs; i++) {
		KUNIT_EXPECT_EQ(test, value_of(find(v, pair[i][0])), 3);
		KUNIT_EXPECT_EQ(test, value_of(find(v, pair[i][1])), 2);
	}
	hkvp_version_unpin(v);
	for (i = 0; i < pairs; i++) {
		KUNIT_EXPECT_EQ(test, delete(pool, pair[i][i % 2]), 0);
		expect_sound(test, pool);
		KUNIT_EXPECT_EQ(test, delete(pool, pair[i][!(i % 2)]), 0);
	}
	KUNIT_EXPECT_EQ(test, count(pool), 200);
	expect_sound(test, pool);
}

#define SAME_HASH 40

/*
 * So many keys of one hash that the pool refuses more. No one can find them, so
 * the test gives a trie of its own the same hash over and over.
 */
static void test_collisions_refused(struct kunit *test)
{
	struct hkvp_pool *pool = test->priv;
	struct hkvp_version *base = hkvp_pool_pin(pool);
	union hkvp_build build;
	struct hkvp_version *v;
	struct hkvp_item *item;
	u32 i, hash;
	int err;

	v = hkvp_build_begin(&build, pool, base, NULL);
	for (i = 0; i < SAME_HASH; i++) {
		/* One that shares 30 bits, then all the same. */
		hash = i ? 0xdeadbeef : 0x1eadbeef;
		item = hkvp_part_new(v, HKVP_PART_ITEM, sizeof(*item), GFP_KERNEL);
		KUNIT_ASSERT_NOT_NULL(test, item);
		item->part.hash = hash;
		KUNIT_ASSERT_EQ(test, hkvp_order_append(v, item, GFP_KERNEL), 0);
		err = hkvp_keys_insert(v, hash, i, GFP_KERNEL);
		if (err)
			break;
		v->count++;
	}
	KUNIT_EXPECT_EQ(test, err, -ENOSPC);
	KUNIT_EXPECT_EQ(test, i, HKVP_COLLISIONS_MAX + 1);
	/* Out again, from the middle and until one is left. */
	for (i = 0; i < HKVP_COLLISIONS_MAX; i++)
		KUNIT_EXPECT_EQ(test, hkvp_keys_remove(v, 0xdeadbeef, 1 + (i + 5) %
						       HKVP_COLLISIONS_MAX,
						       GFP_KERNEL), 0);
	KUNIT_EXPECT_PTR_EQ(test, v->keys, hkvp_leaf(0));
	hkvp_build_abort(v);
	hkvp_version_unpin(base);
}

#ifdef CONFIG_FAILSLAB
static int change_failing(struct hkvp_pool *pool, const struct hkvp_change *c,
			  u32 nth, bool *failed)
{
	int err;

	/* Counts down, and reaches 0 when it has failed. */
	current->fail_nth = nth;
	err = hkvp_pool_change(pool, c, GFP_ATOMIC);
	*failed = !current->fail_nth;
	current->fail_nth = 0;
	return err;
}

struct fail_case {
	const char *name;
	u32 items;
	u32 key;
	bool delete;
};

static const struct fail_case fail_cases[] = {
	{ "first", 0, 0, false },
	{ "second", 1, 1, false },
	{ "a level more", 16, 16, false },
	{ "another level more", 256, 256, false },
	{ "update", 300, 7, false },
	{ "delete the only one", 1, 0, true },
	{ "delete", 300, 7, true },
	{ "delete the last", 300, 299, true },
	{ "a level less", 257, 256, true },
	{ "a level less, elsewhere", 257, 3, true },
};

static void fail_desc(const struct fail_case *c, char *desc)
{
	strscpy(desc, c->name, KUNIT_PARAM_DESC_SIZE);
}

KUNIT_ARRAY_PARAM(fail, fail_cases, fail_desc);

static void undo(struct kunit *test, const struct fail_case *c)
{
	if (c->delete)
		KUNIT_ASSERT_EQ(test, set(test->priv, c->key, 1), 0);
	else if (c->key >= c->items)
		KUNIT_ASSERT_EQ(test, delete(test->priv, c->key), 0);
}

/*
 * Every allocation fails in turn: nothing has changed each time. Some are not
 * the pool's but those of the kernel's own debugging, which copes: then the
 * change has succeeded, and is undone.
 */
static void test_failures(struct kunit *test)
{
	const struct fail_case *c = test->param_value;
	struct hkvp_pool *pool = test->priv;
	u64 bytes, versions;
	u32 i, nth, errors = 0;
	struct packed p;
	bool failed = true;
	int err = 0;

	for (i = 0; i < c->items; i++)
		KUNIT_ASSERT_EQ(test, set(pool, i, i), 0);
	pack(&p, c->key, 77, HKVP_OWNER_HOST, c->delete);
	for (nth = 1; nth < 200 && failed; nth++) {
		bytes = hkvp_pool_usage(pool).current_bytes;
		versions = generation(pool);
		err = change_failing(pool, &p.change, nth, &failed);
		if (!err) {
			KUNIT_EXPECT_EQ(test, generation(pool), versions + 1);
			undo(test, c);
			continue;
		}
		errors++;
		KUNIT_EXPECT_EQ(test, err, -ENOMEM);
		KUNIT_EXPECT_EQ(test, generation(pool), versions);
		KUNIT_EXPECT_EQ(test, hkvp_pool_usage(pool).current_bytes, bytes);
	}
	KUNIT_EXPECT_FALSE(test, failed);
	KUNIT_EXPECT_EQ(test, err, 0);
	/* The root at least, and the item or a node. */
	KUNIT_EXPECT_GE(test, errors, c->delete && c->items == 1 ? 1 : 2);
	expect_sound(test, pool);
}
#endif

static struct kunit_case pool_cases[] = {
	KUNIT_CASE(test_memory),
	KUNIT_CASE(test_empty),
	KUNIT_CASE(test_touch),
	KUNIT_CASE_PARAM(test_order, order_gen_params),
	KUNIT_CASE(test_fields),
	KUNIT_CASE_PARAM(test_sizes, size_gen_params),
	KUNIT_CASE_PARAM(test_large, large_gen_params),
	KUNIT_CASE(test_limit_items),
	KUNIT_CASE(test_limit_bytes),
	KUNIT_CASE_PARAM(test_batch, batch_gen_params),
	KUNIT_CASE(test_batch_large),
	KUNIT_CASE(test_pin),
	KUNIT_CASE(test_backlog),
	KUNIT_CASE(test_backlog_atomic),
	KUNIT_CASE(test_add),
	KUNIT_CASE(test_add_nothing),
	KUNIT_CASE(test_add_raced),
	KUNIT_CASE(test_give_way),
	KUNIT_CASE_PARAM(test_diff, diff_gen_params),
	KUNIT_CASE(test_diff_moves),
	KUNIT_CASE(test_diff_from),
	KUNIT_CASE(test_collisions),
	KUNIT_CASE(test_collisions_refused),
#ifdef CONFIG_FAILSLAB
	KUNIT_CASE_PARAM(test_failures, fail_gen_params),
#endif
	{}
};

struct kunit_suite hkvp_pool_suite = {
	.name = "hkvp_pool",
	.init = pool_test_init,
	.exit = pool_test_exit,
	.test_cases = pool_cases,
};
