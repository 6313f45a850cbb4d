// SPDX-License-Identifier: GPL-2.0
/* HV_KVP_IOC_WATCH, poll() and read(): what happened */
#define _GNU_SOURCE
#include <poll.h>
#include <signal.h>
#include <sys/time.h>
#include <sys/uio.h>

#include "harness.h"

#define GUEST	HV_KVP_POOL_GUEST
#define ALL	((1U << HV_KVP_POOL_COUNT) - 1)
#define LATER	20000	/* ms; long enough for a slow guest */

/* Of a record of a key that has no value. */
#define RECORD(key_len)	((sizeof(struct hv_kvp_event_item) + (key_len) + 8) / 8 * 8)

static char buffer[1 << 16] __attribute__((aligned(8)));

static int open_watch(int flags)
{
	int fd = open_device(flags);

	OK(watch_pools(fd, ALL, 0));
	return fd;
}

static bool ready(int fd, int timeout)
{
	struct pollfd p = { .fd = fd, .events = POLLIN };
	int ret = OK(poll(&p, 1, timeout));

	CHECK(!ret || p.revents == POLLIN);
	return ret;
}

/* The next record, whole. */
static const struct hv_kvp_event_item *next(int fd)
{
	static union {
		struct hv_kvp_event_item item;
		char bytes[HV_KVP_RECORD_MAX];
	} record;
	ssize_t size;

	CHECK(ready(fd, LATER));
	/* one at a time: there is room for one of this size, and no more */
	for (size_t room = sizeof(record.item.event) + 8;; room += 8) {
		CHECK(room <= sizeof(record));
		size = read(fd, &record, room);
		if (size >= 0)
			break;
		EQUAL(errno, EMSGSIZE);
	}
	EQUAL(size, record.item.event.size);
	EQUAL(size % 8, 0);
	EQUAL(record.item.event.flags, 0);
	return &record.item;
}

static const char *event_key(const struct hv_kvp_event_item *item)
{
	return (const char *)item + item->key_offset;
}

static const char *event_value(const struct hv_kvp_event_item *item)
{
	return (const char *)item + item->value_offset;
}

static const struct hv_kvp_event_item *expect_item(int fd, unsigned int pool,
						   unsigned int kind,
						   const char *key, uint64_t gen)
{
	const struct hv_kvp_event_item *item = next(fd);

	EQUAL(item->event.pool, pool);
	EQUAL(item->event.kind, kind);
	EQUAL(item->generation, gen);
	EQUAL(item->key_len, strlen(key));
	CHECK(item->key_offset >= sizeof(*item));
	CHECK(!strcmp(event_key(item), key));
	return item;
}

static const struct hv_kvp_event_item *expect(int fd, unsigned int kind,
					      const char *key, uint64_t gen)
{
	return expect_item(fd, GUEST, kind, key, gen);
}

static void expect_pool(int fd, unsigned int pool, unsigned int kind, uint64_t gen)
{
	const struct hv_kvp_event_pool *record = (const void *)next(fd);

	EQUAL(record->event.pool, pool);
	EQUAL(record->event.kind, kind);
	EQUAL(record->generation, gen);
	EQUAL(record->event.size, sizeof(*record));
	EQUAL(record->time, 0);
	EQUAL(record->connection, 0);
	EQUAL(record->reserved, 0);
}

static void complete(int fd, uint64_t gen)
{
	expect_pool(fd, GUEST, HV_KVP_EVENT_COMPLETE, gen);
}

/* Nothing is told before somebody asks. */
TEST(asked_for)
{
	int fd = open_device(O_RDWR);

	alarm(LATER / 1000);
	FAILS(read(fd, buffer, sizeof(buffer)), ENODATA);
	OK(set(fd, "a", "1"));
	CHECK(!ready(fd, 100));
	FAILS(read(fd, buffer, sizeof(buffer)), ENODATA);
	OK(watch_pools(fd, 1U << GUEST, 0));
	OK(set(fd, "b", "1"));
	CHECK(ready(fd, LATER));
	OK(watch_pools(fd, 0, 0));
	CHECK(!ready(fd, 0));
	FAILS(read(fd, buffer, sizeof(buffer)), ENODATA);
}

