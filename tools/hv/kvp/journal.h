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

/**
 * struct journal_recovery - how journals are dealt with
 * @root: directory that stands for /, "" for the system's
 * @boot: the network has not been started: files are put back, and nothing that
 *	needs the network's programs is run
 * @refused: number of the request that the host was last told had failed, or 0
 * @deadline: how long commands are waited for (deadline_now())
 */
struct journal_recovery {
	const char *root;
	bool boot;
	uint64_t refused;
	int64_t deadline;
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

/* The change is complete, and is not undone any more unless the host was told that it failed. */
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
 * Return: 0; -ENOENT if nothing was changed; or another negative error, which was told.
 */
int journal_revert(const struct journal_recovery *recovery, const char *name);

#endif /* KVPCTL_JOURNAL_H */
