/* SPDX-License-Identifier: GPL-2.0 WITH Linux-syscall-note */
/*
 * /dev/hv_kvp: Key-Value Pair exchange with a Hyper-V host.
 * Documentation/userspace-api/hv_kvp/ has a page for each call.
 *
 * Keys and string values are UTF-8 without a NUL, integers are in the byte order
 * of the machine. Pointers travel as __u64, so that 32-bit callers see the same
 * layouts. Reserved fields and unknown flags must be 0; what a field marked
 * "out" holds before the call does not matter.
 *
 * Structures may grow at their end: the size in the command number tells the
 * kernel which form a program was built with. What an old program does not know
 * is taken as 0; a new program gets -E2BIG from an old kernel if it uses what
 * that does not know.
 */
#ifndef _UAPI_LINUX_HV_KVP_H
#define _UAPI_LINUX_HV_KVP_H

#include <linux/ioctl.h>
#include <linux/types.h>

/* One more whenever something is added. */
#define HVKVP_ABI_VERSION	1

/* The pools. */
#define HVKVP_POOL_EXTERNAL		0	/* the host administrator's */
#define HVKVP_POOL_GUEST		1	/* the guest's own, for the host */
#define HVKVP_POOL_AUTO			2	/* intrinsic: what the guest is */
#define HVKVP_POOL_AUTO_EXTERNAL	3	/* what describes the host */
#define HVKVP_POOL_AUTO_INTERNAL	4
#define HVKVP_POOLS			5

/* Types of values, as registry types. */
#define HVKVP_TYPE_SZ		1	/* UTF-8 */
#define HVKVP_TYPE_EXPAND_SZ	2	/* UTF-8 */
#define HVKVP_TYPE_DWORD	4	/* __u32 */
#define HVKVP_TYPE_QWORD	11	/* __u64 */

/* Longest key and value in bytes: 255 and 1,023 UTF-16 code units. */
#define HVKVP_KEY_MAX		765
#define HVKVP_VALUE_MAX		3069

/* State of the service: OperationalStatus[0] of Msvm_KvpExchangeComponent. */
#define HVKVP_STATE_OK			2
#define HVKVP_STATE_DEGRADED		3
#define HVKVP_STATE_NON_RECOVERABLE	7
#define HVKVP_STATE_NO_CONTACT		12
#define HVKVP_STATE_LOST		13

/**
 * struct hvkvp_pool_info - one pool
 * @generation: one more with each change
 * @host_bytes: memory of the host's items, as the limits count it
 * @agent_bytes: memory of the agents' items
 * @items: number of items
 * @host_items: of these, last set by the host
 * @agent_items: of these, last set by an agent; of AUTO: overridden
 * @reserved: 0
 */
struct hvkvp_pool_info {
	__u64 generation;
	__u64 host_bytes;
	__u64 agent_bytes;
	__u32 items;
	__u32 host_items;
	__u32 agent_items;
	__u32 reserved;
};

/**
 * struct hvkvp_info - argument of HVKVP_IOC_INFO, all of it written
 * @abi: HVKVP_ABI_VERSION of the kernel
 * @state: HVKVP_STATE_*
 * @framework: framework version chosen, major << 16 | minor, 0 if none
 * @message: message version chosen
 * @framework_offered: newest framework version the host offered
 * @message_offered: newest message version the host offered
 * @connection: number of the host's connection, 0 before the first one
 * @host_writable: bitmap of the pools that the host may write
 * @key_max: HVKVP_KEY_MAX of the kernel
 * @value_max: HVKVP_VALUE_MAX of the kernel
 * @batch_max: most operations of a batch or items of an import
 * @lists_max: most descriptors that may be in the middle of a list at a time
 * @changes_bytes: change records that are kept of each pool, in bytes
 * @host_items_max: most items of the host in all pools
 * @agent_items_max: most items of the agents in all pools
 * @reserved: 0
 * @host_bytes_max: most bytes of the host's items in all pools
 * @agent_bytes_max: most bytes of the agents' items in all pools
 * @pools: by HVKVP_POOL_*
 */
