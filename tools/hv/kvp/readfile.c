// SPDX-License-Identifier: GPL-2.0
#include <errno.h>
#include <fcntl.h>
#include <limits.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "readfile.h"

static int read_all(int fd, size_t limit, char **text, size_t *size)
{
	size_t used = 0, room = 4096;
	char *data = malloc(room), *more;
	ssize_t got;

	if (!data)
		return -ENOMEM;
	while ((got = read(fd, data + used, room - used - 1))) {
		if (got < 0 && errno == EINTR)
			continue;
		if (got < 0) {
			got = -errno;
			free(data);
			return got;
		}
		used += got;
		if (used > limit) {
			free(data);
			return -EFBIG;
		}
		if (room - used > 1)
			continue;
		more = realloc(data, room *= 2);
		if (!more) {
			free(data);
			return -ENOMEM;
		}
		data = more;
	}
	data[used] = '\0';
	*text = data;
	if (size)
		*size = used;
	return 0;
}

int readfile(const char *root, const char *path, size_t limit, char **text, size_t *size)
{
	char full[PATH_MAX];
	struct stat st;
	int fd, error;

	if (snprintf(full, sizeof(full), "%s%s", root, path) >= (int)sizeof(full))
		return -ENAMETOOLONG;
	/* Without O_NONBLOCK a FIFO would hang the caller before it is refused. */
	fd = open(full, O_RDONLY | O_CLOEXEC | O_NONBLOCK | O_NOCTTY);
	if (fd < 0)
		return -errno;
	if (fstat(fd, &st))
		error = -errno;
	else if (!S_ISREG(st.st_mode))
		error = -EINVAL;
	else
		error = read_all(fd, limit, text, size);
	close(fd);
	return error;
}

static bool is_section(const char *line, const char *section)
{
	size_t size = strlen(section);

	return !strncmp(line + 1, section, size) && line[size + 1] == ']';
}

bool readfile_value(const char *text, const char *section, const char *key, char *value,
		    size_t size)
{
	size_t key_size = strlen(key);
	bool inside = !section;

	for (const char *line = text; *line; line += strcspn(line, "\n"), line += *line == '\n') {
		size_t length;

		if (*line == '[')
			inside = !section || is_section(line, section);
		if (!inside || strncmp(line, key, key_size) || line[key_size] != '=')
			continue;
		length = strcspn(line + key_size + 1, "\n");
		if (length >= size)
			return false;
		memcpy(value, line + key_size + 1, length);
		value[length] = '\0';
		return true;
	}
	return false;
}
