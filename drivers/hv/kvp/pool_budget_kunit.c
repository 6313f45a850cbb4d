// SPDX-License-Identifier: GPL-2.0
/* Tests of pool_budget.c: two pools that share a budget. */
#include <linux/errno.h>
#include <linux/slab.h>
#include <linux/string.h>

#include "kunit.h"
#include "pool_version.h"
#include "wire.h"

#define HOST		HKVP_OWNER_HOST
#define AGENT		HKVP_OWNER_AGENT
#define KEY_BYTES	4
#define VALUE_BYTES	1000
#define LARGE_BYTES	2000
#define ITEM_BYTES	(sizeof(struct hkvp_item) + KEY_BYTES + VALUE_BYTES +	\
			 HKVP_ITEM_NODES)
#define ITEMS		20	/* that each owner may hold */
#define FILES		5

struct fixture {
	struct hkvp_budget budget;
	struct hkvp_pool pools[2];
	u32 ready;
};

/* What was pinned, for relieve(), which is told no more than the driver's. */
static struct hkvp_version *pinned;
static struct hkvp_pool *relieved;

static int budget_test_init(struct kunit *test)
{
	static const struct hkvp_limit limits[HKVP_OWNER_COUNT] = {
		{ .items = ITEMS, .bytes = ITEMS * ITEM_BYTES },
		{ .items = ITEMS, .bytes = ITEMS * ITEM_BYTES },
	};
	struct fixture *f = kunit_kzalloc(test, sizeof(*f), GFP_KERNEL);
	int err;

	KUNIT_ASSERT_NOT_NULL(test, f);
	test->priv = f;
	hkvp_budget_init(&f->budget, limits, FILES * HKVP_FILE_BYTES);
	for (f->ready = 0; f->ready < ARRAY_SIZE(f->pools); f->ready++) {
		err = hkvp_pool_init(&f->pools[f->ready], &f->budget);
		if (err)
			return err;
	}
	return 0;
}

static void settle(struct hkvp_pool *pool)
{
	int i;

	for (i = 0; i < 2; i++) {
		queue_delayed_work(pool->wq, &pool->reclaim, 0);
		hkvp_pool_flush(pool);
	}
}

static void budget_test_exit(struct kunit *test)
{
	struct fixture *f = test->priv;
	enum hkvp_owner owner;

	if (!f)
		return;
	while (f->ready)
		hkvp_pool_destroy(&f->pools[--f->ready]);
	for (owner = 0; owner < HKVP_OWNER_COUNT; owner++) {
		const struct hkvp_account *account = &f->budget.account[owner];

		KUNIT_EXPECT_EQ(test, atomic_long_read(&account->items), 0);
		KUNIT_EXPECT_EQ(test, atomic_long_read(&account->bytes), 0);
		KUNIT_EXPECT_EQ(test, atomic_long_read(&account->kept), 0);
	}
}

struct packed {
	struct hkvp_change change;
	u8 key[KEY_BYTES];
	u8 value[LARGE_BYTES];
};

static struct packed packed;

static struct hkvp_change *pack(u32 n, enum hkvp_owner owner, u32 value_size)
{
	packed.key[0] = n + 1;
	packed.change = (struct hkvp_change) {
		.key = packed.key,
		.key_size = KEY_BYTES,
		.value = packed.value,
		.value_size = value_size,
		.type = HKVP_TYPE_SZ,
		.owner = owner,
	};
	return &packed.change;
}

static int set(struct hkvp_pool *pool, u32 n, enum hkvp_owner owner)
{
	return hkvp_pool_change(pool, pack(n, owner, VALUE_BYTES), GFP_KERNEL);
}

static int set_size(struct hkvp_pool *pool, u32 n, u32 value_size, gfp_t gfp)
{
	return hkvp_pool_change(pool, pack(n, HOST, value_size), gfp);
}

static int delete(struct hkvp_pool *pool, u32 n, gfp_t gfp)
{
	struct hkvp_change *change = pack(n, HOST, 0);

	change->delete = true;
	return hkvp_pool_change(pool, change, gfp);
}

