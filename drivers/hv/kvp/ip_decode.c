// SPDX-License-Identifier: GPL-2.0
/*
 * Reads SET_IP_INFO: both forms of the wire become what an IP agent gets.
 *
 * This is where the host's word is checked, once: what comes out has counts
 * within its tables, prefix lengths within their range, and a name that is a
 * GUID or a MAC address. Text is not what it looks like to a lenient parser: an
 * address has one way to be written as far as its numbers go, with no sign and
 * no superfluous zero, which some take for octal.
 *
 * What can mean only one thing is read, though, since a fail-over may depend on
 * it. What cannot be handed on then is left out, and counted.
 */
#include <asm/byteorder.h>
#include <linux/ctype.h>
#include <linux/errno.h>
#include <linux/kernel.h>
#include <linux/string.h>

#include "adapter.h"
#include "ip_decode.h"

/* Longest entry of a list: an IPv6 address that ends in an IPv4 one, and a zone. */
#define ZONE_MAX	15
#define ENTRY_MAX	(sizeof("ffff:ffff:ffff:ffff:ffff:ffff:255.255.255.255%") + ZONE_MAX)

static_assert(HV_KVP_IP_ADDRESSES == HKVP_IP_ADDRESSES);
static_assert(HV_KVP_IP_DNS == HKVP_IP_ADDRESSES);
static_assert(HV_KVP_IP_GATEWAYS == HKVP_IP_GATEWAYS);
static_assert(HV_KVP_IP_V4 == (int)HKVP_IP_V4);
static_assert(HV_KVP_IP_V6 == (int)HKVP_IP_V6);

/* A list of the string form, and how far it has been read. */
struct list {
	const u8 *text;		/* UTF-16LE, any alignment */
	u32 units;
	u32 at;
};

/* Addresses of one family: @count of them in @table, which has room for @max. */
struct table {
	u8 *table;
	u32 max;
	u32 *count;
};

static u32 unit(const struct list *list, u32 at)
{
	if (at >= list->units)
		return 0;
	return list->text[2 * at] | (u32)list->text[2 * at + 1] << 8;
}

static bool is_blank(u32 c)
{
	return c == ' ' || c == '\t';
}

static void skip_blanks(struct list *list)
{
	while (is_blank(unit(list, list->at)))
		list->at++;
}

/* To the next entry: empty ones, as behind a last ';', do not count. */
static bool find_entry(struct list *list)
{
	while (unit(list, list->at) == ';' || is_blank(unit(list, list->at)))
		list->at++;
	return unit(list, list->at);
}

/*
 * The next entry as ASCII with a NUL, without the blanks around it. 1; 0 past the
 * last one; -EINVAL if the entry can be nothing that belongs there.
 */
static int next_entry(struct list *list, char entry[ENTRY_MAX])
{
	u32 len = 0, c;

	if (!find_entry(list))
		return 0;
	for (; (c = unit(list, list->at)) && c != ';'; list->at++) {
		if (is_blank(c))
			break;
		if (c >= 0x80 || len == ENTRY_MAX - 1)
			return -EINVAL;
		entry[len++] = c;
	}
	entry[len] = '\0';
	skip_blanks(list);
	c = unit(list, list->at);
	return c && c != ';' ? -EINVAL : 1;
}

/* How many entries there are from here on, whatever they are. */
static u32 count_entries(struct list *list)
{
	u32 count = 0, c;

	for (; find_entry(list); count++)
		while ((c = unit(list, list->at)) && c != ';')
			list->at++;
	return count;
}

/* A number of @digits at most, without leading zeroes; where it ends, or NULL. */
static const char *get_number(const char *s, u32 digits, u32 max, u32 *number)
{
	const char *start = s;

	for (*number = 0; isdigit(*s); s++) {
		if (s - start == digits || (s != start && *start == '0'))
			return NULL;
		*number = *number * 10 + (*s - '0');
	}
	return s != start && *number <= max ? s : NULL;
}

static bool get_v4(const char *s, u8 addr[4])
{
	u32 i, number;

	for (i = 0; i < 4; i++) {
		if (i && *s++ != '.')
			return false;
		s = get_number(s, 3, 255, &number);
		if (!s)
			return false;
		addr[i] = number;
	}
	return !*s;
}

