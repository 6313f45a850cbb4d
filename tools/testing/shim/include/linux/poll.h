/* SPDX-License-Identifier: GPL-2.0 */
/* For declarations alone. */
#ifndef SHIM_LINUX_POLL_H
#define SHIM_LINUX_POLL_H

typedef unsigned int __poll_t;
typedef struct poll_table_struct poll_table;

#endif /* SHIM_LINUX_POLL_H */
