// SPDX-License-Identifier: GPL-2.0
/*
 * Fuzzes what reads and writes IP messages: adapter ids and SET_IP_INFO in both
 * forms, compared with the model; then what was read is written as answers to
 * GET_IP_INFO in both forms and as text for hv_kvp_daemon, compared to the byte,
 * and read again.
 *
 * An input is
 *
 *   u8 control: bits 0-1 the kind, 2: see there, 3: an odd address
 *
 * and, by kind,
 *
 *   0, string form, and 1, binary form: u8 family, u8 DHCP; then
 *	0: text of adapter, addresses, subnets, gateways, DNS servers
 *	1: text of adapter, u8 of each count (255: u32 follows), tables; with
 *	   bit 2 the first byte of a mask or prefix is its length
 *   2: the message as it is; bit 2: binary form
 *   3: calls of the encoder; bit 2: DHCP:
 *	u8 call: bits 0-2 table and family, 3-7 times, with the address counted up
 *	u8 prefix, u8 origin, 4 or 16 bytes of address
 *
 * Text ends with '\n'; a byte is a unit, from 0x80 on the upper half of one.
 */
#include <arpa/inet.h>
#include <errno.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include "adapter.h"
#include "input.h"
#include "ip_decode.h"
#include "ip_encode.h"
#include "ip_model.h"
#include "ip_text.h"

_Static_assert(sizeof(struct hkvp_ip_strings) == MODEL_STRINGS, "the wire's");
_Static_assert(sizeof(struct hkvp_ip_binary) == MODEL_BINARY, "the wire's");

/* A message in a block that ends with it: ASan guards its ends. */
struct message {
	bool binary;
	u32 size;
	u8 *block;
	u8 *bytes;
};

/* One form's answer to GET_IP_INFO, the driver's and the model's. */
struct answer {
	struct message msg;
	struct hkvp_ip_encoder encoder;
	struct model_answer model;
};

static struct answer answers[2];

static struct message new_message(bool binary, bool odd)
{
	struct message msg = {
		.binary = binary,
		.size = binary ? MODEL_BINARY : MODEL_STRINGS,
	};

	msg.block = malloc(msg.size + odd);
	CHECK(msg.block);
	msg.bytes = msg.block + odd;
	return msg;
}

static u8 *id_of(const struct message *msg)
{
	return msg->bytes + (msg->binary ? BINARY_ID : STRINGS_ID);
}

/* The answer's bytes are what they were but for what the model writes. */

static void answers_begin(const u8 *id, bool odd)
{
	u32 form;

	for (form = 0; form < 2; form++) {
		struct answer *a = &answers[form];

		a->msg = new_message(form, odd);
		memset(a->msg.bytes, 0xa5, a->msg.size);
		memcpy(id_of(&a->msg), id, 2 * HKVP_ADAPTER_ID_UNITS);
		model_answer_begin(&a->model, form);
		if (form)
			hkvp_ip_encoder_binary(&a->encoder, (void *)a->msg.bytes);
		else
			hkvp_ip_encoder_strings(&a->encoder, (void *)a->msg.bytes);
	}
}

static bool encode(struct hkvp_ip_encoder *e, enum model_table table, bool v6,
		   const struct model_entry *entry)
{
	if (table == MODEL_GATEWAYS)
		return hkvp_ip_encode_gateway(e, v6, entry->addr);
	if (table == MODEL_DNS)
		return hkvp_ip_encode_dns(e, v6, entry->addr);
	if (v6)
		return hkvp_ip_encode_v6(e, entry->addr, entry->prefix, entry->origin);
	return hkvp_ip_encode_v4(e, entry->addr, entry->prefix, entry->origin);
}

static void answers_add(enum model_table table, bool v6,
			const struct model_entry *entry)
{
	u32 form;

	for (form = 0; form < 2; form++) {
		struct answer *a = &answers[form];

		CHECK(encode(&a->encoder, table, v6, entry) ==
		      model_answer_add(&a->model, table, v6, entry));
	}
}

/* What the driver's decoder makes of @msg, after the model has agreed. */
static int decode(const struct message *msg, struct hv_kvp_ip_config *config)
{
	struct hv_kvp_ip_config *got = malloc(sizeof(*got));
	u8 *before = malloc(msg->size);
	int err;

	CHECK(got && before);
	memset(got, 0xa5, sizeof(*got));
	memcpy(before, msg->bytes, msg->size);
	err = msg->binary ? hkvp_ip_decode_binary(got, (void *)msg->bytes) :
			    hkvp_ip_decode_strings(got, (void *)msg->bytes);
	CHECK(!memcmp(msg->bytes, before, msg->size));
	CHECK(err == model_decode(msg->bytes, msg->binary, config));
	if (err >= 0)
		CHECK(!memcmp(got, config, sizeof(*got)));
	free(got);
	free(before);
	return err;
}

