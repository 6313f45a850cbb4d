/* SPDX-License-Identifier: GPL-2.0 */
/* .network files and their drop-ins: systemd.network(5). */
#ifndef KVPCTL_NETWORKD_FILE_H
#define KVPCTL_NETWORKD_FILE_H

#include <stdbool.h>
#include <stdio.h>

#include "ipconfig.h"

/**
 * struct networkd_kept - what a configuration has besides what a request is about
 * @dhcp4: DHCP for IPv4 is on
 * @dhcp6: DHCP for IPv6 is on
 * @text: sections without [Match], addresses, default routes and servers of the
 *	families that the request is about, and without DHCP=; the caller frees it
 */
struct networkd_kept {
	bool dhcp4;
	bool dhcp6;
	char *text;
};

/**
 * networkd_keep() - reads the configuration in use
 * @root: directory that stands for /, "" for the system's
 * @path: the .network file; its drop-ins of all directories are read as well
 * @ip: the request
 * @kept: gets the result
 *
 * A route that is kept and whose gateway is in none of the request's networks is
 * made GatewayOnLink: the kernel refuses it else, and networkd gives up the link.
 *
 * Return: 0, or a negative error.
 */
int networkd_keep(const char *root, const char *path, const struct ipconfig *ip,
		  struct networkd_kept *kept);

#endif /* KVPCTL_NETWORKD_FILE_H */
