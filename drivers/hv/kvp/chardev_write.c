// SPDX-License-Identifier: GPL-2.0
/*
 * Who of the agents may build a version, and when.
 *
 * A writer in process context pins the version that it builds on. A program can
 * make that take for ever: an idle scheduling class on a busy CPU, a memory limit,
 * and the old version stays in memory. So few build at a time: of each user one, of
 * all users BUILDERS, and beside them one administrator, whom no user keeps waiting.
 * A single change is tried without a pin before, which fails only for want of memory
 * or where others are first again and again: so a user who stalls keeps others from
 * batches, but not from changes.
 *
 * The host's requests do not pass here: they wait for nobody.
 */
#include <linux/cred.h>
#include <linux/hash.h>
#include <linux/mutex.h>
#include <linux/semaphore.h>
#include <linux/user_namespace.h>

#include "chardev_file.h"

/* Users who build at a time. */
#define BUILDERS	2

/* Users of one hash take turns with each other, and administrators among them. */
#define TURN_BITS	4
#define ADMIN		16	/* 2^TURN_BITS: behind those of users */
#define TURNS		(ADMIN + 1)

/*
 * A turn is taken first, then one of the places. A user who has many tasks waiting
 * is in the queue for these once.
 */
static struct mutex turns[TURNS];
static struct semaphore places;

/* Who makes user namespaces has many uids in them, and counts as himself. */
static kuid_t find_account(void)
{
	const struct user_namespace *ns = current_user_ns();

	if (ns == &init_user_ns)
		return current_euid();
	while (ns->parent != &init_user_ns)
		ns = ns->parent;
	return ns->owner;
}

static int find_turn(void)
{
	if (hkvp_text_is_privileged())
		return ADMIN;
	return hash_32(__kuid_val(find_account()), TURN_BITS);
}

/* Nobody but the host keeps an administrator waiting. */
static int give_way(struct hkvp_pool *pool, int turn)
{
	return turn == ADMIN ? 0 : hkvp_pool_give_way(pool);
}

/*
 * Begin to build a version of @pool. Gives what hkvp_write_end() gets, or -EINTR: the
 * task is being killed.
 */
int hkvp_write_begin(struct hkvp_pool *pool)
{
	int turn = find_turn();

	if (give_way(pool, turn))
		return -EINTR;
	if (mutex_lock_killable(&turns[turn]))
		return -EINTR;
	if (turn == ADMIN || !down_killable(&places))
		return turn;
	mutex_unlock(&turns[turn]);
	return -EINTR;
}

void hkvp_write_end(int turn)
{
	if (turn != ADMIN)
		up(&places);
	mutex_unlock(&turns[turn]);
}

/* Without a pin. -EAGAIN, or -ENOMEM: it may be done with one. */
static int try_change(struct hkvp_pool *pool, const struct hkvp_change *change)
{
	if (hkvp_pool_usage(pool).backlog_bytes > HKVP_POOL_BACKLOG)
		return -EAGAIN;
	return hkvp_pool_change(pool, change, GFP_NOWAIT | __GFP_ACCOUNT);
}

/* hkvp_pool_change() for an agent. */
int hkvp_write_change(struct hkvp_pool *pool, const struct hkvp_change *change)
{
	int turn, ret;

	ret = give_way(pool, find_turn()) ?: try_change(pool, change);
	if (ret != -EAGAIN && ret != -ENOMEM)
		return ret;
	turn = hkvp_write_begin(pool);
	if (turn < 0)
		return turn;
	ret = hkvp_pool_change(pool, change, GFP_KERNEL_ACCOUNT);
	hkvp_write_end(turn);
	return ret;
}

/* hkvp_pool_batch() for an agent. */
int hkvp_write_batch(struct hkvp_pool *pool, const struct hkvp_change *changes,
		     u32 count, u64 expect)
{
	int turn = hkvp_write_begin(pool);
	int ret;

	if (turn < 0)
		return turn;
	ret = hkvp_pool_batch(pool, changes, count, expect);
	hkvp_write_end(turn);
	return ret;
}

/* hkvp_pool_add() for an agent. */
int hkvp_write_add(struct hkvp_pool *pool, const struct hkvp_change *changes,
		   u32 count, hkvp_keep_fn keep, void *ctx, u32 *kept)
{
	int turn = hkvp_write_begin(pool);
	int ret;

	if (turn < 0)
		return turn;
	ret = hkvp_pool_add(pool, changes, count, keep, ctx, kept);
	hkvp_write_end(turn);
	return ret;
}

/* Before there are agents. */
void hkvp_write_init(void)
{
	u32 i;

	for (i = 0; i < ARRAY_SIZE(turns); i++)
		mutex_init(&turns[i]);
	sema_init(&places, BUILDERS);
}
