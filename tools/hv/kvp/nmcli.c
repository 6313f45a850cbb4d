// SPDX-License-Identifier: GPL-2.0
#include <stddef.h>
#include <string.h>

#include "deadline.h"
#include "nmcli.h"
#include "program.h"

/* nmcli's answers come at once, or NetworkManager is not there. ms */
#define ASK_TIME	3000

char *nmcli_get(const char *fields, const char *first, const char *second, const char *third,
		const char *fourth)
{
	const char *const argv[] = {
		"nmcli", "--escape", "no", "-g", fields, first, second, third, fourth, NULL,
	};
	char *text;

	return program_output((char *const *)argv, deadline_now() + ASK_TIME, &text) ? NULL : text;
}

char *nmcli_line(char **at)
{
	char *line = *at, *end = line + strcspn(line, "\n");

	*at = *end ? end + 1 : end;
	*end = '\0';
	return line;
}
