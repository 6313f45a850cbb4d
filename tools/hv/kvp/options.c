// SPDX-License-Identifier: GPL-2.0
/* Command lines: a subcommand says in a table what it takes. */
#include <errno.h>
#include <getopt.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "kvpctl.h"
#include "pool.h"

#define MAX_OPTIONS	16
/* Values that getopt_long() gives for options; letters lie below. */
#define FIRST_LONG	256

static const struct option_spec common[] = {
	{ "json", 'j', OPTION_FLAG, &want_json, NULL,
	  "JSON instead of plain text" },
};

static bool takes_value(const struct option_spec *spec)
{
	return spec->kind != OPTION_FLAG;
}

static void print_option(const struct option_spec *spec)
{
	const char *help = spec->help;
	char left[48];
	int name = 0;

	if (takes_value(spec))
		name = strcspn(help, " ");
	snprintf(left, sizeof(left), "%c%c%c --%s%s%.*s",
		 spec->letter ? '-' : ' ', spec->letter ? spec->letter : ' ',
		 spec->letter ? ',' : ' ', spec->name, name ? " " : "", name,
		 help);
	printf("  %-26s %s\n", left, help + name + (name ? 1 : 0));
}

static void print_help(const struct option_spec *specs, size_t count)
{
	printf("kvpctl %s [OPTION]...%s%s\n%s.\n\n", current_command->name,
	       *current_command->args ? " " : "", current_command->args,
	       current_command->summary);
	for (size_t i = 0; i < count; i++)
		print_option(&specs[i]);
	print_option(&common[0]);
	printf("  -h, --help                 this text\n");
}

static uint64_t number(const char *text, const char *name)
{
	char *end;
	uint64_t value;

	errno = 0;
	value = strtoull(text, &end, 10);
	if (errno || end == text || *end || *text < '0' || *text > '9')
		usage_error("--%s: '%s' is no number", name, text);
	return value;
}

static void take_pools(unsigned int *pools, bool first, const char *text)
{
	char *copy = strdup(text), *rest = copy, *word;

	if (first)
		*pools = 0;
	while ((word = strsep(&rest, ","))) {
		int pool = pool_by_name(word);

		if (pool < 0)
			usage_error("no such pool: '%s'", word);
		*pools |= 1u << pool;
	}
	free(copy);
}

static void take(const struct option_spec *spec, const char *text, bool first)
{
	int pool;

	switch (spec->kind) {
	case OPTION_FLAG:
		*(bool *)spec->target = true;
		break;
	case OPTION_TEXT:
		*(const char **)spec->target = text;
		break;
	case OPTION_NUMBER:
		*(uint64_t *)spec->target = number(text, spec->name);
		break;
	case OPTION_POOL:
		pool = pool_by_name(text);
		if (pool < 0)
			usage_error("no such pool: '%s'", text);
		*(unsigned int *)spec->target = pool;
		break;
	case OPTION_POOLS:
		take_pools(spec->target, first, text);
		break;
	}
	if (spec->given)
		*spec->given = true;
}

struct parser {
	const struct option_spec *specs[MAX_OPTIONS];
	bool seen[MAX_OPTIONS];
	size_t count;
	struct option longs[MAX_OPTIONS + 2];
	char shorts[3 * MAX_OPTIONS];
};

static void add_letter(struct parser *p, char letter, bool value)
{
	size_t length = strlen(p->shorts);

	snprintf(p->shorts + length, sizeof(p->shorts) - length, "%c%s",
		 letter, value ? ":" : "");
}

static void add(struct parser *p, const struct option_spec *spec)
{
	bool value = takes_value(spec);

	if (p->count == MAX_OPTIONS)
		abort();
	p->longs[p->count] = (struct option) {
		spec->name, value, NULL, FIRST_LONG + p->count
	};
	if (spec->letter)
		add_letter(p, spec->letter, value);
	p->specs[p->count++] = spec;
}

/* Index of the option that getopt_long() gave. */
static size_t find(const struct parser *p, int code)
{
	if (code >= FIRST_LONG)
		return code - FIRST_LONG;
	for (size_t i = 0; i < p->count; i++)
		if (p->specs[i]->letter == code)
			return i;
	return p->count;
}

/* getopt_long() names one by optopt; a long one that it does not know is @word. */
static void wrong_option(const struct parser *p, int code, const char *word)
{
	size_t i = find(p, optopt);
	char name[64];

	if (optopt >= FIRST_LONG)
		snprintf(name, sizeof(name), "--%s", p->specs[i]->name);
	else if (optopt)
		snprintf(name, sizeof(name), "-%c", optopt);
	else
		snprintf(name, sizeof(name), "%.*s", (int)strcspn(word, "="), word);
	if (code == ':')
		usage_error("option '%s' wants a value", name);
	if (optopt && i < p->count)
		usage_error("option '%s' takes no value", name);
	usage_error("unknown option '%s'", name);
}

int parse_options(int argc, char **argv, const struct option_spec *specs,
		  size_t count)
{
	struct parser p = { .shorts = ":" };
	int code;

	for (size_t i = 0; i < count; i++)
		add(&p, &specs[i]);
	add(&p, &common[0]);
	add_letter(&p, 'h', false);
	p.longs[p.count] = (struct option) { "help", 0, NULL, 'h' };

	opterr = 0;
	while ((code = getopt_long(argc, argv, p.shorts, p.longs, NULL)) >= 0) {
		size_t i;

		if (code == 'h') {
			print_help(specs, count);
			exit(EXIT_OK);
		}
		i = find(&p, code);
		if (code == ':' || code == '?' || i == p.count)
			wrong_option(&p, code, argv[optind - 1]);
		take(p.specs[i], optarg, !p.seen[i]);
		p.seen[i] = true;
	}
	return optind;
}

void check_operands(int argc, int first, int min, int max)
{
	if (argc - first < min)
		usage_error("too few operands, wanted: %s",
			    current_command->args);
	if (argc - first > max)
		usage_error("too many operands, wanted: %s",
			    *current_command->args ? current_command->args :
			    "none");
}
