// SPDX-License-Identifier: GPL-2.0
/*
 * Network interfaces for the tests of IP information: one below each VMBus
 * device of a class that only the emulated host offers, as netvsc has one below
 * its own. What they send is dropped.
 *
 * The MAC address is at first the last six bytes of the instance GUID; any other
 * is set as usual, also while the interface is up. So is the carrier ('ip link set
 * dev eth0 carrier on'), which is there from the beginning unless connected=N. A
 * netdev that is enslaved to such an interface becomes its lower device, as netvsc
 * links an SR-IOV virtual function.
 */
#include <linux/etherdevice.h>
#include <linux/hyperv.h>
#include <linux/module.h>
#include <linux/netdevice.h>
#include "../../../drivers/hv/kvp/compat.h"

/* CLASS_ID in tools/testing/hvhost/hvhost/testnic.py */
#define TEST_NIC_GUID							\
	.guid = GUID_INIT(0xc8d7d2a6, 0x5b1c, 0x4f0e,			\
			  0x9a, 0x27, 0x6e, 0x1f, 0x3c, 0x0d, 0x5b, 0x44)
#define MAC_IN_GUID	(UUID_SIZE - ETH_ALEN)

static bool connected = true;
module_param(connected, bool, 0644);
MODULE_PARM_DESC(connected, "interfaces that come have a carrier");

static netdev_tx_t nic_xmit(struct sk_buff *skb, struct net_device *dev)
{
	dev_kfree_skb_any(skb);
	return NETDEV_TX_OK;
}

static int nic_add_slave(struct net_device *dev, struct net_device *lower,
			 struct netlink_ext_ack *extack)
{
	int err = netdev_master_upper_dev_link(lower, dev, NULL, NULL, extack);

	if (!err)
		lower->flags |= IFF_SLAVE;	/* as netvsc_vf_join() does */
	return err;
}

static int nic_del_slave(struct net_device *dev, struct net_device *lower)
{
	lower->flags &= ~IFF_SLAVE;
	netdev_upper_dev_unlink(lower, dev);
	return 0;
}

/* The interface goes; those below it stay. */
static void nic_uninit(struct net_device *dev)
{
	struct net_device *lower;
	struct list_head *iter;

	for (;;) {
		iter = &dev->adj_list.lower;
		lower = netdev_lower_get_next(dev, &iter);
		if (!lower)
			break;
		nic_del_slave(dev, lower);
	}
}

static int nic_change_carrier(struct net_device *dev, bool carrier)
{
	if (carrier)
		netif_carrier_on(dev);
	else
		netif_carrier_off(dev);
	return 0;
}

static const struct net_device_ops nic_ops = {
	.ndo_change_carrier = nic_change_carrier,
	.ndo_uninit = nic_uninit,
	.ndo_start_xmit = nic_xmit,
	.ndo_set_mac_address = eth_mac_addr,
	.ndo_validate_addr = eth_validate_addr,
	.ndo_add_slave = nic_add_slave,
	.ndo_del_slave = nic_del_slave,
};

/* One that is below a NIC goes. */
static int nic_event(struct notifier_block *nb, unsigned long event, void *info)
{
	struct net_device *lower = netdev_notifier_info_to_dev(info);
	struct net_device *dev;

	if (event != NETDEV_UNREGISTER)
		return NOTIFY_DONE;
	dev = netdev_master_upper_dev_get(lower);
	if (dev && dev->netdev_ops == &nic_ops)
		nic_del_slave(dev, lower);
	return NOTIFY_DONE;
}

static struct notifier_block nic_notifier = {
	.notifier_call = nic_event,
};

static int nic_probe(struct hv_device *dev, const struct hv_vmbus_device_id *id)
{
	struct net_device *nic = alloc_etherdev(0);
	int err;

	if (!nic)
		return -ENOMEM;
	nic->netdev_ops = &nic_ops;
	nic->priv_flags |= IFF_LIVE_ADDR_CHANGE;
	eth_hw_addr_set(nic, &dev->dev_instance.b[MAC_IN_GUID]);
	SET_NETDEV_DEV(nic, &dev->device);
	if (!connected)
		netif_carrier_off(nic);
	err = register_netdev(nic);
	if (err) {
		free_netdev(nic);
		return err;
	}
	hv_set_drvdata(dev, nic);
	return 0;
}

static hkvp_removed nic_remove(struct hv_device *dev)
{
	struct net_device *nic = hv_get_drvdata(dev);

	unregister_netdev(nic);
	free_netdev(nic);
	return HKVP_REMOVED;
}

static const struct hv_vmbus_device_id nic_ids[] = {
	{ TEST_NIC_GUID },
	{}
};
MODULE_DEVICE_TABLE(vmbus, nic_ids);

static struct hv_driver nic_driver = {
	.name = "hkvp_netdev",
	.id_table = nic_ids,
	.probe = nic_probe,
	.remove = nic_remove,
	/* in the order of the offers, and done when insmod is */
	.driver.probe_type = PROBE_FORCE_SYNCHRONOUS,
};

static int __init nic_init(void)
{
	int err = register_netdevice_notifier(&nic_notifier);

	if (err)
		return err;
	err = vmbus_driver_register(&nic_driver);
	if (err)
		unregister_netdevice_notifier(&nic_notifier);
	return err;
}
module_init(nic_init);

static void __exit nic_exit(void)
{
	vmbus_driver_unregister(&nic_driver);
	unregister_netdevice_notifier(&nic_notifier);
}
module_exit(nic_exit);

MODULE_DESCRIPTION("Network interfaces on VMBus devices of a test class");
MODULE_LICENSE("GPL");
