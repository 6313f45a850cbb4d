/* SPDX-License-Identifier: GPL-2.0 */
/*
 * A pool in a file. The first line names format and version, the second, if there
 * is one, the machine by /etc/machine-id, each item is a line as in lines.h, the
 * last line tells how many there are and the CRC-32 of all that comes before it:
 *
 *	hv_kvp-items	2
 *	machine	0123456789abcdef0123456789abcdef
 *	set	SZ	key	value
 *	end	1	0f6a1c33
 *
 * Version 1 has no machine.
 */
#ifndef SAVEFILE_H
#define SAVEFILE_H

#include "operations.h"

/* Where save and restore keep pool GUEST. */
#define SAVE_DIRECTORY	"/var/lib/hv_kvp"
#define SAVE_FILE	SAVE_DIRECTORY "/guest"

/*
 * Writes what @fn puts to the stream, so that @path has all of it or what it had,
 * whatever happens meanwhile. 0, or an exit code after it has told why.
 */
int savefile_write(const char *path, int (*fn)(void *ctx, FILE *out),
		   void *ctx);

/* Puts what comes before the items to @out. */
void savefile_begin(FILE *out);
/* The last line for @text, which has been written from savefile_begin() on. */
void savefile_end(FILE *out, const char *text, size_t len, uint64_t count);

/*
 * Adds all items of a file that is whole, each judged by fault_of(). 0, or an exit
 * code after it has told why; then @all may hold some.
 * @foreign: the file is of another machine; its items are added all the same
 * @left_out: items that the host alone can set, told on stderr
 */
int savefile_read(const char *path, struct operations *all, bool *foreign, size_t *left_out);

/* Where the machine's identity is; for tests. */
extern const char *savefile_machine;

#endif /* SAVEFILE_H */
