/* SPDX-License-Identifier: GPL-2.0 */
/*
 * The KVP service: what the guest answers to each operation of the host.
 *
 * Pure: bytes in, bytes out. Knows the pools, and through @ops the intrinsic
 * items and the IP information; knows neither VMBus nor userland.
 *
 * Everything here belongs to the channel's side: one packet at a time, and
 * hkvp_service_*() never runs in two places at once. The caller sees to that.
 * Others may read @stats, @writable and @connection with READ_ONCE(), and set
 * @writable with WRITE_ONCE().
 */
#ifndef HKVP_SERVICE_H
#define HKVP_SERVICE_H

#include <linux/bits.h>
#include <linux/gfp.h>
#include <linux/seqlock.h>
#include <linux/types.h>
#include "pool.h"
#include "wire.h"

/* A host enumeration that has been silent for this long loses its pin. */
#define HKVP_CURSOR_TIMEOUT_NS	30000000000ULL

/**
 * enum hkvp_verdict - what became of a packet
 * @HKVP_REPLY: the buffer holds the answer: send it
 * @HKVP_DEFER: nothing changed and the buffer can be handled again: call again
 *	in process context with HKVP_GFP_DEFERRED, and read no other packet before
 * @HKVP_DROP: not a request: no answer, go on
 * @HKVP_WAIT: the answer is not known, or may not be given, yet: call again, in
 *	process context, once whoever knows it says so, and read no other packet before
 */
enum hkvp_verdict {
	HKVP_REPLY,
	HKVP_DEFER,
	HKVP_DROP,
	HKVP_WAIT,
};

/* Index of a counter per status; hkvp_status_wire() gives the HRESULT. */
enum hkvp_status {
	HKVP_STATUS_OK,
	HKVP_STATUS_FAIL,
	HKVP_STATUS_NO_MORE_ITEMS,
	HKVP_STATUS_NOT_SUPPORTED,
	HKVP_STATUS_NOT_FOUND,
	HKVP_STATUS_INVALID_ARGUMENT,
	HKVP_STATUS_DISK_FULL,
	HKVP_STATUS_NOT_CONNECTED,
	HKVP_STATUS_COUNT
};

/**
 * struct hkvp_service_ops - what the service asks of the rest of the guest
 * @intrinsic_at: write intrinsic item @index (type, sizes, key, value) into
 *	@out, ready for the wire. 0; -ENOENT past the last one.
 * @intrinsic_find: the value of intrinsic item @key (normalized, @key_size bytes
 *	with the NUL): write type, value_size and value into @out, which holds
 *	@key already. 0; -ENOENT.
 * @changed: the host has changed pool @pool. Must not sleep.
 * @state_changed: the state of struct hkvp_ic may be another, the versions and
 *	the connection too. Must not sleep.
 * @get_ip_strings: fill in the adapter named by @ip->adapter_id (which may lack
 *	its NUL); message versions up to 4.0. 0; errors below.
 * @get_ip_binary: the same for message version 5.0 and later.
 * @set_ip_strings: apply @ip. 0; errors below.
 * @set_ip_binary: the same in binary form; all counts have been checked.
 * @ask: may the host read pool GUEST? Asked before each enumeration, and each GET.
 *	0; -EINPROGRESS: not yet; -EAGAIN: in process context only.
 * @host_read: the host has read a pool to the end. Must not sleep.
 * @connected: the host has negotiated. Must not sleep.
 * @cancel: a request for which set_ip_*() or @ask returned -EINPROGRESS will not be
 *	asked about again. In process context if there can be one.
 *
 * All may be called in the channel's callback, thus in atomic context, unless
 * they are given a gfp that allows blocking. On an error @out and @ip may hold
 * anything of their own old content, but no other memory of the guest; on
 * -ENOMEM and -EAGAIN they must be as they were.
 *
 * Errors: -ENOENT (NO_MORE_ITEMS for items, NOT_FOUND for adapters), -EINVAL
 * (INVALID_ARGUMENT), -EOPNOTSUPP (NOT_SUPPORTED), -ENOSPC (DISK_FULL),
 * -ENOMEM and -EAGAIN (HKVP_DEFER when the gfp does not allow blocking); every
 * other one is E_FAIL. set_ip_*() and @ask may return -EINPROGRESS (HKVP_WAIT), and
 * are then called with the same request until they return something else.
 *
 * Each may be NULL: no intrinsic items, NOT_FOUND for every adapter,
 * NOT_SUPPORTED for SET_IP_INFO; the host may read.
 */
struct hkvp_service_ops {
	int (*intrinsic_at)(void *ctx, u32 index, struct hkvp_value *out);
	int (*intrinsic_find)(void *ctx, const void *key, u32 key_size,
			      struct hkvp_value *out);
	void (*changed)(void *ctx, enum hkvp_pool_id pool);
	void (*state_changed)(void *ctx);
	int (*get_ip_strings)(void *ctx, struct hkvp_ip_strings *ip, gfp_t gfp);
	int (*get_ip_binary)(void *ctx, struct hkvp_ip_binary *ip, gfp_t gfp);
	int (*set_ip_strings)(void *ctx, const struct hkvp_ip_strings *ip,
			      gfp_t gfp);
	int (*set_ip_binary)(void *ctx, const struct hkvp_ip_binary *ip,
			     gfp_t gfp);
	int (*ask)(void *ctx, gfp_t gfp);
	void (*host_read)(void *ctx);
	void (*connected)(void *ctx);
	void (*cancel)(void *ctx);
};

