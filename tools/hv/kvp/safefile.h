/* SPDX-License-Identifier: GPL-2.0 */
/* Files of other programs, replaced as one step and put back if need be. */
#ifndef KVPCTL_SAFEFILE_H
#define KVPCTL_SAFEFILE_H

#include <limits.h>
#include <stdbool.h>
#include <stddef.h>
#include <sys/types.h>

/* Longest file that is kept for the way back. */
#define SAFEFILE_MAX	(16 * 1024 * 1024)

/**
 * struct safefile - a file that was, or is about to be, replaced
 * @dir: descriptor of its directory
 * @name: its name there
 * @existed: there was such a file
 * @changed: it is another than the old one, or none
 * @mode: permissions of the old file
 * @owner: its owner
 * @group: its group
 * @fd: the old file itself, or -1
 * @old: contents of the old file
 * @old_size: bytes of @old
 */
struct safefile {
	int dir;
	char name[NAME_MAX + 1];
	bool existed;
	bool changed;
	mode_t mode;
	uid_t owner;
	gid_t group;
	int fd;
	char *old;
	size_t old_size;
};

/**
 * safefile_open() - remembers what a file holds
 * @file: gets the state; safefile_close() frees it
 * @root: directory that stands for /, "" for the system's
 * @path: absolute path below it. No part of it may be a symbolic link, or ".."
 * @make_dir: its directory, and those above it, are made, 0755, if they are missing
 *
 * Return: 0; -ELOOP for a symbolic link; -EINVAL for what is no regular file;
 * another negative error. The file is as it was.
 */
int safefile_open(struct safefile *file, const char *root, const char *path, bool make_dir);

/**
 * safefile_backup() - keeps the old contents beside the file
 * @file: the file
 *
 * In ".NAME.hv_kvp-old~", which no network stack reads.
 *
 * Return: 0, or a negative error.
 */
int safefile_backup(struct safefile *file);

/**
 * safefile_write() - replaces the file
 * @file: the file
 * @text: new contents
 * @size: bytes of @text
 * @mode: permissions, set before there is any content
 *
 * Owner, group and extended attributes are those of the old file. It is on disk
 * when the call returns. Readers see the old file or the new one.
 *
 * Return: 0, or a negative error, and the file is as it was.
 */
int safefile_write(struct safefile *file, const char *text, size_t size, mode_t mode);

/**
 * safefile_remove() - takes the file away
 * @file: the file
 *
 * Return: 0, also if there is none; or a negative error.
 */
int safefile_remove(struct safefile *file);

/**
 * safefile_rename() - gives the file another name in its directory
 * @file: the file
 * @name: the name; a file that has it is replaced
 *
 * Return: 0, and it is on disk; or a negative error.
 */
int safefile_rename(struct safefile *file, const char *name);

/* Whether there is such a file at this moment. */
bool safefile_is_there(const struct safefile *file);

/**
 * safefile_look() - notes whether others have changed the file
 * @file: the file
 *
 * Since safefile_open(). If it cannot be read it counts as changed.
 */
void safefile_look(struct safefile *file);

/**
 * safefile_restore() - puts back what was there at safefile_open()
 * @file: the file
 *
 * If it was not changed by the calls above, nor was it at safefile_look(), it
 * stays as it is now: it is not for us to put back.
 *
 * Return: 0, or a negative error.
 */
int safefile_restore(struct safefile *file);

/**
 * safefile_recall() - what the file was is known from an earlier process
 * @file: the file; what safefile_open() found is forgotten
 * @existed: it was there, and the rest counts
 * @mode: permissions
 * @owner: user
 * @group: group
 * @text: contents, copied
 * @size: bytes of @text
 *
 * safefile_restore() puts that back, unless the file is just that.
 *
 * Return: 0 or -ENOMEM.
 */
int safefile_recall(struct safefile *file, bool existed, mode_t mode, uid_t owner, gid_t group,
		    const char *text, size_t size);

/**
 * safefile_close() - frees what safefile_open() took
 * @file: the file; may be all zero but for a @dir of -1
 */
void safefile_close(struct safefile *file);

#endif /* KVPCTL_SAFEFILE_H */
