// SPDX-License-Identifier: GPL-2.0
/*
 * Random sequences of operations, each compared with a plain reference: an array
 * of items that is searched from end to end. After every step the new version
 * must be what the reference is, and every invariant must hold in it; pinned
 * versions must stay what they were; and who is told the differences, one at a
 * time and while the pool changes, must know what the pool holds in the end.
 * Allocations fail now and then.
 *
 * Argument: steps.
 */
#include <linux/siphash.h>
#include <linux/kernel.h>
#include <linux/slab.h>

#include "common.h"
#include "pool_version.h"

#define PINS		6
#define FOLLOWERS	2
#define BATCH_MAX	24
#define VALUE_MAX	24

struct ref_item {
	u32 key;
	u8 value[VALUE_MAX];
	u32 value_size;
	u32 type;
	u32 connection;
	enum hkvp_owner owner;
	bool privileged;
	u64 generation;
};

struct ref {
	struct ref_item *item;
	u32 count;
	u32 max;
	u64 generation;
};

struct setup {
	const char *name;
	u32 keys;		/* how many keys there are */
	u32 hash_mask;
	u32 limit_items;
	u64 limit_bytes;
	u32 deletes;		/* of 100 changes */
	u32 share;		/* of the steps, in percent */
	u32 first;		/* items to begin with */
};

static const struct setup setups[] = {
	{ "small", 12, ~0u, ~0u, ~0ull, 45, 40, 0 },
	{ "one level and a bit", 60, ~0u, ~0u, ~0ull, 45, 18, 0 },
	{ "colliding hashes", 40, 0x21, ~0u, ~0ull, 45, 15, 0 },
	{ "hashes alike in all low bits", 40, 0xc0000001, ~0u, ~0ull, 45, 10, 0 },
	{ "one hash for all", 24, 0, ~0u, ~0ull, 40, 5, 0 },
	{ "limits", 40, ~0u, 15, 1800, 30, 10, 0 },
	{ "thousands", 3000, ~0u, ~0u, ~0ull, 42, 2, 1500 },
};

struct pin {
	struct hkvp_version *version;
	struct ref ref;
};

/*
 * One who is told of the pool as the old daemon is: the differences between two
 * pinned versions, with a pause after each few, whatever changes meanwhile.
 */
struct follower {
	struct hkvp_version *told;	/* NULL: knows nothing */
	struct hkvp_version *next;	/* NULL: @told has been told to its end */
	u64 place;
	u32 patience;			/* differences up to the next pause */
	struct ref knows;		/* in the order in which it was told */
	struct ref wants;		/* what @next is */
};

struct model {
	const struct setup *setup;
	struct shim_memory before;
	struct rng rng;
	struct hkvp_budget budget;
	struct hkvp_pool pool;
	long other;			/* bytes that are on no account */
	struct ref ref;
	struct pin pin[PINS];
	struct follower follower[FOLLOWERS];
	u64 refused, failed, told;
};

static void ref_copy(struct ref *to, const struct ref *from)
{
	if (to->max < from->count) {
		to->max = from->count + 64;
		to->item = realloc(to->item, to->max * sizeof(*to->item));
		REQUIRE(to->item);
	}
	to->count = from->count;
	to->generation = from->generation;
	if (from->count)
		memcpy(to->item, from->item, from->count * sizeof(*to->item));
}

static struct ref_item *ref_find(const struct ref *ref, u32 key)
{
	u32 i;

	for (i = 0; i < ref->count; i++)
		if (ref->item[i].key == key)
			return &ref->item[i];
	return NULL;
}

static struct ref_item *ref_add(struct ref *ref)
{
	if (ref->count == ref->max) {
		ref->max = ref->max * 2 + 64;
		ref->item = realloc(ref->item, ref->max * sizeof(*ref->item));
		REQUIRE(ref->item);
	}
	return &ref->item[ref->count++];
}

static void ref_drop(struct ref *ref, struct ref_item *item)
{
	*item = ref->item[--ref->count];
}

static u32 ref_hash(struct model *m, u32 n)
{
	u8 key[MODEL_KEY_SIZE];
	u32 size = model_key(key, n);

	return hsiphash(key, size, &m->pool.seed);
}

