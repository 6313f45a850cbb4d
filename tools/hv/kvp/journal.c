// SPDX-License-Identifier: GPL-2.0
#include <dirent.h>
#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "journal.h"
#include "journal_text.h"
#include "kvpctl.h"

#define PREFIX		"network-"
#define PENDING		".pending"
#define VERIFIED	".verified"
#define ORIGINAL	".original"
#define FAILED		".failed"

/* Room for PREFIX, the name of an interface and a suffix. */
#define NAME_SIZE	64

static void make_path(char *path, size_t size, const char *name, const char *suffix)
{
	snprintf(path, size, JOURNAL_DIRECTORY "/" PREFIX "%.15s%s", name, suffix);
}

static int open_journal(struct safefile *file, const char *root, const char *name,
			const char *suffix, bool make)
{
	char path[sizeof(JOURNAL_DIRECTORY) + NAME_SIZE];

	make_path(path, sizeof(path), name, suffix);
	return safefile_open(file, root, path, make);
}

static int complain(const char *name, const char *suffix, const char *what, int error)
{
	warn("%s: cannot %s the journal " PREFIX "%s%s: %s", name, what, name, suffix,
	     strerror(-error));
	return error;
}

static int write_journal(const struct journal *journal, const char *root, const char *name,
			 const char *suffix)
{
	struct safefile file;
	size_t size;
	char *text;
	FILE *out = open_memstream(&text, &size);
	bool good;
	int error;

	if (!out)
		return complain(name, suffix, "write", -ENOMEM);
	good = journal_print(journal, out);
	if (fclose(out))
		good = false;
	error = good ? open_journal(&file, root, name, suffix, true) : -EINVAL;
	if (!error)
		error = safefile_write(&file, text, size, 0600);
	if (good)
		safefile_close(&file);
	explicit_bzero(text, size);
	free(text);
	return error ? complain(name, suffix, "write", error) : 0;
}

/* -ENOENT without a word if there is none. */
static int read_journal(struct journal *journal, const char *root, const char *name,
			const char *suffix)
{
	struct safefile file;
	int error = open_journal(&file, root, name, suffix, false);

	if (!error && !file.existed)
		error = -ENOENT;
	/* whoever else can write it can have any file written */
	if (!error && (file.owner != geteuid() || file.mode & 022))
		error = -EPERM;
	if (!error && !journal_parse(file.old, file.old_size, journal))
		error = -EBADMSG;
	safefile_close(&file);
	return error && error != -ENOENT ? complain(name, suffix, "read", error) : error;
}

static int remove_journal(const char *root, const char *name, const char *suffix)
{
	struct safefile file;
	int error = open_journal(&file, root, name, suffix, false);

	if (!error)
		error = safefile_remove(&file);
	safefile_close(&file);
	return error ? complain(name, suffix, "remove", error) : 0;
}

static int rename_journal(const char *root, const char *name, const char *from, const char *to)
{
	char target[NAME_SIZE];
	struct safefile file;
	int error = open_journal(&file, root, name, from, false);

	snprintf(target, sizeof(target), PREFIX "%.15s%s", name, to);
	if (!error)
		error = safefile_rename(&file, target);
	safefile_close(&file);
	return error ? complain(name, from, "rename", error) : 0;
}

static void add_step(struct plan_step *to, const struct plan_step *from)
{
	for (unsigned int i = 0; i < from->count; i++)
		journal_add_command(to, &from->command[i]);
}

static struct journal_file *find_file(const struct journal *journal, const char *path)
{
	for (unsigned int i = 0; i < journal->count; i++)
		if (!strcmp(journal->file[i].path, path))
			return &journal->file[i];
	return NULL;
}

/* Adds what @from has of files that @to lacks. */
static void add_missing(struct journal *to, const struct journal *from)
{
	for (unsigned int i = 0; i < from->count; i++)
		if (!find_file(to, from->file[i].path))
			journal_add(to, &from->file[i]);
	add_step(&to->undo, &from->undo);
	add_step(&to->boot, &from->boot);
}

int journal_begin(const struct plan *plan, const struct safefile *files, const char *name,
		  uint64_t request)
{
	struct journal journal = { .request = request }, earlier;
	int error;

	for (unsigned int i = 0; i < plan->file_count; i++) {
		const struct safefile *from = &files[i];
		const struct journal_file file = {
			.path = plan->file[i].path, .existed = from->existed,
			.mode = from->mode, .owner = from->owner, .group = from->group,
			.text = from->old, .size = from->old_size,
		};

		journal_add(&journal, &file);
	}
	add_step(&journal.undo, &plan->undo);
	add_step(&journal.boot, &plan->boot);
	error = read_journal(&earlier, plan->root, name, PENDING);
	if (!error) {
		earlier.request = request;
		add_missing(&earlier, &journal);
		journal_free(&journal);
		journal = earlier;
	}
	if (!error || error == -ENOENT)
		error = write_journal(&journal, plan->root, name, PENDING);
	journal_free(&journal);
	return error;
}

int journal_verified(const char *root, const char *name)
{
	return rename_journal(root, name, PENDING, VERIFIED);
}

void journal_end(const char *root, const char *name)
{
	remove_journal(root, name, PENDING);
}

