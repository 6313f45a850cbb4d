// SPDX-License-Identifier: GPL-2.0
/* kvpctl save: the items of pool GUEST into a file. */
#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "device.h"
#include "json.h"
#include "kvpctl.h"
#include "lines.h"
#include "savefile.h"

static bool missing_ok;

static const struct option_spec options[] = {
	{ "missing-ok", 'm', OPTION_FLAG, &missing_ok, NULL,
	  "if there is no device, there is nothing to do" },
};

/**
 * struct text - the file, in memory until all items have been read
 * @fd: the device
 * @out: writes to @text
 * @text: what comes before the last line
 * @len: bytes of it, after a flush
 * @count: items
 */
struct text {
	int fd;
	FILE *out;
	char *text;
	size_t len;
	uint64_t count;
};

/* What goes with its owner, and what the mirror has in a file, is not for the next boot. */
static int add_item(void *ctx, const struct hv_kvp_item *item)
{
	struct text *text = ctx;

	if (item->flags & (HV_KVP_ITEM_EPHEMERAL | HV_KVP_ITEM_MIRROR))
		return 0;
	line_put_set(text->out, item);
	text->count++;
	return 0;
}

static void restart(void *ctx)
{
	struct text *text = ctx;

	rewind(text->out);
	savefile_begin(text->out);
	text->count = 0;
}

static int write_text(void *ctx, FILE *out)
{
	struct text *text = ctx;
	int code = device_list(text->fd, HV_KVP_POOL_GUEST, add_item, restart,
			       text, NULL);

	if (code)
		return code;
	text->len = ftell(text->out);
	if (fflush(text->out) || ferror(text->out))
		return fail_errno("no memory");
	fwrite(text->text, 1, text->len, out);
	savefile_end(out, text->text, text->len, text->count);
	return EXIT_OK;
}

static int save(const char *path, struct text *text)
{
	int code;

	text->fd = device_open(O_RDONLY, &code);
	if (text->fd < 0)
		return code;
	text->out = open_memstream(&text->text, &text->len);
	if (!text->out) {
		close(text->fd);
		return fail_errno("no memory");
	}
	restart(text);
	code = savefile_write(path, write_text, text);
	fclose(text->out);
	free(text->text);
	close(text->fd);
	return code;
}

static int run(int argc, char **argv)
{
	struct text text = { 0 };
	struct json j = { .out = stdout };
	const char *path = SAVE_FILE;
	int first, code;

	first = parse_options(argc, argv, options, ARRAY_SIZE(options));
	check_operands(argc, first, 0, 1);
	if (first < argc)
		path = argv[first];
	else if (mkdir(SAVE_DIRECTORY, 0755) && errno != EEXIST)
		return fail_errno("'%s'", SAVE_DIRECTORY);
	code = save(path, &text);
	/* it has told that nothing was saved */
	if (code == EXIT_NO_DEVICE && missing_ok)
		return EXIT_OK;
	if (!code && want_json) {
		json_open(&j, NULL, '{');
		json_string(&j, "file", path);
		json_number(&j, "saved", text.count);
		json_close(&j);
	}
	return code;
}

const struct command save_command = {
	"save", "[FILE]", "Saves pool guest, by default to " SAVE_FILE, run
};
