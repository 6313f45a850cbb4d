/* SPDX-License-Identifier: GPL-2.0 */
/* Whether an interface has what the host asked for. */
#ifndef KVPCTL_AGENT_VERIFY_H
#define KVPCTL_AGENT_VERIFY_H

#include <stdbool.h>
#include <stdint.h>

#include "ipconfig.h"
#include "netif.h"

/* Whether there is no cable: what needs one comes later. */
bool verify_lacks_carrier(const struct netif *nic);

/**
 * verify_wait() - waits until the interface has it all
 * @nic: the interface
 * @ip: addresses, all of them; gateways and name servers, the first of each family
 * @deadline: until when (deadline_now())
 * @wake: descriptor whose readiness ends it, or -1
 *
 * Without a cable what does not come soon is told, and is no failure.
 *
 * Return: 0; -ETIMEDOUT; -EINTR. What is missing was told.
 */
int verify_wait(const struct netif *nic, const struct ipconfig *ip, int64_t deadline, int wake);

#endif /* KVPCTL_AGENT_VERIFY_H */
