/* SPDX-License-Identifier: GPL-2.0 */
/*
 * Everything that differs between the kernels this builds for, 6.1 to 7.3.
 * Detected by the types in the headers, not by version: stable trees backport
 * API changes. Every other file reads as if written for the newest kernel.
 */
#ifndef HKVP_COMPAT_H
#define HKVP_COMPAT_H

#include <linux/fs.h>
#include <linux/hyperv.h>
#include <linux/sysfs.h>
#include <linux/version.h>

/*
 * hv_driver.remove returns int in 6.1, which nobody looks at, and void since.
 * What it is declared as, and what it returns.
 */
#define hkvp_removed	typeof(((struct hv_driver *)NULL)->remove(NULL))
#define HKVP_REMOVED	((hkvp_removed)0)

/*
 * bin_attribute.read takes its attribute as const since 6.16: that argument's
 * type, without the '*'.
 */
#define hkvp_read_mutable						\
	typeof(ssize_t (*)(struct file *, struct kobject *,		\
			   struct bin_attribute *, char *, loff_t, size_t))
#define hkvp_bin_attribute						\
	typeof(*__builtin_choose_expr(					\
		__builtin_types_compatible_p(				\
			typeof(((struct bin_attribute *)NULL)->read),	\
			hkvp_read_mutable),				\
		(struct bin_attribute *)NULL,				\
		(const struct bin_attribute *)NULL))

/*
 * splice() by way of read_iter: a pipe is an iterator's target until 6.4, and copied
 * into since. A function leaves no type behind: the version tells, and kernels that
 * have one name have not had the other.
 */
#if LINUX_VERSION_CODE < KERNEL_VERSION(6, 5, 0)
#define hkvp_splice_read	generic_file_splice_read
#else
#define hkvp_splice_read	copy_splice_read
#endif

#endif /* HKVP_COMPAT_H */
