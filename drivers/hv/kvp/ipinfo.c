// SPDX-License-Identifier: GPL-2.0
/*
 * GET_IP_INFO: asks the network stack of the initial namespace about one
 * adapter and writes the answer straight into the host's message.
 *
 * All of it is read under RCU in the channel's callback: neither rtnl nor
 * memory is needed, so that nothing is ever put off. What changes meanwhile is
 * seen as it was or as it is. Documentation/design/ipinfo.md has the rules
 * and their reasons.
 */
#include <linux/etherdevice.h>
#include <linux/hyperv.h>
#include <linux/if_arp.h>
#include <linux/if_vlan.h>
#include <linux/in.h>
#include <linux/inetdevice.h>
#include <linux/netdevice.h>
#include <linux/rtnetlink.h>
#include <net/addrconf.h>
#include <net/ipv6.h>
#include <net/net_namespace.h>

#include "ip_encode.h"
#include "ip_routes.h"
#include "ip_supply.h"
#include "ipinfo.h"

/* How much an interface has to tell. */
enum level {
	NO_ADDRESS,
	LINK_LOCAL,	/* only such, as any interface that is up has by itself */
	ADDRESSED,
};

#if IS_ENABLED(CONFIG_IPV6)
static bool is_link_local(const struct inet6_ifaddr *ifa)
{
	return ipv6_addr_type(&ifa->addr) & IPV6_ADDR_LINKLOCAL;
}

static enum level level_v6(const struct net_device *dev)
{
	const struct inet6_dev *idev = __in6_dev_get(dev);
	const struct inet6_ifaddr *ifa;
	enum level level = NO_ADDRESS;

	if (!idev)
		return level;
	list_for_each_entry_rcu(ifa, &idev->addr_list, if_list) {
		if (!hkvp_ipinfo_usable(ifa))
			continue;
		if (!is_link_local(ifa))
			return ADDRESSED;
		level = LINK_LOCAL;
	}
	return level;
}
#else
static enum level level_v6(const struct net_device *dev)
{
	return NO_ADDRESS;
}
#endif

static enum level level_of(const struct net_device *dev)
{
	const struct in_device *in_dev = __in_dev_get_rcu(dev);
	const struct in_ifaddr *ifa;
	enum level level = NO_ADDRESS;

	if (in_dev) {
		in_dev_for_each_ifa_rcu(ifa, in_dev) {
			/* SIOCSIFADDR changes it in place */
			if (!ipv4_is_linklocal_169(data_race(ifa->ifa_local)))
				return ADDRESSED;
			level = LINK_LOCAL;
		}
	}
	return max(level, level_v6(dev));
}

/* The VMBus device that an interface sits on, or NULL. */
static const struct hv_device *vmbus_device(const struct net_device *dev)
{
	struct device *parent = dev->dev.parent;

	/* hv_bus is not exported */
	if (!parent || !parent->bus || strcmp(parent->bus->name, "vmbus"))
		return NULL;
	return device_to_hv_device(parent);
}

static bool has_mac(const struct net_device *dev, const u8 *mac)
{
	/* while somebody changes it, it is the old, the new or neither */
	return data_race(ether_addr_equal_unaligned(dev->dev_addr, mac));
}

/*
 * How well an interface fits a MAC address; 0: not at all. The host knows the
 * address that it gave to the NIC, which bonding may have replaced.
 */
static unsigned int mac_rank(const struct net_device *dev, const u8 *mac)
{
	bool current_mac = has_mac(dev, mac);

	if (vmbus_device(dev)) {
		if (ether_addr_equal_unaligned(dev->perm_addr, mac))
			return 3;
		return current_mac ? 2 : 0;
	}
	/* an emulated or passed-through NIC */
	return current_mac ? 1 : 0;
}

static struct net_device *find_mac(const u8 *mac)
{
	struct net_device *dev, *best = NULL;
	unsigned int rank, best_rank = 0;

