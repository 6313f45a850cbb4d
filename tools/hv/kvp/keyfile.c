// SPDX-License-Identifier: GPL-2.0
#include "keyfile.h"

static const char *method(const struct ipconfig *ip, int family)
{
	if (ipconfig_has(ip, family))
		return "manual";
	if (family == AF_INET6 || ip->dhcp)
		return "auto";
	return "disabled";
}

static void put_addresses(FILE *out, const struct ipconfig *ip, int family)
{
	char text[IPADDR_TEXT];
	unsigned int number = 0;

	for (unsigned int i = 0; i < ip->address_count; i++)
		if (ip->address[i].family == family)
			fprintf(out, "address%u=%s\n", ++number,
				ipaddr_network(&ip->address[i], text));
}

/* The first gateway, and further ones as routes that come after it. */
static void put_gateways(FILE *out, const struct ipconfig *ip, int family)
{
	char text[IPADDR_TEXT];
	unsigned int number = 0;

	for (unsigned int i = 0; i < ip->gateway_count; i++) {
		if (ip->gateway[i].family != family)
			continue;
		ipaddr_text(&ip->gateway[i], text);
		if (!number++)
			fprintf(out, "gateway=%s\n", text);
		else
			fprintf(out, "route%u=%s,%s,%u\n", number - 1,
				family == AF_INET ? "0.0.0.0/0" : "::/0", text,
				BACKEND_METRIC + number - 1);
	}
}

static void put_servers(FILE *out, const struct ipconfig *ip, int family)
{
	char text[IPADDR_TEXT];
	unsigned int count = 0;

	for (unsigned int i = 0; i < ip->dns_count; i++)
		if (ip->dns[i].family == family)
			fprintf(out, "%s%s;", count++ ? "" : "dns=",
				ipaddr_text(&ip->dns[i], text));
	if (count)
		fputc('\n', out);
}

static void put_family(FILE *out, const struct ipconfig *ip, int family)
{
	const char *how = method(ip, family);

	fprintf(out, "\n[%s]\nmethod=%s\n", family == AF_INET ? "ipv4" : "ipv6", how);
	if (*how == 'd')
		return;
	put_addresses(out, ip, family);
	/* NetworkManager refuses a gateway without an address */
	if (ipconfig_has(ip, family))
		put_gateways(out, ip, family);
	put_servers(out, ip, family);
}

void keyfile_put(FILE *out, const struct job *job, const char *uuid)
{
	fprintf(out, BACKEND_MARK
		"[connection]\nid=hv_kvp-%s\nuuid=%s\ntype=ethernet\ninterface-name=%s\n"
		"autoconnect=true\nautoconnect-priority=999\n", job->nic->name, uuid,
		job->nic->name);
	fprintf(out, "\n[ethernet]\nmac-address=%s\n", job->nic->mac);
	put_family(out, job->ip, AF_INET);
	put_family(out, job->ip, AF_INET6);
}
