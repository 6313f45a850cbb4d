// SPDX-License-Identifier: GPL-2.0
/*
 * Fuzzes the pools: the sequences of tools/testing/model/sequence.c, with their
 * reference and all their checks, where the input takes the place of the random
 * numbers. So what is found here can be looked at there.
 *
 * The first byte of an input selects one of the model's setups, the others
 * decide what is done: changes, batches, pins, differences, failing allocations.
 */
#include <stddef.h>
#include <stdint.h>

#define rng_next input_next
#define rng_below input_below
#define main sequence_main
#include "../model/sequence.c"
#undef main

static const u8 *input;
static size_t left;

static u8 next(void)
{
	if (!left)
		return 0;
	left--;
	return *input++;
}

/* The model takes the bytes of a value from bit 40 on. */
u64 input_next(struct rng *rng)
{
	(void)rng;
	return (u64)next() << 40;
}

u32 input_below(struct rng *rng, u32 limit)
{
	u32 value = next();

	(void)rng;
	if (limit > 256)
		value |= next() << 8;
	return value % limit;
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	struct model m;

	input = data;
	left = size;
	/* The last one, of thousands of items, has too long a way to go. */
	begin(&m, &setups[next() % (ARRAY_SIZE(setups) - 1)]);
	while (left) {
		step(&m);
		compare_current(&m);
	}
	end(&m);
	return 0;
}
