// SPDX-License-Identifier: GPL-2.0
/*
 * Every allocation of every request of the host's fails in turn, in the channel's
 * callback and in process context. In the callback the request must be put off,
 * in a buffer that can be handled again; in process context the answer must be
 * E_FAIL. All that there is must be as it was, to the byte, no memory may be
 * kept, and handled once more the request must do what it says. What needs no
 * memory must ask for none.
 *
 * requests_ip.c has the requests about addresses.
 */
#include <asm/byteorder.h>
#include <linux/kernel.h>
#include <linux/siphash.h>
#include <linux/slab.h>

#include "requests.h"
#include "pool_version.h"

/* Around the sizes at which a trie gets or loses a level. */
static const u32 sizes[] = { 0, 1, 2, 3, 15, 16, 17, 18, 256, 257, 4096, 4097 };

/* Hashes with few bits, and how many keys go into so few. */
static const struct {
	u32 mask;
	u32 most;
} hashes[] = {
	{ ~0u, ~0u },
	{ 0xffff, ~0u },
	{ 0xc0000001, 35 },
};

/* Bytes of a value, of one that is longer, and of one that is shorter. */
#define SIZE	12
#define LONGER	600
#define SHORTER	2

enum place { FIRST, MIDDLE, LAST, NONE };

/**
 * struct operation - a request
 * @name: for the report
 * @op: enum hkvp_op, or NEGOTIATE
 * @place: of the key; for ENUMERATE the index, NONE being past the end
 * @size: of the value, of a SET
 * @nul: strings are sent with a NUL
 * @least: items that it needs
 * @allocates: needs memory
 */
struct operation {
	const char *name;
	u32 op;
	enum place place;
	u32 size;
	bool nul;
	u32 least;
	bool allocates;
};

#define NEGOTIATE HKVP_OP_COUNT

static const struct operation operations[] = {
	{ "NEGOTIATE", NEGOTIATE, NONE, 0, true, 0, false },
	{ "GET", HKVP_OP_GET, LAST, 0, true, 1, false },
	{ "GET of what is not there", HKVP_OP_GET, NONE, 0, true, 0, false },
	{ "SET of a new key", HKVP_OP_SET, NONE, SIZE, true, 0, true },
	{ "SET of a new key, no NUL", HKVP_OP_SET, NONE, SIZE, false, 0, true },
	{ "SET of the first key", HKVP_OP_SET, FIRST, SIZE, true, 1, true },
	{ "SET of the last key, no NUL", HKVP_OP_SET, LAST, SIZE, false, 1, true },
	{ "SET to a longer value", HKVP_OP_SET, MIDDLE, LONGER, true, 1, true },
	{ "SET to an empty value", HKVP_OP_SET, LAST, SHORTER, true, 1, true },
	{ "DELETE of the first", HKVP_OP_DELETE, FIRST, 0, true, 1, true },
	{ "DELETE in the middle", HKVP_OP_DELETE, MIDDLE, 0, true, 1, true },
	{ "DELETE of the last", HKVP_OP_DELETE, LAST, 0, true, 1, true },
	{ "DELETE of what is not there", HKVP_OP_DELETE, NONE, 0, true, 0, false },
	{ "ENUMERATE from 0", HKVP_OP_ENUMERATE, FIRST, 0, true, 0, false },
	{ "ENUMERATE of the next", HKVP_OP_ENUMERATE, MIDDLE, 0, true, 2, false },
	{ "ENUMERATE past the end", HKVP_OP_ENUMERATE, NONE, 0, true, 0, false },
};

static const u8 writable[] = {
	HKVP_POOL_EXTERNAL, HKVP_POOL_GUEST, HKVP_POOL_AUTO_EXTERNAL,
};

/* An item as it is to be. @host: the host set it on this connection. */
struct known {
	struct host_value value;
	bool host;
};

/* The items of the pool that the requests are about, in their order. */
struct known_pool {
	struct known *item;
	u32 count;
};

static struct known_pool now_known, then_known;
static u8 pool_id;

/* Everything that a request which failed must leave alone. */
struct state {
	u8 *bytes;
	size_t used, room;
};

