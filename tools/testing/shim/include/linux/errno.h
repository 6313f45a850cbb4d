/* SPDX-License-Identifier: GPL-2.0 */
/* glibc includes the system's header of this name: pass it on. */
#include_next <linux/errno.h>
