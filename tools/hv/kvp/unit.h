/* SPDX-License-Identifier: GPL-2.0 */
/*
 * Programs that configure the network need more than the agent does, and leave
 * processes behind, DHCP clients for one: where systemd runs the system each gets a
 * transient unit of its own, outside of the agent's sandbox and control group.
 */
#ifndef KVPCTL_UNIT_H
#define KVPCTL_UNIT_H

#include <stdbool.h>

#define UNIT_NAME	48

/* Whether systemd runs the system, and can be asked. */
bool unit_is_possible(void);

/**
 * unit_wrap() - the command that runs a program in a unit of its own
 * @path: the program
 * @argv: its arguments, ended by NULL
 * @environment: its environment, ended by NULL
 * @after: a unit that is to end before it begins, or NULL
 * @name: gets the unit's name
 *
 * The command ends when the program does. What the program has started stays.
 *
 * Return: arguments of systemd-run; unit_free() frees them.
 */
char **unit_wrap(const char *path, char *const argv[], char *const environment[],
		 const char *after, char name[UNIT_NAME]);
void unit_free(char **argv);

#endif /* KVPCTL_UNIT_H */
