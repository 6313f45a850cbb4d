/* SPDX-License-Identifier: GPL-2.0 */
/* What an interface is to have: checked, and ready to be written. */
#ifndef KVPCTL_IPCONFIG_H
#define KVPCTL_IPCONFIG_H

#include <arpa/inet.h>
#include <stdbool.h>
#include <stdint.h>
#include <stdio.h>

#include <linux/hv_kvp.h>

#define IPCONFIG_ADDRESSES	(2 * HV_KVP_IP_ADDRESSES)
#define IPCONFIG_GATEWAYS	(2 * HV_KVP_IP_GATEWAYS)
#define IPCONFIG_DNS		(2 * HV_KVP_IP_DNS)

/* Room for an address and "/128". */
#define IPADDR_TEXT	(INET6_ADDRSTRLEN + 4)

/**
 * struct ipaddr - one address
 * @family: AF_INET or AF_INET6
 * @prefix: prefix length; 0 where there is no network
 * @bytes: in network order; 4 or 16 of them
 */
struct ipaddr {
	uint8_t family;
	uint8_t prefix;
	uint8_t bytes[16];
};

/**
 * struct ipconfig - configuration of one interface
 * @dhcp: IPv4 addresses come from DHCP
 * @v4: IPv4 is what this is about: what there is of another family is left alone
 * @v6: IPv6 is
 * @address_count: entries of @address; IPv4 first
 * @gateway_count: entries of @gateway; IPv4 first
 * @dns_count: entries of @dns; IPv4 first
 * @address: addresses, each once
 * @gateway: gateways
 * @dns: DNS servers
 */
struct ipconfig {
	bool dhcp;
	bool v4;
	bool v6;
	unsigned int address_count;
	unsigned int gateway_count;
	unsigned int dns_count;
	struct ipaddr address[IPCONFIG_ADDRESSES];
	struct ipaddr gateway[IPCONFIG_GATEWAYS];
	struct ipaddr dns[IPCONFIG_DNS];
};

/**
 * ipconfig_from_kernel() - checks what the kernel handed on from the host
 * @from: as HV_KVP_IOC_IP_REQUEST gives it; nothing of it is trusted
 * @ip: gets the configuration; repeated entries are left out
 * @reason: gets what is wrong with @from
 *
 * Addresses must be those that an interface, a router or a server can have: not
 * 0.0.0.0, no multicast or broadcast, no loopback (but for servers), no IPv4
 * in IPv6.
 *
 * Return: 0, or -EINVAL.
 */
int ipconfig_from_kernel(const struct hv_kvp_ip_config *from, struct ipconfig *ip,
			 const char **reason);

/**
 * ipconfig_settle() - leaves out what does not count
 * @ip: the configuration
 *
 * With DHCP the host's IPv4 addresses and gateways do not count. What is said of a
 * family that the request is not about does not count, and a request about both
 * that says nothing of IPv6 is about IPv4.
 */
void ipconfig_settle(struct ipconfig *ip);

/**
 * ipconfig_has() - whether a family has addresses
 * @ip: the configuration
 * @family: AF_INET or AF_INET6
 */
bool ipconfig_has(const struct ipconfig *ip, int family);

/* The first of a list that is of a family; NULL for none. */
const struct ipaddr *ipaddr_first(const struct ipaddr *list, unsigned int count, int family);

/* Whether a family is what the configuration is about. */
static inline bool ipconfig_is_about(const struct ipconfig *ip, int family)
{
	return family == AF_INET ? ip->v4 : ip->v6;
}

/* Whether a gateway is in the network of one of the addresses, or link-local. */
bool ipconfig_reaches(const struct ipconfig *ip, const struct ipaddr *gateway);

/* The address in its canonical form, without its prefix length. */
const char *ipaddr_text(const struct ipaddr *addr, char text[IPADDR_TEXT]);

/* The same with "/prefix". */
const char *ipaddr_network(const struct ipaddr *addr, char text[IPADDR_TEXT]);

/* The prefix length of an IPv4 address as a mask. */
const char *ipaddr_mask(const struct ipaddr *addr, char text[IPADDR_TEXT]);

/* Whether both are the same address, whatever their prefix lengths. */
bool ipaddr_equal(const struct ipaddr *a, const struct ipaddr *b);

/**
 * ipaddr_join() - addresses of a family in a row
 * @out: where they go
 * @list: addresses
 * @count: entries of @list
 * @family: AF_INET, AF_INET6, or AF_UNSPEC for all
 * @separator: comes between two
 *
 * Return: how many there were.
 */
unsigned int ipaddr_join(FILE *out, const struct ipaddr *list, unsigned int count, int family,
			 const char *separator);

#endif /* KVPCTL_IPCONFIG_H */
