// SPDX-License-Identifier: GPL-2.0
/* kvpctl component: Msvm_KvpExchangeComponent, as the host shows it. */
#include <ctype.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <strings.h>
#include <sys/ioctl.h>
#include <unistd.h>

#include "cim.h"
#include "device.h"
#include "kvpctl.h"
#include "pool.h"
#include "state.h"
#include "text.h"

/* EnabledState: it is enabled while there is a device to ask. */
#define ENABLED		2
/* Instance of the KVP service, the same on every host. */
#define INSTANCE_ID	"242FF919-07DB-4180-9C2E-B86CB68C8C55"

static const char *format;

static const struct option_spec options[] = {
	{ "format", 'f', OPTION_TEXT, &format, NULL,
	  "FORM mof (if not given), json or xml" },
};

typedef void (*put_fn)(FILE *out, const struct cim *cim);

static put_fn find_format(void)
{
	if (!format)
		return want_json ? cim_put_json : cim_put_mof;
	if (want_json && strcasecmp(format, "json"))
		usage_error("--json goes with no other --format");
	if (!strcasecmp(format, "mof"))
		return cim_put_mof;
	if (!strcasecmp(format, "json"))
		return cim_put_json;
	if (!strcasecmp(format, "xml"))
		return cim_put_xml;
	usage_error("no such format: '%s'", format);
}

static void add_status(struct cim *cim, const struct hv_kvp_info *info)
{
	char got[VERSION_TEXT], wanted[VERSION_TEXT], text[96];
	int len;

	cim_add_number(cim, "OperationalStatus", info->state);
	if (info->state == HV_KVP_STATE_DEGRADED ||
	    info->state == HV_KVP_STATE_NON_RECOVERABLE)
		len = snprintf(text, sizeof(text),
			       "%s: negotiated %s, expected %s",
			       state_name(info->state),
			       version_text(info->message, got),
			       version_text(info->message_offered, wanted));
	else
		len = snprintf(text, sizeof(text), "%s",
			       state_name(info->state));
	cim_add_text(cim, "StatusDescriptions", text, len);
	cim_add_number(cim, "EnabledState", ENABLED);
}

/* The names stay null if the host has not told the identity of the VM. */
static int add_names(struct cim *cim, int fd)
{
	char id[HV_KVP_VALUE_MAX];
	char *device;
	static const char key[] = "VirtualMachineId";
	struct hv_kvp_get get = {
		.key = PTR(key), .key_len = strlen(key), .value = PTR(id),
		.value_size = sizeof(id), .pool = HV_KVP_POOL_AUTO_EXTERNAL,
	};

	if (ioctl(fd, HV_KVP_IOC_GET, &get) || get.type != HV_KVP_TYPE_SZ)
		return EXIT_OK;
	for (size_t i = 0; i < get.value_size; i++)
		id[i] = toupper((unsigned char)id[i]);
	cim_add_text(cim, "SystemName", id, get.value_size);
	if (asprintf(&device, "Microsoft:%.*s\\%s", (int)get.value_size, id,
		     INSTANCE_ID) < 0)
		return fail(EXIT_ERROR, "out of memory");
	cim_add_text(cim, "DeviceID", device, strlen(device));
	free(device);
	return EXIT_OK;
}

/**
 * struct items - where the items of a pool go
 * @cim: to this instance
 * @pool: HV_KVP_POOL_*
 * @name: of the property
 */
struct items {
	struct cim *cim;
	unsigned int pool;
	const char *name;
};

static int add_item(void *ctx, const struct hv_kvp_item *item)
{
	struct items *items = ctx;
	size_t len;
	char *text = cim_embed_item(items->pool, item, &len);

	cim_add_text(items->cim, items->name, text, len);
	free(text);
	return 0;
}

static void restart(void *ctx)
{
	struct items *items = ctx;

	cim_empty(items->cim, items->name);
}

static int add_items(struct cim *cim, int fd, unsigned int pool,
		     const char *name)
{
	struct items items = { cim, pool, name };

	cim_empty(cim, name);
	return device_list(fd, pool, add_item, restart, &items, NULL);
}

static int gather(struct cim *cim, int fd)
{
	struct hv_kvp_info info;
	int code = device_info(fd, &info);

	if (code)
		return code;
	add_status(cim, &info);
	code = add_names(cim, fd);
	if (!code)
		code = add_items(cim, fd, HV_KVP_POOL_GUEST,
				 "GuestExchangeItems");
	if (!code)
		code = add_items(cim, fd, HV_KVP_POOL_AUTO,
				 "GuestIntrinsicExchangeItems");
	return code;
}

/* The text as it is, but nothing that turns a terminal's lines around. */
static int show(put_fn put, const struct cim *cim)
{
	char *text, *line;
	size_t size;
	FILE *out;

	if (!isatty(STDOUT_FILENO)) {
		put(stdout, cim);
		return EXIT_OK;
	}
	out = open_memstream(&text, &size);
	if (!out)
		return fail_errno("no memory");
	put(out, cim);
	fclose(out);
	for (line = text; *line; line += strcspn(line, "\n"), line += *line == '\n') {
		text_put_visible(stdout, line, strcspn(line, "\n"));
		putchar('\n');
	}
	free(text);
	return EXIT_OK;
}

static int run(int argc, char **argv)
{
	struct cim cim;
	int first, fd, code;
	put_fn put;

	first = parse_options(argc, argv, options, ARRAY_SIZE(options));
	check_operands(argc, first, 0, 0);
	put = find_format();
	fd = device_open(O_RDONLY, &code);
	if (fd < 0)
		return code;
	cim_init(&cim);
	code = gather(&cim, fd);
	if (!code)
		code = show(put, &cim);
	cim_free(&cim);
	close(fd);
	return code;
}

const struct command component_command = {
	"component", "",
	"Shows Msvm_KvpExchangeComponent as the host's WMI does", run
};
