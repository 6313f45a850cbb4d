// SPDX-License-Identifier: GPL-2.0
/*
 * Every allocation of every call fails in turn (/proc/PID/fail-nth): the call
 * then fails with ENOMEM, has changed nothing and succeeds when it is made again;
 * or it did without. Calls that need no memory fail for want of it in no case.
 *
 *	hv_kvp_failnth			all calls of both devices
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
#include <linux/hyperv.h>

#define PTR(p)		((uint64_t)(uintptr_t)(p))
#define POOL		HV_KVP_POOL_GUEST
#define HOSTS		HV_KVP_POOL_EXTERNAL
#define AUTO		HV_KVP_POOL_AUTO
#define SNAPSHOTS	3
#define ITEMS		40
#define STALE		5
#define MOST		1000
#define LEGACY		"/dev/vmbus/hv_kvp"
#define REGISTER1	100
/* Any interface that is there: lo. */
#define IFINDEX		1

/* What a pool holds, zeroes behind. */
struct snapshot {
	uint64_t generation;
	char items[32768] __attribute__((aligned(8)));
};

static struct snapshot before[SNAPSHOTS], after[SNAPSHOTS];
static char buffer[4096] __attribute__((aligned(8)));
static int fd, nth_fd;
/* A descriptor in the middle of a list, and where. */
static int list_fd = -1;
static struct hv_kvp_list half;

static void must(int ret, const char *what)
{
	if (!ret)
		return;
	printf("%s: %s\n", what, strerror(errno));
	exit(2);
}

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

static int set_in(unsigned int pool, const char *key, const char *value)
{
	struct hv_kvp_set arg = {
		.key = PTR(key), .key_len = strlen(key), .value = PTR(value),
		.value_len = strlen(value), .pool = pool,
		.type = HV_KVP_TYPE_SZ,
	};

	return ioctl(fd, HV_KVP_IOC_SET, &arg);
}

static int set(const char *key, const char *value)
{
	return set_in(POOL, key, value);
}

static int delete_in(unsigned int pool, const char *key)
{
	struct hv_kvp_delete arg = {
		.key = PTR(key), .key_len = strlen(key), .pool = pool,
	};

	return ioctl(fd, HV_KVP_IOC_DELETE, &arg);
}

static int delete(const char *key)
{
	return delete_in(POOL, key);
}

/* Whatever the intrinsic items say by themselves may change at any time. */
static void keep_overrides(struct snapshot *to, unsigned int size)
{
	unsigned int at, kept = 0, bytes;

	for (at = 0; at < size; at += bytes) {
		struct hv_kvp_item *item = (void *)(to->items + at);

		bytes = item->size;
		if (!(item->flags & HV_KVP_ITEM_OVERRIDE))
			continue;
		memmove(to->items + kept, item, bytes);
		kept += bytes;
	}
	memset(to->items + kept, 0, size - kept);
}

/* All items and the generation. */
static void snapshot_pool(struct snapshot *to, unsigned int pool)
{
	struct hv_kvp_list list = {
		.buffer = PTR(to->items), .pool = pool,
		.size = sizeof(to->items),
	};

	memset(to, 0, sizeof(*to));
	if (ioctl(fd, HV_KVP_IOC_LIST, &list) || list.cursor) {
		printf("list: %s\n", strerror(errno));
		exit(2);
	}
	to->generation = list.generation;
	if (pool == AUTO)
		keep_overrides(to, list.size);
}

static void snapshot(struct snapshot to[SNAPSHOTS])
{
	snapshot_pool(&to[0], POOL);
	snapshot_pool(&to[1], HOSTS);
	snapshot_pool(&to[2], AUTO);
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
	struct hv_kvp_op ops[6] = { 0 };
	static const char * const keys[] = {
		"new1", "new2", "item3", "new3", "item4", "item5"
	};
	struct hv_kvp_batch arg = {
		.ops = PTR(ops), .pool = POOL, .count = 6,
		.op_size = sizeof(ops[0]),
	};

	for (int i = 0; i < 6; i++) {
		ops[i].key = PTR(keys[i]);
		ops[i].key_len = strlen(keys[i]);
		ops[i].op = i == 5 ? HV_KVP_OP_DELETE : HV_KVP_OP_SET;
		if (i == 5)
			continue;
		ops[i].type = HV_KVP_TYPE_SZ;
		ops[i].value = PTR("six at once");
		ops[i].value_len = 11;
	}
	return ioctl(fd, HV_KVP_IOC_BATCH, &arg);
}

