// SPDX-License-Identifier: GPL-2.0
/*
 * Agents at work on pool GUEST, several at a time and for as long as told. Each
 * checks what must hold whatever the others do, and prints how often it did
 * what; exit code 1 and a line when something did not hold.
 *
 *	hv_kvp_stress SECONDS own N	keys of its own, compared with a model
 *	hv_kvp_stress SECONDS pair N	two keys with one value, in one batch
 *	hv_kvp_stress SECONDS count N	adds to a counter by compare-and-swap
 *	hv_kvp_stress SECONDS list N	lists; both keys of a pair are equal
 *	hv_kvp_stress SECONDS watch N	change records; generations only grow
 *
 * N tells the agents of a kind apart, and is where their numbers start.
 */
#include <errno.h>
#include <fcntl.h>
#include <poll.h>
#include <stdarg.h>
#include <stdbool.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/ioctl.h>
#include <time.h>
#include <unistd.h>

#include <linux/hv_kvp.h>

#define PTR(p)		((uint64_t)(uintptr_t)(p))
#define KEYS		32
#define POOL		HV_KVP_POOL_GUEST

static char buffer[8192] __attribute__((aligned(8)));
static int fd;
static unsigned int me;
static time_t end;
static uint64_t seed;
static unsigned long done, again;

static void __attribute__((noreturn, format(printf, 1, 2)))
die(const char *fmt, ...)
{
	va_list args;

	va_start(args, fmt);
	vprintf(fmt, args);
	va_end(args);
	printf("\n");
	exit(1);
}

static bool going(void)
{
	struct timespec now;

	clock_gettime(CLOCK_MONOTONIC, &now);
	return now.tv_sec < end;
}

static uint32_t below(uint32_t n)
{
	seed ^= seed << 13;
	seed ^= seed >> 7;
	seed ^= seed << 17;
	return (seed >> 16) % n;
}

/* A call that may fail with no more than this error, whatever others do. */
static int call(unsigned long cmd, void *arg, int allowed)
{
	int ret = ioctl(fd, cmd, arg);

	if (ret && errno != allowed)
		die("ioctl %lx: %s", cmd, strerror(errno));
	return ret;
}

static void set(const char *key, uint64_t value)
{
	struct hv_kvp_set arg = {
		.key = PTR(key), .key_len = strlen(key), .value = PTR(&value),
		.value_len = sizeof(value), .pool = POOL,
		.type = HV_KVP_TYPE_QWORD,
	};

	call(HV_KVP_IOC_SET, &arg, 0);
}

static bool delete(const char *key)
{
	struct hv_kvp_delete arg = {
		.key = PTR(key), .key_len = strlen(key), .pool = POOL,
	};

	return !call(HV_KVP_IOC_DELETE, &arg, ENOENT);
}

static bool get(const char *key, uint64_t *value, uint64_t *generation)
{
	struct hv_kvp_get arg = {
		.key = PTR(key), .key_len = strlen(key), .value = PTR(value),
		.value_size = sizeof(*value), .pool = POOL,
	};
	bool there = !call(HV_KVP_IOC_GET, &arg, ENOENT);

	*generation = arg.generation;
	return there;
}

/* Nobody else touches these keys: what was written is what is there. */
static void write_own(void)
{
	uint64_t model[KEYS] = { 0 }, value, generation;
	char key[32];

	while (going()) {
		unsigned int i = below(KEYS);
		bool there = model[i];

		snprintf(key, sizeof(key), "own.%u.%u", me, i);
		switch (below(4)) {
		case 0:
			if (delete(key) != there)
				die("%s: deleted, should %sbe there", key,
				    there ? "" : "not ");
			model[i] = 0;
			break;
		case 1:
		case 2:
			model[i] = ++done << 8 | me;
			set(key, model[i]);
			break;
		}
		if (get(key, &value, &generation) != !!model[i] ||
		    (model[i] && value != model[i]))
			die("%s: not what was written", key);
	}
}

static void write_pairs(void)
{
	uint64_t value = 0;
	struct hv_kvp_op ops[2] = {
		{ .key = PTR("pair.a"), .key_len = 6, .op = HV_KVP_OP_SET,
		  .value = PTR(&value), .value_len = sizeof(value),
		  .type = HV_KVP_TYPE_QWORD },
	};

	ops[1] = ops[0];
	ops[1].key = PTR("pair.b");
	while (going()) {
		struct hv_kvp_batch arg = {
			.ops = PTR(ops), .pool = POOL, .count = 2,
			.op_size = sizeof(ops[0]),
		};

		value = ++done << 8 | me;
		call(HV_KVP_IOC_BATCH, &arg, 0);
	}
}

