// SPDX-License-Identifier: GPL-2.0
/*
 * /dev/hv_kvp: open, close, the way to each ioctl, and reading of changes.
 * Documentation/userspace-api/hv_kvp/ describes it for those who call it.
 *
 * The device belongs to the module and not to the VMBus device: descriptors
 * stay good when the host takes that away, and keep the module in memory.
 */
#include <linux/fs.h>
#include <linux/module.h>
#include <linux/poll.h>
#include <linux/slab.h>
#include <linux/string.h>
#include <linux/uaccess.h>

#include "chardev.h"
#include "chardev_file.h"
#include "intrinsic.h"
#include "params.h"

static struct hkvp *hkvp;
static void (*notify)(void *ctx, enum hkvp_pool_id pool);

union argument {
	struct hvkvp_info info;
	struct hvkvp_get get;
	struct hvkvp_set set;
	struct hvkvp_delete delete;
	struct hvkvp_list list;
	struct hvkvp_batch batch;
	struct hvkvp_import import;
	struct hvkvp_purge purge;
	struct hvkvp_ip_agent ip_agent;
	struct hvkvp_ip_request ip_request;
	struct hvkvp_ip_answer ip_answer;
	struct hvkvp_ip_supply ip_supply;
};

/**
 * struct call - an ioctl
 * @cmd: its number, with the size of the structure as it is today
 * @size_1: size of the structure in the first version of the ABI
 * @mode: what the descriptor must have been opened for
 * @fn: does it
 */
struct call {
	unsigned int cmd;
	u32 size_1;
	fmode_t mode;
	int (*fn)(struct hkvp_file *file, void *arg);
};

static const struct call calls[] = {
	{ HVKVP_IOC_INFO, 280, 0, hkvp_ioctl_info },
	{ HVKVP_IOC_GET, 56, FMODE_READ, hkvp_ioctl_get },
	{ HVKVP_IOC_SET, 40, FMODE_WRITE, hkvp_ioctl_set },
	{ HVKVP_IOC_DELETE, 24, FMODE_WRITE, hkvp_ioctl_delete },
	{ HVKVP_IOC_LIST, 48, FMODE_READ, hkvp_ioctl_list },
	{ HVKVP_IOC_BATCH, 40, FMODE_WRITE, hkvp_ioctl_batch },
	{ HVKVP_IOC_IMPORT, 32, FMODE_WRITE, hkvp_ioctl_import },
	{ HVKVP_IOC_PURGE, 16, FMODE_WRITE, hkvp_ioctl_purge },
	{ HVKVP_IOC_IP_AGENT, 8, FMODE_READ | FMODE_WRITE, hkvp_ioctl_ip_agent },
	{ HVKVP_IOC_IP_REQUEST, 32, FMODE_READ | FMODE_WRITE, hkvp_ioctl_ip_request },
	{ HVKVP_IOC_IP_ANSWER, 16, FMODE_READ | FMODE_WRITE, hkvp_ioctl_ip_answer },
	{ HVKVP_IOC_IP_SUPPLY, 32, FMODE_READ | FMODE_WRITE, hkvp_ioctl_ip_supply },
};

/* The ABI: the same on every architecture, and never to change. */
static_assert(sizeof(struct hvkvp_pool_info) == 40);
static_assert(sizeof(struct hvkvp_item) == 32);
static_assert(sizeof(struct hvkvp_op) == 32);
static_assert(sizeof(struct hvkvp_change) == 24);
static_assert(sizeof(struct hvkvp_info) == 280);
static_assert(sizeof(struct hvkvp_get) == 56);
static_assert(sizeof(struct hvkvp_set) == 40);
static_assert(sizeof(struct hvkvp_delete) == 24);
static_assert(sizeof(struct hvkvp_list) == 48);
static_assert(sizeof(struct hvkvp_batch) == 40);
static_assert(sizeof(struct hvkvp_import) == 32);
static_assert(sizeof(struct hvkvp_purge) == 16);
static_assert(sizeof(struct hvkvp_ip_agent) == 8);
static_assert(sizeof(struct hvkvp_ip_request) == 32);
static_assert(sizeof(struct hvkvp_ip_answer) == 16);
static_assert(sizeof(struct hvkvp_ip_supply) == 32);

