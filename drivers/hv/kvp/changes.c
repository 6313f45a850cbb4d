// SPDX-License-Identifier: GPL-2.0
/*
 * What changed in the pools, as records that many can read.
 *
 * Who changes a pool only marks that; a work item compares the versions and
 * writes the records. So the host's side pays for one queue_delayed_work(), and
 * many changes in a short time become one comparison.
 *
 * Each pool has a ring of its own, so that changes of one pool never push out
 * those of another. Every reader has a place in each ring that he watches, counted
 * in bytes since the beginning. Nobody waits for a reader: one that has fallen
 * behind in a ring is told so by a record, and goes on at that ring's end. As it
 * then lists the pool again, and every version later than the last record still
 * gets its own, it cannot miss the fact of a change.
 *
 * Nothing is compared while nobody watches.
 *
 * What is one thing at a time needs no ring: state and connection, what the host
 * has read, and the requests for those who have a role. A reader has what it was
 * told last, and is told again when it is something else.
 */
#include <linux/mutex.h>
#include <linux/poll.h>
#include <linux/sched/signal.h>
#include <linux/slab.h>
#include <linux/spinlock.h>
#include <linux/string.h>
#include <linux/uio.h>
#include <linux/wait.h>
#include <linux/workqueue.h>
#include <uapi/linux/hv_kvp.h>

#include "changes.h"
#include "codec.h"
#include "hkvp.h"
#include "view.h"

/* Changes that come in a burst are compared together. */
#define SETTLE_MS	10

/* Bytes of entries that are kept of each pool; a power of 2. */
#define RING_BYTES	65536
#define MASK		(RING_BYTES - 1)
static_assert((RING_BYTES & MASK) == 0);

/**
 * struct entry - what a ring has of a change
 * @size: bytes to the next one, a multiple of 8
 * @key_size: bytes of @key; 0 of HV_KVP_EVENT_COMPLETE
 * @kind: HV_KVP_EVENT_ADDED to _COMPLETE
 * @type: enum hkvp_type
 * @origin: where the item comes from; of a key that was deleted: came
 * @generation: generation of the pool in which it is so
 * @item_generation: generation that set the item
 * @sequence: the item's
 * @key: as on the wire
 */
struct entry {
	u16 size;
	u16 key_size;
	u8 kind;
	u8 type;
	struct hkvp_origin origin;
	u64 generation;
	u64 item_generation;
	u64 sequence;
	u8 key[];
};

/* An entry with its key. */
union entry_room {
	struct entry entry;
	u8 bytes[ALIGN(sizeof(struct entry) + HKVP_KEY_SIZE, 8)];
};

/* A record with its key and value. */
#define KEY_OFFSET	sizeof(struct hv_kvp_event_item)
#define VALUE_OFFSET(key_len)	ALIGN(KEY_OFFSET + (key_len) + 1, 8)
#define RECORD_MAX	ALIGN(VALUE_OFFSET(HV_KVP_KEY_MAX) + HV_KVP_VALUE_MAX + 1, 8)
static_assert(RECORD_MAX <= HV_KVP_RECORD_MAX);

/* A read() gives no more than this, for others may write as fast as it reads. */
#define READ_MAX	65536

/**
 * struct ring - the entries of one pool
 * @buf: RING_BYTES
 * @head: bytes written since the beginning
 * @floor: a reader before this has missed something
 * @generation: the entries before @head lead to this version
 */
struct ring {
	u8 *buf;
	u64 head;
	u64 floor;
	u64 generation;
};

/*
 * The records.
 * @lock: of @pools, @requests and the readers' places; process context, with
 *	softirqs off: it is taken under the locks of the IP broker and the mirror,
 *	which softirqs take
 * @pools: a ring for each pool
 * @requests: by role: id of the last request
 * @wait: readers
 */
static struct {
	spinlock_t lock;	/* see above */
	struct ring pools[HKVP_POOL_COUNT];
	u64 requests[HKVP_PLACE_COUNT];
	wait_queue_head_t wait;
} records;

/*
 * What the records are made from.
 * @lock: of @seen and @room
 * @readers: number of readers that watch a pool; rises from 0 and falls to 0
 *	under @lock
 * @kvp: the service
 * @seen: versions that the entries describe, pinned while there are readers
 * @room: room for one entry
 * @wq: queue of the work items
 * @work: writes entries
 * @waker: wakes readers
 */
