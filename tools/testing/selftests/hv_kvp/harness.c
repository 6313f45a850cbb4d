// SPDX-License-Identifier: GPL-2.0
/* Runs the tests, each in a process of its own, and prints KTAP. */
#define _GNU_SOURCE
#include <poll.h>
#include <sched.h>
#include <signal.h>
#include <stdarg.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <time.h>

#include "harness.h"

#define MAX_TESTS	200
#define TIMEOUT		120	/* seconds; the guest may be emulated */
#define SKIPPED		4	/* exit code */
#define LIST_BUFFER	65536

static struct test {
	const char *file;
	const char *name;
	void (*fn)(void);
} tests[MAX_TESTS];

static unsigned int test_count;

volatile uintptr_t bad_address = 16;

void add_test(const char *file, const char *name, void (*fn)(void))
{
	if (test_count == MAX_TESTS)
		abort();
	tests[test_count++] = (struct test) { file, name, fn };
}

void fail(const char *file, int line, const char *fmt, ...)
{
	va_list args;

	printf("# %s:%d: ", file, line);
	va_start(args, fmt);
	vprintf(fmt, args);
	va_end(args);
	printf("\n");
	fflush(stdout);
	_exit(1);
}

void skip_without(const char *missing)
{
	printf("# the kernel has no %s\n", missing);
	fflush(stdout);
	_exit(SKIPPED);
}

void enter_user_namespace(void)
{
	if (access("/proc/self/ns/user", F_OK))
		skip_without("user namespaces");
	OK(unshare(CLONE_NEWUSER));
}

int open_device(int flags)
{
	return OK(open(DEVICE, flags | O_CLOEXEC));
}

/* As a user without capabilities, which is not root. */
int open_device_as(unsigned int uid, int flags)
{
	int fd;

	OK(chmod(DEVICE, 0666));
	OK(seteuid(uid));
	fd = open_device(flags);
	OK(seteuid(0));
	OK(chmod(DEVICE, 0600));
	return fd;
}

int set_typed(int fd, unsigned int pool, unsigned int type, const void *key,
	      size_t key_len, const void *value, size_t value_len)
{
	struct hv_kvp_set arg = {
		.key = PTR(key), .key_len = key_len, .value = PTR(value),
		.value_len = value_len, .pool = pool, .type = type,
	};

	return ioctl(fd, HV_KVP_IOC_SET, &arg);
}

int set(int fd, const char *key, const char *value)
{
	return set_typed(fd, HV_KVP_POOL_GUEST, HV_KVP_TYPE_SZ, key, strlen(key),
			 value, strlen(value));
}

int get_into(int fd, unsigned int pool, const void *key, size_t key_len,
	     void *value, size_t size, struct hv_kvp_get *arg)
{
	memset(arg, 0, sizeof(*arg));
	arg->key = PTR(key);
	arg->key_len = key_len;
	arg->value = PTR(value);
	arg->value_size = size;
	arg->pool = pool;
	return ioctl(fd, HV_KVP_IOC_GET, arg);
}

/* The value with a NUL in static memory, or NULL. */
char *get(int fd, unsigned int pool, const char *key)
{
	static char value[HV_KVP_VALUE_MAX + 1];
	struct hv_kvp_get arg;

	if (get_into(fd, pool, key, strlen(key), value, HV_KVP_VALUE_MAX, &arg))
		return NULL;
	value[arg.value_size] = '\0';
	return value;
}

int delete(int fd, const char *key)
{
	struct hv_kvp_delete arg = {
		.key = PTR(key), .key_len = strlen(key),
		.pool = HV_KVP_POOL_GUEST,
	};

	return ioctl(fd, HV_KVP_IOC_DELETE, &arg);
}

