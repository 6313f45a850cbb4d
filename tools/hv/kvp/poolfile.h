/* SPDX-License-Identifier: GPL-2.0 */
/*
 * The pool files of hv_kvp_daemon: records of 512 bytes for the key and 2,048
 * for the value, UTF-8, padded with zeroes (struct kvp_record in tools/hv of
 * Linux). What is behind the first NUL is left over from longer values.
 */
#ifndef POOLFILE_H
#define POOLFILE_H

#include "operations.h"

#define POOLFILE_KEY	512
#define POOLFILE_VALUE	2048
#define POOLFILE_RECORD	(POOLFILE_KEY + POOLFILE_VALUE)

/**
 * struct poolfile_faults - what of a file could not be taken as it is
 * @bad: records without a key, and one that is cut short: left out
 * @cut: values that are longer than an item's: their beginning was taken
 */
struct poolfile_faults {
	size_t bad;
	size_t cut;
};

/*
 * Adds the items of a file, the last where there is more than one of a key: who
 * appends means that one. What is counted in @faults is told on stderr. 0,
 * EXIT_NOT_FOUND without a word if there is no such file, or another exit code after
 * it has told why: it is a link, or belongs to neither root nor the caller.
 */
int poolfile_read(const char *path, struct operations *all, struct poolfile_faults *faults);

#endif /* POOLFILE_H */
