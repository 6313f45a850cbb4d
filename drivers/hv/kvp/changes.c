// SPDX-License-Identifier: GPL-2.0
/*
 * What changed in the pools, as records in a ring that many can read.
 *
 * Who changes a pool only marks that; a work item compares the versions and
 * writes the records. So the host's side pays for one queue_delayed_work(), and
 * many changes in a short time become one comparison. Every reader has a place
 * of its own, counted in bytes since the beginning. Nobody waits for a reader:
 * one that has fallen behind is told so once, and goes on at the end. As it then
 * lists the pools anew, and every version later than the last record still gets
 * its own, it cannot miss the fact of a change.
 *
 * Nothing is compared while there is no reader.
 *
 * Requests for the IP agent are told in the same ring, so that who waits has one
 * thing to wait for.
 */
#include <linux/fs.h>
#include <linux/mutex.h>
#include <linux/poll.h>
#include <linux/sched/signal.h>
#include <linux/slab.h>
#include <linux/spinlock.h>
#include <linux/string.h>
#include <linux/uaccess.h>
#include <linux/wait.h>
#include <linux/workqueue.h>
#include <uapi/linux/hv_kvp.h>

#include "changes.h"
#include "codec.h"
#include "pool.h"

/* Changes that come in a burst are compared together. */
#define SETTLE_MS	10

#define MASK		(HKVP_CHANGES_BYTES - 1)
static_assert((HKVP_CHANGES_BYTES & MASK) == 0);

/* A record with its key. */
union record {
	struct hvkvp_change head;
	u8 bytes[HVKVP_CHANGE_MAX];
};

static_assert(HVKVP_CHANGE_MAX ==
	      ALIGN(sizeof(struct hvkvp_change) + HVKVP_KEY_MAX + 1, 8));

/*
 * The records.
 * @lock: of everything here and of the readers' places; process context, and
 *	with softirqs off: taken under the IP broker's lock, which they take too
 * @buf: HKVP_CHANGES_BYTES
 * @head: bytes written since the beginning
 * @floor: who is before this has missed something
 * @wait: readers
 */
static struct {
	spinlock_t lock;	/* see above */
	u8 *buf;
	u64 head;
	u64 floor;
	wait_queue_head_t wait;
} ring;

/*
 * What the records are made from.
 * @lock: of everything below
 * @readers: number of readers
 * @pools: the pools
 * @seen: versions that the records describe, pinned while there are readers
 * @record: room for one
 * @wq: queue of @work
 * @work: writes records
 */
static struct {
	struct mutex lock;	/* see above */
	u32 readers;
	struct hkvp_pool *pools;
	struct hkvp_version *seen[HKVP_POOL_COUNT];
	union record record;
	struct workqueue_struct *wq;
	struct delayed_work work;
} watch;

/* What is told of one pool in one go. */
struct telling {
	enum hkvp_pool_id pool;
	u64 generation;
	u32 bytes;
};

static void ring_copy_in(u64 pos, const u8 *src, u32 size)
{
	u32 first = min_t(u32, size, HKVP_CHANGES_BYTES - (pos & MASK));

	memcpy(ring.buf + (pos & MASK), src, first);
	memcpy(ring.buf, src + first, size - first);
}

static void ring_copy_out(u64 pos, u8 *dst, u32 size)
{
	u32 first = min_t(u32, size, HKVP_CHANGES_BYTES - (pos & MASK));

	memcpy(dst, ring.buf + (pos & MASK), first);
	memcpy(dst + first, ring.buf, size - first);
}

/* @key: NULL for HVKVP_CHANGE_VERSION. Under watch.lock. */
static void tell(struct telling *telling, u32 kind, const struct hkvp_item *key)
{
	struct hvkvp_change *head = &watch.record.head;
	u32 len = 0;

	if (key)
		len = hkvp_codec_to_utf8(head->key, HVKVP_KEY_MAX,
					 hkvp_item_key(key), key->key_size);
	head->size = ALIGN(sizeof(*head) + len + 1, 8);
	head->pool = telling->pool;
	head->kind = kind;
	head->key_len = len;
	head->generation = telling->generation;
	memset(head->key + len, 0, head->size - sizeof(*head) - len);

	spin_lock_bh(&ring.lock);
	ring_copy_in(ring.head, watch.record.bytes, head->size);
	ring.head += head->size;
	spin_unlock_bh(&ring.lock);
	telling->bytes += head->size;
}

