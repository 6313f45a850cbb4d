// SPDX-License-Identifier: GPL-2.0
/*
 * Tests of ipagent.c: each way a request can go, with a clock of their own.
 */
#include <linux/errno.h>
#include <linux/gfp.h>
#include "ipagent.h"
#include "kunit.h"

#define START	1000000000000ULL
#define LATE	(START + HKVP_IP_EARLY_NS)

struct fixture {
	struct hkvp_ipagent agent;
	u64 now;
	/* what the callbacks saw, and what the daemon is to return */
	u32 kicks;
	u32 told;
	u64 told_id;
	u64 legacy_id;
	u64 cancelled;
	int legacy_ret;
	void (*in_legacy)(struct fixture *f);
	/* two descriptors */
	int a, b;
};

static void kick(void *ctx)
{
	struct fixture *f = ctx;

	f->kicks++;
}

static void told(void *ctx, u64 id)
{
	struct fixture *f = ctx;

	f->told++;
	f->told_id = id;
}

static int legacy_request(void *ctx, const struct hkvp_ip_request *request)
{
	struct fixture *f = ctx;
	void (*meanwhile)(struct fixture *f) = f->in_legacy;

	f->legacy_id = request->id;
	f->in_legacy = NULL;
	if (meanwhile)
		meanwhile(f);
	return f->legacy_ret;
}

static void legacy_cancel(void *ctx, u64 id)
{
	struct fixture *f = ctx;

	f->cancelled = id;
}

static const struct hkvp_ipagent_ops ops = {
	.kick = kick,
	.told = told,
	.legacy_request = legacy_request,
	.legacy_cancel = legacy_cancel,
};

static int set_up(struct kunit *test)
{
	struct fixture *f = kunit_kzalloc(test, sizeof(*f), GFP_KERNEL);

	if (!f)
		return -ENOMEM;
	test->priv = f;
	f->now = START;
	f->legacy_ret = -ENOTCONN;
	hkvp_ipagent_init(&f->agent, &ops, f);
	hkvp_ipagent_connected(&f->agent, START);
	return 0;
}

static void tear_down(struct kunit *test)
{
	struct fixture *f = test->priv;

	if (f)
		hkvp_ipagent_destroy(&f->agent);
}

static int submit(struct kunit *test)
{
	struct fixture *f = test->priv;
	struct hkvp_ip_request *request = hkvp_ip_request_alloc(GFP_KERNEL);

	KUNIT_ASSERT_NOT_NULL(test, request);
	return hkvp_ipagent_submit(&f->agent, request, f->now);
}

/* Id of the request that a function gave, 0 for none. */
static u64 id_of(struct hkvp_ip_request *request)
{
	u64 id = request ? request->id : 0;

	hkvp_ip_request_put(request);
	return id;
}

static u64 pending(struct fixture *f)
{
	return id_of(hkvp_ipagent_pending(&f->agent));
}

static u64 refused(struct fixture *f)
{
	return id_of(hkvp_ipagent_refused(&f->agent));
}

static void test_no_request(struct kunit *test)
{
	struct fixture *f = test->priv;

	KUNIT_EXPECT_EQ(test, hkvp_ipagent_result(&f->agent), -ESRCH);
	KUNIT_EXPECT_EQ(test, hkvp_ipagent_expire(&f->agent, f->now), 0);
	KUNIT_EXPECT_EQ(test, hkvp_ipagent_attach(&f->agent, &f->a, f->now), 0);
	KUNIT_EXPECT_EQ(test, pending(f), 0);
	KUNIT_EXPECT_EQ(test, refused(f), 0);
	KUNIT_EXPECT_EQ(test, hkvp_ipagent_answer(&f->agent, &f->a, 1, 0),
			-ESTALE);
	hkvp_ipagent_legacy_registered(&f->agent, f->now);
	hkvp_ipagent_legacy_answered(&f->agent, 1, 0);
	hkvp_ipagent_cancel(&f->agent);
	KUNIT_EXPECT_EQ(test, f->kicks, 0);
	KUNIT_EXPECT_EQ(test, f->legacy_id, 0);
	KUNIT_EXPECT_EQ(test, f->cancelled, 0);
}

