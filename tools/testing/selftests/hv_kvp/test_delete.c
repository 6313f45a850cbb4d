// SPDX-License-Identifier: GPL-2.0
/* HVKVP_IOC_DELETE */
#include "harness.h"

TEST(is_gone)
{
	int fd = open_device(O_RDWR);

	OK(set(fd, "a", "1"));
	OK(set(fd, "b", "2"));
	OK(delete(fd, "a"));
	CHECK(!get(fd, HVKVP_POOL_GUEST, "a"));
	CHECK(!strcmp(get(fd, HVKVP_POOL_GUEST, "b"), "2"));
	EQUAL(count_items(fd, HVKVP_POOL_GUEST), 1);
}

TEST(missing)
{
	int fd = open_device(O_RDWR);
	uint64_t before = generation(fd, HVKVP_POOL_GUEST);

	FAILS(delete(fd, "a"), ENOENT);
	EQUAL(generation(fd, HVKVP_POOL_GUEST), before);
}

TEST(surrogates)
{
	int fd = open_device(O_RDWR);

	/* the host may set a key that no agent can */
	FAILS(import_one(fd, HVKVP_POOL_GUEST, 0, "\xed\xa0\x80", "v", NULL),
	      EILSEQ);
	FAILS(delete(fd, "\xed\xa0\x80"), ENOENT);
}

TEST(bad_arguments)
{
	static char key[HVKVP_KEY_MAX + 2];
	int fd = open_device(O_RDWR);
	struct hvkvp_delete arg = {
		.key = PTR("k"), .key_len = 1, .pool = HVKVP_POOL_GUEST,
	};

	memset(key, 'k', sizeof(key) - 1);
	FAILS(delete(fd, ""), EINVAL);
	FAILS(delete(fd, "\xff"), EILSEQ);
	FAILS(delete(fd, key), ENAMETOOLONG);
	arg.flags = 1;
	FAILS(ioctl(fd, HVKVP_IOC_DELETE, &arg), EINVAL);
	arg.flags = 0;
	arg.reserved = 1;
	FAILS(ioctl(fd, HVKVP_IOC_DELETE, &arg), EINVAL);
	arg.reserved = 0;
	arg.key = KERNEL_ADDRESS;
	FAILS(ioctl(fd, HVKVP_IOC_DELETE, &arg), EFAULT);
	FAILS(ioctl(fd, HVKVP_IOC_DELETE, BAD_POINTER), EFAULT);
}

TEST(other_pools)
{
	static const int errors[HVKVP_POOLS + 1] = {
		EPERM, ENOENT, ENOENT, EPERM, EPERM, EINVAL
	};
	int fd = open_device(O_RDWR);
	struct hvkvp_delete arg = { .key = PTR("k"), .key_len = 1 };

	for (arg.pool = 0; arg.pool <= HVKVP_POOLS; arg.pool++)
		FAILS(ioctl(fd, HVKVP_IOC_DELETE, &arg), errors[arg.pool]);
}

TEST(not_open_for_writing)
{
	FAILS(delete(open_device(O_RDONLY), "k"), EBADF);
}
