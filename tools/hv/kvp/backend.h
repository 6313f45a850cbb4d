/* SPDX-License-Identifier: GPL-2.0 */
/* The programs that may run an interface, and how each is told of addresses. */
#ifndef KVPCTL_BACKEND_H
#define KVPCTL_BACKEND_H

#include <stdbool.h>
#include <stdint.h>

#include "ipconfig.h"
#include "netif.h"
#include "plan.h"

/* The first line of files that are written anew at each request. */
#define BACKEND_MARK \
	"# Written by 'kvpctl agent' for the Hyper-V host, and again at its next request.\n"

/* Further default routes of a family come after the first one. */
#define BACKEND_METRIC	2000

/* Default routes of other tables are no business of the host's. */
#define BACKEND_MAIN_TABLE	254

/**
 * struct job - one interface to be configured
 * @root: directory that stands for /, "" for the system's
 * @nic: the interface
 * @ip: what it is to have
 * @detail: what @runs found out: the name of the interface's definition
 * @program: for --exec
 * @deadline: until when @plan may wait for programs (deadline_now())
 */
struct job {
	const char *root;
	const struct netif *nic;
	const struct ipconfig *ip;
	char detail[128];
	const char *program;
	int64_t deadline;
};

/**
 * struct backend - one network stack
 * @name: as --stack takes it
 * @runs: whether it runs the interface at this moment, by its state files
 * @configured: whether it would, by its configuration; NULL: never
 * @plan: adds to a plan what is to be done; 0, or a negative error
 */
struct backend {
	const char *name;
	bool (*runs)(struct job *job);
	bool (*configured)(struct job *job);
	int (*plan)(const struct job *job, struct plan *plan);
};

extern const struct backend netplan_backend;
extern const struct backend networkd_backend;
extern const struct backend nm_backend;
extern const struct backend ifupdown_backend;
extern const struct backend exec_backend;

/**
 * backend_find() - the network stack that runs an interface
 * @job: the interface; gets @detail
 * @name: its name, or NULL to find out
 *
 * Return: NULL if there is none.
 */
const struct backend *backend_find(struct job *job, const char *name);

/* The value of a key in a state file "PREFIX<ifindex>"; false if there is none. */
bool backend_state(const struct job *job, const char *prefix, const char *section,
		   const char *key, char *value, size_t size);

#endif /* KVPCTL_BACKEND_H */
