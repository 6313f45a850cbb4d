// SPDX-License-Identifier: GPL-2.0
/*
 * NetworkManager, by nmcli: the profile that the interface uses is changed where it
 * is this interface's alone, and cloned where others may use it too, so that all
 * that the request is not about stays. See nm-settings-nmcli(5).
 */
#include <errno.h>
#include <limits.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "backend.h"
#include "kvpctl.h"
#include "nmcli.h"

#define RUNTIME		"/run/NetworkManager"
#define DEVICES		RUNTIME "/devices/"
#define PROFILES	"/etc/NetworkManager/system-connections/"

#define UUID_SIZE	37

#define MAC_PROPERTY	"802-3-ethernet.mac-address"

/* Whether it is worth to ask: of the interfaces of containers there are thousands. */
static bool is_askable(const struct job *job)
{
	return !*job->root && !access(RUNTIME, F_OK) &&
	       (job->ip || netif_may_be_adapter(job->root, job->nic));
}

/*
 * The file has what NetworkManager has said last; of a device without a carrier there
 * may be none. So it is asked itself where it can be.
 */
static bool runs(struct job *job)
{
	char managed[16] = "", *text, *at;
	bool known = backend_state(job, DEVICES, "device", "managed", managed, sizeof(managed));
	bool yes = !strcmp(managed, "true") || !strcmp(managed, "1") || !strcmp(managed, "full");

	if ((known && !yes) || !is_askable(job))
		return yes;
	text = nmcli_get("GENERAL.NM-MANAGED", "device", "show", job->nic->name, NULL);
	at = text;
	if (text)
		yes = !strcmp(nmcli_line(&at), "yes");
	free(text);
	return yes;
}

/**
 * struct profile - the profile that an interface uses, or would
 * @uuid: empty if there is none
 * @path: its file, or empty
 * @is_own: only this interface can use it
 * @is_active: the interface uses it now
 * @mac: the MAC address that it wants, or empty
 * @routes4: its static IPv4 routes, as nmcli prints them
 * @routes6: its static IPv6 routes
 */
struct profile {
	char uuid[UUID_SIZE];
	char path[PATH_MAX];
	bool is_own;
	bool is_active;
	char mac[18];
	char *routes4;
	char *routes6;
};

static bool is_uuid(const char *text)
{
	return strlen(text) == UUID_SIZE - 1 &&
	       strspn(text, "0123456789abcdefABCDEF-") == UUID_SIZE - 1;
}

static void copy_uuid(struct profile *profile, const char *text)
{
	if (is_uuid(text))
		snprintf(profile->uuid, sizeof(profile->uuid), "%s", text);
}

static void find_active(const char *ifname, struct profile *profile)
{
	char *text = nmcli_get("GENERAL.CON-UUID", "device", "show", ifname, NULL), *at = text;

	if (!text)
		return;
	copy_uuid(profile, nmcli_line(&at));
	profile->is_active = profile->uuid[0];
	free(text);
}

static bool is_bound(const char *uuid, const struct netif *nic)
{
	char *name = nmcli_get("connection.interface-name", "connection", "show", "uuid", uuid);
	char *at = name;
	bool bound = name && !strcmp(nmcli_line(&at), nic->name);

	free(name);
	return bound;
}

/* Without a cable none is active: the first that is bound to the interface. */
static void find_bound(const struct netif *nic, struct profile *profile)
{
	char *all = nmcli_get("UUID", "connection", "show", NULL, NULL), *at = all;

	while (at && *at && !profile->uuid[0]) {
		const char *uuid = nmcli_line(&at);

		if (is_uuid(uuid) && is_bound(uuid, nic))
			copy_uuid(profile, uuid);
	}
	free(all);
}

static void find_path(struct profile *profile)
{
	char *text = nmcli_get("UUID,FILENAME", "connection", "show", NULL, NULL), *at = text;

	while (at && *at) {
		const char *line = nmcli_line(&at);

		if (!strncmp(line, profile->uuid, UUID_SIZE - 1) && line[UUID_SIZE - 1] == ':')
			snprintf(profile->path, sizeof(profile->path), "%s", line + UUID_SIZE);
	}
	free(text);
}

/* Apart from the others: profiles of other kinds have no such setting. */
static void read_mac(struct profile *profile)
{
	char *text = nmcli_get(MAC_PROPERTY, "connection", "show", "uuid", profile->uuid);
	char *at = text;

	if (text)
		snprintf(profile->mac, sizeof(profile->mac), "%.17s", nmcli_line(&at));
	free(text);
}

