// SPDX-License-Identifier: GPL-2.0
/*
 * KOBJ_CHANGE of the device, so that udev and systemd can react to changes.
 *
 * At most one a second, because each one makes udevd run. What comes in between
 * is kept and told at the end of that second, all in one, so that the last
 * change is always told. Which pools and their generations, and the state, in words
 * without blanks; never keys or values, which every process may listen to.
 */
#include <linux/atomic.h>
#include <linux/bitops.h>
#include <linux/jiffies.h>
#include <linux/kobject.h>
#include <linux/rcupdate.h>
#include <linux/string.h>
#include <linux/string_helpers.h>

#include "hkvp.h"
#include "name.h"
#include "state.h"
#include "uevent.h"

#define PERIOD		HZ

#define VARIABLES	(1 + HKVP_POOL_COUNT + 3)
#define VARIABLE_SIZE	80

/* The longest ones fit: all names of pools, and the longest with any number. */
static_assert(sizeof("HV_KVP_POOLS=external,guest,auto,auto_external,auto_internal")
	      <= VARIABLE_SIZE);
static_assert(sizeof("HV_KVP_AUTO_EXTERNAL_GENERATION=18446744073709551615")
	      <= VARIABLE_SIZE);

/*
 * @marks: what there is to tell, as notify.c has it
 * @next: when the next one may be sent, in jiffies
 * @text: room for the variables; the work item's own, as is @list
 * @list: pointers to them
 */
static struct {
	const struct hkvp *hkvp;
	struct kobject *kobj;
	struct workqueue_struct *wq;
	struct delayed_work work;
	atomic_long_t marks;
	unsigned long next;
	char text[VARIABLES][VARIABLE_SIZE];
	char *list[VARIABLES + 1];
} uevent;

static u64 generation_of(enum hkvp_pool_id id)
{
	u64 generation;

	rcu_read_lock();
	generation = hkvp_version_generation(hkvp_pool_current(&uevent.hkvp->pools[id]));
	rcu_read_unlock();
	return generation;
}

/* The variables of the pools in @marks; how many. */
static unsigned int add_pools(unsigned long marks)
{
	char *names = uevent.text[0];
	unsigned int id, count = 1;
	size_t at;

	if (!(marks & GENMASK(HKVP_POOL_COUNT - 1, 0)))
		return 0;
	at = scnprintf(names, VARIABLE_SIZE, "HV_KVP_POOLS=");
	for_each_set_bit(id, &marks, HKVP_POOL_COUNT) {
		const char *name = hkvp_pool_name(id);
		char upper[16];

		at += scnprintf(names + at, VARIABLE_SIZE - at, "%s%s",
				count > 1 ? "," : "", name);
		strscpy(upper, name, sizeof(upper));
		string_upper(upper, upper);
		scnprintf(uevent.text[count++], VARIABLE_SIZE,
			  "HV_KVP_%s_GENERATION=%llu", upper,
			  generation_of(id));
	}
	return count;
}

static unsigned int add_state(unsigned int count)
{
	const struct hkvp_ic *ic = &uevent.hkvp->ic;

	scnprintf(uevent.text[count++], VARIABLE_SIZE, "HV_KVP_STATE=%s",
		  hkvp_state_token(READ_ONCE(ic->state)));
	scnprintf(uevent.text[count++], VARIABLE_SIZE, "HV_KVP_CONNECTIONS=%u",
		  READ_ONCE(ic->service.connection));
	return count;
}

/*
 * How long the next one has to wait. Never for longer than a period: the last
 * one may have been sent so long ago that its time seems to come.
 */
static unsigned long left(void)
{
	unsigned long delay = READ_ONCE(uevent.next) - jiffies;

	return delay <= PERIOD ? delay : 0;
}

static void queue(void)
{
	queue_delayed_work(uevent.wq, &uevent.work, left());
}

static void send(struct work_struct *work)
{
	unsigned long marks;
	unsigned int i, count;

	/* marked between the start of this work and the end of the last one */
	if (left()) {
		queue();
		return;
	}
	marks = atomic_long_xchg(&uevent.marks, 0);
	/* marked while the last one was made, and told by it */
	if (!marks)
		return;
	count = add_pools(marks);
	if (marks & BIT(HKVP_MARK_STATE))
		count = add_state(count);
	scnprintf(uevent.text[count++], VARIABLE_SIZE, "HV_KVP_INSTANCE=%016llx",
		  uevent.hkvp->instance);
	for (i = 0; i < count; i++)
		uevent.list[i] = uevent.text[i];
	uevent.list[count] = NULL;

	WRITE_ONCE(uevent.next, jiffies + PERIOD);
	/* any other error is about those who listen */
	if (kobject_uevent_env(uevent.kobj, KOBJ_CHANGE, uevent.list) == -ENOMEM)
		hkvp_uevent_mark(marks);
}

/**
 * hkvp_uevent_start() - get ready
 * @kvp: the service; outlives this
 * @kobj: the device; likewise
 * @wq: queue for the work; likewise
 *
 * Context: process, before all else here.
 */
void hkvp_uevent_start(const struct hkvp *kvp, struct kobject *kobj,
		       struct workqueue_struct *wq)
{
	uevent.hkvp = kvp;
	uevent.kobj = kobj;
	uevent.wq = wq;
	uevent.next = jiffies;
	atomic_long_set(&uevent.marks, 0);
	INIT_DELAYED_WORK(&uevent.work, send);
}

/**
 * hkvp_uevent_stop() - undo hkvp_uevent_start(); what was not told yet is not
 *
 * Nobody marks any more.
 *
 * Context: process, may sleep.
 */
void hkvp_uevent_stop(void)
{
	cancel_delayed_work_sync(&uevent.work);
}

/**
 * hkvp_uevent_mark() - something has changed
 * @marks: what, as a bitmap of pools and HKVP_MARK_STATE
 *
 * Context: any, between hkvp_uevent_start() and hkvp_uevent_stop().
 */
void hkvp_uevent_mark(unsigned long marks)
{
	atomic_long_or(marks, &uevent.marks);
	queue();
}
