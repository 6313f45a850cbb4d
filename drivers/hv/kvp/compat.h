/* SPDX-License-Identifier: GPL-2.0 */
/*
 * Everything that differs between the kernels this builds for, 6.1 to 7.3.
 * Detected by the types in the headers, not by version: stable trees backport
 * API changes. Every other file reads as if written for the newest kernel.
 */
#ifndef HKVP_COMPAT_H
#define HKVP_COMPAT_H

#include <linux/hyperv.h>
#include <linux/sysfs.h>

/*
 * hv_driver.remove returned int up to 6.1, and its value was ignored; void
 * since. Makes @name, of the type the header asks for, from void @fn.
 */
typedef typeof(((struct hv_driver *)NULL)->remove(NULL)) hkvp_remove_result;

#define HKVP_DEFINE_REMOVE(name, fn)				\
static hkvp_remove_result name(struct hv_device *dev)		\
{								\
	fn(dev);						\
	return (hkvp_remove_result)0;				\
}

/* bin_attribute.read takes the attribute as const since 6.16. */
typedef ssize_t (*hkvp_bin_read_mutable)(struct file *, struct kobject *,
					 struct bin_attribute *, char *,
					 loff_t, size_t);

typedef typeof(_Generic(((struct bin_attribute *)NULL)->read,
			hkvp_bin_read_mutable : (struct bin_attribute *)NULL,
			default : (const struct bin_attribute *)NULL))
	hkvp_bin_attribute_ptr;

#endif /* HKVP_COMPAT_H */