/* The decoder reads an answer as what it was made from. */
static void read_answer(const struct answer *a, bool dhcp)
{
	struct hv_kvp_ip_config got, want;
	int err = decode(&a->msg, &got);

	CHECK(err == model_answer_config(&a->model, dhcp, &want));
	if (err < 0)
		return;
	want.adapter = got.adapter;
	memcpy(want.guid, got.guid, sizeof(want.guid));
	memcpy(want.mac, got.mac, sizeof(want.mac));
	CHECK(!memcmp(&got, &want, sizeof(got)));
}

static void answers_end(bool dhcp, bool odd)
{
	u32 form;

	for (form = 0; form < 2; form++) {
		struct answer *a = &answers[form];
		struct message want = new_message(form, odd);

		memset(want.bytes, 0xa5, want.size);
		memcpy(id_of(&want), id_of(&a->msg), 2 * HKVP_ADAPTER_ID_UNITS);
		model_answer_end(&a->model, dhcp, want.bytes);
		hkvp_ip_encoder_end(&a->encoder, dhcp);
		CHECK(!memcmp(a->msg.bytes, want.bytes, want.size));
		read_answer(a, dhcp);
		free(want.block);
		free(a->msg.block);
	}
}

/* Reading */

static bool check_adapter(const u8 *id)
{
	size_t size = 2 * HKVP_ADAPTER_ID_UNITS;
	u8 *copy = malloc(size), digits[16];
	struct hkvp_adapter *adapter = malloc(sizeof(*adapter));
	bool is_guid, named = model_adapter(id, &is_guid, digits);
	/* where the bytes of the text are: the first three groups are numbers */
	static const u8 at[16] = { 3, 2, 1, 0, 5, 4, 7, 6, 8, 9, 10, 11, 12, 13, 14, 15 };
	u32 i;

	CHECK(copy && adapter);
	memcpy(copy, id, size);
	CHECK(hkvp_adapter_parse(copy, adapter) == (named ? 0 : -ENOENT));
	CHECK(!memcmp(copy, id, size));
	if (named) {
		CHECK(adapter->is_guid == is_guid);
		for (i = 0; i < (is_guid ? 16 : ETH_ALEN); i++)
			CHECK(digits[i] == (is_guid ? adapter->guid.b[at[i]] :
						      adapter->mac[i]));
	}
	free(copy);
	free(adapter);
	return named;
}

static void check_limits(const struct hv_kvp_ip_config *c)
{
	static const u8 no_adapter[16];
	u32 i;

	CHECK(c->adapter == HV_KVP_ADAPTER_GUID ? !memcmp(c->mac, no_adapter, 6) :
	      c->adapter == HV_KVP_ADAPTER_MAC && !memcmp(c->guid, no_adapter, 16));
	CHECK(c->family >= 1 && c->family <= 3 && c->dhcp <= 1);
	CHECK(!c->reserved[0] && !c->reserved[1]);
	CHECK(c->v4_count <= HV_KVP_IP_ADDRESSES && c->v6_count <= HV_KVP_IP_ADDRESSES);
	CHECK(c->v4_gateway_count <= HV_KVP_IP_GATEWAYS);
	CHECK(c->v6_gateway_count <= HV_KVP_IP_GATEWAYS);
	CHECK(c->v4_dns_count <= HV_KVP_IP_DNS && c->v6_dns_count <= HV_KVP_IP_DNS);
	for (i = 0; i < HV_KVP_IP_ADDRESSES; i++) {
		CHECK(c->v4_prefix[i] <= (i < c->v4_count ? 32 : 0));
		CHECK(c->v6_prefix[i] <= (i < c->v6_count ? 128 : 0));
	}
}

/* A list of hv_kvp_daemon's form. */
struct text {
	char *at;
	u32 used;
	u32 room;
};

static void text_entry(struct text *text, const char *entry)
{
	u32 len = strlen(entry) + !!text->used;

	/* past its end it only counts */
	if (text->used + len < text->room)
		sprintf(text->at + text->used, "%s%s", text->used ? ";" : "", entry);
	text->used += len;
}

