// SPDX-License-Identifier: GPL-2.0
/* What operations are made for, what failed, and what came of them */
#include "harness.h"

#define GUEST		HV_KVP_POOL_GUEST
#define EXTERNAL	HV_KVP_POOL_EXTERNAL

static struct hv_kvp_set set_arg(const char *key, const char *value)
{
	return (struct hv_kvp_set) {
		.key = PTR(key), .key_len = strlen(key), .value = PTR(value),
		.value_len = strlen(value), .pool = GUEST,
		.type = HV_KVP_TYPE_SZ,
	};
}

static struct hv_kvp_op op_of(unsigned int op, const char *key, unsigned int flags)
{
	return (struct hv_kvp_op) {
		.key = PTR(key), .key_len = strlen(key), .op = op,
		.type = op == HV_KVP_OP_SET ? HV_KVP_TYPE_SZ : 0,
		.flags = flags,
	};
}

static int batch(int fd, const struct hv_kvp_op *ops, unsigned int count,
		 struct hv_kvp_batch *arg)
{
	*arg = (struct hv_kvp_batch) {
		.ops = PTR(ops), .count = count, .op_size = sizeof(*ops),
		.pool = GUEST, .failed = 99, .skipped = 99, .generation = 99,
	};
	return ioctl(fd, HV_KVP_IOC_BATCH, arg);
}

static struct hv_kvp_get look(int fd, const char *key)
{
	static char value[HV_KVP_VALUE_MAX];
	struct hv_kvp_get arg;

	OK(get_into(fd, GUEST, key, strlen(key), value, sizeof(value), &arg));
	return arg;
}

/* Whoever changes something is told which generation that made. */
TEST(generations)
{
	int fd = open_device(O_RDWR);
	uint64_t before = generation(fd, GUEST);
	struct hv_kvp_set arg = set_arg("k", "v");
	struct hv_kvp_delete del = {
		.key = PTR("k"), .key_len = 1, .pool = GUEST,
	};

	OK(ioctl(fd, HV_KVP_IOC_SET, &arg));
	EQUAL(arg.generation, before + 1);
	EQUAL(look(fd, "k").item_generation, before + 1);
	OK(ioctl(fd, HV_KVP_IOC_SET, &arg));
	EQUAL(arg.generation, before + 2);
	OK(ioctl(fd, HV_KVP_IOC_DELETE, &del));
	EQUAL(del.generation, before + 3);
	EQUAL(generation(fd, GUEST), before + 3);
}

TEST(arrivals)
{
	int fd = open_device(O_RDWR);
	uint64_t a, b;

	OK(set(fd, "a", "1"));
	OK(set(fd, "b", "1"));
	a = look(fd, "a").sequence;
	b = look(fd, "b").sequence;
	CHECK(a && a < b);
	OK(set(fd, "a", "2"));
	EQUAL(look(fd, "a").sequence, a);
	OK(delete(fd, "a"));
	OK(set(fd, "a", "3"));
	CHECK(look(fd, "a").sequence > b);
}

TEST(only_if_absent)
{
	int fd = open_device(O_RDWR);
	struct hv_kvp_set arg = set_arg("k", "1");

	arg.flags = HV_KVP_IF_ABSENT;
	OK(ioctl(fd, HV_KVP_IOC_SET, &arg));
	FAILS(ioctl(fd, HV_KVP_IOC_SET, &arg), EEXIST);
	OK(delete(fd, "k"));
	OK(ioctl(fd, HV_KVP_IOC_SET, &arg));
}

