// SPDX-License-Identifier: GPL-2.0
/* kvpctl delete: deletes items, all that are named or none. */
#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <string.h>
#include <sys/ioctl.h>
#include <unistd.h>

#include "device.h"
#include "json.h"
#include "kvpctl.h"
#include "operations.h"
#include "pool.h"

static unsigned int pool = HVKVP_POOL_GUEST;

static const struct option_spec options[] = {
	{ "pool", 'p', OPTION_POOL, &pool, NULL, "POOL guest if not given" },
};

static int delete_all(int fd, const struct operations *all)
{
	struct hvkvp_batch batch = {
		.ops = PTR(all->ops), .count = all->count, .pool = pool,
		.op_size = sizeof(*all->ops), .failed = HVKVP_NO_OP,
	};

	if (!ioctl(fd, HVKVP_IOC_BATCH, &batch))
		return EXIT_OK;
	if (all->count == 1)
		return fail_item("'%s' in pool %s",
				  operation_key(&all->ops[0]), pool_name(pool));
	if (batch.failed < all->count)
		return fail_item("'%s' in pool %s",
				  operation_key(&all->ops[batch.failed]),
				  pool_name(pool));
	return fail_item("nothing deleted, one of %zu in pool %s",
			  all->count, pool_name(pool));
}

static int run(int argc, char **argv)
{
	struct json j = { .out = stdout };
	struct operations all = { 0 };
	int first, fd, code;

	first = parse_options(argc, argv, options, ARRAY_SIZE(options));
	check_operands(argc, first, 1, NO_MAX);
	fd = device_open(O_WRONLY, &code);
	if (fd < 0)
		return code;
	for (int i = first; i < argc; i++)
		operations_delete(&all, argv[i], strlen(argv[i]));
	code = delete_all(fd, &all);
	close(fd);
	if (!code && want_json) {
		json_open(&j, NULL, '{');
		json_string(&j, "pool", pool_name(pool));
		json_number(&j, "deleted", all.count);
		json_close(&j);
	}
	operations_free(&all);
	return code;
}

const struct command delete_command = {
	"delete", "KEY...", "Deletes items, all of them or none", run
};
