/* SPDX-License-Identifier: GPL-2.0 */
/* Small files that other programs keep, read whole. */
#ifndef KVPCTL_READFILE_H
#define KVPCTL_READFILE_H

#include <stdbool.h>
#include <stddef.h>

/**
 * readfile() - a whole file as text
 * @root: directory that stands for /, "" for the system's
 * @path: absolute path below it
 * @limit: most bytes to accept
 * @text: gets the contents, NUL-terminated; the caller frees them
 * @size: gets their size; may be NULL
 *
 * Return: 0; -EFBIG for more than @limit bytes; -EINVAL for what is no regular
 * file; any other negative error.
 */
int readfile(const char *root, const char *path, size_t limit, char **text, size_t *size);

/**
 * readfile_value() - the value of one KEY=value line
 * @text: contents of a file of such lines, as systemd and NetworkManager write
 * @section: only below this "[section]", or NULL for a file without sections
 * @key: the key
 * @value: gets the value without the line's end
 * @size: room at @value
 *
 * Return: whether there was such a line that fits.
 */
bool readfile_value(const char *text, const char *section, const char *key, char *value,
		    size_t size);

#endif /* KVPCTL_READFILE_H */
