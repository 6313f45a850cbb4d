// SPDX-License-Identifier: GPL-2.0
/*
 * Wakes who waits in poll() for a file of sysfs, and has udev told.
 *
 * Whoever has changed something marks it, in any context and for the price of
 * two atomic operations while a mark is pending. A work item does the rest: a
 * wake-up costs thousands of instructions, and the host would wait for them. The
 * mark is cleared before the wake-up, and set after the change, so that who is
 * woken and reads sees the last change, or is woken again.
 */
#include <linux/atomic.h>
#include <linux/bitops.h>
#include <linux/kobject.h>
#include <linux/sysfs.h>

#include "notify.h"

/* Changes that come in a burst wake once. */
#define SETTLE_MS	10

static_assert(HKVP_MARK_COUNT <= BITS_PER_LONG);

/*
 * @files: the file that tells of each, referenced; taken when the file is made,
 *	for looking it up takes a lock
 * @marks: what there is to tell, as a bitmap
 */
static struct {
	struct kernfs_node *files[HKVP_MARK_COUNT];
	struct workqueue_struct *wq;
	struct delayed_work work;
	atomic_long_t marks;
} notify;

static void wake(struct work_struct *work)
{
	unsigned long marks = atomic_long_xchg(&notify.marks, 0);
	unsigned int what;

	for_each_set_bit(what, &marks, HKVP_MARK_COUNT)
		if (notify.files[what])
			sysfs_notify_dirent(notify.files[what]);
	hkvp_uevent_mark(marks);
}

/**
 * hkvp_notify_start() - get ready
 * @kvp: the service; outlives this
 * @kobj: the device, of which udev is told; likewise
 * @wq: queue for the work; likewise
 *
 * Context: process, before all else here.
 */
void hkvp_notify_start(const struct hkvp *kvp, struct kobject *kobj,
		       struct workqueue_struct *wq)
{
	notify.wq = wq;
	atomic_long_set(&notify.marks, 0);
	INIT_DELAYED_WORK(&notify.work, wake);
	hkvp_uevent_start(kvp, kobj, wq);
}

/**
 * hkvp_notify_file() - name the file that tells of something
 * @what: what: a pool or HKVP_MARK_STATE
 * @folder: the file's folder
 * @name: its name
 *
 * Context: process, may sleep; before the first hkvp_notify() of @what.
 */
void hkvp_notify_file(unsigned int what, struct kobject *folder,
		      const char *name)
{
	notify.files[what] = sysfs_get_dirent(folder->sd, name);
}

/**
 * hkvp_notify_stop() - undo hkvp_notify_start()
 *
 * hkvp_notify() is not called any more. Before the files go.
 *
 * Context: process, may sleep.
 */
void hkvp_notify_stop(void)
{
	unsigned int what;

	cancel_delayed_work_sync(&notify.work);
	hkvp_uevent_stop();
	for (what = 0; what < HKVP_MARK_COUNT; what++) {
		sysfs_put(notify.files[what]);
		notify.files[what] = NULL;
	}
}

/**
 * hkvp_notify() - something has changed
 * @what: what: a pool or HKVP_MARK_STATE
 *
 * Context: any, between hkvp_notify_start() and hkvp_notify_stop().
 */
void hkvp_notify(unsigned int what)
{
	/* a work item sees what was written before it was queued, or found to be */
	atomic_long_or(BIT(what), &notify.marks);
	queue_delayed_work(notify.wq, &notify.work,
			   msecs_to_jiffies(SETTLE_MS));
}
