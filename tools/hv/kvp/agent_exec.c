// SPDX-License-Identifier: GPL-2.0
/*
 * A script of the distribution, as hv_kvp_daemon runs it: hv_set_ifconfig gets
 * the paths of an ifcfg file and of a NetworkManager keyfile, both as the daemon
 * of Linux 6.12 writes them. Older daemons give the first one only.
 */
#include <ctype.h>
#include <errno.h>
#include <limits.h>
#include <string.h>

#include "backend.h"

#define DIRECTORY	"/var/lib/hyperv"

/* The daemon writes every digit of an IPv6 address. */
static const char *plain(const struct ipaddr *addr, char text[IPADDR_TEXT])
{
	char *out = text;

	if (addr->family == AF_INET)
		return ipaddr_text(addr, text);
	for (int i = 0; i < 16; i += 2)
		out += sprintf(out, "%s%02x%02x", i ? ":" : "", addr->bytes[i],
			       addr->bytes[i + 1]);
	return text;
}

/* "IPADDR0" and on, but "GATEWAY" and "IPV6ADDR" for the first of theirs. */
static void put_names(FILE *out, const struct ipaddr *list, unsigned int count, const char *v4,
		      const char *v6, bool first_has_number)
{
	char text[IPADDR_TEXT];
	unsigned int n4 = 0, n6 = 0;

	for (unsigned int i = 0; i < count; i++) {
		bool is_v4 = list[i].family == AF_INET;
		unsigned int number = is_v4 ? n4++ : n6++;

		fputs(is_v4 ? v4 : v6, out);
		if (is_v4 && (number || first_has_number))
			fprintf(out, "%u", number);
		else if (!is_v4 && number)
			fprintf(out, "_%u", number);
		fprintf(out, "=%s\n", plain(&list[i], text));
	}
}

static void put_masks(FILE *out, const struct ipconfig *ip)
{
	char text[IPADDR_TEXT];
	unsigned int n4 = 0, n6 = 0;

	for (unsigned int i = 0; i < ip->address_count; i++) {
		const struct ipaddr *addr = &ip->address[i];

		if (addr->family == AF_INET)
			fprintf(out, "NETMASK%u=%s\n", n4++, ipaddr_mask(addr, text));
		else if (!n6++)
			fprintf(out, "IPV6NETMASK=%u\n", addr->prefix);
		else
			fprintf(out, "IPV6NETMASK_%u=%u\n", n6 - 1, addr->prefix);
	}
}

static void put_upper(FILE *out, const char *text)
{
	for (; *text; text++)
		fputc(toupper((unsigned char)*text), out);
}

static void put_ifcfg(FILE *out, const struct job *job)
{
	const struct ipconfig *ip = job->ip;
	char text[IPADDR_TEXT];

	fputs("HWADDR=", out);
	put_upper(out, job->nic->mac);
	fprintf(out, "\nDEVICE=%s\nBOOTPROTO=%s\n", job->nic->name, ip->dhcp ? "dhcp" : "none");
	put_names(out, ip->address, ip->address_count, "IPADDR", "IPV6ADDR", true);
	put_masks(out, ip);
	put_names(out, ip->gateway, ip->gateway_count, "GATEWAY", "IPV6_DEFAULTGW", false);
	for (unsigned int i = 0; i < ip->dns_count; i++)
		fprintf(out, "DNS%u=%s\n", i + 1, plain(&ip->dns[i], text));
}

static void put_list(FILE *out, const char *name, const struct ipaddr *list, unsigned int count,
		     int family)
{
	bool any = false;

	for (unsigned int i = 0; i < count; i++)
		any |= list[i].family == family;
	if (!any)
		return;
	fprintf(out, "%s=", name);
	ipaddr_join(out, list, count, family, ",");
	fputc('\n', out);
}

static void put_section(FILE *out, const struct ipconfig *ip, int family)
{
	const char *method = family == AF_INET6 ? "auto" : "disabled";
	char text[IPADDR_TEXT];
	unsigned int number = 0;

	fprintf(out, "\n[%s]\n", family == AF_INET ? "ipv4" : "ipv6");
	for (unsigned int i = 0; i < ip->address_count; i++)
		if (ip->address[i].family == family)
			fprintf(out, "address%u=%s\n", ++number,
				ipaddr_network(&ip->address[i], text));
	if (family == AF_INET && ip->dhcp)
		method = "auto";
	else if (number)
		method = "manual";
	fprintf(out, "method=%s\n", method);
	put_list(out, "gateway", ip->gateway, ip->gateway_count, family);
	put_list(out, "dns", ip->dns, ip->dns_count, family);
}

static void put_nmconnection(FILE *out, const struct job *job)
{
	fprintf(out, "\n[connection]\ninterface-name=%s\n\n[ethernet]\nmac-address=",
		job->nic->name);
	put_upper(out, job->nic->mac);
	fputc('\n', out);
	put_section(out, job->ip, AF_INET);
	put_section(out, job->ip, AF_INET6);
}

static int add(const struct job *job, struct plan *plan, const char *path,
	       void (*put)(FILE *out, const struct job *job))
{
	size_t size;
	char *text;
	FILE *out = open_memstream(&text, &size);

	if (!out)
		return -ENOMEM;
	put(out, job);
	if (fclose(out))
		return -ENOMEM;
	return plan_file(plan, 0600, text, size, "%s", path) ? 0 : -ENOMEM;
}

static int plan_exec(const struct job *job, struct plan *plan)
{
	char ifcfg[128], connection[128];
	char script_ifcfg[PATH_MAX], script_connection[PATH_MAX];
	int error;

	snprintf(ifcfg, sizeof(ifcfg), DIRECTORY "/ifcfg-%s", job->nic->name);
	snprintf(connection, sizeof(connection), DIRECTORY "/%s.nmconnection", job->nic->name);
	error = add(job, plan, ifcfg, put_ifcfg);
	if (!error)
		error = add(job, plan, connection, put_nmconnection);
	if (error)
		return error;
	snprintf(script_ifcfg, sizeof(script_ifcfg), "%s%s", job->root, ifcfg);
	snprintf(script_connection, sizeof(script_connection), "%s%s", job->root, connection);
	/* what the script does is its own affair, below another root too */
	plan_command(&plan->after, PLAN_ROOTED | PLAN_APART, job->program, script_ifcfg,
		     script_connection, NULL);
	return 0;
}

const struct backend exec_backend = {
	.name = "exec",
	.plan = plan_exec,
};
