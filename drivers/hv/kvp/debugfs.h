/* SPDX-License-Identifier: GPL-2.0 */
/* Counters in debugfs, for people. */
#ifndef HKVP_DEBUGFS_H
#define HKVP_DEBUGFS_H

struct hkvp;

void hkvp_debugfs_start(struct hkvp *kvp);
void hkvp_debugfs_stop(void);

#endif /* HKVP_DEBUGFS_H */
