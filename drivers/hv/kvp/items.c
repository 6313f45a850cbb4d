// SPDX-License-Identifier: GPL-2.0
/*
 * One sysfs file per item of a pool, in the folder items/ of the pool.
 *
 * A work item follows the pool: it looks for the differences between the
 * version that it knows and the current one, and notes which files to create
 * and to remove. A changed value needs neither, because a read looks the item up
 * in the version of that moment. So a storm of changes costs the channel one
 * queue_delayed_work() each, and the folder shows the last state in the end.
 *
 * Creating and removing files is the slow part. It is done SLICE at a time, and
 * the pool is looked at again before each slice. So the pinned version is never
 * older than one slice and one comparison, however far the files are behind;
 * while nothing changes it is the current one, whose pin costs nothing. What is
 * noted is bounded by the number of files: an item that comes and goes before
 * its turn never gets one.
 */
#define pr_fmt(fmt) KBUILD_MODNAME ": " fmt

#include <linux/hashtable.h>
#include <linux/kernfs.h>
#include <linux/list.h>
#include <linux/sched.h>
#include <linux/slab.h>
#include <linux/string.h>
#include <linux/sysfs.h>

#include "codec.h"
#include "compat.h"
#include "items.h"
#include "name.h"
#include "params.h"
#include "pool.h"
#include "sysfs_value.h"

/* Changes that come in a burst are shown together. */
#define SETTLE_MS	20

/*
 * A file can wait: what it takes is not worth a search for memory, nor a process.
 * It belongs to an item, whose owner it is charged to.
 */
#define GFP_FILE	(GFP_KERNEL | __GFP_NORETRY | __GFP_NOWARN)

/* Files created and removed before the queue's other work gets its turn. */
#define SLICE		256

/* Memory was short: the work is taken up again after this, and not before. */
#define RETRY		HZ

#define FILES_BITS	10

/**
 * struct hkvp_items - the folder of one pool
 * @pool: the pool
 * @kobj: the folder
 * @wq: queue of @sync
 * @told: file of @generation, told when it changes; NULL if there is none
 * @sync: brings the folder up to date; everything below is its own
 * @seen: version that @files has, pinned; NULL before the first one
 * @count: number of files in @files
 * @short_of_memory: that kept a file from being noted or created just now; or
 *	the budget did
 * @generation: generation that the folder shows; read with READ_ONCE()
 * @left_out: items of it without a file; read with READ_ONCE()
 * @files: files of items of @seen by the pool's hash of the key, whose own key
 *	nobody outside knows; with those still to be created
 * @create: of these, those still to be created
 * @remove: files to be removed, no longer in @files
 * @name: room for a name
 * @utf8: room for a key
 */
struct hkvp_items {
	struct hkvp_pool *pool;
	struct kobject *kobj;
	struct workqueue_struct *wq;
	struct kernfs_node *told;
	struct delayed_work sync;
	struct hkvp_version *seen;
	u32 count;
	bool short_of_memory;
	u64 generation;
	u32 left_out;
	DECLARE_HASHTABLE(files, FILES_BITS);
	struct list_head create;
	struct list_head remove;
	char name[HKVP_NAME_SIZE];
	u8 utf8[HKVP_KEY_UTF8_MAX];
};

/**
 * struct file_of_item - one file
 * @attr: the file
 * @node: in the hash table
 * @todo: in one of the lists; empty for a file that is there to stay
 * @pool: where to look the item up
 * @owner: who is charged for the file: the owner of the item that it was made for
 * @key_size: bytes of @key
 * @key: key as on the wire
 */
struct file_of_item {
	struct bin_attribute attr;
	struct hlist_node node;
	struct list_head todo;
	struct hkvp_pool *pool;
	enum hkvp_owner owner;
	u32 key_size;
	u8 key[];
};

/* Text of the value as it is now. */
static int get_text(const void *ctx, u8 *text, u32 size)
{
	const struct file_of_item *file = ctx;
	const struct hkvp_item *item;
	int len = -ENOENT;

	rcu_read_lock();
	item = hkvp_version_find(hkvp_pool_current(file->pool), file->key,
				 file->key_size);
	if (item)
		len = hkvp_codec_value_text(text, size, item->type,
					    hkvp_item_value(item),
					    item->value_size);
	rcu_read_unlock();
	return len;
}

static ssize_t read_value(struct file *filp, struct kobject *kobj,
			  hkvp_bin_attribute *attr, char *buf, loff_t off,
			  size_t count)
{
	return hkvp_sysfs_read_value(filp, buf, off, count, get_text,
				     container_of(attr, struct file_of_item,
						  attr));
}

