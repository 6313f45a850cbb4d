/* SPDX-License-Identifier: GPL-2.0 */
/* GET_IP_INFO: what the network stack says about one adapter. */
#ifndef HKVP_IPINFO_H
#define HKVP_IPINFO_H

#include <linux/types.h>
#include <net/if_inet6.h>
#include "adapter.h"
#include "wire.h"

struct net_device;

struct net_device *hkvp_ipinfo_find(const struct hkvp_adapter *adapter);
int hkvp_ipinfo_strings(void *ctx, struct hkvp_ip_strings *ip, gfp_t gfp);
int hkvp_ipinfo_binary(void *ctx, struct hkvp_ip_binary *ip, gfp_t gfp);

/**
 * hkvp_ipinfo_usable() - whether an IPv6 address is the interface's
 * @ifa: address, within rcu_read_lock()
 *
 * Context: any.
 * Return: false while, and after, duplicate address detection denies it.
 */
static inline bool hkvp_ipinfo_usable(const struct inet6_ifaddr *ifa)
{
	u32 flags = READ_ONCE(ifa->flags);

	if (flags & IFA_F_DADFAILED)
		return false;
	return !(flags & IFA_F_TENTATIVE) || (flags & IFA_F_OPTIMISTIC);
}

#endif /* HKVP_IPINFO_H */
