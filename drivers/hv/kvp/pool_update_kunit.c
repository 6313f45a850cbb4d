// SPDX-License-Identifier: GPL-2.0
/* Tests of hkvp_pool_update(): conditions, what is told of it, and what items carry. */
#include <linux/errno.h>
#include <linux/slab.h>
#include <linux/string.h>

#include "kunit.h"
#include "pool.h"
#include "wire.h"

static const struct hkvp_limit no_limits[HKVP_OWNER_COUNT] = {
	{ .items = U32_MAX, .bytes = U64_MAX },
	{ .items = U32_MAX, .bytes = U64_MAX },
};

/* Keys of one character. */
#define KEY(c)	((const u8 [4]) { c })

#define SET(c, v)							\
	((struct hkvp_change) {						\
		.key = KEY(c), .key_size = 4,				\
		.value = KEY(v), .value_size = 4,			\
		.type = HKVP_TYPE_SZ, .owner = HKVP_OWNER_AGENT,	\
	})

#define DELETE(c)							\
	((struct hkvp_change) {						\
		.key = KEY(c), .key_size = 4,				\
		.owner = HKVP_OWNER_AGENT, .delete = true,		\
	})

static int run(struct kunit *test, struct hkvp_update *update,
	       const struct hkvp_change *changes, u32 count, gfp_t gfp)
{
	update->changes = changes;
	update->count = count;
	update->expect = HKVP_ANY_GENERATION;
	/* what is out holds anything */
	update->generation = 99;
	update->skipped = 99;
	update->failed = 99;
	return hkvp_pool_update(test->priv, update, gfp);
}

/* Of the current version, which nobody else changes. */
static const struct hkvp_item *find(struct kunit *test, char c)
{
	const struct hkvp_item *item;

	rcu_read_lock();
	item = hkvp_version_find(hkvp_pool_current(test->priv), KEY(c), 4);
	rcu_read_unlock();
	return item;
}

static void test_generation(struct kunit *test)
{
	struct hkvp_update update = { };

	KUNIT_EXPECT_EQ(test, run(test, &update, &SET('a', '1'), 1, GFP_KERNEL), 0);
	KUNIT_EXPECT_EQ(test, update.generation, 1);
	KUNIT_EXPECT_EQ(test, update.skipped, 0);
	KUNIT_EXPECT_EQ(test, update.failed, HKVP_NO_CHANGE);
	KUNIT_EXPECT_EQ(test, run(test, &update, &SET('a', '2'), 1, GFP_NOWAIT), 0);
	KUNIT_EXPECT_EQ(test, update.generation, 2);
	KUNIT_EXPECT_EQ(test, hkvp_item_generation(find(test, 'a')), 2);
	/* nothing to be done */
	KUNIT_EXPECT_EQ(test, run(test, &update, NULL, 0, GFP_KERNEL), 0);
	KUNIT_EXPECT_EQ(test, update.generation, 2);
}

static void test_failed(struct kunit *test)
{
	const struct hkvp_change missing[] = {
		SET('a', '1'), SET('b', '1'), DELETE('c'), SET('d', '1'),
	};
	struct hkvp_change large[] = { SET('a', '1'), SET('b', '1') };
	struct hkvp_update update = { };

	KUNIT_EXPECT_EQ(test, run(test, &update, missing, 4, GFP_KERNEL), -ENOENT);
	KUNIT_EXPECT_EQ(test, update.failed, 2);
	large[1].key_size = HKVP_KEY_SIZE + 2;
	KUNIT_EXPECT_EQ(test, run(test, &update, large, 2, GFP_KERNEL), -EMSGSIZE);
	KUNIT_EXPECT_EQ(test, update.failed, 1);
	KUNIT_EXPECT_NULL(test, find(test, 'a'));
}

static void test_missing_ok(struct kunit *test)
{
	struct hkvp_change changes[] = {
		DELETE('a'), SET('b', '1'), DELETE('b'), DELETE('b'),
	};
	struct hkvp_update update = { };

	changes[0].missing_ok = true;
	KUNIT_EXPECT_EQ(test, run(test, &update, changes, 1, GFP_KERNEL), 0);
	KUNIT_EXPECT_EQ(test, update.skipped, 1);
	KUNIT_EXPECT_EQ(test, update.generation, 0);
	/* as those before it left it */
	changes[3].missing_ok = true;
	KUNIT_EXPECT_EQ(test, run(test, &update, changes, 4, GFP_KERNEL), 0);
	KUNIT_EXPECT_EQ(test, update.skipped, 2);
	KUNIT_EXPECT_EQ(test, update.generation, 1);
	KUNIT_EXPECT_NULL(test, find(test, 'b'));
}

/* Says of each change what the array says. */
static int answer(void *ctx, u32 index, const struct hkvp_item *item)
{
	const int *answers = ctx;

	return answers[index];
}

