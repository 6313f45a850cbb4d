// SPDX-License-Identifier: GPL-2.0
/*
 * The ioctl LIST: many items in a call, all from one version.
 *
 * A list that takes several calls has its version pinned meanwhile. Pins cost
 * memory, so that there are few of them, HKVP_LISTS_MAX, and fewer where old
 * versions hold too much. Then a list of the user who has most of them goes, the
 * one that was unused for longest; an administrator's only when nobody else has
 * any. Who comes back for it gets -ESTALE.
 *
 * A list that is within a call is no exception: the caller can make a call take
 * for ever.
 */
#include <linux/capability.h>
#include <linux/list.h>
#include <linux/spinlock.h>
#include <linux/sched/signal.h>
#include <linux/slab.h>
#include <linux/string.h>
#include <linux/uaccess.h>
#include <linux/user_namespace.h>
#include <linux/workqueue.h>

#include "chardev_file.h"
#include "intrinsic.h"
#include "params.h"

/* Largest item in the buffer. */
#define VALUE_OFFSET(key_len)	\
	ALIGN(sizeof(struct hv_kvp_item) + (key_len) + 1, 8)
#define ITEM_MAX	ALIGN(VALUE_OFFSET(HV_KVP_KEY_MAX) + HV_KVP_VALUE_MAX + 1, 8)
static_assert(ITEM_MAX <= HV_KVP_RECORD_MAX);

/* Items are gathered here, so that user memory is written without the lock. */
#define CHUNK		8192
static_assert(2 * ITEM_MAX <= CHUNK);

/* A cursor is the id of the list and the index of the next item. */
#define ID_SHIFT	32
#define ID_AUTO		1		/* intrinsic items, which have no versions */
#define ID_FIRST	2

/*
 * So many lists of administrators may hold old versions whatever these hold. They
 * must not be ended by others who fill a pool, and set and list it again and again.
 */
#define ADMIN_LISTS	4

/* How often to look whether pinned versions hold too much. */
#define TRIM_INTERVAL	HZ

/* Held for some instructions: writers of the host's wait for it too. */
static DEFINE_SPINLOCK(lock);
static LIST_HEAD(listings);		/* unused for longest first */
static u32 listing_count;
static u32 next_id = ID_FIRST;

static void trim(struct work_struct *work);
static DECLARE_DELAYED_WORK(trimmer, trim);

/**
 * struct part - what goes into the buffer in one go
 * @buf: CHUNK bytes
 * @room: bytes that the caller's buffer still has
 * @used: bytes of @buf
 * @items: items in @buf
 * @first: first item of the call
 * @index: next item
 * @total: items of the pool
 * @generation: generation of the pool
 * @needed: size of an item that does not fit @room, else 0
 */
struct part {
	u8 *buf;
	u32 room;
	u32 used;
	u32 items;
	u32 first;
	u32 index;
	u32 total;
	u64 generation;
	u32 needed;
};

/* What of an item is not in struct hkvp_value. */
struct head {
	u32 type;
	u32 flags;
	u64 generation;
	u64 sequence;
	u32 key_size;
	u32 value_size;
};

static bool is_full(const struct part *part)
{
	return part->needed || CHUNK - part->used < ITEM_MAX;
}

/* There is room for any item in @part->buf, but maybe none in the caller's. */
static void put_item(struct part *part, const struct head *head,
		     const void *key, const void *value)
{
	struct hv_kvp_item *item = (void *)(part->buf + part->used);
	u32 at = sizeof(*item), key_len, value_at, value_len, size;
	u8 *start = (u8 *)item;

	key_len = hkvp_codec_to_utf8(start + at, HV_KVP_KEY_MAX, key,
				     head->key_size);
	value_at = VALUE_OFFSET(key_len);
	memset(start + at + key_len, 0, value_at - at - key_len);
	value_len = hkvp_view_value(start + value_at, HV_KVP_VALUE_MAX,
				    head->type, value, head->value_size);
	size = ALIGN(value_at + value_len + 1, 8);
	memset(start + value_at + value_len, 0, size - value_at - value_len);
	if (size > part->room - part->used) {
		part->needed = size;
		return;
	}
	*item = (struct hv_kvp_item) {
		.size = size,
		.type = head->type,
		.flags = head->flags,
		.key_offset = at,
		.key_len = key_len,
		.value_offset = value_at,
		.value_len = value_len,
		.generation = head->generation,
		.sequence = head->sequence,
	};
	part->used += size;
	part->items++;
	part->index++;
}

static void fill_from_version(const struct hkvp *kvp, enum hkvp_pool_id id,
			      const struct hkvp_version *v, struct part *part)
{
	const struct hkvp_item *item;
	struct head head;

	part->total = hkvp_version_count(v);
	part->generation = hkvp_version_generation(v);
	while (!is_full(part)) {
		item = hkvp_version_at(v, part->index);
		if (!item)
			break;
		head = (struct head) {
			.type = item->type,
			.flags = hkvp_text_flags(kvp, id, item),
			.generation = hkvp_item_generation(item),
			.sequence = item->sequence,
			.key_size = item->key_size,
			.value_size = item->value_size,
		};
		put_item(part, &head, hkvp_item_key(item),
			 hkvp_item_value(item));
	}
}

