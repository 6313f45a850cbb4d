// SPDX-License-Identifier: GPL-2.0
/*
 * The KVP service: what the guest answers to each operation of the host.
 *
 * Every length and number of the message is checked here, once, before it is
 * used. An error changes nothing in the pools; the answer is then the request's
 * own bytes with a status.
 */
#include <asm/byteorder.h>
#include <linux/compiler.h>
#include <linux/errno.h>
#include <linux/gfp.h>
#include <linux/kernel.h>
#include <linux/nospec.h>
#include <linux/preempt.h>
#include <linux/rcupdate.h>
#include <linux/string.h>
#include "codec.h"
#include "service.h"

/* One writer, the channel's side; readers take each counter by itself. */
static void count(u64 *counter)
{
	WRITE_ONCE(*counter, *counter + 1);
}

static bool may_block(gfp_t gfp)
{
	return gfpflags_allow_blocking(gfp);
}

/**
 * hkvp_status_wire() - the HRESULT that goes into the answer
 * @status: the status
 *
 * Return: the number, winerror.h and wbemcli.h.
 */
u32 hkvp_status_wire(enum hkvp_status status)
{
	static const u32 wire[HKVP_STATUS_COUNT] = {
		[HKVP_STATUS_OK] = HKVP_S_OK,
		[HKVP_STATUS_FAIL] = HKVP_E_FAIL,
		[HKVP_STATUS_NO_MORE_ITEMS] = HKVP_E_NO_MORE_ITEMS,
		[HKVP_STATUS_NOT_SUPPORTED] = HKVP_E_NOT_SUPPORTED,
		[HKVP_STATUS_NOT_FOUND] = HKVP_E_NOT_FOUND,
		[HKVP_STATUS_INVALID_ARGUMENT] = HKVP_E_INVALID_ARGUMENT,
		[HKVP_STATUS_DISK_FULL] = HKVP_E_DISK_FULL,
		[HKVP_STATUS_NOT_CONNECTED] = HKVP_E_NOT_CONNECTED,
	};

	return wire[status];
}

/* What an error of a handler becomes on the wire. */
static enum hkvp_status status_of(int err)
{
	switch (err) {
	case 0:
		return HKVP_STATUS_OK;
	case -ENOENT:
		return HKVP_STATUS_NO_MORE_ITEMS;
	case -ENODEV:
		return HKVP_STATUS_NOT_FOUND;
	case -EINVAL:
		return HKVP_STATUS_INVALID_ARGUMENT;
	case -EOPNOTSUPP:
		return HKVP_STATUS_NOT_SUPPORTED;
	case -ENOSPC:
		return HKVP_STATUS_DISK_FULL;
	case -ENOTCONN:
		return HKVP_STATUS_NOT_CONNECTED;
	default:
		return HKVP_STATUS_FAIL;
	}
}

static void cursor_drop(struct hkvp_cursor *cursor)
{
	if (!cursor->version)
		return;
	hkvp_version_unpin(cursor->version);
	cursor->version = NULL;
}

/*
 * The version that index @index is taken from, within rcu_read_lock(). Index 0
 * starts an enumeration; it goes on as long as each index is the last one again
 * or the next one.
 */
static const struct hkvp_version *
cursor_version(struct hkvp_cursor *cursor, struct hkvp_pool *pool, u32 index,
	       u64 now)
{
	if (!index) {
		cursor_drop(cursor);
		cursor->version = hkvp_pool_pin(pool);
	} else if (cursor->version &&
		   (index - cursor->last > 1 ||
		    now - cursor->used >= HKVP_CURSOR_TIMEOUT_NS)) {
		cursor_drop(cursor);
	}
	if (!cursor->version)
		return hkvp_pool_current(pool);
	cursor->last = index;
	cursor->used = now;
	return cursor->version;
}

/*
 * The host was told that there are no more items, and has asked for each: its cursor
 * has seen to that. Readers must not wait for a writer that was preempted.
 */
