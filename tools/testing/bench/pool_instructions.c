// SPDX-License-Identifier: GPL-2.0
/*
 * One operation on a pool of a given size, many times, for callgrind to count:
 *
 *	pool_instructions OPERATION ITEMS
 *
 * Only what is below measure() counts. Prints the number of operations, the
 * allocations of each, and the bytes that the pool requests for each item. See
 * the script of the same name.
 */
#include <stdio.h>
#include <stdlib.h>

#include <linux/kernel.h>
#include <linux/slab.h>
#include <linux/string.h>

#include "pool.h"
#include "pool_version.h"
#include "wire.h"

#define TIMES		512
#define WARM		256
#define SIZES		6	/* of memory: 32 to 1,024 bytes */
#define KEY_CHARS	20
#define VALUE_CHARS	20
#define KEY_BYTES	(2 * (KEY_CHARS + 1))
#define VALUE_BYTES	(2 * (VALUE_CHARS + 1))

static struct hkvp_budget budget;
static struct hkvp_pool pool;
static struct hkvp_change change[TIMES];
static u8 key[TIMES][KEY_BYTES];
static u32 at[TIMES];

static const struct hkvp_limit no_limits[HKVP_OWNER_COUNT] = {
	{ .items = ~0u, .bytes = ~0ull },
	{ .items = ~0u, .bytes = ~0ull },
};

static void make(u32 slot, u32 n, bool delete)
{
	static const u8 value[VALUE_BYTES];
	char text[KEY_CHARS + 1];
	u32 i;

	snprintf(text, sizeof(text), "hkvp-bench-%09u", n % 1000000000);
	for (i = 0; i < KEY_CHARS; i++)
		key[slot][2 * i] = text[i];
	change[slot] = (struct hkvp_change) {
		.key = key[slot],
		.key_size = KEY_BYTES,
		.value = value,
		.value_size = VALUE_BYTES,
		.type = HKVP_TYPE_SZ,
		.delete = delete,
	};
}

static void apply(u32 slot)
{
	if (hkvp_pool_change(&pool, &change[slot], GFP_KERNEL))
		abort();
}

static void find_all(u32 times)
{
	u32 i;

	for (i = 0; i < times; i++) {
		rcu_read_lock();
		if (!hkvp_version_find(hkvp_pool_current(&pool), key[i], KEY_BYTES))
			abort();
		rcu_read_unlock();
	}
}

static void at_all(u32 times)
{
	u32 i;

	for (i = 0; i < times; i++) {
		rcu_read_lock();
		if (!hkvp_version_at(hkvp_pool_current(&pool), at[i]))
			abort();
		rcu_read_unlock();
	}
}

static void change_all(u32 times)
{
	u32 i;

	for (i = 0; i < times; i++)
		if (hkvp_pool_change(&pool, &change[i], GFP_ATOMIC))
			abort();
}

/* Frees what so many changes replaced, as the work item does. */
static void reclaim_all(u32 times)
{
	(void)times;
	hkvp_reclaim(&pool);
}

/* callgrind is told to count from here on. */
static noinline void measure(void (*run)(u32 times), u32 times)
{
	run(times);
	barrier();
}

/* The allocator has its memory at hand, and the linker has found its symbols. */
static void warm_up(void (*run)(u32 times), u32 times)
{
	static void *block[WARM][SIZES];
	u32 i, j;

	for (i = 0; i < WARM; i++)
		for (j = 0; j < SIZES; j++)
			block[i][j] = kmalloc(32u << j, GFP_KERNEL);
	for (i = 0; i < WARM; i++)
		for (j = 0; j < SIZES; j++)
			kfree(block[i][j]);
	if (run == find_all || run == at_all)
		run(times);
}

int main(int argc, char **argv)
{
	void (*run)(u32 times) = change_all;
	unsigned long allocations;
	unsigned long long bytes;
	u32 items, i, n, times;
	const char *what;

	if (argc != 3)
		return 2;
	what = argv[1];
	items = strtoul(argv[2], NULL, 0);
	/* So few that a pool of ten stays one of about ten. */
	times = items < 100 ? 2 : TIMES;
	hkvp_budget_init(&budget, no_limits, 0);
	if (hkvp_pool_init(&pool, &budget))
		return 1;
	for (i = 0; i < items; i++) {
		make(0, i, false);
		apply(0);
	}
	for (i = 0; i < times; i++) {
		n = (i * 2654435761ull + 5) % items;
		at[i] = n;
		if (!strcmp(what, "delete") || !strcmp(what, "reclaim"))
			n = i * (items / times);
		make(i, !strcmp(what, "add") ? items + i : n, !strcmp(what, "delete"));
	}
	flush_delayed_work(&pool.reclaim);
	if (!strcmp(what, "find"))
		run = find_all;
	else if (!strcmp(what, "at"))
		run = at_all;
	if (!strcmp(what, "reclaim")) {
		cancel_delayed_work_sync(&pool.reclaim);
		change_all(times);
		cancel_delayed_work_sync(&pool.reclaim);
		run = reclaim_all;
	}
	bytes = hkvp_pool_usage(&pool).current_bytes / items;
	warm_up(run, times);
	allocations = shim_allocations();
	measure(run, times);
	printf("%u %.1f %llu\n", times,
	       (double)(shim_allocations() - allocations) / times, bytes);
	return 0;
}
