// SPDX-License-Identifier: GPL-2.0
/* HV_KVP_IOC_BATCH */
#include <sys/wait.h>

#include "harness.h"

#define GUEST	HV_KVP_POOL_GUEST

static struct hv_kvp_op set_op(const char *key, const char *value)
{
	return (struct hv_kvp_op) {
		.key = PTR(key), .key_len = strlen(key), .value = PTR(value),
		.value_len = strlen(value), .op = HV_KVP_OP_SET,
		.type = HV_KVP_TYPE_SZ,
	};
}

static struct hv_kvp_op delete_op(const char *key)
{
	return (struct hv_kvp_op) {
		.key = PTR(key), .key_len = strlen(key), .op = HV_KVP_OP_DELETE,
	};
}

static int batch(int fd, const struct hv_kvp_op *ops, unsigned int count,
		 struct hv_kvp_batch *arg)
{
	memset(arg, 0, sizeof(*arg));
	arg->ops = PTR(ops);
	arg->count = count;
	arg->op_size = sizeof(*ops);
	arg->pool = GUEST;
	return ioctl(fd, HV_KVP_IOC_BATCH, arg);
}

TEST(one_version)
{
	int fd = open_device(O_RDWR);
	const struct hv_kvp_op ops[] = {
		set_op("a", "1"), set_op("b", "2"), delete_op("a"),
		set_op("b", "3"), set_op("c", "4"),
	};
	uint64_t before = generation(fd, GUEST);
	struct hv_kvp_batch arg;

	OK(batch(fd, ops, ARRAY_SIZE(ops), &arg));
	EQUAL(arg.failed, HV_KVP_NO_OP);
	EQUAL(arg.skipped, 0);
	EQUAL(arg.generation, before + 1);
	EQUAL(generation(fd, GUEST), before + 1);
	CHECK(!get(fd, GUEST, "a"));
	CHECK(!strcmp(get(fd, GUEST, "b"), "3"));
	CHECK(!strcmp(get(fd, GUEST, "c"), "4"));
	EQUAL(count_items(fd, GUEST), 2);
}

TEST(nothing_to_do)
{
	int fd = open_device(O_RDWR);
	uint64_t before = generation(fd, GUEST);
	struct hv_kvp_batch arg;

	OK(batch(fd, NULL, 0, &arg));
	EQUAL(arg.generation, before);
	EQUAL(generation(fd, GUEST), before);
}

TEST(all_or_nothing)
{
	int fd = open_device(O_RDWR);
	struct hv_kvp_op ops[] = {
		set_op("a", "1"), set_op("b", "2"), set_op("c", "3"),
	};
	struct hv_kvp_batch arg;
	uint64_t before;

	OK(set(fd, "old", "x"));
	before = generation(fd, GUEST);

	ops[2] = delete_op("missing");
	FAILS(batch(fd, ops, 3, &arg), ENOENT);
	EQUAL(arg.failed, 2);
	ops[2] = set_op("c", "\xff");
	FAILS(batch(fd, ops, 3, &arg), EILSEQ);
	EQUAL(arg.failed, 2);
	ops[1] = set_op("", "x");
	FAILS(batch(fd, ops, 3, &arg), EINVAL);
	EQUAL(arg.failed, 1);
	ops[0].key = PTR(BAD_POINTER);
	FAILS(batch(fd, ops, 3, &arg), EFAULT);
	EQUAL(arg.failed, 0);
	EQUAL(generation(fd, GUEST), before);
	EQUAL(count_items(fd, GUEST), 1);
}

