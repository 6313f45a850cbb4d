// SPDX-License-Identifier: GPL-2.0
#include <ctype.h>
#include <dirent.h>
#include <errno.h>
#include <ifaddrs.h>
#include <limits.h>
#include <linux/ethtool.h>
#include <linux/sockios.h>
#include <netinet/in.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/ioctl.h>
#include <sys/socket.h>
#include <unistd.h>

#include "netif.h"
#include "readfile.h"

#define NET	"/sys/class/net"

/* The kernel has no more interfaces above each other. */
#define MASTERS_MAX	8

/* What goes into files and on command lines as it is. */
static bool is_safe_name(const char *name)
{
	static const char allowed[] =
		"abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789._-";
	size_t size = strlen(name);

	return size && size < IF_NAMESIZE && strspn(name, allowed) == size &&
	       isalnum((unsigned char)name[0]);
}

static bool attribute(const char *root, const char *name, const char *file, char *value,
		      size_t size)
{
	char path[PATH_MAX], *text;

	snprintf(path, sizeof(path), NET "/%s/%s", name, file);
	if (readfile(root, path, 65536, &text, NULL))
		return false;
	text[strcspn(text, "\n")] = '\0';
	snprintf(value, size, "%s", text);
	free(text);
	return true;
}

/* Last part of where a link of the interface points. */
static bool link_name(const char *root, const char *name, const char *file, char value[NAME_MAX])
{
	char path[PATH_MAX], target[PATH_MAX], *last;
	ssize_t size;

	snprintf(path, sizeof(path), "%s" NET "/%s/%s", root, name, file);
	size = readlink(path, target, sizeof(target) - 1);
	if (size <= 0)
		return false;
	target[size] = '\0';
	last = strrchr(target, '/');
	snprintf(value, NAME_MAX, "%.254s", last ? last + 1 : target);
	return true;
}

static bool has(const char *root, const char *name, const char *file)
{
	char path[PATH_MAX];

	snprintf(path, sizeof(path), "%s" NET "/%s/%s", root, name, file);
	return !access(path, F_OK);
}

static bool on_vmbus(const char *root, const char *name)
{
	char bus[NAME_MAX];

	return link_name(root, name, "device/subsystem", bus) && !strcmp(bus, "vmbus");
}

/* As sysfs writes those of Ethernet. */
static bool is_mac(const char *text)
{
	return strlen(text) == 17 && strspn(text, "0123456789abcdef:") == 17;
}

int netif_load(const char *root, const char *name, struct netif *nic)
{
	char text[32];

	memset(nic, 0, sizeof(*nic));
	if (!is_safe_name(name))
		return -EINVAL;
	strcpy(nic->name, name);
	if (!attribute(root, name, "ifindex", text, sizeof(text)))
		return -ENODEV;
	nic->index = strtoul(text, NULL, 10);
	if (!attribute(root, name, "address", text, sizeof(text)) || !is_mac(text))
		return -ENODEV;
	snprintf(nic->mac, sizeof(nic->mac), "%.17s", text);
	if (has(root, name, "bonding"))
		nic->kind = NETIF_BOND;
	else if (has(root, name, "bridge"))
		nic->kind = NETIF_BRIDGE;
	return 0;
}

bool netif_may_be_adapter(const char *root, const struct netif *nic)
{
	return nic->kind != NETIF_ETHERNET || has(root, nic->name, "device");
}

/**
 * struct wanted - what is looked for
 * @index: index, or 0
 * @mac: MAC as sysfs writes it, or empty
 * @guid: GUID as sysfs writes it, or empty
 */
struct wanted {
	unsigned int index;
	char mac[18];
	char guid[37];
};

/* VLANs, bridges, bonds and the like have a type; they share others' MACs. */
static bool read_type(const char *root, const char *name, char value[32])
{
	char path[PATH_MAX], *text;
	bool stacked;

	snprintf(path, sizeof(path), NET "/%s/uevent", name);
	if (readfile(root, path, 65536, &text, NULL))
		return false;
	stacked = readfile_value(text, NULL, "DEVTYPE", value, 32);
	free(text);
	return stacked;
}

/* How well an interface suits: 0 not at all. */
static int suits(const char *root, const char *name, const struct wanted *wanted)
{
	char text[NAME_MAX];

	if (wanted->index)
		return attribute(root, name, "ifindex", text, sizeof(text)) &&
		       strtoul(text, NULL, 10) == wanted->index;
	if (wanted->guid[0])
		return link_name(root, name, "device", text) && on_vmbus(root, name) &&
		       !strcasecmp(text, wanted->guid);
	if (!attribute(root, name, "address", text, sizeof(text)) || strcmp(text, wanted->mac))
		return 0;
	if (has(root, name, "device"))
		return on_vmbus(root, name) ? 3 : 2;
	return !read_type(root, name, text);
}

static int search(const char *root, const struct wanted *wanted, char name[IF_NAMESIZE])
{
	char path[PATH_MAX];
	struct dirent *entry;
	int best = 0;
	DIR *dir;

	snprintf(path, sizeof(path), "%s" NET, root);
	dir = opendir(path);
	if (!dir)
		return -errno;
	while ((entry = readdir(dir))) {
		bool dots = !strcmp(entry->d_name, ".") || !strcmp(entry->d_name, "..");
		int how = dots ? 0 : suits(root, entry->d_name, wanted);

		if (how <= best || strlen(entry->d_name) >= IF_NAMESIZE)
			continue;
		best = how;
		snprintf(name, IF_NAMESIZE, "%.15s", entry->d_name);
	}
	closedir(dir);
	return best ? 0 : -ENODEV;
}

