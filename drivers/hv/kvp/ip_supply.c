// SPDX-License-Identifier: GPL-2.0
/*
 * What the IP agent says about interfaces. Few of them, in a table that is read
 * under RCU: the host may ask in the channel's callback.
 */
#include <linux/errno.h>
#include <linux/kernel.h>
#include <linux/rcupdate.h>
#include <linux/slab.h>

#include "ip_supply.h"

static struct hkvp_ip_supply __rcu *supplies[HVKVP_IP_SUPPLY_MAX];

/**
 * hkvp_ip_supply_find() - what is known of an interface
 * @ifindex: the interface, in the initial network namespace
 *
 * Context: any, within rcu_read_lock().
 * Return: what the agent said, good until rcu_read_unlock(); or NULL.
 */
const struct hkvp_ip_supply *hkvp_ip_supply_find(int ifindex)
{
	const struct hkvp_ip_supply *supply;
	u32 i;

	for (i = 0; i < ARRAY_SIZE(supplies); i++) {
		supply = rcu_dereference(supplies[i]);
		if (supply && supply->ifindex == ifindex)
			return supply;
	}
	return NULL;
}

/* The callers of what is below see to it that they are alone. */
static struct hkvp_ip_supply *at(u32 i)
{
	return rcu_dereference_protected(supplies[i], true);
}

static void replace(u32 i, struct hkvp_ip_supply *supply)
{
	struct hkvp_ip_supply *old = at(i);

	rcu_assign_pointer(supplies[i], supply);
	if (old)
		kfree_rcu(old, rcu);
}

/**
 * hkvp_ip_supply_set() - replace what is known of an interface
 * @ifindex: the interface
 * @supply: from kmalloc(), freed here in time; NULL: nothing is known of it
 *
 * Context: process; one call of this or hkvp_ip_supply_clear() at a time.
 * Return: 0; -ENOSPC if it is one interface too many, and @supply is then the
 * caller's still.
 */
int hkvp_ip_supply_set(int ifindex, struct hkvp_ip_supply *supply)
{
	u32 i, place = ARRAY_SIZE(supplies);

	for (i = 0; i < ARRAY_SIZE(supplies); i++) {
		if (!at(i))
			place = min(place, i);
		else if (at(i)->ifindex == ifindex)
			break;
	}
	if (i == ARRAY_SIZE(supplies)) {
		if (!supply)
			return 0;
		if (place == ARRAY_SIZE(supplies))
			return -ENOSPC;
		i = place;
	}
	replace(i, supply);
	return 0;
}

/**
 * hkvp_ip_supply_clear() - forget everything
 *
 * Context: process; as hkvp_ip_supply_set().
 */
void hkvp_ip_supply_clear(void)
{
	u32 i;

	for (i = 0; i < ARRAY_SIZE(supplies); i++)
		replace(i, NULL);
}
