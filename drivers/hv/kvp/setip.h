/* SPDX-License-Identifier: GPL-2.0 */
/* SET_IP_INFO: between the service, the broker, the channel and the agents. */
#ifndef HKVP_SETIP_H
#define HKVP_SETIP_H

#include <linux/types.h>
#include <linux/workqueue.h>
#include "ipagent.h"
#include "wire.h"

struct hkvp_channel;

/**
 * struct hkvp_setip_legacy - hv_kvp_daemon, as who knows it has it
 * @request: as &struct hkvp_ipagent_ops.legacy_request
 * @cancel: as &struct hkvp_ipagent_ops.legacy_cancel
 */
struct hkvp_setip_legacy {
	int (*request)(const struct hkvp_ip_request *request);
	void (*cancel)(u64 id);
};

void hkvp_setip_init(struct hkvp_channel *channel,
		     const struct hkvp_setip_legacy *legacy);
void hkvp_setip_exit(void);
struct hkvp_ipagent *hkvp_setip_agent(void);

/* Of struct hkvp_service_ops. */
int hkvp_setip_strings(void *ctx, const struct hkvp_ip_strings *ip, gfp_t gfp);
int hkvp_setip_binary(void *ctx, const struct hkvp_ip_binary *ip, gfp_t gfp);
void hkvp_setip_connected(void *ctx);
void hkvp_setip_cancel(void *ctx);

#endif /* HKVP_SETIP_H */