/* What is imported into a pool of the host's is stale until the host sets it. */
static int import_into(unsigned int pool, const char *key)
{
	struct hv_kvp_op op = {
		.key = PTR(key), .key_len = strlen(key), .value = PTR("v"),
		.value_len = 1, .op = HV_KVP_OP_SET, .type = HV_KVP_TYPE_SZ,
		.flags = HV_KVP_IF_ABSENT | HV_KVP_OR_SKIP,
	};
	struct hv_kvp_batch arg = {
		.ops = PTR(&op), .pool = pool, .count = 1,
		.op_size = sizeof(op),
		.owner = pool == POOL ? HV_KVP_OWNER_AGENT : HV_KVP_OWNER_HOST,
	};

	return ioctl(fd, HV_KVP_IOC_BATCH, &arg);
}

static int import(void)
{
	return import_into(POOL, "imported");
}

static int purge(void)
{
	struct hv_kvp_info info = { 0 };
	struct hv_kvp_purge arg = { .pool = HOSTS };
	int ret = ioctl(fd, HV_KVP_IOC_INFO, &info);

	arg.connection = info.connection;
	if (!ret)
		ret = ioctl(fd, HV_KVP_IOC_PURGE, &arg);

	if (!ret && arg.count != STALE) {
		printf("# %u purged\n", arg.count);
		exit(2);
	}
	return ret;
}

static int get(void)
{
	char value[64];
	struct hv_kvp_get arg = {
		.key = PTR("item7"), .key_len = 5, .value = PTR(value),
		.value_size = sizeof(value), .pool = POOL,
	};

	return ioctl(fd, HV_KVP_IOC_GET, &arg);
}

static int get_auto(void)
{
	char value[1024];
	struct hv_kvp_get arg = {
		.key = PTR("OSVersion"), .key_len = 9, .value = PTR(value),
		.value_size = sizeof(value), .pool = AUTO,
	};

	return ioctl(fd, HV_KVP_IOC_GET, &arg);
}

static int override_new(void)
{
	return set_in(AUTO, "OSName", "a name");
}

static int override_again(void)
{
	return set_in(AUTO, "OSVersion", "a version, longer than the old one");
}

static int override_drop(void)
{
	return delete_in(AUTO, "OSVersion");
}

static int list_of(unsigned int pool)
{
	struct hv_kvp_list arg = {
		.buffer = PTR(buffer), .pool = pool, .size = 512,
	};
	int other = open("/dev/hv_kvp", O_RDWR);
	int ret = other < 0 ? other : ioctl(other, HV_KVP_IOC_LIST, &arg);
	int error = errno;

	if (other >= 0)
		close(other);
	errno = error;
	return ret;
}

static int list(void)
{
	return list_of(POOL);
}

static int list_auto(void)
{
	return list_of(AUTO);
}

/* Begins a list, which call after call goes on with. */
static void begin_list(unsigned int pool)
{
	half = (struct hv_kvp_list) {
		.buffer = PTR(buffer), .pool = pool, .size = 512,
	};
	if (list_fd >= 0)
		close(list_fd);
	list_fd = open("/dev/hv_kvp", O_RDWR);
	must(list_fd < 0 || ioctl(list_fd, HV_KVP_IOC_LIST, &half) ||
	     !half.cursor, "first part of a list");
}

static void begin_list_guest(void)
{
	begin_list(POOL);
}

static void begin_list_auto(void)
{
	begin_list(AUTO);
}

/* The second part, from the cursor on; what was listed first does not come again. */
static int list_on(void)
{
	struct hv_kvp_list arg = half;
	int ret;

	arg.size = sizeof(buffer);
	ret = ioctl(list_fd, HV_KVP_IOC_LIST, &arg);
	if (!ret && (!arg.count || arg.count > arg.total - half.count)) {
		printf("# %u and %u of %u items\n", half.count, arg.count,
		       arg.total);
		exit(2);
	}
	return ret;
}

static int agent(unsigned int flags)
{
	struct hv_kvp_ip_agent arg = { .flags = flags };

	return ioctl(fd, HV_KVP_IOC_IP_AGENT, &arg);
}

/* Be the agent no more, which forgets what it supplied, and be it again. */
static int agent_again(void)
{
	return agent(0) ?: agent(HV_KVP_IP_AGENT_ON);
}

