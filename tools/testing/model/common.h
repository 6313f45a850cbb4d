/* SPDX-License-Identifier: GPL-2.0 */
/* What the model programs share: KTAP, random numbers, keys, invariants. */
#ifndef MODEL_COMMON_H
#define MODEL_COMMON_H

#include <stdio.h>
#include <stdlib.h>

#include <linux/string.h>
#include <linux/types.h>

#include "pool.h"

/* Ends the program: what follows a broken invariant tells nothing. */
#define REQUIRE(cond, ...) do {						\
	if (!(cond)) {							\
		printf("# %s:%d: %s\n#", __FILE__, __LINE__, #cond);	\
		printf(" " __VA_ARGS__);					\
		printf("\n");						\
		fflush(stdout);						\
		abort();						\
	}								\
} while (0)

void ktap_plan(unsigned int tests);
void ktap_ok(const char *format, ...) __printf(1, 2);

/*
 * Part of values, so that one which is freed and not wiped ends the program: see
 * shim_secret, which ktap_plan() sets. Eight bytes, four letters on the wire.
 */
#define MODEL_SECRET "s\0e\0c\0r"
#define MODEL_SECRET_SIZE sizeof(MODEL_SECRET)

/* Numbers of one thread's own sequence. */
struct rng {
	u64 state;
};

u64 rng_next(struct rng *rng);
u32 rng_below(struct rng *rng, u32 limit);

/* Key number @n as UTF-16LE with its NUL; returns its bytes. */
#define MODEL_KEY_SIZE 42
u32 model_key(u8 key[MODEL_KEY_SIZE], u32 n);

/* Everything that must hold in a version, whatever led to it. */
void check_version(const struct hkvp_version *v);

/*
 * Let the count of what @pool has dropped begin right before it wraps, as it does
 * after 4 GiB where it has 32 bits. @pool is new.
 */
void wrap_soon(struct hkvp_pool *pool);

double seconds(void);

/* First argument as a number, or @fallback. */
u64 argument(int argc, char **argv, u64 fallback);

/* For as much as there is memory. */
extern struct hkvp_budget no_limits;

/* Nothing is held or kept on any account of @budget, to the byte. */
void check_unused(const struct hkvp_budget *budget);

/* What is kept on all accounts. */
long kept_bytes(const struct hkvp_budget *budget);

#endif /* MODEL_COMMON_H */
