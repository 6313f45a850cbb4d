// SPDX-License-Identifier: GPL-2.0
/*
 * One packet of the channel, from the pipe header to the answer.
 *
 * Requests get exactly one answer, whatever is wrong with them; what is not a
 * request gets none. Two headers that fit are the least that an answer needs.
 */
#include <asm/byteorder.h>
#include <linux/compiler.h>
#include <linux/kernel.h>
#include <linux/string.h>
#include "ic.h"

/* One writer, the channel's side; readers take each counter by itself. */
static void count(u64 *counter)
{
	WRITE_ONCE(*counter, *counter + 1);
}

static enum hkvp_verdict drop(struct hkvp_ic *ic, enum hkvp_drop reason)
{
	ic->last.drop = reason;
	count(&ic->stats.packets);
	count(&ic->stats.dropped[reason]);
	return HKVP_DROP;
}

/* Everything else of the headers, the transaction id too, is echoed. */
static enum hkvp_verdict reply(struct hkvp_ic *ic, struct hkvp_ic_hdr *hdr,
			       enum hkvp_status status)
{
	ic->last.status = hkvp_status_wire(status);
	hdr->status = cpu_to_le32(ic->last.status);
	hdr->flags = HKVP_IC_TRANSACTION | HKVP_IC_RESPONSE;
	count(&ic->stats.packets);
	return HKVP_REPLY;
}

static void set_versions(struct hkvp_ic *ic, const struct hkvp_versions *to)
{
	WRITE_ONCE(ic->versions.fw, to->fw);
	WRITE_ONCE(ic->versions.msg, to->msg);
	WRITE_ONCE(ic->versions.fw_offered, to->fw_offered);
	WRITE_ONCE(ic->versions.msg_offered, to->msg_offered);
}

/* After all else is set: who is told looks at once. */
static void set_state(struct hkvp_ic *ic, enum hkvp_state state)
{
	const struct hkvp_service *svc = &ic->service;

	WRITE_ONCE(ic->state, state);
	if (svc->ops->state_changed)
		svc->ops->state_changed(svc->ctx);
}

static enum hkvp_state state_of(const struct hkvp_versions *versions)
{
	if (!versions->msg)
		return HKVP_STATE_NON_RECOVERABLE;
	if (versions->fw < versions->fw_offered ||
	    versions->msg < versions->msg_offered)
		return HKVP_STATE_DEGRADED;
	return HKVP_STATE_OK;
}

/* May come at any time and starts everything over, unless it is malformed. */
static enum hkvp_verdict negotiate(struct hkvp_ic *ic, struct hkvp_ic_hdr *hdr,
				   u32 size)
{
	struct hkvp_versions versions;

	if (hkvp_negotiate(hdr + 1, &size, &versions)) {
		count(&ic->stats.bad_negotiations);
		return reply(ic, hdr, HKVP_STATUS_INVALID_ARGUMENT);
	}
	count(&ic->stats.negotiations);
	hkvp_service_connect(&ic->service);
	set_versions(ic, &versions);
	set_state(ic, state_of(&versions));
	hdr->size = cpu_to_le16(size);
	return reply(ic, hdr, HKVP_STATUS_OK);
}

static enum hkvp_verdict kvp(struct hkvp_ic *ic, struct hkvp_ic_hdr *hdr,
			     u32 size, u64 now, gfp_t gfp)
{
	const struct hkvp_call call = {
		.now = now,
		.version = ic->versions.msg,
		.gfp = gfp,
	};
	struct hkvp_result *result = &ic->last.kvp;
	enum hkvp_verdict verdict;

	verdict = hkvp_service_request(&ic->service, hdr + 1, size, &call,
				       result);
	if (verdict != HKVP_REPLY)
		return verdict;
	return reply(ic, hdr, result->status);
}

/* The body is said to be longer than what arrived: answer with what did. */
static enum hkvp_verdict refuse(struct hkvp_ic *ic, struct hkvp_ic_hdr *hdr,
				u32 room)
{
	count(&ic->stats.bad_size);
	ic->last.kvp = (struct hkvp_result) {
		.op = HKVP_OP_UNKNOWN,
		.status = HKVP_STATUS_INVALID_ARGUMENT,
	};
	hdr->size = cpu_to_le16(room);
	if (ic->last.type == HKVP_IC_NEGOTIATE)
		hkvp_negotiate_refuse(hdr + 1, room);
	return reply(ic, hdr, HKVP_STATUS_INVALID_ARGUMENT);
}

