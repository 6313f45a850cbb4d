// SPDX-License-Identifier: GPL-2.0
/*
 * /dev/vmbus/hv_kvp: what an open descriptor reads and writes, in the protocol
 * that hv_utils speaks with its daemon. legacy_node.c makes the device.
 *
 * A daemon registers and is told what the host's pools hold, one message after
 * the other, each answered before the next; then what changes there. For each
 * pool the version that it was told is pinned, and while it is brought up to a
 * later one, that one too. So the host waits for nobody, a burst of changes is
 * told by its outcome, and a daemon that stops costs two old versions of each
 * pool and nothing else.
 */
#include <linux/capability.h>
#include <linux/module.h>
#include <linux/mutex.h>
#include <linux/poll.h>
#include <linux/sched.h>
#include <linux/slab.h>
#include <linux/uaccess.h>
#include <linux/wait.h>
#include <linux/workqueue.h>

#include "hkvp.h"
#include "legacy.h"
#include "legacy_msg.h"

/* Changes that come in a burst are told together. */
#define SETTLE_MS	10

/*
 * A daemon stays. A reader (libhvee's) leaves a second after the last item, and
 * meanwhile says yes to whatever it does not know. So who registered is asked
 * to set addresses only when it has had nothing to answer for STAYS_MS; or for
 * SETTLED_MS in all, should items never cease to change.
 */
#define STAYS_MS	3000
#define SETTLED_MS	10000

/* Ids of requests begin at 1. */
#define NO_REQUEST	0

/**
 * enum step - where a daemon is
 * @STEP_NEW: has not registered
 * @STEP_IDLE: nothing to read was found yet
 * @STEP_READABLE: the message waits to be read
 * @STEP_UNANSWERED: the message was read and waits for its answer
 */
enum step {
	STEP_NEW,
	STEP_IDLE,
	STEP_READABLE,
	STEP_UNANSWERED,
};

/**
 * struct follower - how far a daemon has been told of one pool
 * @told: version that it knows, pinned; NULL if it knows nothing
 * @next: version that it is being brought to, pinned; NULL if there is none
 * @place: where in the differences of the two
 */
struct follower {
	struct hkvp_version *told;
	struct hkvp_version *next;
	u64 place;
};

/**
 * struct session - an open descriptor
 * @io: of all below, but for @missed, @gone, @registered and @stays. Held while user
 *	memory is touched: for nobody but those who have the descriptor, and poll()
 *	does not wait for it
 * @missed: a poll() found @io locked, and is to be woken when it is not
 * @gone: the device was removed; set once, under lock
 * @registered: a daemon is there; set once, under lock
 * @stays: and is no passing reader; set once, under lock
 * @since: jiffies when it registered; fixed once @registered
 * @step: what comes next
 * @turn: pool to look at next
 * @asked: id of the request in @msg, or NO_REQUEST
 * @pools: how far it has been told
 * @msg: message to be read, or that was read
 */
struct session {
	struct mutex io;	/* see above */
	bool missed;
	bool gone;
	bool registered;
	bool stays;
	unsigned long since;
	enum step step;
	enum hkvp_pool_id turn;
	u64 asked;
	struct follower pools[HKVP_POOL_COUNT];
	struct hv_kvp_msg msg;
};

/*
 * Something for a daemon besides the items.
 * @id: who asks, NO_REQUEST if nobody does
 * @ip: what, until it is in a message
 */
struct request {
	u64 id;
	struct hv_kvp_ipaddr_value *ip;
};

static struct hkvp *hkvp;
static const struct hkvp_legacy_ops *ops;

/* Of the two below; nothing is waited for under it. */
static DEFINE_MUTEX(lock);
static struct session *session;		/* the one that is open */
static struct request request;

/* Goes up with whatever may give a reader something to do; then it is woken. */
static atomic_t events;
static DECLARE_WAIT_QUEUE_HEAD(wait);

static void wake_readers(void)
{
	atomic_inc(&events);
	wake_up_interruptible(&wait);
}

static void settled(struct work_struct *work)
{
	wake_readers();
}

static DECLARE_DELAYED_WORK(settle, settled);

static void found_staying(struct work_struct *work)
{
	bool stays = false;

	mutex_lock(&lock);
	/* this may be the end of another one's time, which has left */
	if (session && session->registered &&
	    !time_before(jiffies, session->since + msecs_to_jiffies(STAYS_MS))) {
		WRITE_ONCE(session->stays, true);
		stays = true;
	}
	mutex_unlock(&lock);
	if (stays && ops->registered)
		ops->registered();
}

static DECLARE_DELAYED_WORK(stay, found_staying);

