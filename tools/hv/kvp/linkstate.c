// SPDX-License-Identifier: GPL-2.0
#include <dirent.h>
#include <errno.h>
#include <limits.h>
#include <signal.h>
#include <stdlib.h>
#include <string.h>

#include "backend.h"
#include "deadline.h"
#include "interfaces.h"
#include "kvpctl.h"
#include "linkstate.h"
#include "networkd_link.h"
#include "nmcli.h"
#include "program.h"
#include "readfile.h"

#define NETWORKD	"/run/systemd/netif/"
#define RESOLVED	"/run/systemd/resolve/"
#define NM		"/run/NetworkManager/"
#define FILE_MAX	65536

/* resolvectl answers at once, or systemd-resolved is not there. ms */
#define ASK_TIME	2000

const char *const linkstate_directories[] = {
	NETWORKD "links", NETWORKD "leases", RESOLVED, RESOLVED "netif", NM, NM "devices",
	"/etc", "/run/network", "/run", NULL,
};

static void add_server(struct linkstate *state, const char *text, bool loopback)
{
	uint8_t bytes[16];
	static const uint8_t self[16] = { [15] = 1 };

	if (inet_pton(AF_INET, text, bytes) == 1) {
		if ((bytes[0] == 127 && !loopback) || state->v4_count == HV_KVP_IP_DNS)
			return;
		memcpy(state->v4[state->v4_count++], bytes, 4);
	} else if (inet_pton(AF_INET6, text, bytes) == 1) {
		if ((!memcmp(bytes, self, 16) && !loopback) || state->v6_count == HV_KVP_IP_DNS)
			return;
		memcpy(state->v6[state->v6_count++], bytes, 16);
	}
}

/* "address", "address#name", "address:port", "[address]:port%interface" and so on. */
static void add_extended(struct linkstate *state, char *word)
{
	char *colon;

	word[strcspn(word, "#%")] = '\0';
	if (*word == '[') {
		word++;
		word[strcspn(word, "]")] = '\0';
	} else {
		colon = strchr(word, ':');
		if (colon && !strchr(colon + 1, ':'))
			*colon = '\0';
	}
	add_server(state, word, true);
}

static void add_words(struct linkstate *state, char *words)
{
	char *save, *word;

	for (word = strtok_r(words, " \t", &save); word; word = strtok_r(NULL, " \t", &save))
		add_extended(state, word);
}

static bool has_any(const struct linkstate *state)
{
	return state->v4_count || state->v6_count;
}

/* "Link 2 (eth0): 192.0.2.53 2001:db8::53", with whatever resolvectl(1) writes them. */
static bool ask_resolved(const struct netif *nic, struct linkstate *state)
{
	const char *const argv[] = { "resolvectl", "dns", nic->name, NULL };
	char *text, *words;

	if (program_output((char *const *)argv, deadline_now() + ASK_TIME, &text))
		return false;
	words = strstr(text, "): ");
	if (words) {
		words[strcspn(words, "\n")] = '\0';
		add_words(state, words + 3);
	}
	free(text);
	return true;
}

/* Where the file has no servers there are none to ask for. */
static bool add_from_resolved(struct job *job, struct linkstate *state)
{
	char value[4096];

	if (!backend_state(job, RESOLVED "netif/", NULL, "SERVERS", value, sizeof(value)))
		return false;
	if (*job->root || !ask_resolved(job->nic, state))
		add_words(state, value);
	return has_any(state);
}

static void add_resolv_conf(const char *root, const char *path, struct linkstate *state)
{
	char *text, *line, *save, server[128];

	if (readfile(root, path, FILE_MAX, &text, NULL))
		return;
	for (line = strtok_r(text, "\n", &save); line; line = strtok_r(NULL, "\n", &save))
		if (sscanf(line, " nameserver %127s", server) == 1) {
			/* the zone of a link-local one */
			server[strcspn(server, "%")] = '\0';
			add_server(state, server, false);
		}
	free(text);
}

/* NetworkManager keeps them to itself where another program writes resolv.conf. */
static bool add_from_nm(struct job *job, struct linkstate *state)
{
	char *text, *word, *save;

	text = *job->root || !nm_backend.runs(job) ? NULL :
	       nmcli_get("IP4.DNS,IP6.DNS", "device", "show", job->nic->name, NULL);
	for (word = text ? strtok_r(text, "|\n ", &save) : NULL; word;
	     word = strtok_r(NULL, "|\n ", &save))
		add_extended(state, word);
	free(text);
	return has_any(state);
}

/* Those of the whole system: the first file that has any but a stub on loopback. */
static void add_global(const char *root, struct linkstate *state)
{
	static const char *const files[] = {
		"/etc/resolv.conf", RESOLVED "resolv.conf", NM "resolv.conf",
		"/run/resolvconf/resolv.conf", "/run/netconfig/resolv.conf",
		"/run/connman/resolv.conf", "/var/run/dnsmasq/resolv.conf",
	};

	for (size_t i = 0; i < ARRAY_SIZE(files) && !has_any(state); i++)
		add_resolv_conf(root, files[i], state);
}