	for_each_netdev_rcu(&init_net, dev) {
		if (dev->type != ARPHRD_ETHER || dev->addr_len != ETH_ALEN ||
		    is_vlan_dev(dev))
			continue;
		rank = mac_rank(dev, mac);
		if (!rank)
			continue;
		/* of two that fit as well, the one that has more to tell */
		rank = rank << 2 | level_of(dev);
		if (rank > best_rank) {
			best = dev;
			best_rank = rank;
		}
	}
	return best;
}

static struct net_device *find_guid(const guid_t *guid)
{
	const struct hv_device *hv_dev;
	struct net_device *dev;

	for_each_netdev_rcu(&init_net, dev) {
		hv_dev = vmbus_device(dev);
		if (hv_dev && guid_equal(&hv_dev->dev_instance, guid))
			return dev;
	}
	return NULL;
}

/**
 * hkvp_ipinfo_find() - the NIC that the host means
 * @adapter: what the host calls it
 *
 * Looks in the initial network namespace. By MAC address, in this order: a
 * device on VMBus with that permanent address; one with that address; any
 * other Ethernet device with it. Never a VLAN.
 *
 * Context: any, within rcu_read_lock(), which keeps the interface.
 * Return: the interface, or NULL.
 */
struct net_device *hkvp_ipinfo_find(const struct hkvp_adapter *adapter)
{
	return adapter->is_guid ? find_guid(&adapter->guid) :
				  find_mac(adapter->mac);
}

/* The network stack has no more interfaces above each other. */
#define MASTERS_MAX	8

/* What is right below @upper on the way from @dev, which may be @dev, or NULL. */
static const struct net_device *port_of(struct net_device *dev,
					const struct net_device *upper)
{
	struct net_device *master;
	u32 i;

	for (i = 0; i < MASTERS_MAX; i++) {
		master = netdev_master_upper_dev_get_rcu(dev);
		if (!master || master == upper)
			return master ? dev : NULL;
		dev = master;
	}
	return NULL;
}

static bool shares_mac(struct net_device *nic, const struct net_device *upper)
{
	return has_mac(upper, nic->dev_addr) || has_mac(upper, nic->perm_addr);
}

/*
 * Whether @upper is a bridge that reaches the host by one port, which @nic is or
 * is below. Its MAC address may be made up: whatever the host sees of it comes
 * through @nic. Containers and other machines are at further ports.
 */
static bool is_its_bridge(struct net_device *nic,
			  const struct net_device *upper)
{
	const struct net_device *port, *other;
	struct net_device *dev;

	if (!netif_is_bridge_master(upper) || !vmbus_device(nic))
		return false;
	port = port_of(nic, upper);
	for_each_netdev_rcu(&init_net, dev) {
		if (!vmbus_device(dev))
			continue;
		other = port_of(dev, upper);
		if (other && other != port)
			return false;
	}
	return port;
}

/* The best of @best, if any, and of those masters of @nic that @counts. */
static struct net_device *ask_masters(struct net_device *nic,
				      struct net_device *best,
				      bool (*counts)(struct net_device *nic,
						     const struct net_device *))
{
	enum level level, best_level = level_of(best);
	struct net_device *upper = nic;
	u32 i;

	for (i = 0; i < MASTERS_MAX && best_level < ADDRESSED; i++) {
		upper = netdev_master_upper_dev_get_rcu(upper);
		if (!upper)
			break;
		if (!counts(nic, upper))
			continue;
		level = level_of(upper);
		if (level > best_level) {
			best = upper;
			best_level = level;
		}
	}
	return best;
}

/*
 * The interface that speaks for @nic: itself, or what it has been put under
 * with the same MAC address: bridge, bond, or the NIC above a virtual function;
 * else a bridge that has nothing but @nic. VLANs, macvlans and the like are
 * above a NIC too, but not its masters.
 */
static struct net_device *speaker(struct net_device *nic)
{
	struct net_device *best = ask_masters(nic, nic, shares_mac);

	return ask_masters(nic, best, is_its_bridge);
}

/* Preferred sources of default routes by DHCP or router advertisement. */
#define SOURCES_MAX	8

