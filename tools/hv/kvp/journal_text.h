/* SPDX-License-Identifier: GPL-2.0 */
/* The text of a journal. For journal.c alone. */
#ifndef KVPCTL_JOURNAL_TEXT_H
#define KVPCTL_JOURNAL_TEXT_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <sys/types.h>

#include "plan.h"

/**
 * struct journal_file - a file as it was
 * @path: absolute, below the root
 * @existed: it was there, and the rest counts
 * @mode: permissions
 * @owner: user
 * @group: group
 * @text: contents
 * @size: bytes of @text
 */
struct journal_file {
	char *path;
	bool existed;
	mode_t mode;
	uid_t owner;
	gid_t group;
	char *text;
	size_t size;
};

/**
 * struct journal - all that is needed to go back
 * @request: number of the host's request, or 0
 * @count: entries of @file
 * @file: files as they were
 * @undo: commands that make them effective
 * @boot: commands in place of @undo before the network is started
 */
struct journal {
	unsigned long long request;
	unsigned int count;
	struct journal_file *file;
	struct plan_step undo;
	struct plan_step boot;
};

/* Adds a file; strings are copied. */
void journal_add(struct journal *journal, const struct journal_file *file);

/* Adds a command unless @step has the same one, or no room. */
void journal_add_command(struct plan_step *step, const struct plan_command *command);

/* Puts all of it to @out. False if a path or an argument cannot be written. */
bool journal_print(const struct journal *journal, FILE *out);

/* Reads what journal_print() put. False, and nothing is kept, if it is damaged. */
bool journal_parse(const char *text, size_t size, struct journal *journal);

/* Frees what the journal holds, and wipes contents of files. */
void journal_free(struct journal *journal);

#endif /* KVPCTL_JOURNAL_TEXT_H */