/* It has something to do, and so may be one who leaves when that is done. */
static void wait_and_see(const struct session *s)
{
	if (READ_ONCE(s->stays) ||
	    !time_before(jiffies, s->since + msecs_to_jiffies(SETTLED_MS)))
		return;
	/* mod_delayed_work() needs the queue's name, which differs between kernels */
	cancel_delayed_work(&stay);
	schedule_delayed_work(&stay, msecs_to_jiffies(STAYS_MS));
}

/**
 * hkvp_legacy_changed() - a pool has a new version
 *
 * Context: any.
 */
void hkvp_legacy_changed(void)
{
	/* the new version is published; pairs with the barrier in open() */
	if (READ_ONCE(session))
		schedule_delayed_work(&settle, msecs_to_jiffies(SETTLE_MS));
}

/* Under lock. Returns the id of what nobody will answer, or NO_REQUEST. */
static u64 drop_request(void)
{
	u64 id = request.id;

	kfree_sensitive(request.ip);
	request = (struct request) { };
	return id;
}

static void tell_answer(u64 id, u32 status)
{
	if (id != NO_REQUEST && ops->answered)
		ops->answered(id, status);
}

/* Makes the request into the message, if there is one that nobody has read. */
static bool take_request(struct session *s)
{
	bool taken = false;

	mutex_lock(&lock);
	if (s == session && request.ip) {
		hkvp_legacy_ip_msg(&s->msg, request.ip);
		kfree_sensitive(request.ip);
		request.ip = NULL;
		s->asked = request.id;
		taken = true;
	}
	mutex_unlock(&lock);
	return taken;
}

static int tell(void *ctx, const struct hkvp_item *old,
		const struct hkvp_item *new)
{
	struct hkvp_legacy_stats *stats = &hkvp->legacy;
	struct session *s = ctx;
	bool left_out = false;
	bool made;

	cond_resched();
	made = hkvp_legacy_change_msg(&s->msg, s->turn, old, new, &left_out);
	if (left_out)
		WRITE_ONCE(stats->left_out, stats->left_out + 1);
	return made;
}

/*
 * Makes the next difference of the pool whose turn it is into the message. A
 * version that was pinned earlier may have been followed by others, whose wake-up
 * is long over; only one that is current now is the end of it.
 */
static bool tell_pool(struct session *s)
{
	struct hkvp_pool *pool = &hkvp->pools[s->turn];
	struct follower *f = &s->pools[s->turn];
	bool current_now;

	do {
		current_now = !f->next;
		if (current_now) {
			f->next = hkvp_pool_pin(pool);
			f->place = 0;
		}
		if (f->next != f->told &&
		    hkvp_version_diff_from(f->told, f->next, &f->place, tell, s))
			return true;
		hkvp_version_unpin(f->told);
		f->told = f->next;
		f->next = NULL;
	} while (!current_now);
	return false;
}

/*
 * Each pool to the end of what it has, then the next one; no pool that keeps
 * changing holds up the others. Whoever changes a pool after it was looked at
 * wakes the reader again.
 */
static bool next_message(struct session *s)
{
	unsigned int i;

	if (take_request(s))
		return true;
	for (i = 0; i < HKVP_POOL_COUNT; i++) {
		if (s->turn != HKVP_POOL_AUTO && tell_pool(s))
			return true;
		s->turn = (s->turn + 1) % HKVP_POOL_COUNT;
	}
	return false;
}

static bool is_readable(struct session *s)
{
	if (s->step == STEP_IDLE && next_message(s))
		s->step = STEP_READABLE;
	return s->step == STEP_READABLE;
}

/* What was made into the message for poll() may be over when it is to be read. */
static bool is_over(struct session *s)
{
	bool over;

	if (s->step != STEP_READABLE || s->asked == NO_REQUEST)
		return false;
	mutex_lock(&lock);
	over = s != session || request.id != s->asked;
	mutex_unlock(&lock);
	return over;
}

/* -EAGAIN if there is none. */
static ssize_t read_message(struct session *s, char __user *buf)
{
	if (READ_ONCE(s->gone))
		return -EBADF;
	if (is_over(s)) {
		s->asked = NO_REQUEST;
		s->step = STEP_IDLE;
	}
	if (!is_readable(s))
		return -EAGAIN;
	if (copy_to_user(buf, &s->msg, HKVP_LEGACY_SIZE))
		return -EFAULT;
	s->step = s->msg.kvp_hdr.operation == KVP_OP_REGISTER1 ?
		  STEP_IDLE : STEP_UNANSWERED;
	return HKVP_LEGACY_SIZE;
}

