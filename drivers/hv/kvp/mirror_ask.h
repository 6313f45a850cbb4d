/* SPDX-License-Identifier: GPL-2.0 */
/* The mirror between the service, the channel and the device. */
#ifndef HKVP_MIRROR_ASK_H
#define HKVP_MIRROR_ASK_H

#include <linux/gfp.h>

#include "mirror.h"

struct hkvp_channel;

void hkvp_mirror_ask_init(struct hkvp_channel *channel);
void hkvp_mirror_ask_exit(void);
struct hkvp_mirror *hkvp_mirror_asked(void);

/* Of struct hkvp_service_ops. */
int hkvp_mirror_ask_host(void *ctx, gfp_t gfp);

#endif /* HKVP_MIRROR_ASK_H */
