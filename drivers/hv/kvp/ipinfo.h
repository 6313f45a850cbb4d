/* SPDX-License-Identifier: GPL-2.0 */
/* GET_IP_INFO: what the network stack says about one adapter. */
#ifndef HKVP_IPINFO_H
#define HKVP_IPINFO_H

#include <linux/types.h>
#include "wire.h"

int hkvp_ipinfo_strings(void *ctx, struct hkvp_ip_strings *ip, gfp_t gfp);
int hkvp_ipinfo_binary(void *ctx, struct hkvp_ip_binary *ip, gfp_t gfp);

#endif /* HKVP_IPINFO_H */
