// SPDX-License-Identifier: GPL-2.0
/*
 * By LD_PRELOAD: SIGSTOP for the process before each step that changes something:
 * a file gets a name or loses it, a program is started. The programs themselves are
 * left alone: kvpctl gives them an environment of their own.
 */
#define _GNU_SOURCE
#include <dlfcn.h>
#include <signal.h>
#include <spawn.h>
#include <stdio.h>
#include <unistd.h>

static typeof(renameat) *real_renameat;
static typeof(unlinkat) *real_unlinkat;
static typeof(posix_spawn) *real_posix_spawn;

__attribute__((constructor)) static void find_real(void)
{
	real_renameat = dlsym(RTLD_NEXT, "renameat");
	real_unlinkat = dlsym(RTLD_NEXT, "unlinkat");
	real_posix_spawn = dlsym(RTLD_NEXT, "posix_spawn");
}

int renameat(int from_dir, const char *from, int to_dir, const char *to)
{
	raise(SIGSTOP);
	return real_renameat(from_dir, from, to_dir, to);
}

int unlinkat(int dir, const char *name, int flags)
{
	raise(SIGSTOP);
	return real_unlinkat(dir, name, flags);
}

int posix_spawn(pid_t *pid, const char *path, const posix_spawn_file_actions_t *files,
		const posix_spawnattr_t *attributes, char *const argv[], char *const env[])
{
	raise(SIGSTOP);
	return real_posix_spawn(pid, path, files, attributes, argv, env);
}
