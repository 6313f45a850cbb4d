// SPDX-License-Identifier: GPL-2.0
/*
 * Fuzzes hkvp_ic_packet(): several packets on one channel, each compared with
 * the model to the byte of the answer, the pools' contents and the state. What
 * changes no pool must not ask for memory either.
 *
 * An input is a list of records; each makes one packet from a template and
 * patches, so that a small input reaches deep and any packet can be made:
 *
 *   u8 control: bits 0-3 the allocation that fails (0: none), 4: 16 s go by,
 *	5: a length follows, 6: process context, 7: the channel is reopened
 *   u8 template (low half) and a letter, index or variant (high half)
 *   u8 pool (low 3 bits) and number of patches (high 5 bits)
 *   [u16 length]
 *   patches: u16 offset, u8 count, bytes
 */
#include <errno.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <asm/byteorder.h>
#include <linux/gfp.h>
#include <linux/rcupdate.h>
#include <linux/slab.h>
#include "ic.h"
#include "input.h"
#include "packet_model.h"

#define LARGEST		8192
#define KVP_LEN		2608
#define IP_LEN		7456

static struct hkvp_budget budget;
static struct hkvp_pool pools[HKVP_POOL_COUNT];
static struct hkvp_ic ic;
static struct model model;
static u64 now;
/* Times that set_ip() had no answer for the request under way; never without one. */
static u32 waited;

/* The rest of the guest, as the model has it. */

static void put_item(struct hkvp_value *out, const struct model_item *item)
{
	out->type = item->type;
	out->value_size = item->value_size;
	memcpy(out->value, item->value, item->value_size);
}

static int intrinsic_at(void *ctx, u32 index, struct hkvp_value *out)
{
	const struct model_item *item = model_intrinsic(index);

	CHECK(ctx == &ic);
	if (!item)
		return -ENOENT;
	out->key_size = item->key_size;
	memcpy(out->key, item->key, item->key_size);
	put_item(out, item);
	return 0;
}

static int intrinsic_find(void *ctx, const void *key, u32 key_size,
			  struct hkvp_value *out)
{
	const struct model_item *item;
	u32 i;

	CHECK(ctx == &ic);
	for (i = 0; (item = model_intrinsic(i)); i++) {
		if (item->key_size == key_size && !memcmp(item->key, key, key_size)) {
			put_item(out, item);
			return 0;
		}
	}
	return -ENOENT;
}

static int get_ip_strings(void *ctx, struct hkvp_ip_strings *msg, gfp_t gfp)
{
	int err = model_ip_error(((u8 *)msg->adapter_id)[0]);

	(void)ctx;
	(void)gfp;
	if (!err)
		msg->family = HKVP_IP_BOTH;
	return err;
}

static int get_ip_binary(void *ctx, struct hkvp_ip_binary *msg, gfp_t gfp)
{
	int err = model_ip_error(((u8 *)msg->adapter_id)[0]);

	(void)ctx;
	(void)gfp;
	if (!err)
		msg->family = HKVP_IP_BOTH;
	return err;
}

/* As a broker: it knows what it has been asked before. */
static int set_ip(u8 first, gfp_t gfp)
{
	int err = model_set_ip_error(first, waited, gfpflags_allow_blocking(gfp));

	if (err == -EINPROGRESS)
		waited++;
	else if (err != -EAGAIN || gfpflags_allow_blocking(gfp))
		waited = 0;
	return err;
}

static int set_ip_strings(void *ctx, const struct hkvp_ip_strings *msg, gfp_t gfp)
{
	CHECK(ctx == &ic);
	return set_ip(((const u8 *)msg->adapter_id)[0], gfp);
}

static int set_ip_binary(void *ctx, const struct hkvp_ip_binary *msg, gfp_t gfp)
{
	CHECK(ctx == &ic);
	return set_ip(((const u8 *)msg->adapter_id)[0], gfp);
}

static void cancel_ip(void *ctx)
{
	CHECK(ctx == &ic);
	waited = 0;
}

static const struct hkvp_service_ops ops = {
	.intrinsic_at = intrinsic_at,
	.intrinsic_find = intrinsic_find,
	.get_ip_strings = get_ip_strings,
	.get_ip_binary = get_ip_binary,
	.set_ip_strings = set_ip_strings,
	.set_ip_binary = set_ip_binary,
	.cancel = cancel_ip,
};

/* Templates */