TEST(nothing_at_first)
{
	int fd = open_watch(O_RDWR | O_NONBLOCK), late;

	CHECK(!ready(fd, 0));
	FAILS(read(fd, buffer, sizeof(buffer)), EAGAIN);
	OK(set(fd, "a", "1"));
	CHECK(ready(fd, LATER));
	/* who comes later does not see what was before */
	late = open_watch(O_RDONLY | O_NONBLOCK);
	CHECK(!ready(late, 100));
	FAILS(read(late, buffer, sizeof(buffer)), EAGAIN);
}

TEST(each_kind)
{
	int fd = open_watch(O_RDWR), writer = open_device(O_WRONLY);
	const struct hv_kvp_event_item *item;
	uint64_t gen = generation(fd, GUEST), sequence;

	OK(set(writer, "key", "1"));
	item = expect(fd, HV_KVP_EVENT_ADDED, "key", ++gen);
	EQUAL(item->item_generation, gen);
	EQUAL(item->item_flags, 0);
	EQUAL(item->type, HV_KVP_TYPE_SZ);
	EQUAL(item->value_offset, 0);
	EQUAL(item->value_len, 0);
	sequence = item->sequence;
	CHECK(sequence);
	complete(fd, gen);
	OK(set(writer, "key", "2"));
	item = expect(fd, HV_KVP_EVENT_SET, "key", ++gen);
	EQUAL(item->item_generation, gen);
	EQUAL(item->sequence, sequence);
	complete(fd, gen);
	OK(delete(writer, "key"));
	item = expect(fd, HV_KVP_EVENT_DELETED, "key", ++gen);
	/* as it was */
	EQUAL(item->item_generation, gen - 1);
	EQUAL(item->sequence, sequence);
	complete(fd, gen);
	CHECK(!ready(fd, 50));
}

TEST(values)
{
	int fd = open_device(O_RDWR);
	const struct hv_kvp_event_item *item;
	uint64_t gen, number = 0x0102030405060708;

	OK(watch_pools(fd, 1U << GUEST, HV_KVP_WATCH_VALUES));
	OK(set(fd, "key", "value"));
	gen = generation(fd, GUEST);
	item = expect(fd, HV_KVP_EVENT_ADDED, "key", gen);
	EQUAL(item->value_offset % 8, 0);
	EQUAL(item->value_len, 5);
	CHECK(!strcmp(event_value(item), "value"));
	complete(fd, gen);
	OK(set_typed(fd, GUEST, HV_KVP_TYPE_QWORD, "key", 3, &number, 8));
	item = expect(fd, HV_KVP_EVENT_SET, "key", ++gen);
	EQUAL(item->type, HV_KVP_TYPE_QWORD);
	EQUAL(*(const uint64_t *)event_value(item), number);
	complete(fd, gen);
	/* of a key that is gone by the time it is told there is none */
	OK(set(fd, "key", "again"));
	CHECK(ready(fd, LATER));
	OK(delete(fd, "key"));
	item = expect(fd, HV_KVP_EVENT_SET, "key", ++gen);
	EQUAL(item->value_offset, 0);
	complete(fd, gen);
	item = expect(fd, HV_KVP_EVENT_DELETED, "key", ++gen);
	EQUAL(item->value_offset, 0);
}

