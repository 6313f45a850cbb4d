// SPDX-License-Identifier: GPL-2.0
/*
 * The device for scripts that play the host at the same time.
 *
 *	hv_kvp_tool state		state and number of the connection
 *	hv_kvp_tool pools		of each its generation, and the one that
 *					the host has read to the end
 *	hv_kvp_tool list POOL		a line for each item: flags, key, value
 *	hv_kvp_tool purge POOL		number of items that went
 *	hv_kvp_tool watch [FLAGS]	a line for each event, until killed; FLAGS
 *					are HV_KVP_WATCH_*
 *	hv_kvp_tool mirror MS		a mirror that answers each question after
 *					MS milliseconds, or not at all if it is
 *					99999; a line for each, until killed
 *	hv_kvp_tool hold POOL		begins a list; at SIGUSR1 the rest of it
 *	hv_kvp_tool agent RESULT	an IP agent that answers each request with
 *					RESULT, or not at all if it is 99; a
 *					line for each request, until killed
 *	hv_kvp_tool refused		the request that was refused last
 *	hv_kvp_tool supply IF DHCP DNS..	an IP agent that tells about an
 *					interface, DHCP 0 to 2, until killed;
 *					a line when it has
 *	hv_kvp_tool override KEY VALUE	an intrinsic item
 *	hv_kvp_tool default KEY		its own value is back
 */
#include <arpa/inet.h>
#include <errno.h>
#include <fcntl.h>
#include <net/if.h>
#include <signal.h>
#include <stdbool.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/ioctl.h>
#include <unistd.h>

#include <linux/hv_kvp.h>

#define PTR(p)	((uint64_t)(uintptr_t)(p))

static char buffer[65536] __attribute__((aligned(8)));
static int fd;

static int failed(const char *what)
{
	printf("%s: %s\n", what, strerror(errno));
	return 1;
}

static int state(void)
{
	struct hv_kvp_info info;

	if (ioctl(fd, HV_KVP_IOC_INFO, &info))
		return failed("info");
	printf("%u %u\n", info.state, info.connection);
	return 0;
}

static void print_item(const struct hv_kvp_item *item)
{
	const char *key = (const char *)item + item->key_offset;
	const char *value = (const char *)item + item->value_offset;
	uint32_t number;

	printf("%s%s %s ", item->flags & HV_KVP_ITEM_HOST ? "host" : "agent",
	       item->flags & HV_KVP_ITEM_STALE ? "+stale" : "", key);
	memcpy(&number, value, sizeof(number));
	if (item->type == HV_KVP_TYPE_DWORD)
		printf("%u\n", number);
	else
		printf("%s\n", value);
}

static int pools(void)
{
	for (unsigned int pool = 0; pool < HV_KVP_POOL_COUNT; pool++) {
		struct hv_kvp_pool_info info = { .pool = pool };

		if (ioctl(fd, HV_KVP_IOC_POOL_INFO, &info))
			return failed("pool");
		printf("%u %llu ", pool, (unsigned long long)info.generation);
		if (info.host_read_time)
			printf("%llu\n",
			       (unsigned long long)info.host_read_generation);
		else
			printf("never\n");
	}
	return 0;
}

/* One call; returns false on an error, which errno tells. */
static bool next_items(struct hv_kvp_list *list, unsigned int pool,
		       unsigned int size)
{
	list->pool = pool;
	list->buffer = PTR(buffer);
	list->size = size;
	return !ioctl(fd, HV_KVP_IOC_LIST, list);
}

static int list_all(unsigned int pool)
{
	struct hv_kvp_list list = { 0 };

	do {
		if (!next_items(&list, pool, sizeof(buffer)))
			return failed("list");
		for (unsigned int at = 0; at < list.size;) {
			struct hv_kvp_item *item = (void *)(buffer + at);

			print_item(item);
			at += item->size;
		}
	} while (list.cursor);
	return 0;
}

static int purge(unsigned int pool)
{
	struct hv_kvp_purge arg = { .pool = pool };
	struct hv_kvp_info info;

	if (ioctl(fd, HV_KVP_IOC_INFO, &info))
		return failed("info");
	arg.connection = info.connection;
	if (ioctl(fd, HV_KVP_IOC_PURGE, &arg))
		return failed("purge");
	printf("%u\n", arg.count);
	return 0;
}