/* sysfs shows a VRF as any Ethernet; its driver has the name. Of another root nothing is known. */
static bool is_vrf(const char *root, const char *name)
{
	struct ethtool_drvinfo info = { .cmd = ETHTOOL_GDRVINFO };
	struct ifreq request = { .ifr_data = (void *)&info };
	bool vrf;
	int fd;

	if (*root)
		return false;
	fd = socket(AF_INET, SOCK_DGRAM | SOCK_CLOEXEC, 0);
	if (fd < 0)
		return false;
	snprintf(request.ifr_name, sizeof(request.ifr_name), "%.15s", name);
	vrf = !ioctl(fd, SIOCETHTOOL, &request) && !strcmp(info.driver, "vrf");
	close(fd);
	return vrf;
}

/*
 * From a port to what has its addresses: through bonds, bridges and the NIC above
 * a virtual function, as far as they go. What is below a VRF keeps its addresses.
 * Of any other master nobody here knows how it is configured.
 */
static int climb(const char *root, struct netif *nic)
{
	char master[NAME_MAX];

	for (int i = 0; link_name(root, nic->name, "master", master); i++) {
		int error;

		if (is_vrf(root, master))
			return 0;
		if (i == MASTERS_MAX || (!has(root, master, "bonding") &&
					 !has(root, master, "bridge") && !on_vmbus(root, master)))
			return -EOPNOTSUPP;
		error = netif_load(root, master, nic);
		if (error)
			return error;
	}
	return 0;
}

/* Whether it has an address that is good beyond its link. */
static bool is_addressed(const struct ifaddrs *all, const char *name)
{
	for (const struct ifaddrs *a = all; a; a = a->ifa_next) {
		if (!a->ifa_addr || strcmp(a->ifa_name, name))
			continue;
		if (a->ifa_addr->sa_family == AF_INET) {
			const struct sockaddr_in *v4 = (const void *)a->ifa_addr;

			if (ntohl(v4->sin_addr.s_addr) >> 16 != 0xa9fe)
				return true;
		} else if (a->ifa_addr->sa_family == AF_INET6) {
			const struct sockaddr_in6 *v6 = (const void *)a->ifa_addr;

			if (!IN6_IS_ADDR_LINKLOCAL(&v6->sin6_addr))
				return true;
		}
	}
	return false;
}

bool netif_is_addressed(const char *root, const struct netif *nic)
{
	struct ifaddrs *all;
	bool addressed;

	if (*root || getifaddrs(&all))
		return true;
	addressed = is_addressed(all, nic->name);
	freeifaddrs(all);
	return addressed;
}

/* Whether the kernel may show @name's addresses for @nic: its MAC, or a VLAN on it. */
static bool may_speak(const struct netif *nic, const char *name)
{
	char mac[32], type[32], lower[sizeof("lower_") + IF_NAMESIZE];

	if (!strcmp(name, nic->name) || on_vmbus("", name))
		return false;
	if (attribute("", name, "address", mac, sizeof(mac)) && !strcmp(mac, nic->mac))
		return true;
	snprintf(lower, sizeof(lower), "lower_%s", nic->name);
	return read_type("", name, type) && !strcmp(type, "vlan") && has("", name, lower);
}

/*
 * Whether the host sees another interface's addresses for @nic, which has none: a
 * VLAN's on a trunk port, those of an Open vSwitch. What the host would set comes
 * from there, and must not be on @nic too.
 */
static bool is_elsewhere(const char *root, const struct netif *nic)
{
	struct ifaddrs *all;
	bool found = false;

	if (*root || getifaddrs(&all))
		return false;
	if (!is_addressed(all, nic->name))
		for (const struct ifaddrs *a = all; a && !found; a = a->ifa_next)
			found = may_speak(nic, a->ifa_name) && is_addressed(all, a->ifa_name);
	freeifaddrs(all);
	return found;
}

static void write_guid(const uint8_t *bytes, char guid[37])
{
	for (int i = 0; i < 16; i++)
		guid += sprintf(guid, "%s%02x", i == 4 || i == 6 || i == 8 || i == 10 ? "-" : "",
				bytes[i]);
}

static bool write_adapter(const struct hv_kvp_ip_config *config, struct wanted *wanted)
{
	const uint8_t *mac = config->mac;

	switch (config->adapter) {
	case HV_KVP_ADAPTER_GUID:
		write_guid(config->guid, wanted->guid);
		return true;
	case HV_KVP_ADAPTER_MAC:
		sprintf(wanted->mac, "%02x:%02x:%02x:%02x:%02x:%02x", mac[0], mac[1], mac[2],
			mac[3], mac[4], mac[5]);
		return true;
	default:
		return false;
	}
}

int netif_find(const char *root, unsigned int index, const struct hv_kvp_ip_config *config,
	       struct netif *nic)
{
	struct wanted wanted = { .index = index };
	char name[IF_NAMESIZE];
	int error;

	if (!write_adapter(config, &wanted))
		return -EILSEQ;
	error = search(root, &wanted, name);
	if (error)
		return error;
	error = netif_load(root, name, nic);
	if (!error)
		error = climb(root, nic);
	return !error && is_elsewhere(root, nic) ? -EOPNOTSUPP : error;
}
