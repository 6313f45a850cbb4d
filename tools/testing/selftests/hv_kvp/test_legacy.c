// SPDX-License-Identifier: GPL-2.0
/*
 * /dev/vmbus/hv_kvp, the protocol of the old daemon. Items come and go by import
 * and purge; what the host itself has put into the pools is passed over.
 */
#define _GNU_SOURCE
#include <grp.h>
#include <poll.h>
#include <sched.h>
#include <signal.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <sys/wait.h>

#include <linux/capability.h>
#include <linux/hyperv.h>

#include "harness.h"

#define LEGACY		"/dev/vmbus/hv_kvp"
#define COUNTERS	"/sys/kernel/debug/hv_kvp/"
#define NOBODY		65534
#define PREFIX		"t-"	/* of our keys */
#define REGISTER1	100
#define QUIET_MS	100	/* after this long nothing more comes */
#define SOON_MS		10000

/* Of euro signs: three bytes of UTF-8 each. */
#define EURO		"\xe2\x82\xac"

static struct hv_kvp_msg msg;

/* The node comes a moment after the module. */
static int open_legacy(int flags)
{
	for (int i = 0; i < 100; i++) {
		int fd = open(LEGACY, flags | O_CLOEXEC);

		if (fd >= 0 || errno != ENOENT)
			return fd;
		rest(50);
	}
	return -1;
}

static int readable(int fd, int timeout_ms)
{
	struct pollfd p = { .fd = fd, .events = POLLIN };

	OK(poll(&p, 1, timeout_ms));
	return p.revents;
}

static void read_msg(int fd)
{
	memset(&msg, 0xa5, sizeof(msg));
	EQUAL(OK(read(fd, &msg, sizeof(msg))), sizeof(msg));
}

static long answer(int fd, int error)
{
	/* all but the error is for nobody */
	memset(&msg, 0x5a, sizeof(msg));
	msg.error = error;
	return write(fd, &msg, sizeof(msg));
}

static long register_as(int fd, int operation)
{
	memset(&msg, 0x5a, sizeof(msg));
	msg.kvp_hdr.operation = operation;
	return write(fd, &msg, sizeof(msg));
}

/* A descriptor past the registration. */
static int registered(void)
{
	int fd = OK(open_legacy(O_RDWR | O_NONBLOCK));

	EQUAL(OK(register_as(fd, REGISTER1)), sizeof(msg));
	read_msg(fd);
	EQUAL(msg.kvp_hdr.operation, REGISTER1);
	return fd;
}

static bool ours(void)
{
	const char *key = msg.kvp_hdr.operation == KVP_OP_DELETE ?
			  (char *)msg.body.kvp_delete.key :
			  (char *)msg.body.kvp_set.data.key;

	return !strncmp(key, PREFIX, strlen(PREFIX));
}

/* Reads on to the next message about a key of ours. */
static bool next_of_ours(int fd, int timeout_ms)
{
	while (readable(fd, timeout_ms)) {
		read_msg(fd);
		if (ours())
			return true;
		OK(answer(fd, 0));
	}
	return false;
}

static void expect_set(int fd, unsigned int pool, const char *key,
		       const char *value)
{
	const struct hv_kvp_exchg_msg_value *data = &msg.body.kvp_set.data;

	CHECK(next_of_ours(fd, SOON_MS));
	EQUAL(msg.kvp_hdr.operation, KVP_OP_SET);
	EQUAL(msg.kvp_hdr.pool, pool);
	EQUAL(data->key_size, strlen(key) + 1);
	EQUAL(data->value_size, strlen(value) + 1);
	CHECK(!memcmp(data->key, key, data->key_size));
	CHECK(!memcmp(data->value, value, data->value_size));
	OK(answer(fd, 0));
}

static void expect_delete(int fd, unsigned int pool, const char *key)
{
	CHECK(next_of_ours(fd, SOON_MS));
	EQUAL(msg.kvp_hdr.operation, KVP_OP_DELETE);
	EQUAL(msg.kvp_hdr.pool, pool);
	EQUAL(msg.body.kvp_delete.key_size, strlen(key) + 1);
	CHECK(!strcmp((char *)msg.body.kvp_delete.key, key));
	OK(answer(fd, 0));
}

