/* SPDX-License-Identifier: GPL-2.0 */
/*
 * The bytes that Hyper-V's KVP exchange puts on a VMBus channel.
 *
 * Layouts and numbers are those of include/uapi/linux/hyperv.h and
 * include/linux/hyperv.h of Linux, and of OpenVMM's hyperv_ic_protocol and
 * hyperv_ic_kvp. All multi-byte fields are little-endian. Nothing here is
 * trusted: who reads a field checks it against the length that arrived.
 */
#ifndef HKVP_WIRE_H
#define HKVP_WIRE_H

#include <linux/build_bug.h>
#include <linux/types.h>

/*
 * Pipe header in front of each payload of a pipe-mode channel. What is neither
 * data nor, for sure, something else is a message to who does not look, as
 * hv_utils does not.
 */
#define HKVP_PIPE_DATA			1u
#define HKVP_PIPE_PARTIAL		2u	/* the reader's own mark */
#define HKVP_PIPE_SETUP_GPA_DIRECT	3u
#define HKVP_PIPE_TEARDOWN_GPA_DIRECT	4u

struct hkvp_pipe_hdr {
	__le32 flags;		/* HKVP_PIPE_DATA */
	__le32 size;		/* bytes after this header */
} __packed;
static_assert(sizeof(struct hkvp_pipe_hdr) == 8);

/* Integration component (IC) header. */
#define HKVP_IC_NEGOTIATE	0
#define HKVP_IC_KVP		2

#define HKVP_IC_TRANSACTION	0x01
#define HKVP_IC_REQUEST		0x02
#define HKVP_IC_RESPONSE	0x04

struct hkvp_ic_version {
	__le16 major;
	__le16 minor;
} __packed;
static_assert(sizeof(struct hkvp_ic_version) == 4);

struct hkvp_ic_hdr {
	struct hkvp_ic_version fw;
	__le16 type;		/* HKVP_IC_NEGOTIATE or HKVP_IC_KVP */
	struct hkvp_ic_version msg;
	__le16 size;		/* bytes of the body */
	__le32 status;
	u8 id;			/* transaction id, chosen by the host */
	u8 flags;
	u8 reserved[2];
} __packed;
static_assert(sizeof(struct hkvp_ic_hdr) == 20);

/* Version as a number that compares: major in the upper half. */
#define HKVP_VERSION(major, minor)	((u32)(major) << 16 | (minor))
#define HKVP_VERSION_MAJOR(version)	((version) >> 16)
#define HKVP_VERSION_MINOR(version)	((version) & 0xffff)

/* Body of HKVP_IC_NEGOTIATE: @versions holds @fw_count, then @msg_count. */
struct hkvp_negotiate {
	__le16 fw_count;
	__le16 msg_count;
	__le32 reserved;
	struct hkvp_ic_version versions[];
} __packed;
static_assert(sizeof(struct hkvp_negotiate) == 8);

enum hkvp_op {
	HKVP_OP_GET = 0,
	HKVP_OP_SET = 1,
	HKVP_OP_DELETE = 2,
	HKVP_OP_ENUMERATE = 3,
	HKVP_OP_GET_IP_INFO = 4,
	HKVP_OP_SET_IP_INFO = 5,
	HKVP_OP_COUNT
};

enum hkvp_pool_id {
	HKVP_POOL_EXTERNAL = 0,		/* the host administrator's items */
	HKVP_POOL_GUEST = 1,		/* WMI: GuestExchangeItems */
	HKVP_POOL_AUTO = 2,		/* WMI: GuestIntrinsicExchangeItems */
	HKVP_POOL_AUTO_EXTERNAL = 3,	/* what describes the host */
	HKVP_POOL_AUTO_INTERNAL = 4,	/* defined, never exchanged */
	HKVP_POOL_COUNT
};

enum hkvp_type {
	HKVP_TYPE_SZ = 1,
	HKVP_TYPE_EXPAND_SZ = 2,
	HKVP_TYPE_DWORD = 4,
	HKVP_TYPE_QWORD_OLD = 8,	/* as Linux's header has it; read only */
	HKVP_TYPE_QWORD = 11,
};

/* Bytes of UTF-16LE, the NUL included. */
#define HKVP_KEY_SIZE		512
#define HKVP_VALUE_SIZE		2048

struct hkvp_msg_hdr {
	u8 op;			/* enum hkvp_op */
	u8 pool;		/* enum hkvp_pool_id */
} __packed;
static_assert(sizeof(struct hkvp_msg_hdr) == 2);