static void test_answer(struct kunit *test)
{
	struct fixture *f = test->priv;
	u64 id;

	hkvp_ipagent_attach(&f->agent, &f->a, f->now);
	KUNIT_EXPECT_EQ(test, submit(test), -EINPROGRESS);
	id = f->told_id;
	KUNIT_EXPECT_EQ(test, f->told, 1);
	KUNIT_EXPECT_EQ(test, pending(f), id);
	KUNIT_EXPECT_EQ(test, f->legacy_id, 0);
	KUNIT_EXPECT_EQ(test, hkvp_ipagent_result(&f->agent), -EINPROGRESS);
	KUNIT_EXPECT_EQ(test, hkvp_ipagent_answer(&f->agent, &f->b, id, 0),
			-EPERM);
	KUNIT_EXPECT_EQ(test, hkvp_ipagent_answer(&f->agent, &f->a, id + 1, 0),
			-ESTALE);
	KUNIT_EXPECT_EQ(test, f->kicks, 0);
	KUNIT_EXPECT_EQ(test, hkvp_ipagent_answer(&f->agent, &f->a, id, 0), 0);
	KUNIT_EXPECT_EQ(test, f->kicks, 1);
	/* once only, also before the host's side has fetched it */
	KUNIT_EXPECT_EQ(test, hkvp_ipagent_answer(&f->agent, &f->a, id, -EIO),
			-ESTALE);
	KUNIT_EXPECT_EQ(test, pending(f), 0);
	KUNIT_EXPECT_EQ(test, hkvp_ipagent_result(&f->agent), 0);
	KUNIT_EXPECT_EQ(test, hkvp_ipagent_result(&f->agent), -ESRCH);
	KUNIT_EXPECT_EQ(test, refused(f), 0);
}

/* What fails is kept, the next replaces it, and success forgets it. */
static void test_refused(struct kunit *test)
{
	struct fixture *f = test->priv;

	hkvp_ipagent_attach(&f->agent, &f->a, f->now);
	submit(test);
	hkvp_ipagent_answer(&f->agent, &f->a, f->told_id, -EINVAL);
	KUNIT_EXPECT_EQ(test, refused(f), f->told_id);
	KUNIT_EXPECT_EQ(test, hkvp_ipagent_result(&f->agent), -EINVAL);
	KUNIT_EXPECT_EQ(test, refused(f), f->told_id);
	submit(test);
	KUNIT_EXPECT_EQ(test, refused(f), f->told_id - 1);
	hkvp_ipagent_answer(&f->agent, &f->a, f->told_id, -EOPNOTSUPP);
	KUNIT_EXPECT_EQ(test, hkvp_ipagent_result(&f->agent), -EOPNOTSUPP);
	KUNIT_EXPECT_EQ(test, refused(f), f->told_id);
	submit(test);
	hkvp_ipagent_answer(&f->agent, &f->a, f->told_id, 0);
	KUNIT_EXPECT_EQ(test, refused(f), 0);
}

static void test_one_agent(struct kunit *test)
{
	struct fixture *f = test->priv;

	KUNIT_EXPECT_EQ(test, hkvp_ipagent_attach(&f->agent, &f->a, f->now), 0);
	KUNIT_EXPECT_EQ(test, hkvp_ipagent_attach(&f->agent, &f->a, f->now), 0);
	KUNIT_EXPECT_EQ(test, hkvp_ipagent_attach(&f->agent, &f->b, f->now), -EBUSY);
	KUNIT_EXPECT_TRUE(test, hkvp_ipagent_is(&f->agent, &f->a));
	KUNIT_EXPECT_FALSE(test, hkvp_ipagent_is(&f->agent, &f->b));
	KUNIT_EXPECT_FALSE(test, hkvp_ipagent_detach(&f->agent, &f->b));
	KUNIT_EXPECT_TRUE(test, hkvp_ipagent_detach(&f->agent, &f->a));
	KUNIT_EXPECT_FALSE(test, hkvp_ipagent_detach(&f->agent, &f->a));
	KUNIT_EXPECT_EQ(test, hkvp_ipagent_attach(&f->agent, &f->b, f->now), 0);
}

static void test_death(struct kunit *test)
{
	struct fixture *f = test->priv;

	hkvp_ipagent_attach(&f->agent, &f->a, f->now);
	submit(test);
	hkvp_ipagent_detach(&f->agent, &f->a);
	KUNIT_EXPECT_EQ(test, f->kicks, 1);
	KUNIT_EXPECT_EQ(test, hkvp_ipagent_result(&f->agent), -EIO);
	KUNIT_EXPECT_EQ(test, refused(f), f->told_id);
	/* the next agent does not inherit it */
	hkvp_ipagent_attach(&f->agent, &f->b, f->now);
	KUNIT_EXPECT_EQ(test, pending(f), 0);
}