/* Without a request of the host's there is none to be had, and none to answer. */
static int ip_request(void)
{
	static struct hv_kvp_ip_config config;
	struct hv_kvp_ip_request arg = {
		.config = PTR(&config), .config_size = sizeof(config),
	};

	return ioctl(fd, HV_KVP_IOC_IP_REQUEST, &arg);
}

static int ip_answer(void)
{
	struct hv_kvp_ip_answer arg = { .id = ~0ULL, .result = HV_KVP_IP_DONE };

	return ioctl(fd, HV_KVP_IOC_IP_ANSWER, &arg);
}

static int report(void)
{
	unsigned char v4[2][4] = { { 10, 0, 0, 1 }, { 10, 0, 0, 2 } };
	unsigned char v6[1][16] = { { 0xfe, 0x80, [15] = 1 } };
	struct hv_kvp_ip_report arg = {
		.v4_dns = PTR(v4), .v6_dns = PTR(v6), .v4_dns_count = 2,
		.v6_dns_count = 1, .ifindex = IFINDEX,
		.dhcp = HV_KVP_IP_DHCP_ON,
	};

	return ioctl(fd, HV_KVP_IOC_IP_REPORT, &arg);
}

/* The agent, who has reported nothing yet. */
static void be_new_agent(void)
{
	must(agent(0) || agent(HV_KVP_IP_AGENT_ON), "IP agent");
}

/* The agent, who has reported one interface. */
static void be_agent(void)
{
	be_new_agent();
	must(report(), "report");
}

static int report_nothing(void)
{
	struct hv_kvp_ip_report arg = { .ifindex = IFINDEX };

	return ioctl(fd, HV_KVP_IOC_IP_REPORT, &arg);
}

static int mirror_again(void)
{
	struct hv_kvp_mirror arg = { 0 };
	int ret = ioctl(fd, HV_KVP_IOC_MIRROR, &arg);

	arg.flags = HV_KVP_MIRROR_ON;
	return ret ?: ioctl(fd, HV_KVP_IOC_MIRROR, &arg);
}

/* One message of the old protocol; -1 and errno. */
static int exchange(int legacy, struct hv_kvp_msg *msg, unsigned int operation)
{
	int ret;

	memset(msg, 0, sizeof(*msg));
	msg->kvp_hdr.operation = operation;
	ret = write(legacy, msg, sizeof(*msg));
	if (ret >= 0)
		ret = read(legacy, msg, sizeof(*msg));
	return ret < 0 ? ret : 0;
}

/*
 * The old daemon: registers, is told an item of the host's, says that it has it.
 * There is one at a time: who failed and stayed would be in the way of the next.
 */
static int legacy(void)
{
	int other = open(LEGACY, O_RDWR | O_NONBLOCK);
	struct hv_kvp_msg msg;
	int ret, error;

	if (other < 0)
		return other;
	ret = exchange(other, &msg, REGISTER1);
	if (!ret && msg.kvp_hdr.operation == REGISTER1)
		ret = read(other, &msg, sizeof(msg));
	if (ret > 0)
		ret = exchange(other, &msg, 0);
	error = errno;
	if (!ret && msg.kvp_hdr.operation != KVP_OP_SET) {
		printf("# operation %d\n", msg.kvp_hdr.operation);
		exit(2);
	}
	close(other);
	errno = error;
	return ret;
}

/* What is there already is no event, so that it is EAGAIN. */
static int open_and_read(void)
{
	struct hv_kvp_watch arg = { .pools = 1U << POOL };
	int other = open("/dev/hv_kvp", O_RDWR | O_NONBLOCK);
	int ret = other < 0 ? other : ioctl(other, HV_KVP_IOC_WATCH, &arg);
	int error;

	if (!ret)
		ret = read(other, buffer, sizeof(buffer));
	error = errno;

	if (other >= 0)
		close(other);
	errno = error;
	return ret < 0 && error == EAGAIN ? 0 : ret;
}

static void set_item(int i)
{
	char key[16];

	snprintf(key, sizeof(key), "item%d", i);
	must(set(key, "value"), "set");
}

static void fill(void)
{
	for (int i = 0; i < ITEMS; i++)
		set_item(i);
}

