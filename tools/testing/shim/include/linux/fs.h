/* SPDX-License-Identifier: GPL-2.0 */
/* For declarations alone. */
#ifndef SHIM_LINUX_FS_H
#define SHIM_LINUX_FS_H

struct file;

#endif /* SHIM_LINUX_FS_H */
