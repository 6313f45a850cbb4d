// SPDX-License-Identifier: GPL-2.0
/*
 * Lines, and the bytes of files between them:
 *
 *	hv_kvp-journal 2
 *	request NUMBER BOOT
 *	file WROTE MODE USER GROUP SIZE PATH, then SIZE bytes and a newline
 *	none WROTE PATH
 *	shared, of the file before it
 *	undo FLAGS COUNT, then COUNT arguments, a line each; or "boot"
 *	end
 */
#include <stdlib.h>
#include <string.h>

#include "crc32.h"
#include "journal_text.h"
#include "kvpctl.h"

#define FIRST_LINE	"hv_kvp-journal 2"

static void *copy_bytes(const void *from, size_t size)
{
	char *copy = need(size + 1);

	if (size)
		memcpy(copy, from, size);
	copy[size] = '\0';
	return copy;
}

void journal_add(struct journal *journal, const struct journal_file *file)
{
	struct journal_file *copy;

	journal->file = need_more(journal->file, journal->count + 1, sizeof(*copy));
	copy = &journal->file[journal->count++];
	*copy = *file;
	copy->path = copy_bytes(file->path, strlen(file->path));
	copy->text = copy_bytes(file->text, file->size);
}

static bool is_same_command(const struct plan_command *a, const struct plan_command *b)
{
	unsigned int i;

	for (i = 0; a->argv[i] && b->argv[i]; i++)
		if (strcmp(a->argv[i], b->argv[i]))
			return false;
	return !a->argv[i] && !b->argv[i] && a->flags == b->flags;
}

static bool has_command(const struct plan_step *step, const struct plan_command *command)
{
	for (unsigned int i = 0; i < step->count; i++)
		if (is_same_command(&step->command[i], command))
			return true;
	return false;
}

static void copy_command(struct plan_step *step, const struct plan_command *command)
{
	struct plan_command *copy = plan_add(step, command->flags);

	for (char *const *arg = command->argv; *arg; arg++)
		plan_argument(copy, *arg);
}

void journal_add_step(struct plan_step *to, const struct plan_step *from)
{
	struct plan_step all = { 0 };

	for (unsigned int i = 0; i < from->count; i++)
		if (!has_command(to, &from->command[i]) && !has_command(&all, &from->command[i]))
			copy_command(&all, &from->command[i]);
	for (unsigned int i = 0; i < to->count; i++)
		copy_command(&all, &to->command[i]);
	plan_step_free(to);
	*to = all;
}

void journal_digest(bool exists, const char *text, size_t size, char digest[JOURNAL_DIGEST])
{
	if (exists)
		snprintf(digest, JOURNAL_DIGEST, "%zu:%08x", size, crc32(text, size));
	else
		strcpy(digest, "none");
}

static bool print_step(const char *word, const struct plan_step *step, FILE *out)
{
	for (unsigned int i = 0; i < step->count; i++) {
		const struct plan_command *command = &step->command[i];
		unsigned int count = 0;

		while (command->argv[count])
			if (strchr(command->argv[count++], '\n'))
				return false;
		fprintf(out, "%s %u %u\n", word, command->flags, count);
		for (unsigned int arg = 0; arg < count; arg++)
			fprintf(out, "%s\n", command->argv[arg]);
	}
	return true;
}

static void print_file(const struct journal_file *file, FILE *out)
{
	const char *wrote = *file->wrote ? file->wrote : "-";

	if (file->existed) {
		fprintf(out, "file %s %o %u %u %zu %s\n", wrote, (unsigned int)file->mode,
			file->owner, file->group, file->size, file->path);
		fwrite(file->text, 1, file->size, out);
		fputc('\n', out);
	} else {
		fprintf(out, "none %s %s\n", wrote, file->path);
	}
	if (file->shared)
		fputs("shared\n", out);
}

bool journal_print(const struct journal *journal, FILE *out)
{
	fprintf(out, FIRST_LINE "\nrequest %llu %s\n", journal->request,
		*journal->boot_id ? journal->boot_id : "-");
	for (unsigned int i = 0; i < journal->count; i++) {
		const struct journal_file *file = &journal->file[i];

		if (strchr(file->path, '\n'))
			return false;
		print_file(file, out);
	}
	if (!print_step("undo", &journal->undo, out) || !print_step("boot", &journal->boot, out))
		return false;
	fputs("end\n", out);
	return !ferror(out);
}

