// SPDX-License-Identifier: GPL-2.0
/* The mirror, as far as it goes without a host that asks; the rest is in the scenarios */
#define _GNU_SOURCE
#include <grp.h>

#include "harness.h"

#define GUEST	HV_KVP_POOL_GUEST
#define NOBODY	65534

static int mirror(int fd, unsigned int flags)
{
	struct hv_kvp_mirror arg = { .flags = flags };

	return ioctl(fd, HV_KVP_IOC_MIRROR, &arg);
}

static int current(int fd, uint64_t id)
{
	struct hv_kvp_mirror_current arg = { .id = id };

	return ioctl(fd, HV_KVP_IOC_MIRROR_CURRENT, &arg);
}

static int set_as_mirror(int fd, const char *key)
{
	struct hv_kvp_op op = {
		.key = PTR(key), .key_len = strlen(key), .op = HV_KVP_OP_SET,
		.type = HV_KVP_TYPE_SZ, .flags = HV_KVP_UNLESS_HOST,
	};
	struct hv_kvp_batch arg = {
		.ops = PTR(&op), .count = 1, .op_size = sizeof(op),
		.pool = GUEST, .owner = HV_KVP_OWNER_MIRROR,
	};

	return ioctl(fd, HV_KVP_IOC_BATCH, &arg);
}

static unsigned int flags_of(int fd, const char *key)
{
	static char value[HV_KVP_VALUE_MAX];
	struct hv_kvp_get arg;

	OK(get_into(fd, GUEST, key, strlen(key), value, sizeof(value), &arg));
	return arg.item_flags;
}

TEST(one_mirror)
{
	check_one_has(mirror, HV_KVP_MIRROR_ON);
}

/* What it has left is known by its flag, and anybody's set takes that off. */
TEST(its_items)
{
	int fd = open_device(O_RDWR), a = open_device(O_RDWR);

	FAILS(set_as_mirror(a, "file"), EPERM);
	OK(mirror(a, HV_KVP_MIRROR_ON));
	FAILS(set_as_mirror(fd, "file"), EPERM);
	OK(set_as_mirror(a, "file"));
	OK(set_as_mirror(a, "other"));
	EQUAL(flags_of(fd, "file"), HV_KVP_ITEM_MIRROR);
	EQUAL(pool_info(fd, GUEST).agent_items, 2);
	OK(set(fd, "other", "an agent's"));
	EQUAL(flags_of(fd, "other"), 0);
	close(a);
	EQUAL(flags_of(fd, "file"), HV_KVP_ITEM_MIRROR);
}

TEST(answers)
{
	int a = open_device(O_RDWR), b = open_device(O_RDWR | O_NONBLOCK);
	char buffer[64];

	FAILS(current(a, 1), EPERM);
	OK(mirror(b, HV_KVP_MIRROR_ON));
	FAILS(current(a, 1), EPERM);
	/* nothing is asked; but questions may come */
	FAILS(current(b, 1), ESTALE);
	FAILS(current(b, ~0ULL), ESTALE);
	FAILS(read(b, buffer, sizeof(buffer)), EAGAIN);
	OK(mirror(b, 0));
	FAILS(read(b, buffer, sizeof(buffer)), ENODATA);
}

TEST(takes_privilege)
{
	int fd = open_device(O_RDWR);

	OK(setgroups(0, NULL));
	OK(setgid(NOBODY));
	OK(setuid(NOBODY));
	FAILS(mirror(fd, HV_KVP_MIRROR_ON), EPERM);
	FAILS(mirror(fd, 0), EPERM);
}

TEST(bad_arguments)
{
	int fd = open_device(O_RDWR);
	struct hv_kvp_mirror arg = { .flags = 1, .reserved = 1 };

	FAILS(mirror(fd, 2), EINVAL);
	FAILS(ioctl(fd, HV_KVP_IOC_MIRROR, &arg), EINVAL);
	FAILS(ioctl(fd, HV_KVP_IOC_MIRROR, BAD_POINTER), EFAULT);
	FAILS(ioctl(fd, HV_KVP_IOC_MIRROR_CURRENT, BAD_POINTER), EFAULT);
	FAILS(mirror(open_device(O_RDONLY), HV_KVP_MIRROR_ON), EBADF);
	FAILS(mirror(open_device(O_WRONLY), HV_KVP_MIRROR_ON), EBADF);
	OK(mirror(fd, HV_KVP_MIRROR_ON));
}
