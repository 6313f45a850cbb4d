// SPDX-License-Identifier: GPL-2.0
/* Module parameters. All but takeover are read once, when the module loads. */
#include <linux/math64.h>
#include <linux/minmax.h>
#include <linux/mm.h>
#include <linux/module.h>
#include <linux/moduleparam.h>
#include <linux/stat.h>

#include "params.h"
#include "wire.h"

/*
 * 100,000 items are normal. The defaults for bytes and files are shares of the
 * memory there is: a guest of 256 MiB must survive a host and agents that both
 * take all that they can get, which is two and a quarter times the bytes, for old
 * versions, and a file for each item.
 */
#define DEFAULT_ITEMS		131072
#define DEFAULT_BYTES_MAX	(64ULL << 20)
#define DEFAULT_BYTES_SHARE	12

/* The share is of the files of all pools. */
#define DEFAULT_FILES_MAX	10000
#define DEFAULT_FILES_SHARE	32

static uint host_items = DEFAULT_ITEMS;
module_param(host_items, uint, 0444);
MODULE_PARM_DESC(host_items, "most items of the host in all pools (default 131072)");

static ulong host_bytes;
module_param(host_bytes, ulong, 0444);
MODULE_PARM_DESC(host_bytes, "most bytes of the host's items in all pools (default a twelfth of memory, at most 64 MiB)");

static uint agent_items = DEFAULT_ITEMS;
module_param(agent_items, uint, 0444);
MODULE_PARM_DESC(agent_items, "most items of the guest's agents in all pools (default 131072)");

static ulong agent_bytes;
module_param(agent_bytes, ulong, 0444);
MODULE_PARM_DESC(agent_bytes, "most bytes of the agents' items in all pools (default a twelfth of memory, at most 64 MiB)");

static bool host_may_write_guest = true;
module_param(host_may_write_guest, bool, 0444);
MODULE_PARM_DESC(host_may_write_guest, "the host may change pool GUEST (default Y)");

static int sysfs_items = -1;
module_param(sysfs_items, int, 0444);
MODULE_PARM_DESC(sysfs_items, "most item files per pool in sysfs, 0 for none (default -1: by memory, at most 10000)");

static ushort sysfs_mode = 0400;
module_param(sysfs_mode, ushort, 0444);
MODULE_PARM_DESC(sysfs_mode, "mode of the item files: 0400, 0440 or 0444 (default 0400)");

static bool takeover = true;
module_param(takeover, bool, 0644);
MODULE_PARM_DESC(takeover, "take the KVP device from hv_utils, and new ones before it; N: only what is bound by hand (default Y)");

struct hkvp_params hkvp_params;

static u64 memory_share(u32 share)
{
	return div_u64((u64)totalram_pages() << PAGE_SHIFT, share);
}

static u64 bytes_limit(unsigned long param)
{
	if (param)
		return param;
	return min(memory_share(DEFAULT_BYTES_SHARE), DEFAULT_BYTES_MAX);
}

static u32 files_limit(int param)
{
	u64 files = memory_share(DEFAULT_FILES_SHARE * HKVP_POOL_COUNT *
				 HKVP_FILE_BYTES);

	if (param >= 0)
		return param;
	return min_t(u64, files, DEFAULT_FILES_MAX);
}

/**
 * hkvp_params_init() - check the parameters and fill in hkvp_params
 *
 * Return: 0; -EINVAL for another mode than those of the item files.
 */
int hkvp_params_init(void)
{
	if (sysfs_mode != 0400 && sysfs_mode != 0440 && sysfs_mode != 0444) {
		pr_err("sysfs_mode must be 0400, 0440 or 0444\n");
		return -EINVAL;
	}

	hkvp_params = (struct hkvp_params) {
		.limits = {
			[HKVP_OWNER_HOST] = {
				.items = host_items,
				.bytes = bytes_limit(host_bytes),
			},
			[HKVP_OWNER_AGENT] = {
				.items = agent_items,
				.bytes = bytes_limit(agent_bytes),
			},
		},
		.host_may_write_guest = host_may_write_guest,
		.sysfs_items = files_limit(sysfs_items),
		.sysfs_mode = sysfs_mode,
	};
	return 0;
}

/**
 * hkvp_params_takeover() - may the driver have what nobody gave to it by hand?
 *
 * Context: any.
 * Return: the parameter takeover, which root may change at any time.
 */
bool hkvp_params_takeover(void)
{
	return READ_ONCE(takeover);
}
