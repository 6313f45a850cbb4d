// SPDX-License-Identifier: GPL-2.0
/* kvpctl agent: does what the host asks by SET_IP_INFO. See kvpctl(8). */
#include <errno.h>
#include <fcntl.h>
#include <net/if.h>
#include <poll.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/ioctl.h>
#include <sys/signalfd.h>
#include <sys/stat.h>
#include <unistd.h>

#include "agent_apply.h"
#include "agent_lock.h"
#include "agent_status.h"
#include "agent_supply.h"
#include "deadline.h"
#include "device.h"
#include "journal.h"
#include "journal_text.h"
#include "json.h"
#include "kvpctl.h"
#include "netwatch.h"
#include "program.h"
#include "readfile.h"

/* The network's changes come in bursts: one look for all within this time, ms. */
#define SETTLE		250

/* Of the time that the kernel gives: for the answer to get there, ms. */
#define ANSWER_TIME	3000
/* A request that has less left, ms, could only leave the interface half done. */
#define REQUEST_TIME	8000

static struct apply_options how = { .root = "", .wake = -1 };
static bool once, refused, recover, force, status;
static const char *request_file, *revert;
static uint64_t timeout = APPLY_TIME / 1000;
/* The interface of the last request. */
static struct applied applied;

static const struct option_spec options[] = {
	{ "once", '1', OPTION_FLAG, &once, NULL, "end after one request" },
	{ "apply-refused", 'r', OPTION_FLAG, &refused, NULL,
	  "apply the last request that the host was told had failed, and end" },
	{ "request", 'f', OPTION_TEXT, &request_file, NULL,
	  "FILE apply a struct hv_kvp_ip_config from a file, and end" },
	{ "revert", 0, OPTION_TEXT, &revert, NULL,
	  "IF put back what the interface had before the first request, and end" },
	{ "force", 0, OPTION_FLAG, &force, NULL,
	  "with --revert: also files that others have changed since" },
	{ "status", 0, OPTION_FLAG, &status, NULL,
	  "show requests, their results, and what can be put back, and end" },
	{ "recover", 0, OPTION_FLAG, &recover, NULL,
	  "before the network is started: put back what a killed agent left, and end" },
	{ "exec", 'x', OPTION_TEXT, &how.program, NULL,
	  "PROGRAM have a script like hv_set_ifconfig do it" },
	{ "stack", 's', OPTION_TEXT, &how.stack, NULL,
	  "NAME netplan, networkd, networkmanager or ifupdown, not what is found" },
	{ "dry-run", 'n', OPTION_FLAG, &how.dry_run, NULL, "print what would be done" },
	{ "root", 0, OPTION_TEXT, &how.root, NULL,
	  "DIR all files are below it, and no system program is run" },
	{ "timeout", 't', OPTION_NUMBER, &timeout, NULL,
	  "SECONDS for a request, 1 to 25" },
};

/**
 * struct agent - the running agent
 * @device: /dev/hv_kvp
 * @watch: what tells that the network has changed
 * @supply: what the kernel was told of it
 * @result: of the last request, HV_KVP_IP_*
 * @handled: a request was answered
 */
struct agent {
	int device;
	struct netwatch watch;
	struct supply supply;
	unsigned int result;
	bool handled;
};

static int exit_code_of_result(unsigned int result)
{
	switch (result) {
	case HV_KVP_IP_DONE:
		return EXIT_OK;
	case HV_KVP_IP_NOT_FOUND:
		return EXIT_NOT_FOUND;
	case HV_KVP_IP_INVALID:
		return EXIT_INVALID;
	default:
		return EXIT_ERROR;
	}
}

static int become_agent(int device)
{
	struct hv_kvp_ip_agent arg = { .flags = HV_KVP_IP_AGENT_ON };

	if (!ioctl(device, HV_KVP_IOC_IP_AGENT, &arg))
		return EXIT_OK;
	if (errno == EBUSY)
		return fail(EXIT_CONFLICT, "another IP agent is running");
	return fail_errno("cannot become the IP agent");
}

/* ms until the host is told that its request failed. */
static unsigned int time_left(const struct hv_kvp_ip_request *request)
{
	struct timespec now;
	uint64_t ns;

	clock_gettime(CLOCK_BOOTTIME, &now);
	ns = (uint64_t)now.tv_sec * 1000000000 + now.tv_nsec;
	return request->deadline > ns ? (request->deadline - ns) / 1000000 : 0;
}

static bool fetch(int device, unsigned int flags, struct hv_kvp_ip_request *request,
		  struct hv_kvp_ip_config *config)
{
	*request = (struct hv_kvp_ip_request) {
		.config = PTR(config), .config_size = sizeof(*config), .flags = flags,
	};
	return !ioctl(device, HV_KVP_IOC_IP_REQUEST, request);
}

