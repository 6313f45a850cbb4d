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
#include "view.h"

/* Most operations of a batch. */
#define HKVP_BATCH_MAX		1024

/* Most descriptors in the middle of a list, each with a version pinned. */
#define HKVP_LISTS_MAX		16

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

struct hkvp_hold;
struct hkvp_source;

/**
 * struct hkvp_file - an open file
 * @kvp: the service
 * @hold: what goes with it, or NULL; set once
 * @listing: list under way
 * @reader: what it watches, and its place in the records
 */
struct hkvp_file {
	struct hkvp *kvp;
	struct hkvp_hold *hold;
	struct hkvp_listing listing;
	struct hkvp_reader reader;
};

/**
 * struct hkvp_condition - what an operation is made for
 * @flags: HV_KVP_IF_*, HV_KVP_UNLESS_HOST, HV_KVP_OR_SKIP
 * @if_generation: for HV_KVP_IF_GENERATION
 */
struct hkvp_condition {
	u32 flags;
	u64 if_generation;
};

/**
 * struct hkvp_write - changes of a pool, and their conditions
 * @kvp: the service
 * @id: the pool
 * @conditions: one for each change
 * @update: the changes, and what came of them
 */
struct hkvp_write {
	const struct hkvp *kvp;
	enum hkvp_pool_id id;
	const struct hkvp_condition *conditions;
	struct hkvp_update update;
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
u32 hkvp_text_flags(const struct hkvp *kvp, enum hkvp_pool_id id,
		    const struct hkvp_item *item);
u32 hkvp_text_source_flags(const struct hkvp_source *source);
bool hkvp_text_is_condition(u32 flags, u64 if_generation);
struct hkvp_pool *hkvp_text_pool(struct hkvp *kvp, u32 id);
bool hkvp_text_is_privileged(void);
int hkvp_text_may_write(u32 pool);
int hkvp_text_may_fill(u32 pool);
int hkvp_text_may_set(u32 pool, const struct hkvp_change *change);

/* The ioctls; @arg is in kernel memory and is copied back as it is left. */
int hkvp_ioctl_info(struct hkvp_file *file, void *arg);
int hkvp_ioctl_pool_info(struct hkvp_file *file, void *arg);
int hkvp_ioctl_get(struct hkvp_file *file, void *arg);
int hkvp_ioctl_set(struct hkvp_file *file, void *arg);
int hkvp_ioctl_delete(struct hkvp_file *file, void *arg);
int hkvp_ioctl_list(struct hkvp_file *file, void *arg);
int hkvp_ioctl_batch(struct hkvp_file *file, void *arg);
int hkvp_ioctl_purge(struct hkvp_file *file, void *arg);
int hkvp_ioctl_watch(struct hkvp_file *file, void *arg);
int hkvp_ioctl_ip_agent(struct hkvp_file *file, void *arg);
int hkvp_ioctl_ip_request(struct hkvp_file *file, void *arg);
int hkvp_ioctl_ip_answer(struct hkvp_file *file, void *arg);
int hkvp_ioctl_ip_report(struct hkvp_file *file, void *arg);
int hkvp_ioctl_mirror(struct hkvp_file *file, void *arg);
int hkvp_ioctl_mirror_current(struct hkvp_file *file, void *arg);

/* chardev_ip.c */
void hkvp_ip_agent_end(struct hkvp_file *file);

/* chardev_mirror.c */
bool hkvp_is_mirror(const struct hkvp_file *file);
void hkvp_mirror_end(struct hkvp_file *file);

/* chardev_hold.c: items that go with the open file that set them */
int hkvp_hold_mark(struct hkvp_file *file, struct hkvp_change *change);
void hkvp_hold_end(struct hkvp_file *file);
void hkvp_hold_exit(void);

/* chardev_write.c: changes of agents, who wait for each other */
int hkvp_write_one(struct hkvp_pool *pool, struct hkvp_write *write);
int hkvp_write_many(struct hkvp_pool *pool, struct hkvp_write *write);
kuid_t hkvp_write_account(void);
int hkvp_write_begin(struct hkvp_pool *pool);
void hkvp_write_end(int turn);
void hkvp_write_init(void);

/* chardev_list.c */
void hkvp_listing_init(struct hkvp_listing *listing);
void hkvp_listing_end(struct hkvp_listing *listing);
bool hkvp_listing_relieve(void);
void hkvp_listing_exit(void);

#endif /* HKVP_CHARDEV_FILE_H */
