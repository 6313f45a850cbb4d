// SPDX-License-Identifier: GPL-2.0
/* Tests of mirror.c. */
#include <linux/errno.h>

#include "kunit.h"
#include "mirror.h"

struct fixture {
	struct hkvp_mirror mirror;
	u64 asked;
	u32 kicks;
	char one, other;		/* two programs */
};

static void asked(void *ctx, u64 id)
{
	struct fixture *f = ctx;

	f->asked = id;
}

static void kick(void *ctx)
{
	struct fixture *f = ctx;

	f->kicks++;
}

static const struct hkvp_mirror_ops ops = {
	.asked = asked,
	.kick = kick,
};

static int set_up(struct kunit *test)
{
	struct fixture *f = kunit_kzalloc(test, sizeof(*f), GFP_KERNEL);

	if (!f)
		return -ENOMEM;
	test->priv = f;
	hkvp_mirror_init(&f->mirror, &ops, f);
	return 0;
}

static void test_nobody(struct kunit *test)
{
	struct fixture *f = test->priv;

	KUNIT_EXPECT_FALSE(test, hkvp_mirror_is_waited_for(&f->mirror));
	KUNIT_EXPECT_EQ(test, hkvp_mirror_ask(&f->mirror), 0);
	KUNIT_EXPECT_EQ(test, f->asked, 0);
	KUNIT_EXPECT_EQ(test, hkvp_mirror_answer(&f->mirror, &f->one, 0), -EPERM);
}

static void test_answer(struct kunit *test)
{
	struct fixture *f = test->priv;

	KUNIT_EXPECT_EQ(test, hkvp_mirror_attach(&f->mirror, &f->one), 0);
	KUNIT_EXPECT_TRUE(test, hkvp_mirror_is_waited_for(&f->mirror));
	KUNIT_EXPECT_EQ(test, hkvp_mirror_ask(&f->mirror), -EINPROGRESS);
	KUNIT_EXPECT_EQ(test, f->asked, 1);
	/* looked at again, and not asked again */
	KUNIT_EXPECT_EQ(test, hkvp_mirror_ask(&f->mirror), -EINPROGRESS);
	KUNIT_EXPECT_EQ(test, f->asked, 1);
	KUNIT_EXPECT_EQ(test, hkvp_mirror_answer(&f->mirror, &f->other, 1), -EPERM);
	KUNIT_EXPECT_EQ(test, hkvp_mirror_answer(&f->mirror, &f->one, 2), -ESTALE);
	KUNIT_EXPECT_EQ(test, f->kicks, 0);
	KUNIT_EXPECT_EQ(test, hkvp_mirror_answer(&f->mirror, &f->one, 1), 0);
	KUNIT_EXPECT_EQ(test, f->kicks, 1);
	KUNIT_EXPECT_EQ(test, hkvp_mirror_answer(&f->mirror, &f->one, 1), -ESTALE);
	KUNIT_EXPECT_EQ(test, hkvp_mirror_ask(&f->mirror), 0);
	/* the next request is another question */
	KUNIT_EXPECT_EQ(test, hkvp_mirror_ask(&f->mirror), -EINPROGRESS);
	KUNIT_EXPECT_EQ(test, f->asked, 2);
}

/* A mirror that is stopped costs the host one time. */
static void test_late(struct kunit *test)
{
	struct fixture *f = test->priv;

	hkvp_mirror_attach(&f->mirror, &f->one);
	KUNIT_EXPECT_EQ(test, hkvp_mirror_ask(&f->mirror), -EINPROGRESS);
	/* the time of an earlier question */
	hkvp_mirror_expire(&f->mirror, 0);
	KUNIT_EXPECT_EQ(test, hkvp_mirror_ask(&f->mirror), -EINPROGRESS);
	hkvp_mirror_expire(&f->mirror, 1);
	KUNIT_EXPECT_EQ(test, f->kicks, 1);
	KUNIT_EXPECT_EQ(test, hkvp_mirror_ask(&f->mirror), 0);
	KUNIT_EXPECT_FALSE(test, hkvp_mirror_is_waited_for(&f->mirror));
	KUNIT_EXPECT_EQ(test, hkvp_mirror_ask(&f->mirror), 0);
	KUNIT_EXPECT_EQ(test, f->asked, 1);
	/* it is there again */
	KUNIT_EXPECT_EQ(test, hkvp_mirror_answer(&f->mirror, &f->one, 1), -ESTALE);
	KUNIT_EXPECT_EQ(test, hkvp_mirror_ask(&f->mirror), -EINPROGRESS);
	KUNIT_EXPECT_EQ(test, f->asked, 2);
	hkvp_mirror_expire(&f->mirror, 2);
	KUNIT_EXPECT_EQ(test, hkvp_mirror_ask(&f->mirror), 0);
	KUNIT_EXPECT_EQ(test, hkvp_mirror_attach(&f->mirror, &f->one), 0);
	KUNIT_EXPECT_TRUE(test, hkvp_mirror_is_waited_for(&f->mirror));
}

static void test_detach(struct kunit *test)
{
	struct fixture *f = test->priv;

	hkvp_mirror_attach(&f->mirror, &f->one);
	KUNIT_EXPECT_EQ(test, hkvp_mirror_attach(&f->mirror, &f->other), -EBUSY);
	KUNIT_EXPECT_EQ(test, hkvp_mirror_ask(&f->mirror), -EINPROGRESS);
	hkvp_mirror_detach(&f->mirror, &f->other);
	KUNIT_EXPECT_TRUE(test, hkvp_mirror_is(&f->mirror, &f->one));
	/* the request that waits goes on */
	hkvp_mirror_detach(&f->mirror, &f->one);
	KUNIT_EXPECT_EQ(test, f->kicks, 1);
	KUNIT_EXPECT_EQ(test, hkvp_mirror_ask(&f->mirror), 0);
	KUNIT_EXPECT_EQ(test, hkvp_mirror_ask(&f->mirror), 0);
	KUNIT_EXPECT_EQ(test, hkvp_mirror_attach(&f->mirror, &f->other), 0);
}

static void test_cancel(struct kunit *test)
{
	struct fixture *f = test->priv;

	hkvp_mirror_attach(&f->mirror, &f->one);
	KUNIT_EXPECT_EQ(test, hkvp_mirror_ask(&f->mirror), -EINPROGRESS);
	hkvp_mirror_cancel(&f->mirror);
	KUNIT_EXPECT_EQ(test, hkvp_mirror_answer(&f->mirror, &f->one, 1), -ESTALE);
	KUNIT_EXPECT_EQ(test, f->kicks, 0);
	/* not the answer to the one before */
	KUNIT_EXPECT_EQ(test, hkvp_mirror_ask(&f->mirror), -EINPROGRESS);
	KUNIT_EXPECT_EQ(test, f->asked, 2);
	/* answered, and the host has started over before it saw that */
	KUNIT_EXPECT_EQ(test, hkvp_mirror_answer(&f->mirror, &f->one, 2), 0);
	hkvp_mirror_cancel(&f->mirror);
	KUNIT_EXPECT_EQ(test, hkvp_mirror_ask(&f->mirror), -EINPROGRESS);
}

static struct kunit_case cases[] = {
	KUNIT_CASE(test_nobody),
	KUNIT_CASE(test_answer),
	KUNIT_CASE(test_late),
	KUNIT_CASE(test_detach),
	KUNIT_CASE(test_cancel),
	{ }
};

struct kunit_suite hkvp_mirror_suite = {
	.name = "hkvp_mirror",
	.init = set_up,
	.test_cases = cases,
};
