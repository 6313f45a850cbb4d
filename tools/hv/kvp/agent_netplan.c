// SPDX-License-Identifier: GPL-2.0
/*
 * netplan: a YAML file of our own. netplan merges what all files say of an
 * interface and joins lists, so 'netplan set' first takes the addresses out of
 * the others. What else they say, a match or an MTU, stays. See netplan(5).
 */
#include <dirent.h>
#include <errno.h>
#include <limits.h>
#include <stdlib.h>
#include <string.h>

#include "backend.h"
#include "program.h"
#include "readfile.h"

#define LINKS		"/run/systemd/netif/links/"
#define NETWORKD_FILE	"/run/systemd/network/10-netplan-"
#define NM_DIRECTORY	"/run/NetworkManager/system-connections"
#define NM_PREFIX	"netplan-"
#define YAML		"/etc/netplan"

/* Names of definitions that go into files and arguments as they are. */
static bool keep_id(struct job *job, const char *id, size_t size)
{
	static const char allowed[] =
		"abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789._-";

	if (!size || size >= sizeof(job->detail) || strspn(id, allowed) < size)
		return false;
	memcpy(job->detail, id, size);
	job->detail[size] = '\0';
	return true;
}

/*
 * Whether what netplan generated matches this interface alone. A definition for
 * "en*" must not get one interface's addresses: networkd's back end helps then.
 */
static bool is_exact(const struct job *job, const char *path)
{
	char value[128], *text;
	bool exact = false;

	if (readfile(job->root, path, 65536, &text, NULL))
		return false;
	if (readfile_value(text, "Match", "Name", value, sizeof(value)))
		exact = !strcmp(value, job->nic->name);
	if (readfile_value(text, "Match", "PermanentMACAddress", value, sizeof(value)) ||
	    readfile_value(text, "Match", "MACAddress", value, sizeof(value)))
		exact |= !strcasecmp(value, job->nic->mac);
	free(text);
	return exact;
}

static bool by_networkd(struct job *job)
{
	static const char prefix[] = NETWORKD_FILE, suffix[] = ".network";
	char path[PATH_MAX];
	size_t size;

	if (!backend_state(job, LINKS, NULL, "NETWORK_FILE", path, sizeof(path)) ||
	    strncmp(path, prefix, strlen(prefix)))
		return false;
	size = strlen(path);
	if (size < strlen(prefix) + sizeof(suffix) || strcmp(path + size - strlen(suffix), suffix))
		return false;
	return is_exact(job, path) && keep_id(job, path + strlen(prefix),
					      size - strlen(prefix) - strlen(suffix));
}

/* Whether the profile that netplan made is this interface's. */
static bool is_profile(struct job *job, const char *name)
{
	static const char suffix[] = ".nmconnection";
	char path[PATH_MAX], value[64], *text;
	size_t size = strlen(name);
	bool ours;

	if (strncmp(name, NM_PREFIX, strlen(NM_PREFIX)) ||
	    size < strlen(NM_PREFIX) + sizeof(suffix) ||
	    strcmp(name + size - strlen(suffix), suffix))
		return false;
	snprintf(path, sizeof(path), NM_DIRECTORY "/%s", name);
	if (readfile(job->root, path, 65536, &text, NULL))
		return false;
	ours = (readfile_value(text, "connection", "interface-name", value, sizeof(value)) &&
		!strcmp(value, job->nic->name)) ||
	       (readfile_value(text, "ethernet", "mac-address", value, sizeof(value)) &&
		!strcasecmp(value, job->nic->mac));
	free(text);
	return ours && keep_id(job, name + strlen(NM_PREFIX),
			       size - strlen(NM_PREFIX) - strlen(suffix));
}

static bool by_networkmanager(struct job *job)
{
	char path[PATH_MAX];
	struct dirent *entry;
	bool found = false;
	DIR *dir;

	snprintf(path, sizeof(path), "%s" NM_DIRECTORY, job->root);
	dir = opendir(path);
	if (!dir)
		return false;
	while (!found && (entry = readdir(dir)))
		found = is_profile(job, entry->d_name);
	closedir(dir);
	return found;
}

static bool runs(struct job *job)
{
	return by_networkd(job) || by_networkmanager(job);
}

static void put_list(FILE *out, const char *indent, const char *name, unsigned int count)
{
	if (count)
		fprintf(out, "%s%s:\n", indent, name);
}

static void put_routes(FILE *out, const struct ipconfig *ip)
{
	char text[IPADDR_TEXT];
	int family = AF_UNSPEC;
	unsigned int more = 0;

	put_list(out, "      ", "routes", ip->gateway_count);
	for (unsigned int i = 0; i < ip->gateway_count; i++) {
		const struct ipaddr *gateway = &ip->gateway[i];

		/* "default" is not known to older versions */
		fprintf(out, "      - to: \"%s\"\n        via: \"%s\"\n",
			gateway->family == AF_INET ? "0.0.0.0/0" : "::/0",
			ipaddr_text(gateway, text));
		if (!ipconfig_reaches(ip, gateway))
			fputs("        on-link: true\n", out);
		more = gateway->family == family ? more + 1 : 0;
		family = gateway->family;
		if (more)
			fprintf(out, "        metric: %u\n", BACKEND_METRIC + more);
	}
}

