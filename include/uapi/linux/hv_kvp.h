/* SPDX-License-Identifier: GPL-2.0 WITH Linux-syscall-note */
/*
 * /dev/hv_kvp: Key-Value Pair exchange with a Hyper-V host.
 * Documentation/userspace-api/hv_kvp/ has a page for each call, and
 * Documentation/design/abi.md says why it is as it is and how it grows.
 *
 * Keys and string values are UTF-8 without a NUL, integers are in the byte order
 * of the machine. Pointers travel as __u64, every member is aligned to its size,
 * and no structure has a hole: 32-bit programs see the same layouts. Reserved
 * members and unknown flags must be 0; what a member marked "out" holds before the
 * call does not matter.
 *
 * Structures grow at their end. The size in the command's number is that of the
 * structure that the program was built with:
 *
 * - a smaller one than the kernel's: what the program does not know is 0. The
 *   smallest one that is taken ends with the member marked "required up to here";
 * - a larger one than the kernel's: E2BIG if there is anything but zeroes where the
 *   kernel knows nothing, and zeroes come back there.
 *
 * Records that are read, of lists and of events, grow in front of their key and
 * value: these are where the record says, and the next record too.
 */
#ifndef _UAPI_LINUX_HV_KVP_H
#define _UAPI_LINUX_HV_KVP_H

#include <linux/ioctl.h>
#include <linux/types.h>

/* One more whenever something is added. */
#define HV_KVP_ABI_VERSION	1

/* The pools. */
#define HV_KVP_POOL_EXTERNAL		0	/* the host administrator's */
#define HV_KVP_POOL_GUEST		1	/* the guest's own, for the host */
#define HV_KVP_POOL_AUTO		2	/* intrinsic: what the guest is */
#define HV_KVP_POOL_AUTO_EXTERNAL	3	/* what describes the host */
#define HV_KVP_POOL_AUTO_INTERNAL	4
#define HV_KVP_POOL_COUNT		5

/* In place of a pool: of none. */
#define HV_KVP_NO_POOL		0xffffffffU

/* Types of values, as registry types. */
#define HV_KVP_TYPE_SZ		1	/* UTF-8 */
#define HV_KVP_TYPE_EXPAND_SZ	2	/* UTF-8 */
#define HV_KVP_TYPE_DWORD	4	/* __u32 */
#define HV_KVP_TYPE_QWORD	11	/* __u64 */

/* Longest key and value in bytes: 255 and 1,023 UTF-16 code units. */
#define HV_KVP_KEY_MAX		765
#define HV_KVP_VALUE_MAX	3069

/* No record, of a list or of events, is ever larger, in no version of this ABI. */
#define HV_KVP_RECORD_MAX	8192

/* State of the service: OperationalStatus[0] of Msvm_KvpExchangeComponent. */
#define HV_KVP_STATE_OK			2
#define HV_KVP_STATE_DEGRADED		3
#define HV_KVP_STATE_NON_RECOVERABLE	7
#define HV_KVP_STATE_NO_CONTACT		12
#define HV_KVP_STATE_LOST		13

/* Who there is one of. */
#define HV_KVP_ROLE_IP_AGENT	(1U << 0)
#define HV_KVP_ROLE_MIRROR	(1U << 1)

/**
 * struct hv_kvp_info - argument of HV_KVP_IOC_INFO, all of it out
 * @abi: HV_KVP_ABI_VERSION of the kernel
 * @errata: bitmap of the errata that are mended in this kernel, as
 *	Documentation/userspace-api/hv_kvp/errata.md numbers them
 * @instance: random number, another one each time the module is loaded, never 0;
 *	generations, sequence numbers and ids of another instance mean nothing;
 *	required up to here
 * @state: HV_KVP_STATE_*
 * @connection: number of the host's connection, 0 before the first one
 * @framework: framework version chosen, major << 16 | minor, 0 if none
 * @message: message version chosen
 * @framework_offered: newest framework version the host offered
 * @message_offered: newest message version the host offered
 * @pool_count: HV_KVP_POOL_COUNT of the kernel
 * @host_writable: bitmap of the pools that the host may write
 * @key_max: HV_KVP_KEY_MAX of the kernel
 * @value_max: HV_KVP_VALUE_MAX of the kernel
 * @batch_max: most operations of a batch
 * @roles: HV_KVP_ROLE_*: those that some open file has
 * @host_items_max: most items of the host in all pools
 * @agent_items_max: most items of the agents in all pools
 * @host_bytes_max: most bytes of the host's items in all pools
 * @agent_bytes_max: most bytes of the agents' items in all pools
 */
