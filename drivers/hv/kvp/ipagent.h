/* SPDX-License-Identifier: GPL-2.0 */
/*
 * The broker of SET_IP_INFO: takes the host's request to who can apply it, and
 * the answer back. Documentation/design/ipagent.md has the states.
 *
 * Knows neither VMBus nor userland. Time is passed in.
 */
#ifndef HKVP_IPAGENT_H
#define HKVP_IPAGENT_H

#include <linux/refcount.h>
#include <linux/spinlock.h>
#include <linux/types.h>
#include <uapi/linux/hv_kvp.h>
#include "adapter.h"

/* So long the host waits for who is to answer (in hv_utils it waits as long). */
#define HKVP_IP_TIMEOUT_NS	(30ULL * 1000000000)

/*
 * Until so long after the host has connected a request waits for an agent that
 * is not there yet. A guest that fails over is given its addresses as it boots.
 */
#define HKVP_IP_EARLY_NS	(120ULL * 1000000000)

/**
 * struct hkvp_ip_request - what the host wants to have applied
 * @refs: who holds it
 * @id: never 0
 * @deadline: when the host is told that it failed, ns: whoever gets to hold it
 *	has HKVP_IP_TIMEOUT_NS, however long it has waited for him
 * @adapter: what @config.adapter is
 * @config: as an agent gets it
 *
 * Constant once it is submitted, but for @refs, and for @deadline until somebody
 * holds it.
 */
struct hkvp_ip_request {
	refcount_t refs;
	u64 id;
	u64 deadline;
	struct hkvp_adapter adapter;
	struct hv_kvp_ip_config config;
};

/**
 * enum hkvp_ip_holder - who is to answer
 * @HKVP_IP_NOBODY: no agent yet
 * @HKVP_IP_DEVICE: the agent on /dev/hv_kvp
 * @HKVP_IP_LEGACY: hv_kvp_daemon
 */
enum hkvp_ip_holder {
	HKVP_IP_NOBODY,
	HKVP_IP_DEVICE,
	HKVP_IP_LEGACY,
};

/**
 * struct hkvp_ipagent_ops - what the broker asks of others
 * @kick: have hkvp_ipagent_result() called soon. Atomic context.
 * @told: the agent on the device has a request. Atomic context, but never from
 *	an interrupt of any kind. Under the broker's lock: it wakes nobody itself.
 * @legacy_request: give a request to hv_kvp_daemon. May sleep. 0, -ENOMEM, or
 *	another error if it is not there.
 * @legacy_cancel: it need not answer any more. May sleep.
 */
struct hkvp_ipagent_ops {
	void (*kick)(void *ctx);
	void (*told)(void *ctx, u64 id);
	int (*legacy_request)(void *ctx, const struct hkvp_ip_request *request);
	void (*legacy_cancel)(void *ctx, u64 id);
};

/**
 * struct hkvp_ipagent - the broker
 * @lock: of all below; the host's fast path never takes it
 * @ops: callbacks, constant
 * @ctx: first argument of @ops
 * @request: request under way, or NULL
 * @holder: who is to answer @request
 * @done: @request has been answered
 * @result: with what: 0 or an error
 * @refused: the last request that was not done, or NULL
 * @device: the agent on the device, or NULL; written under @lock, read without
 * @legacy_came: times that hv_kvp_daemon has registered
 * @connected: when the host connected last, ns
 * @last_id: the last id given to a request
 */
struct hkvp_ipagent {
	spinlock_t lock;	/* see above */
	const struct hkvp_ipagent_ops *ops;
	void *ctx;
	struct hkvp_ip_request *request;
	enum hkvp_ip_holder holder;
	bool done;
	int result;
	struct hkvp_ip_request *refused;
	const void *device;
	u32 legacy_came;
	u64 connected;
	u64 last_id;
};

void hkvp_ipagent_init(struct hkvp_ipagent *agent,
		       const struct hkvp_ipagent_ops *ops, void *ctx);
void hkvp_ipagent_destroy(struct hkvp_ipagent *agent);

/* The host's side: one call at a time, and in process context but for these. */
void hkvp_ipagent_connected(struct hkvp_ipagent *agent, u64 now);
void hkvp_ipagent_cancel(struct hkvp_ipagent *agent);
int hkvp_ipagent_result(struct hkvp_ipagent *agent);
int hkvp_ipagent_submit(struct hkvp_ipagent *agent,
			struct hkvp_ip_request *request, u64 now);
u64 hkvp_ipagent_expire(struct hkvp_ipagent *agent, u64 now);

/* The agents' side, process context. */
int hkvp_ipagent_attach(struct hkvp_ipagent *agent, const void *device,
			u64 now);
bool hkvp_ipagent_detach(struct hkvp_ipagent *agent, const void *device);
bool hkvp_ipagent_is(const struct hkvp_ipagent *agent, const void *device);
struct hkvp_ip_request *hkvp_ipagent_pending(struct hkvp_ipagent *agent);
struct hkvp_ip_request *hkvp_ipagent_refused(struct hkvp_ipagent *agent);
int hkvp_ipagent_answer(struct hkvp_ipagent *agent, const void *device, u64 id,
			int result);
void hkvp_ipagent_legacy_registered(struct hkvp_ipagent *agent, u64 now);
void hkvp_ipagent_legacy_answered(struct hkvp_ipagent *agent, u64 id,
				  int result);

struct hkvp_ip_request *hkvp_ip_request_alloc(gfp_t gfp);
void hkvp_ip_request_put(struct hkvp_ip_request *request);

#endif /* HKVP_IPAGENT_H */