/* Up to four hexadecimal digits; where they end, or NULL. */
static const char *get_group(const char *s, u8 group[2])
{
	const char *start = s;
	u32 number = 0;

	for (; isxdigit(*s); s++) {
		if (s - start == 4)
			return NULL;
		number = number << 4 | (isdigit(*s) ? *s - '0' :
					tolower(*s) - 'a' + 10);
	}
	group[0] = number >> 8;
	group[1] = number;
	return s != start ? s : NULL;
}

/* "::" stands for the groups that are missing, at least one. */
static void fill_gap(u8 addr[16], u32 gap, u32 used)
{
	memmove(addr + 16 - (used - gap), addr + gap, used - gap);
	memset(addr + gap, 0, 16 - used);
}

/* RFC 4291, 2.2. */
static bool get_v6(const char *s, u8 addr[16])
{
	u32 used = 0, gap = 16;
	const char *end;

	while (*s) {
		if (s[0] == ':' && s[1] == ':') {
			if (gap != 16 || used > 14 || s[2] == ':')
				return false;
			gap = used;
			s += 2;
			continue;
		}
		/* a single ':' only between two groups */
		if (*s == ':' && (!used || !*++s))
			return false;
		if (used > 14)
			return false;
		if (used <= 12 && get_v4(s, addr + used)) {
			used += 4;
			break;
		}
		end = get_group(s, addr + used);
		if (!end || (*end && *end != ':'))
			return false;
		used += 2;
		s = end;
	}
	if (gap == 16)
		return used == 16;
	if (used == 16)
		return false;
	fill_gap(addr, gap, used);
	return true;
}

/* The prefix length that a mask stands for; -EINVAL if it has holes. */
static int mask_prefix(const u8 mask[4])
{
	u32 bits = (u32)mask[0] << 24 | mask[1] << 16 | mask[2] << 8 | mask[3];
	u32 length = bits ? 32 - __builtin_ctz(bits) : 0;

	/* all bits below the lowest that is set are 0; all above must be 1 */
	return bits == (length ? ~0U << (32 - length) : 0) ? length : -EINVAL;
}

/* "/64" or "64"; of IPv4 also "255.255.255.0". */
static int get_prefix(const char *s, bool v6)
{
	u32 length;
	u8 mask[4];

	if (!v6 && get_v4(s, mask))
		return mask_prefix(mask);
	s = get_number(s + (*s == '/'), 3, v6 ? 128 : 32, &length);
	return s && !*s ? length : -EINVAL;
}

/*
 * Cuts a zone off: what the host's or another interface is called means nothing
 * to the adapter that the request is about. Whether there was one.
 */
static bool cut_zone(char *s)
{
	char *zone = strchr(s, '%'), *end;

	if (!zone)
		return false;
	end = zone + 1;
	while (isalnum(*end) || *end == '.' || *end == '_' || *end == '-')
		end++;
	/* neither an empty one nor one of other characters: no address then */
	if (*end || end == zone + 1 || end - zone - 1 > ZONE_MAX)
		return false;
	*zone = '\0';
	return true;
}

/* -ENOSPC if there is no room. */
static int add_address(const struct table *to, const u8 *addr, u32 size)
{
	if (*to->count == to->max)
		return -ENOSPC;
	memcpy(to->table + size * *to->count, addr, size);
	++*to->count;
	return 0;
}

/*
 * One address to the end of the table of its family. Which one that is, -ENOSPC,
 * or -EINVAL if @s is no address. A zone is cut off and counted in @left_out.
 */
static int add_text(char *s, const struct table *v4, const struct table *v6,
		    u32 *left_out)
{
	u8 addr[16];

	if (get_v4(s, addr))
		return add_address(v4, addr, 4) ?: HKVP_IP_V4;
	*left_out += cut_zone(s);
	if (get_v6(s, addr))
		return add_address(v6, addr, 16) ?: HKVP_IP_V6;
	return -EINVAL;
}

/* All of a list; what there is no room for is left out. */
static int get_list(const __le16 *text, u32 units, const struct table *v4,
		    const struct table *v6, u32 *left_out)
{
	struct list list = { (const u8 *)text, units };
	char entry[ENTRY_MAX];
	int ret;

	while ((ret = next_entry(&list, entry)) > 0) {
		ret = add_text(entry, v4, v6, left_out);
		if (ret == -ENOSPC)
			++*left_out;
		else if (ret < 0)
			return ret;
	}
	return ret;
}