static const char *name_of(unsigned int kind)
{
	static const char * const names[] = {
		[HV_KVP_EVENT_ADDED] = "added",
		[HV_KVP_EVENT_SET] = "set",
		[HV_KVP_EVENT_DELETED] = "deleted",
		[HV_KVP_EVENT_COMPLETE] = "version",
		[HV_KVP_EVENT_LOST] = "lost",
		[HV_KVP_EVENT_STALE] = "stale",
		[HV_KVP_EVENT_HOST_READ] = "host-read",
		[HV_KVP_EVENT_STATE] = "state",
		[HV_KVP_EVENT_IP_REQUEST] = "ip-request",
		[HV_KVP_EVENT_HOST_ASKS] = "host-asks",
	};

	return kind < sizeof(names) / sizeof(*names) && names[kind] ?
		names[kind] : "?";
}

static void print_event(const struct hv_kvp_event *event)
{
	const struct hv_kvp_event_item *item = (const void *)event;
	const struct hv_kvp_event_pool *pool = (const void *)event;
	const struct hv_kvp_event_state *state = (const void *)event;

	if (event->kind == HV_KVP_EVENT_STATE)
		printf("state %u %u\n", state->state, state->connection);
	else if (event->kind >= HV_KVP_EVENT_COMPLETE)
		printf("%u %s  %llu\n", event->pool, name_of(event->kind),
		       (unsigned long long)pool->generation);
	else
		printf("%u %s %s %llu\n", event->pool, name_of(event->kind),
		       (const char *)item + item->key_offset,
		       (unsigned long long)item->generation);
}

/* @flags: HV_KVP_WATCH_* */
static int watch(unsigned int flags)
{
	struct hv_kvp_watch arg = {
		.pools = (1U << HV_KVP_POOL_COUNT) - 1, .flags = flags,
	};

	if (ioctl(fd, HV_KVP_IOC_WATCH, &arg))
		return failed("watch");
	printf("watching\n");
	fflush(stdout);
	for (;;) {
		ssize_t size = read(fd, buffer, sizeof(buffer));

		if (size < 0)
			return failed("read");
		for (ssize_t at = 0; at < size;) {
			struct hv_kvp_event *event = (void *)(buffer + at);

			print_event(event);
			at += event->size;
		}
		fflush(stdout);
	}
}

/* Answers each question after @ms; 99999: none of them. */
static int mirror(unsigned int ms)
{
	struct hv_kvp_mirror arg = { .flags = HV_KVP_MIRROR_ON };
	struct hv_kvp_mirror_current current;
	struct hv_kvp_event_request asked;

	if (ioctl(fd, HV_KVP_IOC_MIRROR, &arg))
		return failed("mirror");
	printf("mirror\n");
	fflush(stdout);
	for (;;) {
		if (read(fd, &asked, sizeof(asked)) != sizeof(asked))
			return failed("read");
		printf("asked %llu\n", (unsigned long long)asked.id);
		fflush(stdout);
		if (ms == 99999)
			continue;
		usleep(1000 * ms);
		current.id = asked.id;
		if (ioctl(fd, HV_KVP_IOC_MIRROR_CURRENT, &current))
			printf("late\n");
	}
}

static int hold(unsigned int pool)
{
	struct hv_kvp_list list = { 0 };
	unsigned int count;
	sigset_t set;
	int sig;

	sigemptyset(&set);
	sigaddset(&set, SIGUSR1);
	sigprocmask(SIG_BLOCK, &set, NULL);
	if (!next_items(&list, pool, 256))
		return failed("list");
	count = list.count;
	printf("held\n");
	fflush(stdout);
	sigwait(&set, &sig);
	while (list.cursor) {
		if (!next_items(&list, pool, sizeof(buffer)))
			return failed("list");
		count += list.count;
	}
	printf("%u of %u\n", count, list.total);
	return 0;
}

static void print_addresses(const char *name, int family, const void *table,
			    const uint8_t *prefixes, unsigned int count)
{
	unsigned int size = family == AF_INET ? 4 : 16;
	char text[INET6_ADDRSTRLEN];

	for (unsigned int i = 0; i < count; i++) {
		inet_ntop(family, (const char *)table + i * size, text,
			  sizeof(text));
		printf(" %s=%s", name, text);
		if (prefixes)
			printf("/%u", prefixes[i]);
	}
}

