// SPDX-License-Identifier: GPL-2.0
/*
 * systemd-networkd: a .network file that sorts before those of others, because
 * the first that matches counts. See systemd.network(5).
 */
#include <errno.h>
#include <string.h>

#include "backend.h"
#include "program.h"

#define LINKS	"/run/systemd/netif/links/"

static bool runs(struct job *job)
{
	char state[32];

	return backend_state(job, LINKS, NULL, "ADMIN_STATE", state, sizeof(state)) &&
	       strcmp(state, "unmanaged");
}

static void put_dhcp(FILE *out, const struct ipconfig *ip)
{
	bool static_v6 = ipconfig_has(ip, AF_INET6);

	fprintf(out, "DHCP=%s\n", ip->dhcp ? "ipv4" : "no");
	fprintf(out, "IPv6AcceptRA=%s\n", static_v6 ? "no" : "yes");
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

static void put_network(FILE *out, const struct job *job)
{
	const struct ipconfig *ip = job->ip;
	char text[IPADDR_TEXT];

	fprintf(out, BACKEND_MARK
		"[Match]\nName=%s\nMACAddress=%s\n\n[Network]\n", job->nic->name, job->nic->mac);
	put_dhcp(out, ip);
	for (unsigned int i = 0; i < ip->address_count; i++)
		fprintf(out, "Address=%s\n", ipaddr_network(&ip->address[i], text));
	for (unsigned int i = 0; i < ip->dns_count; i++)
		fprintf(out, "DNS=%s\n", ipaddr_text(&ip->dns[i], text));
	put_routes(out, ip);
}

static int plan_networkd(const struct job *job, struct plan *plan)
{
	size_t size;
	char *text;
	FILE *out = open_memstream(&text, &size);

	if (!out)
		return -ENOMEM;
	put_network(out, job);
	if (fclose(out))
		return -ENOMEM;
	/* networkd reads it without privileges */
	if (!plan_file(plan, 0644, text, size, "/etc/systemd/network/05-hv_kvp-%s.network",
		       job->nic->name))
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
	.plan = plan_networkd,
};