static struct state before, after;

struct world world;

static struct hkvp_pool *pool(void)
{
	return &world.pools[pool_id];
}

static const struct hkvp_version *root(void)
{
	return rcu_dereference_protected(pool()->root, true);
}

static void note(struct state *s, const void *bytes, size_t size)
{
	if (s->room - s->used < size) {
		s->room = 2 * s->room + size;
		s->bytes = realloc(s->bytes, s->room);
		REQUIRE(s->bytes);
	}
	memcpy(s->bytes + s->used, bytes, size);
	s->used += size;
}

static void note_version(struct state *s, const struct hkvp_version *v)
{
	const struct hkvp_item *item;
	u32 i;

	note(s, &v, sizeof(v));
	note(s, &v->generation, sizeof(v->generation));
	for (i = 0; i < hkvp_version_count(v); i++) {
		item = hkvp_version_at(v, i);
		note(s, item, sizeof(*item) + item->key_size + item->value_size);
	}
}

/* All pools, the enumerations, what was negotiated, who was told. */
static void note_all(struct state *s)
{
	const struct hkvp_service *svc = &world.ic.service;
	u32 i;

	s->used = 0;
	for (i = 0; i < HKVP_POOL_COUNT; i++)
		note_version(s, rcu_dereference_protected(world.pools[i].root, true));
	for (i = 0; i < HKVP_POOL_COUNT; i++)
		if (svc->cursors[i].version)
			note_version(s, svc->cursors[i].version);
	note(s, svc->cursors, sizeof(svc->cursors));
	note(s, &svc->connection, sizeof(svc->connection));
	note(s, &world.ic.versions, sizeof(world.ic.versions));
	note(s, &world.ic.state, sizeof(world.ic.state));
	note(s, &world.changed, sizeof(world.changed));
	note(s, &world.told, sizeof(world.told));
}

static void expect_nothing_changed(const char *name)
{
	note_all(&after);
	REQUIRE(after.used == before.used &&
		!memcmp(after.bytes, before.bytes, before.used),
		"%s has changed something", name);
}

/* Handle @p, its @nth allocation failing; the callback must not sleep. */
enum hkvp_verdict handle(u8 *p, u32 len, gfp_t gfp, u32 nth, struct run *run)
{
	const struct hkvp_ic_stats *stats = &world.ic.stats;
	const u64 *deferred = &world.ic.service.stats.deferred;
	u64 packets = stats->packets, put_off = *deferred;
	bool callback = !gfpflags_allow_blocking(gfp);
	unsigned long allocations = shim_allocations();
	enum hkvp_verdict verdict;

	if (callback)
		rcu_read_lock();
	shim_fail_nth(nth);
	verdict = hkvp_ic_packet(&world.ic, p, len, 1, gfp);
	run->failed = shim_failed();
	shim_fail_nth(0);
	if (callback)
		rcu_read_unlock();
	run->allocations = shim_allocations() - allocations;
	REQUIRE(stats->packets == packets + (verdict == HKVP_REPLY));
	REQUIRE(*deferred == put_off + (verdict == HKVP_DEFER));
	REQUIRE(callback || verdict != HKVP_DEFER);
	return verdict;
}

/* A block of its own size, so that a sanitizer guards its ends. */
u8 *copy_of(const void *packet, u32 len)
{
	u8 *copy = malloc(len);

	REQUIRE(copy);
	memcpy(copy, packet, len);
	return copy;
}

/* No memory is given back later than this. */
void settle(void)
{
	u32 i;

	for (i = 0; i < HKVP_POOL_COUNT; i++)
		flush_delayed_work(&world.pools[i].reclaim);
}

/* The agent's change, which is there when the request comes. */
static void agent(u32 key, const struct host_value *value, bool delete)
{
	u8 bytes[MODEL_KEY_SIZE], text[LONGER];
	struct hkvp_change change = {
		.key = bytes,
		.key_size = model_key(bytes, key),
		.value = text,
		.type = HKVP_TYPE_SZ,
		.owner = HKVP_OWNER_AGENT,
		.delete = delete,
	};

	if (value) {
		change.value_size = value->size;
		host_string(text, value->number, value->size);
	}
	REQUIRE(!hkvp_pool_change(pool(), &change, GFP_KERNEL));
}

