// SPDX-License-Identifier: GPL-2.0
/* kvpctl hold: an item that is there while a program runs. */
#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <string.h>
#include <unistd.h>

#include "device.h"
#include "kvpctl.h"
#include "setitem.h"

static struct setitem how = {
	.pool = HV_KVP_POOL_GUEST, .type = "SZ", .flags = HV_KVP_EPHEMERAL,
};

static const struct option_spec options[] = {
	{ "pool", 'p', OPTION_POOL, &how.pool, NULL, "POOL guest if not given" },
	{ "type", 't', OPTION_TEXT, &how.type, NULL,
	  "TYPE SZ (if not given), EXPAND_SZ, DWORD or QWORD" },
};

/*
 * The kernel deletes the item when the last process that has the descriptor ends, by
 * whatever way: so the program has it, and nothing stays behind to wait for its end.
 * It is open for writing alone: what the host has sent is nobody else's.
 */
static int become(int fd, char **argv)
{
	if (fcntl(fd, F_SETFD, 0))
		return fail_errno("cannot pass the device on");
	execvp(argv[0], argv);
	return fail_errno("'%s'", argv[0]);
}

static int run(int argc, char **argv)
{
	uint64_t generation;
	struct value value;
	int first, fd, code;

	first = parse_options(argc, argv, options, ARRAY_SIZE(options));
	check_operands(argc, first, 2, NO_MAX);
	code = setitem_value(&how, argv[first + 1], &value);
	if (code)
		return code;
	fd = device_open(O_WRONLY, &code);
	if (fd < 0)
		return code;
	code = setitem_store(fd, &how, argv[first], &value, &generation);
	if (code)
		return code;
	if (first + 2 < argc)
		return become(fd, argv + first + 2);
	for (;;)
		pause();
}

const struct command hold_command = {
	"hold", "KEY VALUE [-- PROGRAM [ARGUMENT]...]",
	"Sets an item that is there only while a program runs", run
};
