// SPDX-License-Identifier: GPL-2.0
/*
 * State and items in sysfs, below the misc device hv_kvp.
 * Documentation/ABI/testing/sysfs-class-misc-hv_kvp describes every file.
 */
#define pr_fmt(fmt) KBUILD_MODNAME ": " fmt

#include <linux/device.h>
#include <linux/fs.h>
#include <linux/miscdevice.h>
#include <linux/module.h>
#include <linux/rcupdate.h>
#include <linux/slab.h>
#include <linux/sysfs.h>

#include "chardev.h"
#include "hkvp.h"
#include "intrinsic.h"
#include "intrinsic_files.h"
#include "items.h"
#include "name.h"
#include "notify.h"
#include "params.h"
#include "state.h"
#include "sysfs.h"

/* Set while anything here is registered. */
static struct hkvp *hkvp;
static struct workqueue_struct *wq;

/* The folder of one pool. */
struct pool_folder {
	struct kobject *kobj;
	struct hkvp_items *items;
};

static struct pool_folder folders[HKVP_POOL_COUNT];

/* The folders above are complete, and hkvp_sysfs_changed() may use them. */
static bool ready;

/* The service */

static enum hkvp_state state(void)
{
	return READ_ONCE(hkvp->ic.state);
}

static ssize_t operational_status_show(struct device *dev,
				       struct device_attribute *attr, char *buf)
{
	return sysfs_emit(buf, "%s\n", hkvp_state_name(state()));
}
static DEVICE_ATTR_RO(operational_status);

static ssize_t status_descriptions_show(struct device *dev,
					struct device_attribute *attr,
					char *buf)
{
	return sysfs_emit(buf, "%s\n", hkvp_state_description(state()));
}
static DEVICE_ATTR_RO(status_descriptions);

static ssize_t enabled_state_show(struct device *dev,
				  struct device_attribute *attr, char *buf)
{
	return sysfs_emit(buf, "Enabled\n");
}
static DEVICE_ATTR_RO(enabled_state);

static ssize_t connections_show(struct device *dev,
				struct device_attribute *attr, char *buf)
{
	return sysfs_emit(buf, "%u\n", READ_ONCE(hkvp->ic.service.connection));
}
static DEVICE_ATTR_RO(connections);

static ssize_t show_version(const u32 *field, char *buf)
{
	u32 version = READ_ONCE(*field);

	if (!version)
		return sysfs_emit(buf, "none\n");
	return sysfs_emit(buf, "%u.%u\n", HKVP_VERSION_MAJOR(version),
			  HKVP_VERSION_MINOR(version));
}

static ssize_t framework_version_show(struct device *dev,
				      struct device_attribute *attr, char *buf)
{
	return show_version(&hkvp->ic.versions.fw, buf);
}
static DEVICE_ATTR_RO(framework_version);

static ssize_t framework_version_offered_show(struct device *dev,
					      struct device_attribute *attr,
					      char *buf)
{
	return show_version(&hkvp->ic.versions.fw_offered, buf);
}
static DEVICE_ATTR_RO(framework_version_offered);

static ssize_t message_version_show(struct device *dev,
				    struct device_attribute *attr, char *buf)
{
	return show_version(&hkvp->ic.versions.msg, buf);
}
static DEVICE_ATTR_RO(message_version);

static ssize_t message_version_offered_show(struct device *dev,
					    struct device_attribute *attr,
					    char *buf)
{
	return show_version(&hkvp->ic.versions.msg_offered, buf);
}
static DEVICE_ATTR_RO(message_version_offered);

static ssize_t instance_show(struct device *dev, struct device_attribute *attr,
			     char *buf)
{
	return sysfs_emit(buf, "%016llx\n", hkvp->instance);
}
static DEVICE_ATTR_RO(instance);

static struct attribute *service_attrs[] = {
	&dev_attr_instance.attr,
	&dev_attr_operational_status.attr,
	&dev_attr_status_descriptions.attr,
	&dev_attr_enabled_state.attr,
	&dev_attr_connections.attr,
	&dev_attr_framework_version.attr,
	&dev_attr_framework_version_offered.attr,
	&dev_attr_message_version.attr,
	&dev_attr_message_version_offered.attr,
	NULL
};

/*
 * The device is being added, and not yet told of: that waits until all is there, as
 * for disks. The misc layer has no other place to say so.
 */
static umode_t hold_uevent(struct kobject *kobj, struct attribute *attr, int i)
{
	dev_set_uevent_suppress(kobj_to_dev(kobj), true);
	return attr->mode;
}

static const struct attribute_group service_group = {
	.attrs = service_attrs,
	.is_visible = hold_uevent,
};

/* limits/ */

/* One of the two: items count in u32, bytes in u64. */
struct limit {
	struct device_attribute attr;
	const u32 *items;
	const u64 *bytes;
};

