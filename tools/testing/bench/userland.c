// SPDX-License-Identifier: GPL-2.0
/*
 * What programs in the guest do, timed: they read items through /dev/hv_kvp or
 * from a pool file of hv_kvp_daemon, and change items while sysfs follows.
 *
 *	bench_userland ioctl-fill COUNT		items of pool EXTERNAL, from 0
 *	bench_userland ioctl-get COUNT ROUNDS	GET of one of COUNT items
 *	bench_userland ioctl-list ROUNDS	LIST of all items
 *	bench_userland file-fill FILE COUNT	as the daemon would write them
 *	bench_userland file-get FILE COUNT ROUNDS
 *	bench_userland file-list FILE ROUNDS
 *	bench_userland change set|add|delete COUNT	items of pool GUEST
 *
 * The timed ones print how often, ticks of the TSC, and seconds; change prints
 * a second line, until sysfs shows the last one, without the time that nothing
 * ran. It is for one CPU.
 */
#define _GNU_SOURCE
#include <errno.h>
#include <fcntl.h>
#include <sched.h>
#include <stdarg.h>
#include <stdbool.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/ioctl.h>
#include <time.h>
#include <unistd.h>
#include <x86intrin.h>

#include <linux/hv_kvp.h>

#define PTR(p)		((uint64_t)(uintptr_t)(p))
#define BATCH		512

/* tools/hv/hv_kvp_daemon.c: a record, and how many it reads at a time. */
#define FILE_KEY	512
#define FILE_VALUE	2048
#define FILE_BLOCK	50

struct record {
	char key[FILE_KEY];
	char value[FILE_VALUE];
};

struct stamp {
	uint64_t ticks;
	struct timespec time;
};

static char buffer[1 << 16] __attribute__((aligned(8)));
static struct record block[FILE_BLOCK];
static uint64_t sum;		/* so that nothing read is optimized away */

static void __attribute__((noreturn, format(printf, 1, 2)))
die(const char *fmt, ...)
{
	va_list args;

	va_start(args, fmt);
	vprintf(fmt, args);
	va_end(args);
	printf(": %s\n", strerror(errno));
	exit(1);
}

static struct stamp stamp(void)
{
	struct stamp now = { .ticks = __rdtsc() };

	clock_gettime(CLOCK_MONOTONIC, &now.time);
	return now;
}

static double seconds(struct timespec from, struct timespec to)
{
	return to.tv_sec - from.tv_sec + (to.tv_nsec - from.tv_nsec) / 1e9;
}

/* @idle: seconds of it that do not count */
static void report_without(unsigned int count, struct stamp from, double idle)
{
	struct stamp to = stamp();
	double all = seconds(from.time, to.time);

	printf("%u %.0f %.9f\n", count,
	       (to.ticks - from.ticks) * (1 - idle / all), all - idle);
}

static void report(unsigned int count, struct stamp from)
{
	report_without(count, from, 0);
}

/* As guest.py has them: 20 characters each. */
static void make_item(char *key, char *value, unsigned int n)
{
	sprintf(key, "benchmark-key-%06u", n);
	sprintf(value, "%06u-vvvvvvvvvvvvv", n);
}

/* Numbers that jump about, the same in every run. */
static unsigned int pick(unsigned int i, unsigned int count)
{
	return (i * 2654435761u >> 7) % count;
}

static int open_or_die(const char *path, int flags)
{
	int fd = open(path, flags, 0600);

	if (fd < 0)
		die("%s", path);
	return fd;
}

static int device(void)
{
	return open_or_die("/dev/hv_kvp", O_RDWR);
}

/* /dev/hv_kvp */

static void ioctl_fill(unsigned int count)
{
	static struct hv_kvp_op ops[BATCH];
	static char keys[BATCH][32], values[BATCH][32];
	int fd = device();

	for (unsigned int n = 0; n < count;) {
		struct hv_kvp_batch arg = {
			.ops = PTR(ops), .pool = HV_KVP_POOL_EXTERNAL,
			.owner = HV_KVP_OWNER_HOST, .op_size = sizeof(ops[0]),
		};

		while (arg.count < BATCH && n < count) {
			unsigned int at = arg.count++;

			make_item(keys[at], values[at], n++);
			ops[at] = (struct hv_kvp_op) {
				.key = PTR(keys[at]), .key_len = 20,
				.value = PTR(values[at]), .value_len = 20,
				.op = HV_KVP_OP_SET, .type = HV_KVP_TYPE_SZ,
			};
		}
		if (ioctl(fd, HV_KVP_IOC_BATCH, &arg))
			die("batch");
	}
}

static void ioctl_get(unsigned int count, unsigned int rounds)
{
	char key[32], wanted[32], value[64];
	int fd = device();
	struct stamp from = stamp();

	for (unsigned int i = 0; i < rounds; i++) {
		struct hv_kvp_get arg = {
			.key = PTR(key), .key_len = 20, .value = PTR(value),
			.value_size = sizeof(value), .pool = HV_KVP_POOL_EXTERNAL,
		};

		make_item(key, wanted, pick(i, count));
		if (ioctl(fd, HV_KVP_IOC_GET, &arg))
			die("get %s", key);
		if (memcmp(value, wanted, 20))
			die("get %s: another value", key);
	}
	report(rounds, from);
}

static void ioctl_list(unsigned int rounds)
{
	int fd = device();
	struct stamp from = stamp();
	uint64_t items = 0;

	for (unsigned int i = 0; i < rounds; i++) {
		struct hv_kvp_list list = { 0 };

		do {
			list.pool = HV_KVP_POOL_EXTERNAL;
			list.buffer = PTR(buffer);
			list.size = sizeof(buffer);
			if (ioctl(fd, HV_KVP_IOC_LIST, &list))
				die("list");
			for (unsigned int at = 0; at < list.size; items++) {
				struct hv_kvp_item *item = (void *)(buffer + at);

				sum += buffer[at + item->key_offset] + item->value_len;
				at += item->size;
			}
		} while (list.cursor);
		if (items != (uint64_t)list.total * (i + 1))
			die("list: %llu items", (unsigned long long)items);
	}
	report(rounds, from);
}