static bool ref_collides(struct model *m, const struct ref *ref, u32 key)
{
	u32 hash = ref_hash(m, key);
	u32 i, same = 0;

	if (m->setup->hash_mask == ~0u)
		return false;
	for (i = 0; i < ref->count; i++)
		same += ref_hash(m, ref->item[i].key) == hash;
	return same >= HKVP_COLLISIONS_MAX;
}

static u64 ref_bytes(const struct ref *ref, enum hkvp_owner owner, u32 *items)
{
	u64 bytes = 0;
	u32 i;

	*items = 0;
	for (i = 0; i < ref->count; i++) {
		if (ref->item[i].owner != owner)
			continue;
		++*items;
		bytes += sizeof(struct hkvp_item) + MODEL_KEY_SIZE +
			 ref->item[i].value_size + HKVP_ITEM_NODES;
	}
	return bytes;
}

/*
 * What is on the accounts: the items that there are, and all memory that is not
 * freed, old versions and what the reclaimer has not come to included. (To the
 * byte is what pins.c does; here caches round up by a third at most.)
 */
static void check_budget(struct model *m)
{
	enum hkvp_owner owner;
	long kept, used;
	u32 items;

	for (owner = 0; owner < HKVP_OWNER_COUNT; owner++) {
		const struct hkvp_account *account = &m->budget.account[owner];
		u64 bytes = ref_bytes(&m->ref, owner, &items);

		REQUIRE(atomic_long_read(&account->items) == (long)items);
		REQUIRE(atomic_long_read(&account->bytes) == (long)bytes);
	}
	kept = kept_bytes(&m->budget);
	/* The first root, in @m->other, was rounded up too, by a third at most. */
	used = shim_memory().bytes - m->other + sizeof(union hkvp_build) / 3;
	REQUIRE(used <= kept * 4 / 3 + (long)sizeof(union hkvp_build),
		"%ld bytes kept, %ld in use", kept, used);
	if (kept <= used)
		return;
	/* The reclaimer is at work: it says in the end what it has freed. */
	hkvp_pool_flush(&m->pool);
	kept = kept_bytes(&m->budget);
	used = shim_memory().bytes - m->other + sizeof(union hkvp_build) / 3;
	REQUIRE(kept <= used, "%ld bytes kept, %ld in use", kept, used);
}

static bool ref_over(struct model *m, const struct ref *now,
		     const struct ref *before, bool privileged)
{
	enum hkvp_owner owner;

	for (owner = 0; owner < HKVP_OWNER_COUNT; owner++) {
		u32 items, old_items, most_items = m->setup->limit_items;
		u64 bytes = ref_bytes(now, owner, &items);
		u64 old_bytes = ref_bytes(before, owner, &old_items);
		u64 most_bytes = m->setup->limit_bytes;

		if (owner == HKVP_OWNER_AGENT && !privileged) {
			most_items -= most_items / HKVP_RESERVE_SHARE;
			most_bytes -= most_bytes / HKVP_RESERVE_SHARE;
		}
		if ((items > most_items && items > old_items) ||
		    (bytes > most_bytes && bytes > old_bytes))
			return true;
	}
	return false;
}

/* One change of the reference; its generation is that of the version to be. */
static int ref_apply(struct model *m, struct ref *ref,
		     const struct ref_item *change, bool delete)
{
	struct ref_item *old = ref_find(ref, change->key);

	if (delete) {
		if (!old)
			return -ENOENT;
		ref_drop(ref, old);
		return 0;
	}
	if (!old) {
		if (ref_collides(m, ref, change->key))
			return -ENOSPC;
		old = ref_add(ref);
	}
	*old = *change;
	old->generation = ref->generation;
	return 0;
}

static void compare(const struct hkvp_version *v, const struct ref *ref)
{
	u8 key[MODEL_KEY_SIZE];
	u32 i;

	REQUIRE(hkvp_version_count(v) == ref->count);
	REQUIRE(hkvp_version_generation(v) == ref->generation);
	for (i = 0; i < ref->count; i++) {
		const struct hkvp_item *item = hkvp_version_at(v, i);
		const struct ref_item *want = &ref->item[i];
		u32 size = model_key(key, want->key);

		REQUIRE(item->key_size == size);
		REQUIRE(!memcmp(hkvp_item_key(item), key, size));
		REQUIRE(item->value_size == want->value_size);
		REQUIRE(!memcmp(hkvp_item_value(item), want->value, want->value_size));
		REQUIRE(item->type == want->type);
		REQUIRE(item->owner == want->owner);
		REQUIRE(item->connection == want->connection);
		REQUIRE(hkvp_item_generation(item) == want->generation);
	}
}

