// SPDX-License-Identifier: GPL-2.0
/* HV_KVP_IOC_DELETE */
#include "harness.h"

TEST(is_gone)
{
	int fd = open_device(O_RDWR);

	OK(set(fd, "a", "1"));
	OK(set(fd, "b", "2"));
	OK(delete(fd, "a"));
	CHECK(!get(fd, HV_KVP_POOL_GUEST, "a"));
	CHECK(!strcmp(get(fd, HV_KVP_POOL_GUEST, "b"), "2"));
	EQUAL(count_items(fd, HV_KVP_POOL_GUEST), 1);
}

TEST(missing)
{
	int fd = open_device(O_RDWR);
	uint64_t before = generation(fd, HV_KVP_POOL_GUEST);

	FAILS(delete(fd, "a"), ENOENT);
	EQUAL(generation(fd, HV_KVP_POOL_GUEST), before);
}

TEST(surrogates)
{
	int fd = open_device(O_RDWR);

	/* the host may set a key that no agent can */
	FAILS(import_one(fd, HV_KVP_POOL_GUEST, false, "\xed\xa0\x80", "v", NULL),
	      EILSEQ);
	FAILS(delete(fd, "\xed\xa0\x80"), ENOENT);
}

TEST(bad_arguments)
{
	static char key[HV_KVP_KEY_MAX + 2];
	int fd = open_device(O_RDWR);
	struct hv_kvp_delete arg = {
		.key = PTR("k"), .key_len = 1, .pool = HV_KVP_POOL_GUEST,
	};

	memset(key, 'k', sizeof(key) - 1);
	FAILS(delete(fd, ""), EINVAL);
	FAILS(delete(fd, "\xff"), EILSEQ);
	FAILS(delete(fd, key), ENAMETOOLONG);
	arg.flags = 1;
	FAILS(ioctl(fd, HV_KVP_IOC_DELETE, &arg), EINVAL);
	arg.flags = 0;
	arg.reserved = 1;
	FAILS(ioctl(fd, HV_KVP_IOC_DELETE, &arg), EINVAL);
	arg.reserved = 0;
	arg.key = KERNEL_ADDRESS;
	FAILS(ioctl(fd, HV_KVP_IOC_DELETE, &arg), EFAULT);
	FAILS(ioctl(fd, HV_KVP_IOC_DELETE, BAD_POINTER), EFAULT);
}

TEST(other_pools)
{
	static const int errors[HV_KVP_POOL_COUNT + 1] = {
		EPERM, ENOENT, ENOENT, EPERM, EPERM, EINVAL
	};
	int fd = open_device(O_RDWR);
	struct hv_kvp_delete arg = { .key = PTR("k"), .key_len = 1 };

	for (arg.pool = 0; arg.pool <= HV_KVP_POOL_COUNT; arg.pool++)
		FAILS(ioctl(fd, HV_KVP_IOC_DELETE, &arg), errors[arg.pool]);
}

TEST(not_open_for_writing)
{
	FAILS(delete(open_device(O_RDONLY), "k"), EBADF);
}
