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
#include "fault.h"
#include "kvpctl.h"
#include "lines.h"
#include "readfile.h"
#include "savefile.h"

#define FORMAT		"hv_kvp-items\t"
#define FIRST_LINE	FORMAT "2\n"
#define MACHINE		"machine\t"
#define MACHINE_ID	32
/* What is larger is no saved pool. */
#define MAX_SIZE	(1LL << 30)

const char *savefile_machine = "/etc/machine-id";

/* False if the system has none, or none yet. */
static bool get_machine(char id[MACHINE_ID + 1])
{
	char *text;
	bool good;

	if (readfile("", savefile_machine, 4096, &text, NULL))
		return false;
	good = strspn(text, "0123456789abcdef") == MACHINE_ID &&
	       (!text[MACHINE_ID] || text[MACHINE_ID] == '\n');
	if (good)
		snprintf(id, MACHINE_ID + 1, "%s", text);
	free(text);
	return good;
}

void savefile_begin(FILE *out)
{
	char id[MACHINE_ID + 1];

	fputs(FIRST_LINE, out);
	if (get_machine(id))
		fprintf(out, MACHINE "%s\n", id);
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
	    (memcmp(text, FIRST_LINE, strlen(FIRST_LINE)) &&
	     memcmp(text, FORMAT "1\n", strlen(FIRST_LINE))))
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

/* Takes the machine's line, if the file has one; where the items begin. */
static char *take_machine(char *text, char *end, bool *foreign)
{
	size_t size = strlen(MACHINE) + MACHINE_ID + 1;
	char *line = text + strlen(FIRST_LINE);
	char id[MACHINE_ID + 1];

	if ((size_t)(end - line) < size || strncmp(line, MACHINE, strlen(MACHINE)))
		return line;
	*foreign = get_machine(id) && memcmp(id, line + strlen(MACHINE), MACHINE_ID);
	return line + size;
}

/* The line has added an item. Both --check and the act go by this. */
static int judge(const char *path, size_t number, struct operations *all, size_t *left_out)
{
	int error = fault_of(&all->ops[all->count - 1]);
	const struct hv_kvp_op *op;

	if (!error)
		return EXIT_OK;
	errno = -error;
	if (error != -EILSEQ)
		return fail_item("'%s' line %zu, nothing is restored", path, number);
	op = &all->ops[all->count - 1];
	warn("'%s' line %zu: only the host can set '%.*s', no valid text: left out", path, number,
	     (int)op->key_len, operation_key(op));
	operations_drop(all, all->count - 1);
	++*left_out;
	return EXIT_OK;
}

static int take_lines(const char *path, char *text, size_t end, struct operations *all,
		      bool *foreign, size_t *left_out)
{
	char *first = take_machine(text, text + end, foreign);
	size_t number = first == text + strlen(FIRST_LINE) ? 1 : 2;

	for (char *line = first; line < text + end;) {
		char *newline = memchr(line, '\n', text + end - line);
		size_t before = all->count;
		const char *wrong = line_take(all, line, newline - line);
		int code;

		number++;
		if (wrong)
			return fail(EXIT_INVALID, "'%s' line %zu: %s", path,
				    number, wrong);
		code = all->count > before ? judge(path, number, all, left_out) : EXIT_OK;
		if (code)
			return code;
		line = newline + 1;
	}
	return EXIT_OK;
}

static int take_text(const char *path, char *text, size_t len, struct operations *all,
		     bool *foreign, size_t *left_out)
{
	size_t end;
	uint64_t count;
	int code;

	if (!is_whole(text, len, &end, &count))
		return fail(EXIT_INVALID,
			    "'%s' is damaged or no saved pool, nothing is restored",
			    path);
	code = take_lines(path, text, end, all, foreign, left_out);
	if (!code && count != all->count + *left_out)
		code = fail(EXIT_INVALID, "'%s' has not as many items as it says",
			    path);
	return code;
}

int savefile_read(const char *path, struct operations *all, bool *foreign, size_t *left_out)
{
	int fd = open(path, O_RDONLY | O_NONBLOCK | O_CLOEXEC);
	char *text = NULL;
	size_t len = 0;
	int code;

	*foreign = false;
	*left_out = 0;
	if (fd < 0 || read_all(fd, &text, &len))
		code = fail_errno("'%s'", path);
	else
		code = take_text(path, text, len, all, foreign, left_out);
	if (fd >= 0)
		close(fd);
	free(text);
	return code;
}
