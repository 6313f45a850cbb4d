// SPDX-License-Identifier: GPL-2.0
#include <errno.h>
#include <stdarg.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "agent_verify.h"
#include "deadline.h"
#include "journal.h"
#include "kvpctl.h"
#include "plan.h"
#include "program.h"
#include "safefile.h"

bool plan_file(struct plan *plan, mode_t mode, char *text, size_t size, const char *fmt, ...)
{
	struct plan_file *file;
	va_list args;
	int length;

	plan->file = need_more(plan->file, plan->file_count + 1, sizeof(*file));
	file = &plan->file[plan->file_count];
	memset(file, 0, sizeof(*file));
	va_start(args, fmt);
	length = vasprintf(&file->path, fmt, args);
	va_end(args);
	if (length < 0) {
		free(text);
		return false;
	}
	file->text = text;
	file->size = size;
	file->mode = mode;
	plan->file_count++;
	return true;
}

bool plan_keep(struct plan *plan, const char *path)
{
	return plan_file(plan, 0, NULL, 0, "%s", path);
}

void plan_argument(struct plan_command *command, const char *arg)
{
	int count = 0;

	while (command->argv[count])
		count++;
	if (count == PLAN_ARGS)
		abort();
	command->argv[count] = need(strlen(arg) + 1);
	strcpy(command->argv[count], arg);
}

struct plan_command *plan_add(struct plan_step *step, unsigned int flags)
{
	struct plan_command *command;

	step->command = need_more(step->command, step->count + 1, sizeof(*command));
	command = &step->command[step->count++];
	memset(command, 0, sizeof(*command));
	command->flags = flags;
	return command;
}

struct plan_command *plan_command(struct plan_step *step, unsigned int flags, ...)
{
	struct plan_command *command = plan_add(step, flags);
	const char *arg;
	va_list args;

	va_start(args, flags);
	while ((arg = va_arg(args, const char *)))
		plan_argument(command, arg);
	va_end(args);
	return command;
}

static void show_step(const char *title, const struct plan_step *step)
{
	for (unsigned int i = 0; i < step->count; i++) {
		printf("%s:", title);
		for (char *const *arg = step->command[i].argv; *arg; arg++)
			printf(" %s", *arg);
		putchar('\n');
	}
}

static void show(const struct plan *plan)
{
	show_step("run", &plan->before);
	for (unsigned int i = 0; i < plan->file_count; i++) {
		const struct plan_file *file = &plan->file[i];

		if (!file->text)
			continue;
		printf("write %s%s:\n", plan->root, file->path);
		fwrite(file->text, 1, file->size, stdout);
	}
	show_step("run", &plan->after);
	show_step("to undo, run", &plan->undo);
	fflush(stdout);
}

/* What a command would act on is the system, not what is below the root. */
static bool is_wanted(const char *root, const struct plan_command *command)
{
	return !*root || command->flags & PLAN_ROOTED;
}

static bool is_apart(const char *root, const struct plan_command *command)
{
	return !*root && command->flags & PLAN_APART;
}

/* @result: of program_run(), and not 0 */
static void complain(const struct plan_command *command, int result)
{
	if (result > 0)
		warn("%s %s: exit code %d", command->argv[0],
		     command->argv[1] ? command->argv[1] : "", result);
	else
		warn("%s: %s", command->argv[0], strerror(-result));
}

static bool waits_for_carrier(const struct plan_command *command, const struct netif *nic)
{
	return command->flags & PLAN_WANTS_CARRIER && verify_lacks_carrier(nic);
}

static int run_step(const struct plan *plan, const struct plan_step *step,
		    const struct plan_limits *limits, const struct netif *nic)
{
	for (unsigned int i = 0; i < step->count; i++) {
		const struct plan_command *command = &step->command[i];
		int result;

		if (!is_wanted(plan->root, command) || waits_for_carrier(command, nic))
			continue;
		result = program_run(command->argv, is_apart(plan->root, command),
				     limits->deadline, limits->wake);
		if (!result)
			continue;
		complain(command, result);
		if (result == -EINTR || result == -ETIMEDOUT)
			return result;
		if (waits_for_carrier(command, nic))
			continue;
		if (!(command->flags & PLAN_MAY_FAIL))
			return result < 0 ? result : -EIO;
	}
	return 0;
}

/*
 * Each command, whatever became of the one before: it may be the one that brings
 * the interface up. One that is late goes on, and those after it wait for its locks.
 */
void plan_run_undo(const char *root, const struct plan_step *step, int64_t deadline,
		   const char *owner)
{
	for (unsigned int i = 0; i < step->count; i++) {
		const struct plan_command *command = &step->command[i];
		int result;

		if (!is_wanted(root, command))
			continue;
		result = program_let(command->argv, is_apart(root, command), deadline, owner);
		if (result == -ETIMEDOUT)
			warn("%s: still at work, and left so", command->argv[0]);
		else if (result)
			complain(command, result);
	}
}

