/* SPDX-License-Identifier: GPL-2.0 */
/* The one place that has the module's version. */
#ifndef HKVP_VERSION_H
#define HKVP_VERSION_H

#define HKVP_MODULE_VERSION	"0.1.0"

#endif /* HKVP_VERSION_H */