struct hvkvp_info {
	__u32 abi;
	__u32 state;
	__u32 framework;
	__u32 message;
	__u32 framework_offered;
	__u32 message_offered;
	__u32 connection;
	__u32 host_writable;
	__u32 key_max;
	__u32 value_max;
	__u32 batch_max;
	__u32 lists_max;
	__u32 changes_bytes;
	__u32 host_items_max;
	__u32 agent_items_max;
	__u32 reserved;
	__u64 host_bytes_max;
	__u64 agent_bytes_max;
	struct hvkvp_pool_info pools[HVKVP_POOLS];
};

/* Flags of an item. */
#define HVKVP_ITEM_HOST		(1u << 0)	/* the host set it last */
#define HVKVP_ITEM_STALE	(1u << 1)	/* but not on this connection */
#define HVKVP_ITEM_OVERRIDE	(1u << 2)	/* pool AUTO: set by an agent */

/**
 * struct hvkvp_get - argument of HVKVP_IOC_GET
 * @key: pointer to the key
 * @value: pointer to room for the value
 * @pool: HVKVP_POOL_*
 * @key_len: bytes of the key
 * @value_size: in: room at @value; out: bytes of the value, also on ERANGE
 * @type: out: HVKVP_TYPE_*
 * @flags: 0
 * @item_flags: out: HVKVP_ITEM_*
 * @item_generation: out: generation of the pool that set the item
 * @generation: out: generation of the pool that was looked at
 */
struct hvkvp_get {
	__u64 key;
	__u64 value;
	__u32 pool;
	__u32 key_len;
	__u32 value_size;
	__u32 type;
	__u32 flags;
	__u32 item_flags;
	__u64 item_generation;
	__u64 generation;
};

/**
 * struct hvkvp_set - argument of HVKVP_IOC_SET
 * @key: pointer to the key
 * @value: pointer to the value
 * @pool: HVKVP_POOL_*
 * @key_len: bytes of the key
 * @value_len: bytes of the value
 * @type: HVKVP_TYPE_*
 * @flags: 0
 * @reserved: 0
 */
struct hvkvp_set {
	__u64 key;
	__u64 value;
	__u32 pool;
	__u32 key_len;
	__u32 value_len;
	__u32 type;
	__u32 flags;
	__u32 reserved;
};

/**
 * struct hvkvp_delete - argument of HVKVP_IOC_DELETE
 * @key: pointer to the key
 * @pool: HVKVP_POOL_*
 * @key_len: bytes of the key
 * @flags: 0
 * @reserved: 0
 */
struct hvkvp_delete {
	__u64 key;
	__u32 pool;
	__u32 key_len;
	__u32 flags;
	__u32 reserved;
};

/**
 * struct hvkvp_item - one item in the buffer of HVKVP_IOC_LIST
 * @size: bytes to the next one, a multiple of 8
 * @type: HVKVP_TYPE_*
 * @flags: HVKVP_ITEM_*
 * @key_len: bytes of the key
 * @value_len: bytes of the value
 * @reserved: 0
 * @generation: generation of the pool that set the item
 * @data: key, a NUL, value, a NUL, and zeroes up to @size
 */
struct hvkvp_item {
	__u32 size;
	__u32 type;
	__u32 flags;
	__u32 key_len;
	__u32 value_len;
	__u32 reserved;
	__u64 generation;
	__u8 data[];
};

/**
 * struct hvkvp_list - argument of HVKVP_IOC_LIST
 * @buffer: pointer to room for items
 * @cursor: in: 0 for the first call, else as the last call left it;
 *	out: for the next call, 0 if this one reached the end
 * @generation: out: generation of the pool that is listed
 * @pool: HVKVP_POOL_*
 * @size: in: bytes at @buffer; out: bytes used; on ERANGE bytes needed
 * @count: out: items in @buffer
 * @total: out: items of the pool
 * @flags: 0
 * @reserved: 0
 */