static int read_profile(const struct netif *nic, struct profile *profile)
{
	char *text = nmcli_get("connection.id,connection.interface-name,ipv4.routes,ipv6.routes",
			 "connection", "show", "uuid", profile->uuid), *at = text;
	char clone[IF_NAMESIZE + 16];
	bool is_clone;

	if (!text)
		return -EIO;
	snprintf(clone, sizeof(clone), "hv_kvp-%s", nic->name);
	is_clone = !strcmp(nmcli_line(&at), clone);
	profile->is_own = !strcmp(nmcli_line(&at), nic->name);
	profile->routes4 = strdup(nmcli_line(&at));
	profile->routes6 = strdup(nmcli_line(&at));
	free(text);
	read_mac(profile);
	find_path(profile);
	/* a file of NetworkManager's own runtime is gone at the next boot */
	if (strncmp(profile->path, PROFILES, strlen(PROFILES)) && !is_clone)
		profile->is_own = false;
	if (profile->path[0] != '/')
		profile->is_own = false;
	return profile->routes4 && profile->routes6 ? 0 : -ENOMEM;
}

static int find_profile(const struct netif *nic, struct profile *profile)
{
	memset(profile, 0, sizeof(*profile));
	find_active(nic->name, profile);
	if (!profile->uuid[0])
		find_bound(nic, profile);
	return profile->uuid[0] ? read_profile(nic, profile) : 0;
}

/* A default route of the main table. */
static bool is_default(const char *route, const char *any)
{
	const char *table = strstr(route, " table=");

	if (strncmp(route, any, strlen(any)) || route[strlen(any)] != ' ')
		return false;
	return !table || strtoul(table + strlen(" table="), NULL, 10) == BACKEND_MAIN_TABLE;
}

/* Routes that are kept, and those for the gateways after the first. */
static void put_routes(FILE *out, const struct ipconfig *ip, int family, char *routes)
{
	const char *any = family == AF_INET ? "0.0.0.0/0" : "::/0";
	unsigned int count = 0, number = 0;
	char text[IPADDR_TEXT], *save, *route;

	for (route = routes ? strtok_r(routes, ",", &save) : NULL; route;
	     route = strtok_r(NULL, ",", &save)) {
		route += strspn(route, " ");
		if (!is_default(route, any))
			fprintf(out, "%s%s", count++ ? "," : "", route);
	}
	for (unsigned int i = 0; i < ip->gateway_count; i++)
		if (ip->gateway[i].family == family && number++)
			fprintf(out, "%s%s %s %u", count++ ? "," : "", any,
				ipaddr_text(&ip->gateway[i], text), BACKEND_METRIC + number - 1);
}

static void put_addresses(FILE *out, const struct ipconfig *ip, int family)
{
	char text[IPADDR_TEXT];
	unsigned int count = 0;

	for (unsigned int i = 0; i < ip->address_count; i++)
		if (ip->address[i].family == family)
			fprintf(out, "%s%s", count++ ? "," : "",
				ipaddr_network(&ip->address[i], text));
}

static const char *method(const struct ipconfig *ip, int family)
{
	if (ipconfig_has(ip, family))
		return "manual";
	return family == AF_INET6 || ip->dhcp ? "auto" : "disabled";
}

/* One property and its value: two arguments. */
static void put_property(struct plan_command *command, const char *family, const char *name,
			 const char *value)
{
	char property[64];

	snprintf(property, sizeof(property), "%s.%s", family, name);
	plan_argument(command, property);
	plan_argument(command, value);
}

/* What @put writes as the value of a property; false without memory. */
static bool put_list(struct plan_command *command, const char *name, const struct ipconfig *ip,
		     int family, void (*put)(FILE *out, const struct ipconfig *ip, int family))
{
	size_t size;
	char *text;
	FILE *out = open_memstream(&text, &size);

	if (!out)
		return false;
	put(out, ip, family);
	if (fclose(out))
		return false;
	put_property(command, family == AF_INET ? "ipv4" : "ipv6", name, text);
	free(text);
	return true;
}

static void put_servers(FILE *out, const struct ipconfig *ip, int family)
{
	/* NetworkManager refuses servers where there is no such protocol */
	if (strcmp(method(ip, family), "disabled"))
		ipaddr_join(out, ip->dns, ip->dns_count, family, ",");
}

