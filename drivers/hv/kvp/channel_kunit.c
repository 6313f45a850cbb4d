// SPDX-License-Identifier: GPL-2.0
/*
 * Tests of channel.c, which is compiled here once more, on a VMBus and an
 * integration component that are made up: no host, and packets that take as
 * long as a test wants.
 */
#include <linux/completion.h>
#include <linux/delay.h>
#include <linux/gfp.h>
#include <linux/hyperv.h>
#include <linux/printk.h>
#include "ic.h"
#include "kunit.h"
#include "share.h"

/* There is one channel at a time; all of this is its owner's, or atomic. */
static struct fixture {
	struct hkvp_ic ic;
	struct vmbus_channel vmbus;
	struct vmpacket_descriptor *packet;	/* as it is in the ring */
	u32 packets;		/* left to read, each of them @packet */
	u32 read;
	u32 sent;
	u32 full;		/* times that there is no room for an answer */
	u32 taken;		/* packets read since the callback or work began */
	u32 taken_max;
	bool slow;		/* packets need process context, and @go_on */
	bool waits;		/* the answer is not known yet */
	bool inside;		/* at the ring, in process context */
	struct completion begun;
	struct completion go_on;
	u32 expired;
	bool expired_wrongly;
	int open_error;
	u32 opens;
	u32 closes;
	bool closed_inside;	/* the rings went while they were in use */
	u32 lines;		/* in the log */
} *fake;

static int fake_open(struct vmbus_channel *vmbus, u32 send, u32 recv, void *data,
		     u32 len, void (*callback)(void *context), void *context)
{
	fake->opens++;
	if (fake->open_error)
		return fake->open_error;
	/* the rings are new */
	fake->packets = 0;
	fake->packet->len8 = 3;
	vmbus->channel_callback_context = context;
	WRITE_ONCE(vmbus->onchannel_callback, callback);
	return 0;
}

static void fake_close(struct vmbus_channel *vmbus)
{
	fake->closes++;
	fake->closed_inside |= READ_ONCE(fake->inside);
	WRITE_ONCE(vmbus->onchannel_callback, NULL);
}

static int fake_send(struct vmbus_channel *vmbus, void *payload, u32 len,
		     u64 trans_id, enum vmbus_packet_type type, u32 flags)
{
	if (fake->full) {
		fake->full--;
		return -EAGAIN;
	}
	WRITE_ONCE(fake->sent, fake->sent + 1);
	return 0;
}

/* The guest's index stays 0: what is there begins at the start of the ring. */
static struct vmpacket_descriptor *fake_first(struct vmbus_channel *vmbus)
{
	bool some = READ_ONCE(fake->packets);

	vmbus->inbound.ring_buffer->write_index = some ?
		(fake->packet->len8 << 3) + sizeof(u64) : 0;
	return some ? fake->packet : NULL;
}

static struct vmpacket_descriptor *
fake_next(struct vmbus_channel *vmbus, const struct vmpacket_descriptor *desc)
{
	WRITE_ONCE(fake->packets, fake->packets - 1);
	WRITE_ONCE(fake->read, fake->read + 1);
	return fake_first(vmbus);
}

static void fake_iter_close(struct vmbus_channel *vmbus)
{
}

static enum hkvp_verdict fake_packet(struct hkvp_ic *ic, void *packet, u32 len,
				     u64 now, gfp_t gfp)
{
	fake->taken_max = max(fake->taken_max, ++fake->taken);
	if (fake->waits)
		return HKVP_WAIT;
	if (fake->slow) {
		if (!gfpflags_allow_blocking(gfp))
			return HKVP_DEFER;
		WRITE_ONCE(fake->inside, true);
		complete(&fake->begun);
		wait_for_completion(&fake->go_on);
		WRITE_ONCE(fake->inside, false);
	}
	return HKVP_REPLY;
}

static u64 fake_expire(struct hkvp_ic *ic, u64 now)
{
	WRITE_ONCE(fake->expired, fake->expired + 1);
	/* a callback that is held off for so long keeps a CPU busy */
	if (in_softirq() || atomic_read(&fake->vmbus.callback_event.count))
		fake->expired_wrongly = true;
	return 0;
}

