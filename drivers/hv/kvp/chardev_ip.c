// SPDX-License-Identifier: GPL-2.0
/* The ioctls of the IP agent: IP_AGENT, IP_REQUEST, IP_ANSWER, IP_REPORT. */
#include <linux/capability.h>
#include <linux/mutex.h>
#include <linux/netdevice.h>
#include <linux/nospec.h>
#include <linux/nsproxy.h>
#include <linux/rcupdate.h>
#include <linux/slab.h>
#include <linux/stddef.h>
#include <linux/uaccess.h>
#include <net/net_namespace.h>

#include "chardev_file.h"
#include "ip_nic.h"
#include "ip_report.h"
#include "setip.h"

/* Size of struct hv_kvp_ip_config in the first version of the ABI. */
#define CONFIG_SIZE_1	offsetofend(struct hv_kvp_ip_config, v6_dns)
static_assert(CONFIG_SIZE_1 == 2848);

/*
 * Who is the agent, and that what is reported is the agent's. Held around no access to
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
		hkvp_ip_report_clear();
	hkvp_reader_set_role(&file->reader, HKVP_PLACE_IP, false);
	mutex_unlock(&lock);
}

static int begin(struct hkvp_file *file)
{
	int ret;

	mutex_lock(&lock);
	/* before it can be given a request */
	if (!hkvp_ipagent_is(hkvp_setip_agent(), file))
		hkvp_reader_set_role(&file->reader, HKVP_PLACE_IP, true);
	ret = hkvp_setip_attach(file);
	if (ret)
		hkvp_reader_set_role(&file->reader, HKVP_PLACE_IP, false);
	mutex_unlock(&lock);
	return ret;
}

int hkvp_ioctl_ip_agent(struct hkvp_file *file, void *arg)
{
	const struct hv_kvp_ip_agent *args = arg;

	if ((args->flags & ~HV_KVP_IP_AGENT_ON) || args->reserved)
		return -EINVAL;
	if (!capable(CAP_NET_ADMIN))
		return -EPERM;
	if (args->flags & HV_KVP_IP_AGENT_ON)
		return begin(file);
	hkvp_ip_agent_end(file);
	return 0;
}

/* The host knows the interfaces of the initial network namespace, and so may those. */
static bool sees_interfaces(void)
{
	return net_eq(current->nsproxy->net_ns, &init_net);
}

static u32 ifindex_of(const struct hkvp_adapter *adapter)
{
	const struct net_device *dev;
	u32 ifindex;

	if (!sees_interfaces())
		return 0;
	rcu_read_lock();
	dev = hkvp_nic_find(adapter);
	ifindex = dev ? dev->ifindex : 0;
	rcu_read_unlock();
	return ifindex;
}

/* An older program has room for less than there is, a newer one for more. */
static int copy_config(u64 user, u32 size, const struct hv_kvp_ip_config *config)
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
	struct hv_kvp_ip_request *args = arg;
	bool refused = args->flags & HV_KVP_IP_REQUEST_REFUSED;
	struct hkvp_ipagent *agent = hkvp_setip_agent();
	struct hkvp_ip_request *request;
	int ret;

	if ((args->flags & ~HV_KVP_IP_REQUEST_REFUSED) || args->reserved ||
	    args->config_size < CONFIG_SIZE_1)
		return -EINVAL;
	if (args->config_size > PAGE_SIZE)
		return -E2BIG;
	if (refused ? !capable(CAP_NET_ADMIN) : !hkvp_ipagent_is(agent, file))
		return -EPERM;
	request = refused ? hkvp_ipagent_refused(agent) :
			    hkvp_ipagent_pending(agent);
	if (!request)
		return -ENOENT;

	args->id = request->id;
	args->deadline = refused ? 0 : request->deadline;
	args->ifindex = ifindex_of(&request->adapter);
	ret = copy_config(args->config, args->config_size, &request->config);
	hkvp_ip_request_put(request);
	return ret;
}

int hkvp_ioctl_ip_answer(struct hkvp_file *file, void *arg)
{
	/* errors of struct hkvp_service_ops */
	static const int results[] = {
		[HV_KVP_IP_DONE] = 0,
		[HV_KVP_IP_FAILED] = -EIO,
		[HV_KVP_IP_NOT_SUPPORTED] = -EOPNOTSUPP,
		[HV_KVP_IP_INVALID] = -EINVAL,
		[HV_KVP_IP_NOT_FOUND] = -ENOENT,
	};
	const struct hv_kvp_ip_answer *args = arg;
	u32 result;

	if (args->result >= ARRAY_SIZE(results) || args->reserved)
		return -EINVAL;
	result = array_index_nospec(args->result, ARRAY_SIZE(results));
	return hkvp_ipagent_answer(hkvp_setip_agent(), file, args->id,
				   results[result]);
}

/* NULL if it says nothing; or an error. */
static struct hkvp_ip_report *read_report(const struct hv_kvp_ip_report *args)
{
	struct hkvp_ip_report *report;

	if (!args->v4_dns_count && !args->v6_dns_count &&
	    args->dhcp == HV_KVP_IP_DHCP_UNKNOWN)
		return NULL;
	report = kzalloc(sizeof(*report), GFP_KERNEL_ACCOUNT);
	if (!report)
		return ERR_PTR(-ENOMEM);
	report->ifindex = args->ifindex;
	report->dhcp_known = args->dhcp != HV_KVP_IP_DHCP_UNKNOWN;
	report->dhcp = args->dhcp == HV_KVP_IP_DHCP_ON;
	report->v4_dns_count = args->v4_dns_count;
	report->v6_dns_count = args->v6_dns_count;
	if (copy_from_user(report->v4_dns, u64_to_user_ptr(args->v4_dns),
			   args->v4_dns_count * sizeof(report->v4_dns[0])) ||
	    copy_from_user(report->v6_dns, u64_to_user_ptr(args->v6_dns),
			   args->v6_dns_count * sizeof(report->v6_dns[0]))) {
		kfree(report);
		return ERR_PTR(-EFAULT);
	}
	return report;
}

int hkvp_ioctl_ip_report(struct hkvp_file *file, void *arg)
{
	const struct hv_kvp_ip_report *args = arg;
	struct hkvp_ip_report *report;
	int ret = -EPERM;

	if (!args->ifindex || args->ifindex > INT_MAX ||
	    args->dhcp > HV_KVP_IP_DHCP_ON)
		return -EINVAL;
	if (args->v4_dns_count > HV_KVP_IP_DNS ||
	    args->v6_dns_count > HV_KVP_IP_DNS)
		return -E2BIG;
	if (!hkvp_ipagent_is(hkvp_setip_agent(), file))
		return -EPERM;
	if (!sees_interfaces())
		return -ENODEV;
	report = read_report(args);
	if (IS_ERR(report))
		return PTR_ERR(report);

	/* it may have ended meanwhile, and with it what it reports */
	mutex_lock(&lock);
	if (hkvp_ipagent_is(hkvp_setip_agent(), file))
		ret = hkvp_ip_report_set(args->ifindex, report);
	mutex_unlock(&lock);
	if (ret)
		kfree(report);
	return ret;
}
