/* SPDX-License-Identifier: GPL-2.0 */
/* KOBJ_CHANGE of the device, at most one a second. */
#ifndef HKVP_UEVENT_H
#define HKVP_UEVENT_H

#include <linux/workqueue.h>

struct hkvp;
struct kobject;

void hkvp_uevent_start(const struct hkvp *kvp, struct kobject *kobj,
		       struct workqueue_struct *wq);
void hkvp_uevent_stop(void);
void hkvp_uevent_mark(unsigned long marks);

#endif /* HKVP_UEVENT_H */
