// SPDX-License-Identifier: GPL-2.0
/*
 * The VMBus driver: binds the KVP device and opens its channel, and no more
 * than that, for the probe runs in VMBus's offer work.
 */
#define pr_fmt(fmt) KBUILD_MODNAME ": " fmt

#include <linux/hyperv.h>
#include <linux/module.h>

#include "channel.h"
#include "compat.h"
#include "driver.h"

static const struct hv_vmbus_device_id ids[] = {
	{ HV_KVP_GUID, },
	{ }
};
MODULE_DEVICE_TABLE(vmbus, ids);

static struct hkvp_channel *channel;
static void (*tell)(enum hkvp_driver_event event);

/* There is one service, so there is one device; set and cleared by cmpxchg. */
static struct hv_device *bound;

/* The last one that was left alone; compared only, for it may be gone. */
static struct hv_device *refused;

/*
 * A second KVP device, which only a confused host offers, or one that offers
 * anew before it withdraws the old one, is left alone; takeover.c comes back
 * for it once the first is gone.
 */
static int bind(struct hv_device *dev, const struct hv_vmbus_device_id *id)
{
	if (cmpxchg(&bound, NULL, dev)) {
		WRITE_ONCE(refused, dev);
		tell(HKVP_DRIVER_REFUSED);
		return -EBUSY;
	}
	/* who unbinds it does not want it bound again */
	cmpxchg(&refused, dev, NULL);
	hkvp_channel_open(channel, dev->channel);
	tell(HKVP_DRIVER_BOUND);
	pr_info_ratelimited("serving %s\n", dev_name(&dev->device));
	return 0;
}

static hkvp_removed unbind(struct hv_device *dev)
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
static int suspend(struct hv_device *dev)
{
	hkvp_channel_close(channel);
	return 0;
}

static int resume(struct hv_device *dev)
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
	.probe = bind,
	.remove = unbind,
	.suspend = suspend,
	.resume = resume,
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
	channel = ch;
	tell = tell_fn;
	return vmbus_driver_register(&driver);
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
 * hkvp_driver_refused() - did the driver leave a device alone, having another?
 * @dev: KVP device
 *
 * Context: any.
 * Return: true if it is the last one that was left alone, and never bound since.
 */
bool hkvp_driver_refused(const struct device *dev)
{
	return READ_ONCE(refused) == container_of_const(dev, struct hv_device,
							device);
}

/**
 * hkvp_driver_matches() - may the driver have a device?
 * @dev: KVP device
 *
 * Not if somebody's driver_override gives it to another one.
 *
 * Context: process.
 * Return: true if it may.
 */
bool hkvp_driver_matches(struct device *dev)
{
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
