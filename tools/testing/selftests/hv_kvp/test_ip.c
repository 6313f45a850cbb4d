// SPDX-License-Identifier: GPL-2.0
/*
 * The ioctls of the IP agent, as far as they go without a request of the host;
 * the rest is in the scenarios.
 */
#define _GNU_SOURCE
#include <grp.h>
#include <sys/wait.h>

#include "harness.h"

#define NOBODY	65534

static struct hvkvp_ip_config config;

static int agent(int fd, unsigned int flags)
{
	struct hvkvp_ip_agent arg = { .flags = flags };

	return ioctl(fd, HVKVP_IOC_IP_AGENT, &arg);
}

static int request(int fd, unsigned int flags)
{
	struct hvkvp_ip_request arg = {
		.config = PTR(&config), .config_size = sizeof(config),
		.flags = flags,
	};

	return ioctl(fd, HVKVP_IOC_IP_REQUEST, &arg);
}

static int answer(int fd, uint64_t id, unsigned int result)
{
	struct hvkvp_ip_answer arg = { .id = id, .result = result };

	return ioctl(fd, HVKVP_IOC_IP_ANSWER, &arg);
}

static int supply(int fd, unsigned int ifindex, unsigned int servers,
		  unsigned int dhcp)
{
	static unsigned char v4[HVKVP_IP_DNS + 1][4];
	static unsigned char v6[HVKVP_IP_DNS + 1][16];
	struct hvkvp_ip_supply arg = {
		.v4_dns = PTR(v4), .v6_dns = PTR(v6), .v4_dns_count = servers,
		.v6_dns_count = servers, .ifindex = ifindex, .dhcp = dhcp,
	};

	return ioctl(fd, HVKVP_IOC_IP_SUPPLY, &arg);
}

static void become_nobody(void)
{
	OK(setgroups(0, NULL));
	OK(setgid(NOBODY));
	OK(setuid(NOBODY));
}

TEST(one_agent)
{
	int a = open_device(O_RDWR), b = open_device(O_RDWR);

	OK(agent(a, HVKVP_IP_AGENT_ON));
	OK(agent(a, HVKVP_IP_AGENT_ON));
	FAILS(agent(b, HVKVP_IP_AGENT_ON), EBUSY);
	OK(agent(b, 0));
	FAILS(agent(b, HVKVP_IP_AGENT_ON), EBUSY);
	OK(agent(a, 0));
	OK(agent(b, HVKVP_IP_AGENT_ON));
	close(b);
	OK(agent(a, HVKVP_IP_AGENT_ON));
}

TEST(ends_with_its_last_descriptor)
{
	int a = open_device(O_RDWR), b = open_device(O_RDWR), copy;
	int status;

	OK(agent(a, HVKVP_IP_AGENT_ON));
	copy = OK(dup(a));
	close(a);
	FAILS(agent(b, HVKVP_IP_AGENT_ON), EBUSY);
	FAILS(request(copy, 0), ENOENT);
	close(copy);
	if (!fork()) {
		OK(agent(open_device(O_RDWR), HVKVP_IP_AGENT_ON));
		_exit(0);
	}
	OK(wait(&status));
	EQUAL(status, 0);
	OK(agent(b, HVKVP_IP_AGENT_ON));
}

TEST(for_agents_only)
{
	int fd = open_device(O_RDWR), other = open_device(O_RDWR);

	FAILS(request(fd, 0), EPERM);
	FAILS(answer(fd, 1, HVKVP_IP_DONE), EPERM);
	FAILS(supply(fd, 1, 1, 0), EPERM);
	OK(agent(other, HVKVP_IP_AGENT_ON));
	FAILS(request(fd, 0), EPERM);
	FAILS(answer(fd, 1, HVKVP_IP_DONE), EPERM);
	FAILS(supply(fd, 1, 1, 0), EPERM);
	OK(supply(other, 1, 1, 0));
	OK(agent(other, 0));
	FAILS(request(other, 0), EPERM);
	FAILS(supply(other, 1, 1, 0), EPERM);
}

TEST(takes_privilege)
{
	int fd = open_device(O_RDWR), agents = open_device(O_RDWR);

	OK(agent(agents, HVKVP_IP_AGENT_ON));
	become_nobody();
	FAILS(agent(fd, HVKVP_IP_AGENT_ON), EPERM);
	FAILS(agent(fd, 0), EPERM);
	FAILS(request(fd, HVKVP_IP_REQUEST_REFUSED), EPERM);
	/* who was given the agent's descriptor may act for it */
	FAILS(request(agents, 0), ENOENT);
	OK(supply(agents, 1, 1, HVKVP_IP_DHCP_ON));
}

