/* SPDX-License-Identifier: GPL-2.0 */
/* What changed in the pools, as records that many can read. */
#ifndef HKVP_CHANGES_H
#define HKVP_CHANGES_H

#include <linux/fs.h>
#include <linux/mutex.h>
#include <linux/poll.h>
#include <linux/types.h>
#include "wire.h"

struct hkvp_pool;

/* Bytes of records that are kept of each pool; a power of 2. */
#define HKVP_CHANGES_BYTES	65536

/* Behind the pools: requests for the IP agent. */
#define HKVP_PLACE_IP		HKVP_POOL_COUNT

/**
 * struct hkvp_reader - a reader of change records
 * @lock: one read at a time
 * @pos: by pool, next byte to read, counted since the beginning; then the id of
 *	the last request for the IP agent that was told; under the lock of the
 *	records
 * @turn: pool to look at first, modulo their number; under @lock
 */
struct hkvp_reader {
	struct mutex lock;	/* one read at a time */
	u64 pos[HKVP_PLACE_IP + 1];
	u32 turn;
};

int hkvp_changes_init(struct hkvp_pool *pools);
void hkvp_changes_exit(void);
void hkvp_changes_mark(void);
void hkvp_changes_ip_request(u64 id);

void hkvp_reader_begin(struct hkvp_reader *reader);
void hkvp_reader_end(struct hkvp_reader *reader);
ssize_t hkvp_reader_read(struct hkvp_reader *reader, char __user *buf,
			 size_t size, bool nonblock);
__poll_t hkvp_reader_poll(struct hkvp_reader *reader, struct file *filp,
			  poll_table *wait);

#endif /* HKVP_CHANGES_H */