static void compare_missing(struct model *m, const struct hkvp_version *v)
{
	u32 n = rng_below(&m->rng, m->setup->keys);
	u8 key[MODEL_KEY_SIZE];
	u32 size = model_key(key, n);
	const struct hkvp_item *item = hkvp_version_find(v, key, size);

	REQUIRE(!item == !ref_find(&m->ref, n));
	REQUIRE(!hkvp_version_find(v, key, size - 2), "a prefix was found");
}

static void compare_current(struct model *m)
{
	rcu_read_lock();
	check_version(hkvp_pool_current(&m->pool));
	compare(hkvp_pool_current(&m->pool), &m->ref);
	compare_missing(m, hkvp_pool_current(&m->pool));
	rcu_read_unlock();
	check_budget(m);
}

static void random_change(struct model *m, struct ref_item *change, bool *delete)
{
	u32 i;

	memset(change, 0, sizeof(*change));
	change->key = rng_below(&m->rng, m->setup->keys);
	*delete = rng_below(&m->rng, 100) < m->setup->deletes;
	change->value_size = rng_below(&m->rng, VALUE_MAX + 1);
	for (i = 0; i < change->value_size; i++)
		change->value[i] = rng_next(&m->rng) >> 40;
	if (change->value_size >= 2 * MODEL_SECRET_SIZE)
		memcpy(change->value + change->value_size - MODEL_SECRET_SIZE,
		       MODEL_SECRET, MODEL_SECRET_SIZE);
	change->type = 1 + rng_below(&m->rng, 11);
	change->owner = rng_below(&m->rng, HKVP_OWNER_COUNT);
	change->privileged = rng_below(&m->rng, 2);
	change->connection = rng_below(&m->rng, 3);
}

struct packed_change {
	struct hkvp_change change;
	u8 key[MODEL_KEY_SIZE];
};

static void pack(struct packed_change *p, const struct ref_item *item,
		 bool delete)
{
	p->change = (struct hkvp_change) {
		.key = p->key,
		.key_size = model_key(p->key, item->key),
		.owner = item->owner,
		.privileged = item->privileged,
		.delete = delete,
	};
	if (delete)
		return;
	p->change.value = item->value;
	p->change.value_size = item->value_size;
	p->change.type = item->type;
	p->change.connection = item->connection;
}

/* @err is what the pool said, @want the reference, whose outcome is @next. */
static void settle(struct model *m, int err, int want, const struct ref *next)
{
	bool failed = shim_failed();

	shim_fail_nth(0);
	if (err == -ENOMEM) {
		REQUIRE(failed);
		m->failed++;
		return;
	}
	REQUIRE(err == want, "got %d, want %d", err, want);
	if (want)
		m->refused++;
	else
		ref_copy(&m->ref, next);
}

static void arm(struct model *m)
{
	if (rng_below(&m->rng, 50) == 0)
		shim_fail_nth(1 + rng_below(&m->rng, 14));
}

/* Nobody is ever first here, so that -EAGAIN is for a backlog alone. */
static bool may_refuse(struct model *m)
{
	const struct hkvp_version *v = rcu_dereference_protected(m->pool.root, true);
	unsigned long bytes = v->turnover - READ_ONCE(m->pool.reclaimed);

	return bytes > HKVP_POOL_BACKLOG_ATOMIC;
}

static void step_change(struct model *m)
{
	gfp_t gfp;
	static struct ref next;
	struct packed_change packed;
	struct ref_item item;
	bool delete, full;
	int want, err;

	random_change(m, &item, &delete);
	ref_copy(&next, &m->ref);
	next.generation++;
	want = ref_apply(m, &next, &item, delete);
	if (!want && !delete && ref_over(m, &next, &m->ref, item.privileged))
		want = -ENOSPC;
	pack(&packed, &item, delete);
	arm(m);
	gfp = rng_below(&m->rng, 2) ? GFP_ATOMIC : GFP_KERNEL;
	full = may_refuse(m);
	err = hkvp_pool_change(&m->pool, &packed.change, gfp);
	if (err == -EAGAIN) {
		REQUIRE(full && gfp == GFP_ATOMIC);
		err = hkvp_pool_change(&m->pool, &packed.change, GFP_KERNEL);
	}
	settle(m, err, want, &next);
}

