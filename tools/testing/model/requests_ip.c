// SPDX-License-Identifier: GPL-2.0
/*
 * The guest that requests.c asks, with the driver's own broker of SET_IP_INFO,
 * and the requests about addresses: every allocation of them fails in turn.
 *
 * The answer to GET_IP_INFO comes from the kernel's network stack, which there is
 * none of here, and takes no memory. In its place is a callback that takes some
 * and says so: the service has to make the best of that.
 */
#include <asm/byteorder.h>
#include <linux/kernel.h>
#include <linux/slab.h>
#include <linux/timekeeping.h>

#include "changes.h"
#include "channel.h"
#include "requests.h"
#include "setip.h"

#include <uapi/linux/hyperv.h>

/* Items of the pools that a request is not about, and the room that GET_IP takes. */
#define OTHERS	3
#define SCRATCH	100

static struct hkvp_channel channel;
static struct hv_kvp_ipaddr_value *daemon_has;	/* what the daemon is to apply */
static u64 daemon_id;
static bool daemon_there;

/* What setip.c is wired to: the rest of the guest. */

void hkvp_channel_kick(struct hkvp_channel *ch)
{
	REQUIRE(ch == &channel);
}

void hkvp_changes_request(enum hkvp_place place, u64 id)
{
	(void)place;
	(void)id;
}

/* As the old daemon's device does. */
static int daemon_request(u64 id, const struct hv_kvp_ipaddr_value *ip)
{
	struct hv_kvp_ipaddr_value *copy = kmemdup(ip, sizeof(*ip), GFP_KERNEL);

	if (!copy)
		return -ENOMEM;
	if (!daemon_there) {
		kfree(copy);
		return -ENOTCONN;
	}
	REQUIRE(!daemon_has);
	daemon_has = copy;
	daemon_id = id;
	return 0;
}

static void daemon_cancel(u64 id)
{
	if (!daemon_has || id != daemon_id)
		return;
	kfree(daemon_has);
	daemon_has = NULL;
}

static const struct hkvp_setip_legacy legacy = {
	.request = daemon_request,
	.cancel = daemon_cancel,
};

static void count_change(void *ctx, enum hkvp_pool_id pool)
{
	REQUIRE(ctx == &world);
	world.changed++;
	world.changed_pool = pool;
}

static void connected(void *ctx)
{
	world.told++;
	hkvp_setip_connected(ctx);
}

static int use_memory(gfp_t gfp)
{
	void *scratch = kmalloc(SCRATCH, gfp);

	if (!scratch)
		return -ENOMEM;
	kfree(scratch);
	return 0;
}

static int get_ip_strings(void *ctx, struct hkvp_ip_strings *ip, gfp_t gfp)
{
	int err = use_memory(gfp);

	(void)ctx;
	if (!err)
		ip->family = HKVP_IP_BOTH;
	return err;
}

static int get_ip_binary(void *ctx, struct hkvp_ip_binary *ip, gfp_t gfp)
{
	int err = use_memory(gfp);

	(void)ctx;
	if (!err)
		ip->family = HKVP_IP_BOTH;
	return err;
}

static const struct hkvp_service_ops ops = {
	.changed = count_change,
	.connected = connected,
	.get_ip_strings = get_ip_strings,
	.get_ip_binary = get_ip_binary,
	.set_ip_strings = hkvp_setip_strings,
	.set_ip_binary = hkvp_setip_binary,
	.cancel = hkvp_setip_cancel,
};

static void add_others(struct hkvp_pool *pool)
{
	u8 key[MODEL_KEY_SIZE];
	u32 i;

	for (i = 0; i < OTHERS; i++) {
		const struct hkvp_change change = {
			.key = key,
			/* no key that a request is about */
			.key_size = model_key(key, 1000000 + i),
			.value = "v",
			.value_size = 2,
			.type = HKVP_TYPE_SZ,
			.owner = HKVP_OWNER_AGENT,
		};

		REQUIRE(!hkvp_pool_change(pool, &change, GFP_KERNEL));
	}
}