/* What is told is the value as it is, with what belongs to it. */
TEST(newer_values)
{
	int fd = open_device(O_RDWR);
	const struct hv_kvp_event_item *item;
	uint64_t gen;

	OK(watch_pools(fd, 1U << GUEST, HV_KVP_WATCH_VALUES));
	OK(set(fd, "key", "1"));
	gen = generation(fd, GUEST);
	CHECK(ready(fd, LATER));
	OK(set(fd, "key", "22"));
	item = expect(fd, HV_KVP_EVENT_ADDED, "key", gen);
	EQUAL(item->item_generation, gen + 1);
	CHECK(!strcmp(event_value(item), "22"));
	complete(fd, gen);
	item = expect(fd, HV_KVP_EVENT_SET, "key", gen + 1);
	EQUAL(item->item_generation, gen + 1);
}

TEST(only_pools_that_are_watched)
{
	int fd = open_device(O_RDWR | O_NONBLOCK);
	uint64_t gen;

	OK(watch_pools(fd, 1U << HV_KVP_POOL_EXTERNAL, 0));
	OK(set(fd, "key", "1"));
	CHECK(!ready(fd, 200));
	OK(import_one(fd, HV_KVP_POOL_EXTERNAL, true, "key", "1", NULL));
	gen = generation(fd, HV_KVP_POOL_EXTERNAL);
	EQUAL(expect_item(fd, HV_KVP_POOL_EXTERNAL, HV_KVP_EVENT_ADDED, "key",
			  gen)->item_flags,
	      HV_KVP_ITEM_HOST | HV_KVP_ITEM_STALE);
	expect_pool(fd, HV_KVP_POOL_EXTERNAL, HV_KVP_EVENT_COMPLETE, gen);
	/* who adds a pool begins there, and keeps its place in the others */
	OK(import_one(fd, HV_KVP_POOL_EXTERNAL, true, "key", "2", NULL));
	CHECK(ready(fd, LATER));
	OK(watch_pools(fd, 1U << GUEST | 1U << HV_KVP_POOL_EXTERNAL, 0));
	expect_item(fd, HV_KVP_POOL_EXTERNAL, HV_KVP_EVENT_SET, "key", gen + 1);
	expect_pool(fd, HV_KVP_POOL_EXTERNAL, HV_KVP_EVENT_COMPLETE, gen + 1);
	CHECK(!ready(fd, 100));
	OK(set(fd, "key", "2"));
	expect(fd, HV_KVP_EVENT_SET, "key", generation(fd, GUEST));
}

TEST(bad_watches)
{
	int fd = open_device(O_RDWR);

	FAILS(watch_pools(fd, ALL + 1, 0), EINVAL);
	FAILS(watch_pools(fd, ALL, HV_KVP_WATCH_HOST_READ << 1), EINVAL);
	FAILS(watch_pools(open_device(O_WRONLY), ALL, 0), EBADF);
	FAILS(ioctl(fd, HV_KVP_IOC_WATCH, BAD_POINTER), EFAULT);
	FAILS(read(fd, buffer, sizeof(buffer)), ENODATA);
}

TEST(come_and_gone)
{
	int fd = open_watch(O_RDWR);
	uint64_t gen = generation(fd, GUEST);
	const struct hv_kvp_event_item *item;

	/* even where nothing is left to tell, the version is told */
	OK(set(fd, "key", "1"));
	OK(delete(fd, "key"));
	do {
		item = next(fd);
	} while (item->event.kind != HV_KVP_EVENT_COMPLETE ||
		 item->generation < gen + 2);
	EQUAL(item->generation, gen + 2);
}

TEST(longest_key)
{
	static char key[HV_KVP_KEY_MAX + 1];
	int fd = open_watch(O_RDWR);
	uint64_t gen = generation(fd, GUEST);

	for (size_t i = 0; i < HV_KVP_KEY_MAX; i += 3)
		memcpy(key + i, "\xe2\x82\xac", 3);
	OK(set(fd, key, ""));
	expect(fd, HV_KVP_EVENT_ADDED, key, gen + 1);
}

