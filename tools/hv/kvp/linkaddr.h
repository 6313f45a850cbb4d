/* SPDX-License-Identifier: GPL-2.0 */
/* Addresses that an interface has at this moment. */
#ifndef KVPCTL_LINKADDR_H
#define KVPCTL_LINKADDR_H

#include <stdbool.h>

#include "ipconfig.h"

/* Whether the interface has all static addresses of @ip, with their prefixes. */
bool linkaddr_has_all(const char *name, const struct ipconfig *ip);

#endif /* KVPCTL_LINKADDR_H */
