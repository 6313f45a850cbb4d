// SPDX-License-Identifier: GPL-2.0
/* Mailbox: two byte rings in memory that the driving program maps too. */
#include "mailbox.h"
#include "lib.h"
#include "host.h"
#include "x86.h"

#define MB(type, off) (*(volatile type *)(HVHOST_MAILBOX + (off)))

#define MAX_FRAME (HVHOST_MAX_PACKET + 512)

static struct spinlock event_lock;
static bool up;
static u8 command[MAX_FRAME] __aligned(8);

static_assert(sizeof(struct hvhost_frame) == HVHOST_SIZEOF_frame, "frame");
static_assert(sizeof(struct hvhost_cpu_stats) == HVHOST_SIZEOF_cpu_stats, "cpu_stats");
static_assert(sizeof(struct hvhost_config) == HVHOST_SIZEOF_config, "config");
static_assert(sizeof(struct hvhost_boot) == HVHOST_SIZEOF_boot, "boot");
static_assert(sizeof(struct hvhost_offer) == HVHOST_SIZEOF_offer, "offer");
static_assert(sizeof(struct hvhost_send) == HVHOST_SIZEOF_send, "send");
static_assert(sizeof(struct hvhost_poke) == HVHOST_SIZEOF_poke, "poke");
static_assert(sizeof(struct hvhost_peek) == HVHOST_SIZEOF_peek, "peek");
static_assert(sizeof(struct hvhost_ack) == HVHOST_SIZEOF_ack, "ack");
static_assert(sizeof(struct hvhost_regs) == HVHOST_SIZEOF_regs, "regs");
static_assert(sizeof(struct hvhost_state) == HVHOST_SIZEOF_state, "state");
static_assert(sizeof(struct hvhost_packet) == HVHOST_SIZEOF_packet, "packet");
static_assert((HVHOST_EVT_SIZE & (HVHOST_EVT_SIZE - 1)) == 0, "power of two");
static_assert((HVHOST_CMD_SIZE & (HVHOST_CMD_SIZE - 1)) == 0, "power of two");

void mailbox_init(u32 cpus, u32 host_apic)
{
	MB(u32, HVHOST_OFF_VERSION) = HVHOST_ABI_VERSION;
	MB(u32, HVHOST_OFF_CPUS) = cpus;
	MB(u32, HVHOST_OFF_HOST_APIC) = host_apic;
	MB(u64, HVHOST_OFF_TSC_HZ) = host.tsc_hz;
	MB(u64, HVHOST_OFF_TSC0) = host.tsc0;
	up = true;
	store_release((u64 *)(HVHOST_MAILBOX + HVHOST_OFF_MAGIC), HVHOST_MAGIC);
}

bool mailbox_is_up(void)
{
	return up;
}

struct hvhost_cpu_stats *mailbox_stats(u32 cpu)
{
	return (struct hvhost_cpu_stats *)(HVHOST_MAILBOX + HVHOST_OFF_STATS) + cpu;
}

static void ring_put(u64 pos, const void *data, u32 len)
{
	u32 off = pos & (HVHOST_EVT_SIZE - 1);
	u32 first = min_u32(len, HVHOST_EVT_SIZE - off);

	memcpy((void *)(u64)(HVHOST_EVT_RING + off), data, first);
	memcpy((void *)HVHOST_EVT_RING, (const u8 *)data + first, len - first);
}

static void ring_get(u64 pos, void *data, u32 len)
{
	u32 off = pos & (HVHOST_CMD_SIZE - 1);
	u32 first = min_u32(len, HVHOST_CMD_SIZE - off);

	memcpy(data, (const void *)(u64)(HVHOST_CMD_RING + off), first);
	memcpy((u8 *)data + first, (const void *)HVHOST_CMD_RING, len - first);
}

/* The reader sets the flag before it sleeps; taking it back makes one byte of each sleep. */
static void ring_bell(void)
{
	full_fence();
	if (MB(u32, HVHOST_OFF_EVT_WAIT)) {
		MB(u32, HVHOST_OFF_EVT_WAIT) = 0;
		outb(HVHOST_DOORBELL_PORT, '!');
	}
}

void mailbox_event(u16 type, u32 seq, u32 dev, const struct part *parts, u32 count)
{
	struct hvhost_frame f = { .type = type, .seq = seq, .dev = dev, .tsc = rdtsc() };
	u64 head, pos;
	u32 i;

	if (!up)
		return;
	f.len = sizeof(f);
	for (i = 0; i < count; i++)
		f.len += parts[i].len;
	HV_ASSERT(f.len <= MAX_FRAME);

	spin_lock(&event_lock);
	head = MB(u64, HVHOST_OFF_EVT_HEAD);
	while (head + ALIGN_UP(f.len, 8) - MB(u64, HVHOST_OFF_EVT_TAIL) > HVHOST_EVT_SIZE) {
		ring_bell();
		cpu_relax();
	}
	ring_put(head, &f, sizeof(f));
	pos = head + sizeof(f);
	for (i = 0; i < count; i++) {
		ring_put(pos, parts[i].data, parts[i].len);
		pos += parts[i].len;
	}
	store_release((u64 *)(HVHOST_MAILBOX + HVHOST_OFF_EVT_HEAD), head + ALIGN_UP(f.len, 8));
	ring_bell();
	spin_unlock(&event_lock);
}

void mailbox_event1(u16 type, u32 seq, u32 dev, const void *data, u32 len)
{
	struct part p = { data, len };

	mailbox_event(type, seq, dev, &p, 1);
}

void mailbox_ack(u32 seq, u32 dev, int status, const void *data, u32 len)
{
	struct hvhost_ack ack = { .status = status };
	struct part p[2] = { { &ack, sizeof(ack) }, { data, len } };

	mailbox_event(HVHOST_EVT_ACK, seq, dev, p, len ? 2 : 1);
}

struct hvhost_frame *mailbox_command(void)
{
	struct hvhost_frame *f = (void *)command;
	u64 head = load_acquire((u64 *)(HVHOST_MAILBOX + HVHOST_OFF_CMD_HEAD));
	u64 tail = MB(u64, HVHOST_OFF_CMD_TAIL);

	if (head == tail)
		return NULL;
	ring_get(tail, f, sizeof(*f));
	if (f->len < sizeof(*f) || f->len > MAX_FRAME || ALIGN_UP(f->len, 8) > head - tail)
		hv_fatal(NULL, "command frame of %u bytes, %lu in the ring", f->len, head - tail);
	ring_get(tail, f, f->len);
	tail += ALIGN_UP(f->len, 8);
	store_release((u64 *)(HVHOST_MAILBOX + HVHOST_OFF_CMD_TAIL), tail);
	return f;
}