static void test_timeout(struct kunit *test)
{
	struct fixture *f = test->priv;
	u64 end = START + HKVP_IP_TIMEOUT_NS;

	hkvp_ipagent_attach(&f->agent, &f->a, f->now);
	submit(test);
	KUNIT_EXPECT_EQ(test, hkvp_ipagent_expire(&f->agent, START),
			HKVP_IP_TIMEOUT_NS);
	KUNIT_EXPECT_EQ(test, hkvp_ipagent_expire(&f->agent, end - 1), 1);
	KUNIT_EXPECT_EQ(test, f->kicks, 0);
	KUNIT_EXPECT_EQ(test, hkvp_ipagent_expire(&f->agent, end), 0);
	KUNIT_EXPECT_EQ(test, f->kicks, 1);
	KUNIT_EXPECT_EQ(test, hkvp_ipagent_expire(&f->agent, end), 0);
	KUNIT_EXPECT_EQ(test, f->kicks, 1);
	KUNIT_EXPECT_EQ(test, hkvp_ipagent_answer(&f->agent, &f->a, f->told_id,
						  0), -ESTALE);
	KUNIT_EXPECT_EQ(test, hkvp_ipagent_result(&f->agent), -ETIMEDOUT);
	KUNIT_EXPECT_EQ(test, refused(f), f->told_id);
}

/* Without an agent: a wait in the first 120 s, and none later. */
static void test_early_and_late(struct kunit *test)
{
	struct fixture *f = test->priv;

	f->now = LATE - 1;
	KUNIT_EXPECT_EQ(test, submit(test), -EINPROGRESS);
	KUNIT_EXPECT_EQ(test, f->told, 0);
	KUNIT_EXPECT_EQ(test, pending(f), 0);
	hkvp_ipagent_attach(&f->agent, &f->a, f->now);
	KUNIT_EXPECT_EQ(test, f->told, 1);
	KUNIT_EXPECT_EQ(test, pending(f), f->told_id);
	KUNIT_EXPECT_EQ(test, hkvp_ipagent_answer(&f->agent, &f->a, f->told_id,
						  0), 0);
	KUNIT_EXPECT_EQ(test, hkvp_ipagent_result(&f->agent), 0);
	hkvp_ipagent_detach(&f->agent, &f->a);

	f->now = LATE;
	KUNIT_EXPECT_EQ(test, submit(test), -EOPNOTSUPP);
	KUNIT_EXPECT_EQ(test, refused(f), 2);
	KUNIT_EXPECT_EQ(test, hkvp_ipagent_result(&f->agent), -ESRCH);
	hkvp_ipagent_connected(&f->agent, LATE);
	KUNIT_EXPECT_EQ(test, submit(test), -EINPROGRESS);
	f->now += HKVP_IP_EARLY_NS - 1;
	KUNIT_EXPECT_EQ(test, hkvp_ipagent_expire(&f->agent, f->now), 1);
	f->now++;
	KUNIT_EXPECT_EQ(test, hkvp_ipagent_expire(&f->agent, f->now), 0);
	/* nobody came: no agent, and not one that was too slow */
	KUNIT_EXPECT_EQ(test, hkvp_ipagent_result(&f->agent), -EOPNOTSUPP);
	KUNIT_EXPECT_EQ(test, refused(f), 3);
}

/* However long it was waited for: who gets to hold a request has his 30 s. */
static void test_slow_boot(struct kunit *test)
{
	struct fixture *f = test->priv;

	KUNIT_EXPECT_EQ(test, submit(test), -EINPROGRESS);
	KUNIT_EXPECT_EQ(test, hkvp_ipagent_expire(&f->agent, f->now),
			HKVP_IP_EARLY_NS);
	f->now = START + 2 * HKVP_IP_TIMEOUT_NS;
	KUNIT_EXPECT_EQ(test, hkvp_ipagent_expire(&f->agent, f->now),
			HKVP_IP_EARLY_NS - 2 * HKVP_IP_TIMEOUT_NS);
	hkvp_ipagent_attach(&f->agent, &f->a, f->now);
	KUNIT_EXPECT_EQ(test, pending(f), 1);
	/* less than before: it is somebody's now */
	KUNIT_EXPECT_EQ(test, hkvp_ipagent_expire(&f->agent, f->now),
			HKVP_IP_TIMEOUT_NS);
	f->now += HKVP_IP_TIMEOUT_NS;
	KUNIT_EXPECT_EQ(test, hkvp_ipagent_expire(&f->agent, f->now), 0);
	KUNIT_EXPECT_EQ(test, hkvp_ipagent_result(&f->agent), -ETIMEDOUT);
	hkvp_ipagent_detach(&f->agent, &f->a);

	/* the daemon, in the last moment */
	submit(test);
	f->now = LATE - 1;
	f->legacy_ret = 0;
	hkvp_ipagent_legacy_registered(&f->agent, f->now);
	KUNIT_EXPECT_EQ(test, f->legacy_id, 2);
	KUNIT_EXPECT_EQ(test, hkvp_ipagent_expire(&f->agent, LATE),
			HKVP_IP_TIMEOUT_NS - 1);
}

