/* SPDX-License-Identifier: GPL-2.0 */
/* What the IP agent says about interfaces, for GET_IP_INFO. */
#ifndef HKVP_IP_REPORT_H
#define HKVP_IP_REPORT_H

#include <linux/types.h>
#include <uapi/linux/hv_kvp.h>

/**
 * struct hkvp_ip_report - what the agent says about one interface
 * @rcu: for its end
 * @ifindex: the interface, in the initial network namespace
 * @dhcp_known: @dhcp means something
 * @dhcp: DHCP configures it
 * @v4_dns_count: addresses in @v4_dns
 * @v6_dns_count: addresses in @v6_dns
 * @v4_dns: DNS servers, network order
 * @v6_dns: likewise
 *
 * Constant once it is set.
 */
struct hkvp_ip_report {
	struct rcu_head rcu;
	int ifindex;
	bool dhcp_known;
	bool dhcp;
	u8 v4_dns_count;
	u8 v6_dns_count;
	u8 v4_dns[HV_KVP_IP_DNS][4];
	u8 v6_dns[HV_KVP_IP_DNS][16];
};

const struct hkvp_ip_report *hkvp_ip_report_find(int ifindex);
int hkvp_ip_report_set(int ifindex, struct hkvp_ip_report *report);
void hkvp_ip_report_clear(void);
int hkvp_ip_report_start(void);
void hkvp_ip_report_stop(void);

#endif /* HKVP_IP_REPORT_H */