static void text_table(struct text *text, const u8 *addr, u32 count, bool v6)
{
	char entry[MODEL_LONGEST];
	u8 parsed[16];
	u32 i;

	for (i = 0; i < count; i++, addr += v6 ? 16 : 4) {
		model_address_text(entry, v6, addr);
		CHECK(inet_pton(v6 ? AF_INET6 : AF_INET, entry, parsed) == 1);
		CHECK(!memcmp(parsed, addr, v6 ? 16 : 4));
		text_entry(text, entry);
	}
}

static void text_subnets(struct text *text, const u8 *prefix, u32 count, bool v6)
{
	char entry[MODEL_LONGEST];
	u32 i;

	for (i = 0; i < count; i++) {
		model_subnet_text(entry, v6, prefix[i]);
		/* hv_kvp_daemon gets the length of a prefix as a plain number */
		text_entry(text, entry + (v6 ? 1 : 0));
	}
}

/* A GUID in braces and lower case, a MAC in upper case. */
static void text_adapter(char *text, const struct hv_kvp_ip_config *c)
{
	const u8 *m = c->mac;
	u32 i;

	if (c->adapter == HV_KVP_ADAPTER_MAC) {
		sprintf(text, "%02X:%02X:%02X:%02X:%02X:%02X", m[0], m[1], m[2], m[3], m[4],
			m[5]);
		return;
	}
	*text++ = '{';
	for (i = 0; i < 16; i++)
		text += sprintf(text, "%s%02x", i >= 4 && i <= 10 && !(i % 2) ? "-" : "",
				c->guid[i]);
	strcpy(text, "}");
}

static void check_text(const struct hv_kvp_ip_config *c)
{
	struct hv_kvp_ipaddr_value *got = malloc(sizeof(*got));
	struct hv_kvp_ipaddr_value *want = calloc(1, sizeof(*want));
	struct text text[4] = {
		{ (char *)want->ip_addr, 0, sizeof(want->ip_addr) },
		{ (char *)want->sub_net, 0, sizeof(want->sub_net) },
		{ (char *)want->gate_way, 0, sizeof(want->gate_way) },
		{ (char *)want->dns_addr, 0, sizeof(want->dns_addr) },
	};
	bool room = true;
	u32 i;

	CHECK(got && want);
	memset(got, 0xa5, sizeof(*got));
	want->addr_family = c->family;
	want->dhcp_enabled = c->dhcp;
	text_adapter((char *)want->adapter_id, c);
	text_table(&text[0], c->v4[0], c->v4_count, false);
	text_table(&text[0], c->v6[0], c->v6_count, true);
	text_subnets(&text[1], c->v4_prefix, c->v4_count, false);
	text_subnets(&text[1], c->v6_prefix, c->v6_count, true);
	text_table(&text[2], c->v4_gateway[0], c->v4_gateway_count, false);
	text_table(&text[2], c->v6_gateway[0], c->v6_gateway_count, true);
	text_table(&text[3], c->v4_dns[0], c->v4_dns_count, false);
	text_table(&text[3], c->v6_dns[0], c->v6_dns_count, true);
	for (i = 0; i < 4; i++)
		room &= text[i].used < text[i].room;
	CHECK(hkvp_ip_text(got, c) == (room ? 0 : -EMSGSIZE));
	if (room)
		CHECK(!memcmp(got, want, sizeof(*got)));
	free(got);
	free(want);
}

static void write_table(enum model_table table, bool v6, const u8 *addr,
			const u8 *prefix, u32 count)
{
	struct model_entry entry = {};
	u32 i, size = v6 ? 16 : 4;

	for (i = 0; i < count; i++) {
		memcpy(entry.addr, addr + size * i, size);
		entry.prefix = prefix ? prefix[i] : 0;
		entry.origin = prefix ? i % 3 : 0;
		answers_add(table, v6, &entry);
	}
}

static void write_again(const struct message *msg, bool odd,
			const struct hv_kvp_ip_config *c)
{
	answers_begin(id_of(msg), odd);
	write_table(MODEL_ADDRESSES, false, c->v4[0], c->v4_prefix, c->v4_count);
	write_table(MODEL_ADDRESSES, true, c->v6[0], c->v6_prefix, c->v6_count);
	write_table(MODEL_GATEWAYS, false, c->v4_gateway[0], NULL, c->v4_gateway_count);
	write_table(MODEL_GATEWAYS, true, c->v6_gateway[0], NULL, c->v6_gateway_count);
	write_table(MODEL_DNS, false, c->v4_dns[0], NULL, c->v4_dns_count);
	write_table(MODEL_DNS, true, c->v6_dns[0], NULL, c->v6_dns_count);
	answers_end(c->dhcp, odd);
}

