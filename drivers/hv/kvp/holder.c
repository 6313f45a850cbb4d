// SPDX-License-Identifier: GPL-2.0
/*
 * Who has hv_utils' node of KVP open. The device must not be taken from hv_utils
 * under an open node: it waits for the descriptor to be closed, with the
 * device's lock held, and then uses what it has freed.
 *
 * An open node of hv_utils keeps its module. But so do those of its other
 * daemons, and a hv_utils that is built in has no module. So where that does
 * not say it the processes' descriptors are looked at.
 * Documentation/design/takeover.md has the reasons.
 */
#define pr_fmt(fmt) KBUILD_MODNAME ": " fmt

#include <linux/dcache.h>
#include <linux/device/driver.h>
#include <linux/fdtable.h>
#include <linux/fs.h>
#include <linux/jiffies.h>
#include <linux/major.h>
#include <linux/module.h>
#include <linux/sched/signal.h>
#include <linux/sched/task.h>
#include <linux/string.h>

#include "holder.h"

#define NODE	"hv_kvp"	/* in /dev/vmbus */

/* Ours has the same name, and another owner. */
static int is_node(const void *hv_utils, struct file *file, unsigned int fd)
{
	const struct device_driver *drv = hv_utils;
	struct dentry *dentry = file->f_path.dentry;
	bool same;

	/* O_PATH opens no device, and anybody may do it */
	if (file->f_mode & FMODE_PATH ||
	    !S_ISCHR(file_inode(file)->i_mode) ||
	    imajor(file_inode(file)) != MISC_MAJOR ||
	    file->f_op->owner != drv->owner)
		return false;
	spin_lock(&dentry->d_lock);
	same = !strcmp(dentry->d_name.name, NODE);
	spin_unlock(&dentry->d_lock);
	return same;
}

/*
 * Threads mostly share their descriptors, and processes may: @seen is the table that
 * was looked at last.
 */
static bool has_node(struct task_struct *process, struct files_struct **seen,
		     const struct device_driver *hv_utils)
{
	struct task_struct *thread;
	bool found = false;

	for_each_thread(process, thread) {
		if (READ_ONCE(thread->files) == *seen)
			continue;
		task_lock(thread);
		*seen = thread->files;
		found = iterate_fd(*seen, 0, is_node, hv_utils);
		task_unlock(thread);
		if (found)
			break;
	}
	return found;
}

/*
 * Let others have the CPU in the walk over all processes. False: @process has gone
 * meanwhile, and the place in the list with it.
 */
static bool take_a_break(struct task_struct *process)
{
	bool alive;

	get_task_struct(process);
	rcu_read_unlock();
	cond_resched();
	rcu_read_lock();
	alive = pid_alive(process);
	put_task_struct(process);
	return alive;
}

/*
 * The process that has it open, by number and name; 0: there is none; negative: it
 * is not known.
 */
static pid_t find_holder(const struct device_driver *hv_utils,
			 char name[TASK_COMM_LEN])
{
	struct files_struct *seen = NULL;
	struct task_struct *process;
	pid_t pid = 0;

	rcu_read_lock();
	for_each_process(process) {
		if (has_node(process, &seen, hv_utils)) {
			pid = task_tgid_nr(process);
			strscpy(name, process->comm, TASK_COMM_LEN);
			break;
		}
		if (!take_a_break(process)) {
			pid = -1;
			break;
		}
	}
	rcu_read_unlock();
	return pid;
}

/**
 * hkvp_holder_is_gone() - can hv_utils be made to give up the KVP device?
 * @hv_utils: driver of hv_utils, bound to the device, whose lock is held
 *
 * Says once in the log who is in the way. A descriptor leaves its process
 * before hv_utils is done with it. So where other nodes of hv_utils are open
 * too, or it is built in, two calls half a second apart must have found nobody.
 *
 * Context: process, may sleep; one call at a time.
 * Return: true if nobody has its node open.
 */
bool hkvp_holder_is_gone(const struct device_driver *hv_utils)
{
	static unsigned long free_since;
	static bool free_before;
	static pid_t told;
	char name[TASK_COMM_LEN];
	pid_t pid;

	if (hv_utils->owner && !module_refcount(hv_utils->owner)) {
		free_before = false;
		return true;
	}
	pid = find_holder(hv_utils, name);
	if (!pid) {
		if (!free_before)
			free_since = jiffies;
		free_before = time_before(jiffies, free_since + HZ / 2);
		return !free_before;
	}
	free_before = false;
	if (pid < 0)
		return false;
	if (pid != told)
		pr_warn("%*pE (%d) has hv_utils' /dev/vmbus/hv_kvp open: stop it, and hv_kvp takes the device\n",
			(int)strlen(name), name, pid);
	told = pid;
	return false;
}
