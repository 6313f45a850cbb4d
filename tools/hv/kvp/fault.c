// SPDX-License-Identifier: GPL-2.0
#include <errno.h>
#include <string.h>

#include "fault.h"
#include "operations.h"
#include "text.h"

static int judge_text(const char *s, size_t len, size_t units, int too_long)
{
	if (memchr(s, '\0', len))
		return -EINVAL;
	if (!text_is_valid(s, len))
		return -EILSEQ;
	return text_units(s, len) > units ? too_long : 0;
}

int fault_of(const struct hv_kvp_op *op)
{
	const struct value value = { .type = op->type };
	int error;

	if (!op->key_len)
		return -EINVAL;
	error = judge_text(operation_key(op), op->key_len, KEY_UNITS, -ENAMETOOLONG);
	if (error || value_is_number(&value))
		return error;
	return judge_text((const char *)(uintptr_t)op->value, op->value_len, VALUE_UNITS,
			  -EMSGSIZE);
}

const char *fault_words(int error)
{
	switch (error) {
	case ENOENT:
		return "no such key";
	case ENAMETOOLONG:
		return "the key has more than 255 UTF-16 units (bytes, if it is ASCII)";
	case EMSGSIZE:
		return "the value has more than 1,023 UTF-16 units (bytes, if it is ASCII)";
	case EILSEQ:
		return "key or value is no valid UTF-8";
	case EINVAL:
		return "an empty key, a NUL in key or value, or in pool auto another type than SZ";
	case ENOSPC:
		return "the pool is full, see 'limits' in 'kvpctl status --json'; delete items";
	case EPERM:
		return "only the host writes its pools, and only root pool auto";
	case EOPNOTSUPP:
		return "this pool has no such operation";
	case EEXIST:
		return "there is such an item, and the condition is that there must not be";
	case ESTALE:
		return "it has changed: another generation, or another connection of the host";
	default:
		return NULL;
	}
}