/* What the calls do, undone. */
static void undo(void)
{
	static const char * const added[] = {
		"new", "new1", "new2", "new3", "imported"
	};
	static const int touched[] = { 3, 4, 5, 7 };
	char key[16];

	for (size_t i = 0; i < sizeof(added) / sizeof(*added); i++)
		delete(added[i]);
	for (size_t i = 0; i < sizeof(touched) / sizeof(*touched); i++)
		set_item(touched[i]);
	for (int i = 0; i < STALE; i++) {
		snprintf(key, sizeof(key), "stale%d", i);
		must(import_into(HOSTS, key), "import");
	}
	delete_in(AUTO, "OSName");
	must(set_in(AUTO, "OSVersion", "1.0"), "set of an override");
}

/**
 * struct call - a call, possible again after undo()
 * @name: for the report
 * @call: makes it; -1 and errno
 * @prepare: what it needs besides, or NULL
 * @outcome: errno without a failure, mostly 0
 * @free: needs no memory
 */
struct call {
	const char *name;
	int (*call)(void);
	void (*prepare)(void);
	int outcome;
	bool free;
};

/* The errno of @call. */
static int result(const struct call *call)
{
	return call->call() < 0 ? errno : 0;
}

/*
 * Allocation @n of @call has failed, and so has the call with @error: all is as
 * it was, the call can be made again, and then it does what it says.
 */
static bool is_harmless(const struct call *call, unsigned int n, int error)
{
	int again;

	if (error != ENOMEM || call->free ||
	    memcmp(before, after, sizeof(before))) {
		printf("# %s, allocation %u: %s\n", call->name, n,
		       strerror(error));
		return false;
	}
	again = result(call);
	if (again != call->outcome)
		printf("# %s again after allocation %u: %s\n", call->name, n,
		       strerror(again));
	return again == call->outcome;
}

/* Returns whether all went well; prints a line of KTAP. */
static bool try_all(int number, const struct call *call)
{
	unsigned int n, refused = 0;
	bool good = true;
	int error = 0;

	for (n = 1; n < MOST && good; n++) {
		undo();
		if (call->prepare)
			call->prepare();
		snapshot(before);
		arm(n);
		error = result(call);
		if (disarm())
			break;
		if (error == call->outcome)
			continue;
		snapshot(after);
		refused++;
		good = is_harmless(call, n, error);
	}
	if (good && error != call->outcome) {
		printf("# %s without a failure: %s\n", call->name,
		       strerror(error));
		good = false;
	}
	good &= n < MOST && (n > 1 || call->free);
	printf("%sok %d %s # %u allocations, %u refused\n",
	       good ? "" : "not ", number, call->name, n - 1, refused);
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
	static const struct call calls[] = {
		{ .name = "set of a new key", .call = set_new },
		{ .name = "set of a key that is there", .call = set_again },
		{ .name = "delete", .call = delete_one },
		{ .name = "batch", .call = batch },
		{ .name = "import", .call = import },
		{ .name = "get", .call = get },
		{ .name = "purge", .call = purge },
		{ .name = "open and list", .call = list },
		{ .name = "open and read", .call = open_and_read },
		{ .name = "override", .call = override_new },
		{ .name = "override once more", .call = override_again },
		{ .name = "drop of an override", .call = override_drop },
		{ .name = "get of an intrinsic item", .call = get_auto },
		{ .name = "open and list intrinsic items", .call = list_auto },
		{ .name = "list from a cursor", .call = list_on,
		  .prepare = begin_list_guest },
		{ .name = "list of intrinsic items from a cursor",
		  .call = list_on, .prepare = begin_list_auto },
		{ .name = "IP agent's end and beginning", .call = agent_again,
		  .prepare = be_agent, .free = true },
		{ .name = "request for the IP agent", .call = ip_request,
		  .prepare = be_agent, .outcome = ENOENT, .free = true },
		{ .name = "answer of the IP agent", .call = ip_answer,
		  .prepare = be_agent, .outcome = ESTALE, .free = true },
		{ .name = "mirror's end and beginning", .call = mirror_again,
		  .free = true },
		{ .name = "report of the IP agent", .call = report,
		  .prepare = be_new_agent },
		{ .name = "report once more", .call = report,
		  .prepare = be_agent },
		{ .name = "report of nothing", .call = report_nothing,
		  .prepare = be_agent, .free = true },
		{ .name = "old daemon registers, reads and answers",
		  .call = legacy },
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
	fill();
	printf("KTAP version 1\n1..%d\n", count);
	for (int i = 0; i < count; i++)
		passed += try_all(i + 1, &calls[i]);
	printf("%d passed, %d failed\n", passed, count - passed);
	return passed != count;
}