static const char *result_name(unsigned int result)
{
	switch (result) {
	case HV_KVP_IP_DONE:
		return "done";
	case HV_KVP_IP_NOT_SUPPORTED:
		return "not_supported";
	case HV_KVP_IP_INVALID:
		return "invalid";
	case HV_KVP_IP_NOT_FOUND:
		return "not_found";
	default:
		return "failed";
	}
}

/* A line for each request, and a record for --status. */
static void report(unsigned int index, uint64_t request, unsigned int result)
{
	struct json j = { .out = stdout };

	if (applied.name[0])
		agent_status_add(how.root, applied.name, result_name(result), applied.stack,
				 request);
	if (!want_json)
		return;
	json_open(&j, NULL, '{');
	json_number(&j, "ifindex", index);
	json_string(&j, "result", result_name(result));
	json_close(&j);
	fflush(stdout);
}

static const char *deed_name(enum journal_deed deed)
{
	switch (deed) {
	case JOURNAL_UNDONE:
		return "undone";
	case JOURNAL_KEPT:
		return "kept";
	case JOURNAL_REVERTED:
		return "reverted";
	default:
		return "not_put_back";
	}
}

static void print_deed(const char *name, enum journal_deed deed, const struct journal *journal)
{
	struct json j = { .out = stdout };

	if (!want_json) {
		printf("%s: %s\n", name, deed_name(deed));
		for (unsigned int i = 0; i < journal->count; i++)
			printf("  %s\n", journal->file[i].path);
		return;
	}
	json_open(&j, NULL, '{');
	json_string(&j, "interface", name);
	json_string(&j, "result", deed_name(deed));
	json_number(&j, "request", journal->request);
	json_open(&j, "files", '[');
	for (unsigned int i = 0; i < journal->count; i++)
		json_string(&j, NULL, journal->file[i].path);
	json_close(&j);
	json_close(&j);
}

/* Of a change that an earlier agent has left, or of all changes of an interface. */
static void tell_deed(const char *root, const char *name, enum journal_deed deed,
		      const struct journal *journal)
{
	agent_status_add(root, name, deed_name(deed), NULL, journal->request);
	if (recover || revert)
		print_deed(name, deed, journal);
}

/* No other kvpctl may change the same files meanwhile. A negative error was told. */
static int lock_network(int64_t patience)
{
	int lock = agent_lock(how.root, patience, how.wake);

	if (lock < 0)
		warn("nothing done: %s", lock == -EBUSY ?
		     "another kvpctl is changing the network" : strerror(-lock));
	return lock;
}

/* The journals; @refused: number of a request that the host was told had failed, or 0. */
static int settle_journals(uint64_t refused_request)
{
	const struct journal_recovery recovery = {
		.root = how.root, .boot = recover, .refused = refused_request,
		.deadline = deadline_now() + APPLY_TIME, .tell = tell_deed,
	};

	return journal_settle(&recovery);
}

/* The change of the last request alone: others are for the next start. */
static void settle_applied(uint64_t refused_request)
{
	const struct journal_recovery recovery = {
		.root = how.root, .refused = refused_request,
		.deadline = deadline_now() + APPLY_TIME,
		.tell = refused_request ? tell_deed : NULL,
	};

	if (!applied.name[0])
		return;
	journal_settle_one(&recovery, applied.name);
	agent_status_add(how.root, applied.name, NULL, NULL, 0);
}

/* What the kernel told the host of an agent's change that was killed before it answered. */
static uint64_t last_refused(int device)
{
	static struct hv_kvp_ip_config config;
	struct hv_kvp_ip_request request;

	return fetch(device, HV_KVP_IP_REQUEST_REFUSED, &request, &config) ? request.id : 0;
}

static unsigned int apply_until(const struct hv_kvp_ip_config *config, uint64_t request,
				unsigned int index, int64_t end)
{
	unsigned int time = deadline_left(end);

	return apply(&how, config, request, index,
		     time < timeout * 1000 ? time : timeout * 1000, &applied);
}

/* The host has waited for an agent since it asked: there may be no time to undo it. */
static unsigned int apply_in_time(const struct hv_kvp_ip_request *request,
				  const struct hv_kvp_ip_config *config, int64_t end)
{
	if (deadline_left(end) < REQUEST_TIME) {
		warn("nothing done: the host waits for %u more ms only, see --apply-refused",
		     deadline_left(end));
		return HV_KVP_IP_FAILED;
	}
	return apply_until(config, request->id, request->ifindex, end - ANSWER_TIME);
}

