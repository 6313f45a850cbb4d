// SPDX-License-Identifier: GPL-2.0
/* HV_KVP_IOC_LIST */
#define _GNU_SOURCE
#include <sched.h>
#include <sys/stat.h>
#include <sys/wait.h>

#include "harness.h"

#define MANY	500
#define USER	1000
#define OTHER	1001

static char buffer[1 << 20];

static int list(int fd, struct hv_kvp_list *arg, unsigned int pool,
		uint64_t cursor, void *where, unsigned int size)
{
	memset(arg, 0, sizeof(*arg));
	arg->buffer = PTR(where);
	arg->size = size;
	arg->cursor = cursor;
	arg->pool = pool;
	return ioctl(fd, HV_KVP_IOC_LIST, arg);
}

/* Checks the records of one call; returns their number. */
static unsigned int check_items(const char *where, unsigned int size)
{
	unsigned int count = 0;

	for (unsigned int at = 0; at < size; count++) {
		const struct hv_kvp_item *item = (const void *)(where + at);
		unsigned int key_end = item->key_offset + item->key_len;
		unsigned int used = item->value_offset + item->value_len;

		EQUAL(item->size % 8, 0);
		EQUAL(item->value_offset % 8, 0);
		CHECK(item->key_offset >= sizeof(*item));
		CHECK(item->value_offset > key_end);
		CHECK(item->value_offset <= key_end + 8);
		CHECK(item->size > used && item->size <= used + 8);
		CHECK(item->size <= HV_KVP_RECORD_MAX);
		CHECK(at + item->size <= size);
		EQUAL(item->reserved, 0);
		CHECK(item->sequence);
		for (; key_end < item->value_offset; key_end++)
			EQUAL(((const char *)item)[key_end], 0);
		for (; used < item->size; used++)
			EQUAL(((const char *)item)[used], 0);
		at += item->size;
	}
	return count;
}

static const struct hv_kvp_item *item_at(unsigned int n)
{
	const char *p = buffer;

	while (n--)
		p += ((const struct hv_kvp_item *)p)->size;
	return (const void *)p;
}

TEST(one_call)
{
	int fd = open_device(O_RDWR);
	const struct hv_kvp_item *item;
	struct hv_kvp_list arg;
	uint32_t number = 4711;

	OK(set(fd, "first", "1"));
	OK(set_typed(fd, HV_KVP_POOL_GUEST, HV_KVP_TYPE_DWORD, "second", 6,
		     &number, 4));
	OK(set(fd, "third", ""));
	OK(list(fd, &arg, HV_KVP_POOL_GUEST, 0, buffer, sizeof(buffer)));
	EQUAL(arg.count, 3);
	EQUAL(arg.total, 3);
	EQUAL(arg.cursor, 0);
	EQUAL(arg.generation, generation(fd, HV_KVP_POOL_GUEST));
	EQUAL(check_items(buffer, arg.size), 3);

	item = item_at(0);
	CHECK(!strcmp(key_of(item), "first"));
	CHECK(!strcmp(value_of(item), "1"));
	EQUAL(item->generation, arg.generation - 2);
	EQUAL(item->flags, 0);
	item = item_at(1);
	EQUAL(item->type, HV_KVP_TYPE_DWORD);
	EQUAL(item->value_len, 4);
	/* in its place, to be read as what it is */
	EQUAL(*(const uint32_t *)value_of(item), number);
	CHECK(item->sequence > item_at(0)->sequence);
	item = item_at(2);
	EQUAL(item->value_len, 0);
	EQUAL(item->generation, arg.generation);
}

TEST(empty_pool)
{
	int fd = open_device(O_RDONLY);
	struct hv_kvp_list arg;

	OK(list(fd, &arg, HV_KVP_POOL_GUEST, 0, NULL, 0));
	EQUAL(arg.count, 0);
	EQUAL(arg.size, 0);
	EQUAL(arg.cursor, 0);
}

