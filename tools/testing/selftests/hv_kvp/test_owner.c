// SPDX-License-Identifier: GPL-2.0
/* Whose items are: HV_KVP_IOC_BATCH with an owner, as one brings items in from elsewhere */
#include "harness.h"

static unsigned int flags_of(int fd, unsigned int pool, const char *key)
{
	static char value[HV_KVP_VALUE_MAX];
	struct hv_kvp_get arg;

	OK(get_into(fd, pool, key, strlen(key), value, sizeof(value), &arg));
	return arg.item_flags;
}

TEST(of_the_host)
{
	static const unsigned int pools[] = {
		HV_KVP_POOL_EXTERNAL, HV_KVP_POOL_AUTO_EXTERNAL,
		HV_KVP_POOL_AUTO_INTERNAL,
	};
	int fd = open_device(O_RDWR);

	for (unsigned int i = 0; i < ARRAY_SIZE(pools); i++) {
		unsigned int before = pool_info(fd, pools[i]).host_items;

		OK(import_one(fd, pools[i], false, "imported", "v", NULL));
		CHECK(!strcmp(get(fd, pools[i], "imported"), "v"));
		/* the host has not confirmed it */
		EQUAL(flags_of(fd, pools[i], "imported"),
		      HV_KVP_ITEM_HOST | HV_KVP_ITEM_STALE);
		EQUAL(pool_info(fd, pools[i]).host_items, before + 1);
	}
}

TEST(of_the_guest)
{
	int fd = open_device(O_RDWR);
	unsigned int kept;

	OK(import_one(fd, HV_KVP_POOL_GUEST, false, "k", "v", &kept));
	EQUAL(kept, 0);
	EQUAL(flags_of(fd, HV_KVP_POOL_GUEST, "k"), 0);
	EQUAL(pool_info(fd, HV_KVP_POOL_GUEST).agent_items, 1);
}

TEST(keeps_what_is_there)
{
	int fd = open_device(O_RDWR);
	unsigned int kept;

	OK(set(fd, "k", "new"));
	OK(import_one(fd, HV_KVP_POOL_GUEST, false, "k", "old", &kept));
	EQUAL(kept, 1);
	CHECK(!strcmp(get(fd, HV_KVP_POOL_GUEST, "k"), "new"));
	OK(import_one(fd, HV_KVP_POOL_GUEST, true, "k", "old", &kept));
	EQUAL(kept, 0);
	CHECK(!strcmp(get(fd, HV_KVP_POOL_GUEST, "k"), "old"));
}

/* For IF_ABSENT what is stale is not there. */
TEST(replaces_what_is_stale)
{
	int fd = open_device(O_RDWR);
	unsigned int kept;

	OK(import_one(fd, HV_KVP_POOL_EXTERNAL, false, "k", "1", &kept));
	OK(import_one(fd, HV_KVP_POOL_EXTERNAL, false, "k", "2", &kept));
	EQUAL(kept, 0);
	CHECK(!strcmp(get(fd, HV_KVP_POOL_EXTERNAL, "k"), "2"));
	/* what the host has sent itself is */
	OK(import_one(fd, HV_KVP_POOL_AUTO_EXTERNAL, false, "VirtualMachineId",
		      "other", &kept));
	EQUAL(kept, 1);
	CHECK(strcmp(get(fd, HV_KVP_POOL_AUTO_EXTERNAL, "VirtualMachineId"),
		     "other"));
}

