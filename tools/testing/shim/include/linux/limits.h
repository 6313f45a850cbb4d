/* SPDX-License-Identifier: GPL-2.0 */
/* On top of the system's header of this name. */
#ifndef SHIM_LINUX_LIMITS_H
#define SHIM_LINUX_LIMITS_H

#include_next <linux/limits.h>
#include <linux/types.h>

#define U32_MAX	((u32)~0U)
#define U64_MAX	((u64)~0ULL)

#endif /* SHIM_LINUX_LIMITS_H */