static ssize_t show_limit(struct device *dev, struct device_attribute *attr,
			  char *buf)
{
	const struct limit *limit = container_of(attr, struct limit, attr);

	return sysfs_emit(buf, "%llu\n",
			  limit->items ? *limit->items : *limit->bytes);
}

#define LIMIT(_name, _field, _kind)					\
	{								\
		.attr = __ATTR(_name, 0444, show_limit, NULL),		\
		._kind = &hkvp_params._field,				\
	}

static struct limit limits[] = {
	LIMIT(host_items, limits[HKVP_OWNER_HOST].items, items),
	LIMIT(host_bytes, limits[HKVP_OWNER_HOST].bytes, bytes),
	LIMIT(agent_items, limits[HKVP_OWNER_AGENT].items, items),
	LIMIT(agent_bytes, limits[HKVP_OWNER_AGENT].bytes, bytes),
	LIMIT(sysfs_items, sysfs_items, items),
};

static struct attribute *limit_attrs[ARRAY_SIZE(limits) + 1];

static const struct attribute_group limits_group = {
	.name = "limits",
	.attrs = limit_attrs,
};

static void list_attributes(void)
{
	unsigned int i;

	for (i = 0; i < ARRAY_SIZE(limits); i++)
		limit_attrs[i] = &limits[i].attr.attr;
}

static const struct attribute_group *groups[] = {
	&service_group,
	&limits_group,
	NULL
};

/* One folder per pool */

static enum hkvp_pool_id pool_of(const struct kobject *kobj)
{
	enum hkvp_pool_id id = 0;

	while (id < HKVP_POOL_COUNT - 1 && folders[id].kobj != kobj)
		id++;
	return id;
}

static ssize_t count_show(struct kobject *kobj, struct kobj_attribute *attr,
			  char *buf)
{
	enum hkvp_pool_id id = pool_of(kobj);
	u32 count = HKVP_INTRINSIC_COUNT;

	if (id != HKVP_POOL_AUTO) {
		rcu_read_lock();
		count = hkvp_version_count(hkvp_pool_current(&hkvp->pools[id]));
		rcu_read_unlock();
	}
	return sysfs_emit(buf, "%u\n", count);
}

static struct kobj_attribute count_attr = __ATTR_RO(count);

static ssize_t generation_show(struct kobject *kobj,
			       struct kobj_attribute *attr, char *buf)
{
	const struct hkvp_pool *pool = &hkvp->pools[pool_of(kobj)];
	u64 generation;

	rcu_read_lock();
	generation = hkvp_version_generation(hkvp_pool_current(pool));
	rcu_read_unlock();
	return sysfs_emit(buf, "%llu\n", generation);
}

static struct kobj_attribute generation_attr = __ATTR_RO(generation);

static ssize_t bytes_show(struct kobject *kobj, struct kobj_attribute *attr,
			  char *buf)
{
	struct hkvp_pool_usage usage =
		hkvp_pool_usage(&hkvp->pools[pool_of(kobj)]);

	return sysfs_emit(buf, "%llu\n", usage.current_bytes +
			  usage.backlog_bytes + usage.retained_bytes);
}

static struct kobj_attribute bytes_attr = __ATTR_RO(bytes);

static ssize_t items_generation_show(struct kobject *kobj,
				     struct kobj_attribute *attr, char *buf)
{
	const struct hkvp_items *items = folders[pool_of(kobj)].items;

	return sysfs_emit(buf, "%llu\n", hkvp_items_generation(items));
}

static struct kobj_attribute items_generation_attr =
	__ATTR_RO(items_generation);

static ssize_t items_left_out_show(struct kobject *kobj,
				   struct kobj_attribute *attr, char *buf)
{
	const struct hkvp_items *items = folders[pool_of(kobj)].items;

	return sysfs_emit(buf, "%u\n", hkvp_items_left_out(items));
}

static struct kobj_attribute items_left_out_attr = __ATTR_RO(items_left_out);

static const struct attribute * const pool_attrs[] = {
	&count_attr.attr,
	&generation_attr.attr,
	&bytes_attr.attr,
	NULL
};

/* Of pools whose items/ follows them; intrinsic items are always the same. */
static const struct attribute * const items_attrs[] = {
	&items_generation_attr.attr,
	&items_left_out_attr.attr,
	NULL
};

/* Files go before what they show. */
static void remove_folder(enum hkvp_pool_id id)
{
	struct pool_folder *folder = &folders[id];

	if (id == HKVP_POOL_AUTO)
		hkvp_intrinsic_files_remove();
	sysfs_remove_files(folder->kobj, items_attrs);
	sysfs_remove_files(folder->kobj, pool_attrs);
	hkvp_items_destroy(folder->items);
	kobject_put(folder->kobj);
	*folder = (struct pool_folder) { };
}

