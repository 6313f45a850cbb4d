// SPDX-License-Identifier: GPL-2.0
/*
 * Random calls on /dev/hv_kvp: right ones with something wrong in them, so that
 * they get past the first check. The kernel must survive, and the device must
 * work afterwards; only errors that the documentation names may come.
 *
 *	hv_kvp_fuzz COUNT [SEED]
 */
#include <errno.h>
#include <fcntl.h>
#include <poll.h>
#include <stdbool.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/ioctl.h>
#include <sys/mman.h>
#include <unistd.h>

#include <linux/hv_kvp.h>

#define DEVICE		"/dev/hv_kvp"
#define FDS		8
#define OPS		40
#define ROOM		16384
#define PTR(p)		((uint64_t)(uintptr_t)(p))

static uint64_t state;
static int fds[FDS];
static char *room;		/* ROOM bytes, nothing behind */
static struct hv_kvp_op ops[OPS];
static unsigned long errors[200];

static uint32_t any(void)
{
	state ^= state << 13;
	state ^= state >> 7;
	state ^= state << 17;
	return state >> 16;
}

static uint32_t below(uint32_t n)
{
	return any() % n;
}

static bool one_in(uint32_t n)
{
	return !below(n);
}

static uint64_t odd_number(void)
{
	static const uint64_t numbers[] = {
		0, 1, 2, 3, 4, 5, 7, 8, 15, 16, 255, 256, 512, 765, 766, 1023,
		1024, 2048, 3069, 3070, 4095, 4096, 8192, 0x7fffffff,
		0x80000000, 0xffffffff, 0x100000000ULL,
		0x7fffffffffffffffULL, 0xffffffffffffffffULL
	};

	return one_in(3) ? (uint64_t)any() << 32 | any() :
			   numbers[below(sizeof(numbers) / sizeof(*numbers))];
}

static uint64_t odd_pointer(uint32_t len)
{
	switch (below(6)) {
	case 0:
		return odd_number();
	case 1:
		return PTR(room + ROOM) - (len ? below(len) : 0);
	case 2:
		return 0xffff888000000000ULL + any();
	case 3:
		return 0x7ffffffff000ULL - below(64);
	default:
		return PTR(room + below(ROOM));
	}
}

/* A string of text, or of something that is none. */
static uint64_t string(uint32_t max, uint32_t *len)
{
	char *p;

	*len = one_in(20) ? (uint32_t)odd_number() :
	       one_in(10) ? below(max + 2) : below(8);
	if (one_in(15) || *len > ROOM)
		return odd_pointer(*len);
	p = room + ROOM - *len;
	for (uint32_t i = 0; i < *len; i++)
		p[i] = one_in(40) ? any() : 'a' + below(3);
	return PTR(p);
}

/* Strings of one call share the room; who comes second may spoil the first. */
static uint64_t small_string(uint32_t *len)
{
	static const char * const intrinsic[] = {
		"OSName", "OSVersion", "NetworkAddressIPv4",
	};

	static char texts[4096];
	char *p = texts + below(sizeof(texts) - 16);

	if (one_in(10)) {
		const char *name = intrinsic[below(3)];

		*len = strlen(name);
		return PTR(name);
	}
	*len = 1 + below(4);
	for (uint32_t i = 0; i < *len; i++)
		p[i] = 'a' + below(3);
	return PTR(p);
}

static uint32_t pool(void)
{
	return one_in(20) ? (uint32_t)odd_number() :
	       one_in(3) ? below(HV_KVP_POOL_COUNT + 1) : HV_KVP_POOL_GUEST;
}

static uint32_t type(uint32_t *len)
{
	switch (below(6)) {
	case 0:
		*len = 4;
		return HV_KVP_TYPE_DWORD;
	case 1:
		*len = 8;
		return HV_KVP_TYPE_QWORD;
	case 2:
		return below(16);
	default:
		return HV_KVP_TYPE_SZ;
	}
}

static uint32_t flags(void)
{
	return one_in(3) ? below(HV_KVP_EPHEMERAL << 1) : 0;
}

static void fill_ops(uint32_t count)
{
	for (uint32_t i = 0; i < count && i < OPS; i++) {
		ops[i] = (struct hv_kvp_op) {
			.op = HV_KVP_OP_SET + one_in(4), .type = HV_KVP_TYPE_SZ,
			.flags = flags(),
		};
		ops[i].key = small_string(&ops[i].key_len);
		if (ops[i].op == HV_KVP_OP_SET)
			ops[i].value = small_string(&ops[i].value_len);
		else
			ops[i].type = 0;
		if (one_in(30))
			((uint8_t *)&ops[i])[below(sizeof(ops[i]))] = any();
	}
}

