/* SPDX-License-Identifier: GPL-2.0 */
/* /etc/network/interfaces and what it includes: interfaces(5). */
#ifndef KVPCTL_INTERFACES_H
#define KVPCTL_INTERFACES_H

#include <stdbool.h>
#include <stddef.h>
#include <stdio.h>

#define INTERFACES_MAIN		"/etc/network/interfaces"

/**
 * struct interfaces_file - one file
 * @path: absolute, below the root
 * @text: contents
 */
struct interfaces_file {
	char *path;
	char *text;
};

/**
 * struct interfaces - all files that ifupdown reads
 * @count: entries of @file
 * @file: the main file comes first
 * @directory: a directory whose files are included, or empty
 */
struct interfaces {
	unsigned int count;
	struct interfaces_file *file;
	char directory[256];
};

/**
 * interfaces_read() - reads the main file and those that it includes
 * @root: directory that stands for /, "" for the system's
 * @all: gets them; interfaces_free() frees them, also after an error
 *
 * Return: 0; -ENOENT without a main file; -EFBIG for one that is too large, -E2BIG for
 * files that include each other without an end: both were told.
 */
int interfaces_read(const char *root, struct interfaces *all);
void interfaces_free(struct interfaces *all);

/**
 * struct stanza - what the files say of an interface, for one family
 * @family: "inet" or "inet6"
 * @found: there is such a stanza
 * @dhcp: its method is dhcp
 * @kept: its lines that are not about addresses, or NULL
 */
struct stanza {
	const char *family;
	bool found;
	bool dhcp;
	char *kept;
};

/**
 * interfaces_find() - the stanza of an interface
 * @all: the files
 * @name: its name
 * @stanza: @family says which; gets the rest, the lines of several ones together
 */
void interfaces_find(const struct interfaces *all, const char *name, struct stanza *stanza);

/* Whether "auto" or "allow-..." has the interface. */
bool interfaces_is_started(const struct interfaces *all, const char *name);

/**
 * interfaces_replace() - a file with other stanzas for an interface
 * @file: the file
 * @mark: a line that stood before @text in earlier calls, and goes too
 * @name: the interface
 * @families: ended by NULL: stanzas of these are taken out
 * @text: what comes in their place, at the first of them
 * @placed: it is there already, in another file; set where it is put
 * @out: gets the file
 *
 * Aliases of the interface ("eth0:0") go with it, also from "auto".
 *
 * Return: how many stanzas and lines were changed; if none was, @out has the file as
 * it is.
 */
unsigned int interfaces_replace(const struct interfaces_file *file, const char *mark,
				const char *name, const char *const *families,
				const char *text, bool *placed, FILE *out);

#endif /* KVPCTL_INTERFACES_H */
