/* SPDX-License-Identifier: GPL-2.0 */
/* One sysfs file per intrinsic item. */
#ifndef HKVP_INTRINSIC_FILES_H
#define HKVP_INTRINSIC_FILES_H

#include <linux/kobject.h>

int hkvp_intrinsic_files_create(struct kobject *parent);
void hkvp_intrinsic_files_remove(void);

#endif /* HKVP_INTRINSIC_FILES_H */
