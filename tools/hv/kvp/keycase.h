/* SPDX-License-Identifier: GPL-2.0 */
/* Keys that Windows takes for one: it compares them without case. */
#ifndef KVPCTL_KEYCASE_H
#define KVPCTL_KEYCASE_H

#include "operations.h"

/* A pool with more items is not looked through for the sake of a warning. */
#define KEYCASE_ITEMS	16384

/* As strcmp(), without case. */
int keycase_compare(const char *a, const char *b);

/*
 * Warns of each key that @all has set and another one of the pool that differs from it
 * by case alone.
 */
void keycase_warn(unsigned int pool, const struct operations *all);

#endif /* KVPCTL_KEYCASE_H */
