/* SPDX-License-Identifier: GPL-2.0 */
/* What the guest's hypercalls leave for the host CPU. */
#ifndef HVHOST_HYPERCALL_H
#define HVHOST_HYPERCALL_H

#include "types.h"

/* TLFS 11, HvCallPostMessage: input */
struct hv_post_message {
	u32 connection_id;
	u32 reserved;
	u32 message_type;
	u32 payload_size;
	u8 payload[240];
};

/* Host CPU: take the oldest message that the guest posted. */
bool hypercall_take_message(struct hv_post_message *m);

/*
 * Host CPU: take one signalled connection, as an offset from VMBUS_EVENT_CONNECTION. -1: none.
 */
int hypercall_take_event(void);

#define VMBUS_EVENT_CONNECTION	0x2000	/* connection ids of channels start here; our choice */
#define VMBUS_CONNECTIONS	2048

#endif