struct hkvp_value {
	__le32 type;		/* enum hkvp_type */
	__le32 key_size;	/* bytes, the NUL included */
	__le32 value_size;	/* bytes; of strings with the NUL */
	u8 key[HKVP_KEY_SIZE];
	u8 value[HKVP_VALUE_SIZE];
} __packed;
static_assert(sizeof(struct hkvp_value) == 2572);

/* GET, SET */
struct hkvp_msg_value {
	struct hkvp_msg_hdr hdr;
	__le16 pad;
	struct hkvp_value value;
} __packed;
static_assert(sizeof(struct hkvp_msg_value) == 2576);

struct hkvp_msg_delete {
	struct hkvp_msg_hdr hdr;
	__le16 pad;
	__le32 key_size;
	u8 key[HKVP_KEY_SIZE];
} __packed;
static_assert(sizeof(struct hkvp_msg_delete) == 520);

struct hkvp_msg_enumerate {
	struct hkvp_msg_hdr hdr;
	__le16 pad;
	__le32 index;
	struct hkvp_value value;
} __packed;
static_assert(sizeof(struct hkvp_msg_enumerate) == 2580);

/*
 * GET_IP_INFO and SET_IP_INFO up to message version 4.0. Strings are
 * NUL-terminated UTF-16LE, lists are separated by ';'. The body starts right
 * behind struct hkvp_msg_hdr.
 */
#define HKVP_ADAPTER_ID_UNITS	128

enum hkvp_ip_family {
	HKVP_IP_NONE = 0,	/* in GET_IP_INFO: both */
	HKVP_IP_V4 = 1,
	HKVP_IP_V6 = 2,
	HKVP_IP_BOTH = 3,
};

struct hkvp_ip_strings {
	__le16 adapter_id[HKVP_ADAPTER_ID_UNITS];
	u8 family;		/* enum hkvp_ip_family */
	u8 dhcp;
	__le16 addresses[1024];
	__le16 subnets[1024];
	__le16 gateways[512];
	__le16 dns[1024];
} __packed;

struct hkvp_msg_ip_strings {
	struct hkvp_msg_hdr hdr;
	struct hkvp_ip_strings ip;
} __packed;
static_assert(sizeof(struct hkvp_msg_ip_strings) == 7428);

/* The same from message version 5.0 on. Addresses are in network order. */
#define HKVP_IP_ADDRESSES	64
#define HKVP_IP_GATEWAYS	5

enum hkvp_ip_origin {
	HKVP_IP_ORIGIN_UNKNOWN = 0,
	HKVP_IP_ORIGIN_OTHER = 1,	/* DHCP, router advertisement */
	HKVP_IP_ORIGIN_STATIC = 2,
};

struct hkvp_ip_binary {
	__le32 v4_count;
	__le32 v6_count;
	__le32 v4_gateway_count;
	__le32 v6_gateway_count;
	__le32 v4_dns_count;
	__le32 v6_dns_count;
	__le16 adapter_id[HKVP_ADAPTER_ID_UNITS];
	u8 family;		/* enum hkvp_ip_family */
	u8 dhcp;
	__le16 zero;
	u8 v4[HKVP_IP_ADDRESSES][4];
	u8 v6[HKVP_IP_ADDRESSES][16];
	u8 v4_mask[HKVP_IP_ADDRESSES][4];
	__le32 v6_prefix[HKVP_IP_ADDRESSES];
	u8 v4_gateway[HKVP_IP_GATEWAYS][4];
	u8 v6_gateway[HKVP_IP_GATEWAYS][16];
	u8 v4_dns[HKVP_IP_ADDRESSES][4];
	u8 v6_dns[HKVP_IP_ADDRESSES][16];
	/* IPv4 ones first, IPv6 ones right behind: v6[i] is at v4_count + i */
	__le16 origin[2 * HKVP_IP_ADDRESSES];
} __packed;

struct hkvp_msg_ip_binary {
	struct hkvp_msg_hdr hdr;
	__le16 pad;
	struct hkvp_ip_binary ip;
} __packed;
static_assert(sizeof(struct hkvp_msg_ip_binary) == 3716);

/* Status of a reply: HRESULTs of winerror.h and wbemcli.h. */
#define HKVP_S_OK			0x00000000u
#define HKVP_E_FAIL			0x80004005u
#define HKVP_E_NOT_FOUND		0x80041002u
#define HKVP_E_NOT_SUPPORTED		0x80070032u
#define HKVP_E_ALREADY_EXISTS		0x80070050u
#define HKVP_E_INVALID_ARGUMENT		0x80070057u
#define HKVP_E_DISK_FULL		0x80070070u
#define HKVP_E_NO_MORE_ITEMS		0x80070103u
#define HKVP_E_NOT_CONNECTED		0x8007048Fu

#endif /* HKVP_WIRE_H */
