/* SPDX-License-Identifier: GPL-2.0 */
/* What a fuzzer is given, byte by byte, and how it says that something is wrong. */
#ifndef FUZZ_INPUT_H
#define FUZZ_INPUT_H

#include <stdio.h>
#include <stdlib.h>
#include <linux/types.h>

#define CHECK(cond) do {						\
	if (!(cond)) {							\
		fprintf(stderr, "%s:%d: not so: %s\n", __FILE__,	\
			__LINE__, #cond);				\
		abort();						\
	}								\
} while (0)

/* Zeroes come behind its end. */
struct input {
	const u8 *data;
	size_t left;
};

static inline u8 next(struct input *in)
{
	if (!in->left)
		return 0;
	in->left--;
	return *in->data++;
}

static inline u32 next16(struct input *in)
{
	u32 low = next(in);

	return low | next(in) << 8;
}

static inline u32 next32(struct input *in)
{
	u32 low = next16(in);

	return low | next16(in) << 16;
}

#endif /* FUZZ_INPUT_H */