static void put_yaml(FILE *out, const struct job *job, const char *kind)
{
	const struct ipconfig *ip = job->ip;
	char text[IPADDR_TEXT];

	fprintf(out, BACKEND_MARK
		"network:\n  version: 2\n  %s:\n    \"%s\":\n      dhcp4: %s\n      dhcp6: false\n"
		"      accept-ra: %s\n", kind, job->detail, ip->dhcp ? "true" : "false",
		ipconfig_has(ip, AF_INET6) ? "false" : "true");
	put_list(out, "      ", "addresses", ip->address_count);
	for (unsigned int i = 0; i < ip->address_count; i++)
		fprintf(out, "      - \"%s\"\n", ipaddr_network(&ip->address[i], text));
	put_routes(out, ip);
	if (ip->dns_count)
		fputs("      nameservers:\n        addresses:\n", out);
	for (unsigned int i = 0; i < ip->dns_count; i++)
		fprintf(out, "        - \"%s\"\n", ipaddr_text(&ip->dns[i], text));
}

/* 'netplan set' rewrites whichever files have the keys. */
static int keep_all(const struct job *job, struct plan *plan, const char *but)
{
	char path[PATH_MAX];
	struct dirent *entry;
	int error = 0;
	DIR *dir;

	snprintf(path, sizeof(path), "%s" YAML, job->root);
	dir = opendir(path);
	if (!dir)
		return -errno;
	while (!error && (entry = readdir(dir))) {
		size_t size = strlen(entry->d_name);

		if (size < 6 || strcmp(entry->d_name + size - 5, ".yaml") ||
		    !strcmp(entry->d_name, but))
			continue;
		snprintf(path, sizeof(path), YAML "/%s", entry->d_name);
		if (!plan_keep(plan, path))
			error = -E2BIG;
	}
	closedir(dir);
	return error;
}

/* A definition as 'netplan set' names it: dots in its name are escaped. */
static void put_key(char *key, size_t size, const char *kind, const char *id)
{
	size_t used = snprintf(key, size, "%s.", kind);

	for (; *id && used + 3 < size; id++) {
		if (*id == '.')
			key[used++] = '\\';
		key[used++] = *id;
	}
	/* dhcp4: an empty definition would be dropped, and VLANs above it refused */
	snprintf(key + used, size - used, "={%s, %s, %s}",
		 "addresses: null, gateway4: null, gateway6: null", "routes: null, dhcp4: false",
		 "nameservers: {addresses: null}");
}

static void add_commands(const struct job *job, struct plan *plan, const char *kind)
{
	char key[512];

	put_key(key, sizeof(key), kind, job->detail);
	if (*job->root) {
		plan_command(&plan->before, PLAN_ROOTED, "netplan", "set", "--root-dir", job->root,
			     key, NULL);
		plan_command(&plan->after, PLAN_ROOTED, "netplan", "generate", "--root-dir",
			     job->root, NULL);
	} else {
		plan_command(&plan->before, 0, "netplan", "set", key, NULL);
		plan_command(&plan->after, 0, "netplan", "apply", NULL);
		plan_command(&plan->undo, 0, "netplan", "apply", NULL);
	}
}

static int plan_netplan(const struct job *job, struct plan *plan)
{
	static const char *const kinds[] = {
		[NETIF_ETHERNET] = "ethernets", [NETIF_BOND] = "bonds", [NETIF_BRIDGE] = "bridges",
	};
	const char *kind = kinds[job->nic->kind];
	char name[NAME_MAX];
	size_t size;
	char *text;
	FILE *out;
	int error;

	if (!job->detail[0])
		return -ENOENT;
	out = open_memstream(&text, &size);
	if (!out)
		return -ENOMEM;
	put_yaml(out, job, kind);
	if (fclose(out))
		return -ENOMEM;
	snprintf(name, sizeof(name), "90-hv_kvp-%s.yaml", job->nic->name);
	if (!plan_file(plan, 0600, text, size, YAML "/%s", name))
		return -ENOMEM;
	/* else 'netplan set' may put what others said of the interface into it */
	plan->file[plan->file_count - 1].anew = true;
	error = keep_all(job, plan, name);
	if (error)
		return error;
	add_commands(job, plan, kind);
	plan->verify = true;
	return 0;
}

const struct backend netplan_backend = {
	.name = "netplan",
	.runs = runs,
	.plan = plan_netplan,
};