TEST(intrinsic)
{
	int fd = open_device(O_RDONLY);
	struct hv_kvp_list arg;
	unsigned int count = 0;

	OK(list(fd, &arg, HV_KVP_POOL_AUTO, 0, buffer, sizeof(buffer)));
	EQUAL(arg.count, 10);
	EQUAL(arg.total, 10);
	EQUAL(arg.cursor, 0);
	EQUAL(check_items(buffer, arg.size), 10);
	CHECK(!strcmp(key_of(item_at(0)), "FullyQualifiedDomainName"));

	arg.cursor = 0;
	do {
		OK(list(fd, &arg, HV_KVP_POOL_AUTO, arg.cursor, buffer, 256));
		count += arg.count;
	} while (arg.cursor);
	EQUAL(count, 10);
	FAILS(list(fd, &arg, HV_KVP_POOL_AUTO, 0, buffer, 8), ERANGE);
	OK(list(fd, &arg, HV_KVP_POOL_AUTO, 0, buffer, arg.size));
	EQUAL(arg.count, 1);
	FAILS(list(fd, &arg, HV_KVP_POOL_GUEST, arg.cursor, buffer, 256),
	      EINVAL);
}

/* Lists in pieces of @size while others change the pool. */
static void in_pieces(unsigned int size)
{
	int fd = open_device(O_RDONLY), writer = open_device(O_RDWR);
	static unsigned char seen[MANY];
	struct hv_kvp_list arg = { };
	uint64_t now;
	unsigned int calls = 0, n;

	set_many(writer, MANY, "old");
	now = generation(fd, HV_KVP_POOL_GUEST);
	do {
		OK(list(fd, &arg, HV_KVP_POOL_GUEST, arg.cursor, buffer, size));
		EQUAL(arg.generation, now);
		EQUAL(arg.total, MANY);
		EQUAL(check_items(buffer, arg.size), arg.count);
		CHECK(arg.size <= size);
		for (unsigned int i = 0; i < arg.count; i++) {
			const char *key = key_of(item_at(i));

			CHECK(sscanf(key, "key-%u", &n) == 1 && n < MANY);
			CHECK(!strcmp(value_of(item_at(i)), "old"));
			CHECK(!seen[n]++);
		}
		if (!calls++) {
			set_many(writer, MANY, "new");
			OK(delete(writer, "key-3"));
			OK(set(writer, "later", "x"));
		}
	} while (arg.cursor);
	CHECK(calls > 1);
	for (unsigned int i = 0; i < MANY; i++)
		CHECK(seen[i]);
	OK(list(fd, &arg, HV_KVP_POOL_GUEST, 0, buffer, sizeof(buffer)));
	EQUAL(arg.count, MANY);
	CHECK(arg.generation > now);
}

TEST(in_small_pieces)
{
	in_pieces(100);
}

TEST(in_large_pieces)
{
	in_pieces(10000);
}

TEST(not_even_one)
{
	int fd = open_device(O_RDWR);
	struct hv_kvp_list arg;
	uint64_t cursor;

	OK(set(fd, "a", "short"));
	OK(set(fd, "b", "a value that is quite a bit longer than that"));
	buffer[0] = '#';
	FAILS(list(fd, &arg, HV_KVP_POOL_GUEST, 0, buffer, 0), ERANGE);
	EQUAL(arg.size, 64);
	EQUAL(arg.cursor, 0);
	FAILS(list(fd, &arg, HV_KVP_POOL_GUEST, 0, buffer, 63), ERANGE);
	EQUAL(buffer[0], '#');
	OK(list(fd, &arg, HV_KVP_POOL_GUEST, 0, buffer, 64));
	EQUAL(arg.count, 1);
	cursor = arg.cursor;
	FAILS(list(fd, &arg, HV_KVP_POOL_GUEST, cursor, buffer, 64), ERANGE);
	EQUAL(arg.cursor, cursor);
	OK(list(fd, &arg, HV_KVP_POOL_GUEST, cursor, buffer, arg.size));
	EQUAL(arg.count, 1);
	EQUAL(arg.cursor, 0);
}

TEST(largest_items)
{
	static char value[HV_KVP_VALUE_MAX];
	int fd = open_device(O_RDWR);
	struct hv_kvp_list arg;

	for (size_t i = 0; i < sizeof(value); i += 3)
		memcpy(value + i, "\xe2\x82\xac", 3);
	for (int i = 0; i < 5; i++) {
		value[0] = 'a' + i;
		value[1] = '-';
		value[2] = '-';
		OK(set_typed(fd, HV_KVP_POOL_GUEST, HV_KVP_TYPE_SZ, value, 759,
			     value + 3, sizeof(value) - 3));
	}
	OK(list(fd, &arg, HV_KVP_POOL_GUEST, 0, buffer, sizeof(buffer)));
	EQUAL(arg.count, 5);
	EQUAL(check_items(buffer, arg.size), 5);
	EQUAL(item_at(4)->value_len, sizeof(value) - 3);
	CHECK(!memcmp(value_of(item_at(4)), value + 3, sizeof(value) - 3));
}

