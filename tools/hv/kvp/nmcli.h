/* SPDX-License-Identifier: GPL-2.0 */
/* What NetworkManager says, by nmcli(1). */
#ifndef KVPCTL_NMCLI_H
#define KVPCTL_NMCLI_H

/**
 * nmcli_get() - what nmcli prints for "-g FIELDS ARGUMENTS..."
 * @fields: fields, between commas
 * @first: up to four arguments, ended by NULL
 *
 * Return: the values, a line each, which the caller frees; NULL if it fails.
 */
char *nmcli_get(const char *fields, const char *first, const char *second, const char *third,
		const char *fourth);

/* Cuts the line at *@at off, and moves *@at behind it. */
char *nmcli_line(char **at);

#endif /* KVPCTL_NMCLI_H */
