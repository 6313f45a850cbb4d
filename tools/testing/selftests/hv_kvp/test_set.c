// SPDX-License-Identifier: GPL-2.0
/* HV_KVP_IOC_SET */
#include <sys/wait.h>

#include "harness.h"

#define SZ	HV_KVP_TYPE_SZ
#define GUEST	HV_KVP_POOL_GUEST
#define NOBODY	65534

static char big[HV_KVP_VALUE_MAX + 8];
static char out[HV_KVP_VALUE_MAX + 8];

static void round_trip(int fd, unsigned int type, const void *value,
		       size_t len)
{
	struct hv_kvp_get arg;

	OK(set_typed(fd, GUEST, type, "key", 3, value, len));
	OK(get_into(fd, GUEST, "key", 3, out, sizeof(out), &arg));
	EQUAL(arg.type, type);
	EQUAL(arg.value_size, len);
	CHECK(!memcmp(out, value, len));
}

/* For scenarios: what the host finds. */
TEST(item_to_be_read)
{
	OK(set(open_device(O_RDWR), "read", "v"));
}

TEST(every_type)
{
	int fd = open_device(O_RDWR);
	uint32_t dword = 0xdeadbeef;
	uint64_t qword = 0x0123456789abcdefULL;

	round_trip(fd, HV_KVP_TYPE_SZ, "plain", 5);
	round_trip(fd, HV_KVP_TYPE_SZ, "", 0);
	round_trip(fd, HV_KVP_TYPE_SZ, "\xc3\xa4\xe2\x82\xac\xf0\x9f\x98\x80", 9);
	round_trip(fd, HV_KVP_TYPE_EXPAND_SZ, "%PATH%", 6);
	round_trip(fd, HV_KVP_TYPE_DWORD, &dword, 4);
	round_trip(fd, HV_KVP_TYPE_QWORD, &qword, 8);
	EQUAL(count_items(fd, GUEST), 1);
}

TEST(full_lengths)
{
	int fd = open_device(O_RDWR);
	struct hv_kvp_get arg;
	char key[HV_KVP_KEY_MAX];

	for (size_t i = 0; i < sizeof(big); i += 3)
		memcpy(big + i, "\xe2\x82\xac", 3);
	memcpy(key, big, sizeof(key));
	OK(set_typed(fd, GUEST, SZ, key, sizeof(key), big, HV_KVP_VALUE_MAX));
	OK(get_into(fd, GUEST, key, sizeof(key), out, sizeof(out), &arg));
	EQUAL(arg.value_size, HV_KVP_VALUE_MAX);
	CHECK(!memcmp(out, big, HV_KVP_VALUE_MAX));
}

TEST(too_long)
{
	int fd = open_device(O_RDWR);

	memset(big, 'x', sizeof(big));
	OK(set_typed(fd, GUEST, SZ, big, 255, big, 1023));
	FAILS(set_typed(fd, GUEST, SZ, big, 256, big, 1), ENAMETOOLONG);
	FAILS(set_typed(fd, GUEST, SZ, big, 766, big, 1), ENAMETOOLONG);
	FAILS(set_typed(fd, GUEST, SZ, big, 1, big, 1024), EMSGSIZE);
	FAILS(set_typed(fd, GUEST, SZ, big, 1, big, 3070), EMSGSIZE);
	FAILS(set_typed(fd, GUEST, SZ, big, 1, big, 0xffffffff), EMSGSIZE);
	EQUAL(count_items(fd, GUEST), 1);
}

TEST(bad_values)
{
	int fd = open_device(O_RDWR);
	uint64_t before = generation(fd, GUEST);
	uint64_t number = 1;

	FAILS(set_typed(fd, GUEST, SZ, "", 0, "v", 1), EINVAL);
	FAILS(set_typed(fd, GUEST, SZ, "a\0", 2, "v", 1), EINVAL);
	FAILS(set_typed(fd, GUEST, SZ, "k", 1, "a\0b", 3), EINVAL);
	FAILS(set_typed(fd, GUEST, SZ, "k", 1, "\x80", 1), EILSEQ);
	FAILS(set_typed(fd, GUEST, SZ, "k", 1, "\xf4\x90\x80\x80", 4), EILSEQ);
	/* what cannot be UTF-16 of any text: unpaired surrogates */
	FAILS(set_typed(fd, GUEST, SZ, "k", 1, "\xed\xa0\x80", 3), EILSEQ);
	FAILS(set_typed(fd, GUEST, SZ, "\xed\xb0\x80", 3, "v", 1), EILSEQ);
	FAILS(set_typed(fd, GUEST, HV_KVP_TYPE_EXPAND_SZ, "k", 1,
			"\xed\xb0\x80", 3), EILSEQ);
	FAILS(set_typed(fd, GUEST, HV_KVP_TYPE_DWORD, "k", 1, &number, 8),
	      EINVAL);
	FAILS(set_typed(fd, GUEST, HV_KVP_TYPE_QWORD, "k", 1, &number, 4),
	      EINVAL);
	FAILS(set_typed(fd, GUEST, HV_KVP_TYPE_DWORD, "k", 1, &number, 0),
	      EINVAL);
	for (unsigned int type = 0; type < 20; type++)
		if (type != 1 && type != 2 && type != 4 && type != 11)
			FAILS(set_typed(fd, GUEST, type, "k", 1, &number, 8),
			      EINVAL);
	FAILS(set_typed(fd, GUEST, 0x10001, "k", 1, "v", 1), EINVAL);
	EQUAL(generation(fd, GUEST), before);
}

