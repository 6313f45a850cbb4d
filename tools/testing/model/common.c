// SPDX-License-Identifier: GPL-2.0
#include <stdarg.h>
#include <time.h>

#include <linux/bitops.h>
#include <linux/build_bug.h>
#include <linux/minmax.h>
#include <linux/slab.h>

#include "common.h"
#include "pool_version.h"

struct hkvp_budget no_limits = {
	.account = {
		[0 ... HKVP_OWNER_COUNT - 1] = {
			.limit = { .items = ~0u, .bytes = ~0ull },
			.memory = ~0ull,
		},
	},
};

void check_unused(const struct hkvp_budget *budget)
{
	const struct hkvp_account *account = budget->account;
	int owner;

	for (owner = 0; owner < HKVP_OWNER_COUNT; owner++, account++) {
		REQUIRE(!atomic_long_read(&account->items));
		REQUIRE(!atomic_long_read(&account->bytes));
		REQUIRE(!atomic_long_read(&account->kept), "owner %d: %ld",
			owner, atomic_long_read(&account->kept));
	}
}

long kept_bytes(const struct hkvp_budget *budget)
{
	long bytes = 0;
	int owner;

	for (owner = 0; owner < HKVP_OWNER_COUNT; owner++)
		bytes += atomic_long_read(&budget->account[owner].kept);
	return bytes;
}

static_assert(MODEL_SECRET_SIZE == SHIM_SECRET_SIZE);

void ktap_plan(unsigned int tests)
{
	shim_secret = MODEL_SECRET;
	setvbuf(stdout, NULL, _IOLBF, 0);
	printf("KTAP version 1\n1..%u\n", tests);
}

void ktap_ok(const char *format, ...)
{
	static unsigned int number;
	va_list args;

	printf("ok %u ", ++number);
	va_start(args, format);
	vprintf(format, args);
	va_end(args);
	printf("\n");
}

/* xorshift64* (Vigna 2014). */
u64 rng_next(struct rng *rng)
{
	rng->state ^= rng->state >> 12;
	rng->state ^= rng->state << 25;
	rng->state ^= rng->state >> 27;
	return rng->state * 0x2545f4914f6cdd1dull;
}

u32 rng_below(struct rng *rng, u32 limit)
{
	return (rng_next(rng) >> 32) * limit >> 32;
}

/* "kvp-model-" and ten digits: made more often than anything else here. */
u32 model_key(u8 key[MODEL_KEY_SIZE], u32 n)
{
	static const char text[] = "kvp-model-0000000000";
	u32 i;

	for (i = 0; i < sizeof(text); i++) {
		key[2 * i] = text[i];
		key[2 * i + 1] = 0;
	}
	for (i = sizeof(text) - 2; n; i--, n /= 10)
		key[2 * i] = '0' + n % 10;
	return MODEL_KEY_SIZE;
}

double seconds(void)
{
	struct timespec t;

	clock_gettime(CLOCK_MONOTONIC, &t);
	return t.tv_sec + t.tv_nsec / 1e9;
}

u64 argument(int argc, char **argv, u64 fallback)
{
	return argc > 1 ? strtoull(argv[1], NULL, 0) : fallback;
}

struct census {
	const struct hkvp_version *v;
	u64 bytes;
	u32 leaves;
	u8 *seen;
	u32 items[HKVP_OWNER_COUNT];
	u64 item_bytes[HKVP_OWNER_COUNT];
};

static void check_part(struct census *c, const struct hkvp_part *part,
		       enum hkvp_part_kind kind, u64 parent_birth)
{
	REQUIRE(part->kind == kind);
	REQUIRE(part->birth <= parent_birth, "a part younger than its parent");
	c->bytes += part->size;
}