static struct table addresses_v4(struct hv_kvp_ip_config *c)
{
	return (struct table) { c->v4[0], HV_KVP_IP_ADDRESSES, &c->v4_count };
}

static struct table addresses_v6(struct hv_kvp_ip_config *c)
{
	return (struct table) { c->v6[0], HV_KVP_IP_ADDRESSES, &c->v6_count };
}

static struct table gateways_v4(struct hv_kvp_ip_config *c)
{
	return (struct table) { c->v4_gateway[0], HV_KVP_IP_GATEWAYS,
				&c->v4_gateway_count };
}

static struct table gateways_v6(struct hv_kvp_ip_config *c)
{
	return (struct table) { c->v6_gateway[0], HV_KVP_IP_GATEWAYS,
				&c->v6_gateway_count };
}

static struct table dns_v4(struct hv_kvp_ip_config *c)
{
	return (struct table) { c->v4_dns[0], HV_KVP_IP_DNS, &c->v4_dns_count };
}

static struct table dns_v6(struct hv_kvp_ip_config *c)
{
	return (struct table) { c->v6_dns[0], HV_KVP_IP_DNS, &c->v6_dns_count };
}

/*
 * The n-th subnet belongs to the n-th address. An address is never left out: the
 * host would believe that the adapter has it. Subnets without one are.
 */
static int get_addresses(struct hv_kvp_ip_config *c,
			 const struct hkvp_ip_strings *ip, u32 *left_out)
{
	struct list addresses = { (const u8 *)ip->addresses,
				  ARRAY_SIZE(ip->addresses) };
	struct list subnets = { (const u8 *)ip->subnets,
				ARRAY_SIZE(ip->subnets) };
	const struct table v4 = addresses_v4(c), v6 = addresses_v6(c);
	char entry[ENTRY_MAX];
	int ret, family, prefix;

	while ((ret = next_entry(&addresses, entry)) > 0) {
		family = add_text(entry, &v4, &v6, left_out);
		if (family < 0 || next_entry(&subnets, entry) <= 0)
			return -EINVAL;
		prefix = get_prefix(entry, family == HKVP_IP_V6);
		if (prefix < 0)
			return prefix;
		if (family == HKVP_IP_V4)
			c->v4_prefix[c->v4_count - 1] = prefix;
		else
			c->v6_prefix[c->v6_count - 1] = prefix;
	}
	*left_out += count_entries(&subnets);
	return ret;
}

/* In the order in which it is written: the first three groups are stored as numbers. */
static void put_guid(u8 to[16], const guid_t *guid)
{
	static const u8 order[] = { 3, 2, 1, 0, 5, 4, 7, 6 };
	u32 i;

	memcpy(to, guid->b, sizeof(guid->b));
	for (i = 0; i < ARRAY_SIZE(order); i++)
		to[i] = guid->b[order[i]];
}

/* 0 or -ENOENT. */
static int get_adapter(struct hv_kvp_ip_config *c, const void *id)
{
	struct hkvp_adapter adapter;
	int ret = hkvp_adapter_parse(id, &adapter);

	if (ret)
		return ret;
	c->adapter = adapter.is_guid ? HV_KVP_ADAPTER_GUID : HV_KVP_ADAPTER_MAC;
	if (adapter.is_guid)
		put_guid(c->guid, &adapter.guid);
	else
		memcpy(c->mac, adapter.mac, sizeof(c->mac));
	return 0;
}

/* What both forms have. 0, -ENOENT, -EINVAL. */
static int get_common(struct hv_kvp_ip_config *c, const void *id, u8 family,
		      u8 dhcp)
{
	int ret;

	memset(c, 0, sizeof(*c));
	ret = get_adapter(c, id);
	if (ret)
		return ret;
	if (family > HKVP_IP_BOTH)
		return -EINVAL;
	c->family = family;
	c->dhcp = !!dhcp;
	return 0;
}

