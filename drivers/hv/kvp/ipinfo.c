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
#include <linux/inetdevice.h>
#include <linux/netdevice.h>
#include <linux/rtnetlink.h>
#include <net/addrconf.h>
#include <net/ipv6.h>

#include "ip_encode.h"
#include "ip_nic.h"
#include "ip_routes.h"
#include "ip_report.h"
#include "ipinfo.h"

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

static void tell_v4(struct answer *a, const struct in_ifaddr *ifa, __be32 addr)
{
	bool dynamic = !(READ_ONCE(ifa->ifa_flags) & IFA_F_PERMANENT);
	/* SIOCSIFNETMASK changes it in place */
	u32 prefix = data_race(ifa->ifa_prefixlen);

	a->any_v4 = true;
	a->dynamic_v4 |= dynamic;
	if (a->wanted & HKVP_IP_V4)
		hkvp_ip_encode_v4(a->e, &addr, prefix,
				  origin_v4(a, addr, dynamic));
}

/* The one that packets leave with first: hosts' tools take the first for all. */
static void addresses_v4(struct answer *a, const struct net_device *dev)
{
	const struct in_device *in_dev = __in_dev_get_rcu(dev);
	__be32 source = hkvp_routes_source_v4(dev);
	const struct in_ifaddr *ifa;
	bool first;
	__be32 addr;
	int rest;

	if (!in_dev)
		return;
	for (rest = 0; rest < 2; rest++) {
		in_dev_for_each_ifa_rcu(ifa, in_dev) {
			/* SIOCSIFADDR changes it in place */
			addr = data_race(ifa->ifa_local);
			first = addr == source;
			if (first != rest)
				tell_v4(a, ifa, addr);
		}
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

static void tell_v6(struct answer *a, const struct inet6_ifaddr *ifa)
{
	bool dynamic = !(READ_ONCE(ifa->flags) & IFA_F_PERMANENT);

	a->dynamic_v6 |= dynamic && !hkvp_nic_is_link_local(ifa);
	if (a->wanted & HKVP_IP_V6)
		hkvp_ip_encode_v6(a->e, &ifa->addr, ifa->prefix_len,
				  origin_v6(a, ifa, dynamic));
}

static void addresses_v6(struct answer *a, const struct net_device *dev)
{
	const struct inet6_dev *idev = __in6_dev_get(dev);
	const struct inet6_ifaddr *ifa;
	struct in6_addr source;
	int rest;

	if (!idev)
		return;
	hkvp_routes_source_v6(dev, &source);
	for (rest = 0; rest < 2; rest++)
		list_for_each_entry_rcu(ifa, &idev->addr_list, if_list)
			if (hkvp_nic_usable(ifa) &&
			    ipv6_addr_equal(&ifa->addr, &source) != rest)
				tell_v6(a, ifa);
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

static void tell_dns(struct answer *a, const struct hkvp_ip_report *supply)
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
 * may speak of the interface that has the addresses or of the NIC below it; what it
 * says of the NIC is not so of a VLAN.
 */
static void tell(struct answer *a, const struct net_device *dev,
		 struct net_device *nic)
{
	const struct hkvp_ip_report *supply;
	bool dhcp;

	hkvp_routes_v4(dev, on_route, a);
	hkvp_routes_v6(dev, on_route, a);
	addresses_v4(a, dev);
	addresses_v6(a, dev);

	dhcp = guess_dhcp(a);
	supply = hkvp_ip_report_find(dev->ifindex);
	if (!supply && hkvp_nic_is_above(nic, dev))
		supply = hkvp_ip_report_find(nic->ifindex);
	if (supply) {
		tell_dns(a, supply);
		if (supply->dhcp_known)
			dhcp = supply->dhcp;
	}
	hkvp_ip_encoder_end(a->e, dhcp);
}

/* Nothing is written unless the adapter is known. */
static int get(const void *id, enum hkvp_ip_family wanted,
	       struct hkvp_ip_encoder *e)
{
	struct answer a = { .e = e, .wanted = wanted };
	struct hkvp_adapter adapter;
	struct net_device *nic;
	int err;

	err = hkvp_adapter_parse(id, &adapter);
	if (err)
		return err;

	rcu_read_lock();
	nic = hkvp_nic_find(&adapter);
	if (nic)
		tell(&a, hkvp_nic_speaker(nic), nic);
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
 * The answer has both families, whatever the request says: hv_kvp_daemon never
 * looked at it, and that is what hosts of these versions know.
 *
 * Context: any; takes RCU.
 * Return: 0; -ENOENT: no such adapter, the message is as it was.
 */
int hkvp_ipinfo_strings(void *ctx, struct hkvp_ip_strings *ip, gfp_t gfp)
{
	struct hkvp_ip_encoder e;

	hkvp_ip_encoder_strings(&e, ip);
	return get(ip->adapter_id, HKVP_IP_BOTH, &e);
}

/**
 * hkvp_ipinfo_binary() - answer GET_IP_INFO in binary form
 * @ctx: not used
 * @ip: the host's message, any alignment
 * @gfp: not used: no memory is needed
 *
 * Context: any; takes RCU.
 * Return: 0; -ENOENT: no such adapter; -EINVAL: no such family. On an error the
 * message is as it was.
 */
int hkvp_ipinfo_binary(void *ctx, struct hkvp_ip_binary *ip, gfp_t gfp)
{
	struct hkvp_ip_encoder e;

	if (ip->family > HKVP_IP_BOTH)
		return -EINVAL;
	hkvp_ip_encoder_binary(&e, ip);
	return get(ip->adapter_id, ip->family ?: HKVP_IP_BOTH, &e);
}
