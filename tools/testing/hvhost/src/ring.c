// SPDX-License-Identifier: GPL-2.0
/* One direction of a VMBus channel. */
#include <string.h>
#include "ring.h"

int ring_init(struct ring *r, u8 **pages, u32 count, bool outgoing)
{
	if (count < 2)
		return -EINVAL;
	r->ctl = (void *)pages[0];
	r->pages = pages + 1;
	r->size = (count - 1) * PAGE_SIZE;
	r->index = outgoing ? r->ctl->write_index : r->ctl->read_index;
	if (r->ctl->write_index >= r->size || r->ctl->read_index >= r->size ||
	    (r->ctl->write_index | r->ctl->read_index) & 7)
		return -EINVAL;
	return 0;
}

int ring_used(const struct ring *r, bool outgoing, u32 *used)
{
	u32 theirs = outgoing ? r->ctl->read_index : r->ctl->write_index;

	barrier();
	if (theirs >= r->size || theirs & 7)
		return -EPROTO;
	*used = outgoing ? r->index - theirs : theirs - r->index;
	if (*used & 0x80000000)
		*used += r->size;
	return 0;
}

static u32 wrap(const struct ring *r, u32 off)
{
	return off >= r->size ? off - r->size : off;
}

void ring_copy_in(struct ring *r, u32 off, const void *src, u32 len)
{
	while (len) {
		u32 in_page = off & (PAGE_SIZE - 1);
		u32 n = min_u32(len, PAGE_SIZE - in_page);

		memcpy(r->pages[off >> PAGE_SHIFT] + in_page, src, n);
		src = (const u8 *)src + n;
		len -= n;
		off = wrap(r, off + n);
	}
}

void ring_copy_out(const struct ring *r, u32 off, void *dst, u32 len)
{
	while (len) {
		u32 in_page = off & (PAGE_SIZE - 1);
		u32 n = min_u32(len, PAGE_SIZE - in_page);

		memcpy(dst, r->pages[off >> PAGE_SHIFT] + in_page, n);
		dst = (u8 *)dst + n;
		len -= n;
		off = wrap(r, off + n);
	}
}

u32 ring_packet_size(u32 payload)
{
	return sizeof(struct hv_descriptor) + ALIGN_UP(payload, 8) + HV_TRAILER_SIZE;
}

/* The write index never catches up with the read index: equal means empty. */
static int room_for(const struct ring *r, u32 total)
{
	u32 used;

	if (total >= r->size)
		return -EMSGSIZE;
	if (ring_used(r, true, &used))
		return -EPROTO;
	return r->size - used > total ? 0 : -ENOSPC;
}

static bool publish_write(struct ring *r, u32 total)
{
	u32 old = r->index;

	r->index = wrap(r, old + total);
	barrier();
	r->ctl->write_index = r->index;
	full_fence();
	return r->ctl->read_index == old;
}

int ring_send(struct ring *r, const struct hv_descriptor *desc, const void *payload, u32 len,
	      const u64 *trailer, bool *was_empty)
{
	static const u8 zero[8];
	u32 total = ring_packet_size(len), at = r->index;
	u64 end = trailer ? *trailer : ring_trailer(r->index);
	int ret = room_for(r, total);

	if (ret)
		return ret;
	ring_copy_in(r, at, desc, sizeof(*desc));
	at = wrap(r, at + sizeof(*desc));
	ring_copy_in(r, at, payload, len);
	at = wrap(r, at + len);
	ring_copy_in(r, at, zero, -len & 7);
	at = wrap(r, at + (-len & 7));
	ring_copy_in(r, at, &end, sizeof(end));
	*was_empty = publish_write(r, total);
	return 0;
}

int ring_send_raw(struct ring *r, const void *data, u32 len, bool *was_empty)
{
	int ret = room_for(r, len);

	if (ret)
		return ret;
	ring_copy_in(r, r->index, data, len);
	*was_empty = publish_write(r, len);
	return 0;
}

int ring_peek(const struct ring *r, struct ring_packet *p, const char **what)
{
	u32 used, len;

	if (ring_used(r, false, &used)) {
		*what = "write index out of range";
		return -EPROTO;
	}
	if (!used)
		return -ENOENT;
	if (used < sizeof(p->desc) + HV_TRAILER_SIZE) {
		*what = "less than a descriptor in the ring";
		return -EPROTO;
	}
	p->start = r->index;
	ring_copy_out(r, r->index, &p->desc, sizeof(p->desc));
	len = p->desc.len8 * 8;
	if (len < sizeof(p->desc) || len + HV_TRAILER_SIZE > used) {
		*what = "packet length";
		return -EPROTO;
	}
	if (p->desc.offset8 * 8 < sizeof(p->desc) || p->desc.offset8 > p->desc.len8) {
		*what = "payload offset";
		return -EPROTO;
	}
	p->body_len = len - sizeof(p->desc);
	ring_copy_out(r, wrap(r, r->index + len), &p->trailer, sizeof(p->trailer));
	return 0;
}

void ring_consume(struct ring *r, const struct ring_packet *p)
{
	r->index = wrap(r, r->index + sizeof(p->desc) + p->body_len + HV_TRAILER_SIZE);
	barrier();
	r->ctl->read_index = r->index;
	full_fence();
}
