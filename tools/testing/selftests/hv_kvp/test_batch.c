// SPDX-License-Identifier: GPL-2.0
/* HVKVP_IOC_BATCH */
#include <sys/wait.h>

#include "harness.h"

#define GUEST	HVKVP_POOL_GUEST

static struct hvkvp_op set_op(const char *key, const char *value)
{
	return (struct hvkvp_op) {
		.key = PTR(key), .key_len = strlen(key), .value = PTR(value),
		.value_len = strlen(value), .op = HVKVP_OP_SET,
		.type = HVKVP_TYPE_SZ,
	};
}

static struct hvkvp_op delete_op(const char *key)
{
	return (struct hvkvp_op) {
		.key = PTR(key), .key_len = strlen(key), .op = HVKVP_OP_DELETE,
	};
}

static int batch(int fd, const struct hvkvp_op *ops, unsigned int count,
		 struct hvkvp_batch *arg)
{
	memset(arg, 0, sizeof(*arg));
	arg->ops = PTR(ops);
	arg->count = count;
	arg->op_size = sizeof(*ops);
	arg->pool = GUEST;
	return ioctl(fd, HVKVP_IOC_BATCH, arg);
}

TEST(one_version)
{
	int fd = open_device(O_RDWR);
	const struct hvkvp_op ops[] = {
		set_op("a", "1"), set_op("b", "2"), delete_op("a"),
		set_op("b", "3"), set_op("c", "4"),
	};
	uint64_t before = generation(fd, GUEST);
	struct hvkvp_batch arg;

	OK(batch(fd, ops, ARRAY_SIZE(ops), &arg));
	EQUAL(arg.failed, HVKVP_NO_OP);
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
	struct hvkvp_batch arg;

	OK(batch(fd, NULL, 0, &arg));
	EQUAL(generation(fd, GUEST), before);
}

TEST(all_or_nothing)
{
	int fd = open_device(O_RDWR);
	struct hvkvp_op ops[] = {
		set_op("a", "1"), set_op("b", "2"), set_op("c", "3"),
	};
	struct hvkvp_batch arg;
	uint64_t before;

	OK(set(fd, "old", "x"));
	before = generation(fd, GUEST);

	ops[2] = delete_op("missing");
	FAILS(batch(fd, ops, 3, &arg), ENOENT);
	EQUAL(arg.failed, HVKVP_NO_OP);
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
	struct hvkvp_batch arg;
	struct hvkvp_op op;

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
	op.type = HVKVP_TYPE_SZ;
	FAILS(batch(fd, &op, 1, &arg), EINVAL);
	op = delete_op("k");
	op.value_len = 1;
	FAILS(batch(fd, &op, 1, &arg), EINVAL);
	op = delete_op("k");
	op.value = 1;
	FAILS(batch(fd, &op, 1, &arg), EINVAL);
	op = set_op("\xed\xa0\x80", "v");
	FAILS(batch(fd, &op, 1, &arg), EILSEQ);
	op = delete_op("\xed\xa0\x80");
	FAILS(batch(fd, &op, 1, &arg), ENOENT);
	EQUAL(count_items(fd, GUEST), 1);
}

TEST(compare_and_swap)
{
	int fd = open_device(O_RDWR);
	struct hvkvp_op op = set_op("k", "v");
	struct hvkvp_batch arg = {
		.ops = PTR(&op), .count = 1, .op_size = sizeof(op),
		.pool = GUEST, .flags = HVKVP_BATCH_IF_GENERATION,
	};

	arg.generation = generation(fd, GUEST);
	OK(ioctl(fd, HVKVP_IOC_BATCH, &arg));
	FAILS(ioctl(fd, HVKVP_IOC_BATCH, &arg), ESTALE);
	arg.generation += 2;
	FAILS(ioctl(fd, HVKVP_IOC_BATCH, &arg), ESTALE);
	arg.generation = ~0ULL;
	FAILS(ioctl(fd, HVKVP_IOC_BATCH, &arg), ESTALE);
	/* the check alone */
	arg.count = 0;
	FAILS(ioctl(fd, HVKVP_IOC_BATCH, &arg), ESTALE);
	arg.generation = generation(fd, GUEST);
	OK(ioctl(fd, HVKVP_IOC_BATCH, &arg));
	EQUAL(generation(fd, GUEST), arg.generation);
}

#define ADDERS	4
#define EACH	50

