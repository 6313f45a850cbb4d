// SPDX-License-Identifier: GPL-2.0
/* kvpctl identify: what the kernel cannot know of the guest. See kvpctl(8). */
#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <string.h>
#include <sys/ioctl.h>
#include <unistd.h>

#include "device.h"
#include "hostname.h"
#include "identify.h"
#include "json.h"
#include "kvpctl.h"
#include "osrelease.h"

/* A name server that does not answer must not hold up the boot, ms. */
#define RESOLVER_TIME	5000

static bool drop, print;
static const char *root = "";

static const struct option_spec options[] = {
	{ "drop", 'd', OPTION_FLAG, &drop, NULL, "back to what the kernel says by itself" },
	{ "print", 'p', OPTION_FLAG, &print, NULL, "print what would be set, and set nothing" },
	{ "root", 0, OPTION_TEXT, &root, NULL, "DIR os-release is below it" },
};

/**
 * struct identity - what is overridden
 * @has_os: there is an os-release
 * @os: from os-release
 * @hostname: fully qualified name, or empty: not found
 */
struct identity {
	bool has_os;
	struct osrelease os;
	char hostname[HOSTNAME_SIZE];
};

/*
 * As hv_kvp_daemon fills them: the whole of VERSION_ID is the major version, and
 * the minor one is empty. OSVersion and OSBuildNumber are the kernel's release
 * there and in the kernel's own items, so they are left alone.
 */
static const struct field {
	const char *key;
	size_t offset;
} fields[] = {
	{ "OSName", offsetof(struct identity, os.name) },
	{ "OSMajorVersion", offsetof(struct identity, os.version_id) },
	{ "OSMinorVersion", 0 },
	{ "FullyQualifiedDomainName", offsetof(struct identity, hostname) },
};

#define MINOR	2
#define FQDN	3

/* NULL for what the kernel's own item is better for than a guess. */
static const char *value_of(const struct identity *identity, size_t field)
{
	if (field == FQDN)
		return identity->hostname[0] ? identity->hostname : NULL;
	if (!identity->has_os)
		return NULL;
	return field == MINOR ? "" : (const char *)identity + fields[field].offset;
}

static void gather(struct identity *identity, const char *from)
{
	int error = osrelease_read(from, &identity->os);

	identity->has_os = !error;
	if (error)
		warn("os-release: %s", strerror(-error));
	/* the node's name alone is what the kernel has by itself */
	if (hostname_full(identity->hostname, RESOLVER_TIME))
		identity->hostname[0] = '\0';
}

static int drop_item(int device, const char *key)
{
	struct hvkvp_delete arg = {
		.key = PTR(key), .key_len = strlen(key), .pool = HVKVP_POOL_AUTO,
	};

	/* ENOENT: it is not overridden */
	if (!ioctl(device, HVKVP_IOC_DELETE, &arg) || errno == ENOENT)
		return 0;
	return fail_errno("cannot drop %s", key);
}

static int set_item(int device, const char *key, const char *value)
{
	struct hvkvp_set arg = {
		.key = PTR(key), .key_len = strlen(key), .value = PTR(value),
		.value_len = strlen(value), .pool = HVKVP_POOL_AUTO, .type = HVKVP_TYPE_SZ,
	};

	if (!ioctl(device, HVKVP_IOC_SET, &arg))
		return 0;
	return fail_errno("cannot set %s", key);
}

static int drop_all(int device)
{
	int code = 0;

	for (size_t i = 0; i < ARRAY_SIZE(fields); i++) {
		int failed = drop_item(device, fields[i].key);

		code = code ? code : failed;
	}
	return code;
}

int identify_set(int device, const char *from)
{
	struct identity identity;
	int code = 0;

	gather(&identity, from);
	for (size_t i = 0; i < ARRAY_SIZE(fields); i++) {
		const char *value = value_of(&identity, i);
		/* an old value must not outlive what it was made of */
		int failed = value ? set_item(device, fields[i].key, value) :
				     drop_item(device, fields[i].key);

		code = code ? code : failed;
	}
	return code;
}

static int print_all(void)
{
	struct json j = { .out = stdout };
	struct identity identity;

	gather(&identity, root);
	if (want_json)
		json_open(&j, NULL, '{');
	for (size_t i = 0; i < ARRAY_SIZE(fields); i++) {
		const char *value = value_of(&identity, i);

		if (!value)
			continue;
		if (want_json)
			json_string(&j, fields[i].key, value);
		else
			printf("%s=%s\n", fields[i].key, value);
	}
	if (want_json)
		json_close(&j);
	return EXIT_OK;
}

static int run(int argc, char **argv)
{
	int first = parse_options(argc, argv, options, ARRAY_SIZE(options));
	int device, code;

	check_operands(argc, first, 0, 0);
	if (drop && print)
		usage_error("--drop and --print exclude each other");
	if (print)
		return print_all();
	device = device_open(O_RDWR, &code);
	if (device < 0)
		return code;
	code = drop ? drop_all(device) : identify_set(device, root);
	close(device);
	return code;
}

const struct command identify_command = {
	"identify", "", "Tells the host the distribution and the full host name", run
};
