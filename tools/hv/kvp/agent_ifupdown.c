// SPDX-License-Identifier: GPL-2.0
/*
 * ifupdown. All stanzas of an interface count together, so those that are there
 * have to go, wherever they are; lines that are not about addresses stay.
 */
#include <errno.h>
#include <limits.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "backend.h"
#include "interfaces.h"
#include "kvpctl.h"
#include "linkroute.h"
#include "program.h"
#include "readfile.h"

/* Where its modules are. */
#define IFUPDOWN2	"/usr/share/ifupdown2"

/* "NAME=DEFINITION": the interface is up, and by which definition. */
static bool state_in(struct job *job, const char *path)
{
	char value[sizeof(job->detail)], *text;
	bool found;

	if (readfile(job->root, path, 65536, &text, NULL))
		return false;
	found = readfile_value(text, NULL, job->nic->name, value, sizeof(value));
	free(text);
	if (found)
		snprintf(job->detail, sizeof(job->detail), "%s", value);
	return found;
}

static bool is_up(struct job *job)
{
	char path[64];

	snprintf(path, sizeof(path), "/run/network/ifstate.%s", job->nic->name);
	return state_in(job, path) || state_in(job, "/run/network/ifstate");
}

static bool has_stanza(const struct job *job, const char *definition)
{
	struct stanza v4 = { .family = "inet" }, v6 = { .family = "inet6" };
	struct interfaces all;

	if (interfaces_read(job->root, &all)) {
		interfaces_free(&all);
		return false;
	}
	interfaces_find(&all, definition, &v4);
	interfaces_find(&all, definition, &v6);
	interfaces_free(&all);
	free(v4.kept);
	free(v6.kept);
	return v4.found || v6.found;
}

static bool configured(struct job *job)
{
	snprintf(job->detail, sizeof(job->detail), "%s", job->nic->name);
	return has_stanza(job, job->nic->name);
}

/* Up without a stanza is what is left of a file that is gone. */
static bool runs(struct job *job)
{
	return is_up(job) && has_stanza(job, job->detail);
}

static bool is_there(const struct job *job, const char *path)
{
	char full[PATH_MAX];

	snprintf(full, sizeof(full), "%s%s", job->root, path);
	return !access(full, F_OK);
}

static void put_indented(FILE *out, const char *lines)
{
	if (lines)
		fputs(lines, out);
}

static void put_servers(FILE *out, const struct ipconfig *ip, int family)
{
	for (unsigned int i = 0; i < ip->dns_count; i++) {
		if (ip->dns[i].family != family)
			continue;
		fputs("\tdns-nameservers ", out);
		ipaddr_join(out, ip->dns, ip->dns_count, family, " ");
		fputc('\n', out);
		return;
	}
}

static const struct ipaddr *gateway_at(const struct ipconfig *ip, int family, unsigned int index)
{
	for (unsigned int i = 0; i < ip->gateway_count; i++)
		if (ip->gateway[i].family == family && !index--)
			return &ip->gateway[i];
	return NULL;
}

/*
 * The kernel has one default route for each metric: where another interface has
 * one, those of this interface come after it.
 */
static unsigned int first_metric(const struct job *job, int family)
{
	if (*job->root || !linkroute_others_have_default(job->nic->index, family))
		return 0;
	return BACKEND_METRIC + 10 * job->nic->index;
}

/*
 * One stanza for each address, and a gateway in each as long as there are such.
 * Scripts' lines go with the first.
 */
static void put_static(FILE *out, const struct job *job, int family, const char *kept)
{
	unsigned int metric = first_metric(job, family);
	const struct ipconfig *ip = job->ip;
	const char *word = family == AF_INET ? "inet" : "inet6";
	const struct ipaddr *gateway;
	char text[IPADDR_TEXT];
	unsigned int count = 0;

	for (unsigned int i = 0; i < ip->address_count; i++) {
		if (ip->address[i].family != family)
			continue;
		fprintf(out, "iface %s %s static\n\taddress %s\n", job->detail, word,
			ipaddr_text(&ip->address[i], text));
		/* busybox wants it so, and not behind a slash */
		if (family == AF_INET)
			fprintf(out, "\tnetmask %s\n", ipaddr_mask(&ip->address[i], text));
		else
			fprintf(out, "\tnetmask %u\n", ip->address[i].prefix);
		gateway = gateway_at(ip, family, count);
		if (gateway)
			fprintf(out, "\tgateway %s\n", ipaddr_text(gateway, text));
		if (gateway && (metric || count))
			fprintf(out, "\tmetric %u\n", (metric ? metric : BACKEND_METRIC) + count);
		/* nor does it wait for the cable, to ask who else has the address */
		if (family == AF_INET6)
			fputs("\taccept_ra 0\n\tdad-attempts 0\n", out);
		if (!count++)
			put_indented(out, kept);
	}
	if (gateway_at(ip, family, count))
		warn("%s: more gateways than addresses, the last ones are left out",
		     job->nic->name);
}

