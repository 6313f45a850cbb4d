/* SPDX-License-Identifier: GPL-2.0 */
/* Ordered workqueues with delayed work: one thread for each queue. */
#ifndef SHIM_LINUX_WORKQUEUE_H
#define SHIM_LINUX_WORKQUEUE_H

#include <pthread.h>
#include <linux/container_of.h>
#include <linux/types.h>

struct work_struct;
typedef void (*work_func_t)(struct work_struct *work);

struct work_struct {
	work_func_t func;
};

struct delayed_work {
	struct work_struct work;
	struct workqueue_struct *wq;
	struct delayed_work *next;
	u64 due;		/* monotonic clock, ns */
	bool pending;		/* atomic; cleared before the work runs */
};

struct workqueue_struct;

#define INIT_DELAYED_WORK(dw, fn) do {					\
	__typeof__(dw) _dw = (dw);					\
	_dw->work.func = (fn);						\
	_dw->wq = NULL;							\
	_dw->next = NULL;						\
	_dw->pending = false;						\
} while (0)

#define DECLARE_DELAYED_WORK(name, fn)					\
	struct delayed_work name = { .work = { .func = (fn) } }

static inline struct delayed_work *to_delayed_work(struct work_struct *work)
{
	return container_of(work, struct delayed_work, work);
}

struct workqueue_struct *alloc_ordered_workqueue(const char *name,
						 unsigned int flags);
void destroy_workqueue(struct workqueue_struct *wq);
bool queue_delayed_work(struct workqueue_struct *wq, struct delayed_work *dw,
			unsigned long delay);
bool mod_delayed_work(struct workqueue_struct *wq, struct delayed_work *dw,
		      unsigned long delay);
bool flush_delayed_work(struct delayed_work *dw);
bool cancel_delayed_work_sync(struct delayed_work *dw);

#endif /* SHIM_LINUX_WORKQUEUE_H */
