// SPDX-License-Identifier: GPL-2.0
/* Grace periods and workqueues in user space. */
#include <errno.h>
#include <pthread.h>
#include <sched.h>
#include <sys/syscall.h>
#include <time.h>
#include <unistd.h>
#include <linux/membarrier.h>

#include <linux/bug.h>
#include <linux/jiffies.h>
#include <linux/rcupdate.h>
#include <linux/sched.h>
#include <linux/sched/signal.h>
#include <linux/slab.h>
#include <linux/timekeeping.h>
#include <linux/workqueue.h>

#define NS_PER_MS 1000000u

_Thread_local struct shim_reader shim_reader;
unsigned long shim_period = 1;
u64 shim_boottime;

static pthread_mutex_t readers_lock = PTHREAD_MUTEX_INITIALIZER;
static struct shim_reader *readers;
static pthread_key_t reader_key;
static pthread_once_t once = PTHREAD_ONCE_INIT;

static void reader_exit(void *arg)
{
	struct shim_reader **p;

	pthread_mutex_lock(&readers_lock);
	for (p = &readers; *p != arg; p = &(*p)->next)
		;
	*p = (*p)->next;
	pthread_mutex_unlock(&readers_lock);
}

static void membarrier(int command)
{
#ifndef SHIM_RCU_EXCHANGE
	BUG_ON(syscall(__NR_membarrier, command, 0, 0));
#else
	(void)command;
#endif
}

static void init(void)
{
	BUG_ON(pthread_key_create(&reader_key, reader_exit));
	membarrier(MEMBARRIER_CMD_REGISTER_PRIVATE_EXPEDITED);
}

void shim_reader_register(void)
{
	struct shim_reader *r = &shim_reader;

	pthread_once(&once, init);
	r->registered = true;
	pthread_setspecific(reader_key, r);
	pthread_mutex_lock(&readers_lock);
	r->next = readers;
	readers = r;
	pthread_mutex_unlock(&readers_lock);
}

static unsigned int synchronizing;

unsigned int shim_synchronizing(void)
{
	return __atomic_load_n(&synchronizing, __ATOMIC_RELAXED);
}

void synchronize_rcu(void)
{
	unsigned long period, seen;
	struct shim_reader *r;

	BUG_ON(rcu_read_lock_held());
	__atomic_fetch_add(&synchronizing, 1, __ATOMIC_RELAXED);
	pthread_once(&once, init);
	/* A thread that registers from here on sees all that was done before. */
	pthread_mutex_lock(&readers_lock);
	period = __atomic_add_fetch(&shim_period, 1, __ATOMIC_SEQ_CST);
	membarrier(MEMBARRIER_CMD_PRIVATE_EXPEDITED);
	for (r = readers; r; r = r->next) {
		for (;;) {
			seen = __atomic_load_n(&r->period, __ATOMIC_SEQ_CST);
			if (!seen || seen >= period)
				break;
			sched_yield();
		}
	}
	pthread_mutex_unlock(&readers_lock);
	membarrier(MEMBARRIER_CMD_PRIVATE_EXPEDITED);
	__atomic_fetch_sub(&synchronizing, 1, __ATOMIC_RELAXED);
}

struct workqueue_struct {
	pthread_t thread;
	pthread_mutex_t lock;
	pthread_cond_t changed;
	struct delayed_work *first;	/* in no order */
	struct delayed_work *running;
	bool stop;
};

static u64 now_ns(void)
{
	struct timespec t;

	clock_gettime(CLOCK_MONOTONIC, &t);
	return t.tv_sec * 1000000000ull + t.tv_nsec;
}

unsigned long shim_jiffies(void)
{
	return now_ns() / NS_PER_MS;
}

_Thread_local bool shim_killed;
_Thread_local void (*shim_others)(void);

void shim_call_others(void)
{
	void (*others)(void) = shim_others;

	shim_others = NULL;
	others();
	shim_others = others;
}

long schedule_timeout_killable(long timeout)
{
	struct timespec t = { .tv_nsec = NS_PER_MS };

	BUG_ON(rcu_read_lock_held());
	for (; timeout && !shim_killed; timeout--)
		nanosleep(&t, NULL);
	return timeout;
}

static bool unlink_work(struct workqueue_struct *wq, struct delayed_work *dw)
{
	struct delayed_work **p;

	for (p = &wq->first; *p; p = &(*p)->next) {
		if (*p == dw) {
			*p = dw->next;
			return true;
		}
	}
	return false;
}

static struct delayed_work *earliest(struct workqueue_struct *wq)
{
	struct delayed_work *dw, *best = wq->first;

	for (dw = best; dw; dw = dw->next)
		if (dw->due < best->due)
			best = dw;
	return best;
}