/* The pool file */

static void file_fill(const char *path, unsigned int count)
{
	int fd = open_or_die(path, O_WRONLY | O_CREAT | O_TRUNC);

	for (unsigned int n = 0; n < count;) {
		unsigned int at = 0;
		ssize_t size;

		memset(block, 0, sizeof(block));
		while (at < FILE_BLOCK && n < count) {
			make_item(block[at].key, block[at].value, n++);
			at++;
		}
		size = at * sizeof(block[0]);
		if (write(fd, block, size) != size)
			die("%s", path);
	}
	close(fd);
}

/*
 * Reads the file as its readers do, under a lock against the daemon, until the
 * record of @key, or all of it; how many records there were.
 */
static unsigned int file_read(const char *path, const char *key,
			      const char *wanted)
{
	struct flock lock = { .l_type = F_RDLCK, .l_whence = SEEK_SET };
	int fd = open_or_die(path, O_RDONLY);
	unsigned int records = 0;
	bool found = false;
	ssize_t size;

	if (fcntl(fd, F_SETLKW, &lock))
		die("lock");
	while (!found && (size = read(fd, block, sizeof(block))) > 0)
		for (struct record *r = block;
		     !found && (char *)r < (char *)block + size; r++) {
			records++;
			found = key && !strcmp(r->key, key);
			if (found && strcmp(r->value, wanted))
				die("%s: another value", key);
			sum += r->key[0] + strlen(r->value);
		}
	close(fd);
	if (key && !found)
		die("%s: not found", key);
	return records;
}

static void file_get(const char *path, unsigned int count, unsigned int rounds)
{
	char key[32], wanted[32];
	struct stamp from = stamp();

	for (unsigned int i = 0; i < rounds; i++) {
		/* evenly over the file, however few the rounds */
		unsigned int n = rounds < count ?
				 (2ull * i + 1) * count / (2 * rounds) :
				 pick(i, count);

		make_item(key, wanted, n);
		file_read(path, key, wanted);
	}
	report(rounds, from);
}

static void file_list(const char *path, unsigned int rounds)
{
	struct stamp from = stamp();

	for (unsigned int i = 0; i < rounds; i++)
		file_read(path, NULL, NULL);
	report(rounds, from);
}

/* Changes, and sysfs behind them */

static unsigned long long number(int fd)
{
	char text[32];
	ssize_t size = pread(fd, text, sizeof(text) - 1, 0);

	if (size < 0)
		die("sysfs");
	text[size] = '\0';
	return strtoull(text, NULL, 10);
}

static void change_one(int fd, bool delete, unsigned int n)
{
	char key[32], value[32];
	struct hv_kvp_set set = {
		.key = PTR(key), .key_len = 20, .value = PTR(value),
		.value_len = 20, .pool = HV_KVP_POOL_GUEST,
		.type = HV_KVP_TYPE_SZ,
	};
	struct hv_kvp_delete del = {
		.key = PTR(key), .key_len = 20, .pool = HV_KVP_POOL_GUEST,
	};

	make_item(key, value, n);
	if (delete ? ioctl(fd, HV_KVP_IOC_DELETE, &del) :
		     ioctl(fd, HV_KVP_IOC_SET, &set))
		die("%s", key);
}

/* Runs only when nothing else would; returns the seconds that it ran. */
static double idle_until_shown(int now, int shown)
{
	struct sched_param none = { 0 };
	struct timespec from, to;

	if (sched_setscheduler(0, SCHED_IDLE, &none))
		die("SCHED_IDLE");
	clock_gettime(CLOCK_THREAD_CPUTIME_ID, &from);
	while (number(shown) != number(now))
		;
	clock_gettime(CLOCK_THREAD_CPUTIME_ID, &to);
	return seconds(from, to);
}

static void change(const char *kind, unsigned int count)
{
	bool delete = !strcmp(kind, "delete");
	int fd = device();
	int now = open_or_die("/sys/class/misc/hv_kvp/guest/generation",
			      O_RDONLY);
	int shown = open_or_die("/sys/class/misc/hv_kvp/guest/items_generation",
				O_RDONLY);
	struct stamp from = stamp();

	for (unsigned int n = 0; n < count; n++)
		change_one(fd, delete, n);
	report(count, from);
	report_without(count, from, idle_until_shown(now, shown));
}

static unsigned int argument(char **argv, int n)
{
	return strtoul(argv[n], NULL, 10);
}

int main(int argc, char **argv)
{
	const char *what = argc > 1 ? argv[1] : "";

	if (!strcmp(what, "ioctl-fill") && argc == 3)
		ioctl_fill(argument(argv, 2));
	else if (!strcmp(what, "ioctl-get") && argc == 4)
		ioctl_get(argument(argv, 2), argument(argv, 3));
	else if (!strcmp(what, "ioctl-list") && argc == 3)
		ioctl_list(argument(argv, 2));
	else if (!strcmp(what, "file-fill") && argc == 4)
		file_fill(argv[2], argument(argv, 3));
	else if (!strcmp(what, "file-get") && argc == 5)
		file_get(argv[2], argument(argv, 3), argument(argv, 4));
	else if (!strcmp(what, "file-list") && argc == 4)
		file_list(argv[2], argument(argv, 3));
	else if (!strcmp(what, "change") && argc == 4)
		change(argv[2], argument(argv, 3));
	else
		return 2;
	return 0;
}