static void step_batch(struct model *m)
{
	static struct ref next;
	struct packed_change packed[BATCH_MAX];
	struct hkvp_change changes[BATCH_MAX];
	struct ref_item item[BATCH_MAX];
	u32 count = rng_below(&m->rng, BATCH_MAX + 1);
	u64 expect = HKVP_ANY_GENERATION;
	bool delete;
	int want = 0;
	u32 i;

	ref_copy(&next, &m->ref);
	next.generation += !!count;
	for (i = 0; i < count; i++) {
		random_change(m, &item[i], &delete);
		/* Mostly batches that succeed. */
		if (delete && !ref_find(&next, item[i].key) &&
		    rng_below(&m->rng, 20))
			delete = false;
		if (!want)
			want = ref_apply(m, &next, &item[i], delete);
		pack(&packed[i], &item[i], delete);
		changes[i] = packed[i].change;
	}
	if (!want && ref_over(m, &next, &m->ref, count && item[0].privileged))
		want = -ENOSPC;
	if (rng_below(&m->rng, 4) == 0)
		expect = m->ref.generation - rng_below(&m->rng, 2);
	if (expect != HKVP_ANY_GENERATION && expect != m->ref.generation)
		want = -ESTALE;
	arm(m);
	settle(m, hkvp_pool_batch(&m->pool, changes, count, expect), want, &next);
}

/* Items of some types are to be left alone, as fresh ones are in an import. */
static bool is_kept(u32 type)
{
	return type % 2;
}

static int check(void *ctx, u32 index, const struct hkvp_item *item)
{
	(void)index;
	*(u32 *)ctx += !!item;
	return item && is_kept(item->type);
}

/* A batch that leaves some items alone, as they were before it. */
static void step_update(struct model *m)
{
	static struct ref next;
	struct packed_change packed[BATCH_MAX];
	struct hkvp_change changes[BATCH_MAX];
	struct ref_item item[BATCH_MAX], *old;
	u32 count = rng_below(&m->rng, BATCH_MAX + 1);
	u32 i, want_kept = 0, asked = 0, old_items = 0;
	struct hkvp_update update = {
		.changes = changes, .count = count,
		.expect = HKVP_ANY_GENERATION, .check = check, .ctx = &asked,
	};
	bool delete;
	int want = 0, err;

	ref_copy(&next, &m->ref);
	next.generation++;
	for (i = 0; i < count; i++) {
		random_change(m, &item[i], &delete);
		pack(&packed[i], &item[i], false);
		changes[i] = packed[i].change;
		/* what was there before the batch, not what the batch set */
		old = ref_find(&m->ref, item[i].key);
		if (old) {
			old_items++;
			if (is_kept(old->type)) {
				want_kept++;
				continue;
			}
		}
		if (!want)
			want = ref_apply(m, &next, &item[i], false);
	}
	if (!want && ref_over(m, &next, &m->ref, count && item[0].privileged))
		want = -ENOSPC;
	next.generation -= want_kept == count;
	arm(m);
	err = hkvp_pool_update(&m->pool, &update, GFP_KERNEL_ACCOUNT);
	if (!err) {
		REQUIRE(update.generation == next.generation);
		REQUIRE(update.skipped == want_kept, "%u, not %u",
			update.skipped, want_kept);
		REQUIRE(asked == old_items, "%u, not %u", asked, old_items);
	}
	settle(m, err, want, &next);
}

static void step_touch(struct model *m)
{
	static struct ref next;

	ref_copy(&next, &m->ref);
	next.generation++;
	/* It has one allocation. */
	if (rng_below(&m->rng, 10) == 0)
		shim_fail_nth(1);
	settle(m, hkvp_pool_touch(&m->pool), 0, &next);
}

struct told {
	const struct ref *old, *new;
	u32 changes;
};

static u32 key_number(const struct hkvp_item *item)
{
	char text[MODEL_KEY_SIZE / 2];
	u32 i;

	for (i = 0; i < sizeof(text); i++)
		text[i] = item->data[2 * i];
	return strtoul(text + strlen("kvp-model-"), NULL, 10);
}

