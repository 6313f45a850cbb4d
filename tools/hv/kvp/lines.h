/* SPDX-License-Identifier: GPL-2.0 */
/*
 * Operations as lines of text, for batches and saved pools; fields are
 * separated by one tab each, with the escapes of text.h:
 *
 *	set[,CONDITION]...	TYPE	KEY	VALUE
 *	delete[,CONDITION]...	KEY
 *
 * The conditions are if-absent (of set alone), if-generation=N and unless-host. With
 * or-skip an operation is left out where one does not hold, or the key to be deleted
 * is not there; else nothing at all is done.
 */
#ifndef LINES_H
#define LINES_H

#include <stdio.h>

#include "operations.h"

/* One line with its newline. */
void line_put_set(FILE *out, const struct hv_kvp_item *item);

/*
 * Adds what the line says; it is written into. Empty lines and those that begin
 * with # say nothing. NULL, or what is wrong with the line.
 */
const char *line_take(struct operations *all, char *line, size_t len);

#endif /* LINES_H */