union argument {
	struct hv_kvp_info info;
	struct hv_kvp_get get;
	struct hv_kvp_set set;
	struct hv_kvp_delete delete;
	struct hv_kvp_list list;
	struct hv_kvp_batch batch;
	struct hv_kvp_watch watch;
	struct hv_kvp_pool_info pool_info;
	struct hv_kvp_mirror mirror;
	struct hv_kvp_mirror_current mirror_current;
	struct hv_kvp_purge purge;
	struct hv_kvp_ip_agent ip_agent;
	struct hv_kvp_ip_request ip_request;
	struct hv_kvp_ip_answer ip_answer;
	struct hv_kvp_ip_report ip_report;
	/* the size in a wrong number may be anything up to this */
	uint8_t bytes[1 << _IOC_SIZEBITS];
};

/* Those of the IP agent; some descriptor is one now and then. */
static unsigned int make_ip_call(union argument *arg)
{
	switch (below(4)) {
	case 0:
		arg->ip_agent.flags = below(4) ? HV_KVP_IP_AGENT_ON : 0;
		return HV_KVP_IOC_IP_AGENT;
	case 1:
		arg->ip_request.config = one_in(10) ? odd_pointer(64) :
						      PTR(room);
		arg->ip_request.config_size = one_in(5) ?
			(uint32_t)odd_number() :
			sizeof(struct hv_kvp_ip_config);
		arg->ip_request.flags = below(2);
		return HV_KVP_IOC_IP_REQUEST;
	case 2:
		arg->ip_answer.id = below(4);
		arg->ip_answer.result = below(7);
		return HV_KVP_IOC_IP_ANSWER;
	default:
		arg->ip_report.v4_dns = one_in(10) ? odd_pointer(8) : PTR(room);
		arg->ip_report.v6_dns = one_in(10) ? odd_pointer(8) : PTR(room);
		arg->ip_report.v4_dns_count = one_in(10) ?
			(uint32_t)odd_number() : below(4);
		arg->ip_report.v6_dns_count = below(HV_KVP_IP_DNS + 2);
		arg->ip_report.ifindex = one_in(10) ? (uint32_t)odd_number() :
						      below(4);
		arg->ip_report.dhcp = below(4);
		return HV_KVP_IOC_IP_REPORT;
	}
}

static unsigned int make_call(union argument *arg)
{
	static uint64_t cursor;

	memset(arg, 0, sizeof(*arg));
	switch (below(14)) {
	case 0:
		return HV_KVP_IOC_INFO;
	case 8:
		arg->pool_info.pool = pool();
		return HV_KVP_IOC_POOL_INFO;
	case 9:
		arg->watch.pools = one_in(10) ? (uint32_t)odd_number() : below(32);
		arg->watch.flags = one_in(10) ? (uint32_t)odd_number() : below(8);
		return HV_KVP_IOC_WATCH;
	case 1:
		arg->get.pool = pool();
		arg->get.key = string(HV_KVP_KEY_MAX, &arg->get.key_len);
		arg->get.value_size = one_in(3) ? below(8) : HV_KVP_VALUE_MAX;
		arg->get.value = one_in(10) ? odd_pointer(8) : PTR(room);
		return HV_KVP_IOC_GET;
	case 2:
		arg->set.pool = pool();
		arg->set.key = small_string(&arg->set.key_len);
		arg->set.value = string(HV_KVP_VALUE_MAX, &arg->set.value_len);
		arg->set.type = type(&arg->set.value_len);
		arg->set.flags = flags();
		if (one_in(10))
			arg->set.if_generation = odd_number();
		return HV_KVP_IOC_SET;
	case 3:
		arg->delete.pool = pool();
		arg->delete.key = string(HV_KVP_KEY_MAX, &arg->delete.key_len);
		arg->delete.flags = flags();
		return HV_KVP_IOC_DELETE;
	case 4:
		arg->list.pool = pool();
		arg->list.size = one_in(5) ? (uint32_t)odd_number() :
					     below(ROOM);
		arg->list.buffer = one_in(10) ? odd_pointer(100) :
			arg->list.size <= ROOM ?
			PTR(room + ROOM - arg->list.size) : PTR(room);
		arg->list.cursor = one_in(3) ? odd_number() :
				   one_in(2) ? cursor : 0;
		cursor += below(3) ? 0 : 1ULL << 32;
		return HV_KVP_IOC_LIST;
	case 5:
		arg->batch.pool = pool();
		arg->batch.count = one_in(10) ? (uint32_t)odd_number() :
						below(OPS);
		arg->batch.op_size = one_in(20) ? (uint32_t)odd_number() :
						  sizeof(ops[0]);
		arg->batch.ops = one_in(20) ? odd_pointer(64) : PTR(ops);
		fill_ops(arg->batch.count);
		if (one_in(4)) {
			arg->batch.flags = HV_KVP_BATCH_IF_GENERATION;
			arg->batch.if_generation = odd_number();
		}
		arg->batch.owner = one_in(2) ? below(4) : 0;
		return HV_KVP_IOC_BATCH;
	case 6:
		arg->mirror.flags = below(4) ? HV_KVP_MIRROR_ON : 0;
		if (one_in(2))
			return HV_KVP_IOC_MIRROR;
		arg->mirror_current.id = below(1000);
		return HV_KVP_IOC_MIRROR_CURRENT;
	case 7:
		arg->purge.pool = pool();
		arg->purge.connection = below(4);
		return HV_KVP_IOC_PURGE;
	default:
		return make_ip_call(arg);
	}
}

