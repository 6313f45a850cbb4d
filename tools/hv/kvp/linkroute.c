// SPDX-License-Identifier: GPL-2.0
#include <errno.h>
#include <linux/netlink.h>
#include <linux/rtnetlink.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

#include "linkroute.h"

/**
 * struct hop - one way that a route takes
 * @index: interface
 * @gateway: bytes of its gateway, or NULL
 * @size: how many
 */
struct hop {
	unsigned int index;
	const void *gateway;
	size_t size;
};

static bool is_hop(const struct hop *hop, unsigned int index, const struct ipaddr *gateway)
{
	size_t size = gateway->family == AF_INET ? 4 : 16;

	return hop->index == index && hop->gateway && hop->size == size &&
	       !memcmp(hop->gateway, gateway->bytes, size);
}

static void read_gateway(const struct rtattr *attr, struct hop *hop)
{
	if (attr->rta_type != RTA_GATEWAY)
		return;
	hop->gateway = RTA_DATA(attr);
	hop->size = RTA_PAYLOAD(attr);
}

static bool has_next_hop(const struct rtattr *multipath, unsigned int index,
			 const struct ipaddr *gateway)
{
	const struct rtnexthop *next = RTA_DATA(multipath);
	int left = RTA_PAYLOAD(multipath);

	for (; RTNH_OK(next, left);
	     left -= RTNH_ALIGN(next->rtnh_len), next = RTNH_NEXT(next)) {
		struct hop hop = { .index = next->rtnh_ifindex };
		const struct rtattr *attr = RTNH_DATA(next);
		int size = next->rtnh_len - sizeof(*next);

		for (; RTA_OK(attr, size); attr = RTA_NEXT(attr, size))
			read_gateway(attr, &hop);
		if (is_hop(&hop, index, gateway))
			return true;
	}
	return false;
}

static bool is_default(const struct nlmsghdr *message)
{
	const struct rtmsg *route = NLMSG_DATA(message);

	return message->nlmsg_type == RTM_NEWROUTE && !route->rtm_dst_len &&
	       route->rtm_type == RTN_UNICAST;
}

static bool is_of_others(const struct nlmsghdr *message, unsigned int index,
			 const struct ipaddr *unused)
{
	const struct rtmsg *route = NLMSG_DATA(message);
	const struct rtattr *attr = RTM_RTA(route);
	int size = RTM_PAYLOAD(message);
	unsigned int other;

	(void)unused;
	if (!is_default(message) || route->rtm_table != RT_TABLE_MAIN)
		return false;
	for (; RTA_OK(attr, size); attr = RTA_NEXT(attr, size)) {
		if (attr->rta_type != RTA_OIF)
			continue;
		memcpy(&other, RTA_DATA(attr), sizeof(other));
		return other != index;
	}
	return false;
}

static bool is_wanted(const struct nlmsghdr *message, unsigned int index,
		      const struct ipaddr *gateway)
{
	const struct rtmsg *route = NLMSG_DATA(message);
	const struct rtattr *attr = RTM_RTA(route);
	int size = RTM_PAYLOAD(message);
	struct hop hop = { 0 };

	if (!is_default(message))
		return false;
	for (; RTA_OK(attr, size); attr = RTA_NEXT(attr, size)) {
		read_gateway(attr, &hop);
		if (attr->rta_type == RTA_OIF)
			memcpy(&hop.index, RTA_DATA(attr), sizeof(hop.index));
		if (attr->rta_type == RTA_MULTIPATH && has_next_hop(attr, index, gateway))
			return true;
	}
	return is_hop(&hop, index, gateway);
}

typedef bool match_fn(const struct nlmsghdr *message, unsigned int index,
		      const struct ipaddr *gateway);

static bool ask(int fd, int family)
{
	const struct {
		struct nlmsghdr head;
		struct rtmsg route;
	} request = {
		.head = {
			.nlmsg_len = sizeof(request), .nlmsg_type = RTM_GETROUTE,
			.nlmsg_flags = NLM_F_REQUEST | NLM_F_DUMP,
		},
		.route.rtm_family = family,
	};

	return send(fd, &request, sizeof(request), 0) == sizeof(request);
}

/* All of the answer is read: what comes after the route is not left behind. */
static bool search(int fd, match_fn *match, unsigned int index, const struct ipaddr *gateway)
{
	static char buffer[32768] __attribute__((aligned(8)));
	bool found = false;

	for (;;) {
		ssize_t size = recv(fd, buffer, sizeof(buffer), 0);
		const struct nlmsghdr *message = (const void *)buffer;

		if (size <= 0)
			return found;
		for (; NLMSG_OK(message, size); message = NLMSG_NEXT(message, size)) {
			if (message->nlmsg_type == NLMSG_DONE || message->nlmsg_type == NLMSG_ERROR)
				return found;
			found |= match(message, index, gateway);
		}
	}
}

static bool find(int family, match_fn *match, unsigned int index, const struct ipaddr *gateway)
{
	int fd = socket(AF_NETLINK, SOCK_RAW | SOCK_CLOEXEC, NETLINK_ROUTE);
	bool found;

	if (fd < 0)
		return false;
	found = ask(fd, family) && search(fd, match, index, gateway);
	close(fd);
	return found;
}

bool linkroute_has_default(unsigned int index, const struct ipaddr *gateway)
{
	return find(gateway->family, is_wanted, index, gateway);
}

bool linkroute_others_have_default(unsigned int index, int family)
{
	return find(family, is_of_others, index, NULL);
}
