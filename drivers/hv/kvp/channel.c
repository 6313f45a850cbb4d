// SPDX-License-Identifier: GPL-2.0
/*
 * The VMBus channel: takes packets off the inbound ring, has the integration
 * component turn each into its answer in place, and sends that.
 *
 * The ring has one owner at a time, named by hkvp_channel.state. Normally it is
 * VMBus's callback. What must not or need not be done there - an operation that
 * has to sleep, more packets than one run may take - makes the callback hand
 * the ring to a work item, which hands it back when it is done. So there is no
 * lock, and a host that floods the channel competes with a kworker only.
 *
 * Nothing is lost: a packet stays in the ring until its answer is in the other
 * one, and nothing is read behind it.
 */
#define pr_fmt(fmt) KBUILD_MODNAME ": " fmt

#include <linux/delay.h>
#include <linux/gfp.h>
#include <linux/interrupt.h>
#include <linux/log2.h>
#include <linux/mmzone.h>
#include <linux/sched.h>
#include <linux/string.h>
#include <linux/timekeeping.h>

#include "channel.h"
#include "ic.h"
#include "share.h"
#include "trace.h"
#include "wire.h"

/* Bytes behind each packet: the index where it starts, which nobody reads. */
#define TRAILER			sizeof(u64)

/* The longest message of KVP is the string form of an adapter: 7,472 bytes. */
#define MAX_PACKET		8192
static_assert(sizeof(struct vmpacket_descriptor) + HKVP_IC_HEADERS +
	      sizeof(struct hkvp_msg_ip_strings) <= MAX_PACKET);

/*
 * Bytes of each ring, header page included; as hv_utils has them. VMBus
 * allocates both rings in one piece, which must be of an order that is hardly
 * ever lacking (PAGE_ALLOC_COSTLY_ORDER). More than MAX_PACKET + TRAILER of
 * data is also what keeps VMBus's iterator inside the ring after a wrong
 * length: it wraps its index once only.
 */
#define RING_DATA		(3 * HV_HYP_PAGE_SIZE)
#define RING_SIZE		VMBUS_RING_SIZE(RING_DATA)
static_assert(MAX_PACKET + TRAILER < RING_DATA);
static_assert(2 * RING_SIZE <= PAGE_SIZE << PAGE_ALLOC_COSTLY_ORDER);

/* Looks for room when the host does not signal: 1 ms, doubled up to this. */
#define BACKOFF_MAX		HZ

/*
 * While an answer is waited for, looks so often what the host has sent behind:
 * it does not signal that, for the ring is not empty.
 */
#define LOOK_BEHIND		(HZ / 10)

/* A host that destroys every frame gets a fresh channel this often. */
#define REOPEN_INTERVAL		(HZ / 10)

/* An open that failed is tried again after a second, doubled up to this. */
#define RETRY_MAX		(64 * HZ)

/*
 * Hosts that withdraw a closed device mostly do so within this time. A rescind
 * that comes later is handled as any other.
 */
#define RESCIND_WAIT_MS		200

/* What stopped a run. */
enum progress {
	DONE,		/* with this packet: go on */
	DRAINED,	/* nothing left to read */
	MORE,		/* the run has had its share */
	DEFERRED,	/* the held packet needs process context */
	WAITING,	/* its answer is not known yet */
	FULL,		/* the held answer waits for room */
	BROKEN,		/* the ring cannot be read, or written, any further */
};

/* Set by VMBus, once and for all, when the host withdraws the device. */
static bool rescinded(const struct hkvp_channel *ch)
{
	return READ_ONCE(ch->vmbus->rescind);
}

/* Counters have one writer at a time, the owner of the ring. */
static void count(u64 *counter)
{
	WRITE_ONCE(*counter, *counter + 1);
}

/* Bytes to read behind the iterator, whose own figure VMBus keeps to itself. */
static u32 unread(const struct hv_ring_buffer_info *in, u32 *write_index)
{
	u32 write = READ_ONCE(in->ring_buffer->write_index);
	u32 read = in->priv_read_index;

	*write_index = write;
	return write >= read ? write - read : write + in->ring_datasize - read;
}

/*
 * The iterator replaces lengths and offsets that cannot be by ones that can,
 * and with that silently loses packet boundaries. So compare its copy with the
 * ring: what it had to change was wrong. The trailer must have arrived too.
 */
