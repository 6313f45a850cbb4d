// SPDX-License-Identifier: GPL-2.0
/*
 * The ioctls of the IP agent, as far as they go without a request of the host;
 * the rest is in the scenarios.
 */
#define _GNU_SOURCE
#include <grp.h>
#include <sched.h>
#include <sys/syscall.h>
#include <sys/wait.h>

#include <linux/capability.h>

#include "harness.h"

#define NOBODY	65534

static struct hv_kvp_ip_config config;

static int agent(int fd, unsigned int flags)
{
	struct hv_kvp_ip_agent arg = { .flags = flags };

	return ioctl(fd, HV_KVP_IOC_IP_AGENT, &arg);
}

static int request(int fd, unsigned int flags)
{
	struct hv_kvp_ip_request arg = {
		.config = PTR(&config), .config_size = sizeof(config),
		.flags = flags,
	};

	return ioctl(fd, HV_KVP_IOC_IP_REQUEST, &arg);
}

static int answer(int fd, uint64_t id, unsigned int result)
{
	struct hv_kvp_ip_answer arg = { .id = id, .result = result };

	return ioctl(fd, HV_KVP_IOC_IP_ANSWER, &arg);
}

static int report(int fd, unsigned int ifindex, unsigned int servers,
		  unsigned int dhcp)
{
	static unsigned char v4[HV_KVP_IP_DNS + 1][4];
	static unsigned char v6[HV_KVP_IP_DNS + 1][16];
	struct hv_kvp_ip_report arg = {
		.v4_dns = PTR(v4), .v6_dns = PTR(v6), .v4_dns_count = servers,
		.v6_dns_count = servers, .ifindex = ifindex, .dhcp = dhcp,
	};

	return ioctl(fd, HV_KVP_IOC_IP_REPORT, &arg);
}

static void become_nobody(void)
{
	OK(setgroups(0, NULL));
	OK(setgid(NOBODY));
	OK(setuid(NOBODY));
}

TEST(one_agent)
{
	check_one_has(agent, HV_KVP_IP_AGENT_ON);
}

TEST(ends_with_its_last_descriptor)
{
	int a = open_device(O_RDWR), b = open_device(O_RDWR), copy;
	int status;

	OK(agent(a, HV_KVP_IP_AGENT_ON));
	copy = OK(dup(a));
	close(a);
	FAILS(agent(b, HV_KVP_IP_AGENT_ON), EBUSY);
	FAILS(request(copy, 0), ENOENT);
	close(copy);
	if (!fork()) {
		OK(agent(open_device(O_RDWR), HV_KVP_IP_AGENT_ON));
		_exit(0);
	}
	OK(wait(&status));
	EQUAL(status, 0);
	OK(agent(b, HV_KVP_IP_AGENT_ON));
}

TEST(for_agents_only)
{
	int fd = open_device(O_RDWR), other = open_device(O_RDWR);

	FAILS(request(fd, 0), EPERM);
	FAILS(answer(fd, 1, HV_KVP_IP_DONE), EPERM);
	FAILS(report(fd, 1, 1, 0), EPERM);
	OK(agent(other, HV_KVP_IP_AGENT_ON));
	FAILS(request(fd, 0), EPERM);
	FAILS(answer(fd, 1, HV_KVP_IP_DONE), EPERM);
	FAILS(report(fd, 1, 1, 0), EPERM);
	OK(report(other, 1, 1, 0));
	OK(agent(other, 0));
	FAILS(request(other, 0), EPERM);
	FAILS(report(other, 1, 1, 0), EPERM);
}

TEST(takes_privilege)
{
	int fd = open_device(O_RDWR), agents = open_device(O_RDWR);

	OK(agent(agents, HV_KVP_IP_AGENT_ON));
	become_nobody();
	FAILS(agent(fd, HV_KVP_IP_AGENT_ON), EPERM);
	FAILS(agent(fd, 0), EPERM);
	FAILS(request(fd, HV_KVP_IP_REQUEST_REFUSED), EPERM);
	/* who was given the agent's descriptor may act for it */
	FAILS(request(agents, 0), ENOENT);
	OK(report(agents, 1, 1, HV_KVP_IP_DHCP_ON));
}

static void set_capability(unsigned int capability)
{
	struct __user_cap_header_struct header = {
		.version = _LINUX_CAPABILITY_VERSION_3,
	};
	struct __user_cap_data_struct data[_LINUX_CAPABILITY_U32S_3] = { };
	struct __user_cap_data_struct *sets = &data[CAP_TO_INDEX(capability)];

	sets->effective = CAP_TO_MASK(capability);
	sets->permitted = CAP_TO_MASK(capability);
	OK(syscall(SYS_capset, &header, data));
}

/* An IP agent needs what configures the network, and nothing else. */
TEST(takes_net_admin)
{
	int fd = open_device(O_RDWR);

	if (!fork()) {
		set_capability(CAP_NET_ADMIN);
		OK(agent(fd, HV_KVP_IP_AGENT_ON));
		FAILS(request(fd, HV_KVP_IP_REQUEST_REFUSED), ENOENT);
		OK(report(fd, 1, 1, HV_KVP_IP_DHCP_ON));
		OK(agent(fd, 0));
		_exit(0);
	}
	int status;

	OK(wait(&status));
	EQUAL(status, 0);
	set_capability(CAP_SYS_ADMIN);
	FAILS(agent(fd, HV_KVP_IP_AGENT_ON), EPERM);
	FAILS(request(fd, HV_KVP_IP_REQUEST_REFUSED), EPERM);
}

