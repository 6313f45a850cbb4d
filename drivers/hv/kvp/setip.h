/* SPDX-License-Identifier: GPL-2.0 */
/* SET_IP_INFO: between the service, the broker, the channel and the agents. */
#ifndef HKVP_SETIP_H
#define HKVP_SETIP_H

#include <linux/types.h>
#include <linux/workqueue.h>
#include "ipagent.h"
#include "wire.h"

struct hkvp_channel;
struct hv_kvp_ipaddr_value;

/**
 * struct hkvp_setip_legacy - how to reach hv_kvp_daemon; process context
 * @request: have it apply @ip, which is copied. 0, or an error if it cannot
 * @cancel: it need not answer any more
 */
struct hkvp_setip_legacy {
	int (*request)(u64 id, const struct hv_kvp_ipaddr_value *ip);
	void (*cancel)(u64 id);
};

void hkvp_setip_init(struct hkvp_channel *ch,
		     const struct hkvp_setip_legacy *daemon, u64 *stat);
void hkvp_setip_exit(void);
struct hkvp_ipagent *hkvp_setip_agent(void);
int hkvp_setip_attach(const void *device);

/* What hv_kvp_daemon says; process context. */
void hkvp_setip_legacy_registered(void);
void hkvp_setip_legacy_answered(u64 id, u32 status);

/* Of struct hkvp_service_ops. */
int hkvp_setip_strings(void *ctx, const struct hkvp_ip_strings *ip, gfp_t gfp);
int hkvp_setip_binary(void *ctx, const struct hkvp_ip_binary *ip, gfp_t gfp);
void hkvp_setip_connected(void *ctx);
void hkvp_setip_cancel(void *ctx);

#endif /* HKVP_SETIP_H */