TEST(bad_arguments)
{
	int fd = open_device(O_RDWR);
	struct hv_kvp_set arg = {
		.key = PTR("k"), .key_len = 1, .value = PTR("v"),
		.value_len = 1, .pool = GUEST, .type = SZ,
		.flags = HV_KVP_EPHEMERAL << 1,
	};

	FAILS(ioctl(fd, HV_KVP_IOC_SET, &arg), EINVAL);
	arg.flags = 0;
	arg.reserved = 1;
	FAILS(ioctl(fd, HV_KVP_IOC_SET, &arg), EINVAL);
	arg.reserved = 0;
	OK(ioctl(fd, HV_KVP_IOC_SET, &arg));
}

TEST(other_pools)
{
	int fd = open_device(O_RDWR);

	FAILS(set_typed(fd, HV_KVP_POOL_EXTERNAL, SZ, "k", 1, "v", 1), EPERM);
	FAILS(set_typed(fd, HV_KVP_POOL_AUTO_EXTERNAL, SZ, "k", 1, "v", 1),
	      EPERM);
	FAILS(set_typed(fd, HV_KVP_POOL_AUTO_INTERNAL, SZ, "k", 1, "v", 1),
	      EPERM);
	FAILS(set_typed(fd, HV_KVP_POOL_AUTO, SZ, "k", 1, "v", 1), ENOENT);
	FAILS(set_typed(fd, HV_KVP_POOL_COUNT, SZ, "k", 1, "v", 1), EINVAL);
}

TEST(not_open_for_writing)
{
	FAILS(set(open_device(O_RDONLY), "k", "v"), EBADF);
	OK(set(open_device(O_WRONLY), "k", "v"));
}

TEST(bad_pointer)
{
	int fd = open_device(O_RDWR);

	FAILS(set_typed(fd, GUEST, SZ, BAD_POINTER, 1, "v", 1), EFAULT);
	FAILS(set_typed(fd, GUEST, SZ, "k", 1, BAD_POINTER, 1), EFAULT);
	FAILS(set_typed(fd, GUEST, SZ, "k", 1, edge() - 1, 2), EFAULT);
	FAILS(set_typed(fd, GUEST, HV_KVP_TYPE_DWORD, "k", 1, edge() - 3, 4),
	      EFAULT);
	FAILS(set_typed(fd, GUEST, HV_KVP_TYPE_QWORD, "k", 1, edge() - 7, 8),
	      EFAULT);
	FAILS(ioctl(fd, HV_KVP_IOC_SET, BAD_POINTER), EFAULT);
	EQUAL(count_items(fd, GUEST), 0);
}

TEST(limit)
{
	int fd = open_device(O_RDWR);
	unsigned int max = info(fd).agent_items_max;
	char key[16];

	/* the guest is booted with a limit that can be reached */
	CHECK(max <= 5000);
	for (unsigned int i = 0; i < max; i++) {
		snprintf(key, sizeof(key), "%u", i);
		OK(set(fd, key, "v"));
	}
	FAILS(set(fd, "one more", "v"), ENOSPC);
	OK(set(fd, "0", "an update"));
	OK(delete(fd, "1"));
	OK(set(fd, "one more", "v"));
	EQUAL(count_items(fd, GUEST), max);
}

/* What one fills without privileges is not all: root can store things still. */
TEST(limit_without_privilege)
{
	int fd = open_device(O_RDWR);
	unsigned int max = info(fd).agent_items_max, open = max - max / 4;
	char key[16];
	int status;

	if (!fork()) {
		OK(setuid(NOBODY));
		for (unsigned int i = 0; i < open; i++) {
			snprintf(key, sizeof(key), "%u", i);
			OK(set(fd, key, "v"));
		}
		FAILS(set(fd, "one more", "v"), ENOSPC);
		OK(set(fd, "0", "an update"));
		_exit(0);
	}
	OK(wait(&status));
	EQUAL(status, 0);
	EQUAL(count_items(fd, GUEST), open);
	for (unsigned int i = open; i < max; i++) {
		snprintf(key, sizeof(key), "%u", i);
		OK(set(fd, key, "v"));
	}
	FAILS(set(fd, "one more", "v"), ENOSPC);
}

#define WRITERS	4
#define EACH	200

TEST(many_writers)
{
	int fd = open_device(O_RDWR);
	uint64_t before = generation(fd, GUEST);

	for (int w = 0; w < WRITERS; w++) {
		if (fork())
			continue;
		for (int i = 0; i < EACH; i++) {
			char key[16];

			snprintf(key, sizeof(key), "%d-%d", w, i);
			OK(set(fd, key, "v"));
		}
		_exit(0);
	}
	for (int w = 0; w < WRITERS; w++) {
		int status;

		OK(wait(&status));
		EQUAL(status, 0);
	}
	EQUAL(count_items(fd, GUEST), WRITERS * EACH);
	EQUAL(generation(fd, GUEST), before + WRITERS * EACH);
}
