// SPDX-License-Identifier: GPL-2.0
#include <errno.h>
#include <poll.h>
#include <stdarg.h>
#include <stdlib.h>
#include <string.h>

#include "deadline.h"
#include "kvpctl.h"
#include "linkaddr.h"
#include "plan.h"
#include "program.h"
#include "safefile.h"

/* How often the interface is looked at for its addresses, ms. */
#define VERIFY_PERIOD	100

bool plan_file(struct plan *plan, mode_t mode, char *text, size_t size, const char *fmt, ...)
{
	struct plan_file *file = &plan->file[plan->file_count];
	va_list args;
	int length;

	if (plan->file_count == PLAN_FILES) {
		free(text);
		return false;
	}
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

void plan_command(struct plan_step *step, unsigned int flags, ...)
{
	struct plan_command *command = &step->command[step->count];
	const char *arg;
	va_list args;
	int count = 0;

	if (step->count == PLAN_COMMANDS)
		abort();
	va_start(args, flags);
	while ((arg = va_arg(args, const char *))) {
		if (count == PLAN_ARGS)
			abort();
		command->argv[count] = need(strlen(arg) + 1);
		strcpy(command->argv[count++], arg);
	}
	va_end(args);
	command->flags = flags;
	step->count++;
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
static bool is_wanted(const struct plan *plan, const struct plan_command *command)
{
	return !*plan->root || command->flags & PLAN_ROOTED;
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

static int run_step(const struct plan *plan, const struct plan_step *step, int64_t deadline,
		    int wake)
{
	for (unsigned int i = 0; i < step->count; i++) {
		const struct plan_command *command = &step->command[i];
		int result;

		if (!is_wanted(plan, command))
			continue;
		result = program_run(command->argv, deadline, wake);
		if (!result)
			continue;
		complain(command, result);
		if (result == -EINTR || result == -ETIMEDOUT)
			return result;
		if (!(command->flags & PLAN_MAY_FAIL))
			return result < 0 ? result : -EIO;
	}
	return 0;
}

/*
 * Each command, whatever became of the one before: it may be the one that brings
 * the interface up. One that is late goes on, and those after it wait for its locks.
 */
static void run_undo(const struct plan *plan, int64_t deadline, const char *owner)
{
	for (unsigned int i = 0; i < plan->undo.count; i++) {
		const struct plan_command *command = &plan->undo.command[i];
		int result;

		if (!is_wanted(plan, command))
			continue;
		result = program_let(command->argv, deadline, owner);
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

/* A program may say yes and do nothing: what counts is what the kernel has. */
static int verify(const struct plan_limits *limits, const struct netif *nic,
		  const struct ipconfig *ip)
{
	struct pollfd wake = { .fd = limits->wake, .events = POLLIN };

	while (!linkaddr_has_all(nic->name, ip)) {
		if (!deadline_left(limits->deadline)) {
			warn("%s: the addresses did not come", nic->name);
			return -ETIMEDOUT;
		}
		if (poll(&wake, 1, VERIFY_PERIOD) > 0)
			return -EINTR;
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
		error = run_step(plan, &plan->before, limits->deadline, limits->wake);
		note_changes(plan, files);
	}
	if (!error)
		error = write_files(plan, files);
	if (!error)
		error = run_step(plan, &plan->after, limits->deadline, limits->wake);
	if (!error && plan->verify && !*plan->root)
		error = verify(limits, nic, ip);
	return error;
}

static void undo(const struct plan *plan, struct safefile *files,
		 const struct plan_limits *limits, const char *owner)
{
	warn("putting back what was there");
	for (unsigned int i = 0; i < plan->file_count; i++) {
		int error = safefile_restore(&files[i]);

		if (error)
			warn("cannot put back %s%s: %s", plan->root, plan->file[i].path,
			     strerror(-error));
	}
	/* also when the agent is to end: half a configuration must not stay */
	run_undo(plan, limits->undo_deadline, owner);
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
	struct safefile files[PLAN_FILES];
	unsigned int opened;
	int error;

	if (limits->dry_run) {
		show(plan);
		return 0;
	}
	error = open_files(plan, files, &opened);
	if (!error)
		error = end_left(limits, nic->name);
	if (!error) {
		error = carry_out(plan, files, limits, nic, ip);
		if (error)
			undo(plan, files, limits, nic->name);
	}
	while (opened)
		safefile_close(&files[--opened]);
	return error;
}

static void free_step(struct plan_step *step)
{
	for (unsigned int i = 0; i < step->count; i++)
		for (char **arg = step->command[i].argv; *arg; arg++)
			free(*arg);
}

void plan_free(struct plan *plan)
{
	for (unsigned int i = 0; i < plan->file_count; i++) {
		free(plan->file[i].path);
		free(plan->file[i].text);
	}
	free_step(&plan->before);
	free_step(&plan->after);
	free_step(&plan->undo);
	memset(plan, 0, sizeof(*plan));
}
