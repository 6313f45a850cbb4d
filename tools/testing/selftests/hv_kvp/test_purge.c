// SPDX-License-Identifier: GPL-2.0
/* HV_KVP_IOC_PURGE */
#include "harness.h"

#define EXTERNAL	HV_KVP_POOL_EXTERNAL
#define MANY		1000

TEST(what_is_stale)
{
	int fd = open_device(O_RDWR);
	unsigned int before = count_items(fd, EXTERNAL), count;

	OK(import_one(fd, EXTERNAL, false, "imported", "v", NULL));
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
	unsigned int pool = HV_KVP_POOL_AUTO_EXTERNAL, count;

	/* the host pushes these at each connection */
	CHECK(get(fd, pool, "VirtualMachineId"));
	OK(import_one(fd, pool, false, "imported", "v", NULL));
	OK(purge(fd, pool, &count));
	EQUAL(count, 1);
	CHECK(get(fd, pool, "VirtualMachineId"));
}

TEST(many)
{
	static struct hv_kvp_op ops[MANY];
	static char keys[MANY][16];
	int fd = open_device(O_RDWR);
	unsigned int before = count_items(fd, EXTERNAL), count;
	struct hv_kvp_batch arg = {
		.ops = PTR(ops), .pool = EXTERNAL, .count = MANY,
		.op_size = sizeof(ops[0]), .owner = HV_KVP_OWNER_HOST,
	};

	for (int i = 0; i < MANY; i++) {
		snprintf(keys[i], sizeof(keys[i]), "import-%d", i);
		ops[i] = (struct hv_kvp_op) {
			.key = PTR(keys[i]), .key_len = strlen(keys[i]),
			.op = HV_KVP_OP_SET, .type = HV_KVP_TYPE_SZ,
		};
	}
	OK(ioctl(fd, HV_KVP_IOC_BATCH, &arg));
	EQUAL(count_items(fd, EXTERNAL), before + MANY);
	OK(purge(fd, EXTERNAL, &count));
	EQUAL(count, MANY);
	EQUAL(count_items(fd, EXTERNAL), before);
}

/* "Stale" means nothing without the connection that it is meant of. */
TEST(names_the_connection)
{
	int fd = open_device(O_RDWR);
	unsigned int now = info(fd).connection;
	struct hv_kvp_purge arg = { .pool = EXTERNAL, .connection = now - 1 };

	OK(import_one(fd, EXTERNAL, false, "imported", "v", NULL));
	FAILS(ioctl(fd, HV_KVP_IOC_PURGE, &arg), ESTALE);
	EQUAL(arg.count, 0);
	arg.connection = now + 1;
	FAILS(ioctl(fd, HV_KVP_IOC_PURGE, &arg), ESTALE);
	CHECK(get(fd, EXTERNAL, "imported"));
	arg.connection = now;
	OK(ioctl(fd, HV_KVP_IOC_PURGE, &arg));
	EQUAL(arg.count, 1);
	EQUAL(arg.generation, generation(fd, EXTERNAL));
	/* nothing to be done */
	OK(ioctl(fd, HV_KVP_IOC_PURGE, &arg));
	EQUAL(arg.count, 0);
	EQUAL(arg.generation, generation(fd, EXTERNAL));
}

TEST(bad_arguments)
{
	int fd = open_device(O_RDWR);
	struct hv_kvp_purge arg = { .pool = EXTERNAL, .flags = 1 };

	FAILS(ioctl(fd, HV_KVP_IOC_PURGE, &arg), EINVAL);
	FAILS(purge(fd, HV_KVP_POOL_GUEST, NULL), EOPNOTSUPP);
	FAILS(purge(fd, HV_KVP_POOL_AUTO, NULL), EOPNOTSUPP);
	FAILS(purge(fd, HV_KVP_POOL_COUNT, NULL), EINVAL);
	FAILS(ioctl(fd, HV_KVP_IOC_PURGE, BAD_POINTER), EFAULT);
	arg.pool = EXTERNAL;
	arg.flags = 0;
	FAILS(ioctl(open_device(O_RDONLY), HV_KVP_IOC_PURGE, &arg), EBADF);
}
