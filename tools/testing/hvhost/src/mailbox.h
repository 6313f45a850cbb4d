/* SPDX-License-Identifier: GPL-2.0 */
/* Transport between hvhost and the program that drives it. */
#ifndef HVHOST_MAILBOX_H
#define HVHOST_MAILBOX_H

#include "types.h"
#include "hvhost_abi.h"

/* One piece of an event's body. */
struct part {
	const void *data;
	u32 len;
};

/* Publish the magic: from here on events reach the driving program. */
void mailbox_init(u32 cpus, u32 host_apic);

/*
 * Append an event; any CPU, any context. Waits while the ring is full: events are never dropped.
 */
void mailbox_event(u16 type, u32 seq, u32 dev, const struct part *parts, u32 count);

/* The same with one piece. */
void mailbox_event1(u16 type, u32 seq, u32 dev, const void *data, u32 len);

/* Answer command @seq; @status is 0 or a negative errno. */
void mailbox_ack(u32 seq, u32 dev, int status, const void *data, u32 len);

/*
 * Next command, or NULL. Host CPU only. The frame is copied out of shared memory, so that it is
 * checked and used once, and stays valid until the next call.
 */
struct hvhost_frame *mailbox_command(void);

bool mailbox_is_up(void);
struct hvhost_cpu_stats *mailbox_stats(u32 cpu);

#endif
