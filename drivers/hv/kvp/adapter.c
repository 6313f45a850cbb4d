// SPDX-License-Identifier: GPL-2.0
/*
 * What the host calls a network adapter. Hyper-V itself writes MAC addresses
 * as 00:15:5D:01:02:03, its cmdlets as 00155D010203, and Windows as
 * 00-15-5D-01-02-03; GUIDs come in either case, with or without braces.
 */
#include <linux/ctype.h>
#include <linux/errno.h>
#include <linux/etherdevice.h>
#include <linux/kernel.h>
#include <linux/string.h>

#include "adapter.h"

/* The longest of the forms: a GUID in braces. */
#define TEXT_MAX	(UUID_STRING_LEN + 2)
static_assert(TEXT_MAX < HKVP_ADAPTER_ID_UNITS);

/* @id in ASCII; its length, or -ENOENT if it can be no adapter's. */
static int get_text(char text[TEXT_MAX + 1], const u8 *id)
{
	u32 i;

	for (i = 0; i <= TEXT_MAX; i++) {
		u32 unit = id[2 * i] | (u32)id[2 * i + 1] << 8;

		text[i] = unit;
		if (!unit)
			return i;
		if (unit >= 0x80)
			break;
	}
	return -ENOENT;
}

static u8 digit(char c)
{
	return isdigit(c) ? c - '0' : tolower(c) - 'a' + 10;
}

/* Six pairs of digits, with the same separator between all of them or none. */
static bool get_mac(u8 mac[ETH_ALEN], const char *text, u32 len)
{
	char separator = 0;
	u32 i;

	if (len == 3 * ETH_ALEN - 1)
		separator = text[2];
	else if (len != 2 * ETH_ALEN)
		return false;
	if (separator && separator != ':' && separator != '-')
		return false;
	for (i = 0; i < ETH_ALEN; i++) {
		if (i && separator && *text++ != separator)
			return false;
		if (!isxdigit(text[0]) || !isxdigit(text[1]))
			return false;
		mac[i] = digit(text[0]) << 4 | digit(text[1]);
		text += 2;
	}
	return !is_zero_ether_addr(mac);
}

static bool get_guid(guid_t *guid, const char *text, u32 len)
{
	if (len == TEXT_MAX) {
		if (text[0] != '{' || text[len - 1] != '}')
			return false;
		text++;
		len -= 2;
	}
	/* looks at UUID_STRING_LEN characters and not behind them */
	return len == UUID_STRING_LEN && !guid_parse(text, guid);
}

/**
 * hkvp_adapter_parse() - make sense of the adapter id of an IP message
 * @id: HKVP_ADAPTER_ID_UNITS of UTF-16LE, any alignment; what is behind the
 *	first NUL, if there is one, means nothing
 * @adapter: gets the adapter
 *
 * Return: 0; -ENOENT if it is neither a MAC address nor a GUID. @adapter then
 * holds anything.
 */
int hkvp_adapter_parse(const void *id, struct hkvp_adapter *adapter)
{
	char text[TEXT_MAX + 1];
	int len = get_text(text, id);

	if (len < 0)
		return len;
	adapter->is_guid = len >= UUID_STRING_LEN;
	if (adapter->is_guid)
		return get_guid(&adapter->guid, text, len) ? 0 : -ENOENT;
	return get_mac(adapter->mac, text, len) ? 0 : -ENOENT;
}
