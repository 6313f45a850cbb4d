/* SPDX-License-Identifier: GPL-2.0 */
#ifndef SHIM_LINUX_BITOPS_H
#define SHIM_LINUX_BITOPS_H

#define hweight32(w)	((unsigned int)__builtin_popcount(w))
#define BIT(n)		(1ul << (n))

#endif /* SHIM_LINUX_BITOPS_H */
