// SPDX-License-Identifier: GPL-2.0
/* Items as programs see them: flags and values of the ABI. */
#include <linux/errno.h>
#include <linux/string.h>
#include <uapi/linux/hv_kvp.h>

#include "codec.h"
#include "view.h"

/**
 * hkvp_view_flags() - HV_KVP_ITEM_* of an item
 * @pool: its pool
 * @origin: where it comes from
 * @connection: number of the host's present connection
 *
 * What the host has put into GUEST it does not send again, so that nothing there is
 * stale.
 *
 * Return: the flags.
 */
u32 hkvp_view_flags(enum hkvp_pool_id pool, struct hkvp_origin origin,
		    u32 connection)
{
	u32 flags = 0;

	if (origin.traits & HKVP_TRAIT_HELD)
		flags |= HV_KVP_ITEM_EPHEMERAL;
	if (origin.traits & HKVP_TRAIT_MIRROR)
		flags |= HV_KVP_ITEM_MIRROR;
	if (pool == HKVP_POOL_AUTO)
		return flags | HV_KVP_ITEM_OVERRIDE;
	if (origin.owner != HKVP_OWNER_HOST)
		return flags;
	flags |= HV_KVP_ITEM_HOST;
	if (BIT(pool) & HKVP_HOST_FILLED &&
	    (!origin.connection || origin.connection != connection))
		flags |= HV_KVP_ITEM_STALE;
	return flags;
}

/**
 * hkvp_view_value() - a value of the wire as programs see it
 * @dst: gets it
 * @size: bytes at @dst; HKVP_VALUE_UTF8_MAX always suffices
 * @type: enum hkvp_type
 * @value: the value
 * @bytes: bytes of @value
 *
 * Return: bytes at @dst; -ENOSPC if they are more than @size.
 */
int hkvp_view_value(u8 *dst, u32 size, u32 type, const void *value, u32 bytes)
{
	__le64 wire = 0;
	u32 dword;
	u64 qword;

	switch (type) {
	case HKVP_TYPE_DWORD:
	case HKVP_TYPE_QWORD:
		if (bytes > size || bytes > sizeof(wire))
			return -ENOSPC;
		memcpy(&wire, value, bytes);
		qword = le64_to_cpu(wire);
		dword = qword;
		if (bytes == sizeof(dword))
			memcpy(dst, &dword, sizeof(dword));
		else
			memcpy(dst, &qword, bytes);
		return bytes;
	default:
		return hkvp_codec_to_utf8(dst, size, value, bytes);
	}
}
