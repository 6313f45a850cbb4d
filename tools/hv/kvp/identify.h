/* SPDX-License-Identifier: GPL-2.0 */
/* Tells the host who the guest is. */
#ifndef KVPCTL_IDENTIFY_H
#define KVPCTL_IDENTIFY_H

/**
 * identify_set() - overrides the intrinsic items that a distribution knows better
 * @device: /dev/hv_kvp, open for writing
 * @root: directory that stands for /, "" for the system's
 *
 * Return: 0, or an exit code after it has told why.
 */
int identify_set(int device, const char *root);

#endif /* KVPCTL_IDENTIFY_H */