static void note_read(struct hkvp_service *svc, u8 pool,
		      const struct hkvp_version *version, u64 now)
{
	struct hkvp_host_read *read = &svc->read[pool];

	preempt_disable();
	raw_write_seqcount_begin(&svc->read_lock);
	read->generation = hkvp_version_generation(version);
	/* 0 is for never */
	read->time = now ?: 1;
	read->connection = svc->connection;
	raw_write_seqcount_end(&svc->read_lock);
	preempt_enable();
	if (svc->ops->host_read)
		svc->ops->host_read(svc->ctx);
}

/* Whether the host may read pool GUEST now; 0, or what it waits for. */
static int ask(struct hkvp_service *svc, u8 pool, gfp_t gfp)
{
	if (pool != HKVP_POOL_GUEST || !svc->ops->ask)
		return 0;
	return svc->ops->ask(svc->ctx, gfp);
}

/* Type, sizes and value; what lies behind the value stays the host's own. */
static void put_value(struct hkvp_value *dst, const struct hkvp_item *item)
{
	dst->type = cpu_to_le32(item->type);
	dst->value_size = cpu_to_le32(item->value_size);
	memcpy(dst->value, hkvp_item_value(item), item->value_size);
}

static int op_get(struct hkvp_service *svc, struct hkvp_value *value,
		  gfp_t gfp, struct hkvp_result *result)
{
	const struct hkvp_service_ops *ops = svc->ops;
	const struct hkvp_item *item;
	int key_size, err = 0;

	key_size = hkvp_codec_key(value->key, le32_to_cpu(value->key_size));
	if (key_size < 0)
		return key_size;
	result->key_size = key_size;
	err = ask(svc, result->pool, gfp);
	if (err)
		return err;

	if (result->pool == HKVP_POOL_AUTO) {
		if (!ops->intrinsic_find)
			return -ENOENT;
		err = ops->intrinsic_find(svc->ctx, value->key, key_size, value);
	} else {
		rcu_read_lock();
		item = hkvp_version_find(hkvp_pool_current(&svc->pools[result->pool]),
					 value->key, key_size);
		if (item)
			put_value(value, item);
		else
			err = -ENOENT;
		rcu_read_unlock();
	}
	if (err)
		return err;
	value->key_size = cpu_to_le32(key_size);
	result->value_size = le32_to_cpu(value->value_size);
	return 0;
}

/* An item of a pool that has versions into @value. */
static int enumerate_pool(struct hkvp_service *svc, struct hkvp_value *value,
			  u64 now, const struct hkvp_result *result)
{
	struct hkvp_cursor *cursor = &svc->cursors[result->pool];
	const struct hkvp_version *version;
	const struct hkvp_item *item;

	rcu_read_lock();
	version = cursor_version(cursor, &svc->pools[result->pool],
				 result->index, now);
	item = hkvp_version_at(version, result->index);
	if (item) {
		value->key_size = cpu_to_le32(item->key_size);
		memcpy(value->key, hkvp_item_key(item), item->key_size);
		put_value(value, item);
	} else if (cursor->version) {
		note_read(svc, result->pool, version, now);
	}
	rcu_read_unlock();
	if (item)
		return 0;
	cursor_drop(cursor);
	return -ENOENT;
}

static int op_enumerate(struct hkvp_service *svc, struct hkvp_msg_enumerate *msg,
			const struct hkvp_call *call, struct hkvp_result *result)
{
	const struct hkvp_service_ops *ops = svc->ops;
	struct hkvp_value *value = &msg->value;
	u32 index = le32_to_cpu(msg->index);
	int err;

	result->index = index;
	err = index ? 0 : ask(svc, result->pool, call->gfp);
	if (err)
		return err;
	if (result->pool != HKVP_POOL_AUTO)
		err = enumerate_pool(svc, value, call->now, result);
	else if (ops->intrinsic_at)
		err = ops->intrinsic_at(svc->ctx, index, value);
	else
		err = -ENOENT;
	if (err)
		return err;
	result->key_size = le32_to_cpu(value->key_size);
	result->value_size = le32_to_cpu(value->value_size);
	return 0;
}

