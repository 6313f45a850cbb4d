// SPDX-License-Identifier: GPL-2.0
/*
 * The mirror, and the question that the host's request waits for.
 *
 * There is at most one question, because the host has one request under way. A
 * mirror that lets its time run out is not waited for until it answers: it costs
 * the host that time once.
 */
#include <linux/compiler.h>
#include <linux/errno.h>

#include "mirror.h"

/**
 * hkvp_mirror_init() - nobody is the mirror
 * @mirror: memory for it
 * @ops: callbacks, constant
 * @ctx: first argument of @ops
 */
void hkvp_mirror_init(struct hkvp_mirror *mirror,
		      const struct hkvp_mirror_ops *ops, void *ctx)
{
	*mirror = (struct hkvp_mirror) { .ops = ops, .ctx = ctx };
	spin_lock_init(&mirror->lock);
}

/**
 * hkvp_mirror_is_waited_for() - would hkvp_mirror_ask() ask somebody?
 * @mirror: the mirror
 *
 * Context: any. Takes no lock.
 * Return: true if it would.
 */
bool hkvp_mirror_is_waited_for(const struct hkvp_mirror *mirror)
{
	return READ_ONCE(mirror->owner) && !READ_ONCE(mirror->late);
}

/* Under the lock. */
static void begin(struct hkvp_mirror *mirror)
{
	mirror->state = HKVP_MIRROR_ASKED;
	mirror->last_id++;
	mirror->ops->asked(mirror->ctx, mirror->last_id);
}

/* Under the lock: the request that waits goes on. */
static void finish(struct hkvp_mirror *mirror)
{
	if (mirror->state != HKVP_MIRROR_ASKED)
		return;
	mirror->state = HKVP_MIRROR_ANSWERED;
	mirror->ops->kick(mirror->ctx);
}

/**
 * hkvp_mirror_ask() - may the host read the pool?
 * @mirror: the mirror
 *
 * Called again with the same request until it may.
 *
 * Context: process.
 * Return: 0: it may; -EINPROGRESS: not before the mirror has answered.
 */
int hkvp_mirror_ask(struct hkvp_mirror *mirror)
{
	int ret;

	spin_lock_bh(&mirror->lock);
	if (mirror->state == HKVP_MIRROR_ANSWERED)
		mirror->state = HKVP_MIRROR_IDLE;
	else if (mirror->state == HKVP_MIRROR_IDLE &&
		 hkvp_mirror_is_waited_for(mirror))
		begin(mirror);
	ret = mirror->state == HKVP_MIRROR_ASKED ? -EINPROGRESS : 0;
	spin_unlock_bh(&mirror->lock);
	return ret;
}

/**
 * hkvp_mirror_expire() - the time of a question is over
 * @mirror: the mirror
 * @id: the question
 *
 * Context: any but hard interrupts.
 */
void hkvp_mirror_expire(struct hkvp_mirror *mirror, u64 id)
{
	spin_lock_bh(&mirror->lock);
	if (mirror->state == HKVP_MIRROR_ASKED && mirror->last_id == id) {
		WRITE_ONCE(mirror->late, true);
		finish(mirror);
	}
	spin_unlock_bh(&mirror->lock);
}

/**
 * hkvp_mirror_cancel() - the request that waited is over
 * @mirror: the mirror
 *
 * Context: any but hard interrupts.
 */
void hkvp_mirror_cancel(struct hkvp_mirror *mirror)
{
	spin_lock_bh(&mirror->lock);
	mirror->state = HKVP_MIRROR_IDLE;
	spin_unlock_bh(&mirror->lock);
}

/**
 * hkvp_mirror_attach() - become the mirror
 * @mirror: the mirror
 * @owner: who; any address that is its own
 *
 * Return: 0, also for who is it already; -EBUSY.
 */
int hkvp_mirror_attach(struct hkvp_mirror *mirror, const void *owner)
{
	int ret = 0;

	spin_lock_bh(&mirror->lock);
	if (mirror->owner && mirror->owner != owner) {
		ret = -EBUSY;
	} else {
		WRITE_ONCE(mirror->late, false);
		WRITE_ONCE(mirror->owner, owner);
	}
	spin_unlock_bh(&mirror->lock);
	return ret;
}

/**
 * hkvp_mirror_detach() - be the mirror no more
 * @mirror: the mirror
 * @owner: who
 */
void hkvp_mirror_detach(struct hkvp_mirror *mirror, const void *owner)
{
	spin_lock_bh(&mirror->lock);
	if (mirror->owner == owner) {
		WRITE_ONCE(mirror->owner, NULL);
		finish(mirror);
	}
	spin_unlock_bh(&mirror->lock);
}

/**
 * hkvp_mirror_is() - is this the mirror?
 * @mirror: the mirror
 * @owner: who
 *
 * Takes no lock. The answer is certain while @owner neither attaches nor detaches.
 *
 * Return: true if it is.
 */
bool hkvp_mirror_is(const struct hkvp_mirror *mirror, const void *owner)
{
	return READ_ONCE(mirror->owner) == owner;
}

/**
 * hkvp_mirror_answer() - the pool has all that was written before the question
 * @mirror: the mirror
 * @owner: who
 * @id: the question
 *
 * Return: 0; -EPERM if it is not the mirror; -ESTALE if the question is over: the
 * mirror is waited for again from the next one on.
 */
int hkvp_mirror_answer(struct hkvp_mirror *mirror, const void *owner, u64 id)
{
	int ret = -ESTALE;

	/* without the lock, because anybody may try */
	if (!hkvp_mirror_is(mirror, owner))
		return -EPERM;
	spin_lock_bh(&mirror->lock);
	WRITE_ONCE(mirror->late, false);
	if (mirror->state == HKVP_MIRROR_ASKED && mirror->last_id == id) {
		finish(mirror);
		ret = 0;
	}
	spin_unlock_bh(&mirror->lock);
	return ret;
}