/* Nobody waits for this one. */
static int apply_by_hand(const struct hv_kvp_ip_config *config, unsigned int index)
{
	int64_t patience = deadline_now() + APPLY_TIME;
	unsigned int result;
	int lock;

	if (how.dry_run)
		return exit_code_of_result(apply_until(config, 0, index, patience));
	lock = lock_network(patience);
	if (lock < 0)
		return exit_code_of(-lock);
	settle_journals(0);
	result = apply_until(config, 0, index, patience + APPLY_TIME);
	report(index, 0, result);
	settle_applied(0);
	close(lock);
	return exit_code_of_result(result);
}

static bool send_answer(int device, uint64_t id, unsigned int result)
{
	struct hv_kvp_ip_answer answer = { .id = id, .result = result };

	if (!ioctl(device, HV_KVP_IOC_IP_ANSWER, &answer))
		return true;
	warn("the host did not get the answer: %s", strerror(errno));
	return false;
}

/*
 * The change is settled when the host has its answer: until then the journal says
 * that it may have to be undone.
 */
static void handle_request(struct agent *agent)
{
	static struct hv_kvp_ip_config config;
	struct hv_kvp_ip_request request;
	uint64_t unanswered;
	int64_t end;
	int lock;

	applied.name[0] = '\0';
	if (!fetch(agent->device, 0, &request, &config)) {
		if (errno != ENOENT)
			warn("cannot fetch the request: %s", strerror(errno));
		return;
	}
	end = deadline_now() + time_left(&request);
	lock = lock_network(end - REQUEST_TIME);
	if (lock >= 0)
		settle_journals(last_refused(agent->device));
	agent->result = lock < 0 ? HV_KVP_IP_FAILED : apply_in_time(&request, &config, end);
	agent->handled = true;
	unanswered = send_answer(agent->device, request.id, agent->result) ? 0 : request.id;
	report(request.ifindex, request.id, agent->result);
	if (lock < 0)
		return;
	settle_applied(unanswered);
	close(lock);
}

/* What an agent that was killed has left. One that is at work has the lock. */
static void recover_from(int device)
{
	int lock = lock_network(deadline_now());

	if (lock < 0)
		return;
	settle_journals(last_refused(device));
	close(lock);
}

/* True if a request may be waiting. */
static bool read_events(struct agent *agent)
{
	static char buffer[16384] __attribute__((aligned(8)));
	bool request = false;
	ssize_t size;

	while ((size = read(agent->device, buffer, sizeof(buffer))) > 0)
		for (ssize_t at = 0; at < size; ) {
			const struct hv_kvp_event *event = (const void *)(buffer + at);

			request |= event->kind == HV_KVP_EVENT_IP_REQUEST;
			at += event->size;
		}
	return request;
}

/*
 * What ends us must not do so between taking an interface down and bringing it up,
 * nor may a message that nobody reads: what is changed may be the way to here.
 */
static int open_signals(void)
{
	static const int ends[] = { SIGTERM, SIGINT, SIGHUP, SIGQUIT };
	sigset_t set;

	sigemptyset(&set);
	for (size_t i = 0; i < ARRAY_SIZE(ends); i++)
		sigaddset(&set, ends[i]);
	if (signal(SIGPIPE, SIG_IGN) == SIG_ERR || sigprocmask(SIG_BLOCK, &set, NULL))
		return -1;
	return signalfd(-1, &set, SFD_CLOEXEC | SFD_NONBLOCK);
}

/* Waits for the burst of changes to end; false if it is time to go. */
static bool wait_for_burst(struct agent *agent)
{
	struct pollfd end = { .fd = how.wake, .events = POLLIN };

	if (poll(&end, 1, SETTLE) > 0)
		return false;
	netwatch_drain(&agent->watch, how.root);
	return true;
}

static bool serve_once(struct agent *agent)
{
	struct pollfd events[] = {
		{ .fd = agent->device, .events = POLLIN },
		{ .fd = how.wake, .events = POLLIN },
		{ .fd = agent->watch.link, .events = POLLIN },
		{ .fd = agent->watch.files, .events = POLLIN },
	};

	if (poll(events, ARRAY_SIZE(events), -1) < 0)
		return errno == EINTR;
	program_reap_left();
	if (events[1].revents)
		return false;
	if (events[0].revents & (POLLERR | POLLHUP | POLLNVAL)) {
		warn("the device is gone");
		return false;
	}
	if (events[0].revents && read_events(agent))
		handle_request(agent);
	if (!events[2].revents && !events[3].revents)
		return true;
	if (!wait_for_burst(agent))
		return false;
	supply_refresh(&agent->supply, agent->device, how.root);
	return true;
}

