// SPDX-License-Identifier: GPL-2.0
/* kvpctl set: adds or replaces one item. */
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

static unsigned int pool = HVKVP_POOL_GUEST;
static const char *type = "SZ";
static const char *file;

static const struct option_spec options[] = {
	{ "pool", 'p', OPTION_POOL, &pool, NULL, "POOL guest if not given" },
	{ "type", 't', OPTION_TEXT, &type, NULL,
	  "TYPE SZ (if not given), EXPAND_SZ, DWORD or QWORD" },
	{ "file", 'f', OPTION_TEXT, &file, NULL,
	  "FILE the value is what the file holds; - is stdin" },
};

/* A value on a command line is seen by everybody, one in a file is not. */
static int read_value(char *value, size_t *len, size_t size)
{
	int fd = strcmp(file, "-") ? open(file, O_RDONLY | O_CLOEXEC) :
				     STDIN_FILENO;
	ssize_t got = fd < 0 ? -1 : 1;

	*len = 0;
	while (got > 0 && *len < size) {
		got = read(fd, value + *len, size - *len);
		if (got > 0)
			*len += got;
	}
	if (got < 0)
		return fail_errno("'%s'", file);
	if (fd != STDIN_FILENO)
		close(fd);
	if (*len == size)
		return fail(EXIT_INVALID, "'%s' has more than %zu bytes", file,
			    size - 1);
	return EXIT_OK;
}

static int set(const char *key, const struct value *value)
{
	struct hvkvp_set arg = {
		.key = PTR(key), .key_len = strlen(key),
		.value = PTR(value->bytes), .value_len = value->len,
		.pool = pool, .type = value->type,
	};
	int fd, code;

	fd = device_open(O_WRONLY, &code);
	if (fd < 0)
		return code;
	code = EXIT_OK;
	if (ioctl(fd, HVKVP_IOC_SET, &arg))
		code = fail_item("'%s' in pool %s", key, pool_name(pool));
	close(fd);
	return code;
}

static void report(const char *key)
{
	struct json j = { .out = stdout };

	json_open(&j, NULL, '{');
	json_string(&j, "pool", pool_name(pool));
	json_string(&j, "key", key);
	json_number(&j, "set", 1);
	json_close(&j);
}

static int run(int argc, char **argv)
{
	static char buffer[HVKVP_VALUE_MAX + 1];
	struct value value;
	const char *text;
	uint64_t number;
	size_t len;
	int first, code;

	first = parse_options(argc, argv, options, ARRAY_SIZE(options));
	check_operands(argc, first, file ? 1 : 2, file ? 1 : 2);
	if (!type_by_name(type))
		usage_error("no such type: '%s'", type);
	if (file) {
		code = read_value(buffer, &len, sizeof(buffer));
		if (code)
			return code;
		text = buffer;
	} else {
		text = argv[first + 1];
		len = strlen(text);
	}
	if (!value_parse(&value, type_by_name(type), text, len, &number))
		return fail(EXIT_INVALID, "the value is no %s", type);
	code = set(argv[first], &value);
	if (!code && want_json)
		report(argv[first]);
	return code;
}

const struct command set_command = {
	"set", "KEY VALUE", "Sets an item that the host can read", run
};