TEST(largest_record)
{
	static char key[HV_KVP_KEY_MAX + 1], value[HV_KVP_VALUE_MAX + 1];
	int fd = open_device(O_RDWR);
	const struct hv_kvp_event_item *item;

	for (size_t i = 0; i < HV_KVP_KEY_MAX; i += 3)
		memcpy(key + i, "\xe2\x82\xac", 3);
	for (size_t i = 0; i < HV_KVP_VALUE_MAX; i += 3)
		memcpy(value + i, "\xe2\x82\xac", 3);
	OK(watch_pools(fd, 1U << GUEST, HV_KVP_WATCH_VALUES));
	OK(set(fd, key, value));
	item = expect(fd, HV_KVP_EVENT_ADDED, key, generation(fd, GUEST));
	CHECK(item->event.size <= HV_KVP_RECORD_MAX);
	EQUAL(item->value_len, HV_KVP_VALUE_MAX);
	CHECK(!strcmp(event_value(item), value));
}

TEST(many_at_a_time)
{
	int fd = open_device(O_RDWR), readers[2];
	unsigned int told = 0;
	ssize_t size;

	readers[0] = open_watch(O_RDONLY);
	readers[1] = open_watch(O_RDONLY);
	set_many(fd, 100, "v");
	for (int i = 0; i < 2; i++) {
		CHECK(ready(readers[i], LATER));
		rest(200);
		size = OK(read(readers[i], buffer, sizeof(buffer)));
		told = 0;
		for (ssize_t at = 0; at < size; told++)
			at += ((struct hv_kvp_event *)(buffer + at))->size;
		EQUAL(told, 101);
		CHECK(!ready(readers[i], 0));
	}
}

TEST(too_little_room)
{
	int fd = open_watch(O_RDWR);

	OK(set(fd, "key", "1"));
	CHECK(ready(fd, LATER));
	EQUAL(OK(read(fd, buffer, 0)), 0);
	FAILS(read(fd, buffer, sizeof(struct hv_kvp_event)), EMSGSIZE);
	FAILS(read(fd, buffer, RECORD(3) - 1), EMSGSIZE);
	EQUAL(OK(read(fd, buffer, RECORD(3))), RECORD(3));
}

TEST(read_of_nothing)
{
	int fd = open_device(O_RDWR);

	/* at once, whether there is something or not, and will be or not */
	alarm(LATER / 1000);
	EQUAL(OK(read(fd, buffer, 0)), 0);
	OK(watch_pools(fd, ALL, 0));
	EQUAL(OK(read(fd, buffer, 0)), 0);
	EQUAL(OK(read(fd, BAD_POINTER, 0)), 0);
	OK(set(fd, "key", "1"));
	CHECK(ready(fd, LATER));
	EQUAL(OK(read(fd, buffer, 0)), 0);
	CHECK(ready(fd, 0));
}

/* One read(), however many pieces its buffer has: it does not wait for the last. */
TEST(readv_with_data_in_hand)
{
	char pieces[3][RECORD(3)];
	struct iovec iov[3];
	int fd = open_watch(O_RDWR);

	for (int i = 0; i < 3; i++)
		iov[i] = (struct iovec) { pieces[i], sizeof(pieces[i]) };
	OK(set(fd, "key", "1"));
	CHECK(ready(fd, LATER));
	rest(200);
	alarm(LATER / 1000);
	EQUAL(OK(readv(fd, iov, 3)), RECORD(3) + sizeof(struct hv_kvp_event_pool));
	/* records cross from one piece to the next */
	OK(set(fd, "key", "2"));
	rest(200);
	iov[0].iov_len = 10;
	iov[1].iov_len = 0;
	EQUAL(OK(readv(fd, iov, 3)), RECORD(3));
	EQUAL(((struct hv_kvp_event *)pieces[0])->size, RECORD(3));
	CHECK(!memcmp(pieces[2] + sizeof(struct hv_kvp_event_item) - 10, "key", 4));
}

