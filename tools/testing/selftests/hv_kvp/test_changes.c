// SPDX-License-Identifier: GPL-2.0
/* poll() and read(): what changed */
#include <poll.h>
#include <signal.h>
#include <sys/time.h>

#include "harness.h"

#define GUEST	HVKVP_POOL_GUEST
#define LATER	20000	/* ms; long enough for a slow guest */

static char buffer[1 << 16];

static bool ready(int fd, int timeout)
{
	struct pollfd p = { .fd = fd, .events = POLLIN };
	int ret = OK(poll(&p, 1, timeout));

	CHECK(!ret || p.revents == POLLIN);
	return ret;
}

/* The next record, whole. */
static const struct hvkvp_change *next(int fd)
{
	static struct {
		struct hvkvp_change head;
		char key[HVKVP_CHANGE_MAX - sizeof(struct hvkvp_change)];
	} change;
	ssize_t size;

	CHECK(ready(fd, LATER));
	/* one at a time: there is room for one of this size, and no more */
	for (size_t room = sizeof(change.head) + 8;; room += 8) {
		CHECK(room <= sizeof(change));
		size = read(fd, &change, room);
		if (size >= 0)
			break;
		EQUAL(errno, EINVAL);
	}
	EQUAL(size, change.head.size);
	EQUAL(size % 8, 0);
	CHECK(size <= HVKVP_CHANGE_MAX);
	EQUAL(change.key[change.head.key_len], 0);
	return &change.head;
}

static void expect_in(int fd, unsigned int pool, unsigned int kind,
		      const char *key, uint64_t gen)
{
	const struct hvkvp_change *change = next(fd);

	EQUAL(change->pool, pool);
	EQUAL(change->kind, kind);
	EQUAL(change->generation, gen);
	EQUAL(change->key_len, strlen(key));
	CHECK(!strcmp((const char *)change->key, key));
}

static void expect(int fd, unsigned int kind, const char *key, uint64_t gen)
{
	expect_in(fd, GUEST, kind, key, gen);
}

TEST(nothing_at_first)
{
	int fd = open_device(O_RDWR | O_NONBLOCK), late;

	CHECK(!ready(fd, 0));
	FAILS(read(fd, buffer, sizeof(buffer)), EAGAIN);
	OK(set(fd, "a", "1"));
	CHECK(ready(fd, LATER));
	/* who comes later does not see what was before */
	late = open_device(O_RDONLY | O_NONBLOCK);
	CHECK(!ready(late, 100));
	FAILS(read(late, buffer, sizeof(buffer)), EAGAIN);
}

TEST(each_kind)
{
	int fd = open_device(O_RDWR), writer = open_device(O_WRONLY);
	uint64_t gen = generation(fd, GUEST);

	OK(set(writer, "key", "1"));
	expect(fd, HVKVP_CHANGE_ADDED, "key", ++gen);
	expect(fd, HVKVP_CHANGE_VERSION, "", gen);
	OK(set(writer, "key", "2"));
	expect(fd, HVKVP_CHANGE_SET, "key", ++gen);
	expect(fd, HVKVP_CHANGE_VERSION, "", gen);
	OK(delete(writer, "key"));
	expect(fd, HVKVP_CHANGE_DELETED, "key", ++gen);
	expect(fd, HVKVP_CHANGE_VERSION, "", gen);
	CHECK(!ready(fd, 50));
}

TEST(come_and_gone)
{
	int fd = open_device(O_RDWR);
	uint64_t gen = generation(fd, GUEST);
	const struct hvkvp_change *change;

	/* even where nothing is left to tell, the version is told */
	OK(set(fd, "key", "1"));
	OK(delete(fd, "key"));
	do {
		change = next(fd);
	} while (change->kind != HVKVP_CHANGE_VERSION ||
		 change->generation < gen + 2);
	EQUAL(change->generation, gen + 2);
}

TEST(longest_key)
{
	static char key[HVKVP_KEY_MAX + 1];
	int fd = open_device(O_RDWR);
	uint64_t gen = generation(fd, GUEST);

	for (size_t i = 0; i < HVKVP_KEY_MAX; i += 3)
		memcpy(key + i, "\xe2\x82\xac", 3);
	OK(set(fd, key, ""));
	expect(fd, HVKVP_CHANGE_ADDED, key, gen + 1);
}

TEST(many_at_a_time)
{
	int fd = open_device(O_RDWR), readers[2];
	unsigned int told = 0;
	ssize_t size;

	readers[0] = open_device(O_RDONLY);
	readers[1] = open_device(O_RDONLY);
	set_many(fd, 100, "v");
	for (int i = 0; i < 2; i++) {
		CHECK(ready(readers[i], LATER));
		rest(200);
		size = OK(read(readers[i], buffer, sizeof(buffer)));
		told = 0;
		for (ssize_t at = 0; at < size; told++)
			at += ((struct hvkvp_change *)(buffer + at))->size;
		EQUAL(told, 101);
		CHECK(!ready(readers[i], 0));
	}
}

TEST(too_little_room)
{
	int fd = open_device(O_RDWR);

	OK(set(fd, "key", "1"));
	CHECK(ready(fd, LATER));
	EQUAL(OK(read(fd, buffer, 0)), 0);
	FAILS(read(fd, buffer, 24), EINVAL);
	FAILS(read(fd, buffer, 31), EINVAL);
	EQUAL(OK(read(fd, buffer, 32)), 32);
}

