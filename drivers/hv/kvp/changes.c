// SPDX-License-Identifier: GPL-2.0
/*
 * What changed in the pools, as records that many can read.
 *
 * Who changes a pool only marks that; a work item compares the versions and
 * writes the records. So the host's side pays for one queue_delayed_work(), and
 * many changes in a short time become one comparison.
 *
 * Each pool has a ring of its own, so that changes of one pool never push out
 * those of another. Every reader has a place in each ring, counted in bytes
 * since the beginning. Nobody waits for a reader: one that has fallen behind in
 * a ring is told so by a record, and goes on at that ring's end. As it then
 * lists the pool again, and every version later than the last record still gets
 * its own, it cannot miss the fact of a change.
 *
 * Nothing is compared while there is no reader.
 *
 * A request for the IP agent is told by a record too, so that an agent has one
 * thing to wait for. There is one request at a time: it needs no ring.
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

/* A record without a key: its head, a NUL, and zeroes. */
#define KEYLESS_SIZE	ALIGN(sizeof(struct hvkvp_change) + 1, 8)

/**
 * struct ring - the records of one pool
 * @buf: HKVP_CHANGES_BYTES
 * @head: bytes written since the beginning
 * @floor: a reader before this has missed something
 * @generation: the records before @head lead to this version
 */
struct ring {
	u8 *buf;
	u64 head;
	u64 floor;
	u64 generation;
};

/*
 * The records.
 * @lock: of @pools, @ip_request and the readers' places; process context, with
 *	softirqs off: it is taken under the IP broker's lock, which softirqs take
 * @pools: a ring for each pool
 * @ip_request: id of the last request for the IP agent
 * @wait: readers
 */
static struct {
	spinlock_t lock;	/* see above */
	struct ring pools[HKVP_POOL_COUNT];
	u64 ip_request;
	wait_queue_head_t wait;
} records;

/*
 * What the records are made from.
 * @lock: of @seen and @record
 * @readers: number of readers; rises from 0 and falls to 0 under @lock
 * @pools: the pools
 * @seen: versions that the records describe, pinned while there are readers
 * @record: room for one
 * @wq: queue of the work items
 * @work: writes records
 * @waker: wakes readers
 */
static struct {
	struct mutex lock;	/* see above */
	atomic_t readers;
	struct hkvp_pool *pools;
	struct hkvp_version *seen[HKVP_POOL_COUNT];
	union record record;
	struct workqueue_struct *wq;
	struct delayed_work work;
	struct work_struct waker;
} watch;

/* What is told of one pool in one go. */
struct telling {
	enum hkvp_pool_id pool;
	u64 generation;
	u32 bytes;
};

/* The next record for a reader, and where it is after that: see struct hkvp_reader. */
struct next {
	union record record;
	u32 place;
	u64 pos;
};

static void copy_into_ring(struct ring *ring, const u8 *src, u32 size)
{
	u32 at = ring->head & MASK;
	u32 first = min_t(u32, size, HKVP_CHANGES_BYTES - at);

	memcpy(ring->buf + at, src, first);
	memcpy(ring->buf, src + first, size - first);
}

static void copy_from_ring(const struct ring *ring, u64 pos, u8 *dst, u32 size)
{
	u32 at = pos & MASK;
	u32 first = min_t(u32, size, HKVP_CHANGES_BYTES - at);

	memcpy(dst, ring->buf + at, first);
	memcpy(dst + first, ring->buf, size - first);
}

/* @key: NULL for HVKVP_CHANGE_VERSION. Under watch.lock. */
static void tell_record(struct telling *telling, u32 kind,
			const struct hkvp_item *key)
{
	struct ring *ring = &records.pools[telling->pool];
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

	spin_lock_bh(&records.lock);
	copy_into_ring(ring, watch.record.bytes, head->size);
	ring->head += head->size;
	ring->generation = telling->generation;
	spin_unlock_bh(&records.lock);
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
		tell_record(telling, HVKVP_CHANGE_ADDED, new);
	else if (!new)
		tell_record(telling, HVKVP_CHANGE_DELETED, old);
	else
		tell_record(telling, HVKVP_CHANGE_SET, new);
	cond_resched();
	return 0;
}

/* Readers who have read all there is of the pool have missed the rest as well. */
static void lose_everybody(const struct telling *telling)
{
	struct ring *ring = &records.pools[telling->pool];

	spin_lock_bh(&records.lock);
	ring->head += 8;
	ring->floor = ring->head;
	ring->generation = telling->generation;
	spin_unlock_bh(&records.lock);
}

