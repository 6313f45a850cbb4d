// SPDX-License-Identifier: GPL-2.0
/* Reads the pool files of hv_kvp_daemon. */
#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <time.h>
#include <unistd.h>

#include "fault.h"
#include "kvpctl.h"
#include "poolfile.h"
#include "text.h"

/* Whoever writes such a file holds its lock for milliseconds. */
#define LOCK_TRIES	100
#define LOCK_PAUSE_MS	100

/* As the daemon does: a POSIX lock on all of the file. */
static int lock(int fd)
{
	const struct timespec pause = { .tv_nsec = LOCK_PAUSE_MS * 1000000L };
	struct flock lock = { .l_type = F_RDLCK, .l_whence = SEEK_SET };

	for (int i = 0; i < LOCK_TRIES; i++) {
		if (!fcntl(fd, F_SETLK, &lock))
			return 0;
		if (errno != EAGAIN && errno != EACCES)
			return -1;
		nanosleep(&pause, NULL);
	}
	errno = EBUSY;
	return -1;
}

/* Bytes of a field, without a character that its end has cut in two. */
static size_t field_length(const char *field, size_t size)
{
	size_t len = strnlen(field, size);
	uint32_t code;

	for (size_t n = 1; len == size && n <= 3; n++) {
		if (((unsigned char)field[len - n] & 0xc0) == 0x80)
			continue;
		if (text_decode(field + len - n, n, &code) != n || code == TEXT_BAD)
			len -= n;
		break;
	}
	return len;
}

/* False if the value had to be cut, as hv_utils cuts it. */
static bool take(struct operations *all, const char *record)
{
	const char *text = record + POOLFILE_KEY;
	size_t len = field_length(text, POOLFILE_VALUE);
	struct value value = { HV_KVP_TYPE_SZ, text_fit(text, len, VALUE_UNITS), text };

	operations_set(all, record, strnlen(record, POOLFILE_KEY), &value);
	return value.len == strnlen(text, POOLFILE_VALUE);
}

static int read_records(int fd, const char *path, struct operations *all,
			struct poolfile_faults *faults)
{
	char record[POOLFILE_RECORD];
	FILE *file = fdopen(fd, "r");
	size_t number = 0, len;

	if (!file) {
		close(fd);
		return fail_errno("'%s'", path);
	}
	while ((len = fread(record, 1, sizeof(record), file)) ==
	       sizeof(record)) {
		number++;
		if (!*record) {
			warn("%s: record %zu has no key, left out", path, number);
			faults->bad++;
		} else if (!take(all, record)) {
			warn("%s: record %zu: the value is longer than 1,023 UTF-16 units, cut",
			     path, number);
			faults->cut++;
		}
	}
	if (len) {
		warn("%s: the last record is cut short, left out", path);
		faults->bad++;
	}
	if (ferror(file)) {
		int code = fail_errno("'%s'", path);

		fclose(file);
		return code;
	}
	fclose(file);
	return EXIT_OK;
}

static int by_key(const void *a, const void *b)
{
	const struct hv_kvp_op *x = *(const struct hv_kvp_op * const *)a;
	const struct hv_kvp_op *y = *(const struct hv_kvp_op * const *)b;
	int order = strcmp(operation_key(x), operation_key(y));

	if (order)
		return order;
	return x < y ? -1 : x > y;
}

/* Drops all but the last operation of each key, and keeps the order. */
static void drop_repeated(struct operations *all)
{
	const struct hv_kvp_op **sorted;
	bool *repeated;
	size_t kept = 0;

	sorted = need(all->count * sizeof(*sorted));
	repeated = need(all->count);
	for (size_t i = 0; i < all->count; i++)
		sorted[i] = &all->ops[i];
	qsort(sorted, all->count, sizeof(*sorted), by_key);
	for (size_t i = 1; i < all->count; i++)
		repeated[sorted[i - 1] - all->ops] =
			!strcmp(operation_key(sorted[i - 1]),
				operation_key(sorted[i]));
	for (size_t i = 0; i < all->count; i++) {
		if (repeated[i])
			free((void *)(uintptr_t)all->ops[i].key);
		else
			all->ops[kept++] = all->ops[i];
	}
	all->count = kept;
	free(repeated);
	free(sorted);
}

/* Root may be asked to import what others could have put there. */
static int check_file(int fd, const char *path)
{
	struct stat st;

	if (fstat(fd, &st))
		return fail_errno("'%s'", path);
	if (!S_ISREG(st.st_mode))
		return fail(EXIT_INVALID, "'%s' is not a file", path);
	if (st.st_uid && st.st_uid != geteuid())
		return fail(EXIT_PERMISSION, "'%s' belongs to user %u, neither to root nor to you",
			    path, st.st_uid);
	return EXIT_OK;
}

int poolfile_read(const char *path, struct operations *all, struct poolfile_faults *faults)
{
	int fd = open(path, O_RDONLY | O_NOFOLLOW | O_NONBLOCK | O_CLOEXEC);
	int code;

	if (fd < 0 && errno == ENOENT)
		return EXIT_NOT_FOUND;
	if (fd < 0 && errno == ELOOP)
		return fail(EXIT_INVALID, "'%s' is a symbolic link, which is not followed", path);
	if (fd < 0)
		return fail_errno("'%s'", path);
	code = check_file(fd, path);
	if (!code && lock(fd))
		code = fail_errno("cannot lock '%s'", path);
	if (code) {
		close(fd);
		return code;
	}
	/* closing the file unlocks it */
	code = read_records(fd, path, all, faults);
	if (!code)
		drop_repeated(all);
	return code;
}