static void read_message(const struct message *msg, bool odd)
{
	bool named = check_adapter(id_of(msg));
	struct hv_kvp_ip_config config;
	int err = decode(msg, &config);

	CHECK((err == -ENOENT) == !named);
	if (err < 0)
		return;
	check_limits(&config);
	check_text(&config);
	write_again(msg, odd, &config);
}

/* Inputs */

static void put_text(struct input *in, u8 *text, u32 units)
{
	u32 i;
	u8 c;

	for (i = 0; i < units && in->left; i++) {
		c = next(in);
		if (c == '\n')
			return;
		text[2 * i] = c & 0x80 ? next(in) : c;
		text[2 * i + 1] = c & 0x80 ? c & 0x7f : 0;
	}
	if (in->left && *in->data == '\n')
		next(in);
}

static void make_strings(struct input *in, u8 *msg)
{
	msg[STRINGS_FAMILY] = next(in);
	msg[STRINGS_DHCP] = next(in);
	put_text(in, msg + STRINGS_ID, 128);
	put_text(in, msg + STRINGS_ADDRESSES, 1024);
	put_text(in, msg + STRINGS_SUBNETS, 1024);
	put_text(in, msg + STRINGS_GATEWAYS, 512);
	put_text(in, msg + STRINGS_DNS, 1024);
}

/* A little-endian number to any address. */
static void put32(u8 *p, u32 value)
{
	u32 i;

	for (i = 0; i < 4; i++)
		p[i] = value >> 8 * i;
}

static void make_binary(struct input *in, u8 *msg, bool lengths)
{
	u32 i, count, mask;

	msg[BINARY_FAMILY] = next(in);
	msg[BINARY_DHCP] = next(in);
	put_text(in, msg + BINARY_ID, 128);
	for (i = 0; i < 6; i++) {
		count = next(in);
		put32(msg + BINARY_COUNTS + 4 * i, count == 255 ? next32(in) : count);
	}
	for (i = BINARY_V4; i < MODEL_BINARY; i++)
		msg[i] = next(in);
	for (i = 0; lengths && i < HKVP_IP_ADDRESSES; i++) {
		mask = htonl((u32)(0xffffffff00000000 >> msg[BINARY_MASKS + 4 * i] % 33));
		memcpy(msg + BINARY_MASKS + 4 * i, &mask, sizeof(mask));
		put32(msg + BINARY_PREFIXES + 4 * i, msg[BINARY_PREFIXES + 4 * i]);
	}
}

static void encoder_calls(struct input *in, bool dhcp, bool odd)
{
	/* "00155d010203" */
	u8 id[2 * HKVP_ADAPTER_ID_UNITS] = {};
	u32 i, times;

	for (i = 0; i < 12; i++)
		id[2 * i] = "00155d010203"[i];
	answers_begin(id, odd);
	while (in->left) {
		u8 call = next(in);
		enum model_table table = (call & 7) / 2 % MODEL_TABLES;
		bool v6 = call & 1;
		struct model_entry entry = {
			.prefix = next(in) % (v6 ? 129 : 33),
			.origin = next(in) % 3,
		};

		for (i = 0; i < (v6 ? 16 : 4); i++)
			entry.addr[i] = next(in);
		for (times = call >> 3; times--; entry.addr[v6 ? 15 : 3]++)
			answers_add(table, v6, &entry);
	}
	answers_end(dhcp, odd);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	struct input in = { data, size };
	u8 control = next(&in), kind = control & 3;
	bool flag = control & 4, odd = control & 8;
	struct message msg;
	u32 i;

	if (kind == 3) {
		encoder_calls(&in, flag, odd);
		return 0;
	}
	msg = new_message(kind == 2 ? flag : kind, odd);
	memset(msg.bytes, 0, msg.size);
	if (kind == 0)
		make_strings(&in, msg.bytes);
	else if (kind == 1)
		make_binary(&in, msg.bytes, flag);
	for (i = 0; kind == 2 && i < msg.size; i++)
		msg.bytes[i] = next(&in);
	read_message(&msg, odd);
	free(msg.block);
	return 0;
}