TEST(preadv2_that_may_not_wait)
{
	struct iovec iov = { buffer, sizeof(buffer) };
	int fd = open_watch(O_RDWR);

	alarm(LATER / 1000);
	FAILS(preadv2(fd, &iov, 1, -1, RWF_NOWAIT), EAGAIN);
	OK(set(fd, "key", "1"));
	CHECK(ready(fd, LATER));
	CHECK(OK(preadv2(fd, &iov, 1, -1, RWF_NOWAIT)) >= (long)RECORD(3));
}

TEST(into_a_pipe)
{
	int fd = open_watch(O_RDWR), pipes[2];
	struct hv_kvp_event_item *item = (void *)buffer;
	ssize_t size;

	OK(pipe(pipes));
	OK(set(fd, "key", "1"));
	CHECK(ready(fd, LATER));
	rest(200);
	size = OK(splice(fd, NULL, pipes[1], NULL, sizeof(buffer), 0));
	EQUAL(size, RECORD(3) + sizeof(struct hv_kvp_event_pool));
	EQUAL(OK(read(pipes[0], buffer, sizeof(buffer))), size);
	EQUAL(item->event.kind, HV_KVP_EVENT_ADDED);
	CHECK(!strcmp(event_key(item), "key"));
}

/* Falls behind: is told so once, and then what comes from there on. */
static void fall_behind(int fd, int writer)
{
	uint64_t gen;

	CHECK(ready(fd, 0));
	expect_pool(fd, GUEST, HV_KVP_EVENT_LOST, generation(writer, GUEST));
	CHECK(!ready(fd, 100));
	FAILS(read(fd, buffer, sizeof(buffer)), EAGAIN);
	OK(set(writer, "after", "x"));
	gen = generation(writer, GUEST);
	expect(fd, HV_KVP_EVENT_ADDED, "after", gen);
	complete(fd, gen);
}

TEST(overflow_step_by_step)
{
	int fd = open_watch(O_RDONLY | O_NONBLOCK);
	int follower = open_watch(O_RDONLY);
	int writer = open_device(O_RDWR);
	unsigned int total = 0;
	char key[256] = { };

	/* long, for each step waits until it is told */
	memset(key, 'k', sizeof(key) - 1);
	while (total <= RING_BYTES) {
		OK(set(writer, key, ""));
		CHECK(ready(follower, LATER));
		total += OK(read(follower, buffer, sizeof(buffer)));
	}
	/* the version is told a moment after the last change */
	rest(200);
	fall_behind(fd, writer);
}

#define WIDE	800		/* operations */
#define WIDTH	100		/* bytes of a key */

/* One version with more changes than the ring has room for. */
static void overflow(int writer)
{
	static struct hv_kvp_op ops[WIDE];
	static char keys[WIDE][WIDTH + 1];
	struct hv_kvp_batch arg = {
		.ops = PTR(ops), .pool = GUEST, .count = WIDE,
		.op_size = sizeof(ops[0]),
	};

	CHECK(WIDE * WIDTH > RING_BYTES);
	for (int i = 0; i < WIDE; i++) {
		snprintf(keys[i], sizeof(keys[i]), "%0*d", WIDTH, i);
		ops[i] = (struct hv_kvp_op) {
			.key = PTR(keys[i]), .key_len = WIDTH,
			.op = HV_KVP_OP_SET, .type = HV_KVP_TYPE_SZ,
		};
	}
	OK(ioctl(writer, HV_KVP_IOC_BATCH, &arg));
	rest(1000);
}

TEST(overflow_at_once)
{
	int fd = open_watch(O_RDONLY | O_NONBLOCK);
	int follower = open_watch(O_RDONLY | O_NONBLOCK);
	int writer = open_device(O_RDWR);
	uint64_t gen = generation(writer, GUEST) + 1;

	overflow(writer);
	fall_behind(fd, writer);
	/* what came after the loss, and before it was told, is lost with it */
	expect_pool(follower, GUEST, HV_KVP_EVENT_LOST, gen + 1);
	CHECK(!ready(follower, 0));
	/* who has lost the thread lists anew, and has it all */
	EQUAL(count_items(follower, GUEST), WIDE + 1);
}