static void know(u32 index, const struct host_value *value, bool host)
{
	now_known.item[index] = (struct known) { *value, host };
}

static void fill(u32 items)
{
	struct host_value value = { .size = SIZE };
	u32 i;

	now_known.count = items;
	for (i = 0; i < items; i++) {
		value.key = i;
		value.number = i;
		agent(i, &value, false);
		know(i, &value, false);
	}
}

static void expect_item(const struct hkvp_version *v, u32 index)
{
	const struct known *known = &now_known.item[index];
	const struct hkvp_item *item = hkvp_version_at(v, index);
	u8 key[MODEL_KEY_SIZE], value[LONGER];
	u32 size = model_key(key, known->value.key);

	host_string(value, known->value.number, known->value.size);
	REQUIRE(item->key_size == size && !memcmp(hkvp_item_key(item), key, size));
	REQUIRE(item->value_size == known->value.size &&
		!memcmp(hkvp_item_value(item), value, item->value_size));
	REQUIRE(item->type == HKVP_TYPE_SZ);
	REQUIRE(item->owner == (known->host ? HKVP_OWNER_HOST : HKVP_OWNER_AGENT));
	REQUIRE(item->connection == (known->host ? world.ic.service.connection : 0));
}

static void expect_pool(void)
{
	u32 i;

	REQUIRE(hkvp_version_count(root()) == now_known.count);
	for (i = 0; i < now_known.count; i++)
		expect_item(root(), i);
}

static u32 index_of(enum place place)
{
	switch (place) {
	case FIRST:
		return 0;
	case MIDDLE:
		return now_known.count / 2;
	case LAST:
		return now_known.count - 1;
	default:
		return now_known.count;
	}
}

/* A request that must be answered in any context. */
static void ask(struct exchange *x)
{
	u8 *p = copy_of(&x->request, x->len);
	struct run run;

	REQUIRE(handle(p, x->len, CALLBACK, 0, &run) == HKVP_REPLY);
	REQUIRE(!memcmp(p, &x->answer, x->len));
	free(p);
}

static const struct host_value *value_at(const struct known_pool *known, u32 index)
{
	return index < known->count ? &known->item[index].value : NULL;
}

/*
 * The host has begun to enumerate up to @last, and then an agent has changed an
 * item: what the host sees is not what there is. @then_known is what it sees.
 */
static void open_cursor(u32 last)
{
	struct host_value value;
	struct exchange x;
	u32 i;

	for (i = 0; i <= last; i++) {
		host_enumerate(&x, pool_id, i, value_at(&now_known, i));
		ask(&x);
	}
	then_known.count = now_known.count;
	memcpy(then_known.item, now_known.item,
	       now_known.count * sizeof(*now_known.item));
	if (!now_known.count)
		return;
	i = now_known.count / 2;
	value = now_known.item[i].value;
	value.number++;
	agent(value.key, &value, false);
	know(i, &value, false);
}

static void close_cursor(void)
{
	hkvp_ic_expire(&world.ic, 1 + 2 * HKVP_CURSOR_TIMEOUT_NS);
	REQUIRE(!world.ic.service.cursors[pool_id].version);
}

/* The index that an ENUMERATE asks for; 1 is next to 0, where the cursor is. */
static u32 enumerated(const struct operation *op)
{
	return op->place == MIDDLE ? 1 : index_of(op->place);
}

static struct host_value new_value(const struct operation *op)
{
	u32 index = index_of(op->place);
	u32 key = op->place == NONE ? index : now_known.item[index].value.key;

	return (struct host_value) { key, 7 * index + op->size, op->size };
}

