// SPDX-License-Identifier: GPL-2.0
#include <arpa/inet.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "deadline.h"
#include "jsonread.h"
#include "kvpctl.h"
#include "networkd_link.h"
#include "program.h"
#include "readfile.h"

#define DIRECTORY	"/run/systemd/netif"
#define LINKS		DIRECTORY "/links/"
#define LEASES		DIRECTORY "/leases/"
#define FILE_MAX	65536

/* networkctl answers at once, or networkd is not there. ms */
#define ASK_TIME	2000

static bool has_lease(const char *root, const struct netif *nic)
{
	char path[PATH_MAX];

	snprintf(path, sizeof(path), "%s" LEASES "%u", root, nic->index);
	return !access(path, F_OK);
}

/* False if there is no such file. */
static bool read_files(const char *root, const struct netif *nic, struct networkd_link *link)
{
	char path[PATH_MAX], *text;

	memset(link, 0, sizeof(*link));
	snprintf(path, sizeof(path), LINKS "%u", nic->index);
	if (readfile(root, path, FILE_MAX, &text, NULL))
		return false;
	readfile_value(text, NULL, "ADMIN_STATE", link->state, sizeof(link->state));
	readfile_value(text, NULL, "NETWORK_FILE", link->file, sizeof(link->file));
	readfile_value(text, NULL, "DNS", link->dns, sizeof(link->dns));
	link->dhcp4 = has_lease(root, nic);
	free(text);
	return *link->state;
}

static bool is_managed(const struct networkd_link *link)
{
	return strcmp(link->state, "unmanaged");
}

/* An address as an array of its bytes. */
static bool read_bytes(const char *array, unsigned char *bytes, size_t size)
{
	const char *value = jsonread_first(array);
	unsigned long byte;

	for (size_t i = 0; i < size; i++) {
		if (!value || !jsonread_number(value, &byte) || byte > 255)
			return false;
		bytes[i] = byte;
		value = jsonread_next(value);
	}
	return true;
}

static bool read_address(const char *object, char text[INET6_ADDRSTRLEN])
{
	const char *family = jsonread_member(object, "Family");
	const char *address = jsonread_member(object, "Address");
	unsigned char bytes[16];
	unsigned long number;

	if (!family || !address || !jsonread_number(family, &number) ||
	    (number != AF_INET && number != AF_INET6) ||
	    !read_bytes(address, bytes, number == AF_INET ? 4 : 16))
		return false;
	return inet_ntop(number, bytes, text, INET6_ADDRSTRLEN);
}

static void read_servers(const char *object, struct networkd_link *link)
{
	const char *array = jsonread_member(object, "DNS");
	const char *server = array ? jsonread_first(array) : NULL;
	size_t used = 0;

	for (; server; server = jsonread_next(server)) {
		char text[INET6_ADDRSTRLEN];

		if (!read_address(server, text) || used + sizeof(text) + 1 > sizeof(link->dns))
			continue;
		used += sprintf(link->dns + used, "%s%s", used ? " " : "", text);
	}
}

static bool has_dhcp_address(const char *object)
{
	const char *array = jsonread_member(object, "Addresses");
	const char *address = array ? jsonread_first(array) : NULL;

	for (; address; address = jsonread_next(address)) {
		const char *source = jsonread_member(address, "ConfigSource");
		char text[16];

		if (source && jsonread_string(source, text, sizeof(text)) &&
		    !strcmp(text, "DHCPv4"))
			return true;
	}
	return false;
}

static bool read_json(const char *text, struct networkd_link *link)
{
	const char *state = jsonread_member(text, "AdministrativeState");
	const char *file = jsonread_member(text, "NetworkFile");

	memset(link, 0, sizeof(*link));
	if (!state || !jsonread_string(state, link->state, sizeof(link->state)))
		return false;
	if (file)
		jsonread_string(file, link->file, sizeof(link->file));
	read_servers(text, link);
	link->dhcp4 = has_dhcp_address(text);
	return true;
}

static bool ask(const struct netif *nic, struct networkd_link *link)
{
	const char *const argv[] = {
		"networkctl", "--json=short", "status", nic->name, NULL,
	};
	bool good;
	char *text;

	if (program_output((char *const *)argv, deadline_now() + ASK_TIME, &text))
		return false;
	good = read_json(text, link);
	free(text);
	return good;
}

/*
 * A host of containers has thousands of interfaces that are not networkd's: where its
 * file says so it is not asked.
 */
bool networkd_link_read(const char *root, const struct netif *nic, struct networkd_link *link)
{
	bool known = read_files(root, nic, link);

	if (known && !is_managed(link))
		return false;
	if (*root || access(DIRECTORY, F_OK))
		return known;
	if (ask(nic, link))
		return is_managed(link);
	return read_files(root, nic, link) && is_managed(link);
}

bool networkd_link_is_free(const char *root, const struct netif *nic)
{
	struct networkd_link link;

	return !*root && !access(DIRECTORY, F_OK) && ask(nic, &link) && !is_managed(&link);
}
