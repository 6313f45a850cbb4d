// SPDX-License-Identifier: GPL-2.0
/*
 * Tells when what the kernel says of the guest is no longer what it was.
 *
 * The host gets the addresses as they are when it asks. This is for the guest's
 * agents, who wait rather than ask: the network stack's notifiers start a work
 * item that compares the intrinsic values with those it saw last, and if one
 * differs gives pool AUTO a new generation.
 */
#include <linux/inetdevice.h>
#include <linux/netdevice.h>
#include <linux/notifier.h>
#include <linux/random.h>
#include <linux/siphash.h>
#include <linux/workqueue.h>
#include <net/addrconf.h>
#include <net/net_namespace.h>

#include "intrinsic.h"
#include "intrinsic_watch.h"
#include "pool.h"

/* Changes that come together are told together. */
#define DELAY		(HZ / 10)

/*
 * No notifier tells that an IPv6 address has passed duplicate address
 * detection, mostly within two seconds. So look again, less and less often,
 * for about a minute after the last event.
 */
#define LOOKS		9
#define LOOK_AGAIN(n)	((HZ / 8) << (n))

static struct hkvp_pool *pool;
static void (*changed)(void *ctx, enum hkvp_pool_id id);
/* Its own: the names of the system's queues differ between kernels. */
static struct workqueue_struct *wq;
static struct delayed_work work;

/* There was an event that @work has not looked after, but will within DELAY. */
static bool soon;

/* The work item's own: it never runs twice at a time. */
static u64 seen[HKVP_INTRINSIC_COUNT];
static siphash_key_t key;
static struct hkvp_value value;
static unsigned int looks;	/* since the last event */

/* Take note of what there is; true if any of it is new. */
static bool look(void)
{
	bool differs = false;
	u64 hash;
	u32 i;

	for (i = 0; i < HKVP_INTRINSIC_COUNT; i++) {
		hkvp_intrinsic_default(i, &value);
		hash = siphash(value.value, le32_to_cpu(value.value_size), &key);
		differs |= hash != seen[i];
		seen[i] = hash;
	}
	return differs;
}

#if IS_ENABLED(CONFIG_IPV6)
/* Is an address still being checked for duplicates? */
static bool tentative(void)
{
	const struct inet6_ifaddr *ifa;
	const struct inet6_dev *idev;
	struct net_device *dev;
	bool found = false;

	rcu_read_lock();
	for_each_netdev_rcu(&init_net, dev) {
		idev = __in6_dev_get(dev);
		if (!idev)
			continue;
		list_for_each_entry_rcu(ifa, &idev->addr_list, if_list)
			found |= (READ_ONCE(ifa->flags) &
				  (IFA_F_TENTATIVE | IFA_F_DADFAILED)) ==
				 IFA_F_TENTATIVE;
	}
	rcu_read_unlock();
	return found;
}
#else
static bool tentative(void)
{
	return false;
}
#endif

static void watch_work(struct work_struct *unused)
{
	if (xchg(&soon, false))
		looks = 0;
	if (look()) {
		/* without memory for a version the news has to wait */
		if (hkvp_pool_touch(pool)) {
			memset(seen, 0, sizeof(seen));
			queue_delayed_work(wq, &work, HZ);
			return;
		}
		changed(NULL, HKVP_POOL_AUTO);
	}
	/* does nothing if an event has queued it meanwhile */
	if (looks < LOOKS && tentative())
		queue_delayed_work(wq, &work, LOOK_AGAIN(looks++));
}

/* However many there are, the first one decides when they are looked after. */
static void event(const struct net_device *dev)
{
	if (net_eq(dev_net(dev), &init_net) && !xchg(&soon, true))
		mod_delayed_work(wq, &work, DELAY);
}

static int on_inet(struct notifier_block *nb, unsigned long what, void *arg)
{
	const struct in_ifaddr *ifa = arg;

	event(ifa->ifa_dev->dev);
	return NOTIFY_DONE;
}

/* In atomic context. */
static int on_inet6(struct notifier_block *nb, unsigned long what, void *arg)
{
	const struct inet6_ifaddr *ifa = arg;

	event(ifa->idev->dev);
	return NOTIFY_DONE;
}

/* What starts duplicate address detection, or leaves with all addresses. */
static int on_netdev(struct notifier_block *nb, unsigned long what, void *arg)
{
	switch (what) {
	case NETDEV_UP:
	case NETDEV_DOWN:
	case NETDEV_CHANGE:
	case NETDEV_REGISTER:
	case NETDEV_UNREGISTER:
		event(netdev_notifier_info_to_dev(arg));
	}
	return NOTIFY_DONE;
}

static struct notifier_block inet_nb = { .notifier_call = on_inet };
static struct notifier_block inet6_nb = { .notifier_call = on_inet6 };
static struct notifier_block netdev_nb = { .notifier_call = on_netdev };

static int register_inet6(void)
{
	return IS_ENABLED(CONFIG_IPV6) ? register_inet6addr_notifier(&inet6_nb) : 0;
}

static void unregister_inet6(void)
{
	if (IS_ENABLED(CONFIG_IPV6))
		unregister_inet6addr_notifier(&inet6_nb);
}

/**
 * hkvp_intrinsic_watch_start() - begin to watch
 * @auto_pool: pool AUTO; gets a new generation with each change
 * @on_change: then told, with NULL and HKVP_POOL_AUTO, in process context
 *
 * Context: process, may sleep; takes rtnl.
 * Return: 0, -ENOMEM, or what a registration returns.
 */
int hkvp_intrinsic_watch_start(struct hkvp_pool *auto_pool,
			       void (*on_change)(void *ctx,
						 enum hkvp_pool_id id))
{
	int ret;

	pool = auto_pool;
	changed = on_change;
	get_random_bytes(&key, sizeof(key));
	INIT_DELAYED_WORK(&work, watch_work);
	wq = alloc_ordered_workqueue("hv_kvp_watch", 0);
	if (!wq)
		return -ENOMEM;
	look();

	ret = register_inetaddr_notifier(&inet_nb);
	if (ret)
		goto queue;
	ret = register_inet6();
	if (ret)
		goto inet;
	/* tells of every interface there is, and so starts the first look */
	ret = register_netdevice_notifier(&netdev_nb);
	if (ret)
		goto inet6;
	return 0;

inet6:
	unregister_inet6();
inet:
	unregister_inetaddr_notifier(&inet_nb);
	cancel_delayed_work_sync(&work);
queue:
	destroy_workqueue(wq);
	return ret;
}

/**
 * hkvp_intrinsic_watch_stop() - undo hkvp_intrinsic_watch_start()
 *
 * Context: process, may sleep; takes rtnl. On return nothing of it runs.
 */
void hkvp_intrinsic_watch_stop(void)
{
	unregister_netdevice_notifier(&netdev_nb);
	unregister_inet6();
	unregister_inetaddr_notifier(&inet_nb);
	cancel_delayed_work_sync(&work);
	destroy_workqueue(wq);
}
