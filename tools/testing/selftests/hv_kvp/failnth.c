// SPDX-License-Identifier: GPL-2.0
/*
 * Every allocation of every call fails in turn (/proc/PID/fail-nth): the call
 * then fails with ENOMEM and has changed nothing, or did without.
 *
 *	hv_kvp_failnth			all calls of the device
 *	hv_kvp_failnth MODULE N PARAMS	inserts the module, the Nth allocation
 *					of that fails; prints what came of it
 *
 * Needs failslab with ignore-gfp-wait off.
 */
#include <errno.h>
#include <fcntl.h>
#include <stdbool.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/ioctl.h>
#include <sys/syscall.h>
#include <unistd.h>

#include <linux/hv_kvp.h>

#define PTR(p)		((uint64_t)(uintptr_t)(p))
#define POOL		HVKVP_POOL_GUEST
#define HOSTS		HVKVP_POOL_EXTERNAL
#define ITEMS		40
#define STALE		5
#define MOST		1000

/* What a pool holds, zeroes behind. */
struct snapshot {
	uint64_t generation;
	char items[32768];
};

static struct snapshot before[2], after[2];
static char buffer[4096] __attribute__((aligned(8)));
static int fd, nth_fd;

static void arm(unsigned int n)
{
	char text[16];
	int len = snprintf(text, sizeof(text), "%u", n);

	if (pwrite(nth_fd, text, len, 0) != len) {
		printf("fail-nth: %s\n", strerror(errno));
		exit(2);
	}
}

/* What is left to count, 0 if an allocation has failed. */
static unsigned int disarm(void)
{
	char text[16] = { 0 };
	unsigned int left;

	if (pread(nth_fd, text, sizeof(text) - 1, 0) < 0)
		exit(2);
	left = strtoul(text, NULL, 0);
	if (left)
		arm(0);
	return left;
}

static int set(const char *key, const char *value)
{
	struct hvkvp_set arg = {
		.key = PTR(key), .key_len = strlen(key), .value = PTR(value),
		.value_len = strlen(value), .pool = POOL,
		.type = HVKVP_TYPE_SZ,
	};

	return ioctl(fd, HVKVP_IOC_SET, &arg);
}

static int delete(const char *key)
{
	struct hvkvp_delete arg = {
		.key = PTR(key), .key_len = strlen(key), .pool = POOL,
	};

	return ioctl(fd, HVKVP_IOC_DELETE, &arg);
}

/* All items and the generation. */
static void snapshot_pool(struct snapshot *to, unsigned int pool)
{
	struct hvkvp_list list = {
		.buffer = PTR(to->items), .pool = pool,
		.size = sizeof(to->items),
	};

	memset(to, 0, sizeof(*to));
	if (ioctl(fd, HVKVP_IOC_LIST, &list) || list.cursor) {
		printf("list: %s\n", strerror(errno));
		exit(2);
	}
	to->generation = list.generation;
}

static void snapshot(struct snapshot to[2])
{
	snapshot_pool(&to[0], POOL);
	snapshot_pool(&to[1], HOSTS);
}

/* The calls; each is possible again after undo. */

static int set_new(void)
{
	return set("new", "value");
}

static int set_again(void)
{
	return set("item7", "another value, longer than the old one");
}

static int delete_one(void)
{
	return delete("item7");
}

static int batch(void)
{
	struct hvkvp_op ops[6] = { 0 };
	static const char * const keys[] = {
		"new1", "new2", "item3", "new3", "item4", "item5"
	};
	struct hvkvp_batch arg = {
		.ops = PTR(ops), .pool = POOL, .count = 6,
		.op_size = sizeof(ops[0]),
	};

	for (int i = 0; i < 6; i++) {
		ops[i].key = PTR(keys[i]);
		ops[i].key_len = strlen(keys[i]);
		ops[i].op = i == 5 ? HVKVP_OP_DELETE : HVKVP_OP_SET;
		if (i == 5)
			continue;
		ops[i].type = HVKVP_TYPE_SZ;
		ops[i].value = PTR("six at once");
		ops[i].value_len = 11;
	}
	return ioctl(fd, HVKVP_IOC_BATCH, &arg);
}

/* What is imported into a pool of the host's is stale until the host sets it. */
static int import_into(unsigned int pool, const char *key)
{
	struct hvkvp_op op = {
		.key = PTR(key), .key_len = strlen(key), .value = PTR("v"),
		.value_len = 1, .op = HVKVP_OP_SET, .type = HVKVP_TYPE_SZ,
	};
	struct hvkvp_import arg = {
		.ops = PTR(&op), .pool = pool, .count = 1,
		.op_size = sizeof(op),
	};

	return ioctl(fd, HVKVP_IOC_IMPORT, &arg);
}

