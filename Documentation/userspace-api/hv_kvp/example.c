// SPDX-License-Identifier: GPL-2.0
/* example set KEY VALUE | get KEY | watch: items of pool GUEST. */
#include <fcntl.h>
#include <stdint.h>
#include <stdio.h>
#include <string.h>
#include <sys/ioctl.h>
#include <unistd.h>

#include <linux/hv_kvp.h>

#define PTR(p) ((__u64)(uintptr_t)(p))

static int set_item(int fd, const char *key, const char *value)
{
	struct hv_kvp_set set = {
		.key = PTR(key), .key_len = strlen(key),
		.value = PTR(value), .value_len = strlen(value),
		.pool = HV_KVP_POOL_GUEST, .type = HV_KVP_TYPE_SZ,
	};

	if (ioctl(fd, HV_KVP_IOC_SET, &set)) {
		perror(key);
		return 1;
	}
	printf("generation %llu\n", (unsigned long long)set.generation);
	return 0;
}

static int get_item(int fd, const char *key)
{
	char value[HV_KVP_VALUE_MAX];
	struct hv_kvp_get get = {
		.key = PTR(key), .key_len = strlen(key),
		.value = PTR(value), .value_size = sizeof(value),
		.pool = HV_KVP_POOL_GUEST,
	};

	if (ioctl(fd, HV_KVP_IOC_GET, &get)) {
		perror(key);
		return 1;
	}
	printf("%.*s\n", (int)get.value_size, value);
	return 0;
}

static void print_event(const char *record)
{
	const struct hv_kvp_event_item *item = (const void *)record;

	if (item->event.kind == HV_KVP_EVENT_LOST)
		printf("lost\n");
	else if (item->event.kind == HV_KVP_EVENT_DELETED)
		printf("deleted %s\n", record + item->key_offset);
	else if (item->event.kind <= HV_KVP_EVENT_SET)
		printf("set %s=%s\n", record + item->key_offset,
		       item->value_offset ? record + item->value_offset : "");
	fflush(stdout);
}

static int watch(int fd)
{
	static char buffer[HV_KVP_RECORD_MAX] __attribute__((aligned(8)));
	struct hv_kvp_watch arg = {
		.pools = 1 << HV_KVP_POOL_GUEST, .flags = HV_KVP_WATCH_VALUES,
	};
	ssize_t size;

	if (ioctl(fd, HV_KVP_IOC_WATCH, &arg)) {
		perror("watch");
		return 1;
	}
	while ((size = read(fd, buffer, sizeof(buffer))) > 0)
		for (ssize_t at = 0; at < size;
		     at += ((struct hv_kvp_event *)(buffer + at))->size)
			print_event(buffer + at);
	perror("read");
	return 1;
}

int main(int argc, char **argv)
{
	int fd = open("/dev/hv_kvp", O_RDWR | O_CLOEXEC);

	if (fd < 0) {
		perror("/dev/hv_kvp");
		return 1;
	}
	if (argc == 4 && !strcmp(argv[1], "set"))
		return set_item(fd, argv[2], argv[3]);
	if (argc == 3 && !strcmp(argv[1], "get"))
		return get_item(fd, argv[2]);
	if (argc == 2 && !strcmp(argv[1], "watch"))
		return watch(fd);
	fprintf(stderr, "usage: example set KEY VALUE | get KEY | watch\n");
	return 2;
}