static void fake_connection(struct hkvp_ic *ic)
{
}

static void fake_pending(struct vmbus_channel *vmbus, u32 size)
{
}

#undef pr_fmt
#undef pr_err_ratelimited
#undef pr_warn_ratelimited
#define pr_err_ratelimited(fmt, ...)					\
	do {								\
		no_printk(fmt, ##__VA_ARGS__);				\
		fake->lines++;						\
	} while (0)
#define pr_warn_ratelimited		pr_err_ratelimited
#define vmbus_open			fake_open
#define vmbus_close			fake_close
#define vmbus_sendpacket		fake_send
#define set_channel_pending_send_size	fake_pending
#define hv_pkt_iter_first		fake_first
#define __hv_pkt_iter_next		fake_next
#define hv_pkt_iter_close		fake_iter_close
#define hkvp_ic_packet			fake_packet
#define hkvp_ic_expire			fake_expire
#define hkvp_ic_open			fake_connection
#define hkvp_ic_close			fake_connection
/* its names beside those of the driver, where both are in the kernel */
#define hkvp_channel_init		channel_init
#define hkvp_channel_destroy		channel_destroy
#define hkvp_channel_open		channel_open
#define hkvp_channel_close		channel_close
#define hkvp_channel_kick		channel_kick
#include "channel.c"

/* As VMBus's, which calls nobody once the channel is closed. */
static void call_back(unsigned long data)
{
	void (*callback)(void *context) =
		READ_ONCE(fake->vmbus.onchannel_callback);

	fake->taken = 0;
	if (callback)
		callback(fake->vmbus.channel_callback_context);
}

static void count_run(struct work_struct *work)
{
	fake->taken = 0;
	run_work(work);
}

static void signal_guest(void)
{
	tasklet_schedule(&fake->vmbus.callback_event);
}

/* Packets that the host writes into an empty ring, with one signal. */
static void send_packets(u32 count)
{
	WRITE_ONCE(fake->packets, count);
	signal_guest();
}

#define PATIENCE	(20 * HZ)

#define eventually(condition)						\
({									\
	unsigned long end = jiffies + PATIENCE;				\
	bool met;							\
									\
	for (;;) {							\
		met = condition;					\
		if (met || time_after(jiffies, end))			\
			break;						\
		msleep(20);						\
	}								\
	met;								\
})

static struct hkvp_channel *channel(struct kunit *test)
{
	return test->priv;
}

static struct hv_ring_buffer *make_ring(struct kunit *test,
					struct hv_ring_buffer_info *info)
{
	struct hv_ring_buffer *ring = kunit_kzalloc(test, sizeof(*ring) + 64,
						    GFP_KERNEL);

	info->ring_buffer = ring;
	info->ring_datasize = 64;
	return ring;
}

static int channel_set_up(struct kunit *test)
{
	struct hkvp_channel *ch = kunit_kzalloc(test, sizeof(*ch), GFP_KERNEL);
	struct hv_ring_buffer *in, *out;
	int ret;

	fake = kunit_kzalloc(test, sizeof(*fake), GFP_KERNEL);
	KUNIT_ASSERT_NOT_NULL(test, ch);
	KUNIT_ASSERT_NOT_NULL(test, fake);
	in = make_ring(test, &fake->vmbus.inbound);
	out = make_ring(test, &fake->vmbus.outbound);
	KUNIT_ASSERT_NOT_NULL(test, in);
	KUNIT_ASSERT_NOT_NULL(test, out);
	fake->packet = (struct vmpacket_descriptor *)in->buffer;
	*fake->packet = (struct vmpacket_descriptor) {
		.type = VM_PKT_DATA_INBAND, .offset8 = 2, .len8 = 3,
	};
	init_completion(&fake->begun);
	init_completion(&fake->go_on);
	tasklet_init(&fake->vmbus.callback_event, call_back, 0);

	ret = hkvp_channel_init(ch, &fake->ic);
	if (ret)
		return ret;
	ch->run.work.func = count_run;
	test->priv = ch;
	return 0;
}

static void channel_tear_down(struct kunit *test)
{
	struct hkvp_channel *ch = channel(test);

	if (!ch)
		return;
	hkvp_channel_close(ch);
	tasklet_kill(&fake->vmbus.callback_event);
	hkvp_channel_destroy(ch);
}

/* However much there is to read, nobody keeps the CPU for more than his share. */
static void test_flood(struct kunit *test)
{
	struct hkvp_channel *ch = channel(test);
	const u32 count = 10000;

	hkvp_channel_open(ch, &fake->vmbus);
	send_packets(count);
	KUNIT_EXPECT_TRUE(test, eventually(READ_ONCE(fake->sent) == count));
	KUNIT_EXPECT_LE(test, fake->taken_max, (u32)HKVP_SHARE_PACKETS);
	KUNIT_EXPECT_GE(test, ch->stats.work_runs,
			(u64)(count / HKVP_SHARE_PACKETS - 1));
	KUNIT_EXPECT_TRUE(test, eventually(READ_ONCE(ch->state) ==
					   HKVP_CHANNEL_CALLBACK));
}

/* A host that makes room and does not say so. */
static void test_room_without_a_signal(struct kunit *test)
{
	struct hkvp_channel *ch = channel(test);

	hkvp_channel_open(ch, &fake->vmbus);
	fake->full = 6;
	send_packets(3);
	KUNIT_EXPECT_TRUE(test, eventually(READ_ONCE(fake->sent) == 3));
	KUNIT_EXPECT_EQ(test, ch->stats.ring_full, 1ULL);

	/* the wait is a short one again */
	fake->full = 2;
	send_packets(1);
	KUNIT_EXPECT_TRUE(test, eventually(READ_ONCE(fake->sent) == 4));
	KUNIT_EXPECT_EQ(test, ch->stats.ring_full, 2ULL);
}

static void close_it(struct work_struct *work)
{
	struct hkvp_channel *ch = fake->vmbus.channel_callback_context;

	hkvp_channel_close(ch);
}

/*
 * The work item may take long: it is waited for before the rings go, and what
 * signals meanwhile is done with at once.
 */
static void test_close_while_the_work_item_is_busy(struct kunit *test)
{
	struct tasklet_struct *event = &fake->vmbus.callback_event;
	struct hkvp_channel *ch = channel(test);
	struct work_struct closing;

	INIT_WORK_ONSTACK(&closing, close_it);
	hkvp_channel_open(ch, &fake->vmbus);
	fake->slow = true;
	send_packets(2);
	wait_for_completion(&fake->begun);

	schedule_work(&closing);
	KUNIT_EXPECT_TRUE(test, eventually(READ_ONCE(ch->closing)));
	signal_guest();
	KUNIT_EXPECT_TRUE(test, eventually(!atomic_read(&event->count) &&
					   !test_bit(TASKLET_STATE_SCHED,
						     &event->state)));
	msleep(50);
	KUNIT_EXPECT_EQ(test, READ_ONCE(fake->closes), 0U);

	/* the work item hands the ring back: the callback leaves it alone */
	fake->full = 1000;
	complete_all(&fake->go_on);
	flush_work(&closing);
	KUNIT_EXPECT_EQ(test, fake->full, 1000U - 2);
	KUNIT_EXPECT_EQ(test, fake->closes, 1U);
	KUNIT_EXPECT_FALSE(test, fake->closed_inside);
	KUNIT_EXPECT_FALSE(test, fake->inside);
	KUNIT_EXPECT_EQ(test, ch->state, (int)HKVP_CHANNEL_CLOSED);
	destroy_work_on_stack(&closing);

	/* a kick that comes late finds nothing to do */
	hkvp_channel_kick(ch);
	flush_delayed_work(&ch->run);
	KUNIT_EXPECT_EQ(test, ch->state, (int)HKVP_CHANNEL_CLOSED);

	/* and the next connection is like the first */
	fake->slow = false;
	fake->full = 0;
	hkvp_channel_open(ch, &fake->vmbus);
	fake->sent = 0;
	send_packets(5);
	KUNIT_EXPECT_TRUE(test, eventually(READ_ONCE(fake->sent) == 5));
}

/* Tried again later and later, and said once, then rarely. */
static void test_open_fails(struct kunit *test)
{
	struct hkvp_channel *ch = channel(test);
	unsigned long wanted = HZ, left;
	unsigned int n;

	fake->open_error = -ENOMEM;
	hkvp_channel_open(ch, &fake->vmbus);
	for (n = 1; n < 10; n++) {
		KUNIT_EXPECT_EQ(test, fake->opens, n);
		KUNIT_ASSERT_TRUE(test, delayed_work_pending(&ch->reopen));
		left = ch->reopen.timer.expires - jiffies;
		KUNIT_EXPECT_LE(test, left, wanted);
		KUNIT_EXPECT_GT(test, left, wanted / 2);
		wanted = min_t(unsigned long, 2 * wanted, RETRY_MAX);
		flush_delayed_work(&ch->reopen);	/* now */
	}
	KUNIT_EXPECT_EQ(test, fake->lines, 4U);		/* 1, 2, 4 and 8 */
	KUNIT_EXPECT_EQ(test, fake->closes, 0U);
	KUNIT_EXPECT_EQ(test, ch->stats.reopens, 0ULL);

	fake->open_error = 0;
	flush_delayed_work(&ch->reopen);
	send_packets(1);
	KUNIT_EXPECT_TRUE(test, eventually(READ_ONCE(fake->sent) == 1));
	KUNIT_EXPECT_EQ(test, fake->lines, 4U);
}

/* A host that destroys every frame is met with a fresh channel, not with lines. */
static void test_boundaries_lost(struct kunit *test)
{
	struct hkvp_channel *ch = channel(test);
	unsigned int n;

	hkvp_channel_open(ch, &fake->vmbus);
	for (n = 1; n <= 5; n++) {
		fake->packet->len8 = 100;		/* more than there is */
		send_packets(1);
		KUNIT_EXPECT_TRUE(test, eventually(READ_ONCE(ch->stats.broken) == n));
		KUNIT_EXPECT_TRUE(test, eventually(READ_ONCE(ch->stats.opens) == n + 1));
		KUNIT_EXPECT_EQ(test, fake->closes, n);
	}
	KUNIT_EXPECT_EQ(test, fake->lines, 3U);		/* 1, 2 and 4 */
}

/* Enumerations end by the work item, whoever owns the ring. */
static void test_expiry(struct kunit *test)
{
	struct hkvp_channel *ch = channel(test);

	hkvp_channel_open(ch, &fake->vmbus);
	queue_delayed_work(ch->wq, &ch->expire, PATIENCE);
	flush_delayed_work(&ch->expire);
	KUNIT_EXPECT_TRUE(test, eventually(READ_ONCE(fake->expired) == 1));
	KUNIT_EXPECT_TRUE(test, eventually(READ_ONCE(ch->state) ==
					   HKVP_CHANNEL_CALLBACK));

	fake->waits = true;
	send_packets(1);
	KUNIT_EXPECT_TRUE(test, eventually(READ_ONCE(ch->state) ==
					   HKVP_CHANNEL_WORK));
	flush_delayed_work(&ch->run);
	queue_delayed_work(ch->wq, &ch->expire, PATIENCE);
	flush_delayed_work(&ch->expire);
	KUNIT_EXPECT_TRUE(test, eventually(READ_ONCE(fake->expired) == 2));
	KUNIT_EXPECT_EQ(test, fake->sent, 0U);

	fake->waits = false;
	hkvp_channel_kick(ch);
	KUNIT_EXPECT_TRUE(test, eventually(READ_ONCE(fake->sent) == 1));
	KUNIT_EXPECT_FALSE(test, fake->expired_wrongly);
}

static struct kunit_case channel_cases[] = {
	KUNIT_CASE(test_flood),
	KUNIT_CASE(test_room_without_a_signal),
	KUNIT_CASE(test_close_while_the_work_item_is_busy),
	KUNIT_CASE(test_open_fails),
	KUNIT_CASE(test_boundaries_lost),
	KUNIT_CASE(test_expiry),
	{}
};

struct kunit_suite hkvp_channel_suite = {
	.name = "hkvp_channel",
	.init = channel_set_up,
	.exit = channel_tear_down,
	.test_cases = channel_cases,
};
