// SPDX-License-Identifier: GPL-2.0
/*
 * The default routes out of an interface: of each routing table the one that
 * the stack uses for what leaves there, with all its next hops. FIB notifiers
 * would not do: they tell the best route of each prefix only, which may lead
 * elsewhere.
 *
 * Neither fib_get_table() nor fib6_lookup() is exported, so that the hashes of
 * tables are walked here.
 */
#include <linux/inetdevice.h>
#include <linux/ipv6_route.h>
#include <linux/netdevice.h>
#include <linux/rculist.h>
#include <linux/rtnetlink.h>
#include <net/addrconf.h>
#include <net/ip6_fib.h>
#include <net/ip6_route.h>
#include <net/ip_fib.h>
#include <net/l3mdev.h>
#include <net/net_namespace.h>
#include <net/nexthop.h>

#include "ip_routes.h"

/* Who is told, and of which interface. */
struct walk {
	const struct net_device *dev;
	hkvp_route_fn fn;
	void *ctx;
};

/*
 * What the host shows first should be the gateway that is used most: that of
 * the table which is asked for this interface, its VRF's or the main one.
 */
static u32 first_table(const struct net_device *dev)
{
	u32 id = l3mdev_fib_table_rcu(dev);

	return id ? id : RT_TABLE_MAIN;
}

static bool v4_alive(const struct fib_nh_common *nhc,
		     const struct net_device *dev)
{
	u8 flags;

	if (!nhc || nhc->nhc_dev != dev)
		return false;
	/* one byte; the stack itself reads it so */
	flags = data_race(nhc->nhc_flags);
	if (flags & RTNH_F_DEAD)
		return false;
	return !(flags & RTNH_F_LINKDOWN) || !ip_ignore_linkdown(dev);
}

static void tell_v4(const struct walk *w, struct fib_info *fi)
{
	__be32 prefsrc = READ_ONCE(fi->fib_prefsrc);
	struct hkvp_route route = {
		.protocol = fi->fib_protocol,
		.prefsrc = prefsrc ? &prefsrc : NULL,
	};
	unsigned int i;

	for (i = 0; i < fib_info_num_path(fi); i++) {
		const struct fib_nh_common *nhc = fib_info_nhc(fi, i);

		if (!v4_alive(nhc, w->dev))
			continue;
		route.gateway_v6 = nhc->nhc_gw_family == AF_INET6;
		route.gateway = nhc->nhc_gw_family ? &nhc->nhc_gw : NULL;
		w->fn(w->ctx, &route);
	}
}

/*
 * A lookup needs an address. Those of a longer prefix, 0.0.0.0/8 say, are not
 * what the default route is for: try others before giving up.
 */
static void table_v4(const struct walk *w, struct fib_table *table)
{
	static const u32 probes[] = { 0, 0x80000000, 0xc0000000 };
	struct flowi4 flow = { .flowi4_oif = w->dev->ifindex };
	struct fib_result result;
	unsigned int i;

	for (i = 0; i < ARRAY_SIZE(probes); i++) {
		flow.daddr = cpu_to_be32(probes[i]);
		if (fib_table_lookup(table, &flow, &result, FIB_LOOKUP_NOREF) ||
		    result.prefixlen)
			continue;
		if (result.type == RTN_UNICAST)
			tell_v4(w, result.fi);
		return;
	}
}

/**
 * hkvp_routes_v4() - tell the next hops of IPv4 default routes
 * @dev: interface in the initial network namespace
 * @fn: called for each next hop out of @dev
 * @ctx: its first argument
 *
 * Context: any, within rcu_read_lock().
 */
void hkvp_routes_v4(const struct net_device *dev, hkvp_route_fn fn, void *ctx)
{
	const struct walk w = { .dev = dev, .fn = fn, .ctx = ctx };
	const struct hlist_head *tables = init_net.ipv4.fib_table_hash;
	u32 first = first_table(dev);
	struct fib_table *table;
	unsigned int i;

	hlist_for_each_entry_rcu(table, &tables[first & (FIB_TABLE_HASHSZ - 1)],
				 tb_hlist)
		if (table->tb_id == first)
			table_v4(&w, table);
	for (i = 0; i < FIB_TABLE_HASHSZ; i++)
		hlist_for_each_entry_rcu(table, &tables[i], tb_hlist)
			if (table->tb_id != first)
				table_v4(&w, table);
}

#if IS_ENABLED(CONFIG_IPV6)

/* The route that a next hop is looked at for. */
struct v6_route {
	const struct walk *walk;
	struct fib6_info *info;
};

static bool v6_alive(const struct fib6_nh *nh, const struct net_device *dev)
{
	u8 flags;

	/* one byte; the stack itself reads it so */
	flags = data_race(nh->fib_nh_flags);
	if (nh->fib_nh_dev != dev || flags & RTNH_F_DEAD)
		return false;
	return !(flags & RTNH_F_LINKDOWN) || !ip6_ignore_linkdown(dev);
}

/* 1, which ends the loop, if the next hop leads out of the interface. */
static int find_v6(struct fib6_nh *nh, void *arg)
{
	const struct v6_route *route = arg;

	return v6_alive(nh, route->walk->dev);
}

