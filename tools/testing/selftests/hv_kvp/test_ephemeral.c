// SPDX-License-Identifier: GPL-2.0
/* Items that go with the open file that set them */
#define _GNU_SOURCE
#include <signal.h>
#include <sys/wait.h>

#include "harness.h"

#define GUEST	HV_KVP_POOL_GUEST
#define AUTO	HV_KVP_POOL_AUTO

static int set_for_now(int fd, unsigned int pool, const char *key, const char *value)
{
	struct hv_kvp_set arg = {
		.key = PTR(key), .key_len = strlen(key), .value = PTR(value),
		.value_len = strlen(value), .pool = pool,
		.type = HV_KVP_TYPE_SZ, .flags = HV_KVP_EPHEMERAL,
	};

	return ioctl(fd, HV_KVP_IOC_SET, &arg);
}

static unsigned int flags_of(int fd, unsigned int pool, const char *key)
{
	static char value[HV_KVP_VALUE_MAX];
	struct hv_kvp_get arg;

	OK(get_into(fd, pool, key, strlen(key), value, sizeof(value), &arg));
	return arg.item_flags;
}

TEST(goes_with_its_file)
{
	int fd = open_device(O_RDWR), owner = open_device(O_RDWR);

	OK(set(owner, "stays", "x"));
	OK(set_for_now(owner, GUEST, "ready", "yes"));
	EQUAL(flags_of(fd, GUEST, "ready"), HV_KVP_ITEM_EPHEMERAL);
	EQUAL(flags_of(fd, GUEST, "stays"), 0);
	close(owner);
	CHECK(!get(fd, GUEST, "ready"));
	CHECK(get(fd, GUEST, "stays"));
}

TEST(with_its_last_descriptor)
{
	int fd = open_device(O_RDWR), owner = open_device(O_WRONLY), copy;

	OK(set_for_now(owner, GUEST, "ready", "yes"));
	copy = OK(dup(owner));
	close(owner);
	CHECK(get(fd, GUEST, "ready"));
	close(copy);
	CHECK(!get(fd, GUEST, "ready"));
}

/* "Ready" does not outlive the crash of who said it. */
TEST(killed)
{
	int fd = open_device(O_RDWR), pipes[2], status;
	char c;
	pid_t pid;

	OK(pipe(pipes));
	pid = OK(fork());
	if (!pid) {
		OK(set_for_now(open_device(O_RDWR), GUEST, "ready", "yes"));
		OK(write(pipes[1], "x", 1));
		rest(100000);
	}
	OK(read(pipes[0], &c, 1));
	CHECK(get(fd, GUEST, "ready"));
	OK(kill(pid, SIGKILL));
	OK(waitpid(pid, &status, 0));
	/* files are closed before the process can be waited for */
	CHECK(!get(fd, GUEST, "ready"));
}

TEST(many)
{
	int fd = open_device(O_RDWR), owner = open_device(O_RDWR);
	struct hv_kvp_op ops[300];
	char keys[300][16];
	struct hv_kvp_batch arg = {
		.ops = PTR(ops), .pool = GUEST, .count = 300,
		.op_size = sizeof(ops[0]),
	};

	for (int i = 0; i < 300; i++) {
		snprintf(keys[i], sizeof(keys[i]), "k%d", i);
		ops[i] = (struct hv_kvp_op) {
			.key = PTR(keys[i]), .key_len = strlen(keys[i]),
			.op = HV_KVP_OP_SET, .type = HV_KVP_TYPE_SZ,
			/* every other one */
			.flags = i % 2 ? HV_KVP_EPHEMERAL : 0,
		};
	}
	OK(ioctl(owner, HV_KVP_IOC_BATCH, &arg));
	EQUAL(count_items(fd, GUEST), 300);
	close(owner);
	EQUAL(count_items(fd, GUEST), 150);
	for (int i = 0; i < 300; i += 2)
		CHECK(get(fd, GUEST, keys[i]));
}

/* Whoever sets it again has it. */
TEST(set_by_another)
{
	int fd = open_device(O_RDWR), first = open_device(O_RDWR);
	int second = open_device(O_RDWR);

	OK(set_for_now(first, GUEST, "plain", "1"));
	OK(set_for_now(first, GUEST, "handed", "1"));
	OK(set_for_now(first, GUEST, "own", "1"));
	OK(set(fd, "plain", "2"));
	OK(set_for_now(second, GUEST, "handed", "2"));
	OK(set(first, "own", "2"));
	EQUAL(flags_of(fd, GUEST, "plain"), 0);
	close(first);
	CHECK(!strcmp(get(fd, GUEST, "plain"), "2"));
	CHECK(!strcmp(get(fd, GUEST, "handed"), "2"));
	CHECK(!strcmp(get(fd, GUEST, "own"), "2"));
	close(second);
	CHECK(!get(fd, GUEST, "handed"));
}

TEST(overrides)
{
	int fd = open_device(O_RDWR), owner = open_device(O_RDWR);

	OK(set_for_now(owner, AUTO, "OSName", "x"));
	EQUAL(flags_of(fd, AUTO, "OSName"),
	      HV_KVP_ITEM_OVERRIDE | HV_KVP_ITEM_EPHEMERAL);
	close(owner);
	CHECK(!strcmp(get(fd, AUTO, "OSName"), "Linux"));
	EQUAL(flags_of(fd, AUTO, "OSName"), 0);
}
