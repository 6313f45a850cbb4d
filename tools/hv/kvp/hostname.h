/* SPDX-License-Identifier: GPL-2.0 */
/* The guest's own name, as others know it. */
#ifndef KVPCTL_HOSTNAME_H
#define KVPCTL_HOSTNAME_H

/* Longest name of DNS, with its NUL. */
#define HOSTNAME_SIZE	256

/**
 * hostname_full() - fully qualified name of the system, like `hostname -f`
 * @name: gets the name
 * @timeout_ms: longest wait for a name server
 *
 * What a resolver gives is used only if it is a host name by its characters, since
 * it may come from the network; if it begins with the node's first label, has no
 * fewer labels, and is not localhost.
 *
 * Return: 0; a negative error if only the node's name could be found, which
 * @name has then: -ENOENT if there is no other, -EAGAIN or -ETIMEDOUT if there may
 * be one later.
 */
int hostname_full(char name[HOSTNAME_SIZE], int timeout_ms);

#endif /* KVPCTL_HOSTNAME_H */
