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
#include "kvpctl.h"
#include "networkd_link.h"
#include "program.h"
#include "readfile.h"

#define NETWORKD_FILE	"/run/systemd/network/10-netplan-"
#define NM_DIRECTORY	"/run/NetworkManager/system-connections"
#define NM_PREFIX	"netplan-"
#define YAML		"/etc/netplan"
#define RUN_YAML	"/run/netplan"

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
	struct networkd_link link;
	const char *path = link.file;
	size_t size;

	if (!networkd_link_read(job->root, job->nic, &link) ||
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

/* A definition as netplan's commands name it: dots in its name are escaped. */
static void put_id(char *key, size_t size, const char *kind, const char *id)
{
	size_t used = snprintf(key, size, "%s.", kind);

	for (; *id && used + 3 < size; id++) {
		if (*id == '.')
			key[used++] = '\\';
		key[used++] = *id;
	}
	key[used] = '\0';
}

/*
 * What all files together say of the definition, in netplan's own layout. The
 * caller frees it. 0, or a negative error: then it is not known.
 */
static int get_definition(const struct job *job, const char *kind, char **text)
{
	char key[320], root[PATH_MAX + 16];
	const char *const argv[] = { "netplan", "get", root, key, NULL };
	int error;

	put_id(key, sizeof(key), kind, job->detail);
	snprintf(root, sizeof(root), "--root-dir=%s", *job->root ? job->root : "/");
	/* netplan is in Python: on a busy machine it takes its time */
	error = program_output((char *const *)argv, job->deadline, text);
	return error > 0 ? -EIO : error;
}

/* The line after "KEY:", @indent spaces deep, up to @end; NULL if there is none. */
static const char *find_key(const char *text, const char *end, const char *key, size_t indent)
{
	size_t size = strlen(key);

	for (; text < end && *text; text += strcspn(text, "\n") + 1)
		if (strspn(text, " ") == indent && !strncmp(text + indent, key, size) &&
		    text[indent + size] == ':')
			return text + indent + size + 1;
	return NULL;
}

/* Behind the lines that belong to a key which is @indent spaces deep. */
static const char *end_of_block(const char *line, size_t indent)
{
	while (*line) {
		size_t depth = strspn(line, " ");

		if (depth < indent || (depth == indent && line[depth] != '-'))
			break;
		line += strcspn(line, "\n");
		line += *line == '\n';
	}
	return line;
}

/* The list of a key without its indent; the caller frees it. NULL for none. */
static char *take_list(const char *text, const char *end, const char *key, size_t indent)
{
	const char *line = find_key(text, end, key, indent), *last;
	char *list, *out;

	if (!line || *line != '\n')
		return NULL;
	last = end_of_block(++line, indent);
	list = need(last - line + 1);
	out = list;
	while (line < last) {
		size_t size = strcspn(line, "\n") + 1;

		memcpy(out, line + indent, size - indent);
		out += size - indent;
		line += size;
	}
	*out = '\0';
	return list;
}

/**
 * struct item - an entry of a list as netplan prints it
 * @text: its first line, behind "- "
 * @end: behind its last line
 */
struct item {
	const char *text;
	const char *end;
};

static bool next_item(const char **at, struct item *item)
{
	const char *line = *at;

	while (*line && strncmp(line, "- ", 2))
		line += strcspn(line, "\n") + (line[strcspn(line, "\n")] == '\n');
	if (!*line)
		return false;
	item->text = line + 2;
	do {
		line += strcspn(line, "\n");
		line += *line == '\n';
	} while (*line == ' ');
	item->end = line;
	*at = line;
	return true;
}

/* The value of "NAME:" in an entry that is a mapping; false if there is none. */
static bool item_value(const struct item *item, const char *name, char *value, size_t size)
{
	const char *line = item->text;

	while (line < item->end) {
		const char *word = line + strspn(line, " ");

		if (!strncmp(word, name, strlen(name)) && word[strlen(name)] == ':') {
			word += strlen(name) + 1;
			word += strspn(word, " \"'");
			snprintf(value, size, "%.*s", (int)strcspn(word, "\"'\n"), word);
			return true;
		}
		line += strcspn(line, "\n") + 1;
	}
	return false;
}

static bool has_colon(const char *text, const char *end)
{
	for (; text < end && *text != '\n' && *text != '/' && *text != ' '; text++)
		if (*text == ':' && text[1] != '\n')
			return true;
	return false;
}

/* An address, alone or with options. */
static bool is_kept_address(const struct ipconfig *ip, const struct item *item)
{
	return !ipconfig_is_about(ip, has_colon(item->text, item->end) ? AF_INET6 : AF_INET);
}

/* Default routes of the request's families are replaced; all others stay. */
static bool is_kept_route(const struct ipconfig *ip, const struct item *item)
{
	char to[64] = "", via[64] = "", table[16];
	const char *where;

	if (item_value(item, "table", table, sizeof(table)) &&
	    strtoul(table, NULL, 10) != BACKEND_MAIN_TABLE)
		return true;
	item_value(item, "to", to, sizeof(to));
	item_value(item, "via", via, sizeof(via));
	if (strcmp(to, "default") && strcmp(to, "0.0.0.0/0") && strcmp(to, "::/0"))
		return true;
	where = strcmp(to, "default") ? to : via;
	return !ipconfig_is_about(ip, strchr(where, ':') ? AF_INET6 : AF_INET);
}

/**
 * struct kept - what stays of a definition
 * @addresses: as netplan prints them, or NULL
 * @routes: routes
 * @servers: name servers
 * @dhcp4: DHCP for IPv4
 */
struct kept {
	char *addresses;
	char *routes;
	char *servers;
	bool dhcp4;
};

static int read_kept(const struct job *job, const char *kind, struct kept *kept)
{
	const char *end, *servers, *dhcp4;
	char *text;
	int error = get_definition(job, kind, &text);

	if (error)
		return error;
	end = text + strlen(text);
	kept->addresses = take_list(text, end, "addresses", 0);
	kept->routes = take_list(text, end, "routes", 0);
	servers = find_key(text, end, "nameservers", 0);
	if (servers && *servers == '\n')
		kept->servers = take_list(servers + 1, end_of_block(servers + 1, 1), "addresses",
					  2);
	dhcp4 = find_key(text, end, "dhcp4", 0);
	kept->dhcp4 = dhcp4 && !strncmp(dhcp4, " true", 5);
	free(text);
	return 0;
}

static void free_kept(struct kept *kept)
{
	free(kept->addresses);
	free(kept->routes);
	free(kept->servers);
}

/**
 * struct list - a list that is being written
 * @out: where to
 * @title: "name:" with its indent, put before the first entry
 * @indent: of an entry
 * @count: entries so far
 */
struct list {
	FILE *out;
	const char *title;
	const char *indent;
	unsigned int count;
};

static void begin_entry(struct list *list)
{
	if (!list->count++)
		fprintf(list->out, "%s\n", list->title);
	fprintf(list->out, "%s- ", list->indent);
}

/* The kernel refuses a gateway that is in no network of the interface. */
static bool wants_on_link(const struct ipconfig *ip, const struct item *item)
{
	struct ipaddr gateway = { 0 };
	char value[64];

	if (item_value(item, "on-link", value, sizeof(value)) ||
	    !item_value(item, "via", value, sizeof(value)))
		return false;
	gateway.family = strchr(value, ':') ? AF_INET6 : AF_INET;
	return inet_pton(gateway.family, value, gateway.bytes) == 1 &&
	       ipconfig_is_about(ip, gateway.family) && !ipconfig_reaches(ip, &gateway);
}

static void put_kept(struct list *list, const char *text, const struct ipconfig *ip,
		     bool (*is_kept)(const struct ipconfig *ip, const struct item *item))
{
	struct item item;

	while (text && next_item(&text, &item)) {
		if (!is_kept(ip, &item))
			continue;
		begin_entry(list);
		for (const char *c = item.text; c < item.end; c++) {
			fputc(*c, list->out);
			/* further lines of the entry have two of the indent already */
			if (*c == '\n' && c + 1 < item.end)
				fputs(list->indent, list->out);
		}
		if (is_kept == is_kept_route && wants_on_link(ip, &item))
			fprintf(list->out, "%s  on-link: true\n", list->indent);
	}
}

static void put_routes(struct list *list, const struct ipconfig *ip)
{
	char text[IPADDR_TEXT];
	int family = AF_UNSPEC;
	unsigned int more = 0;

	for (unsigned int i = 0; i < ip->gateway_count; i++) {
		const struct ipaddr *gateway = &ip->gateway[i];

		begin_entry(list);
		/* "default" is not known to older versions */
		fprintf(list->out, "to: \"%s\"\n        via: \"%s\"\n",
			gateway->family == AF_INET ? "0.0.0.0/0" : "::/0",
			ipaddr_text(gateway, text));
		if (!ipconfig_reaches(ip, gateway))
			fputs("        on-link: true\n", list->out);
		more = gateway->family == family ? more + 1 : 0;
		family = gateway->family;
		if (more)
			fprintf(list->out, "        metric: %u\n", BACKEND_METRIC + more);
	}
}

static void put_lists(FILE *out, const struct ipconfig *ip, const struct kept *kept)
{
	struct list addresses = { out, "      addresses:", "      ", 0 };
	struct list routes = { out, "      routes:", "      ", 0 };
	struct list servers = { out, "      nameservers:\n        addresses:", "        ", 0 };
	char text[IPADDR_TEXT];

	put_kept(&addresses, kept->addresses, ip, is_kept_address);
	for (unsigned int i = 0; i < ip->address_count; i++) {
		begin_entry(&addresses);
		fprintf(out, "\"%s\"\n", ipaddr_network(&ip->address[i], text));
	}
	put_kept(&routes, kept->routes, ip, is_kept_route);
	put_routes(&routes, ip);
	put_kept(&servers, kept->servers, ip, is_kept_address);
	for (unsigned int i = 0; i < ip->dns_count; i++) {
		begin_entry(&servers);
		fprintf(out, "\"%s\"\n", ipaddr_text(&ip->dns[i], text));
	}
}

static void put_yaml(FILE *out, const struct job *job, const char *kind, const struct kept *kept,
		     bool networkd)
{
	const struct ipconfig *ip = job->ip;

	fprintf(out, BACKEND_MARK "network:\n  version: 2\n  %s:\n    \"%s\":\n      dhcp4: %s\n",
		kind, job->detail, (ip->v4 ? ip->dhcp : kept->dhcp4) ? "true" : "false");
	if (ip->v6)
		fprintf(out, "      dhcp6: false\n      accept-ra: %s\n",
			ipconfig_has(ip, AF_INET6) ? "false" : "true");
	/* addresses are to be there without a cable too */
	if (networkd && ip->address_count)
		fputs("      ignore-carrier: true\n", out);
	put_lists(out, ip, kept);
}

/* Where 'netplan set' puts what no file has, if it has anything left to put. */
#define SET_FILE	"70-netplan-set.yaml"

/* Whether a file says something of the definition; if in doubt it does. */
static bool names_definition(const struct job *job, const char *path)
{
	char *text;
	bool names;

	if (readfile(job->root, path, 1024 * 1024, &text, NULL))
		return true;
	names = strstr(text, job->detail);
	free(text);
	return names;
}

static int keep_file(const struct job *job, struct plan *plan, const char *path)
{
	if (!plan_keep(plan, path))
		return -ENOMEM;
	/* 'netplan set' drops files that have nothing but a "renderer:" */
	plan->file[plan->file_count - 1].stays = !names_definition(job, path);
	return 0;
}

/* 'netplan set' rewrites whichever files have the keys, and makes one if need be. */
static int keep_in(const struct job *job, struct plan *plan, const char *folder, const char *but,
		   bool *has_set_file)
{
	char path[PATH_MAX];
	struct dirent *entry;
	int error = 0;
	DIR *dir;

	snprintf(path, sizeof(path), "%s%s", job->root, folder);
	dir = opendir(path);
	if (!dir)
		return errno == ENOENT ? 0 : -errno;
	while (!error && (entry = readdir(dir))) {
		size_t size = strlen(entry->d_name);

		if (size < 6 || strcmp(entry->d_name + size - 5, ".yaml") ||
		    !strcmp(entry->d_name, but))
			continue;
		*has_set_file |= !strcmp(entry->d_name, SET_FILE);
		snprintf(path, sizeof(path), "%s/%s", folder, entry->d_name);
		error = keep_file(job, plan, path);
	}
	closedir(dir);
	return error;
}

static int keep_all(const struct job *job, struct plan *plan, const char *but)
{
	bool has_set_file = false, unused;
	int error = keep_in(job, plan, YAML, but, &has_set_file);

	if (!error && !has_set_file && !plan_keep(plan, YAML "/" SET_FILE))
		error = -ENOMEM;
	return error ? error : keep_in(job, plan, RUN_YAML, "", &unused);
}

/* Lists go, since netplan joins those of all files: what stays of them is in ours. */
static void put_key(char *key, size_t size, const char *kind, const struct job *job)
{
	const struct ipconfig *ip = job->ip;
	size_t used;

	put_id(key, size, kind, job->detail);
	used = strlen(key);
	/* dhcp4: an empty definition would be dropped, and VLANs above it refused */
	snprintf(key + used, size - used, "={addresses: null, routes: null, %s%s%s%s}",
		 ip->v4 ? "gateway4: null, " : "", ip->v6 ? "gateway6: null, " : "",
		 ip->v4 ? "dhcp4: false, " : "", "nameservers: {addresses: null}");
}

static void add_commands(const struct job *job, struct plan *plan, const char *kind)
{
	char key[512];

	put_key(key, sizeof(key), kind, job);
	if (*job->root) {
		plan_command(&plan->before, PLAN_ROOTED, "netplan", "set", "--root-dir", job->root,
			     key, NULL);
		plan_command(&plan->after, PLAN_ROOTED, "netplan", "generate", "--root-dir",
			     job->root, NULL);
	} else {
		plan_command(&plan->before, 0, "netplan", "set", key, NULL);
		plan_command(&plan->after, PLAN_APART, "netplan", "apply", NULL);
		plan_command(&plan->undo, PLAN_APART, "netplan", "apply", NULL);
		/* its generator has run already, on the files as they were */
		plan_command(&plan->boot, 0, "netplan", "generate", NULL);
	}
}

static int plan_netplan(const struct job *job, struct plan *plan)
{
	static const char *const kinds[] = {
		[NETIF_ETHERNET] = "ethernets", [NETIF_BOND] = "bonds", [NETIF_BRIDGE] = "bridges",
	};
	const char *kind = kinds[job->nic->kind];
	struct kept kept = { 0 };
	char name[NAME_MAX];
	size_t size;
	char *text;
	FILE *out;
	int error;

	if (!job->detail[0])
		return -ENOENT;
	error = read_kept(job, kind, &kept);
	out = error ? NULL : open_memstream(&text, &size);
	if (!out) {
		free_kept(&kept);
		return error ? error : -ENOMEM;
	}
	put_yaml(out, job, kind, &kept, by_networkd((struct job *)job));
	free_kept(&kept);
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
