/* SPDX-License-Identifier: GPL-2.0 */
/* /dev/hv_kvp. */
#ifndef DEVICE_H
#define DEVICE_H

#include <stdint.h>

#include <linux/hv_kvp.h>

#define PTR(p)		((uint64_t)(uintptr_t)(p))

/* O_RDONLY, O_WRONLY or O_RDWR. A descriptor, or -1 after it has told why; then
 * *code is the exit code.
 */
int device_open(int flags, int *code);

/* 0, or an exit code after it has told why. */
int device_info(int fd, struct hv_kvp_info *info);

int device_pool_info(int fd, unsigned int pool, struct hv_kvp_pool_info *info);

/* What is called for an item; anything but 0 ends the list and is its value. */
typedef int (*device_item_fn)(void *ctx, const struct hv_kvp_item *item);

/*
 * Calls @fn for each item of a pool, all from one version of it; @generation
 * (may be NULL) is that of the version. If the kernel had to drop that version
 * under way, @restart (may be NULL) is called, and all begins anew. Returns 0,
 * what @fn returned, or an exit code after it has told why.
 */
int device_list(int fd, unsigned int pool, device_item_fn fn,
		void (*restart)(void *ctx), void *ctx, uint64_t *generation);

/* The same for what can do without all items: it does not begin anew. */
void device_try_list(int fd, unsigned int pool, device_item_fn fn, void *ctx);

static inline const char *item_key(const struct hv_kvp_item *item)
{
	return (const char *)item + item->key_offset;
}

static inline const char *item_value(const struct hv_kvp_item *item)
{
	return (const char *)item + item->value_offset;
}

#endif /* DEVICE_H */
