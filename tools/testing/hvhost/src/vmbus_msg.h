/* SPDX-License-Identifier: GPL-2.0 */
/* VMBus control messages on the wire, as include/linux/hyperv.h of Linux 6.1 describes them. */
#ifndef HVHOST_VMBUS_MSG_H
#define HVHOST_VMBUS_MSG_H

#include "types.h"

enum vmbus_msg_type {
	MSG_OFFER_CHANNEL = 1,
	MSG_RESCIND_OFFER = 2,
	MSG_REQUEST_OFFERS = 3,
	MSG_ALL_OFFERS_DELIVERED = 4,
	MSG_OPEN_CHANNEL = 5,
	MSG_OPEN_RESULT = 6,
	MSG_CLOSE_CHANNEL = 7,
	MSG_GPADL_HEADER = 8,
	MSG_GPADL_BODY = 9,
	MSG_GPADL_CREATED = 10,
	MSG_GPADL_TEARDOWN = 11,
	MSG_GPADL_TORNDOWN = 12,
	MSG_RELID_RELEASED = 13,
	MSG_INITIATE_CONTACT = 14,
	MSG_VERSION_RESPONSE = 15,
	MSG_UNLOAD = 16,
	MSG_UNLOAD_RESPONSE = 17,
	MSG_MODIFY_CHANNEL = 22,
	MSG_MODIFY_CHANNEL_RESPONSE = 24,
};

struct msg_header {
	u32 type;
	u32 padding;
} __packed;

struct msg_relid {		/* RESCIND_OFFER, CLOSE_CHANNEL, RELID_RELEASED */
	struct msg_header h;
	u32 relid;
} __packed;

struct msg_offer {
	struct msg_header h;
	u8 class_id[16];
	u8 instance_id[16];
	u64 reserved1, reserved2;
	u16 chn_flags;
	u16 mmio_megabytes;
	u8 user_def[120];
	u16 sub_channel;
	u16 reserved3;
	u32 relid;
	u8 monitor_id;
	u8 monitor_allocated;
	u16 dedicated_interrupt;
	u32 connection_id;
} __packed;

struct msg_open {
	struct msg_header h;
	u32 relid;
	u32 open_id;
	u32 gpadl;
	u32 target_vp;
	u32 downstream_page;	/* page of the GPADL where the host -> guest ring starts */
	u8 user_data[120];
} __packed;

struct msg_open_result {
	struct msg_header h;
	u32 relid;
	u32 open_id;
	u32 status;		/* NTSTATUS */
} __packed;

struct msg_gpadl_header {
	struct msg_header h;
	u32 relid;
	u32 gpadl;
	u16 range_len;		/* bytes of the range list */
	u16 range_count;
	/* one range: */
	u32 byte_count;
	u32 byte_offset;
	/* u64 pfn[] */
} __packed;

struct msg_gpadl_body {
	struct msg_header h;
	u32 number;
	u32 gpadl;
	/* u64 pfn[] */
} __packed;

struct msg_gpadl_created {
	struct msg_header h;
	u32 relid;
	u32 gpadl;
	u32 status;
} __packed;

struct msg_gpadl_teardown {
	struct msg_header h;
	u32 relid;
	u32 gpadl;
} __packed;

struct msg_gpadl_torndown {
	struct msg_header h;
	u32 gpadl;
} __packed;

struct msg_initiate_contact {
	struct msg_header h;
	u32 version;
	u32 target_vp;
	u8 sint;		/* since 5.0; before, an interrupt page, unused since 3.0 */
	u8 vtl;
	u8 reserved[2];
	u32 feature_flags;
	u64 monitor_page1, monitor_page2;
} __packed;

struct msg_version_response {
	struct msg_header h;
	u8 supported;
	u8 connection_state;
	u16 padding;
	u32 connection_id;
} __packed;

struct msg_modify_channel {
	struct msg_header h;
	u32 relid;
	u32 target_vp;
} __packed;

struct msg_modify_response {
	struct msg_header h;
	u32 relid;
	u32 status;
} __packed;

static_assert(sizeof(struct msg_offer) == 196, "wire");
static_assert(sizeof(struct msg_open) == 148, "wire");
static_assert(sizeof(struct msg_gpadl_header) == 28, "wire");
static_assert(sizeof(struct msg_initiate_contact) == 40, "wire");
static_assert(sizeof(struct msg_version_response) == 16, "wire");

#define VMBUS_SINT			2	/* hyperv.h: VMBUS_MESSAGE_SINT */
#define VMBUS_VERSION(maj, min)		((maj) << 16 | (min))
#define VMBUS_VERSION_4_1		VMBUS_VERSION(4, 1)
#define VMBUS_VERSION_5_0		VMBUS_VERSION(5, 0)
#define VMBUS_VERSION_5_3		VMBUS_VERSION(5, 3)

#define STATUS_SUCCESS			0
#define STATUS_UNSUCCESSFUL		0xc0000001	/* MS-ERREF 2.3 */
#define STATUS_INVALID_PARAMETER	0xc000000d

#endif