static void put16(u8 *p, u32 v)
{
	p[0] = v;
	p[1] = v >> 8;
}

static void headers(u8 *packet, u32 type, u32 body)
{
	packet[0] = 1;
	put16(packet + 4, 20 + body);
	put16(packet + 12, type);
	put16(packet + 18, body);
	packet[24] = 0x77;
	packet[25] = 3;
}

static void template_value(u8 *value, u8 type, u8 letter, u8 size)
{
	value[0] = type;
	value[4] = 4;
	value[8] = size;
	value[12] = 'a' + letter;
	value[524] = 'A' + letter;
}

static u32 template_negotiate(u8 *packet, u8 variant)
{
	static const u16 msg[] = { 1, 3, 4, 5, 6, 7 };
	u32 i, count = variant % 6 + 1;

	headers(packet, 0, 16 + 4 * count);
	put16(packet + 28, 2);
	put16(packet + 30, count);
	packet[36] = variant & 8 ? 2 : 1;
	packet[40] = variant & 8 ? 4 : 3;
	for (i = 0; i < count; i++)
		packet[44 + 4 * i] = msg[i];
	return 44 + 4 * count;
}

static u32 template(u8 *packet, u8 which, u8 variant, u8 pool)
{
	static const u8 op_of[] = { 0, 0, 1, 2, 3, 4, 5, 1, 1, 1, 1 };
	static const u8 type_of[] = { 4, 8, 11, 2 };
	static const u8 size_of[] = { 4, 8, 8, 2 };
	u8 *body = packet + 28;

	memset(packet, 0, LARGEST);
	switch (which) {
	case 0:
		return template_negotiate(packet, variant);
	case 1:		/* GET */
	case 2:		/* SET of a string */
		template_value(body + 4, 1, variant, 4);
		break;
	case 3:		/* DELETE */
		body[4] = 4;
		body[8] = 'a' + variant;
		break;
	case 4:		/* ENUMERATE */
		body[4] = variant;
		break;
	case 5:		/* GET_IP_INFO */
	case 6:		/* SET_IP_INFO */
		headers(packet, 2, IP_LEN - 28);
		body[0] = op_of[which];
		body[2] = variant;	/* adapter id of the string form */
		body[28] = variant;	/* and of the binary form; its counts are 0 */
		if (ic.versions.msg >= HKVP_VERSION(5, 0))
			body[2] = 0;
		return IP_LEN;
	case 7:		/* SET of the other types */
	case 8:
	case 9:
	case 10:
		template_value(body + 4, type_of[which - 7], variant,
			       size_of[which - 7]);
		break;
	default:
		return variant * 16;
	}
	headers(packet, 2, KVP_LEN - 28);
	body[0] = op_of[which];
	body[1] = pool;
	return KVP_LEN;
}

/* What OpenVMM asks of the answer to a GET or ENUMERATE; else it gives up. */
static void check_value(const struct hkvp_value *value)
{
	u32 key_size = le32_to_cpu(value->key_size);
	u32 size = le32_to_cpu(value->value_size);

	CHECK(key_size % 2 == 0 && key_size >= 4 && key_size <= HKVP_KEY_SIZE);
	CHECK(!value->key[key_size - 1] && !value->key[key_size - 2]);
	switch (le32_to_cpu(value->type)) {
	case HKVP_TYPE_SZ:
	case HKVP_TYPE_EXPAND_SZ:
		CHECK(size % 2 == 0 && size >= 2 && size <= HKVP_VALUE_SIZE);
		CHECK(!value->value[size - 1] && !value->value[size - 2]);
		break;
	case HKVP_TYPE_DWORD:
		CHECK(size == 4);
		break;
	case HKVP_TYPE_QWORD:
		CHECK(size == 8);
		break;
	default:
		CHECK(!"a type that the host knows");
	}
}

static void check_answer(const u8 *packet, u8 id)
{
	const struct hkvp_pipe_hdr *pipe = (const void *)packet;
	const struct hkvp_ic_hdr *hdr = (const void *)(packet + 8);
	const u8 *body = packet + 28;

	CHECK(hdr->flags == (HKVP_IC_TRANSACTION | HKVP_IC_RESPONSE));
	CHECK(hdr->id == id);
	CHECK(le32_to_cpu(hdr->status) == ic.last.status);
	/* it takes so much of what arrived */
	CHECK(le16_to_cpu(hdr->size) + HKVP_IC_HEADERS <=
	      le32_to_cpu(pipe->size) + sizeof(*pipe));
	if (hdr->status || le16_to_cpu(hdr->type) != HKVP_IC_KVP)
		return;
	if (body[0] == HKVP_OP_GET)
		check_value((const void *)(body + 4));
	if (body[0] == HKVP_OP_ENUMERATE)
		check_value((const void *)(body + 8));
}

