/* SPDX-License-Identifier: GPL-2.0 */
/* One kvpctl at a time changes the network: the service, or somebody by hand. */
#ifndef KVPCTL_AGENT_LOCK_H
#define KVPCTL_AGENT_LOCK_H

#include <stdint.h>

/**
 * agent_lock() - waits until no other kvpctl configures the network
 * @root: directory that stands for /, "" for the system's
 * @deadline: how long it waits (deadline_now())
 * @wake: descriptor whose readiness ends the wait, or -1
 *
 * Return: a descriptor that has the lock until it is closed, and that no program
 * inherits; -EBUSY; -EINTR if @wake was ready; another negative error.
 */
int agent_lock(const char *root, int64_t deadline, int wake);

#endif /* KVPCTL_AGENT_LOCK_H */
