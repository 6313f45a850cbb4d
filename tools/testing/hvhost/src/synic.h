/* SPDX-License-Identifier: GPL-2.0 */
/* Synthetic interrupt controller: messages and event flags to the guest (TLFS chapter 11). */
#ifndef HVHOST_SYNIC_H
#define HVHOST_SYNIC_H

#include "types.h"
#include "svm.h"

#define HV_MESSAGE_PAYLOAD	240	/* TLFS 11, HV_MESSAGE: bytes of payload */
#define HV_EVENT_FLAGS		2048	/* TLFS 11, SIEF page: flags per SINT */

/* MSR side; runs on the guest CPU. */
bool synic_msr_read(struct vcpu *v, u32 msr, u64 *value);
bool synic_msr_write(struct vcpu *v, u32 msr, u64 value);

/*
 * Host CPU: queue a message for slot @sint of @vp. Messages of one vp and sint arrive in order,
 * each as soon as the guest has emptied the slot. False when the heap is used up.
 */
bool synic_post(u32 vp, u32 sint, const void *data, u32 len);

/* Host CPU: forget what was queued and not yet delivered. */
void synic_flush(void);

/* Host CPU: go on with slots that the guest emptied. True when something was delivered. */
bool synic_deliver(void);

/*
 * Host CPU: set event flag @flag of @sint on @vp, with an interrupt if it was clear. False when
 * the guest has no event page there.
 */
bool synic_signal(u32 vp, u32 sint, u32 flag);

#endif