static bool framed(const struct vmbus_channel *vmbus,
		   const struct vmpacket_descriptor *desc)
{
	const struct hv_ring_buffer_info *in = &vmbus->inbound;
	const struct vmpacket_descriptor *raw =
		hv_get_ring_buffer(in) + in->priv_read_index;
	u32 write, avail = unread(in, &write);

	return write < in->ring_datasize &&
	       (desc->len8 << 3) + TRAILER <= avail &&
	       desc->len8 == READ_ONCE(raw->len8) &&
	       desc->offset8 == READ_ONCE(raw->offset8);
}

/* Linux 6.1 writes wherever these point to (hv_ringbuffer_write()). */
static bool writable(const struct hv_ring_buffer_info *out)
{
	return READ_ONCE(out->ring_buffer->write_index) < out->ring_datasize &&
	       READ_ONCE(out->ring_buffer->read_index) < out->ring_datasize;
}

static void wait_for_room(struct hkvp_channel *ch, u32 size)
{
	unsigned long backoff;

	if (!ch->stalled) {
		ch->stalled = true;
		ch->backoff = msecs_to_jiffies(1);
		count(&ch->stats.ring_full);
		set_channel_pending_send_size(ch->vmbus, size);
		/* the host may have made room before it saw that we wait */
		virt_mb();
		/* one of an earlier stall may be armed, for much later */
		mod_delayed_work(ch->wq, &ch->retry, ch->backoff);
		return;
	}
	/* a signal looks as well, and makes the next look no later */
	backoff = min_t(unsigned long, ch->backoff * 2, BACKOFF_MAX);
	if (queue_delayed_work(ch->wq, &ch->retry, backoff))
		ch->backoff = backoff;
}

static enum progress send(struct hkvp_channel *ch,
			  const struct vmpacket_descriptor *desc,
			  void *payload, u32 len)
{
	struct vmbus_channel *vmbus = ch->vmbus;
	bool first = !ch->stalled;
	int ret;

	if (unlikely(!writable(&vmbus->outbound))) {
		count(&ch->stats.broken);
		return BROKEN;
	}

	ret = vmbus_sendpacket(vmbus, payload, len, desc->trans_id,
			       VM_PKT_DATA_INBAND, 0);
	if (unlikely(ret == -EAGAIN)) {
		wait_for_room(ch, sizeof(*desc) + len + TRAILER);
		if (first)
			ret = vmbus_sendpacket(vmbus, payload, len,
					       desc->trans_id,
					       VM_PKT_DATA_INBAND, 0);
		if (ret == -EAGAIN)
			return FULL;
	}
	if (unlikely(ret)) {
		/* -ENODEV: rescinded, the end is near; else indices are off */
		if (ret != -ENODEV)
			count(&ch->stats.broken);
		return BROKEN;
	}

	if (unlikely(ch->stalled)) {
		ch->stalled = false;
		set_channel_pending_send_size(vmbus, 0);
	}
	return DONE;
}

static void log_negotiation(struct hkvp_channel *ch)
{
	const struct hkvp_versions *v = &ch->ic->versions;

	if (v->msg == ch->logged)
		return;
	ch->logged = v->msg;
	if (v->msg)
		pr_info_ratelimited("framework %u.%u, KVP messages %u.%u negotiated\n",
				    HKVP_VERSION_MAJOR(v->fw),
				    HKVP_VERSION_MINOR(v->fw),
				    HKVP_VERSION_MAJOR(v->msg),
				    HKVP_VERSION_MINOR(v->msg));
	else
		pr_warn_ratelimited("no version in common with the host\n");
}

/*
 * Whether there is a NEGOTIATE behind @desc, which the iterator is at. What is
 * not a packet is found out when its turn comes.
 */