static struct {
	struct mutex lock;	/* see above */
	atomic_t readers;
	struct hkvp *kvp;
	struct hkvp_version *seen[HKVP_POOL_COUNT];
	union entry_room room;
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

/**
 * struct next - the next record for a reader
 * @at: what of the reader it is about
 * @index: pool or role
 * @from: what the reader has there now
 * @to: what it has once this is told
 * @room: entry of AT_RING
 * @record: the record; its size is in its head
 */
struct next {
	enum {
		AT_REQUEST,
		AT_STATE,
		AT_CONNECTION,
		AT_HOST_READ,
		AT_RING,
	} at;
	u32 index;
	u64 from;
	u64 to;
	union entry_room room;
	union {
		struct hv_kvp_event event;
		struct hv_kvp_event_item item;
		struct hv_kvp_event_pool pool;
		struct hv_kvp_event_state state;
		struct hv_kvp_event_request request;
		u8 bytes[RECORD_MAX];
	} record;
};

static u32 connection(void)
{
	return READ_ONCE(watch.kvp->ic.service.connection);
}

static void copy_into_ring(struct ring *ring, const u8 *src, u32 size)
{
	u32 at = ring->head & MASK;
	u32 first = min_t(u32, size, RING_BYTES - at);

	memcpy(ring->buf + at, src, first);
	memcpy(ring->buf, src + first, size - first);
}

static void copy_from_ring(const struct ring *ring, u64 pos, u8 *dst, u32 size)
{
	u32 at = pos & MASK;
	u32 first = min_t(u32, size, RING_BYTES - at);

	memcpy(dst, ring->buf + at, first);
	memcpy(dst + first, ring->buf, size - first);
}

/* @item: NULL for HV_KVP_EVENT_COMPLETE. Under watch.lock. */
static void tell_entry(struct telling *telling, u32 kind,
		       const struct hkvp_item *item)
{
	struct ring *ring = &records.pools[telling->pool];
	struct entry *entry = &watch.room.entry;

	memset(entry, 0, sizeof(*entry));
	entry->kind = kind;
	entry->generation = telling->generation;
	if (item) {
		entry->key_size = item->key_size;
		entry->type = item->type;
		entry->origin = hkvp_view_origin(item);
		entry->item_generation = hkvp_item_generation(item);
		entry->sequence = item->sequence;
		memcpy(entry->key, hkvp_item_key(item), item->key_size);
	}
	entry->size = ALIGN(sizeof(*entry) + entry->key_size, 8);

	spin_lock_bh(&records.lock);
	copy_into_ring(ring, watch.room.bytes, entry->size);
	ring->head += entry->size;
	ring->generation = telling->generation;
	spin_unlock_bh(&records.lock);
	telling->bytes += entry->size;
}

/* Ends the comparison once it has filled the ring: then nobody can follow. */
static int tell_change(void *ctx, const struct hkvp_item *old,
		       const struct hkvp_item *new)
{
	struct telling *telling = ctx;

	if (telling->bytes > RING_BYTES - sizeof(union entry_room))
		return -EOVERFLOW;
	if (!old)
		tell_entry(telling, HV_KVP_EVENT_ADDED, new);
	else if (!new)
		tell_entry(telling, HV_KVP_EVENT_DELETED, old);
	else
		tell_entry(telling, HV_KVP_EVENT_SET, new);
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
	struct hkvp_version *now = hkvp_pool_pin(&watch.kvp->pools[id]);
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
		tell_entry(&telling, HV_KVP_EVENT_COMPLETE, NULL);
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
 * hkvp_changes_wake() - the state, or what the host has read, may be another
 *
 * Between hkvp_changes_init() and hkvp_changes_exit().
 *
 * Context: any.
 */
void hkvp_changes_wake(void)
{
	queue_work(watch.wq, &watch.waker);
}

/**
 * hkvp_changes_request() - tell of a request for who has a role
 * @place: the role
 * @id: the request's
 *
 * Anybody may have any number of readers wait, and the caller holds a lock: so a
 * work item wakes them.
 *
 * Between hkvp_changes_init() and hkvp_changes_exit().
 *
 * Context: process, or atomic in a process; does not sleep.
 */
void hkvp_changes_request(enum hkvp_place place, u64 id)
{
	spin_lock_bh(&records.lock);
	records.requests[place] = id;
	spin_unlock_bh(&records.lock);
	hkvp_changes_wake();
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
		records.pools[id].buf = kvmalloc(RING_BYTES, GFP_KERNEL);
		if (!records.pools[id].buf) {
			free_rings();
			return -ENOMEM;
		}
	}
	return 0;
}

/**
 * hkvp_changes_init() - get ready for readers
 * @kvp: the service, which outlives this; its pools are there
 *
 * Context: process, may sleep.
 * Return: 0 or -ENOMEM.
 */
int hkvp_changes_init(struct hkvp *kvp)
{
	spin_lock_init(&records.lock);
	init_waitqueue_head(&records.wait);
	mutex_init(&watch.lock);
	INIT_DELAYED_WORK(&watch.work, compare_all);
	INIT_WORK(&watch.waker, wake_readers);
	watch.kvp = kvp;
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
			watch.seen[id] = hkvp_pool_pin(&watch.kvp->pools[id]);
	atomic_inc(&watch.readers);
	mutex_unlock(&watch.lock);
}

static void end_watching(void)
{
	enum hkvp_pool_id id;

	if (!atomic_dec_and_mutex_lock(&watch.readers, &watch.lock))
		return;
	for (id = 0; id < HKVP_POOL_COUNT; id++) {
		hkvp_version_unpin(watch.seen[id]);
		watch.seen[id] = NULL;
	}
	mutex_unlock(&watch.lock);
}

/**
 * hkvp_reader_begin() - a reader who watches nothing
 * @reader: memory for it, zeroed
 *
 * Context: process.
 */
void hkvp_reader_begin(struct hkvp_reader *reader)
{
	mutex_init(&reader->lock);
	mutex_init(&reader->watch_lock);
}

/**
 * hkvp_reader_end() - undo hkvp_reader_begin()
 * @reader: the reader
 *
 * Context: process, may sleep.
 */
void hkvp_reader_end(struct hkvp_reader *reader)
{
	if (reader->counted)
		end_watching();
	mutex_destroy(&reader->watch_lock);
	mutex_destroy(&reader->lock);
}

static u64 host_read_time(u32 pool)
{
	return hkvp_service_host_read(&watch.kvp->ic.service, pool).time;
}

/* What there is now was not a change. Under records.lock. */
static void begin_pool(struct hkvp_reader *reader, u32 pool)
{
	reader->places[pool] = (struct hkvp_place_in_pool) {
		.pos = records.pools[pool].head,
		.connection = connection(),
		.host_read = host_read_time(pool),
	};
}

/**
 * hkvp_reader_watch() - read what happens from now on
 * @reader: the reader
 * @pools: bitmap of pools; those that were watched before go on
 * @flags: HV_KVP_WATCH_*
 *
 * What is being compared at this moment was changed before: to be told of the
 * half of it does no harm.
 *
 * Context: process, may sleep.
 */
void hkvp_reader_watch(struct hkvp_reader *reader, u32 pools, u32 flags)
{
	bool less;
	u32 id;

	mutex_lock(&reader->watch_lock);
	if (pools && !reader->counted)
		begin_watching();
	spin_lock_bh(&records.lock);
	for (id = 0; id < HKVP_POOL_COUNT; id++)
		if (pools & ~reader->pools & BIT(id))
			begin_pool(reader, id);
	if (flags & ~reader->flags & HV_KVP_WATCH_STATE) {
		reader->state = READ_ONCE(watch.kvp->ic.state);
		reader->connection = connection();
	}
	if (flags & ~reader->flags & HV_KVP_WATCH_HOST_READ)
		for (id = 0; id < HKVP_POOL_COUNT; id++)
			reader->places[id].host_read = host_read_time(id);
	less = reader->pools & ~pools || reader->flags & ~flags;
	reader->pools = pools;
	reader->flags = flags;
	spin_unlock_bh(&records.lock);
	if (!pools && reader->counted)
		end_watching();
	reader->counted = pools;
	mutex_unlock(&reader->watch_lock);
	/* who waits for what is not watched any more */
	if (less)
		hkvp_changes_wake();
}

/**
 * hkvp_reader_set_role() - be told of requests, or no longer
 * @reader: the reader
 * @place: for which role
 * @has: whether the reader has it; requests from before are not told
 *
 * Context: process.
 */
void hkvp_reader_set_role(struct hkvp_reader *reader, enum hkvp_place place,
			  bool has)
{
	spin_lock_bh(&records.lock);
	reader->requests[place] = records.requests[place];
	if (has)
		reader->roles |= BIT(place);
	else
		reader->roles &= ~BIT(place);
	spin_unlock_bh(&records.lock);
}

static void begin_record(struct next *next, u32 kind, u32 pool, u32 size)
{
	memset(&next->record, 0, size);
	next->record.event = (struct hv_kvp_event) {
		.size = size, .kind = kind, .pool = pool,
	};
}

/* A request comes before all else. Under records.lock, as all that find. */
static bool find_request(struct next *next, const struct hkvp_reader *reader)
{
	static const u32 kinds[] = {
		[HKVP_PLACE_IP] = HV_KVP_EVENT_IP_REQUEST,
		[HKVP_PLACE_MIRROR] = HV_KVP_EVENT_HOST_ASKS,
	};
	u32 place;

	for (place = 0; place < HKVP_PLACE_COUNT; place++) {
		next->from = reader->requests[place];
		next->to = records.requests[place];
		if (!(reader->roles & BIT(place)) || next->from == next->to)
			continue;
		next->at = AT_REQUEST;
		next->index = place;
		begin_record(next, kinds[place], HV_KVP_NO_POOL,
			     sizeof(next->record.request));
		next->record.request.id = next->to;
		return true;
	}
	return false;
}

static bool find_state(struct next *next, const struct hkvp_reader *reader)
{
	const struct hkvp_ic *ic = &watch.kvp->ic;
	u32 state = READ_ONCE(ic->state), now = connection();

	if (!(reader->flags & HV_KVP_WATCH_STATE) ||
	    (state == reader->state && now == reader->connection))
		return false;
	next->at = AT_STATE;
	next->from = (u64)reader->state << 32 | reader->connection;
	next->to = (u64)state << 32 | now;
	begin_record(next, HV_KVP_EVENT_STATE, HV_KVP_NO_POOL,
		     sizeof(next->record.state));
	next->record.state.state = state;
	next->record.state.connection = now;
	next->record.state.framework = READ_ONCE(ic->versions.fw);
	next->record.state.message = READ_ONCE(ic->versions.msg);
	return true;
}

static void make_pool_record(struct next *next, u32 kind, u32 pool, u64 generation)
{
	begin_record(next, kind, pool, sizeof(next->record.pool));
	next->record.pool.generation = generation;
}

/* The host has connected: what it has set before is stale. */
static bool find_stale(struct next *next, const struct hkvp_place_in_pool *place,
		       u32 pool)
{
	const struct hkvp_version *v;
	u32 now = connection();

	if (!(BIT(pool) & HKVP_HOST_FILLED) || place->connection == now)
		return false;
	next->at = AT_CONNECTION;
	next->from = place->connection;
	next->to = now;
	rcu_read_lock();
	v = hkvp_pool_current(&watch.kvp->pools[pool]);
	make_pool_record(next, HV_KVP_EVENT_STALE, pool,
			 hkvp_version_generation(v));
	rcu_read_unlock();
	next->record.pool.connection = now;
	return true;
}

static bool find_host_read(struct next *next,
			   const struct hkvp_place_in_pool *place, u32 pool)
{
	struct hkvp_host_read read =
		hkvp_service_host_read(&watch.kvp->ic.service, pool);

	if (place->host_read == read.time)
		return false;
	next->at = AT_HOST_READ;
	next->from = place->host_read;
	next->to = read.time;
	make_pool_record(next, HV_KVP_EVENT_HOST_READ, pool, read.generation);
	next->record.pool.time = read.time;
	next->record.pool.connection = read.connection;
	return true;
}

static bool find_in_ring(struct next *next, const struct hkvp_place_in_pool *place,
			 u32 pool)
{
	const struct ring *ring = &records.pools[pool];
	struct entry *entry = &next->room.entry;
	u64 pos = place->pos;

	if (pos == ring->head)
		return false;
	next->at = AT_RING;
	next->from = pos;
	if (pos < ring->floor || ring->head - pos > RING_BYTES) {
		entry->kind = HV_KVP_EVENT_LOST;
		entry->generation = ring->generation;
		next->to = ring->head;
	} else {
		copy_from_ring(ring, pos, next->room.bytes, sizeof(*entry));
		copy_from_ring(ring, pos, next->room.bytes, entry->size);
		next->to = pos + entry->size;
	}
	return true;
}

static bool find_in_pool(struct next *next, const struct hkvp_reader *reader,
			 u32 pool)
{
	const struct hkvp_place_in_pool *place = &reader->places[pool];

	if (!(reader->pools & BIT(pool)))
		return false;
	next->index = pool;
	return find_stale(next, place, pool) ||
	       (reader->flags & HV_KVP_WATCH_HOST_READ &&
		find_host_read(next, place, pool)) ||
	       find_in_ring(next, place, pool);
}

/* After @next has been looked at: its key, its flags, and the end. */
static u32 put_key(struct next *next, u32 pool)
{
	struct hv_kvp_event_item *item = &next->record.item;
	const struct entry *entry = &next->room.entry;
	u32 end, len;

	begin_record(next, entry->kind, pool, sizeof(*item));
	len = hkvp_codec_to_utf8(next->record.bytes + KEY_OFFSET, HV_KVP_KEY_MAX,
				 entry->key, entry->key_size);
	end = VALUE_OFFSET(len);
	memset(next->record.bytes + KEY_OFFSET + len, 0, end - KEY_OFFSET - len);
	item->event.size = end;
	item->generation = entry->generation;
	item->item_generation = entry->item_generation;
	item->sequence = entry->sequence;
	item->item_flags = hkvp_view_flags(pool, entry->origin, connection());
	item->type = entry->type;
	item->key_offset = KEY_OFFSET;
	item->key_len = len;
	return end;
}

/* The value as it is now, from @at on; whoever changed it since is told of too. */
static void put_value(struct next *next, u32 pool, u32 at)
{
	struct hv_kvp_event_item *to = &next->record.item;
	const struct entry *entry = &next->room.entry;
	const struct hkvp_item *item;
	u8 *end;

	rcu_read_lock();
	item = hkvp_version_find(hkvp_pool_current(&watch.kvp->pools[pool]),
				 entry->key, entry->key_size);
	if (item) {
		to->item_generation = hkvp_item_generation(item);
		to->sequence = item->sequence;
		to->item_flags = hkvp_view_flags(pool, hkvp_view_origin(item),
						 connection());
		to->type = item->type;
		to->value_offset = at;
		to->value_len = hkvp_view_value(next->record.bytes + at,
						HV_KVP_VALUE_MAX, item->type,
						hkvp_item_value(item),
						item->value_size);
		end = next->record.bytes + at + to->value_len;
		to->event.size = ALIGN(at + to->value_len + 1, 8);
		memset(end, 0, next->record.bytes + to->event.size - end);
	}
	rcu_read_unlock();
}

/* The record of an entry, which is ours by now. */
static void make_record(struct next *next, u32 flags)
{
	const struct entry *entry = &next->room.entry;
	u32 pool = next->index, end;

	switch (entry->kind) {
	case HV_KVP_EVENT_COMPLETE:
	case HV_KVP_EVENT_LOST:
		make_pool_record(next, entry->kind, pool, entry->generation);
		return;
	default:
		end = put_key(next, pool);
		if (flags & HV_KVP_WATCH_VALUES &&
		    entry->kind != HV_KVP_EVENT_DELETED)
			put_value(next, pool, end);
	}
}

/*
 * The next record; its size, or 0 if there is none. The reader stays where it is
 * until advance_reader(). Then the pools take turns: none that keeps changing holds
 * up another.
 */
static u32 find_next(struct next *next, const struct hkvp_reader *reader)
{
	bool found;
	u32 flags;
	u32 i;

	spin_lock_bh(&records.lock);
	flags = reader->flags;
	found = find_request(next, reader) || find_state(next, reader);
	for (i = 0; !found && i < HKVP_POOL_COUNT; i++)
		found = find_in_pool(next, reader,
				     (reader->turn + i) % HKVP_POOL_COUNT);
	spin_unlock_bh(&records.lock);
	if (!found)
		return 0;
	if (next->at == AT_RING)
		make_record(next, flags);
	return next->record.event.size;
}

static void advance(u64 *place, const struct next *next)
{
	/* it may watch something else by now */
	if (*place == next->from)
		*place = next->to;
}

/* The next pool's turn comes when a step of this one has been told. */
static void advance_in_pool(struct hkvp_reader *reader, const struct next *next)
{
	struct hkvp_place_in_pool *place = &reader->places[next->index];
	u32 kind = next->record.event.kind;

	reader->turn = next->index;
	switch (next->at) {
	case AT_CONNECTION:
		if (place->connection == next->from)
			place->connection = next->to;
		break;
	case AT_HOST_READ:
		advance(&place->host_read, next);
		break;
	default:
		advance(&place->pos, next);
		if (kind == HV_KVP_EVENT_COMPLETE || kind == HV_KVP_EVENT_LOST)
			reader->turn++;
	}
}

static void advance_reader(struct hkvp_reader *reader, const struct next *next)
{
	spin_lock_bh(&records.lock);
	switch (next->at) {
	case AT_REQUEST:
		advance(&reader->requests[next->index], next);
		break;
	case AT_STATE:
		reader->state = next->to >> 32;
		reader->connection = (u32)next->to;
		break;
	default:
		advance_in_pool(reader, next);
	}
	spin_unlock_bh(&records.lock);
}

/* Under records.lock. */
static bool has_news_of_pool(const struct hkvp_reader *reader, u32 pool)
{
	const struct hkvp_place_in_pool *place = &reader->places[pool];

	if (!(reader->pools & BIT(pool)))
		return false;
	return place->pos != records.pools[pool].head ||
	       (BIT(pool) & HKVP_HOST_FILLED &&
		place->connection != connection()) ||
	       (reader->flags & HV_KVP_WATCH_HOST_READ &&
		place->host_read != host_read_time(pool));
}

/* Under records.lock. */
static bool has_news(const struct hkvp_reader *reader)
{
	u32 i;

	for (i = 0; i < HKVP_PLACE_COUNT; i++)
		if (reader->roles & BIT(i) &&
		    reader->requests[i] != records.requests[i])
			return true;
	if (reader->flags & HV_KVP_WATCH_STATE &&
	    (reader->state != READ_ONCE(watch.kvp->ic.state) ||
	     reader->connection != connection()))
		return true;
	for (i = 0; i < HKVP_POOL_COUNT; i++)
		if (has_news_of_pool(reader, i))
			return true;
	return false;
}

/* 1: there is something to read; 0: not yet; -ENODATA: nor will there be. */
static int look(const struct hkvp_reader *reader)
{
	int ret;

	spin_lock_bh(&records.lock);
	ret = has_news(reader);
	if (!ret && !reader->pools && !reader->roles &&
	    !(reader->flags & HV_KVP_WATCH_STATE))
		ret = -ENODATA;
	spin_unlock_bh(&records.lock);
	return ret;
}

/* True if all of it was written. */
static bool give_record(const struct next *next, struct iov_iter *to)
{
	u32 size = next->record.event.size;
	size_t written = copy_to_iter(&next->record, size, to);

	if (written == size)
		return true;
	iov_iter_revert(to, written);
	return false;
}

/* As many whole records as fit; 0 if there is none. */
static ssize_t copy_records(struct hkvp_reader *reader, struct iov_iter *to,
			    struct next *next)
{
	size_t done = 0;
	u32 bytes;
	int err;

