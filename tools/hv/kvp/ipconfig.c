// SPDX-License-Identifier: GPL-2.0
#include <errno.h>
#include <string.h>

#include "ipconfig.h"
#include "kvpctl.h"

/* What an address is for decides which ones make sense. */
enum use { USE_INTERFACE, USE_GATEWAY, USE_DNS };

static bool v4_usable(const uint8_t *b, enum use use)
{
	if (b[0] == 127)
		return use == USE_DNS;
	return b[0] && b[0] < 224;
}

static bool v6_usable(const uint8_t *b, enum use use)
{
	static const uint8_t low[12], mapped[12] = { [10] = 0xff, [11] = 0xff };
	static const uint8_t loopback[16] = { [15] = 1 };

	if (!memcmp(b, loopback, sizeof(loopback)))
		return use == USE_DNS;
	/* ::/96 has the unspecified address, and what was once IPv4-compatible */
	return b[0] != 0xff && memcmp(b, low, sizeof(low)) && memcmp(b, mapped, sizeof(mapped));
}

static bool is_usable(const struct ipaddr *addr, enum use use)
{
	return addr->family == AF_INET ? v4_usable(addr->bytes, use) :
					 v6_usable(addr->bytes, use);
}

/* The network's own address and its broadcast, where there are such. */
static bool is_edge_of_network(const struct ipaddr *addr)
{
	uint32_t host, mask;

	if (addr->family != AF_INET || addr->prefix >= 31)
		return false;
	memcpy(&host, addr->bytes, sizeof(host));
	mask = 0xffffffffu >> addr->prefix;
	host = ntohl(host) & mask;
	return !host || host == mask;
}

bool ipaddr_equal(const struct ipaddr *a, const struct ipaddr *b)
{
	return a->family == b->family && !memcmp(a->bytes, b->bytes, sizeof(a->bytes));
}

/* Adds @addr to @list unless it is there. */
static void add(struct ipaddr *list, unsigned int *count, const struct ipaddr *addr)
{
	for (unsigned int i = 0; i < *count; i++)
		if (ipaddr_equal(&list[i], addr))
			return;
	list[(*count)++] = *addr;
}

/**
 * struct part - one list of the kernel's structure, and where it goes
 * @bytes: addresses in a row
 * @prefixes: their prefix lengths, or NULL
 * @count: how many
 * @max: how many there can be
 * @family: AF_INET or AF_INET6
 * @use: what for
 * @list: where they go
 * @list_count: entries of @list
 * @reason: what is wrong if one is
 */
struct part {
	const uint8_t *bytes;
	const uint8_t *prefixes;
	uint32_t count;
	uint32_t max;
	int family;
	enum use use;
	struct ipaddr *list;
	unsigned int *list_count;
	const char *reason;
};

static int take(const struct part *p, const char **reason)
{
	unsigned int size = p->family == AF_INET ? 4 : 16;

	*reason = "too many entries";
	if (p->count > p->max)
		return -EINVAL;
	*reason = p->reason;
	for (uint32_t i = 0; i < p->count; i++) {
		struct ipaddr addr = { .family = p->family };

		memcpy(addr.bytes, p->bytes + i * size, size);
		if (p->prefixes)
			addr.prefix = p->prefixes[i];
		if (p->prefixes && (!addr.prefix || addr.prefix > 8 * size))
			return -EINVAL;
		if (!is_usable(&addr, p->use))
			return -EINVAL;
		if (p->prefixes && is_edge_of_network(&addr))
			return -EINVAL;
		add(p->list, p->list_count, &addr);
	}
	return 0;
}

int ipconfig_from_kernel(const struct hv_kvp_ip_config *from, struct ipconfig *ip,
			 const char **reason)
{
	const struct part parts[] = {
		{ from->v4[0], from->v4_prefix, from->v4_count, HV_KVP_IP_ADDRESSES, AF_INET,
		  USE_INTERFACE, ip->address, &ip->address_count, "invalid IPv4 address or mask" },
		{ from->v6[0], from->v6_prefix, from->v6_count, HV_KVP_IP_ADDRESSES, AF_INET6,
		  USE_INTERFACE, ip->address, &ip->address_count,
		  "invalid IPv6 address or prefix" },
		{ from->v4_gateway[0], NULL, from->v4_gateway_count, HV_KVP_IP_GATEWAYS, AF_INET,
		  USE_GATEWAY, ip->gateway, &ip->gateway_count, "invalid IPv4 gateway" },
		{ from->v6_gateway[0], NULL, from->v6_gateway_count, HV_KVP_IP_GATEWAYS, AF_INET6,
		  USE_GATEWAY, ip->gateway, &ip->gateway_count, "invalid IPv6 gateway" },
		{ from->v4_dns[0], NULL, from->v4_dns_count, HV_KVP_IP_DNS, AF_INET,
		  USE_DNS, ip->dns, &ip->dns_count, "invalid IPv4 DNS server" },
		{ from->v6_dns[0], NULL, from->v6_dns_count, HV_KVP_IP_DNS, AF_INET6,
		  USE_DNS, ip->dns, &ip->dns_count, "invalid IPv6 DNS server" },
	};

	memset(ip, 0, sizeof(*ip));
	*reason = "unknown family";
	if (!from->family || (from->family & ~(HV_KVP_IP_V4 | HV_KVP_IP_V6)))
		return -EINVAL;
	*reason = "unknown DHCP flag";
	if (from->dhcp > 1)
		return -EINVAL;
	ip->v4 = from->family & HV_KVP_IP_V4;
	ip->v6 = from->family & HV_KVP_IP_V6;
	ip->dhcp = from->dhcp;
	for (size_t i = 0; i < ARRAY_SIZE(parts); i++) {
		int error = take(&parts[i], reason);

		if (error)
			return error;
	}
	*reason = NULL;
	return 0;
}