/* Another one who has the descriptor may be stuck in its memory. */
static int lock_io(struct session *s, const struct file *filp)
{
	if (filp->f_flags & O_NONBLOCK)
		return mutex_trylock(&s->io) ? 0 : -EAGAIN;
	return mutex_lock_interruptible(&s->io) ? -ERESTARTSYS : 0;
}

static void unlock_io(struct session *s)
{
	mutex_unlock(&s->io);
	/* pairs with the barrier in trylock_io(): one of the two sees the other */
	smp_mb();
	if (READ_ONCE(s->missed) && xchg(&s->missed, false))
		wake_up_interruptible(&wait);
}

/* For poll(), which cannot be killed: if it fails, unlock_io() wakes it. */
static bool trylock_io(struct session *s)
{
	if (mutex_trylock(&s->io))
		return true;
	WRITE_ONCE(s->missed, true);
	/* pairs with the barrier in unlock_io() */
	smp_mb();
	return mutex_trylock(&s->io);
}

static ssize_t read(struct file *filp, char __user *buf, size_t size,
		    loff_t *pos)
{
	struct session *s = filp->private_data;
	ssize_t ret;
	int seen;

	if (!size)
		return 0;
	if (size < HKVP_LEGACY_SIZE)
		return -EINVAL;
	do {
		seen = atomic_read_acquire(&events);
		ret = lock_io(s, filp);
		if (ret)
			break;
		ret = read_message(s, buf);
		unlock_io(s);
		if (ret != -EAGAIN || filp->f_flags & O_NONBLOCK)
			break;
		ret = wait_event_interruptible(wait,
					       atomic_read(&events) != seen);
	} while (!ret);
	return ret;
}

static int register_daemon(struct session *s, u8 operation)
{
	if (operation != KVP_OP_REGISTER1)
		return -EINVAL;
	hkvp_legacy_register_msg(&s->msg);
	s->step = STEP_READABLE;
	s->since = jiffies;
	mutex_lock(&lock);
	s->registered = true;
	mutex_unlock(&lock);
	wait_and_see(s);
	return 0;
}

/* The answer to the message that was read. Returns the request's id, if any. */
static u64 take_answer(struct session *s, u32 status)
{
	struct hkvp_legacy_stats *stats = &hkvp->legacy;
	u64 id = NO_REQUEST;

	WRITE_ONCE(stats->messages, stats->messages + 1);
	if (status)
		WRITE_ONCE(stats->errors, stats->errors + 1);
	if (s->asked != NO_REQUEST) {
		mutex_lock(&lock);
		if (s == session && request.id == s->asked)
			id = drop_request();
		mutex_unlock(&lock);
		s->asked = NO_REQUEST;
	}
	s->step = STEP_IDLE;
	wait_and_see(s);
	return id;
}

/* @head: the first 4 bytes of a message */
static int take_message(struct session *s, u32 head, u64 *answered)
{
	if (READ_ONCE(s->gone))
		return -EBADF;
	switch (s->step) {
	case STEP_NEW:
		return register_daemon(s, *(u8 *)&head);
	case STEP_UNANSWERED:
		*answered = take_answer(s, head);
		return 0;
	default:
		return -EINVAL;
	}
}

/* Of a message from a daemon only the first 4 bytes mean anything. */
static ssize_t write(struct file *filp, const char __user *buf, size_t size,
		     loff_t *pos)
{
	struct session *s = filp->private_data;
	u64 answered = NO_REQUEST;
	u32 head;
	int ret;

	if (!size)
		return 0;
	if (size != HKVP_LEGACY_SIZE)
		return -EINVAL;
	if (copy_from_user(&head, buf, sizeof(head)))
		return -EFAULT;
	ret = lock_io(s, filp);
	if (ret)
		return ret;
	ret = take_message(s, head, &answered);
	unlock_io(s);
	if (ret)
		return ret;

	wake_readers();
	tell_answer(answered, head);
	return size;
}

static __poll_t poll(struct file *filp, poll_table *table)
{
	struct session *s = filp->private_data;
	__poll_t ret = 0;

	poll_wait(filp, &wait, table);
	if (READ_ONCE(s->gone))
		return EPOLLERR | EPOLLHUP;
	if (trylock_io(s)) {
		if (is_readable(s))
			ret = EPOLLIN | EPOLLRDNORM;
		unlock_io(s);
	}
	return ret;
}