struct hv_kvp_info {
	__u32 abi;
	__u32 errata;
	__u64 instance;
	__u32 state;
	__u32 connection;
	__u32 framework;
	__u32 message;
	__u32 framework_offered;
	__u32 message_offered;
	__u32 pool_count;
	__u32 host_writable;
	__u32 key_max;
	__u32 value_max;
	__u32 batch_max;
	__u32 roles;
	__u32 host_items_max;
	__u32 agent_items_max;
	__u64 host_bytes_max;
	__u64 agent_bytes_max;
};

/**
 * struct hv_kvp_pool_info - argument of HV_KVP_IOC_POOL_INFO
 * @pool: HV_KVP_POOL_*
 * @flags: 0
 * @generation: out: one more with each change; required up to here
 * @host_bytes: out: memory of the host's items, as the limits count it
 * @agent_bytes: out: memory of the agents' items
 * @items: out: number of items
 * @host_items: out: of these, last set by the host
 * @agent_items: out: of these, last set by an agent; of AUTO: overridden
 * @host_read_connection: out: connection of the host's last complete enumeration
 * @host_read_generation: out: generation that the host saw in it
 * @host_read_time: out: when it ended, ns of CLOCK_BOOTTIME; 0 if there was none,
 *	and the two members above mean nothing
 */
struct hv_kvp_pool_info {
	__u32 pool;
	__u32 flags;
	__u64 generation;
	__u64 host_bytes;
	__u64 agent_bytes;
	__u32 items;
	__u32 host_items;
	__u32 agent_items;
	__u32 host_read_connection;
	__u64 host_read_generation;
	__u64 host_read_time;
};

/* Flags of an item. */
#define HV_KVP_ITEM_HOST	(1U << 0)	/* the host set it last */
#define HV_KVP_ITEM_STALE	(1U << 1)	/* but not on this connection */
#define HV_KVP_ITEM_OVERRIDE	(1U << 2)	/* pool AUTO: set by an agent */
#define HV_KVP_ITEM_MIRROR	(1U << 3)	/* the mirror set it last */
#define HV_KVP_ITEM_EPHEMERAL	(1U << 4)	/* goes with the open file that set it */

/**
 * struct hv_kvp_get - argument of HV_KVP_IOC_GET
 * @key: pointer to the key
 * @value: pointer to room for the value
 * @pool: HV_KVP_POOL_*
 * @flags: 0
 * @key_len: bytes of the key
 * @value_size: in: room at @value; out: bytes of the value, also on ERANGE
 * @type: out: HV_KVP_TYPE_*
 * @item_flags: out: HV_KVP_ITEM_*; required up to here
 * @item_generation: out: generation of the pool that set the item; 0 of an
 *	intrinsic item that is not overridden
 * @generation: out: generation of the pool that was looked at
 * @sequence: out: orders the items of a pool by when their keys came
 */
struct hv_kvp_get {
	__u64 key;
	__u64 value;
	__u32 pool;
	__u32 flags;
	__u32 key_len;
	__u32 value_size;
	__u32 type;
	__u32 item_flags;
	__u64 item_generation;
	__u64 generation;
	__u64 sequence;
};

/**
 * struct hv_kvp_item - one item in the buffer of HV_KVP_IOC_LIST
 * @size: bytes to the next one, a multiple of 8, at most HV_KVP_RECORD_MAX
 * @type: HV_KVP_TYPE_*
 * @flags: HV_KVP_ITEM_*
 * @key_offset: bytes from the start of this structure to the key
 * @key_len: bytes of the key, which a NUL follows
 * @value_offset: bytes from the start of this structure to the value, a multiple
 *	of 8
 * @value_len: bytes of the value, which a NUL follows
 * @reserved: 0
 * @generation: generation of the pool that set the item; 0 of an intrinsic item
 *	that is not overridden
 * @sequence: orders the items of a pool by when their keys came
 */