static int fill_from_auto(const struct hkvp_pool *pool, struct part *part)
{
	struct hkvp_value *value = kmalloc(sizeof(*value), GFP_KERNEL_ACCOUNT);
	struct hkvp_source source;
	struct head head = { };

	if (!value)
		return -ENOMEM;
	part->total = HKVP_INTRINSIC_COUNT;
	/* the oldest that anything in the caller's buffer can be of */
	if (part->index == part->first) {
		rcu_read_lock();
		part->generation =
			hkvp_version_generation(hkvp_pool_current(pool));
		rcu_read_unlock();
	}
	while (!is_full(part) && part->index < HKVP_INTRINSIC_COUNT) {
		hkvp_intrinsic_get(part->index, value, &source);
		head.generation = source.generation;
		head.flags = hkvp_text_source_flags(&source);
		head.sequence = part->index + 1;
		head.type = le32_to_cpu(value->type);
		head.key_size = le32_to_cpu(value->key_size);
		head.value_size = le32_to_cpu(value->value_size);
		put_item(part, &head, value->key, value->value);
	}
	kfree_sensitive(value);
	return 0;
}

static void end_locked(struct hkvp_listing *listing)
{
	if (!listing->version)
		return;
	list_del(&listing->node);
	listing_count--;
	hkvp_version_unpin(listing->version);
	/* pairs with the acquire in hkvp_listing_end() */
	smp_store_release(&listing->version, NULL);
}

/* For the process that opens the descriptor. */
void hkvp_listing_init(struct hkvp_listing *listing)
{
	listing->uid = hkvp_write_account();
	listing->admin = ns_capable_noaudit(&init_user_ns, CAP_SYS_ADMIN);
}

/*
 * End the list of a descriptor, if it is in the middle of one. Others may end it
 * too, but only the descriptor's own calls begin one: without one the lock, which
 * is everybody's, is left alone.
 */
void hkvp_listing_end(struct hkvp_listing *listing)
{
	/* pairs with the release in end_locked() */
	if (!smp_load_acquire(&listing->version))
		return;
	spin_lock(&lock);
	end_locked(listing);
	spin_unlock(&lock);
}

/* Old versions count against the limit of those who have them pinned. */
static bool holds_too_much(struct hkvp_pool *pool)
{
	return hkvp_pool_usage(pool).retained_bytes >
	       hkvp_params.limits[HKVP_OWNER_AGENT].bytes;
}

/* What is current costs nothing more by being pinned. */
static bool is_old(const struct hkvp_listing *listing, struct hkvp_pool *pool)
{
	bool old;

	rcu_read_lock();
	old = hkvp_pool_current(pool) != listing->version;
	rcu_read_unlock();
	return old;
}

static bool have_one_owner(const struct hkvp_listing *a,
			   const struct hkvp_listing *b)
{
	return a->admin == b->admin && (a->admin || uid_eq(a->uid, b->uid));
}

static u32 count_lists(const struct hkvp_listing *owner)
{
	const struct hkvp_listing *listing;
	u32 count = 0;

	list_for_each_entry(listing, &listings, node)
		count += have_one_owner(listing, owner);
	return count;
}

static bool may_always_end(const struct hkvp_listing *listing)
{
	return true;
}

static struct hkvp_pool *pool_of(const struct hkvp_listing *listing)
{
	const struct hkvp_file *file =
		container_of(listing, struct hkvp_file, listing);

	return &file->kvp->pools[listing->pool];
}

/* Does it see an old version, and is not one of the administrators' few? */
static bool sees_what_is_old(const struct hkvp_listing *listing)
{
	return is_old(listing, pool_of(listing)) &&
	       !(listing->admin && count_lists(listing) <= ADMIN_LISTS);
}

/* The same of a pool that holds too much? */
static bool holds_what_is_needed(const struct hkvp_listing *listing)
{
	return sees_what_is_old(listing) && holds_too_much(pool_of(listing));
}

/* Does @a go before @b, which was unused for longer? */
static bool goes_before(const struct hkvp_listing *a,
			const struct hkvp_listing *b)
{
	if (a->admin != b->admin)
		return b->admin;
	return count_lists(a) > count_lists(b);
}

/* One and no more: what is freed by it shows only later. Whether there was one. */
static bool end_one(bool (*may_end)(const struct hkvp_listing *listing))
{
	struct hkvp_listing *listing, *found = NULL;

	list_for_each_entry(listing, &listings, node)
		if (may_end(listing) && (!found || goes_before(listing, found)))
			found = listing;
	if (found)
		end_locked(found);
	return found;
}

