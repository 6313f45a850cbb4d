/* SPDX-License-Identifier: GPL-2.0 */
/*
 * The VMBus channel of the KVP device: its rings, and who may touch them when.
 * Documentation/design/channel.md has the states and a drawing.
 */
#ifndef HKVP_CHANNEL_H
#define HKVP_CHANNEL_H

#include <linux/hyperv.h>
#include <linux/mutex.h>
#include <linux/types.h>
#include <linux/workqueue.h>

struct hkvp_ic;

/**
 * enum hkvp_channel_state - who may touch the inbound ring and the IC
 * @HKVP_CHANNEL_CLOSED: nobody
 * @HKVP_CHANNEL_CALLBACK: VMBus's callback (softirq)
 * @HKVP_CHANNEL_WORK: the work item (process context); the callback returns at
 *	once. While a packet waits for its answer it looks now and then only
 * @HKVP_CHANNEL_LOST: nobody until the channel is open anew
 *
 * Only the one whom the state names leaves it, but for CLOSED and LOST, which
 * belong to whoever holds &struct hkvp_channel.lock.
 */
enum hkvp_channel_state {
	HKVP_CHANNEL_CLOSED,
	HKVP_CHANNEL_CALLBACK,
	HKVP_CHANNEL_WORK,
	HKVP_CHANNEL_LOST,
};

/**
 * struct hkvp_channel_stats - counters; read with READ_ONCE(), each by itself
 * @broken: packets whose frame could not be, so that boundaries were lost
 * @bad_type: packets of another type than in-band data, dropped
 * @ring_full: answers that had to wait for room
 * @work_runs: times that the work item ran for the callback
 * @opens: times that the channel was opened
 * @reopens: of these, to find packet boundaries again
 */
struct hkvp_channel_stats {
	u64 broken;
	u64 bad_type;
	u64 ring_full;
	u64 work_runs;
	u64 opens;
	u64 reopens;
};

/**
 * struct hkvp_channel - the channel
 * @vmbus: VMBus's part; valid from open to close
 * @ic: the integration component that answers; the caller's
 * @wq: queue of the work items below
 * @state: enum hkvp_channel_state
 * @held: packet that was read, is not done with, and so is not yet given back
 *	to the host; in VMBus's private buffer. Owner of the ring only.
 * @answered: @held has been turned into its answer, which waits for room
 * @stalled: an answer waits for room in the outbound ring
 * @expiring: @expire is armed, or was not yet followed by @run; owner of the
 *	ring only
 * @expire_due: @expire wants @run to end enumerations
 * @closing: the callback and @run are to do nothing
 * @backoff: jiffies to the next look whether there is room
 * @run: handles packets in process context
 * @retry: looks for room, should the host not signal it
 * @expire: ends enumerations that the host has left
 * @reopen: in LOST, closes what is to be closed, and opens
 * @lock: serializes open, close and reopen
 * @wanted: the channel is to be open; under @lock
 * @reopened: jiffies when a lost channel was closed last; under @lock
 * @failures: opens that failed since the last one that did not; under @lock
 * @logged: message version that the log has seen last
 * @stats: counters
 */
struct hkvp_channel {
	struct vmbus_channel *vmbus;
	struct hkvp_ic *ic;
	struct workqueue_struct *wq;
	int state;
	struct vmpacket_descriptor *held;
	bool answered;
	bool stalled;
	bool expiring;
	bool expire_due;
	bool closing;
	unsigned long backoff;
	struct delayed_work run;
	struct delayed_work retry;
	struct delayed_work expire;
	struct delayed_work reopen;
	struct mutex lock;	/* open, close and reopen */
	bool wanted;
	unsigned long reopened;
	unsigned int failures;
	u32 logged;
	struct hkvp_channel_stats stats;
};

int hkvp_channel_init(struct hkvp_channel *ch, struct hkvp_ic *ic);
void hkvp_channel_destroy(struct hkvp_channel *ch);
void hkvp_channel_open(struct hkvp_channel *ch, struct vmbus_channel *vmbus);
void hkvp_channel_close(struct hkvp_channel *ch);
void hkvp_channel_kick(struct hkvp_channel *ch);

#endif /* HKVP_CHANNEL_H */