/* The channel is closed: nothing is left of the request, nor refused. */
static void test_cancel(struct kunit *test)
{
	struct fixture *f = test->priv;

	hkvp_ipagent_attach(&f->agent, &f->a, f->now);
	submit(test);
	hkvp_ipagent_cancel(&f->agent);
	KUNIT_EXPECT_EQ(test, pending(f), 0);
	KUNIT_EXPECT_EQ(test, refused(f), 0);
	KUNIT_EXPECT_EQ(test, hkvp_ipagent_answer(&f->agent, &f->a, f->told_id,
						  0), -ESTALE);
	hkvp_ipagent_detach(&f->agent, &f->a);
	KUNIT_EXPECT_EQ(test, hkvp_ipagent_expire(&f->agent, LATE), 0);
	KUNIT_EXPECT_EQ(test, f->kicks, 0);
	KUNIT_EXPECT_EQ(test, hkvp_ipagent_result(&f->agent), -ESRCH);

	/* one that was answered, but not fetched */
	hkvp_ipagent_attach(&f->agent, &f->a, f->now);
	submit(test);
	hkvp_ipagent_answer(&f->agent, &f->a, f->told_id, 0);
	hkvp_ipagent_cancel(&f->agent);
	KUNIT_EXPECT_EQ(test, hkvp_ipagent_result(&f->agent), -ESRCH);
	KUNIT_EXPECT_EQ(test, f->cancelled, 0);
}

static void test_legacy(struct kunit *test)
{
	struct fixture *f = test->priv;

	f->legacy_ret = 0;
	f->now = LATE;
	KUNIT_EXPECT_EQ(test, submit(test), -EINPROGRESS);
	KUNIT_EXPECT_EQ(test, f->legacy_id, 1);
	/* it is the daemon's now, whoever else comes */
	hkvp_ipagent_attach(&f->agent, &f->a, f->now);
	KUNIT_EXPECT_EQ(test, pending(f), 0);
	KUNIT_EXPECT_EQ(test, hkvp_ipagent_answer(&f->agent, &f->a, 1, 0),
			-ESTALE);
	hkvp_ipagent_detach(&f->agent, &f->a);
	KUNIT_EXPECT_EQ(test, f->kicks, 0);
	hkvp_ipagent_legacy_answered(&f->agent, 2, 0);
	KUNIT_EXPECT_EQ(test, f->kicks, 0);
	hkvp_ipagent_legacy_answered(&f->agent, 1, -EIO);
	KUNIT_EXPECT_EQ(test, f->kicks, 1);
	KUNIT_EXPECT_EQ(test, hkvp_ipagent_result(&f->agent), -EIO);
	KUNIT_EXPECT_EQ(test, refused(f), 1);
	KUNIT_EXPECT_EQ(test, f->told, 0);

	/* the agent on the device goes first */
	hkvp_ipagent_attach(&f->agent, &f->a, f->now);
	KUNIT_EXPECT_EQ(test, submit(test), -EINPROGRESS);
	KUNIT_EXPECT_EQ(test, f->told_id, 2);
	KUNIT_EXPECT_EQ(test, f->legacy_id, 1);
}