static void check_pools(void)
{
	const struct hkvp_version *version;
	const struct hkvp_item *item;
	u32 i, j;

	rcu_read_lock();
	for (i = 0; i < HKVP_POOL_COUNT; i++) {
		const struct model_pool *want = &model.pools[i];

		version = hkvp_pool_current(&pools[i]);
		CHECK(hkvp_version_count(version) == want->count);
		CHECK(!!ic.service.cursors[i].version == model.cursors[i].open);
		for (j = 0; j < want->count; j++) {
			item = hkvp_version_at(version, j);
			CHECK(item->type == want->items[j]->type);
			CHECK(item->key_size == want->items[j]->key_size);
			CHECK(item->value_size == want->items[j]->value_size);
			CHECK(!memcmp(hkvp_item_key(item), want->items[j]->key,
				      item->key_size));
			CHECK(!memcmp(hkvp_item_value(item), want->items[j]->value,
				      item->value_size));
		}
	}
	rcu_read_unlock();
	CHECK(ic.state == model.state);
	CHECK(ic.versions.fw == model.fw << 16 && ic.versions.msg == model.msg << 16);
	CHECK(ic.service.connection == model.connection);
}

static void reopen(void)
{
	hkvp_ic_close(&ic);
	model_close(&model);
	check_pools();
	CHECK(!waited);
	hkvp_ic_open(&ic);
	model_open(&model);
}

/*
 * @packet has no answer yet: it is what it was, and is asked about until it has
 * one, or the channel is closed, or the host starts over. The last verdict.
 */
static enum hkvp_verdict wait_for(u8 *packet, const u8 *bytes, u8 *expected, u32 len)
{
	u64 answered = ic.stats.packets;
	const u8 *body = bytes + 28;
	enum hkvp_verdict verdict;
	u8 first = body[ic.versions.msg >= HKVP_VERSION(5, 0) ? 28 : 2];

	for (;;) {
		CHECK(body[0] == HKVP_OP_SET_IP_INFO);
		CHECK(ic.stats.packets == answered);
		CHECK(waited == model.waited + 1);
		memcpy(expected, bytes, len);
		CHECK(model_packet(&model, expected, len, now, MODEL_ENOUGH) == MODEL_WAIT);
		CHECK(!memcmp(packet, bytes, len));
		check_pools();
		if (first & MODEL_GIVES_UP) {
			reopen();
			return HKVP_WAIT;
		}
		if (first & MODEL_STARTS_OVER) {
			hkvp_ic_abandon(&ic, packet);
			model_abandon(&model, expected);
			CHECK(!memcmp(packet, expected, len));
			CHECK(ic.stats.packets == answered + 1 && !waited);
			check_answer(packet, bytes[24]);
			check_pools();
			return HKVP_WAIT;
		}
		verdict = hkvp_ic_packet(&ic, packet, len, now, GFP_KERNEL);
		if (verdict != HKVP_WAIT)
			return verdict;
	}
}

/* The fast path needs no memory: only what changes a pool does. */
static bool may_allocate(const u8 *bytes, u32 len)
{
	return len > 28 && bytes[12] == HKVP_IC_KVP && !bytes[13] &&
	       (bytes[28] == HKVP_OP_SET || bytes[28] == HKVP_OP_DELETE);
}

