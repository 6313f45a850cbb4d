/* SPDX-License-Identifier: GPL-2.0 */
/*
 * What each owner may make the kernel keep, over all pools.
 *
 * Two things are counted. What an owner *holds*: the items of the current
 * versions, each with its share of the nodes; this is what a change is refused
 * for. And all memory that is *kept* on the owner's account, to the byte: items,
 * nodes and roots of all versions that are not freed yet, and files in sysfs.
 * Old versions that somebody still reads are in it, and what waits to be freed.
 *
 * A writer adds to both before it publishes, and takes back what came to nothing;
 * the reclaimer takes off what it frees. No lock, and no reader pays.
 */
#ifndef HKVP_POOL_BUDGET_H
#define HKVP_POOL_BUDGET_H

#include <linux/atomic.h>
#include <linux/types.h>

/* Whose item it is: the last one who set it. Budgets are kept apart by this. */
enum hkvp_owner {
	HKVP_OWNER_HOST,
	HKVP_OWNER_AGENT,
	HKVP_OWNER_COUNT
};

/**
 * struct hkvp_limit - items and what they take
 * @items: number of items
 * @bytes: bytes requested from the allocator for them, with an allowance for
 *	the nodes of the tries
 */
struct hkvp_limit {
	u32 items;
	u64 bytes;
};

/* Of what agents may hold, one part in so many is for administrators alone. */
#define HKVP_RESERVE_SHARE	4

/* What a file in sysfs counts with: 1.4 KB were measured, key and name included. */
#define HKVP_FILE_BYTES		1536

/**
 * struct hkvp_account - what one owner holds and keeps
 * @limit: most that it may hold
 * @reserve: of @limit, what only a privileged change may use
 * @memory: most bytes that are kept for it, unless a change lets it hold less
 * @items: items that it holds
 * @bytes: bytes of them, as in @limit
 * @kept: bytes that are kept for it
 *
 * The sums contain what writers have reserved and not published yet.
 */
struct hkvp_account {
	struct hkvp_limit limit;
	struct hkvp_limit reserve;
	u64 memory;
	atomic_long_t items;
	atomic_long_t bytes;
	atomic_long_t kept;
};

/**
 * struct hkvp_budget - the accounts that some pools share
 * @account: by enum hkvp_owner
 * @relieve: let go of something that keeps memory: frees what can be freed in all
 *	pools, and may end who reads an old version. Returns whether there may be
 *	more room now. In process context, while the pools change. May be NULL
 */
struct hkvp_budget {
	struct hkvp_account account[HKVP_OWNER_COUNT];
	bool (*relieve)(void);
};

/**
 * hkvp_budget_init() - accounts of which nothing is used
 * @budget: memory for them
 * @limits: what each owner may hold, by enum hkvp_owner
 * @files: most bytes of files in sysfs, for each owner
 *
 * An owner may keep @files, and two and a quarter times what it may hold: the
 * current versions, as much again for an old version of each pool that is still
 * read (the host's own enumerations), and some for what waits to be freed.
 */
void hkvp_budget_init(struct hkvp_budget *budget,
		      const struct hkvp_limit limits[HKVP_OWNER_COUNT],
		      u64 files);

/**
 * hkvp_budget_take_file() - room for a file in sysfs
 * @budget: budget
 * @owner: owner of the item that the file is for
 *
 * Context: any.
 * Return: whether there was room, which is then taken.
 */
bool hkvp_budget_take_file(struct hkvp_budget *budget, enum hkvp_owner owner);

/**
 * hkvp_budget_give_file() - undo hkvp_budget_take_file()
 * @budget: budget
 * @owner: as then
 *
 * Context: any.
 */
void hkvp_budget_give_file(struct hkvp_budget *budget, enum hkvp_owner owner);

#endif /* HKVP_POOL_BUDGET_H */
