/* SPDX-License-Identifier: GPL-2.0 */
/*
 * What the host calls a network adapter: its MAC address or the GUID of its
 * VMBus device.
 *
 * Pure. Every function may be called in any context.
 */
#ifndef HKVP_ADAPTER_H
#define HKVP_ADAPTER_H

#include <linux/if_ether.h>
#include <linux/types.h>
#include <linux/uuid.h>
#include "wire.h"

/**
 * struct hkvp_adapter - an adapter as an IP message names it
 * @is_guid: which of the two it is
 * @mac: its MAC address, never all zeroes
 * @guid: instance GUID of its VMBus device
 */
struct hkvp_adapter {
	bool is_guid;
	union {
		u8 mac[ETH_ALEN];
		guid_t guid;
	};
};

int hkvp_adapter_parse(const void *id, struct hkvp_adapter *adapter);

#endif /* HKVP_ADAPTER_H */