void begin_world(u32 version, u8 empty)
{
	struct exchange x;
	struct run run;
	u8 *p;
	u32 i;

	memset(&world, 0, sizeof(world));
	for (i = 0; i < HKVP_POOL_COUNT; i++) {
		REQUIRE(!hkvp_pool_init(&world.pools[i], &no_limits));
		if (i != empty)
			add_others(&world.pools[i]);
	}
	channel.wq = alloc_ordered_workqueue("hv_kvp", 0);
	REQUIRE(channel.wq);
	hkvp_setip_init(&channel, &legacy, &world.ip_left_out);
	hkvp_ic_init(&world.ic, world.pools, &ops, &world);

	shim_boottime = 1;
	host_negotiate(&x, version);
	p = copy_of(&x.request, x.len);
	REQUIRE(handle(p, x.len, CALLBACK, 0, &run) == HKVP_REPLY);
	REQUIRE(!memcmp(p, &x.answer, x.len));
	free(p);
	REQUIRE(world.told == 1);
	/* Late: for an agent that is not there nobody waits any more. */
	shim_boottime += HKVP_IP_EARLY_NS;
}

void end_world(void)
{
	u32 i;

	hkvp_ic_close(&world.ic);
	hkvp_setip_exit();
	destroy_workqueue(channel.wq);
	for (i = 0; i < HKVP_POOL_COUNT; i++)
		hkvp_pool_destroy(&world.pools[i]);
}

/* Who is there to apply what the host asks for. */
enum applier {
	NOBODY,
	AGENT,
	DAEMON,
};

static const char * const appliers[] = { "nobody", "agent", "daemon" };

static void arrive(enum applier who)
{
	daemon_there = who == DAEMON;
	if (who == AGENT)
		REQUIRE(!hkvp_setip_attach(&world));
}

static void leave(enum applier who)
{
	daemon_there = false;
	if (who == AGENT)
		REQUIRE(hkvp_ipagent_detach(hkvp_setip_agent(), &world));
}

/* Nobody has been asked for anything. */
static void expect_no_request(void)
{
	REQUIRE(!hkvp_ipagent_pending(hkvp_setip_agent()));
	REQUIRE(hkvp_ipagent_result(hkvp_setip_agent()) == -ESRCH);
	REQUIRE(!daemon_has);
}

/* Who is there has done what the host asked for. */
static void apply(enum applier who)
{
	struct hkvp_ip_request *request;
	u64 id;

	if (who == DAEMON) {
		REQUIRE(daemon_has);
		id = daemon_id;
		daemon_cancel(id);
		hkvp_setip_legacy_answered(id, HKVP_S_OK);
		return;
	}
	request = hkvp_ipagent_pending(hkvp_setip_agent());
	REQUIRE(request);
	id = request->id;
	REQUIRE(request->config.v4_count == 1 && request->config.v4_prefix[0] == 24);
	hkvp_ip_request_put(request);
	REQUIRE(!hkvp_ipagent_answer(hkvp_setip_agent(), &world, id, 0));
}

/* In the callback it is put off at once, whatever there is of memory. */
static void expect_put_off(const struct exchange *x, u8 *p)
{
	struct run run;

	REQUIRE(handle(p, x->len, CALLBACK, 1, &run) == HKVP_DEFER);
	REQUIRE(!run.allocations);
	REQUIRE(!memcmp(p, &x->kept, x->len));
	expect_no_request();
}

/* An allocation failed, also one of the daemon's part: not the same as no daemon. */
static void expect_refused(struct exchange *x, const u8 *p)
{
	host_refuse(x, HKVP_E_FAIL);
	REQUIRE(!memcmp(p, &x->answer, x->len), "status %#x",
		((const struct packet *)p)->ic.status);
	expect_no_request();
}

static void expect_applied(const struct exchange *x, u8 *p, enum applier who)
{
	struct run run;

	REQUIRE(!memcmp(p, &x->kept, x->len));
	apply(who);
	REQUIRE(handle(p, x->len, GFP_KERNEL, 1, &run) == HKVP_REPLY);
	REQUIRE(!run.allocations);
	REQUIRE(!memcmp(p, &x->answer, x->len));
	expect_no_request();
}

/* What was not done is kept to be looked at, until something newer takes its place. */
static void leave_refused(u32 version)
{
	struct exchange x;
	struct run run;
	u8 *p;

	host_ip(&x, HKVP_OP_SET_IP_INFO, version);
	host_refuse(&x, HKVP_E_NOT_SUPPORTED);
	p = copy_of(&x.request, x.len);
	REQUIRE(handle(p, x.len, GFP_KERNEL, 0, &run) == HKVP_REPLY);
	REQUIRE(!memcmp(p, &x.answer, x.len));
	free(p);
}

