// SPDX-License-Identifier: GPL-2.0
/*
 * By LD_PRELOAD: SIGKILL for the process before the step KILL_AT of those that
 * change something: a file gets a name or loses it, a program is started. With
 * KILL_AT=stop SIGSTOP before each of them. The programs themselves are left alone:
 * they do not get the variable.
 */
#define _GNU_SOURCE
#include <dlfcn.h>
#include <signal.h>
#include <spawn.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

static typeof(renameat) *real_renameat;
static typeof(unlinkat) *real_unlinkat;
static typeof(posix_spawn) *real_posix_spawn;
static long left;
static int stops;

__attribute__((constructor)) static void find_real(void)
{
	const char *at = getenv("KILL_AT");

	real_renameat = dlsym(RTLD_NEXT, "renameat");
	real_unlinkat = dlsym(RTLD_NEXT, "unlinkat");
	real_posix_spawn = dlsym(RTLD_NEXT, "posix_spawn");
	left = at ? atol(at) : 0;
	stops = at && !strcmp(at, "stop");
}

static void count_step(void)
{
	if (left && !--left)
		kill(getpid(), SIGKILL);
	if (stops)
		raise(SIGSTOP);
}

int renameat(int from_dir, const char *from, int to_dir, const char *to)
{
	count_step();
	return real_renameat(from_dir, from, to_dir, to);
}

int unlinkat(int dir, const char *name, int flags)
{
	count_step();
	return real_unlinkat(dir, name, flags);
}

int posix_spawn(pid_t *pid, const char *path, const posix_spawn_file_actions_t *files,
		const posix_spawnattr_t *attributes, char *const argv[], char *const env[])
{
	count_step();
	return real_posix_spawn(pid, path, files, attributes, argv, env);
}
