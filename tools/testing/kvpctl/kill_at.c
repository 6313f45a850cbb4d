// SPDX-License-Identifier: GPL-2.0
/*
 * By LD_PRELOAD: an end of the process before the step KILL_AT of those that change
 * something: a file gets a name or loses it, a program is started. The programs
 * themselves are left alone: they do not get the variable.
 *
 * KILL_HOW is KILL, TERM, or POWER: then the files are as a disk has them that lost
 * its power, by the script /root/power, which is told of all that is synced.
 * /run/stopped says that the step was reached. With KILL_AT=stop it is SIGSTOP
 * before each step.
 */
#define _GNU_SOURCE
#include <dlfcn.h>
#include <fcntl.h>
#include <signal.h>
#include <spawn.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

static typeof(renameat) *real_renameat;
static typeof(unlinkat) *real_unlinkat;
static typeof(posix_spawn) *real_posix_spawn;
static typeof(fsync) *real_fsync;
static typeof(syncfs) *real_syncfs;
static const char *how;
static long left;
static int stops;

static void tell_power(const char *what, int fd)
{
	char link[64], path[512] = "", command[600];
	ssize_t size;

	if (strcmp(how, "POWER"))
		return;
	if (fd >= 0) {
		snprintf(link, sizeof(link), "/proc/self/fd/%d", fd);
		size = readlink(link, path, sizeof(path) - 1);
		path[size > 0 ? size : 0] = '\0';
	}
	snprintf(command, sizeof(command), "/root/power %s '%s'", what, path);
	if (system(command))
		abort();
}

__attribute__((constructor)) static void find_real(void)
{
	const char *at = getenv("KILL_AT");

	how = getenv("KILL_HOW") ?: "KILL";
	real_renameat = dlsym(RTLD_NEXT, "renameat");
	real_unlinkat = dlsym(RTLD_NEXT, "unlinkat");
	real_posix_spawn = dlsym(RTLD_NEXT, "posix_spawn");
	real_fsync = dlsym(RTLD_NEXT, "fsync");
	real_syncfs = dlsym(RTLD_NEXT, "syncfs");
	left = at ? atol(at) : 0;
	stops = at && !strcmp(at, "stop");
	/* not for the script */
	unsetenv("LD_PRELOAD");
	tell_power("all", -1);
}

static void count_step(void)
{
	if (stops)
		raise(SIGSTOP);
	if (!left || --left)
		return;
	close(open("/run/stopped", O_WRONLY | O_CREAT, 0600));
	tell_power("lose", -1);
	kill(getpid(), strcmp(how, "TERM") ? SIGKILL : SIGTERM);
}

int fsync(int fd)
{
	int result = real_fsync(fd);
	struct stat st;

	if (!result && !fstat(fd, &st))
		tell_power(S_ISDIR(st.st_mode) ? "folder" : "file", fd);
	return result;
}

int syncfs(int fd)
{
	int result = real_syncfs(fd);

	tell_power("all", -1);
	return result;
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