static int set_privileged(struct hkvp_pool *pool, u32 n)
{
	struct hkvp_change *change = pack(n, AGENT, VALUE_BYTES);

	change->privileged = true;
	return hkvp_pool_change(pool, change, GFP_KERNEL);
}

/* The limit is of all pools, and each owner has his own. */
static void test_shared(struct kunit *test)
{
	struct fixture *f = test->priv;
	u32 i;

	for (i = 0; i < ITEMS; i++)
		KUNIT_EXPECT_EQ(test, set(&f->pools[i % 2], i, HOST), 0);
	KUNIT_EXPECT_EQ(test, set(&f->pools[0], i, HOST), -ENOSPC);
	KUNIT_EXPECT_EQ(test, set(&f->pools[1], i, HOST), -ENOSPC);
	KUNIT_EXPECT_EQ(test, set(&f->pools[1], i, AGENT), 0);
	/* What one pool lets go another can have. */
	KUNIT_EXPECT_EQ(test, delete(&f->pools[0], 0, GFP_KERNEL), 0);
	KUNIT_EXPECT_EQ(test, set(&f->pools[1], i + 1, HOST), 0);
	KUNIT_EXPECT_EQ(test, set(&f->pools[0], 0, HOST), -ENOSPC);
	/* So does one owner who takes an item from the other. */
	KUNIT_EXPECT_EQ(test, set(&f->pools[1], 1, AGENT), 0);
	KUNIT_EXPECT_EQ(test, set(&f->pools[0], 0, HOST), 0);
	KUNIT_EXPECT_EQ(test, set(&f->pools[1], 1, HOST), -ENOSPC);
}

/* Others can fill all but what is for administrators, who can have all of it. */
static void test_reserve(struct kunit *test)
{
	const u32 open = ITEMS - ITEMS / HKVP_RESERVE_SHARE;
	struct fixture *f = test->priv;
	u32 i;

	for (i = 0; i < open; i++)
		KUNIT_EXPECT_EQ(test, set(&f->pools[i % 2], i, AGENT), 0);
	KUNIT_EXPECT_EQ(test, set(&f->pools[0], i, AGENT), -ENOSPC);
	for (; i < ITEMS; i++)
		KUNIT_EXPECT_EQ(test, set_privileged(&f->pools[i % 2], i), 0);
	KUNIT_EXPECT_EQ(test, set_privileged(&f->pools[0], i), -ENOSPC);
	/* Updates need no room, whoever makes them. */
	KUNIT_EXPECT_EQ(test, set(&f->pools[1], ITEMS - 1, AGENT), 0);
	KUNIT_EXPECT_EQ(test, set(&f->pools[0], 0, AGENT), 0);
}

/* Once settled and without pins, what is kept is what the versions are. */
static void expect_exact(struct kunit *test)
{
	struct fixture *f = test->priv;
	u64 kept = 0, is = 0;
	int i;

	for (i = 0; i < ARRAY_SIZE(f->pools); i++) {
		settle(&f->pools[i]);
		is += hkvp_pool_usage(&f->pools[i]).current_bytes;
	}
	for (i = 0; i < HKVP_OWNER_COUNT; i++)
		kept += atomic_long_read(&f->budget.account[i].kept);
	KUNIT_EXPECT_EQ(test, kept, is);
}

/*
 * Who reads an old version keeps it on the owner's account. An owner who is over it
 * may hold less, but nothing new, until the reader is done.
 */
