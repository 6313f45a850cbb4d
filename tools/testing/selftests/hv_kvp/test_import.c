// SPDX-License-Identifier: GPL-2.0
/* HVKVP_IOC_IMPORT */
#include "harness.h"

static unsigned int flags_of(int fd, unsigned int pool, const char *key)
{
	static char value[HVKVP_VALUE_MAX];
	struct hvkvp_get arg;

	OK(get_into(fd, pool, key, strlen(key), value, sizeof(value), &arg));
	return arg.item_flags;
}

TEST(of_the_host)
{
	static const unsigned int pools[] = {
		HVKVP_POOL_EXTERNAL, HVKVP_POOL_AUTO_EXTERNAL,
		HVKVP_POOL_AUTO_INTERNAL,
	};
	int fd = open_device(O_RDWR);

	for (unsigned int i = 0; i < ARRAY_SIZE(pools); i++) {
		unsigned int before = info(fd).pools[pools[i]].host_items;

		OK(import_one(fd, pools[i], 0, "imported", "v", NULL));
		CHECK(!strcmp(get(fd, pools[i], "imported"), "v"));
		/* the host has not confirmed it */
		EQUAL(flags_of(fd, pools[i], "imported"),
		      HVKVP_ITEM_HOST | HVKVP_ITEM_STALE);
		EQUAL(info(fd).pools[pools[i]].host_items, before + 1);
	}
}

TEST(of_the_guest)
{
	int fd = open_device(O_RDWR);
	unsigned int kept;

	OK(import_one(fd, HVKVP_POOL_GUEST, 0, "k", "v", &kept));
	EQUAL(kept, 0);
	EQUAL(flags_of(fd, HVKVP_POOL_GUEST, "k"), 0);
	EQUAL(info(fd).pools[HVKVP_POOL_GUEST].agent_items, 1);
}

TEST(keeps_what_is_there)
{
	int fd = open_device(O_RDWR);
	unsigned int kept;

	OK(set(fd, "k", "new"));
	OK(import_one(fd, HVKVP_POOL_GUEST, 0, "k", "old", &kept));
	EQUAL(kept, 1);
	CHECK(!strcmp(get(fd, HVKVP_POOL_GUEST, "k"), "new"));
	OK(import_one(fd, HVKVP_POOL_GUEST, HVKVP_IMPORT_REPLACE, "k", "old",
		      &kept));
	EQUAL(kept, 0);
	CHECK(!strcmp(get(fd, HVKVP_POOL_GUEST, "k"), "old"));
}

TEST(replaces_what_is_stale)
{
	int fd = open_device(O_RDWR);
	unsigned int kept;

	OK(import_one(fd, HVKVP_POOL_EXTERNAL, 0, "k", "1", &kept));
	OK(import_one(fd, HVKVP_POOL_EXTERNAL, 0, "k", "2", &kept));
	EQUAL(kept, 0);
	CHECK(!strcmp(get(fd, HVKVP_POOL_EXTERNAL, "k"), "2"));
}

TEST(surrogates)
{
	int fd = open_device(O_RDWR);

	/* what the host may have stored */
	OK(import_one(fd, HVKVP_POOL_EXTERNAL, 0, "\xed\xa0\x80",
		      "\xed\xb0\x80", NULL));
	CHECK(!strcmp(get(fd, HVKVP_POOL_EXTERNAL, "\xed\xa0\x80"),
		      "\xed\xb0\x80"));
	FAILS(import_one(fd, HVKVP_POOL_EXTERNAL, 0, "\xff", "v", NULL),
	      EILSEQ);
	/* and what no agent can */
	for (unsigned int flags = 0; flags <= HVKVP_IMPORT_REPLACE; flags++) {
		FAILS(import_one(fd, HVKVP_POOL_GUEST, flags, "\xed\xa0\x80",
				 "v", NULL), EILSEQ);
		FAILS(import_one(fd, HVKVP_POOL_GUEST, flags, "k",
				 "a\xed\xb0\x80", NULL), EILSEQ);
	}
	EQUAL(count_items(fd, HVKVP_POOL_GUEST), 0);
}

TEST(all_or_nothing)
{
	int fd = open_device(O_RDWR);
	struct hvkvp_op ops[3];
	struct hvkvp_import arg = {
		.ops = PTR(ops), .pool = HVKVP_POOL_GUEST, .count = 3,
		.op_size = sizeof(ops[0]),
	};

	for (int i = 0; i < 3; i++)
		ops[i] = (struct hvkvp_op) {
			.key = PTR("a\0b\0c\0" + 2 * i), .key_len = 1,
			.op = HVKVP_OP_SET, .type = HVKVP_TYPE_SZ,
		};
	ops[2].op = HVKVP_OP_DELETE;
	FAILS(ioctl(fd, HVKVP_IOC_IMPORT, &arg), EINVAL);
	EQUAL(arg.failed, 2);
	EQUAL(count_items(fd, HVKVP_POOL_GUEST), 0);
	ops[2].op = HVKVP_OP_SET;
	OK(ioctl(fd, HVKVP_IOC_IMPORT, &arg));
	EQUAL(arg.failed, HVKVP_NO_OP);
	EQUAL(count_items(fd, HVKVP_POOL_GUEST), 3);
	OK(delete(fd, "b"));
	OK(ioctl(fd, HVKVP_IOC_IMPORT, &arg));
	EQUAL(arg.kept, 2);
	EQUAL(count_items(fd, HVKVP_POOL_GUEST), 3);
}

TEST(bad_arguments)
{
	int fd = open_device(O_RDWR);
	struct hvkvp_import arg = { .op_size = sizeof(struct hvkvp_op) };

	arg.pool = HVKVP_POOL_AUTO;
	FAILS(ioctl(fd, HVKVP_IOC_IMPORT, &arg), EOPNOTSUPP);
	arg.pool = HVKVP_POOLS;
	FAILS(ioctl(fd, HVKVP_IOC_IMPORT, &arg), EINVAL);
	arg.pool = HVKVP_POOL_GUEST;
	arg.flags = 2;
	FAILS(ioctl(fd, HVKVP_IOC_IMPORT, &arg), EINVAL);
	arg.flags = 0;
	arg.count = 100000;
	FAILS(ioctl(fd, HVKVP_IOC_IMPORT, &arg), E2BIG);
	arg.count = 1;
	arg.ops = KERNEL_ADDRESS;
	FAILS(ioctl(fd, HVKVP_IOC_IMPORT, &arg), EFAULT);
	FAILS(ioctl(fd, HVKVP_IOC_IMPORT, BAD_POINTER), EFAULT);
	arg.count = 0;
	OK(ioctl(fd, HVKVP_IOC_IMPORT, &arg));
	FAILS(import_one(open_device(O_RDONLY), HVKVP_POOL_GUEST, 0, "k", "v",
			 NULL), EBADF);
}
