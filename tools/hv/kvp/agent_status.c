// SPDX-License-Identifier: GPL-2.0
/*
 * Lines:
 *
 *	event TIME WHAT STACK REQUEST BOOT
 *	original PATH, of what --revert would put back
 *	failed PATH, of what could not be put back
 */
#include <dirent.h>
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

#include "agent_status.h"
#include "journal.h"
#include "json.h"
#include "kvpctl.h"
#include "netif.h"
#include "readfile.h"
#include "safefile.h"

#define PREFIX		"network-"
#define SUFFIX		".status"
#define FILE_MAX	65536

/* Of an interface. */
#define EVENTS_MAX	20

#define WORD_SIZE	24
#define BOOT_SIZE	40

static void make_path(char *path, size_t size, const char *name)
{
	snprintf(path, size, JOURNAL_DIRECTORY "/" PREFIX "%.15s" SUFFIX, name);
}

/* The line at *@at without its end, and *@at behind it; NULL at the end. */
static char *next_line(char **at)
{
	char *line = *at, *end = line + strcspn(line, "\n");

	if (!*line)
		return NULL;
	*at = *end ? end + 1 : end;
	*end = '\0';
	return line;
}

static bool is_event(const char *line)
{
	return !strncmp(line, "event ", 6);
}

/* The last events of the old file, at most @max. */
static void put_old_events(FILE *out, const char *root, const char *path, unsigned int max)
{
	unsigned int count = 0;
	char *text, *at, *line;

	if (readfile(root, path, FILE_MAX, &text, NULL))
		return;
	for (at = text; *at; at += strcspn(at, "\n"), at += *at == '\n')
		count += is_event(at);
	for (at = text; (line = next_line(&at)); )
		if (is_event(line) && count-- <= max)
			fprintf(out, "%s\n", line);
	free(text);
}

static void put_event(FILE *out, const char *what, const char *stack, uint64_t request)
{
	char now[WORD_SIZE], boot[BOOT_SIZE];
	time_t seconds = time(NULL);
	struct tm utc;

	strftime(now, sizeof(now), "%Y-%m-%dT%H:%M:%SZ", gmtime_r(&seconds, &utc));
	journal_this_boot(boot, sizeof(boot));
	fprintf(out, "event %s %s %s %llu %s\n", now, what, stack ? stack : "-",
		(unsigned long long)request, *boot ? boot : "-");
}

static int write_status(const char *root, const char *path, const char *text, size_t size)
{
	struct safefile file;
	int error = safefile_open(&file, root, path, true);

	if (!error)
		error = safefile_write(&file, text, size, 0644);
	safefile_close(&file);
	return error;
}

void agent_status_add(const char *root, const char *name, const char *what,
		      const char *stack, uint64_t request)
{
	char path[sizeof(JOURNAL_DIRECTORY PREFIX SUFFIX) + IF_NAMESIZE + 1];
	size_t size;
	char *text;
	FILE *out = open_memstream(&text, &size);
	int error;

	if (!out)
		return;
	make_path(path, sizeof(path), name);
	put_old_events(out, root, path, what ? EVENTS_MAX - 1 : EVENTS_MAX);
	if (what)
		put_event(out, what, stack, request);
	journal_put_files(root, name, JOURNAL_ORIGINAL, "original", out);
	journal_put_files(root, name, JOURNAL_BROKEN, "failed", out);
	error = fclose(out) ? -ENOMEM : write_status(root, path, text, size);
	free(text);
	if (error)
		warn("%s: cannot write its status: %s", name, strerror(-error));
}

/**
 * struct event - what became of a request
 * @time: when
 * @what: a word
 * @stack: what runs the interface, or "-"
 * @request: its number, or 0
 * @boot: of the kernel that gave the number
 */
struct event {
	char time[WORD_SIZE];
	char what[WORD_SIZE];
	char stack[WORD_SIZE];
	unsigned long long request;
	char boot[BOOT_SIZE];
};

static bool read_event(const char *line, struct event *event)
{
	return sscanf(line, "event %23s %23s %23s %llu %39s", event->time, event->what,
		      event->stack, &event->request, event->boot) == 5;
}

static void show_event(const char *line, struct json *j)
{
	char boot[BOOT_SIZE], number[WORD_SIZE];
	struct event event;

	if (!read_event(line, &event))
		return;
	if (!j) {
		snprintf(number, sizeof(number), "request %llu", event.request);
		printf("  %s  %-14s  %-13s  %s\n", event.time,
		       event.request ? number : "by hand", event.what, event.stack);
		return;
	}
	journal_this_boot(boot, sizeof(boot));
	json_open(j, NULL, '{');
	json_string(j, "time", event.time);
	json_number(j, "request", event.request);
	json_string(j, "result", event.what);
	json_string(j, "stack", event.stack);
	json_bool(j, "this_boot", !strcmp(boot, event.boot));
	json_close(j);
}