static void expect_nothing(int fd)
{
	CHECK(!next_of_ours(fd, QUIET_MS));
}

static void put(unsigned int pool, const char *key, const char *value)
{
	int fd = open_device(O_RDWR);

	OK(import_one(fd, pool, true, key, value, NULL));
	close(fd);
}

static void purge_all(unsigned int pool)
{
	int fd = open_device(O_RDWR);

	OK(purge(fd, pool, NULL));
	close(fd);
}

static long counter(const char *name)
{
	char path[128], text[32] = "";
	int fd;

	snprintf(path, sizeof(path), COUNTERS "%s", name);
	fd = OK(open(path, O_RDONLY));
	OK(read(fd, text, sizeof(text) - 1));
	close(fd);
	return strtol(text, NULL, 10);
}

static const char *repeat(const char *what, unsigned int count)
{
	static char text[4096];

	text[0] = '\0';
	while (count--)
		strcat(text, what);
	return text;
}

TEST(mode)
{
	struct stat st;

	close(OK(open_legacy(O_RDWR)));
	OK(stat(LEGACY, &st));
	CHECK(S_ISCHR(st.st_mode));
	EQUAL(st.st_mode & 0777, 0600);
	EQUAL(st.st_uid, 0);
	EQUAL(st.st_gid, 0);
	/* where udev's rule and systemd's unit for the daemon look */
	OK(access("/sys/devices/virtual/misc/vmbus!hv_kvp", F_OK));
}

static void become_nobody(void)
{
	OK(setgroups(0, NULL));
	OK(setgid(NOBODY));
	OK(setuid(NOBODY));
}

TEST(plain_user_cannot_open)
{
	int status;

	close(OK(open_legacy(O_RDWR)));
	if (!fork()) {
		become_nobody();
		FAILS(open(LEGACY, O_RDWR), EACCES);
		_exit(0);
	}
	OK(wait(&status));
	EQUAL(status, 0);
	/* the administrator may open it to others */
	OK(chmod(LEGACY, 0666));
	if (!fork()) {
		become_nobody();
		OK(open(LEGACY, O_RDWR));
		_exit(0);
	}
	OK(wait(&status));
	OK(chmod(LEGACY, 0600));
	EQUAL(status, 0);
}

/* As Debian's unit and SELinux's policy run hv_kvp_daemon. */
TEST(root_needs_no_capability)
{
	struct __user_cap_header_struct header = {
		.version = _LINUX_CAPABILITY_VERSION_3,
	};
	struct __user_cap_data_struct none[_LINUX_CAPABILITY_U32S_3] = { 0 };

	OK(syscall(SYS_capset, &header, none));
	OK(open_legacy(O_RDWR));
}

TEST(root_of_a_user_namespace_cannot_open)
{
	int fd;

	close(OK(open_legacy(O_RDWR)));
	enter_user_namespace();
	fd = OK(open("/proc/self/uid_map", O_WRONLY));
	OK(write(fd, "0 0 1", 5));
	EQUAL(getuid(), 0);
	FAILS(open(LEGACY, O_RDWR), EPERM);
}

TEST(one_opener)
{
	int fd = OK(open_legacy(O_RDWR));

	FAILS(open(LEGACY, O_RDWR), EBUSY);
	FAILS(open(LEGACY, O_RDONLY), EBUSY);
	close(fd);
	fd = OK(open(LEGACY, O_RDWR));
	close(fd);
}

TEST(registration)
{
	int fd = OK(open_legacy(O_RDWR | O_NONBLOCK));

	EQUAL(readable(fd, QUIET_MS), 0);
	FAILS(read(fd, &msg, sizeof(msg)), EAGAIN);
	EQUAL(OK(register_as(fd, REGISTER1)), sizeof(msg));
	EQUAL(readable(fd, SOON_MS), POLLIN);
	read_msg(fd);
	EQUAL(msg.kvp_hdr.operation, REGISTER1);
	CHECK(strnlen((char *)&msg + 4, 16) > 0);
	CHECK(strnlen((char *)&msg + 4, 16) < 16);
	/* it wants no answer */
	FAILS(answer(fd, 0), EINVAL);
}

