// SPDX-License-Identifier: GPL-2.0
#include <dirent.h>
#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "journal.h"
#include "journal_text.h"
#include "kvpctl.h"
#include "readfile.h"

#define PREFIX		"network-"
#define PENDING		".pending"
#define VERIFIED	".verified"
#define ORIGINAL	".original"
#define FAILED		".failed"

static const char *const suffixes[JOURNAL_KINDS] = {
	[JOURNAL_PENDING] = PENDING, [JOURNAL_VERIFIED] = VERIFIED,
	[JOURNAL_BROKEN] = FAILED, [JOURNAL_ORIGINAL] = ORIGINAL,
};

/* Room for PREFIX, the name of an interface and a suffix. */
#define NAME_SIZE	64

static void make_path(char *path, size_t size, const char *name, const char *suffix)
{
	snprintf(path, size, JOURNAL_DIRECTORY "/" PREFIX "%.15s%s", name, suffix);
}

void journal_this_boot(char *boot, size_t size)
{
	char *text;

	*boot = '\0';
	if (readfile("", "/proc/sys/kernel/random/boot_id", 64, &text, NULL))
		return;
	snprintf(boot, size, "%.*s", (int)strcspn(text, "\n"), text);
	free(text);
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
	journal_add_step(&to->undo, &from->undo);
	journal_add_step(&to->boot, &from->boot);
}

/* What can be written can be read again, also when it has become part of the original. */
static int check_size(const struct journal *journal, const char *root, const char *name)
{
	struct safefile original;
	size_t all = 0;
	int error = open_journal(&original, root, name, ORIGINAL, true);

	if (!error)
		all = original.old_size;
	safefile_close(&original);
	if (error)
		return complain(name, ORIGINAL, "read", error);
	for (unsigned int i = 0; i < journal->count; i++)
		all += journal->file[i].size + PATH_MAX;
	return all > SAFEFILE_MAX ? complain(name, PENDING, "write", -EFBIG) : 0;
}

int journal_begin(const struct plan *plan, const struct safefile *files, const char *name,
		  uint64_t request)
{
	struct journal journal = { .request = request }, earlier;
	int error;

	for (unsigned int i = 0; i < plan->file_count; i++) {
		const struct safefile *from = &files[i];
		const struct journal_file file = {
			.path = plan->file[i].path, .shared = plan->file[i].shared,
			.existed = from->existed,
			.mode = from->mode, .owner = from->owner, .group = from->group,
			.text = from->old, .size = from->old_size,
		};

		journal_add(&journal, &file);
	}
	journal_this_boot(journal.boot_id, sizeof(journal.boot_id));
	journal_add_step(&journal.undo, &plan->undo);
	journal_add_step(&journal.boot, &plan->boot);
	error = read_journal(&earlier, plan->root, name, PENDING);
	if (!error) {
		earlier.request = request;
		strcpy(earlier.boot_id, journal.boot_id);
		add_missing(&earlier, &journal);
		journal_free(&journal);
		journal = earlier;
	}
	if (!error || error == -ENOENT)
		error = check_size(&journal, plan->root, name);
	if (!error)
		error = write_journal(&journal, plan->root, name, PENDING);
	journal_free(&journal);
	return error;
}

/* -ENOENT for no directory is that there is no file. */
static int digest_now(const char *root, const char *path, char digest[JOURNAL_DIGEST])
{
	struct safefile file;
	int error = safefile_open(&file, root, path, false);

	if (error == -ENOENT)
		error = 0;
	if (!error)
		journal_digest(file.existed, file.old, file.old_size, digest);
	safefile_close(&file);
	return error;
}