/* An answer in the making, and what was learnt about the adapter. */
struct answer {
	struct hkvp_ip_encoder *e;
	u8 wanted;		/* enum hkvp_ip_family */
	bool route_dhcp;
	bool route_ra;
	bool any_v4;
	bool dynamic_v4;
	bool dynamic_v6;
	u8 sources_v4_count;
	u8 sources_v6_count;
	__be32 sources_v4[SOURCES_MAX];
	struct in6_addr sources_v6[SOURCES_MAX];
};

/* Past SOURCES_MAX an address is taken for what its own flags say. */
static void note_source(struct answer *a, const struct hkvp_route *route)
{
	if (!route->prefsrc)
		return;
	if (route->v6 && a->sources_v6_count < SOURCES_MAX)
		memcpy(&a->sources_v6[a->sources_v6_count++], route->prefsrc,
		       sizeof(a->sources_v6[0]));
	if (!route->v6 && a->sources_v4_count < SOURCES_MAX)
		memcpy(&a->sources_v4[a->sources_v4_count++], route->prefsrc,
		       sizeof(a->sources_v4[0]));
}

static void on_route(void *ctx, const struct hkvp_route *route)
{
	struct answer *a = ctx;

	if (route->gateway &&
	    a->wanted & (route->gateway_v6 ? HKVP_IP_V6 : HKVP_IP_V4))
		hkvp_ip_encode_gateway(a->e, route->gateway_v6, route->gateway);
	if (route->protocol == RTPROT_DHCP)
		a->route_dhcp = true;
	else if (route->protocol == RTPROT_RA)
		a->route_ra = true;
	else
		return;
	note_source(a, route);
}

static enum hkvp_ip_origin origin_v4(const struct answer *a, __be32 addr,
				     bool dynamic)
{
	u32 i;

	if (dynamic)
		return HKVP_IP_ORIGIN_OTHER;
	for (i = 0; i < a->sources_v4_count; i++)
		if (a->sources_v4[i] == addr)
			return HKVP_IP_ORIGIN_OTHER;
	return HKVP_IP_ORIGIN_STATIC;
}

static void addresses_v4(struct answer *a, const struct net_device *dev)
{
	const struct in_device *in_dev = __in_dev_get_rcu(dev);
	const struct in_ifaddr *ifa;
	bool dynamic;
	__be32 addr;
	u32 prefix;

	if (!in_dev)
		return;
	in_dev_for_each_ifa_rcu(ifa, in_dev) {
		dynamic = !(READ_ONCE(ifa->ifa_flags) & IFA_F_PERMANENT);
		/* SIOCSIFADDR changes it in place */
		addr = data_race(ifa->ifa_local);
		/* as SIOCSIFNETMASK does this one */
		prefix = data_race(ifa->ifa_prefixlen);
		a->any_v4 = true;
		a->dynamic_v4 |= dynamic;
		if (a->wanted & HKVP_IP_V4)
			hkvp_ip_encode_v4(a->e, &addr, prefix,
					  origin_v4(a, addr, dynamic));
	}
}

#if IS_ENABLED(CONFIG_IPV6)
static enum hkvp_ip_origin origin_v6(const struct answer *a,
				     const struct inet6_ifaddr *ifa,
				     bool dynamic)
{
	u8 protocol = READ_ONCE(ifa->ifa_proto);
	u32 i;

	/* the kernel's own ones have no end if the router says so */
	if (dynamic || protocol == IFAPROT_KERNEL_RA ||
	    protocol == IFAPROT_KERNEL_LL)
		return HKVP_IP_ORIGIN_OTHER;
	for (i = 0; i < a->sources_v6_count; i++)
		if (ipv6_addr_equal(&a->sources_v6[i], &ifa->addr))
			return HKVP_IP_ORIGIN_OTHER;
	return HKVP_IP_ORIGIN_STATIC;
}

static void addresses_v6(struct answer *a, const struct net_device *dev)
{
	const struct inet6_dev *idev = __in6_dev_get(dev);
	const struct inet6_ifaddr *ifa;
	bool dynamic;

	if (!idev)
		return;
	list_for_each_entry_rcu(ifa, &idev->addr_list, if_list) {
		if (!hkvp_ipinfo_usable(ifa))
			continue;
		dynamic = !(READ_ONCE(ifa->flags) & IFA_F_PERMANENT);
		a->dynamic_v6 |= dynamic && !is_link_local(ifa);
		if (a->wanted & HKVP_IP_V6)
			hkvp_ip_encode_v6(a->e, &ifa->addr, ifa->prefix_len,
					  origin_v6(a, ifa, dynamic));
	}
}
#else
static void addresses_v6(struct answer *a, const struct net_device *dev)
{
}
#endif