static int put_back(const char *root, const struct journal_file *was)
{
	struct safefile file;
	int error = safefile_open(&file, root, was->path, false);

	/* no directory, no file */
	if (error == -ENOENT && !was->existed)
		error = 0;
	else if (!error)
		error = safefile_recall(&file, was->existed, was->mode, was->owner, was->group,
					was->text, was->size);
	if (!error)
		error = safefile_restore(&file);
	safefile_close(&file);
	if (error)
		warn("cannot put back %s%s: %s", root, was->path, strerror(-error));
	return error;
}

/*
 * Before the network is started the journal stays until all files are back. Later a
 * change that cannot be undone is left to people: to try again with each request
 * would disturb other interfaces.
 */
static int undo(const struct journal_recovery *recovery, const char *name)
{
	struct journal journal;
	int error = read_journal(&journal, recovery->root, name, PENDING), all = 0;

	if (error)
		return error;
	warn("%s: putting back what was there", name);
	for (unsigned int i = 0; i < journal.count; i++) {
		error = put_back(recovery->root, &journal.file[i]);
		if (!all)
			all = error;
	}
	plan_run_undo(recovery->root, recovery->boot ? &journal.boot : &journal.undo,
		      recovery->deadline, name);
	journal_free(&journal);
	if (!all)
		return remove_journal(recovery->root, name, PENDING);
	if (!recovery->boot && !rename_journal(recovery->root, name, PENDING, FAILED))
		warn("%s: its files are in " JOURNAL_DIRECTORY "/" PREFIX "%s" FAILED, name, name);
	return all;
}

/* Whether a file is another than before the change. If in doubt it is. */
static bool is_changed(const char *root, const struct journal_file *was)
{
	struct safefile file;
	int error = safefile_open(&file, root, was->path, false);
	bool changed = true;

	if (error == -ENOENT && !was->existed)
		changed = false;
	else if (!error && !safefile_recall(&file, was->existed, was->mode, was->owner,
					    was->group, was->text, was->size))
		changed = file.changed;
	safefile_close(&file);
	return changed;
}

/* Of a file that several changes replaced the original has what the first one found. */
static int keep_original(const char *root, const char *name, const struct journal *change)
{
	struct journal original = { 0 };
	int error = read_journal(&original, root, name, ORIGINAL);

	if (error && error != -ENOENT)
		return error;
	for (unsigned int i = 0; i < change->count; i++)
		if (!find_file(&original, change->file[i].path) &&
		    is_changed(root, &change->file[i]))
			journal_add(&original, &change->file[i]);
	add_step(&original.undo, &change->undo);
	add_step(&original.boot, &change->boot);
	error = write_journal(&original, root, name, ORIGINAL);
	journal_free(&original);
	return error;
}

static int settle_verified(const struct journal_recovery *recovery, const char *name)
{
	struct journal change;
	uint64_t request;
	int error = read_journal(&change, recovery->root, name, VERIFIED);

	if (error)
		return error;
	request = change.request;
	if (!request || request != recovery->refused)
		error = keep_original(recovery->root, name, &change);
	journal_free(&change);
	if (error)
		return error;
	if (!request || request != recovery->refused)
		return remove_journal(recovery->root, name, VERIFIED);
	error = rename_journal(recovery->root, name, VERIFIED, PENDING);
	return error ? error : undo(recovery, name);
}

/* Calls @fn with the interface of each journal that ends with @suffix. */
static int for_each(const struct journal_recovery *recovery, const char *suffix,
		    int (*fn)(const struct journal_recovery *recovery, const char *name))
{
	char path[PATH_MAX], name[NAME_MAX + 1];
	struct dirent *entry;
	int first = 0, error;
	DIR *dir;

	snprintf(path, sizeof(path), "%s" JOURNAL_DIRECTORY, recovery->root);
	dir = opendir(path);
	if (!dir)
		return errno == ENOENT ? 0 : -errno;
	while ((entry = readdir(dir))) {
		size_t size = strlen(entry->d_name), room = strlen(PREFIX) + strlen(suffix);

		if (size <= room || strncmp(entry->d_name, PREFIX, strlen(PREFIX)) ||
		    strcmp(entry->d_name + size - strlen(suffix), suffix))
			continue;
		snprintf(name, sizeof(name), "%.*s", (int)(size - room),
			 entry->d_name + strlen(PREFIX));
		error = fn(recovery, name);
		if (!first)
			first = error;
	}
	closedir(dir);
	return first;
}

int journal_settle(const struct journal_recovery *recovery)
{
	int pending = for_each(recovery, PENDING, undo);
	int verified = for_each(recovery, VERIFIED, settle_verified);

	return pending ? pending : verified;
}

int journal_settle_one(const struct journal_recovery *recovery, const char *name)
{
	int error = settle_verified(recovery, name);

	return error == -ENOENT ? 0 : error;
}

int journal_revert(const struct journal_recovery *recovery, const char *name)
{
	int error = journal_settle(recovery);
	struct journal original;

	if (!error)
		error = read_journal(&original, recovery->root, name, ORIGINAL);
	if (error)
		return error;
	journal_free(&original);
	/* from here on the next start goes on with it */
	error = rename_journal(recovery->root, name, ORIGINAL, PENDING);
	return error ? error : undo(recovery, name);
}
