/* SPDX-License-Identifier: GPL-2.0 */
/* What every subcommand of kvpctl uses: exit codes, errors, options. */
#ifndef KVPCTL_H
#define KVPCTL_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#define ARRAY_SIZE(a)	(sizeof(a) / sizeof((a)[0]))

/* Exit codes: kvpctl(8) promises them to scripts. */
enum exit_code {
	EXIT_OK,
	EXIT_ERROR,		/* none of the others */
	EXIT_USAGE,
	EXIT_NOT_FOUND,		/* no such key, no such file */
	EXIT_PERMISSION,
	EXIT_NO_DEVICE,		/* the module is not loaded */
	EXIT_CONFLICT,		/* a condition does not hold, others were first */
	EXIT_NO_ROOM,		/* over a limit, disk full */
	EXIT_INVALID,		/* malformed key, value, input or file */
	EXIT_PARTLY,		/* done, but for what stderr tells */
	EXIT_TIMEOUT,
};

/**
 * struct command - one subcommand; each has a file of its own
 * @name: the word on the command line
 * @args: synopsis of what follows the options
 * @summary: one line for --help
 * @run: gets the words from its name on; returns an exit code
 */
struct command {
	const char *name;
	const char *args;
	const char *summary;
	int (*run)(int argc, char **argv);
};

extern const struct command *current_command;

/* --json was given. */
extern bool want_json;

#define COMMAND(symbol) extern const struct command symbol##_command
COMMAND(agent);
COMMAND(batch);
COMMAND(component);
COMMAND(delete);
COMMAND(get);
COMMAND(hold);
COMMAND(identify);
COMMAND(import);
COMMAND(list);
COMMAND(purge);
COMMAND(restore);
COMMAND(save);
COMMAND(set);
COMMAND(status);
COMMAND(watch);
#undef COMMAND

/* error.c: one line on stderr; they return the exit code that they are given,
 * or that suits errno.
 */
int fail(int code, const char *fmt, ...)
	__attribute__((format(printf, 2, 3)));
int fail_errno(const char *fmt, ...) __attribute__((format(printf, 1, 2)));
/* The same for what the device said of an item, see fault.h. */
int fail_item(const char *fmt, ...) __attribute__((format(printf, 1, 2)));
void warn(const char *fmt, ...) __attribute__((format(printf, 1, 2)));
int exit_code_of(int error);

/* Prints a hint at --help and ends the program with EXIT_USAGE. */
void usage_error(const char *fmt, ...)
	__attribute__((noreturn, format(printf, 1, 2)));

/* Memory, or the end of the program. */
void *need(size_t size);
void *need_more(void *old, size_t count, size_t size);

/* options.c */

enum option_kind {
	OPTION_FLAG,		/* bool * */
	OPTION_TEXT,		/* const char ** */
	OPTION_NUMBER,		/* uint64_t * */
	OPTION_POOL,		/* unsigned int *, a number */
	OPTION_POOLS,		/* unsigned int *, a bitmap; may be repeated */
};

/**
 * struct option_spec - one option of a subcommand
 * @name: without the dashes
 * @letter: its short form, or 0
 * @kind: what it takes, and what @target points to
 * @target: where it goes; only written if the option is there
 * @given: set if the option is there, or NULL
 * @help: what it does; for one that takes a value "NAME text"
 */
struct option_spec {
	const char *name;
	char letter;
	enum option_kind kind;
	void *target;
	bool *given;
	const char *help;
};

/* Ends the program on a wrong option, and for --help. Operands are moved behind
 * the options; returns the index of the first one.
 */
int parse_options(int argc, char **argv, const struct option_spec *specs,
		  size_t count);

/* Ends the program unless there are min to max operands from @first on. */
void check_operands(int argc, int first, int min, int max);

#define NO_MAX	0x7fffffff

#endif /* KVPCTL_H */
