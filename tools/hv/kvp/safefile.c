// SPDX-License-Identifier: GPL-2.0
#include <errno.h>
#include <fcntl.h>
#include <linux/openat2.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <sys/xattr.h>
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

/* Whatever the umask is: others have files to read in there. */
static int make_dir(int parent, const char *name)
{
	int fd, error;

	if (mkdirat(parent, name, 0700))
		return errno == EEXIST ? 0 : -errno;
	fd = open_in(parent, name, O_RDONLY | O_DIRECTORY);
	if (fd < 0)
		return fd;
	error = fchmod(fd, 0755) ? -errno : 0;
	close(fd);
	return error;
}

/* The directory, and those above it as far as they are missing. */
static int make_all(int top, const char *path)
{
	char parent[PATH_MAX], *name;
	int up, error;

	snprintf(parent, sizeof(parent), "%s", path);
	name = strrchr(parent, '/');
	if (!name)
		return -ENOENT;
	*name++ = '\0';
	up = open_in(top, *parent ? parent : "/", O_RDONLY | O_DIRECTORY);
	if (up == -ENOENT && *parent) {
		error = make_all(top, parent);
		up = error ? error : open_in(top, parent, O_RDONLY | O_DIRECTORY);
	}
	if (up < 0)
		return up;
	error = make_dir(up, name);
	if (!error && fsync(up))
		error = -errno;
	close(up);
	return error;
}

static int open_dir(const char *root, const char *path, bool make)
{
	int top, fd, error;

	top = open(*root ? root : "/", O_PATH | O_DIRECTORY | O_CLOEXEC);
	if (top < 0)
		return -errno;
	fd = open_in(top, path, O_RDONLY | O_DIRECTORY);
	if (fd == -ENOENT && make) {
		error = make_all(top, path);
		fd = error ? error : open_in(top, path, O_RDONLY | O_DIRECTORY);
	}
	close(top);
	return fd;
}

static int read_old(struct safefile *file)
{
	struct stat st;
	ssize_t got;

	if (fstat(file->fd, &st))
		return -errno;
	if (!S_ISREG(st.st_mode))
		return -EINVAL;
	if (st.st_size > SAFEFILE_MAX)
		return -EFBIG;
	file->existed = true;
	file->mode = st.st_mode & 0777;
	file->owner = st.st_uid;
	file->group = st.st_gid;
	file->old = malloc(st.st_size + 1);
	if (!file->old)
		return -ENOMEM;
	while (file->old_size < (size_t)st.st_size) {
		got = read(file->fd, file->old + file->old_size, st.st_size - file->old_size);
		if (got < 0)
			return -errno;
		if (!got)
			break;
		file->old_size += got;
	}
	file->old[file->old_size] = '\0';
	return 0;
}

/* O_NONBLOCK: a FIFO must not hang us before it is refused. */
static int open_there(const struct safefile *file)
{
	return open_in(file->dir, file->name, O_RDONLY | O_NONBLOCK | O_NOCTTY);
}

/* File descriptors of none, so that it can be closed at any time. */
static void clear(struct safefile *file)
{
	memset(file, 0, sizeof(*file));
	file->dir = -1;
	file->fd = -1;
}

