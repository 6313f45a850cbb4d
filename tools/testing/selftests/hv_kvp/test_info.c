// SPDX-License-Identifier: GPL-2.0
/* HV_KVP_IOC_INFO, HV_KVP_IOC_POOL_INFO */
#include "harness.h"

TEST(says_what_it_is)
{
	int fd = open_device(O_RDONLY);
	struct hv_kvp_info arg;

	memset(&arg, 0xff, sizeof(arg));
	OK(ioctl(fd, HV_KVP_IOC_INFO, &arg));
	EQUAL(arg.abi, HV_KVP_ABI_VERSION);
	EQUAL(arg.errata, 0);
	CHECK(arg.instance);
	EQUAL(arg.pool_count, HV_KVP_POOL_COUNT);
	EQUAL(arg.key_max, HV_KVP_KEY_MAX);
	EQUAL(arg.value_max, HV_KVP_VALUE_MAX);
	CHECK(arg.batch_max >= 128);
	CHECK(arg.host_items_max && arg.agent_items_max);
	CHECK(arg.host_bytes_max && arg.agent_bytes_max);
}

TEST(knows_the_connection)
{
	struct hv_kvp_info arg = info(open_device(O_RDONLY));

	CHECK(arg.state == HV_KVP_STATE_OK || arg.state == HV_KVP_STATE_DEGRADED);
	CHECK(arg.connection > 0);
	CHECK(arg.framework && arg.framework <= arg.framework_offered);
	CHECK(arg.message && arg.message <= arg.message_offered);
	EQUAL(arg.host_writable & (1 << HV_KVP_POOL_AUTO), 0);
	CHECK(arg.host_writable & (1 << HV_KVP_POOL_EXTERNAL));
}

/* The same in sysfs, for scripts. */
TEST(one_instance)
{
	uint64_t instance = info(open_device(O_RDONLY)).instance;
	unsigned long long shown;
	FILE *file = fopen("/sys/class/misc/hv_kvp/instance", "r");

	CHECK(file);
	EQUAL(fscanf(file, "%16llx", &shown), 1);
	EQUAL(shown, instance);
	EQUAL(info(open_device(O_WRONLY)).instance, instance);
}

TEST(roles)
{
	int fd = open_device(O_RDWR);
	struct hv_kvp_mirror mirror = { .flags = HV_KVP_MIRROR_ON };
	struct hv_kvp_ip_agent agent = { .flags = HV_KVP_IP_AGENT_ON };

	EQUAL(info(fd).roles & HV_KVP_ROLE_MIRROR, 0);
	OK(ioctl(fd, HV_KVP_IOC_MIRROR, &mirror));
	OK(ioctl(fd, HV_KVP_IOC_IP_AGENT, &agent));
	EQUAL(info(open_device(O_RDONLY)).roles,
	      HV_KVP_ROLE_MIRROR | HV_KVP_ROLE_IP_AGENT);
	close(fd);
	EQUAL(info(open_device(O_RDONLY)).roles, 0);
}

TEST(counts_items)
{
	int fd = open_device(O_RDWR);
	struct hv_kvp_pool_info before, after;

	before = pool_info(fd, HV_KVP_POOL_GUEST);
	EQUAL(before.items, 0);
	OK(set(fd, "a", "1"));
	after = pool_info(fd, HV_KVP_POOL_GUEST);
	EQUAL(after.pool, HV_KVP_POOL_GUEST);
	EQUAL(after.items, 1);
	EQUAL(after.agent_items, 1);
	EQUAL(after.host_items, 0);
	EQUAL(after.generation, before.generation + 1);
	CHECK(after.agent_bytes > before.agent_bytes);
}

TEST(intrinsic_items)
{
	struct hv_kvp_pool_info pool;

	pool = pool_info(open_device(O_RDONLY), HV_KVP_POOL_AUTO);
	EQUAL(pool.items, 10);
	EQUAL(pool.host_items, 0);
	EQUAL(pool.agent_items, 0);
	EQUAL(pool.host_read_time, 0);
}

TEST(any_descriptor)
{
	int fd = open_device(O_WRONLY);

	EQUAL(info(fd).abi, HV_KVP_ABI_VERSION);
	EQUAL(count_items(fd, HV_KVP_POOL_GUEST), 0);
}

TEST(bad_arguments)
{
	int fd = open_device(O_RDONLY);
	struct hv_kvp_pool_info arg = { .pool = HV_KVP_POOL_COUNT };

	FAILS(ioctl(fd, HV_KVP_IOC_POOL_INFO, &arg), EINVAL);
	arg.pool = HV_KVP_NO_POOL;
	FAILS(ioctl(fd, HV_KVP_IOC_POOL_INFO, &arg), EINVAL);
	arg.pool = HV_KVP_POOL_GUEST;
	arg.flags = 1;
	FAILS(ioctl(fd, HV_KVP_IOC_POOL_INFO, &arg), EINVAL);
	FAILS(ioctl(fd, HV_KVP_IOC_POOL_INFO, BAD_POINTER), EFAULT);
	FAILS(ioctl(fd, HV_KVP_IOC_INFO, BAD_POINTER), EFAULT);
	FAILS(ioctl(fd, HV_KVP_IOC_INFO, edge() - 8), EFAULT);
	OK(ioctl(fd, HV_KVP_IOC_INFO, edge() - sizeof(struct hv_kvp_info)));
}