static int serve(struct agent *agent)
{
	int code = become_agent(agent->device), error;

	if (code)
		return code;
	error = netwatch_open(&agent->watch, how.root);
	if (error) {
		errno = -error;
		code = fail_errno("cannot watch the network");
	} else {
		recover_from(agent->device);
		supply_refresh(&agent->supply, agent->device, how.root);
		warn("ready");
		/* one may have come before us */
		handle_request(agent);
		while (!(once && agent->handled) && serve_once(agent))
			;
		netwatch_close(&agent->watch);
	}
	return code ? code : once && agent->handled ? exit_code_of_result(agent->result) : EXIT_OK;
}

static int run_agent(void)
{
	static struct agent agent;
	int code;

	agent.device = device_open(O_RDWR | O_NONBLOCK, &code);
	if (agent.device < 0)
		return code;
	code = serve(&agent);
	close(agent.device);
	return code;
}

static int apply_refused(void)
{
	static struct hv_kvp_ip_config config;
	struct hv_kvp_ip_request request;
	int device, code;
	bool found;

	device = device_open(O_RDWR, &code);
	if (device < 0)
		return code;
	found = fetch(device, HV_KVP_IP_REQUEST_REFUSED, &request, &config);
	close(device);
	if (!found && errno == ENOENT)
		return fail(EXIT_NOT_FOUND, "no request was refused");
	if (!found)
		return fail_errno("cannot fetch the request");
	return apply_by_hand(&config, request.ifindex);
}

static int apply_file(void)
{
	struct hv_kvp_ip_config config;
	size_t size;
	char *bytes;
	int error = readfile("", request_file, sizeof(config), &bytes, &size);

	if (error) {
		errno = -error;
		return fail_errno("%s", request_file);
	}
	if (size != sizeof(config)) {
		free(bytes);
		return fail(EXIT_INVALID, "%s: no struct hv_kvp_ip_config", request_file);
	}
	memcpy(&config, bytes, sizeof(config));
	free(bytes);
	return apply_by_hand(&config, 0);
}

static int exit_code_of_recovery(int error)
{
	if (error == -ENOENT)
		return fail(EXIT_NOT_FOUND, "%s: nothing of it was changed", revert);
	/* what has changed was told */
	if (error == -EBUSY)
		return EXIT_CONFLICT;
	return error ? EXIT_ERROR : EXIT_OK;
}

/* The unit comes before this target; whatever starts it later is not the boot. */
static bool is_network_started(void)
{
	char *const argv[] = {
		"systemctl", "is-active", "--quiet", "network-pre.target", NULL,
	};

	return !*how.root && !program_run(argv, false, deadline_now() + APPLY_TIME, how.wake);
}

/* --recover, --revert */
static int put_back(void)
{
	const struct journal_recovery recovery = {
		.root = how.root, .boot = recover, .force = force,
		.deadline = deadline_now() + APPLY_TIME, .tell = tell_deed,
	};
	int lock, error;

	if (recover && is_network_started()) {
		warn("the network has been started: that is for the agent");
		return EXIT_OK;
	}
	lock = lock_network(deadline_now() + APPLY_TIME);
	if (lock < 0)
		return exit_code_of(-lock);
	error = revert ? journal_revert(&recovery, revert) : journal_settle(&recovery);
	close(lock);
	return exit_code_of_recovery(error);
}

/* Those that do one thing and end exclude each other. */
static void check_actions(void)
{
	if (refused + !!request_file + !!revert + recover + once + status > 1)
		usage_error("only one of %s",
			    "--once, --request, --apply-refused, --revert, --recover, --status");
	if (force && !revert)
		usage_error("--force goes with --revert");
	if (want_json && how.dry_run)
		usage_error("--json does not go with --dry-run");
	if (how.dry_run && !request_file && !refused)
		usage_error("--dry-run goes with --request or --apply-refused");
}

static int run(int argc, char **argv)
{
	int first = parse_options(argc, argv, options, ARRAY_SIZE(options));

	check_operands(argc, first, 0, 0);
	check_actions();
	if (how.program && how.program[0] != '/')
		usage_error("--exec wants an absolute path");
	if (how.program && how.stack)
		usage_error("--exec and --stack exclude each other");
	if (!timeout || timeout > APPLY_TIME / 1000)
		usage_error("--timeout is 1 to %d", APPLY_TIME / 1000);
	if (status)
		return agent_status_show(how.root);
	/* files that other programs make for us are nobody else's */
	umask(077);
	/* what is only printed may end at any time */
	if (!how.dry_run) {
		how.wake = open_signals();
		if (how.wake < 0)
			return fail_errno("cannot take signals");
	}
	if (recover || revert)
		return put_back();
	if (request_file)
		return apply_file();
	return refused ? apply_refused() : run_agent();
}

const struct command agent_command = {
	"agent", "", "Configures the network as the host asks (SET_IP_INFO)", run
};
