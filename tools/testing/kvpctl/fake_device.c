// SPDX-License-Identifier: GPL-2.0
/*
 * /dev/hv_kvp for one process, by LD_PRELOAD: enough of it for an IP agent.
 *
 * /run/fake/N is the struct hv_kvp_ip_config of request N, /run/fake/N.left the
 * milliseconds that it has left. Request 1 waits from the beginning; a digit
 * written to the FIFO /run/fake/requests is the next one. /run/fake/answers gets
 * "N RESULT" lines; /run/fake/refused is the number of the request that the host
 * was last told had failed. If there is a /run/fake/kill the program is killed when
 * it answers; if there is a /run/fake/stale nobody waits for the answer.
 *
 * With FAKE_ITEMS in the environment it is a file, and the device is for items: SET
 * and DELETE are lines in the file, "KEY=VALUE" and "KEY".
 */
#define _GNU_SOURCE
#include <arpa/inet.h>
#include <dlfcn.h>
#include <errno.h>
#include <fcntl.h>
#include <signal.h>
#include <stdarg.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/ioctl.h>
#include <time.h>
#include <unistd.h>

#include <linux/hv_kvp.h>

#define FOLDER	"/run/fake/"

static int device = -1;
static const char *items;
static char waiting;

static int (*real_open)(const char *path, int flags, ...);
static ssize_t (*real_read)(int fd, void *buffer, size_t size);
static int (*real_ioctl)(int fd, unsigned long command, ...);
static int (*real_close)(int fd);

__attribute__((constructor)) static void find_real(void)
{
	real_open = dlsym(RTLD_NEXT, "open");
	real_read = dlsym(RTLD_NEXT, "read");
	real_ioctl = dlsym(RTLD_NEXT, "ioctl");
	real_close = dlsym(RTLD_NEXT, "close");
	items = getenv("FAKE_ITEMS");
}

int open(const char *path, int flags, ...)
{
	mode_t mode = 0;
	va_list args;

	if (!strcmp(path, "/dev/hv_kvp")) {
		device = items ? real_open(items, O_WRONLY | O_APPEND | O_CREAT | O_CLOEXEC, 0600) :
			 real_open(FOLDER "requests", O_RDWR | O_NONBLOCK | O_CLOEXEC);
		waiting = '1';
		return device;
	}
	va_start(args, flags);
	if (flags & (O_CREAT | O_TMPFILE))
		mode = va_arg(args, mode_t);
	va_end(args);
	return real_open(path, flags, mode);
}

ssize_t read(int fd, void *buffer, size_t size)
{
	struct hv_kvp_event_request event = {
		.event = {
			.size = sizeof(event), .kind = HV_KVP_EVENT_IP_REQUEST,
			.pool = HV_KVP_NO_POOL,
		},
	};

	if (fd != device || fd < 0)
		return real_read(fd, buffer, size);
	if (real_read(fd, &waiting, 1) != 1)
		return -1;
	event.id = waiting;
	memcpy(buffer, &event, sizeof(event));
	return sizeof(event);
}

int close(int fd)
{
	if (fd == device)
		device = -1;
	return real_close(fd);
}

static FILE *open_request(const char *suffix)
{
	char path[64];

	snprintf(path, sizeof(path), FOLDER "%c%s", waiting, suffix);
	return fopen(path, "re");
}

static int refused(struct hv_kvp_ip_request *args)
{
	FILE *file = fopen(FOLDER "refused", "re");
	int number = file ? fgetc(file) : EOF;

	if (file)
		fclose(file);
	if (number == EOF) {
		errno = ENOENT;
		return -1;
	}
	args->id = number;
	return 0;
}

/* The moment @ms from now. */
static uint64_t deadline_in(unsigned int ms)
{
	struct timespec now;

	clock_gettime(CLOCK_BOOTTIME, &now);
	return (uint64_t)now.tv_sec * 1000000000 + now.tv_nsec + (uint64_t)ms * 1000000;
}

static int request(struct hv_kvp_ip_request *args)
{
	unsigned int left = 30000;
	FILE *file = waiting ? open_request("") : NULL;

	if (!file) {
		errno = ENOENT;
		return -1;
	}
	if (fread((void *)(uintptr_t)args->config, args->config_size, 1, file) != 1)
		args->config_size = 0;
	fclose(file);
	args->id = waiting;
	args->ifindex = 0;
	file = open_request(".left");
	if (file && fscanf(file, "%u", &left) != 1)
		left = 0;
	if (file)
		fclose(file);
	args->deadline = deadline_in(left);
	return 0;
}

static int answer(const struct hv_kvp_ip_answer *args)
{
	FILE *file;

	if (!access(FOLDER "kill", F_OK))
		kill(getpid(), SIGKILL);
	if (!access(FOLDER "stale", F_OK)) {
		errno = ESTALE;
		return -1;
	}
	file = fopen(FOLDER "answers", "ae");
	fprintf(file, "%c %u\n", (char)args->id, args->result);
	waiting = 0;
	return fclose(file);
}

static int supply(const struct hv_kvp_ip_report *args)
{
	const uint8_t *v4 = (const void *)(uintptr_t)args->v4_dns;
	const uint8_t *v6 = (const void *)(uintptr_t)args->v6_dns;
	FILE *file = fopen(FOLDER "supply", "ae");
	char text[INET6_ADDRSTRLEN];

	fprintf(file, "%u %u", args->ifindex, args->dhcp);
	for (unsigned int i = 0; i < args->v4_dns_count; i++)
		fprintf(file, " %s", inet_ntop(AF_INET, v4 + 4 * i, text, sizeof(text)));
	for (unsigned int i = 0; i < args->v6_dns_count; i++)
		fprintf(file, " %s", inet_ntop(AF_INET6, v6 + 16 * i, text, sizeof(text)));
	fputc('\n', file);
	return fclose(file);
}

static int set_item(const struct hv_kvp_set *args)
{
	return dprintf(device, "%.*s=%.*s\n", (int)args->key_len,
		       (const char *)(uintptr_t)args->key, (int)args->value_len,
		       (const char *)(uintptr_t)args->value) < 0;
}

static int delete_item(const struct hv_kvp_delete *args)
{
	return dprintf(device, "%.*s\n", (int)args->key_len,
		       (const char *)(uintptr_t)args->key) < 0;
}

int ioctl(int fd, unsigned long command, ...)
{
	va_list args;
	void *arg;

	va_start(args, command);
	arg = va_arg(args, void *);
	va_end(args);
	if (fd != device || fd < 0)
		return real_ioctl(fd, command, arg);
	switch (command) {
	case HV_KVP_IOC_SET:
		return set_item(arg);
	case HV_KVP_IOC_DELETE:
		return delete_item(arg);
	case HV_KVP_IOC_IP_AGENT:
		return 0;
	case HV_KVP_IOC_IP_REPORT:
		return supply(arg);
	case HV_KVP_IOC_IP_REQUEST:
		if (((struct hv_kvp_ip_request *)arg)->flags & HV_KVP_IP_REQUEST_REFUSED)
			return refused(arg);
		return request(arg);
	case HV_KVP_IOC_IP_ANSWER:
		return answer(arg);
	}
	errno = ENOTTY;
	return -1;
}
