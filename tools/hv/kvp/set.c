// SPDX-License-Identifier: GPL-2.0
/* kvpctl set: adds or replaces one item. */
#include <fcntl.h>
#include <stdio.h>
#include <unistd.h>

#include "device.h"
#include "json.h"
#include "kvpctl.h"
#include "pool.h"
#include "setitem.h"

static struct setitem how = { .pool = HV_KVP_POOL_GUEST, .type = "SZ" };
static bool if_absent, if_generation, unless_host, print_generation;

static const struct option_spec options[] = {
	{ "pool", 'p', OPTION_POOL, &how.pool, NULL, "POOL guest if not given" },
	{ "type", 't', OPTION_TEXT, &how.type, NULL,
	  "TYPE SZ (if not given), EXPAND_SZ, DWORD or QWORD" },
	{ "file", 'f', OPTION_TEXT, &how.file, NULL,
	  "FILE the value is what the file holds; - is stdin" },
	{ "if-absent", 'a', OPTION_FLAG, &if_absent, NULL, "only if there is no such item" },
	{ "if-generation", 'g', OPTION_NUMBER, &how.if_generation, &if_generation,
	  "N only if the item still has this generation" },
	{ "unless-host", 'u', OPTION_FLAG, &unless_host, NULL,
	  "only if the host has not set it last" },
	{ "print-generation", 'G', OPTION_FLAG, &print_generation, NULL,
	  "print the generation of the pool that has it" },
};

static void report(const char *key, uint64_t generation)
{
	struct json j = { .out = stdout };

	if (!want_json) {
		if (print_generation)
			printf("%llu\n", (unsigned long long)generation);
		return;
	}
	json_open(&j, NULL, '{');
	json_string(&j, "pool", pool_name(how.pool));
	json_string(&j, "key", key);
	json_number(&j, "set", 1);
	json_number(&j, "generation", generation);
	json_close(&j);
}

static int run(int argc, char **argv)
{
	uint64_t generation = 0;
	struct value value;
	int first, fd, code;

	first = parse_options(argc, argv, options, ARRAY_SIZE(options));
	check_operands(argc, first, how.file ? 1 : 2, how.file ? 1 : 2);
	how.flags = (if_absent ? HV_KVP_IF_ABSENT : 0) |
		    (if_generation ? HV_KVP_IF_GENERATION : 0) |
		    (unless_host ? HV_KVP_UNLESS_HOST : 0);
	code = setitem_value(&how, how.file ? NULL : argv[first + 1], &value);
	if (code)
		return code;
	fd = device_open(O_WRONLY, &code);
	if (fd < 0)
		return code;
	code = setitem_store(fd, &how, argv[first], &value, &generation);
	close(fd);
	if (!code)
		report(argv[first], generation);
	return code;
}

const struct command set_command = {
	"set", "KEY VALUE", "Sets an item that the host can read", run
};
