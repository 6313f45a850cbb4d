// SPDX-License-Identifier: GPL-2.0
/* Start-up, the host CPU's loop, and the end. */
#include "asm.h"
#include "command.h"
#include "host.h"
#include "lapic.h"
#include "lib.h"
#include "mailbox.h"
#include "memory.h"
#include "multiboot.h"
#include "smp.h"
#include "time.h"
#include "vmbus.h"
#include "x86.h"

#define TICK_US		1000	/* commands that arrive while the host CPU halts wait up to this */

extern u32 multiboot_info, multiboot_magic;

struct host host;

static void debug_text(const char *s)
{
	while (*s)
		outb(HVHOST_LOG_PORT, *s++);
}

void hv_log(const char *fmt, ...)
{
	char text[256];
	va_list ap;
	int n;

	va_start(ap, fmt);
	n = vsnprintf(text, sizeof(text), fmt, ap);
	va_end(ap);
	if (mailbox_is_up()) {
		mailbox_event1(HVHOST_EVT_LOG, 0, 0, text, n);
	} else {
		debug_text(text);
		debug_text("\n");
	}
}

void hv_fatal(const struct hvhost_regs *regs, const char *fmt, ...)
{
	static const struct hvhost_regs none = { .vector = ~0u };
	static u32 entered;
	char text[256];
	struct part p[2] = { { regs ? regs : &none, sizeof(*regs) }, { text, 0 } };
	va_list ap;

	va_start(ap, fmt);
	p[1].len = vsnprintf(text, sizeof(text), fmt, ap);
	va_end(ap);
	/* The debug port first: the mailbox itself may be what broke. */
	debug_text("FATAL: ");
	debug_text(text);
	debug_text("\n");
	if (!__atomic_exchange_n(&entered, 1, __ATOMIC_SEQ_CST))
		mailbox_event(HVHOST_EVT_FATAL, 0, 0, p, 2);
	for (;;)
		asm volatile("cli; hlt");
}

/* The image name comes first, then cpus=N. */
static u32 cpus_from_cmdline(const char *s)
{
	u32 n = 0;

	for (; *s; s++)
		if (!memcmp(s, "cpus=", 5))
			for (s += 5; *s >= '0' && *s <= '9'; s++)
				n = n * 10 + *s - '0';
	return n;
}

void hv_main(void);
void hv_main(void)
{
	const struct multiboot_info *mbi = (void *)(u64)multiboot_info;
	u32 cpus;

	trap_init();
	if (multiboot_magic != MULTIBOOT_BOOT_MAGIC || !(mbi->flags & MULTIBOOT_INFO_CMDLINE))
		hv_fatal(NULL, "not started by a multiboot loader with a command line");
	cpus = cpus_from_cmdline((const char *)(u64)mbi->cmdline);
	if (cpus < 2 || cpus > HVHOST_MAX_CPUS + 1)
		hv_fatal(NULL, "cpus=%u: 2 to %d needed", cpus, HVHOST_MAX_CPUS + 1);
	host.cpus = cpus - 1;
	host.host_apic = cpus - 1;
	memory_init(mbi);
	time_init();
	vmbus_init();
	smp_start(cpus);
	smp_park(0);
}

void host_loop(void)
{
	u64 idle_since = 0;

	lapic_start_tick(TICK_US);
	mailbox_init(host.cpus, host.host_apic);
	for (;;) {
		bool worked = vmbus_poll();

		worked |= command_poll();
		if (host.booted)
			worked |= smp_poll_wakeup();
		if (worked) {
			idle_since = rdtsc();
			continue;
		}
		if (rdtsc() - idle_since < host_us_to_tsc(vmbus.config.spin_us)) {
			cpu_relax();
			continue;
		}
		smp_host_idle();
	}
}
