// SPDX-License-Identifier: GPL-2.0
/* The mirror's clock and wires, of which it has none itself. */
#include <linux/errno.h>
#include <linux/jiffies.h>
#include <linux/workqueue.h>
#include <uapi/linux/hv_kvp.h>

#include "changes.h"
#include "channel.h"
#include "mirror_ask.h"

static struct hkvp_mirror mirror;
static struct hkvp_channel *channel;

/* Question that the timer is armed for. */
static u64 armed;

static void expire(struct work_struct *work)
{
	hkvp_mirror_expire(&mirror, READ_ONCE(armed));
}

static DECLARE_DELAYED_WORK(timer, expire);

/* Rounded down to a tick: the host waits so long at most. */
static void asked(void *ctx, u64 id)
{
	WRITE_ONCE(armed, id);
	mod_delayed_work(channel->wq, &timer,
			 msecs_to_jiffies(HV_KVP_MIRROR_WAIT_MS));
	hkvp_changes_request(HKVP_PLACE_MIRROR, id);
}

static void kick(void *ctx)
{
	hkvp_channel_kick(channel);
}

static const struct hkvp_mirror_ops ops = {
	.asked = asked,
	.kick = kick,
};

/* As &struct hkvp_service_ops has it. */
int hkvp_mirror_ask_host(void *ctx, gfp_t gfp)
{
	if (gfpflags_allow_blocking(gfp))
		return hkvp_mirror_ask(&mirror);
	return hkvp_mirror_is_waited_for(&mirror) ? -EAGAIN : 0;
}

/**
 * hkvp_mirror_asked() - the mirror, for programs
 *
 * Return: the mirror, between hkvp_mirror_ask_init() and hkvp_mirror_ask_exit().
 */
struct hkvp_mirror *hkvp_mirror_asked(void)
{
	return &mirror;
}

/**
 * hkvp_mirror_ask_init() - get ready for a mirror
 * @ch: channel to kick; initialized before this and destroyed after
 *	hkvp_mirror_ask_exit()
 *
 * hkvp_changes_init() comes before too.
 *
 * Context: process.
 */
void hkvp_mirror_ask_init(struct hkvp_channel *ch)
{
	channel = ch;
	hkvp_mirror_init(&mirror, &ops, NULL);
}

/**
 * hkvp_mirror_ask_exit() - undo hkvp_mirror_ask_init()
 *
 * The channel is closed, and there is no mirror any more.
 *
 * Context: process, may sleep.
 */
void hkvp_mirror_ask_exit(void)
{
	cancel_delayed_work_sync(&timer);
}
