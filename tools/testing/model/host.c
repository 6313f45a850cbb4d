// SPDX-License-Identifier: GPL-2.0
#include <asm/byteorder.h>

#include "host.h"

/* Where a request says nothing; an answer must leave it as it is. */
#define FILLER	0xa5

#define ID	0x77
#define MAC	"00:15:5D:01:02:03"

static void begin(struct exchange *x, u16 type, u32 body)
{
	struct packet *p = &x->request;

	memset(p, FILLER, sizeof(*p));
	x->len = sizeof(p->pipe) + sizeof(p->ic) + body;
	p->pipe = (struct hkvp_pipe_hdr) {
		.flags = cpu_to_le32(HKVP_PIPE_DATA),
		.size = cpu_to_le32(sizeof(p->ic) + body),
	};
	p->ic = (struct hkvp_ic_hdr) {
		.fw = { .major = cpu_to_le16(3) },
		.msg = { .major = cpu_to_le16(5) },
		.type = cpu_to_le16(type),
		.size = cpu_to_le16(body),
		.id = ID,
		.flags = HKVP_IC_TRANSACTION | HKVP_IC_REQUEST,
	};
}

static void begin_kvp(struct exchange *x, u8 op, u8 pool, u32 body)
{
	struct hkvp_msg_hdr *hdr = &x->request.value.hdr;

	begin(x, HKVP_IC_KVP, body);
	hdr->op = op;
	hdr->pool = pool;
}

/* Nothing is kept but the request; the answer differs in the header alone. */
static void end(struct exchange *x, u32 status)
{
	x->kept = x->request;
	host_refuse(x, status);
}

void host_refuse(struct exchange *x, u32 status)
{
	x->answer = x->kept;
	x->answer.ic.status = cpu_to_le32(status);
	x->answer.ic.flags = HKVP_IC_TRANSACTION | HKVP_IC_RESPONSE;
}

void host_string(u8 *value, u32 n, u32 size)
{
	u32 i;

	for (i = 0; i + 2 < size; i += 2) {
		value[i] = 'a' + (n + i / 2) % 26;
		value[i + 1] = 0;
	}
	value[i] = 0;
	value[i + 1] = 0;
	/* Some letters are left to tell one number from the other. */
	if (size >= 2 * MODEL_SECRET_SIZE)
		memcpy(value, MODEL_SECRET, MODEL_SECRET_SIZE);
}

static void put_value(struct hkvp_value *to, const struct host_value *value)
{
	to->type = cpu_to_le32(HKVP_TYPE_SZ);
	to->key_size = cpu_to_le32(model_key(to->key, value->key));
	to->value_size = cpu_to_le32(value->size);
	host_string(to->value, value->number, value->size);
}

/* One version of each kind is common. */
void host_negotiate(struct exchange *x, u32 version)
{
	u16 msg = HKVP_VERSION_MAJOR(version);
	const u16 offered[HOST_VERSIONS] = { 1, 2, 3, 2, 6, msg };
	struct host_negotiate *n = &x->request.negotiate;
	struct host_negotiate *answer = &x->answer.negotiate;
	u32 i;

	begin(x, HKVP_IC_NEGOTIATE, sizeof(*n));
	n->fw_count = cpu_to_le16(3);
	n->msg_count = cpu_to_le16(3);
	for (i = 0; i < HOST_VERSIONS; i++) {
		n->versions[i].major = cpu_to_le16(offered[i]);
		n->versions[i].minor = 0;
	}
	end(x, HKVP_S_OK);
	x->answer.ic.size = cpu_to_le16(offsetof(struct host_negotiate, versions[2]));
	answer->fw_count = cpu_to_le16(1);
	answer->msg_count = cpu_to_le16(1);
	answer->versions[0].major = cpu_to_le16(3);
	answer->versions[1].major = cpu_to_le16(msg);
}

/* Without @nul neither string has one; it is the last unit that is not sent. */
void host_set(struct exchange *x, u8 pool, const struct host_value *value,
	      bool nul)
{
	struct hkvp_value *to = &x->request.value.value;
	u32 key_size = MODEL_KEY_SIZE - 2, size = value->size - 2;

	begin_kvp(x, HKVP_OP_SET, pool, sizeof(x->request.enumerate));
	put_value(to, value);
	end(x, HKVP_S_OK);
	if (nul)
		return;
	to->key_size = cpu_to_le32(key_size);
	to->value_size = cpu_to_le32(size);
	end(x, HKVP_S_OK);
	memset(to->key + key_size, FILLER, 2);
	memset(to->value + size, FILLER, 2);
}

void host_delete(struct exchange *x, u8 pool, u32 key)
{
	struct hkvp_msg_delete *msg = &x->request.delete;

	begin_kvp(x, HKVP_OP_DELETE, pool, sizeof(x->request.enumerate));
	msg->key_size = cpu_to_le32(model_key(msg->key, key));
	end(x, HKVP_S_OK);
}

void host_get(struct exchange *x, u8 pool, u32 key,
	      const struct host_value *value)
{
	struct hkvp_value *to = &x->request.value.value;

	begin_kvp(x, HKVP_OP_GET, pool, sizeof(x->request.enumerate));
	to->key_size = cpu_to_le32(model_key(to->key, key));
	end(x, value ? HKVP_S_OK : HKVP_E_NO_MORE_ITEMS);
	if (value)
		put_value(&x->answer.value.value, value);
}

void host_enumerate(struct exchange *x, u8 pool, u32 index,
		    const struct host_value *value)
{
	begin_kvp(x, HKVP_OP_ENUMERATE, pool, sizeof(x->request.enumerate));
	x->request.enumerate.index = cpu_to_le32(index);
	end(x, value ? HKVP_S_OK : HKVP_E_NO_MORE_ITEMS);
	if (value)
		put_value(&x->answer.enumerate.value, value);
}

static void put_ascii(void *to, const char *text)
{
	u32 i, units = strlen(text) + 1;

	for (i = 0; i < units; i++) {
		((u8 *)to)[2 * i] = text[i];
		((u8 *)to)[2 * i + 1] = 0;
	}
}

static void ip_strings(struct hkvp_ip_strings *ip)
{
	memset(ip, 0, sizeof(*ip));
	put_ascii(ip->adapter_id, MAC);
	ip->family = HKVP_IP_V4;
	put_ascii(ip->addresses, "10.0.0.1");
	put_ascii(ip->subnets, "/24");
	put_ascii(ip->dns, "10.0.0.2;10.0.0.3");
}

static void ip_binary(struct hkvp_ip_binary *ip)
{
	static const u8 address[4] = { 10, 0, 0, 1 }, mask[4] = { 255, 255, 255 };

	memset(ip, 0, sizeof(*ip));
	put_ascii(ip->adapter_id, MAC);
	ip->family = HKVP_IP_V4;
	ip->v4_count = cpu_to_le32(1);
	memcpy(ip->v4[0], address, 4);
	memcpy(ip->v4_mask[0], mask, 4);
}

void host_ip(struct exchange *x, u8 op, u32 version)
{
	begin_kvp(x, op, 0, sizeof(x->request.strings));
	if (version >= HKVP_VERSION(5, 0))
		ip_binary(&x->request.binary.ip);
	else
		ip_strings(&x->request.strings.ip);
	end(x, HKVP_S_OK);
}