/* The sum of what all of them say they added is what the counter holds. */
static void add(void)
{
	uint64_t value, generation;
	struct hv_kvp_op op = {
		.key = PTR("counter"), .key_len = 7, .op = HV_KVP_OP_SET,
		.value = PTR(&value), .value_len = sizeof(value),
		.type = HV_KVP_TYPE_QWORD,
	};

	while (going()) {
		struct hv_kvp_batch arg = {
			.ops = PTR(&op), .pool = POOL, .count = 1,
			.op_size = sizeof(op),
			.flags = HV_KVP_BATCH_IF_GENERATION,
		};

		if (!get("counter", &value, &generation))
			value = 0;
		value++;
		arg.if_generation = generation;
		if (call(HV_KVP_IOC_BATCH, &arg, ESTALE))
			again++;
		else
			done++;
	}
}

static void look_at(const struct hv_kvp_item *item, uint64_t *a, uint64_t *b)
{
	const char *key = (const char *)item + item->key_offset;
	const char *value = (const char *)item + item->value_offset;

	if (!strcmp(key, "pair.a"))
		memcpy(a, value, sizeof(*a));
	else if (!strcmp(key, "pair.b"))
		memcpy(b, value, sizeof(*b));
}

/* One snapshot, in pieces; some are left in the middle, with its pin. */
static void list_once(void)
{
	uint64_t a = 0, b = 0, generation = 0;
	struct hv_kvp_list list = { 0 };
	unsigned int count = 0;
	bool leave = !below(8);

	do {
		list.pool = POOL;
		list.buffer = PTR(buffer);
		list.size = 256 + below(sizeof(buffer) - 256);
		call(HV_KVP_IOC_LIST, &list, 0);
		if (generation && list.generation != generation)
			die("a list changed its version");
		generation = list.generation;
		count += list.count;
		for (unsigned int at = 0; at < list.size;) {
			struct hv_kvp_item *item = (void *)(buffer + at);

			look_at(item, &a, &b);
			at += item->size;
		}
		if (leave && count)
			return;
	} while (list.cursor);
	if (count != list.total)
		die("%u of %u items listed", count, list.total);
	if (a != b)
		die("half of a batch: %llx and %llx", (unsigned long long)a,
		    (unsigned long long)b);
}

static void list(void)
{
	for (; going(); done++)
		list_once();
}

static void watch(void)
{
	uint64_t last[HV_KVP_POOL_COUNT] = { 0 };
	struct pollfd p = { .fd = fd, .events = POLLIN };
	struct hv_kvp_watch arg = {
		.pools = (1U << HV_KVP_POOL_COUNT) - 1,
		.flags = me & 1 ? HV_KVP_WATCH_VALUES : 0,
	};

	call(HV_KVP_IOC_WATCH, &arg, 0);
	while (going()) {
		ssize_t size;

		poll(&p, 1, 100);
		size = read(fd, buffer, sizeof(buffer));
		if (size < 0 && errno != EAGAIN)
			die("read: %s", strerror(errno));
		for (ssize_t at = 0; at < size;) {
			/* all kinds that are asked for have a generation there */
			struct hv_kvp_event_pool *record = (void *)(buffer + at);
			struct hv_kvp_event *event = &record->event;

			at += event->size;
			done++;
			/* that of the moment, which may be ahead of the others */
			if (event->kind == HV_KVP_EVENT_STALE)
				continue;
			if (event->pool >= HV_KVP_POOL_COUNT ||
			    record->generation < last[event->pool])
				die("generation went back");
			last[event->pool] = record->generation;
			again += event->kind == HV_KVP_EVENT_LOST;
		}
	}
}

int main(int argc, char **argv)
{
	static const struct {
		const char *name;
		void (*run)(void);
	} kinds[] = {
		{ "own", write_own }, { "pair", write_pairs }, { "count", add },
		{ "list", list }, { "watch", watch },
	};
	struct timespec now;

	if (argc != 4)
		return 2;
	clock_gettime(CLOCK_MONOTONIC, &now);
	end = now.tv_sec + strtoul(argv[1], NULL, 0);
	me = strtoul(argv[3], NULL, 0) & 0xff;
	seed = (me + 1) * 0x9e3779b97f4a7c15ULL | 1;
	fd = open("/dev/hv_kvp", O_RDWR | O_NONBLOCK);
	if (fd < 0)
		die("open: %s", strerror(errno));
	for (size_t i = 0; i < sizeof(kinds) / sizeof(*kinds); i++) {
		if (strcmp(argv[2], kinds[i].name))
			continue;
		kinds[i].run();
		printf("%s %lu again %lu\n", argv[2], done, again);
		return 0;
	}
	return 2;
}
