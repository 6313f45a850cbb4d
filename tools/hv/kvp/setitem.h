/* SPDX-License-Identifier: GPL-2.0 */
/* One item of the command line, for what sets it. */
#ifndef KVPCTL_SETITEM_H
#define KVPCTL_SETITEM_H

#include "item.h"

/**
 * struct setitem - what the command line says
 * @pool: HV_KVP_POOL_*
 * @type: name of the type
 * @file: where the value is, or NULL
 * @flags: HV_KVP_IF_*, HV_KVP_UNLESS_HOST, HV_KVP_EPHEMERAL
 * @if_generation: for HV_KVP_IF_GENERATION
 */
struct setitem {
	unsigned int pool;
	const char *type;
	const char *file;
	unsigned int flags;
	uint64_t if_generation;
};

/* Takes the value from @text, or from the file if @text is NULL. An exit code. */
int setitem_value(const struct setitem *how, const char *text, struct value *value);

/*
 * Sets the item on a device that is open for writing, and warns where its key differs
 * from another one by case alone. An exit code; @generation is the pool's that has it.
 */
int setitem_store(int fd, const struct setitem *how, const char *key,
		  const struct value *value, uint64_t *generation);

#endif /* KVPCTL_SETITEM_H */
