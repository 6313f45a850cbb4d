// SPDX-License-Identifier: GPL-2.0
/*
 * The broker of SET_IP_INFO.
 *
 * There is at most one request, because the host has one transaction under way.
 * It ends once, by an answer, by time, by the death of who was to answer, or
 * because the channel is closed; each of these takes the lock, and who comes
 * second finds that it is over. An answer that is late has the wrong id.
 */
#include <linux/errno.h>
#include <linux/gfp.h>
#include <linux/slab.h>

#include "ipagent.h"

/**
 * hkvp_ip_request_alloc() - a request to fill in and submit
 * @gfp: context
 *
 * Return: the request, with one reference, or NULL.
 */
struct hkvp_ip_request *hkvp_ip_request_alloc(gfp_t gfp)
{
	struct hkvp_ip_request *request = kzalloc(sizeof(*request), gfp);

	if (request)
		refcount_set(&request->refs, 1);
	return request;
}

/**
 * hkvp_ip_request_put() - give a reference back
 * @request: request or NULL
 *
 * Context: any.
 */
void hkvp_ip_request_put(struct hkvp_ip_request *request)
{
	if (request && refcount_dec_and_test(&request->refs))
		kfree(request);
}

static struct hkvp_ip_request *get(struct hkvp_ip_request *request)
{
	if (request)
		refcount_inc(&request->refs);
	return request;
}

static void keep_refused(struct hkvp_ipagent *agent,
			 struct hkvp_ip_request *request)
{
	hkvp_ip_request_put(agent->refused);
	agent->refused = get(request);
}

/* Under the lock: what the host is to be told. */
static void finish(struct hkvp_ipagent *agent, int result)
{
	agent->done = true;
	agent->result = result;
	/* what was asked before is out of date once something newer is done */
	keep_refused(agent, result ? agent->request : NULL);
	agent->ops->kick(agent->ctx);
}

/* Under the lock: no request any more. */
static void drop(struct hkvp_ipagent *agent)
{
	hkvp_ip_request_put(agent->request);
	agent->request = NULL;
	agent->holder = HKVP_IP_NOBODY;
	agent->done = false;
}

/* Under the lock. */
static bool is_waiting(const struct hkvp_ipagent *agent)
{
	return agent->request && !agent->done;
}

static bool is_held(const struct hkvp_ipagent *agent, u64 id,
		    enum hkvp_ip_holder holder)
{
	return is_waiting(agent) && agent->request->id == id &&
	       agent->holder == holder;
}

/* Under the lock. */
static void hand_over(struct hkvp_ipagent *agent, enum hkvp_ip_holder holder,
		      u64 now)
{
	agent->holder = holder;
	agent->request->deadline = now + HKVP_IP_TIMEOUT_NS;
}

/* Under the lock. */
static void offer_device(struct hkvp_ipagent *agent, u64 now)
{
	hand_over(agent, HKVP_IP_DEVICE, now);
	agent->ops->told(agent->ctx, agent->request->id);
}

/* Under the lock: when it is given up. */
static u64 end_of_request(const struct hkvp_ipagent *agent)
{
	if (agent->holder == HKVP_IP_NOBODY)
		return agent->connected + HKVP_IP_EARLY_NS;
	return agent->request->deadline;
}

/*
 * Without the lock, because it may sleep: so the daemon is made the holder
 * first, and is that no more if it does not take the request. Its answer may
 * be here before the call returns. True if it is to be tried again, because
 * the daemon came just then.
 */
static bool try_legacy(struct hkvp_ipagent *agent, u64 now)
{
	struct hkvp_ip_request *request = NULL;
	bool again = false;
	u32 came = 0;
	bool held;
	int err;

	spin_lock_bh(&agent->lock);
	if (is_waiting(agent) && agent->holder == HKVP_IP_NOBODY) {
		hand_over(agent, HKVP_IP_LEGACY, now);
		request = get(agent->request);
		came = agent->legacy_came;
	}
	spin_unlock_bh(&agent->lock);
	if (!request)
		return false;

	err = agent->ops->legacy_request(agent->ctx, request);
	spin_lock_bh(&agent->lock);
	held = is_held(agent, request->id, HKVP_IP_LEGACY);
	if (held && err == -ENOMEM && !agent->device) {
		/* not the same as that there is no daemon */
		finish(agent, err);
	} else if (held && err) {
		agent->holder = HKVP_IP_NOBODY;
		again = came != agent->legacy_came;
		/* an agent may have come meanwhile */
		if (agent->device)
			offer_device(agent, now);
	}
	spin_unlock_bh(&agent->lock);
	/* whoever ended it meanwhile may have found nothing to cancel yet */
	if (!err && !held)
		agent->ops->legacy_cancel(agent->ctx, request->id);
	hkvp_ip_request_put(request);
	return again;
}