TEST(both_modes)
{
	static const int modes[] = { O_RDONLY, O_WRONLY };

	for (int i = 0; i < 2; i++) {
		int fd = open_device(modes[i]);

		FAILS(agent(fd, HVKVP_IP_AGENT_ON), EBADF);
		FAILS(request(fd, HVKVP_IP_REQUEST_REFUSED), EBADF);
		FAILS(answer(fd, 1, 0), EBADF);
		FAILS(supply(fd, 1, 1, 0), EBADF);
	}
}

TEST(bad_agent)
{
	int fd = open_device(O_RDWR);
	struct hvkvp_ip_agent arg = { .flags = 1, .reserved = 1 };

	FAILS(agent(fd, 2), EINVAL);
	FAILS(agent(fd, 3), EINVAL);
	FAILS(ioctl(fd, HVKVP_IOC_IP_AGENT, &arg), EINVAL);
	FAILS(ioctl(fd, HVKVP_IOC_IP_AGENT, BAD_POINTER), EFAULT);
	OK(agent(open_device(O_RDWR), HVKVP_IP_AGENT_ON));
}

TEST(no_request)
{
	int fd = open_device(O_RDWR);
	struct hvkvp_ip_request arg = {
		.config = PTR(&config), .config_size = sizeof(config) - 1,
	};

	OK(agent(fd, HVKVP_IP_AGENT_ON));
	FAILS(request(fd, 0), ENOENT);
	FAILS(request(fd, 2), EINVAL);
	FAILS(ioctl(fd, HVKVP_IOC_IP_REQUEST, &arg), EINVAL);
	arg.config_size = 1 << 30;
	FAILS(ioctl(fd, HVKVP_IOC_IP_REQUEST, &arg), E2BIG);
	/* of a newer program, with room for more */
	arg.config_size = sizeof(config) + 64;
	FAILS(ioctl(fd, HVKVP_IOC_IP_REQUEST, &arg), ENOENT);
	FAILS(ioctl(fd, HVKVP_IOC_IP_REQUEST, BAD_POINTER), EFAULT);
}

TEST(bad_answers)
{
	int fd = open_device(O_RDWR);
	struct hvkvp_ip_answer arg = { .id = 1, .reserved = 1 };

	OK(agent(fd, HVKVP_IP_AGENT_ON));
	for (unsigned int result = 0; result <= HVKVP_IP_NOT_FOUND; result++)
		FAILS(answer(fd, 1, result), ESTALE);
	FAILS(answer(fd, 0, 0), ESTALE);
	FAILS(answer(fd, 1, HVKVP_IP_NOT_FOUND + 1), EINVAL);
	FAILS(answer(fd, 1, ~0U), EINVAL);
	FAILS(ioctl(fd, HVKVP_IOC_IP_ANSWER, &arg), EINVAL);
	FAILS(ioctl(fd, HVKVP_IOC_IP_ANSWER, BAD_POINTER), EFAULT);
}

TEST(supplies)
{
	int fd = open_device(O_RDWR);

	OK(agent(fd, HVKVP_IP_AGENT_ON));
	OK(supply(fd, 1, HVKVP_IP_DNS, HVKVP_IP_DHCP_OFF));
	OK(supply(fd, 1, 0, HVKVP_IP_DHCP_ON));
	OK(supply(fd, 1, 0, HVKVP_IP_DHCP_UNKNOWN));
	/* of what is not there nothing is known, and nothing can be */
	FAILS(supply(fd, 100000, 1, HVKVP_IP_DHCP_ON), ENODEV);
	OK(supply(fd, 100000, 0, HVKVP_IP_DHCP_UNKNOWN));
}

TEST(bad_supplies)
{
	int fd = open_device(O_RDWR);
	struct hvkvp_ip_supply arg = { .ifindex = 1, .v4_dns_count = 2 };

	OK(agent(fd, HVKVP_IP_AGENT_ON));
	FAILS(supply(fd, 0, 1, 0), EINVAL);
	FAILS(supply(fd, 0x80000000, 1, 0), EINVAL);
	FAILS(supply(fd, 1, 1, 3), EINVAL);
	FAILS(supply(fd, 1, HVKVP_IP_DNS + 1, 0), E2BIG);
	arg.v4_dns = PTR(edge() - 7);
	FAILS(ioctl(fd, HVKVP_IOC_IP_SUPPLY, &arg), EFAULT);
	arg.v4_dns = PTR(edge() - 8);
	OK(ioctl(fd, HVKVP_IOC_IP_SUPPLY, &arg));
	arg.v6_dns_count = 1;
	arg.v6_dns = KERNEL_ADDRESS;
	FAILS(ioctl(fd, HVKVP_IOC_IP_SUPPLY, &arg), EFAULT);
	FAILS(ioctl(fd, HVKVP_IOC_IP_SUPPLY, BAD_POINTER), EFAULT);
}