/* Numbers that userland and the wire have in common. */
static_assert(HVKVP_POOL_EXTERNAL == (int)HKVP_POOL_EXTERNAL);
static_assert(HVKVP_POOL_GUEST == (int)HKVP_POOL_GUEST);
static_assert(HVKVP_POOL_AUTO == (int)HKVP_POOL_AUTO);
static_assert(HVKVP_POOL_AUTO_EXTERNAL == (int)HKVP_POOL_AUTO_EXTERNAL);
static_assert(HVKVP_POOL_AUTO_INTERNAL == (int)HKVP_POOL_AUTO_INTERNAL);
static_assert(HVKVP_POOLS == (int)HKVP_POOL_COUNT);
static_assert(HVKVP_TYPE_SZ == (int)HKVP_TYPE_SZ);
static_assert(HVKVP_TYPE_EXPAND_SZ == (int)HKVP_TYPE_EXPAND_SZ);
static_assert(HVKVP_TYPE_DWORD == (int)HKVP_TYPE_DWORD);
static_assert(HVKVP_TYPE_QWORD == (int)HKVP_TYPE_QWORD);
static_assert(HVKVP_STATE_OK == (int)HKVP_STATE_OK);
static_assert(HVKVP_STATE_DEGRADED == (int)HKVP_STATE_DEGRADED);
static_assert(HVKVP_STATE_NON_RECOVERABLE == (int)HKVP_STATE_NON_RECOVERABLE);
static_assert(HVKVP_STATE_NO_CONTACT == (int)HKVP_STATE_NO_CONTACT);
static_assert(HVKVP_STATE_LOST == (int)HKVP_STATE_LOST);
static_assert(HVKVP_KEY_MAX == HKVP_KEY_UTF8_MAX);
static_assert(HVKVP_VALUE_MAX == HKVP_VALUE_UTF8_MAX);

/* Tell everybody that an ioctl has changed @pool. */
void hkvp_chardev_changed(enum hkvp_pool_id pool)
{
	notify(NULL, pool);
}

static const struct call *find_call(unsigned int cmd)
{
	unsigned int nr = _IOC_NR(cmd);
	unsigned int i;

	for (i = 0; i < ARRAY_SIZE(calls); i++)
		if (_IOC_TYPE(cmd) == HVKVP_IOC_MAGIC &&
		    nr == _IOC_NR(calls[i].cmd) &&
		    _IOC_DIR(cmd) == _IOC_DIR(calls[i].cmd))
			return &calls[i];
	return NULL;
}

/* What a newer program has room for beyond @arg is 0 for it. */
static int copy_back(void __user *user, u32 user_size, const void *arg, u32 size)
{
	if (copy_to_user(user, arg, min(user_size, size)))
		return -EFAULT;
	if (user_size > size && clear_user(user + size, user_size - size))
		return -EFAULT;
	return 0;
}

static long ioctl(struct file *filp, unsigned int cmd, unsigned long addr)
{
	void __user *user = (void __user *)addr;
	u32 user_size = _IOC_SIZE(cmd);
	const struct call *call;
	union argument arg;
	int ret, err;
	u32 size;

	call = find_call(cmd);
	if (!call)
		return -ENOTTY;
	if (user_size < call->size_1)
		return -EINVAL;
	if (call->mode & ~filp->f_mode)
		return -EBADF;

	memset(&arg, 0, sizeof(arg));
	size = _IOC_SIZE(call->cmd);
	if (_IOC_DIR(cmd) & _IOC_WRITE) {
		err = copy_struct_from_user(&arg, size, user, user_size);
		if (err)
			return err;
	}
	ret = call->fn(filp->private_data, &arg);
	if (_IOC_DIR(cmd) & _IOC_READ) {
		err = copy_back(user, user_size, &arg, size);
		if (err)
			return err;
	}
	return ret;
}

static void pool_info(const struct hkvp *kvp, enum hkvp_pool_id id,
		      struct hvkvp_pool_info *info)
{
	const struct hkvp_version *v;
	struct hkvp_limit host, agent;

	rcu_read_lock();
	v = hkvp_pool_current(&kvp->pools[id]);
	host = hkvp_version_usage(v, HKVP_OWNER_HOST);
	agent = hkvp_version_usage(v, HKVP_OWNER_AGENT);
	info->generation = hkvp_version_generation(v);
	info->items = id == HKVP_POOL_AUTO ? HKVP_INTRINSIC_COUNT :
					     hkvp_version_count(v);
	rcu_read_unlock();
	info->host_items = host.items;
	info->host_bytes = host.bytes;
	info->agent_items = agent.items;
	info->agent_bytes = agent.bytes;
}

