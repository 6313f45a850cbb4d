// SPDX-License-Identifier: GPL-2.0
/* Errors: one line each, and the exit code that tells them apart. */
#include <errno.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "fault.h"
#include "kvpctl.h"
#include "text.h"

/* One line, whatever names and keys are in it. */
static void print(const char *fmt, va_list args, const char *tail)
{
	int error = errno;
	char *text;

	/* what was printed before the error comes before it */
	fflush(stdout);
	fputs("kvpctl: ", stderr);
	if (current_command)
		fprintf(stderr, "%s: ", current_command->name);
	if (vasprintf(&text, fmt, args) >= 0) {
		text_put_visible(stderr, text, strlen(text));
		free(text);
	}
	if (tail)
		fprintf(stderr, ": %s", tail);
	fputc('\n', stderr);
	errno = error;
}

int exit_code_of(int error)
{
	switch (error) {
	case ENOENT:
		return EXIT_NOT_FOUND;
	case EACCES:
	case EPERM:
	case EBADF:
	case EROFS:
		return EXIT_PERMISSION;
	case ENODEV:
	case ENXIO:
		return EXIT_NO_DEVICE;
	case EEXIST:
	case ESTALE:
		return EXIT_CONFLICT;
	case ENOSPC:
	case EDQUOT:
	case E2BIG:
		return EXIT_NO_ROOM;
	case EINVAL:
	case EILSEQ:
	case ENAMETOOLONG:
	case EMSGSIZE:
	case EOPNOTSUPP:
		return EXIT_INVALID;
	default:
		return EXIT_ERROR;
	}
}

int fail(int code, const char *fmt, ...)
{
	va_list args;

	va_start(args, fmt);
	print(fmt, args, NULL);
	va_end(args);
	return code;
}

int fail_errno(const char *fmt, ...)
{
	int code = exit_code_of(errno);
	va_list args;

	va_start(args, fmt);
	print(fmt, args, strerror(errno));
	va_end(args);
	return code;
}

int fail_item(const char *fmt, ...)
{
	int code = exit_code_of(errno);
	const char *words = fault_words(errno);
	va_list args;

	va_start(args, fmt);
	print(fmt, args, words ? words : strerror(errno));
	va_end(args);
	return code;
}

void warn(const char *fmt, ...)
{
	va_list args;

	va_start(args, fmt);
	print(fmt, args, NULL);
	va_end(args);
}

void usage_error(const char *fmt, ...)
{
	va_list args;

	va_start(args, fmt);
	print(fmt, args, NULL);
	va_end(args);
	fprintf(stderr, "Try 'kvpctl %s%s--help'.\n",
		current_command ? current_command->name : "",
		current_command ? " " : "");
	exit(EXIT_USAGE);
}

static void *checked(void *memory)
{
	if (!memory)
		exit(fail(EXIT_ERROR, "out of memory"));
	return memory;
}

void *need(size_t size)
{
	return checked(calloc(1, size ? size : 1));
}

void *need_more(void *old, size_t count, size_t size)
{
	return checked(reallocarray(old, count ? count : 1, size));
}
