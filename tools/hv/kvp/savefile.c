// SPDX-License-Identifier: GPL-2.0
/* A pool in a file that is always whole: the old one or the new one. */
#include <errno.h>
#include <fcntl.h>
#include <libgen.h>
#include <stdlib.h>
#include <string.h>
#include <sys/file.h>
#include <sys/stat.h>
#include <unistd.h>

#include "crc32.h"
#include "kvpctl.h"
#include "lines.h"
#include "savefile.h"

#define FIRST_LINE	"hv_kvp-items\t1\n"
/* What is larger is no saved pool. */
#define MAX_SIZE	(1LL << 30)

void savefile_begin(FILE *out)
{
	fputs(FIRST_LINE, out);
}

void savefile_end(FILE *out, const char *text, size_t len, uint64_t count)
{
	fprintf(out, "end\t%llu\t%08x\n", (unsigned long long)count,
		crc32(text, len));
}

/*
 * The temporary file has a fixed name, so that none is left lying about after a
 * crash. Its lock keeps two savers apart. The name may have been renamed away
 * while we waited for the lock.
 */
static int open_locked(const char *temp)
{
	struct stat opened, named;
	int fd;

	for (;;) {
		fd = open(temp, O_RDWR | O_CREAT | O_NOFOLLOW | O_NONBLOCK |
			  O_CLOEXEC, 0600);
		if (fd < 0)
			return fd;
		if (flock(fd, LOCK_EX) || fstat(fd, &opened))
			break;
		if (!lstat(temp, &named) && named.st_ino == opened.st_ino &&
		    named.st_dev == opened.st_dev) {
			/* somebody else's could be read while we write */
			errno = EEXIST;
			if (!S_ISREG(opened.st_mode) || opened.st_nlink != 1 ||
			    opened.st_uid != geteuid())
				break;
			if (fchmod(fd, 0600) || ftruncate(fd, 0))
				break;
			return fd;
		}
		close(fd);
	}
	close(fd);
	return -1;
}

static int sync_directory(const char *path)
{
	char *copy = strdup(path);
	int fd, ret;

	if (!copy)
		return -1;
	fd = open(dirname(copy), O_RDONLY | O_DIRECTORY | O_CLOEXEC);
	free(copy);
	if (fd < 0)
		return -1;
	ret = fsync(fd);
	close(fd);
	return ret;
}

/* The stream is closed in any case; 0, or -1 and errno. */
static int finish(FILE *out, const char *temp, const char *path)
{
	if (fflush(out) || ferror(out) || fsync(fileno(out)) ||
	    rename(temp, path)) {
		int error = errno;

		unlink(temp);
		fclose(out);
		errno = error;
		return -1;
	}
	fclose(out);
	return sync_directory(path);
}

int savefile_write(const char *path, int (*fn)(void *ctx, FILE *out),
		   void *ctx)
{
	size_t size = strlen(path) + sizeof(".new");
	char *temp = need(size);
	int fd, code;
	FILE *out;

	snprintf(temp, size, "%s.new", path);
	fd = open_locked(temp);
	out = fd < 0 ? NULL : fdopen(fd, "w");
	if (!out) {
		code = fail_errno("'%s'", temp);
		if (fd >= 0)
			close(fd);
		free(temp);
		return code;
	}
	code = fn(ctx, out);
	if (code) {
		unlink(temp);
		fclose(out);
	} else if (finish(out, temp, path)) {
		code = fail_errno("'%s'", path);
	}
	free(temp);
	return code;
}

static int read_all(int fd, char **text, size_t *len)
{
	struct stat st;
	ssize_t got = 1;

	if (fstat(fd, &st))
		return -1;
	if (!S_ISREG(st.st_mode) || st.st_size > MAX_SIZE) {
		errno = EINVAL;
		return -1;
	}
	/* one more, for the NUL that lines get instead of their newline */
	*text = need(st.st_size + 1);
	*len = 0;
	while (got > 0 && *len < (size_t)st.st_size) {
		got = read(fd, *text + *len, st.st_size - *len);
		if (got > 0)
			*len += got;
	}
	return got < 0 ? -1 : 0;
}

/* Whether the file is whole; @end: where its last line begins. */
static bool is_whole(const char *text, size_t len, size_t *end,
		     uint64_t *count)
{
	char wanted[64];
	char *stop;
	FILE *out;

	if (len < strlen(FIRST_LINE) || text[len - 1] != '\n' ||
	    memcmp(text, FIRST_LINE, strlen(FIRST_LINE)))
		return false;
	for (*end = len - 1; *end && text[*end - 1] != '\n';)
		--*end;
	if (len - *end >= sizeof(wanted) || strncmp(text + *end, "end\t", 4))
		return false;
	*count = strtoull(text + *end + 4, &stop, 10);
	/* it must be what we would write */
	out = fmemopen(wanted, sizeof(wanted), "w");
	if (!out)
		return false;
	savefile_end(out, text, *end, *count);
	fclose(out);
	return strlen(wanted) == len - *end &&
	       !memcmp(wanted, text + *end, len - *end);
}

static int take_lines(const char *path, char *text, size_t end,
		      struct operations *all)
{
	size_t number = 1;

	for (char *line = text + strlen(FIRST_LINE); line < text + end;) {
		char *newline = memchr(line, '\n', text + end - line);
		const char *wrong = line_take(all, line, newline - line);

		number++;
		if (wrong)
			return fail(EXIT_INVALID, "'%s' line %zu: %s", path,
				    number, wrong);
		line = newline + 1;
	}
	return EXIT_OK;
}

static int take_text(const char *path, char *text, size_t len,
		     struct operations *all)
{
	size_t end;
	uint64_t count;
	int code;

	if (!is_whole(text, len, &end, &count))
		return fail(EXIT_INVALID,
			    "'%s' is damaged or no saved pool, nothing is restored",
			    path);
	code = take_lines(path, text, end, all);
	if (!code && count != all->count)
		code = fail(EXIT_INVALID, "'%s' has not as many items as it says",
			    path);
	return code;
}

int savefile_read(const char *path, struct operations *all)
{
	int fd = open(path, O_RDONLY | O_NONBLOCK | O_CLOEXEC);
	char *text = NULL;
	size_t len = 0;
	int code;

	if (fd < 0 || read_all(fd, &text, &len))
		code = fail_errno("'%s'", path);
	else
		code = take_text(path, text, len, all);
	if (fd >= 0)
		close(fd);
	free(text);
	return code;
}
