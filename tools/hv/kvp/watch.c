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
#include "state.h"
#include "text.h"

/* Bytes of records that are read at a time. */
#define BUFFER	(2 * HV_KVP_RECORD_MAX)

static bool with_values, with_state, with_reads, list_first, has_count, has_timeout;
static unsigned int pools = ALL_POOLS;
static const char *only_key;
static uint64_t max_count, timeout;

static const struct option_spec options[] = {
	{ "pool", 'p', OPTION_POOLS, &pools, NULL,
	  "POOL only this pool, or these" },
	{ "key", 'k', OPTION_TEXT, &only_key, NULL, "KEY only this key" },
	{ "values", 'v', OPTION_FLAG, &with_values, NULL,
	  "values too, as they are now" },
	{ "state", 's', OPTION_FLAG, &with_state, NULL,
	  "state of the service and connections of the host too" },
	{ "host-read", 'r', OPTION_FLAG, &with_reads, NULL,
	  "also when the host has read a pool to the end" },
	{ "list", 'l', OPTION_FLAG, &list_first, NULL,
	  "what is there comes first" },
	{ "count", 'n', OPTION_NUMBER, &max_count, &has_count,
	  "N end after so many lines about what happened" },
	{ "timeout", 't', OPTION_NUMBER, &timeout, &has_timeout,
	  "SECONDS end after this time" },
};

/**
 * struct watch - what has been told
 * @fd: the device
 * @listed: generation up to which each pool has been told by a list
 * @pool: the one that is being listed
 * @count: records told
 * @end: when to stop, milliseconds
 */
struct watch {
	int fd;
	uint64_t listed[HV_KVP_POOL_COUNT];
	unsigned int pool;
	uint64_t count;
	uint64_t end;
};

/**
 * struct change - one of an item, or an item of a list
 * @event: what happened
 * @pool: HV_KVP_POOL_*
 * @key: a NUL follows
 * @key_len: bytes of it
 * @flags: HV_KVP_ITEM_*
 * @generation: of the pool
 * @value: its bytes are NULL if it is not to be told
 */
struct change {
	const char *event;
	unsigned int pool;
	const char *key;
	size_t key_len;
	uint32_t flags;
	uint64_t generation;
	struct value value;
};

static uint64_t now(void)
{
	struct timespec t;

	clock_gettime(CLOCK_MONOTONIC, &t);
	return t.tv_sec * 1000ULL + t.tv_nsec / 1000000;
}

static bool is_wanted(const char *key, size_t len)
{
	return !only_key || (strlen(only_key) == len && !memcmp(only_key, key, len));
}

static void tell_json(const struct change *change)
{
	struct json j = { .out = stdout };

	json_open(&j, NULL, '{');
	json_string(&j, "event", change->event);
	json_string(&j, "pool", pool_name(change->pool));
	key_json(&j, change->key, change->key_len);
	json_string(&j, "owner", item_owner(change->pool, change->flags));
	json_number(&j, "generation", change->generation);
	if (change->value.bytes) {
		json_string(&j, "type", type_name(change->value.type));
		value_json(&j, &change->value);
	}
	json_close(&j);
}

static void tell(const struct change *change)
{
	if (want_json) {
		tell_json(change);
		return;
	}
	printf("%s\t%s\t%s\t", pool_name(change->pool), change->event,
	       item_owner(change->pool, change->flags));
	text_put_escaped(stdout, change->key, change->key_len);
	if (change->value.bytes) {
		putchar('\t');
		value_put_escaped(stdout, &change->value);
	}
	putchar('\n');
}

static int tell_item(void *ctx, const struct hv_kvp_item *item)
{
	struct watch *watch = ctx;
	struct change change = {
		.event = "listed", .pool = watch->pool, .key = item_key(item),
		.key_len = item->key_len, .flags = item->flags, .generation = item->generation,
	};

	if (with_values)
		change.value = item_value_of(item);
	if (is_wanted(change.key, change.key_len))
		tell(&change);
	return 0;
}

/* Items may be told twice if the kernel drops the version; that is no harm. */
static int list_pool(struct watch *watch, unsigned int pool)
{
	watch->pool = pool;
	return device_list(watch->fd, pool, tell_item, NULL, watch, &watch->listed[pool]);
}