static bool host_may_write(const struct hkvp_service *svc, u8 pool)
{
	return pool != HKVP_POOL_AUTO && READ_ONCE(svc->writable) & BIT(pool);
}

static int publish(struct hkvp_service *svc, struct hkvp_change *change,
		   gfp_t gfp, u8 pool)
{
	int err;

	change->owner = HKVP_OWNER_HOST;
	change->connection = svc->connection;
	err = hkvp_pool_change(&svc->pools[pool], change, gfp);
	if (!err && svc->ops->changed)
		svc->ops->changed(svc->ctx, pool);
	return err;
}

/* The message's sizes stay as they came: a deferred one is checked again. */
static int op_set(struct hkvp_service *svc, struct hkvp_value *value, gfp_t gfp,
		  struct hkvp_result *result)
{
	u32 type = le32_to_cpu(value->type);
	int key_size, value_size;

	if (!host_may_write(svc, result->pool))
		return -EOPNOTSUPP;
	key_size = hkvp_codec_key(value->key, le32_to_cpu(value->key_size));
	if (key_size < 0)
		return key_size;
	result->key_size = key_size;
	value_size = hkvp_codec_value(value->value,
				      le32_to_cpu(value->value_size), &type);
	if (value_size < 0)
		return value_size;
	result->value_size = value_size;

	return publish(svc, &(struct hkvp_change) {
		.key = value->key,
		.key_size = key_size,
		.value = value->value,
		.value_size = value_size,
		.type = type,
	}, gfp, result->pool);
}

static int op_delete(struct hkvp_service *svc, struct hkvp_msg_delete *msg,
		     gfp_t gfp, struct hkvp_result *result)
{
	int key_size;

	if (!host_may_write(svc, result->pool))
		return -EOPNOTSUPP;
	key_size = hkvp_codec_key(msg->key, le32_to_cpu(msg->key_size));
	if (key_size < 0)
		return key_size;
	result->key_size = key_size;

	return publish(svc, &(struct hkvp_change) {
		.key = msg->key,
		.key_size = key_size,
		.delete = true,
	}, gfp, result->pool);
}

static bool is_binary(const struct hkvp_call *call)
{
	return call->version >= HKVP_VERSION(5, 0);
}

static int op_get_ip(struct hkvp_service *svc, void *body,
		     const struct hkvp_call *call)
{
	const struct hkvp_service_ops *ops = svc->ops;
	struct hkvp_msg_ip_strings *strings = body;
	struct hkvp_msg_ip_binary *binary = body;
	int err = -ENOENT;

	if (is_binary(call)) {
		if (ops->get_ip_binary)
			err = ops->get_ip_binary(svc->ctx, &binary->ip, call->gfp);
	} else if (ops->get_ip_strings) {
		err = ops->get_ip_strings(svc->ctx, &strings->ip, call->gfp);
	}
	return err == -ENOENT ? -ENODEV : err;
}

static bool ip_counts_fit(const struct hkvp_ip_binary *ip)
{
	return le32_to_cpu(ip->v4_count) <= HKVP_IP_ADDRESSES &&
	       le32_to_cpu(ip->v6_count) <= HKVP_IP_ADDRESSES &&
	       le32_to_cpu(ip->v4_gateway_count) <= HKVP_IP_GATEWAYS &&
	       le32_to_cpu(ip->v6_gateway_count) <= HKVP_IP_GATEWAYS &&
	       le32_to_cpu(ip->v4_dns_count) <= HKVP_IP_ADDRESSES &&
	       le32_to_cpu(ip->v6_dns_count) <= HKVP_IP_ADDRESSES;
}

static int op_set_ip(struct hkvp_service *svc, void *body,
		     const struct hkvp_call *call)
{
	const struct hkvp_service_ops *ops = svc->ops;
	struct hkvp_msg_ip_strings *strings = body;
	struct hkvp_msg_ip_binary *binary = body;
	int err = -EOPNOTSUPP;

	if (is_binary(call)) {
		if (!ip_counts_fit(&binary->ip))
			return -EINVAL;
		if (ops->set_ip_binary)
			err = ops->set_ip_binary(svc->ctx, &binary->ip, call->gfp);
	} else if (ops->set_ip_strings) {
		err = ops->set_ip_strings(svc->ctx, &strings->ip, call->gfp);
	}
	return err == -ENOENT ? -ENODEV : err;
}

