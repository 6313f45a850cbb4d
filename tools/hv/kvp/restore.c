// SPDX-License-Identifier: GPL-2.0
/* kvpctl restore: the items of a file into pool GUEST. */
#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <unistd.h>

#include "device.h"
#include "import.h"
#include "json.h"
#include "kvpctl.h"
#include "savefile.h"

static struct import_source source;
static bool check, missing_ok, any_machine;

static const struct option_spec options[] = {
	{ "replace", 'r', OPTION_FLAG, &source.replace, NULL,
	  "items that are there are replaced, not kept" },
	{ "missing-ok", 'm', OPTION_FLAG, &missing_ok, NULL,
	  "if there is no file, there is nothing to do" },
	{ "check", 'c', OPTION_FLAG, &check, NULL,
	  "only look whether the file would be taken" },
	{ "any-machine", 'a', OPTION_FLAG, &any_machine, NULL,
	  "also what another machine has saved" },
};

/* A clone must not tell its host what the template told. */
static int refuse(void)
{
	if (!missing_ok)
		return fail(EXIT_INVALID, "'%s' is of another machine, nothing is restored; "
			    "--any-machine takes it", source.name);
	warn("'%s' is of another machine, nothing is restored", source.name);
	return EXIT_OK;
}

static void report(const char *path, size_t count,
		   const struct import_result *result)
{
	struct json j = { .out = stdout };

	json_open(&j, NULL, '{');
	json_string(&j, "file", path);
	json_number(&j, "items", count);
	if (!check) {
		json_number(&j, "restored", result->done);
		json_number(&j, "kept", result->kept);
	}
	json_number(&j, "left_out", result->bad);
	json_close(&j);
}

static int run(int argc, char **argv)
{
	struct import_result result = { 0 };
	struct operations all = { 0 };
	int first, fd, code;
	bool foreign;

	first = parse_options(argc, argv, options, ARRAY_SIZE(options));
	check_operands(argc, first, 0, 1);
	source.name = first < argc ? argv[first] : SAVE_FILE;
	if (missing_ok && access(source.name, F_OK) && errno == ENOENT)
		return EXIT_OK;
	code = savefile_read(source.name, &all, &foreign, &result.bad);
	if (!code && foreign && !any_machine) {
		operations_free(&all);
		return refuse();
	}
	if (!code && !check) {
		fd = device_open(O_RDWR, &code);
		if (fd >= 0) {
			code = import_all(fd, HV_KVP_POOL_GUEST, &all, &source,
					  &result);
			close(fd);
		}
	}
	if (!code && want_json)
		report(source.name, all.count + result.bad, &result);
	operations_free(&all);
	return !code && result.bad ? EXIT_PARTLY : code;
}

const struct command restore_command = {
	"restore", "[FILE]", "Restores pool guest from what save wrote", run
};
