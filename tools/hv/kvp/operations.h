/* SPDX-License-Identifier: GPL-2.0 */
/* Operations for HVKVP_IOC_BATCH and HVKVP_IOC_IMPORT, gathered one by one. */
#ifndef OPERATIONS_H
#define OPERATIONS_H

#include "device.h"
#include "item.h"

/**
 * struct operations - a growing array
 * @ops: what the kernel is given; keys and values are copies
 * @count: of them
 * @room: for so many
 */
struct operations {
	struct hvkvp_op *ops;
	size_t count;
	size_t room;
};

void operations_set(struct operations *all, const char *key, size_t key_len,
		    const struct value *value);
void operations_delete(struct operations *all, const char *key,
		       size_t key_len);
/* Takes one out again; those behind it move up. */
void operations_drop(struct operations *all, size_t index);
void operations_free(struct operations *all);

const char *operation_key(const struct hvkvp_op *op);

#endif /* OPERATIONS_H */