TEST(cursors)
{
	int fd = open_device(O_RDWR), other = open_device(O_RDONLY);
	struct hv_kvp_list arg;
	uint64_t cursor;

	set_many(fd, 10, "v");
	OK(list(fd, &arg, HV_KVP_POOL_GUEST, 0, buffer, 100));
	cursor = arg.cursor;
	CHECK(cursor);
	/* the same place again */
	OK(list(fd, &arg, HV_KVP_POOL_GUEST, cursor, buffer, 100));
	OK(list(fd, &arg, HV_KVP_POOL_GUEST, cursor, buffer, 130));
	EQUAL(arg.count, 2);
	/* it belongs to its descriptor and its pool */
	FAILS(list(other, &arg, HV_KVP_POOL_GUEST, cursor, buffer, 100),
	      ESTALE);
	FAILS(list(fd, &arg, HV_KVP_POOL_EXTERNAL, cursor, buffer, 100),
	      EINVAL);
	FAILS(list(fd, &arg, HV_KVP_POOL_AUTO, cursor, buffer, 100), EINVAL);
	/* past the end there is nothing */
	OK(list(fd, &arg, HV_KVP_POOL_GUEST, cursor | 0xffffffff, buffer, 100));
	EQUAL(arg.count, 0);
	EQUAL(arg.cursor, 0);
	FAILS(list(fd, &arg, HV_KVP_POOL_GUEST, cursor, buffer, 100), ESTALE);
	/* a new list ends the one before */
	OK(list(fd, &arg, HV_KVP_POOL_GUEST, 0, buffer, 100));
	cursor = arg.cursor;
	OK(list(fd, &arg, HV_KVP_POOL_GUEST, 0, buffer, 100));
	FAILS(list(fd, &arg, HV_KVP_POOL_GUEST, cursor, buffer, 100), ESTALE);
	FAILS(list(fd, &arg, HV_KVP_POOL_GUEST, 1, buffer, 100), ESTALE);
	FAILS(list(fd, &arg, HV_KVP_POOL_GUEST, ~0ULL, buffer, 100), ESTALE);
}

TEST(oldest_cursor_goes)
{
	unsigned int max = LISTS_MAX;
	uint64_t *cursors = calloc(max + 1, sizeof(*cursors));
	int *fds = calloc(max + 1, sizeof(*fds));
	struct hv_kvp_list arg;
	unsigned int i;

	CHECK(cursors && fds);
	set_many(open_device(O_RDWR), 10, "v");
	for (i = 0; i <= max; i++) {
		fds[i] = open_device(O_RDONLY);
		OK(list(fds[i], &arg, HV_KVP_POOL_GUEST, 0, buffer, 100));
		cursors[i] = arg.cursor;
		/* used again, so that it is not the oldest */
		if (i == 1)
			OK(list(fds[0], &arg, HV_KVP_POOL_GUEST, cursors[0],
				buffer, 100));
	}
	FAILS(list(fds[1], &arg, HV_KVP_POOL_GUEST, cursors[1], buffer, 100),
	      ESTALE);
	for (i = 0; i <= max; i++)
		if (i != 1)
			OK(list(fds[i], &arg, HV_KVP_POOL_GUEST, cursors[i],
				buffer, 100));
	/* who goes makes room */
	close(fds[2]);
	OK(list(fds[1], &arg, HV_KVP_POOL_GUEST, 0, buffer, 100));
	OK(list(fds[0], &arg, HV_KVP_POOL_GUEST, cursors[0], buffer, 100));
}

/* Room for a long item or two. */
#define LONG	2000

/* Begins a list on @fd; the cursor. */
static uint64_t begin_with(int fd, size_t room)
{
	struct hv_kvp_list arg;

	OK(list(fd, &arg, HV_KVP_POOL_GUEST, 0, buffer, room));
	CHECK(arg.cursor);
	return arg.cursor;
}

