/* SPDX-License-Identifier: GPL-2.0 */
/* Tells the kernel what it does not know of the interfaces. */
#ifndef KVPCTL_AGENT_SUPPLY_H
#define KVPCTL_AGENT_SUPPLY_H

#include "linkstate.h"

/**
 * struct supply - what the kernel was told
 * @count: entries of @told
 * @told: by interface
 */
struct supply {
	unsigned int count;
	struct linkstate told[HV_KVP_IP_REPORT_MAX];
};

/* Tells of all interfaces, and which of them are no more. */
void supply_refresh(struct supply *supply, int device, const char *root);

#endif /* KVPCTL_AGENT_SUPPLY_H */