static void put_v4(FILE *out, const struct job *job, const char *kept)
{
	if (ipconfig_has(job->ip, AF_INET)) {
		put_static(out, job, AF_INET, kept);
		return;
	}
	fprintf(out, "iface %s inet %s\n", job->detail, job->ip->dhcp ? "dhcp" : "manual");
	put_indented(out, kept);
}

/*
 * Without a stanza the kernel takes what routers say, if none forbade it. "auto"
 * says so, but ifupdown2 knows no such method.
 */
static void put_v6(FILE *out, const struct job *job, const struct stanza *old)
{
	if (ipconfig_has(job->ip, AF_INET6)) {
		put_static(out, job, AF_INET6, old->kept);
	} else if (old->found) {
		fprintf(out, "iface %s inet6 %s\n", job->detail,
			is_there(job, IFUPDOWN2) ? "manual" : "auto");
		put_indented(out, old->kept);
	}
}

static int make_stanzas(const struct job *job, const struct interfaces *all, char **text)
{
	struct stanza v4 = { .family = "inet" }, v6 = { .family = "inet6" };
	size_t size;
	FILE *out = open_memstream(text, &size);

	if (!out)
		return -ENOMEM;
	interfaces_find(all, job->detail, &v4);
	interfaces_find(all, job->detail, &v6);
	fputs(BACKEND_MARK, out);
	if (!interfaces_is_started(all, job->nic->name))
		fprintf(out, "auto %s\n", job->nic->name);
	if (job->ip->v4) {
		put_v4(out, job, v4.kept);
		put_servers(out, job->ip, AF_INET);
	}
	if (job->ip->v6) {
		put_v6(out, job, &v6);
		if (v6.found || ipconfig_has(job->ip, AF_INET6))
			put_servers(out, job->ip, AF_INET6);
	}
	free(v4.kept);
	free(v6.kept);
	return fclose(out) ? -ENOMEM : 0;
}

/* Every file that has a stanza of the interface; the first gets the new ones. */
static int replace_all(const struct job *job, struct plan *plan, const struct interfaces *all,
		       const char *stanzas, bool *placed)
{
	/* a family that the request is not about keeps its stanza as it is */
	const char *families[3] = { NULL };
	unsigned int known = 0;

	if (job->ip->v4)
		families[known++] = "inet";
	if (job->ip->v6)
		families[known++] = "inet6";
	for (unsigned int i = 0; i < all->count; i++) {
		size_t size;
		char *text;
		FILE *out = open_memstream(&text, &size);
		unsigned int count;

		if (!out)
			return -ENOMEM;
		count = interfaces_replace(&all->file[i], BACKEND_MARK, job->detail,
					   families, stanzas, placed, out);
		if (fclose(out))
			return -ENOMEM;
		if (!count) {
			free(text);
			continue;
		}
		if (!plan_file(plan, PLAN_SAME_MODE, text, size, "%s", all->file[i].path))
			return -ENOMEM;
	}
	return 0;
}

/* No stanza anywhere: a file of ours where the main one includes such, or that. */
static int place_new(const struct job *job, struct plan *plan, const struct interfaces *all,
		     const char *stanzas)
{
	char name[IF_NAMESIZE];
	size_t size;
	char *text;
	FILE *out = open_memstream(&text, &size);
	bool separate = all->directory[0];

	if (!out)
		return -ENOMEM;
	snprintf(name, sizeof(name), "%s", job->nic->name);
	/* source-directory wants names without dots */
	for (char *dot = name; (dot = strchr(dot, '.')); )
		*dot = '_';
	if (!separate)
		fprintf(out, "%s\n", all->file[0].text);
	fputs(stanzas, out);
	if (fclose(out))
		return -ENOMEM;
	if (separate)
		return plan_file(plan, 0600, text, size, "%s/hv_kvp-%s", all->directory, name) ?
		       0 : -ENOMEM;
	return plan_file(plan, PLAN_SAME_MODE, text, size, INTERFACES_MAIN) ? 0 : -ENOMEM;
}

