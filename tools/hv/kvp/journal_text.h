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

/* Room for a boot's identity, and for a digest. */
#define JOURNAL_BOOT	40
#define JOURNAL_DIGEST	40

/**
 * struct journal_file - a file as it was
 * @path: absolute, below the root
 * @shared: as struct plan_file has it
 * @wrote: digest of what the change left there, see journal_digest()
 * @existed: it was there, and the rest counts
 * @mode: permissions
 * @owner: user
 * @group: group
 * @text: contents
 * @size: bytes of @text
 */
struct journal_file {
	char *path;
	bool shared;
	char wrote[JOURNAL_DIGEST];
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
 * @boot_id: of the kernel that gave the number
 * @count: entries of @file
 * @file: files as they were
 * @undo: commands that make them effective
 * @boot: commands in place of @undo before the network is started
 */
struct journal {
	unsigned long long request;
	char boot_id[JOURNAL_BOOT];
	unsigned int count;
	struct journal_file *file;
	struct plan_step undo;
	struct plan_step boot;
};

/* Adds a file; strings are copied. */
void journal_add(struct journal *journal, const struct journal_file *file);

/* Adds copies of commands in front of those that @to has; what is in both stays where it is. */
void journal_add_step(struct plan_step *to, const struct plan_step *from);

/* "SIZE:CRC", or "none" for no file: enough to see that somebody has changed it. */
void journal_digest(bool exists, const char *text, size_t size, char digest[JOURNAL_DIGEST]);

/* Puts all of it to @out. False if a path or an argument cannot be written. */
bool journal_print(const struct journal *journal, FILE *out);

/* Reads what journal_print() put. False, and nothing is kept, if it is damaged. */
bool journal_parse(const char *text, size_t size, struct journal *journal);

/* Frees what the journal holds, and wipes contents of files. */
void journal_free(struct journal *journal);

#endif /* KVPCTL_JOURNAL_TEXT_H */