	while (done < READ_MAX) {
		err = 0;
		bytes = find_next(next, reader);
		if (bytes > iov_iter_count(to))
			err = -EMSGSIZE;
		else if (bytes && !give_record(next, to))
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

static ssize_t read_now(struct hkvp_reader *reader, struct iov_iter *to,
			bool nonblock, bool nowait)
{
	struct next *next;
	ssize_t ret;

	next = kmalloc(sizeof(*next), nowait ? GFP_NOWAIT | __GFP_ACCOUNT :
					       GFP_KERNEL_ACCOUNT);
	if (!next)
		return nowait ? -EAGAIN : -ENOMEM;
	ret = lock_reader(reader, nonblock);
	if (!ret) {
		ret = copy_records(reader, to, next);
		mutex_unlock(&reader->lock);
	}
	/* values may be secrets */
	kfree_sensitive(next);
	return ret;
}

/**
 * hkvp_reader_read() - read records
 * @reader: the reader
 * @to: where to
 * @nonblock: do not wait for the first one
 * @nowait: nor for anything else; implies @nonblock
 *
 * Context: process, may sleep.
 * Return: bytes of whole records, 0 if @to has no room at all; -EAGAIN, -EMSGSIZE if
 * it does not suffice for the next record, -ENODATA if nothing is watched, -EFAULT,
 * -ENOMEM, -ERESTARTSYS.
 */
ssize_t hkvp_reader_read(struct hkvp_reader *reader, struct iov_iter *to,
			 bool nonblock, bool nowait)
{
	ssize_t ret;
	int found;

	if (!iov_iter_count(to))
		return 0;
	do {
		found = look(reader);
		if (found < 0)
			return found;
		if (!found && nonblock)
			return -EAGAIN;
		if (!found && wait_event_interruptible(records.wait, look(reader)))
			return -ERESTARTSYS;
		ret = read_now(reader, to, nonblock, nowait);
	} while (!ret);
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
	return look(reader) > 0 ? EPOLLIN | EPOLLRDNORM : 0;
}
