/* SPDX-License-Identifier: GPL-2.0 */
/*
 * What the agent did, interface by interface, for people: in network-IF.status beside
 * the journals. It has nothing that is secret, and everybody can read it.
 */
#ifndef KVPCTL_AGENT_STATUS_H
#define KVPCTL_AGENT_STATUS_H

#include <stdint.h>

/**
 * agent_status_add() - notes what became of a request
 * @root: directory that stands for /, "" for the system's
 * @name: the interface
 * @what: a word, or NULL: the files alone may be others now
 * @stack: what runs the interface, or NULL
 * @request: number of the host's request, or 0 for one by hand
 *
 * And which files can be put back now. The last ones are kept. What fails is told,
 * and is no failure of the request.
 */
void agent_status_add(const char *root, const char *name, const char *what,
		      const char *stack, uint64_t request);

/* kvpctl agent --status: an exit code. */
int agent_status_show(const char *root);

#endif /* KVPCTL_AGENT_STATUS_H */
