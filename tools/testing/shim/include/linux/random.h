/* SPDX-License-Identifier: GPL-2.0 */
#ifndef SHIM_LINUX_RANDOM_H
#define SHIM_LINUX_RANDOM_H

#include <stddef.h>

/* The same bytes in each run, so that a failure can be repeated. */
void get_random_bytes(void *buf, size_t len);

#endif /* SHIM_LINUX_RANDOM_H */
