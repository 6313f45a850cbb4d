// SPDX-License-Identifier: GPL-2.0
/* /sys/class/misc/hv_kvp: files that wake who waits, and uevents */
#define _GNU_SOURCE
#include <poll.h>
#include <sys/syscall.h>
#include <sys/wait.h>
#include <time.h>
#include <unistd.h>

#include <linux/capability.h>

#include "harness.h"
#include "uevents.h"

#define GUEST	HV_KVP_POOL_GUEST
#define FOLDER	"/sys/class/misc/hv_kvp/"
#define LATER	20000	/* ms; long enough for a slow guest */

static uint64_t number(int fd)
{
	char text[32];
	ssize_t size = OK(pread(fd, text, sizeof(text) - 1, 0));

	text[size] = '\0';
	return strtoull(text, NULL, 10);
}

/* Waits until a file that was read before has news. */
static bool news(int fd, int timeout)
{
	struct pollfd p = { .fd = fd, .events = POLLPRI };
	int ret = OK(poll(&p, 1, timeout));

	CHECK(!ret || p.revents == (POLLPRI | POLLERR));
	return ret;
}

/* Opens a file and has it quiet: what was before may still be told. */
static int watch(const char *path, uint64_t wanted)
{
	int fd = OK(open(path, O_RDONLY | O_CLOEXEC));

	while (number(fd) != wanted)
		CHECK(news(fd, LATER));
	while (news(fd, 200))
		number(fd);
	return fd;
}

static void wakes(const char *path)
{
	int fd = open_device(O_RDWR), file;
	uint64_t gen = generation(fd, GUEST);

	file = watch(path, gen);
	OK(set(fd, "key", "1"));
	do {
		CHECK(news(file, LATER));
	} while (number(file) != gen + 1);
	CHECK(!news(file, 200));
	/* a changed value changes no file, but the version */
	OK(set(fd, "key", "2"));
	do {
		CHECK(news(file, LATER));
	} while (number(file) != gen + 2);
	/* other pools are told of by files of their own */
	file = OK(open(FOLDER "external/generation", O_RDONLY));
	number(file);
	while (news(file, 200))
		number(file);
	OK(delete(fd, "key"));
	CHECK(!news(file, 300));
}

TEST(generation_wakes)
{
	wakes(FOLDER "guest/generation");
}

TEST(items_generation_wakes)
{
	wakes(FOLDER "guest/items_generation");
}

TEST(file_is_there_when_told)
{
	int fd = open_device(O_RDWR), file, item;
	uint64_t gen = generation(fd, GUEST);
	char value[8];

	file = watch(FOLDER "guest/items_generation", gen);
	OK(set(fd, "a/key", "1"));
	while (number(file) != gen + 1)
		CHECK(news(file, LATER));
	item = OK(open(FOLDER "guest/items/a%2Fkey", O_RDONLY));
	EQUAL(OK(read(item, value, sizeof(value))), 1);
	EQUAL(value[0], '1');
	OK(delete(fd, "a/key"));
	FAILS(pread(item, value, sizeof(value), 0), ENOENT);
	while (number(file) != gen + 2)
		CHECK(news(file, LATER));
	FAILS(open(FOLDER "guest/items/a%2Fkey", O_RDONLY), ENOENT);
	/* an open file of an item that is gone has no driver behind it */
	FAILS(pread(item, value, sizeof(value), 0), ENODEV);
}

static void drop_sys_admin(void)
{
	struct __user_cap_header_struct header = {
		.version = _LINUX_CAPABILITY_VERSION_3,
	};
	struct __user_cap_data_struct data[_LINUX_CAPABILITY_U32S_3];
	struct __user_cap_data_struct *sets = &data[CAP_TO_INDEX(CAP_SYS_ADMIN)];

	OK(syscall(SYS_capget, &header, data));
	sets->effective &= ~CAP_TO_MASK(CAP_SYS_ADMIN);
	sets->permitted &= ~CAP_TO_MASK(CAP_SYS_ADMIN);
	OK(syscall(SYS_capset, &header, data));
}

