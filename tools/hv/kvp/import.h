/* SPDX-License-Identifier: GPL-2.0 */
/* HV_KVP_IOC_BATCH for any number of items, which are the pool's own. */
#ifndef IMPORT_H
#define IMPORT_H

#include "operations.h"

/**
 * struct import_result - what became of the items
 * @done: imported
 * @kept: left out, because the pool has them
 * @bad: left out, because the kernel refuses such an item
 */
struct import_result {
	size_t done;
	size_t kept;
	size_t bad;
};

/**
 * struct import_source - where items come from
 * @name: of the file, for messages
 * @skip_bad: leave out what is malformed, with a warning
 * @replace: items that are there are replaced
 */
struct import_source {
	const char *name;
	bool skip_bad;
	bool replace;
};

/*
 * The kernel takes so many at a time, each time all or none. 0, or an exit code
 * after it has told why; @result says how far it came. @all loses bad items.
 */
int import_all(int fd, unsigned int pool, struct operations *all,
	       const struct import_source *source,
	       struct import_result *result);

#endif /* IMPORT_H */
