/* SPDX-License-Identifier: GPL-2.0 */
/*
 * What systemd-networkd says of an interface: by networkctl, and by networkd's own
 * files where there is no networkctl that prints JSON (before systemd 249), where
 * networkd does not answer, or below another root.
 */
#ifndef KVPCTL_NETWORKD_LINK_H
#define KVPCTL_NETWORKD_LINK_H

#include <limits.h>
#include <stdbool.h>

#include "netif.h"

/**
 * struct networkd_link - one interface
 * @state: "configured", "pending" and so on, never "unmanaged"
 * @file: the .network file in use, or empty
 * @dhcp4: it has an address by DHCP for IPv4
 * @dns: its name servers, between blanks, as networkd writes them
 */
struct networkd_link {
	char state[32];
	char file[PATH_MAX];
	bool dhcp4;
	char dns[4096];
};

/**
 * networkd_link_read() - asks for an interface
 * @root: directory that stands for /, "" for the system's
 * @nic: the interface
 * @link: gets what networkd says
 *
 * Return: false if networkd does not run it.
 */
bool networkd_link_read(const char *root, const struct netif *nic, struct networkd_link *link);

/* Whether networkd is there, and leaves the interface alone. */
bool networkd_link_is_free(const char *root, const struct netif *nic);

#endif /* KVPCTL_NETWORKD_LINK_H */
