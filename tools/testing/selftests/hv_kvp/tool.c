// SPDX-License-Identifier: GPL-2.0
/*
 * The device for scripts that play the host at the same time.
 *
 *	hv_kvp_tool state		state and number of the connection
 *	hv_kvp_tool list POOL		a line for each item: flags, key, value
 *	hv_kvp_tool purge POOL		number of items that went
 *	hv_kvp_tool watch		a line for each change, until killed
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
	struct hvkvp_info info;

	if (ioctl(fd, HVKVP_IOC_INFO, &info))
		return failed("info");
	printf("%u %u\n", info.state, info.connection);
	return 0;
}

static void print_item(const struct hvkvp_item *item)
{
	const char *key = (const char *)item->data;
	const char *value = key + item->key_len + 1;
	uint32_t number;

	printf("%s%s %s ", item->flags & HVKVP_ITEM_HOST ? "host" : "agent",
	       item->flags & HVKVP_ITEM_STALE ? "+stale" : "", key);
	memcpy(&number, value, sizeof(number));
	if (item->type == HVKVP_TYPE_DWORD)
		printf("%u\n", number);
	else
		printf("%s\n", value);
}

/* One call; returns false on an error, which errno tells. */
static bool next_items(struct hvkvp_list *list, unsigned int pool,
		       unsigned int size)
{
	list->pool = pool;
	list->buffer = PTR(buffer);
	list->size = size;
	return !ioctl(fd, HVKVP_IOC_LIST, list);
}

static int list_all(unsigned int pool)
{
	struct hvkvp_list list = { 0 };

	do {
		if (!next_items(&list, pool, sizeof(buffer)))
			return failed("list");
		for (unsigned int at = 0; at < list.size;) {
			struct hvkvp_item *item = (void *)(buffer + at);

			print_item(item);
			at += item->size;
		}
	} while (list.cursor);
	return 0;
}

static int purge(unsigned int pool)
{
	struct hvkvp_purge arg = { .pool = pool };

	if (ioctl(fd, HVKVP_IOC_PURGE, &arg))
		return failed("purge");
	printf("%u\n", arg.count);
	return 0;
}

static int watch(void)
{
	static const char * const kinds[] = {
		"?", "added", "set", "deleted", "version", "ip-request", "lost"
	};

	printf("watching\n");
	fflush(stdout);
	for (;;) {
		ssize_t size = read(fd, buffer, sizeof(buffer));

		if (size < 0)
			return failed("read");
		for (ssize_t at = 0; at < size;) {
			struct hvkvp_change *change = (void *)(buffer + at);

			printf("%u %s %s %llu\n", change->pool,
			       kinds[change->kind % 7], change->key,
			       (unsigned long long)change->generation);
			at += change->size;
		}
		fflush(stdout);
	}
}

static int hold(unsigned int pool)
{
	struct hvkvp_list list = { 0 };
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

static void print_config(const struct hvkvp_ip_config *c)
{
	printf("%s family=%u dhcp=%u", c->adapter, c->family, c->dhcp);
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
	struct hvkvp_ip_config config;
	struct hvkvp_ip_request request = {
		.config = PTR(&config), .config_size = sizeof(config),
	};
	struct hvkvp_ip_answer answer = { .result = result };

	if (ioctl(fd, HVKVP_IOC_IP_REQUEST, &request))
		return errno == ENOENT ? 0 : failed("request");
	printf("%u ", request.ifindex);
	print_config(&config);
	answer.id = request.id;
	if (result != 99 && ioctl(fd, HVKVP_IOC_IP_ANSWER, &answer))
		return failed("answer");
	return 0;
}

static int be_agent(unsigned int result)
{
	struct hvkvp_ip_agent arg = { .flags = HVKVP_IP_AGENT_ON };

	if (ioctl(fd, HVKVP_IOC_IP_AGENT, &arg))
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
			struct hvkvp_change *change = (void *)(buffer + at);

			asked |= change->kind == HVKVP_CHANGE_IP_REQUEST;
			at += change->size;
		}
		if (asked && serve(result))
			return 1;
	}
}