/**
 * struct cursor - what is still to be read
 * @at: next byte
 * @end: behind the last one
 */
struct cursor {
	const char *at;
	const char *end;
};

/* The next line without its end, which the caller frees; NULL if there is none. */
static char *read_line(struct cursor *cursor)
{
	const char *end = memchr(cursor->at, '\n', cursor->end - cursor->at);
	char *line;

	if (!end)
		return NULL;
	line = copy_bytes(cursor->at, end - cursor->at);
	if (strlen(line) != (size_t)(end - cursor->at)) {
		free(line);
		return NULL;
	}
	cursor->at = end + 1;
	return line;
}

static bool read_file(struct cursor *cursor, const char *line, struct journal *journal)
{
	struct journal_file file = { .existed = true };
	unsigned int mode, owner, group;
	int used = 0;

	if (sscanf(line, "%39s %o %u %u %zu %n", file.wrote, &mode, &owner, &group, &file.size,
		   &used) != 5 ||
	    !used || line[used] != '/' || mode > 07777 ||
	    file.size >= (size_t)(cursor->end - cursor->at) || cursor->at[file.size] != '\n')
		return false;
	file.mode = mode;
	file.owner = owner;
	file.group = group;
	file.path = (char *)line + used;
	file.text = (char *)cursor->at;
	journal_add(journal, &file);
	cursor->at += file.size + 1;
	return true;
}

static bool read_none(const char *line, struct journal *journal)
{
	struct journal_file file = { 0 };
	int used = 0;

	if (sscanf(line, "%39s %n", file.wrote, &used) != 1 || !used || line[used] != '/')
		return false;
	file.path = (char *)line + used;
	journal_add(journal, &file);
	return true;
}

static bool read_shared(struct journal *journal)
{
	if (!journal->count)
		return false;
	journal->file[journal->count - 1].shared = true;
	return true;
}

static bool read_command(struct cursor *cursor, const char *line, struct plan_step *step)
{
	struct plan_command *command;
	unsigned int flags, count;

	if (sscanf(line, "%u %u", &flags, &count) != 2 || !count || count > PLAN_ARGS)
		return false;
	command = plan_add(step, flags);
	for (unsigned int i = 0; i < count; i++) {
		command->argv[i] = read_line(cursor);
		if (!command->argv[i])
			return false;
	}
	return true;
}

static bool read_entry(struct cursor *cursor, const char *line, struct journal *journal)
{
	if (!strncmp(line, "request ", 8))
		return sscanf(line + 8, "%llu %39s", &journal->request, journal->boot_id) == 2;
	if (!strncmp(line, "file ", 5))
		return read_file(cursor, line + 5, journal);
	if (!strncmp(line, "none ", 5))
		return read_none(line + 5, journal);
	if (!strcmp(line, "shared"))
		return read_shared(journal);
	if (!strncmp(line, "undo ", 5))
		return read_command(cursor, line + 5, &journal->undo);
	if (!strncmp(line, "boot ", 5))
		return read_command(cursor, line + 5, &journal->boot);
	return false;
}

bool journal_parse(const char *text, size_t size, struct journal *journal)
{
	struct cursor cursor = { .at = text, .end = text + size };
	bool good, ended = false;
	char *line;

	memset(journal, 0, sizeof(*journal));
	line = read_line(&cursor);
	good = line && !strcmp(line, FIRST_LINE);
	free(line);
	while (good && !ended) {
		line = read_line(&cursor);
		ended = line && !strcmp(line, "end");
		good = line && (ended || read_entry(&cursor, line, journal));
		free(line);
	}
	if (!good || cursor.at != cursor.end) {
		journal_free(journal);
		return false;
	}
	return true;
}

void journal_free(struct journal *journal)
{
	for (unsigned int i = 0; i < journal->count; i++) {
		free(journal->file[i].path);
		explicit_bzero(journal->file[i].text, journal->file[i].size);
		free(journal->file[i].text);
	}
	free(journal->file);
	plan_step_free(&journal->undo);
	plan_step_free(&journal->boot);
	memset(journal, 0, sizeof(*journal));
}