/* Runs one packet of @len bytes, and checks everything that can be seen. */
static void run(const u8 *bytes, u32 len, u32 fail, bool may_block)
{
	gfp_t gfp = may_block ? GFP_KERNEL : GFP_ATOMIC;
	enum model_memory memory = MODEL_ENOUGH;
	enum hkvp_verdict got;
	enum model_verdict want;
	u8 *packet = malloc(len ? len : 1);	/* ASan guards its ends */
	u8 *expected = malloc(len ? len : 1);
	u64 answered = ic.stats.packets;
	unsigned long allocations;
	bool failed;

	memcpy(packet, bytes, len);
	CHECK(hkvp_ic_is_negotiate(packet, len) == model_is_negotiate(packet, len));
	allocations = shim_allocations();
	shim_fail_nth(fail);
	got = hkvp_ic_packet(&ic, packet, len, now, gfp);
	failed = shim_failed();
	shim_fail_nth(0);
	CHECK(may_allocate(bytes, len) || shim_allocations() == allocations);
	if (got == HKVP_DEFER) {
		CHECK(!may_block);
		CHECK(ic.stats.packets == answered);
		memcpy(expected, bytes, len);
		CHECK(model_packet(&model, expected, len, now, MODEL_LATER) == MODEL_DEFER);
		CHECK(!memcmp(packet, expected, len));
		check_pools();
		got = hkvp_ic_packet(&ic, packet, len, now, GFP_KERNEL);
	} else if (got == HKVP_REPLY && may_block && failed &&
		   ic.last.status == HKVP_E_FAIL) {
		memory = MODEL_NONE;
	}
	if (got == HKVP_WAIT)
		got = wait_for(packet, bytes, expected, len);
	if (got == HKVP_WAIT)
		goto out;
	CHECK(!waited);
	memcpy(expected, bytes, len);
	want = model_packet(&model, expected, len, now, memory);
	CHECK(got == (want == MODEL_REPLY ? HKVP_REPLY : HKVP_DROP));
	CHECK(!memcmp(packet, expected, len));
	CHECK(ic.stats.packets == answered + 1);
	if (got == HKVP_REPLY)
		check_answer(packet, bytes[24]);
	check_pools();
out:
	free(packet);
	free(expected);
}

static void record(struct input *in)
{
	static u8 packet[LARGEST];
	u8 control = next(in), which = next(in), pool = next(in);
	u32 patches = pool >> 3;
	u32 len, offset, count;

	if (control & 0x80)
		reopen();
	if (control & 0x10)
		now += 16000000000ull;
	len = template(packet, which & 15, which >> 4, pool & 7);
	if (control & 0x20)
		len = next16(in) % (LARGEST + 1);
	while (patches-- && in->left) {
		offset = next16(in) % LARGEST;
		for (count = next(in); count-- && in->left; offset++)
			packet[offset % LARGEST] = next(in);
	}
	run(packet, len, control & 15, control & 0x40);
}

static void empty(struct hkvp_pool *pool)
{
	struct hkvp_change change = { .delete = true };
	const struct hkvp_item *item;
	struct hkvp_version *version;

	while (version = hkvp_pool_pin(pool), hkvp_version_count(version)) {
		item = hkvp_version_at(version, 0);
		change.key = hkvp_item_key(item);
		change.key_size = item->key_size;
		CHECK(!hkvp_pool_change(pool, &change, GFP_KERNEL));
		hkvp_version_unpin(version);
	}
	hkvp_version_unpin(version);
}

static void the_end(void)
{
	u32 i;

	for (i = 0; i < HKVP_POOL_COUNT; i++)
		hkvp_pool_destroy(&pools[i]);
	free(model.arena);
	/* Everything that was ever allocated has been freed. */
	if (shim_memory().blocks) {
		fprintf(stderr, "%ld blocks leaked\n", shim_memory().blocks);
		abort();
	}
}

int LLVMFuzzerInitialize(int *argc, char ***argv);
int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

int LLVMFuzzerInitialize(int *argc, char ***argv)
{
	static const struct hkvp_limit limits[HKVP_OWNER_COUNT] = {
		{ .items = MODEL_ITEMS, .bytes = 1 << 20 },
		{ .items = MODEL_ITEMS, .bytes = 1 << 20 },
	};
	u32 i;

	(void)argc;
	(void)argv;
	hkvp_budget_init(&budget, limits, 0);
	for (i = 0; i < HKVP_POOL_COUNT; i++)
		CHECK(!hkvp_pool_init(&pools[i], &budget));
	model.arena = calloc(MODEL_ARENA, sizeof(*model.arena));
	CHECK(model.arena);
	atexit(the_end);
	return 0;
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	struct input in = { data, size };
	u32 i;

	hkvp_ic_init(&ic, pools, &ops, &ic);
	model_reset(&model);
	now = 1;
	for (i = 0; in.left && i < MODEL_ARENA; i++)
		record(&in);
	hkvp_ic_close(&ic);
	CHECK(!hkvp_ic_expire(&ic, now));
	for (i = 0; i < HKVP_POOL_COUNT; i++)
		empty(&pools[i]);
	return 0;
}
