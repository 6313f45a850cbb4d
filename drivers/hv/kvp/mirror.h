/* SPDX-License-Identifier: GPL-2.0 */
/*
 * The mirror: a program that keeps pool GUEST equal to something else, and is asked
 * before the host reads it. Knows neither VMBus nor userland.
 */
#ifndef HKVP_MIRROR_H
#define HKVP_MIRROR_H

#include <linux/spinlock.h>
#include <linux/types.h>

/**
 * enum hkvp_mirror_state - of the question whether the mirror is current
 * @HKVP_MIRROR_IDLE: nothing is asked
 * @HKVP_MIRROR_ASKED: the host's request waits
 * @HKVP_MIRROR_ANSWERED: it need not wait any longer, and has not seen that yet
 */
enum hkvp_mirror_state {
	HKVP_MIRROR_IDLE,
	HKVP_MIRROR_ASKED,
	HKVP_MIRROR_ANSWERED,
};

/**
 * struct hkvp_mirror_ops - what it asks of others; atomic context, under its lock
 * @asked: tell the mirror of question @id, and have hkvp_mirror_expire() called
 *	when its time is over
 * @kick: have hkvp_mirror_ask() called again soon
 */
struct hkvp_mirror_ops {
	void (*asked)(void *ctx, u64 id);
	void (*kick)(void *ctx);
};

/**
 * struct hkvp_mirror - who is asked
 * @lock: of all below; the host's requests take it only while there is a mirror
 * @ops: callbacks, constant
 * @ctx: first argument of @ops
 * @owner: the mirror, or NULL; written under @lock, read without
 * @late: it has let its time run out, and has not answered since; likewise
 * @state: of the question
 * @last_id: the last question
 */
struct hkvp_mirror {
	spinlock_t lock;	/* see above */
	const struct hkvp_mirror_ops *ops;
	void *ctx;
	const void *owner;
	bool late;
	enum hkvp_mirror_state state;
	u64 last_id;
};

void hkvp_mirror_init(struct hkvp_mirror *mirror,
		      const struct hkvp_mirror_ops *ops, void *ctx);

/* The host's side: one request at a time. */
bool hkvp_mirror_is_waited_for(const struct hkvp_mirror *mirror);
int hkvp_mirror_ask(struct hkvp_mirror *mirror);
void hkvp_mirror_expire(struct hkvp_mirror *mirror, u64 id);
void hkvp_mirror_cancel(struct hkvp_mirror *mirror);

/* The mirror's side, process context. */
int hkvp_mirror_attach(struct hkvp_mirror *mirror, const void *owner);
void hkvp_mirror_detach(struct hkvp_mirror *mirror, const void *owner);
bool hkvp_mirror_is(const struct hkvp_mirror *mirror, const void *owner);
int hkvp_mirror_answer(struct hkvp_mirror *mirror, const void *owner, u64 id);

#endif /* HKVP_MIRROR_H */
