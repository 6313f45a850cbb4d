// SPDX-License-Identifier: GPL-2.0
/*
 * Which interface of the initial namespace the host means by an adapter, and which
 * one has the adapter's addresses. Documentation/design/ipinfo.md has the rules and
 * their reasons.
 */
#include <linux/etherdevice.h>
#include <linux/hyperv.h>
#include <linux/if_arp.h>
#include <linux/if_vlan.h>
#include <linux/in.h>
#include <linux/inetdevice.h>
#include <linux/netdevice.h>
#include <net/addrconf.h>
#include <net/net_namespace.h>

#include "ip_nic.h"

/* How much an interface has to tell. */
enum level {
	NO_ADDRESS,
	LINK_LOCAL,	/* only such, as any interface that is up has by itself */
	ADDRESSED,
};

#if IS_ENABLED(CONFIG_IPV6)
static enum level level_v6(const struct net_device *dev)
{
	const struct inet6_dev *idev = __in6_dev_get(dev);
	const struct inet6_ifaddr *ifa;
	enum level level = NO_ADDRESS;

	if (!idev)
		return level;
	list_for_each_entry_rcu(ifa, &idev->addr_list, if_list) {
		if (!hkvp_nic_usable(ifa))
			continue;
		if (!hkvp_nic_is_link_local(ifa))
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

#define MAC_RANK_MAX	3
#define BEST_RANK	(MAC_RANK_MAX << 2 | ADDRESSED)

/*
 * How well an interface fits a MAC address; 0: not at all. The host knows the
 * address that it gave to the NIC, which bonding may have replaced.
 */
static unsigned int mac_rank(const struct net_device *dev, const u8 *mac)
{
	bool current_mac = has_mac(dev, mac);

	if (vmbus_device(dev)) {
		if (ether_addr_equal_unaligned(dev->perm_addr, mac))
			return MAC_RANK_MAX;
		return current_mac ? 2 : 0;
	}
	/* an emulated or passed-through NIC */
	return current_mac ? 1 : 0;
}

/* VLANs have the MAC address of what is below them. */
static bool is_ethernet(const struct net_device *dev)
{
	return dev->type == ARPHRD_ETHER && dev->addr_len == ETH_ALEN &&
	       !is_vlan_dev(dev);
}

static struct net_device *find_mac(const u8 *mac)
{
	struct net_device *dev, *best = NULL;
	unsigned int rank, best_rank = 0;

	for_each_netdev_rcu(&init_net, dev) {
		if (!is_ethernet(dev))
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
		if (best_rank == BEST_RANK)
			break;
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
 * hkvp_nic_find() - the NIC that the host means
 * @adapter: what the host calls it
 *
 * Looks in the initial network namespace. By MAC address, in this order: a
 * device on VMBus with that permanent address; one with that address; any
 * other Ethernet device with it. Never a VLAN.
 *
 * Context: any, within rcu_read_lock(), which keeps the interface.
 * Return: the interface, or NULL.
 */
struct net_device *hkvp_nic_find(const struct hkvp_adapter *adapter)
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

/* Ends the walk at a NIC of the host's that is not the one in @priv. */
static int find_other_nic(struct net_device *dev, struct netdev_nested_priv *priv)
{
	return vmbus_device(dev) && dev != priv->data;
}

static bool has_other_nic_below(struct net_device *dev, struct net_device *nic)
{
	struct netdev_nested_priv priv = { .data = nic };

	return netdev_walk_all_lower_dev_rcu(dev, find_other_nic, &priv);
}

/*
 * Another Ethernet device that has the MAC address of @nic and addresses: the
 * internal port of an Open vSwitch, which is not above its NIC; a bridge above a
 * VLAN; a virtual function.
 */
static struct net_device *find_twin(struct net_device *nic)
{
	struct net_device *dev;

	for_each_netdev_rcu(&init_net, dev)
		if (is_ethernet(dev) && !vmbus_device(dev) &&
		    shares_mac(nic, dev) && level_of(dev) == ADDRESSED &&
		    !has_other_nic_below(dev, nic))
			return dev;
	return NULL;
}

static bool speaks_for(struct net_device *nic, const struct net_device *upper)
{
	if (upper == nic)
		return true;
	return port_of(nic, upper) &&
	       (shares_mac(nic, upper) || is_its_bridge(nic, upper));
}

/*
 * The only VLAN with addresses on @nic or its masters. Of several ones it is not
 * known in which the host's tools are.
 */
static struct net_device *find_vlan(struct net_device *nic)
{
	struct net_device *dev, *found = NULL;

	for_each_netdev_rcu(&init_net, dev) {
		if (!is_vlan_dev(dev) || level_of(dev) != ADDRESSED ||
		    !speaks_for(nic, vlan_dev_real_dev(dev)))
			continue;
		if (found)
			return NULL;
		found = dev;
	}
	return found;
}

/**
 * hkvp_nic_speaker() - the interface that has the addresses of an adapter
 * @nic: what hkvp_nic_find() found
 *
 * @nic itself, or what it has been put under with the same MAC address: bridge,
 * bond, or the NIC above a virtual function; else a bridge that has nothing but
 * @nic. If none of them has an address beyond link-local ones, another device with
 * the MAC address of @nic, or a VLAN if it is the only one, that has.
 *
 * Context: any, within rcu_read_lock().
 * Return: the interface, @nic if there is none better.
 */
struct net_device *hkvp_nic_speaker(struct net_device *nic)
{
	struct net_device *best = ask_masters(nic, nic, shares_mac);

	best = ask_masters(nic, best, is_its_bridge);
	if (level_of(best) == ADDRESSED)
		return best;
	return find_twin(nic) ?: find_vlan(nic) ?: best;
}

/**
 * hkvp_nic_is_above() - whether an interface and a NIC are configured as one
 * @nic: NIC
 * @dev: interface
 *
 * Context: any, within rcu_read_lock().
 * Return: true for @nic itself and its masters.
 */
bool hkvp_nic_is_above(struct net_device *nic, const struct net_device *dev)
{
	return dev == nic || port_of(nic, dev);
}

/**
 * hkvp_nic_is_hosts() - whether an interface leads to the host
 * @dev: interface
 *
 * Context: any, within rcu_read_lock().
 * Return: true for what is on a VMBus device, and all that is above one.
 */
bool hkvp_nic_is_hosts(struct net_device *dev)
{
	return vmbus_device(dev) || has_other_nic_below(dev, NULL);
}