/* A writer is over the budget. Returns whether a list with an old version went. */
bool hkvp_listing_relieve(void)
{
	bool ended;

	spin_lock(&lock);
	ended = end_one(sees_what_is_old);
	spin_unlock(&lock);
	return ended;
}

/*
 * Replaces what the descriptor has listed before. Returns the new id. Where too
 * much is held already one list goes for each that comes, however many come
 * before the trimmer does.
 */
static u32 begin(struct hkvp_file *file, struct hkvp_pool *pool,
		 enum hkvp_pool_id id)
{
	struct hkvp_listing *listing = &file->listing;
	u32 ret;

	spin_lock(&lock);
	end_locked(listing);
	end_one(holds_what_is_needed);
	if (listing_count == HKVP_LISTS_MAX)
		end_one(may_always_end);
	ret = next_id++;
	if (!next_id)
		next_id = ID_FIRST;
	listing->id = ret;
	listing->pool = id;
	WRITE_ONCE(listing->version, hkvp_pool_pin(pool));
	list_add_tail(&listing->node, &listings);
	if (!listing_count++)
		schedule_delayed_work(&trimmer, TRIM_INTERVAL);
	spin_unlock(&lock);
	return ret;
}

static int fill(struct hkvp_file *file, u32 id, u32 pool, struct part *part)
{
	struct hkvp_listing *listing = &file->listing;
	const struct hkvp_version *version = NULL;
	int ret = 0;

	if (id == ID_AUTO)
		return fill_from_auto(&file->kvp->pools[pool], part);

	/* keeps the version, should somebody end the list meanwhile */
	rcu_read_lock();
	spin_lock(&lock);
	if (!listing->version || listing->id != id) {
		ret = -ESTALE;
	} else if (listing->pool != pool) {
		ret = -EINVAL;
	} else {
		list_move_tail(&listing->node, &listings);
		version = listing->version;
	}
	spin_unlock(&lock);
	if (version)
		fill_from_version(file->kvp, pool, version, part);
	rcu_read_unlock();
	return ret;
}

static void trim(struct work_struct *work)
{
	spin_lock(&lock);
	end_one(holds_what_is_needed);
	if (listing_count)
		schedule_delayed_work(&trimmer, TRIM_INTERVAL);
	spin_unlock(&lock);
}

/* No descriptor is open any more. */
void hkvp_listing_exit(void)
{
	cancel_delayed_work_sync(&trimmer);
}

/* Copies as many items as fit. @list is written on success and -ERANGE only. */
static int copy_items(struct hkvp_file *file, struct hv_kvp_list *list, u32 id,
		      u8 *chunk)
{
	struct part part = {
		.buf = chunk,
		.first = (u32)list->cursor,
		.index = (u32)list->cursor,
	};
	u32 done = 0, items = 0;
	int ret;

	do {
		part.room = list->size - done;
		part.used = 0;
		part.items = 0;
		ret = fill(file, id, list->pool, &part);
		if (ret)
			return ret;
		if (copy_to_user(u64_to_user_ptr(list->buffer + done), chunk,
				 part.used))
			return -EFAULT;
		done += part.used;
		items += part.items;
		cond_resched();
	} while (part.used && !part.needed && !signal_pending(current));

	if (part.needed && !items) {
		list->size = part.needed;
		return -ERANGE;
	}
	list->size = done;
	list->count = items;
	list->total = part.total;
	list->generation = part.generation;
	list->cursor = part.index < part.total ?
		       (u64)id << ID_SHIFT | part.index : 0;
	return 0;
}

static int list_items(struct hkvp_file *file, struct hkvp_pool *pool,
		      struct hv_kvp_list *list, u8 *chunk)
{
	bool first = !list->cursor;
	u32 id = list->cursor >> ID_SHIFT;
	int ret;

	if (first)
		id = list->pool == HKVP_POOL_AUTO ? ID_AUTO :
		     begin(file, pool, list->pool);
	else if ((id == ID_AUTO) != (list->pool == HKVP_POOL_AUTO))
		return -EINVAL;

	ret = copy_items(file, list, id, chunk);
	/* who had an error in the first call has no cursor to come back with */
	if (id != ID_AUTO && (ret ? first : !list->cursor))
		hkvp_listing_end(&file->listing);
	return ret;
}

int hkvp_ioctl_list(struct hkvp_file *file, void *arg)
{
	struct hv_kvp_list *list = arg;
	struct hkvp_pool *pool = hkvp_text_pool(file->kvp, list->pool);
	u8 *chunk;
	int ret;

	if (!pool || list->flags || list->reserved)
		return -EINVAL;
	chunk = kmalloc(CHUNK, GFP_KERNEL_ACCOUNT);
	if (!chunk)
		return -ENOMEM;
	ret = list_items(file, pool, list, chunk);
	kfree_sensitive(chunk);
	return ret;
}