TEST(operations_that_register_nobody)
{
	int fd = OK(open_legacy(O_RDWR));

	for (int operation = 0; operation < 256; operation++)
		if (operation != REGISTER1)
			FAILS(register_as(fd, operation), EINVAL);
	OK(register_as(fd, REGISTER1));
	/* before and after the answer was read */
	FAILS(register_as(fd, REGISTER1), EINVAL);
	read_msg(fd);
	FAILS(register_as(fd, REGISTER1), EINVAL);
}

TEST(sizes)
{
	static const int sizes[] = { 1, 4, 7431, 7433, 65536 };
	static char large[65536] = { REGISTER1 };
	int fd = OK(open_legacy(O_RDWR));

	for (unsigned int i = 0; i < ARRAY_SIZE(sizes); i++)
		FAILS(write(fd, large, sizes[i]), EINVAL);
	OK(register_as(fd, REGISTER1));
	for (unsigned int i = 0; i < 3; i++)
		FAILS(read(fd, large, sizes[i]), EINVAL);
	/* nothing is nothing */
	EQUAL(OK(write(fd, large, 0)), 0);
	EQUAL(OK(read(fd, large, 0)), 0);
	EQUAL(OK(read(fd, large, sizeof(large))), 7432);
	EQUAL(large[0], REGISTER1);
}

TEST(bad_pointers)
{
	int fd = OK(open_legacy(O_RDWR));
	char *end = edge();

	FAILS(write(fd, BAD_POINTER, sizeof(msg)), EFAULT);
	OK(register_as(fd, REGISTER1));
	FAILS(read(fd, BAD_POINTER, sizeof(msg)), EFAULT);
	FAILS(read(fd, end - 100, sizeof(msg)), EFAULT);
	/* nothing is lost by that */
	read_msg(fd);
	EQUAL(msg.kvp_hdr.operation, REGISTER1);
}

TEST(not_a_file)
{
	int fd = OK(open_legacy(O_RDWR));

	FAILS(lseek(fd, 0, SEEK_SET), ESPIPE);
	FAILS(pread(fd, &msg, sizeof(msg), 0), ESPIPE);
	FAILS(ioctl(fd, HV_KVP_IOC_INFO, &msg), ENOTTY);
}

TEST(items_then_changes)
{
	int fd;

	put(HV_KVP_POOL_AUTO_EXTERNAL, PREFIX "3", "three");
	put(HV_KVP_POOL_EXTERNAL, PREFIX "a", "1");
	put(HV_KVP_POOL_EXTERNAL, PREFIX "b", "");
	put(HV_KVP_POOL_AUTO_INTERNAL, PREFIX "4", EURO);
	fd = registered();
	expect_set(fd, HV_KVP_POOL_EXTERNAL, PREFIX "a", "1");
	expect_set(fd, HV_KVP_POOL_EXTERNAL, PREFIX "b", "");
	expect_set(fd, HV_KVP_POOL_AUTO_EXTERNAL, PREFIX "3", "three");
	expect_set(fd, HV_KVP_POOL_AUTO_INTERNAL, PREFIX "4", EURO);
	expect_nothing(fd);
	put(HV_KVP_POOL_EXTERNAL, PREFIX "b", "2");
	expect_set(fd, HV_KVP_POOL_EXTERNAL, PREFIX "b", "2");
	/* the same again is no change */
	put(HV_KVP_POOL_EXTERNAL, PREFIX "b", "2");
	expect_nothing(fd);
	purge_all(HV_KVP_POOL_AUTO_EXTERNAL);
	expect_delete(fd, HV_KVP_POOL_AUTO_EXTERNAL, PREFIX "3");
	purge_all(HV_KVP_POOL_EXTERNAL);
	CHECK(next_of_ours(fd, SOON_MS));
	EQUAL(msg.kvp_hdr.operation, KVP_OP_DELETE);
	OK(answer(fd, 0));
	CHECK(next_of_ours(fd, SOON_MS));
	EQUAL(msg.kvp_hdr.operation, KVP_OP_DELETE);
	OK(answer(fd, 0));
	expect_nothing(fd);
}

