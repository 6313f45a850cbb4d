/* SPDX-License-Identifier: GPL-2.0 */
/*
 * One packet of the channel: checks pipe and IC header, hands the body to
 * negotiate.c or service.c, and turns the buffer into the answer in place.
 *
 * Pure; the fuzzers enter here. Like the service, it belongs to the channel's
 * side: one call at a time.
 */
#ifndef HKVP_IC_H
#define HKVP_IC_H

#include <linux/types.h>
#include "negotiate.h"
#include "service.h"

/* Bytes in front of the body. */
#define HKVP_IC_HEADERS		(sizeof(struct hkvp_pipe_hdr) +	\
				 sizeof(struct hkvp_ic_hdr))

/**
 * enum hkvp_drop - why a packet got no answer
 * @HKVP_DROP_SHORT: too short for a pipe header and an IC header
 * @HKVP_DROP_PIPE_FLAGS: pipe header says that this is no message
 * @HKVP_DROP_PIPE_SIZE: pipe header promises more than arrived, or less than an
 *	IC header
 * @HKVP_DROP_RESPONSE: marked as a response: the guest never asks
 * @HKVP_DROP_TYPE: neither NEGOTIATE nor KVP, and not marked as a request
 * @HKVP_DROP_COUNT: number of reasons
 */
enum hkvp_drop {
	HKVP_DROP_SHORT,
	HKVP_DROP_PIPE_FLAGS,
	HKVP_DROP_PIPE_SIZE,
	HKVP_DROP_RESPONSE,
	HKVP_DROP_TYPE,
	HKVP_DROP_COUNT
};

/**
 * enum hkvp_state - state of the service, as WMI's OperationalStatus[0]
 * @HKVP_STATE_OK: the newest versions the host offered were chosen
 * @HKVP_STATE_DEGRADED: the host offered a newer one that we lack
 * @HKVP_STATE_NON_RECOVERABLE: no common version
 * @HKVP_STATE_NO_CONTACT: no channel yet, or none negotiated yet
 * @HKVP_STATE_LOST: the channel is gone
 */
enum hkvp_state {
	HKVP_STATE_OK = 2,
	HKVP_STATE_DEGRADED = 3,
	HKVP_STATE_NON_RECOVERABLE = 7,
	HKVP_STATE_NO_CONTACT = 12,
	HKVP_STATE_LOST = 13,
};

/**
 * struct hkvp_ic_result - what the last packet was and came to
 * @type: IC type (HKVP_IC_*); not after HKVP_DROP
 * @id: transaction id; likewise
 * @status: HRESULT of the answer; only after HKVP_REPLY
 * @drop: enum hkvp_drop; only after HKVP_DROP
 * @kvp: details; only if @type is HKVP_IC_KVP
 */
struct hkvp_ic_result {
	u16 type;
	u8 id;
	u8 drop;
	u32 status;
	struct hkvp_result kvp;
};

/**
 * struct hkvp_ic_stats - counters, written by the channel's side only
 * @packets: packets handed in, deferred ones once
 * @negotiations: NEGOTIATE requests, well-formed ones
 * @bad_negotiations: malformed ones, which changed nothing
 * @unsupported: requests of other IC types, answered NOT_SUPPORTED
 * @bad_size: requests whose IC header gives the body no size or a longer one
 *	than arrived, answered by what did arrive
 * @bad_pipe_flags: requests whose pipe header does not say data, answered all
 *	the same
 * @dropped: packets without an answer, by reason
 */
struct hkvp_ic_stats {
	u64 packets;
	u64 negotiations;
	u64 bad_negotiations;
	u64 unsupported;
	u64 bad_size;
	u64 bad_pipe_flags;
	u64 dropped[HKVP_DROP_COUNT];
};

/**
 * struct hkvp_ic - the integration component on one channel
 * @service: the KVP service behind it; outlives channels
 * @versions: what was negotiated on the current channel, or was on the last one
 * @state: enum hkvp_state
 * @last: what the last packet came to; channel's side only
 * @stats: counters
 *
 * Others may read @versions, @state and @stats with READ_ONCE(), each field by
 * itself.
 */
struct hkvp_ic {
	struct hkvp_service service;
	struct hkvp_versions versions;
	enum hkvp_state state;
	struct hkvp_ic_result last;
	struct hkvp_ic_stats stats;
};

void hkvp_ic_init(struct hkvp_ic *ic, struct hkvp_pool *pools,
		  const struct hkvp_service_ops *ops, void *ctx);
void hkvp_ic_open(struct hkvp_ic *ic);
void hkvp_ic_close(struct hkvp_ic *ic);
u64 hkvp_ic_expire(struct hkvp_ic *ic, u64 now);

enum hkvp_verdict hkvp_ic_packet(struct hkvp_ic *ic, void *packet, u32 len,
				 u64 now, gfp_t gfp);
bool hkvp_ic_is_negotiate(const void *packet, u32 len);
void hkvp_ic_abandon(struct hkvp_ic *ic, void *packet);

#endif /* HKVP_IC_H */