static void print_adapter(const struct hv_kvp_ip_config *c)
{
	if (c->adapter == HV_KVP_ADAPTER_MAC) {
		for (unsigned int i = 0; i < sizeof(c->mac); i++)
			printf("%s%02X", i ? ":" : "", c->mac[i]);
		return;
	}
	for (unsigned int i = 0; i < sizeof(c->guid); i++)
		printf("%s%02x", i == 0 ? "{" : i == 4 || i == 6 || i == 8 ||
		       i == 10 ? "-" : "", c->guid[i]);
	printf("}");
}

static void print_config(const struct hv_kvp_ip_config *c)
{
	print_adapter(c);
	printf(" family=%u dhcp=%u", c->family, c->dhcp);
	print_addresses("ip", AF_INET, c->v4, c->v4_prefix, c->v4_count);
	print_addresses("ip", AF_INET6, c->v6, c->v6_prefix, c->v6_count);
	print_addresses("gw", AF_INET, c->v4_gateway, NULL,
			c->v4_gateway_count);
	print_addresses("gw", AF_INET6, c->v6_gateway, NULL,
			c->v6_gateway_count);
	print_addresses("dns", AF_INET, c->v4_dns, NULL, c->v4_dns_count);
	print_addresses("dns", AF_INET6, c->v6_dns, NULL, c->v6_dns_count);
	printf("\n");
	fflush(stdout);
}

/* Prints and answers what there is. */
static int serve(unsigned int result)
{
	struct hv_kvp_ip_config config;
	struct hv_kvp_ip_request request = {
		.config = PTR(&config), .config_size = sizeof(config),
	};
	struct hv_kvp_ip_answer answer = { .result = result };

	if (ioctl(fd, HV_KVP_IOC_IP_REQUEST, &request))
		return errno == ENOENT ? 0 : failed("request");
	printf("%u ", request.ifindex);
	print_config(&config);
	answer.id = request.id;
	if (result != 99 && ioctl(fd, HV_KVP_IOC_IP_ANSWER, &answer))
		return failed("answer");
	return 0;
}

static int be_agent(unsigned int result)
{
	struct hv_kvp_ip_agent arg = { .flags = HV_KVP_IP_AGENT_ON };

	if (ioctl(fd, HV_KVP_IOC_IP_AGENT, &arg))
		return failed("agent");
	printf("agent\n");
	fflush(stdout);
	if (serve(result))
		return 1;
	for (;;) {
		ssize_t size = read(fd, buffer, sizeof(buffer));
		bool asked = false;

		if (size < 0)
			return failed("read");
		for (ssize_t at = 0; at < size;) {
			struct hv_kvp_event *event = (void *)(buffer + at);

			asked |= event->kind == HV_KVP_EVENT_IP_REQUEST;
			at += event->size;
		}
		if (asked && serve(result))
			return 1;
	}
}

static int supply(const char *name, unsigned int dhcp, char **servers,
		  int count)
{
	struct hv_kvp_ip_agent agent = { .flags = HV_KVP_IP_AGENT_ON };
	uint8_t v4[HV_KVP_IP_DNS + 1][4], v6[HV_KVP_IP_DNS + 1][16];
	struct hv_kvp_ip_report arg = {
		.v4_dns = PTR(v4), .v6_dns = PTR(v6),
		.ifindex = if_nametoindex(name), .dhcp = dhcp,
	};

	for (; count--; servers++) {
		if (arg.v4_dns_count > HV_KVP_IP_DNS ||
		    arg.v6_dns_count > HV_KVP_IP_DNS)
			break;
		if (inet_pton(AF_INET, *servers, v4[arg.v4_dns_count]) == 1)
			arg.v4_dns_count++;
		else if (inet_pton(AF_INET6, *servers, v6[arg.v6_dns_count]) == 1)
			arg.v6_dns_count++;
	}
	if (ioctl(fd, HV_KVP_IOC_IP_AGENT, &agent))
		return failed("agent");
	if (ioctl(fd, HV_KVP_IOC_IP_REPORT, &arg))
		return failed("supply");
	printf("supplied\n");
	fflush(stdout);
	for (;;)
		pause();
}