static void tell_state(uint32_t state, uint32_t connection, uint32_t framework, uint32_t message)
{
	struct json j = { .out = stdout };
	char fw[VERSION_TEXT], msg[VERSION_TEXT];

	version_text(framework, fw);
	version_text(message, msg);
	if (!want_json) {
		printf("-\tstate\t%s\t%u\t%s\t%s\n", state_name(state), connection, fw, msg);
		return;
	}
	json_open(&j, NULL, '{');
	json_string(&j, "event", "state");
	json_string(&j, "operational_status", state_name(state));
	json_number(&j, "operational_status_code", state);
	json_number(&j, "connection", connection);
	json_string(&j, "framework_version", fw);
	json_string(&j, "message_version", msg);
	json_close(&j);
}

static int list_all(struct watch *watch)
{
	struct hv_kvp_info info;
	int code = EXIT_OK;

	if (with_state)
		code = device_info(watch->fd, &info);
	if (with_state && !code)
		tell_state(info.state, info.connection, info.framework, info.message);
	for (unsigned int i = 0; !code && i < HV_KVP_POOL_COUNT; i++)
		if (pools >> i & 1)
			code = list_pool(watch, i);
	return code;
}

static void tell_change(struct watch *watch, const char *name,
			const struct hv_kvp_event_item *event)
{
	const char *start = (const char *)event;
	struct change change = {
		.event = name, .pool = event->event.pool, .key = start + event->key_offset,
		.key_len = event->key_len, .flags = event->item_flags,
		.generation = event->generation,
	};

	if (!is_wanted(change.key, change.key_len) ||
	    (change.pool < HV_KVP_POOL_COUNT && change.generation <= watch->listed[change.pool]))
		return;
	if (event->value_offset)
		change.value = (struct value) {
			event->type, event->value_len, start + event->value_offset
		};
	tell(&change);
	watch->count++;
}

/* What concerns all of a pool. */
static void tell_pool(struct watch *watch, const char *name, bool with_generation,
		      const struct hv_kvp_event_pool *event)
{
	struct json j = { .out = stdout };

	watch->count++;
	if (!want_json) {
		printf("%s\t%s", pool_name(event->event.pool), name);
		if (with_generation)
			printf("\t%llu", (unsigned long long)event->generation);
		putchar('\n');
		return;
	}
	json_open(&j, NULL, '{');
	json_string(&j, "event", name);
	json_string(&j, "pool", pool_name(event->event.pool));
	json_number(&j, "generation", event->generation);
	if (event->connection)
		json_number(&j, "connection", event->connection);
	json_close(&j);
}

static int tell_event(struct watch *watch, const struct hv_kvp_event *event)
{
	const struct hv_kvp_event_state *state = (const void *)event;
	const void *record = event;

	switch (event->kind) {
	case HV_KVP_EVENT_ADDED:
		tell_change(watch, "added", record);
		break;
	case HV_KVP_EVENT_SET:
		tell_change(watch, "set", record);
		break;
	case HV_KVP_EVENT_DELETED:
		tell_change(watch, "deleted", record);
		break;
	case HV_KVP_EVENT_STALE:
		tell_pool(watch, "stale", false, record);
		break;
	case HV_KVP_EVENT_HOST_READ:
		tell_pool(watch, "host_read", true, record);
		break;
	case HV_KVP_EVENT_LOST:
		tell_pool(watch, "lost", false, record);
		/* what came of the changes that are missing shows in a list */
		return list_pool(watch, event->pool);
	case HV_KVP_EVENT_STATE:
		tell_state(state->state, state->connection, state->framework, state->message);
		watch->count++;
	}
	return EXIT_OK;
}

static bool is_done(const struct watch *watch)
{
	return has_count && watch->count >= max_count;
}

static int tell_events(struct watch *watch, const char *buffer, ssize_t size)
{
	int code = EXIT_OK;

	for (ssize_t at = 0; !code && at < size && !is_done(watch);) {
		const struct hv_kvp_event *event = (const void *)(buffer + at);

		code = tell_event(watch, event);
		at += event->size;
	}
	return code;
}

/* Before anything is listed: what changes in between is told too. */
static int ask(int fd)
{
	struct hv_kvp_watch arg = {
		.pools = pools,
		.flags = (with_values ? HV_KVP_WATCH_VALUES : 0) |
			 (with_state ? HV_KVP_WATCH_STATE : 0) |
			 (with_reads ? HV_KVP_WATCH_HOST_READ : 0),
	};

	return ioctl(fd, HV_KVP_IOC_WATCH, &arg) ? fail_errno("cannot watch") : EXIT_OK;
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
			code = tell_events(watch, buffer, size);
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
	code = ask(watch.fd);
	if (!code && list_first)
		code = list_all(&watch);
	if (!code)
		code = follow(&watch);
	close(watch.fd);
	return code;
}

const struct command watch_command = {
	"watch", "", "Tells changes as they come: pool, what happened, key", run
};