/*
 * Families of the string form. hv_kvp_daemon never looked at the field, so hosts
 * may leave it 0 or name one family and send addresses of the other: the addresses
 * count too. DHCP is about IPv4. A request about nothing must not be taken for one
 * about both, which takes all addresses away.
 */
static int complete_family(struct hv_kvp_ip_config *c)
{
	if (c->v4_count)
		c->family |= HKVP_IP_V4;
	if (c->v6_count)
		c->family |= HKVP_IP_V6;
	if (!c->family && c->dhcp)
		c->family = HKVP_IP_V4;
	return c->family ? 0 : -EINVAL;
}

/**
 * hkvp_ip_decode_strings() - read the form of message versions up to 4.0
 * @config: gets what it says; anything on an error
 * @ip: the message, any alignment
 *
 * Return: how many subnets, zones, gateways and DNS servers were left out; -ENOENT
 * if the adapter is neither a MAC nor a GUID; -EINVAL if anything else is
 * malformed, if there are more addresses than @config has room for, or if it is
 * about neither family.
 */
int hkvp_ip_decode_strings(struct hv_kvp_ip_config *config,
			   const struct hkvp_ip_strings *ip)
{
	struct hv_kvp_ip_config *c = config;
	const struct table gw4 = gateways_v4(c), gw6 = gateways_v6(c);
	const struct table dns4 = dns_v4(c), dns6 = dns_v6(c);
	u32 left_out = 0;
	int ret;

	ret = get_common(c, ip->adapter_id, ip->family, ip->dhcp);
	if (!ret)
		ret = get_addresses(c, ip, &left_out);
	if (!ret)
		ret = get_list(ip->gateways, ARRAY_SIZE(ip->gateways), &gw4,
			       &gw6, &left_out);
	if (!ret)
		ret = get_list(ip->dns, ARRAY_SIZE(ip->dns), &dns4, &dns6,
			       &left_out);
	if (!ret)
		ret = complete_family(c);
	return ret ?: left_out;
}

/* The first @count entries of a table; false if it has not so many. */
static bool get_table(struct table to, __le32 count, const void *from, u32 size)
{
	*to.count = le32_to_cpu(count);
	if (*to.count > to.max)
		return false;
	memcpy(to.table, from, size * *to.count);
	return true;
}

static int get_prefixes(struct hv_kvp_ip_config *c,
			const struct hkvp_ip_binary *ip)
{
	int prefix;
	u32 i;

	for (i = 0; i < c->v4_count; i++) {
		prefix = mask_prefix(ip->v4_mask[i]);
		if (prefix < 0)
			return prefix;
		c->v4_prefix[i] = prefix;
	}
	for (i = 0; i < c->v6_count; i++) {
		if (le32_to_cpu(ip->v6_prefix[i]) > 128)
			return -EINVAL;
		c->v6_prefix[i] = le32_to_cpu(ip->v6_prefix[i]);
	}
	return 0;
}

/**
 * hkvp_ip_decode_binary() - read the form of message version 5.0
 * @config: gets what it says; anything on an error
 * @ip: the message, any alignment
 *
 * What it says about where addresses came from means nothing in a SET. Its family
 * is what the host means: 0 is neither.
 *
 * Return: 0, as nothing is left out; errors as hkvp_ip_decode_strings().
 */
int hkvp_ip_decode_binary(struct hv_kvp_ip_config *config,
			  const struct hkvp_ip_binary *ip)
{
	struct hv_kvp_ip_config *c = config;
	int ret;

	ret = get_common(c, ip->adapter_id, ip->family, ip->dhcp);
	if (ret)
		return ret;
	if (!c->family)
		return -EINVAL;
	if (!get_table(addresses_v4(c), ip->v4_count, ip->v4, 4) ||
	    !get_table(addresses_v6(c), ip->v6_count, ip->v6, 16) ||
	    !get_table(gateways_v4(c), ip->v4_gateway_count, ip->v4_gateway,
		       4) ||
	    !get_table(gateways_v6(c), ip->v6_gateway_count, ip->v6_gateway,
		       16) ||
	    !get_table(dns_v4(c), ip->v4_dns_count, ip->v4_dns, 4) ||
	    !get_table(dns_v6(c), ip->v6_dns_count, ip->v6_dns, 16))
		return -EINVAL;
	return get_prefixes(c, ip);
}
