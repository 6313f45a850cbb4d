/* SPDX-License-Identifier: GPL-2.0 */
/* A request of SET_IP_INFO as hv_kvp_daemon reads it. */
#ifndef HKVP_IP_TEXT_H
#define HKVP_IP_TEXT_H

#include <uapi/linux/hv_kvp.h>
#include <uapi/linux/hyperv.h>

int hkvp_ip_text(struct hv_kvp_ipaddr_value *out,
		 const struct hv_kvp_ip_config *config);

#endif /* HKVP_IP_TEXT_H */
