/* SPDX-License-Identifier: GPL-2.0 */
/* The host's side: packets as they come from the channel, and their answers. */
#ifndef MODEL_HOST_H
#define MODEL_HOST_H

#include "common.h"
#include "ic.h"

/* Message versions, which choose the form of IP messages. */
#define HOST_STRINGS	HKVP_VERSION(4, 0)
#define HOST_BINARY	HKVP_VERSION(5, 0)

/* A NEGOTIATE of three framework and three message versions. */
#define HOST_VERSIONS	6

struct host_negotiate {
	__le16 fw_count;
	__le16 msg_count;
	__le32 reserved;
	struct hkvp_ic_version versions[HOST_VERSIONS];
} __packed;

struct packet {
	struct hkvp_pipe_hdr pipe;
	struct hkvp_ic_hdr ic;
	union {
		struct host_negotiate negotiate;
		struct hkvp_msg_value value;
		struct hkvp_msg_delete delete;
		struct hkvp_msg_enumerate enumerate;
		struct hkvp_msg_ip_strings strings;
		struct hkvp_msg_ip_binary binary;
	};
} __packed;

/**
 * struct exchange - a request and what is to become of it
 * @len: bytes of the packet, of the request as of the answer
 * @request: what the host sends; what no field is in is not zero
 * @kept: what may be left in the buffer when nothing was done: the request,
 *	with a NUL behind strings that had none
 * @answer: what the host is to get
 */
struct exchange {
	u32 len;
	struct packet request;
	struct packet kept;
	struct packet answer;
};

/* Value number @n of @size bytes, a string with its NUL. */
void host_string(u8 *value, u32 n, u32 size);

/* A value of the host's: a string. */
struct host_value {
	u32 key;
	u32 number;
	u32 size;
};

/* @x becomes the request, and its answer a success of what changes or applies. */
void host_negotiate(struct exchange *x, u32 version);
void host_set(struct exchange *x, u8 pool, const struct host_value *value,
	      bool nul);
void host_delete(struct exchange *x, u8 pool, u32 key);
void host_ip(struct exchange *x, u8 op, u32 version);

/* @x becomes the request; the answer is NO_MORE_ITEMS unless @value is there. */
void host_get(struct exchange *x, u8 pool, u32 key,
	      const struct host_value *value);
void host_enumerate(struct exchange *x, u8 pool, u32 index,
		    const struct host_value *value);

/* The answer that says @status and nothing else. */
void host_refuse(struct exchange *x, u32 status);

#endif /* MODEL_HOST_H */