TEST(all_again_for_the_next_one)
{
	int fd;

	put(HV_KVP_POOL_EXTERNAL, PREFIX "a", "1");
	for (int i = 0; i < 3; i++) {
		fd = registered();
		expect_set(fd, HV_KVP_POOL_EXTERNAL, PREFIX "a", "1");
		close(fd);
	}
}

TEST(each_is_answered_before_the_next)
{
	long before = counter("legacy_messages");
	int fd;

	put(HV_KVP_POOL_EXTERNAL, PREFIX "a", "1");
	put(HV_KVP_POOL_EXTERNAL, PREFIX "b", "2");
	fd = registered();
	CHECK(next_of_ours(fd, SOON_MS));
	for (int i = 0; i < 2; i++) {
		EQUAL(readable(fd, QUIET_MS), 0);
		FAILS(read(fd, &msg, sizeof(msg)), EAGAIN);
	}
	OK(answer(fd, 0));
	FAILS(answer(fd, 0), EINVAL);
	EQUAL(readable(fd, SOON_MS), POLLIN);
	expect_set(fd, HV_KVP_POOL_EXTERNAL, PREFIX "b", "2");
	CHECK(counter("legacy_messages") >= before + 2);
}

/* What the daemon could not do is counted, and it is not asked again. */
TEST(answers_with_an_error)
{
	long before = counter("legacy_errors");
	int fd;

	put(HV_KVP_POOL_EXTERNAL, PREFIX "a", "1");
	fd = registered();
	CHECK(next_of_ours(fd, SOON_MS));
	OK(answer(fd, (int)HV_S_CONT));
	EQUAL(counter("legacy_errors"), before + 1);
	expect_nothing(fd);
}

TEST(a_burst_is_told_by_its_outcome)
{
	char value[16];
	int fd;

	put(HV_KVP_POOL_EXTERNAL, PREFIX "a", "0");
	fd = registered();
	CHECK(next_of_ours(fd, SOON_MS));
	for (int i = 1; i <= 100; i++) {
		snprintf(value, sizeof(value), "%d", i);
		put(HV_KVP_POOL_EXTERNAL, PREFIX "a", value);
		put(HV_KVP_POOL_EXTERNAL, PREFIX "b", value);
	}
	OK(answer(fd, 0));
	expect_set(fd, HV_KVP_POOL_EXTERNAL, PREFIX "a", "100");
	expect_set(fd, HV_KVP_POOL_EXTERNAL, PREFIX "b", "100");
	expect_nothing(fd);
}

/* 511 bytes of a key and 2,047 of a value fit the old fields. */
TEST(too_long_for_the_old_fields)
{
	long before = counter("legacy_left_out");
	char key[1024] = PREFIX "key";
	int fd;

	strcat(key, repeat(EURO, 168));
	put(HV_KVP_POOL_EXTERNAL, key, "509 bytes");
	put(HV_KVP_POOL_EXTERNAL, PREFIX "a", repeat(EURO, 682));
	put(HV_KVP_POOL_EXTERNAL, PREFIX "b", repeat(EURO, 683));
	fd = registered();
	expect_set(fd, HV_KVP_POOL_EXTERNAL, key, "509 bytes");
	expect_set(fd, HV_KVP_POOL_EXTERNAL, PREFIX "a", repeat(EURO, 682));
	expect_nothing(fd);
	EQUAL(counter("legacy_left_out"), before + 1);
	strcat(key, EURO);
	put(HV_KVP_POOL_EXTERNAL, key, "512 bytes");
	expect_nothing(fd);
	EQUAL(counter("legacy_left_out"), before + 2);
	/* what has become too long does not stay as it was */
	put(HV_KVP_POOL_EXTERNAL, PREFIX "a", repeat(EURO, 1000));
	expect_delete(fd, HV_KVP_POOL_EXTERNAL, PREFIX "a");
	EQUAL(counter("legacy_left_out"), before + 3);
	put(HV_KVP_POOL_EXTERNAL, PREFIX "a", "short");
	expect_set(fd, HV_KVP_POOL_EXTERNAL, PREFIX "a", "short");
	expect_nothing(fd);
}

