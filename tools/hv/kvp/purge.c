// SPDX-License-Identifier: GPL-2.0
/* kvpctl purge: deletes the items that the host has not sent again. */
#include <fcntl.h>
#include <stdio.h>
#include <sys/ioctl.h>
#include <unistd.h>

#include "device.h"
#include "json.h"
#include "kvpctl.h"
#include "pool.h"

/* Pools where items can be stale. */
#define HOST_POOLS	(1u << HVKVP_POOL_EXTERNAL |		\
			 1u << HVKVP_POOL_AUTO_EXTERNAL |	\
			 1u << HVKVP_POOL_AUTO_INTERNAL)

static unsigned int pools = HOST_POOLS;

static const struct option_spec options[] = {
	{ "pool", 'p', OPTION_POOLS, &pools, NULL,
	  "POOL only this pool, or these" },
};

static int run(int argc, char **argv)
{
	struct json j = { .out = stdout };
	uint64_t count = 0;
	int first, fd, code;

	first = parse_options(argc, argv, options, ARRAY_SIZE(options));
	check_operands(argc, first, 0, 0);
	fd = device_open(O_WRONLY, &code);
	if (fd < 0)
		return code;
	code = EXIT_OK;
	for (unsigned int i = 0; !code && i < HVKVP_POOLS; i++) {
		struct hvkvp_purge purge = { .pool = i };

		if (!(pools >> i & 1))
			continue;
		if (ioctl(fd, HVKVP_IOC_PURGE, &purge))
			code = fail_item("pool %s", pool_name(i));
		count += purge.count;
	}
	close(fd);
	if (want_json) {
		json_open(&j, NULL, '{');
		json_number(&j, "purged", count);
		json_close(&j);
	} else {
		printf("%llu\n", (unsigned long long)count);
	}
	return code;
}

const struct command purge_command = {
	"purge", "", "Deletes stale items of the host; prints how many", run
};