static int open(struct inode *inode, struct file *filp)
{
	struct session *s;

	/* the node's mode decides; root of a container stays out whatever it is */
	if (current_user_ns() != &init_user_ns)
		return -EPERM;
	/* not charged to whoever it is: there is one, and it is the system's */
	s = kzalloc(sizeof(*s), GFP_KERNEL);
	if (!s)
		return -ENOMEM;
	mutex_init(&s->io);

	mutex_lock(&lock);
	if (session) {
		mutex_unlock(&lock);
		kfree(s);
		return -EBUSY;
	}
	WRITE_ONCE(session, s);
	mutex_unlock(&lock);
	/* before any version is pinned; pairs with hkvp_legacy_changed() */
	smp_mb();
	filp->private_data = s;
	return stream_open(inode, filp);
}

static int release(struct inode *inode, struct file *filp)
{
	struct session *s = filp->private_data;
	u64 unanswered = NO_REQUEST;
	enum hkvp_pool_id id;

	mutex_lock(&lock);
	if (session == s) {
		WRITE_ONCE(session, NULL);
		unanswered = drop_request();
	}
	mutex_unlock(&lock);
	for (id = 0; id < HKVP_POOL_COUNT; id++) {
		hkvp_version_unpin(s->pools[id].told);
		hkvp_version_unpin(s->pools[id].next);
	}
	mutex_destroy(&s->io);
	/* values may be secrets */
	kfree_sensitive(s);
	tell_answer(unanswered, HKVP_E_FAIL);
	return 0;
}

const struct file_operations hkvp_legacy_fops = {
	.owner = THIS_MODULE,
	.open = open,
	.release = release,
	.read = read,
	.write = write,
	.poll = poll,
};

/**
 * hkvp_legacy_hang_up() - the device is removed: its descriptor is good no more
 *
 * Nobody can open the device while this runs. Another can be made and opened
 * afterwards, whether the descriptor was closed or not.
 *
 * Context: process, may sleep; waits for no one in userland.
 */
void hkvp_legacy_hang_up(void)
{
	u64 unanswered = NO_REQUEST;

	mutex_lock(&lock);
	if (session) {
		WRITE_ONCE(session->gone, true);
		WRITE_ONCE(session, NULL);
		unanswered = drop_request();
	}
	mutex_unlock(&lock);
	wake_readers();
	tell_answer(unanswered, HKVP_E_FAIL);
}

/**
 * hkvp_legacy_request() - have the daemon set addresses
 * @id: names the request to answered() of struct hkvp_legacy_ops; not 0
 * @ip: the addresses, its strings UTF-8 with a NUL; copied
 *
 * It reads that as its next message. answered() comes once for each request
 * that got 0, at the latest when the daemon goes; unless it is cancelled.
 *
 * Context: process, may sleep.
 * Return: 0, -ENOTCONN: no daemon, or not for long enough, -EBUSY: there is another one, -ENOMEM.
 */
int hkvp_legacy_request(u64 id, const struct hv_kvp_ipaddr_value *ip)
{
	struct hv_kvp_ipaddr_value *copy;
	int ret = 0;

	copy = kmemdup(ip, sizeof(*ip), HKVP_GFP_DEFERRED);
	if (!copy)
		return -ENOMEM;
	mutex_lock(&lock);
	if (!session || !session->stays) {
		ret = -ENOTCONN;
	} else if (request.id != NO_REQUEST) {
		ret = -EBUSY;
	} else {
		request = (struct request) { .id = id, .ip = copy };
		copy = NULL;
	}
	mutex_unlock(&lock);
	kfree(copy);
	if (!ret)
		wake_readers();
	return ret;
}

/**
 * hkvp_legacy_cancel() - wait for an answer no longer
 * @id: of the request; one that is answered or was never made does nothing
 *
 * answered() may be running for it at this moment; it is not called later. What
 * the daemon still answers is for nobody.
 *
 * Context: process, may sleep.
 */
void hkvp_legacy_cancel(u64 id)
{
	mutex_lock(&lock);
	if (id != NO_REQUEST && request.id == id)
		drop_request();
	mutex_unlock(&lock);
}

/**
 * hkvp_legacy_init() - get ready for a daemon
 * @kvp: the service; outlives the device
 * @legacy_ops: what to tell of it; lives as long as the module
 *
 * Context: any.
 */
void hkvp_legacy_init(struct hkvp *kvp,
		      const struct hkvp_legacy_ops *legacy_ops)
{
	hkvp = kvp;
	ops = legacy_ops;
}

/**
 * hkvp_legacy_exit() - undo hkvp_legacy_init()
 *
 * No descriptor is open, nor can one be opened, and nobody changes a pool.
 *
 * Context: process, may sleep.
 */
void hkvp_legacy_exit(void)
{
	cancel_delayed_work_sync(&settle);
	cancel_delayed_work_sync(&stay);
}
