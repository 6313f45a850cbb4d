// SPDX-License-Identifier: GPL-2.0
#include <errno.h>
#include <net/if.h>
#include <string.h>
#include <sys/ioctl.h>

#include "agent_supply.h"
#include "device.h"
#include "kvpctl.h"

/* False if the kernel does not know it: the interface may have gone just then. */
static bool tell(int device, const struct linkstate *state)
{
	struct hv_kvp_ip_report arg = {
		.v4_dns = PTR(state->v4), .v4_dns_count = state->v4_count,
		.v6_dns = PTR(state->v6), .v6_dns_count = state->v6_count,
		.ifindex = state->index, .dhcp = state->dhcp,
	};

	if (!ioctl(device, HV_KVP_IOC_IP_REPORT, &arg))
		return true;
	if (errno != ENODEV)
		warn("interface %u: cannot tell the kernel: %s", state->index, strerror(errno));
	return false;
}

static const struct linkstate *find(const struct supply *supply, unsigned int index)
{
	for (unsigned int i = 0; i < supply->count; i++)
		if (supply->told[i].index == index)
			return &supply->told[i];
	return NULL;
}

static bool is_empty(const struct linkstate *state)
{
	return !state->v4_count && !state->v6_count && !state->dhcp;
}

/* Those that were told and are not among @now are forgotten by the kernel too. */
static void forget_gone(const struct supply *old, const struct supply *now, int device)
{
	for (unsigned int i = 0; i < old->count; i++) {
		struct linkstate none = { .index = old->told[i].index };

		if (!find(now, none.index))
			tell(device, &none);
	}
}

/* Adds those that something is known of, as far as there is room. */
static void gather_some(struct supply *supply, const char *root,
			const struct if_nameindex *list, bool wanted)
{
	for (const struct if_nameindex *i = list; i && i->if_index; i++) {
		struct linkstate *state = &supply->told[supply->count];
		struct netif nic;

		if (supply->count == HV_KVP_IP_REPORT_MAX)
			break;
		/* what has no MAC cannot be asked for by the host */
		if (netif_load(root, i->if_name, &nic) || !strcmp(nic.name, "lo") ||
		    netif_may_be_adapter(root, &nic) != wanted)
			continue;
		linkstate_read(root, &nic, state);
		if (!is_empty(state))
			supply->count++;
	}
}

/* A host of containers has more interfaces than there is room for: adapters first. */
static void gather(struct supply *supply, const char *root)
{
	struct if_nameindex *list = if_nameindex();

	supply->count = 0;
	gather_some(supply, root, list, true);
	gather_some(supply, root, list, false);
	if (list)
		if_freenameindex(list);
}

/*
 * What is as it was is told again: the kernel forgets an interface that leaves for
 * another network namespace, and it may be back.
 */
void supply_refresh(struct supply *supply, int device, const char *root)
{
	static struct supply now;
	unsigned int kept = 0;

	gather(&now, root);
	forget_gone(supply, &now, device);
	for (unsigned int i = 0; i < now.count; i++)
		if (tell(device, &now.told[i]))
			now.told[kept++] = now.told[i];
	now.count = kept;
	*supply = now;
}