/* Ends the comparison once it has filled the ring: then nobody can follow. */
static int tell_change(void *ctx, const struct hkvp_item *old,
		       const struct hkvp_item *new)
{
	struct telling *telling = ctx;

	if (telling->bytes > HKVP_CHANGES_BYTES - HVKVP_CHANGE_MAX)
		return -EOVERFLOW;
	if (!old)
		tell(telling, HVKVP_CHANGE_ADDED, new);
	else if (!new)
		tell(telling, HVKVP_CHANGE_DELETED, old);
	else
		tell(telling, HVKVP_CHANGE_SET, new);
	cond_resched();
	return 0;
}

/* Readers who have read all there is have missed the rest as well. */
static void lose_everybody(void)
{
	spin_lock_bh(&ring.lock);
	ring.head += 8;
	ring.floor = ring.head;
	spin_unlock_bh(&ring.lock);
}

static void compare(enum hkvp_pool_id id)
{
	struct hkvp_version *before = watch.seen[id];
	struct hkvp_version *now = hkvp_pool_pin(&watch.pools[id]);
	struct telling telling = {
		.pool = id, .generation = hkvp_version_generation(now),
	};

	if (telling.generation == hkvp_version_generation(before)) {
		hkvp_version_unpin(now);
		return;
	}
	if (hkvp_version_diff(before, now, tell_change, &telling))
		lose_everybody();
	else
		tell(&telling, HVKVP_CHANGE_VERSION, NULL);
	watch.seen[id] = now;
	hkvp_version_unpin(before);
	wake_up_interruptible(&ring.wait);
}

static void compare_all(struct work_struct *work)
{
	enum hkvp_pool_id id;

	mutex_lock(&watch.lock);
	for (id = 0; watch.readers && id < HKVP_POOL_COUNT; id++)
		compare(id);
	mutex_unlock(&watch.lock);
}

/**
 * hkvp_changes_mark() - some pool has a new version
 *
 * Between hkvp_changes_init() and hkvp_changes_exit().
 *
 * Context: any.
 */
void hkvp_changes_mark(void)
{
	queue_delayed_work(watch.wq, &watch.work, msecs_to_jiffies(SETTLE_MS));
}

/**
 * hkvp_changes_ip_request() - tell of a request for the IP agent
 * @id: the request's
 *
 * Between hkvp_changes_init() and hkvp_changes_exit().
 *
 * Context: process, or atomic in a process; does not sleep.
 */
void hkvp_changes_ip_request(u64 id)
{
	/*
	 * No key, but its NUL, and zeroes. All goes to userland, and what is
	 * behind the head an initializer of that alone need not clear.
	 */
	union {
		u8 bytes[ALIGN(sizeof(struct hvkvp_change) + 1, 8)];
		struct hvkvp_change head;
	} record = { .bytes = { } };

	record.head.size = sizeof(record);
	record.head.kind = HVKVP_CHANGE_IP_REQUEST;
	record.head.generation = id;
	spin_lock_bh(&ring.lock);
	ring_copy_in(ring.head, record.bytes, sizeof(record));
	ring.head += sizeof(record);
	spin_unlock_bh(&ring.lock);
	wake_up_interruptible(&ring.wait);
}

/**
 * hkvp_changes_init() - get ready for readers
 * @pools: HKVP_POOL_COUNT pools, which outlive this
 *
 * Context: process, may sleep.
 * Return: 0 or -ENOMEM.
 */
int hkvp_changes_init(struct hkvp_pool *pools)
{
	spin_lock_init(&ring.lock);
	init_waitqueue_head(&ring.wait);
	mutex_init(&watch.lock);
	INIT_DELAYED_WORK(&watch.work, compare_all);
	watch.pools = pools;
	watch.wq = alloc_workqueue("hv_kvp_changes", WQ_UNBOUND, 0);
	if (!watch.wq)
		return -ENOMEM;
	ring.buf = kvmalloc(HKVP_CHANGES_BYTES, GFP_KERNEL);
	if (!ring.buf) {
		destroy_workqueue(watch.wq);
		return -ENOMEM;
	}
	return 0;
}

/**
 * hkvp_changes_exit() - undo hkvp_changes_init()
 *
 * There is no reader, and nobody marks changes any more.
 *
 * Context: process, may sleep.
 */
void hkvp_changes_exit(void)
{
	cancel_delayed_work_sync(&watch.work);
	destroy_workqueue(watch.wq);
	kvfree(ring.buf);
}

/**
 * hkvp_reader_begin() - read what changes from now on
 * @reader: the reader
 *
 * Context: process, may sleep.
 */
