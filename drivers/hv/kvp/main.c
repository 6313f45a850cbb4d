// SPDX-License-Identifier: GPL-2.0
/* Key-Value Pair exchange with a Hyper-V host: the module's start and end. */
#define pr_fmt(fmt) KBUILD_MODNAME ": " fmt

#include <linux/module.h>
#include <linux/random.h>
#include <linux/rcupdate.h>

#include "changes.h"
#include "chardev.h"
#include "debugfs.h"
#include "driver.h"
#include "hkvp.h"
#include "intrinsic.h"
#include "intrinsic_watch.h"
#include "ip_report.h"
#include "ipinfo.h"
#include "legacy.h"
#include "legacy_node.h"
#include "mirror_ask.h"
#include "params.h"
#include "setip.h"
#include "sysfs.h"
#include "takeover.h"
#include "version.h"

static struct hkvp hkvp;

/* A pool has a new version, made by the host or an agent. Any context. */
static void pool_changed(void *ctx, enum hkvp_pool_id pool)
{
	hkvp_sysfs_changed(ctx, pool);
	hkvp_changes_mark();
	hkvp_legacy_changed();
}

/* The state, the versions or the connection may be others. Any context. */
static void state_changed(void *ctx)
{
	hkvp_sysfs_state_changed(ctx);
	hkvp_changes_wake();
}

/* The host has read a pool to the end. Any context. */
static void host_read(void *ctx)
{
	hkvp_changes_wake();
}

/* Nobody waits for what a request was waiting for. */
static void cancel(void *ctx)
{
	hkvp_setip_cancel(ctx);
	hkvp_mirror_cancel(hkvp_mirror_asked());
}

static const struct hkvp_service_ops ops = {
	.intrinsic_at = hkvp_intrinsic_at,
	.intrinsic_find = hkvp_intrinsic_find,
	.changed = pool_changed,
	.get_ip_strings = hkvp_ipinfo_strings,
	.get_ip_binary = hkvp_ipinfo_binary,
	.set_ip_strings = hkvp_setip_strings,
	.set_ip_binary = hkvp_setip_binary,
	.connected = hkvp_setip_connected,
	.ask = hkvp_mirror_ask_host,
	.host_read = host_read,
	.cancel = cancel,
	.state_changed = state_changed,
};

static const struct hkvp_legacy_ops legacy_ops = {
	.registered = hkvp_setip_legacy_registered,
	.answered = hkvp_setip_legacy_answered,
};

static const struct hkvp_setip_legacy setip_legacy = {
	.request = hkvp_legacy_request,
	.cancel = hkvp_legacy_cancel,
};

/* Somebody is over the budget: free what can be freed, whatever pool it is of. */
static bool relieve_memory(void)
{
	bool ended = hkvp_chardev_relieve();
	unsigned int i;

	for (i = 0; i < HKVP_POOL_COUNT; i++)
		hkvp_pool_flush(&hkvp.pools[i]);
	return ended;
}

static void pools_exit(unsigned int count)
{
	/* whoever is still reading began before the last caller went away */
	synchronize_rcu();
	while (count--)
		hkvp_pool_destroy(&hkvp.pools[count]);
}

static int __init pools_init(void)
{
	unsigned int i;
	int ret;

	hkvp_budget_init(&hkvp.budget, hkvp_params.limits,
			 (u64)hkvp_params.sysfs_items * HKVP_FILE_BYTES *
			 HKVP_POOL_COUNT);
	hkvp.budget.relieve = relieve_memory;
	for (i = 0; i < HKVP_POOL_COUNT; i++) {
		ret = hkvp_pool_init(&hkvp.pools[i], &hkvp.budget);
		if (ret) {
			pools_exit(i);
			return ret;
		}
	}
	return 0;
}

/* The channel is closed, and KVP as it was before: with hv_utils, if it is there. */
static void driver_exit(void)
{
	bool bound = hkvp_driver_is_bound();

	hkvp_driver_unregister();
	if (bound)
		hkvp_takeover_give_back();
}

/* What userland sees comes last and goes first. */
static int __init hkvp_module_init(void)
{
	int ret;

	ret = hkvp_params_init();
	if (ret)
		return ret;

	ret = pools_init();
	if (ret)
		return ret;

	do {
		get_random_bytes(&hkvp.instance, sizeof(hkvp.instance));
	} while (!hkvp.instance);

	hkvp_intrinsic_init(&hkvp.pools[HKVP_POOL_AUTO]);

	ret = hkvp_changes_init(&hkvp);
	if (ret)
		goto pools;

	hkvp_ic_init(&hkvp.ic, hkvp.pools, &ops, NULL);
	if (!hkvp_params.host_may_write_guest)
		hkvp.ic.service.writable &= ~BIT(HKVP_POOL_GUEST);
	ret = hkvp_channel_init(&hkvp.channel, &hkvp.ic);
	if (ret)
		goto changes;

	hkvp_setip_init(&hkvp.channel, &setip_legacy, &hkvp.ip_left_out);
	hkvp_mirror_ask_init(&hkvp.channel);
	hkvp_legacy_init(&hkvp, &legacy_ops);
	ret = hkvp_driver_register(&hkvp.channel, hkvp_legacy_node_event);
	if (ret)
		goto channel;

	ret = hkvp_takeover_start();
	if (ret)
		goto driver;

	ret = hkvp_sysfs_register(&hkvp);
	if (ret)
		goto takeover;

	ret = hkvp_intrinsic_watch_start(&hkvp.pools[HKVP_POOL_AUTO],
					 pool_changed);
	if (ret)
		goto sysfs;
	ret = hkvp_ip_report_start();
	if (ret)
		goto watch;
	hkvp_debugfs_start(&hkvp);
	hkvp_chardev_init(&hkvp, pool_changed);
	hkvp_sysfs_announce();
	hkvp_legacy_node_start(hkvp_sysfs_device());
	return 0;

watch:
	hkvp_intrinsic_watch_stop();
sysfs:
	hkvp_sysfs_unregister();
takeover:
	hkvp_takeover_stop();
driver:
	driver_exit();
channel:
	hkvp_mirror_ask_exit();
	hkvp_setip_exit();
	hkvp_channel_destroy(&hkvp.channel);
changes:
	hkvp_changes_exit();
pools:
	pools_exit(HKVP_POOL_COUNT);
	return ret;
}
module_init(hkvp_module_init);

static void __exit hkvp_module_exit(void)
{
	hkvp_legacy_node_stop();
	hkvp_debugfs_stop();
	hkvp_ip_report_stop();
	hkvp_intrinsic_watch_stop();
	hkvp_sysfs_unregister();
	hkvp_chardev_exit();
	hkvp_takeover_stop();
	driver_exit();
	/* after the channel, which may be telling of a change to this moment */
	hkvp_legacy_exit();
	hkvp_mirror_ask_exit();
	hkvp_setip_exit();
	hkvp_channel_destroy(&hkvp.channel);
	hkvp_changes_exit();
	pools_exit(HKVP_POOL_COUNT);
}
module_exit(hkvp_module_exit);

MODULE_DESCRIPTION("Hyper-V Key-Value Pair exchange, the guest's side");
MODULE_VERSION(HKVP_MODULE_VERSION);
MODULE_LICENSE("GPL");
