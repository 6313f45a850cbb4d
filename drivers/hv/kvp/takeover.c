// SPDX-License-Identifier: GPL-2.0
/*
 * Living with hv_utils, which keeps its other devices. New KVP devices come to
 * driver.c by themselves; this is for one that hv_utils already holds, and for
 * the way back. Documentation/design/takeover.md has the reasons.
 *
 * Closing a channel makes Hyper-V withdraw the device and offer a new one;
 * other hosts leave it as it is. Both ways are waited for.
 */
#define pr_fmt(fmt) KBUILD_MODNAME ": " fmt

#include <linux/delay.h>
#include <linux/device.h>
#include <linux/device/bus.h>
#include <linux/hyperv.h>
#include <linux/jiffies.h>
#include <linux/module.h>
#include <linux/notifier.h>
#include <linux/workqueue.h>

#include "driver.h"
#include "holder.h"
#include "params.h"
#include "takeover.h"

/* Hosts that withdraw a closed device do it within this time, see takeover.md. */
#define RESCIND_WAIT_MS		200

/*
 * On the way back hv_utils must not be made to probe a channel that the host is
 * about to withdraw: it does not survive a failing vmbus_open().
 */
#define GIVE_BACK_WAIT_MS	5000

#define POLL_MS			20

/* Between two looks whether hv_kvp_daemon has gone. */
#define HOLDER_POLL		HZ

/* What is to be done about a KVP device. */
enum claim {
	LEAVE,		/* nothing */
	ATTACH,		/* it has no driver */
	TAKE,		/* hv_utils has it */
	WAIT,		/* the same, but its daemon is connected, or may be */
};

static struct workqueue_struct *wq;

/* The device that this module is taking from hv_utils. */
static struct device *taking;

static unsigned long deadline(unsigned int ms)
{
	return jiffies + msecs_to_jiffies(ms);
}

static int match_kvp(struct device *dev, const void *data)
{
	return hkvp_driver_is_kvp(dev);
}

/* The next KVP device after @from, whose reference it takes over. */
static struct device *next_kvp(struct device *from)
{
	struct device *dev = bus_find_device(hkvp_driver_core()->bus, from,
					     NULL, match_kvp);

	put_device(from);
	return dev;
}

static bool rescinded(struct device *dev)
{
	return READ_ONCE(device_to_hv_device(dev)->channel->rescind);
}

static bool is_hv_utils(const struct device_driver *drv)
{
	return drv && !strcmp(drv->name, HKVP_HV_UTILS);
}

static bool is_unbound(struct device *dev)
{
	bool unbound = false;

	if (device_trylock(dev)) {
		unbound = !dev->driver;
		device_unlock(dev);
	}
	return unbound;
}

/* device_driver_attach() and not device_attach(), which would let hv_utils win. */
static void attach_device(struct device *dev)
{
	/* an error: it was withdrawn after all, or hv_utils has it */
	if (device_driver_attach(hkvp_driver_core(), dev))
		pr_debug("%s went elsewhere\n", dev_name(dev));
}

/*
 * The lock keeps the driver bound, its module in the kernel, and the device's
 * driver_override. @loading: whatever hv_utils has was not given to it by hand.
 */
static enum claim judge_device(struct device *dev, bool loading)
{
	enum claim claim = LEAVE;

	/* hv_utils may hold it for as long as its daemon is stopped */
	if (!device_trylock(dev))
		return WAIT;
	if (rescinded(dev) || !hkvp_driver_matches(dev) ||
	    !hkvp_params_takeover())
		goto unlock;
	if (loading && is_hv_utils(dev->driver))
		hkvp_driver_want(dev);
	if (!hkvp_driver_wants(dev))
		goto unlock;
	if (!dev->driver)
		claim = ATTACH;
	else if (is_hv_utils(dev->driver))
		claim = hkvp_holder_is_gone(dev->driver) ? TAKE : WAIT;
unlock:
	device_unlock(dev);
	return claim;
}

/*
 * A reference that is held delays the new offer, so it is dropped at once when
 * the device has been withdrawn.
 */
static void take_device(struct device *dev)
{
	unsigned long end;

	pr_info_ratelimited("taking %s over from " HKVP_HV_UTILS "\n",
			    dev_name(dev));
	WRITE_ONCE(taking, dev);
	device_release_driver(dev);
	WRITE_ONCE(taking, NULL);
	for (end = deadline(RESCIND_WAIT_MS); time_before(jiffies, end);) {
		if (rescinded(dev))
			return;
		msleep(POLL_MS);
	}
	/* the administrator may have decided otherwise in this time */
	if (judge_device(dev, false) == ATTACH)
		attach_device(dev);
}