static void build(struct exchange *x, const struct operation *op, bool cursor)
{
	u32 index = index_of(op->place);
	const struct host_value *here = value_at(&now_known, index);
	u32 key = here ? here->key : index;
	const struct known_pool *seen = &now_known;
	struct host_value value;

	switch (op->op) {
	case NEGOTIATE:
		host_negotiate(x, HOST_BINARY);
		break;
	case HKVP_OP_GET:
		host_get(x, pool_id, key, here);
		break;
	case HKVP_OP_SET:
		value = new_value(op);
		host_set(x, pool_id, &value, op->nul);
		break;
	case HKVP_OP_DELETE:
		host_delete(x, pool_id, key);
		if (!here)
			host_refuse(x, HKVP_E_NO_MORE_ITEMS);
		break;
	default:
		index = enumerated(op);
		/* 0 begins anew; anything else sees what the cursor does */
		if (cursor && index)
			seen = &then_known;
		host_enumerate(x, pool_id, index, value_at(seen, index));
	}
}

/* @op was done: so it is known. */
static void note_done(const struct operation *op)
{
	u32 index = index_of(op->place);
	struct host_value value;

	switch (op->op) {
	case HKVP_OP_SET:
		value = new_value(op);
		know(index, &value, true);
		now_known.count += op->place == NONE;
		break;
	case HKVP_OP_DELETE:
		if (index < now_known.count)
			now_known.item[index] = now_known.item[--now_known.count];
		break;
	}
}

/*
 * Back to what was, in the same order: @was is the item that there was at @index,
 * NULL if there was none.
 */
static void undo(const struct operation *op, u32 index, const struct known *was)
{
	struct known last;

	if (op->op == HKVP_OP_SET && !was) {
		agent(now_known.item[index].value.key, NULL, true);
		now_known.count--;
	} else if (op->op == HKVP_OP_SET) {
		agent(was->value.key, &was->value, false);
		know(index, &was->value, false);
	} else if (op->op == HKVP_OP_DELETE && was) {
		/* it comes in last, and goes into the hole that the last one leaves */
		agent(was->value.key, &was->value, false);
		if (index == now_known.count) {
			know(now_known.count++, &was->value, false);
			return;
		}
		last = now_known.item[index];
		agent(last.value.key, NULL, true);
		agent(last.value.key, &last.value, false);
		know(index, &was->value, false);
		know(now_known.count++, &last.value, false);
	}
}

/* What is told of a change, and of a negotiation, once it is done. */
static void expect_told(const struct operation *op, u32 changed, u32 told)
{
	bool changes = op->allocates;

	REQUIRE(world.changed == changed + changes);
	REQUIRE(!changes || world.changed_pool == pool_id);
	REQUIRE(world.told == told + (op->op == NEGOTIATE));
}

/* @p was handled without a failure. */
static void expect_done(const struct operation *op, const struct exchange *x,
			const u8 *p)
{
	REQUIRE(!memcmp(p, &x->answer, x->len), "%s: a wrong answer", op->name);
	note_done(op);
	expect_pool();
}

/*
 * An allocation failed in the callback: the buffer is handled again, first without
 * luck, then with.
 */
static void expect_deferred(const struct operation *op, struct exchange *x,
			    u8 *p, enum hkvp_verdict verdict, u32 nth)
{
	u32 changed = world.changed, told = world.told;
	struct shim_memory memory = shim_memory();
	struct exchange refused = *x;
	struct run run;
	u8 *copy;

	REQUIRE(verdict == HKVP_DEFER, "%s: verdict %d", op->name, verdict);
	REQUIRE(!memcmp(p, &x->kept, x->len), "%s: the request is spoilt", op->name);
	expect_nothing_changed(op->name);

	copy = copy_of(p, x->len);
	REQUIRE(handle(copy, x->len, GFP_KERNEL, nth, &run) == HKVP_REPLY);
	REQUIRE(run.failed);
	host_refuse(&refused, HKVP_E_FAIL);
	REQUIRE(!memcmp(copy, &refused.answer, x->len));
	expect_nothing_changed(op->name);
	REQUIRE(shim_memory().blocks == memory.blocks, "leak");
	free(copy);

	REQUIRE(handle(p, x->len, GFP_KERNEL, 0, &run) == HKVP_REPLY);
	expect_told(op, changed, told);
	expect_done(op, x, p);
}

