// SPDX-License-Identifier: GPL-2.0
#include <errno.h>
#include <fcntl.h>
#include <linux/openat2.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <unistd.h>

#include "safefile.h"

/* Names that begin with a dot and end so are read by none of the stacks. */
#define NEW_SUFFIX	".hv_kvp-new~"
#define OLD_SUFFIX	".hv_kvp-old~"

/* openat2() has the kernel watch for links in every part of the path. */
static int open_in(int root, const char *path, int flags)
{
	struct open_how how = {
		.flags = flags | O_CLOEXEC,
		.resolve = RESOLVE_NO_SYMLINKS | RESOLVE_IN_ROOT | RESOLVE_NO_MAGICLINKS,
	};
	int fd = syscall(SYS_openat2, root, path, &how, sizeof(how));

	return fd < 0 ? -errno : fd;
}

static int open_dir(const char *root, const char *path, bool make)
{
	char parent[PATH_MAX], *name;
	int top, fd, up;

	top = open(*root ? root : "/", O_PATH | O_DIRECTORY | O_CLOEXEC);
	if (top < 0)
		return -errno;
	fd = open_in(top, path, O_RDONLY | O_DIRECTORY);
	if (fd == -ENOENT && make) {
		snprintf(parent, sizeof(parent), "%s", path);
		name = strrchr(parent, '/');
		*name++ = '\0';
		up = open_in(top, *parent ? parent : "/", O_RDONLY | O_DIRECTORY);
		if (up >= 0) {
			mkdirat(up, name, 0755);
			close(up);
			fd = open_in(top, path, O_RDONLY | O_DIRECTORY);
		}
	}
	close(top);
	return fd;
}

static int read_old(struct safefile *file, int fd)
{
	struct stat st;
	ssize_t got;

	if (fstat(fd, &st))
		return -errno;
	if (!S_ISREG(st.st_mode))
		return -EINVAL;
	if (st.st_size > SAFEFILE_MAX)
		return -EFBIG;
	file->existed = true;
	file->mode = st.st_mode & 0777;
	file->old = malloc(st.st_size + 1);
	if (!file->old)
		return -ENOMEM;
	while (file->old_size < (size_t)st.st_size) {
		got = read(fd, file->old + file->old_size, st.st_size - file->old_size);
		if (got < 0)
			return -errno;
		if (!got)
			break;
		file->old_size += got;
	}
	file->old[file->old_size] = '\0';
	return 0;
}

int safefile_open(struct safefile *file, const char *root, const char *path, bool make_dir)
{
	char dir[PATH_MAX], *name;
	int fd, error;

	memset(file, 0, sizeof(*file));
	file->dir = -1;
	if (snprintf(dir, sizeof(dir), "%s", path) >= (int)sizeof(dir))
		return -ENAMETOOLONG;
	name = strrchr(dir, '/');
	if (!name || !name[1] || strstr(path, "/../") || !strcmp(name, "/.."))
		return -EINVAL;
	*name++ = '\0';
	/* as replace() has it: room for a dot and the suffix */
	if (strlen(name) > 200)
		return -ENAMETOOLONG;
	strcpy(file->name, name);
	file->dir = open_dir(root, *dir ? dir : "/", make_dir);
	if (file->dir < 0)
		return file->dir;
	/* O_NONBLOCK: a FIFO must not hang us before it is refused */
	fd = open_in(file->dir, file->name, O_RDONLY | O_NONBLOCK | O_NOCTTY);
	if (fd == -ENOENT)
		return 0;
	if (fd < 0)
		return fd;
	error = read_old(file, fd);
	close(fd);
	return error;
}

static int write_all(int fd, const char *text, size_t size)
{
	while (size) {
		ssize_t done = write(fd, text, size);

		if (done < 0 && errno == EINTR)
			continue;
		if (done < 0)
			return -errno;
		text += done;
		size -= done;
	}
	return fsync(fd) ? -errno : 0;
}

/* Writes @target by way of a new file that nobody has open. */
static int replace(int dir, const char *name, const char *target, const char *text, size_t size,
		   mode_t mode)
{
	char temp[NAME_MAX + 1];
	int fd, error;

	snprintf(temp, sizeof(temp), ".%.200s" NEW_SUFFIX, name);
	unlinkat(dir, temp, 0);		/* of one that was killed */
	fd = openat(dir, temp, O_WRONLY | O_CREAT | O_EXCL | O_NOFOLLOW | O_CLOEXEC, 0600);
	if (fd < 0)
		return -errno;
	error = fchmod(fd, mode) ? -errno : write_all(fd, text, size);
	if (close(fd) && !error)
		error = -errno;
	if (!error && renameat(dir, temp, dir, target))
		error = -errno;
	if (error)
		unlinkat(dir, temp, 0);
	else if (fsync(dir))
		error = -errno;
	return error;
}

int safefile_backup(struct safefile *file)
{
	char kept[NAME_MAX + 1];

	if (!file->existed)
		return 0;
	snprintf(kept, sizeof(kept), ".%.200s" OLD_SUFFIX, file->name);
	return replace(file->dir, file->name, kept, file->old, file->old_size, file->mode);
}

int safefile_write(struct safefile *file, const char *text, size_t size, mode_t mode)
{
	return replace(file->dir, file->name, file->name, text, size, mode);
}

int safefile_remove(struct safefile *file)
{
	if (unlinkat(file->dir, file->name, 0) && errno != ENOENT)
		return -errno;
	return fsync(file->dir) ? -errno : 0;
}

int safefile_restore(struct safefile *file)
{
	if (file->existed)
		return replace(file->dir, file->name, file->name, file->old, file->old_size,
			       file->mode);
	return safefile_remove(file);
}

void safefile_close(struct safefile *file)
{
	if (file->dir >= 0)
		close(file->dir);
	if (file->old)
		explicit_bzero(file->old, file->old_size);
	free(file->old);
	memset(file, 0, sizeof(*file));
	file->dir = -1;
}
