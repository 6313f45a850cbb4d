// SPDX-License-Identifier: GPL-2.0
/*
 * /dev/hv_kvp: open, close, the way to each ioctl, and reading of records.
 * Documentation/userspace-api/hv_kvp/ describes it for those who call it.
 *
 * The device belongs to the module and not to the VMBus device: descriptors
 * stay good when the host takes that away, and keep the module in memory.
 */
#include <linux/fs.h>
#include <linux/module.h>
#include <linux/poll.h>
#include <linux/slab.h>
#include <linux/stddef.h>
#include <linux/string.h>
#include <linux/uaccess.h>
#include <linux/uio.h>

#include "chardev.h"
#include "chardev_file.h"
#include "compat.h"
#include "intrinsic.h"
#include "mirror_ask.h"
#include "params.h"
#include "setip.h"

static struct hkvp *hkvp;
static void (*notify)(void *ctx, enum hkvp_pool_id pool);

union argument {
	struct hv_kvp_info info;
	struct hv_kvp_pool_info pool_info;
	struct hv_kvp_get get;
	struct hv_kvp_list list;
	struct hv_kvp_set set;
	struct hv_kvp_delete delete;
	struct hv_kvp_batch batch;
	struct hv_kvp_purge purge;
	struct hv_kvp_watch watch;
	struct hv_kvp_ip_agent ip_agent;
	struct hv_kvp_ip_request ip_request;
	struct hv_kvp_ip_answer ip_answer;
	struct hv_kvp_ip_report ip_report;
	struct hv_kvp_mirror mirror;
	struct hv_kvp_mirror_current mirror_current;
};

/**
 * struct call - an ioctl
 * @cmd: its number, with the size of the structure as it is today
 * @least: smallest size of the structure that is taken
 * @mode: what the descriptor must have been opened for
 * @fn: does it
 */
struct call {
	unsigned int cmd;
	u32 least;
	fmode_t mode;
	int (*fn)(struct hkvp_file *file, void *arg);
};

#define READS	FMODE_READ
#define WRITES	FMODE_WRITE
#define BOTH	(FMODE_READ | FMODE_WRITE)