struct hvkvp_list {
	__u64 buffer;
	__u64 cursor;
	__u64 generation;
	__u32 pool;
	__u32 size;
	__u32 count;
	__u32 total;
	__u32 flags;
	__u32 reserved;
};

#define HVKVP_OP_SET		1
#define HVKVP_OP_DELETE		2

/**
 * struct hvkvp_op - one operation of a batch, or item of an import
 * @key: pointer to the key
 * @value: pointer to the value; 0 for a delete
 * @op: HVKVP_OP_*
 * @type: HVKVP_TYPE_*; 0 for a delete
 * @key_len: bytes of the key
 * @value_len: bytes of the value; 0 for a delete
 */
struct hvkvp_op {
	__u64 key;
	__u64 value;
	__u32 op;
	__u32 type;
	__u32 key_len;
	__u32 value_len;
};

/* Only if the pool has the generation given, else ESTALE. */
#define HVKVP_BATCH_IF_GENERATION	(1u << 0)

/* No single operation is to blame. */
#define HVKVP_NO_OP			0xffffffffu

/**
 * struct hvkvp_batch - argument of HVKVP_IOC_BATCH
 * @ops: pointer to @count structures of @op_size bytes, struct hvkvp_op
 * @generation: for HVKVP_BATCH_IF_GENERATION, else 0
 * @pool: HVKVP_POOL_*
 * @flags: HVKVP_BATCH_*
 * @count: operations
 * @op_size: sizeof(struct hvkvp_op)
 * @failed: out: index of the operation that is malformed, or HVKVP_NO_OP
 * @reserved: 0
 */
struct hvkvp_batch {
	__u64 ops;
	__u64 generation;
	__u32 pool;
	__u32 flags;
	__u32 count;
	__u32 op_size;
	__u32 failed;
	__u32 reserved;
};

/* Items that are there are replaced too. */
#define HVKVP_IMPORT_REPLACE		(1u << 0)

/**
 * struct hvkvp_import - argument of HVKVP_IOC_IMPORT
 * @ops: pointer to @count structures of @op_size bytes, struct hvkvp_op, all
 *	of them HVKVP_OP_SET
 * @pool: HVKVP_POOL_*
 * @flags: HVKVP_IMPORT_*
 * @count: items
 * @op_size: sizeof(struct hvkvp_op)
 * @failed: out: index of the item that is malformed, or HVKVP_NO_OP
 * @kept: out: items left out because the pool has them
 */
struct hvkvp_import {
	__u64 ops;
	__u32 pool;
	__u32 flags;
	__u32 count;
	__u32 op_size;
	__u32 failed;
	__u32 kept;
};

/**
 * struct hvkvp_purge - argument of HVKVP_IOC_PURGE
 * @pool: HVKVP_POOL_*
 * @flags: 0
 * @count: out: items deleted, also on an error
 * @reserved: 0
 */
struct hvkvp_purge {
	__u32 pool;
	__u32 flags;
	__u32 count;
	__u32 reserved;
};

/* What happened to a key. More kinds may come: skip those that you do not know. */
#define HVKVP_CHANGE_ADDED	1
#define HVKVP_CHANGE_SET	2
#define HVKVP_CHANGE_DELETED	3
#define HVKVP_CHANGE_VERSION	4	/* no key: all up to here has been told */
#define HVKVP_CHANGE_IP_REQUEST	5	/* no key: HVKVP_IOC_IP_REQUEST has one */
#define HVKVP_CHANGE_LOST	6	/* no key: list the pool, records are missing */

/**
 * struct hvkvp_change - what read() gives, one or more at a time
 * @size: bytes to the next one, a multiple of 8
 * @pool: HVKVP_POOL_*; 0 if @kind is HVKVP_CHANGE_IP_REQUEST
 * @kind: HVKVP_CHANGE_*
 * @key_len: bytes of the key
 * @generation: generation of the pool in which it is so; id of the request if
 *	@kind is HVKVP_CHANGE_IP_REQUEST
 * @key: the key, a NUL, and zeroes up to @size
 */