void hkvp_reader_begin(struct hkvp_reader *reader)
{
	enum hkvp_pool_id id;

	mutex_init(&reader->lock);
	mutex_lock(&watch.lock);
	if (!watch.readers++)
		for (id = 0; id < HKVP_POOL_COUNT; id++)
			watch.seen[id] = hkvp_pool_pin(&watch.pools[id]);
	spin_lock_bh(&ring.lock);
	reader->pos = ring.head;
	spin_unlock_bh(&ring.lock);
	mutex_unlock(&watch.lock);
}

/**
 * hkvp_reader_end() - undo hkvp_reader_begin()
 * @reader: the reader
 *
 * Context: process, may sleep.
 */
void hkvp_reader_end(struct hkvp_reader *reader)
{
	enum hkvp_pool_id id;

	mutex_lock(&watch.lock);
	if (!--watch.readers)
		for (id = 0; id < HKVP_POOL_COUNT; id++) {
			hkvp_version_unpin(watch.seen[id]);
			watch.seen[id] = NULL;
		}
	mutex_unlock(&watch.lock);
	mutex_destroy(&reader->lock);
}

/*
 * The next record; its size, 0 if there is none, or -EOVERFLOW. The place of the
 * reader stays until advance() or skip().
 */
static int peek(struct hkvp_reader *reader, union record *record)
{
	int ret = 0;

	spin_lock_bh(&ring.lock);
	if (reader->pos < ring.floor ||
	    ring.head - reader->pos > HKVP_CHANGES_BYTES) {
		ret = -EOVERFLOW;
	} else if (reader->pos != ring.head) {
		ring_copy_out(reader->pos, record->bytes, sizeof(record->head));
		ring_copy_out(reader->pos, record->bytes, record->head.size);
		ret = record->head.size;
	}
	spin_unlock_bh(&ring.lock);
	return ret;
}

static void advance(struct hkvp_reader *reader, u32 size)
{
	spin_lock_bh(&ring.lock);
	reader->pos += size;
	spin_unlock_bh(&ring.lock);
}

static void skip(struct hkvp_reader *reader)
{
	spin_lock_bh(&ring.lock);
	reader->pos = ring.head;
	spin_unlock_bh(&ring.lock);
}

static bool readable(const struct hkvp_reader *reader)
{
	bool ret;

	spin_lock_bh(&ring.lock);
	ret = reader->pos != ring.head;
	spin_unlock_bh(&ring.lock);
	return ret;
}

/* As many whole records as fit; 0 if there is none. */
static ssize_t copy_records(struct hkvp_reader *reader, char __user *buf,
			    size_t size, union record *record)
{
	size_t done = 0;
	int ret;

	/* no more than the ring holds, for others may write as fast as we read */
	while (done < HKVP_CHANGES_BYTES) {
		ret = peek(reader, record);
		if (ret > 0 && ret > size - done)
			ret = -EINVAL;
		if (ret > 0 && copy_to_user(buf + done, record, ret))
			ret = -EFAULT;
		if (ret <= 0 && done)
			break;
		if (ret == -EOVERFLOW)
			skip(reader);
		if (ret <= 0)
			return ret;
		advance(reader, ret);
		done += ret;
	}
	return done;
}

/**
 * hkvp_reader_read() - read change records
 * @reader: the reader
 * @buf: where to
 * @size: bytes at @buf
 * @nonblock: do not wait for the first one
 *
 * Context: process, may sleep.
 * Return: bytes of whole records; -EOVERFLOW once for what was missed, -EAGAIN,
 * -EINVAL if @size does not suffice for the next record, -EFAULT, -ENOMEM,
 * -ERESTARTSYS.
 */
ssize_t hkvp_reader_read(struct hkvp_reader *reader, char __user *buf,
			 size_t size, bool nonblock)
{
	union record *record;
	ssize_t ret;

	record = kmalloc(sizeof(*record), GFP_KERNEL_ACCOUNT);
	if (!record)
		return -ENOMEM;
	do {
		if (mutex_lock_interruptible(&reader->lock)) {
			ret = -ERESTARTSYS;
			break;
		}
		ret = copy_records(reader, buf, size, record);
		mutex_unlock(&reader->lock);
		if (ret)
			break;
		ret = nonblock ? -EAGAIN :
		      wait_event_interruptible(ring.wait, readable(reader));
	} while (!ret);
	kfree(record);
	return ret;
}

/**
 * hkvp_reader_poll() - is there something to read?
 * @reader: the reader
 * @filp: its file
 * @wait: as poll gives it
 *
 * Context: process.
 * Return: EPOLLIN and EPOLLRDNORM, or 0.
 */
__poll_t hkvp_reader_poll(struct hkvp_reader *reader, struct file *filp,
			  poll_table *wait)
{
	poll_wait(filp, &ring.wait, wait);
	return readable(reader) ? EPOLLIN | EPOLLRDNORM : 0;
}