struct hv_kvp_item {
	__u32 size;
	__u32 type;
	__u32 flags;
	__u32 key_offset;
	__u32 key_len;
	__u32 value_offset;
	__u32 value_len;
	__u32 reserved;
	__u64 generation;
	__u64 sequence;
};

/**
 * struct hv_kvp_list - argument of HV_KVP_IOC_LIST
 * @buffer: pointer to room for items
 * @cursor: in: 0 for the first call, else as the last call left it;
 *	out: for the next call, 0 if this one reached the end
 * @generation: out: generation of the pool that is listed
 * @pool: HV_KVP_POOL_*
 * @flags: 0
 * @size: in: bytes at @buffer; out: bytes used; on ERANGE bytes needed
 * @count: out: items in @buffer
 * @total: out: items of the pool
 * @reserved: 0; required up to here
 */
struct hv_kvp_list {
	__u64 buffer;
	__u64 cursor;
	__u64 generation;
	__u32 pool;
	__u32 flags;
	__u32 size;
	__u32 count;
	__u32 total;
	__u32 reserved;
};

/*
 * What an operation is made for; all that are given must hold, of the item as it
 * was before the call. Of SET, DELETE and each operation of a BATCH.
 */
#define HV_KVP_IF_ABSENT	(1U << 0)	/* set: no item, or a stale one; EEXIST */
#define HV_KVP_IF_GENERATION	(1U << 1)	/* an item with that generation; ESTALE */
#define HV_KVP_UNLESS_HOST	(1U << 2)	/* not one with HV_KVP_ITEM_HOST; EEXIST */

/*
 * Of a BATCH: where a condition does not hold, or a key to be deleted is not there,
 * the operation is left out, and the rest is done.
 */
#define HV_KVP_OR_SKIP		(1U << 3)

/*
 * Set: the item is deleted when the open file that the call was made on is closed
 * for good, unless it was set again in between.
 */
#define HV_KVP_EPHEMERAL	(1U << 4)

/**
 * struct hv_kvp_set - argument of HV_KVP_IOC_SET
 * @key: pointer to the key
 * @value: pointer to the value
 * @pool: HV_KVP_POOL_*
 * @flags: HV_KVP_IF_*, HV_KVP_UNLESS_HOST, HV_KVP_EPHEMERAL
 * @key_len: bytes of the key
 * @value_len: bytes of the value
 * @type: HV_KVP_TYPE_*
 * @reserved: 0; required up to here
 * @if_generation: for HV_KVP_IF_GENERATION, the item's; else 0
 * @generation: out: generation of the pool that set the item
 */
struct hv_kvp_set {
	__u64 key;
	__u64 value;
	__u32 pool;
	__u32 flags;
	__u32 key_len;
	__u32 value_len;
	__u32 type;
	__u32 reserved;
	__u64 if_generation;
	__u64 generation;
};

/**
 * struct hv_kvp_delete - argument of HV_KVP_IOC_DELETE
 * @key: pointer to the key
 * @pool: HV_KVP_POOL_*
 * @flags: HV_KVP_IF_GENERATION, HV_KVP_UNLESS_HOST
 * @key_len: bytes of the key
 * @reserved: 0; required up to here
 * @if_generation: for HV_KVP_IF_GENERATION, the item's; else 0
 * @generation: out: first generation of the pool without the item
 */
struct hv_kvp_delete {
	__u64 key;
	__u32 pool;
	__u32 flags;
	__u32 key_len;
	__u32 reserved;
	__u64 if_generation;
	__u64 generation;
};

#define HV_KVP_OP_SET		1
#define HV_KVP_OP_DELETE	2

/**
 * struct hv_kvp_op - one operation of a batch
 * @key: pointer to the key
 * @value: pointer to the value; 0 for a delete
 * @op: HV_KVP_OP_*
 * @flags: HV_KVP_IF_*, HV_KVP_UNLESS_HOST, HV_KVP_OR_SKIP, HV_KVP_EPHEMERAL
 * @type: HV_KVP_TYPE_*; 0 for a delete
 * @key_len: bytes of the key
 * @value_len: bytes of the value; 0 for a delete
 * @reserved: 0; required up to here
 * @if_generation: for HV_KVP_IF_GENERATION, the item's; else 0
 */