/* Who opened it counts, and not who reads. */
static void not_for_bare_root(const char *path)
{
	int file = OK(open(path, O_RDONLY)), status;
	char value[8];

	if (!fork()) {
		drop_sys_admin();
		CHECK(OK(pread(file, value, sizeof(value), 0)) > 0);
		file = OK(open(path, O_RDONLY));
		FAILS(read(file, value, sizeof(value)), EPERM);
		_exit(0);
	}
	OK(wait(&status));
	EQUAL(status, 0);
	OK(close(file));
}

/* As root of a container is: uid 0 and nothing more. */
TEST(bare_root_sees_names_and_no_values)
{
	int fd = open_device(O_RDWR), file;
	uint64_t gen = generation(fd, GUEST);

	file = watch(FOLDER "guest/items_generation", gen);
	OK(set(fd, "secret", "1"));
	while (number(file) != gen + 1)
		CHECK(news(file, LATER));
	not_for_bare_root(FOLDER "guest/items/secret");
	/* those of the kernel's own, which agents override */
	not_for_bare_root(FOLDER "auto/items/OSName");
	OK(delete(fd, "secret"));
}

static long long now(void)
{
	struct timespec t;

	clock_gettime(CLOCK_MONOTONIC, &t);
	return t.tv_sec * 1000LL + t.tv_nsec / 1000000;
}

/* The next uevent that names the generation of the pool; that. */
static uint64_t told(int sock)
{
	struct uevent event;

	for (;;) {
		const char *gen, *pools;

		CHECK(uevent_next(sock, &event, LATER));
		gen = uevent_get(&event, "HV_KVP_GUEST_GENERATION");
		pools = uevent_get(&event, "HV_KVP_POOLS");
		EQUAL(!!gen, pools && strstr(pools, "guest"));
		if (gen)
			return strtoull(gen, NULL, 10);
	}
}

TEST(uevent_tells_of_a_change)
{
	int sock = uevent_open(), fd = open_device(O_RDWR);
	struct uevent event;
	uint64_t gen;

	OK(sock);
	/* what was before is told within a second */
	while (uevent_next(sock, &event, 1500))
		;
	OK(set(fd, "the key is kept secret", "so is the value"));
	gen = generation(fd, GUEST);
	CHECK(uevent_next(sock, &event, LATER));
	CHECK(!strcmp(uevent_get(&event, "ACTION"), "change"));
	CHECK(!strcmp(uevent_get(&event, "SUBSYSTEM"), "misc"));
	CHECK(!strcmp(uevent_get(&event, "DEVNAME"), "hv_kvp"));
	CHECK(!strcmp(uevent_get(&event, "HV_KVP_POOLS"), "guest"));
	EQUAL(strtoull(uevent_get(&event, "HV_KVP_GUEST_GENERATION"), NULL, 10),
	      gen);
	CHECK(!uevent_get(&event, "HV_KVP_EXTERNAL_GENERATION"));
	CHECK(!uevent_get(&event, "HV_KVP_STATUS"));
	CHECK(!memmem(event.text, event.size, "secret", 6));
	CHECK(!memmem(event.text, event.size, "value", 5));
}

TEST(uevents_are_few_and_tell_the_last)
{
	int sock = OK(uevent_open()), fd = open_device(O_RDWR);
	long long start = now();
	unsigned int changes = 0, events = 0;
	uint64_t gen, seen = 0;

	do {
		OK(set(fd, "key", changes++ % 2 ? "1" : "2"));
	} while (now() - start < 1500);
	gen = generation(fd, GUEST);
	while (seen != gen) {
		seen = told(sock);
		CHECK(seen <= gen);
		events++;
	}
	CHECK(changes > 20);
	/* one a second, from the time that the socket was opened */
	CHECK(events >= 1 && events <= (unsigned int)(now() - start) / 1000 + 2);
}
