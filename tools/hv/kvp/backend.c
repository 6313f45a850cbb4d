// SPDX-License-Identifier: GPL-2.0
#include <limits.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "backend.h"
#include "kvpctl.h"
#include "readfile.h"

/*
 * netplan comes first: it writes files for networkd or NetworkManager, which
 * then run the interface, but would overwrite what is put beside them.
 */
static const struct backend *const backends[] = {
	&netplan_backend, &networkd_backend, &nm_backend, &ifupdown_backend,
};

bool backend_state(const struct job *job, const char *prefix, const char *section,
		   const char *key, char *value, size_t size)
{
	char path[PATH_MAX], *text;
	bool found;

	snprintf(path, sizeof(path), "%s%u", prefix, job->nic->index);
	if (readfile(job->root, path, 65536, &text, NULL))
		return false;
	found = readfile_value(text, section, key, value, size);
	free(text);
	return found;
}

static const struct backend *by_name(struct job *job, const char *name)
{
	for (size_t i = 0; i < ARRAY_SIZE(backends); i++) {
		if (strcmp(backends[i]->name, name))
			continue;
		/* for the detail */
		if (!backends[i]->runs(job) && backends[i]->configured)
			backends[i]->configured(job);
		return backends[i];
	}
	return NULL;
}

const struct backend *backend_find(struct job *job, const char *name)
{
	if (name)
		return by_name(job, name);
	for (size_t i = 0; i < ARRAY_SIZE(backends); i++)
		if (backends[i]->runs(job))
			return backends[i];
	/* the other way round: a stanza says more than that networkd is there */
	for (size_t i = ARRAY_SIZE(backends); i--; )
		if (backends[i]->configured && backends[i]->configured(job))
			return backends[i];
	return NULL;
}
