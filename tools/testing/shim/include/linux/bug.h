/* SPDX-License-Identifier: GPL-2.0 */
/* A warning ends the test program: nothing is expected to warn. */
#ifndef SHIM_LINUX_BUG_H
#define SHIM_LINUX_BUG_H

#include <stdio.h>
#include <stdlib.h>

/* Set by a test that wants to see a warning: it is counted instead. */
extern _Thread_local int *shim_warnings;

static inline int shim_warn(const char *file, int line, const char *what)
{
	if (shim_warnings) {
		++*shim_warnings;
		return 1;
	}
	fprintf(stderr, "%s:%d: warning: %s\n", file, line, what);
	abort();
}

#define WARN_ON(cond) ((cond) ? shim_warn(__FILE__, __LINE__, #cond) : 0)
#define WARN_ON_ONCE(cond) WARN_ON(cond)
#define BUG_ON(cond) do { if (cond) abort(); } while (0)

#endif /* SHIM_LINUX_BUG_H */
