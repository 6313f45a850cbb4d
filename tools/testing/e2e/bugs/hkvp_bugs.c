// SPDX-License-Identifier: GPL-2.0
/*
 * Bugs on purpose, to see that a kernel with checkers finds them and that the
 * tests notice. Parameter bug: what insmod does.
 */
#include <linux/kthread.h>
#include <linux/delay.h>
#include <linux/module.h>
#include <linux/slab.h>
#include <linux/string.h>

#define LEAKS		10
#define LEAK_BYTES	777	/* kmemleak reports the size class, 1,024 */

static char *bug = "";
module_param(bug, charp, 0);
MODULE_PARM_DESC(bug, "race, leak or use-after-free");

static unsigned long counter;

static int count(void *unused)
{
	while (!kthread_should_stop()) {
		counter++;	/* not marked: the race */
		cond_resched();
	}
	return 0;
}

static int race(void)
{
	struct task_struct *other = kthread_run(count, NULL, "hkvp_bugs");
	unsigned long end = jiffies + 3 * HZ;

	if (IS_ERR(other))
		return PTR_ERR(other);
	while (time_before(jiffies, end)) {
		counter++;
		cond_resched();
	}
	kthread_stop(other);
	return 0;
}

/* not in the init section, whose symbols are gone when kmemleak reports */
static noinline int leak(void)
{
	int i;

	for (i = 0; i < LEAKS; i++)
		if (!kmalloc(LEAK_BYTES, GFP_KERNEL))
			return -ENOMEM;
	return 0;
}

static int use_after_free(void)
{
	char *volatile p = kzalloc(LEAK_BYTES, GFP_KERNEL);

	if (!p)
		return -ENOMEM;
	kfree(p);
	counter += READ_ONCE(p[LEAK_BYTES / 2]);
	return 0;
}

static int __init bugs_init(void)
{
	if (!strcmp(bug, "race"))
		return race();
	if (!strcmp(bug, "leak"))
		return leak();
	if (!strcmp(bug, "use-after-free"))
		return use_after_free();
	return -EINVAL;
}
module_init(bugs_init);

static void __exit bugs_exit(void)
{
}
module_exit(bugs_exit);

MODULE_DESCRIPTION("Bugs on purpose, for kernels with checkers");
MODULE_LICENSE("GPL");
