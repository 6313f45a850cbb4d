// SPDX-License-Identifier: GPL-2.0
/*
 * The VMBus driver: binds the KVP device and opens its channel, and no more
 * than that, for the probe runs in VMBus's offer work.
 */
#define pr_fmt(fmt) KBUILD_MODNAME ": " fmt

#include <linux/hyperv.h>
#include <linux/module.h>
#include <linux/spinlock.h>
#include <linux/uuid.h>

#include "channel.h"
#include "compat.h"
#include "driver.h"
#include "params.h"

static const struct hv_vmbus_device_id ids[] = {
	{ HV_KVP_GUID, },
	{ }
};
MODULE_DEVICE_TABLE(vmbus, ids);

static struct hv_driver driver;
static struct hkvp_channel *channel;
static void (*tell)(enum hkvp_driver_event event);

/* There is one service, so there is one device; set and cleared by cmpxchg. */
static struct hv_device *bound;

/*
 * The last device that the driver wants and does not have, by its instance, for
 * the device may be gone; nil if there is none. @wanted_lock is a leaf.
 */
static DEFINE_SPINLOCK(wanted_lock);
static guid_t wanted;

/* Drivers are being offered all devices that have none. */
static bool registering;

static const guid_t *instance_of(const struct device *dev)
{
	return &container_of_const(dev, struct hv_device, device)->dev_instance;
}

/*
 * Does the driver core offer the device on its own, or does somebody bind it by
 * hand? VMBus makes the folder of the channels when a new device has been
 * probed.
 */
static bool is_offer(const struct hv_device *dev)
{
	return READ_ONCE(registering) || !dev->channels_kset;
}

/*
 * driver_override and new_id bring devices of any class here.
 *
 * A second KVP device, which only a confused host offers, or one that reoffers
 * before it withdraws the old device, is left alone; takeover.c comes back for
 * it once the first is gone.
 */
static int bind_device(struct hv_device *dev, const struct hv_vmbus_device_id *id)
{
	if (!hkvp_driver_is_kvp(&dev->device))
		return -ENODEV;
	/* hv_utils gets it now, or when it is loaded */
	if (is_offer(dev) && !hkvp_params_takeover())
		return -ENODEV;
	if (cmpxchg(&bound, NULL, dev)) {
		hkvp_driver_want(&dev->device);
		tell(HKVP_DRIVER_REFUSED);
		return -EBUSY;
	}
	/* an administrator who unbinds it does not want it bound again */
	hkvp_driver_unwant(&dev->device);
	hkvp_channel_open(channel, dev->channel);
	tell(HKVP_DRIVER_BOUND);
	pr_info_ratelimited("serving %s\n", dev_name(&dev->device));
	return 0;
}

static hkvp_removed unbind_device(struct hv_device *dev)
{
	tell(HKVP_DRIVER_UNBINDING);
	hkvp_channel_close(channel);
	WRITE_ONCE(bound, NULL);
	return HKVP_REMOVED;
}

/*
 * Hibernation: the image must not hold an open channel. The pools stay, and
 * the host negotiates again after the resume.
 */
static int suspend_device(struct hv_device *dev)
{
	hkvp_channel_close(channel);
	return 0;
}

static int resume_device(struct hv_device *dev)
{
	hkvp_channel_open(channel, dev->channel);
	return 0;
}

/*
 * The driver core offers a new device to drivers that probe synchronously
 * first, and hv_utils asks for the opposite. So each new KVP device is ours,
 * whichever module was loaded first.
 */
static struct hv_driver driver = {
	.name = KBUILD_MODNAME,
	.id_table = ids,
	.probe = bind_device,
	.remove = unbind_device,
	.suspend = suspend_device,
	.resume = resume_device,
	.driver = {
		.probe_type = PROBE_FORCE_SYNCHRONOUS,
	},
};

/**
 * hkvp_driver_register() - bind the KVP device from now on
 * @ch: channel to open on it; closed
 * @tell_fn: told what becomes of KVP devices; process context, the device's lock
 *	is held
 *
 * A device that is there and unbound is bound on return.
 *
 * Context: process, may sleep.
 * Return: 0; -ENODEV if this is not Hyper-V; what driver_register() returns.
 */
int hkvp_driver_register(struct hkvp_channel *ch,
			 void (*tell_fn)(enum hkvp_driver_event event))
{
	int ret;

	channel = ch;
	tell = tell_fn;
	WRITE_ONCE(registering, true);
	ret = vmbus_driver_register(&driver);
	WRITE_ONCE(registering, false);
	return ret;
}

/**
 * hkvp_driver_unregister() - close the channel and let the device go
 *
 * Context: process, may sleep.
 */
void hkvp_driver_unregister(void)
{
	vmbus_driver_unregister(&driver);
}

/**
 * hkvp_driver_is_kvp() - is a device of VMBus a KVP device?
 * @dev: any device of VMBus
 *
 * Context: any.
 * Return: true if it is.
 */
bool hkvp_driver_is_kvp(const struct device *dev)
{
	return guid_equal(&container_of_const(dev, struct hv_device,
					      device)->dev_type, &ids[0].guid);
}

/**
 * hkvp_driver_is_bound() - does the driver have a device?
 *
 * Context: any.
 * Return: true if it has.
 */
bool hkvp_driver_is_bound(void)
{
	return READ_ONCE(bound);
}

/**
 * hkvp_driver_want() - the driver is to have a device as soon as it can
 * @dev: KVP device; the last one for which this is called counts
 *
 * Context: any but interrupts.
 */
void hkvp_driver_want(const struct device *dev)
{
	spin_lock(&wanted_lock);
	wanted = *instance_of(dev);
	spin_unlock(&wanted_lock);
}

/**
 * hkvp_driver_unwant() - undo hkvp_driver_want()
 * @dev: KVP device
 *
 * Context: any but interrupts.
 */
void hkvp_driver_unwant(const struct device *dev)
{
	spin_lock(&wanted_lock);
	if (guid_equal(&wanted, instance_of(dev)))
		wanted = guid_null;
	spin_unlock(&wanted_lock);
}

/**
 * hkvp_driver_wants() - is the driver to have a device as soon as it can?
 * @dev: KVP device
 *
 * Context: any but interrupts.
 * Return: true if it is.
 */
bool hkvp_driver_wants(const struct device *dev)
{
	bool wants;

	spin_lock(&wanted_lock);
	wants = guid_equal(&wanted, instance_of(dev));
	spin_unlock(&wanted_lock);
	return wants;
}

/**
 * hkvp_driver_matches() - may the driver have a device?
 * @dev: KVP device, whose lock is held: it keeps driver_override, which sysfs
 *	may change and free
 *
 * Not if somebody's driver_override gives it to another one.
 *
 * Context: process.
 * Return: true if it may.
 */
bool hkvp_driver_matches(struct device *dev)
{
	device_lock_assert(dev);
	return driver.driver.bus->match(dev, &driver.driver) > 0;
}

/**
 * hkvp_driver_core() - the driver as the driver core knows it
 *
 * Return: the driver; its bus is that of VMBus once it is registered.
 */
struct device_driver *hkvp_driver_core(void)
{
	return &driver.driver;
}
