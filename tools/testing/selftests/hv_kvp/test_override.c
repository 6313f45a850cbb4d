// SPDX-License-Identifier: GPL-2.0
/* Overrides of intrinsic items: SET, DELETE and BATCH on pool AUTO */
#define _GNU_SOURCE
#include <grp.h>
#include <poll.h>

#include "harness.h"

#define AUTO	HV_KVP_POOL_AUTO
#define SZ	HV_KVP_TYPE_SZ
#define NOBODY	65534
#define SYSFS	"/sys/class/misc/hv_kvp/auto/items/"

static int override(int fd, const char *key, const char *value)
{
	return set_typed(fd, AUTO, SZ, key, strlen(key), value, strlen(value));
}

static int drop(int fd, const char *key)
{
	struct hv_kvp_delete arg = {
		.key = PTR(key), .key_len = strlen(key), .pool = AUTO,
	};

	return ioctl(fd, HV_KVP_IOC_DELETE, &arg);
}

static struct hv_kvp_get look(int fd, const char *key, const char *wanted)
{
	static char value[HV_KVP_VALUE_MAX + 1];
	struct hv_kvp_get arg;

	OK(get_into(fd, AUTO, key, strlen(key), value, HV_KVP_VALUE_MAX, &arg));
	value[arg.value_size] = '\0';
	if (wanted && strcmp(value, wanted))
		fail(__FILE__, __LINE__, "%s is %s, not %s", key, value,
		     wanted);
	return arg;
}

static void read_sysfs(const char *name, const char *wanted)
{
	char path[100], value[200];
	ssize_t size;
	int fd;

	snprintf(path, sizeof(path), SYSFS "%s", name);
	fd = OK(open(path, O_RDONLY));
	size = OK(read(fd, value, sizeof(value) - 1));
	close(fd);
	value[size] = '\0';
	CHECK(!strcmp(value, wanted));
}

TEST(set_and_drop)
{
	int fd = open_device(O_RDWR);
	struct hv_kvp_get arg;

	OK(override(fd, "OSName", "Test Linux"));
	arg = look(fd, "OSName", "Test Linux");
	EQUAL(arg.item_flags, HV_KVP_ITEM_OVERRIDE);
	CHECK(arg.item_generation);
	CHECK(arg.generation >= arg.item_generation);
	EQUAL(arg.type, SZ);
	read_sysfs("OSName", "Test Linux");
	EQUAL(pool_info(fd, AUTO).items, 10);
	EQUAL(pool_info(fd, AUTO).agent_items, 1);

	OK(override(fd, "OSName", "another"));
	CHECK(look(fd, "OSName", "another").item_generation >
	      arg.item_generation);
	OK(drop(fd, "OSName"));
	arg = look(fd, "OSName", "Linux");
	EQUAL(arg.item_flags, 0);
	EQUAL(arg.item_generation, 0);
	read_sysfs("OSName", "Linux");
	EQUAL(pool_info(fd, AUTO).agent_items, 0);
	FAILS(drop(fd, "OSName"), ENOENT);
}

TEST(outlives_the_descriptor)
{
	int fd = open_device(O_RDWR);

	OK(override(fd, "OSVersion", "12.5"));
	close(fd);
	look(open_device(O_RDONLY), "OSVersion", "12.5");
}

/* The list has them in their places. */
TEST(list)
{
	static char buffer[65536] __attribute__((aligned(8)));
	int fd = open_device(O_RDWR);
	struct hv_kvp_list arg = {
		.buffer = PTR(buffer), .size = sizeof(buffer), .pool = AUTO,
	};
	unsigned int index = 0;

	OK(override(fd, "ProcessorArchitecture", "z80"));
	OK(override(fd, "OSName", ""));
	OK(ioctl(fd, HV_KVP_IOC_LIST, &arg));
	EQUAL(arg.count, 10);
	for (unsigned int at = 0; at < arg.size; index++) {
		struct hv_kvp_item *item = (void *)(buffer + at);
		const char *key = key_of(item);

		EQUAL(item->flags, index == 5 || index == 9 ?
				   HV_KVP_ITEM_OVERRIDE : 0);
		EQUAL(!item->generation, !item->flags);
		if (index == 5) {
			CHECK(!strcmp(key, "OSName"));
			EQUAL(item->value_len, 0);
		}
		if (index == 9)
			CHECK(!strcmp(value_of(item), "z80"));
		at += item->size;
	}
	EQUAL(index, 10);
}

