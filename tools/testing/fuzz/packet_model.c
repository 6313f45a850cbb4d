// SPDX-License-Identifier: GPL-2.0
/*
 * The reference that fuzz_packet.c compares with; see packet_model.h.
 */
#include <errno.h>
#include <string.h>
#include "packet_model.h"

/* Offsets in a packet. */
enum {
	PIPE_FLAGS = 0, PIPE_SIZE = 4,
	IC_TYPE = 12, IC_SIZE = 18, IC_STATUS = 20, IC_FLAGS = 25,
	BODY = 28,
};

/* Offsets in a body. */
enum {
	OP = 0, POOL = 1, VALUE = 4, INDEX = 4, ENUM_VALUE = 8,
	DELETE_SIZE = 4, DELETE_KEY = 8,
	STRINGS_ID = 2, STRINGS_FAMILY = 258,
	COUNTS = 4, BINARY_ID = 28, BINARY_FAMILY = 284,
};

/* Offsets in a value. */
enum { TYPE = 0, KEY_SIZE = 4, VALUE_SIZE = 8, KEY = 12, DATA = 524 };

enum {
	OK = 0, FAIL = 0x80004005, NO_MORE = 0x80070103,
	NOT_SUPPORTED = 0x80070032, NOT_FOUND = 0x80041002,
	INVALID = 0x80070057, DISK_FULL = 0x80070070, NOT_CONNECTED = 0x8007048f,
};

/* No status yet. */
#define WAITING 1

#define AUTO 2
#define AUTO_INTERNAL 4

static uint32_t get16(const uint8_t *p)
{
	return p[0] | p[1] << 8;
}

static uint32_t get32(const uint8_t *p)
{
	return get16(p) | get16(p + 2) << 16;
}

static void put16(uint8_t *p, uint32_t v)
{
	p[0] = v;
	p[1] = v >> 8;
}

static void put32(uint8_t *p, uint32_t v)
{
	put16(p, v);
	put16(p + 2, v >> 16);
}

int model_ip_error(uint8_t first)
{
	static const int errors[] = {
		0, -ENOENT, -EINVAL, -EOPNOTSUPP, -ENOMEM, -EAGAIN, -EIO, -ENOSPC,
	};

	return errors[first % 8];
}

int model_set_ip_error(uint8_t first, uint32_t waited, bool may_block)
{
	if (first & 0x20 && !may_block)
		return -EAGAIN;
	if (waited < (first >> 3 & 3))
		return -EINPROGRESS;
	return model_ip_error(first);
}

static uint32_t ip_status(int error)
{
	switch (error) {
	case -EINPROGRESS:
		return WAITING;
	case 0:
		return OK;
	case -ENOENT:
		return NOT_FOUND;
	case -EINVAL:
		return INVALID;
	case -EOPNOTSUPP:
		return NOT_SUPPORTED;
	case -ENOSPC:
		return DISK_FULL;
	default:
		return FAIL;
	}
}

const struct model_item *model_intrinsic(uint32_t index)
{
	static const struct model_item items[] = {
		{ 1, 6, 4, { 'I', 0, '0' }, { 'x' } },
		{ 1, 6, 2, { 'I', 0, '1' }, { 0 } },
	};

	return index < 2 ? &items[index] : NULL;
}

void model_reset(struct model *m)
{
	struct model_item *arena = m->arena;

	memset(m, 0, sizeof(*m));
	m->arena = arena;
	m->state = 12;
}

static void restart(struct model *m, uint32_t state)
{
	int i;

	for (i = 0; i < MODEL_POOLS; i++)
		m->cursors[i].open = false;
	m->fw = 0;
	m->msg = 0;
	m->waited = 0;
	m->state = state;
}

void model_close(struct model *m)
{
	restart(m, 13);
}

void model_open(struct model *m)
{
	restart(m, 12);
}

/* Units before the first NUL. */
static uint32_t length(const uint8_t *s, uint32_t units)
{
	uint32_t n;

	for (n = 0; n < units && get16(s + 2 * n); n++)
		;
	return n;
}

/* Size with the NUL, which is added; 0 if the string cannot be. */
static uint32_t string(uint8_t *s, uint32_t size, uint32_t room)
{
	uint32_t units;

	if (size & 1 || size > room)
		return 0;
	units = length(s, size / 2);
	if (2 * units + 2 > room)
		return 0;
	put16(s + 2 * units, 0);
	return 2 * units + 2;
}

static uint32_t key_of(uint8_t *key, uint32_t size)
{
	uint32_t n = string(key, size, 512);

	return n > 2 ? n : 0;
}

static uint32_t value_of(uint8_t *value, uint32_t size, uint32_t type)
{
	if (type == 1 || type == 2)
		return string(value, size, 2048);
	if (type == 4)
		return size == 4 ? 4 : 0;
	if (type == 8 || type == 11)
		return size == 8 ? 8 : 0;
	return 0;
}

static uint32_t find(const struct model_pool *p, const uint8_t *key, uint32_t size)
{
	uint32_t i;

	for (i = 0; i < p->count; i++)
		if (p->items[i]->key_size == size &&
		    !memcmp(p->items[i]->key, key, size))
			break;
	return i;
}