static struct file_of_item *find(struct hkvp_items *items,
				 const struct hkvp_item *item)
{
	const void *key = hkvp_item_key(item);
	struct file_of_item *file;

	hash_for_each_possible(items->files, file, node, item->part.hash)
		if (file->key_size == item->key_size &&
		    !memcmp(file->key, key, file->key_size))
			return file;
	return NULL;
}

static struct file_of_item *make(struct hkvp_items *items,
				 const struct hkvp_item *item)
{
	struct file_of_item *file;
	size_t name_size;
	int len;

	len = hkvp_codec_to_utf8(items->utf8, sizeof(items->utf8),
				 hkvp_item_key(item), item->key_size);
	if (len <= 0)
		return NULL;
	hkvp_name_from_key(items->name, items->utf8, len);
	name_size = strlen(items->name) + 1;

	file = kzalloc(struct_size(file, key, item->key_size + name_size),
		       GFP_FILE);
	if (!file)
		return NULL;
	file->pool = items->pool;
	file->owner = item->owner;
	file->key_size = item->key_size;
	memcpy(file->key, hkvp_item_key(item), item->key_size);
	memcpy(file->key + item->key_size, items->name, name_size);

	sysfs_bin_attr_init(&file->attr);
	file->attr.attr.name = file->key + item->key_size;
	file->attr.attr.mode = hkvp_params.sysfs_mode;
	file->attr.read = read_value;
	return file;
}

static void free_file(struct hkvp_items *items, struct file_of_item *file)
{
	hkvp_budget_give_file(items->pool->budget, file->owner);
	kfree(file);
}

/*
 * sysfs itself asks in a way that kills processes rather than fail. So see first
 * that there is memory.
 */
static bool has_memory(void)
{
	unsigned long page = __get_free_page(GFP_FILE);

	free_page(page);
	return page;
}

/* sysfs warns of a name that is taken; two keys of one hash have the same. */
static bool taken(struct hkvp_items *items, const char *name)
{
	struct kernfs_node *kn = kernfs_find_and_get(items->kobj->sd, name);

	if (!kn)
		return false;
	kernfs_put(kn);
	return true;
}

/* Notes that @item gets a file, if neither the folder nor the budget is full. */
static void add(struct hkvp_items *items, const struct hkvp_item *item)
{
	struct hkvp_budget *budget = items->pool->budget;
	enum hkvp_owner owner = item->owner;
	struct file_of_item *file = NULL;

	if (items->count >= hkvp_params.sysfs_items)
		return;
	if (hkvp_budget_take_file(budget, owner)) {
		file = make(items, item);
		if (!file)
			hkvp_budget_give_file(budget, owner);
	}
	if (!file) {
		items->short_of_memory = true;
		return;
	}
	list_add_tail(&file->todo, &items->create);
	hash_add(items->files, &file->node, item->part.hash);
	items->count++;
}

/* Notes that @file goes. */
static void drop(struct hkvp_items *items, struct file_of_item *file)
{
	hash_del(&file->node);
	items->count--;
	if (list_empty(&file->todo)) {
		list_add_tail(&file->todo, &items->remove);
	} else {
		list_del(&file->todo);
		free_file(items, file);
	}
}

static int follow(void *ctx, const struct hkvp_item *old,
		  const struct hkvp_item *new)
{
	struct hkvp_items *items = ctx;
	struct file_of_item *file;

	cond_resched();
	if (!old) {
		add(items, new);
	} else if (!new) {
		file = find(items, old);
		if (file)
			drop(items, file);
	}
	return 0;
}

/* Items that have no file get one, as far as there is room. */
static void fill(struct hkvp_items *items, const struct hkvp_version *version)
{
	const struct hkvp_item *item;
	u32 i;

	for (i = 0; items->count < hkvp_params.sysfs_items; i++) {
		cond_resched();
		item = hkvp_version_at(version, i);
		if (!item)
			return;
		if (!find(items, item))
			add(items, item);
	}
}

/* Brings what is noted up to date with the pool. */
static void look(struct hkvp_items *items)
{
	struct hkvp_version *now = hkvp_pool_pin(items->pool);
	struct hkvp_version *before = items->seen;

	items->short_of_memory = false;
	if (before)
		hkvp_version_diff(before, now, follow, items);
	if (items->count < hkvp_version_count(now))
		fill(items, now);
	items->seen = now;
	hkvp_version_unpin(before);
}

/* Returns false if it has to be tried again. */
static bool create_file(struct hkvp_items *items, struct file_of_item *file)
{
	if (taken(items, file->attr.attr.name)) {
		drop(items, file);
		return true;
	}
	if (!has_memory() || sysfs_create_bin_file(items->kobj, &file->attr))
		return false;
	list_del_init(&file->todo);
	return true;
}