TEST(names_and_types)
{
	int fd = open_device(O_RDWR);
	uint32_t number = 1;

	FAILS(override(fd, "OsName", "v"), ENOENT);
	FAILS(override(fd, "OSNam", "v"), ENOENT);
	FAILS(override(fd, "OSName2", "v"), ENOENT);
	FAILS(set_typed(fd, AUTO, HV_KVP_TYPE_DWORD, "OSName", 6, &number, 4),
	      EINVAL);
	FAILS(set_typed(fd, AUTO, HV_KVP_TYPE_EXPAND_SZ, "OSName", 6, "v", 1),
	      EINVAL);
	FAILS(set_typed(fd, AUTO, SZ, "OSName", 6, "a\0b", 3), EINVAL);
	FAILS(set_typed(fd, AUTO, SZ, "OSName", 6, "\xff", 1), EILSEQ);
	FAILS(set_typed(fd, AUTO, SZ, "OSName", 6, "\xed\xa0\x80", 3), EILSEQ);
	FAILS(set_typed(fd, AUTO, SZ, "OSName", 6, BAD_POINTER, 3), EFAULT);
	FAILS(import_one(fd, AUTO, false, "OSName", "v", NULL), EOPNOTSUPP);
	FAILS(purge(fd, AUTO, NULL), EOPNOTSUPP);
	EQUAL(pool_info(fd, AUTO).agent_items, 0);
	look(fd, "OSName", "Linux");
}

TEST(batch)
{
	int fd = open_device(O_RDWR);
	struct hv_kvp_op ops[2] = {
		{ .key = PTR("OSName"), .key_len = 6, .value = PTR("b"),
		  .value_len = 1, .op = HV_KVP_OP_SET, .type = SZ },
		{ .key = PTR("Unknown"), .key_len = 7, .value = PTR("b"),
		  .value_len = 1, .op = HV_KVP_OP_SET, .type = SZ },
	};
	struct hv_kvp_batch arg = {
		.ops = PTR(ops), .count = 2, .op_size = sizeof(ops[0]),
		.pool = AUTO,
	};

	FAILS(ioctl(fd, HV_KVP_IOC_BATCH, &arg), ENOENT);
	EQUAL(arg.failed, 1);
	look(fd, "OSName", "Linux");
	ops[1].key = PTR("OSVersion");
	ops[1].key_len = 9;
	ops[1].type = HV_KVP_TYPE_EXPAND_SZ;
	FAILS(ioctl(fd, HV_KVP_IOC_BATCH, &arg), EINVAL);
	EQUAL(arg.failed, 1);
	ops[1].type = SZ;
	OK(ioctl(fd, HV_KVP_IOC_BATCH, &arg));
	look(fd, "OSName", "b");
	look(fd, "OSVersion", "b");
	ops[0] = (struct hv_kvp_op) {
		.key = PTR("OSName"), .key_len = 6, .op = HV_KVP_OP_DELETE,
	};
	ops[1] = ops[0];
	FAILS(ioctl(fd, HV_KVP_IOC_BATCH, &arg), ENOENT);
	EQUAL(arg.failed, 1);
	arg.count = 1;
	arg.flags = HV_KVP_BATCH_IF_GENERATION;
	arg.if_generation = ~0ULL >> 1;
	FAILS(ioctl(fd, HV_KVP_IOC_BATCH, &arg), ESTALE);
	arg.flags = 0;
	arg.if_generation = 0;
	OK(ioctl(fd, HV_KVP_IOC_BATCH, &arg));
	look(fd, "OSName", "Linux");
	look(fd, "OSVersion", "b");
}

/* The records of pool AUTO's keys; others may come at any time. */
static void told(int fd, unsigned int kind, const char *key)
{
	struct pollfd p = { .fd = fd, .events = POLLIN };
	union {
		struct hv_kvp_event_item item;
		char bytes[HV_KVP_RECORD_MAX];
	} record;

	for (;;) {
		EQUAL(poll(&p, 1, 20000), 1);
		/* one of them, whichever it is */
		OK(read(fd, &record, sizeof(record.item) + 16));
		EQUAL(record.item.event.pool, AUTO);
		if (record.item.event.kind == kind &&
		    !strcmp(record.bytes + record.item.key_offset, key))
			return;
	}
}

TEST(changes)
{
	int fd = open_device(O_RDWR);

	OK(watch_pools(fd, 1U << AUTO, 0));
	OK(override(fd, "OSName", "x"));
	told(fd, HV_KVP_EVENT_ADDED, "OSName");
	OK(override(fd, "OSName", "y"));
	told(fd, HV_KVP_EVENT_SET, "OSName");
	OK(drop(fd, "OSName"));
	told(fd, HV_KVP_EVENT_DELETED, "OSName");
}

TEST(takes_privilege)
{
	int fd = open_device(O_RDWR);
	struct hv_kvp_batch arg = { .op_size = sizeof(struct hv_kvp_op),
				   .pool = AUTO };

	OK(override(fd, "OSName", "x"));
	FAILS(override(open_device(O_RDONLY), "OSName", "y"), EBADF);
	OK(setgroups(0, NULL));
	OK(setgid(NOBODY));
	OK(setuid(NOBODY));
	FAILS(override(fd, "OSName", "y"), EPERM);
	FAILS(override(fd, "none", "y"), EPERM);
	FAILS(drop(fd, "OSName"), EPERM);
	FAILS(ioctl(fd, HV_KVP_IOC_BATCH, &arg), EPERM);
	look(fd, "OSName", "x");
}
