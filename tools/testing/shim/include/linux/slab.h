/* SPDX-License-Identifier: GPL-2.0 */
/*
 * kmalloc() and caches on malloc(): counts what is requested, fails when told
 * to, poisons what is freed, and ends the program where the kernel would be
 * wrong to sleep or to ask for more than a page, where memory is freed to a
 * cache that it is not from, and where a cache goes before its objects.
 */
#ifndef SHIM_LINUX_SLAB_H
#define SHIM_LINUX_SLAB_H

#include <linux/gfp.h>
#include <linux/types.h>

void *kmalloc(size_t size, gfp_t gfp) __attribute__((__malloc__, __alloc_size__(1)));
void kfree(const void *p);
void kfree_sensitive(const void *p);
void *kmemdup(const void *p, size_t size, gfp_t gfp);

struct kmem_cache *kmem_cache_create(const char *name, unsigned int size,
				     unsigned int align, unsigned int flags,
				     void (*ctor)(void *p));
void kmem_cache_destroy(struct kmem_cache *cache);
void *kmem_cache_alloc(struct kmem_cache *cache, gfp_t gfp)
	__attribute__((__malloc__));
void kmem_cache_free(struct kmem_cache *cache, void *p);

static inline void *kzalloc(size_t size, gfp_t gfp)
{
	return kmalloc(size, gfp | __GFP_ZERO);
}

static inline void *kcalloc(size_t n, size_t size, gfp_t gfp)
{
	size_t bytes;

	return __builtin_mul_overflow(n, size, &bytes) ? NULL : kzalloc(bytes, gfp);
}

static inline void *kmalloc_array(size_t n, size_t size, gfp_t gfp)
{
	size_t bytes;

	return __builtin_mul_overflow(n, size, &bytes) ? NULL : kmalloc(bytes, gfp);
}

/* Of all threads: bytes requested and not freed, their highest, and blocks. */
struct shim_memory {
	long bytes;
	long peak;
	long blocks;
};

struct shim_memory shim_memory(void);
void shim_memory_reset_peak(void);

/*
 * This thread's @nth allocation from now on fails, the first being 1; with 0
 * none does. shim_failed() tells whether it came to that.
 */
void shim_fail_nth(unsigned long nth);
bool shim_failed(void);

/* Allocations of this thread so far. */
unsigned long shim_allocations(void);

/*
 * If not 0, one in so many allocations gives the CPU away, so that threads meet
 * in the middle of an operation. Set before there are threads.
 */
extern unsigned int shim_yield_one_in;

/*
 * If not NULL, these bytes are in what must be wiped before it is freed: a block
 * that holds them still ends the program. Set before there are threads.
 */
#define SHIM_SECRET_SIZE 8
extern const char *shim_secret;

#endif /* SHIM_LINUX_SLAB_H */
