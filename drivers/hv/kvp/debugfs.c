// SPDX-License-Identifier: GPL-2.0
/*
 * Counters in debugfs, hv_kvp/, one a file: for people who look for what went wrong.
 * Nothing here is promised to programs.
 */
#include <linux/debugfs.h>
#include <linux/module.h>
#include <linux/stddef.h>

#include "debugfs.h"
#include "hkvp.h"

static struct dentry *folder;

/* @offset: where in struct hkvp the counter is, an u64 */
struct counter {
	const char *name;
	size_t offset;
};

#define COUNTER(_name, _field)						\
	{								\
		.name = #_name,						\
		.offset = offsetof(struct hkvp, _field),		\
	}
#define OP(_name, _op)		COUNTER(_name, ic.service.stats.ops[_op])
#define STATUS(_name, _status)	COUNTER(_name, ic.service.stats.status[_status])
#define DROPPED(_name, _drop)	COUNTER(_name, ic.stats.dropped[_drop])

static const struct counter counters[] = {
	COUNTER(packets, ic.stats.packets),
	COUNTER(negotiations, ic.stats.negotiations),
	COUNTER(bad_negotiations, ic.stats.bad_negotiations),
	COUNTER(bad_size, ic.stats.bad_size),
	COUNTER(bad_pipe_flags, ic.stats.bad_pipe_flags),
	COUNTER(unsupported, ic.stats.unsupported),
	DROPPED(dropped_short, HKVP_DROP_SHORT),
	DROPPED(dropped_pipe_flags, HKVP_DROP_PIPE_FLAGS),
	DROPPED(dropped_pipe_size, HKVP_DROP_PIPE_SIZE),
	DROPPED(dropped_response, HKVP_DROP_RESPONSE),
	DROPPED(dropped_type, HKVP_DROP_TYPE),
	OP(op_get, HKVP_OP_GET),
	OP(op_set, HKVP_OP_SET),
	OP(op_delete, HKVP_OP_DELETE),
	OP(op_enumerate, HKVP_OP_ENUMERATE),
	OP(op_get_ip_info, HKVP_OP_GET_IP_INFO),
	OP(op_set_ip_info, HKVP_OP_SET_IP_INFO),
	OP(op_unknown, HKVP_OP_UNKNOWN),
	COUNTER(op_deferred, ic.service.stats.deferred),
	STATUS(status_ok, HKVP_STATUS_OK),
	STATUS(status_fail, HKVP_STATUS_FAIL),
	STATUS(status_no_more_items, HKVP_STATUS_NO_MORE_ITEMS),
	STATUS(status_not_supported, HKVP_STATUS_NOT_SUPPORTED),
	STATUS(status_not_found, HKVP_STATUS_NOT_FOUND),
	STATUS(status_invalid_argument, HKVP_STATUS_INVALID_ARGUMENT),
	STATUS(status_disk_full, HKVP_STATUS_DISK_FULL),
	STATUS(status_not_connected, HKVP_STATUS_NOT_CONNECTED),
	COUNTER(channel_opens, channel.stats.opens),
	COUNTER(channel_reopens, channel.stats.reopens),
	COUNTER(channel_broken, channel.stats.broken),
	COUNTER(channel_bad_type, channel.stats.bad_type),
	COUNTER(channel_ring_full, channel.stats.ring_full),
	COUNTER(channel_work_runs, channel.stats.work_runs),
	COUNTER(legacy_messages, legacy.messages),
	COUNTER(legacy_errors, legacy.errors),
	COUNTER(legacy_left_out, legacy.left_out),
	COUNTER(ip_left_out, ip_left_out),
};

/**
 * hkvp_debugfs_start() - show the counters
 * @kvp: the service; outlives this
 *
 * A kernel without debugfs shows none: that is no error.
 *
 * Context: process, may sleep.
 */
void hkvp_debugfs_start(struct hkvp *kvp)
{
	unsigned int i;

	folder = debugfs_create_dir(KBUILD_MODNAME, NULL);
	for (i = 0; i < ARRAY_SIZE(counters); i++)
		debugfs_create_u64(counters[i].name, 0444, folder,
				   (void *)kvp + counters[i].offset);
}

/**
 * hkvp_debugfs_stop() - undo hkvp_debugfs_start()
 *
 * Context: process, may sleep; waits for readers of the files.
 */
void hkvp_debugfs_stop(void)
{
	debugfs_remove(folder);
}
