// SPDX-License-Identifier: GPL-2.0
/*
 * systemd-networkd: a .network file for this interface alone, which sorts before
 * the one that is in use, because the first that matches counts. It takes over
 * all that the one in use says and the request is not about.
 */
#include <errno.h>
#include <limits.h>
#include <stdlib.h>
#include <string.h>

#include "backend.h"
#include "kvpctl.h"
#include "networkd_file.h"
#include "networkd_link.h"
#include "program.h"

#define DIRECTORY	"/etc/systemd/network/"

static bool runs(struct job *job)
{
	struct networkd_link link;

	return networkd_link_read(job->root, job->nic, &link);
}

/*
 * A file for another MAC address, as a fail-over leaves it: nobody runs the interface,
 * and networkd would if it had a file for it.
 */
static bool configured(struct job *job)
{
	return !netif_is_addressed(job->root, job->nic) &&
	       networkd_link_is_free(job->root, job->nic);
}

/*
 * A name that sorts before that of the file in use, or is the same if that is ours.
 * Files are compared by name, byte by byte, whatever directory they are in.
 */
static bool choose_name(const char *ifname, const char *used, char *name, size_t size)
{
	static const char *const prefixes[] = { "05", "00", "00-00", "!00" };
	char ours[NAME_MAX];

	snprintf(ours, sizeof(ours), "-hv_kvp-%s.network", ifname);
	for (size_t i = 0; i < ARRAY_SIZE(prefixes); i++) {
		snprintf(name, size, "%s%s", prefixes[i], ours);
		if (!*used || strcmp(name, used) <= 0)
			return true;
	}
	return false;
}

static void put_routes(FILE *out, const struct ipconfig *ip)
{
	char text[IPADDR_TEXT];
	int family = AF_UNSPEC;
	unsigned int more = 0;

	for (unsigned int i = 0; i < ip->gateway_count; i++) {
		const struct ipaddr *gateway = &ip->gateway[i];

		fprintf(out, "\n[Route]\nGateway=%s\n", ipaddr_text(gateway, text));
		if (!ipconfig_reaches(ip, gateway))
			fputs("GatewayOnLink=yes\n", out);
		more = gateway->family == family ? more + 1 : 0;
		family = gateway->family;
		if (more)
			fprintf(out, "Metric=%u\n", BACKEND_METRIC + more);
	}
}

static const char *dhcp_of(const struct ipconfig *ip, const struct networkd_kept *kept)
{
	bool v4 = ip->v4 ? ip->dhcp : kept->dhcp4;
	bool v6 = ip->v6 ? false : kept->dhcp6;

	return v4 && v6 ? "yes" : v4 ? "ipv4" : v6 ? "ipv6" : "no";
}

/* What comes last counts. Addresses are to be there without a cable too. */
static void put_network(FILE *out, const struct job *job, const struct networkd_kept *kept)
{
	const struct ipconfig *ip = job->ip;
	char text[IPADDR_TEXT];

	fprintf(out, BACKEND_MARK "[Match]\nName=%s\n\n%s[Network]\nDHCP=%s\n", job->nic->name,
		kept->text ? kept->text : "", dhcp_of(ip, kept));
	if (ip->v6)
		fprintf(out, "IPv6AcceptRA=%s\n", ipconfig_has(ip, AF_INET6) ? "no" : "yes");
	if (ip->address_count)
		fputs("ConfigureWithoutCarrier=yes\n", out);
	for (unsigned int i = 0; i < ip->address_count; i++)
		fprintf(out, "Address=%s\n", ipaddr_network(&ip->address[i], text));
	for (unsigned int i = 0; i < ip->dns_count; i++)
		fprintf(out, "DNS=%s\n", ipaddr_text(&ip->dns[i], text));
	put_routes(out, ip);
}

static int plan_networkd(const struct job *job, struct plan *plan)
{
	struct networkd_kept kept = { 0 };
	struct networkd_link link = { 0 };
	char name[NAME_MAX];
	const char *base;
	size_t size;
	char *text;
	FILE *out;
	int error = 0;

	if (networkd_link_read(job->root, job->nic, &link) && *link.file == '/')
		error = networkd_keep(job->root, link.file, job->ip, &kept);
	/* a file that is gone since says nothing any more */
	if (error && error != -ENOENT)
		return error;
	base = strrchr(link.file, '/');
	if (!choose_name(job->nic->name, base ? base + 1 : "", name, sizeof(name))) {
		free(kept.text);
		warn("%s: no file can come before %s", job->nic->name, link.file);
		return -EEXIST;
	}
	out = open_memstream(&text, &size);
	if (!out) {
		free(kept.text);
		return -ENOMEM;
	}
	put_network(out, job, &kept);
	free(kept.text);
	if (fclose(out))
		return -ENOMEM;
	/* networkd reads it without privileges */
	if (!plan_file(plan, 0644, text, size, DIRECTORY "%s", name))
		return -ENOMEM;
	plan_command(&plan->after, 0, "networkctl", "reload", NULL);
	plan_command(&plan->after, 0, "networkctl", "reconfigure", job->nic->name, NULL);
	plan_command(&plan->undo, 0, "networkctl", "reload", NULL);
	plan_command(&plan->undo, 0, "networkctl", "reconfigure", job->nic->name, NULL);
	plan->verify = true;
	return 0;
}

const struct backend networkd_backend = {
	.name = "networkd",
	.runs = runs,
	.configured = configured,
	.plan = plan_networkd,
};
