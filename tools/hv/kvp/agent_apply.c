// SPDX-License-Identifier: GPL-2.0
#include <errno.h>
#include <limits.h>
#include <poll.h>
#include <stdio.h>
#include <string.h>
#include <unistd.h>

#include "agent_apply.h"
#include "backend.h"
#include "deadline.h"
#include "kvpctl.h"
#include "networkd_link.h"

static unsigned int result_of(int error)
{
	switch (error) {
	case 0:
		return HV_KVP_IP_DONE;
	case -EOPNOTSUPP:
		return HV_KVP_IP_NOT_SUPPORTED;
	case -EINVAL:
		return HV_KVP_IP_INVALID;
	case -ENODEV:
	case -EILSEQ:
		return HV_KVP_IP_NOT_FOUND;
	default:
		return HV_KVP_IP_FAILED;
	}
}

static const char *why_not(int error)
{
	switch (error) {
	case -EINVAL:
		return "interface with an unusual name";
	case -EOPNOTSUPP:
		return "its addresses are on a master, VLAN or device that is not supported";
	default:
		return "no such adapter";
	}
}

/* While networkd makes up its mind about a new interface nobody knows whose it is. */
static bool is_undecided(struct job *job)
{
	struct networkd_link link;

	return networkd_link_read(job->root, job->nic, &link) &&
	       (!strcmp(link.state, "pending") || !strcmp(link.state, "initialized"));
}

static bool wait_for_decision(const struct apply_options *options, struct job *job,
			      int64_t deadline)
{
	struct pollfd wake = { .fd = options->wake, .events = POLLIN };

	while (is_undecided(job) && deadline_left(deadline))
		if (poll(&wake, 1, 100) > 0)
			return false;
	return !is_undecided(job);
}

static const struct backend *choose(const struct apply_options *options, struct job *job)
{
	const struct backend *backend;

	if (options->program) {
		job->program = options->program;
		return &exec_backend;
	}
	backend = backend_find(job, options->stack);
	if (!backend)
		warn("%s: no network stack runs it that is known here", job->nic->name);
	return backend;
}

#define CLOUD_DIRECTORY	"/etc/cloud/cloud.cfg.d"
#define CLOUD_FILE	CLOUD_DIRECTORY "/99-hv_kvp-network.cfg"

/* cloud-init writes its own idea of the network again, at the next boot for one. */
static int plan_cloud_init(const struct apply_options *options, struct plan *plan)
{
	char path[PATH_MAX], *text;
	size_t size;
	FILE *out;

	snprintf(path, sizeof(path), "%s" CLOUD_DIRECTORY, options->root);
	if (options->program || access(path, F_OK))
		return 0;
	out = open_memstream(&text, &size);
	if (!out)
		return -ENOMEM;
	fputs(BACKEND_MARK "network: {config: disabled}\n", out);
	if (fclose(out))
		return -ENOMEM;
	warn("cloud-init is told to leave the network alone: " CLOUD_FILE);
	if (!plan_file(plan, 0644, text, size, CLOUD_FILE))
		return -ENOMEM;
	plan->file[plan->file_count - 1].shared = true;
	return 0;
}

static int carry_out(const struct apply_options *options, struct job *job, uint64_t request,
		     unsigned int time, struct applied *applied)
{
	struct plan_limits limits = {
		.dry_run = options->dry_run, .wake = options->wake, .request = request,
		.deadline = deadline_now() + time * (100 - APPLY_UNDO_TIME) / 100,
		.undo_deadline = deadline_now() + time,
	};
	struct plan plan = { .root = options->root };
	const struct backend *backend;
	int error;

	if (!options->program && !options->stack &&
	    !wait_for_decision(options, job, deadline_now() + time / 4)) {
		warn("%s: networkd does not know yet whether it runs it", job->nic->name);
		return -EBUSY;
	}
	job->deadline = limits.deadline;
	backend = choose(options, job);
	if (!backend)
		return -EOPNOTSUPP;
	applied->stack = backend->name;
	warn("%s: host's configuration, by %s", job->nic->name, backend->name);
	error = backend->plan(job, &plan);
	if (!error)
		error = plan_cloud_init(options, &plan);
	if (error)
		warn("%s: %s cannot do it: %s", job->nic->name, backend->name, strerror(-error));
	else
		error = plan_run(&plan, &limits, job->nic, job->ip);
	plan_free(&plan);
	/* what a back end finds is no fault of the request */
	return error == -EINVAL || error == -ENODEV ? -EIO : error;
}

unsigned int apply(const struct apply_options *options, const struct hv_kvp_ip_config *config,
		   uint64_t request, unsigned int index, unsigned int time,
		   struct applied *applied)
{
	static struct ipconfig ip;
	struct job job = { .root = options->root, .ip = &ip };
	const char *reason;
	struct netif nic;
	int error;

	memset(applied, 0, sizeof(*applied));
	error = ipconfig_from_kernel(config, &ip, &reason);
	if (error) {
		warn("request refused: %s", reason);
		return result_of(error);
	}
	error = netif_find(options->root, index, config, &nic);
	if (error) {
		/* the name is the host's: not into a log */
		warn("request refused: %s", why_not(error));
		return error == -EINVAL ? HV_KVP_IP_FAILED : result_of(error);
	}
	snprintf(applied->name, sizeof(applied->name), "%s", nic.name);
	job.nic = &nic;
	/* a script gets all of it, as from hv_kvp_daemon */
	if (!options->program)
		ipconfig_settle(&ip);
	error = carry_out(options, &job, request, time, applied);
	if (!error)
		warn("%s: %s", nic.name, options->dry_run ? "nothing done" : "configured");
	return result_of(error);
}
