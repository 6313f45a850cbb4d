// SPDX-License-Identifier: GPL-2.0
/* HV_KVP_IOC_GET */
#include "harness.h"

static char value[HV_KVP_VALUE_MAX + 1];

TEST(string)
{
	int fd = open_device(O_RDWR);
	struct hv_kvp_get arg;

	OK(set(fd, "key", "value"));
	OK(get_into(fd, HV_KVP_POOL_GUEST, "key", 3, value, sizeof(value),
		    &arg));
	EQUAL(arg.value_size, 5);
	CHECK(!memcmp(value, "value", 5));
	EQUAL(arg.type, HV_KVP_TYPE_SZ);
	EQUAL(arg.item_flags, 0);
	EQUAL(arg.generation, generation(fd, HV_KVP_POOL_GUEST));
	EQUAL(arg.item_generation, arg.generation);
	OK(set(fd, "other", "value"));
	OK(get_into(fd, HV_KVP_POOL_GUEST, "key", 3, value, sizeof(value),
		    &arg));
	EQUAL(arg.generation, arg.item_generation + 1);
}

TEST(room)
{
	int fd = open_device(O_RDWR);
	struct hv_kvp_get arg;

	OK(set(fd, "key", "value"));
	memset(value, '#', 8);
	FAILS(get_into(fd, HV_KVP_POOL_GUEST, "key", 3, value, 4, &arg), ERANGE);
	EQUAL(arg.value_size, 5);
	EQUAL(value[0], '#');
	FAILS(get_into(fd, HV_KVP_POOL_GUEST, "key", 3, NULL, 0, &arg), ERANGE);
	EQUAL(arg.value_size, 5);
	EQUAL(arg.type, HV_KVP_TYPE_SZ);
	OK(get_into(fd, HV_KVP_POOL_GUEST, "key", 3, value, 5, &arg));
	EQUAL(value[5], '#');
	OK(set(fd, "empty", ""));
	OK(get_into(fd, HV_KVP_POOL_GUEST, "empty", 5, NULL, 0, &arg));
	EQUAL(arg.value_size, 0);
}

/* The kernel has room for short values at first: 256 bytes. */
TEST(lengths)
{
	static const char * const units[] = { "x", "\xc3\xa4", "\xe2\x82\xac" };
	static char text[HV_KVP_VALUE_MAX];
	int fd = open_device(O_RDWR);
	struct hv_kvp_get arg;

	for (unsigned int bytes = 1; bytes <= 3; bytes++)
		for (unsigned int n = 84; n <= 1023; n += n < 260 ? 1 : 763) {
			for (unsigned int i = 0; i < n; i++)
				memcpy(text + bytes * i, units[bytes - 1],
				       bytes);
			OK(set_typed(fd, HV_KVP_POOL_GUEST, HV_KVP_TYPE_SZ,
				     "key", 3, text, bytes * n));
			OK(get_into(fd, HV_KVP_POOL_GUEST, "key", 3, value,
				    sizeof(value), &arg));
			EQUAL(arg.value_size, bytes * n);
			CHECK(!memcmp(value, text, bytes * n));
			EQUAL(arg.item_generation, arg.generation);
		}
}

TEST(intrinsic)
{
	int fd = open_device(O_RDONLY);
	struct hv_kvp_get arg;

	OK(get_into(fd, HV_KVP_POOL_AUTO, "OSName", 6, value, sizeof(value),
		    &arg));
	CHECK(!memcmp(value, "Linux", arg.value_size));
	EQUAL(arg.item_flags, 0);
	EQUAL(arg.item_generation, 0);
	FAILS(get_into(fd, HV_KVP_POOL_AUTO, "OsName", 6, value, sizeof(value),
		       &arg), ENOENT);
}