TEST(read_of_nothing)
{
	int fd = open_device(O_RDWR);

	/* at once, whether there is something or not */
	alarm(LATER / 1000);
	EQUAL(OK(read(fd, buffer, 0)), 0);
	EQUAL(OK(read(fd, BAD_POINTER, 0)), 0);
	OK(set(fd, "key", "1"));
	CHECK(ready(fd, LATER));
	EQUAL(OK(read(fd, buffer, 0)), 0);
	CHECK(ready(fd, 0));
}

/* Falls behind: is told so once, and then what comes from there on. */
static void fall_behind(int fd, int writer)
{
	uint64_t gen;

	CHECK(ready(fd, 0));
	expect(fd, HVKVP_CHANGE_LOST, "", generation(writer, GUEST));
	CHECK(!ready(fd, 100));
	FAILS(read(fd, buffer, sizeof(buffer)), EAGAIN);
	OK(set(writer, "after", "x"));
	gen = generation(writer, GUEST);
	expect(fd, HVKVP_CHANGE_ADDED, "after", gen);
	expect(fd, HVKVP_CHANGE_VERSION, "", gen);
}

TEST(overflow_step_by_step)
{
	int fd = open_device(O_RDONLY | O_NONBLOCK);
	int follower = open_device(O_RDONLY);
	int writer = open_device(O_RDWR);
	unsigned int total = 0, size = info(fd).changes_bytes;
	char key[256] = { };

	/* long, for each step waits until it is told */
	memset(key, 'k', sizeof(key) - 1);
	while (total <= size) {
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
	static struct hvkvp_op ops[WIDE];
	static char keys[WIDE][WIDTH + 1];
	struct hvkvp_batch arg = {
		.ops = PTR(ops), .pool = GUEST, .count = WIDE,
		.op_size = sizeof(ops[0]),
	};

	CHECK(WIDE * WIDTH > info(writer).changes_bytes);
	for (int i = 0; i < WIDE; i++) {
		snprintf(keys[i], sizeof(keys[i]), "%0*d", WIDTH, i);
		ops[i] = (struct hvkvp_op) {
			.key = PTR(keys[i]), .key_len = WIDTH,
			.op = HVKVP_OP_SET, .type = HVKVP_TYPE_SZ,
		};
	}
	OK(ioctl(writer, HVKVP_IOC_BATCH, &arg));
	rest(1000);
}

TEST(overflow_at_once)
{
	int fd = open_device(O_RDONLY | O_NONBLOCK);
	int follower = open_device(O_RDONLY | O_NONBLOCK);
	int writer = open_device(O_RDWR);
	uint64_t gen = generation(writer, GUEST) + 1;

	overflow(writer);
	fall_behind(fd, writer);
	/* what came after the loss, and before it was told, is lost with it */
	expect(follower, HVKVP_CHANGE_LOST, "", gen + 1);
	CHECK(!ready(follower, 0));
	/* who has lost the thread lists anew, and has it all */
	EQUAL(count_items(follower, GUEST), WIDE + 1);
}

/* Whoever fills one pool takes nothing from those who watch another. */
TEST(pools_apart)
{
	int fd = open_device(O_RDONLY | O_NONBLOCK);
	int writer = open_device(O_RDWR);
	uint64_t gen;

	OK(import_one(writer, HVKVP_POOL_EXTERNAL, HVKVP_IMPORT_REPLACE, "kept",
		      "1", NULL));
	gen = generation(writer, HVKVP_POOL_EXTERNAL);
	CHECK(ready(fd, LATER));
	overflow(writer);
	expect_in(fd, HVKVP_POOL_EXTERNAL, HVKVP_CHANGE_ADDED, "kept", gen);
	expect_in(fd, HVKVP_POOL_EXTERNAL, HVKVP_CHANGE_VERSION, "", gen);
	expect(fd, HVKVP_CHANGE_LOST, "", generation(writer, GUEST));
	CHECK(!ready(fd, 0));
}

TEST(blocking_read_wakes)
{
	int fd = open_device(O_RDWR);
	struct hvkvp_change *change = (void *)buffer;

	if (!fork()) {
		rest(300);
		OK(set(open_device(O_WRONLY), "wake", "up"));
		_exit(0);
	}
	CHECK(OK(read(fd, buffer, sizeof(buffer))) >= 32);
	CHECK(!strcmp((char *)change->key, "wake"));
}

static void on_signal(int sig)
{
	(void)sig;
}

TEST(signal_ends_the_wait)
{
	struct sigaction sa = { .sa_handler = on_signal };
	struct itimerval soon = { .it_value = { .tv_usec = 200000 } };
	int fd = open_device(O_RDONLY);

	OK(sigaction(SIGALRM, &sa, NULL));
	OK(setitimer(ITIMER_REAL, &soon, NULL));
	FAILS(read(fd, buffer, sizeof(buffer)), EINTR);
}

TEST(bad_pointer)
{
	int fd = open_device(O_RDWR);
	uint64_t gen = generation(fd, GUEST);

	OK(set(fd, "key", "1"));
	CHECK(ready(fd, LATER));
	FAILS(read(fd, BAD_POINTER, 4096), EFAULT);
	FAILS(read(fd, edge() - 8, 4096), EFAULT);
	/* nothing is lost by that */
	expect(fd, HVKVP_CHANGE_ADDED, "key", gen + 1);
	/* what was copied counts; the rest comes with the next call */
	OK(set(fd, "key", "2"));
	rest(300);
	EQUAL(OK(read(fd, edge() - 40, 4096)), 32);
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
	int fd = open_device(O_RDWR), other = dup(fd);

	OK(set(fd, "key", "1"));
	CHECK(ready(fd, LATER));
	rest(100);
	OK(read(other, buffer, sizeof(buffer)));
	CHECK(!ready(fd, 0));
}
