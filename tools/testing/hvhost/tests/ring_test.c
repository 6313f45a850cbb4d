// SPDX-License-Identifier: GPL-2.0
/*
 * User-space test of src/ring.c: two rings over the same pages, one written and one read, with
 * random packets, so that every wrap and every fill level comes up; and what a guest may do wrong.
 */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include "../src/ring.h"

#define PAGES	4			/* one of control, three of data: as hv_utils has it */
#define ROUNDS	200000

static u8 memory[PAGES][PAGE_SIZE] __aligned(4096);
static u8 *pages[PAGES];
static struct ring out, in;
static int number, failed;

static void check(int ok, const char *name)
{
	printf("%s %d ring: %s\n", ok ? "ok" : "not ok", ++number, name);
	failed += !ok;
}

static void reset(void)
{
	u32 i;

	memset(memory, 0, sizeof(memory));
	/* Pages of a GPADL are in any order. */
	for (i = 0; i < PAGES; i++)
		pages[i] = memory[(i * 3 + 1) % PAGES];
	ring_init(&out, pages, PAGES, true);
	ring_init(&in, pages, PAGES, false);
}

static struct hv_ring_control *control(void)
{
	return (void *)pages[0];
}

static u32 fill(u8 *buf, u32 seed)
{
	u32 len = seed * 2654435761u % 3000, i;

	for (i = 0; i < len; i++)
		buf[i] = seed + i * 7;
	return len;
}

static int receive(u32 seed)
{
	static u8 want[4096], got[4096];
	u32 len = fill(want, seed), body;
	struct ring_packet p;
	const char *what;

	if (ring_peek(&in, &p, &what))
		return 0;
	if (p.desc.trans_id != seed || p.body_len != ALIGN_UP(len, 8) ||
	    p.trailer != ring_trailer(p.start))
		return 0;
	body = p.start + sizeof(p.desc);
	ring_copy_out(&in, body >= in.size ? body - in.size : body, got, p.body_len);
	ring_consume(&in, &p);
	return !memcmp(want, got, len);
}

static int random_traffic(void)
{
	static u8 buf[4096];
	u32 sent = 0, got = 0, full = 0, empty = 0;
	const char *what;
	struct ring_packet p;
	bool was_empty;

	reset();
	srand(1);
	while (got < ROUNDS) {
		if (rand() & 1) {
			u32 len = fill(buf, sent);
			struct hv_descriptor d = {
				HV_PACKET_INBAND, 2, 2 + ALIGN_UP(len, 8) / 8, 0, sent,
			};
			int ret = ring_send(&out, &d, buf, len, NULL, &was_empty);

			if (ret == -ENOSPC) {
				full++;
				continue;
			}
			if (ret || was_empty != !(sent - got))
				return 0;
			sent++;
		} else if (sent > got) {
			if (!receive(got++))
				return 0;
		} else {
			if (ring_peek(&in, &p, &what) != -ENOENT)
				return 0;
			empty++;
		}
	}
	return full > 100 && empty > 100;
}

static int never_quite_full(void)
{
	struct hv_descriptor d = { HV_PACKET_INBAND, 2, 0, 0, 0 };
	static u8 buf[3 * PAGE_SIZE];
	bool was_empty;
	u32 used;

	reset();
	if (ring_send(&out, &d, buf, out.size - 24, NULL, &was_empty) != -EMSGSIZE)
		return 0;
	if (ring_send(&out, &d, buf, out.size - 32, NULL, &was_empty))
		return 0;
	return !ring_used(&out, true, &used) && used == out.size - 8 &&
	       ring_send_raw(&out, buf, 8, &was_empty) == -ENOSPC &&
	       ring_send_raw(&out, buf, 7, &was_empty) == 0;
}

/* One descriptor as a guest may write it; the answer of ring_peek(). */
static int peek_of(u16 offset8, u16 len8, u32 in_ring)
{
	struct hv_descriptor d = { HV_PACKET_INBAND, offset8, len8, 0, 1 };
	struct ring_packet p;
	const char *what;

	reset();
	memcpy(pages[1], &d, sizeof(d));
	control()->write_index = in_ring;
	return ring_peek(&in, &p, &what);
}

static int indices_of(u32 write, u32 read)
{
	u32 used;

	reset();
	control()->write_index = write;
	control()->read_index = read;
	return ring_used(&in, false, &used) | ring_used(&out, true, &used);
}

int main(void)
{
	reset();
	check(random_traffic(), "random traffic arrives whole and in order");
	check(never_quite_full(), "never filled completely");
	check(peek_of(2, 3, 32) == 0, "smallest packet with 8 bytes");
	check(peek_of(2, 2, 24) == 0, "empty packet");
	check(peek_of(2, 1, 32) == -EPROTO, "length below the descriptor");
	check(peek_of(2, 0, 32) == -EPROTO, "length 0");
	check(peek_of(2, 4, 32) == -EPROTO, "length beyond what was written");
	check(peek_of(2, 0xffff, 12280) == -EPROTO, "largest length");
	check(peek_of(1, 3, 32) == -EPROTO, "payload inside the descriptor");
	check(peek_of(4, 3, 32) == -EPROTO, "payload behind the packet");
	check(peek_of(2, 2, 16) == -EPROTO, "less than a packet written");
	check(indices_of(0, 0) == 0, "indices in range");
	check(indices_of(3 * PAGE_SIZE, 0) == -EPROTO, "write index at the size");
	check(indices_of(0, 0xfffffff8) == -EPROTO, "read index beyond the size");
	check(indices_of(4, 0) == -EPROTO, "write index not a multiple of 8");
	control()->write_index = 3 * PAGE_SIZE;
	check(ring_init(&out, pages, PAGES, true) == -EINVAL, "bad indices at open");
	check(ring_init(&out, pages, 1, true) == -EINVAL, "no data pages");
	printf("1..%d\n", number);
	return failed != 0;
}
