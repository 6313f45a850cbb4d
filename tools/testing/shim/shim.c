// SPDX-License-Identifier: GPL-2.0
/*
 * The kernel facilities that the pure files of the driver use, in user space:
 * see the headers in include/. Memory, random numbers and the hash.
 *
 * With SHIM_FAST memory is neither counted, searched nor poisoned, for benchmarks.
 */
#include <sched.h>

#include <linux/atomic.h>
#include <linux/bug.h>
#include <linux/random.h>
#include <linux/rcupdate.h>
#include <linux/siphash.h>
#include <linux/slab.h>
#include <linux/string.h>

#define PAGE 4096

_Thread_local int *shim_warnings;
u32 shim_hash_mask = ~0u;
unsigned int shim_yield_one_in;
const char *shim_secret;

#ifndef SHIM_FAST
_Thread_local void (*shim_rival)(void);

void shim_call_rival(void)
{
	void (*rival)(void) = shim_rival;

	shim_rival = NULL;
	rival();
	shim_rival = rival;
}
#endif

static struct shim_memory memory;
static _Thread_local unsigned long allocations;
static _Thread_local unsigned long fail_at;
static _Thread_local bool failed;

struct kmem_cache {
	size_t size;
	long objects;
};

/* In front of each block. */
struct block {
	size_t size;
	size_t magic;
	struct kmem_cache *cache;	/* NULL: kmalloc() */
	size_t unused;			/* keeps what follows aligned */
};

#define MAGIC ((size_t)0x6b766d656d6f7279ull)

static void count(long bytes)
{
#ifndef SHIM_FAST
	long now = __atomic_add_fetch(&memory.bytes, bytes, __ATOMIC_RELAXED);
	long peak = __atomic_load_n(&memory.peak, __ATOMIC_RELAXED);

	__atomic_fetch_add(&memory.blocks, bytes > 0 ? 1 : -1, __ATOMIC_RELAXED);
	while (now > peak &&
	       !__atomic_compare_exchange_n(&memory.peak, &peak, now, false,
					    __ATOMIC_RELAXED, __ATOMIC_RELAXED))
		;
#else
	(void)bytes;
#endif
}

static void poison(void *p, int with, size_t size)
{
#ifndef SHIM_FAST
	memset(p, with, size);
#else
	(void)p;
	(void)with;
	(void)size;
#endif
}

/* Before it is poisoned, which would hide it. */
static bool holds_secret(const void *p, size_t size)
{
#ifndef SHIM_FAST
	const char *end = p + size;

	if (!shim_secret)
		return false;
	for (; end - (const char *)p >= SHIM_SECRET_SIZE; p++) {
		p = memchr(p, *shim_secret,
			   end - (const char *)p - SHIM_SECRET_SIZE + 1);
		if (!p)
			return false;
		if (!memcmp(p, shim_secret, SHIM_SECRET_SIZE))
			return true;
	}
#else
	(void)p;
	(void)size;
#endif
	return false;
}

static void *allocate(struct kmem_cache *cache, size_t size, gfp_t gfp)
{
	struct block *b;

	BUG_ON(rcu_read_lock_held() && gfpflags_allow_blocking(gfp));
	BUG_ON(size > PAGE && !gfpflags_allow_blocking(gfp));
	if (shim_yield_one_in && allocations * 2654435761u % 4096 <
				 4096 / shim_yield_one_in)
		sched_yield();
	if (++allocations == fail_at) {
		failed = true;
		return NULL;
	}
	b = malloc(sizeof(*b) + size);
	if (!b)
		return NULL;
	b->size = size;
	b->magic = MAGIC;
	b->cache = cache;
	if (gfp & __GFP_ZERO)
		memset(b + 1, 0, size);
	else
		poison(b + 1, 0xa5, size);
	count(size);
	return b + 1;
}

void *kmalloc(size_t size, gfp_t gfp)
{
	return allocate(NULL, size, gfp);
}

static void release(struct kmem_cache *cache, const void *p)
{
	struct block *b = (struct block *)p - 1;

	BUG_ON(b->magic != MAGIC || b->cache != cache);
	count(-(long)b->size);
	b->magic = 0;
	WARN_ON(holds_secret(b + 1, b->size));
	poison(b + 1, 0x6b, b->size);
	free(b);
}

void kfree(const void *p)
{
	if (p)
		release(NULL, p);
}

void kfree_sensitive(const void *p)
{
	if (p)
		memzero_explicit((void *)p, ((struct block *)p - 1)->size);
	kfree(p);
}

