// SPDX-License-Identifier: GPL-2.0
/* kvpctl import: the pool files of hv_kvp_daemon. */
#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <unistd.h>

#include "device.h"
#include "import.h"
#include "json.h"
#include "kvpctl.h"
#include "pool.h"
#include "poolfile.h"

static struct import_source source = { .skip_bad = true };
static unsigned int pools = ALL_POOLS & ~(1u << HV_KVP_POOL_AUTO);

static const struct option_spec options[] = {
	{ "pool", 'p', OPTION_POOLS, &pools, NULL,
	  "POOL only this pool, or these" },
	{ "replace", 'r', OPTION_FLAG, &source.replace, NULL,
	  "items that are there are replaced, not kept" },
};

/**
 * struct report - over all files
 * @files: that were there
 * @result: of their items
 * @cut: values that were cut
 * @json: the array of files
 */
struct report {
	unsigned int files;
	struct import_result result;
	size_t cut;
	struct json json;
};

static void report_file(struct report *report, unsigned int pool,
			const struct import_result *result, size_t cut)
{
	struct json *j = &report->json;

	report->files++;
	report->result.done += result->done;
	report->result.kept += result->kept;
	report->result.bad += result->bad;
	report->cut += cut;
	if (want_json) {
		json_open(j, NULL, '{');
		json_string(j, "pool", pool_name(pool));
		json_string(j, "file", source.name);
		json_number(j, "imported", result->done);
		json_number(j, "kept", result->kept);
		json_number(j, "left_out", result->bad);
		json_number(j, "cut", cut);
		json_close(j);
	} else {
		printf("%s\t%zu imported\t%zu kept\t%zu left out\t%zu cut\n",
		       pool_name(pool), result->done, result->kept,
		       result->bad, cut);
	}
}

static int import_pool(int fd, const char *directory, unsigned int pool,
		       struct report *report)
{
	struct poolfile_faults faults = { 0 };
	struct import_result result = { 0 };
	struct operations all = { 0 };
	char path[4096];
	int code;

	if (snprintf(path, sizeof(path), "%s/.kvp_pool_%u", directory, pool) >=
	    (int)sizeof(path))
		return fail(EXIT_INVALID, "the name of the directory is too long");
	source.name = path;
	code = poolfile_read(path, &all, &faults);
	result.bad = faults.bad;
	if (code == EXIT_NOT_FOUND)
		return EXIT_OK;
	if (!code)
		code = import_all(fd, pool, &all, &source, &result);
	if (!code)
		report_file(report, pool, &result, faults.cut);
	operations_free(&all);
	return code;
}

static int run(int argc, char **argv)
{
	struct report report = { .json.out = stdout };
	int first, fd, code;

	first = parse_options(argc, argv, options, ARRAY_SIZE(options));
	check_operands(argc, first, 1, 1);
	if (pools >> HV_KVP_POOL_AUTO & 1)
		usage_error("nothing can be imported into pool auto");
	fd = device_open(O_RDWR, &code);
	if (fd < 0)
		return code;
	code = EXIT_OK;
	if (want_json)
		json_open(&report.json, NULL, '[');
	for (unsigned int i = 0; !code && i < HV_KVP_POOL_COUNT; i++)
		if (pools >> i & 1)
			code = import_pool(fd, argv[first], i, &report);
	if (want_json)
		json_close(&report.json);
	close(fd);
	if (code)
		return code;
	if (!report.files)
		return fail(EXIT_NOT_FOUND, "no .kvp_pool_N in '%s'",
			    argv[first]);
	return report.result.bad || report.cut ? EXIT_PARTLY : EXIT_OK;
}

const struct command import_command = {
	"import", "DIRECTORY", "Takes over the pool files of hv_kvp_daemon", run
};
