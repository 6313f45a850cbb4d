/* SPDX-License-Identifier: GPL-2.0 */
/*
 * What is needed to go back, on disk before the first step of a change. Whatever
 * ends the agent, the next one, or an early unit at the next boot, puts back what
 * was there, or keeps a change that was complete.
 *
 * A journal is a file of root's in JOURNAL_DIRECTORY. Its name says what it is:
 *
 *	network-IF.pending	a change is at work: it is to be undone
 *	network-IF.verified	the change is complete, the host may not know yet
 *	network-IF.failed	a change that could not be undone, for people
 *	network-IF.original	what was there before the first change, for --revert
 *
 * All functions but journal_begin() expect the lock of agent_lock.h to be held.
 */
#ifndef KVPCTL_JOURNAL_H
#define KVPCTL_JOURNAL_H

#include <stdbool.h>
#include <stdint.h>

#include "plan.h"
#include "safefile.h"

#define JOURNAL_DIRECTORY	"/var/lib/hv_kvp"

struct journal;

/* What became of a change. */
enum journal_deed {
	JOURNAL_UNDONE,		/* it was not complete, or the host was told that it failed */
	JOURNAL_KEPT,		/* it was complete */
	JOURNAL_REVERTED,	/* all changes were taken back */
	JOURNAL_FAILED,		/* something could not be put back */
};

typedef void journal_tell_fn(const char *root, const char *name, enum journal_deed deed,
			     const struct journal *journal);

/**
 * struct journal_recovery - how journals are dealt with
 * @root: directory that stands for /, "" for the system's
 * @boot: the network has not been started: files are put back, and nothing that
 *	needs the network's programs is run
 * @refused: number of the request that the host was last told had failed, or 0
 * @force: files that others have changed since are put back too
 * @deadline: how long commands are waited for (deadline_now())
 * @tell: called for each change that was dealt with, or NULL
 */
struct journal_recovery {
	const char *root;
	bool boot;
	bool force;
	uint64_t refused;
	int64_t deadline;
	journal_tell_fn *tell;
};

/**
 * journal_begin() - writes the journal of a change that is about to begin
 * @plan: the change
 * @files: its files as they are, entry by entry as in the plan
 * @name: the interface
 * @request: number of the host's request, or 0
 *
 * Where an earlier change is still pending, what that one found counts.
 *
 * Return: 0, and it is on disk; or a negative error, which was told: then
 * nothing may be changed.
 */
int journal_begin(const struct plan *plan, const struct safefile *files, const char *name,
		  uint64_t request);

/*
 * The change is complete, and is not undone any more unless the host was told that it
 * failed. What is in its files now is what it has written.
 */
int journal_verified(const char *root, const char *name);

/* All was put back: the journal goes. */
void journal_end(const char *root, const char *name);

/**
 * journal_settle() - deals with all journals that are there
 * @recovery: how
 *
 * A pending change is undone. A verified one is kept, and what it replaced becomes
 * part of the original; or undone, if its request is the one that was refused.
 *
 * Return: 0; or the first negative error. What was done, and what failed, was told.
 */
int journal_settle(const struct journal_recovery *recovery);

/**
 * journal_settle_one() - the same for the verified change of one interface
 * @recovery: how
 * @name: the interface
 *
 * Return: 0, also if there is none; or a negative error, which was told.
 */
int journal_settle_one(const struct journal_recovery *recovery, const char *name);

/**
 * journal_revert() - puts back what was there before the first change
 * @recovery: how
 * @name: the interface
 *
 * Whole files are put back. So nothing is, without @force, if somebody has changed one
 * since the last request, or the changes of another interface are in it. What is the
 * same for each interface stays for the others.
 *
 * Return: 0; -ENOENT if nothing was changed; -EBUSY if somebody has; or another
 * negative error. What failed was told.
 */
int journal_revert(const struct journal_recovery *recovery, const char *name);

/* The journals of an interface. */
enum journal_kind {
	JOURNAL_PENDING,
	JOURNAL_VERIFIED,
	JOURNAL_BROKEN,
	JOURNAL_ORIGINAL,
	JOURNAL_KINDS
};

/* Whether there is such a journal; needs no privilege. */
bool journal_exists(const char *root, const char *name, enum journal_kind kind);

/* Puts the paths of a journal's files to @out, a line each, behind @word and a space. */
void journal_put_files(const char *root, const char *name, enum journal_kind kind,
		       const char *word, FILE *out);

/* The boot that this is; empty if it is not known. */
void journal_this_boot(char *boot, size_t size);

#endif /* KVPCTL_JOURNAL_H */
