// SPDX-License-Identifier: GPL-2.0
/*
 * Users who stall in the middle of batches, on one CPU.
 *
 *	hv_kvp_stall USERS TASKS	fills pool GUEST, and prints the bytes that its
 *					values take; lets so many tasks of so many
 *					users write it again and again, and brings one
 *					after the other to a stop; prints "stalled".
 *					At SIGUSR1 others do what they can do
 *					then, a line for each; after the next one all
 *					are killed, and the last line is "ended"
 *
 * A task runs until it is anywhere in a batch, and gets the idle scheduling class
 * then, while another task takes all of the CPU: what the kernel does for it takes
 * some hundred times as long. To be run as root.
 */
#define _GNU_SOURCE
#include <errno.h>
#include <fcntl.h>
#include <sched.h>
#include <signal.h>
#include <stdbool.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/ioctl.h>
#include <sys/wait.h>
#include <time.h>
#include <unistd.h>

#include <linux/hv_kvp.h>

#define PTR(p)		((uint64_t)(uintptr_t)(p))
#define POOL		HV_KVP_POOL_GUEST
#define ITEMS		1000
#define VALUE		500
#define TASKS_MAX	256
#define FIRST_UID	1000
/* Somebody whose batches nobody keeps waiting, among few users. */
#define OTHER_UID	4711

static struct hv_kvp_op ops[ITEMS];
static char keys[ITEMS][16], value[VALUE];
static int fd;

static void die(const char *what)
{
	printf("%s: %s\n", what, strerror(errno));
	exit(1);
}

static int batch(unsigned int count)
{
	struct hv_kvp_batch arg = {
		.ops = PTR(ops), .pool = POOL, .count = count,
		.op_size = sizeof(ops[0]),
	};

	return ioctl(fd, HV_KVP_IOC_BATCH, &arg);
}

/* What is there is left alone. */
static int import(void)
{
	int ret;

	for (int i = 0; i < ITEMS; i++)
		ops[i].flags = HV_KVP_IF_ABSENT | HV_KVP_OR_SKIP;
	ret = batch(ITEMS);
	for (int i = 0; i < ITEMS; i++)
		ops[i].flags = 0;
	return ret;
}

static int set(const char *key)
{
	struct hv_kvp_set arg = {
		.key = PTR(key), .key_len = strlen(key), .value = PTR(value),
		.value_len = 10, .pool = POOL, .type = HV_KVP_TYPE_SZ,
	};

	return ioctl(fd, HV_KVP_IOC_SET, &arg);
}

static int delete(const char *key)
{
	struct hv_kvp_delete arg = {
		.key = PTR(key), .key_len = strlen(key), .pool = POOL,
	};

	return ioctl(fd, HV_KVP_IOC_DELETE, &arg);
}

static void make_batch(char letter)
{
	memset(value, letter, sizeof(value));
	for (int i = 0; i < ITEMS; i++) {
		snprintf(keys[i], sizeof(keys[i]), "stall%d", i);
		ops[i] = (struct hv_kvp_op) {
			.key = PTR(keys[i]), .key_len = strlen(keys[i]),
			.value = PTR(value), .value_len = sizeof(value),
			.op = HV_KVP_OP_SET, .type = HV_KVP_TYPE_SZ,
		};
	}
}

static double now(void)
{
	struct timespec t;

	clock_gettime(CLOCK_MONOTONIC, &t);
	return t.tv_sec + t.tv_nsec / 1e9;
}

static void rest(double seconds)
{
	struct timespec t = {
		.tv_sec = seconds, .tv_nsec = (seconds - (long)seconds) * 1e9
	};

	nanosleep(&t, NULL);
}

static void be(int policy, pid_t pid)
{
	struct sched_param param = {
		.sched_priority = policy == SCHED_FIFO ? 1 : 0,
	};

	if (sched_setscheduler(pid, policy, &param))
		die("sched_setscheduler");
}

/* A child of an ordinary class, as @uid if that is not 0. */
static pid_t start(void (*run)(void), uid_t uid)
{
	pid_t pid = fork();

	if (pid < 0)
		die("fork");
	if (pid)
		return pid;
	be(SCHED_OTHER, 0);
	if (uid && (setgid(uid) || setuid(uid)))
		die("setuid");
	run();
	exit(0);
}

static void take_cpu(void)
{
	for (;;)
		;
}

static void write_for_ever(void)
{
	for (;;)
		if (batch(ITEMS))
			die("a batch of a task");
}

static void change_one(void)
{
	if (set("meanwhile") || delete("meanwhile"))
		die("a change of another user");
}

static void change_many(void)
{
	if (batch(10))
		die("a batch of another user");
}

static void change_as_root(void)
{
	unsigned int i;

	for (i = 0; i < 10; i++)
		if (set("root") || batch(ITEMS) || import() || delete("root"))
			die("a change of root");
}

static void await(pid_t pid, const char *what)
{
	int status;

	if (waitpid(pid, &status, 0) != pid || status)
		exit(1);
	printf("%s\n", what);
	fflush(stdout);
}

static void others_go_on(unsigned int users)
{
	await(start(change_as_root, 0), "root");
	await(start(change_one, OTHER_UID), "change");
	if (users == 1)
		await(start(change_many, OTHER_UID), "batch");
}

static void await_signal(void)
{
	sigset_t set;
	int sig;

	sigemptyset(&set);
	sigaddset(&set, SIGUSR1);
	sigwait(&set, &sig);
}

int main(int argc, char **argv)
{
	unsigned int users, tasks, i;
	pid_t hog, task[TASKS_MAX];
	double began, took;
	sigset_t set;

	if (argc != 3)
		return 2;
	users = strtoul(argv[1], NULL, 10);
	tasks = strtoul(argv[2], NULL, 10);
	if (!users || !tasks || tasks > TASKS_MAX)
		return 2;
	sigemptyset(&set);
	sigaddset(&set, SIGUSR1);
	sigprocmask(SIG_BLOCK, &set, NULL);
	fd = open("/dev/hv_kvp", O_RDWR | O_CLOEXEC);
	if (fd < 0)
		die("/dev/hv_kvp");

	make_batch('a');
	if (batch(ITEMS))
		die("fill");
	began = now();
	if (batch(ITEMS))
		die("fill");
	took = now() - began;
	printf("%d\n", ITEMS * 2 * VALUE);
	fflush(stdout);

	be(SCHED_FIFO, 0);
	hog = start(take_cpu, 0);
	for (i = 0; i < tasks; i++) {
		make_batch('a' + i % 26);
		task[i] = start(write_for_ever, FIRST_UID + i % users);
		/* it has half of the CPU: anywhere in its second batch */
		rest(took * 2 * (1 + (i * 7 % tasks + 0.5) / tasks));
		be(SCHED_IDLE, task[i]);
	}
	be(SCHED_OTHER, 0);
	printf("stalled\n");
	fflush(stdout);

	await_signal();
	others_go_on(users);
	await_signal();
	for (i = 0; i < tasks; i++) {
		kill(task[i], SIGKILL);
		be(SCHED_OTHER, task[i]);
	}
	kill(hog, SIGKILL);
	while (wait(NULL) > 0)
		;
	printf("ended\n");
	return 0;
}