static void answer_value(uint8_t *value, const struct model_item *item)
{
	put32(value + TYPE, item->type);
	put32(value + KEY_SIZE, item->key_size);
	put32(value + VALUE_SIZE, item->value_size);
	memcpy(value + KEY, item->key, item->key_size);
	memcpy(value + DATA, item->value, item->value_size);
}

static uint32_t get(struct model *m, uint8_t *body, uint8_t pool)
{
	uint8_t *value = body + VALUE;
	uint32_t size = key_of(value + KEY, get32(value + KEY_SIZE));
	struct model_pool all = m->pools[pool];
	uint32_t i;

	if (!size)
		return INVALID;
	if (pool == AUTO)
		for (all.count = 0; model_intrinsic(all.count); all.count++)
			all.items[all.count] = model_intrinsic(all.count);
	i = find(&all, value + KEY, size);
	if (i == all.count)
		return NO_MORE;
	answer_value(value, all.items[i]);
	return OK;
}

static uint32_t enumerate(struct model *m, uint8_t *body, uint8_t pool, uint64_t now)
{
	struct model_cursor *c = &m->cursors[pool];
	const struct model_pool *from = &m->pools[pool];
	uint32_t index = get32(body + INDEX);

	if (pool == AUTO) {
		if (!model_intrinsic(index))
			return NO_MORE;
		answer_value(body + ENUM_VALUE, model_intrinsic(index));
		return OK;
	}
	if (index == 0) {
		c->open = true;
		c->seen = *from;
	} else if (index != c->last && index != c->last + 1) {
		c->open = false;
	} else if (now - c->used >= MODEL_TIMEOUT) {
		c->open = false;
	}
	if (c->open) {
		from = &c->seen;
		c->last = index;
		c->used = now;
	}
	if (index >= from->count) {
		c->open = false;
		return NO_MORE;
	}
	answer_value(body + ENUM_VALUE, from->items[index]);
	return OK;
}

static bool may_write(uint8_t pool)
{
	return pool != AUTO && pool != AUTO_INTERNAL;
}

static bool is_full(const struct model *m)
{
	uint32_t i, items = 0;

	for (i = 0; i < MODEL_POOLS; i++)
		items += m->pools[i].count;
	return items == MODEL_ITEMS;
}

static uint32_t set(struct model *m, uint8_t *body, uint8_t pool, enum model_memory memory)
{
	struct model_pool *p = &m->pools[pool];
	uint8_t *value = body + VALUE;
	uint32_t type = get32(value + TYPE);
	struct model_item *item;
	uint32_t key_size, value_size, i;

	if (!may_write(pool))
		return NOT_SUPPORTED;
	key_size = key_of(value + KEY, get32(value + KEY_SIZE));
	if (!key_size)
		return INVALID;
	value_size = value_of(value + DATA, get32(value + VALUE_SIZE), type);
	if (!value_size)
		return INVALID;
	if (memory != MODEL_ENOUGH)
		return FAIL;

	i = find(p, value + KEY, key_size);
	if (i == p->count && is_full(m))
		return DISK_FULL;
	item = &m->arena[m->used++];
	item->type = type == 8 ? 11 : type;
	item->key_size = key_size;
	item->value_size = value_size;
	memcpy(item->key, value + KEY, key_size);
	memcpy(item->value, value + DATA, value_size);
	p->items[i] = item;
	if (i == p->count)
		p->count++;
	return OK;
}

static uint32_t delete(struct model *m, uint8_t *body, uint8_t pool, enum model_memory memory)
{
	struct model_pool *p = &m->pools[pool];
	uint32_t size, i;

	if (!may_write(pool))
		return NOT_SUPPORTED;
	size = key_of(body + DELETE_KEY, get32(body + DELETE_SIZE));
	if (!size)
		return INVALID;
	if (memory != MODEL_ENOUGH)
		return FAIL;
	i = find(p, body + DELETE_KEY, size);
	if (i == p->count)
		return NO_MORE;
	p->items[i] = p->items[--p->count];
	return OK;
}

static uint32_t ip(struct model *m, uint8_t *body, uint32_t size, bool is_set,
		   enum model_memory memory)
{
	static const uint32_t limits[] = { 64, 64, 5, 5, 64, 64 };
	bool binary = m->msg >= 5;
	uint8_t first;
	int error, i;

	if (size < (binary ? 3716 : 7428))
		return INVALID;
	for (i = 0; binary && is_set && i < 6; i++)
		if (get32(body + COUNTS + 4 * i) > limits[i])
			return INVALID;
	first = body[binary ? BINARY_ID : STRINGS_ID];
	error = is_set ? model_set_ip_error(first, m->waited, memory != MODEL_LATER) :
			 model_ip_error(first);
	if (!error && !is_set)
		body[binary ? BINARY_FAMILY : STRINGS_FAMILY] = 3;
	return ip_status(error);
}

static uint32_t kvp(struct model *m, uint8_t *body, uint32_t size, uint64_t now,
		    enum model_memory memory)
{
	static const uint32_t least[] = { 2576, 2576, 520, 2580 };
	uint8_t op, pool;

