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
#define POOL		HVKVP_POOL_GUEST

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
	struct hvkvp_set arg = {
		.key = PTR(key), .key_len = strlen(key), .value = PTR(&value),
		.value_len = sizeof(value), .pool = POOL,
		.type = HVKVP_TYPE_QWORD,
	};

	call(HVKVP_IOC_SET, &arg, 0);
}

static bool delete(const char *key)
{
	struct hvkvp_delete arg = {
		.key = PTR(key), .key_len = strlen(key), .pool = POOL,
	};

	return !call(HVKVP_IOC_DELETE, &arg, ENOENT);
}

static bool get(const char *key, uint64_t *value, uint64_t *generation)
{
	struct hvkvp_get arg = {
		.key = PTR(key), .key_len = strlen(key), .value = PTR(value),
		.value_size = sizeof(*value), .pool = POOL,
	};
	bool there = !call(HVKVP_IOC_GET, &arg, ENOENT);

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
	struct hvkvp_op ops[2] = {
		{ .key = PTR("pair.a"), .key_len = 6, .op = HVKVP_OP_SET,
		  .value = PTR(&value), .value_len = sizeof(value),
		  .type = HVKVP_TYPE_QWORD },
	};

	ops[1] = ops[0];
	ops[1].key = PTR("pair.b");
	while (going()) {
		struct hvkvp_batch arg = {
			.ops = PTR(ops), .pool = POOL, .count = 2,
			.op_size = sizeof(ops[0]),
		};

		value = ++done << 8 | me;
		call(HVKVP_IOC_BATCH, &arg, 0);
	}
}

/* The sum of what all of them say they added is what the counter holds. */
static void add(void)
{
	uint64_t value, generation;
	struct hvkvp_op op = {
		.key = PTR("counter"), .key_len = 7, .op = HVKVP_OP_SET,
		.value = PTR(&value), .value_len = sizeof(value),
		.type = HVKVP_TYPE_QWORD,
	};

	while (going()) {
		struct hvkvp_batch arg = {
			.ops = PTR(&op), .pool = POOL, .count = 1,
			.op_size = sizeof(op),
			.flags = HVKVP_BATCH_IF_GENERATION,
		};

		if (!get("counter", &value, &generation))
			value = 0;
		value++;
		arg.generation = generation;
		if (call(HVKVP_IOC_BATCH, &arg, ESTALE))
			again++;
		else
			done++;
	}
}

static void look_at(const struct hvkvp_item *item, uint64_t *a, uint64_t *b)
{
	const char *key = (const char *)item->data;
	const char *value = key + item->key_len + 1;

	if (!strcmp(key, "pair.a"))
		memcpy(a, value, sizeof(*a));
	else if (!strcmp(key, "pair.b"))
		memcpy(b, value, sizeof(*b));
}

/* One snapshot, in pieces; some are left in the middle, with its pin. */
static void list_once(void)
{
	uint64_t a = 0, b = 0, generation = 0;
	struct hvkvp_list list = { 0 };
	unsigned int count = 0;
	bool leave = !below(8);

	do {
		list.pool = POOL;
		list.buffer = PTR(buffer);
		list.size = 256 + below(sizeof(buffer) - 256);
		call(HVKVP_IOC_LIST, &list, 0);
		if (generation && list.generation != generation)
			die("a list changed its version");
		generation = list.generation;
		count += list.count;
		for (unsigned int at = 0; at < list.size;) {
			struct hvkvp_item *item = (void *)(buffer + at);

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
	uint64_t last[HVKVP_POOLS] = { 0 };
	struct pollfd p = { .fd = fd, .events = POLLIN };

	while (going()) {
		ssize_t size;

		poll(&p, 1, 100);
		size = read(fd, buffer, sizeof(buffer));
		if (size < 0 && errno != EAGAIN)
			die("read: %s", strerror(errno));
		for (ssize_t at = 0; at < size;) {
			struct hvkvp_change *change = (void *)(buffer + at);

			at += change->size;
			done++;
			/* it has no pool, and no generation */
			if (change->kind == HVKVP_CHANGE_IP_REQUEST)
				continue;
			if (change->pool >= HVKVP_POOLS ||
			    change->generation < last[change->pool])
				die("generation went back");
			last[change->pool] = change->generation;
			again += change->kind == HVKVP_CHANGE_LOST;
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