struct hv_kvp_op {
	__u64 key;
	__u64 value;
	__u32 op;
	__u32 flags;
	__u32 type;
	__u32 key_len;
	__u32 value_len;
	__u32 reserved;
	__u64 if_generation;
};

/* Whose the items of a batch are. */
#define HV_KVP_OWNER_AGENT	0
#define HV_KVP_OWNER_HOST	1	/* as if the host had set them, and stale */
#define HV_KVP_OWNER_MIRROR	2	/* of the file that HV_KVP_IOC_MIRROR was called on */

/* Only if the pool has the generation given, else ESTALE. */
#define HV_KVP_BATCH_IF_GENERATION	(1U << 0)

/* No single operation is to blame. */
#define HV_KVP_NO_OP			0xffffffffU

/**
 * struct hv_kvp_batch - argument of HV_KVP_IOC_BATCH
 * @ops: pointer to @count structures of @op_size bytes, struct hv_kvp_op
 * @pool: HV_KVP_POOL_*
 * @flags: HV_KVP_BATCH_*
 * @count: operations
 * @op_size: sizeof(struct hv_kvp_op)
 * @owner: HV_KVP_OWNER_*
 * @failed: out: index of the operation that failed, or HV_KVP_NO_OP; required up
 *	to here
 * @if_generation: for HV_KVP_BATCH_IF_GENERATION, the pool's; else 0
 * @generation: out: generation of the pool that the batch made, or, if there was
 *	nothing to be changed, that was looked at
 * @skipped: out: operations that were left out by HV_KVP_OR_SKIP
 * @reserved: 0
 */
struct hv_kvp_batch {
	__u64 ops;
	__u32 pool;
	__u32 flags;
	__u32 count;
	__u32 op_size;
	__u32 owner;
	__u32 failed;
	__u64 if_generation;
	__u64 generation;
	__u32 skipped;
	__u32 reserved;
};

/**
 * struct hv_kvp_purge - argument of HV_KVP_IOC_PURGE
 * @pool: HV_KVP_POOL_*
 * @flags: 0
 * @connection: number of the host's present connection, as HV_KVP_IOC_INFO gives it
 * @count: out: items deleted, also on an error; required up to here
 * @generation: out: last generation of the pool that the call made; that was
 *	looked at if nothing was deleted
 */
struct hv_kvp_purge {
	__u32 pool;
	__u32 flags;
	__u32 connection;
	__u32 count;
	__u64 generation;
};

/* Keys that are told come with their values. */
#define HV_KVP_WATCH_VALUES	(1U << 0)
/* State, connection and versions: HV_KVP_EVENT_STATE. */
#define HV_KVP_WATCH_STATE	(1U << 1)
/* That the host has read a pool that is watched: HV_KVP_EVENT_HOST_READ. */
#define HV_KVP_WATCH_HOST_READ	(1U << 2)

/**
 * struct hv_kvp_watch - argument of HV_KVP_IOC_WATCH
 * @pools: bitmap of 1 << HV_KVP_POOL_*: what is told of from now on
 * @flags: HV_KVP_WATCH_*; required up to here
 *
 * Replaces what was asked for before; a pool that was watched before goes on where
 * it was. Zeroes: nothing more is told.
 */
struct hv_kvp_watch {
	__u32 pools;
	__u32 flags;
};

/* Of a pool that is watched. */
#define HV_KVP_EVENT_ADDED	1	/* struct hv_kvp_event_item: a new key */
#define HV_KVP_EVENT_SET	2	/* struct hv_kvp_event_item */
#define HV_KVP_EVENT_DELETED	3	/* struct hv_kvp_event_item: as it was */
#define HV_KVP_EVENT_COMPLETE	4	/* struct hv_kvp_event_pool: told up to here */
#define HV_KVP_EVENT_LOST	5	/* struct hv_kvp_event_pool: list the pool */
#define HV_KVP_EVENT_STALE	6	/* struct hv_kvp_event_pool: the host's items */
#define HV_KVP_EVENT_HOST_READ	7	/* struct hv_kvp_event_pool */
/* Of none. */
#define HV_KVP_EVENT_STATE	16	/* struct hv_kvp_event_state */
#define HV_KVP_EVENT_IP_REQUEST	17	/* struct hv_kvp_event_request: the IP agent's */
#define HV_KVP_EVENT_HOST_ASKS	18	/* struct hv_kvp_event_request: the mirror's */

