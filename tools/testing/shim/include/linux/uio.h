/* SPDX-License-Identifier: GPL-2.0 */
/* For declarations alone. */
#ifndef SHIM_LINUX_UIO_H
#define SHIM_LINUX_UIO_H

struct iov_iter;

#endif /* SHIM_LINUX_UIO_H */
