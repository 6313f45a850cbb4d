// SPDX-License-Identifier: GPL-2.0
#include <errno.h>
#include <stdio.h>
#include <string.h>
#include <sys/ioctl.h>

#include "import.h"
#include "keycase.h"
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
		    const struct hv_kvp_op *op)
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

/* What the host has sent on this connection stays, as does what agents have set. */
static void prepare(struct operations *all, const struct import_source *source)
{
	for (size_t i = 0; i < all->count; i++)
		all->ops[i].flags = source->replace ? 0 : HV_KVP_IF_ABSENT | HV_KVP_OR_SKIP;
}

int import_all(int fd, unsigned int pool, struct operations *all,
	       const struct import_source *source,
	       struct import_result *result)
{
	struct hv_kvp_info info;
	size_t at = 0;
	int code = device_info(fd, &info);

	prepare(all, source);
	while (!code && at < all->count) {
		size_t left = all->count - at;
		struct hv_kvp_batch batch = {
			.ops = PTR(&all->ops[at]), .pool = pool,
			.owner = pool == HV_KVP_POOL_GUEST ? HV_KVP_OWNER_AGENT : HV_KVP_OWNER_HOST,
			.count = left < info.batch_max ? left : info.batch_max,
			.op_size = sizeof(*all->ops),
		};

		if (!ioctl(fd, HV_KVP_IOC_BATCH, &batch)) {
			result->kept += batch.skipped;
			result->done += batch.count - batch.skipped;
			at += batch.count;
			continue;
		}
		if (batch.failed >= batch.count || !is_malformed(errno))
			return fail_item("%s: pool %s, after %zu items",
					  source->name, pool_name(pool), at);
		code = tell_bad(source, &all->ops[at + batch.failed]);
		if (source->skip_bad) {
			code = EXIT_OK;
			operations_drop(all, at + batch.failed);
			result->bad++;
		}
	}
	if (!code)
		keycase_warn(pool, all);
	return code;
}