struct kmem_cache *kmem_cache_create(const char *name, unsigned int size,
				     unsigned int align, unsigned int flags,
				     void (*ctor)(void *p))
{
	struct kmem_cache *cache;

	BUG_ON(!name || align || flags || ctor);
	cache = kmalloc(sizeof(*cache), GFP_KERNEL);
	if (!cache)
		return NULL;
	cache->size = size;
	cache->objects = 0;
	return cache;
}

void kmem_cache_destroy(struct kmem_cache *cache)
{
	BUG_ON(cache && __atomic_load_n(&cache->objects, __ATOMIC_RELAXED));
	kfree(cache);
}

static void count_object(struct kmem_cache *cache, long n)
{
#ifndef SHIM_FAST
	__atomic_fetch_add(&cache->objects, n, __ATOMIC_RELAXED);
#else
	(void)cache;
	(void)n;
#endif
}

void *kmem_cache_alloc(struct kmem_cache *cache, gfp_t gfp)
{
	void *p = allocate(cache, cache->size, gfp);

	if (p)
		count_object(cache, 1);
	return p;
}

void kmem_cache_free(struct kmem_cache *cache, void *p)
{
	release(cache, p);
	count_object(cache, -1);
}

void *kmemdup(const void *p, size_t size, gfp_t gfp)
{
	void *copy = kmalloc(size, gfp);

	return copy ? memcpy(copy, p, size) : NULL;
}

struct shim_memory shim_memory(void)
{
	return (struct shim_memory) {
		.bytes = __atomic_load_n(&memory.bytes, __ATOMIC_RELAXED),
		.peak = __atomic_load_n(&memory.peak, __ATOMIC_RELAXED),
		.blocks = __atomic_load_n(&memory.blocks, __ATOMIC_RELAXED),
	};
}

void shim_memory_reset_peak(void)
{
	__atomic_store_n(&memory.peak, shim_memory().bytes, __ATOMIC_RELAXED);
}

void shim_fail_nth(unsigned long nth)
{
	fail_at = nth ? allocations + nth : 0;
	failed = false;
}

bool shim_failed(void)
{
	return failed;
}

unsigned long shim_allocations(void)
{
	return allocations;
}

/* splitmix64 (Steele, Lea, Flood 2014). */
void get_random_bytes(void *buf, size_t len)
{
	static u64 state = 0x6b7670;
	u8 *out = buf;
	u64 z;

	while (len--) {
		z = __atomic_add_fetch(&state, 0x9e3779b97f4a7c15u,
				       __ATOMIC_RELAXED);
		z = (z ^ z >> 30) * 0xbf58476d1ce4e5b9u;
		z = (z ^ z >> 27) * 0x94d049bb133111ebu;
		*out++ = z >> 31;
	}
}

static inline u64 rotate(u64 x, int by)
{
	return x << by | x >> (64 - by);
}

static inline void sip_round(u64 v[4])
{
	v[0] += v[1];
	v[2] += v[3];
	v[1] = rotate(v[1], 13) ^ v[0];
	v[3] = rotate(v[3], 16) ^ v[2];
	v[0] = rotate(v[0], 32);
	v[2] += v[1];
	v[0] += v[3];
	v[1] = rotate(v[1], 17) ^ v[2];
	v[3] = rotate(v[3], 21) ^ v[0];
	v[2] = rotate(v[2], 32);
}

u32 hsiphash(const void *data, size_t len, const hsiphash_key_t *key)
{
	u64 v[4] = {
		key->key[0] ^ 0x736f6d6570736575u,
		key->key[1] ^ 0x646f72616e646f6du,
		key->key[0] ^ 0x6c7967656e657261u,
		key->key[1] ^ 0x7465646279746573u,
	};
	u64 last = (u64)len << 56;
	const u8 *p = data;
	u64 word;
	size_t i;

	for (i = 0; i + 8 <= len; i += 8) {
		memcpy(&word, p + i, 8);
		v[3] ^= word;
		sip_round(v);
		v[0] ^= word;
	}
	word = 0;
	memcpy(&word, p + i, len - i);
	last |= word;
	v[3] ^= last;
	sip_round(v);
	v[0] ^= last;
	v[2] ^= 0xff;
	for (i = 0; i < 3; i++)
		sip_round(v);
	return (u32)(v[0] ^ v[1] ^ v[2] ^ v[3]) & shim_hash_mask;
}
