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

/*
 * Whose turn a write of the task is, and whose lists it makes. Who makes user
 * namespaces may have many uids in them, and counts as himself in all of them.
 */
kuid_t hkvp_write_account(void)
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
	return hash_32(__kuid_val(hkvp_write_account()), TURN_BITS);
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
static int try_one(struct hkvp_pool *pool, struct hkvp_write *write)
{
	if (hkvp_pool_usage(pool).backlog_bytes > HKVP_POOL_BACKLOG)
		return -EAGAIN;
	return hkvp_pool_update(pool, &write->update,
				GFP_NOWAIT | __GFP_ACCOUNT);
}

/* 0, or what a condition that does not hold is told by. */
static int check_condition(const struct hkvp_write *write,
			   const struct hkvp_condition *condition,
			   const struct hkvp_item *item)
{
	u32 flags = item ? hkvp_text_flags(write->kvp, write->id, item) : 0;

	if (condition->flags & HV_KVP_IF_ABSENT && item &&
	    !(flags & HV_KVP_ITEM_STALE))
		return -EEXIST;
	if (condition->flags & HV_KVP_UNLESS_HOST && flags & HV_KVP_ITEM_HOST)
		return -EEXIST;
	if (condition->flags & HV_KVP_IF_GENERATION &&
	    condition->if_generation != (item ? hkvp_item_generation(item) : 0))
		return -ESTALE;
	return 0;
}

/* As typedef hkvp_check_fn has it. */
static int check(void *ctx, u32 index, const struct hkvp_item *item)
{
	const struct hkvp_write *write = ctx;
	const struct hkvp_condition *condition = &write->conditions[index];
	int ret;

	ret = check_condition(write, condition, item);
	return ret && condition->flags & HV_KVP_OR_SKIP ? 1 : ret;
}

static void prepare(struct hkvp_write *write)
{
	if (write->conditions)
		write->update.check = check;
	write->update.ctx = write;
}

/* hkvp_pool_update() for an agent: many changes. */
int hkvp_write_many(struct hkvp_pool *pool, struct hkvp_write *write)
{
	int turn = hkvp_write_begin(pool);
	int ret;

	if (turn < 0)
		return turn;
	prepare(write);
	ret = hkvp_pool_update(pool, &write->update, GFP_KERNEL_ACCOUNT);
	hkvp_write_end(turn);
	return ret;
}

/* The same of one change, which takes a turn only where it has to. */
int hkvp_write_one(struct hkvp_pool *pool, struct hkvp_write *write)
{
	int ret;

	prepare(write);
	ret = give_way(pool, find_turn()) ?: try_one(pool, write);
	if (ret != -EAGAIN && ret != -ENOMEM)
		return ret;
	return hkvp_write_many(pool, write);
}

/* Before there are agents. */
void hkvp_write_init(void)
{
	u32 i;

	for (i = 0; i < ARRAY_SIZE(turns); i++)
		mutex_init(&turns[i]);
	sema_init(&places, BUILDERS);
}