static bool is_negotiate_behind(const struct hkvp_channel *ch,
				const struct vmpacket_descriptor *desc)
{
	const struct hv_ring_buffer_info *in = &ch->vmbus->inbound;
	const struct vmpacket_descriptor *next;
	u32 at = (desc->len8 << 3) + TRAILER;
	u8 headers[HKVP_IC_HEADERS];
	u32 write, avail, offset, len;

	avail = unread(in, &write);
	if (write >= in->ring_datasize || avail < at + sizeof(*next))
		return false;
	/* the write index before what it covers */
	virt_rmb();
	avail -= at;
	at += in->priv_read_index;
	if (at >= in->ring_datasize)
		at -= in->ring_datasize;

	/* the ring is mapped twice in a row: no packet is in two parts */
	next = hv_get_ring_buffer(in) + at;
	offset = READ_ONCE(next->offset8) << 3;
	len = READ_ONCE(next->len8) << 3;
	if (READ_ONCE(next->type) != VM_PKT_DATA_INBAND ||
	    len + TRAILER > avail || offset < sizeof(*next) ||
	    offset + sizeof(headers) > len)
		return false;
	/* the host can rewrite them there, but not here */
	memcpy(headers, (void *)next + offset, sizeof(headers));
	return hkvp_ic_is_negotiate(headers, len - offset);
}

/* Turns the payload into its answer and takes note of what needs a follow-up. */
static enum hkvp_verdict transact(struct hkvp_channel *ch,
				  const struct vmpacket_descriptor *desc,
				  void *payload, u32 len, u64 now, gfp_t gfp)
{
	const struct hkvp_ic_result *last = &ch->ic->last;
	bool traced = trace_hkvp_transaction_enabled();
	u64 start = traced ? ktime_get_ns() : 0;
	enum hkvp_verdict verdict;

	verdict = hkvp_ic_packet(ch->ic, payload, len, now, gfp);
	/* the host has started over, and awaits the answer to that */
	if (unlikely(verdict == HKVP_WAIT && is_negotiate_behind(ch, desc))) {
		hkvp_ic_abandon(ch->ic, payload);
		verdict = HKVP_REPLY;
	}
	if (verdict != HKVP_REPLY) {
		if (verdict == HKVP_DROP)
			trace_hkvp_drop(last->drop, len);
		return verdict;
	}

	if (traced)
		trace_hkvp_transaction(last, ktime_get_ns() - start);
	if (unlikely(last->type == HKVP_IC_NEGOTIATE)) {
		log_negotiation(ch);
	} else if (last->kvp.op == HKVP_OP_ENUMERATE && !ch->expiring &&
		   last->type == HKVP_IC_KVP) {
		ch->expiring = true;
		queue_delayed_work(ch->wq, &ch->expire,
				   nsecs_to_jiffies(HKVP_CURSOR_TIMEOUT_NS) + 1);
	}
	return verdict;
}

static enum progress serve(struct hkvp_channel *ch,
			   struct vmpacket_descriptor *desc, u64 now, gfp_t gfp)
{
	enum progress progress;
	void *payload;
	u32 len;

	if (unlikely(!ch->answered && !framed(ch->vmbus, desc))) {
		count(&ch->stats.broken);
		return BROKEN;
	}
	if (unlikely(desc->type != VM_PKT_DATA_INBAND)) {
		count(&ch->stats.bad_type);
		return DONE;
	}

	/* the iterator has seen to 16 <= offset <= length */
	payload = (void *)desc + (desc->offset8 << 3);
	len = (desc->len8 - desc->offset8) << 3;
	if (!ch->answered) {
		switch (transact(ch, desc, payload, len, now, gfp)) {
		case HKVP_DROP:
			return DONE;
		case HKVP_DEFER:
			return DEFERRED;
		case HKVP_WAIT:
			return WAITING;
		case HKVP_REPLY:
			break;
		}
	}

	progress = send(ch, desc, payload, len);
	ch->answered = progress == FULL;
	return progress;
}

/* As many packets as one run may take. The caller owns the ring. */
static enum progress run(struct hkvp_channel *ch, gfp_t gfp)
{
	struct vmbus_channel *vmbus = ch->vmbus;
	u64 now = ktime_get_coarse_boottime_ns();
	struct vmpacket_descriptor *desc = ch->held;
	struct hkvp_share share = { };
	enum progress progress;
	u32 write;