static void read_servers(struct job *job, struct networkd_link *link, struct linkstate *state)
{
	if (link)
		add_words(state, link->dns);
	if (!has_any(state) && !add_from_resolved(job, state) && !add_from_nm(job, state))
		add_global(job->root, state);
}

/* The method of IPv4 in the profile with this UUID, if it is in the directory. */
static bool method_of(const struct job *job, const char *directory, const char *uuid,
		      char *method, size_t size)
{
	char path[PATH_MAX], value[64], *text;
	struct dirent *entry;
	bool found = false;
	DIR *dir;

	snprintf(path, sizeof(path), "%s%s", job->root, directory);
	dir = opendir(path);
	if (!dir)
		return false;
	while (!found && (entry = readdir(dir))) {
		snprintf(path, sizeof(path), "%s/%s", directory, entry->d_name);
		if (readfile(job->root, path, FILE_MAX, &text, NULL))
			continue;
		found = readfile_value(text, "connection", "uuid", value, sizeof(value)) &&
			!strcmp(value, uuid) &&
			readfile_value(text, "ipv4", "method", method, size);
		free(text);
	}
	closedir(dir);
	return found;
}

/* Of the profile in use, as NetworkManager has it. */
static bool ask_method(const struct job *job, char *method, size_t size)
{
	char *uuid = nmcli_get("GENERAL.CON-UUID", "device", "show", job->nic->name, NULL);
	char *at = uuid, *text = NULL;
	bool found;

	if (uuid && *nmcli_line(&at))
		text = nmcli_get("ipv4.method", "connection", "show", "uuid", uuid);
	free(uuid);
	at = text;
	found = text;
	if (found)
		snprintf(method, size, "%s", nmcli_line(&at));
	free(text);
	return found;
}

static bool read_method(struct job *job, char *method, size_t size)
{
	char uuid[64];

	return backend_state(job, NM "devices/", "device", "connection-uuid", uuid,
			     sizeof(uuid)) &&
	       (method_of(job, "/etc/NetworkManager/system-connections", uuid, method, size) ||
		method_of(job, NM "system-connections", uuid, method, size));
}

static unsigned int dhcp_of_nm(struct job *job)
{
	char method[32];

	if ((*job->root || !ask_method(job, method, sizeof(method))) &&
	    !read_method(job, method, sizeof(method)))
		return HV_KVP_IP_DHCP_UNKNOWN;
	return strcmp(method, "auto") ? HV_KVP_IP_DHCP_OFF : HV_KVP_IP_DHCP_ON;
}

static unsigned int dhcp_of_ifupdown(const struct job *job)
{
	struct stanza v4 = { .family = "inet" };
	struct interfaces all;

	if (!interfaces_read(job->root, &all)) {
		interfaces_find(&all, job->detail, &v4);
		free(v4.kept);
	}
	interfaces_free(&all);
	if (!v4.found)
		return HV_KVP_IP_DHCP_UNKNOWN;
	return v4.dhcp ? HV_KVP_IP_DHCP_ON : HV_KVP_IP_DHCP_OFF;
}

/* A client that somebody started by hand. */
static bool has_client(const struct job *job)
{
	static const char *const files[] = {
		"/run/dhclient.%s.pid", "/run/dhclient-%s.pid", "/run/dhcpcd/%s.pid",
		"/run/udhcpc.%s.pid",
	};

	for (size_t i = 0; i < ARRAY_SIZE(files); i++) {
		char path[PATH_MAX], *text;
		long pid;

		snprintf(path, sizeof(path), files[i], job->nic->name);
		if (readfile(job->root, path, FILE_MAX, &text, NULL))
			continue;
		pid = strtol(text, NULL, 10);
		free(text);
		if (pid > 1 && (!kill(pid, 0) || errno == EPERM))
			return true;
	}
	return false;
}

static unsigned int read_dhcp(struct job *job, const struct networkd_link *link)
{
	if (link)
		return link->dhcp4 ? HV_KVP_IP_DHCP_ON : HV_KVP_IP_DHCP_OFF;
	if (nm_backend.runs(job))
		return dhcp_of_nm(job);
	if (ifupdown_backend.runs(job))
		return dhcp_of_ifupdown(job);
	return has_client(job) ? HV_KVP_IP_DHCP_ON : HV_KVP_IP_DHCP_UNKNOWN;
}

void linkstate_read(const char *root, const struct netif *nic, struct linkstate *state)
{
	static struct networkd_link networkd;
	struct job job = { .root = root, .nic = nic };
	struct networkd_link *link = networkd_link_read(root, nic, &networkd) ? &networkd : NULL;

	memset(state, 0, sizeof(*state));
	state->index = nic->index;
	read_servers(&job, link, state);
	state->dhcp = read_dhcp(&job, link);
}
