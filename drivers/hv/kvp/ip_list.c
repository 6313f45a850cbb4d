// SPDX-License-Identifier: GPL-2.0
/*
 * The addresses of all interfaces but loopback ones. Hosts' tools take the first
 * for the guest's own. So the address that the default route's packets have comes
 * first, unless it is a tunnel's, then those of interfaces that lead to the host,
 * then the others, as the bridges of containers. Within a part it is the order of
 * the interfaces.
 */
#include <linux/if_arp.h>
#include <linux/inetdevice.h>
#include <linux/netdevice.h>
#include <linux/rcupdate.h>
#include <net/addrconf.h>
#include <net/net_namespace.h>

#include "ip_list.h"
#include "ip_nic.h"
#include "ip_routes.h"

enum part { PREFERRED, HOSTS, OTHERS, PARTS };

/* Whether @dev may have addresses of that part. */
static bool has_part(struct net_device *dev, enum part part)
{
	if (dev->flags & IFF_LOOPBACK)
		return false;
	if (part == PREFERRED)
		return dev->type == ARPHRD_ETHER;
	return hkvp_nic_is_hosts(dev) == (part == HOSTS);
}

/* Whether an address of @dev that is the preferred one, or not, is of that part. */
static bool is_part(const struct net_device *dev, enum part part, bool preferred)
{
	return (preferred && dev->type == ARPHRD_ETHER) == (part == PREFERRED);
}

static bool list_dev_v4(const struct net_device *dev, enum part part,
			__be32 preferred, hkvp_ip_list_fn fn, void *ctx)
{
	const struct in_device *in_dev = __in_dev_get_rcu(dev);
	const struct in_ifaddr *ifa;
	__be32 local;

	if (!in_dev)
		return true;
	in_dev_for_each_ifa_rcu(ifa, in_dev) {
		/* SIOCSIFADDR changes it in place */
		local = data_race(ifa->ifa_local);
		if (is_part(dev, part, local == preferred) && !fn(ctx, &local))
			return false;
	}
	return true;
}

/**
 * hkvp_ip_list_v4() - tell the IPv4 addresses
 * @fn: called for each address, within rcu_read_lock()
 * @ctx: its first argument
 *
 * Context: any; takes RCU.
 */
void hkvp_ip_list_v4(hkvp_ip_list_fn fn, void *ctx)
{
	struct net_device *dev;
	__be32 preferred;
	enum part part;

	rcu_read_lock();
	preferred = hkvp_routes_source_v4(NULL);
	for (part = PREFERRED; part < PARTS; part++)
		for_each_netdev_rcu(&init_net, dev)
			if (has_part(dev, part) &&
			    !list_dev_v4(dev, part, preferred, fn, ctx))
				goto end;
end:
	rcu_read_unlock();
}

#if IS_ENABLED(CONFIG_IPV6)
static bool list_dev_v6(const struct net_device *dev, enum part part,
			const struct in6_addr *preferred, hkvp_ip_list_fn fn,
			void *ctx)
{
	const struct inet6_dev *idev = __in6_dev_get(dev);
	const struct inet6_ifaddr *ifa;

	if (!idev)
		return true;
	list_for_each_entry_rcu(ifa, &idev->addr_list, if_list) {
		if (hkvp_nic_usable(ifa) &&
		    is_part(dev, part, ipv6_addr_equal(&ifa->addr, preferred)) &&
		    !fn(ctx, &ifa->addr))
			return false;
	}
	return true;
}

/**
 * hkvp_ip_list_v6() - tell the IPv6 addresses
 * @fn: called for each address, within rcu_read_lock()
 * @ctx: its first argument
 *
 * Context: any; takes RCU.
 */
void hkvp_ip_list_v6(hkvp_ip_list_fn fn, void *ctx)
{
	struct in6_addr preferred;
	struct net_device *dev;
	enum part part;

	rcu_read_lock();
	hkvp_routes_source_v6(NULL, &preferred);
	for (part = PREFERRED; part < PARTS; part++)
		for_each_netdev_rcu(&init_net, dev)
			if (has_part(dev, part) &&
			    !list_dev_v6(dev, part, &preferred, fn, ctx))
				goto end;
end:
	rcu_read_unlock();
}
#else
void hkvp_ip_list_v6(hkvp_ip_list_fn fn, void *ctx)
{
}
#endif
