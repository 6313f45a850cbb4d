/* SPDX-License-Identifier: GPL-2.0 */
/* Wakes who waits in poll() for a file of sysfs, and has udev told. */
#ifndef HKVP_NOTIFY_H
#define HKVP_NOTIFY_H

#include <linux/workqueue.h>

#include "wire.h"

struct hkvp;
struct kobject;

/* What there is to tell: a new version, by enum hkvp_pool_id, or the state. */
#define HKVP_NOTIFY_STATE	HKVP_POOL_COUNT
#define HKVP_NOTIFY_COUNT	(HKVP_POOL_COUNT + 1)

void hkvp_notify_start(const struct hkvp *kvp, struct kobject *kobj,
		       struct workqueue_struct *wq);
void hkvp_notify_file(unsigned int what, struct kobject *folder,
		      const char *name);
void hkvp_notify_stop(void);
void hkvp_notify(unsigned int what);

#endif /* HKVP_NOTIFY_H */
