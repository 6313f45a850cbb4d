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

#include <linux/atomic.h>
#include <linux/delay.h>
#include <linux/device.h>
#include <linux/device/bus.h>
#include <linux/hyperv.h>
#include <linux/jiffies.h>
#include <linux/notifier.h>
#include <linux/workqueue.h>

#include "driver.h"
#include "takeover.h"

#define RIVAL			"hv_utils"

/* Hosts that withdraw a closed device do it within this time, see takeover.md. */
#define RESCIND_WAIT_MS		200

/*
 * On the way back hv_utils must not be made to probe a channel that the host is
 * about to withdraw: it does not survive a failing vmbus_open().
 */
#define GIVE_BACK_WAIT_MS	5000

#define POLL_MS			20

/* Should the device go back and forth for whatever reason, an end is put to it. */
#define ROUNDS_MAX		10

static struct workqueue_struct *wq;
static atomic_t rounds;

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

static bool is_rival(const struct device_driver *drv)
{
	return drv && !strcmp(drv->name, RIVAL);
}

static bool held_by_rival(struct device *dev)
{
	bool held;

	device_lock(dev);
	held = is_rival(dev->driver);
	device_unlock(dev);
	return held;
}

static bool is_unbound(struct device *dev)
{
	bool unbound;

	device_lock(dev);
	unbound = !dev->driver;
	device_unlock(dev);
	return unbound;
}

/* device_driver_attach() and not device_attach(), which would let hv_utils win. */
static void attach(struct device *dev)
{
	/* an error: it was withdrawn after all, or hv_utils has it */
	if (device_driver_attach(hkvp_driver_core(), dev))
		pr_debug("%s went elsewhere\n", dev_name(dev));
}

/*
 * A reference that is held delays the new offer, so it is dropped at once when
 * the device has been withdrawn.
 */
static void take(struct device *dev)
{
	unsigned long end;

	pr_info_ratelimited("taking %s over from " RIVAL "\n", dev_name(dev));
	device_release_driver(dev);
	for (end = deadline(RESCIND_WAIT_MS); time_before(jiffies, end);) {
		if (rescinded(dev))
			return;
		msleep(POLL_MS);
	}
	attach(dev);
}

static void claim(struct work_struct *work)
{
	struct device *dev = NULL;

	while (!hkvp_driver_is_bound() && (dev = next_kvp(dev))) {
		if (rescinded(dev) || !hkvp_driver_matches(dev))
			continue;
		if (hkvp_driver_refused(dev) && is_unbound(dev)) {
			attach(dev);
			continue;
		}
		if (!held_by_rival(dev))
			continue;
		if (atomic_inc_return(&rounds) > ROUNDS_MAX) {
			pr_warn("leaving %s to " RIVAL ", which keeps taking it back\n",
				dev_name(dev));
			break;
		}
		take(dev);
	}
	put_device(dev);
}

static DECLARE_WORK(claim_work, claim);

/* The lock of the device is held here, so this only queues. */
static int on_bus_event(struct notifier_block *nb, unsigned long event,
			void *data)
{
	struct device *dev = data;

	if (event != BUS_NOTIFY_BOUND_DRIVER &&
	    event != BUS_NOTIFY_UNBOUND_DRIVER)
		return NOTIFY_DONE;
	if (!hkvp_driver_is_kvp(dev))
		return NOTIFY_DONE;
	if (event == BUS_NOTIFY_BOUND_DRIVER &&
	    dev->driver == hkvp_driver_core())
		atomic_set(&rounds, 0);
	else
		queue_work(wq, &claim_work);
	return NOTIFY_OK;
}

static struct notifier_block notifier = {
	.notifier_call = on_bus_event,
};

/**
 * hkvp_takeover_start() - take the KVP device from hv_utils, now and later
 *
 * Does not wait for it: hv_utils waits for its daemon when it lets the device
 * go, and that may be stopped. The driver is registered.
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
	queue_work(wq, &claim_work);
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
	destroy_workqueue(wq);
}

/* A KVP device that nobody has and the host has not withdrawn; or NULL. */
static struct device *orphan(void)
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

	if (!driver_find(RIVAL, hkvp_driver_core()->bus))
		return;
	while (time_before(jiffies, end)) {
		dev = orphan();
		if (!dev)
			return;
		put_device(dev);
		msleep(POLL_MS);
	}
	dev = orphan();
	if (!dev)
		return;
	if (device_attach(dev) > 0)
		pr_info("%s is back with " RIVAL "\n", dev_name(dev));
	put_device(dev);
}