/**
 * struct hv_kvp_event - how each record that read() gives begins
 * @size: bytes to the next one, a multiple of 8, at most HV_KVP_RECORD_MAX
 * @kind: HV_KVP_EVENT_*
 * @pool: HV_KVP_POOL_*, or HV_KVP_NO_POOL
 * @flags: of this record; none yet
 *
 * Nobody gets a kind that he did not ask for.
 */
struct hv_kvp_event {
	__u32 size;
	__u32 kind;
	__u32 pool;
	__u32 flags;
};

/**
 * struct hv_kvp_event_item - HV_KVP_EVENT_ADDED, _SET, _DELETED
 * @event: the head
 * @generation: generation of the pool in which it is so
 * @item_generation: generation of the pool that set the item
 * @sequence: orders the items of a pool by when their keys came
 * @item_flags: HV_KVP_ITEM_*
 * @type: HV_KVP_TYPE_*
 * @key_offset: bytes from the start of this structure to the key
 * @key_len: bytes of the key, which a NUL follows
 * @value_offset: bytes from the start of this structure to the value, a multiple
 *	of 8; 0: there is none, because it was not asked for, because the key was
 *	deleted, or because it is gone by now, and that follows
 * @value_len: bytes of the value, which a NUL follows
 *
 * With a value @item_generation, @item_flags and @type are that value's, which may
 * be newer than @generation.
 */
struct hv_kvp_event_item {
	struct hv_kvp_event event;
	__u64 generation;
	__u64 item_generation;
	__u64 sequence;
	__u32 item_flags;
	__u32 type;
	__u32 key_offset;
	__u32 key_len;
	__u32 value_offset;
	__u32 value_len;
};

/**
 * struct hv_kvp_event_pool - HV_KVP_EVENT_COMPLETE, _LOST, _STALE, _HOST_READ
 * @event: the head
 * @generation: COMPLETE: all up to here has been told; LOST: up to here something
 *	was not; STALE: the pool's when the record is read; HOST_READ: what the host
 *	has read to the end
 * @time: HOST_READ: when it had, ns of CLOCK_BOOTTIME; else 0
 * @connection: STALE, HOST_READ: the host's connection; else 0
 * @reserved: 0
 */
struct hv_kvp_event_pool {
	struct hv_kvp_event event;
	__u64 generation;
	__u64 time;
	__u32 connection;
	__u32 reserved;
};

/**
 * struct hv_kvp_event_state - HV_KVP_EVENT_STATE
 * @event: the head
 * @state: HV_KVP_STATE_*
 * @connection: number of the host's connection
 * @framework: framework version chosen, as in struct hv_kvp_info
 * @message: message version chosen
 *
 * As it is when the record is read, and only where it is not as it was last told.
 */
struct hv_kvp_event_state {
	struct hv_kvp_event event;
	__u32 state;
	__u32 connection;
	__u32 framework;
	__u32 message;
};

/**
 * struct hv_kvp_event_request - HV_KVP_EVENT_IP_REQUEST, _HOST_ASKS
 * @event: the head
 * @id: names the request, in the call that answers it
 */
struct hv_kvp_event_request {
	struct hv_kvp_event event;
	__u64 id;
};

/* The open file becomes the IP agent; without it, it is one no more. */
#define HV_KVP_IP_AGENT_ON	(1U << 0)

/**
 * struct hv_kvp_ip_agent - argument of HV_KVP_IOC_IP_AGENT
 * @flags: HV_KVP_IP_AGENT_*
 * @reserved: 0; required up to here
 */
struct hv_kvp_ip_agent {
	__u32 flags;
	__u32 reserved;
};

/* Most entries of each kind. */
#define HV_KVP_IP_ADDRESSES	64
#define HV_KVP_IP_GATEWAYS	5
#define HV_KVP_IP_DNS		64

/* How the host names the adapter. */
#define HV_KVP_ADAPTER_GUID	1	/* of its VMBus device */
#define HV_KVP_ADAPTER_MAC	2

/* Families, as bits. */
#define HV_KVP_IP_V4		(1U << 0)
#define HV_KVP_IP_V6		(1U << 1)

