/* SPDX-License-Identifier: GPL-2.0 */
/* Other programs, run without a shell and for a limited time. */
#ifndef KVPCTL_PROGRAM_H
#define KVPCTL_PROGRAM_H

#include <stdbool.h>
#include <stdint.h>

/**
 * program_run() - runs a program to its end
 * @argv: its arguments, ended by NULL; the program is searched in the system's
 *	directories, not where PATH says, unless it is an absolute path
 * @apart: in a unit of its own, where systemd runs the system (unit.h)
 * @deadline: when it and all that it started are killed (deadline_now())
 * @wake: descriptor whose readiness ends it too, or -1
 *
 * It gets no input, an environment of PATH and LANG alone, and the caller's
 * stderr for its output, or none if nobody reads that; SIGPIPE is ignored if the
 * caller ignores it.
 *
 * Return: its exit code, 128 and more if a signal ended it; -ENOENT if there is
 * no such program; -ETIMEDOUT; -EINTR if @wake was ready; another negative
 * error if it could not be started.
 */
int program_run(char *const argv[], bool apart, int64_t deadline, int wake);

/* Longest output that is taken. */
#define PROGRAM_OUTPUT_MAX	(256 * 1024)

/**
 * program_output() - runs a program for what it prints
 * @argv: as program_run() has it
 * @deadline: when it is killed
 * @text: gets its output, NUL-terminated; the caller frees it
 *
 * What it says on stderr is dropped.
 *
 * Return: as program_run(); -EFBIG for more than PROGRAM_OUTPUT_MAX. @text is
 * there if it is 0 only.
 */
int program_output(char *const argv[], int64_t deadline, char **text);

/**
 * program_let() - runs a program, and leaves it at work if it takes longer
 * @argv: as program_run() has it
 * @apart: as program_run() has it
 * @deadline: how long it is waited for
 * @owner: the interface that it works on
 *
 * Return: as program_run(), but -ETIMEDOUT when it goes on.
 */
int program_let(char *const argv[], bool apart, int64_t deadline, const char *owner);

/**
 * program_end_left() - ends what program_let() has left at work
 * @owner: on this interface
 * @deadline: until when it may end by itself
 * @wake: descriptor whose readiness ends the wait, or -1
 *
 * For who brings the interface up anew, and would wait for locks of theirs.
 *
 * Return: 0; -EINTR if @wake was ready: then they go on.
 */
int program_end_left(const char *owner, int64_t deadline, int wake);

/* Forgets what program_let() has left and has ended since. */
void program_reap_left(void);

/* Whether there is such a program in the system's directories. */
bool program_exists(const char *name);

#endif /* KVPCTL_PROGRAM_H */
