/* SPDX-License-Identifier: GPL-2.0 */
#ifndef SHIM_LINUX_JIFFIES_H
#define SHIM_LINUX_JIFFIES_H

#define HZ 1000

/* Milliseconds of the monotonic clock. */
unsigned long shim_jiffies(void);
#define jiffies shim_jiffies()

#define time_before(a, b) ((long)((a) - (b)) < 0)

static inline unsigned long msecs_to_jiffies(unsigned int ms)
{
	return ms;
}

static inline unsigned long nsecs_to_jiffies(unsigned long long ns)
{
	return ns / 1000000;
}

#endif /* SHIM_LINUX_JIFFIES_H */