/* Interfaces of another network namespace are not those that the host knows. */
TEST(of_another_namespace)
{
	int fd = open_device(O_RDWR);

	if (access("/proc/self/ns/net", F_OK))
		skip_without("network namespaces");
	OK(agent(fd, HV_KVP_IP_AGENT_ON));
	OK(report(fd, 1, 1, HV_KVP_IP_DHCP_ON));
	OK(unshare(CLONE_NEWNET));
	FAILS(report(fd, 1, 1, HV_KVP_IP_DHCP_ON), ENODEV);
}

TEST(both_modes)
{
	static const int modes[] = { O_RDONLY, O_WRONLY };

	for (int i = 0; i < 2; i++) {
		int fd = open_device(modes[i]);

		FAILS(agent(fd, HV_KVP_IP_AGENT_ON), EBADF);
		FAILS(request(fd, HV_KVP_IP_REQUEST_REFUSED), EBADF);
		FAILS(answer(fd, 1, 0), EBADF);
		FAILS(report(fd, 1, 1, 0), EBADF);
	}
}

TEST(bad_agent)
{
	int fd = open_device(O_RDWR);
	struct hv_kvp_ip_agent arg = { .flags = 1, .reserved = 1 };

	FAILS(agent(fd, 2), EINVAL);
	FAILS(agent(fd, 3), EINVAL);
	FAILS(ioctl(fd, HV_KVP_IOC_IP_AGENT, &arg), EINVAL);
	FAILS(ioctl(fd, HV_KVP_IOC_IP_AGENT, BAD_POINTER), EFAULT);
	OK(agent(open_device(O_RDWR), HV_KVP_IP_AGENT_ON));
}

TEST(no_request)
{
	int fd = open_device(O_RDWR);
	struct hv_kvp_ip_request arg = {
		.config = PTR(&config), .config_size = sizeof(config) - 1,
	};

	OK(agent(fd, HV_KVP_IP_AGENT_ON));
	FAILS(request(fd, 0), ENOENT);
	FAILS(request(fd, 2), EINVAL);
	FAILS(ioctl(fd, HV_KVP_IOC_IP_REQUEST, &arg), EINVAL);
	arg.config_size = sizeof(config);
	arg.reserved = 1;
	FAILS(ioctl(fd, HV_KVP_IOC_IP_REQUEST, &arg), EINVAL);
	arg.reserved = 0;
	arg.config_size = 1 << 30;
	FAILS(ioctl(fd, HV_KVP_IOC_IP_REQUEST, &arg), E2BIG);
	/* of a newer program, with room for more */
	arg.config_size = sizeof(config) + 64;
	FAILS(ioctl(fd, HV_KVP_IOC_IP_REQUEST, &arg), ENOENT);
	FAILS(ioctl(fd, HV_KVP_IOC_IP_REQUEST, BAD_POINTER), EFAULT);
}

TEST(bad_answers)
{
	int fd = open_device(O_RDWR);
	struct hv_kvp_ip_answer arg = { .id = 1, .reserved = 1 };

	OK(agent(fd, HV_KVP_IP_AGENT_ON));
	for (unsigned int result = 0; result <= HV_KVP_IP_NOT_FOUND; result++)
		FAILS(answer(fd, 1, result), ESTALE);
	FAILS(answer(fd, 0, 0), ESTALE);
	FAILS(answer(fd, 1, HV_KVP_IP_NOT_FOUND + 1), EINVAL);
	FAILS(answer(fd, 1, ~0U), EINVAL);
	FAILS(ioctl(fd, HV_KVP_IOC_IP_ANSWER, &arg), EINVAL);
	FAILS(ioctl(fd, HV_KVP_IOC_IP_ANSWER, BAD_POINTER), EFAULT);
}

TEST(reports)
{
	int fd = open_device(O_RDWR);

	OK(agent(fd, HV_KVP_IP_AGENT_ON));
	OK(report(fd, 1, HV_KVP_IP_DNS, HV_KVP_IP_DHCP_OFF));
	OK(report(fd, 1, 0, HV_KVP_IP_DHCP_ON));
	OK(report(fd, 1, 0, HV_KVP_IP_DHCP_UNKNOWN));
	/* of what is not there nothing is known, and nothing can be */
	FAILS(report(fd, 100000, 1, HV_KVP_IP_DHCP_ON), ENODEV);
	OK(report(fd, 100000, 0, HV_KVP_IP_DHCP_UNKNOWN));
}

TEST(bad_reports)
{
	int fd = open_device(O_RDWR);
	struct hv_kvp_ip_report arg = { .ifindex = 1, .v4_dns_count = 2 };

	OK(agent(fd, HV_KVP_IP_AGENT_ON));
	FAILS(report(fd, 0, 1, 0), EINVAL);
	FAILS(report(fd, 0x80000000, 1, 0), EINVAL);
	FAILS(report(fd, 1, 1, 3), EINVAL);
	FAILS(report(fd, 1, HV_KVP_IP_DNS + 1, 0), E2BIG);
	arg.v4_dns = PTR(edge() - 7);
	FAILS(ioctl(fd, HV_KVP_IOC_IP_REPORT, &arg), EFAULT);
	arg.v4_dns = PTR(edge() - 8);
	OK(ioctl(fd, HV_KVP_IOC_IP_REPORT, &arg));
	arg.v6_dns_count = 1;
	arg.v6_dns = KERNEL_ADDRESS;
	FAILS(ioctl(fd, HV_KVP_IOC_IP_REPORT, &arg), EFAULT);
	FAILS(ioctl(fd, HV_KVP_IOC_IP_REPORT, BAD_POINTER), EFAULT);
}
