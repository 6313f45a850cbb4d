/* SPDX-License-Identifier: GPL-2.0 */
/*
 * One direction of a VMBus channel: a control page and a byte ring of data pages, which are the
 * guest's. Pure: no access to anything but the pages, so that a user-space test can run it.
 */
#ifndef HVHOST_RING_H
#define HVHOST_RING_H

#include "types.h"

/* include/linux/hyperv.h, struct hv_ring_buffer */
struct hv_ring_control {
	u32 write_index;
	u32 read_index;
	u32 interrupt_mask;
	u32 pending_send_sz;
	u32 reserved1[12];
	u32 feature_bits;	/* bit 0: pending_send_sz is looked at */
};

#define HV_RING_FEAT_PENDING_SEND_SZ	1

/* include/linux/hyperv.h, struct vmpacket_descriptor */
struct hv_descriptor {
	u16 type;
	u16 offset8;		/* start of the payload, in units of 8 bytes */
	u16 len8;		/* descriptor and payload in units of 8 bytes; no trailer */
	u16 flags;
	u64 trans_id;
};

#define HV_PACKET_INBAND	6
#define HV_TRAILER_SIZE		8

struct ring {
	volatile struct hv_ring_control *ctl;
	u8 **pages;		/* data pages */
	u32 size;		/* bytes of data */
	u32 index;		/* ours: write index if outgoing, else read index */
};

struct ring_packet {
	struct hv_descriptor desc;
	u64 trailer;
	u32 start;		/* of the descriptor */
	u32 body_len;		/* bytes after the 16 of the descriptor */
};

/*
 * @pages: control page first, @count in all. Starts at the index that the guest left in the
 * control page. -EINVAL when there are no data pages or an index is out of range.
 */
int ring_init(struct ring *r, u8 **pages, u32 count, bool outgoing);

/*
 * Bytes that the other side has not consumed (outgoing) or that we have not (incoming). -EPROTO
 * when the guest's index is out of range or not a multiple of 8.
 */
int ring_used(const struct ring *r, bool outgoing, u32 *used);

/* Copy at any offset below the size; wraps. */
void ring_copy_in(struct ring *r, u32 off, const void *src, u32 len);
void ring_copy_out(const struct ring *r, u32 off, void *dst, u32 len);

/* Bytes that a packet with @payload bytes takes in the ring. */
u32 ring_packet_size(u32 payload);

/*
 * Write a packet with this descriptor, padding and trailer at the write index and publish it.
 * @payload bytes follow the descriptor whatever the descriptor says. -ENOSPC: no room now;
 * -EMSGSIZE: never; -EPROTO as ring_used(). *@was_empty: the guest had consumed all that was there
 * before, which is when it has to be interrupted.
 */
int ring_send(struct ring *r, const struct hv_descriptor *desc, const void *payload, u32 len,
	      const u64 *trailer, bool *was_empty);

/* The same with bytes that need not be a packet. */
int ring_send_raw(struct ring *r, const void *data, u32 len, bool *was_empty);

/*
 * Next packet of an incoming ring. 0: *@p is valid, the packet is still in the ring; -ENOENT:
 * empty; -EPROTO: what is there cannot be a packet, *@what says why.
 */
int ring_peek(const struct ring *r, struct ring_packet *p, const char **what);

/* Drop the packet that ring_peek() returned and publish the read index. */
void ring_consume(struct ring *r, const struct ring_packet *p);

/* The trailer that a sender must write for a packet that starts at @start. */
static inline u64 ring_trailer(u32 start)
{
	return (u64)start << 32;
}

#endif