/* Waits for those who are reading the file. */
static void remove_file(struct hkvp_items *items, struct file_of_item *file)
{
	list_del(&file->todo);
	sysfs_remove_bin_file(items->kobj, &file->attr);
	free_file(items, file);
}

/*
 * One slice of what is noted; returns whether that was all. Removing comes
 * first: a key that went and came again has the same name.
 */
static bool work_off(struct hkvp_items *items)
{
	struct file_of_item *file, *next;
	unsigned int left = SLICE;

	list_for_each_entry_safe(file, next, &items->remove, todo) {
		if (!left--)
			return false;
		remove_file(items, file);
		cond_resched();
	}
	list_for_each_entry_safe(file, next, &items->create, todo) {
		if (!left--)
			return false;
		if (!create_file(items, file)) {
			items->short_of_memory = true;
			return false;
		}
		cond_resched();
	}
	return true;
}

/* All is done: the folder shows the version that was looked at last. */
static void publish(struct hkvp_items *items)
{
	WRITE_ONCE(items->left_out,
		   hkvp_version_count(items->seen) - items->count);
	WRITE_ONCE(items->generation, hkvp_version_generation(items->seen));
	if (items->told)
		sysfs_notify_dirent(items->told);
}

static void sync_work(struct work_struct *work)
{
	struct hkvp_items *items = container_of(to_delayed_work(work),
						struct hkvp_items, sync);
	bool done;

	look(items);
	done = work_off(items);
	if (done)
		publish(items);
	if (items->short_of_memory)
		queue_delayed_work(items->wq, &items->sync, RETRY);
	else if (!done)
		mod_delayed_work(items->wq, &items->sync, 0);
}

/**
 * hkvp_items_create() - make a folder with a file for each item of a pool
 * @parent: folder in which to make it, as "items"
 * @pool: the pool; outlives the folder
 * @wq: queue for its work
 *
 * The files come after the first hkvp_items_changed().
 *
 * Context: process, may sleep.
 * Return: the folder, or NULL: no memory.
 */
struct hkvp_items *hkvp_items_create(struct kobject *parent,
				     struct hkvp_pool *pool,
				     struct workqueue_struct *wq)
{
	struct hkvp_items *items = kzalloc(sizeof(*items), GFP_KERNEL);

	if (!items)
		return NULL;
	items->kobj = kobject_create_and_add("items", parent);
	if (!items->kobj) {
		kfree(items);
		return NULL;
	}
	items->pool = pool;
	items->wq = wq;
	hash_init(items->files);
	INIT_LIST_HEAD(&items->create);
	INIT_LIST_HEAD(&items->remove);
	INIT_DELAYED_WORK(&items->sync, sync_work);
	return items;
}

/**
 * hkvp_items_tell() - wake who waits for the folder's generation in poll()
 * @items: the folder
 * @kobj: folder of the file that shows hkvp_items_generation()
 * @name: name of that file
 *
 * Context: process, may sleep; once, before the first hkvp_items_changed().
 */
void hkvp_items_tell(struct hkvp_items *items, struct kobject *kobj,
		     const char *name)
{
	items->told = sysfs_get_dirent(kobj->sd, name);
}

/**
 * hkvp_items_destroy() - remove a folder and its files
 * @items: the folder, or NULL
 *
 * hkvp_items_changed() is not called any more. On return nobody reads.
 *
 * Context: process, may sleep.
 */
void hkvp_items_destroy(struct hkvp_items *items)
{
	struct file_of_item *file;
	struct hlist_node *next;
	unsigned int bucket;

	if (!items)
		return;
	cancel_delayed_work_sync(&items->sync);
	hkvp_version_unpin(items->seen);
	hash_for_each_safe(items->files, bucket, next, file, node)
		drop(items, file);
	while (!work_off(items))
		cond_resched();
	sysfs_put(items->told);
	kobject_put(items->kobj);
	kfree(items);
}

/**
 * hkvp_items_changed() - the pool has a new version
 * @items: its folder
 *
 * Context: any.
 */
void hkvp_items_changed(struct hkvp_items *items)
{
	queue_delayed_work(items->wq, &items->sync,
			   msecs_to_jiffies(SETTLE_MS));
}

/**
 * hkvp_items_generation() - generation of the version that the folder shows
 * @items: the folder
 *
 * Context: any.
 * Return: the generation.
 */
u64 hkvp_items_generation(const struct hkvp_items *items)
{
	return READ_ONCE(items->generation);
}

/**
 * hkvp_items_left_out() - number of items that have no file
 * @items: the folder
 *
 * Context: any.
 * Return: the number.
 */
u32 hkvp_items_left_out(const struct hkvp_items *items)
{
	return READ_ONCE(items->left_out);
}
