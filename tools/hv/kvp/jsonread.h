/* SPDX-License-Identifier: GPL-2.0 */
/*
 * Looks into JSON that another program has printed, without a tree of it: a value is
 * a pointer to where it begins. What is not well-formed has no members.
 */
#ifndef JSONREAD_H
#define JSONREAD_H

#include <stdbool.h>
#include <stddef.h>

/* The value of a name in an object; NULL if there is none. */
const char *jsonread_member(const char *object, const char *name);

/* The first value of an array, and the one after @value; NULL if there is none. */
const char *jsonread_first(const char *array);
const char *jsonread_next(const char *value);

/* A string without escapes that fits; else false. */
bool jsonread_string(const char *value, char *text, size_t size);

/* A whole number that is not negative. */
bool jsonread_number(const char *value, unsigned long *number);

#endif /* JSONREAD_H */
