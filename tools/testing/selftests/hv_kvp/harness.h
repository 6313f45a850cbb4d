/* SPDX-License-Identifier: GPL-2.0 */
/*
 * Tests of /dev/hv_kvp: each runs in a process of its own and finds pool GUEST
 * empty and nothing stale.
 */
#ifndef HARNESS_H
#define HARNESS_H

#include <errno.h>
#include <fcntl.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/ioctl.h>
#include <sys/mman.h>
#include <unistd.h>

#include <linux/hv_kvp.h>

#define DEVICE		"/dev/hv_kvp"
#define ARRAY_SIZE(a)	(sizeof(a) / sizeof((a)[0]))

void add_test(const char *file, const char *name, void (*fn)(void));
/* Ends the test: what it needs is not in this kernel. */
void skip_without(const char *missing) __attribute__((noreturn));
void fail(const char *file, int line, const char *fmt, ...)
	__attribute__((noreturn, format(printf, 3, 4)));

#define TEST(name)							\
	static void name(void);						\
	__attribute__((constructor)) static void add_##name(void)	\
	{								\
		add_test(__FILE__, #name, name);			\
	}								\
	static void name(void)

#define CHECK(condition) do {						\
	if (!(condition))						\
		fail(__FILE__, __LINE__, "%s", #condition);		\
} while (0)

#define EQUAL(got, wanted) do {						\
	long long got_ = (long long)(got);				\
	long long wanted_ = (long long)(wanted);			\
	if (got_ != wanted_)						\
		fail(__FILE__, __LINE__, "%s is %lld, not %lld", #got,	\
		     got_, wanted_);					\
} while (0)

/* A call that must succeed; its value. */
#define OK(call) ({							\
	long ok_ = (call);						\
	if (ok_ < 0)							\
		fail(__FILE__, __LINE__, "%s: %s", #call,		\
		     strerror(errno));					\
	ok_;								\
})

/* A call that must fail, with this errno. */
#define FAILS(call, error) do {						\
	long fails_ = (call);						\
	if (fails_ >= 0)						\
		fail(__FILE__, __LINE__, "%s gave %ld, not %s", #call,	\
		     fails_, #error);					\
	if (errno != (error))						\
		fail(__FILE__, __LINE__, "%s: %s, not %s", #call,	\
		     strerror(errno), #error);				\
} while (0)

#define PTR(p)		((uint64_t)(uintptr_t)(p))

/* Addresses that nothing is at, for this process or for any. */
#define BAD_POINTER	((void *)bad_address)
#define KERNEL_ADDRESS	0xffff888000001000ULL

/* A variable, so that the compiler does not see through it. */
extern volatile uintptr_t bad_address;

void rest(int ms);
void enter_user_namespace(void);
int open_device(int flags);
int open_device_as(unsigned int uid, int flags);

/* Of the implementation, which the ABI does not tell. */
#define LISTS_MAX	16	/* descriptors in the middle of a list */
#define RING_BYTES	65536	/* of changes, a pool */

/* Calls with strings; -1 and errno as ioctl(). */
int set_typed(int fd, unsigned int pool, unsigned int type, const void *key,
	      size_t key_len, const void *value, size_t value_len);
int set(int fd, const char *key, const char *value);
int get_into(int fd, unsigned int pool, const void *key, size_t key_len,
	     void *value, size_t size, struct hv_kvp_get *get);
char *get(int fd, unsigned int pool, const char *key);
int delete(int fd, const char *key);
/* As if by the host, in its pools; what is there and not stale is kept unless @replace. */
int import_one(int fd, unsigned int pool, bool replace, const char *key,
	       const char *value, unsigned int *kept);
int purge(int fd, unsigned int pool, unsigned int *count);
struct hv_kvp_info info(int fd);
struct hv_kvp_pool_info pool_info(int fd, unsigned int pool);
const char *key_of(const struct hv_kvp_item *item);
const char *value_of(const struct hv_kvp_item *item);
int watch_pools(int fd, unsigned int pools, unsigned int flags);
uint64_t generation(int fd, unsigned int pool);
unsigned int count_items(int fd, unsigned int pool);
void set_many(int fd, unsigned int count, const char *value);

/* That a role, which @call takes with @on and drops with 0, is one open file's. */
void check_one_has(int (*call)(int fd, unsigned int flags), unsigned int on);

/* Two pages: the first is there, the second is not. Its end. */
char *edge(void);

#endif /* HARNESS_H */