/* Counted apart from the six operations: anything else in the operation byte. */
#define HKVP_OP_UNKNOWN		HKVP_OP_COUNT

/**
 * struct hkvp_service_stats - counters, written by the channel's side only
 * @ops: requests answered, by operation; the last one counts unknown ones
 * @status: answers, by status
 * @deferred: times that a request was put off to process context
 *
 * A deferred request is counted in @ops and @status when it is answered.
 */
struct hkvp_service_stats {
	u64 ops[HKVP_OP_COUNT + 1];
	u64 status[HKVP_STATUS_COUNT];
	u64 deferred;
};

/**
 * struct hkvp_cursor - the host's enumeration of one pool
 * @version: version it sees, pinned, or NULL when there is no enumeration
 * @last: index asked for last
 * @used: time of that, ns
 */
struct hkvp_cursor {
	struct hkvp_version *version;
	u32 last;
	u64 used;
};

/**
 * struct hkvp_host_read - the host's last complete enumeration of a pool
 * @generation: generation that it saw
 * @time: when it ended, of &struct hkvp_call.now; 0 if there was none
 * @connection: number of the host's connection then
 */
struct hkvp_host_read {
	u64 generation;
	u64 time;
	u32 connection;
};

/**
 * struct hkvp_service - the service on one KVP device
 * @pools: HKVP_POOL_COUNT pools; the caller's, they outlive the service
 * @ops: callbacks, constant
 * @ctx: first argument of @ops
 * @connection: number of the host's connection: 0 before the first one, one
 *	more at each NEGOTIATE; never 0 again
 * @writable: bitmap of pools that the host may write, HKVP_HOST_WRITABLE;
 *	HKVP_POOL_AUTO never is, whatever this says
 * @cursors: enumerations, one per pool: the host may interleave them
 * @read_lock: of @read, for readers; the channel's side alone writes
 * @read: what the host has read to the end, by pool
 * @stats: counters
 */
struct hkvp_service {
	struct hkvp_pool *pools;
	const struct hkvp_service_ops *ops;
	void *ctx;
	u32 connection;
	u32 writable;
	struct hkvp_cursor cursors[HKVP_POOL_COUNT];
	seqcount_t read_lock;
	struct hkvp_host_read read[HKVP_POOL_COUNT];
	struct hkvp_service_stats stats;
};

/* AUTO_INTERNAL is defined, and no host exchanges it. */
#define HKVP_HOST_WRITABLE	(BIT(HKVP_POOL_EXTERNAL) |	\
				 BIT(HKVP_POOL_GUEST) |		\
				 BIT(HKVP_POOL_AUTO_EXTERNAL))

/*
 * In process context: what the host asks for is refused where memory is short, and
 * no process is killed for it.
 */
#define HKVP_GFP_DEFERRED	(GFP_KERNEL | __GFP_RETRY_MAYFAIL | __GFP_NOWARN)

/**
 * struct hkvp_call - one request, besides its bytes
 * @now: time in ns of a clock that never goes back (ktime_get_coarse_boottime_ns())
 * @version: message version negotiated, HKVP_VERSION(); 0 if there is none:
 *	every request then gets NOT_CONNECTED
 * @gfp: GFP_ATOMIC in the channel's callback, HKVP_GFP_DEFERRED in process context
 */
struct hkvp_call {
	u64 now;
	u32 version;
	gfp_t gfp;
};

/**
 * struct hkvp_result - what a request was and came to, for tracepoints
 * @op: operation byte as it came; HKVP_OP_UNKNOWN where none did
 * @pool: pool byte as it came
 * @status: enum hkvp_status
 * @index: ENUMERATE: the index asked for, else 0
 * @key_size: bytes of the key, NUL included; 0 if there was none or a bad one
 * @value_size: bytes of the value in a SET or in the answer; else 0
 *
 * Sizes only: contents may be secrets.
 */
struct hkvp_result {
	u8 op;
	u8 pool;
	u8 status;
	u32 index;
	u32 key_size;
	u32 value_size;
};

void hkvp_service_init(struct hkvp_service *svc, struct hkvp_pool *pools,
		       const struct hkvp_service_ops *ops, void *ctx);
void hkvp_service_connect(struct hkvp_service *svc);
void hkvp_service_disconnect(struct hkvp_service *svc);
u64 hkvp_service_expire(struct hkvp_service *svc, u64 now);
struct hkvp_host_read hkvp_service_host_read(const struct hkvp_service *svc,
					     enum hkvp_pool_id pool);

enum hkvp_verdict hkvp_service_request(struct hkvp_service *svc, void *body,
				       u32 size, const struct hkvp_call *call,
				       struct hkvp_result *result);
void hkvp_service_abandon(struct hkvp_service *svc, struct hkvp_result *result);

u32 hkvp_status_wire(enum hkvp_status status);

#endif /* HKVP_SERVICE_H */
