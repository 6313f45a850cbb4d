// SPDX-License-Identifier: GPL-2.0
/* kvpctl watch: a line for each change, as it comes. */
#include <errno.h>
#include <fcntl.h>
#include <poll.h>
#include <stdio.h>
#include <string.h>
#include <sys/ioctl.h>
#include <time.h>
#include <unistd.h>

#include "device.h"
#include "item.h"
#include "json.h"
#include "kvpctl.h"
#include "pool.h"
#include "text.h"

/* Changes that are read at a time. */
#define BUFFER	16384

static bool with_values, list_first, has_count, has_timeout;
static unsigned int pools = ALL_POOLS;
static const char *only_key;
static uint64_t max_count, timeout;

static const struct option_spec options[] = {
	{ "pool", 'p', OPTION_POOLS, &pools, NULL,
	  "POOL only this pool, or these" },
	{ "key", 'k', OPTION_TEXT, &only_key, NULL, "KEY only this key" },
	{ "values", 'v', OPTION_FLAG, &with_values, NULL,
	  "values too, as they are now" },
	{ "list", 'l', OPTION_FLAG, &list_first, NULL,
	  "what is there comes first" },
	{ "count", 'n', OPTION_NUMBER, &max_count, &has_count,
	  "N end after so many changes" },
	{ "timeout", 't', OPTION_NUMBER, &timeout, &has_timeout,
	  "SECONDS end after this time" },
};

/**
 * struct watch - what has been told
 * @fd: the device
 * @listed: generation up to which each pool has been told by a list
 * @pool: the one that is being listed
 * @count: changes told
 * @end: when to stop, milliseconds
 */
struct watch {
	int fd;
	uint64_t listed[HVKVP_POOLS];
	unsigned int pool;
	uint64_t count;
	uint64_t end;
};

static uint64_t now(void)
{
	struct timespec t;

	clock_gettime(CLOCK_MONOTONIC, &t);
	return t.tv_sec * 1000ULL + t.tv_nsec / 1000000;
}

static bool is_wanted(unsigned int pool, const char *key, size_t len)
{
	if (pool >= HVKVP_POOLS || !(pools >> pool & 1))
		return false;
	return !only_key || (strlen(only_key) == len &&
			     !memcmp(only_key, key, len));
}

static void tell_json(const char *event, unsigned int pool, const char *key,
		      size_t len, uint64_t generation,
		      const struct value *value)
{
	struct json j = { .out = stdout };

	json_open(&j, NULL, '{');
	json_string(&j, "event", event);
	json_string(&j, "pool", pool_name(pool));
	key_json(&j, key, len);
	json_number(&j, "generation", generation);
	if (value) {
		json_string(&j, "type", type_name(value->type));
		value_json(&j, value);
	}
	json_close(&j);
}

static void tell_text(const char *event, unsigned int pool, const char *key,
		      size_t len, const struct value *value)
{
	printf("%s\t%s\t", pool_name(pool), event);
	text_put_escaped(stdout, key, len);
	if (value) {
		putchar('\t');
		value_put_escaped(stdout, value);
	}
	putchar('\n');
}

static void tell(const char *event, unsigned int pool, const char *key,
		 size_t len, uint64_t generation, const struct value *value)
{
	if (want_json)
		tell_json(event, pool, key, len, generation, value);
	else
		tell_text(event, pool, key, len, value);
}

static int tell_item(void *ctx, const struct hvkvp_item *item)
{
	struct watch *watch = ctx;
	struct value value = item_value_of(item);

	if (is_wanted(watch->pool, item_key(item), item->key_len))
		tell("listed", watch->pool, item_key(item), item->key_len,
		     item->generation, with_values ? &value : NULL);
	return 0;
}

/* Items may be told twice if the kernel drops the version; that is no harm. */
static int list_pool(struct watch *watch, unsigned int pool)
{
	watch->pool = pool;
	return device_list(watch->fd, pool, tell_item, NULL, watch, &watch->listed[pool]);
}

static int list_all(struct watch *watch)
{
	int code = EXIT_OK;

	for (unsigned int i = 0; !code && i < HVKVP_POOLS; i++)
		if (pools >> i & 1)
			code = list_pool(watch, i);
	return code;
}

