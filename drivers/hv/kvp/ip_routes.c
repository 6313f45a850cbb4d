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

#include "ip_nic.h"
#include "ip_routes.h"

/* Who is told, and of which interface; NULL is any. */
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
	u32 id = dev ? l3mdev_fib_table_rcu(dev) : 0;

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
 * The default route of a table, if there is one that leads somewhere. A lookup
 * needs an address. Those of a longer prefix, 0.0.0.0/8 say, are not what the
 * default route is for: try others before giving up.
 */
static bool look_up_v4(struct fib_table *table, const struct net_device *dev,
		       struct fib_result *result)
{
	static const u32 probes[] = { 0, 0x80000000, 0xc0000000 };
	struct flowi4 flow = { .flowi4_oif = dev ? dev->ifindex : 0 };
	unsigned int i;

	for (i = 0; i < ARRAY_SIZE(probes); i++) {
		flow.daddr = cpu_to_be32(probes[i]);
		if (!fib_table_lookup(table, &flow, result, FIB_LOOKUP_NOREF) &&
		    !result->prefixlen)
			return result->type == RTN_UNICAST;
	}
	return false;
}

static void table_v4(const struct walk *w, struct fib_table *table)
{
	struct fib_result result;

	if (look_up_v4(table, w->dev, &result))
		tell_v4(w, result.fi);
}

static struct fib_table *first_table_v4(const struct net_device *dev)
{
	u32 id = first_table(dev);
	struct fib_table *table;

	hlist_for_each_entry_rcu(table, &init_net.ipv4.fib_table_hash
				 [id & (FIB_TABLE_HASHSZ - 1)], tb_hlist)
		if (table->tb_id == id)
			return table;
	return NULL;
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
	struct fib_table *first = first_table_v4(dev), *table;
	unsigned int i;

	if (first)
		table_v4(&w, first);
	for (i = 0; i < FIB_TABLE_HASHSZ; i++)
		hlist_for_each_entry_rcu(table, &tables[i], tb_hlist)
			if (table != first)
				table_v4(&w, table);
}

/**
 * hkvp_routes_source_v4() - the address that the default route's packets have
 * @dev: interface that they leave by, or NULL: whichever it is
 *
 * It need not be an address of that interface.
 *
 * Context: any, within rcu_read_lock().
 * Return: the address, in network order; 0 if there is none.
 */
__be32 hkvp_routes_source_v4(const struct net_device *dev)
{
	struct fib_table *table = first_table_v4(dev);
	const struct fib_nh_common *nhc;
	struct fib_result result;
	__be32 source;

	if (!table || !look_up_v4(table, dev, &result))
		return 0;
	source = READ_ONCE(result.fi->fib_prefsrc);
	if (source)
		return source;
	nhc = result.nhc;
	return inet_select_addr(nhc->nhc_dev,
				nhc->nhc_gw_family == AF_INET ? nhc->nhc_gw.ipv4 : 0,
				result.scope);
}

#if IS_ENABLED(CONFIG_IPV6)

/* The route that a next hop is looked at for, and where one was that leads out. */
struct v6_route {
	const struct walk *walk;
	struct fib6_info *info;
	const struct net_device *dev;
};

static bool v6_alive(const struct fib6_nh *nh, const struct net_device *dev)
{
	u8 flags;

	/* one byte; the stack itself reads it so */
	flags = data_race(nh->fib_nh_flags);
	if ((dev && nh->fib_nh_dev != dev) || flags & RTNH_F_DEAD)
		return false;
	return !(flags & RTNH_F_LINKDOWN) || !ip6_ignore_linkdown(nh->fib_nh_dev);
}

/* 1, which ends the loop, if the next hop leads out of the interface. */
static int find_v6(struct fib6_nh *nh, void *arg)
{
	struct v6_route *route = arg;

	if (!v6_alive(nh, route->walk->dev))
		return 0;
	route->dev = nh->fib_nh_dev;
	return 1;
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
	struct fib6_info *best;
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

static struct fib6_table *first_table_v6(const struct hlist_head *tables,
					 const struct net_device *dev)
{
	u32 id = first_table(dev);
	struct fib6_table *table;

	hlist_for_each_entry_rcu(table, &tables[id & (FIB6_TABLE_HASHSZ - 1)],
				 tb6_hlist)
		if (table->tb6_id == id)
			return table;
	return NULL;
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
	struct fib6_table *first, *table;
	unsigned int i;

	/* ipv6.disable=1, or the module is not there */
	if (!tables)
		return;
	first = first_table_v6(tables, dev);
	if (first)
		table_v6(&w, first);
	for (i = 0; i < FIB6_TABLE_HASHSZ; i++)
		hlist_for_each_entry_rcu(table, &tables[i], tb6_hlist)
			if (table != first)
				table_v6(&w, table);
}

/* The first address that neither runs out nor changes, as temporary ones do. */
static bool pick_lasting_v6(const struct net_device *dev, struct in6_addr *source)
{
	const struct inet6_dev *idev = __in6_dev_get(dev);
	const struct inet6_ifaddr *ifa;

	if (!idev)
		return false;
	list_for_each_entry_rcu(ifa, &idev->addr_list, if_list) {
		if (!hkvp_nic_usable(ifa) || hkvp_nic_is_link_local(ifa) ||
		    READ_ONCE(ifa->flags) & (IFA_F_TEMPORARY | IFA_F_DEPRECATED))
			continue;
		*source = ifa->addr;
		return true;
	}
	return false;
}

/**
 * hkvp_routes_source_v6() - the address by which an interface is best known
 * @dev: interface, or NULL: that of the default route
 * @source: gets the preferred source of the default route if it has one; else the
 *	interface's first address that is neither link-local, temporary nor
 *	deprecated; or ::
 *
 * Context: any, within rcu_read_lock().
 * Return: false for ::.
 */
bool hkvp_routes_source_v6(const struct net_device *dev, struct in6_addr *source)
{
	const struct walk w = { .dev = dev };
	const struct hlist_head *tables = READ_ONCE(init_net.ipv6.fib_table_hash);
	struct v6_route route = { .walk = &w };
	struct fib6_table *table;

	*source = in6addr_any;
	table = tables ? first_table_v6(tables, dev) : NULL;
	if (table)
		route.info = choose_v6(&route,
				       rcu_dereference(table->tb6_root.leaf)).best;
	else
		route.info = NULL;
	if (route.info && is_default_v6(&route)) {
		if (route.info->fib6_prefsrc.plen) {
			*source = route.info->fib6_prefsrc.addr;
			return true;
		}
		dev = route.dev;
	}
	return dev && pick_lasting_v6(dev, source);
}

#else

void hkvp_routes_v6(const struct net_device *dev, hkvp_route_fn fn, void *ctx)
{
}

bool hkvp_routes_source_v6(const struct net_device *dev, struct in6_addr *source)
{
	return false;
}

#endif