static void show_files(const char *text, const char *word, const char *title, struct json *j)
{
	size_t length = strlen(word);

	if (j)
		json_open(j, title, '[');
	for (const char *line = text; *line; line += strcspn(line, "\n"), line += *line == '\n') {
		int size = strcspn(line, "\n");

		if (strncmp(line, word, length) || line[length] != ' ')
			continue;
		line += length + 1;
		size -= length + 1;
		if (j)
			json_text(j, NULL, line, size);
		else
			printf("  %s %.*s\n", title, size, line);
	}
	if (j)
		json_close(j);
}

static void show_events(char *text, struct json *j)
{
	char *at = text, *line;

	if (j)
		json_open(j, "requests", '[');
	while ((line = next_line(&at)))
		if (is_event(line))
			show_event(line, j);
	if (j)
		json_close(j);
}

static void show_state(const char *root, const char *name, struct json *j)
{
	static const char *const words[JOURNAL_KINDS] = {
		[JOURNAL_PENDING] = "at_work", [JOURNAL_VERIFIED] = "unanswered",
		[JOURNAL_BROKEN] = "not_put_back", [JOURNAL_ORIGINAL] = "revertible",
	};
	static const char *const sentences[JOURNAL_KINDS] = {
		[JOURNAL_PENDING] = "a change is at work, or was cut off and will be undone",
		[JOURNAL_VERIFIED] = "a change is complete, and the host may not know it yet",
		[JOURNAL_BROKEN] = "a change could not be undone whole: its files need a person",
		[JOURNAL_ORIGINAL] = "what was there before the first request can be put back",
	};

	for (int kind = 0; kind < JOURNAL_KINDS; kind++) {
		bool exists = journal_exists(root, name, kind);

		if (j)
			json_bool(j, words[kind], exists);
		else if (exists)
			printf("  %s\n", sentences[kind]);
	}
}

static void show_interface(const char *root, const char *name, struct json *j)
{
	char path[sizeof(JOURNAL_DIRECTORY PREFIX SUFFIX) + IF_NAMESIZE + 1], *text;

	make_path(path, sizeof(path), name);
	if (readfile(root, path, FILE_MAX, &text, NULL)) {
		text = need(1);
		*text = '\0';
	}
	if (j) {
		json_open(j, NULL, '{');
		json_string(j, "interface", name);
	} else {
		printf("%s\n", name);
	}
	show_state(root, name, j);
	show_files(text, "original", j ? "files" : "to be put back by --revert:", j);
	show_files(text, "failed", j ? "failed_files" : "could not be put back:", j);
	show_events(text, j);
	if (j)
		json_close(j);
	free(text);
}

/* "network-IF.WHATEVER": of several files of one interface the first in the folder's order. */
static bool read_name(const char *file, char name[IF_NAMESIZE])
{
	const char *dot = strrchr(file, '.');
	size_t size;

	if (strncmp(file, PREFIX, strlen(PREFIX)) || !dot)
		return false;
	file += strlen(PREFIX);
	if (dot <= file)
		return false;
	size = dot - file;
	if (size >= IF_NAMESIZE)
		return false;
	memcpy(name, file, size);
	name[size] = '\0';
	return true;
}

static void show_all(const char *root, struct dirent **entries, int count)
{
	struct json writer = { .out = stdout }, *j = want_json ? &writer : NULL;
	char last[IF_NAMESIZE] = "", name[IF_NAMESIZE];
	unsigned int shown = 0;

	if (j)
		json_open(j, NULL, '[');
	for (int i = 0; i < count; i++) {
		if (!read_name(entries[i]->d_name, name) || !strcmp(name, last))
			continue;
		strcpy(last, name);
		show_interface(root, name, j);
		shown++;
	}
	if (j)
		json_close(j);
	else if (!shown)
		puts("no request of a host so far");
}

int agent_status_show(const char *root)
{
	char path[PATH_MAX];
	struct dirent **entries = NULL;
	int count;

	snprintf(path, sizeof(path), "%s" JOURNAL_DIRECTORY, root);
	count = scandir(path, &entries, NULL, alphasort);
	if (count < 0 && errno != ENOENT)
		return fail_errno("%s", path);
	show_all(root, entries, count);
	for (int i = 0; i < count; i++)
		free(entries[i]);
	free(entries);
	return EXIT_OK;
}