/* Agents' own items are no matter of the daemon's. */
TEST(items_of_agents)
{
	int fd = registered();
	int dev = open_device(O_RDWR);

	OK(set(dev, PREFIX "a", "1"));
	expect_nothing(fd);
	OK(delete(dev, PREFIX "a"));
	expect_nothing(fd);
}

/* A read that waits is woken by a registration, and by a change. */
TEST(waiting_reader)
{
	int fd = OK(open_legacy(O_RDWR));
	int status;
	pid_t pid;

	pid = fork();
	if (!pid) {
		read_msg(fd);
		EQUAL(msg.kvp_hdr.operation, REGISTER1);
		do {
			read_msg(fd);
			if (!ours())
				OK(answer(fd, 0));
		} while (!ours());
		_exit(0);
	}
	rest(QUIET_MS);
	OK(register_as(fd, REGISTER1));
	rest(QUIET_MS);
	EQUAL(OK(waitpid(pid, &status, WNOHANG)), 0);
	put(HV_KVP_POOL_EXTERNAL, PREFIX "a", "1");
	OK(waitpid(pid, &status, 0));
	EQUAL(status, 0);
}

static void on_alarm(int sig)
{
	(void)sig;
}

TEST(interrupted)
{
	struct sigaction sa = { .sa_handler = on_alarm };
	int fd = OK(open_legacy(O_RDWR));

	OK(sigaction(SIGALRM, &sa, NULL));
	alarm(1);
	FAILS(read(fd, &msg, sizeof(msg)), EINTR);
}

TEST(keeps_the_module)
{
	int fd = OK(open_legacy(O_RDWR));

	FAILS(syscall(SYS_delete_module, "hv_kvp", O_NONBLOCK), EWOULDBLOCK);
	close(fd);
}

static void random_call(int fd)
{
	static char large[2 * sizeof(msg)];
	unsigned int size = rand() % 3 ? sizeof(msg) : rand() % sizeof(large);

	for (unsigned int i = 0; i < 8; i++)
		large[i] = rand();
	if (rand() % 2)
		large[0] = REGISTER1;
	switch (rand() % 4) {
	case 0:
		(void)!write(fd, large, size);
		break;
	case 1:
		(void)!write(fd, rand() % 4 ? large : BAD_POINTER, size);
		break;
	case 2:
		(void)!read(fd, rand() % 4 ? large : BAD_POINTER, size);
		break;
	default:
		readable(fd, 0);
	}
}

/* Whatever one did, the next one is served. */
TEST(random_calls)
{
	int fd;

	srand(1);
	put(HV_KVP_POOL_EXTERNAL, PREFIX "a", "1");
	for (int i = 0; i < 100; i++) {
		fd = OK(open_legacy(O_RDWR | O_NONBLOCK));
		for (int j = 0; j < 50; j++)
			random_call(fd);
		put(HV_KVP_POOL_EXTERNAL, PREFIX "b", i % 2 ? "x" : "y");
		close(fd);
	}
	fd = registered();
	expect_set(fd, HV_KVP_POOL_EXTERNAL, PREFIX "a", "1");
	expect_set(fd, HV_KVP_POOL_EXTERNAL, PREFIX "b", "x");
	expect_nothing(fd);
}

/* Many registrations in a row, and some that end in the middle. */
TEST(comes_and_goes)
{
	put(HV_KVP_POOL_EXTERNAL, PREFIX "a", "1");
	put(HV_KVP_POOL_EXTERNAL, PREFIX "b", "2");
	for (int i = 0; i < 100; i++) {
		int fd = i % 4 ? registered() : OK(open_legacy(O_RDWR));

		if (i % 4 > 1)
			CHECK(next_of_ours(fd, SOON_MS));
		if (i % 4 > 2)
			OK(answer(fd, 0));
		close(fd);
	}
}