int hkvp_ioctl_info(struct hkvp_file *file, void *arg)
{
	const struct hkvp_limit *limits = hkvp_params.limits;
	const struct hkvp *kvp = file->kvp;
	const struct hkvp_ic *ic = &kvp->ic;
	struct hvkvp_info *info = arg;
	enum hkvp_pool_id id;

	*info = (struct hvkvp_info) {
		.abi = HVKVP_ABI_VERSION,
		.state = READ_ONCE(ic->state),
		.framework = READ_ONCE(ic->versions.fw),
		.message = READ_ONCE(ic->versions.msg),
		.framework_offered = READ_ONCE(ic->versions.fw_offered),
		.message_offered = READ_ONCE(ic->versions.msg_offered),
		.connection = READ_ONCE(ic->service.connection),
		.host_writable = READ_ONCE(ic->service.writable),
		.key_max = HVKVP_KEY_MAX,
		.value_max = HVKVP_VALUE_MAX,
		.batch_max = HKVP_BATCH_MAX,
		.lists_max = HKVP_LISTS_MAX,
		.changes_bytes = HKVP_CHANGES_BYTES,
		.host_items_max = limits[HKVP_OWNER_HOST].items,
		.agent_items_max = limits[HKVP_OWNER_AGENT].items,
		.host_bytes_max = limits[HKVP_OWNER_HOST].bytes,
		.agent_bytes_max = limits[HKVP_OWNER_AGENT].bytes,
	};
	for (id = 0; id < HKVP_POOL_COUNT; id++)
		pool_info(kvp, id, &info->pools[id]);
	return 0;
}

static int open(struct inode *inode, struct file *filp)
{
	/* pairs with the release in hkvp_chardev_init() */
	struct hkvp *kvp = smp_load_acquire(&hkvp);
	struct hkvp_file *file;

	if (!kvp)
		return -EAGAIN;
	file = kzalloc(sizeof(*file), GFP_KERNEL_ACCOUNT);
	if (!file)
		return -ENOMEM;
	file->kvp = kvp;
	hkvp_listing_init(&file->listing);
	if (filp->f_mode & FMODE_READ)
		hkvp_reader_begin(&file->reader);
	filp->private_data = file;
	return stream_open(inode, filp);
}

static int release(struct inode *inode, struct file *filp)
{
	struct hkvp_file *file = filp->private_data;

	hkvp_ip_agent_end(file);
	hkvp_listing_end(&file->listing);
	if (filp->f_mode & FMODE_READ)
		hkvp_reader_end(&file->reader);
	kfree(file);
	return 0;
}

static ssize_t read(struct file *filp, char __user *buf, size_t size,
		    loff_t *pos)
{
	struct hkvp_file *file = filp->private_data;

	return hkvp_reader_read(&file->reader, buf, size,
				filp->f_flags & O_NONBLOCK);
}

static __poll_t poll(struct file *filp, poll_table *wait)
{
	struct hkvp_file *file = filp->private_data;

	if (!(filp->f_mode & FMODE_READ))
		return 0;
	return hkvp_reader_poll(&file->reader, filp, wait);
}

const struct file_operations hkvp_chardev_fops = {
	.owner = THIS_MODULE,
	.open = open,
	.release = release,
	.read = read,
	.poll = poll,
	.unlocked_ioctl = ioctl,
	.compat_ioctl = compat_ptr_ioctl,
};

/**
 * hkvp_chardev_init() - let the device be opened
 * @kvp: the service; outlives the device
 * @changed: called in process context after each change of a pool, its first
 *	argument NULL
 *
 * The last step of the module's start: an open descriptor does not stop the
 * kernel from unloading a module whose start fails. Opens before it are refused
 * with -EAGAIN. hkvp_changes_init() comes before.
 *
 * Context: process.
 */
void hkvp_chardev_init(struct hkvp *kvp,
		       void (*changed)(void *ctx, enum hkvp_pool_id pool))
{
	notify = changed;
	hkvp_write_init();
	/* pairs with the acquire in open() */
	smp_store_release(&hkvp, kvp);
}

/**
 * hkvp_chardev_relieve() - let go of an old version that a list has pinned
 *
 * The list then has to start over.
 *
 * Context: process, may sleep.
 * Return: whether there was one.
 */
bool hkvp_chardev_relieve(void)
{
	return hkvp_listing_relieve();
}

/**
 * hkvp_chardev_exit() - stop what the device does by itself
 *
 * No descriptor is open, nor can one be opened.
 *
 * Context: process, may sleep.
 */
void hkvp_chardev_exit(void)
{
	hkvp_listing_exit();
}
