// SPDX-License-Identifier: GPL-2.0
/*
 * Memory of parts and versions: kmalloc(), and caches of sizes that it lacks.
 *
 * kmalloc() rounds up to a power of two (and to 96 and 192), so that an item a
 * little above 1 KiB takes 2 KiB, all of which the kernel may fill with zeros
 * (init_on_alloc). The caches below have sizes in between: of what is larger
 * than SMALL no more than a third of its block lies idle.
 *
 * Charging is the caller's choice, by __GFP_ACCOUNT, as with kmalloc().
 */
#include <linux/build_bug.h>
#include <linux/errno.h>
#include <linux/kernel.h>
#include <linux/mutex.h>
#include <linux/slab.h>
#include <linux/string.h>

#include "pool_version.h"
#include "wire.h"

/* What is no larger is kmalloc()'s in any case. */
#define SMALL	128

#define FULL_NODE	(sizeof(struct hkvp_node) + HKVP_TRIE_FAN * sizeof(void *))
#define LARGEST_ITEM	(sizeof(struct hkvp_item) + HKVP_KEY_SIZE + HKVP_VALUE_SIZE)

/* A cache of blocks of @size bytes, for whatever has more than @above. */
static const struct {
	const char *name;
	u16 above;
	u16 size;
} sizes[] = {
	{ "hv_kvp_node", SMALL, FULL_NODE },
	{ "hv_kvp_384", 256, 384 },
	{ "hv_kvp_768", 512, 768 },
	/* A value of 1 KiB, 512 characters, with its key. */
	{ "hv_kvp_1152", 1024, 1152 },
	{ "hv_kvp_1536", 1152, 1536 },
	{ "hv_kvp_item", 2048, LARGEST_ITEM },
};

static_assert(FULL_NODE < 192);
static_assert(LARGEST_ITEM > 2048 && LARGEST_ITEM <= HKVP_ALLOC_MAX);

/* All pools share the caches: the first one makes them, the last one's end them. */
static struct kmem_cache *caches[ARRAY_SIZE(sizes)];
static unsigned int users;
static DEFINE_MUTEX(users_lock);

static void destroy_caches(void)
{
	u32 i;

	for (i = 0; i < ARRAY_SIZE(sizes); i++) {
		kmem_cache_destroy(caches[i]);
		caches[i] = NULL;
	}
}

static int create_caches(void)
{
	u32 i;

	for (i = 0; i < ARRAY_SIZE(sizes); i++) {
		caches[i] = kmem_cache_create(sizes[i].name, sizes[i].size, 0, 0,
					      NULL);
		if (!caches[i]) {
			destroy_caches();
			return -ENOMEM;
		}
	}
	return 0;
}

/* Before a pool's first allocation. Process context. 0 or -ENOMEM. */
int hkvp_memory_get(void)
{
	int err = 0;

	mutex_lock(&users_lock);
	if (!users)
		err = create_caches();
	if (!err)
		users++;
	mutex_unlock(&users_lock);
	return err;
}

/* After a pool's last free. Process context. */
void hkvp_memory_put(void)
{
	mutex_lock(&users_lock);
	if (!--users)
		destroy_caches();
	mutex_unlock(&users_lock);
}

/* The cache for @size bytes, or NULL where kmalloc() is as good. */
static struct kmem_cache *cache_of(u32 size)
{
	u32 i;

	if (size <= SMALL)
		return NULL;
	for (i = 0; i < ARRAY_SIZE(sizes); i++)
		if (size <= sizes[i].size)
			return size > sizes[i].above ? caches[i] : NULL;
	return NULL;
}

/* @size bytes, not initialised, or NULL. */
void *hkvp_memory_alloc(u32 size, gfp_t gfp)
{
	struct kmem_cache *cache = cache_of(size);

	return cache ? kmem_cache_alloc(cache, gfp) : kmalloc(size, gfp);
}

/* @p is from hkvp_memory_alloc(), which was told this @size. */
void hkvp_memory_free(void *p, u32 size)
{
	struct kmem_cache *cache = cache_of(size);

	if (cache)
		kmem_cache_free(cache, p);
	else
		kfree(p);
}
