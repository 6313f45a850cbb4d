// SPDX-License-Identifier: GPL-2.0
/*
 * ifupdown. All stanzas of an interface count together, so those that are there
 * have to go, wherever they are; lines that are not about addresses stay.
 */
#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "backend.h"
#include "interfaces.h"
#include "kvpctl.h"
#include "program.h"
#include "readfile.h"

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

static void put_indented(FILE *out, const char *lines)
{
	if (lines)
		fputs(lines, out);
}

static void put_servers(FILE *out, const struct ipconfig *ip)
{
	if (!ip->dns_count)
		return;
	fputs("\tdns-nameservers ", out);
	ipaddr_join(out, ip->dns, ip->dns_count, AF_UNSPEC, " ");
	fputc('\n', out);
}

static const struct ipaddr *gateway_at(const struct ipconfig *ip, int family, unsigned int index)
{
	for (unsigned int i = 0; i < ip->gateway_count; i++)
		if (ip->gateway[i].family == family && !index--)
			return &ip->gateway[i];
	return NULL;
}

/*
 * One stanza for each address, and a gateway in each as long as there are such.
 * Scripts' lines go with the first.
 */
static void put_static(FILE *out, const struct job *job, int family, const char *kept)
{
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
		if (gateway && count)
			fprintf(out, "\tmetric %u\n", BACKEND_METRIC + count);
		if (family == AF_INET6)
			fputs("\taccept_ra 0\n", out);
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

/* Without a stanza the kernel takes what routers say, if none forbade it. */
static void put_v6(FILE *out, const struct job *job, const struct stanza *old)
{
	if (ipconfig_has(job->ip, AF_INET6)) {
		put_static(out, job, AF_INET6, old->kept);
	} else if (old->found) {
		fprintf(out, "iface %s inet6 auto\n", job->detail);
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
	put_v4(out, job, v4.kept);
	put_servers(out, job->ip);
	put_v6(out, job, &v6);
	free(v4.kept);
	free(v6.kept);
	return fclose(out) ? -ENOMEM : 0;
}

/* Every file that has a stanza of the interface; the first gets the new ones. */
static int replace_all(const struct job *job, struct plan *plan, const struct interfaces *all,
		       const char *stanzas, bool *placed)
{
	static const char *const families[] = { "inet", "inet6", NULL };

	for (unsigned int i = 0; i < all->count; i++) {
		size_t size;
		char *text;
		FILE *out = open_memstream(&text, &size);
		unsigned int count;

		if (!out)
			return -ENOMEM;
		count = interfaces_replace(&all->file[i], BACKEND_MARK, job->detail,
					   families, *placed ? NULL : stanzas, out);
		if (fclose(out))
			return -ENOMEM;
		if (!count) {
			free(text);
			continue;
		}
		*placed = true;
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
	plan_command(&plan->before, PLAN_MAY_FAIL, "ifdown", name, NULL);
	plan_command(&plan->after, 0, "ifup", name, NULL);
	plan_command(&plan->undo, PLAN_MAY_FAIL, "ifdown", "--force", name, NULL);
	plan_command(&plan->undo, 0, "ifup", name, NULL);
	plan->verify = true;
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
		add_commands(job, plan);
	return error;
}

const struct backend ifupdown_backend = {
	.name = "ifupdown",
	.runs = runs,
	.configured = configured,
	.plan = plan_ifupdown,
};
