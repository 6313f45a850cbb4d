/* SPDX-License-Identifier: GPL-2.0 */
/*
 * The messages of the old daemon protocol, struct hv_kvp_msg of linux/hyperv.h.
 *
 * Pure; any context.
 */
#ifndef HKVP_LEGACY_MSG_H
#define HKVP_LEGACY_MSG_H

#include <linux/build_bug.h>
#include <linux/types.h>
#include <uapi/linux/hyperv.h>
#include "wire.h"

struct hkvp_item;

/* Bytes of every message; each read and each write is of one. */
#define HKVP_LEGACY_SIZE	sizeof(struct hv_kvp_msg)
static_assert(HKVP_LEGACY_SIZE == 7432);

/* What the stock kernel says when a daemon registers; it means nothing. */
#define HKVP_LEGACY_VERSION	"3.1"

void hkvp_legacy_register_msg(struct hv_kvp_msg *msg);
void hkvp_legacy_ip_msg(struct hv_kvp_msg *msg,
			const struct hv_kvp_ipaddr_value *ip);
bool hkvp_legacy_change_msg(struct hv_kvp_msg *msg, enum hkvp_pool_id pool,
			    const struct hkvp_item *old,
			    const struct hkvp_item *new, bool *left_out);

#endif /* HKVP_LEGACY_MSG_H */
