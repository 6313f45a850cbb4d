// SPDX-License-Identifier: GPL-2.0
/* kvpctl status: state of the service, versions, and what the pools hold. */
#include <fcntl.h>
#include <stdio.h>
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

static void json_pools(struct json *j, const struct hvkvp_info *info)
{
	json_open(j, "pools", '[');
	for (unsigned int i = 0; i < HVKVP_POOLS; i++) {
		const struct hvkvp_pool_info *pool = &info->pools[i];

		json_open(j, NULL, '{');
		json_string(j, "pool", pool_name(i));
		json_number(j, "generation", pool->generation);
		json_number(j, "items", pool->items);
		json_number(j, "host_items", pool->host_items);
		json_number(j, "agent_items", pool->agent_items);
		json_number(j, "host_bytes", pool->host_bytes);
		json_number(j, "agent_bytes", pool->agent_bytes);
		json_bool(j, "host_writable", info->host_writable >> i & 1);
		json_close(j);
	}
	json_close(j);
}

static void print_json(const struct hvkvp_info *info)
{
	struct json j = { .out = stdout };

	json_open(&j, NULL, '{');
	json_string(&j, "operational_status", state_name(info->state));
	json_number(&j, "operational_status_code", info->state);
	json_number(&j, "abi", info->abi);
	json_version(&j, "framework_version", info->framework);
	json_version(&j, "message_version", info->message);
	json_version(&j, "framework_version_offered", info->framework_offered);
	json_version(&j, "message_version_offered", info->message_offered);
	json_number(&j, "connection", info->connection);
	json_open(&j, "limits", '{');
	json_number(&j, "key_bytes", info->key_max);
	json_number(&j, "value_bytes", info->value_max);
	json_number(&j, "batch", info->batch_max);
	json_number(&j, "lists", info->lists_max);
	json_number(&j, "changes_bytes", info->changes_bytes);
	json_number(&j, "host_items", info->host_items_max);
	json_number(&j, "agent_items", info->agent_items_max);
	json_number(&j, "host_bytes", info->host_bytes_max);
	json_number(&j, "agent_bytes", info->agent_bytes_max);
	json_close(&j);
	json_pools(&j, info);
	json_close(&j);
}

static void print_text(const struct hvkvp_info *info)
{
	char chosen[VERSION_TEXT], offered[VERSION_TEXT];

	printf("Operational status: %s\n", state_name(info->state));
	printf("Message version:    %s (offered %s)\n",
	       version_text(info->message, chosen),
	       version_text(info->message_offered, offered));
	printf("Framework version:  %s (offered %s)\n",
	       version_text(info->framework, chosen),
	       version_text(info->framework_offered, offered));
	printf("Connection:         %u\n\n", info->connection);
	printf("%-14s %10s %10s %10s %12s\n", "POOL", "ITEMS", "OF HOST",
	       "OF AGENTS", "GENERATION");
	for (unsigned int i = 0; i < HVKVP_POOLS; i++)
		printf("%-14s %10u %10u %10u %12llu\n", pool_name(i),
		       info->pools[i].items, info->pools[i].host_items,
		       info->pools[i].agent_items,
		       (unsigned long long)info->pools[i].generation);
}

static int run(int argc, char **argv)
{
	struct hvkvp_info info;
	int first, fd, code;

	first = parse_options(argc, argv, NULL, 0);
	check_operands(argc, first, 0, 0);
	fd = device_open(O_RDONLY, &code);
	if (fd < 0)
		return code;
	code = device_info(fd, &info);
	close(fd);
	if (code)
		return code;
	if (want_json)
		print_json(&info);
	else
		print_text(&info);
	return EXIT_OK;
}

const struct command status_command = {
	"status", "", "Shows the state of the service and of the pools", run
};
