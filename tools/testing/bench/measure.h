/* SPDX-License-Identifier: GPL-2.0 */
/*
 * Counts what one packet costs a driver, from entry of its channel callback to
 * the return of vmbus_sendpacket(). For the benchmark's builds only: it is put
 * in front of the one source file that talks to the channel (-include), so
 * that the driver's own sources know nothing of it.
 *
 * Under QEMU's -icount shift=0 the TSC counts instructions. It runs on during
 * interrupts too: a sample with one in it is recorded as 0.
 *
 * Module parameter bench_samples: reading it gives the samples since it was
 * last written, oldest first.
 */
#ifndef HKVP_BENCH_MEASURE_H
#define HKVP_BENCH_MEASURE_H

/* This comes before the source file's own. */
#define pr_fmt(fmt) KBUILD_MODNAME ": " fmt

#include <linux/hyperv.h>
#include <linux/kernel_stat.h>
#include <linux/module.h>
#include <linux/moduleparam.h>
#include <asm/hardirq.h>
#include <asm/msr.h>

/* As many as fit a parameter's page in decimal. */
#define HKVP_BENCH_SAMPLES	450

static struct {
	void (*callback)(void *context);
	u64 entry;		/* TSC; 0 outside the callback and once it has answered */
	u64 interrupts;		/* at entry */
	u32 count;
	u32 samples[HKVP_BENCH_SAMPLES];
} hkvp_bench;

/* Those of the LAPIC, those of Hyper-V and those of devices, on this CPU. */
static u64 hkvp_bench_interrupts(void)
{
	return this_cpu_read(irq_stat.apic_timer_irqs) +
	       this_cpu_read(irq_stat.irq_hv_callback_count) +
	       this_cpu_read(kstat.irqs_sum);
}

static void hkvp_bench_callback(void *context)
{
	hkvp_bench.interrupts = hkvp_bench_interrupts();
	hkvp_bench.entry = rdtsc();
	hkvp_bench.callback(context);
	hkvp_bench.entry = 0;
}

static int hkvp_bench_open(struct vmbus_channel *channel, u32 send_size,
			   u32 receive_size, void *data, u32 size,
			   void (*callback)(void *context), void *context)
{
	hkvp_bench.callback = callback;
	return vmbus_open(channel, send_size, receive_size, data, size,
			  hkvp_bench_callback, context);
}

static int hkvp_bench_sendpacket(struct vmbus_channel *channel, void *buffer,
				 u32 size, u64 id, enum vmbus_packet_type type,
				 u32 flags)
{
	int ret = vmbus_sendpacket(channel, buffer, size, id, type, flags);
	u64 now = rdtsc();

	if (hkvp_bench.entry && hkvp_bench.count < HKVP_BENCH_SAMPLES)
		hkvp_bench.samples[hkvp_bench.count++] =
			hkvp_bench_interrupts() == hkvp_bench.interrupts ?
				now - hkvp_bench.entry : 0;
	hkvp_bench.entry = 0;
	return ret;
}

static int hkvp_bench_get(char *buffer, const struct kernel_param *param)
{
	int len = 0;

	for (u32 i = 0; i < hkvp_bench.count; i++)
		len += scnprintf(buffer + len, PAGE_SIZE - len, "%u ",
				 hkvp_bench.samples[i]);
	return len + scnprintf(buffer + len, PAGE_SIZE - len, "\n");
}

static int hkvp_bench_reset(const char *value, const struct kernel_param *param)
{
	hkvp_bench.count = 0;
	return 0;
}

static const struct kernel_param_ops hkvp_bench_ops = {
	.get = hkvp_bench_get,
	.set = hkvp_bench_reset,
};
module_param_cb(bench_samples, &hkvp_bench_ops, NULL, 0600);
MODULE_PARM_DESC(bench_samples, "Instructions from callback to answer");

#define vmbus_open	hkvp_bench_open
#define vmbus_sendpacket	hkvp_bench_sendpacket

#endif /* HKVP_BENCH_MEASURE_H */