int import_one(int fd, unsigned int pool, bool replace, const char *key,
	       const char *value, unsigned int *kept)
{
	struct hv_kvp_op op = {
		.key = PTR(key), .key_len = strlen(key), .value = PTR(value),
		.value_len = strlen(value), .op = HV_KVP_OP_SET,
		.type = HV_KVP_TYPE_SZ,
		.flags = replace ? 0 : HV_KVP_IF_ABSENT | HV_KVP_OR_SKIP,
	};
	struct hv_kvp_batch arg = {
		.ops = PTR(&op), .pool = pool, .count = 1, .op_size = sizeof(op),
		.owner = pool == HV_KVP_POOL_GUEST ? HV_KVP_OWNER_AGENT :
						     HV_KVP_OWNER_HOST,
	};
	int ret = ioctl(fd, HV_KVP_IOC_BATCH, &arg);

	if (kept)
		*kept = arg.skipped;
	return ret;
}

int purge(int fd, unsigned int pool, unsigned int *count)
{
	struct hv_kvp_purge arg = {
		.pool = pool, .connection = info(fd).connection,
	};
	int ret = ioctl(fd, HV_KVP_IOC_PURGE, &arg);

	if (count)
		*count = arg.count;
	return ret;
}

struct hv_kvp_info info(int fd)
{
	struct hv_kvp_info arg;

	OK(ioctl(fd, HV_KVP_IOC_INFO, &arg));
	return arg;
}

struct hv_kvp_pool_info pool_info(int fd, unsigned int pool)
{
	struct hv_kvp_pool_info arg = { .pool = pool };

	OK(ioctl(fd, HV_KVP_IOC_POOL_INFO, &arg));
	return arg;
}

const char *key_of(const struct hv_kvp_item *item)
{
	return (const char *)item + item->key_offset;
}

const char *value_of(const struct hv_kvp_item *item)
{
	return (const char *)item + item->value_offset;
}

int watch_pools(int fd, unsigned int pools, unsigned int flags)
{
	struct hv_kvp_watch arg = { .pools = pools, .flags = flags };

	return ioctl(fd, HV_KVP_IOC_WATCH, &arg);
}

uint64_t generation(int fd, unsigned int pool)
{
	return pool_info(fd, pool).generation;
}

unsigned int count_items(int fd, unsigned int pool)
{
	return pool_info(fd, pool).items;
}

/*
 * By poll(), which takes no struct timespec: a kernel without
 * CONFIG_COMPAT_32BIT_TIME has no other sleep for a 32-bit libc.
 */
void rest(int ms)
{
	EQUAL(poll(NULL, 0, ms), 0);
}

/* Sets key-0 to key-(count - 1), count being at most a batch. */
void set_many(int fd, unsigned int count, const char *value)
{
	struct hv_kvp_op *ops = calloc(count, sizeof(*ops));
	char (*keys)[16] = calloc(count, sizeof(*keys));
	struct hv_kvp_batch arg = {
		.ops = PTR(ops), .pool = HV_KVP_POOL_GUEST, .count = count,
		.op_size = sizeof(*ops),
	};

	CHECK(ops && keys);
	for (unsigned int i = 0; i < count; i++) {
		snprintf(keys[i], sizeof(keys[i]), "key-%u", i);
		ops[i].key = PTR(keys[i]);
		ops[i].key_len = strlen(keys[i]);
		ops[i].value = PTR(value);
		ops[i].value_len = strlen(value);
		ops[i].type = HV_KVP_TYPE_SZ;
		ops[i].op = HV_KVP_OP_SET;
	}
	OK(ioctl(fd, HV_KVP_IOC_BATCH, &arg));
	free(keys);
	free(ops);
}

char *edge(void)
{
	long page = sysconf(_SC_PAGESIZE);
	char *map = mmap(NULL, 2 * page, PROT_READ | PROT_WRITE,
			 MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);

	CHECK(map != MAP_FAILED);
	OK(mprotect(map + page, page, PROT_NONE));
	return map + page;
}

