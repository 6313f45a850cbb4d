/* SPDX-License-Identifier: GPL-2.0 */
/* The network interfaces that the host's adapters are. */
#ifndef HKVP_IP_NIC_H
#define HKVP_IP_NIC_H

#include <linux/types.h>
#include <net/if_inet6.h>
#include <net/ipv6.h>
#include "adapter.h"

struct net_device;

struct net_device *hkvp_nic_find(const struct hkvp_adapter *adapter);
struct net_device *hkvp_nic_speaker(struct net_device *nic);
bool hkvp_nic_is_above(struct net_device *nic, const struct net_device *dev);
bool hkvp_nic_is_hosts(struct net_device *dev);

/**
 * hkvp_nic_usable() - whether an IPv6 address is the interface's
 * @ifa: address, within rcu_read_lock()
 *
 * Context: any.
 * Return: false while, and after, duplicate address detection denies it.
 */
static inline bool hkvp_nic_usable(const struct inet6_ifaddr *ifa)
{
	u32 flags = READ_ONCE(ifa->flags);

	if (flags & IFA_F_DADFAILED)
		return false;
	return !(flags & IFA_F_TENTATIVE) || (flags & IFA_F_OPTIMISTIC);
}

/**
 * hkvp_nic_is_link_local() - whether an IPv6 address is good on one link only
 * @ifa: address, within rcu_read_lock()
 *
 * Context: any.
 * Return: true if it is.
 */
static inline bool hkvp_nic_is_link_local(const struct inet6_ifaddr *ifa)
{
	return ipv6_addr_type(&ifa->addr) & IPV6_ADDR_LINKLOCAL;
}

#endif /* HKVP_IP_NIC_H */
