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
#define HOST_POOLS	(1u << HV_KVP_POOL_EXTERNAL |		\
			 1u << HV_KVP_POOL_AUTO_EXTERNAL |	\
			 1u << HV_KVP_POOL_AUTO_INTERNAL)

static unsigned int pools = HOST_POOLS;

static const struct option_spec options[] = {
	{ "pool", 'p', OPTION_POOLS, &pools, NULL,
	  "POOL only this pool, or these" },
};

static int run(int argc, char **argv)
{
	struct json j = { .out = stdout };
	struct hv_kvp_info info;
	uint64_t count = 0;
	int first, fd, code;

	first = parse_options(argc, argv, options, ARRAY_SIZE(options));
	check_operands(argc, first, 0, 0);
	fd = device_open(O_RDWR, &code);
	if (fd < 0)
		return code;
	code = device_info(fd, &info);
	for (unsigned int i = 0; !code && i < HV_KVP_POOL_COUNT; i++) {
		struct hv_kvp_purge purge = { .pool = i, .connection = info.connection };

		if (!(pools >> i & 1))
			continue;
		if (ioctl(fd, HV_KVP_IOC_PURGE, &purge))
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