/* An allocation failed in process context: that is the answer. */
static void expect_refused(const struct operation *op, struct exchange *x,
			   const u8 *p, enum hkvp_verdict verdict)
{
	REQUIRE(verdict == HKVP_REPLY, "%s: verdict %d", op->name, verdict);
	host_refuse(x, HKVP_E_FAIL);
	REQUIRE(!memcmp(p, &x->answer, x->len), "%s: a wrong answer", op->name);
	expect_nothing_changed(op->name);
}

/* One request, its @nth allocation failing. Whether it came to that. */
static bool fail_once(const struct operation *op, bool cursor, gfp_t gfp, u32 nth)
{
	bool callback = !gfpflags_allow_blocking(gfp);
	u32 index, changed, told;
	struct shim_memory memory;
	enum hkvp_verdict verdict;
	struct known was = { };
	struct exchange x;
	struct run run;
	bool there;
	u8 *p;

	if (cursor)
		open_cursor(op->op == HKVP_OP_ENUMERATE && op->place == NONE &&
			    now_known.count ? now_known.count - 1 : 0);
	index = index_of(op->place);
	there = index < now_known.count;
	if (there)
		was = now_known.item[index];
	build(&x, op, cursor);
	p = copy_of(&x.request, x.len);
	settle();
	note_all(&before);
	memory = shim_memory();
	changed = world.changed;
	told = world.told;

	verdict = handle(p, x.len, gfp, nth, &run);
	REQUIRE(op->allocates || !run.allocations, "%s: %lu allocations",
		op->name, run.allocations);
	if (run.failed) {
		REQUIRE(shim_memory().blocks == memory.blocks, "%s: leak", op->name);
		REQUIRE(shim_memory().bytes == memory.bytes, "%s: leak", op->name);
		if (callback)
			expect_deferred(op, &x, p, verdict, nth);
		else
			expect_refused(op, &x, p, verdict);
	} else {
		REQUIRE(verdict == HKVP_REPLY, "%s: verdict %d", op->name, verdict);
		expect_told(op, changed, told);
		expect_done(op, &x, p);
	}
	if (nth % 16 == 1 || now_known.count < 64 || !run.failed)
		check_version(root());
	if (!run.failed || callback)
		undo(op, index, there ? &was : NULL);
	close_cursor();
	free(p);
	return run.failed;
}

static u32 fail_all(const struct operation *op, bool cursor, gfp_t gfp)
{
	u32 nth = 1;

	while (fail_once(op, cursor, gfp, nth))
		nth++;
	expect_pool();
	return nth - 1;
}

static void run(const struct operation *op, gfp_t gfp)
{
	struct shim_memory start = shim_memory();
	u32 failures = 0, count = 0, i, j;

	for (i = 0; i < ARRAY_SIZE(sizes); i++) {
		for (j = 0; j < ARRAY_SIZE(hashes); j++) {
			if (sizes[i] < op->least || sizes[i] + 1 > hashes[j].most)
				continue;
			shim_hash_mask = hashes[j].mask;
			pool_id = writable[count++ % ARRAY_SIZE(writable)];
			begin_world(HOST_BINARY, pool_id);
			fill(sizes[i]);
			failures += fail_all(op, false, gfp);
			failures += fail_all(op, true, gfp);
			end_world();
		}
	}
	REQUIRE(shim_memory().blocks == start.blocks, "leak");
	REQUIRE(shim_memory().bytes == start.bytes, "leak");
	REQUIRE(!failures == !op->allocates);
	ktap_ok("requests: %s, %s: %u failures in %u pools", op->name,
		gfpflags_allow_blocking(gfp) ? "process" : "callback", failures,
		count);
}

int main(void)
{
	u32 i;

	ktap_plan(2 * ARRAY_SIZE(operations) + run_ip(true));
	now_known.item = calloc(2 * 4098, sizeof(*now_known.item));
	REQUIRE(now_known.item);
	then_known.item = now_known.item + 4098;
	for (i = 0; i < ARRAY_SIZE(operations); i++) {
		run(&operations[i], CALLBACK);
		run(&operations[i], GFP_KERNEL);
	}
	run_ip(false);
	free(now_known.item);
	free(before.bytes);
	free(after.bytes);
	return 0;
}
