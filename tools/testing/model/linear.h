/* SPDX-License-Identifier: GPL-2.0 */
/*
 * Is a concurrent history linearizable? The search of Wing and Gong (1993) with
 * the memory of Lowe (2017): try the operations that may come first, one after
 * the other, and remember where that led nowhere.
 */
#ifndef MODEL_LINEAR_H
#define MODEL_LINEAR_H

#include <linux/types.h>

#define LINEAR_MAX	64

/**
 * struct linear_op - one operation of a history
 * @call: when it began
 * @reply: when it had ended, on the same clock
 * @data: for the @apply of the caller
 */
struct linear_op {
	u64 call;
	u64 reply;
	const void *data;
};

/* The operation on @state, or false if it cannot have ended as it did. */
typedef bool (*linear_apply)(u64 *state, const void *data);

/* At most LINEAR_MAX operations, from @state on. */
bool linearizable(const struct linear_op *op, u32 count, u64 state,
		  linear_apply apply);

#endif /* MODEL_LINEAR_H */
