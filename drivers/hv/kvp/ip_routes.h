/* SPDX-License-Identifier: GPL-2.0 */
/* The default routes out of an interface, and what they go with. */
#ifndef HKVP_IP_ROUTES_H
#define HKVP_IP_ROUTES_H

#include <linux/types.h>

struct in6_addr;
struct net_device;

/**
 * struct hkvp_route - one next hop of a default route
 * @v6: family of the route, and of @prefsrc
 * @gateway_v6: family of @gateway: that of the route, but for an IPv4 route
 *	with an IPv6 gateway (RFC 5549)
 * @protocol: who made the route, RTPROT_*
 * @gateway: 4 or 16 bytes, network order; NULL if all is on the link
 * @prefsrc: source address that the route prefers, 4 or 16 bytes; or NULL
 *
 * The pointers are good until the callback returns.
 */
struct hkvp_route {
	bool v6;
	bool gateway_v6;
	u8 protocol;
	const void *gateway;
	const void *prefsrc;
};

typedef void (*hkvp_route_fn)(void *ctx, const struct hkvp_route *route);

void hkvp_routes_v4(const struct net_device *dev, hkvp_route_fn fn, void *ctx);
void hkvp_routes_v6(const struct net_device *dev, hkvp_route_fn fn, void *ctx);
__be32 hkvp_routes_source_v4(const struct net_device *dev);
bool hkvp_routes_source_v6(const struct net_device *dev, struct in6_addr *source);

#endif /* HKVP_IP_ROUTES_H */
