/* SPDX-License-Identifier: GPL-2.0 */
/*
 * A pool of key-value items: an immutable version behind one root pointer.
 *
 * Readers take the current version under rcu_read_lock() and write nothing;
 * who needs it for longer pins it. Writers build the next version by copying
 * the path that they change and publish it with one cmpxchg.
 */
#ifndef HKVP_POOL_H
#define HKVP_POOL_H

#include <linux/types.h>
#include <linux/workqueue.h>

struct hkvp_version;

/* Whose item it is: the last one who set it. Limits are kept apart by this. */
enum hkvp_owner {
	HKVP_OWNER_HOST,
	HKVP_OWNER_AGENT,
	HKVP_OWNER_COUNT
};

/**
 * struct hkvp_limit - how much one owner may keep in one pool
 * @items: number of items
 * @bytes: bytes requested from the allocator for them, tree nodes excluded
 */
struct hkvp_limit {
	u32 items;
	u64 bytes;
};

/**
 * struct hkvp_item - one key and its value, immutable once published
 * @type: enum hkvp_type; HKVP_TYPE_QWORD_OLD is stored as HKVP_TYPE_QWORD
 * @key_size: bytes of the key, UTF-16LE, the NUL included
 * @value_size: bytes of the value as on the wire; of strings with the NUL
 * @owner: enum hkvp_owner
 * @connection: for items of the host the connection that last set it, else 0
 * @generation: generation of the version that last changed it
 *
 * hkvp_item_key() and hkvp_item_value() give the bytes, as they go on the wire.
 * An item lives as long as a version that holds it.
 */
struct hkvp_item;

/**
 * struct hkvp_change - one change to a pool
 * @key: key, UTF-16LE, NUL-terminated
 * @key_size: bytes of @key, the NUL included; 4 to HKVP_KEY_SIZE, even
 * @delete: delete @key; the fields below are then unused
 * @type: enum hkvp_type
 * @value: value as on the wire; strings NUL-terminated
 * @value_size: bytes of @value, at most HKVP_VALUE_SIZE
 * @owner: who sets it
 * @connection: number of the host's connection, 0 for agents
 *
 * The caller has checked all of it (codec.c does); pool.c does not look inside.
 */
struct hkvp_change {
	const void *key;
	const void *value;
	u32 key_size;
	u32 value_size;
	u32 type;
	u32 connection;
	enum hkvp_owner owner;
	bool delete;
};

struct hkvp_pool {
	struct hkvp_version *root;	/* to be refined by pool.c's author */
};

int hkvp_pool_init(struct hkvp_pool *pool,
		   const struct hkvp_limit limits[HKVP_OWNER_COUNT]);
void hkvp_pool_destroy(struct hkvp_pool *pool);

/* Within rcu_read_lock(): the version to read from. Never NULL. */
const struct hkvp_version *hkvp_pool_current(const struct hkvp_pool *pool);
/* Any context: the same, kept until hkvp_version_unpin(). Never fails. */
struct hkvp_version *hkvp_pool_pin(struct hkvp_pool *pool);
void hkvp_version_unpin(struct hkvp_version *version);

u32 hkvp_version_count(const struct hkvp_version *version);
u64 hkvp_version_generation(const struct hkvp_version *version);
const struct hkvp_item *hkvp_version_find(const struct hkvp_version *version,
					  const void *key, u32 key_size);
const struct hkvp_item *hkvp_version_at(const struct hkvp_version *version,
					u32 index);

const void *hkvp_item_key(const struct hkvp_item *item);
const void *hkvp_item_value(const struct hkvp_item *item);

/*
 * One change, published at once. @gfp GFP_ATOMIC in atomic context: then at
 * most HKVP_POOL_ATOMIC_TRIES rounds.
 * 0; -ENOENT (delete of a missing key); -ENOSPC (limit); -ENOMEM; -EAGAIN
 * (lost the race too often). On error nothing has changed.
 */
int hkvp_pool_change(struct hkvp_pool *pool, const struct hkvp_change *change,
		     gfp_t gfp);

#define HKVP_ANY_GENERATION	(~0ULL)

/*
 * All of @changes as one version, or none. @expect: generation the pool must
 * have (-ESTALE if not), or HKVP_ANY_GENERATION. Process context.
 */
int hkvp_pool_batch(struct hkvp_pool *pool, const struct hkvp_change *changes,
		    u32 count, u64 expect);

#endif /* HKVP_POOL_H */
