// SPDX-License-Identifier: GPL-2.0
/*
 * What the IP agent says about interfaces. Few of them, in a table that is read
 * under RCU: the host may ask in the channel's callback.
 *
 * What was said of an interface is forgotten when that goes, or leaves for another
 * network namespace. An interface that is renamed stays what it is.
 */
#include <linux/errno.h>
#include <linux/kernel.h>
#include <linux/mutex.h>
#include <linux/netdevice.h>
#include <linux/notifier.h>
#include <linux/rcupdate.h>
#include <linux/slab.h>
#include <net/net_namespace.h>

#include "ip_report.h"

/* Of those who change the table; taken under rtnl, which is not taken under it. */
static DEFINE_MUTEX(lock);
static struct hkvp_ip_report __rcu *reports[HV_KVP_IP_REPORT_MAX];

/**
 * hkvp_ip_report_find() - what is known of an interface
 * @ifindex: the interface, in the initial network namespace
 *
 * Context: any, within rcu_read_lock().
 * Return: what the agent said, good until rcu_read_unlock(); or NULL.
 */
const struct hkvp_ip_report *hkvp_ip_report_find(int ifindex)
{
	const struct hkvp_ip_report *report;
	u32 i;

	for (i = 0; i < ARRAY_SIZE(reports); i++) {
		report = rcu_dereference(reports[i]);
		if (report && report->ifindex == ifindex)
			return report;
	}
	return NULL;
}

static struct hkvp_ip_report *at(u32 i)
{
	return rcu_dereference_protected(reports[i], lockdep_is_held(&lock));
}

static void replace(u32 i, struct hkvp_ip_report *report)
{
	struct hkvp_ip_report *old = at(i);

	rcu_assign_pointer(reports[i], report);
	if (old)
		kfree_rcu(old, rcu);
}

/* Its place, or a free one, or none: ARRAY_SIZE(reports). */
static u32 find_place(int ifindex)
{
	u32 i, place = ARRAY_SIZE(reports);

	for (i = 0; i < ARRAY_SIZE(reports); i++) {
		if (!at(i))
			place = min(place, i);
		else if (at(i)->ifindex == ifindex)
			return i;
	}
	return place;
}

static void forget(int ifindex)
{
	u32 i;

	mutex_lock(&lock);
	i = find_place(ifindex);
	if (i < ARRAY_SIZE(reports))
		replace(i, NULL);
	mutex_unlock(&lock);
}

/* An interface that goes is not in the list any more when its notifiers run. */
static bool is_there(int ifindex)
{
	bool there;

	rcu_read_lock();
	there = dev_get_by_index_rcu(&init_net, ifindex);
	rcu_read_unlock();
	return there;
}

static int put(struct hkvp_ip_report *report)
{
	u32 i = find_place(report->ifindex);

	if (!is_there(report->ifindex))
		return -ENODEV;
	if (i == ARRAY_SIZE(reports))
		return -ENOSPC;
	replace(i, report);
	return 0;
}

/**
 * hkvp_ip_report_set() - replace what is known of an interface
 * @ifindex: the interface
 * @report: from kmalloc(), freed here in time; NULL: nothing is known of it
 *
 * Context: process, may sleep.
 * Return: 0; -ENODEV if there is no such interface, -ENOSPC if it is one interface
 * too many, and @report is then the caller's still.
 */
int hkvp_ip_report_set(int ifindex, struct hkvp_ip_report *report)
{
	int ret;

	if (!report) {
		forget(ifindex);
		return 0;
	}
	mutex_lock(&lock);
	ret = put(report);
	mutex_unlock(&lock);
	return ret;
}

/**
 * hkvp_ip_report_clear() - forget everything
 *
 * Context: process, may sleep.
 */
void hkvp_ip_report_clear(void)
{
	u32 i;

	mutex_lock(&lock);
	for (i = 0; i < ARRAY_SIZE(reports); i++)
		replace(i, NULL);
	mutex_unlock(&lock);
}

/* Under rtnl. An interface that leaves for another namespace goes here first. */
static int on_netdev(struct notifier_block *nb, unsigned long what, void *arg)
{
	const struct net_device *dev = netdev_notifier_info_to_dev(arg);

	if (what == NETDEV_UNREGISTER && net_eq(dev_net(dev), &init_net))
		forget(dev->ifindex);
	return NOTIFY_DONE;
}

static struct notifier_block netdev_nb = { .notifier_call = on_netdev };

/**
 * hkvp_ip_report_start() - forget what goes, from now on
 *
 * Context: process, may sleep; takes rtnl.
 * Return: 0, or what the registration returns.
 */
int hkvp_ip_report_start(void)
{
	return register_netdevice_notifier(&netdev_nb);
}

/**
 * hkvp_ip_report_stop() - undo hkvp_ip_report_start()
 *
 * There is no agent any more, and so nothing to forget.
 *
 * Context: process, may sleep; takes rtnl.
 */
void hkvp_ip_report_stop(void)
{
	unregister_netdevice_notifier(&netdev_nb);
}