static uint64_t begin(int fd)
{
	return begin_with(fd, 100);
}

static bool goes_on(int fd, uint64_t cursor)
{
	struct hv_kvp_list arg;

	if (!list(fd, &arg, HV_KVP_POOL_GUEST, cursor, buffer, LONG))
		return true;
	EQUAL(errno, ESTALE);
	return false;
}

/* Whoever has too many lists ends his own, and no administrator's. */
TEST(flooder_ends_his_own)
{
	int root, user, flooder = -1;
	unsigned int max;
	uint64_t of_root, of_user, first = 0;

	set_many(open_device(O_RDWR), 10, "v");
	root = open_device(O_RDONLY);
	max = LISTS_MAX;
	of_root = begin(root);
	user = open_device_as(USER, O_RDONLY);
	of_user = begin(user);
	for (unsigned int i = 0; i < 3 * max; i++) {
		int fd = open_device_as(OTHER, O_RDONLY);
		uint64_t cursor = begin(fd);

		if (!i) {
			flooder = fd;
			first = cursor;
		}
	}
	CHECK(!goes_on(flooder, first));
	CHECK(goes_on(user, of_user));
	/* with as many lists as there may be, an administrator's stays */
	for (unsigned int i = 0; i < max; i++)
		begin(open_device_as(OTHER + 1 + i, O_RDONLY));
	CHECK(!goes_on(user, of_user));
	CHECK(goes_on(root, of_root));
}

static void write_file(const char *path, const char *text)
{
	int fd = OK(open(path, O_WRONLY));

	OK(write(fd, text, strlen(text)));
	close(fd);
}

/* A list by each of @count users of a user namespace, which is OTHER's. */
static void flood_from_namespace(unsigned int count, int ready, int go)
{
	char c;

	OK(setgid(OTHER));
	OK(setuid(OTHER));
	enter_user_namespace();
	OK(write(ready, "", 1));
	OK(read(go, &c, 1));
	OK(setgid(0));
	for (unsigned int i = 0; i < count; i++) {
		OK(setresuid(i, i, 0));
		begin(open_device(O_RDONLY));
		OK(setresuid(0, 0, 0));
	}
	_exit(0);
}

/* With a range of uids one is still one user. */
TEST(flooder_with_many_uids)
{
	unsigned int max;
	int user[2], ready[2], go[2], status;
	uint64_t of_user[2];
	char c, path[64];
	pid_t pid;

	if (access("/proc/self/ns/user", F_OK))
		skip_without("user namespaces");
	set_many(open_device(O_RDWR), 10, "v");
	for (int i = 0; i < 2; i++) {
		user[i] = open_device_as(USER, O_RDONLY);
		of_user[i] = begin(user[i]);
	}
	max = LISTS_MAX;
	OK(pipe(ready));
	OK(pipe(go));
	OK(chmod(DEVICE, 0666));
	pid = OK(fork());
	if (!pid)
		flood_from_namespace(2 * max, ready[1], go[0]);
	OK(read(ready[0], &c, 1));
	snprintf(path, sizeof(path), "/proc/%d/uid_map", pid);
	write_file(path, "0 100000 1000");
	snprintf(path, sizeof(path), "/proc/%d/gid_map", pid);
	write_file(path, "0 100000 1000");
	OK(write(go[1], "", 1));
	OK(waitpid(pid, &status, 0));
	OK(chmod(DEVICE, 0600));
	EQUAL(status, 0);
	for (int i = 0; i < 2; i++)
		CHECK(goes_on(user[i], of_user[i]));
}

#define HOLDERS	4
#define HELD	1000		/* items, a good 2 MB with a value of 1,023 units */

