/* SPDX-License-Identifier: GPL-2.0 */
#ifndef SHIM_LINUX_ETHERDEVICE_H
#define SHIM_LINUX_ETHERDEVICE_H

#include <linux/if_ether.h>
#include <linux/types.h>

static inline bool is_zero_ether_addr(const u8 *addr)
{
	u32 i, any = 0;

	for (i = 0; i < ETH_ALEN; i++)
		any |= addr[i];
	return !any;
}

#endif /* SHIM_LINUX_ETHERDEVICE_H */