/* Bytes of body that operation @op needs, for its answer too; 0: unknown. */
static u32 body_size(u8 op, const struct hkvp_call *call)
{
	switch (op) {
	case HKVP_OP_GET:
	case HKVP_OP_SET:
		return sizeof(struct hkvp_msg_value);
	case HKVP_OP_DELETE:
		return sizeof(struct hkvp_msg_delete);
	case HKVP_OP_ENUMERATE:
		return sizeof(struct hkvp_msg_enumerate);
	case HKVP_OP_GET_IP_INFO:
	case HKVP_OP_SET_IP_INFO:
		return is_binary(call) ? sizeof(struct hkvp_msg_ip_binary) :
					 sizeof(struct hkvp_msg_ip_strings);
	default:
		return 0;
	}
}

static int handle(struct hkvp_service *svc, void *body, u32 size,
		  const struct hkvp_call *call, struct hkvp_result *result)
{
	u8 op = result->op;
	u32 needed = body_size(op, call);

	if (!call->version)
		return -ENOTCONN;
	if (!needed)
		return -EOPNOTSUPP;
	if (size < needed)
		return -EINVAL;
	/* The pool of an IP message means nothing. */
	if (op == HKVP_OP_GET_IP_INFO)
		return op_get_ip(svc, body, call);
	if (op == HKVP_OP_SET_IP_INFO)
		return op_set_ip(svc, body, call);

	if (result->pool >= HKVP_POOL_COUNT)
		return -EINVAL;
	result->pool = array_index_nospec(result->pool, HKVP_POOL_COUNT);
	switch (op) {
	case HKVP_OP_GET:
		return op_get(svc, &((struct hkvp_msg_value *)body)->value,
			      call->gfp, result);
	case HKVP_OP_SET:
		return op_set(svc, &((struct hkvp_msg_value *)body)->value,
			      call->gfp, result);
	case HKVP_OP_DELETE:
		return op_delete(svc, body, call->gfp, result);
	default:
		return op_enumerate(svc, body, call, result);
	}
}

static void finish(struct hkvp_service *svc, struct hkvp_result *result,
		   enum hkvp_status status)
{
	result->status = status;
	count(&svc->stats.ops[min_t(u8, result->op, HKVP_OP_UNKNOWN)]);
	count(&svc->stats.status[status]);
}

/**
 * hkvp_service_request() - answer one KVP message in place
 * @svc: the service
 * @body: body of the message, private and writable, any alignment
 * @size: bytes of @body
 * @call: time, version, context
 * @result: what it came to, written in any case
 *
 * Takes no lock and allocates nothing for GET and ENUMERATE, whose cost grows
 * like log n of the pool's items; SET and DELETE allocate with @call->gfp, and
 * on HKVP_DEFER have changed nothing but a NUL behind a string that had none.
 * Atomic context if @call->gfp says so.
 *
 * Return: HKVP_REPLY, @result->status being the status of the answer; HKVP_DEFER,
 * never with a gfp that allows blocking; or HKVP_WAIT, for SET_IP_INFO, and for GET
 * and ENUMERATE of pool GUEST while there is a mirror.
 */
enum hkvp_verdict hkvp_service_request(struct hkvp_service *svc, void *body,
				       u32 size, const struct hkvp_call *call,
				       struct hkvp_result *result)
{
	const struct hkvp_msg_hdr *hdr = body;
	int err = -EINVAL;

	might_sleep_if(may_block(call->gfp));
	*result = (struct hkvp_result) { .op = HKVP_OP_UNKNOWN };
	if (size >= sizeof(*hdr)) {
		result->op = hdr->op;
		result->pool = hdr->pool;
		err = handle(svc, body, size, call, result);
	}
	if ((err == -ENOMEM || err == -EAGAIN) && !may_block(call->gfp)) {
		count(&svc->stats.deferred);
		return HKVP_DEFER;
	}
	if (err == -EINPROGRESS)
		return HKVP_WAIT;
	finish(svc, result, status_of(err));
	return HKVP_REPLY;
}

