/* SPDX-License-Identifier: GPL-2.0 */
/* The addresses of the guest, in the order in which hosts should see them. */
#ifndef HKVP_IP_LIST_H
#define HKVP_IP_LIST_H

#include <linux/types.h>

/* Told an address in network order; false ends the list. */
typedef bool (*hkvp_ip_list_fn)(void *ctx, const void *addr);

void hkvp_ip_list_v4(hkvp_ip_list_fn fn, void *ctx);
void hkvp_ip_list_v6(hkvp_ip_list_fn fn, void *ctx);

#endif /* HKVP_IP_LIST_H */