TEST(only_this_generation)
{
	int fd = open_device(O_RDWR);
	struct hv_kvp_set arg = set_arg("k", "1");
	struct hv_kvp_delete del = {
		.key = PTR("k"), .key_len = 1, .pool = GUEST,
		.flags = HV_KVP_IF_GENERATION,
	};

	OK(ioctl(fd, HV_KVP_IOC_SET, &arg));
	/* other items do not matter */
	OK(set(fd, "other", "x"));
	arg.flags = HV_KVP_IF_GENERATION;
	arg.if_generation = arg.generation;
	OK(ioctl(fd, HV_KVP_IOC_SET, &arg));
	CHECK(arg.generation > arg.if_generation);
	FAILS(ioctl(fd, HV_KVP_IOC_SET, &arg), ESTALE);
	del.if_generation = arg.if_generation;
	FAILS(ioctl(fd, HV_KVP_IOC_DELETE, &del), ESTALE);
	del.if_generation = look(fd, "k").item_generation;
	OK(ioctl(fd, HV_KVP_IOC_DELETE, &del));
	/* 0 is what an item that is not there has */
	FAILS(ioctl(fd, HV_KVP_IOC_SET, &arg), ESTALE);
	arg.if_generation = 0;
	OK(ioctl(fd, HV_KVP_IOC_SET, &arg));
}

TEST(unless_the_hosts)
{
	int fd = open_device(O_RDWR);
	struct hv_kvp_op op = op_of(HV_KVP_OP_SET, "k", HV_KVP_UNLESS_HOST);
	struct hv_kvp_batch arg;

	OK(batch(fd, &op, 1, &arg));
	OK(batch(fd, &op, 1, &arg));
	/* as good as the host's */
	OK(import_one(fd, EXTERNAL, true, "k", "host", NULL));
	arg.pool = EXTERNAL;
	arg.owner = HV_KVP_OWNER_HOST;
	FAILS(ioctl(fd, HV_KVP_IOC_BATCH, &arg), EEXIST);
	EQUAL(arg.failed, 0);
	op.flags |= HV_KVP_OR_SKIP;
	OK(ioctl(fd, HV_KVP_IOC_BATCH, &arg));
	EQUAL(arg.skipped, 1);
	CHECK(!strcmp(get(fd, EXTERNAL, "k"), "host"));
}

TEST(missing_is_fine)
{
	int fd = open_device(O_RDWR);
	const struct hv_kvp_op ops[] = {
		op_of(HV_KVP_OP_DELETE, "missing", HV_KVP_OR_SKIP),
		op_of(HV_KVP_OP_SET, "there", 0),
		op_of(HV_KVP_OP_DELETE, "old", HV_KVP_OR_SKIP),
	};
	uint64_t before;
	struct hv_kvp_batch arg;

	OK(set(fd, "old", "x"));
	before = generation(fd, GUEST);
	OK(batch(fd, ops, 3, &arg));
	EQUAL(arg.skipped, 1);
	EQUAL(arg.generation, before + 1);
	CHECK(get(fd, GUEST, "there"));
	CHECK(!get(fd, GUEST, "old"));
	/* where nothing is to be done there is no new version */
	OK(batch(fd, ops, 1, &arg));
	EQUAL(arg.skipped, 1);
	EQUAL(arg.generation, before + 1);
	EQUAL(generation(fd, GUEST), before + 1);
}

TEST(which_one_failed)
{
	int fd = open_device(O_RDWR);
	struct hv_kvp_op ops[] = {
		op_of(HV_KVP_OP_SET, "a", 0),
		op_of(HV_KVP_OP_SET, "b", 0),
		op_of(HV_KVP_OP_DELETE, "missing", 0),
		op_of(HV_KVP_OP_SET, "c", 0),
	};
	struct hv_kvp_batch arg;

	FAILS(batch(fd, ops, 4, &arg), ENOENT);
	EQUAL(arg.failed, 2);
	EQUAL(arg.generation, 0);
	EQUAL(arg.skipped, 0);
	OK(set(fd, "b", "x"));
	ops[1].flags = HV_KVP_IF_ABSENT;
	FAILS(batch(fd, ops, 4, &arg), EEXIST);
	EQUAL(arg.failed, 1);
	ops[1].flags = HV_KVP_IF_GENERATION;
	ops[1].if_generation = 1;
	FAILS(batch(fd, ops, 2, &arg), ESTALE);
	EQUAL(arg.failed, 1);
	EQUAL(count_items(fd, GUEST), 1);
}