TEST(missing)
{
	int fd = open_device(O_RDWR);
	struct hv_kvp_get arg;

	for (unsigned int pool = 0; pool < HV_KVP_POOL_COUNT; pool++)
		FAILS(get_into(fd, pool, "no such key", 11, value,
			       sizeof(value), &arg), ENOENT);
	OK(set(fd, "key", "1"));
	FAILS(get_into(fd, HV_KVP_POOL_GUEST, "Key", 3, value, 9, &arg), ENOENT);
	FAILS(get_into(fd, HV_KVP_POOL_GUEST, "ke", 2, value, 9, &arg), ENOENT);
	FAILS(get_into(fd, HV_KVP_POOL_GUEST, "keys", 4, value, 9, &arg),
	      ENOENT);
}

TEST(bad_key)
{
	static char key[2 * HV_KVP_KEY_MAX];
	int fd = open_device(O_RDONLY);
	struct hv_kvp_get arg;

	FAILS(get_into(fd, 1, "", 0, value, 9, &arg), EINVAL);
	FAILS(get_into(fd, 1, "a\0b", 3, value, 9, &arg), EINVAL);
	FAILS(get_into(fd, 1, "\xff", 1, value, 9, &arg), EILSEQ);
	FAILS(get_into(fd, 1, "\xc3", 1, value, 9, &arg), EILSEQ);
	FAILS(get_into(fd, 1, "\xc0\xaf", 2, value, 9, &arg), EILSEQ);
	/* an unpaired surrogate may be what the host has stored */
	FAILS(get_into(fd, 1, "\xed\xa0\x80", 3, value, 9, &arg), ENOENT);
	FAILS(get_into(fd, 1, "\xed\xa0\x80\xed\xb0\x80", 6, value, 9, &arg),
	      EILSEQ);
	memset(key, 'k', sizeof(key));
	FAILS(get_into(fd, 1, key, 255, value, 9, &arg), ENOENT);
	FAILS(get_into(fd, 1, key, 256, value, 9, &arg), ENAMETOOLONG);
	FAILS(get_into(fd, 1, key, HV_KVP_KEY_MAX + 1, value, 9, &arg),
	      ENAMETOOLONG);
	FAILS(get_into(fd, 1, key, 0xffffffff, value, 9, &arg), ENAMETOOLONG);
}

TEST(bad_arguments)
{
	int fd = open_device(O_RDONLY);
	struct hv_kvp_get arg = {
		.key = PTR("k"), .key_len = 1, .pool = HV_KVP_POOL_COUNT,
	};

	FAILS(ioctl(fd, HV_KVP_IOC_GET, &arg), EINVAL);
	arg.pool = 0xffffffff;
	FAILS(ioctl(fd, HV_KVP_IOC_GET, &arg), EINVAL);
	arg.pool = HV_KVP_POOL_GUEST;
	arg.flags = 1;
	FAILS(ioctl(fd, HV_KVP_IOC_GET, &arg), EINVAL);
	arg.flags = 0;
	arg.item_flags = 0xffffffff;
	FAILS(ioctl(fd, HV_KVP_IOC_GET, &arg), ENOENT);
}

TEST(bad_pointer)
{
	int fd = open_device(O_RDWR);
	struct hv_kvp_get arg;

	OK(set(fd, "key", "value"));
	FAILS(get_into(fd, 1, BAD_POINTER, 3, value, 9, &arg), EFAULT);
	FAILS(get_into(fd, 1, edge() - 2, 3, value, 9, &arg), EFAULT);
	FAILS(get_into(fd, 1, "key", 3, BAD_POINTER, 9, &arg), EFAULT);
	FAILS(get_into(fd, 1, "key", 3, edge() - 4, 9, &arg), EFAULT);
	OK(get_into(fd, 1, "key", 3, edge() - 5, 9, &arg));
	arg.key = KERNEL_ADDRESS;
	FAILS(ioctl(fd, HV_KVP_IOC_GET, &arg), EFAULT);
	arg.key = PTR("key");
	arg.value = KERNEL_ADDRESS;
	FAILS(ioctl(fd, HV_KVP_IOC_GET, &arg), EFAULT);
	FAILS(ioctl(fd, HV_KVP_IOC_GET, BAD_POINTER), EFAULT);
}

TEST(not_open_for_reading)
{
	struct hv_kvp_get arg;

	FAILS(get_into(open_device(O_WRONLY), 1, "k", 1, value, 9, &arg),
	      EBADF);
}