static int open_files(const struct plan *plan, struct safefile *files, unsigned int *opened)
{
	for (*opened = 0; *opened < plan->file_count; ) {
		const struct plan_file *file = &plan->file[*opened];
		struct safefile *safe = &files[(*opened)++];
		int error = safefile_open(safe, plan->root, file->path, file->text);

		if (!error)
			error = safefile_backup(safe);
		if (error) {
			warn("%s%s: %s", plan->root, file->path, strerror(-error));
			return error;
		}
	}
	return 0;
}

static int write_files(const struct plan *plan, struct safefile *files)
{
	for (unsigned int i = 0; i < plan->file_count; i++) {
		const struct plan_file *file = &plan->file[i];
		mode_t mode = file->mode;
		int error;

		if (!file->text)
			continue;
		if (mode == PLAN_SAME_MODE)
			mode = files[i].existed ? files[i].mode : 0600;
		error = safefile_write(&files[i], file->text, file->size, mode);
		if (error) {
			warn("cannot write %s%s: %s", plan->root, file->path, strerror(-error));
			return error;
		}
	}
	return 0;
}

static int take_away(const struct plan *plan, struct safefile *files)
{
	int error = 0;

	for (unsigned int i = 0; !error && i < plan->file_count; i++)
		if (plan->file[i].anew)
			error = safefile_remove(&files[i]);
	return error;
}

/* What the commands had no business to remove. */
static int put_back_gone(const struct plan *plan, struct safefile *files)
{
	int error = 0;

	for (unsigned int i = 0; !error && i < plan->file_count; i++)
		if (plan->file[i].stays && !safefile_is_there(&files[i]))
			error = safefile_restore(&files[i]);
	return error;
}

/* What commands wrote need not be on disk. */
static void sync_files(const struct plan *plan, const struct safefile *files)
{
	for (unsigned int i = 0; i < plan->file_count; i++)
		if (!plan->file[i].text)
			syncfs(files[i].dir);
}

/* Commands may have changed the files of others that the plan keeps, or not. */
static void note_changes(const struct plan *plan, struct safefile *files)
{
	for (unsigned int i = 0; i < plan->file_count; i++)
		if (!plan->file[i].text)
			safefile_look(&files[i]);
}

static int carry_out(const struct plan *plan, struct safefile *files,
		     const struct plan_limits *limits, const struct netif *nic,
		     const struct ipconfig *ip)
{
	int error = take_away(plan, files);

	if (!error) {
		error = run_step(plan, &plan->before, limits, nic);
		note_changes(plan, files);
		if (!error)
			error = put_back_gone(plan, files);
	}
	if (!error)
		error = write_files(plan, files);
	if (!error)
		error = run_step(plan, &plan->after, limits, nic);
	if (!error && plan->verify && !*plan->root)
		error = verify_wait(nic, ip, limits->deadline, limits->wake);
	return error;
}

/* The journal stays where a file could not be put back: the next start tries again. */
static void undo(const struct plan *plan, struct safefile *files,
		 const struct plan_limits *limits, const char *owner)
{
	bool all = true;

	warn("putting back what was there");
	for (unsigned int i = 0; i < plan->file_count; i++) {
		int error = safefile_restore(&files[i]);

		all &= !error;
		if (error)
			warn("cannot put back %s%s: %s", plan->root, plan->file[i].path,
			     strerror(-error));
	}
	/* also when the agent is to end: half a configuration must not stay */
	plan_run_undo(plan->root, &plan->undo, limits->undo_deadline, owner);
	if (all)
		journal_end(plan->root, owner);
}

/* A quarter of the time: most come to their end, others wait for what does not come. */
static int end_left(const struct plan_limits *limits, const char *owner)
{
	int64_t now = deadline_now();

	return program_end_left(owner, now + deadline_left(limits->deadline) / 4, limits->wake);
}

int plan_run(struct plan *plan, const struct plan_limits *limits, const struct netif *nic,
	     const struct ipconfig *ip)
{
	struct safefile *files;
	unsigned int opened;
	int error;

	if (limits->dry_run) {
		show(plan);
		return 0;
	}
	files = need_more(NULL, plan->file_count + 1, sizeof(*files));
	error = open_files(plan, files, &opened);
	if (!error)
		error = end_left(limits, nic->name);
	if (!error)
		error = journal_begin(plan, files, nic->name, limits->request);
	if (!error) {
		error = carry_out(plan, files, limits, nic, ip);
		if (!error) {
			sync_files(plan, files);
			error = journal_verified(plan->root, nic->name);
		}
		if (error)
			undo(plan, files, limits, nic->name);
	}
	while (opened)
		safefile_close(&files[--opened]);
	free(files);
	return error;
}

void plan_step_free(struct plan_step *step)
{
	for (unsigned int i = 0; i < step->count; i++)
		for (char **arg = step->command[i].argv; *arg; arg++)
			free(*arg);
	free(step->command);
	memset(step, 0, sizeof(*step));
}

void plan_free(struct plan *plan)
{
	for (unsigned int i = 0; i < plan->file_count; i++) {
		free(plan->file[i].path);
		free(plan->file[i].text);
	}
	free(plan->file);
	plan_step_free(&plan->before);
	plan_step_free(&plan->after);
	plan_step_free(&plan->undo);
	plan_step_free(&plan->boot);
	memset(plan, 0, sizeof(*plan));
}
