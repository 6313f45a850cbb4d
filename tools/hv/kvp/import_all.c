// SPDX-License-Identifier: GPL-2.0
/* HVKVP_IOC_IMPORT for any number of items. */
#include <errno.h>
#include <stdio.h>
#include <string.h>
#include <sys/ioctl.h>

#include "import.h"
#include "kvpctl.h"
#include "pool.h"
#include "text.h"

/* What the kernel says of an item that can never be. */
static bool is_malformed(int error)
{
	return error == EINVAL || error == EILSEQ || error == ENAMETOOLONG ||
	       error == EMSGSIZE;
}

/* The key is from a file and may be anything. */
static int tell_bad(const struct import_source *source,
		    const struct hvkvp_op *op)
{
	char key[256];
	int error = errno;
	FILE *out = fmemopen(key, sizeof(key), "w");

	key[0] = '\0';
	if (out) {
		text_put_escaped(out, operation_key(op),
				 op->key_len < 40 ? op->key_len : 40);
		fclose(out);
	}
	errno = error;
	return fail_item("%s: item '%s'", source->name, key);
}

int import_all(int fd, unsigned int pool, struct operations *all,
	       const struct import_source *source,
	       struct import_result *result)
{
	struct hvkvp_info info;
	size_t at = 0;
	int code = device_info(fd, &info);

	while (!code && at < all->count) {
		size_t left = all->count - at;
		struct hvkvp_import import = {
			.ops = PTR(&all->ops[at]), .pool = pool,
			.flags = source->replace ? HVKVP_IMPORT_REPLACE : 0,
			.count = left < info.batch_max ? left : info.batch_max,
			.op_size = sizeof(*all->ops), .failed = HVKVP_NO_OP,
		};

		if (!ioctl(fd, HVKVP_IOC_IMPORT, &import)) {
			result->kept += import.kept;
			result->done += import.count - import.kept;
			at += import.count;
			continue;
		}
		if (import.failed >= import.count || !is_malformed(errno))
			return fail_item("%s: pool %s, after %zu items",
					  source->name, pool_name(pool), at);
		code = tell_bad(source, &all->ops[at + import.failed]);
		if (source->skip_bad) {
			code = EXIT_OK;
			operations_drop(all, at + import.failed);
			result->bad++;
		}
	}
	return code;
}
