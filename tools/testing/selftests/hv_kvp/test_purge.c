// SPDX-License-Identifier: GPL-2.0
/* HVKVP_IOC_PURGE */
#include "harness.h"

#define EXTERNAL	HVKVP_POOL_EXTERNAL
#define MANY		1000

TEST(what_is_stale)
{
	int fd = open_device(O_RDWR);
	unsigned int before = count_items(fd, EXTERNAL), count;

	OK(import_one(fd, EXTERNAL, 0, "imported", "v", NULL));
	EQUAL(count_items(fd, EXTERNAL), before + 1);
	OK(purge(fd, EXTERNAL, &count));
	EQUAL(count, 1);
	EQUAL(count_items(fd, EXTERNAL), before);
	CHECK(!get(fd, EXTERNAL, "imported"));
	OK(purge(fd, EXTERNAL, &count));
	EQUAL(count, 0);
}

TEST(not_what_is_fresh)
{
	int fd = open_device(O_RDWR);
	unsigned int pool = HVKVP_POOL_AUTO_EXTERNAL, count;

	/* the host pushes these at each connection */
	CHECK(get(fd, pool, "VirtualMachineId"));
	OK(import_one(fd, pool, 0, "imported", "v", NULL));
	OK(purge(fd, pool, &count));
	EQUAL(count, 1);
	CHECK(get(fd, pool, "VirtualMachineId"));
}

TEST(many)
{
	static struct hvkvp_op ops[MANY];
	static char keys[MANY][16];
	int fd = open_device(O_RDWR);
	unsigned int before = count_items(fd, EXTERNAL), count;
	struct hvkvp_import arg = {
		.ops = PTR(ops), .pool = EXTERNAL, .count = MANY,
		.op_size = sizeof(ops[0]),
	};

	for (int i = 0; i < MANY; i++) {
		snprintf(keys[i], sizeof(keys[i]), "import-%d", i);
		ops[i] = (struct hvkvp_op) {
			.key = PTR(keys[i]), .key_len = strlen(keys[i]),
			.op = HVKVP_OP_SET, .type = HVKVP_TYPE_SZ,
		};
	}
	OK(ioctl(fd, HVKVP_IOC_IMPORT, &arg));
	EQUAL(count_items(fd, EXTERNAL), before + MANY);
	OK(purge(fd, EXTERNAL, &count));
	EQUAL(count, MANY);
	EQUAL(count_items(fd, EXTERNAL), before);
}

TEST(bad_arguments)
{
	int fd = open_device(O_RDWR);
	struct hvkvp_purge arg = { .pool = EXTERNAL, .flags = 1 };

	FAILS(ioctl(fd, HVKVP_IOC_PURGE, &arg), EINVAL);
	arg.flags = 0;
	arg.reserved = 1;
	FAILS(ioctl(fd, HVKVP_IOC_PURGE, &arg), EINVAL);
	FAILS(purge(fd, HVKVP_POOL_GUEST, NULL), EOPNOTSUPP);
	FAILS(purge(fd, HVKVP_POOL_AUTO, NULL), EOPNOTSUPP);
	FAILS(purge(fd, HVKVP_POOLS, NULL), EINVAL);
	FAILS(ioctl(fd, HVKVP_IOC_PURGE, BAD_POINTER), EFAULT);
	FAILS(purge(open_device(O_RDONLY), EXTERNAL, NULL), EBADF);
}