static void test_check(struct kunit *test)
{
	const struct hkvp_change changes[] = {
		SET('a', '1'), SET('b', '1'), SET('c', '1'),
	};
	int answers[] = { 0, 1, 0 };
	struct hkvp_update update = { .check = answer, .ctx = answers };

	KUNIT_EXPECT_EQ(test, run(test, &update, changes, 3, GFP_KERNEL), 0);
	KUNIT_EXPECT_EQ(test, update.skipped, 1);
	KUNIT_EXPECT_NOT_NULL(test, find(test, 'c'));
	KUNIT_EXPECT_NULL(test, find(test, 'b'));
	answers[2] = -EEXIST;
	KUNIT_EXPECT_EQ(test, run(test, &update, changes, 3, GFP_KERNEL), -EEXIST);
	KUNIT_EXPECT_EQ(test, update.failed, 2);
	answers[0] = 1;
	answers[2] = 1;
	KUNIT_EXPECT_EQ(test, run(test, &update, changes, 3, GFP_KERNEL), 0);
	KUNIT_EXPECT_EQ(test, update.skipped, 3);
	KUNIT_EXPECT_EQ(test, update.generation, 1);
	/* in atomic context too */
	answers[0] = -ESTALE;
	KUNIT_EXPECT_EQ(test, run(test, &update, changes, 1, GFP_NOWAIT), -ESTALE);
	KUNIT_EXPECT_EQ(test, update.failed, 0);
}

/* Counts the changes whose item was there before the update. */
static int look(void *ctx, u32 index, const struct hkvp_item *item)
{
	*(u32 *)ctx += !!item;
	return 0;
}

static void test_check_sees_the_base(struct kunit *test)
{
	const struct hkvp_change changes[] = {
		DELETE('a'), SET('a', '2'), SET('b', '1'), SET('b', '2'),
	};
	u32 there = 0;
	struct hkvp_update update = { };

	KUNIT_EXPECT_EQ(test, run(test, &update, &SET('a', '1'), 1, GFP_KERNEL), 0);
	update.check = look;
	update.ctx = &there;
	KUNIT_EXPECT_EQ(test, run(test, &update, changes, 4, GFP_KERNEL), 0);
	KUNIT_EXPECT_EQ(test, there, 2);
}

static void test_sequence(struct kunit *test)
{
	const struct hkvp_change changes[] = { SET('c', '1'), SET('b', '1') };
	struct hkvp_update update = { };
	u64 a, b;

	KUNIT_EXPECT_EQ(test, run(test, &update, &SET('a', '1'), 1, GFP_KERNEL), 0);
	KUNIT_EXPECT_EQ(test, run(test, &update, changes, 2, GFP_KERNEL), 0);
	a = find(test, 'a')->sequence;
	b = find(test, 'b')->sequence;
	KUNIT_EXPECT_GT(test, a, 0);
	KUNIT_EXPECT_LT(test, a, find(test, 'c')->sequence);
	KUNIT_EXPECT_LT(test, find(test, 'c')->sequence, b);
	/* a key keeps it while it is there */
	KUNIT_EXPECT_EQ(test, run(test, &update, &SET('a', '2'), 1, GFP_KERNEL), 0);
	KUNIT_EXPECT_EQ(test, find(test, 'a')->sequence, a);
	KUNIT_EXPECT_EQ(test, run(test, &update, &DELETE('a'), 1, GFP_KERNEL), 0);
	KUNIT_EXPECT_EQ(test, run(test, &update, &SET('a', '3'), 1, GFP_KERNEL), 0);
	KUNIT_EXPECT_GT(test, find(test, 'a')->sequence, b);
}

static void test_holder(struct kunit *test)
{
	const u64 holder = 0x0123456789abcdefULL;
	struct hkvp_change change = SET('a', '1');
	struct hkvp_update update = { };
	const struct hkvp_item *item;

	change.traits = HKVP_TRAIT_HELD | HKVP_TRAIT_MIRROR;
	change.holder = holder;
	KUNIT_EXPECT_EQ(test, run(test, &update, &change, 1, GFP_KERNEL), 0);
	item = find(test, 'a');
	KUNIT_EXPECT_EQ(test, item->traits, HKVP_TRAIT_HELD | HKVP_TRAIT_MIRROR);
	KUNIT_EXPECT_EQ(test, hkvp_item_holder(item), holder);
	KUNIT_EXPECT_EQ(test, memcmp(hkvp_item_value(item), KEY('1'), 4), 0);
	/* whoever sets it again takes it */
	KUNIT_EXPECT_EQ(test, run(test, &update, &SET('a', '2'), 1, GFP_KERNEL), 0);
	item = find(test, 'a');
	KUNIT_EXPECT_EQ(test, item->traits, 0);
	KUNIT_EXPECT_EQ(test, hkvp_item_holder(item), 0);
}

static struct kunit_case update_cases[] = {
	KUNIT_CASE(test_generation),
	KUNIT_CASE(test_failed),
	KUNIT_CASE(test_missing_ok),
	KUNIT_CASE(test_check),
	KUNIT_CASE(test_check_sees_the_base),
	KUNIT_CASE(test_sequence),
	KUNIT_CASE(test_holder),
	{ }
};

/* A pool and its budget. */
struct fixture {
	struct hkvp_pool pool;
	struct hkvp_budget budget;
};

static int update_init(struct kunit *test)
{
	struct fixture *f = kunit_kzalloc(test, sizeof(*f), GFP_KERNEL);

	if (!f)
		return -ENOMEM;
	hkvp_budget_init(&f->budget, no_limits, 0);
	test->priv = &f->pool;
	return hkvp_pool_init(&f->pool, &f->budget);
}

static void update_exit(struct kunit *test)
{
	hkvp_pool_destroy(test->priv);
}

struct kunit_suite hkvp_update_suite = {
	.name = "hkvp_update",
	.init = update_init,
	.exit = update_exit,
	.test_cases = update_cases,
};