static int told(void *ctx, const struct hkvp_item *old,
		const struct hkvp_item *new)
{
	struct told *t = ctx;
	u32 key = key_number(new ?: old);
	struct ref_item *was = ref_find(t->old, key);
	struct ref_item *is = ref_find(t->new, key);

	REQUIRE(old || new);
	REQUIRE(!old == !was && !new == !is);
	REQUIRE(!old || hkvp_item_generation(old) == was->generation);
	REQUIRE(!new || hkvp_item_generation(new) == is->generation);
	REQUIRE(!old || !new || was->generation != is->generation);
	t->changes++;
	return 0;
}

static int stop_at_once(void *ctx, const struct hkvp_item *old,
			const struct hkvp_item *new)
{
	(void)old;
	(void)new;
	++*(u32 *)ctx;
	return 7;
}

static void check_diff(const struct pin *a, const struct pin *b)
{
	struct told t = { .old = &a->ref, .new = &b->ref };
	struct ref_item *other;
	u32 want = 0, calls = 0;
	u32 i;

	for (i = 0; i < a->ref.count; i++)
		want += !ref_find(&b->ref, a->ref.item[i].key);
	for (i = 0; i < b->ref.count; i++) {
		other = ref_find(&a->ref, b->ref.item[i].key);
		want += !other || other->generation != b->ref.item[i].generation;
	}
	REQUIRE(!hkvp_version_diff(a->version, b->version, told, &t));
	REQUIRE(t.changes == want, "told %u, want %u", t.changes, want);
	REQUIRE(hkvp_version_diff(a->version, b->version, stop_at_once, &calls) ==
		(want ? 7 : 0));
	REQUIRE(calls == !!want);
}

static void unpin(struct pin *pin)
{
	check_version(pin->version);
	compare(pin->version, &pin->ref);
	hkvp_version_unpin(pin->version);
	pin->version = NULL;
}

static void step_pin(struct model *m)
{
	struct pin *pin = &m->pin[rng_below(&m->rng, PINS)];
	struct pin *other = &m->pin[rng_below(&m->rng, PINS)];

	if (pin->version && other->version)
		check_diff(pin, other);
	if (pin->version) {
		unpin(pin);
		return;
	}
	pin->version = hkvp_pool_pin(&m->pool);
	ref_copy(&pin->ref, &m->ref);
	compare(pin->version, &pin->ref);
}

/* @item as the reference has it. */
static struct ref_item ref_of(const struct hkvp_item *item)
{
	struct ref_item is = {
		.key = key_number(item),
		.value_size = item->value_size,
		.type = item->type,
		.connection = item->connection,
		.owner = item->owner,
		.generation = hkvp_item_generation(item),
	};

	REQUIRE(item->value_size <= VALUE_MAX);
	memcpy(is.value, hkvp_item_value(item), item->value_size);
	return is;
}

static bool ref_same(const struct ref_item *a, const struct ref_item *b)
{
	return a->key == b->key && a->value_size == b->value_size &&
	       !memcmp(a->value, b->value, a->value_size) &&
	       a->type == b->type && a->connection == b->connection &&
	       a->owner == b->owner && a->generation == b->generation;
}

/* Told twice, or in vain, a key is not what the follower knows of it. */
static int follow(void *ctx, const struct hkvp_item *old,
		  const struct hkvp_item *new)
{
	struct follower *f = ctx;
	struct ref_item *known = ref_find(&f->knows, key_number(new ?: old));
	struct ref_item was;

	REQUIRE(old != new);
	REQUIRE(!old == !known);
	if (old) {
		was = ref_of(old);
		REQUIRE(ref_same(known, &was));
	}
	if (new)
		*(known ?: ref_add(&f->knows)) = ref_of(new);
	else
		ref_drop(&f->knows, known);
	return --f->patience ? 0 : 7;
}

/* It has been told everything: it knows what the version holds. */
static void check_follower(struct follower *f)
{
	struct ref_item *known;
	u32 i;

	REQUIRE(f->knows.count == f->wants.count, "knows %u of %u",
		f->knows.count, f->wants.count);
	for (i = 0; i < f->wants.count; i++) {
		known = ref_find(&f->knows, f->wants.item[i].key);
		REQUIRE(known && ref_same(known, &f->wants.item[i]));
	}
}

