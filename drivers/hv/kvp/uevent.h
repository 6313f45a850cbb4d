/* SPDX-License-Identifier: GPL-2.0 */
/* KOBJ_CHANGE of the device, at most one a second. */
#ifndef HKVP_UEVENT_H
#define HKVP_UEVENT_H

#include <linux/workqueue.h>

#include "wire.h"

struct hkvp;
struct kobject;

/* What there is to tell: a new version, by enum hkvp_pool_id, or the state. */
#define HKVP_MARK_STATE		HKVP_POOL_COUNT
#define HKVP_MARK_COUNT		(HKVP_POOL_COUNT + 1)

void hkvp_uevent_start(const struct hkvp *kvp, struct kobject *kobj,
		       struct workqueue_struct *wq);
void hkvp_uevent_stop(void);
void hkvp_uevent_mark(unsigned long marks);

#endif /* HKVP_UEVENT_H */
