/* SPDX-License-Identifier: GPL-2.0 */
/* Operations for HV_KVP_IOC_BATCH, gathered one by one. */
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
	struct hv_kvp_op *ops;
	size_t count;
	size_t room;
};

/* They return the operation, for its conditions, until the next one is added. */
struct hv_kvp_op *operations_set(struct operations *all, const char *key, size_t key_len,
				 const struct value *value);
struct hv_kvp_op *operations_delete(struct operations *all, const char *key, size_t key_len);
/* Takes one out again; those behind it move up. */
void operations_drop(struct operations *all, size_t index);
void operations_free(struct operations *all);

const char *operation_key(const struct hv_kvp_op *op);

#endif /* OPERATIONS_H */