/**
 * hkvp_service_abandon() - wait for an answer no longer
 * @svc: the service
 * @result: of the request, the last one, for which there was HKVP_WAIT; gets
 *	the status
 *
 * Context: process.
 */
void hkvp_service_abandon(struct hkvp_service *svc, struct hkvp_result *result)
{
	if (svc->ops->cancel)
		svc->ops->cancel(svc->ctx);
	finish(svc, result, HKVP_STATUS_FAIL);
}

/**
 * hkvp_service_init() - set up a service
 * @svc: the service
 * @pools: HKVP_POOL_COUNT pools, initialized; they outlive the service
 * @ops: callbacks, constant
 * @ctx: first argument of @ops
 */
void hkvp_service_init(struct hkvp_service *svc, struct hkvp_pool *pools,
		       const struct hkvp_service_ops *ops, void *ctx)
{
	memset(svc, 0, sizeof(*svc));
	svc->pools = pools;
	svc->ops = ops;
	svc->ctx = ctx;
	svc->writable = HKVP_HOST_WRITABLE;
	seqcount_init(&svc->read_lock);
}

/**
 * hkvp_service_host_read() - what the host has read of a pool
 * @svc: the service
 * @pool: the pool
 *
 * An enumeration counts if it began with index 0, left out none, and was told that
 * there are no more, while it saw one version. Pool AUTO has no versions that an
 * enumeration could see.
 *
 * Context: process.
 * Return: generation, time and connection of one moment.
 */
struct hkvp_host_read hkvp_service_host_read(const struct hkvp_service *svc,
					     enum hkvp_pool_id pool)
{
	struct hkvp_host_read read;
	unsigned int begin;

	do {
		begin = read_seqcount_begin(&svc->read_lock);
		read = svc->read[pool];
	} while (read_seqcount_retry(&svc->read_lock, begin));
	return read;
}

/**
 * hkvp_service_connect() - the host starts over: NEGOTIATE
 * @svc: the service
 *
 * Ends all enumerations, and a request that is waited for, and counts a
 * connection. Any context.
 */
void hkvp_service_connect(struct hkvp_service *svc)
{
	u32 connection = svc->connection + 1;

	hkvp_service_disconnect(svc);
	/* 0 is the number of items that are not the host's. */
	WRITE_ONCE(svc->connection, connection ? connection : 1);
	if (svc->ops->connected)
		svc->ops->connected(svc->ctx);
}

/**
 * hkvp_service_disconnect() - the channel is closed
 * @svc: the service
 *
 * Ends all enumerations and so drops the pins; ends a request that is waited
 * for. Any context; process if there is one.
 */
void hkvp_service_disconnect(struct hkvp_service *svc)
{
	u32 i;

	for (i = 0; i < HKVP_POOL_COUNT; i++)
		cursor_drop(&svc->cursors[i]);
	if (svc->ops->cancel)
		svc->ops->cancel(svc->ctx);
}

/**
 * hkvp_service_expire() - end the enumerations that have been silent too long
 * @svc: the service
 * @now: time as in struct hkvp_call
 *
 * Any context, on the channel's side.
 *
 * Return: ns until the next enumeration can end so, at least 1; 0 if there is
 * none.
 */
u64 hkvp_service_expire(struct hkvp_service *svc, u64 now)
{
	u64 next = 0;
	u32 i;

	for (i = 0; i < HKVP_POOL_COUNT; i++) {
		struct hkvp_cursor *cursor = &svc->cursors[i];
		u64 silent = now - cursor->used;

		if (!cursor->version)
			continue;
		if (silent >= HKVP_CURSOR_TIMEOUT_NS) {
			cursor_drop(cursor);
			continue;
		}
		if (!next || HKVP_CURSOR_TIMEOUT_NS - silent < next)
			next = HKVP_CURSOR_TIMEOUT_NS - silent;
	}
	return next;
}
