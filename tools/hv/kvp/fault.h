/* SPDX-License-Identifier: GPL-2.0 */
/* What may be wrong with an item. */
#ifndef KVPCTL_FAULT_H
#define KVPCTL_FAULT_H

#include <linux/hv_kvp.h>

/* Longest key and value, in UTF-16 code units. */
#define KEY_UNITS	255
#define VALUE_UNITS	1023

/**
 * fault_of() - judges an item as the kernel would
 * @op: that sets it
 *
 * Return: 0, or the kernel's error: -EINVAL, -ENAMETOOLONG, -EMSGSIZE; -EILSEQ for
 * what only the host can set, unpaired surrogates, and for what is no UTF-8.
 */
int fault_of(const struct hv_kvp_op *op);

/* An error of the device, positive, in words, with limit and remedy; NULL if it has none. */
const char *fault_words(int error);

#endif /* KVPCTL_FAULT_H */