/*
 * Whether the adapter configures itself, as far as the kernel knows: from IPv4
 * if it has any, since that is what hosts mean by DHCP.
 */
static bool guess_dhcp(const struct answer *a)
{
	if (a->dynamic_v4 || a->route_dhcp)
		return true;
	return !a->any_v4 && (a->dynamic_v6 || a->route_ra);
}

static void tell_dns(struct answer *a, const struct hkvp_ip_supply *supply)
{
	u32 i;

	if (a->wanted & HKVP_IP_V4)
		for (i = 0; i < supply->v4_dns_count; i++)
			hkvp_ip_encode_dns(a->e, false, supply->v4_dns[i]);
	if (a->wanted & HKVP_IP_V6)
		for (i = 0; i < supply->v6_dns_count; i++)
			hkvp_ip_encode_dns(a->e, true, supply->v6_dns[i]);
}

/*
 * All of it, in the order that the messages need: IPv4 before IPv6. What is not
 * wanted is looked at too, for it says how the adapter is configured. An agent
 * may speak of the interface that has the addresses or of the NIC.
 */
static void tell(struct answer *a, const struct net_device *dev,
		 const struct net_device *nic)
{
	const struct hkvp_ip_supply *supply;
	bool dhcp;

	hkvp_routes_v4(dev, on_route, a);
	hkvp_routes_v6(dev, on_route, a);
	addresses_v4(a, dev);
	addresses_v6(a, dev);

	dhcp = guess_dhcp(a);
	supply = hkvp_ip_supply_find(dev->ifindex);
	if (!supply)
		supply = hkvp_ip_supply_find(nic->ifindex);
	if (supply) {
		tell_dns(a, supply);
		if (supply->dhcp_known)
			dhcp = supply->dhcp;
	}
	hkvp_ip_encoder_end(a->e, dhcp);
}

/* @family is the request's; nothing is written unless the adapter is known. */
static int get(const void *id, u8 family, struct hkvp_ip_encoder *e)
{
	struct answer a = { .e = e, .wanted = family ? family : HKVP_IP_BOTH };
	struct hkvp_adapter adapter;
	struct net_device *nic;
	int err;

	if (family > HKVP_IP_BOTH)
		return -EINVAL;
	err = hkvp_adapter_parse(id, &adapter);
	if (err)
		return err;

	rcu_read_lock();
	nic = hkvp_ipinfo_find(&adapter);
	if (nic)
		tell(&a, speaker(nic), nic);
	else
		err = -ENOENT;
	rcu_read_unlock();
	return err;
}

/**
 * hkvp_ipinfo_strings() - answer GET_IP_INFO in string form
 * @ctx: not used
 * @ip: the host's message, any alignment
 * @gfp: not used: no memory is needed
 *
 * Context: any; takes RCU.
 * Return: 0; -ENOENT: no such adapter; -EINVAL: no such family. On an error
 * the message is as it was.
 */
int hkvp_ipinfo_strings(void *ctx, struct hkvp_ip_strings *ip, gfp_t gfp)
{
	struct hkvp_ip_encoder e;

	hkvp_ip_encoder_strings(&e, ip);
	return get(ip->adapter_id, ip->family, &e);
}

/**
 * hkvp_ipinfo_binary() - answer GET_IP_INFO in binary form
 * @ctx: not used
 * @ip: the host's message, any alignment
 * @gfp: not used: no memory is needed
 *
 * Context: any; takes RCU.
 * Return: as hkvp_ipinfo_strings().
 */
int hkvp_ipinfo_binary(void *ctx, struct hkvp_ip_binary *ip, gfp_t gfp)
{
	struct hkvp_ip_encoder e;

	hkvp_ip_encoder_binary(&e, ip);
	return get(ip->adapter_id, ip->family, &e);
}
