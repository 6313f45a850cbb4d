/* SPDX-License-Identifier: GPL-2.0 */
/* One request of the host, from its bytes to the interface. */
#ifndef KVPCTL_AGENT_APPLY_H
#define KVPCTL_AGENT_APPLY_H

#include <net/if.h>
#include <stdbool.h>
#include <stdint.h>

#include <linux/hv_kvp.h>

/* In all, ms; the kernel gives up after 30 s. */
#define APPLY_TIME	25000
/* Percent of the time for putting back what was there. */
#define APPLY_UNDO_TIME	28

/**
 * struct apply_options - how requests are applied
 * @root: directory that stands for /, "" for the system's
 * @stack: name of the network stack, or NULL to find out
 * @program: script that is to do it, or NULL
 * @dry_run: only print what would be done
 * @wake: descriptor whose readiness ends it, or -1
 */
struct apply_options {
	const char *root;
	const char *stack;
	const char *program;
	bool dry_run;
	int wake;
};

/**
 * struct applied - which interface it was
 * @name: its name; empty if there is none
 * @stack: what runs it, or NULL
 */
struct applied {
	char name[IF_NAMESIZE];
	const char *stack;
};

/**
 * apply() - configures an interface as the host wants it
 * @options: how
 * @config: as the kernel gave it; checked again
 * @request: number of the host's request, or 0 for one by hand
 * @index: the interface as the kernel knows it, or 0
 * @time: ms that it may take, to the end of putting back what was there
 * @applied: gets which interface it was
 *
 * A change that succeeds is in the journal until journal_settle_one().
 *
 * Return: HV_KVP_IP_*, for the host. What failed was told.
 */
unsigned int apply(const struct apply_options *options, const struct hv_kvp_ip_config *config,
		   uint64_t request, unsigned int index, unsigned int time,
		   struct applied *applied);

#endif /* KVPCTL_AGENT_APPLY_H */
