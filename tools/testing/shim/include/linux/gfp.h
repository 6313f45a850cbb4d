/* SPDX-License-Identifier: GPL-2.0 */
#ifndef SHIM_LINUX_GFP_H
#define SHIM_LINUX_GFP_H

#include <linux/types.h>

#define __GFP_DIRECT_RECLAIM	0x1u
#define __GFP_NOWARN		0x2u
#define __GFP_ACCOUNT		0x4u
#define __GFP_HIGH		0x8u
#define __GFP_ZERO		0x10u
#define __GFP_RETRY_MAYFAIL	0x20u
#define GFP_ATOMIC		__GFP_HIGH
#define GFP_NOWAIT		__GFP_NOWARN
#define GFP_KERNEL		__GFP_DIRECT_RECLAIM
#define GFP_KERNEL_ACCOUNT	(GFP_KERNEL | __GFP_ACCOUNT)

static inline bool gfpflags_allow_blocking(gfp_t gfp)
{
	return gfp & __GFP_DIRECT_RECLAIM;
}

#endif /* SHIM_LINUX_GFP_H */