static int tell_v6(struct fib6_nh *nh, void *arg)
{
	const struct v6_route *v6 = arg;
	const struct rt6key *prefsrc = &v6->info->fib6_prefsrc;
	struct hkvp_route route = {
		.v6 = true,
		.gateway_v6 = true,
		.protocol = v6->info->fib6_protocol,
		.gateway = nh->fib_nh_gw_family ? &nh->fib_nh_gw6 : NULL,
		.prefsrc = prefsrc->plen ? &prefsrc->addr : NULL,
	};

	if (v6_alive(nh, v6->walk->dev))
		v6->walk->fn(v6->walk->ctx, &route);
	return 0;
}

static int each_v6(struct v6_route *route,
		   int (*fn)(struct fib6_nh *nh, void *arg))
{
	if (route->info->nh)
		return nexthop_for_each_fib6_nh(route->info->nh, fn, route);
	return fn(route->info->fib6_nh, route);
}

/*
 * Is it a default route out of the interface? The root may also point to the
 * routes of a longer prefix, and to the null entry.
 */
static bool is_default_v6(struct v6_route *route)
{
	const struct fib6_info *info = route->info;

	if (info->fib6_dst.plen || info->fib6_type != RTN_UNICAST ||
	    READ_ONCE(info->fib6_flags) & RTF_REJECT)
		return false;
	/* an advertisement may be prolonging it: then it is not expired yet */
	if (data_race(fib6_check_expired(info)))
		return false;
	return each_v6(route, find_v6);
}

/* Router preference of RFC 4191, in an order that compares. */
static u32 preference(const struct fib6_info *info)
{
	return IPV6_DECODE_PREF(IPV6_EXTRACT_PREF(READ_ONCE(info->fib6_flags)));
}

/* What is looked for at the root of a table. */
struct v6_choice {
	const struct fib6_info *best;
	bool multipath;		/* a route as good as @best is one of several paths */
};

/* Routes are in the order of their metrics; of the first, the best router. */
static struct v6_choice choose_v6(struct v6_route *route,
				  struct fib6_info *leaf)
{
	struct v6_choice c = {};
	struct fib6_info *info;

	for (info = leaf; info; info = rcu_dereference(info->fib6_next)) {
		if (c.best && info->fib6_metric != c.best->fib6_metric)
			break;
		route->info = info;
		if (!is_default_v6(route))
			continue;
		if (!c.best || preference(info) > preference(c.best))
			c = (struct v6_choice) { .best = info };
		if (preference(info) == preference(c.best))
			c.multipath |= READ_ONCE(info->fib6_nsiblings) > 0;
	}
	return c;
}

/*
 * Of routes that are as good the one is taken whose router answers, so all are
 * told; of the paths of one route a hash takes any, whatever the preferences.
 */
static bool is_chosen(const struct v6_choice *c, const struct fib6_info *info)
{
	if (info->fib6_metric != c->best->fib6_metric)
		return false;
	return preference(info) == preference(c->best) ||
	       (c->multipath && READ_ONCE(info->fib6_nsiblings));
}

/* Routes for certain source addresses only are not at the root, and left out. */
static void table_v6(const struct walk *w, struct fib6_table *table)
{
	struct fib6_info *leaf = rcu_dereference(table->tb6_root.leaf);
	struct v6_route route = { .walk = w };
	struct v6_choice choice = choose_v6(&route, leaf);
	struct fib6_info *info;

	if (!choice.best)
		return;
	for (info = leaf; info; info = rcu_dereference(info->fib6_next)) {
		route.info = info;
		if (is_chosen(&choice, info) && is_default_v6(&route))
			each_v6(&route, tell_v6);
	}
}

/**
 * hkvp_routes_v6() - tell the next hops of IPv6 default routes
 * @dev: interface in the initial network namespace
 * @fn: called for each next hop out of @dev
 * @ctx: its first argument
 *
 * Nothing is told where there is no IPv6.
 *
 * Context: any, within rcu_read_lock().
 */
void hkvp_routes_v6(const struct net_device *dev, hkvp_route_fn fn, void *ctx)
{
	const struct walk w = { .dev = dev, .fn = fn, .ctx = ctx };
	const struct hlist_head *tables = READ_ONCE(init_net.ipv6.fib_table_hash);
	u32 first = first_table(dev);
	struct fib6_table *table;
	unsigned int i;

	/* ipv6.disable=1, or the module is not there */
	if (!tables)
		return;
	hlist_for_each_entry_rcu(table, &tables[first & (FIB6_TABLE_HASHSZ - 1)],
				 tb6_hlist)
		if (table->tb6_id == first)
			table_v6(&w, table);
	for (i = 0; i < FIB6_TABLE_HASHSZ; i++)
		hlist_for_each_entry_rcu(table, &tables[i], tb6_hlist)
			if (table->tb6_id != first)
				table_v6(&w, table);
}

#else

void hkvp_routes_v6(const struct net_device *dev, hkvp_route_fn fn, void *ctx)
{
}

#endif