/* Deletes what can be: in pool AUTO that is overrides. */
static void empty(int fd, unsigned int pool)
{
	static char buffer[LIST_BUFFER];
	struct hv_kvp_list list;

	do {
		memset(&list, 0, sizeof(list));
		list.buffer = PTR(buffer);
		list.size = sizeof(buffer);
		list.pool = pool;
		OK(ioctl(fd, HV_KVP_IOC_LIST, &list));
		for (unsigned int at = 0; at < list.size;) {
			struct hv_kvp_item *item = (void *)(buffer + at);
			struct hv_kvp_delete arg = {
				.key = PTR(key_of(item)),
				.key_len = item->key_len,
				.pool = pool,
			};

			if (pool != HV_KVP_POOL_AUTO ||
			    item->flags & HV_KVP_ITEM_OVERRIDE)
				OK(ioctl(fd, HV_KVP_IOC_DELETE, &arg));
			at += item->size;
		}
	} while (list.cursor);
}

/* Leaves pool GUEST empty, nothing overridden and nothing stale elsewhere. */
static void clean(void)
{
	int fd = open_device(O_RDWR);

	empty(fd, HV_KVP_POOL_GUEST);
	empty(fd, HV_KVP_POOL_AUTO);
	OK(purge(fd, HV_KVP_POOL_EXTERNAL, NULL));
	OK(purge(fd, HV_KVP_POOL_AUTO_EXTERNAL, NULL));
	OK(purge(fd, HV_KVP_POOL_AUTO_INTERNAL, NULL));
	close(fd);
}

/* Returns its exit code, or something else that is not 0. */
static int run(const struct test *test)
{
	pid_t pid;
	int status;

	fflush(stdout);
	pid = fork();
	if (!pid) {
		alarm(TIMEOUT);
		clean();
		test->fn();
		fflush(stdout);
		_exit(0);
	}
	if (pid < 0 || waitpid(pid, &status, 0) != pid)
		return -1;
	if (WIFSIGNALED(status))
		printf("# signal %d\n", WTERMSIG(status));
	return WIFEXITED(status) ? WEXITSTATUS(status) : -1;
}

/* "test_get.c" is "get" */
static const char *group(const struct test *test)
{
	const char *start = test->file + strlen("test_");
	static char name[64];

	snprintf(name, sizeof(name), "%.*s", (int)strcspn(start, "."), start);
	return name;
}

static bool wanted(const struct test *test, char **words)
{
	bool all = !*words;

	for (; *words; words++)
		all |= !strcmp(*words, group(test)) ||
		       !strcmp(*words, test->name);
	return all;
}

static double seconds(void)
{
	struct timespec now;

	clock_gettime(CLOCK_MONOTONIC, &now);
	return now.tv_sec + now.tv_nsec / 1e9;
}

int main(int argc, char **argv)
{
	unsigned int passed = 0, failed = 0, skipped = 0;

	(void)argc;
	printf("KTAP version 1\n");
	for (unsigned int i = 0; i < test_count; i++) {
		bool ok, skip;
		double start;
		int code;

		if (!wanted(&tests[i], argv + 1))
			continue;
		start = seconds();
		code = run(&tests[i]);
		ok = !code;
		skip = code == SKIPPED;
		passed += ok;
		skipped += skip;
		failed += !ok && !skip;
		printf("%s %u %s.%s", ok || skip ? "ok" : "not ok",
		       passed + failed + skipped, group(&tests[i]),
		       tests[i].name);
		if (skip)
			printf(" # SKIP see above\n");
		else
			printf(" # %.1f s\n", seconds() - start);
	}
	printf("1..%u\n%u passed, %u failed", passed + failed + skipped,
	       passed, failed);
	printf(skipped ? ", %u skipped\n" : "\n", skipped);
	return failed || !passed;
}

void check_one_has(int (*call)(int fd, unsigned int flags), unsigned int on)
{
	int a = open_device(O_RDWR), b = open_device(O_RDWR);

	OK(call(a, on));
	OK(call(a, on));
	FAILS(call(b, on), EBUSY);
	OK(call(b, 0));
	FAILS(call(b, on), EBUSY);
	OK(call(a, 0));
	OK(call(b, on));
	close(b);
	OK(call(a, on));
}
