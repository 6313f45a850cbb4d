// SPDX-License-Identifier: GPL-2.0
/* kvpctl identify: what the kernel cannot know of the guest. See kvpctl(8). */
#include <errno.h>
#include <fcntl.h>
#include <poll.h>
#include <stdio.h>
#include <string.h>
#include <sys/ioctl.h>
#include <unistd.h>

#include "deadline.h"
#include "device.h"
#include "hostname.h"
#include "json.h"
#include "kvpctl.h"
#include "netwatch.h"
#include "osrelease.h"
#include "text.h"

/* A name server that does not answer is not waited for any longer, ms. */
#define RESOLVER_TIME	5000

/* With --follow, ms: changes come in bursts, and one look is enough for a burst; */
#define SETTLE		1000
/* the time between two looks; */
#define LOOK_PAUSE	10000
/* without a full name the time to the next look, which doubles up to the last. */
#define RETRY_FIRST	15000
#define RETRY_LAST	(15 * 60 * 1000)

static bool drop, print, stay;
static const char *root = "";

static const struct option_spec options[] = {
	{ "drop", 'd', OPTION_FLAG, &drop, NULL, "back to what the kernel says by itself" },
	{ "follow", 'f', OPTION_FLAG, &stay, NULL, "again whenever any of it may have changed" },
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

static void gather_os(struct identity *identity)
{
	int error = osrelease_read(root, &identity->os);
	static bool warned;

	identity->has_os = !error;
	if (error && !warned)
		warn("os-release: %s", strerror(-error));
	warned = error;
}

/* An error if there is only the node's name, which is what the kernel has by itself. */
static int gather_name(struct identity *identity)
{
	int error = hostname_full(identity->hostname, RESOLVER_TIME);

	if (error)
		identity->hostname[0] = '\0';
	return error;
}

static int drop_item(int device, const char *key)
{
	struct hv_kvp_delete arg = {
		.key = PTR(key), .key_len = strlen(key), .pool = HV_KVP_POOL_AUTO,
	};

	/* ENOENT: it is not overridden */
	if (!ioctl(device, HV_KVP_IOC_DELETE, &arg) || errno == ENOENT)
		return 0;
	return fail_item("cannot drop %s", key);
}

static int set_item(int device, const char *key, const char *value)
{
	struct hv_kvp_set arg = {
		.key = PTR(key), .key_len = strlen(key), .value = PTR(value),
		.value_len = strlen(value), .pool = HV_KVP_POOL_AUTO, .type = HV_KVP_TYPE_SZ,
	};

	if (!ioctl(device, HV_KVP_IOC_SET, &arg))
		return 0;
	return fail_item("cannot set %s", key);
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

static int set_fields(int device, const struct identity *identity, size_t from, size_t to)
{
	int code = 0;

	for (size_t i = from; i < to; i++) {
		const char *value = value_of(identity, i);
		/* an old value must not outlive what it was made of */
		int failed = value ? set_item(device, fields[i].key, value) :
				     drop_item(device, fields[i].key);

		code = code ? code : failed;
	}
	return code;
}

/* Opens the device for just this: while it is open the module cannot be removed. */
static int tell(const struct identity *identity, size_t from, size_t to)
{
	int code, device = device_open(O_RDWR, &code);

	if (device < 0)
		return code;
	code = identity ? set_fields(device, identity, from, to) : drop_all(device);
	close(device);
	return code;
}

static void print_one(struct json *j, const char *key, const char *value)
{
	if (want_json) {
		json_string(j, key, value);
		return;
	}
	printf("%s=", key);
	text_put_escaped(stdout, value, strlen(value));
	putchar('\n');
}

static void print_all(const struct identity *identity)
{
	struct json j = { .out = stdout };

	if (want_json)
		json_open(&j, NULL, '{');
	for (size_t i = 0; i < ARRAY_SIZE(fields); i++) {
		const char *value = value_of(identity, i);

		if (value)
			print_one(&j, fields[i].key, value);
	}
	if (want_json)
		json_close(&j);
}

/* Without a resolver that answers, the name of before stays if the node's is the same. */
static int look_for_name(struct identity *identity, char known_node[HOSTNAME_SIZE])
{
	char known[HOSTNAME_SIZE], node[HOSTNAME_SIZE] = "";
	int error;

	if (gethostname(node, sizeof(node) - 1))
		node[0] = '\0';
	strcpy(known, identity->hostname);
	error = gather_name(identity);
	if (error && error != -ENOENT && !strcmp(node, known_node))
		strcpy(identity->hostname, known);
	strcpy(known_node, node);
	return error;
}

/* What needs no network is told before a name server is asked. */
static int look_once(struct identity *identity, char node[HOSTNAME_SIZE])
{
	int code;

	gather_os(identity);
	code = tell(identity, 0, FQDN);
	if (code)
		return code;
	look_for_name(identity, node);
	code = tell(identity, FQDN, ARRAY_SIZE(fields));
	if (want_json)
		print_all(identity);
	return code;
}

/* Returns when there may be something new, or after @timeout; 0, or an exit code. */
static int wait_for_change(struct netwatch *watch, int64_t last, int timeout)
{
	struct pollfd events[] = {
		{ .fd = watch->link, .events = POLLIN },
		{ .fd = watch->files, .events = POLLIN },
		{ .fd = watch->hostname, .events = POLLPRI },
	};
	int ready, pause;

	do {
		ready = poll(events, ARRAY_SIZE(events), timeout);
	} while (ready < 0 && errno == EINTR);
	if (ready < 0)
		return fail_errno("cannot wait");
	if (ready) {
		pause = deadline_left(last + LOOK_PAUSE);
		poll(NULL, 0, pause > SETTLE ? pause : SETTLE);
	}
	netwatch_drain(watch, root);
	netwatch_drain_hostname(watch);
	return EXIT_OK;
}

static int follow(void)
{
	struct identity identity = { 0 };
	char node[HOSTNAME_SIZE] = "";
	int code, retry = RETRY_FIRST;
	struct netwatch watch;
	int error = netwatch_open(&watch, root);

	if (error) {
		errno = -error;
		return fail_errno("cannot watch the system");
	}
	while (!(code = look_once(&identity, node))) {
		bool full = strchr(identity.hostname, '.') || strchr(node, '.');

		fflush(stdout);
		code = wait_for_change(&watch, deadline_now(), full ? -1 : retry);
		if (code)
			break;
		retry = full ? RETRY_FIRST : retry < RETRY_LAST / 2 ? 2 * retry : RETRY_LAST;
	}
	netwatch_close(&watch);
	return code;
}

static int run(int argc, char **argv)
{
	int first = parse_options(argc, argv, options, ARRAY_SIZE(options));
	struct identity identity = { 0 };
	char node[HOSTNAME_SIZE] = "";

	check_operands(argc, first, 0, 0);
	if (drop + print + stay > 1)
		usage_error("--drop, --follow and --print exclude each other");
	if (stay)
		return follow();
	if (drop)
		return tell(NULL, 0, 0);
	if (!print)
		return look_once(&identity, node);
	gather_os(&identity);
	gather_name(&identity);
	print_all(&identity);
	return EXIT_OK;
}

const struct command identify_command = {
	"identify", "", "Tells the host the distribution and the full host name", run
};
