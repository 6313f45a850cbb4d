/* SPDX-License-Identifier: GPL-2.0 */
/*
 * snprintf() with the kernel's %pI4 and %pI6c; besides them %s and %u alone. So
 * only with SHIM_SPRINTF, for the files that print addresses.
 */
#ifndef SHIM_LINUX_SPRINTF_H
#define SHIM_LINUX_SPRINTF_H

#include <stdio.h>

#include <linux/types.h>

int shim_snprintf(char *buf, size_t size, const char *fmt, ...) __printf(3, 4);

#ifdef SHIM_SPRINTF
#define snprintf shim_snprintf
#endif

#endif /* SHIM_LINUX_SPRINTF_H */
