/* SPDX-License-Identifier: GPL-2.0 */
/* What changed in the pools, as records that many can read. */
#ifndef HKVP_CHANGES_H
#define HKVP_CHANGES_H

#include <linux/fs.h>
#include <linux/mutex.h>
#include <linux/poll.h>
#include <linux/types.h>
#include <linux/uio.h>
#include "wire.h"

struct hkvp;

/* Requests for those who have a role. */
enum hkvp_place {
	HKVP_PLACE_IP,
	HKVP_PLACE_MIRROR,
	HKVP_PLACE_COUNT
};

/**
 * struct hkvp_place_in_pool - what a reader was told of a pool
 * @pos: next byte to read of its ring, counted since the beginning
 * @host_read: time of the host's last enumeration
 * @connection: the host's connection
 */
struct hkvp_place_in_pool {
	u64 pos;
	u64 host_read;
	u32 connection;
};

/**
 * struct hkvp_reader - a reader of records
 * @lock: one read at a time
 * @watch_lock: one change of what is watched at a time; of @counted
 * @counted: is one of those for whom the pools are compared
 *
 * Under the lock of the records:
 *
 * @pools: bitmap of the pools that are watched
 * @flags: HV_KVP_WATCH_*
 * @roles: bitmap of enum hkvp_place
 * @places: by pool: what was told
 * @requests: by role: id of the last request that was told
 * @state: what was told of the state
 * @connection: likewise of the connection
 * @turn: pool to look at first, modulo their number
 */
struct hkvp_reader {
	struct mutex lock;		/* one read at a time */
	struct mutex watch_lock;	/* see above */
	bool counted;

	u32 pools;
	u32 flags;
	u32 roles;
	struct hkvp_place_in_pool places[HKVP_POOL_COUNT];
	u64 requests[HKVP_PLACE_COUNT];
	u32 state;
	u32 connection;
	u32 turn;
};

int hkvp_changes_init(struct hkvp *kvp);
void hkvp_changes_exit(void);
void hkvp_changes_mark(void);
void hkvp_changes_wake(void);
void hkvp_changes_request(enum hkvp_place place, u64 id);

void hkvp_reader_begin(struct hkvp_reader *reader);
void hkvp_reader_end(struct hkvp_reader *reader);
void hkvp_reader_watch(struct hkvp_reader *reader, u32 pools, u32 flags);
void hkvp_reader_set_role(struct hkvp_reader *reader, enum hkvp_place place,
			  bool has);
ssize_t hkvp_reader_read(struct hkvp_reader *reader, struct iov_iter *to,
			 bool nonblock, bool nowait);
__poll_t hkvp_reader_poll(struct hkvp_reader *reader, struct file *filp,
			  poll_table *wait);

#endif /* HKVP_CHANGES_H */