struct hvkvp_change {
	__u32 size;
	__u32 pool;
	__u32 kind;
	__u32 key_len;
	__u64 generation;
	__u8 key[];
};

/* A read() into this much room never fails for want of it. */
#define HVKVP_CHANGE_MAX	792

/* The caller becomes the IP agent; without it, it is one no more. */
#define HVKVP_IP_AGENT_ON		(1u << 0)

/**
 * struct hvkvp_ip_agent - argument of HVKVP_IOC_IP_AGENT
 * @flags: HVKVP_IP_AGENT_*
 * @reserved: 0
 */
struct hvkvp_ip_agent {
	__u32 flags;
	__u32 reserved;
};

/* Most entries of each kind. */
#define HVKVP_IP_ADDRESSES	64
#define HVKVP_IP_GATEWAYS	5
#define HVKVP_IP_DNS		64

/* Room for the name of an adapter, its NUL included. */
#define HVKVP_IP_ADAPTER_SIZE	40

/* Families, as bits. */
#define HVKVP_IP_V4		(1u << 0)
#define HVKVP_IP_V6		(1u << 1)

/**
 * struct hvkvp_ip_config - what the host wants an interface to have
 * @adapter: the adapter as the host names it: GUID of its VMBus device, with or
 *	without braces, or MAC; a NUL, and zeroes
 * @dhcp: 1: addresses are to come from DHCP
 * @family: HVKVP_IP_V*: families that this is about, never 0
 * @v4_prefix: prefix lengths of @v4, 0 to 32
 * @v6_prefix: prefix lengths of @v6, 0 to 128
 * @v4_count: addresses in @v4
 * @v6_count: addresses in @v6
 * @v4_gateway_count: addresses in @v4_gateway
 * @v6_gateway_count: addresses in @v6_gateway
 * @v4_dns_count: addresses in @v4_dns
 * @v6_dns_count: addresses in @v6_dns
 * @v4: IPv4 addresses
 * @v6: IPv6 addresses
 * @v4_gateway: IPv4 gateways
 * @v6_gateway: IPv6 gateways
 * @v4_dns: DNS servers by IPv4
 * @v6_dns: DNS servers by IPv6
 * @reserved: 0
 *
 * Addresses are in network order, what is not used is 0.
 */
struct hvkvp_ip_config {
	char adapter[HVKVP_IP_ADAPTER_SIZE];
	__u32 family;
	__u32 dhcp;
	__u32 v4_count;
	__u32 v6_count;
	__u32 v4_gateway_count;
	__u32 v6_gateway_count;
	__u32 v4_dns_count;
	__u32 v6_dns_count;
	__u8 v4[HVKVP_IP_ADDRESSES][4];
	__u8 v6[HVKVP_IP_ADDRESSES][16];
	__u8 v4_prefix[HVKVP_IP_ADDRESSES];
	__u8 v6_prefix[HVKVP_IP_ADDRESSES];
	__u8 v4_gateway[HVKVP_IP_GATEWAYS][4];
	__u8 v6_gateway[HVKVP_IP_GATEWAYS][16];
	__u8 v4_dns[HVKVP_IP_DNS][4];
	__u8 v6_dns[HVKVP_IP_DNS][16];
	__u32 reserved;
};

/* Not the request that waits for an answer, but the last one refused. */
#define HVKVP_IP_REQUEST_REFUSED	(1u << 0)

/**
 * struct hvkvp_ip_request - argument of HVKVP_IOC_IP_REQUEST
 * @config: pointer to room for struct hvkvp_ip_config
 * @id: out: names the request, in HVKVP_IOC_IP_ANSWER; never 0
 * @config_size: sizeof(struct hvkvp_ip_config)
 * @flags: HVKVP_IP_REQUEST_*
 * @time_left: out: ms left to answer; 0 for one that was refused
 * @ifindex: out: index of the interface in the initial network namespace; 0 if
 *	there is none yet
 */
