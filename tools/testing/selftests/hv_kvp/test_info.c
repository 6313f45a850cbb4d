// SPDX-License-Identifier: GPL-2.0
/* HVKVP_IOC_INFO */
#include "harness.h"

TEST(layouts)
{
	/* the same on every architecture */
	EQUAL(sizeof(struct hvkvp_info), 280);
	EQUAL(sizeof(struct hvkvp_pool_info), 40);
	EQUAL(sizeof(struct hvkvp_get), 56);
	EQUAL(sizeof(struct hvkvp_set), 40);
	EQUAL(sizeof(struct hvkvp_delete), 24);
	EQUAL(sizeof(struct hvkvp_list), 48);
	EQUAL(sizeof(struct hvkvp_item), 32);
	EQUAL(sizeof(struct hvkvp_op), 32);
	EQUAL(sizeof(struct hvkvp_batch), 40);
	EQUAL(sizeof(struct hvkvp_import), 32);
	EQUAL(sizeof(struct hvkvp_purge), 16);
	EQUAL(sizeof(struct hvkvp_change), 24);
	EQUAL(offsetof(struct hvkvp_info, host_bytes_max), 64);
	EQUAL(offsetof(struct hvkvp_info, pools), 80);
	EQUAL(offsetof(struct hvkvp_get, item_generation), 40);
	EQUAL(offsetof(struct hvkvp_item, generation), 24);
	EQUAL(offsetof(struct hvkvp_list, pool), 24);
	EQUAL(offsetof(struct hvkvp_change, generation), 16);
}

TEST(says_what_it_is)
{
	int fd = open_device(O_RDONLY);
	struct hvkvp_info arg;

	memset(&arg, 0xff, sizeof(arg));
	OK(ioctl(fd, HVKVP_IOC_INFO, &arg));
	EQUAL(arg.abi, HVKVP_ABI_VERSION);
	EQUAL(arg.key_max, HVKVP_KEY_MAX);
	EQUAL(arg.value_max, HVKVP_VALUE_MAX);
	EQUAL(arg.reserved, 0);
	CHECK(arg.batch_max >= 128);
	CHECK(arg.lists_max >= 1);
	CHECK(arg.changes_bytes >= 2 * HVKVP_CHANGE_MAX);
	CHECK(arg.host_items_max && arg.agent_items_max);
	CHECK(arg.host_bytes_max && arg.agent_bytes_max);
}

TEST(knows_the_connection)
{
	struct hvkvp_info arg = info(open_device(O_RDONLY));

	CHECK(arg.state == HVKVP_STATE_OK || arg.state == HVKVP_STATE_DEGRADED);
	CHECK(arg.connection > 0);
	CHECK(arg.framework && arg.framework <= arg.framework_offered);
	CHECK(arg.message && arg.message <= arg.message_offered);
	EQUAL(arg.host_writable & (1 << HVKVP_POOL_AUTO), 0);
	CHECK(arg.host_writable & (1 << HVKVP_POOL_EXTERNAL));
}

TEST(counts_items)
{
	int fd = open_device(O_RDWR);
	struct hvkvp_pool_info before, after;

	before = info(fd).pools[HVKVP_POOL_GUEST];
	EQUAL(before.items, 0);
	OK(set(fd, "a", "1"));
	after = info(fd).pools[HVKVP_POOL_GUEST];
	EQUAL(after.items, 1);
	EQUAL(after.agent_items, 1);
	EQUAL(after.host_items, 0);
	EQUAL(after.generation, before.generation + 1);
	CHECK(after.agent_bytes > before.agent_bytes);
	EQUAL(after.reserved, 0);
}

TEST(intrinsic_items)
{
	struct hvkvp_pool_info pool;

	pool = info(open_device(O_RDONLY)).pools[HVKVP_POOL_AUTO];
	EQUAL(pool.items, 10);
	EQUAL(pool.host_items, 0);
	EQUAL(pool.agent_items, 0);
}

TEST(any_descriptor)
{
	EQUAL(info(open_device(O_WRONLY)).abi, HVKVP_ABI_VERSION);
	EQUAL(info(open_device(O_RDWR)).abi, HVKVP_ABI_VERSION);
}

TEST(of_a_newer_program)
{
	struct {
		struct hvkvp_info info;
		uint64_t more[2];
	} arg;
	int fd = open_device(O_RDONLY);

	memset(&arg, 0xff, sizeof(arg));
	OK(ioctl(fd, _IOC(_IOC_READ, HVKVP_IOC_MAGIC, 0, sizeof(arg)), &arg));
	EQUAL(arg.info.abi, HVKVP_ABI_VERSION);
	EQUAL(arg.more[0], 0);
	EQUAL(arg.more[1], 0);
}

TEST(too_small)
{
	char arg[sizeof(struct hvkvp_info)];
	int fd = open_device(O_RDONLY);

	FAILS(ioctl(fd, _IOC(_IOC_READ, HVKVP_IOC_MAGIC, 0, sizeof(arg) - 8),
		    arg), EINVAL);
	FAILS(ioctl(fd, _IOC(_IOC_READ, HVKVP_IOC_MAGIC, 0, 0), arg), EINVAL);
}

TEST(bad_pointer)
{
	int fd = open_device(O_RDONLY);

	FAILS(ioctl(fd, HVKVP_IOC_INFO, BAD_POINTER), EFAULT);
	FAILS(ioctl(fd, HVKVP_IOC_INFO, edge() - 8), EFAULT);
	OK(ioctl(fd, HVKVP_IOC_INFO, edge() - sizeof(struct hvkvp_info)));
}
