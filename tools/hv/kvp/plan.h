/* SPDX-License-Identifier: GPL-2.0 */
/*
 * What a back end wants done, as data: files to replace and programs to run.
 * So that it can be shown, tested, done and undone in one place.
 */
#ifndef KVPCTL_PLAN_H
#define KVPCTL_PLAN_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <sys/types.h>

#include "ipconfig.h"
#include "netif.h"

#define PLAN_ARGS	48

/* The mode of a file that is there; 0600 for a new one. */
#define PLAN_SAME_MODE	((mode_t)-1)

/* A failure of the command is none of the plan. */
#define PLAN_MAY_FAIL	(1u << 0)
/* The command was told of the other root, and can run there. */
#define PLAN_ROOTED	(1u << 1)
/* Without a carrier it is left out, since it could only wait; one that fails then is no failure. */
#define PLAN_WANTS_CARRIER	(1u << 2)
/* The command changes the network itself, and runs in a unit of its own (unit.h). */
#define PLAN_APART		(1u << 3)

/**
 * struct plan_file - a file of the plan
 * @path: absolute, below the root
 * @text: new contents, or NULL: one that a command of the plan changes, and that
 *	is put back with the others
 * @size: bytes of @text
 * @mode: its permissions, or PLAN_SAME_MODE
 * @anew: the old one is taken away before the first command
 * @stays: one that a command changes, and that is put back if a command removes it
 * @shared: the same for each interface: it is put back with the last one of them
 */
struct plan_file {
	char *path;
	char *text;
	size_t size;
	mode_t mode;
	bool anew;
	bool stays;
	bool shared;
};

/**
 * struct plan_command - a program and its arguments
 * @argv: ended by NULL
 * @flags: PLAN_*
 */
struct plan_command {
	char *argv[PLAN_ARGS + 1];
	unsigned int flags;
};

/**
 * struct plan_step - commands in a row
 * @count: entries of @command
 * @command: commands
 */
struct plan_step {
	unsigned int count;
	struct plan_command *command;
};

/**
 * struct plan - all of it
 * @root: directory that stands for /, "" for the system's
 * @before: run first, while the old files are there
 * @file_count: entries of @file
 * @file: written next
 * @after: run then, and the configuration is to be effective
 * @undo: run when something failed and the old files are back
 * @boot: run in place of @undo where the network has not been started yet
 * @verify: the interface is to have it all when @after is done
 */
struct plan {
	const char *root;
	struct plan_step before;
	unsigned int file_count;
	struct plan_file *file;
	struct plan_step after;
	struct plan_step undo;
	struct plan_step boot;
	bool verify;
};

/**
 * struct plan_limits - how a plan is carried out
 * @dry_run: print it, and do nothing
 * @deadline: when programs that apply it are stopped (deadline_now())
 * @undo_deadline: until when those that undo it are waited for; they are never
 *	stopped, and all of them are run, for without them the network may be down
 * @wake: descriptor whose readiness ends it, and undoes it; or -1
 * @request: number of the host's request, or 0 for one by hand
 */
struct plan_limits {
	bool dry_run;
	uint64_t request;
	int64_t deadline;
	int64_t undo_deadline;
	int wake;
};

/* Adds a file; takes over @text, from open_memstream(). False without memory. */
bool plan_file(struct plan *plan, mode_t mode, char *text, size_t size, const char *fmt, ...)
	__attribute__((format(printf, 5, 6)));

/* Adds a file that a command changes. */
bool plan_keep(struct plan *plan, const char *path);

/* Adds an empty command. */
struct plan_command *plan_add(struct plan_step *step, unsigned int flags);

/* Adds a command; the arguments are copied, and end with NULL. Good until the next one. */
struct plan_command *plan_command(struct plan_step *step, unsigned int flags, ...)
	__attribute__((sentinel));

/* Adds an argument to a command; it is copied. */
void plan_argument(struct plan_command *command, const char *arg);

/**
 * plan_run() - carries out a plan
 * @plan: the plan
 * @limits: how
 * @nic: the interface, for what is verified
 * @ip: its addresses
 *
 * All or nothing: on a failure the files that were changed are put back, and
 * @undo is run. What an earlier undo has left at work for the interface ends first.
 * Should the process end before that, the journal has what is needed to go back;
 * after a success it is to be settled by journal_settle().
 *
 * Return: 0; -ETIMEDOUT; -EINTR; another negative error. What failed was told.
 */
int plan_run(struct plan *plan, const struct plan_limits *limits, const struct netif *nic,
	     const struct ipconfig *ip);

/**
 * plan_run_undo() - runs commands that bring back what was there
 * @root: as of the plan
 * @step: the commands
 * @deadline: how long they are waited for; all are started, and none is stopped
 * @owner: the interface that they work on
 */
void plan_run_undo(const char *root, const struct plan_step *step, int64_t deadline,
		   const char *owner);

/* Frees the commands. */
void plan_step_free(struct plan_step *step);

/* Frees what the plan holds. */
void plan_free(struct plan *plan);

#endif /* KVPCTL_PLAN_H */
