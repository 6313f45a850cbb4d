// SPDX-License-Identifier: GPL-2.0
/* kvpctl list: the items of pools. */
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <unistd.h>

#include "device.h"
#include "item.h"
#include "json.h"
#include "kvpctl.h"
#include "pool.h"
#include "text.h"

static bool stale, keys, details, nul;
static unsigned int pools = ALL_POOLS;

static const struct option_spec options[] = {
	{ "pool", 'p', OPTION_POOLS, &pools, NULL,
	  "POOL only this pool, or these: external, guest,\n"
	  "                             auto, auto_external, auto_internal" },
	{ "stale", 's', OPTION_FLAG, &stale, NULL,
	  "only what the host has not sent again" },
	{ "keys", 'k', OPTION_FLAG, &keys, NULL, "keys alone" },
	{ "long", 'l', OPTION_FLAG, &details, NULL,
	  "type, owner and generation too" },
	{ "null", '0', OPTION_FLAG, &nul, NULL,
	  "key, NUL, value, NUL; nothing is escaped" },
};

/**
 * struct kept - items to be printed, because a list may have to start over
 * @text: what is printed for a pool, in memory
 * @size: bytes of it
 * @out: writes to it
 * @pool: HV_KVP_POOL_*
 * @json: the array that is being written
 */
struct kept {
	char *text;
	size_t size;
	FILE *out;
	unsigned int pool;
	struct json json;
};

static void print_nul(FILE *out, const struct hv_kvp_item *item)
{
	struct value value = item_value_of(item);

	fwrite(item_key(item), 1, item->key_len, out);
	fputc('\0', out);
	if (keys)
		return;
	value_put(out, &value);
	fputc('\0', out);
}

static void print_line(FILE *out, unsigned int pool,
		       const struct hv_kvp_item *item)
{
	struct value value = item_value_of(item);

	if (!keys)
		fprintf(out, "%s\t", pool_name(pool));
	if (details)
		fprintf(out, "%s\t%s%s%s\t%llu\t", type_name(item->type),
			item_owner(pool, item->flags),
			item->flags & HV_KVP_ITEM_STALE ? ",stale" : "",
			item->flags & HV_KVP_ITEM_EPHEMERAL ? ",ephemeral" : "",
			(unsigned long long)item->generation);
	text_put_escaped(out, item_key(item), item->key_len);
	if (!keys) {
		fputc('\t', out);
		value_put_escaped(out, &value);
	}
	fputc('\n', out);
}

static void print_json(struct json *j, unsigned int pool,
		       const struct hv_kvp_item *item)
{
	if (keys) {
		json_text(j, NULL, item_key(item), item->key_len);
		return;
	}
	json_open(j, NULL, '{');
	item_json(j, pool, item);
	json_close(j);
}

static int print_item(void *ctx, const struct hv_kvp_item *item)
{
	struct kept *kept = ctx;

	if (stale && !(item->flags & HV_KVP_ITEM_STALE))
		return 0;
	if (want_json)
		print_json(&kept->json, kept->pool, item);
	else if (nul)
		print_nul(kept->out, item);
	else
		print_line(kept->out, kept->pool, item);
	return 0;
}

static struct json before;

/* Forgets what was printed of a pool. */
static void restart(void *ctx)
{
	struct kept *kept = ctx;

	rewind(kept->out);
	kept->json = before;
}

/* Prints a pool only once all of it has been read. */
static int list_pool(int fd, struct kept *kept)
{
	long end;
	int code;

	rewind(kept->out);
	before = kept->json;
	code = device_list(fd, kept->pool, print_item, restart, kept, NULL);
	end = ftell(kept->out);
	fflush(kept->out);
	if (!code)
		fwrite(kept->text, 1, end, stdout);
	return code;
}

static int run(int argc, char **argv)
{
	struct kept kept = { 0 };
	int first, fd, code;

	first = parse_options(argc, argv, options, ARRAY_SIZE(options));
	check_operands(argc, first, 0, 0);
	if (want_json && (nul || details))
		usage_error("--json goes with neither --null nor --long");
	fd = device_open(O_RDONLY, &code);
	if (fd < 0)
		return code;
	kept.out = open_memstream(&kept.text, &kept.size);
	if (!kept.out)
		return fail_errno("no memory");
	kept.json.out = kept.out;
	if (want_json)
		json_open(&kept.json, NULL, '[');
	fflush(kept.out);
	fwrite(kept.text, 1, kept.size, stdout);
	code = EXIT_OK;
	while (!code && kept.pool < HV_KVP_POOL_COUNT) {
		if (pools >> kept.pool & 1)
			code = list_pool(fd, &kept);
		kept.pool++;
	}
	close(fd);
	if (!code && want_json) {
		kept.json.out = stdout;
		json_close(&kept.json);
	}
	fclose(kept.out);
	free(kept.text);
	return code;
}

const struct command list_command = {
	"list", "", "Lists items: pool, key and value, separated by tabs", run
};