int safefile_open(struct safefile *file, const char *root, const char *path, bool make_dir)
{
	char dir[PATH_MAX], *name;

	clear(file);
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
	file->fd = open_there(file);
	if (file->fd == -ENOENT)
		return 0;
	return file->fd < 0 ? file->fd : read_old(file);
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

/*
 * Access control lists and labels of the old file, as far as they can be had. Not
 * what is a digest of its contents.
 */
static void copy_attributes(int from, int to)
{
	char names[4096], value[4096];
	ssize_t all = flistxattr(from, names, sizeof(names));

	for (ssize_t at = 0; at < all; at += strlen(names + at) + 1) {
		const char *name = names + at;
		ssize_t size;

		if (!strcmp(name, "security.ima") || !strcmp(name, "security.evm"))
			continue;
		size = fgetxattr(from, name, value, sizeof(value));
		if (size >= 0)
			fsetxattr(to, name, value, size, 0);
	}
}

/* The new file may be read by those who could read the old one, and by nobody else. */
static int give_away(const struct safefile *file, int fd, mode_t mode)
{
	struct stat st;

	if (!file->existed)
		return fchmod(fd, mode) ? -errno : 0;
	if (fstat(fd, &st))
		return -errno;
	if ((st.st_uid != file->owner || st.st_gid != file->group) &&
	    fchown(fd, file->owner, file->group))
		return -errno;
	copy_attributes(file->fd, fd);
	/* last, since a list for access brings permissions with it */
	return fchmod(fd, mode) ? -errno : 0;
}

/* Writes @target by way of a new file that nobody has open. */
static int replace(const struct safefile *file, const char *target, const char *text, size_t size,
		   mode_t mode, bool *replaced)
{
	char temp[NAME_MAX + 1];
	int fd, error;

	snprintf(temp, sizeof(temp), ".%.200s" NEW_SUFFIX, file->name);
	unlinkat(file->dir, temp, 0);		/* of one that was killed */
	fd = openat(file->dir, temp, O_WRONLY | O_CREAT | O_EXCL | O_NOFOLLOW | O_CLOEXEC, 0600);
	if (fd < 0)
		return -errno;
	error = give_away(file, fd, mode);
	if (!error)
		error = write_all(fd, text, size);
	if (close(fd) && !error)
		error = -errno;
	if (!error && renameat(file->dir, temp, file->dir, target))
		error = -errno;
	*replaced |= !error;
	if (error)
		unlinkat(file->dir, temp, 0);
	else if (fsync(file->dir))
		error = -errno;
	return error;
}

int safefile_backup(struct safefile *file)
{
	char kept[NAME_MAX + 1];
	bool done = false;

	if (!file->existed)
		return 0;
	snprintf(kept, sizeof(kept), ".%.200s" OLD_SUFFIX, file->name);
	return replace(file, kept, file->old, file->old_size, file->mode, &done);
}

int safefile_write(struct safefile *file, const char *text, size_t size, mode_t mode)
{
	return replace(file, file->name, text, size, mode, &file->changed);
}

int safefile_remove(struct safefile *file)
{
	if (unlinkat(file->dir, file->name, 0))
		return errno == ENOENT ? 0 : -errno;
	file->changed = true;
	return fsync(file->dir) ? -errno : 0;
}

int safefile_rename(struct safefile *file, const char *name)
{
	if (renameat(file->dir, file->name, file->dir, name))
		return -errno;
	return fsync(file->dir) ? -errno : 0;
}

bool safefile_is_there(const struct safefile *file)
{
	return !faccessat(file->dir, file->name, F_OK, AT_SYMLINK_NOFOLLOW);
}

/* Whether the file is what it was, in every respect that is put back. */
static bool is_same(const struct safefile *file)
{
	struct safefile now = *file;
	bool same;

	now.old = NULL;
	now.old_size = 0;
	now.fd = open_there(file);
	if (now.fd < 0)
		return now.fd == -ENOENT && !file->existed;
	same = file->existed && !read_old(&now) && now.mode == file->mode &&
	       now.owner == file->owner && now.group == file->group &&
	       now.old_size == file->old_size && !memcmp(now.old, file->old, now.old_size);
	now.dir = -1;
	safefile_close(&now);
	return same;
}

void safefile_look(struct safefile *file)
{
	file->changed |= !is_same(file);
}

static void forget_old(struct safefile *file)
{
	if (file->old)
		explicit_bzero(file->old, file->old_size);
	free(file->old);
	file->old = NULL;
	file->old_size = 0;
}

int safefile_recall(struct safefile *file, bool existed, mode_t mode, uid_t owner, gid_t group,
		    const char *text, size_t size)
{
	char *copy = malloc(size + 1);

	if (!copy)
		return -ENOMEM;
	if (size)
		memcpy(copy, text, size);
	forget_old(file);
	file->old = copy;
	file->old_size = size;
	file->existed = existed;
	file->mode = mode;
	file->owner = owner;
	file->group = group;
	safefile_look(file);
	return 0;
}

int safefile_restore(struct safefile *file)
{
	bool done = false;

	if (!file->changed)
		return 0;
	if (file->existed)
		return replace(file, file->name, file->old, file->old_size, file->mode, &done);
	return safefile_remove(file);
}

void safefile_close(struct safefile *file)
{
	if (file->dir >= 0)
		close(file->dir);
	if (file->fd >= 0)
		close(file->fd);
	forget_old(file);
	clear(file);
}