static void add_commands(const struct job *job, struct plan *plan)
{
	const char *name = job->nic->name;

	/* what is up goes down by the configuration that it came up with */
	plan_command(&plan->before, PLAN_APART | PLAN_MAY_FAIL, "ifdown", name, NULL);
	/* of aliases, and of what was configured by hand */
	plan_command(&plan->before, PLAN_APART | PLAN_MAY_FAIL, "ip", "address", "flush", "dev",
		     name, NULL);
	plan_command(&plan->after, PLAN_APART, "ifup", name, NULL);
	plan_command(&plan->undo, PLAN_APART | PLAN_MAY_FAIL, "ifdown", "--force", name, NULL);
	/* ifdown goes by the file that is back, and leaves what the other one brought */
	plan_command(&plan->undo, PLAN_APART | PLAN_MAY_FAIL, "ip", "address", "flush", "dev",
		     name, NULL);
	plan_command(&plan->undo, PLAN_APART, "ifup", name, NULL);
	plan->verify = true;
}

#define RESOLV_CONF	"/etc/resolv.conf"

/* The C library reads no more. */
#define SERVERS_MAX	3

/* Whether a program takes "dns-nameservers" to where the resolver looks. */
static bool has_reader(const struct job *job)
{
	static const char *const readers[] = {
		"/sbin/resolvconf", "/usr/sbin/resolvconf", "/etc/network/if-up.d/000resolvconf",
		"/usr/libexec/ifupdown-ng/dns",
	};

	for (size_t i = 0; i < ARRAY_SIZE(readers); i++)
		if (is_there(job, readers[i]))
			return true;
	/* the script is Debian's, whether systemd-resolved is there or not */
	return is_there(job, "/run/systemd/resolve") &&
	       is_there(job, "/etc/network/if-up.d/resolved");
}

/* The family of a "nameserver" line; AF_UNSPEC of any other. */
static int server_family(const char *line)
{
	char server[128];

	if (sscanf(line, " nameserver %127s", server) != 1)
		return AF_UNSPEC;
	return strchr(server, ':') ? AF_INET6 : AF_INET;
}

/* The host's servers first, and without those of its families what was there. */
static void put_resolv_conf(FILE *out, const struct ipconfig *ip, char *old)
{
	char text[IPADDR_TEXT], *save, *line;

	for (unsigned int i = 0; i < ip->dns_count && i < SERVERS_MAX; i++)
		fprintf(out, "nameserver %s\n", ipaddr_text(&ip->dns[i], text));
	for (line = old ? strtok_r(old, "\n", &save) : NULL; line;
	     line = strtok_r(NULL, "\n", &save)) {
		int family = server_family(line);

		if (family == AF_UNSPEC || !ipconfig_is_about(ip, family))
			fprintf(out, "%s\n", line);
	}
}

/* Where nobody reads "dns-nameservers", and no program has made a link of the file. */
static int plan_servers(const struct job *job, struct plan *plan)
{
	char full[PATH_MAX], *old = NULL, *text;
	struct stat st;
	size_t size;
	FILE *out;

	snprintf(full, sizeof(full), "%s" RESOLV_CONF, job->root);
	if (!job->ip->dns_count || has_reader(job) || (!lstat(full, &st) && S_ISLNK(st.st_mode)))
		return 0;
	readfile(job->root, RESOLV_CONF, 65536, &old, NULL);
	out = open_memstream(&text, &size);
	if (out)
		put_resolv_conf(out, job->ip, old);
	free(old);
	if (!out || fclose(out))
		return -ENOMEM;
	/* everybody resolves names */
	return plan_file(plan, 0644, text, size, RESOLV_CONF) ? 0 : -ENOMEM;
}

static int plan_ifupdown(const struct job *job, struct plan *plan)
{
	struct interfaces all;
	char *stanzas = NULL;
	bool placed = false;
	int error;

	error = interfaces_read(job->root, &all);
	if (!error)
		error = make_stanzas(job, &all, &stanzas);
	if (!error)
		error = replace_all(job, plan, &all, stanzas, &placed);
	if (!error && !placed)
		error = place_new(job, plan, &all, stanzas);
	free(stanzas);
	interfaces_free(&all);
	if (!error)
		error = plan_servers(job, plan);
	if (!error)
		add_commands(job, plan);
	return error;
}

const struct backend ifupdown_backend = {
	.name = "ifupdown",
	.runs = runs,
	.configured = configured,
	.plan = plan_ifupdown,
};
