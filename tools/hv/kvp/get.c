// SPDX-License-Identifier: GPL-2.0
/* kvpctl get: values by their keys. */
#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <string.h>
#include <sys/ioctl.h>
#include <unistd.h>

#include "device.h"
#include "item.h"
#include "json.h"
#include "kvpctl.h"
#include "pool.h"

static bool raw, nul, exact;
static unsigned int pool;
static const char *type;

static const struct option_spec options[] = {
	{ "pool", 'p', OPTION_POOL, &pool, &exact,
	  "POOL in this pool, not in the first that has it" },
	{ "raw", 'r', OPTION_FLAG, &raw, NULL, "no newline behind the value" },
	{ "null", '0', OPTION_FLAG, &nul, NULL,
	  "a NUL behind each value, no newline" },
	{ "type", 't', OPTION_TEXT, &type, NULL,
	  "TYPE an item of another type is not found" },
};

/* What the host says comes before what anybody in the guest may have set. */
static const unsigned int order[] = {
	HV_KVP_POOL_EXTERNAL, HV_KVP_POOL_AUTO_EXTERNAL, HV_KVP_POOL_AUTO,
	HV_KVP_POOL_GUEST, HV_KVP_POOL_AUTO_INTERNAL,
};

/* One item, in the form that lists have. */
static struct {
	struct hv_kvp_item item;
	char key[HV_KVP_KEY_MAX + 1];
	char value[HV_KVP_VALUE_MAX + 1];
} found;

/* 0, or -1 and errno. */
static int get_from(int fd, unsigned int from, const char *key)
{
	size_t len = strlen(key);
	struct hv_kvp_get get = {
		.key = PTR(key), .key_len = len, .value = PTR(found.value),
		.value_size = HV_KVP_VALUE_MAX, .pool = from,
	};

	if (len > HV_KVP_KEY_MAX) {
		errno = ENAMETOOLONG;
		return -1;
	}
	memcpy(found.key, key, len + 1);
	if (ioctl(fd, HV_KVP_IOC_GET, &get))
		return -1;
	if (type && get.type != type_by_name(type)) {
		errno = ENOENT;
		return -1;
	}
	found.item = (struct hv_kvp_item) {
		.type = get.type, .flags = get.item_flags,
		.key_offset = offsetof(typeof(found), key), .key_len = len,
		.value_offset = offsetof(typeof(found), value), .value_len = get.value_size,
		.generation = get.item_generation, .sequence = get.sequence,
	};
	return 0;
}

/* The pool that has the key, or -1 and errno. */
static int get_anywhere(int fd, const char *key)
{
	if (exact)
		return get_from(fd, pool, key) ? -1 : (int)pool;
	for (size_t i = 0; i < ARRAY_SIZE(order); i++) {
		if (!get_from(fd, order[i], key))
			return order[i];
		if (errno != ENOENT)
			return -1;
	}
	return -1;
}

/* A value may hold what changes a terminal. */
static void print_value(void)
{
	struct value value = item_value_of(&found.item);

	if (!raw && !nul && isatty(STDOUT_FILENO))
		value_put_escaped(stdout, &value);
	else
		value_put(stdout, &value);
	if (nul)
		putchar('\0');
	else if (!raw)
		putchar('\n');
}

static int get_one(int fd, const char *key, struct json *j)
{
	int from = get_anywhere(fd, key);

	if (from < 0)
		return fail_item("'%s'", key);
	if (!want_json) {
		print_value();
		return EXIT_OK;
	}
	json_open(j, NULL, '{');
	item_json(j, from, &found.item);
	json_close(j);
	return EXIT_OK;
}

static int run(int argc, char **argv)
{
	struct json j = { .out = stdout };
	int first, fd, code, worst = EXIT_OK;
	bool many;

	first = parse_options(argc, argv, options, ARRAY_SIZE(options));
	check_operands(argc, first, 1, NO_MAX);
	if (type && !type_by_name(type))
		usage_error("no such type: '%s'", type);
	if (want_json && (raw || nul))
		usage_error("--json goes with neither --raw nor --null");
	fd = device_open(O_RDONLY, &code);
	if (fd < 0)
		return code;
	many = want_json && argc - first > 1;
	if (many)
		json_open(&j, NULL, '[');
	for (int i = first; i < argc; i++) {
		code = get_one(fd, argv[i], &j);
		if (!worst)
			worst = code;
	}
	if (many)
		json_close(&j);
	close(fd);
	return worst;
}

const struct command get_command = {
	"get", "KEY...", "Prints the values of items", run
};