static bool put_family(struct plan_command *command, const struct ipconfig *ip, int family,
		       char *routes)
{
	const char *name = family == AF_INET ? "ipv4" : "ipv6";
	/* NetworkManager refuses a gateway without an address */
	const struct ipaddr *gateway = !ipconfig_has(ip, family) ? NULL :
		ipaddr_first(ip->gateway, ip->gateway_count, family);
	char text[IPADDR_TEXT] = "", *kept;
	size_t size;
	FILE *out;

	if (!ipconfig_is_about(ip, family))
		return true;
	out = open_memstream(&kept, &size);
	if (!out)
		return false;
	put_routes(out, ip, family, routes);
	if (fclose(out))
		return false;
	put_property(command, name, "method", method(ip, family));
	put_property(command, name, "gateway", gateway ? ipaddr_text(gateway, text) : "");
	put_property(command, name, "routes", strcmp(method(ip, family), "disabled") ? kept : "");
	if (gateway)
		put_property(command, name, "never-default", "no");
	free(kept);
	return put_list(command, "addresses", ip, family, put_addresses) &&
	       put_list(command, "dns", ip, family, put_servers);
}

static int add_modify(const struct job *job, struct plan *plan, const struct profile *profile,
		      const char *how, const char *name)
{
	struct plan_command *command =
		plan_command(&plan->before, 0, "nmcli", "connection", "modify", how, name, NULL);

	if (!profile->is_own) {
		put_property(command, "connection", "interface-name", job->nic->name);
		put_property(command, "connection", "autoconnect", "yes");
		put_property(command, "connection", "autoconnect-priority", "999");
	}
	/* by name alone: Hyper-V gives a dynamic one again at a fail-over */
	if (*profile->mac && (!profile->is_own || strcasecmp(profile->mac, job->nic->mac)))
		put_property(command, "802-3-ethernet", "mac-address", "");
	return put_family(command, job->ip, AF_INET, profile->routes4) &&
	       put_family(command, job->ip, AF_INET6, profile->routes6) ? 0 : -ENOMEM;
}

/* A profile of our own, from the one in use, or new where there is none. */
static int plan_clone(const struct job *job, struct plan *plan, const struct profile *profile)
{
	char name[IF_NAMESIZE + 16], path[PATH_MAX];

	snprintf(name, sizeof(name), "hv_kvp-%s", job->nic->name);
	snprintf(path, sizeof(path), PROFILES "%s.nmconnection", name);
	if (!plan_keep(plan, path))
		return -ENOMEM;
	/* one of an earlier request, which nobody uses */
	plan_command(&plan->before, PLAN_MAY_FAIL, "nmcli", "connection", "delete", "id", name,
		     NULL);
	if (profile->uuid[0])
		plan_command(&plan->before, 0, "nmcli", "connection", "clone", "uuid",
			     profile->uuid, name, NULL);
	else
		plan_command(&plan->before, 0, "nmcli", "connection", "add", "type", "ethernet",
			     "con-name", name, "ifname", job->nic->name, NULL);
	return add_modify(job, plan, profile, "id", name);
}

static int plan_profile(const struct job *job, struct plan *plan, const struct profile *profile)
{
	const char *ifname = job->nic->name;
	char name[IF_NAMESIZE + 16];
	int error;

	snprintf(name, sizeof(name), "hv_kvp-%s", ifname);
	if (profile->is_own) {
		if (!plan_keep(plan, profile->path))
			return -ENOMEM;
		error = add_modify(job, plan, profile, "uuid", profile->uuid);
		plan_command(&plan->after, PLAN_WANTS_CARRIER, "nmcli", "--wait", "15",
			     "connection", "up", "uuid", profile->uuid, "ifname", ifname, NULL);
	} else {
		/* a bond or bridge is nothing without a profile */
		if (job->nic->kind != NETIF_ETHERNET && !profile->uuid[0])
			return -EOPNOTSUPP;
		error = plan_clone(job, plan, profile);
		/* wherever NetworkManager has put it */
		plan_command(&plan->undo, PLAN_MAY_FAIL, "nmcli", "connection", "delete", "id",
			     name, NULL);
		plan_command(&plan->after, PLAN_WANTS_CARRIER, "nmcli", "--wait", "15",
			     "connection", "up", "id", name, "ifname", ifname, NULL);
	}
	plan_command(&plan->undo, 0, "nmcli", "connection", "reload", NULL);
	if (profile->is_active)
		plan_command(&plan->undo, PLAN_WANTS_CARRIER, "nmcli", "--wait", "5", "connection",
			     "up", "uuid", profile->uuid, "ifname", ifname, NULL);
	plan->verify = true;
	return error;
}

static int plan_nm(const struct job *job, struct plan *plan)
{
	struct profile profile;
	int error;

	/* it is not below another root */
	if (*job->root)
		return -EOPNOTSUPP;
	error = find_profile(job->nic, &profile);
	if (!error)
		error = plan_profile(job, plan, &profile);
	free(profile.routes4);
	free(profile.routes6);
	return error;
}

const struct backend nm_backend = {
	.name = "networkmanager",
	.runs = runs,
	.plan = plan_nm,
};