static void test_memory(struct kunit *test)
{
	struct fixture *f = test->priv;
	struct hkvp_pool *pool = &f->pools[0];
	struct hkvp_version *pins[3] = { };
	u32 i, n, refused = 0;

	for (i = 0; i < ITEMS / 2; i++)
		KUNIT_ASSERT_EQ(test, set(pool, i, HOST), 0);
	expect_exact(test);
	/* That much may be kept, what waits to be freed aside. */
	f->budget.account[HOST].memory =
		atomic_long_read(&f->budget.account[HOST].kept) * 2;
	for (i = 0; i < 1000; i++)
		KUNIT_ASSERT_EQ(test, set(pool, i % 5, HOST), 0);
	for (n = 0; n < ARRAY_SIZE(pins); n++) {
		pins[n] = hkvp_pool_pin(pool);
		for (i = 0; i < ITEMS / 2; i++)
			refused += set(pool, i, HOST) == -ENOSPC;
	}
	KUNIT_EXPECT_GT(test, refused, 0);
	/*
	 * The other pool's items are on the same account; in atomic context it waits.
	 * Something smaller than what was refused may still have room.
	 */
	KUNIT_EXPECT_EQ(test, set_size(&f->pools[1], 1, LARGE_BYTES, GFP_KERNEL), -ENOSPC);
	KUNIT_EXPECT_EQ(test, set_size(&f->pools[1], 1, LARGE_BYTES, GFP_ATOMIC), -ENOMEM);
	KUNIT_EXPECT_EQ(test, set(&f->pools[1], 2, AGENT), 0);
	KUNIT_EXPECT_EQ(test, set_size(pool, 1, VALUE_BYTES - 2, GFP_KERNEL), 0);
	for (i = 0; i < ITEMS / 2; i++)
		KUNIT_EXPECT_EQ(test, delete(pool, i, GFP_KERNEL), 0);
	KUNIT_EXPECT_EQ(test, hkvp_pool_touch(pool), 0);
	for (n = 0; n < ARRAY_SIZE(pins); n++)
		hkvp_version_unpin(pins[n]);
	settle(pool);
	KUNIT_EXPECT_EQ(test, set(&f->pools[1], 1, HOST), 0);
	expect_exact(test);
}

static bool relieve(void)
{
	struct hkvp_version *version = pinned;

	pinned = NULL;
	hkvp_version_unpin(version);
	settle(relieved);
	return version;
}

/* A reader who can be sent away is, and nobody is refused for him. */
static void test_relieve(struct kunit *test)
{
	struct fixture *f = test->priv;
	struct hkvp_pool *pool = &f->pools[0];
	u32 i;

	for (i = 0; i < ITEMS / 2; i++)
		KUNIT_ASSERT_EQ(test, set(pool, i, HOST), 0);
	expect_exact(test);
	f->budget.account[HOST].memory =
		atomic_long_read(&f->budget.account[HOST].kept) * 3 / 2;
	f->budget.relieve = relieve;
	relieved = pool;
	pinned = hkvp_pool_pin(pool);
	for (i = 0; i < ITEMS / 2; i++)
		KUNIT_EXPECT_EQ(test, set(pool, i, HOST), 0);
	KUNIT_EXPECT_NULL(test, pinned);
	expect_exact(test);
	hkvp_version_unpin(pinned);
}

static void test_files(struct kunit *test)
{
	struct fixture *f = test->priv;
	struct hkvp_account *account = &f->budget.account[HOST];
	u32 files = 0;

	account->memory = atomic_long_read(&account->kept) +
			  FILES * HKVP_FILE_BYTES;
	while (files < 100 && hkvp_budget_take_file(&f->budget, HOST))
		files++;
	KUNIT_EXPECT_EQ(test, files, FILES);
	/* They are on the same account as the items. */
	KUNIT_EXPECT_EQ(test, set(&f->pools[0], 1, HOST), -ENOSPC);
	hkvp_budget_give_file(&f->budget, HOST);
	hkvp_budget_give_file(&f->budget, HOST);
	KUNIT_EXPECT_EQ(test, set(&f->pools[0], 1, HOST), 0);
	for (files -= 2; files; files--)
		hkvp_budget_give_file(&f->budget, HOST);
	expect_exact(test);
}

static struct kunit_case budget_cases[] = {
	KUNIT_CASE(test_shared),
	KUNIT_CASE(test_reserve),
	KUNIT_CASE(test_memory),
	KUNIT_CASE(test_relieve),
	KUNIT_CASE(test_files),
	{}
};

struct kunit_suite hkvp_budget_suite = {
	.name = "hkvp_budget",
	.init = budget_test_init,
	.exit = budget_test_exit,
	.test_cases = budget_cases,
};
