/* SPDX-License-Identifier: GPL-2.0 */
/*
 * VMBus server: contact, offers, memory lists (GPADLs), channels. Host CPU only. It knows nothing
 * of what a device is for: devices are described to it, and packets go through it, from outside.
 */
#ifndef HVHOST_VMBUS_H
#define HVHOST_VMBUS_H

#include "hvhost_abi.h"
#include "ring.h"
#include "vmbus_msg.h"

/* Memory that the guest lent; belongs to the channel id that it named. */
struct gpadl {
	struct gpadl *next;
	u32 handle, relid;
	u32 count;		/* pages in all */
	u32 have;		/* pages named so far */
	u8 *pages[];
};

/* A packet that waits for room, or for the answer to the one before. */
struct pending {
	struct pending *next;
	u32 seq;		/* command to acknowledge when it is in the ring */
	u32 len;
	u16 flags;		/* HVHOST_SEND_* */
	bool raw;
	struct hvhost_send send;
	u8 data[];
};

struct vmbus_device {
	u32 number;		/* chosen outside; 0: slot not in use */
	struct hvhost_offer offer;
	u32 state;		/* HVHOST_DEV_* */
	u32 relid;		/* 0 unless offered, open or rescinded */
	bool removing;		/* forget it once the guest has let go */
	bool reoffer;		/* offer anew when the guest has let go */
	bool withheld;		/* rescinded from outside: not part of the offers at a contact */
	u64 rescind_at;		/* TSC, 0: not planned */
	u64 offer_at;
	struct hvhost_upon upon;	/* to be rescinded upon; nth counts down */
	u64 upon_at;

	/* open: */
	struct gpadl *gpadl;
	struct ring in, out;
	u32 target_vp;
	bool stalled;		/* leave what the guest sends in the ring */
	bool broken;		/* packet boundaries lost: read nothing until it is reopened */
	bool signalled;		/* the guest raised the event */
	bool serial_wait;	/* the answer to serial_id is outstanding */
	u64 serial_id;
	u64 sent_tsc;
	u32 queued;
	struct pending *queue, **queue_tail;
};

struct vmbus {
	struct hvhost_config config;
	struct vmbus_device devices[HVHOST_MAX_DEVICES];
	u32 version;		/* negotiated; 0: no contact */
	u32 vp, sint;		/* where messages go */
	bool offers_requested;
	u32 last_relid;
};

extern struct vmbus vmbus;

void vmbus_init(void);

/* One round of work; true when there was any. */
bool vmbus_poll(void);

/* vmbus.c: messages and devices */
struct vmbus_device *vmbus_find(u32 number);
struct vmbus_device *vmbus_by_relid(u32 relid);
int vmbus_add_device(u32 number, const struct hvhost_offer *offer);
int vmbus_rescind(struct vmbus_device *d, bool remove);
int vmbus_reoffer(struct vmbus_device *d);
int vmbus_rescind_upon(struct vmbus_device *d, const struct hvhost_upon *upon);
/* Something happened that a device may have to be rescinded after. */
void vmbus_happened(struct vmbus_device *d, u32 what);
void vmbus_post(const void *msg, u32 len);
void vmbus_state_event(const struct vmbus_device *d);

/* The guest broke a rule. @d may be NULL; @fatal: the channel or message is of no further use. */
void __printf(3, 4)
vmbus_violation(const struct vmbus_device *d, bool fatal, const char *fmt, ...);

/* gpadl.c */
void gpadl_header(const void *msg, u32 len);
void gpadl_body(const void *msg, u32 len);
void gpadl_teardown(const void *msg, u32 len);
struct gpadl *gpadl_find(u32 handle);
/* Forget all of @relid, or all there are if it is 0. */
void gpadl_forget(u32 relid);

/* channel.c */
u32 channel_open(struct vmbus_device *d, const struct msg_open *m);
void channel_close(struct vmbus_device *d);
/* Read and write what can be; true when anything moved. */
bool channel_pump(struct vmbus_device *d);
int channel_send(struct vmbus_device *d, u32 seq, u16 flags, const struct hvhost_send *s,
		 const void *data, u32 len);
int channel_send_raw(struct vmbus_device *d, u32 seq, u16 flags, const void *data, u32 len);
int channel_poke(struct vmbus_device *d, const struct hvhost_poke *p);
void channel_peek(const struct vmbus_device *d, struct hvhost_peek *out);
void channel_cancel(struct vmbus_device *d);
bool channel_signal(struct vmbus_device *d);

#endif
