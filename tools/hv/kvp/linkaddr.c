// SPDX-License-Identifier: GPL-2.0
#include <ifaddrs.h>
#include <netinet/in.h>
#include <string.h>

#include "linkaddr.h"

static const void *bytes_of(const struct sockaddr *address)
{
	if (address->sa_family == AF_INET)
		return &((const struct sockaddr_in *)address)->sin_addr;
	return &((const struct sockaddr_in6 *)address)->sin6_addr;
}

static unsigned int prefix_of(const struct sockaddr *mask, size_t size)
{
	const unsigned char *bytes = bytes_of(mask);
	unsigned int prefix = 0;

	for (size_t i = 0; i < size; i++)
		prefix += __builtin_popcount(bytes[i]);
	return prefix;
}

static bool is_there(const struct ifaddrs *list, const char *name, const struct ipaddr *want)
{
	size_t size = want->family == AF_INET ? 4 : 16;

	for (; list; list = list->ifa_next)
		if (list->ifa_addr && list->ifa_netmask && !strcmp(list->ifa_name, name) &&
		    list->ifa_addr->sa_family == want->family &&
		    !memcmp(bytes_of(list->ifa_addr), want->bytes, size) &&
		    prefix_of(list->ifa_netmask, size) == want->prefix)
			return true;
	return false;
}

bool linkaddr_has_all(const char *name, const struct ipconfig *ip)
{
	struct ifaddrs *list;
	bool all = true;

	if (getifaddrs(&list))
		return false;
	for (unsigned int i = 0; all && i < ip->address_count; i++)
		all = is_there(list, name, &ip->address[i]);
	freeifaddrs(list);
	return all;
}