/* One SET, its @nth allocation failing. Whether it came to that. */
static bool set_once(enum applier who, u32 version, u32 nth)
{
	enum hkvp_verdict verdict;
	struct shim_memory memory;
	struct exchange x;
	struct run run;
	u8 *p;

	leave_refused(version);
	arrive(who);
	settle();
	memory = shim_memory();
	host_ip(&x, HKVP_OP_SET_IP_INFO, version);
	if (who == NOBODY)
		host_refuse(&x, HKVP_E_NOT_SUPPORTED);
	p = copy_of(&x.request, x.len);
	expect_put_off(&x, p);

	verdict = handle(p, x.len, GFP_KERNEL, nth, &run);
	if (run.failed) {
		REQUIRE(verdict == HKVP_REPLY);
		expect_refused(&x, p);
		REQUIRE(shim_memory().blocks == memory.blocks, "leak");
		REQUIRE(shim_memory().bytes == memory.bytes, "leak");
	} else if (who == NOBODY) {
		REQUIRE(verdict == HKVP_REPLY);
		REQUIRE(!memcmp(p, &x.answer, x.len));
	} else {
		REQUIRE(verdict == HKVP_WAIT);
		expect_applied(&x, p, who);
	}
	free(p);
	leave(who);
	return run.failed;
}

static void run_set(enum applier who, u32 version)
{
	struct shim_memory start = shim_memory();
	u32 nth = 1;

	begin_world(version, HKVP_POOL_COUNT);
	while (set_once(who, version, nth))
		nth++;
	end_world();
	REQUIRE(shim_memory().blocks == start.blocks, "leak");
	REQUIRE(shim_memory().bytes == start.bytes, "leak");
	REQUIRE(nth > 1);
	ktap_ok("requests: SET_IP_INFO, version %u, %s: %u failures",
		HKVP_VERSION_MAJOR(version), appliers[who], nth - 1);
}

static void answer_family(struct exchange *x, u32 version)
{
	if (version >= HOST_BINARY)
		x->answer.binary.ip.family = HKVP_IP_BOTH;
	else
		x->answer.strings.ip.family = HKVP_IP_BOTH;
}

static void run_get(u32 version, gfp_t gfp)
{
	bool callback = !gfpflags_allow_blocking(gfp);
	struct shim_memory memory;
	struct exchange x;
	struct run run;
	u8 *p;

	begin_world(version, HKVP_POOL_COUNT);
	settle();
	memory = shim_memory();
	host_ip(&x, HKVP_OP_GET_IP_INFO, version);
	answer_family(&x, version);
	p = copy_of(&x.request, x.len);
	if (callback) {
		REQUIRE(handle(p, x.len, gfp, 1, &run) == HKVP_DEFER);
		REQUIRE(run.failed);
		REQUIRE(!memcmp(p, &x.kept, x.len));
		REQUIRE(handle(p, x.len, GFP_KERNEL, 0, &run) == HKVP_REPLY);
	} else {
		REQUIRE(handle(p, x.len, gfp, 1, &run) == HKVP_REPLY);
		REQUIRE(run.failed);
		host_refuse(&x, HKVP_E_FAIL);
	}
	REQUIRE(!memcmp(p, &x.answer, x.len));
	REQUIRE(shim_memory().blocks == memory.blocks, "leak");
	free(p);
	end_world();
	ktap_ok("requests: GET_IP_INFO, version %u, %s", HKVP_VERSION_MAJOR(version),
		callback ? "callback" : "process");
}

u32 run_ip(bool plan)
{
	static const u32 versions[] = { HOST_STRINGS, HOST_BINARY };
	enum applier who;
	u32 i;

	for (i = 0; i < ARRAY_SIZE(versions) && !plan; i++) {
		for (who = NOBODY; who <= DAEMON; who++)
			run_set(who, versions[i]);
		run_get(versions[i], CALLBACK);
		run_get(versions[i], GFP_KERNEL);
	}
	return ARRAY_SIZE(versions) * (ARRAY_SIZE(appliers) + 2);
}