/* False if the item is gone, which a record of its own tells. */
static bool get_value(struct watch *watch, const struct hvkvp_change *change,
		      char *bytes, struct value *value)
{
	struct hvkvp_get get = {
		.key = PTR(change->key), .key_len = change->key_len,
		.value = PTR(bytes), .value_size = HVKVP_VALUE_MAX,
		.pool = change->pool,
	};

	if (ioctl(watch->fd, HVKVP_IOC_GET, &get))
		return false;
	*value = (struct value) { get.type, get.value_size, bytes };
	return true;
}

/* NULL for what is no change of an item, or of a kind that came later. */
static const char *event_name(unsigned int kind)
{
	switch (kind) {
	case HVKVP_CHANGE_ADDED:
		return "added";
	case HVKVP_CHANGE_SET:
		return "set";
	case HVKVP_CHANGE_DELETED:
		return "deleted";
	default:
		return NULL;
	}
}

static void tell_change(struct watch *watch, const struct hvkvp_change *change)
{
	const char *event = event_name(change->kind);
	const char *key = (const char *)change->key;
	static char bytes[HVKVP_VALUE_MAX];
	struct value value;
	bool found = false;

	if (!event || !is_wanted(change->pool, key, change->key_len) ||
	    change->generation <= watch->listed[change->pool])
		return;
	if (with_values && change->kind != HVKVP_CHANGE_DELETED)
		found = get_value(watch, change, bytes, &value);
	tell(event, change->pool, key, change->key_len, change->generation,
	     found ? &value : NULL);
	watch->count++;
}

static bool is_done(const struct watch *watch)
{
	return has_count && watch->count >= max_count;
}

/* What came of the changes that are missing shows in a list. */
static int tell_loss(struct watch *watch, unsigned int pool)
{
	struct json j = { .out = stdout };

	if (pool >= HVKVP_POOLS || !(pools >> pool & 1))
		return EXIT_OK;
	if (want_json) {
		json_open(&j, NULL, '{');
		json_string(&j, "event", "lost");
		json_string(&j, "pool", pool_name(pool));
		json_close(&j);
	} else {
		printf("%s\tlost\n", pool_name(pool));
	}
	return list_pool(watch, pool);
}

static int tell_changes(struct watch *watch, const char *buffer, ssize_t size)
{
	int code = EXIT_OK;

	for (ssize_t at = 0; !code && at < size && !is_done(watch);) {
		const struct hvkvp_change *change = (const void *)(buffer + at);

		if (change->kind == HVKVP_CHANGE_LOST)
			code = tell_loss(watch, change->pool);
		else
			tell_change(watch, change);
		at += change->size;
	}
	return code;
}

/* Milliseconds that poll() may wait; 0 once the time is up. */
static int time_left(const struct watch *watch)
{
	uint64_t t = now();

	if (!has_timeout)
		return -1;
	if (t >= watch->end)
		return 0;
	return watch->end - t > 1000000 ? 1000000 : watch->end - t;
}

static int follow(struct watch *watch)
{
	static char buffer[BUFFER] __attribute__((aligned(8)));
	struct pollfd fd = { .fd = watch->fd, .events = POLLIN };
	int code = EXIT_OK;

	while (!code && !is_done(watch)) {
		int left = time_left(watch);
		ssize_t size;

		if (!left)
			return has_count ? EXIT_TIMEOUT : EXIT_OK;
		if (poll(&fd, 1, left) < 0 && errno != EINTR)
			return fail_errno("cannot wait");
		size = read(watch->fd, buffer, sizeof(buffer));
		if (size >= 0)
			code = tell_changes(watch, buffer, size);
		else if (errno != EAGAIN && errno != EINTR)
			return fail_errno("cannot read changes");
		/* nobody reads any more */
		if (fflush(stdout) || ferror(stdout))
			return EXIT_ERROR;
	}
	return code;
}

static int run(int argc, char **argv)
{
	struct watch watch = { 0 };
	int first, code;

	first = parse_options(argc, argv, options, ARRAY_SIZE(options));
	check_operands(argc, first, 0, 0);
	setvbuf(stdout, NULL, _IOLBF, 0);
	watch.end = now() + timeout * 1000;
	watch.fd = device_open(O_RDONLY | O_NONBLOCK, &code);
	if (watch.fd < 0)
		return code;
	code = list_first ? list_all(&watch) : EXIT_OK;
	if (!code)
		code = follow(&watch);
	close(watch.fd);
	return code;
}

const struct command watch_command = {
	"watch", "", "Tells changes as they come: pool, what happened, key", run
};