/**
 * struct hv_kvp_ip_config - what the host wants an interface to have
 * @adapter: HV_KVP_ADAPTER_*
 * @family: HV_KVP_IP_V*: families that this is about, never 0
 * @guid: of HV_KVP_ADAPTER_GUID, in the order in which it is written; else 0
 * @mac: of HV_KVP_ADAPTER_MAC; else 0
 * @reserved: 0
 * @dhcp: 1: addresses are to come from DHCP
 * @v4_count: addresses in @v4
 * @v6_count: addresses in @v6
 * @v4_gateway_count: addresses in @v4_gateway
 * @v6_gateway_count: addresses in @v6_gateway
 * @v4_dns_count: addresses in @v4_dns
 * @v6_dns_count: addresses in @v6_dns
 * @v4: IPv4 addresses
 * @v6: IPv6 addresses
 * @v4_prefix: prefix lengths of @v4, 0 to 32
 * @v6_prefix: prefix lengths of @v6, 0 to 128
 * @v4_gateway: IPv4 gateways
 * @v6_gateway: IPv6 gateways
 * @v4_dns: DNS servers by IPv4
 * @v6_dns: DNS servers by IPv6; required up to here
 *
 * Addresses are in network order, what is not used is 0.
 */
struct hv_kvp_ip_config {
	__u32 adapter;
	__u32 family;
	__u8 guid[16];
	__u8 mac[6];
	__u8 reserved[2];
	__u32 dhcp;
	__u32 v4_count;
	__u32 v6_count;
	__u32 v4_gateway_count;
	__u32 v6_gateway_count;
	__u32 v4_dns_count;
	__u32 v6_dns_count;
	__u8 v4[HV_KVP_IP_ADDRESSES][4];
	__u8 v6[HV_KVP_IP_ADDRESSES][16];
	__u8 v4_prefix[HV_KVP_IP_ADDRESSES];
	__u8 v6_prefix[HV_KVP_IP_ADDRESSES];
	__u8 v4_gateway[HV_KVP_IP_GATEWAYS][4];
	__u8 v6_gateway[HV_KVP_IP_GATEWAYS][16];
	__u8 v4_dns[HV_KVP_IP_DNS][4];
	__u8 v6_dns[HV_KVP_IP_DNS][16];
};

/* Not the request that waits for an answer, but the last one refused. */
#define HV_KVP_IP_REQUEST_REFUSED	(1U << 0)

/**
 * struct hv_kvp_ip_request - argument of HV_KVP_IOC_IP_REQUEST
 * @config: pointer to room for struct hv_kvp_ip_config
 * @id: out: names the request, in HV_KVP_IOC_IP_ANSWER; never 0
 * @deadline: out: when the host is told that it failed, ns of CLOCK_BOOTTIME; 0 for
 *	one that was refused
 * @config_size: sizeof(struct hv_kvp_ip_config)
 * @flags: HV_KVP_IP_REQUEST_*
 * @ifindex: out: index of the interface in the initial network namespace; 0 if
 *	there is none yet, or the caller is in another one
 * @reserved: 0; required up to here
 */
struct hv_kvp_ip_request {
	__u64 config;
	__u64 id;
	__u64 deadline;
	__u32 config_size;
	__u32 flags;
	__u32 ifindex;
	__u32 reserved;
};

/* What the host is told. */
#define HV_KVP_IP_DONE		0	/* 0 */
#define HV_KVP_IP_FAILED	1	/* E_FAIL */
#define HV_KVP_IP_NOT_SUPPORTED	2	/* HRESULT of ERROR_NOT_SUPPORTED */
#define HV_KVP_IP_INVALID	3	/* HRESULT of ERROR_INVALID_PARAMETER */
#define HV_KVP_IP_NOT_FOUND	4	/* WBEM_E_NOT_FOUND: no such adapter */

/**
 * struct hv_kvp_ip_answer - argument of HV_KVP_IOC_IP_ANSWER
 * @id: the request's
 * @result: HV_KVP_IP_*
 * @reserved: 0; required up to here
 */
struct hv_kvp_ip_answer {
	__u64 id;
	__u32 result;
	__u32 reserved;
};

#define HV_KVP_IP_DHCP_UNKNOWN	0
#define HV_KVP_IP_DHCP_OFF	1
#define HV_KVP_IP_DHCP_ON	2

/* Most interfaces that an agent can report. */
#define HV_KVP_IP_REPORT_MAX	64

