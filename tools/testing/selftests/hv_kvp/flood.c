// SPDX-License-Identifier: GPL-2.0
/*
 * A user who uses /dev/hv_kvp as much as he can, without capabilities and until he is
 * killed.
 *
 *	hv_kvp_flood lists UID GID	begins lists, one after the other
 *	hv_kvp_flood guest UID GID	sets and deletes many items of pool GUEST
 */
#include <errno.h>
#include <fcntl.h>
#include <grp.h>
#include <stdbool.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/ioctl.h>
#include <unistd.h>

#include <linux/hv_kvp.h>

#define PTR(p)		((uint64_t)(uintptr_t)(p))
#define DESCRIPTORS	64	/* more than there can be lists */
#define ITEMS		1000	/* of a batch */
#define KEY		200	/* bytes; all the records are more than a ring holds */

static int die(const char *what)
{
	perror(what);
	exit(1);
}

static int open_device(void)
{
	int fd = open("/dev/hv_kvp", O_RDWR);

	return fd < 0 ? die("open") : fd;
}

static void announce(void)
{
	static bool said;

	if (said)
		return;
	said = true;
	printf("flooding\n");
	fflush(stdout);
}

static void flood_lists(void)
{
	static char buffer[300];
	int fds[DESCRIPTORS];

	for (int i = 0; i < DESCRIPTORS; i++)
		fds[i] = open_device();
	for (unsigned int i = 0;; i++) {
		struct hv_kvp_list list = {
			.buffer = PTR(buffer), .size = sizeof(buffer),
			.pool = HV_KVP_POOL_GUEST,
		};

		/* ESTALE: ended within the call */
		if (ioctl(fds[i % DESCRIPTORS], HV_KVP_IOC_LIST, &list) &&
		    errno != ESTALE)
			die("list");
		if (i == DESCRIPTORS)
			announce();
	}
}

static void flood_guest(void)
{
	static struct hv_kvp_op ops[ITEMS];
	static char keys[ITEMS][KEY + 1];
	int fd = open_device();

	for (unsigned int i = 0; i < ITEMS; i++) {
		snprintf(keys[i], sizeof(keys[i]), "%0*u", KEY, i);
		ops[i].key = PTR(keys[i]);
		ops[i].key_len = KEY;
	}
	for (bool set = true;; set = !set) {
		struct hv_kvp_batch batch = {
			.ops = PTR(ops), .pool = HV_KVP_POOL_GUEST,
			.count = ITEMS, .op_size = sizeof(ops[0]),
		};

		for (unsigned int i = 0; i < ITEMS; i++) {
			ops[i].op = set ? HV_KVP_OP_SET : HV_KVP_OP_DELETE;
			ops[i].type = set ? HV_KVP_TYPE_SZ : 0;
		}
		if (ioctl(fd, HV_KVP_IOC_BATCH, &batch))
			die("batch");
		announce();
	}
}

int main(int argc, char **argv)
{
	if (argc != 4)
		return 2;
	if (setgroups(0, NULL) || setgid(strtoul(argv[3], NULL, 0)) ||
	    setuid(strtoul(argv[2], NULL, 0)))
		die("user");
	if (!strcmp(argv[1], "lists"))
		flood_lists();
	else if (!strcmp(argv[1], "guest"))
		flood_guest();
	return 2;
}
