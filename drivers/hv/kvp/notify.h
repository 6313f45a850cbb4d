/* SPDX-License-Identifier: GPL-2.0 */
/* Wakes who waits in poll() for a file of sysfs, and has udev told. */
#ifndef HKVP_NOTIFY_H
#define HKVP_NOTIFY_H

#include <linux/workqueue.h>

#include "uevent.h"

struct hkvp;
struct kobject;

void hkvp_notify_start(const struct hkvp *kvp, struct kobject *kobj,
		       struct workqueue_struct *wq);
void hkvp_notify_file(unsigned int what, struct kobject *folder,
		      const char *name);
void hkvp_notify_stop(void);
void hkvp_notify(unsigned int what);

#endif /* HKVP_NOTIFY_H */