TEST(too_much_held)
{
	int fds[HOLDERS], fd = open_device(O_RDWR);
	uint64_t cursors[HOLDERS];
	struct hv_kvp_list arg;
	char value[1024] = { };

	/* the guest is booted with a limit that two old versions exceed */
	CHECK(info(fd).agent_bytes_max <= 4 << 20);
	for (int i = 0; i < HOLDERS; i++) {
		memset(value, 'a' + i, sizeof(value) - 1);
		set_many(fd, HELD, value);
		fds[i] = open_device_as(USER, O_RDONLY);
		OK(list(fds[i], &arg, HV_KVP_POOL_GUEST, 0, buffer, 4096));
		cursors[i] = arg.cursor;
	}
	set_many(fd, HELD, "short");
	/* one is dropped a second; asking in a wrong pool does not use the list */
	for (int tries = 0; tries < 60; tries++) {
		if (list(fds[1], &arg, HV_KVP_POOL_EXTERNAL, cursors[1], buffer,
			 4096) == -1 && errno == ESTALE)
			break;
		rest(1000);
	}
	FAILS(list(fds[0], &arg, HV_KVP_POOL_GUEST, cursors[0], buffer, 4096),
	      ESTALE);
	FAILS(list(fds[1], &arg, HV_KVP_POOL_GUEST, cursors[1], buffer, 4096),
	      ESTALE);
	OK(list(fds[HOLDERS - 1], &arg, HV_KVP_POOL_GUEST, cursors[HOLDERS - 1],
		buffer, 4096));
}

/* Whoever fills the pool again and again does not end the lists of root. */
TEST(administrator_of_a_pool_that_is_filled)
{
	int root = open_device(O_RDONLY), fd = open_device(O_RDWR);
	char value[1024] = { };
	uint64_t cursor = 0;

	CHECK(info(fd).agent_bytes_max <= 4 << 20);
	for (int i = 0; i < HOLDERS; i++) {
		memset(value, 'a' + i, sizeof(value) - 1);
		set_many(fd, HELD, value);
		if (!i)
			cursor = begin_with(root, LONG);
		begin_with(open_device_as(USER, O_RDONLY), LONG);
	}
	/* each list that begins makes room, and so does each second */
	for (int i = 0; i < 3; i++) {
		rest(1000);
		begin_with(open_device_as(USER, O_RDONLY), LONG);
	}
	CHECK(goes_on(root, cursor));
}

TEST(bad_arguments)
{
	int fd = open_device(O_RDONLY);
	struct hv_kvp_list arg = { .pool = HV_KVP_POOL_COUNT };

	FAILS(ioctl(fd, HV_KVP_IOC_LIST, &arg), EINVAL);
	arg.pool = 0x80000000;
	FAILS(ioctl(fd, HV_KVP_IOC_LIST, &arg), EINVAL);
	arg.pool = HV_KVP_POOL_GUEST;
	arg.flags = 1;
	FAILS(ioctl(fd, HV_KVP_IOC_LIST, &arg), EINVAL);
	arg.flags = 0;
	arg.reserved = 1;
	FAILS(ioctl(fd, HV_KVP_IOC_LIST, &arg), EINVAL);
	arg.reserved = 0;
	arg.count = 77;
	arg.total = 77;
	OK(ioctl(fd, HV_KVP_IOC_LIST, &arg));
	EQUAL(arg.count, 0);
	EQUAL(arg.total, 0);
}

TEST(bad_pointer)
{
	int fd = open_device(O_RDWR);
	struct hv_kvp_list arg;
	uint64_t cursor;

	set_many(fd, MANY, "value");
	FAILS(list(fd, &arg, 1, 0, BAD_POINTER, 4096), EFAULT);
	FAILS(list(fd, &arg, 1, 0, edge() - 48, 4096), EFAULT);
	EQUAL(arg.cursor, 0);
	OK(list(fd, &arg, 1, 0, buffer, 4096));
	cursor = arg.cursor;
	/* the place is kept */
	FAILS(list(fd, &arg, 1, cursor, edge() - 4096, 40960), EFAULT);
	OK(list(fd, &arg, 1, cursor, edge() - 4096, 4096));
	FAILS(ioctl(fd, HV_KVP_IOC_LIST, BAD_POINTER), EFAULT);
	memset(&arg, 0, sizeof(arg));
	arg.pool = 1;
	arg.buffer = KERNEL_ADDRESS;
	arg.size = 4096;
	FAILS(ioctl(fd, HV_KVP_IOC_LIST, &arg), EFAULT);
}

TEST(not_open_for_reading)
{
	struct hv_kvp_list arg;

	FAILS(list(open_device(O_WRONLY), &arg, 1, 0, buffer, 100), EBADF);
}
