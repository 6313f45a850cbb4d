// SPDX-License-Identifier: GPL-2.0
/* The ioctls of the IP agent: IP_AGENT, IP_REQUEST, IP_ANSWER, IP_SUPPLY. */
#include <linux/capability.h>
#include <linux/math64.h>
#include <linux/mutex.h>
#include <linux/netdevice.h>
#include <linux/nospec.h>
#include <linux/rcupdate.h>
#include <linux/slab.h>
#include <linux/timekeeping.h>
#include <linux/uaccess.h>

#include "chardev_file.h"
#include "ip_nic.h"
#include "ip_supply.h"
#include "setip.h"

/* Size of struct hvkvp_ip_config in the first version of the ABI. */
#define CONFIG_SIZE_1	2864
static_assert(sizeof(struct hvkvp_ip_config) == CONFIG_SIZE_1);

/*
 * Who is the agent, and that what is supplied is the agent's. Held around no access to
 * user memory. The broker's own lock would not do for both.
 */
static DEFINE_MUTEX(lock);

/* Also when the descriptor is closed, whoever has it: so it asks first. */
void hkvp_ip_agent_end(struct hkvp_file *file)
{
	if (!hkvp_ipagent_is(hkvp_setip_agent(), file))
		return;
	mutex_lock(&lock);
	if (hkvp_ipagent_detach(hkvp_setip_agent(), file))
		hkvp_ip_supply_clear();
	mutex_unlock(&lock);
}

int hkvp_ioctl_ip_agent(struct hkvp_file *file, void *arg)
{
	const struct hvkvp_ip_agent *args = arg;
	int ret;

	if ((args->flags & ~HVKVP_IP_AGENT_ON) || args->reserved)
		return -EINVAL;
	if (!capable(CAP_SYS_ADMIN))
		return -EPERM;
	if (!(args->flags & HVKVP_IP_AGENT_ON)) {
		hkvp_ip_agent_end(file);
		return 0;
	}
	mutex_lock(&lock);
	ret = hkvp_setip_attach(file);
	mutex_unlock(&lock);
	return ret;
}

static u32 time_left(const struct hkvp_ip_request *request)
{
	u64 now = ktime_get_boottime_ns();

	return now < request->deadline ?
	       div_u64(request->deadline - now, NSEC_PER_MSEC) : 0;
}

static u32 ifindex_of(const struct hkvp_adapter *adapter)
{
	const struct net_device *dev;
	u32 ifindex;

	rcu_read_lock();
	dev = hkvp_nic_find(adapter);
	ifindex = dev ? dev->ifindex : 0;
	rcu_read_unlock();
	return ifindex;
}

/* An older program has room for less than there is, a newer one for more. */
static int copy_config(u64 user, u32 size, const struct hvkvp_ip_config *config)
{
	void __user *to = u64_to_user_ptr(user);

	if (copy_to_user(to, config, min_t(u32, size, sizeof(*config))))
		return -EFAULT;
	if (size > sizeof(*config) &&
	    clear_user(to + sizeof(*config), size - sizeof(*config)))
		return -EFAULT;
	return 0;
}

int hkvp_ioctl_ip_request(struct hkvp_file *file, void *arg)
{
	struct hvkvp_ip_request *args = arg;
	bool refused = args->flags & HVKVP_IP_REQUEST_REFUSED;
	struct hkvp_ipagent *agent = hkvp_setip_agent();
	struct hkvp_ip_request *request;
	int ret;

	if ((args->flags & ~HVKVP_IP_REQUEST_REFUSED) ||
	    args->config_size < CONFIG_SIZE_1)
		return -EINVAL;
	if (args->config_size > PAGE_SIZE)
		return -E2BIG;
	if (refused ? !capable(CAP_SYS_ADMIN) : !hkvp_ipagent_is(agent, file))
		return -EPERM;
	request = refused ? hkvp_ipagent_refused(agent) :
			    hkvp_ipagent_pending(agent);
	if (!request)
		return -ENOENT;

	args->id = request->id;
	args->time_left = refused ? 0 : time_left(request);
	args->ifindex = ifindex_of(&request->adapter);
	ret = copy_config(args->config, args->config_size, &request->config);
	hkvp_ip_request_put(request);
	return ret;
}

int hkvp_ioctl_ip_answer(struct hkvp_file *file, void *arg)
{
	/* errors of struct hkvp_service_ops */
	static const int results[] = {
		[HVKVP_IP_DONE] = 0,
		[HVKVP_IP_FAILED] = -EIO,
		[HVKVP_IP_NOT_SUPPORTED] = -EOPNOTSUPP,
		[HVKVP_IP_INVALID] = -EINVAL,
		[HVKVP_IP_NOT_FOUND] = -ENOENT,
	};
	const struct hvkvp_ip_answer *args = arg;
	u32 result;

	if (args->result >= ARRAY_SIZE(results) || args->reserved)
		return -EINVAL;
	result = array_index_nospec(args->result, ARRAY_SIZE(results));
	return hkvp_ipagent_answer(hkvp_setip_agent(), file, args->id,
				   results[result]);
}

/* NULL if it says nothing; or an error. */
static struct hkvp_ip_supply *read_supply(const struct hvkvp_ip_supply *args)
{
	struct hkvp_ip_supply *supply;

	if (!args->v4_dns_count && !args->v6_dns_count &&
	    args->dhcp == HVKVP_IP_DHCP_UNKNOWN)
		return NULL;
	supply = kzalloc(sizeof(*supply), GFP_KERNEL_ACCOUNT);
	if (!supply)
		return ERR_PTR(-ENOMEM);
	supply->ifindex = args->ifindex;
	supply->dhcp_known = args->dhcp != HVKVP_IP_DHCP_UNKNOWN;
	supply->dhcp = args->dhcp == HVKVP_IP_DHCP_ON;
	supply->v4_dns_count = args->v4_dns_count;
	supply->v6_dns_count = args->v6_dns_count;
	if (copy_from_user(supply->v4_dns, u64_to_user_ptr(args->v4_dns),
			   args->v4_dns_count * sizeof(supply->v4_dns[0])) ||
	    copy_from_user(supply->v6_dns, u64_to_user_ptr(args->v6_dns),
			   args->v6_dns_count * sizeof(supply->v6_dns[0]))) {
		kfree(supply);
		return ERR_PTR(-EFAULT);
	}
	return supply;
}

int hkvp_ioctl_ip_supply(struct hkvp_file *file, void *arg)
{
	const struct hvkvp_ip_supply *args = arg;
	struct hkvp_ip_supply *supply;
	int ret = -EPERM;

	if (!args->ifindex || args->ifindex > INT_MAX ||
	    args->dhcp > HVKVP_IP_DHCP_ON)
		return -EINVAL;
	if (args->v4_dns_count > HVKVP_IP_DNS ||
	    args->v6_dns_count > HVKVP_IP_DNS)
		return -E2BIG;
	if (!hkvp_ipagent_is(hkvp_setip_agent(), file))
		return -EPERM;
	supply = read_supply(args);
	if (IS_ERR(supply))
		return PTR_ERR(supply);

	/* it may have ended meanwhile, and with it what it supplies */
	mutex_lock(&lock);
	if (hkvp_ipagent_is(hkvp_setip_agent(), file))
		ret = hkvp_ip_supply_set(args->ifindex, supply);
	mutex_unlock(&lock);
	if (ret)
		kfree(supply);
	return ret;
}