/**
 * struct hv_kvp_ip_report - argument of HV_KVP_IOC_IP_REPORT
 * @v4_dns: pointer to IPv4 addresses of DNS servers, 4 bytes each, network order
 * @v6_dns: pointer to IPv6 addresses of DNS servers, 16 bytes each
 * @v4_dns_count: addresses at @v4_dns, at most HV_KVP_IP_DNS
 * @v6_dns_count: addresses at @v6_dns, at most HV_KVP_IP_DNS
 * @ifindex: index of the interface in the initial network namespace
 * @dhcp: HV_KVP_IP_DHCP_*; required up to here
 *
 * No server and HV_KVP_IP_DHCP_UNKNOWN: forget the interface.
 */
struct hv_kvp_ip_report {
	__u64 v4_dns;
	__u64 v6_dns;
	__u32 v4_dns_count;
	__u32 v6_dns_count;
	__u32 ifindex;
	__u32 dhcp;
};

/* The open file becomes the mirror; without it, it is one no more. */
#define HV_KVP_MIRROR_ON	(1U << 0)

/* The host waits so long for the mirror at most. */
#define HV_KVP_MIRROR_WAIT_MS	20

/**
 * struct hv_kvp_mirror - argument of HV_KVP_IOC_MIRROR
 * @flags: HV_KVP_MIRROR_*
 * @reserved: 0; required up to here
 */
struct hv_kvp_mirror {
	__u32 flags;
	__u32 reserved;
};

/**
 * struct hv_kvp_mirror_current - argument of HV_KVP_IOC_MIRROR_CURRENT
 * @id: of HV_KVP_EVENT_HOST_ASKS: pool GUEST has all that was written before that;
 *	required up to here
 *
 * ESTALE: the host waits no longer. To answer all the same tells the kernel that the
 * mirror is alive: one that lets a wait run out is not waited for until it does.
 */
struct hv_kvp_mirror_current {
	__u64 id;
};

#define HV_KVP_IOC_MAGIC	0xBD

#define HV_KVP_IOC_INFO		_IOR(HV_KVP_IOC_MAGIC, 0, struct hv_kvp_info)
#define HV_KVP_IOC_POOL_INFO	_IOWR(HV_KVP_IOC_MAGIC, 1, struct hv_kvp_pool_info)
#define HV_KVP_IOC_GET		_IOWR(HV_KVP_IOC_MAGIC, 2, struct hv_kvp_get)
#define HV_KVP_IOC_LIST		_IOWR(HV_KVP_IOC_MAGIC, 3, struct hv_kvp_list)
#define HV_KVP_IOC_SET		_IOWR(HV_KVP_IOC_MAGIC, 4, struct hv_kvp_set)
#define HV_KVP_IOC_DELETE	_IOWR(HV_KVP_IOC_MAGIC, 5, struct hv_kvp_delete)
#define HV_KVP_IOC_BATCH	_IOWR(HV_KVP_IOC_MAGIC, 6, struct hv_kvp_batch)
#define HV_KVP_IOC_PURGE	_IOWR(HV_KVP_IOC_MAGIC, 7, struct hv_kvp_purge)
#define HV_KVP_IOC_WATCH	_IOW(HV_KVP_IOC_MAGIC, 8, struct hv_kvp_watch)

#define HV_KVP_IOC_IP_AGENT	_IOW(HV_KVP_IOC_MAGIC, 16, struct hv_kvp_ip_agent)
#define HV_KVP_IOC_IP_REQUEST	_IOWR(HV_KVP_IOC_MAGIC, 17, struct hv_kvp_ip_request)
#define HV_KVP_IOC_IP_ANSWER	_IOW(HV_KVP_IOC_MAGIC, 18, struct hv_kvp_ip_answer)
#define HV_KVP_IOC_IP_REPORT	_IOW(HV_KVP_IOC_MAGIC, 19, struct hv_kvp_ip_report)

#define HV_KVP_IOC_MIRROR	_IOW(HV_KVP_IOC_MAGIC, 24, struct hv_kvp_mirror)
#define HV_KVP_IOC_MIRROR_CURRENT _IOW(HV_KVP_IOC_MAGIC, 25, struct hv_kvp_mirror_current)

#endif /* _UAPI_LINUX_HV_KVP_H */