/* Of a file with duplicates the last one is what counts. */
TEST(duplicates)
{
	int fd = open_device(O_RDWR);
	struct hv_kvp_op ops[2];
	struct hv_kvp_batch arg = {
		.ops = PTR(ops), .pool = HV_KVP_POOL_GUEST, .count = 2,
		.op_size = sizeof(ops[0]),
	};

	for (int i = 0; i < 2; i++)
		ops[i] = (struct hv_kvp_op) {
			.key = PTR("k"), .key_len = 1, .value = PTR("12" + i),
			.value_len = 1, .op = HV_KVP_OP_SET,
			.type = HV_KVP_TYPE_SZ,
			.flags = HV_KVP_IF_ABSENT | HV_KVP_OR_SKIP,
		};
	OK(ioctl(fd, HV_KVP_IOC_BATCH, &arg));
	EQUAL(arg.skipped, 0);
	CHECK(!strcmp(get(fd, HV_KVP_POOL_GUEST, "k"), "2"));
	OK(ioctl(fd, HV_KVP_IOC_BATCH, &arg));
	EQUAL(arg.skipped, 2);
}

TEST(surrogates)
{
	int fd = open_device(O_RDWR);

	/* what the host may have stored */
	OK(import_one(fd, HV_KVP_POOL_EXTERNAL, false, "\xed\xa0\x80",
		      "\xed\xb0\x80", NULL));
	CHECK(!strcmp(get(fd, HV_KVP_POOL_EXTERNAL, "\xed\xa0\x80"),
		      "\xed\xb0\x80"));
	FAILS(import_one(fd, HV_KVP_POOL_EXTERNAL, false, "\xff", "v", NULL),
	      EILSEQ);
	/* and what no agent can */
	for (int replace = 0; replace < 2; replace++) {
		FAILS(import_one(fd, HV_KVP_POOL_GUEST, replace, "\xed\xa0\x80",
				 "v", NULL), EILSEQ);
		FAILS(import_one(fd, HV_KVP_POOL_GUEST, replace, "k",
				 "a\xed\xb0\x80", NULL), EILSEQ);
	}
	EQUAL(count_items(fd, HV_KVP_POOL_GUEST), 0);
}

TEST(who_may_what)
{
	int fd = open_device(O_RDWR);
	struct hv_kvp_op op = {
		.key = PTR("k"), .key_len = 1, .op = HV_KVP_OP_SET,
		.type = HV_KVP_TYPE_SZ,
	};
	struct hv_kvp_batch arg = {
		.ops = PTR(&op), .count = 1, .op_size = sizeof(op),
	};

	arg.owner = HV_KVP_OWNER_MIRROR + 1;
	arg.pool = HV_KVP_POOL_GUEST;
	FAILS(ioctl(fd, HV_KVP_IOC_BATCH, &arg), EINVAL);
	/* the host's are in its own pools */
	arg.owner = HV_KVP_OWNER_HOST;
	FAILS(ioctl(fd, HV_KVP_IOC_BATCH, &arg), EOPNOTSUPP);
	arg.pool = HV_KVP_POOL_AUTO;
	FAILS(ioctl(fd, HV_KVP_IOC_BATCH, &arg), EOPNOTSUPP);
	arg.pool = HV_KVP_POOL_COUNT;
	FAILS(ioctl(fd, HV_KVP_IOC_BATCH, &arg), EINVAL);
	arg.pool = HV_KVP_POOL_EXTERNAL;
	op.flags = HV_KVP_EPHEMERAL;
	FAILS(ioctl(fd, HV_KVP_IOC_BATCH, &arg), EINVAL);
	op.flags = 0;
	op.type = 0;
	op.op = HV_KVP_OP_DELETE;
	FAILS(ioctl(fd, HV_KVP_IOC_BATCH, &arg), EOPNOTSUPP);
	EQUAL(arg.failed, 0);
	/* the mirror's in GUEST, and only the mirror makes them */
	op.op = HV_KVP_OP_SET;
	op.type = HV_KVP_TYPE_SZ;
	arg.owner = HV_KVP_OWNER_MIRROR;
	FAILS(ioctl(fd, HV_KVP_IOC_BATCH, &arg), EOPNOTSUPP);
	arg.pool = HV_KVP_POOL_GUEST;
	FAILS(ioctl(fd, HV_KVP_IOC_BATCH, &arg), EPERM);
	EQUAL(count_items(fd, HV_KVP_POOL_GUEST), 0);
}
