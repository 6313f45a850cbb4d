// SPDX-License-Identifier: GPL-2.0
/*
 * What a request takes in time, in user space: from the packet in one buffer to
 * the answer in another, on the driver's own sources. The floor is the two
 * copies alone, which every driver makes. Floor and operation take turns, in
 * batches, so that both have the same neighbours.
 *
 * Prints a table: nanoseconds, least and median of the batches.
 */
#include <stdio.h>
#include <stdlib.h>
#include <time.h>

#include <linux/kernel.h>
#include <linux/slab.h>

#include "host.h"
#include "pool_version.h"

#define POOL		HKVP_POOL_EXTERNAL
#define CALLBACK	(GFP_NOWAIT | __GFP_NOWARN)

#define BATCH		64	/* requests, at most */
#define ROUNDS		301	/* batches of each kind */
#define LATER		2	/* number of the value that SET writes */

enum what { FLOOR, GET, ENUMERATE, SET, DELETE, WHATS };

static const char * const names[WHATS] = {
	"floor", "GET", "ENUMERATE", "SET existing", "DELETE"
};

static struct hkvp_pool pools[HKVP_POOL_COUNT];
static struct hkvp_ic ic;

static void note_change(void *ctx, enum hkvp_pool_id pool)
{
	(void)ctx;
	(void)pool;
}

static const struct hkvp_service_ops no_ops = { .changed = note_change };

/* The rings: requests, and where their answers go. */
static struct packet in[BATCH], out[BATCH];
static u32 len[BATCH];
static struct exchange exchange;

static int by_value(const void *a, const void *b)
{
	double x = *(const double *)a, y = *(const double *)b;

	return (x > y) - (x < y);
}

static double now_ns(void)
{
	struct timespec t;

	clock_gettime(CLOCK_MONOTONIC, &t);
	return t.tv_sec * 1e9 + t.tv_nsec;
}

static void must_be_answered(void *packet, u32 size)
{
	bool ok;

	rcu_read_lock();
	ok = hkvp_ic_packet(&ic, packet, size, 1, CALLBACK) == HKVP_REPLY &&
	     !ic.last.status;
	rcu_read_unlock();
	REQUIRE(ok, "status %x", ic.last.status);
}

/* As channel.c: out of the ring, an answer in place, into the other ring. */
static double time_batch(u32 count, bool floor)
{
	static struct packet packet;
	double start = now_ns();
	u32 i;

	for (i = 0; i < count; i++) {
		memcpy(&packet, &in[i], len[i]);
		barrier();
		if (!floor)
			must_be_answered(&packet, len[i]);
		barrier();
		memcpy(&out[i], &packet, len[i]);
	}
	return (now_ns() - start) / count;
}

static void prepare_slot(u32 slot, enum what what, u32 key, u32 value_size)
{
	struct host_value value = { key, LATER, value_size };

	if (what == SET)
		host_set(&exchange, POOL, &value, true);
	else if (what == DELETE)
		host_delete(&exchange, POOL, key);
	else if (what == ENUMERATE)
		host_enumerate(&exchange, POOL, key, NULL);
	else
		host_get(&exchange, POOL, key, NULL);
	in[slot] = exchange.request;
	len[slot] = exchange.len;
}

/* An item of the host's, as SET leaves it. */
static void put_item(u32 key, u32 value_size)
{
	struct host_value value = { key, LATER, value_size };

	host_set(&exchange, POOL, &value, true);
	must_be_answered(&exchange.request, exchange.len);
}

/* What changes dropped is freed between batches, by a work item as ever. */
static void settle(void)
{
	queue_delayed_work(pools[POOL].wq, &pools[POOL].reclaim, 0);
	flush_delayed_work(&pools[POOL].reclaim);
}

static void measure(enum what what, u32 items, u32 value_size)
{
	static double times[2][ROUNDS];
	u32 count = items < 2 * BATCH ? items / 2 : BATCH, keys[BATCH];
	u32 round, i, at;

	for (round = 0; round < ROUNDS; round++) {
		for (i = 0; i < count; i++) {
			/* jumps about, and hits nobody twice */
			at = (i * (items / count) + round * 40503u) % items;
			keys[i] = at;
			prepare_slot(i, what, at, value_size);
		}
		times[0][round] = time_batch(count, true);
		times[1][round] = time_batch(count, what == FLOOR);
		for (i = 0; what == DELETE && i < count; i++)
			put_item(keys[i], value_size);
		if (what >= SET)
			settle();
	}
	for (i = 0; i < 2; i++)
		qsort(times[i], ROUNDS, sizeof(double), by_value);
	printf("| %s | %u | %u | %.0f | %.0f | %.0f | %.0f | %.2f |\n",
	       names[what], items, value_size / 2 - 1,
	       times[0][0], times[0][ROUNDS / 2],
	       times[1][0], times[1][ROUNDS / 2],
	       times[1][ROUNDS / 2] / times[0][ROUNDS / 2]);
	fflush(stdout);
}

static void fill(u32 items, u32 value_size)
{
	u32 i;

	for (i = 0; i < HKVP_POOL_COUNT; i++)
		REQUIRE(!hkvp_pool_init(&pools[i], &no_limits));
	hkvp_ic_init(&ic, pools, &no_ops, NULL);
	hkvp_ic_open(&ic);
	host_negotiate(&exchange, HOST_BINARY);
	must_be_answered(&exchange.request, exchange.len);
	for (i = 0; i < items; i++) {
		put_item(i, value_size);
		if (i % 1000 == 0)
			settle();
	}
	settle();
}

static void empty(void)
{
	u32 i;

	hkvp_ic_close(&ic);
	for (i = 0; i < HKVP_POOL_COUNT; i++)
		hkvp_pool_destroy(&pools[i]);
}

int main(void)
{
	static const u32 sizes[] = { 10, 1000, 100000 };
	static const u32 values[] = { 2 * (20 + 1), 2 * (500 + 1) };
	u32 i, j;
	int what;

	printf("| operation | items | value | floor, least | floor, median ");
	printf("| least | median | ratio |\n|---|---|---|---|---|---|---|---|\n");
	for (j = 0; j < ARRAY_SIZE(values); j++)
		for (i = 0; i < ARRAY_SIZE(sizes); i++) {
			fill(sizes[i], values[j]);
			for (what = GET; what < WHATS; what++)
				measure(what, sizes[i], values[j]);
			empty();
		}
	return 0;
}
