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

/*
 * Bytes of the body. The guests that hosts know go by what arrived and do not
 * look at the header's own figure, so there may be hosts that leave it 0, or
 * get it wrong.
 */
static u32 body_size(const void *packet)
{
	const struct hkvp_pipe_hdr *pipe = packet;
	const struct hkvp_ic_hdr *hdr = packet + sizeof(*pipe);
	u32 room = le32_to_cpu(pipe->size) - sizeof(*hdr);
	u32 said = le16_to_cpu(hdr->size);

	return min(said ?: room, room);
}

/*
 * Everything else of the headers, the transaction id too, is echoed. @size has
 * to be right whatever the request said: hosts take so much of the answer.
 */
static enum hkvp_verdict reply(struct hkvp_ic *ic, void *packet, u32 size,
			       enum hkvp_status status)
{
	const struct hkvp_pipe_hdr *pipe = packet;
	struct hkvp_ic_hdr *hdr = packet + sizeof(*pipe);

	if (le32_to_cpu(pipe->flags) != HKVP_PIPE_DATA)
		count(&ic->stats.bad_pipe_flags);
	if (le16_to_cpu(hdr->size) != body_size(packet))
		count(&ic->stats.bad_size);
	ic->last.status = hkvp_status_wire(status);
	hdr->size = cpu_to_le16(size);
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
static enum hkvp_verdict negotiate(struct hkvp_ic *ic, void *packet)
{
	struct hkvp_versions versions;
	u32 size = body_size(packet);

	if (hkvp_negotiate(packet + HKVP_IC_HEADERS, &size, &versions)) {
		count(&ic->stats.bad_negotiations);
		return reply(ic, packet, size, HKVP_STATUS_INVALID_ARGUMENT);
	}
	count(&ic->stats.negotiations);
	hkvp_service_connect(&ic->service);
	set_versions(ic, &versions);
	set_state(ic, state_of(&versions));
	return reply(ic, packet, size, HKVP_STATUS_OK);
}

static enum hkvp_verdict kvp(struct hkvp_ic *ic, void *packet, u64 now,
			     gfp_t gfp)
{
	const struct hkvp_call call = {
		.now = now,
		.version = ic->versions.msg,
		.gfp = gfp,
	};
	struct hkvp_result *result = &ic->last.kvp;
	u32 size = body_size(packet);
	enum hkvp_verdict verdict;

	verdict = hkvp_service_request(&ic->service, packet + HKVP_IC_HEADERS, size,
				       &call, result);
	if (verdict != HKVP_REPLY)
		return verdict;
	return reply(ic, packet, size, result->status);
}

/*
 * The pipe header says something that cannot be read as a message. Any other
 * value is as good as "data": hv_utils does not look, so that hosts need not
 * get it right.
 */
static bool is_no_message(u32 pipe_flags)
{
	return pipe_flags >= HKVP_PIPE_PARTIAL &&
	       pipe_flags <= HKVP_PIPE_TEARDOWN_GPA_DIRECT;
}

/*
 * Why @packet, of @len bytes, is not to be answered, whatever its type; or
 * HKVP_DROP_COUNT. Looks at the headers alone.
 */
static enum hkvp_drop check_headers(const void *packet, u32 len)
{
	const struct hkvp_pipe_hdr *pipe = packet;
	const struct hkvp_ic_hdr *hdr = packet + sizeof(*pipe);
	u32 size;

	if (len < HKVP_IC_HEADERS)
		return HKVP_DROP_SHORT;
	if (is_no_message(le32_to_cpu(pipe->flags)))
		return HKVP_DROP_PIPE_FLAGS;
	/* VMBus pads packets to 8 bytes: @len may be more than the message. */
	size = le32_to_cpu(pipe->size);
	if (size < sizeof(*hdr) || size > len - sizeof(*pipe))
		return HKVP_DROP_PIPE_SIZE;
	if (hdr->flags & HKVP_IC_RESPONSE)
		return HKVP_DROP_RESPONSE;
	return HKVP_DROP_COUNT;
}

/**
 * hkvp_ic_packet() - handle one packet of the channel
 * @ic: the integration component
 * @packet: payload of a VMBus packet, from the pipe header on; private to the
 *	caller, writable, any alignment; becomes the answer on HKVP_REPLY
 * @len: bytes of @packet, which is also the length of the answer
 * @now: time in ns, as in struct hkvp_call
 * @gfp: GFP_ATOMIC in the channel's callback, HKVP_GFP_DEFERRED in process
 *	context
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
	const struct hkvp_ic_hdr *hdr = packet + sizeof(struct hkvp_pipe_hdr);
	enum hkvp_drop reason = check_headers(packet, len);

	if (reason != HKVP_DROP_COUNT)
		return drop(ic, reason);
	ic->last.type = le16_to_cpu(hdr->type);
	ic->last.id = hdr->id;
	switch (ic->last.type) {
	case HKVP_IC_NEGOTIATE:
		return negotiate(ic, packet);
	case HKVP_IC_KVP:
		return kvp(ic, packet, now, gfp);
	default:
		if (!(hdr->flags & HKVP_IC_REQUEST))
			return drop(ic, HKVP_DROP_TYPE);
		count(&ic->stats.unsupported);
		return reply(ic, packet, body_size(packet),
			     HKVP_STATUS_NOT_SUPPORTED);
	}
}

/**
 * hkvp_ic_is_negotiate() - whether a packet is a NEGOTIATE
 * @packet: its headers, HKVP_IC_HEADERS bytes, as hkvp_ic_packet() gets them
 * @len: bytes of the whole packet
 *
 * A host that sends one while an answer is waited for has started over: nobody
 * awaits that answer any more.
 *
 * Context: any.
 * Return: true if it is, well-formed or not.
 */
bool hkvp_ic_is_negotiate(const void *packet, u32 len)
{
	const struct hkvp_ic_hdr *hdr = packet + sizeof(struct hkvp_pipe_hdr);

	return check_headers(packet, len) == HKVP_DROP_COUNT &&
	       le16_to_cpu(hdr->type) == HKVP_IC_NEGOTIATE;
}

/**
 * hkvp_ic_abandon() - answer a packet without waiting any longer
 * @ic: the integration component
 * @packet: the last one that hkvp_ic_packet() got, and gave HKVP_WAIT for;
 *	becomes the answer, E_FAIL
 *
 * Context: process.
 */
void hkvp_ic_abandon(struct hkvp_ic *ic, void *packet)
{
	hkvp_service_abandon(&ic->service, &ic->last.kvp);
	reply(ic, packet, body_size(packet), ic->last.kvp.status);
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