	ch->held = NULL;
	if (!desc)
		desc = hv_pkt_iter_first(vmbus);
	for (;;) {
		for (; desc; desc = __hv_pkt_iter_next(vmbus, desc)) {
			progress = MORE;
			if (hkvp_share_take(&share, ktime_get_ns))
				progress = serve(ch, desc, now, gfp);
			if (gfpflags_allow_blocking(gfp))
				cond_resched();
			if (progress == DONE)
				continue;
			ch->held = desc;
			hv_pkt_iter_close(vmbus);
			return progress;
		}

		/*
		 * The host signals when the ring is no longer empty by the read
		 * index that it knows. What came in before it knew this one
		 * came without a signal.
		 */
		hv_pkt_iter_close(vmbus);
		/* read index before write index */
		virt_mb();
		if (likely(!unread(&vmbus->inbound, &write)))
			return DRAINED;
		desc = hv_pkt_iter_first(vmbus);
		if (unlikely(!desc)) {
			/* less than a descriptor: no host writes that */
			count(&ch->stats.broken);
			return BROKEN;
		}
	}
}

static void lose(struct hkvp_channel *ch)
{
	WRITE_ONCE(ch->state, HKVP_CHANNEL_LOST);
	queue_delayed_work(ch->wq, &ch->reopen, 0);
}

/* The callback gives the ring to the work item. */
static void hand_over(struct hkvp_channel *ch)
{
	/* no interrupts for packets that the callback will not read */
	hv_begin_read(&ch->vmbus->inbound);
	/*
	 * Pairs with the acquire in run_work(), which a kick may have queued
	 * already: without it that could miss the packet that is held.
	 */
	smp_store_release(&ch->state, HKVP_CHANNEL_WORK);
	hkvp_channel_kick(ch);
}

/* VMBus's tasklet; softirq, or preemptible on PREEMPT_RT. */
static void on_channel(void *context)
{
	struct hkvp_channel *ch = context;

	/* pairs with the release in run_work() and open_ring() */
	if (smp_load_acquire(&ch->state) != HKVP_CHANNEL_CALLBACK)
		return;
	/* the state is still the callback's, but close_ring() waits for the rest */
	if (READ_ONCE(ch->closing))
		return;
	if (unlikely(READ_ONCE(ch->expire_due))) {
		hand_over(ch);
		return;
	}

	/*
	 * No atomic reserves for a host that asks for memory: what cannot be
	 * had at once is done in process context.
	 */
	switch (run(ch, GFP_NOWAIT | __GFP_NOWARN)) {
	case DONE:
	case DRAINED:
	case FULL:
		return;
	case MORE:
	case DEFERRED:
	case WAITING:
		hand_over(ch);
		return;
	case BROKEN:
		lose(ch);
		return;
	}
}

/* The work item ends the enumerations that the host has left. */
static void expire_cursors(struct hkvp_channel *ch)
{
	u64 next;

	WRITE_ONCE(ch->expire_due, false);
	next = hkvp_ic_expire(ch->ic, ktime_get_coarse_boottime_ns());
	ch->expiring = next != 0;
	if (next)
		queue_delayed_work(ch->wq, &ch->expire,
				   nsecs_to_jiffies(next) + 1);
}

static void run_work(struct work_struct *work)
{
	struct hkvp_channel *ch = container_of(to_delayed_work(work),
					       struct hkvp_channel, run);

	/*
	 * Before the state: a run that was kicked as the channel closed, and is
	 * this slow, must not have the old state and find the channel open anew.
	 */
	if (smp_load_acquire(&ch->closing))
		return;
	/* pairs with the release in hand_over() */
	if (smp_load_acquire(&ch->state) != HKVP_CHANNEL_WORK)
		return;

	count(&ch->stats.work_runs);
	if (unlikely(READ_ONCE(ch->expire_due)))
		expire_cursors(ch);
	switch (run(ch, HKVP_GFP_DEFERRED)) {
	case MORE:
	case DEFERRED:
		hkvp_channel_kick(ch);
		return;
	case WAITING:
		/* or hkvp_channel_kick(); one that came meanwhile has queued it */
		queue_delayed_work(ch->wq, &ch->run, LOOK_BEHIND);
		return;
	case BROKEN:
		lose(ch);
		return;
	case DONE:
	case DRAINED:
	case FULL:
		break;
	}

	/*
	 * Back to the callback, and have it look at once: a signal that came
	 * before it owned the ring was for nothing.
	 */
	hv_end_read(&ch->vmbus->inbound);
	/* what was done to the ring before who may do something to it */
	smp_store_release(&ch->state, HKVP_CHANNEL_CALLBACK);
	tasklet_schedule(&ch->vmbus->callback_event);
}

