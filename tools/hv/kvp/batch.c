// SPDX-License-Identifier: GPL-2.0
/* kvpctl batch: operations from stdin, all of them as one change or none. */
#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/ioctl.h>
#include <unistd.h>

#include "device.h"
#include "json.h"
#include "keycase.h"
#include "kvpctl.h"
#include "lines.h"
#include "pool.h"

static unsigned int pool = HV_KVP_POOL_GUEST;
static uint64_t generation;
static bool has_generation, print_generation;

static const struct option_spec options[] = {
	{ "pool", 'p', OPTION_POOL, &pool, NULL, "POOL guest if not given" },
	{ "if-generation", 'g', OPTION_NUMBER, &generation, &has_generation,
	  "N only if the pool still has this generation" },
	{ "print-generation", 'G', OPTION_FLAG, &print_generation, NULL,
	  "print the generation of the pool that it made" },
};

/* Number of the line of each operation. */
static size_t *line_numbers;

static int read_lines(struct operations *all)
{
	char *line = NULL;
	size_t size = 0, number = 0;
	int code = EXIT_OK;
	ssize_t len;

	while (!code && (len = getline(&line, &size, stdin)) >= 0) {
		size_t before = all->count;
		const char *wrong;

		number++;
		if (len && line[len - 1] == '\n')
			len--;
		/* of a file from Windows; one of the value's own is \r */
		if (len && line[len] == '\n' && line[len - 1] == '\r')
			len--;
		wrong = line_take(all, line, len);
		if (wrong)
			code = fail(EXIT_INVALID, "line %zu: %s", number,
				    wrong);
		if (all->count == before)
			continue;
		line_numbers = need_more(line_numbers, all->count,
					 sizeof(*line_numbers));
		line_numbers[before] = number;
	}
	if (!code && ferror(stdin))
		code = fail_errno("cannot read stdin");
	free(line);
	return code;
}

static int explain(const struct hv_kvp_batch *batch)
{
	if (batch->failed < batch->count)
		return fail_item("line %zu", line_numbers[batch->failed]);
	if (errno == ESTALE)
		return fail(EXIT_CONFLICT,
			    "pool %s has another generation than %llu",
			    pool_name(pool), (unsigned long long)generation);
	return fail_item("%u operations in pool %s", batch->count,
			  pool_name(pool));
}

static int apply(const struct operations *all, struct hv_kvp_batch *batch)
{
	struct hv_kvp_info info;
	int fd, code;

	*batch = (struct hv_kvp_batch) {
		.ops = PTR(all->ops), .count = all->count, .pool = pool,
		.op_size = sizeof(*all->ops), .if_generation = generation,
		.flags = has_generation ? HV_KVP_BATCH_IF_GENERATION : 0,
	};
	fd = device_open(O_RDWR, &code);
	if (fd < 0)
		return code;
	code = device_info(fd, &info);
	if (!code && all->count > info.batch_max)
		code = fail(EXIT_NO_ROOM, "%zu operations, the most is %u",
			    all->count, info.batch_max);
	else if (!code && ioctl(fd, HV_KVP_IOC_BATCH, batch))
		code = explain(batch);
	if (!code)
		keycase_warn(pool, all);
	close(fd);
	return code;
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
	json_number(&j, "operations", batch->count);
	json_number(&j, "skipped", batch->skipped);
	json_number(&j, "generation", batch->generation);
	json_close(&j);
}

static int run(int argc, char **argv)
{
	struct operations all = { 0 };
	struct hv_kvp_batch batch;
	int first, code;

	first = parse_options(argc, argv, options, ARRAY_SIZE(options));
	check_operands(argc, first, 0, 0);
	code = read_lines(&all);
	if (!code)
		code = apply(&all, &batch);
	if (!code)
		report(&batch);
	free(line_numbers);
	operations_free(&all);
	return code;
}

const struct command batch_command = {
	"batch", "", "Reads operations from stdin and does all or none", run
};