TEST(bad_operations)
{
	int fd = open_device(O_RDWR);
	struct hv_kvp_batch arg;
	struct hv_kvp_op op;

	OK(set(fd, "k", "v"));
	op = set_op("k", "v");
	op.op = 0;
	FAILS(batch(fd, &op, 1, &arg), EINVAL);
	op.op = 3;
	FAILS(batch(fd, &op, 1, &arg), EINVAL);
	op = set_op("k", "v");
	op.type = 3;
	FAILS(batch(fd, &op, 1, &arg), EINVAL);
	op = delete_op("k");
	op.type = HV_KVP_TYPE_SZ;
	FAILS(batch(fd, &op, 1, &arg), EINVAL);
	op = delete_op("k");
	op.value_len = 1;
	FAILS(batch(fd, &op, 1, &arg), EINVAL);
	op = delete_op("k");
	op.value = 1;
	FAILS(batch(fd, &op, 1, &arg), EINVAL);
	op = set_op("k", "v");
	op.reserved = 1;
	FAILS(batch(fd, &op, 1, &arg), EINVAL);
	op = set_op("k", "v");
	op.if_generation = 1;
	FAILS(batch(fd, &op, 1, &arg), EINVAL);
	op = set_op("k", "v");
	op.flags = HV_KVP_EPHEMERAL << 1;
	FAILS(batch(fd, &op, 1, &arg), EINVAL);
	op = delete_op("k");
	op.flags = HV_KVP_IF_ABSENT;
	FAILS(batch(fd, &op, 1, &arg), EINVAL);
	op.flags = HV_KVP_EPHEMERAL;
	FAILS(batch(fd, &op, 1, &arg), EINVAL);
	EQUAL(arg.failed, 0);
	op = set_op("\xed\xa0\x80", "v");
	FAILS(batch(fd, &op, 1, &arg), EILSEQ);
	op = delete_op("\xed\xa0\x80");
	FAILS(batch(fd, &op, 1, &arg), ENOENT);
	EQUAL(count_items(fd, GUEST), 1);
}

TEST(compare_and_swap)
{
	int fd = open_device(O_RDWR);
	struct hv_kvp_op op = set_op("k", "v");
	struct hv_kvp_batch arg = {
		.ops = PTR(&op), .count = 1, .op_size = sizeof(op),
		.pool = GUEST, .flags = HV_KVP_BATCH_IF_GENERATION,
	};

	arg.if_generation = generation(fd, GUEST);
	OK(ioctl(fd, HV_KVP_IOC_BATCH, &arg));
	EQUAL(arg.generation, arg.if_generation + 1);
	FAILS(ioctl(fd, HV_KVP_IOC_BATCH, &arg), ESTALE);
	EQUAL(arg.failed, HV_KVP_NO_OP);
	arg.if_generation += 2;
	FAILS(ioctl(fd, HV_KVP_IOC_BATCH, &arg), ESTALE);
	arg.if_generation = ~0ULL;
	FAILS(ioctl(fd, HV_KVP_IOC_BATCH, &arg), ESTALE);
	/* the check alone */
	arg.count = 0;
	FAILS(ioctl(fd, HV_KVP_IOC_BATCH, &arg), ESTALE);
	arg.if_generation = generation(fd, GUEST);
	OK(ioctl(fd, HV_KVP_IOC_BATCH, &arg));
	EQUAL(generation(fd, GUEST), arg.if_generation);
	/* each tells what the next one needs */
	arg.count = 1;
	for (int i = 0; i < 3; i++) {
		OK(ioctl(fd, HV_KVP_IOC_BATCH, &arg));
		arg.if_generation = arg.generation;
	}
}

#define ADDERS	4
#define EACH	50

static void add_one(int fd)
{
	struct hv_kvp_batch arg;
	struct hv_kvp_op op;
	struct hv_kvp_get old;
	uint64_t number;

	do {
		OK(get_into(fd, GUEST, "sum", 3, &number, 8, &old));
		number++;
		op = (struct hv_kvp_op) {
			.key = PTR("sum"), .key_len = 3, .value = PTR(&number),
			.value_len = 8, .op = HV_KVP_OP_SET,
			.type = HV_KVP_TYPE_QWORD,
		};
		arg = (struct hv_kvp_batch) {
			.ops = PTR(&op), .count = 1, .op_size = sizeof(op),
			.pool = GUEST, .flags = HV_KVP_BATCH_IF_GENERATION,
			.if_generation = old.generation,
		};
		if (!ioctl(fd, HV_KVP_IOC_BATCH, &arg))
			return;
		EQUAL(errno, ESTALE);
	} while (1);
}