/* Leaves no entries of @family in @list. */
static void drop_family(struct ipaddr *list, unsigned int *count, int family)
{
	unsigned int kept = 0;

	for (unsigned int i = 0; i < *count; i++)
		if (list[i].family != family)
			list[kept++] = list[i];
	*count = kept;
}

static bool has_family(const struct ipaddr *list, unsigned int count, int family)
{
	for (unsigned int i = 0; i < count; i++)
		if (list[i].family == family)
			return true;
	return false;
}

static void drop_all(struct ipconfig *ip, int family)
{
	drop_family(ip->address, &ip->address_count, family);
	drop_family(ip->gateway, &ip->gateway_count, family);
	drop_family(ip->dns, &ip->dns_count, family);
}

void ipconfig_settle(struct ipconfig *ip)
{
	if (ip->v4 && ip->v6 && !ipconfig_has(ip, AF_INET6) &&
	    !has_family(ip->gateway, ip->gateway_count, AF_INET6) &&
	    !has_family(ip->dns, ip->dns_count, AF_INET6))
		ip->v6 = false;
	if (!ip->v4) {
		ip->dhcp = false;
		drop_all(ip, AF_INET);
	}
	if (!ip->v6)
		drop_all(ip, AF_INET6);
	if (ip->dhcp) {
		drop_family(ip->address, &ip->address_count, AF_INET);
		drop_family(ip->gateway, &ip->gateway_count, AF_INET);
	}
}

const struct ipaddr *ipaddr_first(const struct ipaddr *list, unsigned int count, int family)
{
	for (unsigned int i = 0; i < count; i++)
		if (list[i].family == family)
			return &list[i];
	return NULL;
}

bool ipconfig_has(const struct ipconfig *ip, int family)
{
	return has_family(ip->address, ip->address_count, family);
}

static bool same_network(const struct ipaddr *network, const uint8_t *bytes)
{
	unsigned int whole = network->prefix / 8, rest = network->prefix % 8;

	return !memcmp(network->bytes, bytes, whole) &&
	       (!rest || !((network->bytes[whole] ^ bytes[whole]) >> (8 - rest)));
}

bool ipconfig_reaches(const struct ipconfig *ip, const struct ipaddr *gateway)
{
	const uint8_t *bytes = gateway->bytes;

	if (gateway->family == AF_INET6 && bytes[0] == 0xfe && (bytes[1] & 0xc0) == 0x80)
		return true;
	for (unsigned int i = 0; i < ip->address_count; i++)
		if (ip->address[i].family == gateway->family &&
		    same_network(&ip->address[i], bytes))
			return true;
	return false;
}

const char *ipaddr_text(const struct ipaddr *addr, char text[IPADDR_TEXT])
{
	inet_ntop(addr->family, addr->bytes, text, INET6_ADDRSTRLEN);
	return text;
}

const char *ipaddr_network(const struct ipaddr *addr, char text[IPADDR_TEXT])
{
	size_t used = strlen(ipaddr_text(addr, text));

	snprintf(text + used, IPADDR_TEXT - used, "/%u", addr->prefix);
	return text;
}

const char *ipaddr_mask(const struct ipaddr *addr, char text[IPADDR_TEXT])
{
	uint32_t mask = addr->prefix ? htonl(0xffffffffu << (32 - addr->prefix)) : 0;

	inet_ntop(AF_INET, &mask, text, INET6_ADDRSTRLEN);
	return text;
}

unsigned int ipaddr_join(FILE *out, const struct ipaddr *list, unsigned int count, int family,
			 const char *separator)
{
	char text[IPADDR_TEXT];
	unsigned int done = 0;

	for (unsigned int i = 0; i < count; i++)
		if (family == AF_UNSPEC || list[i].family == family)
			fprintf(out, "%s%s", done++ ? separator : "", ipaddr_text(&list[i], text));
	return done;
}
