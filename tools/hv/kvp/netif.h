/* SPDX-License-Identifier: GPL-2.0 */
/* The guest's interface that the host means by an adapter. */
#ifndef KVPCTL_NETIF_H
#define KVPCTL_NETIF_H

#include <net/if.h>
#include <stdbool.h>

#include <linux/hv_kvp.h>

enum netif_kind { NETIF_ETHERNET, NETIF_BOND, NETIF_BRIDGE };

/**
 * struct netif - one interface
 * @name: its name; letters, digits, '.', '_' and '-' only
 * @index: its index
 * @mac: its address, as sysfs writes it, "00:15:5d:01:02:03"
 * @kind: what it is
 */
struct netif {
	char name[IF_NAMESIZE];
	unsigned int index;
	char mac[18];
	enum netif_kind kind;
};

/**
 * netif_find() - the interface to be configured for an adapter
 * @root: directory that stands for /, "" for the system's
 * @index: its index, as the kernel told it, or 0 to look for the adapter
 * @config: has the adapter: MAC, or GUID of a VMBus device
 * @nic: gets the interface
 *
 * Of several interfaces with the MAC it is the one on VMBus, else another real
 * device, else one without a device; never a VLAN, which has its own
 * configuration. A port of a bond or a bridge has no addresses: then it is the
 * bond or bridge, or the bridge above the bond, and for a virtual function the
 * NIC above it.
 *
 * Return: 0; -ENODEV if there is none; -EINVAL if its name is one that might
 * mean something in a configuration file; -EILSEQ if the adapter is neither MAC nor
 * GUID; -EOPNOTSUPP below a master of another kind, except for a VRF, or if it has
 * no address and the host sees those of a VLAN on it or of a device with its MAC.
 */
int netif_find(const char *root, unsigned int index, const struct hv_kvp_ip_config *config,
	       struct netif *nic);

/**
 * netif_load() - what sysfs says of an interface
 * @root: directory that stands for /
 * @name: its name
 * @nic: gets it
 *
 * Return: as netif_find().
 */
int netif_load(const char *root, const char *name, struct netif *nic);

/* Whether it has an address that is good beyond its link; unknown below another root: yes. */
bool netif_is_addressed(const char *root, const struct netif *nic);

/* Whether it is what hosts ask about: a device, or a bond or bridge that may be above one. */
bool netif_may_be_adapter(const char *root, const struct netif *nic);

#endif /* KVPCTL_NETIF_H */
