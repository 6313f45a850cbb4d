// SPDX-License-Identifier: GPL-2.0
/* What a process with nothing but the node can make the kernel keep. */
#include <glob.h>
#include <signal.h>
#include <sys/wait.h>

#include "harness.h"

#define GUEST	HV_KVP_POOL_GUEST
#define USER	1000
#define HELD	1000		/* items, a good 2 MB with a value of 1,023 units */

static long guest_bytes(void)
{
	FILE *f = fopen("/sys/class/misc/hv_kvp/guest/bytes", "r");
	long bytes;

	CHECK(f && fscanf(f, "%ld", &bytes) == 1);
	fclose(f);
	return bytes;
}

/* Faster than the trimmer, which looks once a second. */
TEST(many_lists_of_old_versions)
{
	static char value[1024], buffer[4096];
	int fd = open_device(O_RDWR);
	long limit = info(fd).agent_bytes_max;
	unsigned int max = LISTS_MAX;

	/* the guest is booted with a limit that two old versions exceed */
	CHECK(limit <= 4 << 20);
	for (unsigned int i = 0; i < max; i++) {
		struct hv_kvp_list arg = {
			.buffer = PTR(buffer), .size = sizeof(buffer),
			.pool = GUEST,
		};

		memset(value, 'a' + i, sizeof(value) - 1);
		set_many(fd, HELD, value);
		OK(ioctl(open_device_as(USER, O_RDONLY), HV_KVP_IOC_LIST, &arg));
		CHECK(arg.cursor);
		/* current, old, on its way, and one more */
		CHECK(guest_bytes() < 4 * limit);
	}
}

#define KILLS	64
#define OPS	200

/* Has caches give back what is free, which they else count as given out. */
static void shrink_caches(void)
{
	glob_t found;

	if (glob("/sys/kernel/slab/kmalloc*-4k/shrink", 0, NULL, &found))
		skip_without("/sys/kernel/slab");
	for (size_t i = 0; i < found.gl_pathc; i++) {
		int fd = OK(open(found.gl_pathv[i], O_WRONLY));

		OK(write(fd, "1", 1));
		close(fd);
	}
	globfree(&found);
}

/* Objects of 4 KiB that the kernel's allocator has given out. */
static long count_objects(void)
{
	FILE *f = fopen("/proc/slabinfo", "r");
	char line[512], name[64];
	long sum = 0, n;

	if (!f)
		skip_without("/proc/slabinfo");
	shrink_caches();
	while (fgets(line, sizeof(line), f))
		if (sscanf(line, "%63s %ld", name, &n) == 2 &&
		    !strncmp(name, "kmalloc", 7) && strstr(name, "-4k"))
			sum += n;
	fclose(f);
	CHECK(sum > 0);
	return sum;
}

/* The same once the tests before this one have been freed. */
static long objects(void)
{
	long before, now = count_objects();

	for (int i = 0; i < 100; i++) {
		before = now;
		rest(100);
		now = count_objects();
		if (now == before)
			break;
	}
	return now;
}

/* Batches of the largest items, which come to nothing for the last operation. */
static void try_batches(int fd)
{
	static char key[255], value[1023];
	static struct hv_kvp_op ops[OPS + 1];
	struct hv_kvp_batch arg = {
		.ops = PTR(ops), .count = OPS + 1, .op_size = sizeof(ops[0]),
		.pool = GUEST,
	};

	memset(key, 'k', sizeof(key));
	memset(value, 'v', sizeof(value));
	for (int i = 0; i < OPS; i++)
		ops[i] = (struct hv_kvp_op) {
			.key = PTR(key), .key_len = sizeof(key),
			.value = PTR(value), .value_len = sizeof(value),
			.op = HV_KVP_OP_SET, .type = HV_KVP_TYPE_SZ,
		};
	for (;;)
		FAILS(ioctl(fd, HV_KVP_IOC_BATCH, &arg), EINVAL);
}

TEST(killed_in_a_batch)
{
	int fd = open_device(O_RDWR);
	long before = objects();

	for (int i = 0; i < KILLS; i++) {
		pid_t pid = OK(fork());

		if (!pid)
			try_batches(fd);
		rest(10 + i / 10);
		OK(kill(pid, SIGKILL));
		OK(waitpid(pid, NULL, 0));
	}
	/* it would be one for each, and others may come and go meanwhile */
	CHECK(objects() - before < KILLS / 4);
}