int journal_verified(const char *root, const char *name)
{
	struct journal journal;
	int error = read_journal(&journal, root, name, PENDING);

	if (error)
		return error;
	for (unsigned int i = 0; !error && i < journal.count; i++)
		error = digest_now(root, journal.file[i].path, journal.file[i].wrote);
	if (!error)
		error = write_journal(&journal, root, name, PENDING);
	journal_free(&journal);
	return error ? error : rename_journal(root, name, PENDING, VERIFIED);
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

static void tell(const struct journal_recovery *recovery, const char *name,
		 enum journal_deed deed, const struct journal *journal)
{
	if (recovery->tell)
		recovery->tell(recovery->root, name, deed, journal);
}

/*
 * Before the network is started the journal stays until all files are back. Later a
 * change that cannot be undone is left to people: to try again with each request
 * would disturb other interfaces.
 */
static int put_all_back(const struct journal_recovery *recovery, const char *name,
			enum journal_deed deed)
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
	if (!all)
		error = remove_journal(recovery->root, name, PENDING);
	else if (!recovery->boot && !rename_journal(recovery->root, name, PENDING, FAILED))
		warn("%s: its files are in " JOURNAL_DIRECTORY "/" PREFIX "%s" FAILED, name, name);
	tell(recovery, name, all ? JOURNAL_FAILED : deed, &journal);
	journal_free(&journal);
	return all ? all : error;
}

static int undo(const struct journal_recovery *recovery, const char *name, void *unused)
{
	(void)unused;
	return put_all_back(recovery, name, JOURNAL_UNDONE);
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

/*
 * Of a file that several changes replaced the original has what the first one found,
 * and the digest of what the last one wrote.
 */
static void add_to_original(const char *root, struct journal *original,
			    const struct journal_file *file)
{
	struct journal_file *known = find_file(original, file->path);

	if (known)
		strcpy(known->wrote, file->wrote);
	else if (file->shared || is_changed(root, file))
		journal_add(original, file);
}

static int keep_original(const char *root, const char *name, const struct journal *change)
{
	struct journal original = { 0 };
	int error = read_journal(&original, root, name, ORIGINAL);

	if (error && error != -ENOENT)
		return error;
	for (unsigned int i = 0; i < change->count; i++)
		add_to_original(root, &original, &change->file[i]);
	journal_add_step(&original.undo, &change->undo);
	journal_add_step(&original.boot, &change->boot);
	error = write_journal(&original, root, name, ORIGINAL);
	journal_free(&original);
	return error;
}

/* Numbers begin again with each boot. */
static bool is_refused(const struct journal_recovery *recovery, const struct journal *change)
{
	char boot[JOURNAL_BOOT];

	journal_this_boot(boot, sizeof(boot));
	return change->request && change->request == recovery->refused &&
	       !strcmp(change->boot_id, boot);
}

static int keep_verified(const struct journal_recovery *recovery, const char *name,
			 const struct journal *change)
{
	int error = keep_original(recovery->root, name, change);

	if (!error)
		error = remove_journal(recovery->root, name, VERIFIED);
	if (!error)
		tell(recovery, name, JOURNAL_KEPT, change);
	return error;
}

static int settle_verified(const struct journal_recovery *recovery, const char *name,
			   void *unused)
{
	struct journal change;
	int error = read_journal(&change, recovery->root, name, VERIFIED);
	bool refused;

	(void)unused;
	if (error)
		return error;
	refused = is_refused(recovery, &change);
	if (!refused)
		error = keep_verified(recovery, name, &change);
	journal_free(&change);
	if (error || !refused)
		return error;
	error = rename_journal(recovery->root, name, VERIFIED, PENDING);
	return error ? error : undo(recovery, name, NULL);
}

/* Calls @fn with the interface of each journal that ends with @suffix. */
static int for_each(const struct journal_recovery *recovery, const char *suffix,
		    int (*fn)(const struct journal_recovery *recovery, const char *name,
			      void *context), void *context)
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
		error = fn(recovery, name, context);
		if (!first)
			first = error;
	}
	closedir(dir);
	return first;
}

int journal_settle(const struct journal_recovery *recovery)
{
	int pending = for_each(recovery, PENDING, undo, NULL);
	int verified = for_each(recovery, VERIFIED, settle_verified, NULL);

	return pending ? pending : verified;
}

int journal_settle_one(const struct journal_recovery *recovery, const char *name)
{
	int error = settle_verified(recovery, name, NULL);

	return error == -ENOENT ? 0 : error;
}

/**
 * struct reverting - what is about to be reverted, beside other interfaces' originals
 * @name: the interface
 * @original: its original; shared files that others need leave it
 */
struct reverting {
	const char *name;
	struct journal *original;
};