static int supply(const char *name, unsigned int dhcp, char **servers,
		  int count)
{
	struct hvkvp_ip_agent agent = { .flags = HVKVP_IP_AGENT_ON };
	uint8_t v4[HVKVP_IP_DNS + 1][4], v6[HVKVP_IP_DNS + 1][16];
	struct hvkvp_ip_supply arg = {
		.v4_dns = PTR(v4), .v6_dns = PTR(v6),
		.ifindex = if_nametoindex(name), .dhcp = dhcp,
	};

	for (; count--; servers++) {
		if (arg.v4_dns_count > HVKVP_IP_DNS ||
		    arg.v6_dns_count > HVKVP_IP_DNS)
			break;
		if (inet_pton(AF_INET, *servers, v4[arg.v4_dns_count]) == 1)
			arg.v4_dns_count++;
		else if (inet_pton(AF_INET6, *servers, v6[arg.v6_dns_count]) == 1)
			arg.v6_dns_count++;
	}
	if (ioctl(fd, HVKVP_IOC_IP_AGENT, &agent))
		return failed("agent");
	if (ioctl(fd, HVKVP_IOC_IP_SUPPLY, &arg))
		return failed("supply");
	printf("supplied\n");
	fflush(stdout);
	for (;;)
		pause();
}

/* One server for each interface of this name and a number, again for each SIGUSR1. */
static int supply_each(const char *name)
{
	struct hvkvp_ip_agent agent = { .flags = HVKVP_IP_AGENT_ON };
	uint8_t server[4] = { 192, 0, 2, 1 };
	sigset_t set;
	int sig;

	sigemptyset(&set);
	sigaddset(&set, SIGUSR1);
	sigprocmask(SIG_BLOCK, &set, NULL);
	if (ioctl(fd, HVKVP_IOC_IP_AGENT, &agent))
		return failed("agent");
	for (;;) {
		struct if_nameindex *list = if_nameindex();
		unsigned int told = 0, refused = 0;

		for (struct if_nameindex *i = list; i->if_index; i++) {
			struct hvkvp_ip_supply arg = {
				.v4_dns = PTR(server), .v4_dns_count = 1,
				.ifindex = i->if_index,
			};

			if (strncmp(i->if_name, name, strlen(name)))
				continue;
			if (!ioctl(fd, HVKVP_IOC_IP_SUPPLY, &arg))
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
	struct hvkvp_ip_config config;
	struct hvkvp_ip_request request = {
		.config = PTR(&config), .config_size = sizeof(config),
		.flags = HVKVP_IP_REQUEST_REFUSED,
	};

	if (ioctl(fd, HVKVP_IOC_IP_REQUEST, &request))
		return failed("request");
	print_config(&config);
	return 0;
}

static int override(const char *key, const char *value)
{
	struct hvkvp_set arg = {
		.key = PTR(key), .key_len = strlen(key), .value = PTR(value),
		.value_len = strlen(value), .pool = HVKVP_POOL_AUTO,
		.type = HVKVP_TYPE_SZ,
	};

	return ioctl(fd, HVKVP_IOC_SET, &arg) ? failed("set") : 0;
}

static int drop(const char *key)
{
	struct hvkvp_delete arg = {
		.key = PTR(key), .key_len = strlen(key),
		.pool = HVKVP_POOL_AUTO,
	};

	return ioctl(fd, HVKVP_IOC_DELETE, &arg) ? failed("delete") : 0;
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
	if (!strcmp(what, "list"))
		return list_all(pool);
	if (!strcmp(what, "purge"))
		return purge(pool);
	if (!strcmp(what, "watch"))
		return watch();
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
	fprintf(stderr, "usage: %s state|list|purge|watch|hold [POOL]\n"
		"       %s agent RESULT\n       %s refused\n"
		"       %s supply IF DHCP DNS..\n"
		"       %s override KEY VALUE\n       %s default KEY\n",
		argv[0], argv[0], argv[0], argv[0], argv[0], argv[0]);
	return 2;
}
