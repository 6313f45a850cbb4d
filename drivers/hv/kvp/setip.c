// SPDX-License-Identifier: GPL-2.0
/*
 * SET_IP_INFO: what the service asks for, handed to the broker, and the clock
 * and the wires that the broker has none of.
 */
#define pr_fmt(fmt) KBUILD_MODNAME ": " fmt

#include <linux/gfp.h>
#include <linux/jiffies.h>
#include <linux/printk.h>
#include <linux/slab.h>
#include <linux/timekeeping.h>

#include "changes.h"
#include "channel.h"
#include "ip_decode.h"
#include "ip_text.h"
#include "service.h"
#include "setip.h"

static struct hkvp_ipagent agent;
static struct hkvp_channel *channel;
static const struct hkvp_setip_legacy *legacy;
/* Written by the channel's side only, one request at a time. */
static u64 *left_out;

static void expire(struct work_struct *work);
static DECLARE_DELAYED_WORK(timer, expire);

static u64 now(void)
{
	return ktime_get_boottime_ns();
}

/* Has a request's time ended when it is over. */
static void arm_timer(void)
{
	u64 ns = hkvp_ipagent_expire(&agent, now());

	if (ns)
		mod_delayed_work(channel->wq, &timer, nsecs_to_jiffies(ns) + 1);
}

/* What comes early, because requests came and went, finds out how early. */
static void expire(struct work_struct *work)
{
	arm_timer();
}

static void kick(void *ctx)
{
	hkvp_channel_kick(channel);
}

static void told(void *ctx, u64 id)
{
	hkvp_changes_request(HKVP_PLACE_IP, id);
}

static int legacy_request(void *ctx, const struct hkvp_ip_request *request)
{
	struct hv_kvp_ipaddr_value *ip = kzalloc(sizeof(*ip), HKVP_GFP_DEFERRED);
	int ret;

	if (!ip)
		return -ENOMEM;
	ret = hkvp_ip_text(ip, &request->config);
	if (!ret)
		ret = legacy->request(request->id, ip);
	kfree(ip);
	return ret;
}

static void legacy_cancel(void *ctx, u64 id)
{
	legacy->cancel(id);
}

static const struct hkvp_ipagent_ops ops = {
	.kick = kick,
	.told = told,
	.legacy_request = legacy_request,
	.legacy_cancel = legacy_cancel,
};

/* Of the host's text the log gets nothing, only how much of it was no use. */
static void count_left_out(u32 count)
{
	WRITE_ONCE(*left_out, *left_out + count);
	pr_info_ratelimited("SET_IP_INFO: %u subnets, zones, gateways or DNS servers left out\n",
			    count);
}

/* @strings or @binary. */
static int decode(struct hkvp_ip_request *request,
		  const struct hkvp_ip_strings *strings,
		  const struct hkvp_ip_binary *binary)
{
	int ret;

	if (strings)
		ret = hkvp_ip_decode_strings(&request->config, strings);
	else
		ret = hkvp_ip_decode_binary(&request->config, binary);
	if (ret < 0)
		return ret;
	if (ret)
		count_left_out(ret);
	return hkvp_adapter_parse(strings ? strings->adapter_id :
					    binary->adapter_id,
				  &request->adapter);
}

/* Nothing here is for the channel's callback: it allocates, and parses text. */
static int set_ip(const struct hkvp_ip_strings *strings,
		  const struct hkvp_ip_binary *binary, gfp_t gfp)
{
	struct hkvp_ip_request *request;
	int ret;

	if (!gfpflags_allow_blocking(gfp))
		return -EAGAIN;
	ret = hkvp_ipagent_result(&agent);
	if (ret != -ESRCH)
		return ret;

	request = hkvp_ip_request_alloc(gfp);
	if (!request)
		return -ENOMEM;
	ret = decode(request, strings, binary);
	if (ret) {
		hkvp_ip_request_put(request);
		return ret;
	}
	ret = hkvp_ipagent_submit(&agent, request, now());
	if (ret == -EINPROGRESS)
		arm_timer();
	return ret;
}

/* As &struct hkvp_service_ops has it. */
int hkvp_setip_strings(void *ctx, const struct hkvp_ip_strings *ip, gfp_t gfp)
{
	return set_ip(ip, NULL, gfp);
}

/* As &struct hkvp_service_ops has it. */
int hkvp_setip_binary(void *ctx, const struct hkvp_ip_binary *ip, gfp_t gfp)
{
	return set_ip(NULL, ip, gfp);
}

/* As &struct hkvp_service_ops has it. */
void hkvp_setip_connected(void *ctx)
{
	hkvp_ipagent_connected(&agent, now());
}

/* As &struct hkvp_service_ops has it. */
void hkvp_setip_cancel(void *ctx)
{
	hkvp_ipagent_cancel(&agent);
}

/**
 * hkvp_setip_attach() - become the agent on the device
 * @device: who; any address that is its own
 *
 * Context: process.
 *
 * Return: as hkvp_ipagent_attach().
 */
int hkvp_setip_attach(const void *device)
{
	int ret = hkvp_ipagent_attach(&agent, device, now());

	arm_timer();
	return ret;
}

/**
 * hkvp_setip_legacy_registered() - hv_kvp_daemon is there
 *
 * Context: process, may sleep; without locks that &struct hkvp_setip_legacy
 * takes.
 */
void hkvp_setip_legacy_registered(void)
{
	hkvp_ipagent_legacy_registered(&agent, now());
	arm_timer();
}

/* The errors that the service makes these statuses from again. */
static int error_of(u32 status)
{
	switch (status) {
	case HKVP_S_OK:
		return 0;
	case HKVP_E_NOT_SUPPORTED:
		return -EOPNOTSUPP;
	case HKVP_E_INVALID_ARGUMENT:
		return -EINVAL;
	case HKVP_E_NOT_FOUND:
		return -ENOENT;
	default:
		return -EIO;
	}
}

/**
 * hkvp_setip_legacy_answered() - hv_kvp_daemon has answered, or is gone
 * @id: the request's
 * @status: a status of wire.h, as the daemon has it
 *
 * Context: process.
 */
void hkvp_setip_legacy_answered(u64 id, u32 status)
{
	hkvp_ipagent_legacy_answered(&agent, id, error_of(status));
}

/**
 * hkvp_setip_agent() - the broker, for agents
 *
 * Return: the broker, between hkvp_setip_init() and hkvp_setip_exit().
 */
struct hkvp_ipagent *hkvp_setip_agent(void)
{
	return &agent;
}

/**
 * hkvp_setip_init() - get ready for requests and agents
 * @ch: channel to kick; initialized before this and destroyed after
 *	hkvp_setip_exit()
 * @daemon: how to reach hv_kvp_daemon, constant
 * @stat: counts what was left out of requests; read with READ_ONCE()
 *
 * hkvp_changes_init() comes before too.
 *
 * Context: process.
 */
void hkvp_setip_init(struct hkvp_channel *ch,
		     const struct hkvp_setip_legacy *daemon, u64 *stat)
{
	channel = ch;
	legacy = daemon;
	left_out = stat;
	hkvp_ipagent_init(&agent, &ops, NULL);
}

/**
 * hkvp_setip_exit() - undo hkvp_setip_init()
 *
 * The channel is closed, and there is no agent any more.
 *
 * Context: process, may sleep.
 */
void hkvp_setip_exit(void)
{
	cancel_delayed_work_sync(&timer);
	hkvp_ipagent_destroy(&agent);
}