struct hvkvp_ip_request {
	__u64 config;
	__u64 id;
	__u32 config_size;
	__u32 flags;
	__u32 time_left;
	__u32 ifindex;
};

/* What the host is told. */
#define HVKVP_IP_DONE		0	/* 0 */
#define HVKVP_IP_FAILED		1	/* E_FAIL */
#define HVKVP_IP_NOT_SUPPORTED	2	/* HRESULT of ERROR_NOT_SUPPORTED */
#define HVKVP_IP_INVALID	3	/* HRESULT of ERROR_INVALID_PARAMETER */
#define HVKVP_IP_NOT_FOUND	4	/* WBEM_E_NOT_FOUND: no such adapter */

/**
 * struct hvkvp_ip_answer - argument of HVKVP_IOC_IP_ANSWER
 * @id: the request's
 * @result: HVKVP_IP_*
 * @reserved: 0
 */
struct hvkvp_ip_answer {
	__u64 id;
	__u32 result;
	__u32 reserved;
};

#define HVKVP_IP_DHCP_UNKNOWN	0
#define HVKVP_IP_DHCP_OFF	1
#define HVKVP_IP_DHCP_ON	2

/* Most interfaces that an agent can tell about. */
#define HVKVP_IP_SUPPLY_MAX	64

/**
 * struct hvkvp_ip_supply - argument of HVKVP_IOC_IP_SUPPLY
 * @v4_dns: pointer to IPv4 addresses of DNS servers, 4 bytes each, network order
 * @v6_dns: pointer to IPv6 addresses of DNS servers, 16 bytes each
 * @v4_dns_count: addresses at @v4_dns, at most HVKVP_IP_DNS
 * @v6_dns_count: addresses at @v6_dns, at most HVKVP_IP_DNS
 * @ifindex: index of the interface in the initial network namespace
 * @dhcp: HVKVP_IP_DHCP_*
 *
 * No server and HVKVP_IP_DHCP_UNKNOWN: forget the interface.
 */
struct hvkvp_ip_supply {
	__u64 v4_dns;
	__u64 v6_dns;
	__u32 v4_dns_count;
	__u32 v6_dns_count;
	__u32 ifindex;
	__u32 dhcp;
};

#define HVKVP_IOC_MAGIC		0xBD

#define HVKVP_IOC_INFO		_IOR(HVKVP_IOC_MAGIC, 0, struct hvkvp_info)
#define HVKVP_IOC_GET		_IOWR(HVKVP_IOC_MAGIC, 1, struct hvkvp_get)
#define HVKVP_IOC_SET		_IOW(HVKVP_IOC_MAGIC, 2, struct hvkvp_set)
#define HVKVP_IOC_DELETE	_IOW(HVKVP_IOC_MAGIC, 3, struct hvkvp_delete)
#define HVKVP_IOC_LIST		_IOWR(HVKVP_IOC_MAGIC, 4, struct hvkvp_list)
#define HVKVP_IOC_BATCH		_IOWR(HVKVP_IOC_MAGIC, 5, struct hvkvp_batch)
#define HVKVP_IOC_IMPORT	_IOWR(HVKVP_IOC_MAGIC, 6, struct hvkvp_import)
#define HVKVP_IOC_PURGE		_IOWR(HVKVP_IOC_MAGIC, 7, struct hvkvp_purge)
#define HVKVP_IOC_IP_AGENT	_IOW(HVKVP_IOC_MAGIC, 8, struct hvkvp_ip_agent)
#define HVKVP_IOC_IP_REQUEST	_IOWR(HVKVP_IOC_MAGIC, 9, struct hvkvp_ip_request)
#define HVKVP_IOC_IP_ANSWER	_IOW(HVKVP_IOC_MAGIC, 10, struct hvkvp_ip_answer)
#define HVKVP_IOC_IP_SUPPLY	_IOW(HVKVP_IOC_MAGIC, 11, struct hvkvp_ip_supply)

#endif /* _UAPI_LINUX_HV_KVP_H */
