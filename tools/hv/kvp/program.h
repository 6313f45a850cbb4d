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
 * @deadline: when it and its process group are killed (deadline_now())
 * @wake: descriptor whose readiness ends it too, or -1
 *
 * It gets no input, an environment of PATH and LANG alone, and the caller's
 * stderr for its output.
 *
 * Return: its exit code, 128 and more if a signal ended it; -ENOENT if there is
 * no such program; -ETIMEDOUT; -EINTR if @wake was ready; another negative
 * error if it could not be started.
 */
int program_run(char *const argv[], int64_t deadline, int wake);

/* Whether there is such a program in the system's directories. */
bool program_exists(const char *name);

#endif /* KVPCTL_PROGRAM_H */