/* One server for each interface of this name and a number, again for each SIGUSR1. */
static int supply_each(const char *name)
{
	struct hv_kvp_ip_agent agent = { .flags = HV_KVP_IP_AGENT_ON };
	uint8_t server[4] = { 192, 0, 2, 1 };
	sigset_t set;
	int sig;

	sigemptyset(&set);
	sigaddset(&set, SIGUSR1);
	sigprocmask(SIG_BLOCK, &set, NULL);
	if (ioctl(fd, HV_KVP_IOC_IP_AGENT, &agent))
		return failed("agent");
	for (;;) {
		struct if_nameindex *list = if_nameindex();
		unsigned int told = 0, refused = 0;

		for (struct if_nameindex *i = list; i->if_index; i++) {
			struct hv_kvp_ip_report arg = {
				.v4_dns = PTR(server), .v4_dns_count = 1,
				.ifindex = i->if_index,
			};

			if (strncmp(i->if_name, name, strlen(name)))
				continue;
			if (!ioctl(fd, HV_KVP_IOC_IP_REPORT, &arg))
				told++;
			else if (errno == ENOSPC)
				refused++;
			else
				return failed("supply");
		}
		if_freenameindex(list);
		printf("told %u, refused %u\n", told, refused);
		fflush(stdout);
		sigwait(&set, &sig);
	}
}

static int refused(void)
{
	struct hv_kvp_ip_config config;
	struct hv_kvp_ip_request request = {
		.config = PTR(&config), .config_size = sizeof(config),
		.flags = HV_KVP_IP_REQUEST_REFUSED,
	};

	if (ioctl(fd, HV_KVP_IOC_IP_REQUEST, &request))
		return failed("request");
	print_config(&config);
	return 0;
}

static int override(const char *key, const char *value)
{
	struct hv_kvp_set arg = {
		.key = PTR(key), .key_len = strlen(key), .value = PTR(value),
		.value_len = strlen(value), .pool = HV_KVP_POOL_AUTO,
		.type = HV_KVP_TYPE_SZ,
	};

	return ioctl(fd, HV_KVP_IOC_SET, &arg) ? failed("set") : 0;
}

static int drop(const char *key)
{
	struct hv_kvp_delete arg = {
		.key = PTR(key), .key_len = strlen(key),
		.pool = HV_KVP_POOL_AUTO,
	};

	return ioctl(fd, HV_KVP_IOC_DELETE, &arg) ? failed("delete") : 0;
}

int main(int argc, char **argv)
{
	const char *what = argc > 1 ? argv[1] : "";
	unsigned int pool = argc > 2 ? strtoul(argv[2], NULL, 0) : 0;

	fd = open("/dev/hv_kvp", O_RDWR);
	if (fd < 0)
		return failed("open");
	if (!strcmp(what, "state"))
		return state();
	if (!strcmp(what, "pools"))
		return pools();
	if (!strcmp(what, "list"))
		return list_all(pool);
	if (!strcmp(what, "purge"))
		return purge(pool);
	if (!strcmp(what, "watch"))
		return watch(pool);
	if (!strcmp(what, "mirror"))
		return mirror(pool);
	if (!strcmp(what, "hold"))
		return hold(pool);
	if (!strcmp(what, "agent"))
		return be_agent(pool);
	if (!strcmp(what, "supply") && argc > 3)
		return supply(argv[2], strtoul(argv[3], NULL, 0), argv + 4,
			      argc - 4);
	if (!strcmp(what, "supply-each") && argc == 3)
		return supply_each(argv[2]);
	if (!strcmp(what, "refused"))
		return refused();
	if (!strcmp(what, "override") && argc == 4)
		return override(argv[2], argv[3]);
	if (!strcmp(what, "default") && argc == 3)
		return drop(argv[2]);
	fprintf(stderr, "usage: %s state|pools|list|purge|watch|hold|mirror [POOL]\n"
		"       %s agent RESULT\n       %s refused\n"
		"       %s supply IF DHCP DNS..\n"
		"       %s override KEY VALUE\n       %s default KEY\n",
		argv[0], argv[0], argv[0], argv[0], argv[0], argv[0]);
	return 2;
}
