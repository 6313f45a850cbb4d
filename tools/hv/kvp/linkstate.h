/* SPDX-License-Identifier: GPL-2.0 */
/* What the kernel does not know of an interface: DNS servers, and DHCP. */
#ifndef KVPCTL_LINKSTATE_H
#define KVPCTL_LINKSTATE_H

#include <stdbool.h>

#include "ipconfig.h"
#include "netif.h"

/**
 * struct linkstate - one interface
 * @index: its index
 * @dhcp: HV_KVP_IP_DHCP_*
 * @v4_count: entries of @v4
 * @v6_count: entries of @v6
 * @v4: DNS servers by IPv4, in network order
 * @v6: DNS servers by IPv6
 */
struct linkstate {
	unsigned int index;
	unsigned int dhcp;
	unsigned int v4_count;
	unsigned int v6_count;
	uint8_t v4[HV_KVP_IP_DNS][4];
	uint8_t v6[HV_KVP_IP_DNS][16];
};

/**
 * linkstate_read() - asks the state files of whatever runs the interface
 * @root: directory that stands for /, "" for the system's
 * @nic: the interface
 * @state: gets what is known, all zero but for @index if nothing is
 *
 * Servers of the interface itself (systemd-networkd, systemd-resolved), else those
 * of the whole system (resolv.conf), without the stub on loopback.
 */
void linkstate_read(const char *root, const struct netif *nic, struct linkstate *state);

/* Directories whose changes may mean another linkstate; ended by NULL. */
extern const char *const linkstate_directories[];

#endif /* KVPCTL_LINKSTATE_H */