static void forget_file(struct journal *journal, struct journal_file *file)
{
	free(file->path);
	explicit_bzero(file->text, file->size);
	free(file->text);
	*file = journal->file[--journal->count];
}

/* What we found is what the other one is to put back. False if it cannot be kept. */
static bool hand_over(const char *root, const char *other, struct journal *to,
		      struct journal_file *from)
{
	struct journal_file *known = find_file(to, from->path);
	struct journal_file copy = *from;

	strcpy(copy.wrote, known->wrote);
	forget_file(to, known);
	journal_add(to, &copy);
	return !write_journal(to, root, other, ORIGINAL);
}

/* Whether the other interface's change came first, and is what we found. */
static bool is_older(const struct journal_file *other, const struct journal_file *ours)
{
	char found[JOURNAL_DIGEST];

	journal_digest(ours->existed, ours->text, ours->size, found);
	return !strcmp(other->wrote, found);
}

static int compare_with(const struct journal_recovery *recovery, const char *other,
			struct reverting *reverting)
{
	struct journal theirs;
	int error = read_journal(&theirs, recovery->root, other, ORIGINAL);

	if (error)
		return error;
	for (unsigned int i = reverting->original->count; !error && i--; ) {
		struct journal_file *ours = &reverting->original->file[i];
		const struct journal_file *known = find_file(&theirs, ours->path);

		if (!known)
			continue;
		if (ours->shared) {
			if (hand_over(recovery->root, other, &theirs, ours))
				forget_file(reverting->original, ours);
			else
				error = -EIO;
		} else if (!recovery->force && !is_older(known, ours)) {
			warn("%s: %s%s has later changes of %s too: nothing done without --force",
			     reverting->name, recovery->root, ours->path, other);
			error = -EBUSY;
		}
	}
	journal_free(&theirs);
	return error;
}

static int compare_if_other(const struct journal_recovery *recovery, const char *other,
			    void *context)
{
	struct reverting *reverting = context;

	return strcmp(other, reverting->name) ? compare_with(recovery, other, reverting) : 0;
}

/* Whether all files are as the last request has left them. */
static int check_unchanged(const struct journal_recovery *recovery, const char *name,
			   const struct journal *original)
{
	int error = 0;

	for (unsigned int i = 0; !recovery->force && i < original->count; i++) {
		const struct journal_file *file = &original->file[i];
		char now[JOURNAL_DIGEST];

		if (!digest_now(recovery->root, file->path, now) && !strcmp(now, file->wrote))
			continue;
		warn("%s: %s%s was changed by others since: nothing done without --force", name,
		     recovery->root, file->path);
		error = -EBUSY;
	}
	return error;
}

int journal_revert(const struct journal_recovery *recovery, const char *name)
{
	int error = journal_settle(recovery);
	struct journal original;
	struct reverting reverting = { .name = name, .original = &original };

	if (!error)
		error = read_journal(&original, recovery->root, name, ORIGINAL);
	if (error)
		return error;
	error = check_unchanged(recovery, name, &original);
	if (!error)
		error = for_each(recovery, ORIGINAL, compare_if_other, &reverting);
	if (!error)
		error = write_journal(&original, recovery->root, name, ORIGINAL);
	journal_free(&original);
	/* from here on the next start goes on with it */
	if (!error)
		error = rename_journal(recovery->root, name, ORIGINAL, PENDING);
	return error ? error : put_all_back(recovery, name, JOURNAL_REVERTED);
}

bool journal_exists(const char *root, const char *name, enum journal_kind kind)
{
	char path[sizeof(JOURNAL_DIRECTORY) + NAME_SIZE], full[PATH_MAX];

	make_path(path, sizeof(path), name, suffixes[kind]);
	snprintf(full, sizeof(full), "%s%s", root, path);
	return !access(full, F_OK);
}

void journal_put_files(const char *root, const char *name, enum journal_kind kind,
		       const char *word, FILE *out)
{
	struct journal journal;

	if (read_journal(&journal, root, name, suffixes[kind]))
		return;
	for (unsigned int i = 0; i < journal.count; i++)
		fprintf(out, "%s %s\n", word, journal.file[i].path);
	journal_free(&journal);
}
