// SPDX-License-Identifier: GPL-2.0
/* kvpctl: items of a Hyper-V guest from the command line. See kvpctl(8). */
#include <stdio.h>
#include <string.h>

#include "kvpctl.h"

static const struct command * const commands[] = {
	&list_command,
	&get_command,
	&set_command,
	&delete_command,
	&hold_command,
	&watch_command,
	&status_command,
	&component_command,
	&save_command,
	&restore_command,
	&import_command,
	&batch_command,
	&purge_command,
	&identify_command,
	&agent_command,
};

const struct command *current_command;
bool want_json;

static void print_help(void)
{
	printf("kvpctl COMMAND [OPTION]... [OPERAND]...\n"
	       "Key-Value Pair exchange with a Hyper-V host.\n\n");
	for (size_t i = 0; i < ARRAY_SIZE(commands); i++)
		printf("  %-10s %s\n", commands[i]->name, commands[i]->summary);
	printf("\n'kvpctl help COMMAND' tells the options. All take --json.\n"
	       "'kvpctl version' tells the version.\n"
	       "Exit codes: 0 ok, 1 error, 2 usage, 3 not found, 4 no permission, 5 no device,\n"
	       "6 condition not met, 7 no room, 8 invalid, 9 done in part, 10 timeout.\n");
}

static const struct command *find(const char *name)
{
	for (size_t i = 0; i < ARRAY_SIZE(commands); i++)
		if (!strcmp(commands[i]->name, name))
			return commands[i];
	return NULL;
}

/* "help", "--help", "-h" */
static bool is_word(const char *given, const char *word, const char *letter)
{
	return !strcmp(given, word) || !strcmp(given, letter) ||
	       (!strncmp(given, "--", 2) && !strcmp(given + 2, word));
}

/* What could not be written must not look like a success. */
static int close_output(int code)
{
	if (!fflush(stdout) && !ferror(stdout))
		return code;
	return fail(EXIT_ERROR, "cannot write the output");
}

int main(int argc, char **argv)
{
	const char *name;

	if (argc < 2)
		usage_error("no command");
	name = argv[1];
	if (is_word(name, "help", "-h") && argc > 2) {
		name = argv[2];
		argv[1] = argv[2];
		argv[2] = "--help";
		argc = 3;
	} else if (is_word(name, "help", "-h")) {
		print_help();
		return close_output(EXIT_OK);
	}
	if (is_word(name, "version", "-V")) {
		printf("kvpctl %s\n", KVPCTL_VERSION);
		return close_output(EXIT_OK);
	}
	current_command = find(name);
	if (!current_command && *name == '-')
		usage_error("options come behind a command: '%s'", name);
	if (!current_command)
		usage_error("no command '%s'", name);
	return close_output(current_command->run(argc - 1, argv + 1));
}
