// SPDX-License-Identifier: GPL-2.0
/*
 * The node /dev/vmbus/hv_kvp. hv_utils has one of the same name while it has a
 * KVP device, so that ours is there only while we have it: it comes after the
 * device was bound and goes before it is let go. Documentation/design/device.md
 * has the order.
 */
#include <linux/device.h>
#include <linux/device/class.h>
#include <linux/jiffies.h>
#include <linux/miscdevice.h>
#include <linux/mutex.h>
#include <linux/workqueue.h>

#include "legacy.h"
#include "legacy_node.h"

/* The same in sysfs, where hv_utils' node would be. */
#define NODE_NAME	"vmbus/hv_kvp"
#define SYSFS_NAME	"vmbus!hv_kvp"

/* While somebody else has the name. */
#define RETRY_MS	1000

static struct miscdevice misc = {
	.name = NODE_NAME,
	.fops = &hkvp_legacy_fops,
	.mode = 0600,
};

static void attempt_work(struct work_struct *work);

/*
 * @lock: of all below
 * @sibling: another misc device; NULL before the start and after the end
 * @bound: we have the KVP device
 * @registered: the node is there
 * @attempt: makes the node, again and again until it is there
 */
static struct {
	struct mutex lock;	/* see above */
	struct device *sibling;
	bool bound;
	bool registered;
	struct delayed_work attempt;
} node = {
	.lock = __MUTEX_INITIALIZER(node.lock),
	.attempt = __DELAYED_WORK_INITIALIZER(node.attempt, attempt_work, 0),
};

/* sysfs warns of a name that is taken. */
static bool is_taken(void)
{
	struct device *dev = class_find_device_by_name(node.sibling->class,
						       SYSFS_NAME);

	put_device(dev);
	return dev;
}

static bool make(void)
{
	misc.minor = MISC_DYNAMIC_MINOR;
	return !is_taken() && !misc_register(&misc);
}

static void attempt_work(struct work_struct *work)
{
	mutex_lock(&node.lock);
	if (node.sibling && node.bound && !node.registered) {
		node.registered = make();
		if (!node.registered)
			schedule_delayed_work(&node.attempt,
					      msecs_to_jiffies(RETRY_MS));
	}
	mutex_unlock(&node.lock);
}

/* Under the lock. Takes no lock of VMBus's, so that its driver may wait. */
static void remove(void)
{
	if (!node.registered)
		return;
	misc_deregister(&misc);
	node.registered = false;
	hkvp_legacy_hang_up();
}

static void attempt(unsigned int delay_ms)
{
	if (node.sibling && node.bound)
		schedule_delayed_work(&node.attempt,
				      msecs_to_jiffies(delay_ms));
}

/**
 * hkvp_legacy_node_event() - the driver has or has not the KVP device
 * @event: what happened
 *
 * On return from %HKVP_DRIVER_UNBINDING and %HKVP_DRIVER_REFUSED the name is
 * free for hv_utils.
 *
 * Context: process, may sleep; before hkvp_legacy_node_start() and after
 *	hkvp_legacy_node_stop() too.
 */
void hkvp_legacy_node_event(enum hkvp_driver_event event)
{
	mutex_lock(&node.lock);
	switch (event) {
	case HKVP_DRIVER_BOUND:
		node.bound = true;
		attempt(0);
		break;
	case HKVP_DRIVER_UNBINDING:
		node.bound = false;
		remove();
		break;
	case HKVP_DRIVER_REFUSED:
		/* hv_utils gets that one, and is to have the name */
		remove();
		attempt(RETRY_MS);
		break;
	}
	mutex_unlock(&node.lock);
}

/**
 * hkvp_legacy_node_start() - have a node while the driver has the KVP device
 * @sibling: a misc device, there until hkvp_legacy_node_stop()
 *
 * Cannot fail, as an open descriptor does not keep a module whose start fails.
 *
 * Context: process, may sleep.
 */
void hkvp_legacy_node_start(struct device *sibling)
{
	mutex_lock(&node.lock);
	node.sibling = sibling;
	attempt(0);
	mutex_unlock(&node.lock);
}

/**
 * hkvp_legacy_node_stop() - remove the node for good
 *
 * Context: process, may sleep.
 */
void hkvp_legacy_node_stop(void)
{
	mutex_lock(&node.lock);
	remove();
	node.sibling = NULL;
	mutex_unlock(&node.lock);
	cancel_delayed_work_sync(&node.attempt);
}