TEST(no_update_is_lost)
{
	int fd = open_device(O_RDWR);
	struct hv_kvp_get arg;
	uint64_t number = 0;

	OK(set_typed(fd, GUEST, HV_KVP_TYPE_QWORD, "sum", 3, &number, 8));
	for (int i = 0; i < ADDERS; i++) {
		if (fork())
			continue;
		for (int n = 0; n < EACH; n++)
			add_one(fd);
		_exit(0);
	}
	for (int i = 0; i < ADDERS; i++) {
		int status;

		OK(wait(&status));
		EQUAL(status, 0);
	}
	OK(get_into(fd, GUEST, "sum", 3, &number, 8, &arg));
	EQUAL(number, ADDERS * EACH);
}

TEST(largest)
{
	int fd = open_device(O_RDWR);
	unsigned int max = info(fd).batch_max;
	struct hv_kvp_op *ops = calloc(max + 1, sizeof(*ops));
	struct hv_kvp_batch arg;

	CHECK(ops);
	set_many(fd, max, "v");
	EQUAL(count_items(fd, GUEST), max);
	for (unsigned int i = 0; i <= max; i++)
		ops[i] = set_op("k", "v");
	FAILS(batch(fd, ops, max + 1, &arg), E2BIG);
	EQUAL(arg.failed, HV_KVP_NO_OP);
	FAILS(batch(fd, ops, 0xffffffff, &arg), E2BIG);
	OK(batch(fd, ops, max, &arg));
	EQUAL(count_items(fd, GUEST), max + 1);
}

TEST(limit)
{
	int fd = open_device(O_RDWR);
	unsigned int max = info(fd).agent_items_max;
	struct hv_kvp_op ops[2] = { set_op("more", "v"), delete_op("0") };
	struct hv_kvp_batch arg;
	char key[16];

	CHECK(max <= 5000);
	for (unsigned int i = 0; i < max; i++) {
		snprintf(key, sizeof(key), "%u", i);
		OK(set(fd, key, "v"));
	}
	FAILS(batch(fd, ops, 1, &arg), ENOSPC);
	/* the result counts, not the way there */
	OK(batch(fd, ops, 2, &arg));
	EQUAL(count_items(fd, GUEST), max);
}

TEST(bad_arguments)
{
	int fd = open_device(O_RDWR);
	struct hv_kvp_op op = set_op("a", "1");
	struct hv_kvp_batch arg = {
		.ops = PTR(&op), .count = 1, .op_size = sizeof(op),
		.pool = GUEST,
	};

	arg.flags = 2;
	FAILS(ioctl(fd, HV_KVP_IOC_BATCH, &arg), EINVAL);
	arg.flags = 0;
	arg.reserved = 1;
	FAILS(ioctl(fd, HV_KVP_IOC_BATCH, &arg), EINVAL);
	arg.reserved = 0;
	arg.if_generation = 1;
	FAILS(ioctl(fd, HV_KVP_IOC_BATCH, &arg), EINVAL);
	arg.if_generation = 0;
	arg.op_size = 0;
	FAILS(ioctl(fd, HV_KVP_IOC_BATCH, &arg), EINVAL);
	arg.op_size = sizeof(op);
	arg.pool = HV_KVP_POOL_EXTERNAL;
	FAILS(ioctl(fd, HV_KVP_IOC_BATCH, &arg), EPERM);
	arg.pool = HV_KVP_POOL_AUTO;
	FAILS(ioctl(fd, HV_KVP_IOC_BATCH, &arg), ENOENT);
	arg.pool = HV_KVP_POOL_COUNT;
	FAILS(ioctl(fd, HV_KVP_IOC_BATCH, &arg), EINVAL);
	arg.pool = GUEST;
	arg.ops = KERNEL_ADDRESS;
	FAILS(ioctl(fd, HV_KVP_IOC_BATCH, &arg), EFAULT);
	arg.ops = ~0ULL - 16;
	FAILS(ioctl(fd, HV_KVP_IOC_BATCH, &arg), EFAULT);
	FAILS(ioctl(fd, HV_KVP_IOC_BATCH, BAD_POINTER), EFAULT);
	FAILS(batch(open_device(O_RDONLY), &op, 1, &arg), EBADF);
	EQUAL(count_items(fd, GUEST), 0);
}