static void count_error(int ret)
{
	if (ret < 0 && errno < 200)
		errors[errno]++;
	else
		errors[0]++;
}

static void random_ioctl(int fd)
{
	static union argument arg;
	unsigned int cmd = make_call(&arg);
	void *where = &arg;

	/* one byte of it wrong; of the number too */
	if (one_in(6))
		arg.bytes[below(_IOC_SIZE(cmd) + 8)] = any();
	if (one_in(20))
		cmd ^= 1U << below(32);
	if (one_in(20))
		where = (void *)(uintptr_t)odd_pointer(32);
	count_error(ioctl(fd, cmd, where));
}

static void random_call(void)
{
	static const int modes[] = { O_RDONLY, O_WRONLY, O_RDWR, O_RDWR };
	int *fd = &fds[below(FDS)];
	struct pollfd p = { .fd = *fd, .events = any() };

	switch (below(40)) {
	case 0:
		close(*fd);
		*fd = open(DEVICE, modes[below(4)] | O_NONBLOCK);
		break;
	case 1:
	case 2:
		count_error(read(*fd, one_in(10) ?
				 (void *)(uintptr_t)odd_pointer(64) : room,
				 one_in(4) ? (size_t)odd_number() : ROOM));
		break;
	case 3:
		count_error(poll(&p, 1, 0));
		break;
	default:
		random_ioctl(*fd);
	}
}

/* Errors that no page of the documentation names. */
static bool only_named_errors(void)
{
	static const int named[] = {
		0, EBADF, EINVAL, EFAULT, ENOTTY, ENOENT, EPERM, E2BIG, ERANGE,
		EILSEQ, EMSGSIZE, ENAMETOOLONG, ENOSPC, ESTALE, EAGAIN,
		EOPNOTSUPP, EBUSY, ENODEV, EEXIST, ENODATA
	};
	bool good = true;

	for (int e = 0; e < 200; e++) {
		bool is_named = false;

		for (size_t i = 0; i < sizeof(named) / sizeof(*named); i++)
			is_named |= named[i] == e;
		if (errors[e])
			printf("# %8lu %s\n", errors[e],
			       e ? strerror(e) : "fine");
		good &= is_named || !errors[e];
	}
	return good;
}

static bool still_works(void)
{
	int fd = open(DEVICE, O_RDWR);
	char value[8] = { };
	struct hv_kvp_set set = {
		.key = PTR("works?"), .key_len = 6, .value = PTR("yes"),
		.value_len = 3, .pool = HV_KVP_POOL_GUEST,
		.type = HV_KVP_TYPE_SZ,
	};
	struct hv_kvp_get get = {
		.key = set.key, .key_len = 6, .value = PTR(value),
		.value_size = sizeof(value), .pool = HV_KVP_POOL_GUEST,
	};

	return fd >= 0 && !ioctl(fd, HV_KVP_IOC_SET, &set) &&
	       !ioctl(fd, HV_KVP_IOC_GET, &get) && !strcmp(value, "yes");
}

int main(int argc, char **argv)
{
	unsigned long count = argc > 1 ? strtoul(argv[1], NULL, 0) : 0;
	unsigned long seed = argc > 2 ? strtoul(argv[2], NULL, 0) : 1;
	bool named, works;
	char *map;

	if (!count) {
		fprintf(stderr, "usage: %s COUNT [SEED]\n", argv[0]);
		return 2;
	}
	map = mmap(NULL, 2 * ROOM, PROT_READ | PROT_WRITE,
		   MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
	if (map == MAP_FAILED || mprotect(map + ROOM, ROOM, PROT_NONE))
		return 1;
	room = map;
	state = seed * 0x9e3779b97f4a7c15ULL | 1;
	for (int i = 0; i < FDS; i++)
		fds[i] = open(DEVICE, O_RDWR | O_NONBLOCK);
	printf("KTAP version 1\n1..2\n# %lu calls, seed %lu\n", count, seed);
	while (count--)
		random_call();
	named = only_named_errors();
	works = still_works();
	printf("%s 1 only errors that are documented\n",
	       named ? "ok" : "not ok");
	printf("%s 2 works afterwards\n", works ? "ok" : "not ok");
	printf("%d passed, %d failed\n", named + works, !named + !works);
	return !(named && works);
}
