// SPDX-License-Identifier: GPL-2.0
/*
 * Calls that stall for as long as somebody likes, in a page fault on the memory
 * that they were given.
 */
#define _GNU_SOURCE
#include <linux/hyperv.h>
#include <linux/userfaultfd.h>
#include <poll.h>
#include <signal.h>
#include <sys/syscall.h>
#include <sys/wait.h>

#include "harness.h"

#define GUEST	HV_KVP_POOL_GUEST
#define AUTO	HV_KVP_POOL_AUTO
#define LEGACY	"/dev/vmbus/hv_kvp"
#define SIZE	65536
#define LATER	20000	/* ms; long enough for a slow guest */

static int open_userfaultfd(void)
{
	int fd = syscall(SYS_userfaultfd, O_CLOEXEC);

	if (fd < 0 && errno == ENOSYS)
		skip_without("userfaultfd");
	return OK(fd);
}

/*
 * SIZE bytes whose pages come only when somebody sees to it, at @uffd, which
 * children inherit.
 */
static char *missing_memory(int *uffd)
{
	struct uffdio_api api = { .api = UFFD_API };
	struct uffdio_register reg = {
		.mode = UFFDIO_REGISTER_MODE_MISSING,
	};
	char *map;

	*uffd = open_userfaultfd();
	OK(ioctl(*uffd, UFFDIO_API, &api));
	map = mmap(NULL, SIZE, PROT_READ | PROT_WRITE,
		   MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
	CHECK(map != MAP_FAILED);
	reg.range.start = PTR(map);
	reg.range.len = SIZE;
	OK(ioctl(*uffd, UFFDIO_REGISTER, &reg));
	return map;
}

/* Waits for a fault. */
static void await_fault(int uffd)
{
	struct pollfd p = { .fd = uffd, .events = POLLIN };
	struct uffd_msg msg;

	EQUAL(OK(poll(&p, 1, LATER)), 1);
	EQUAL(OK(read(uffd, &msg, sizeof(msg))), sizeof(msg));
	EQUAL(msg.event, UFFD_EVENT_PAGEFAULT);
}

static void bring_pages(int uffd, char *map)
{
	struct uffdio_zeropage zero = {
		.range = { .start = PTR(map), .len = SIZE },
	};

	OK(ioctl(uffd, UFFDIO_ZEROPAGE, &zero));
}

/* The same from outside of the process that it is in. */
static void await_stall(pid_t pid)
{
	char path[64], where[64];

	snprintf(path, sizeof(path), "/proc/%d/wchan", pid);
	for (int ms = 0; ms < LATER; ms += 10) {
		FILE *f = fopen(path, "r");

		CHECK(f);
		memset(where, 0, sizeof(where));
		CHECK(fread(where, 1, sizeof(where) - 1, f) || feof(f));
		fclose(f);
		if (strstr(where, "userfault"))
			return;
		rest(10);
	}
	fail(__FILE__, __LINE__, "it waits in %s", where);
}

static int exit_code(pid_t pid)
{
	int status;

	OK(waitpid(pid, &status, 0));
	return WIFEXITED(status) ? WEXITSTATUS(status) : -1;
}

/* All that others do meanwhile works. */
static void others_go_on(void)
{
	static char buffer[4096];
	int fd = open_device(O_RDWR);
	struct hv_kvp_list arg = {
		.buffer = PTR(buffer), .size = sizeof(buffer), .pool = GUEST,
	};
	struct pollfd p = { .fd = fd, .events = POLLIN };

	OK(watch_pools(fd, 1U << GUEST, 0));
	OK(set(fd, "meanwhile", "1"));
	CHECK(get(fd, GUEST, "meanwhile"));
	OK(ioctl(fd, HV_KVP_IOC_LIST, &arg));
	CHECK(arg.count);
	EQUAL(OK(poll(&p, 1, LATER)), 1);
	CHECK(OK(read(fd, buffer, sizeof(buffer))) >= 32);
	OK(delete(fd, "meanwhile"));
	close(fd);
}

static void on_signal(int sig)
{
	(void)sig;
}

TEST(reader)
{
	struct sigaction sa = {
		.sa_handler = on_signal, .sa_flags = SA_RESTART,
	};
	int fd = open_device(O_RDWR), uffd;
	pid_t stalled, waiting;
	char buffer[80];	/* one record: of "key" */

	OK(watch_pools(fd, 1U << GUEST, 0));
	/* here, where it skips the test, and not in a child */
	close(open_userfaultfd());
	OK(sigaction(SIGUSR1, &sa, NULL));
	OK(set(fd, "key", "1"));
	stalled = OK(fork());
	if (!stalled) {
		FAILS(read(fd, missing_memory(&uffd), SIZE), EFAULT);
		_exit(1);
	}
	await_stall(stalled);
	waiting = OK(fork());
	if (!waiting) {
		/* a signal is no reason to give up */
		EQUAL(OK(read(fd, buffer, sizeof(buffer))), 72);
		_exit(0);
	}
	rest(300);
	OK(kill(waiting, SIGUSR1));
	rest(300);
	others_go_on();
	EQUAL(waitpid(waiting, NULL, WNOHANG), 0);
	OK(fcntl(fd, F_SETFL, O_RDWR | O_NONBLOCK));
	FAILS(read(fd, buffer, sizeof(buffer)), EAGAIN);
	OK(fcntl(fd, F_SETFL, O_RDWR));
	OK(kill(stalled, SIGKILL));
	EQUAL(exit_code(stalled), -1);
	/* what the first one could not take is there for the second */
	EQUAL(exit_code(waiting), 0);
}

TEST(lister)
{
	int fd = open_device(O_RDWR), uffd;
	char *map = missing_memory(&uffd);
	struct hv_kvp_list arg = {
		.buffer = PTR(map), .size = SIZE, .pool = GUEST,
	};
	pid_t other;

	set_many(fd, 300, "some value of some length, to fill the room with");
	other = OK(fork());
	if (!other) {
		await_fault(uffd);
		others_go_on();
		OK(set(fd, "later", "1"));
		bring_pages(uffd, map);
		_exit(0);
	}
	OK(ioctl(fd, HV_KVP_IOC_LIST, &arg));
	EQUAL(exit_code(other), 0);
	EQUAL(arg.count, 300);
	EQUAL(arg.cursor, 0);
}

/* poll() of what another one reads, who is stuck; its revents. */
static int poll_in_child(int fd, int timeout)
{
	struct pollfd p = { .fd = fd, .events = POLLIN };
	pid_t pid = OK(fork());

	if (!pid) {
		OK(poll(&p, 1, timeout));
		_exit(p.revents);
	}
	for (int ms = 0; ms < LATER; ms += 10) {
		int status;

		if (OK(waitpid(pid, &status, WNOHANG)) == pid)
			return WEXITSTATUS(status);
		rest(10);
	}
	fail(__FILE__, __LINE__, "poll() waits for the reader");
}

TEST(poller_of_the_old_device)
{
	static struct hv_kvp_msg msg = { .kvp_hdr.operation = KVP_OP_REGISTER1 };
	int fd, flags, uffd;
	pid_t stalled, poller;
	char *map;

	close(open_userfaultfd());
	for (int i = 0; i < 100 && access(LEGACY, F_OK); i++)
		rest(50);
	fd = OK(open(LEGACY, O_RDWR | O_CLOEXEC));
	EQUAL(OK(write(fd, &msg, sizeof(msg))), sizeof(msg));
	EQUAL(poll_in_child(fd, 0), POLLIN);
	stalled = OK(fork());
	if (!stalled) {
		map = missing_memory(&uffd);
		FAILS(read(fd, map, SIZE), EFAULT);
		_exit(1);
	}
	await_stall(stalled);
	EQUAL(poll_in_child(fd, 0), 0);
	/* nor does anybody else wait who said that he would not */
	flags = OK(fcntl(fd, F_GETFL));
	OK(fcntl(fd, F_SETFL, flags | O_NONBLOCK));
	FAILS(read(fd, &msg, sizeof(msg)), EAGAIN);
	FAILS(write(fd, &msg, sizeof(msg)), EAGAIN);
	OK(fcntl(fd, F_SETFL, flags));
	poller = OK(fork());
	if (!poller)
		_exit(poll_in_child(fd, LATER / 2));
	rest(300);
	EQUAL(waitpid(poller, NULL, WNOHANG), 0);
	OK(kill(stalled, SIGKILL));
	EQUAL(exit_code(stalled), -1);
	/* it is woken, for the message is there still */
	EQUAL(exit_code(poller), POLLIN);
}

static int override(int fd, const char *key, const void *value, size_t size)
{
	return set_typed(fd, AUTO, HV_KVP_TYPE_SZ, key, strlen(key), value,
			 size);
}

/*
 * The generation of a list is that of its oldest part: who then reads of changes
 * leaves out those up to it.
 */
TEST(lister_of_intrinsic_items)
{
	static const char * const large[] = {
		"IntegrationServicesVersion", "NetworkAddressIPv4",
		"NetworkAddressIPv6", "OSBuildNumber", "OSName",
	};
	static char value[HV_KVP_VALUE_MAX];
	const struct hv_kvp_item *first;
	int fd = open_device(O_RDWR), uffd;
	char *map = missing_memory(&uffd);
	struct hv_kvp_list arg = {
		.buffer = PTR(map), .size = SIZE, .pool = AUTO,
	};
	pid_t other;

	for (size_t i = 0; i < sizeof(value); i += 3)
		memcpy(value + i, "\xe2\x82\xac", 3);
	for (unsigned int i = 0; i < ARRAY_SIZE(large); i++)
		OK(override(fd, large[i], value, sizeof(value)));
	OK(override(fd, "FullyQualifiedDomainName", "old", 3));
	other = OK(fork());
	if (!other) {
		await_fault(uffd);
		OK(override(fd, "FullyQualifiedDomainName", "new", 3));
		bring_pages(uffd, map);
		_exit(0);
	}
	OK(ioctl(fd, HV_KVP_IOC_LIST, &arg));
	EQUAL(exit_code(other), 0);
	EQUAL(arg.count, 10);
	first = (const void *)map;
	CHECK(!strcmp(value_of(first), "old"));
	CHECK(arg.generation < generation(fd, AUTO));
}