/**
 * hkvp_ic_packet() - handle one packet of the channel
 * @ic: the integration component
 * @packet: payload of a VMBus packet, from the pipe header on; private to the
 *	caller, writable, any alignment; becomes the answer on HKVP_REPLY
 * @len: bytes of @packet, which is also the length of the answer
 * @now: time in ns, as in struct hkvp_call
 * @gfp: GFP_ATOMIC in the channel's callback, GFP_KERNEL in process context
 *
 * Bytes of @packet behind what the answer needs are left as they were: they
 * are the host's own. Takes no lock. Atomic context if @gfp says so. Cost: as
 * hkvp_service_request(); NEGOTIATE is linear in @len.
 *
 * Return: enum hkvp_verdict; HKVP_DEFER never with a gfp that allows blocking.
 * @ic->last tells the rest.
 */
enum hkvp_verdict hkvp_ic_packet(struct hkvp_ic *ic, void *packet, u32 len,
				 u64 now, gfp_t gfp)
{
	const struct hkvp_pipe_hdr *pipe = packet;
	struct hkvp_ic_hdr *hdr = packet + sizeof(*pipe);
	u32 pipe_size, room, size;

	if (len < sizeof(*pipe) + sizeof(*hdr))
		return drop(ic, HKVP_DROP_SHORT);
	if (le32_to_cpu(pipe->flags) != HKVP_PIPE_DATA)
		return drop(ic, HKVP_DROP_PIPE_FLAGS);
	/* VMBus pads packets to 8 bytes: @len may be more than the message. */
	pipe_size = le32_to_cpu(pipe->size);
	if (pipe_size < sizeof(*hdr) || pipe_size > len - sizeof(*pipe))
		return drop(ic, HKVP_DROP_PIPE_SIZE);
	if (hdr->flags & HKVP_IC_RESPONSE)
		return drop(ic, HKVP_DROP_RESPONSE);

	ic->last.type = le16_to_cpu(hdr->type);
	ic->last.id = hdr->id;
	room = pipe_size - sizeof(*hdr);
	size = le16_to_cpu(hdr->size);
	switch (ic->last.type) {
	case HKVP_IC_NEGOTIATE:
		if (size > room)
			return refuse(ic, hdr, room);
		return negotiate(ic, hdr, size);
	case HKVP_IC_KVP:
		if (size > room)
			return refuse(ic, hdr, room);
		return kvp(ic, hdr, size, now, gfp);
	default:
		if (!(hdr->flags & HKVP_IC_REQUEST))
			return drop(ic, HKVP_DROP_TYPE);
		if (size > room)
			return refuse(ic, hdr, room);
		count(&ic->stats.unsupported);
		return reply(ic, hdr, HKVP_STATUS_NOT_SUPPORTED);
	}
}

/**
 * hkvp_ic_init() - set up an integration component that has no channel yet
 * @ic: the integration component
 * @pools: as hkvp_service_init()
 * @ops: likewise
 * @ctx: likewise
 */
void hkvp_ic_init(struct hkvp_ic *ic, struct hkvp_pool *pools,
		  const struct hkvp_service_ops *ops, void *ctx)
{
	memset(ic, 0, sizeof(*ic));
	ic->state = HKVP_STATE_NO_CONTACT;
	hkvp_service_init(&ic->service, pools, ops, ctx);
}

/* A new channel knows nothing of what was negotiated on the last one. */
static void restart(struct hkvp_ic *ic, enum hkvp_state state)
{
	const struct hkvp_versions none = {};

	hkvp_service_disconnect(&ic->service);
	set_versions(ic, &none);
	set_state(ic, state);
}

/**
 * hkvp_ic_open() - a channel is about to be opened
 * @ic: the integration component
 *
 * Any context, before the first packet. The host negotiates next.
 */
void hkvp_ic_open(struct hkvp_ic *ic)
{
	restart(ic, HKVP_STATE_NO_CONTACT);
}

/**
 * hkvp_ic_close() - the channel is closed or rescinded
 * @ic: the integration component
 *
 * Any context, after the last packet. Drops all pins; pools stay.
 */
void hkvp_ic_close(struct hkvp_ic *ic)
{
	restart(ic, HKVP_STATE_LOST);
}

/**
 * hkvp_ic_expire() - end the enumerations that have been silent too long
 * @ic: the integration component
 * @now: time in ns, as in struct hkvp_call
 *
 * Return: as hkvp_service_expire().
 */
u64 hkvp_ic_expire(struct hkvp_ic *ic, u64 now)
{
	return hkvp_service_expire(&ic->service, now);
}