static void test_legacy_ends(struct kunit *test)
{
	struct fixture *f = test->priv;

	f->legacy_ret = 0;
	submit(test);
	KUNIT_EXPECT_EQ(test, hkvp_ipagent_expire(&f->agent, LATE), 0);
	KUNIT_EXPECT_EQ(test, f->cancelled, 1);
	KUNIT_EXPECT_EQ(test, hkvp_ipagent_result(&f->agent), -ETIMEDOUT);
	submit(test);
	hkvp_ipagent_cancel(&f->agent);
	KUNIT_EXPECT_EQ(test, f->cancelled, 2);
	hkvp_ipagent_legacy_answered(&f->agent, 2, 0);
	KUNIT_EXPECT_EQ(test, f->kicks, 1);
}

static void answers_at_once(struct fixture *f)
{
	hkvp_ipagent_legacy_answered(&f->agent, f->legacy_id, 0);
}

static void registers(struct fixture *f)
{
	f->legacy_ret = -ENOTCONN;
	hkvp_ipagent_legacy_registered(&f->agent, f->now);
}

static void time_is_over(struct fixture *f)
{
	hkvp_ipagent_expire(&f->agent, LATE);
	/* the daemon does not have it yet */
	f->cancelled = 0;
}

static void device_comes(struct fixture *f)
{
	hkvp_ipagent_attach(&f->agent, &f->a, f->now);
}

/* What can happen while the daemon is asked, without the lock. */
static void test_legacy_races(struct kunit *test)
{
	struct fixture *f = test->priv;

	f->legacy_ret = 0;
	f->in_legacy = answers_at_once;
	KUNIT_EXPECT_EQ(test, submit(test), 0);

	f->in_legacy = registers;
	KUNIT_EXPECT_EQ(test, submit(test), -EINPROGRESS);
	KUNIT_EXPECT_EQ(test, f->agent.holder, HKVP_IP_NOBODY);
	f->legacy_ret = 0;
	hkvp_ipagent_legacy_registered(&f->agent, f->now);
	KUNIT_EXPECT_EQ(test, f->agent.holder, HKVP_IP_LEGACY);
	hkvp_ipagent_cancel(&f->agent);

	/* ended before the daemon had it: it must not apply it after all */
	f->in_legacy = time_is_over;
	KUNIT_EXPECT_EQ(test, submit(test), -ETIMEDOUT);
	KUNIT_EXPECT_EQ(test, f->cancelled, f->legacy_id);

	f->legacy_ret = -ENOMEM;
	KUNIT_EXPECT_EQ(test, submit(test), -ENOMEM);
	f->in_legacy = device_comes;
	KUNIT_EXPECT_EQ(test, submit(test), -EINPROGRESS);
	KUNIT_EXPECT_EQ(test, pending(f), f->told_id);
	hkvp_ipagent_detach(&f->agent, &f->a);
	f->told = 0;

	f->legacy_ret = -ENOTCONN;
	f->in_legacy = device_comes;
	KUNIT_EXPECT_EQ(test, submit(test), -EINPROGRESS);
	KUNIT_EXPECT_EQ(test, f->told, 1);
	KUNIT_EXPECT_EQ(test, pending(f), f->told_id);
}

/* Who holds a request keeps it, whatever becomes of it meanwhile. */
static void test_reference(struct kunit *test)
{
	struct fixture *f = test->priv;
	struct hkvp_ip_request *request;

	hkvp_ipagent_attach(&f->agent, &f->a, f->now);
	submit(test);
	request = hkvp_ipagent_pending(&f->agent);
	KUNIT_ASSERT_NOT_NULL(test, request);
	hkvp_ipagent_cancel(&f->agent);
	KUNIT_EXPECT_EQ(test, request->id, f->told_id);
	KUNIT_EXPECT_EQ(test, refcount_read(&request->refs), 1);
	hkvp_ip_request_put(request);
	hkvp_ip_request_put(NULL);
}

static struct kunit_case cases[] = {
	KUNIT_CASE(test_no_request),
	KUNIT_CASE(test_answer),
	KUNIT_CASE(test_refused),
	KUNIT_CASE(test_one_agent),
	KUNIT_CASE(test_death),
	KUNIT_CASE(test_timeout),
	KUNIT_CASE(test_early_and_late),
	KUNIT_CASE(test_slow_boot),
	KUNIT_CASE(test_cancel),
	KUNIT_CASE(test_legacy),
	KUNIT_CASE(test_legacy_ends),
	KUNIT_CASE(test_legacy_races),
	KUNIT_CASE(test_reference),
	{}
};

struct kunit_suite hkvp_ipagent_suite = {
	.name = "hkvp_ipagent",
	.init = set_up,
	.exit = tear_down,
	.test_cases = cases,
};