/* Whoever fills one pool takes nothing from those who watch another. */
TEST(pools_apart)
{
	int fd = open_watch(O_RDONLY | O_NONBLOCK);
	int writer = open_device(O_RDWR);
	uint64_t gen;

	OK(import_one(writer, HV_KVP_POOL_EXTERNAL, true, "kept", "1", NULL));
	gen = generation(writer, HV_KVP_POOL_EXTERNAL);
	CHECK(ready(fd, LATER));
	overflow(writer);
	expect_item(fd, HV_KVP_POOL_EXTERNAL, HV_KVP_EVENT_ADDED, "kept", gen);
	expect_pool(fd, HV_KVP_POOL_EXTERNAL, HV_KVP_EVENT_COMPLETE, gen);
	expect_pool(fd, GUEST, HV_KVP_EVENT_LOST, generation(writer, GUEST));
	CHECK(!ready(fd, 0));
}

TEST(blocking_read_wakes)
{
	int fd = open_watch(O_RDWR);
	struct hv_kvp_event_item *item = (void *)buffer;

	if (!fork()) {
		rest(300);
		OK(set(open_device(O_WRONLY), "wake", "up"));
		_exit(0);
	}
	CHECK(OK(read(fd, buffer, sizeof(buffer))) >= (long)RECORD(4));
	CHECK(!strcmp(event_key(item), "wake"));
}

/* Who waits for what is not watched any more does not wait for ever. */
TEST(end_of_the_watch_wakes)
{
	int fd = open_watch(O_RDWR);

	if (!fork()) {
		rest(300);
		OK(watch_pools(fd, 0, 0));
		_exit(0);
	}
	alarm(LATER / 1000);
	FAILS(read(fd, buffer, sizeof(buffer)), ENODATA);
}

static void on_signal(int sig)
{
	(void)sig;
}

TEST(signal_ends_the_wait)
{
	struct sigaction sa = { .sa_handler = on_signal };
	struct itimerval soon = { .it_value = { .tv_usec = 200000 } };
	int fd = open_watch(O_RDONLY);

	OK(sigaction(SIGALRM, &sa, NULL));
	OK(setitimer(ITIMER_REAL, &soon, NULL));
	FAILS(read(fd, buffer, sizeof(buffer)), EINTR);
}

TEST(bad_pointer)
{
	int fd = open_watch(O_RDWR);
	uint64_t gen = generation(fd, GUEST);

	OK(set(fd, "key", "1"));
	CHECK(ready(fd, LATER));
	FAILS(read(fd, BAD_POINTER, 4096), EFAULT);
	FAILS(read(fd, edge() - 8, 4096), EFAULT);
	/* nothing is lost by that */
	expect(fd, HV_KVP_EVENT_ADDED, "key", gen + 1);
	complete(fd, gen + 1);
	/* what was copied counts; the rest comes with the next call */
	OK(set(fd, "key", "2"));
	rest(300);
	EQUAL(OK(read(fd, edge() - RECORD(3) - 8, 4096)), RECORD(3));
}

TEST(not_open_for_reading)
{
	int fd = open_device(O_WRONLY);
	struct pollfd p = { .fd = fd, .events = POLLIN };

	FAILS(read(fd, buffer, sizeof(buffer)), EBADF);
	OK(set(fd, "key", "1"));
	EQUAL(OK(poll(&p, 1, 100)), 0);
}

TEST(shared_descriptor)
{
	int fd = open_watch(O_RDWR), other = dup(fd);

	OK(set(fd, "key", "1"));
	CHECK(ready(fd, LATER));
	rest(100);
	OK(read(other, buffer, sizeof(buffer)));
	CHECK(!ready(fd, 0));
}