static void offer_legacy(struct hkvp_ipagent *agent, u64 now)
{
	while (try_legacy(agent, now))
		;
}

/**
 * hkvp_ipagent_init() - make a broker without agents or a host
 * @agent: the broker
 * @ops: callbacks, constant
 * @ctx: first argument of @ops
 */
void hkvp_ipagent_init(struct hkvp_ipagent *agent,
		       const struct hkvp_ipagent_ops *ops, void *ctx)
{
	*agent = (struct hkvp_ipagent) { .ops = ops, .ctx = ctx };
	spin_lock_init(&agent->lock);
}

/**
 * hkvp_ipagent_destroy() - undo hkvp_ipagent_init()
 * @agent: the broker; nobody uses it any more
 */
void hkvp_ipagent_destroy(struct hkvp_ipagent *agent)
{
	drop(agent);
	keep_refused(agent, NULL);
}

/**
 * hkvp_ipagent_connected() - the host has connected, or started over
 * @agent: the broker
 * @now: ns, of the clock that all times here are of
 *
 * Context: any but hard interrupts.
 */
void hkvp_ipagent_connected(struct hkvp_ipagent *agent, u64 now)
{
	spin_lock_bh(&agent->lock);
	agent->connected = now;
	spin_unlock_bh(&agent->lock);
}

/**
 * hkvp_ipagent_cancel() - nobody waits for the result any more
 * @agent: the broker
 *
 * The channel is closed. An answer finds nothing.
 *
 * Context: any but hard interrupts; process if there is a request.
 */
void hkvp_ipagent_cancel(struct hkvp_ipagent *agent)
{
	u64 legacy = 0;

	spin_lock_bh(&agent->lock);
	if (is_waiting(agent) && agent->holder == HKVP_IP_LEGACY)
		legacy = agent->request->id;
	drop(agent);
	spin_unlock_bh(&agent->lock);
	if (legacy)
		agent->ops->legacy_cancel(agent->ctx, legacy);
}

/**
 * hkvp_ipagent_result() - what became of the request
 * @agent: the broker
 *
 * Return: 0 or an error of struct hkvp_service_ops, and the request is over;
 * -EINPROGRESS: there is no answer yet; -ESRCH: there is no request.
 */
int hkvp_ipagent_result(struct hkvp_ipagent *agent)
{
	int result = -ESRCH;

	spin_lock_bh(&agent->lock);
	if (is_waiting(agent)) {
		result = -EINPROGRESS;
	} else if (agent->request) {
		result = agent->result;
		drop(agent);
	}
	spin_unlock_bh(&agent->lock);
	return result;
}

/**
 * hkvp_ipagent_submit() - have a request applied
 * @agent: the broker, without a request
 * @request: adapter and configuration; the broker takes the reference
 * @now: ns
 *
 * Return: as hkvp_ipagent_result(); -EOPNOTSUPP if there is no agent, and it is
 * too late to wait for one.
 */
int hkvp_ipagent_submit(struct hkvp_ipagent *agent,
			struct hkvp_ip_request *request, u64 now)
{
	spin_lock_bh(&agent->lock);
	drop(agent);
	request->id = ++agent->last_id;
	agent->request = request;
	if (agent->device)
		offer_device(agent, now);
	spin_unlock_bh(&agent->lock);

	offer_legacy(agent, now);
	hkvp_ipagent_expire(agent, now);
	return hkvp_ipagent_result(agent);
}

/**
 * hkvp_ipagent_expire() - give up a request whose time is over
 * @agent: the broker
 * @now: ns
 *
 * Return: ns until it has something to give up, at least 1; 0 if there is
 * nothing.
 */
u64 hkvp_ipagent_expire(struct hkvp_ipagent *agent, u64 now)
{
	u64 end, legacy = 0, next = 0;

	spin_lock_bh(&agent->lock);
	if (is_waiting(agent)) {
		end = end_of_request(agent);
		if (now < end) {
			next = end - now;
		} else {
			if (agent->holder == HKVP_IP_LEGACY)
				legacy = agent->request->id;
			finish(agent, agent->holder == HKVP_IP_NOBODY ?
				      -EOPNOTSUPP : -ETIMEDOUT);
		}
	}
	spin_unlock_bh(&agent->lock);
	if (legacy)
		agent->ops->legacy_cancel(agent->ctx, legacy);
	return next;
}

/**
 * hkvp_ipagent_attach() - become the agent on the device
 * @agent: the broker
 * @device: who; any address that is its own
 * @now: ns
 *
 * A request that waits for an agent is its to answer, and may end earlier now.
 *
 * Return: 0, also for who is it already; -EBUSY.
 */