/* @last: the last member that a program must know. */
#define CALL(NAME, name, last, mode)					\
	{								\
		HV_KVP_IOC_##NAME,					\
		offsetofend(struct hv_kvp_##name, last),		\
		mode,							\
		hkvp_ioctl_##name,					\
	}

static const struct call calls[] = {
	CALL(INFO, info, instance, 0),
	CALL(POOL_INFO, pool_info, generation, 0),
	CALL(GET, get, item_flags, READS),
	CALL(LIST, list, reserved, READS),
	CALL(SET, set, reserved, WRITES),
	CALL(DELETE, delete, reserved, WRITES),
	CALL(BATCH, batch, failed, WRITES),
	CALL(PURGE, purge, count, WRITES),
	CALL(WATCH, watch, flags, READS),
	CALL(IP_AGENT, ip_agent, reserved, BOTH),
	CALL(IP_REQUEST, ip_request, reserved, BOTH),
	CALL(IP_ANSWER, ip_answer, reserved, BOTH),
	CALL(IP_REPORT, ip_report, dhcp, BOTH),
	CALL(MIRROR, mirror, reserved, BOTH),
	CALL(MIRROR_CURRENT, mirror_current, id, BOTH),
};

/* The ABI: the same on every architecture, and never smaller. */
static_assert(sizeof(struct hv_kvp_info) == 88);
static_assert(sizeof(struct hv_kvp_pool_info) == 64);
static_assert(sizeof(struct hv_kvp_get) == 64);
static_assert(sizeof(struct hv_kvp_item) == 48);
static_assert(sizeof(struct hv_kvp_list) == 48);
static_assert(sizeof(struct hv_kvp_set) == 56);
static_assert(sizeof(struct hv_kvp_delete) == 40);
static_assert(sizeof(struct hv_kvp_op) == 48);
static_assert(sizeof(struct hv_kvp_batch) == 56);
static_assert(sizeof(struct hv_kvp_purge) == 24);
static_assert(sizeof(struct hv_kvp_watch) == 8);
static_assert(sizeof(struct hv_kvp_event) == 16);
static_assert(sizeof(struct hv_kvp_event_item) == 64);
static_assert(sizeof(struct hv_kvp_event_pool) == 40);
static_assert(sizeof(struct hv_kvp_event_state) == 32);
static_assert(sizeof(struct hv_kvp_event_request) == 24);
static_assert(sizeof(struct hv_kvp_ip_agent) == 8);
static_assert(sizeof(struct hv_kvp_ip_request) == 40);
static_assert(sizeof(struct hv_kvp_ip_answer) == 16);
static_assert(sizeof(struct hv_kvp_ip_report) == 32);
static_assert(sizeof(struct hv_kvp_mirror) == 8);
static_assert(sizeof(struct hv_kvp_mirror_current) == 8);

/* Numbers that userland and the wire have in common. */
static_assert(HV_KVP_POOL_EXTERNAL == (int)HKVP_POOL_EXTERNAL);
static_assert(HV_KVP_POOL_GUEST == (int)HKVP_POOL_GUEST);
static_assert(HV_KVP_POOL_AUTO == (int)HKVP_POOL_AUTO);
static_assert(HV_KVP_POOL_AUTO_EXTERNAL == (int)HKVP_POOL_AUTO_EXTERNAL);
static_assert(HV_KVP_POOL_AUTO_INTERNAL == (int)HKVP_POOL_AUTO_INTERNAL);
static_assert(HV_KVP_POOL_COUNT == (int)HKVP_POOL_COUNT);
static_assert(HV_KVP_TYPE_SZ == (int)HKVP_TYPE_SZ);
static_assert(HV_KVP_TYPE_EXPAND_SZ == (int)HKVP_TYPE_EXPAND_SZ);
static_assert(HV_KVP_TYPE_DWORD == (int)HKVP_TYPE_DWORD);
static_assert(HV_KVP_TYPE_QWORD == (int)HKVP_TYPE_QWORD);
static_assert(HV_KVP_STATE_OK == (int)HKVP_STATE_OK);
static_assert(HV_KVP_STATE_DEGRADED == (int)HKVP_STATE_DEGRADED);
static_assert(HV_KVP_STATE_NON_RECOVERABLE == (int)HKVP_STATE_NON_RECOVERABLE);
static_assert(HV_KVP_STATE_NO_CONTACT == (int)HKVP_STATE_NO_CONTACT);
static_assert(HV_KVP_STATE_LOST == (int)HKVP_STATE_LOST);
static_assert(HV_KVP_KEY_MAX == HKVP_KEY_UTF8_MAX);
static_assert(HV_KVP_VALUE_MAX == HKVP_VALUE_UTF8_MAX);

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
		if (_IOC_TYPE(cmd) == HV_KVP_IOC_MAGIC &&
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

/*
 * Of a call that changes something: an argument that cannot be written is found out
 * before. What was read is written, so that another thread sees nothing new.
 */
static int probe_argument(const struct call *call, void __user *user,
			  u32 user_size, const void *arg)
{
	if (!(call->mode & FMODE_WRITE) || !(_IOC_DIR(call->cmd) & _IOC_READ))
		return 0;
	return copy_back(user, user_size, arg, _IOC_SIZE(call->cmd));
}

static int run_call(struct hkvp_file *file, const struct call *call,
		    void __user *user, u32 user_size)
{
	u32 size = _IOC_SIZE(call->cmd);
	union argument arg;
	int ret, err;

	memset(&arg, 0, sizeof(arg));
	if (_IOC_DIR(call->cmd) & _IOC_WRITE) {
		err = copy_struct_from_user(&arg, size, user, user_size);
		if (!err)
			err = probe_argument(call, user, user_size, &arg);
		if (err)
			return err;
	}
	ret = call->fn(file, &arg);
	if (_IOC_DIR(call->cmd) & _IOC_READ) {
		err = copy_back(user, user_size, &arg, size);
		if (err)
			return err;
	}
	return ret;
}

static long chardev_ioctl(struct file *filp, unsigned int cmd, unsigned long addr)
{
	const struct call *call = find_call(cmd);

	if (!call)
		return -ENOTTY;
	if (_IOC_SIZE(cmd) < call->least)
		return -EINVAL;
	if (call->mode & ~filp->f_mode)
		return -EBADF;
	return run_call(filp->private_data, call, (void __user *)addr,
			_IOC_SIZE(cmd));
}

static u32 find_roles(void)
{
	return (hkvp_ipagent_is(hkvp_setip_agent(), NULL) ?
		0 : HV_KVP_ROLE_IP_AGENT) |
	       (hkvp_mirror_is(hkvp_mirror_asked(), NULL) ?
		0 : HV_KVP_ROLE_MIRROR);
}

int hkvp_ioctl_info(struct hkvp_file *file, void *arg)
{
	const struct hkvp_limit *limits = hkvp_params.limits;
	const struct hkvp *kvp = file->kvp;
	const struct hkvp_ic *ic = &kvp->ic;
	struct hv_kvp_info *info = arg;

	*info = (struct hv_kvp_info) {
		.abi = HV_KVP_ABI_VERSION,
		.instance = kvp->instance,
		.state = READ_ONCE(ic->state),
		.connection = READ_ONCE(ic->service.connection),
		.framework = READ_ONCE(ic->versions.fw),
		.message = READ_ONCE(ic->versions.msg),
		.framework_offered = READ_ONCE(ic->versions.fw_offered),
		.message_offered = READ_ONCE(ic->versions.msg_offered),
		.pool_count = HV_KVP_POOL_COUNT,
		.host_writable = READ_ONCE(ic->service.writable),
		.key_max = HV_KVP_KEY_MAX,
		.value_max = HV_KVP_VALUE_MAX,
		.batch_max = HKVP_BATCH_MAX,
		.roles = find_roles(),
		.host_items_max = limits[HKVP_OWNER_HOST].items,
		.agent_items_max = limits[HKVP_OWNER_AGENT].items,
		.host_bytes_max = limits[HKVP_OWNER_HOST].bytes,
		.agent_bytes_max = limits[HKVP_OWNER_AGENT].bytes,
	};
	return 0;
}

/* All of one version. */
static void count_items(const struct hkvp_pool *pool,
			struct hv_kvp_pool_info *info)
{
	const struct hkvp_version *v;
	struct hkvp_limit host, agent;

	rcu_read_lock();
	v = hkvp_pool_current(pool);
	host = hkvp_version_usage(v, HKVP_OWNER_HOST);
	agent = hkvp_version_usage(v, HKVP_OWNER_AGENT);
	info->generation = hkvp_version_generation(v);
	info->items = hkvp_version_count(v);
	rcu_read_unlock();
	info->host_items = host.items;
	info->host_bytes = host.bytes;
	info->agent_items = agent.items;
	info->agent_bytes = agent.bytes;
}

int hkvp_ioctl_pool_info(struct hkvp_file *file, void *arg)
{
	struct hv_kvp_pool_info *info = arg;
	struct hkvp_pool *pool = hkvp_text_pool(file->kvp, info->pool);
	struct hkvp_host_read read;

	if (!pool || info->flags)
		return -EINVAL;
	count_items(pool, info);
	if (info->pool == HKVP_POOL_AUTO)
		info->items = HKVP_INTRINSIC_COUNT;
	read = hkvp_service_host_read(&file->kvp->ic.service,
				      pool - file->kvp->pools);
	info->host_read_connection = read.connection;
	info->host_read_generation = read.generation;
	info->host_read_time = read.time;
	return 0;
}

#define POOLS		(BIT(HKVP_POOL_COUNT) - 1)
#define WATCH_FLAGS	(HV_KVP_WATCH_VALUES | HV_KVP_WATCH_STATE |	\
			 HV_KVP_WATCH_HOST_READ)

int hkvp_ioctl_watch(struct hkvp_file *file, void *arg)
{
	const struct hv_kvp_watch *args = arg;

	if (args->pools & ~POOLS || args->flags & ~WATCH_FLAGS)
		return -EINVAL;
	hkvp_reader_watch(&file->reader, args->pools, args->flags);
	return 0;
}

static int chardev_open(struct inode *inode, struct file *filp)
{
	/* pairs with the release in hkvp_chardev_init() */
	struct hkvp *kvp = smp_load_acquire(&hkvp);
	struct hkvp_file *file;

	if (!kvp)
		return -ENODEV;
	file = kzalloc(sizeof(*file), GFP_KERNEL_ACCOUNT);
	if (!file)
		return -ENOMEM;
	file->kvp = kvp;
	hkvp_listing_init(&file->listing);
	hkvp_reader_begin(&file->reader);
	filp->private_data = file;
	filp->f_mode |= FMODE_NOWAIT;
	return stream_open(inode, filp);
}

static int chardev_release(struct inode *inode, struct file *filp)
{
	struct hkvp_file *file = filp->private_data;

	hkvp_ip_agent_end(file);
	hkvp_mirror_end(file);
	hkvp_listing_end(&file->listing);
	hkvp_reader_end(&file->reader);
	hkvp_hold_end(file);
	kfree(file);
	return 0;
}

static ssize_t chardev_read_iter(struct kiocb *iocb, struct iov_iter *to)
{
	struct hkvp_file *file = iocb->ki_filp->private_data;
	bool nowait = iocb->ki_flags & IOCB_NOWAIT;

	return hkvp_reader_read(&file->reader, to,
				nowait || iocb->ki_filp->f_flags & O_NONBLOCK,
				nowait);
}

static __poll_t chardev_poll(struct file *filp, poll_table *wait)
{
	struct hkvp_file *file = filp->private_data;

	if (!(filp->f_mode & FMODE_READ))
		return 0;
	return hkvp_reader_poll(&file->reader, filp, wait);
}

const struct file_operations hkvp_chardev_fops = {
	.owner = THIS_MODULE,
	.open = chardev_open,
	.release = chardev_release,
	.read_iter = chardev_read_iter,
	.splice_read = hkvp_splice_read,
	.poll = chardev_poll,
	.unlocked_ioctl = chardev_ioctl,
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
 * with -ENODEV. hkvp_changes_init() comes before.
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
	hkvp_hold_exit();
}