static void wait_until(struct workqueue_struct *wq, u64 due)
{
	struct timespec t = {
		.tv_sec = due / 1000000000u, .tv_nsec = due % 1000000000u
	};

	pthread_cond_timedwait(&wq->changed, &wq->lock, &t);
}

static void *worker(void *arg)
{
	struct workqueue_struct *wq = arg;
	struct delayed_work *dw;

	pthread_mutex_lock(&wq->lock);
	for (;;) {
		dw = earliest(wq);
		if (!dw && wq->stop)
			break;
		if (!dw) {
			pthread_cond_wait(&wq->changed, &wq->lock);
			continue;
		}
		if (dw->due > now_ns() && !wq->stop) {
			wait_until(wq, dw->due);
			continue;
		}
		unlink_work(wq, dw);
		wq->running = dw;
		__atomic_store_n(&dw->pending, false, __ATOMIC_SEQ_CST);
		pthread_mutex_unlock(&wq->lock);
		dw->work.func(&dw->work);
		pthread_mutex_lock(&wq->lock);
		wq->running = NULL;
		pthread_cond_broadcast(&wq->changed);
	}
	pthread_mutex_unlock(&wq->lock);
	return NULL;
}

struct workqueue_struct *alloc_ordered_workqueue(const char *name,
						 unsigned int flags)
{
	struct workqueue_struct *wq = kzalloc(sizeof(*wq), GFP_KERNEL);
	pthread_condattr_t attr;

	(void)name;
	(void)flags;
	if (!wq)
		return NULL;
	pthread_condattr_init(&attr);
	pthread_condattr_setclock(&attr, CLOCK_MONOTONIC);
	pthread_mutex_init(&wq->lock, NULL);
	pthread_cond_init(&wq->changed, &attr);
	BUG_ON(pthread_create(&wq->thread, NULL, worker, wq));
	return wq;
}

void destroy_workqueue(struct workqueue_struct *wq)
{
	pthread_mutex_lock(&wq->lock);
	wq->stop = true;
	pthread_cond_broadcast(&wq->changed);
	pthread_mutex_unlock(&wq->lock);
	pthread_join(wq->thread, NULL);
	pthread_mutex_destroy(&wq->lock);
	pthread_cond_destroy(&wq->changed);
	kfree(wq);
}

bool queue_delayed_work(struct workqueue_struct *wq, struct delayed_work *dw,
			unsigned long delay)
{
	if (__atomic_exchange_n(&dw->pending, true, __ATOMIC_SEQ_CST))
		return false;
	pthread_mutex_lock(&wq->lock);
	__atomic_store_n(&dw->wq, wq, __ATOMIC_RELAXED);
	dw->due = now_ns() + delay * NS_PER_MS;
	dw->next = wq->first;
	wq->first = dw;
	pthread_cond_broadcast(&wq->changed);
	pthread_mutex_unlock(&wq->lock);
	return true;
}

/* The same, and if it is pending, the new delay takes the place of the old one. */
bool mod_delayed_work(struct workqueue_struct *wq, struct delayed_work *dw,
		      unsigned long delay)
{
	bool was;

	pthread_mutex_lock(&wq->lock);
	was = unlink_work(wq, dw);
	if (was)
		__atomic_store_n(&dw->pending, false, __ATOMIC_SEQ_CST);
	pthread_mutex_unlock(&wq->lock);
	queue_delayed_work(wq, dw, delay);
	return was;
}

/* Runs it now if it is pending, and waits for it. */
bool flush_delayed_work(struct delayed_work *dw)
{
	struct workqueue_struct *wq = __atomic_load_n(&dw->wq, __ATOMIC_RELAXED);
	bool did = false;

	if (!wq)
		return false;
	pthread_mutex_lock(&wq->lock);
	dw->due = 0;
	pthread_cond_broadcast(&wq->changed);
	while (__atomic_load_n(&dw->pending, __ATOMIC_SEQ_CST) ||
	       wq->running == dw) {
		did = true;
		pthread_cond_wait(&wq->changed, &wq->lock);
	}
	pthread_mutex_unlock(&wq->lock);
	return did;
}

bool cancel_delayed_work_sync(struct delayed_work *dw)
{
	struct workqueue_struct *wq = __atomic_load_n(&dw->wq, __ATOMIC_RELAXED);
	bool was;

	if (!wq)
		return false;
	pthread_mutex_lock(&wq->lock);
	was = unlink_work(wq, dw);
	while (wq->running == dw)
		pthread_cond_wait(&wq->changed, &wq->lock);
	__atomic_store_n(&dw->pending, false, __ATOMIC_SEQ_CST);
	/* the queue may go now */
	__atomic_store_n(&dw->wq, NULL, __ATOMIC_RELAXED);
	pthread_mutex_unlock(&wq->lock);
	return was;
}
