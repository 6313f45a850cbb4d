/* SPDX-License-Identifier: GPL-2.0 */
/*
 * An open /dev/hv_kvp and what its ioctls share. For the chardev*.c files
 * alone. Everything here runs in process context and may sleep.
 */
#ifndef HKVP_CHARDEV_FILE_H
#define HKVP_CHARDEV_FILE_H

#include <linux/list.h>
#include <linux/types.h>
#include <linux/uidgid.h>
#include <uapi/linux/hv_kvp.h>

#include "changes.h"
#include "codec.h"
#include "hkvp.h"

/* Most operations of a batch or items of an import. */
#define HKVP_BATCH_MAX		1024

/* Most descriptors in the middle of a list, each with a version pinned. */
#define HKVP_LISTS_MAX		16

/* Pools that the host fills anew at each connection. */
#define HKVP_HOST_FILLED	(BIT(HKVP_POOL_EXTERNAL) |		\
				 BIT(HKVP_POOL_AUTO_EXTERNAL) |		\
				 BIT(HKVP_POOL_AUTO_INTERNAL))

/**
 * struct hkvp_listing - a list that a descriptor is in the middle of
 * @uid: the user whom it counts for; constant
 * @admin: counts for the administrators instead; constant
 * @node: in the order of last use
 * @version: version that is listed, pinned; NULL if there is no list
 * @pool: its pool
 * @id: upper half of the cursor
 *
 * All but the constants under the lock of chardev_list.c, which is held around no
 * access to user memory: who stalls in a page fault must hold neither the lock nor a
 * pin. @version becomes NULL with release semantics, when the rest is not used any more.
 */
struct hkvp_listing {
	kuid_t uid;
	bool admin;
	struct list_head node;
	struct hkvp_version *version;
	enum hkvp_pool_id pool;
	u32 id;
};

/**
 * struct hkvp_file - an open descriptor
 * @kvp: the service
 * @listing: list under way
 * @reader: its place in the change records
 */
struct hkvp_file {
	struct hkvp *kvp;
	struct hkvp_listing listing;
	struct hkvp_reader reader;
};

/**
 * struct hkvp_text - one item that userland gives, and room to convert it
 * @value: value as on the wire
 * @utf8: key or value in UTF-8
 * @key: key as on the wire
 *
 * All of it is one object, no larger than the item needs: the kernel may fill
 * it with zeroes as it comes (init_on_alloc), and does so as it goes where there
 * was a value, which may be a secret.
 */
struct hkvp_text {
	u8 *value;
	u8 *utf8;
	u8 key[];
};

/* chardev.c */
void hkvp_chardev_changed(enum hkvp_pool_id pool);

/* chardev_text.c: items as userland sees them */
struct hkvp_text *hkvp_text_alloc(u32 key_len, u32 value_len);
int hkvp_text_get_key(struct hkvp_text *text, u64 key, u32 len,
		      enum hkvp_utf8 mode);
int hkvp_text_get_value(struct hkvp_text *text, u32 type, u64 value, u32 len,
			enum hkvp_utf8 mode);
int hkvp_text_put_value(u8 *dst, u32 size, u32 type, const void *value,
			u32 bytes);
u32 hkvp_text_flags(const struct hkvp *kvp, enum hkvp_pool_id id,
		    const struct hkvp_item *item);
struct hkvp_pool *hkvp_text_pool(struct hkvp *kvp, u32 id);
bool hkvp_text_is_privileged(void);
int hkvp_text_may_write(u32 pool);
int hkvp_text_may_import(u32 pool);
int hkvp_text_may_set(u32 pool, const struct hkvp_change *change);

/* The ioctls; @arg is in kernel memory and is copied back as it is left. */
int hkvp_ioctl_info(struct hkvp_file *file, void *arg);
int hkvp_ioctl_get(struct hkvp_file *file, void *arg);
int hkvp_ioctl_set(struct hkvp_file *file, void *arg);
int hkvp_ioctl_delete(struct hkvp_file *file, void *arg);
int hkvp_ioctl_list(struct hkvp_file *file, void *arg);
int hkvp_ioctl_batch(struct hkvp_file *file, void *arg);
int hkvp_ioctl_import(struct hkvp_file *file, void *arg);
int hkvp_ioctl_purge(struct hkvp_file *file, void *arg);
int hkvp_ioctl_ip_agent(struct hkvp_file *file, void *arg);
int hkvp_ioctl_ip_request(struct hkvp_file *file, void *arg);
int hkvp_ioctl_ip_answer(struct hkvp_file *file, void *arg);
int hkvp_ioctl_ip_supply(struct hkvp_file *file, void *arg);

/* chardev_ip.c */
void hkvp_ip_agent_end(struct hkvp_file *file);

/* chardev_write.c: changes of agents, who wait for each other */
int hkvp_write_change(struct hkvp_pool *pool, const struct hkvp_change *change);
int hkvp_write_batch(struct hkvp_pool *pool, const struct hkvp_change *changes,
		     u32 count, u64 expect);
int hkvp_write_add(struct hkvp_pool *pool, const struct hkvp_change *changes,
		   u32 count, hkvp_keep_fn keep, void *ctx, u32 *kept);
int hkvp_write_begin(struct hkvp_pool *pool);
void hkvp_write_end(int turn);
void hkvp_write_init(void);

/* chardev_list.c */
void hkvp_listing_init(struct hkvp_listing *listing);
void hkvp_listing_end(struct hkvp_listing *listing);
bool hkvp_listing_relieve(void);
void hkvp_listing_exit(void);

#endif /* HKVP_CHARDEV_FILE_H */
