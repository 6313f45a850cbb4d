// SPDX-License-Identifier: GPL-2.0
/* A program may say yes and do nothing: what counts is what is there. */
#include <errno.h>
#include <limits.h>
#include <poll.h>
#include <stdlib.h>
#include <string.h>

#include "agent_verify.h"
#include "deadline.h"
#include "kvpctl.h"
#include "linkaddr.h"
#include "linkroute.h"
#include "linkstate.h"
#include "readfile.h"

/* How often the interface is looked at, ms. */
#define PERIOD		100

/* Some stacks need no cable: what is not there after this time waits for one, ms. */
#define CARRIER_TIME	2000

bool verify_lacks_carrier(const struct netif *nic)
{
	char path[PATH_MAX], *text;
	bool none;

	snprintf(path, sizeof(path), "/sys/class/net/%s/carrier", nic->name);
	/* it cannot be read while the interface is down */
	if (readfile("", path, 16, &text, NULL))
		return false;
	none = *text == '0';
	free(text);
	return none;
}

/* A gateway without an address is one that no stack takes. */
static bool has_gateway(const struct netif *nic, const struct ipconfig *ip, int family)
{
	const struct ipaddr *gateway = ipaddr_first(ip->gateway, ip->gateway_count, family);

	return !gateway || !ipconfig_has(ip, family) || linkroute_has_default(nic->index, gateway);
}

static bool has_server(const struct linkstate *state, const struct ipconfig *ip, int family)
{
	const struct ipaddr *server = ipaddr_first(ip->dns, ip->dns_count, family);
	unsigned int count = family == AF_INET ? state->v4_count : state->v6_count;

	for (unsigned int i = 0; server && i < count; i++)
		if (!memcmp(server->bytes, family == AF_INET ? state->v4[i] : state->v6[i],
			    family == AF_INET ? 4 : 16))
			return true;
	return !server;
}

/* Programs are asked for servers, so that is done last. */
static bool has_servers(const struct netif *nic, const struct ipconfig *ip)
{
	static struct linkstate state;

	if (!ip->dns_count)
		return true;
	linkstate_read("", nic, &state);
	return has_server(&state, ip, AF_INET) && has_server(&state, ip, AF_INET6);
}

static const char *find_missing(const struct netif *nic, const struct ipconfig *ip)
{
	if (!linkaddr_has_all(nic->name, ip))
		return "addresses";
	if (!has_gateway(nic, ip, AF_INET) || !has_gateway(nic, ip, AF_INET6))
		return "gateways";
	return has_servers(nic, ip) ? NULL : "name servers";
}

int verify_wait(const struct netif *nic, const struct ipconfig *ip, int64_t deadline, int wake)
{
	struct pollfd end = { .fd = wake, .events = POLLIN };
	int64_t patience = deadline_now() + CARRIER_TIME;
	const char *missing;

	while ((missing = find_missing(nic, ip))) {
		if (!deadline_left(patience) && verify_lacks_carrier(nic)) {
			warn("%s: no carrier, the %s come with it", nic->name, missing);
			return 0;
		}
		if (!deadline_left(deadline)) {
			warn("%s: the %s did not come", nic->name, missing);
			return -ETIMEDOUT;
		}
		if (poll(&end, 1, PERIOD) > 0)
			return -EINTR;
	}
	return 0;
}
