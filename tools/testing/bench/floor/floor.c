// SPDX-License-Identifier: GPL-2.0
/*
 * The least that a KVP driver can do: answers every packet unchanged, with the
 * calls, sizes and channel settings of drivers/hv/kvp/channel.c. What it costs
 * is VMBus's own share of a transaction. For the benchmark only.
 */
#include "../measure.h"		/* first: it sets pr_fmt() */
#include <linux/hyperv.h>
#include <linux/module.h>
#include "../../../../drivers/hv/kvp/compat.h"

/* As in channel.c. */
#define MAX_PACKET	8192
#define RING_SIZE	VMBUS_RING_SIZE(3 * HV_HYP_PAGE_SIZE)

static void floor_callback(void *context)
{
	struct vmbus_channel *channel = context;
	struct vmpacket_descriptor *desc;

	while ((desc = hv_pkt_iter_first(channel))) {
		for (; desc; desc = hv_pkt_iter_next(channel, desc)) {
			int err = vmbus_sendpacket(channel, hv_pkt_data(desc),
						   hv_pkt_datalen(desc),
						   desc->trans_id,
						   VM_PKT_DATA_INBAND, 0);

			if (err)
				pr_err_ratelimited("answer lost: %d\n", err);
		}
		/* what came before the host saw our read index came without
		 * a signal: look at the write index after publishing it
		 */
		virt_mb();
	}
}

static int floor_probe(struct hv_device *dev, const struct hv_vmbus_device_id *id)
{
	struct vmbus_channel *channel = dev->channel;

	channel->max_pkt_size = MAX_PACKET;
	set_channel_read_mode(channel, HV_CALL_DIRECT);
	return vmbus_open(channel, RING_SIZE, RING_SIZE, NULL, 0,
			  floor_callback, channel);
}

static hkvp_removed floor_remove(struct hv_device *dev)
{
	vmbus_close(dev->channel);
	return HKVP_REMOVED;
}

static const struct hv_vmbus_device_id floor_ids[] = {
	{ HV_KVP_GUID },
	{}
};

static struct hv_driver floor_driver = {
	.name = "hkvp_floor",
	.id_table = floor_ids,
	.probe = floor_probe,
	.remove = floor_remove,
	.driver.probe_type = PROBE_FORCE_SYNCHRONOUS,
};

static int __init floor_init(void)
{
	return vmbus_driver_register(&floor_driver);
}
module_init(floor_init);

static void __exit floor_exit(void)
{
	vmbus_driver_unregister(&floor_driver);
}
module_exit(floor_exit);

MODULE_DESCRIPTION("Answers every KVP packet unchanged (benchmark)");
MODULE_LICENSE("GPL");
