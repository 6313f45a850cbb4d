// SPDX-License-Identifier: GPL-2.0
/*
 * Sizes: the layouts, and programs that were built with smaller and larger structures
 * than this kernel's.
 */
#include "harness.h"

#define LAYOUT(name, size, last)					\
	do {								\
		EQUAL(sizeof(struct hv_kvp_##name), size);		\
		EQUAL(offsetof(struct hv_kvp_##name, last) +		\
		      sizeof(((struct hv_kvp_##name *)0)->last), size);	\
	} while (0)

TEST(layouts)
{
	/* the same on every architecture, and without a hole at the end */
	LAYOUT(info, 88, agent_bytes_max);
	LAYOUT(pool_info, 64, host_read_time);
	LAYOUT(get, 64, sequence);
	LAYOUT(item, 48, sequence);
	LAYOUT(list, 48, reserved);
	LAYOUT(set, 56, generation);
	LAYOUT(delete, 40, generation);
	LAYOUT(op, 48, if_generation);
	LAYOUT(batch, 56, reserved);
	LAYOUT(purge, 24, generation);
	LAYOUT(watch, 8, flags);
	LAYOUT(event, 16, flags);
	LAYOUT(event_item, 64, value_len);
	LAYOUT(event_pool, 40, reserved);
	LAYOUT(event_state, 32, message);
	LAYOUT(event_request, 24, id);
	LAYOUT(ip_agent, 8, reserved);
	LAYOUT(ip_config, 2848, v6_dns);
	LAYOUT(ip_request, 40, reserved);
	LAYOUT(ip_answer, 16, reserved);
	LAYOUT(ip_report, 32, dhcp);
	LAYOUT(mirror, 8, reserved);
	LAYOUT(mirror_current, 8, id);
}

/* Of each call: its number, and the smallest size. */
static const struct {
	unsigned int cmd;
	unsigned int least;
	int error;	/* of all zeroes, with the smallest size; 0: none */
} calls[] = {
	{ HV_KVP_IOC_INFO, 16, 0 },
	{ HV_KVP_IOC_POOL_INFO, 16, 0 },
	{ HV_KVP_IOC_GET, 40, EINVAL },
	{ HV_KVP_IOC_LIST, 48, ERANGE },
	{ HV_KVP_IOC_SET, 40, EPERM },
	{ HV_KVP_IOC_DELETE, 24, EPERM },
	{ HV_KVP_IOC_BATCH, 32, EINVAL },
	{ HV_KVP_IOC_PURGE, 16, ESTALE },
	{ HV_KVP_IOC_WATCH, 8, 0 },
	{ HV_KVP_IOC_IP_AGENT, 8, 0 },
	{ HV_KVP_IOC_IP_REQUEST, 40, EINVAL },
	{ HV_KVP_IOC_IP_ANSWER, 16, EPERM },
	{ HV_KVP_IOC_IP_REPORT, 32, EINVAL },
	{ HV_KVP_IOC_MIRROR, 8, 0 },
	{ HV_KVP_IOC_MIRROR_CURRENT, 8, EPERM },
};

static unsigned int with_size(unsigned int cmd, unsigned int size)
{
	return _IOC(_IOC_DIR(cmd), _IOC_TYPE(cmd), _IOC_NR(cmd), size);
}

static void try(int fd, unsigned int cmd, void *arg, int error)
{
	if (error)
		FAILS(ioctl(fd, cmd, arg), error);
	else
		OK(ioctl(fd, cmd, arg));
}

TEST(smaller)
{
	int fd = open_device(O_RDWR);
	unsigned char arg[256];

	/* so that a list fails as it does in an empty pool of the guest */
	OK(import_one(fd, HV_KVP_POOL_EXTERNAL, false, "there", "v", NULL));
	for (unsigned int i = 0; i < ARRAY_SIZE(calls); i++) {
		unsigned int least = calls[i].least;

		memset(arg, 0, sizeof(arg));
		try(fd, with_size(calls[i].cmd, least), arg, calls[i].error);
		/* nothing is written behind what the program has */
		for (unsigned int n = least; n < sizeof(arg); n++)
			EQUAL(arg[n], 0);
		FAILS(ioctl(fd, with_size(calls[i].cmd, least - 1), arg), EINVAL);
		FAILS(ioctl(fd, with_size(calls[i].cmd, 0), arg), EINVAL);
	}
}

TEST(larger)
{
	int fd = open_device(O_RDWR);
	unsigned char arg[256];

	OK(import_one(fd, HV_KVP_POOL_EXTERNAL, false, "there", "v", NULL));
	for (unsigned int i = 0; i < ARRAY_SIZE(calls); i++) {
		unsigned int cmd = calls[i].cmd, size = _IOC_SIZE(cmd);

		memset(arg, 0, sizeof(arg));
		try(fd, with_size(cmd, size + 16), arg, calls[i].error);
		for (unsigned int n = size; n < size + 16; n++)
			EQUAL(arg[n], 0);
		if (!(_IOC_DIR(cmd) & _IOC_WRITE))
			continue;
		/* a newer program may not use what this kernel does not know */
		arg[size + 15] = 1;
		FAILS(ioctl(fd, with_size(cmd, size + 16), arg), E2BIG);
		EQUAL(arg[size + 15], 1);
	}
}

/* What is out and unknown to the kernel is zeroed. */
TEST(larger_out)
{
	struct {
		struct hv_kvp_info info;
		uint64_t more[2];
	} arg;
	int fd = open_device(O_RDONLY);

	memset(&arg, 0xff, sizeof(arg));
	OK(ioctl(fd, with_size(HV_KVP_IOC_INFO, sizeof(arg)), &arg));
	EQUAL(arg.info.abi, HV_KVP_ABI_VERSION);
	EQUAL(arg.more[0], 0);
	EQUAL(arg.more[1], 0);
}

/* An old program: sets, gets, lists and watches with the smallest structures. */
TEST(of_an_older_program)
{
	int fd = open_device(O_RDWR);
	char value[16] = { };
	struct hv_kvp_set set = {
		.key = PTR("key"), .key_len = 3, .value = PTR("value"),
		.value_len = 5, .pool = HV_KVP_POOL_GUEST, .type = HV_KVP_TYPE_SZ,
		/* not its own: behind what it has */
		.if_generation = 77, .generation = 88,
	};
	struct hv_kvp_get get = {
		.key = PTR("key"), .key_len = 3, .value = PTR(value),
		.value_size = sizeof(value), .pool = HV_KVP_POOL_GUEST,
		.item_generation = 99, .sequence = 99,
	};
	struct hv_kvp_delete delete = {
		.key = PTR("key"), .key_len = 3, .pool = HV_KVP_POOL_GUEST,
		.if_generation = 77,
	};

	OK(ioctl(fd, with_size(HV_KVP_IOC_SET, 40), &set));
	EQUAL(set.if_generation, 77);
	EQUAL(set.generation, 88);
	OK(ioctl(fd, with_size(HV_KVP_IOC_GET, 40), &get));
	CHECK(!strcmp(value, "value"));
	EQUAL(get.item_generation, 99);
	EQUAL(get.sequence, 99);
	/* the flag needs what it does not have: 0 is no item's */
	set.flags = HV_KVP_IF_GENERATION;
	FAILS(ioctl(fd, with_size(HV_KVP_IOC_SET, 40), &set), ESTALE);
	OK(ioctl(fd, with_size(HV_KVP_IOC_DELETE, 24), &delete));
	EQUAL(count_items(fd, HV_KVP_POOL_GUEST), 0);
}

/* The operations of a batch have a size of their own. */
TEST(operations)
{
	int fd = open_device(O_RDWR);
	struct {
		struct hv_kvp_op op;
		uint64_t more;
	} ops[2];
	struct hv_kvp_batch arg = {
		.ops = PTR(ops), .count = 2, .op_size = sizeof(ops[0]),
		.pool = HV_KVP_POOL_GUEST,
	};
	char small[2][40];

	memset(ops, 0, sizeof(ops));
	for (int i = 0; i < 2; i++) {
		ops[i].op = (struct hv_kvp_op) {
			.key = PTR("ab" + i), .key_len = 1,
			.op = HV_KVP_OP_SET, .type = HV_KVP_TYPE_SZ,
		};
		memcpy(small[i], &ops[i].op, sizeof(small[i]));
	}
	OK(ioctl(fd, HV_KVP_IOC_BATCH, &arg));
	EQUAL(count_items(fd, HV_KVP_POOL_GUEST), 2);
	ops[1].more = 1;
	FAILS(ioctl(fd, HV_KVP_IOC_BATCH, &arg), E2BIG);
	EQUAL(arg.failed, 1);
	arg.ops = PTR(small);
	arg.op_size = sizeof(small[0]);
	OK(ioctl(fd, HV_KVP_IOC_BATCH, &arg));
	EQUAL(arg.generation, generation(fd, HV_KVP_POOL_GUEST));
	arg.op_size--;
	FAILS(ioctl(fd, HV_KVP_IOC_BATCH, &arg), EINVAL);
	arg.op_size = 0xffffffff;
	FAILS(ioctl(fd, HV_KVP_IOC_BATCH, &arg), EINVAL);
}
