// SPDX-License-Identifier: GPL-2.0
/* Gathers operations. */
#include <stdlib.h>
#include <string.h>

#include "kvpctl.h"
#include "operations.h"

static struct hv_kvp_op *add(struct operations *all)
{
	struct hv_kvp_op *op;

	if (all->count == all->room) {
		all->room = all->room ? 2 * all->room : 16;
		all->ops = need_more(all->ops, all->room, sizeof(*all->ops));
	}
	op = &all->ops[all->count++];
	memset(op, 0, sizeof(*op));
	return op;
}

/* One block of memory for both, each with a NUL behind it. */
static void copy(struct hv_kvp_op *op, const char *key, size_t key_len,
		 const struct value *value)
{
	size_t value_len = value ? value->len : 0;
	char *memory = need(key_len + value_len + 2);

	memcpy(memory, key, key_len);
	op->key = PTR(memory);
	op->key_len = key_len;
	if (!value)
		return;
	memory += key_len + 1;
	memcpy(memory, value->bytes, value_len);
	op->value = PTR(memory);
	op->value_len = value_len;
	op->type = value->type;
}

struct hv_kvp_op *operations_set(struct operations *all, const char *key, size_t key_len,
				 const struct value *value)
{
	struct hv_kvp_op *op = add(all);

	copy(op, key, key_len, value);
	op->op = HV_KVP_OP_SET;
	return op;
}

struct hv_kvp_op *operations_delete(struct operations *all, const char *key, size_t key_len)
{
	struct hv_kvp_op *op = add(all);

	copy(op, key, key_len, NULL);
	op->op = HV_KVP_OP_DELETE;
	return op;
}

const char *operation_key(const struct hv_kvp_op *op)
{
	return (const char *)(uintptr_t)op->key;
}

void operations_drop(struct operations *all, size_t index)
{
	free((void *)(uintptr_t)all->ops[index].key);
	all->count--;
	memmove(&all->ops[index], &all->ops[index + 1],
		(all->count - index) * sizeof(*all->ops));
}

void operations_free(struct operations *all)
{
	for (size_t i = 0; i < all->count; i++)
		free((void *)(uintptr_t)all->ops[i].key);
	free(all->ops);
	memset(all, 0, sizeof(*all));
}