	if (size < 2)
		return INVALID;
	if (!m->msg)
		return NOT_CONNECTED;
	op = body[OP];
	pool = body[POOL];
	if (op > 5)
		return NOT_SUPPORTED;
	if (op > 3)
		return ip(m, body, size, op == 5, memory);
	if (size < least[op] || pool >= MODEL_POOLS)
		return INVALID;
	if (op == 0)
		return get(m, body, pool);
	if (op == 1)
		return set(m, body, pool, memory);
	if (op == 2)
		return delete(m, body, pool, memory);
	return enumerate(m, body, pool, now);
}

/* The highest known major of @count versions; *@newest of all, as one number. */
static uint32_t choose(const uint8_t *v, uint32_t count, const char *known, uint32_t *newest)
{
	uint32_t best = 0;

	for (*newest = 0; count--; v += 4) {
		uint32_t major = get16(v), minor = get16(v + 2);

		if ((major << 16 | minor) > *newest)
			*newest = major << 16 | minor;
		if (!minor && major && major < 10 && strchr(known, '0' + major) &&
		    major > best)
			best = major;
	}
	return best;
}

/* @size: of the body, then of the answer's. */
static uint32_t negotiate(struct model *m, uint8_t *packet, uint32_t *size)
{
	uint8_t *body = packet + BODY;
	uint32_t fws, msgs, fw, msg, newest_fw, newest_msg;

	if (*size < 8)
		return INVALID;
	fws = get16(body);
	msgs = get16(body + 2);
	if (8 + 4 * (fws + msgs) > *size) {
		put32(body, 0);
		return INVALID;
	}
	fw = choose(body + 8, fws, "13", &newest_fw);
	msg = choose(body + 8 + 4 * fws, msgs, "1345", &newest_msg);
	*size = *size < 16 ? *size : 16;
	if (!fw || !msg) {
		fw = 0;
		msg = 0;
		put32(body, 0);
	} else {
		put32(body, 0x10001);
		put32(body + 8, fw);
		put32(body + 12, msg);
	}
	restart(m, 2);
	if (!fw)
		m->state = 7;
	else if (newest_fw > fw << 16 || newest_msg > msg << 16)
		m->state = 3;
	m->fw = fw;
	m->msg = msg;
	m->connection++;
	return OK;
}

/* Whether a request in this packet may need memory, or ask for patience. */
static bool may_defer(const struct model *m, const uint8_t *packet)
{
	const uint8_t *body = packet + BODY;
	uint8_t first;
	int error;

	if (get16(packet + IC_TYPE) != 2)
		return false;
	if (body[OP] == 1 || body[OP] == 2)
		return true;
	if (body[OP] != 4 && body[OP] != 5)
		return false;
	first = body[m->msg >= 5 ? BINARY_ID : STRINGS_ID];
	error = body[OP] == 5 ? model_set_ip_error(first, m->waited, false) :
				model_ip_error(first);
	return error == -ENOMEM || error == -EAGAIN;
}

/* Neither data nor a request. */
static bool is_nothing(const uint8_t *packet, uint32_t len)
{
	uint32_t flags, room;

	if (len < BODY)
		return true;
	flags = get32(packet + PIPE_FLAGS);
	room = get32(packet + PIPE_SIZE);
	return flags == 2 || flags == 3 || flags == 4 || room < 20 ||
	       room > len - 8 || packet[IC_FLAGS] & 4;
}

static uint32_t body_of(const uint8_t *packet)
{
	uint32_t room = get32(packet + PIPE_SIZE) - 20;
	uint32_t size = get16(packet + IC_SIZE);

	return size == 0 || size > room ? room : size;
}

bool model_is_negotiate(const uint8_t *packet, uint32_t len)
{
	return !is_nothing(packet, len) && get16(packet + IC_TYPE) == 0;
}

static void answer(uint8_t *packet, uint32_t size, uint32_t status)
{
	put16(packet + IC_SIZE, size);
	put32(packet + IC_STATUS, status);
	packet[IC_FLAGS] = 5;
}

void model_abandon(struct model *m, uint8_t *packet)
{
	m->waited = 0;
	answer(packet, body_of(packet), FAIL);
}

enum model_verdict model_packet(struct model *m, uint8_t *packet, uint32_t len,
				uint64_t now, enum model_memory memory)
{
	uint32_t type, size, status;

	if (is_nothing(packet, len))
		return MODEL_DROP;
	type = get16(packet + IC_TYPE);
	if (type != 0 && type != 2 && !(packet[IC_FLAGS] & 2))
		return MODEL_DROP;

	size = body_of(packet);
	if (type == 0)
		status = negotiate(m, packet, &size);
	else if (type == 2)
		status = kvp(m, packet + BODY, size, now, memory);
	else
		status = NOT_SUPPORTED;
	if (memory == MODEL_LATER)
		return status == FAIL && may_defer(m, packet) ? MODEL_DEFER : MODEL_REPLY;
	if (status == WAITING) {
		m->waited++;
		return MODEL_WAIT;
	}
	m->waited = 0;
	answer(packet, size, status);
	return MODEL_REPLY;
}