static void add_one(int fd)
{
	struct hvkvp_batch arg;
	struct hvkvp_op op;
	struct hvkvp_get old;
	uint64_t number;

	do {
		OK(get_into(fd, GUEST, "sum", 3, &number, 8, &old));
		number++;
		op = (struct hvkvp_op) {
			.key = PTR("sum"), .key_len = 3, .value = PTR(&number),
			.value_len = 8, .op = HVKVP_OP_SET,
			.type = HVKVP_TYPE_QWORD,
		};
		arg = (struct hvkvp_batch) {
			.ops = PTR(&op), .count = 1, .op_size = sizeof(op),
			.pool = GUEST, .flags = HVKVP_BATCH_IF_GENERATION,
			.generation = old.generation,
		};
		if (!ioctl(fd, HVKVP_IOC_BATCH, &arg))
			return;
		EQUAL(errno, ESTALE);
	} while (1);
}

TEST(no_update_is_lost)
{
	int fd = open_device(O_RDWR);
	struct hvkvp_get arg;
	uint64_t number = 0;

	OK(set_typed(fd, GUEST, HVKVP_TYPE_QWORD, "sum", 3, &number, 8));
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
	struct hvkvp_op *ops = calloc(max + 1, sizeof(*ops));
	struct hvkvp_batch arg;

	CHECK(ops);
	set_many(fd, max, "v");
	EQUAL(count_items(fd, GUEST), max);
	for (unsigned int i = 0; i <= max; i++)
		ops[i] = set_op("k", "v");
	FAILS(batch(fd, ops, max + 1, &arg), E2BIG);
	EQUAL(arg.failed, HVKVP_NO_OP);
	FAILS(batch(fd, ops, 0xffffffff, &arg), E2BIG);
	OK(batch(fd, ops, max, &arg));
	EQUAL(count_items(fd, GUEST), max + 1);
}

TEST(limit)
{
	int fd = open_device(O_RDWR);
	unsigned int max = info(fd).agent_items_max;
	struct hvkvp_op ops[2] = { set_op("more", "v"), delete_op("0") };
	struct hvkvp_batch arg;
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

TEST(of_a_newer_program)
{
	int fd = open_device(O_RDWR);
	struct {
		struct hvkvp_op op;
		uint64_t more;
	} ops[2] = { { set_op("a", "1"), 0 }, { set_op("b", "2"), 0 } };
	struct hvkvp_batch arg = {
		.ops = PTR(ops), .count = 2, .op_size = sizeof(ops[0]),
		.pool = GUEST,
	};

	OK(ioctl(fd, HVKVP_IOC_BATCH, &arg));
	EQUAL(count_items(fd, GUEST), 2);
	ops[1].more = 1;
	FAILS(ioctl(fd, HVKVP_IOC_BATCH, &arg), E2BIG);
	EQUAL(arg.failed, 1);
	arg.op_size = sizeof(struct hvkvp_op) - 8;
	FAILS(ioctl(fd, HVKVP_IOC_BATCH, &arg), EINVAL);
	arg.op_size = 0xffffffff;
	FAILS(ioctl(fd, HVKVP_IOC_BATCH, &arg), EINVAL);
}

TEST(bad_arguments)
{
	int fd = open_device(O_RDWR);
	struct hvkvp_op op = set_op("a", "1");
	struct hvkvp_batch arg = {
		.ops = PTR(&op), .count = 1, .op_size = sizeof(op),
		.pool = GUEST,
	};

	arg.flags = 2;
	FAILS(ioctl(fd, HVKVP_IOC_BATCH, &arg), EINVAL);
	arg.flags = 0;
	arg.reserved = 1;
	FAILS(ioctl(fd, HVKVP_IOC_BATCH, &arg), EINVAL);
	arg.reserved = 0;
	arg.generation = 1;
	FAILS(ioctl(fd, HVKVP_IOC_BATCH, &arg), EINVAL);
	arg.generation = 0;
	arg.pool = HVKVP_POOL_EXTERNAL;
	FAILS(ioctl(fd, HVKVP_IOC_BATCH, &arg), EPERM);
	arg.pool = HVKVP_POOL_AUTO;
	FAILS(ioctl(fd, HVKVP_IOC_BATCH, &arg), ENOENT);
	arg.pool = HVKVP_POOLS;
	FAILS(ioctl(fd, HVKVP_IOC_BATCH, &arg), EINVAL);
	arg.pool = GUEST;
	arg.ops = KERNEL_ADDRESS;
	FAILS(ioctl(fd, HVKVP_IOC_BATCH, &arg), EFAULT);
	arg.ops = ~0ULL - 16;
	FAILS(ioctl(fd, HVKVP_IOC_BATCH, &arg), EFAULT);
	FAILS(ioctl(fd, HVKVP_IOC_BATCH, BAD_POINTER), EFAULT);
	FAILS(batch(open_device(O_RDONLY), &op, 1, &arg), EBADF);
	EQUAL(count_items(fd, GUEST), 0);
}
