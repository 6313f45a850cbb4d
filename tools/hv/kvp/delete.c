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

static unsigned int pool = HV_KVP_POOL_GUEST;
static uint64_t if_generation;
static bool has_generation, missing_ok, print_generation;

static const struct option_spec options[] = {
	{ "pool", 'p', OPTION_POOL, &pool, NULL, "POOL guest if not given" },
	{ "if-generation", 'g', OPTION_NUMBER, &if_generation, &has_generation,
	  "N only if the item still has this generation" },
	{ "missing-ok", 'm', OPTION_FLAG, &missing_ok, NULL, "keys that are not there are fine" },
	{ "print-generation", 'G', OPTION_FLAG, &print_generation, NULL,
	  "print the generation of the pool without them" },
};

static int delete_all(int fd, const struct operations *all, struct hv_kvp_batch *batch)
{
	*batch = (struct hv_kvp_batch) {
		.ops = PTR(all->ops), .count = all->count, .pool = pool,
		.op_size = sizeof(*all->ops),
	};
	if (!ioctl(fd, HV_KVP_IOC_BATCH, batch))
		return EXIT_OK;
	if (batch->failed < all->count)
		return fail_item("'%s' in pool %s",
				  operation_key(&all->ops[batch->failed]),
				  pool_name(pool));
	return fail_item("nothing deleted, %zu in pool %s", all->count, pool_name(pool));
}

static void report(const struct hv_kvp_batch *batch)
{
	struct json j = { .out = stdout };

	if (!want_json) {
		if (print_generation)
			printf("%llu\n", (unsigned long long)batch->generation);
		return;
	}
	json_open(&j, NULL, '{');
	json_string(&j, "pool", pool_name(pool));
	json_number(&j, "deleted", batch->count - batch->skipped);
	json_number(&j, "generation", batch->generation);
	json_close(&j);
}

static int run(int argc, char **argv)
{
	struct operations all = { 0 };
	struct hv_kvp_batch batch;
	int first, fd, code;

	first = parse_options(argc, argv, options, ARRAY_SIZE(options));
	check_operands(argc, first, 1, NO_MAX);
	if (has_generation && (missing_ok || argc - first > 1))
		usage_error("--if-generation goes with one key, and not with --missing-ok");
	fd = device_open(O_WRONLY, &code);
	if (fd < 0)
		return code;
	for (int i = first; i < argc; i++) {
		struct hv_kvp_op *op = operations_delete(&all, argv[i], strlen(argv[i]));

		op->flags = (missing_ok ? HV_KVP_OR_SKIP : 0) |
			    (has_generation ? HV_KVP_IF_GENERATION : 0);
		op->if_generation = if_generation;
	}
	code = delete_all(fd, &all, &batch);
	close(fd);
	if (!code)
		report(&batch);
	operations_free(&all);
	return code;
}

const struct command delete_command = {
	"delete", "KEY...", "Deletes items, all of them or none", run
};