/* @count items from @slot, which is @shift bits high, on. */
static void check_order(struct census *c, const void *slot, u32 shift,
			u64 count, u64 birth)
{
	const struct hkvp_item *item = slot;
	const struct hkvp_node *node = slot;
	u64 per_slot;
	u32 i, slots;

	if (!shift) {
		check_part(c, &item->part, HKVP_PART_ITEM, birth);
		REQUIRE(count == 1);
		REQUIRE(item->part.size == sizeof(*item) + item->key_size +
			item->value_size);
		c->items[item->owner]++;
		c->item_bytes[item->owner] += item->part.size + HKVP_ITEM_NODES;
		return;
	}
	check_part(c, &node->part, HKVP_PART_NODE, birth);
	REQUIRE(!node->part.map);
	per_slot = 1ull << (shift - HKVP_TRIE_BITS);
	slots = hkvp_node_slots(node);
	REQUIRE(slots == (count + per_slot - 1) / per_slot);
	for (i = 0; i < slots; i++, count -= per_slot)
		check_order(c, node->slot[i], shift - HKVP_TRIE_BITS,
			    min(count, per_slot), node->part.birth);
}

static void check_leaf(struct census *c, const void *leaf, u32 shift,
		       u32 prefix)
{
	u32 index = hkvp_leaf_index(leaf);
	const struct hkvp_item *item;
	u32 found;

	REQUIRE(index < c->v->count);
	REQUIRE(!c->seen[index], "two leaves of one index");
	c->seen[index] = 1;
	c->leaves++;
	item = hkvp_order_at(c->v, index);
	REQUIRE(shift >= 32 || !((item->part.hash ^ prefix) & ((1u << shift) - 1)));
	REQUIRE(item->part.hash == hkvp_keys_hash(c->v->pool, item->data,
						  item->key_size));
	REQUIRE(hkvp_keys_find(c->v, item->part.hash, item->data,
			       item->key_size, &found) == item);
	REQUIRE(found == index);
}

/* The keys below @slot share the lowest @shift bits, those of @prefix. */
static void check_keys(struct census *c, const void *slot, u32 shift,
		       u32 prefix, u64 birth)
{
	const struct hkvp_node *node = slot;
	u32 i, slots, digit, hash, first;

	if (hkvp_is_leaf(slot)) {
		check_leaf(c, slot, shift, prefix);
		return;
	}
	check_part(c, &node->part, HKVP_PART_NODE, birth);
	slots = hkvp_node_slots(node);
	if (!node->part.map) {
		first = hkvp_order_at(c->v, hkvp_leaf_index(node->slot[0]))->part.hash;
		REQUIRE(slots >= 2 && slots <= HKVP_COLLISIONS_MAX);
		for (i = 0; i < slots; i++) {
			REQUIRE(hkvp_is_leaf(node->slot[i]));
			check_leaf(c, node->slot[i], shift, prefix);
			hash = hkvp_order_at(c->v, hkvp_leaf_index(node->slot[i]))->part.hash;
			REQUIRE(hash == first);
		}
		return;
	}
	REQUIRE(shift < 32);
	REQUIRE(slots == hweight32(node->part.map));
	REQUIRE(slots > 1 || !hkvp_is_leaf(node->slot[0]), "a lone leaf");
	for (i = 0, digit = 0; digit < HKVP_TRIE_FAN; digit++)
		if (node->part.map & 1u << digit)
			check_keys(c, node->slot[i++], shift + HKVP_TRIE_BITS,
				   prefix | digit << shift, node->part.birth);
}

void check_version(const struct hkvp_version *v)
{
	struct census c = { .v = v };
	u32 height = 0;
	int owner;

	while (v->count > 1ull << height)
		height += HKVP_TRIE_BITS;
	REQUIRE(v->shift == height);
	REQUIRE(!v->count == !v->order && !v->count == !v->keys);
	c.seen = calloc(v->count + 1, 1);
	REQUIRE(c.seen);
	if (v->count) {
		check_order(&c, v->order, v->shift, v->count, v->generation);
		check_keys(&c, v->keys, 0, 0, v->generation);
	}
	free(c.seen);
	REQUIRE(c.leaves == v->count);
	REQUIRE(c.bytes == v->bytes);
	for (owner = 0; owner < HKVP_OWNER_COUNT; owner++) {
		REQUIRE(c.items[owner] == v->items[owner]);
		REQUIRE(c.item_bytes[owner] == v->item_bytes[owner]);
	}
	REQUIRE(!hkvp_version_at(v, v->count));
}

void wrap_soon(struct hkvp_pool *pool)
{
	pool->root->turnover = -(64ul << 10);
	pool->reclaimed = pool->root->turnover;
}