/* The host should signal when there is room; this is for those who do not. */
static void retry_work(struct work_struct *work)
{
	struct hkvp_channel *ch = container_of(to_delayed_work(work),
					       struct hkvp_channel, retry);

	tasklet_schedule(&ch->vmbus->callback_event);
}

/*
 * For the work item, which ends the enumerations while it owns the ring. If the
 * callback owns it, that hands it over.
 */
static void expire_work(struct work_struct *work)
{
	struct hkvp_channel *ch = container_of(to_delayed_work(work),
					       struct hkvp_channel, expire);

	WRITE_ONCE(ch->expire_due, true);
	/* both, for the owner may change in between; each is a full barrier */
	hkvp_channel_kick(ch);
	tasklet_schedule(&ch->vmbus->callback_event);
}

/* Called with the lock held, in CLOSED or LOST, with nobody at the ring. */
static int open_ring(struct hkvp_channel *ch)
{
	struct vmbus_channel *vmbus = ch->vmbus;
	int ret;

	vmbus->max_pkt_size = MAX_PACKET;
	/*
	 * Batched reading masks and unmasks the host's signals around each run.
	 * With one transaction outstanding that is two fences and a look at the
	 * ring per packet for nothing, and it would spin while the work item
	 * owns the ring, for it calls back until the ring is empty.
	 */
	set_channel_read_mode(vmbus, HV_CALL_DIRECT);

	ch->held = NULL;
	ch->answered = false;
	ch->stalled = false;
	ch->expiring = false;
	WRITE_ONCE(ch->expire_due, false);
	WRITE_ONCE(ch->closing, false);
	hkvp_ic_open(ch->ic);
	/*
	 * vmbus_open() lets signals in before it has made the rings, and frees
	 * them where it fails after all: until it is done nobody owns them.
	 */
	WRITE_ONCE(ch->state, HKVP_CHANNEL_CLOSED);
	ret = vmbus_open(vmbus, RING_SIZE, RING_SIZE, NULL, 0, on_channel, ch);
	if (ret) {
		hkvp_ic_close(ch->ic);
		return ret;
	}
	count(&ch->stats.opens);
	/* pairs with the acquire in on_channel(): the rings before their owner */
	smp_store_release(&ch->state, HKVP_CHANNEL_CALLBACK);
	/* signals until now were for nothing */
	tasklet_schedule(&vmbus->callback_event);
	return 0;
}

/*
 * Called with the lock held. From now on the callback returns at once and the
 * work item does nothing. Those that run already are waited for, the callback
 * first, because it queues the work item.
 *
 * The callback is disabled for that moment only: the work item may take long,
 * and a tasklet that is scheduled while it is disabled keeps its CPU busy.
 */
static void close_ring(struct hkvp_channel *ch)
{
	struct vmbus_channel *vmbus = ch->vmbus;

	WRITE_ONCE(ch->closing, true);
	tasklet_disable(&vmbus->callback_event);
	tasklet_enable(&vmbus->callback_event);
	cancel_delayed_work_sync(&ch->run);
	cancel_delayed_work_sync(&ch->retry);
	cancel_delayed_work_sync(&ch->expire);
	WRITE_ONCE(ch->state, HKVP_CHANNEL_CLOSED);

	vmbus_close(vmbus);
	hkvp_ic_close(ch->ic);
}

/* Called with the lock held: open, or try again later and later. */
static void open_or_retry(struct hkvp_channel *ch)
{
	unsigned long delay;
	int ret = open_ring(ch);

	if (!ret) {
		ch->failures = 0;
		return;
	}
	if (rescinded(ch))
		return;

	delay = min_t(unsigned long, HZ << min(ch->failures, 16U), RETRY_MAX);
	ch->failures++;
	if (is_power_of_2(ch->failures))
		pr_err_ratelimited("opening the channel failed (%d), trying again in %u s\n",
				   ret, jiffies_to_msecs(delay) / 1000);
	WRITE_ONCE(ch->state, HKVP_CHANNEL_LOST);
	queue_delayed_work(ch->wq, &ch->reopen, delay);
}

/*
 * Called with the lock held. Hyper-V answers a close by withdrawing the device
 * and offering a new one: then the probe of that opens the next channel.
 */
