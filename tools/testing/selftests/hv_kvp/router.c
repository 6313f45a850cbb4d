// SPDX-License-Identifier: GPL-2.0
/*
 * One router advertisement (RFC 4861), for scenarios that need a router.
 *
 *	hv_kvp_router IF LIFETIME [PREFIX::/VALID]..
 *
 * sends it out of the interface IF: a default router for LIFETIME seconds, and
 * prefixes of 64 bits that are valid, and preferred, for VALID seconds, on the
 * link and for addresses of one's own.
 */
#include <arpa/inet.h>
#include <errno.h>
#include <net/if.h>
#include <netinet/icmp6.h>
#include <netinet/in.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

#define PREFIXES	4

struct message {
	struct nd_router_advert head;
	struct nd_opt_prefix_info prefix[PREFIXES];
};

static int failed(const char *what)
{
	fprintf(stderr, "%s: %s\n", what, strerror(errno));
	return 1;
}

static int add_prefix(struct nd_opt_prefix_info *info, char *text)
{
	char *slash = strchr(text, '/');
	uint32_t valid;

	if (!slash)
		return -1;
	*slash = '\0';
	valid = htonl(strtoul(slash + 1, NULL, 10));
	info->nd_opt_pi_type = ND_OPT_PREFIX_INFORMATION;
	info->nd_opt_pi_len = sizeof(*info) / 8;
	info->nd_opt_pi_prefix_len = 64;
	info->nd_opt_pi_flags_reserved = ND_OPT_PI_FLAG_ONLINK | ND_OPT_PI_FLAG_AUTO;
	info->nd_opt_pi_valid_time = valid;
	info->nd_opt_pi_preferred_time = valid;
	return inet_pton(AF_INET6, text, &info->nd_opt_pi_prefix) == 1 ? 0 : -1;
}

static int send_out(unsigned int index, const struct message *message, size_t size)
{
	struct sockaddr_in6 all = { .sin6_family = AF_INET6, .sin6_scope_id = index };
	int fd = socket(AF_INET6, SOCK_RAW, IPPROTO_ICMPV6), hops = 255;

	inet_pton(AF_INET6, "ff02::1", &all.sin6_addr);
	if (fd < 0)
		return failed("socket");
	/* one that came from afar is not believed */
	if (setsockopt(fd, IPPROTO_IPV6, IPV6_MULTICAST_HOPS, &hops, sizeof(hops)) ||
	    setsockopt(fd, IPPROTO_IPV6, IPV6_MULTICAST_IF, &index, sizeof(index)))
		return failed("setsockopt");
	if (sendto(fd, message, size, 0, (struct sockaddr *)&all, sizeof(all)) < 0)
		return failed("sendto");
	close(fd);
	return 0;
}

int main(int argc, char **argv)
{
	struct message message = { .head.nd_ra_type = ND_ROUTER_ADVERT };
	unsigned int index;

	if (argc < 3 || argc > 3 + PREFIXES) {
		fprintf(stderr, "usage: %s IF LIFETIME [PREFIX::/VALID]..\n", argv[0]);
		return 2;
	}
	index = if_nametoindex(argv[1]);
	if (!index)
		return failed(argv[1]);
	message.head.nd_ra_curhoplimit = 64;
	message.head.nd_ra_router_lifetime = htons(strtoul(argv[2], NULL, 10));
	for (int i = 3; i < argc; i++) {
		if (add_prefix(&message.prefix[i - 3], argv[i])) {
			fprintf(stderr, "%s: no prefix\n", argv[i]);
			return 2;
		}
	}
	return send_out(index, &message, sizeof(message.head) +
			(argc - 3) * sizeof(message.prefix[0]));
}