int hkvp_ipagent_attach(struct hkvp_ipagent *agent, const void *device, u64 now)
{
	int ret = 0;

	spin_lock_bh(&agent->lock);
	if (agent->device && agent->device != device) {
		ret = -EBUSY;
	} else {
		WRITE_ONCE(agent->device, device);
		if (is_waiting(agent) && agent->holder == HKVP_IP_NOBODY)
			offer_device(agent, now);
	}
	spin_unlock_bh(&agent->lock);
	return ret;
}

/**
 * hkvp_ipagent_is() - is this the agent on the device?
 * @agent: the broker
 * @device: who
 *
 * Takes no lock: anybody may ask as often as he likes. The answer is certain while
 * @device itself neither attaches nor detaches.
 *
 * Return: true if it is.
 */
bool hkvp_ipagent_is(const struct hkvp_ipagent *agent, const void *device)
{
	return READ_ONCE(agent->device) == device;
}

/**
 * hkvp_ipagent_detach() - be the agent no more
 * @agent: the broker
 * @device: who
 *
 * A request that it was to answer has failed.
 *
 * Return: whether it was the agent.
 */
bool hkvp_ipagent_detach(struct hkvp_ipagent *agent, const void *device)
{
	bool was;

	spin_lock_bh(&agent->lock);
	was = agent->device == device;
	if (was) {
		WRITE_ONCE(agent->device, NULL);
		if (is_waiting(agent) && agent->holder == HKVP_IP_DEVICE)
			finish(agent, -EIO);
	}
	spin_unlock_bh(&agent->lock);
	return was;
}

/**
 * hkvp_ipagent_pending() - the request that the agent on the device is to answer
 * @agent: the broker
 *
 * Return: the request, to be put, or NULL.
 */
struct hkvp_ip_request *hkvp_ipagent_pending(struct hkvp_ipagent *agent)
{
	struct hkvp_ip_request *request = NULL;

	spin_lock_bh(&agent->lock);
	if (is_waiting(agent) && agent->holder == HKVP_IP_DEVICE)
		request = get(agent->request);
	spin_unlock_bh(&agent->lock);
	return request;
}

/**
 * hkvp_ipagent_refused() - the last request that was not done
 * @agent: the broker
 *
 * Return: the request, to be put, or NULL.
 */
struct hkvp_ip_request *hkvp_ipagent_refused(struct hkvp_ipagent *agent)
{
	struct hkvp_ip_request *request;

	spin_lock_bh(&agent->lock);
	request = get(agent->refused);
	spin_unlock_bh(&agent->lock);
	return request;
}

/* Under the lock. */
static int answer(struct hkvp_ipagent *agent, enum hkvp_ip_holder holder,
		  u64 id, int result)
{
	if (!is_held(agent, id, holder))
		return -ESTALE;
	finish(agent, result);
	return 0;
}

/**
 * hkvp_ipagent_answer() - answer of the agent on the device
 * @agent: the broker
 * @device: who
 * @id: the request's
 * @result: 0 or an error of struct hkvp_service_ops
 *
 * Return: 0; -EPERM if it is not the agent; -ESTALE if the request is over.
 */
int hkvp_ipagent_answer(struct hkvp_ipagent *agent, const void *device, u64 id,
			int result)
{
	int ret = -EPERM;

	/* without the lock, because anybody may try */
	if (!hkvp_ipagent_is(agent, device))
		return ret;
	spin_lock_bh(&agent->lock);
	if (agent->device == device)
		ret = answer(agent, HKVP_IP_DEVICE, id, result);
	spin_unlock_bh(&agent->lock);
	return ret;
}

/**
 * hkvp_ipagent_legacy_registered() - hv_kvp_daemon is there
 * @agent: the broker
 * @now: ns
 *
 * As with hkvp_ipagent_attach() a request that waits may end earlier now.
 */
void hkvp_ipagent_legacy_registered(struct hkvp_ipagent *agent, u64 now)
{
	spin_lock_bh(&agent->lock);
	agent->legacy_came++;
	spin_unlock_bh(&agent->lock);
	offer_legacy(agent, now);
}

/**
 * hkvp_ipagent_legacy_answered() - answer of hv_kvp_daemon, or its death
 * @agent: the broker
 * @id: the request's
 * @result: 0 or an error of struct hkvp_service_ops
 */
void hkvp_ipagent_legacy_answered(struct hkvp_ipagent *agent, u64 id,
				  int result)
{
	spin_lock_bh(&agent->lock);
	answer(agent, HKVP_IP_LEGACY, id, result);
	spin_unlock_bh(&agent->lock);
}
