/* SPDX-License-Identifier: GPL-2.0 */
/*
 * Reads SET_IP_INFO: both forms of the wire become what an IP agent gets.
 *
 * Pure. Every function may be called in any context, takes no lock and
 * allocates nothing.
 */
#ifndef HKVP_IP_DECODE_H
#define HKVP_IP_DECODE_H

#include <linux/types.h>
#include <uapi/linux/hv_kvp.h>
#include "wire.h"

int hkvp_ip_decode_strings(struct hv_kvp_ip_config *config,
			   const struct hkvp_ip_strings *ip);
int hkvp_ip_decode_binary(struct hv_kvp_ip_config *config,
			  const struct hkvp_ip_binary *ip);

#endif /* HKVP_IP_DECODE_H */