/* Conditions look at the item as it was before the batch. */
TEST(of_before)
{
	int fd = open_device(O_RDWR);
	const struct hv_kvp_op ops[] = {
		op_of(HV_KVP_OP_SET, "k", HV_KVP_IF_ABSENT),
		op_of(HV_KVP_OP_SET, "k", HV_KVP_IF_ABSENT),
	};
	struct hv_kvp_batch arg;

	OK(batch(fd, ops, 2, &arg));
	FAILS(batch(fd, ops, 2, &arg), EEXIST);
	EQUAL(arg.failed, 0);
}

TEST(bad_conditions)
{
	int fd = open_device(O_RDWR);
	struct hv_kvp_set arg = set_arg("k", "1");
	struct hv_kvp_delete del = {
		.key = PTR("k"), .key_len = 1, .pool = GUEST,
	};

	OK(set(fd, "k", "1"));
	arg.if_generation = 1;
	FAILS(ioctl(fd, HV_KVP_IOC_SET, &arg), EINVAL);
	arg.if_generation = 0;
	arg.flags = HV_KVP_OR_SKIP;
	FAILS(ioctl(fd, HV_KVP_IOC_SET, &arg), EINVAL);
	arg.flags = HV_KVP_EPHEMERAL << 1;
	FAILS(ioctl(fd, HV_KVP_IOC_SET, &arg), EINVAL);
	del.flags = HV_KVP_OR_SKIP;
	FAILS(ioctl(fd, HV_KVP_IOC_DELETE, &del), EINVAL);
	del.flags = HV_KVP_IF_ABSENT;
	FAILS(ioctl(fd, HV_KVP_IOC_DELETE, &del), EINVAL);
	del.flags = HV_KVP_EPHEMERAL;
	FAILS(ioctl(fd, HV_KVP_IOC_DELETE, &del), EINVAL);
	del.flags = 0;
	del.if_generation = 1;
	FAILS(ioctl(fd, HV_KVP_IOC_DELETE, &del), EINVAL);
	EQUAL(look(fd, "k").item_generation, generation(fd, GUEST));
}

/* An argument that cannot be written: found out before anything is changed. */
TEST(read_only_arguments)
{
	int fd = open_device(O_RDWR);
	long page = sysconf(_SC_PAGESIZE);
	char *map = mmap(NULL, page, PROT_READ | PROT_WRITE,
			 MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
	struct hv_kvp_op op = op_of(HV_KVP_OP_SET, "k", 0);
	struct hv_kvp_set *arg = (void *)map;
	struct hv_kvp_delete *del = (void *)(map + 256);
	struct hv_kvp_batch *bat = (void *)(map + 512);
	struct hv_kvp_purge *pur = (void *)(map + 768);
	uint64_t before, host;

	CHECK(map != MAP_FAILED);
	OK(set(fd, "k", "1"));
	OK(import_one(fd, EXTERNAL, true, "stale", "1", NULL));
	*arg = set_arg("k", "2");
	*del = (struct hv_kvp_delete) {
		.key = PTR("k"), .key_len = 1, .pool = GUEST,
	};
	*bat = (struct hv_kvp_batch) {
		.ops = PTR(&op), .count = 1, .op_size = sizeof(op), .pool = GUEST,
	};
	*pur = (struct hv_kvp_purge) {
		.pool = EXTERNAL, .connection = info(fd).connection,
	};
	OK(mprotect(map, page, PROT_READ));
	before = generation(fd, GUEST);
	host = generation(fd, EXTERNAL);
	FAILS(ioctl(fd, HV_KVP_IOC_SET, arg), EFAULT);
	FAILS(ioctl(fd, HV_KVP_IOC_DELETE, del), EFAULT);
	FAILS(ioctl(fd, HV_KVP_IOC_BATCH, bat), EFAULT);
	FAILS(ioctl(fd, HV_KVP_IOC_PURGE, pur), EFAULT);
	EQUAL(generation(fd, GUEST), before);
	EQUAL(generation(fd, EXTERNAL), host);
	OK(mprotect(map, page, PROT_READ | PROT_WRITE));
	OK(ioctl(fd, HV_KVP_IOC_SET, arg));
	OK(ioctl(fd, HV_KVP_IOC_PURGE, pur));
	EQUAL(pur->count, 1);
}