static void claim_work(struct work_struct *work);
static DECLARE_DELAYED_WORK(claiming, claim_work);

static void claim_work(struct work_struct *work)
{
	static bool loading = true;
	struct device *dev = NULL;
	bool wait = false;

	while (!hkvp_driver_is_bound() && (dev = next_kvp(dev))) {
		switch (judge_device(dev, loading)) {
		case LEAVE:
			break;
		case ATTACH:
			attach_device(dev);
			break;
		case TAKE:
			take_device(dev);
			break;
		case WAIT:
			wait = true;
			break;
		}
	}
	put_device(dev);
	loading = false;
	if (wait)
		queue_delayed_work(wq, &claiming, HOLDER_POLL);
}

/* The lock of the device is held here, so this only queues. */
static int on_bus_event(struct notifier_block *nb, unsigned long event,
			void *data)
{
	struct device *dev = data;

	if (!hkvp_driver_is_kvp(dev))
		return NOTIFY_DONE;
	switch (event) {
	case BUS_NOTIFY_UNBIND_DRIVER:
		/*
		 * Who unbinds it from hv_utils by hand decides where it goes
		 * from there. That is not so where hv_utils is unloaded.
		 */
		if (is_hv_utils(dev->driver) && dev != READ_ONCE(taking) &&
		    (!dev->driver->owner || module_is_live(dev->driver->owner)))
			hkvp_driver_unwant(dev);
		break;
	case BUS_NOTIFY_BOUND_DRIVER:
	case BUS_NOTIFY_UNBOUND_DRIVER:
		mod_delayed_work(wq, &claiming, 0);
		break;
	}
	return NOTIFY_OK;
}

static struct notifier_block notifier = {
	.notifier_call = on_bus_event,
};

/**
 * hkvp_takeover_start() - take the KVP device from hv_utils, now and later
 *
 * Does not wait for it, for hv_utils' daemon may be connected. The driver is
 * registered.
 *
 * Context: process, may sleep.
 * Return: 0, -ENOMEM, or what bus_register_notifier() returns.
 */
int hkvp_takeover_start(void)
{
	int ret;

	wq = alloc_ordered_workqueue("hv_kvp_takeover", 0);
	if (!wq)
		return -ENOMEM;
	ret = bus_register_notifier(hkvp_driver_core()->bus, &notifier);
	if (ret) {
		destroy_workqueue(wq);
		return ret;
	}
	queue_delayed_work(wq, &claiming, 0);
	return 0;
}

/**
 * hkvp_takeover_stop() - take no more devices
 *
 * Context: process, may sleep; waits for a takeover in progress.
 */
void hkvp_takeover_stop(void)
{
	bus_unregister_notifier(hkvp_driver_core()->bus, &notifier);
	cancel_delayed_work_sync(&claiming);
	destroy_workqueue(wq);
}

/* A KVP device that nobody has and the host has not withdrawn; or NULL. */
static struct device *find_orphan(void)
{
	struct device *dev = NULL;

	while ((dev = next_kvp(dev)))
		if (is_unbound(dev) && !rescinded(dev))
			break;
	return dev;
}

/**
 * hkvp_takeover_give_back() - let hv_utils have the device again
 *
 * On hosts that offer a closed device anew hv_utils gets the new one without
 * anyone's help; on others it is offered the old one once it is certain, as far
 * as it can be, that the host will not withdraw it. The driver is unregistered
 * and had the device; its module is still there.
 *
 * Context: process, sleeps for up to five seconds.
 */
void hkvp_takeover_give_back(void)
{
	unsigned long end = deadline(GIVE_BACK_WAIT_MS);
	struct device *dev;

	if (!driver_find(HKVP_HV_UTILS, hkvp_driver_core()->bus))
		return;
	while (time_before(jiffies, end)) {
		dev = find_orphan();
		if (!dev)
			return;
		put_device(dev);
		msleep(POLL_MS);
	}
	dev = find_orphan();
	if (!dev)
		return;
	if (device_attach(dev) > 0)
		pr_info("%s is back with " HKVP_HV_UTILS "\n", dev_name(dev));
	put_device(dev);
}