static void close_lost(struct hkvp_channel *ch)
{
	unsigned long end = jiffies + msecs_to_jiffies(RESCIND_WAIT_MS);

	ch->reopened = jiffies;
	count(&ch->stats.reopens);
	/* a host can cause ten a second: the counter tells of the others */
	if (is_power_of_2(ch->stats.reopens))
		pr_warn_ratelimited("packet boundaries are lost, reopening the channel\n");
	close_ring(ch);
	while (!rescinded(ch) && time_before(jiffies, end))
		msleep(20);
}

static void reopen_work(struct work_struct *work)
{
	struct hkvp_channel *ch = container_of(to_delayed_work(work),
					       struct hkvp_channel, reopen);
	unsigned long next;

	mutex_lock(&ch->lock);
	if (!ch->wanted || READ_ONCE(ch->state) != HKVP_CHANNEL_LOST ||
	    rescinded(ch))
		goto unlock;

	/* after an open that failed there is nothing to close */
	if (!ch->failures) {
		next = ch->reopened + REOPEN_INTERVAL;
		if (ch->stats.reopens && time_before(jiffies, next)) {
			queue_delayed_work(ch->wq, &ch->reopen, next - jiffies);
			goto unlock;
		}
		close_lost(ch);
	}
	if (!rescinded(ch))
		open_or_retry(ch);
unlock:
	mutex_unlock(&ch->lock);
}

/**
 * hkvp_channel_open() - open the channel and answer from now on
 * @ch: channel, closed
 * @vmbus: VMBus's part, of a device that stays until hkvp_channel_close()
 *
 * An open that fails is tried again in the background, unless the device has
 * been withdrawn. So a probe need not fail, after which the driver core would
 * offer the device to hv_utils, which does not survive a failing vmbus_open().
 *
 * Context: process, may sleep.
 */
void hkvp_channel_open(struct hkvp_channel *ch, struct vmbus_channel *vmbus)
{
	mutex_lock(&ch->lock);
	ch->vmbus = vmbus;
	ch->wanted = true;
	ch->logged = 0;
	ch->failures = 0;
	open_or_retry(ch);
	mutex_unlock(&ch->lock);
}

/**
 * hkvp_channel_close() - close the channel and cancel all that is pending
 * @ch: channel, open
 *
 * On return nothing of it runs, and &struct hkvp_channel.vmbus is not touched
 * again.
 *
 * Context: process, may sleep.
 */
void hkvp_channel_close(struct hkvp_channel *ch)
{
	mutex_lock(&ch->lock);
	ch->wanted = false;
	close_ring(ch);
	mutex_unlock(&ch->lock);
	/* not under the lock, which it takes; it does nothing any more */
	cancel_delayed_work_sync(&ch->reopen);
}

/**
 * hkvp_channel_kick() - the answer to a packet that waits may be known
 * @ch: channel, between hkvp_channel_init() and hkvp_channel_destroy()
 *
 * Costs little where nothing waits.
 *
 * Context: any.
 */
void hkvp_channel_kick(struct hkvp_channel *ch)
{
	/* now, and not when @run would look by itself */
	mod_delayed_work(ch->wq, &ch->run, 0);
}

/**
 * hkvp_channel_init() - make a closed channel
 * @ch: memory for it
 * @ic: what answers the packets; outlives the channel
 *
 * Context: process, may sleep.
 * Return: 0 or -ENOMEM.
 */
int hkvp_channel_init(struct hkvp_channel *ch, struct hkvp_ic *ic)
{
	*ch = (struct hkvp_channel) { .ic = ic };
	/* unbound: the scheduler, not the interrupt, picks the CPU */
	ch->wq = alloc_workqueue("hv_kvp", WQ_UNBOUND, 0);
	if (!ch->wq)
		return -ENOMEM;

	mutex_init(&ch->lock);
	INIT_DELAYED_WORK(&ch->run, run_work);
	INIT_DELAYED_WORK(&ch->retry, retry_work);
	INIT_DELAYED_WORK(&ch->expire, expire_work);
	INIT_DELAYED_WORK(&ch->reopen, reopen_work);
	return 0;
}

/**
 * hkvp_channel_destroy() - undo hkvp_channel_init()
 * @ch: channel, closed
 *
 * Context: process, may sleep.
 */
void hkvp_channel_destroy(struct hkvp_channel *ch)
{
	destroy_workqueue(ch->wq);
}