static int make_folder(enum hkvp_pool_id id, struct kobject *parent)
{
	struct pool_folder *folder = &folders[id];
	int ret;

	folder->kobj = kobject_create_and_add(hkvp_pool_name(id), parent);
	if (!folder->kobj)
		return -ENOMEM;
	ret = sysfs_create_files(folder->kobj, pool_attrs);
	if (ret)
		goto undo;
	hkvp_notify_file(id, folder->kobj, "generation");
	if (id == HKVP_POOL_AUTO) {
		ret = hkvp_intrinsic_files_create(folder->kobj);
	} else {
		folder->items = hkvp_items_create(folder->kobj,
						  &hkvp->pools[id], wq);
		ret = folder->items ?
			sysfs_create_files(folder->kobj, items_attrs) : -ENOMEM;
		if (!ret)
			hkvp_items_tell(folder->items, folder->kobj,
					"items_generation");
	}
	if (ret)
		goto undo;
	return 0;

undo:
	remove_folder(id);
	return ret;
}

static struct miscdevice misc = {
	.minor = MISC_DYNAMIC_MINOR,
	.name = KBUILD_MODNAME,
	.fops = &hkvp_chardev_fops,
	.mode = 0600,
	.groups = groups,
};

/**
 * hkvp_sysfs_register() - show the service to userland
 * @kvp: the service; outlives this
 *
 * Context: process, may sleep.
 * Return: 0, -ENOMEM, or what sysfs returns.
 */
int hkvp_sysfs_register(struct hkvp *kvp)
{
	enum hkvp_pool_id id;
	int ret;

	wq = alloc_workqueue("hv_kvp_sysfs", WQ_UNBOUND, 0);
	if (!wq)
		return -ENOMEM;
	hkvp = kvp;
	list_attributes();
	ret = misc_register(&misc);
	if (ret)
		goto queue;
	hkvp_notify_start(kvp, &misc.this_device->kobj, wq);
	hkvp_notify_file(HKVP_MARK_STATE, &misc.this_device->kobj,
			 "operational_status");

	for (id = 0; id < HKVP_POOL_COUNT; id++) {
		ret = make_folder(id, &misc.this_device->kobj);
		if (ret)
			goto folders;
	}
	return 0;

folders:
	hkvp_notify_stop();
	while (id--)
		remove_folder(id);
	misc_deregister(&misc);
queue:
	destroy_workqueue(wq);
	return ret;
}

/**
 * hkvp_sysfs_announce() - tell udev of the device, and from now on of changes
 *
 * All files are there, and open() succeeds.
 *
 * Context: process, may sleep; once, after hkvp_sysfs_register().
 */
void hkvp_sysfs_announce(void)
{
	enum hkvp_pool_id id;

	dev_set_uevent_suppress(misc.this_device, false);
	kobject_uevent(&misc.this_device->kobj, KOBJ_ADD);
	/* pairs with the acquires below: the folders before it */
	smp_store_release(&ready, true);

	/* what the host has changed between the look of the folders and now */
	for (id = 0; id < HKVP_POOL_COUNT; id++)
		hkvp_sysfs_changed(NULL, id);
	hkvp_sysfs_state_changed(NULL);
}

/**
 * hkvp_sysfs_unregister() - undo hkvp_sysfs_register()
 *
 * Context: process, may sleep; waits for readers of the files.
 */
void hkvp_sysfs_unregister(void)
{
	enum hkvp_pool_id id;

	WRITE_ONCE(ready, false);
	/* who tells of changes has seen that, everywhere */
	synchronize_rcu();
	hkvp_notify_stop();
	for (id = 0; id < HKVP_POOL_COUNT; id++)
		remove_folder(id);
	misc_deregister(&misc);
	destroy_workqueue(wq);
}

/**
 * hkvp_sysfs_device() - the misc device
 *
 * Context: any, between hkvp_sysfs_register() and hkvp_sysfs_unregister().
 * Return: the device.
 */
struct device *hkvp_sysfs_device(void)
{
	return misc.this_device;
}

/**
 * hkvp_sysfs_changed() - a pool has a new version
 * @ctx: not used
 * @pool: the pool
 *
 * As changed of struct hkvp_service_ops. May come at any time, before
 * hkvp_sysfs_register() and after hkvp_sysfs_unregister() too.
 *
 * Context: any.
 */
void hkvp_sysfs_changed(void *ctx, enum hkvp_pool_id pool)
{
	rcu_read_lock();
	/* pairs with the release in hkvp_sysfs_register() */
	if (smp_load_acquire(&ready)) {
		if (folders[pool].items)
			hkvp_items_changed(folders[pool].items);
		hkvp_notify(pool);
	}
	rcu_read_unlock();
}

/**
 * hkvp_sysfs_state_changed() - the state may be another, or the connection
 * @ctx: not used
 *
 * As state_changed of struct hkvp_service_ops; at any time, as
 * hkvp_sysfs_changed().
 *
 * Context: any.
 */
void hkvp_sysfs_state_changed(void *ctx)
{
	rcu_read_lock();
	/* pairs with the release in hkvp_sysfs_register() */
	if (smp_load_acquire(&ready))
		hkvp_notify(HKVP_MARK_STATE);
	rcu_read_unlock();
}
