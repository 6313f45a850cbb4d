// SPDX-License-Identifier: GPL-2.0
/*
 * A request of SET_IP_INFO as hv_kvp_daemon reads it: lists of text separated
 * by ';', UTF-8 in fields that are declared as 16-bit units.
 *
 * Written anew from what was decoded, so that nothing gets to the daemon, and
 * from there into files, that is not an address. Pure.
 */
#include <asm/byteorder.h>
#include <linux/errno.h>
#include <linux/kernel.h>
#include <linux/string.h>

#include "ip_text.h"

/* A list under construction. */
struct list {
	char *text;
	u32 room;	/* bytes, the NUL included */
	u32 used;
};

#define LIST(field)	((struct list) { (char *)(field), sizeof(field) })

static int put(struct list *list, const char *entry)
{
	int len;

	len = snprintf(list->text + list->used, list->room - list->used, "%s%s",
		       list->used ? ";" : "", entry);
	if (len >= list->room - list->used)
		return -EMSGSIZE;
	list->used += len;
	return 0;
}

static int put_address(struct list *list, const u8 *addr, bool v6)
{
	char entry[sizeof("ffff:ffff:ffff:ffff:ffff:ffff:255.255.255.255")];

	snprintf(entry, sizeof(entry), v6 ? "%pI6c" : "%pI4", addr);
	return put(list, entry);
}

static int put_subnet(struct list *list, u32 prefix, bool v6)
{
	char entry[sizeof("255.255.255.255")];
	__be32 mask;

	if (v6) {
		/* the daemon reads it with atoi(), which a '/' would end */
		snprintf(entry, sizeof(entry), "%u", prefix);
	} else {
		mask = cpu_to_be32(prefix ? ~0U << (32 - prefix) : 0);
		snprintf(entry, sizeof(entry), "%pI4", &mask);
	}
	return put(list, entry);
}

static int put_table(struct list list, const u8 *v4, u32 v4_count,
		     const u8 *v6, u32 v6_count)
{
	int ret = 0;
	u32 i;

	for (i = 0; !ret && i < v4_count; i++)
		ret = put_address(&list, v4 + 4 * i, false);
	for (i = 0; !ret && i < v6_count; i++)
		ret = put_address(&list, v6 + 16 * i, true);
	return ret;
}

static int put_subnets(struct list list, const struct hv_kvp_ip_config *c)
{
	int ret = 0;
	u32 i;

	for (i = 0; !ret && i < c->v4_count; i++)
		ret = put_subnet(&list, c->v4_prefix[i], false);
	for (i = 0; !ret && i < c->v6_count; i++)
		ret = put_subnet(&list, c->v6_prefix[i], true);
	return ret;
}

static char *put_hex(char *out, u8 byte, const char *digits)
{
	*out++ = digits[byte >> 4];
	*out++ = digits[byte & 15];
	return out;
}

/*
 * The daemon compares the names with those of sysfs, character by character: a GUID
 * in lower case and braces, a MAC in upper case, to which it turns that of sysfs.
 */
static void put_adapter(char *out, const struct hv_kvp_ip_config *c)
{
	u32 i;

	if (c->adapter == HV_KVP_ADAPTER_MAC) {
		for (i = 0; i < sizeof(c->mac); i++) {
			if (i)
				*out++ = ':';
			out = put_hex(out, c->mac[i], "0123456789ABCDEF");
		}
		*out = '\0';
		return;
	}
	*out++ = '{';
	for (i = 0; i < sizeof(c->guid); i++) {
		if (i == 4 || i == 6 || i == 8 || i == 10)
			*out++ = '-';
		out = put_hex(out, c->guid[i], "0123456789abcdef");
	}
	*out++ = '}';
	*out = '\0';
}

/**
 * hkvp_ip_text() - write a request for hv_kvp_daemon
 * @out: gets it, all of it written
 * @config: the request
 *
 * Context: any.
 * Return: 0; -EMSGSIZE if a list is too long for its field. Only the binary
 * form of the wire has room for that many IPv6 addresses.
 */
int hkvp_ip_text(struct hv_kvp_ipaddr_value *out,
		 const struct hv_kvp_ip_config *config)
{
	const struct hv_kvp_ip_config *c = config;
	int ret;

	memset(out, 0, sizeof(*out));
	out->addr_family = c->family;
	out->dhcp_enabled = c->dhcp;
	put_adapter((char *)out->adapter_id, c);
	ret = put_table(LIST(out->ip_addr), c->v4[0], c->v4_count, c->v6[0],
			c->v6_count);
	if (!ret)
		ret = put_subnets(LIST(out->sub_net), c);
	if (!ret)
		ret = put_table(LIST(out->gate_way), c->v4_gateway[0],
				c->v4_gateway_count, c->v6_gateway[0],
				c->v6_gateway_count);
	if (!ret)
		ret = put_table(LIST(out->dns_addr), c->v4_dns[0],
				c->v4_dns_count, c->v6_dns[0],
				c->v6_dns_count);
	return ret;
}
