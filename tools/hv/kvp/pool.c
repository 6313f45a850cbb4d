// SPDX-License-Identifier: GPL-2.0
/* Names of pools and of types of values. */
#include <string.h>
#include <strings.h>

#include "kvpctl.h"
#include "pool.h"

static const char * const pool_names[HV_KVP_POOL_COUNT] = {
	[HV_KVP_POOL_EXTERNAL] = "external",
	[HV_KVP_POOL_GUEST] = "guest",
	[HV_KVP_POOL_AUTO] = "auto",
	[HV_KVP_POOL_AUTO_EXTERNAL] = "auto_external",
	[HV_KVP_POOL_AUTO_INTERNAL] = "auto_internal",
};

static const struct {
	const char *name;
	unsigned int type;
} types[] = {
	{ "SZ", HV_KVP_TYPE_SZ },
	{ "EXPAND_SZ", HV_KVP_TYPE_EXPAND_SZ },
	{ "DWORD", HV_KVP_TYPE_DWORD },
	{ "QWORD", HV_KVP_TYPE_QWORD },
};

const char *pool_name(unsigned int pool)
{
	return pool < HV_KVP_POOL_COUNT ? pool_names[pool] : "?";
}

int pool_by_name(const char *name)
{
	if (name[0] >= '0' && name[0] < '0' + HV_KVP_POOL_COUNT && !name[1])
		return name[0] - '0';
	for (int i = 0; i < HV_KVP_POOL_COUNT; i++)
		if (!strcasecmp(name, pool_names[i]))
			return i;
	return -1;
}

const char *type_name(unsigned int type)
{
	for (size_t i = 0; i < ARRAY_SIZE(types); i++)
		if (types[i].type == type)
			return types[i].name;
	return "?";
}

unsigned int type_by_name(const char *name)
{
	for (size_t i = 0; i < ARRAY_SIZE(types); i++)
		if (!strcasecmp(name, types[i].name))
			return types[i].type;
	return 0;
}
