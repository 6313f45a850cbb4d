// SPDX-License-Identifier: GPL-2.0
/* kvpctl status: state of the service, versions, and what the pools hold. */
#include <fcntl.h>
#include <stdio.h>
#include <time.h>
#include <unistd.h>

#include "device.h"
#include "json.h"
#include "kvpctl.h"
#include "pool.h"
#include "state.h"

static void json_version(struct json *j, const char *name, uint32_t version)
{
	char text[VERSION_TEXT];

	if (version)
		json_string(j, name, version_text(version, text));
	else
		json_null(j, name);
}

/**
 * struct status - what is shown
 * @info: of the service
 * @pools: by HV_KVP_POOL_*
 */
struct status {
	struct hv_kvp_info info;
	struct hv_kvp_pool_info pools[HV_KVP_POOL_COUNT];
};

static int read_status(int fd, struct status *status)
{
	int code = device_info(fd, &status->info);

	for (unsigned int i = 0; !code && i < HV_KVP_POOL_COUNT; i++)
		code = device_pool_info(fd, i, &status->pools[i]);
	return code;
}

static uint64_t seconds_since(uint64_t then)
{
	struct timespec now;
	uint64_t ns;

	clock_gettime(CLOCK_BOOTTIME, &now);
	ns = (uint64_t)now.tv_sec * 1000000000 + now.tv_nsec;
	return ns > then ? (ns - then) / 1000000000 : 0;
}

static void json_host_read(struct json *j, const struct hv_kvp_pool_info *pool)
{
	if (!pool->host_read_time) {
		json_null(j, "host_read");
		return;
	}
	json_open(j, "host_read", '{');
	json_number(j, "generation", pool->host_read_generation);
	json_number(j, "connection", pool->host_read_connection);
	json_number(j, "seconds_ago", seconds_since(pool->host_read_time));
	json_close(j);
}

static void json_pools(struct json *j, const struct status *status)
{
	json_open(j, "pools", '[');
	for (unsigned int i = 0; i < HV_KVP_POOL_COUNT; i++) {
		const struct hv_kvp_pool_info *pool = &status->pools[i];

		json_open(j, NULL, '{');
		json_string(j, "pool", pool_name(i));
		json_number(j, "generation", pool->generation);
		json_number(j, "items", pool->items);
		json_number(j, "host_items", pool->host_items);
		json_number(j, "agent_items", pool->agent_items);
		json_number(j, "host_bytes", pool->host_bytes);
		json_number(j, "agent_bytes", pool->agent_bytes);
		json_bool(j, "host_writable", status->info.host_writable >> i & 1);
		json_host_read(j, pool);
		json_close(j);
	}
	json_close(j);
}

static void json_limits(struct json *j, const struct hv_kvp_info *info)
{
	json_open(j, "limits", '{');
	json_number(j, "key_bytes", info->key_max);
	json_number(j, "value_bytes", info->value_max);
	json_number(j, "batch", info->batch_max);
	json_number(j, "host_items", info->host_items_max);
	json_number(j, "agent_items", info->agent_items_max);
	json_number(j, "host_bytes", info->host_bytes_max);
	json_number(j, "agent_bytes", info->agent_bytes_max);
	json_close(j);
}

static void print_json(const struct status *status)
{
	const struct hv_kvp_info *info = &status->info;
	struct json j = { .out = stdout };
	char instance[17];

	/* as text: readers of JSON keep 53 bits of a number */
	snprintf(instance, sizeof(instance), "%016llx", (unsigned long long)info->instance);
	json_open(&j, NULL, '{');
	json_string(&j, "operational_status", state_name(info->state));
	json_number(&j, "operational_status_code", info->state);
	json_number(&j, "abi", info->abi);
	json_number(&j, "errata", info->errata);
	json_string(&j, "instance", instance);
	json_version(&j, "framework_version", info->framework);
	json_version(&j, "message_version", info->message);
	json_version(&j, "framework_version_offered", info->framework_offered);
	json_version(&j, "message_version_offered", info->message_offered);
	json_number(&j, "connection", info->connection);
	json_bool(&j, "ip_agent", info->roles & HV_KVP_ROLE_IP_AGENT);
	json_bool(&j, "mirror", info->roles & HV_KVP_ROLE_MIRROR);
	json_limits(&j, info);
	json_pools(&j, status);
	json_close(&j);
}

static void print_pool(unsigned int id, const struct hv_kvp_pool_info *pool)
{
	char read[64] = "never";

	if (pool->host_read_time)
		snprintf(read, sizeof(read), "%llu, %llu s ago",
			 (unsigned long long)pool->host_read_generation,
			 (unsigned long long)seconds_since(pool->host_read_time));
	printf("%-14s %8u %8u %9u %11llu  %s\n", pool_name(id), pool->items, pool->host_items,
	       pool->agent_items, (unsigned long long)pool->generation, read);
}

static void print_text(const struct status *status)
{
	const struct hv_kvp_info *info = &status->info;
	char chosen[VERSION_TEXT], offered[VERSION_TEXT];

	printf("Operational status: %s\n", state_name(info->state));
	printf("Message version:    %s (offered %s)\n",
	       version_text(info->message, chosen),
	       version_text(info->message_offered, offered));
	printf("Framework version:  %s (offered %s)\n",
	       version_text(info->framework, chosen),
	       version_text(info->framework_offered, offered));
	printf("Connection:         %u\n\n", info->connection);
	printf("%-14s %8s %8s %9s %11s  %s\n", "POOL", "ITEMS", "OF HOST", "OF AGENTS",
	       "GENERATION", "READ BY HOST");
	for (unsigned int i = 0; i < HV_KVP_POOL_COUNT; i++)
		print_pool(i, &status->pools[i]);
}

static int run(int argc, char **argv)
{
	struct status status;
	int first, fd, code;

	first = parse_options(argc, argv, NULL, 0);
	check_operands(argc, first, 0, 0);
	fd = device_open(O_RDONLY, &code);
	if (fd < 0)
		return code;
	code = read_status(fd, &status);
	close(fd);
	if (code)
		return code;
	if (want_json)
		print_json(&status);
	else
		print_text(&status);
	return EXIT_OK;
}

const struct command status_command = {
	"status", "", "Shows the state of the service and of the pools", run
};
