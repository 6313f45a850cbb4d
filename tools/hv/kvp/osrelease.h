/* SPDX-License-Identifier: GPL-2.0 */
/* os-release(5): what the distribution says it is. */
#ifndef KVPCTL_OSRELEASE_H
#define KVPCTL_OSRELEASE_H

#include <stddef.h>

/* Longest value that is kept; longer ones are cut at a whole character. */
#define OSRELEASE_VALUE	256

/**
 * struct osrelease - the fields that a host is told
 * @name: NAME, else ID, else "Linux", as os-release(5) has it for want of one
 * @version_id: VERSION_ID, or empty: rolling distributions have none
 */
struct osrelease {
	char name[OSRELEASE_VALUE];
	char version_id[OSRELEASE_VALUE];
};

/**
 * osrelease_parse() - fields of an os-release file
 * @text: its contents, changed by the call
 * @os: gets the fields
 *
 * Quotes and backslashes are understood as a shell does; nothing is expanded
 * or run. A line that is no assignment, or whose quotes do not close, is left
 * out. Control characters in a value become spaces. The last assignment of a
 * name counts.
 */
void osrelease_parse(char *text, struct osrelease *os);

/**
 * osrelease_read() - fields of the system's os-release
 * @root: directory that stands for /, "" for the system's
 * @os: gets the fields; the defaults if there is no file
 *
 * Reads /etc/os-release, else /usr/lib/os-release, at most 64 KiB of it.
 *
 * Return: 0; a negative error, -ENOENT if there is neither file.
 */
int osrelease_read(const char *root, struct osrelease *os);

#endif /* KVPCTL_OSRELEASE_H */