/* Mostly a few differences; now and then all that are left. */
static void step_follow(struct model *m)
{
	struct follower *f = &m->follower[rng_below(&m->rng, FOLLOWERS)];
	u32 most = rng_below(&m->rng, 4) ? 1 + rng_below(&m->rng, 4) : ~0u;
	u64 place;
	int ret;

	if (!f->next) {
		f->next = hkvp_pool_pin(&m->pool);
		f->place = 0;
		ref_copy(&f->wants, &m->ref);
	}
	place = f->place;
	f->patience = most;
	ret = hkvp_version_diff_from(f->told, f->next, &f->place, follow, f);
	m->told += most - f->patience;
	REQUIRE(ret == (f->patience ? 0 : 7), "%d", ret);
	/* Each has a place of its own, behind those before it. */
	REQUIRE(f->place >= place + most - f->patience);
	if (ret)
		return;
	check_follower(f);
	hkvp_version_unpin(f->told);
	f->told = f->next;
	f->next = NULL;
}

static void step(struct model *m)
{
	u32 what = rng_below(&m->rng, 100);

	if (what < 75)
		step_change(m);
	else if (what < 85)
		step_batch(m);
	else if (what < 87)
		step_touch(m);
	else if (what < 90)
		step_update(m);
	else if (what < 94)
		step_pin(m);
	else
		step_follow(m);
}

/* The first items: quickly, for they are what they are. */
static void fill(struct model *m)
{
	struct packed_change packed;
	struct ref_item item = { .type = 1 };

	for (item.key = 0; item.key < m->setup->first; item.key++) {
		m->ref.generation++;
		REQUIRE(!ref_apply(m, &m->ref, &item, false));
		pack(&packed, &item, false);
		REQUIRE(!hkvp_pool_change(&m->pool, &packed.change, GFP_KERNEL));
	}
}

/* A pool and its reference, as @setup wants them. */
static void begin(struct model *m, const struct setup *setup)
{
	const struct hkvp_limit limits[HKVP_OWNER_COUNT] = {
		{ setup->limit_items, setup->limit_bytes },
		{ setup->limit_items, setup->limit_bytes },
	};

	*m = (struct model) {
		.setup = setup,
		.before = shim_memory(),
	};
	shim_hash_mask = setup->hash_mask;
	/* The fuzzer has no ktap_plan(). */
	shim_secret = MODEL_SECRET;
	hkvp_budget_init(&m->budget, limits, 0);
	/* What must be kept apart here is not what is refused for old versions. */
	m->budget.account[HKVP_OWNER_HOST].memory = ~0ull;
	m->budget.account[HKVP_OWNER_AGENT].memory = ~0ull;
	REQUIRE(!hkvp_pool_init(&m->pool, &m->budget));
	m->other = shim_memory().bytes - kept_bytes(&m->budget);
	wrap_soon(&m->pool);
	fill(m);
}

/* Frees all of it; nothing may be left. */
static void end(struct model *m)
{
	u32 i;

	for (i = 0; i < PINS; i++) {
		if (m->pin[i].version)
			unpin(&m->pin[i]);
		free(m->pin[i].ref.item);
	}
	for (i = 0; i < FOLLOWERS; i++) {
		hkvp_version_unpin(m->follower[i].told);
		hkvp_version_unpin(m->follower[i].next);
		free(m->follower[i].knows.item);
		free(m->follower[i].wants.item);
	}
	hkvp_pool_destroy(&m->pool);
	check_unused(&m->budget);
	free(m->ref.item);
	REQUIRE(shim_memory().blocks == m->before.blocks, "leak");
	REQUIRE(shim_memory().bytes == m->before.bytes, "leak");
}

static void run(const struct setup *setup, u64 steps)
{
	struct model m;
	u64 i;

	begin(&m, setup);
	m.rng = (struct rng) { steps + setup->keys };
	for (i = 0; i < steps; i++) {
		step(&m);
		compare_current(&m);
	}
	end(&m);
	/* In few steps there may be no luck of some kind. */
	REQUIRE(steps < 1000 || (m.failed && m.told));
	ktap_ok("sequence: %s: %llu steps, %llu versions, %llu refused, %llu no memory, %llu told",
		setup->name, (unsigned long long)steps,
		(unsigned long long)m.ref.generation - setup->first,
		(unsigned long long)m.refused, (unsigned long long)m.failed,
		(unsigned long long)m.told);
}

int main(int argc, char **argv)
{
	u64 steps = argument(argc, argv, 2000000);
	u32 i;

	ktap_plan(ARRAY_SIZE(setups));
	for (i = 0; i < ARRAY_SIZE(setups); i++)
		run(&setups[i], steps * setups[i].share / 100);
	return 0;
}