/* True if there is something to read. */
static bool compare_pool(enum hkvp_pool_id id)
{
	struct hkvp_version *before = watch.seen[id];
	struct hkvp_version *now = hkvp_pool_pin(&watch.pools[id]);
	struct telling telling = {
		.pool = id, .generation = hkvp_version_generation(now),
	};

	if (telling.generation == hkvp_version_generation(before)) {
		hkvp_version_unpin(now);
		return false;
	}
	if (hkvp_version_diff(before, now, tell_change, &telling))
		lose_everybody(&telling);
	else
		tell_record(&telling, HVKVP_CHANGE_VERSION, NULL);
	watch.seen[id] = now;
	hkvp_version_unpin(before);
	return true;
}

static void compare_all(struct work_struct *work)
{
	enum hkvp_pool_id id;
	bool told = false;

	mutex_lock(&watch.lock);
	for (id = 0; atomic_read(&watch.readers) && id < HKVP_POOL_COUNT; id++)
		told |= compare_pool(id);
	mutex_unlock(&watch.lock);
	if (told)
		wake_up_interruptible(&records.wait);
}

static void wake_readers(struct work_struct *work)
{
	wake_up_interruptible(&records.wait);
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
 * Anybody may have any number of readers wait, and the caller holds the IP
 * broker's lock: so a work item wakes them.
 *
 * Between hkvp_changes_init() and hkvp_changes_exit().
 *
 * Context: process, or atomic in a process; does not sleep.
 */
void hkvp_changes_ip_request(u64 id)
{
	spin_lock_bh(&records.lock);
	records.ip_request = id;
	spin_unlock_bh(&records.lock);
	queue_work(watch.wq, &watch.waker);
}

static void free_rings(void)
{
	enum hkvp_pool_id id;

	for (id = 0; id < HKVP_POOL_COUNT; id++)
		kvfree(records.pools[id].buf);
}

static int alloc_rings(void)
{
	enum hkvp_pool_id id;

	for (id = 0; id < HKVP_POOL_COUNT; id++) {
		records.pools[id].buf = kvmalloc(HKVP_CHANGES_BYTES, GFP_KERNEL);
		if (!records.pools[id].buf) {
			free_rings();
			return -ENOMEM;
		}
	}
	return 0;
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
	spin_lock_init(&records.lock);
	init_waitqueue_head(&records.wait);
	mutex_init(&watch.lock);
	INIT_DELAYED_WORK(&watch.work, compare_all);
	INIT_WORK(&watch.waker, wake_readers);
	watch.pools = pools;
	watch.wq = alloc_workqueue("hv_kvp_changes", WQ_UNBOUND, 0);
	if (!watch.wq)
		return -ENOMEM;
	if (alloc_rings()) {
		destroy_workqueue(watch.wq);
		return -ENOMEM;
	}
	return 0;
}

/**
 * hkvp_changes_exit() - undo hkvp_changes_init()
 *
 * There is no reader, and nobody marks changes or makes requests any more.
 *
 * Context: process, may sleep.
 */
void hkvp_changes_exit(void)
{
	cancel_delayed_work_sync(&watch.work);
	destroy_workqueue(watch.wq);
	free_rings();
}

/* Only the first reader waits for the work item, which may take a while. */
static void begin_watching(void)
{
	enum hkvp_pool_id id;

	if (atomic_inc_not_zero(&watch.readers))
		return;
	mutex_lock(&watch.lock);
	if (!atomic_read(&watch.readers))
		for (id = 0; id < HKVP_POOL_COUNT; id++)
			watch.seen[id] = hkvp_pool_pin(&watch.pools[id]);
	atomic_inc(&watch.readers);
	mutex_unlock(&watch.lock);
}

/**
 * hkvp_reader_begin() - read what changes from now on
 * @reader: the reader
 *
 * What is being compared at this moment was changed before: to be told of the
 * half of it does no harm.
 *
 * Context: process, may sleep.
 */
void hkvp_reader_begin(struct hkvp_reader *reader)
{
	enum hkvp_pool_id id;

	mutex_init(&reader->lock);
	begin_watching();
	spin_lock_bh(&records.lock);
	for (id = 0; id < HKVP_POOL_COUNT; id++)
		reader->pos[id] = records.pools[id].head;
	reader->pos[HKVP_PLACE_IP] = records.ip_request;
	spin_unlock_bh(&records.lock);
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

	if (atomic_dec_and_mutex_lock(&watch.readers, &watch.lock)) {
		for (id = 0; id < HKVP_POOL_COUNT; id++) {
			hkvp_version_unpin(watch.seen[id]);
			watch.seen[id] = NULL;
		}
		mutex_unlock(&watch.lock);
	}
	mutex_destroy(&reader->lock);
}

static void make_keyless(struct next *next, u32 kind, u32 pool, u64 generation)
{
	memset(&next->record, 0, KEYLESS_SIZE);
	next->record.head.size = KEYLESS_SIZE;
	next->record.head.kind = kind;
	next->record.head.pool = pool;
	next->record.head.generation = generation;
}

/* The next record of a pool; false if there is none. Under records.lock. */
static bool find_in_pool(struct next *next, const struct hkvp_reader *reader,
			 u32 pool)
{
	const struct ring *ring = &records.pools[pool];
	u64 pos = reader->pos[pool];

	if (pos == ring->head)
		return false;
	next->place = pool;
	if (pos < ring->floor || ring->head - pos > HKVP_CHANGES_BYTES) {
		make_keyless(next, HVKVP_CHANGE_LOST, pool, ring->generation);
		next->pos = ring->head;
	} else {
		copy_from_ring(ring, pos, next->record.bytes,
			       sizeof(next->record.head));
		copy_from_ring(ring, pos, next->record.bytes,
			       next->record.head.size);
		next->pos = pos + next->record.head.size;
	}
	return true;
}

/*
 * The next record; its size, or 0 if there is none. The reader stays where it is
 * until advance_reader(). A request comes first, then the pools take turns: none
 * that keeps changing holds up another, or a request.
 */
static u32 find_next(struct next *next, const struct hkvp_reader *reader)
{
	bool found = false;
	u32 i;

	spin_lock_bh(&records.lock);
	if (reader->pos[HKVP_PLACE_IP] != records.ip_request) {
		make_keyless(next, HVKVP_CHANGE_IP_REQUEST, 0,
			     records.ip_request);
		next->place = HKVP_PLACE_IP;
		next->pos = records.ip_request;
		found = true;
	}
	for (i = 0; !found && i < HKVP_POOL_COUNT; i++)
		found = find_in_pool(next, reader,
				     (reader->turn + i) % HKVP_POOL_COUNT);
	spin_unlock_bh(&records.lock);
	return found ? next->record.head.size : 0;
}

/* The next pool's turn comes when a step of this one has been told. */
static void advance_reader(struct hkvp_reader *reader, const struct next *next)
{
	u32 kind = next->record.head.kind;

	spin_lock_bh(&records.lock);
	reader->pos[next->place] = next->pos;
	if (next->place != HKVP_PLACE_IP)
		reader->turn = next->place;
	if (kind == HVKVP_CHANGE_VERSION || kind == HVKVP_CHANGE_LOST)
		reader->turn++;
	spin_unlock_bh(&records.lock);
}

static bool is_readable(const struct hkvp_reader *reader)
{
	bool ret;
	u32 i;

	spin_lock_bh(&records.lock);
	ret = reader->pos[HKVP_PLACE_IP] != records.ip_request;
	for (i = 0; i < HKVP_POOL_COUNT; i++)
		ret |= reader->pos[i] != records.pools[i].head;
	spin_unlock_bh(&records.lock);
	return ret;
}

/* As many whole records as fit; 0 if there is none. */
static ssize_t copy_records(struct hkvp_reader *reader, char __user *buf,
			    size_t size, struct next *next)
{
	size_t done = 0;
	u32 bytes;
	int err;

	/* no more than a ring holds, for others may write as fast as we read */
	while (done < HKVP_CHANGES_BYTES) {
		err = 0;
		bytes = find_next(next, reader);
		if (bytes > size - done)
			err = -EINVAL;
		else if (copy_to_user(buf + done, &next->record, bytes))
			err = -EFAULT;
		if (err || !bytes)
			return done ?: err;
		advance_reader(reader, next);
		done += bytes;
	}
	return done;
}

/* Others who read the same descriptor may be stuck in their memory. */
static int lock_reader(struct hkvp_reader *reader, bool nonblock)
{
	if (nonblock)
		return mutex_trylock(&reader->lock) ? 0 : -EAGAIN;
	return mutex_lock_interruptible(&reader->lock) ? -ERESTARTSYS : 0;
}

/**
 * hkvp_reader_read() - read change records
 * @reader: the reader
 * @buf: where to
 * @size: bytes at @buf
 * @nonblock: do not wait for the first one
 *
 * Context: process, may sleep.
 * Return: bytes of whole records, 0 if @size is 0; -EAGAIN, -EINVAL if @size does
 * not suffice for the next record, -EFAULT, -ENOMEM, -ERESTARTSYS.
 */
ssize_t hkvp_reader_read(struct hkvp_reader *reader, char __user *buf,
			 size_t size, bool nonblock)
{
	struct next *next;
	ssize_t ret;

	if (!size)
		return 0;
	next = kmalloc(sizeof(*next), GFP_KERNEL_ACCOUNT);
	if (!next)
		return -ENOMEM;
	do {
		ret = lock_reader(reader, nonblock);
		if (ret)
			break;
		ret = copy_records(reader, buf, size, next);
		mutex_unlock(&reader->lock);
		if (ret)
			break;
		ret = nonblock ? -EAGAIN :
		      wait_event_interruptible(records.wait,
					       is_readable(reader));
	} while (!ret);
	kfree(next);
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
	poll_wait(filp, &records.wait, wait);
	return is_readable(reader) ? EPOLLIN | EPOLLRDNORM : 0;
}
