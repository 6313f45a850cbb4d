/* SPDX-License-Identifier: GPL-2.0 */
/*
 * Tracepoints: what was asked and what it came to. Sizes, never contents:
 * values may be secrets.
 */
#undef TRACE_SYSTEM
#define TRACE_SYSTEM hv_kvp

#if !defined(HKVP_TRACE_H) || defined(TRACE_HEADER_MULTI_READ)
#define HKVP_TRACE_H

#include <linux/tracepoint.h>
#include "ic.h"

/* One answer to the host. @ns is the time it took to make, sending excluded. */
TRACE_EVENT(hkvp_transaction,
	TP_PROTO(const struct hkvp_ic_result *result, u64 ns),
	TP_ARGS(result, ns),
	TP_STRUCT__entry(
		__field(u64, ns)
		__field(u32, status)
		__field(u32, index)
		__field(u32, key_size)
		__field(u32, value_size)
		__field(u16, type)
		__field(u8, id)
		__field(u8, op)
		__field(u8, pool)
	),
	TP_fast_assign(
		bool kvp = result->type == HKVP_IC_KVP;

		__entry->ns = ns;
		__entry->status = result->status;
		__entry->type = result->type;
		__entry->id = result->id;
		__entry->op = kvp ? result->kvp.op : 0;
		__entry->pool = kvp ? result->kvp.pool : 0;
		__entry->index = kvp ? result->kvp.index : 0;
		__entry->key_size = kvp ? result->kvp.key_size : 0;
		__entry->value_size = kvp ? result->kvp.value_size : 0;
	),
	TP_printk("id=%u type=%s op=%s pool=%u index=%u key_size=%u value_size=%u status=0x%08x ns=%llu",
		  __entry->id,
		  __print_symbolic(__entry->type,
				   { HKVP_IC_NEGOTIATE, "negotiate" },
				   { HKVP_IC_KVP, "kvp" }),
		  __entry->type != HKVP_IC_KVP ? "-" :
		  __print_symbolic(__entry->op,
				   { HKVP_OP_GET, "get" },
				   { HKVP_OP_SET, "set" },
				   { HKVP_OP_DELETE, "delete" },
				   { HKVP_OP_ENUMERATE, "enumerate" },
				   { HKVP_OP_GET_IP_INFO, "get_ip_info" },
				   { HKVP_OP_SET_IP_INFO, "set_ip_info" }),
		  __entry->pool, __entry->index, __entry->key_size,
		  __entry->value_size, __entry->status, __entry->ns)
);

/* A packet that got no answer. @reason is enum hkvp_drop. */
TRACE_EVENT(hkvp_drop,
	TP_PROTO(u8 reason, u32 len),
	TP_ARGS(reason, len),
	TP_STRUCT__entry(
		__field(u32, len)
		__field(u8, reason)
	),
	TP_fast_assign(
		__entry->len = len;
		__entry->reason = reason;
	),
	TP_printk("reason=%s len=%u",
		  __print_symbolic(__entry->reason,
				   { HKVP_DROP_SHORT, "short" },
				   { HKVP_DROP_PIPE_FLAGS, "pipe_flags" },
				   { HKVP_DROP_PIPE_SIZE, "pipe_size" },
				   { HKVP_DROP_RESPONSE, "response" },
				   { HKVP_DROP_TYPE, "type" }),
		  __entry->len)
);

#endif /* HKVP_TRACE_H */

#undef TRACE_INCLUDE_PATH
#define TRACE_INCLUDE_PATH .
#undef TRACE_INCLUDE_FILE
#define TRACE_INCLUDE_FILE trace
#include <trace/define_trace.h>
