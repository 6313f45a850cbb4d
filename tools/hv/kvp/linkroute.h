/* SPDX-License-Identifier: GPL-2.0 */
/* Default routes of an interface at this moment. */
#ifndef KVPCTL_LINKROUTE_H
#define KVPCTL_LINKROUTE_H

#include <stdbool.h>

#include "ipconfig.h"

/**
 * linkroute_has_default() - whether an interface has a default route
 * @index: the interface
 * @gateway: its gateway
 *
 * In any table, and as one next hop of several too.
 */
bool linkroute_has_default(unsigned int index, const struct ipaddr *gateway);

/* Whether another interface has a default route of a family in the main table. */
bool linkroute_others_have_default(unsigned int index, int family);

#endif /* KVPCTL_LINKROUTE_H */