static int import(void)
{
	return import_into(POOL, "imported");
}

static int purge(void)
{
	struct hvkvp_purge arg = { .pool = HOSTS };
	int ret = ioctl(fd, HVKVP_IOC_PURGE, &arg);

	if (!ret && arg.count != STALE) {
		printf("# %u purged\n", arg.count);
		exit(2);
	}
	return ret;
}

static int get(void)
{
	char value[64];
	struct hvkvp_get arg = {
		.key = PTR("item7"), .key_len = 5, .value = PTR(value),
		.value_size = sizeof(value), .pool = POOL,
	};

	return ioctl(fd, HVKVP_IOC_GET, &arg);
}

static int list(void)
{
	struct hvkvp_list arg = {
		.buffer = PTR(buffer), .pool = POOL, .size = 512,
	};
	int other = open("/dev/hv_kvp", O_RDWR);
	int ret = other < 0 ? other : ioctl(other, HVKVP_IOC_LIST, &arg);
	int error = errno;

	if (other >= 0)
		close(other);
	errno = error;
	return ret;
}

static int open_and_read(void)
{
	int other = open("/dev/hv_kvp", O_RDWR | O_NONBLOCK);
	int ret = other < 0 ? other : read(other, buffer, sizeof(buffer));
	int error = errno;

	if (other >= 0)
		close(other);
	errno = error;
	return ret < 0 && error == EAGAIN ? 0 : ret;
}

static void fill(void)
{
	char key[16];

	for (int i = 0; i < ITEMS; i++) {
		snprintf(key, sizeof(key), "item%d", i);
		if (set(key, "value")) {
			printf("set: %s\n", strerror(errno));
			exit(2);
		}
	}
	for (int i = 0; i < STALE; i++) {
		snprintf(key, sizeof(key), "stale%d", i);
		if (import_into(HOSTS, key)) {
			printf("import: %s\n", strerror(errno));
			exit(2);
		}
	}
}

static void undo(void)
{
	static const char * const added[] = {
		"new", "new1", "new2", "new3", "imported"
	};

	for (size_t i = 0; i < sizeof(added) / sizeof(*added); i++)
		delete(added[i]);
	fill();
}

/* Returns whether all went well; prints a line of KTAP. */
static bool try_all(int number, const char *name, int (*call)(void))
{
	unsigned int n, refused = 0;
	bool good = true;
	int ret, error;

	for (n = 1; n < MOST && good; n++) {
		undo();
		snapshot(before);
		arm(n);
		ret = call();
		error = errno;
		if (disarm())
			break;
		snapshot(after);
		if (ret < 0) {
			refused++;
			good = error == ENOMEM &&
			       !memcmp(before, after, sizeof(before));
			if (!good)
				printf("# %s, allocation %u: %s\n", name, n,
				       strerror(error));
		}
	}
	if (good && ret < 0) {
		printf("# %s without a failure: %s\n", name, strerror(error));
		good = false;
	}
	good &= n > 1 && n < MOST;
	printf("%sok %d %s # %u allocations, %u refused\n",
	       good ? "" : "not ", number, name, n - 1, refused);
	return good;
}

static int insert(const char *module, unsigned int n, const char *params)
{
	int file = open(module, O_RDONLY);
	int error = 0;
	unsigned int left;

	if (file < 0)
		return 2;
	arm(n);
	if (syscall(SYS_finit_module, file, params, 0))
		error = errno;
	left = disarm();
	printf("%u %s\n", left, error ? strerror(error) : "inserted");
	return 0;
}

int main(int argc, char **argv)
{
	static const struct {
		const char *name;
		int (*call)(void);
	} calls[] = {
		{ "set of a new key", set_new },
		{ "set of a key that is there", set_again },
		{ "delete", delete_one }, { "batch", batch },
		{ "import", import }, { "get", get }, { "purge", purge },
		{ "open and list", list }, { "open and read", open_and_read },
	};
	int count = sizeof(calls) / sizeof(*calls);
	int passed = 0;

	nth_fd = open("/proc/self/fail-nth", O_RDWR);
	if (nth_fd < 0) {
		printf("/proc/self/fail-nth: %s\n", strerror(errno));
		return 2;
	}
	if (argc == 4)
		return insert(argv[1], strtoul(argv[2], NULL, 0), argv[3]);
	fd = open("/dev/hv_kvp", O_RDWR);
	if (fd < 0)
		return 2;
	printf("KTAP version 1\n1..%d\n", count);
	for (int i = 0; i < count; i++)
		passed += try_all(i + 1, calls[i].name, calls[i].call);
	printf("%d passed, %d failed\n", passed, count - passed);
	return passed != count;
}
