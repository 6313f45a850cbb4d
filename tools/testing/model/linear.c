// SPDX-License-Identifier: GPL-2.0
#include "common.h"
#include "linear.h"

#define SLOTS (1u << 18)

/* What has been tried: the operations done, and the state that they led to. */
static struct {
	u64 done;
	u64 state;
	u64 search;
} seen[SLOTS];

static u64 search_number;

struct search {
	const struct linear_op *op;
	u32 count;
	u64 all;
	linear_apply apply;
	u32 remembered;
};

static bool was_seen(struct search *s, u64 done, u64 state)
{
	u64 hash = (done * 0x9e3779b97f4a7c15ull) ^ (state * 0xc2b2ae3d27d4eb4full);
	u32 slot = (hash ^ hash >> 29) % SLOTS;

	for (; seen[slot].search == search_number; slot = (slot + 1) % SLOTS)
		if (seen[slot].done == done && seen[slot].state == state)
			return true;
	REQUIRE(++s->remembered < SLOTS / 2, "the history is too large to search");
	seen[slot].done = done;
	seen[slot].state = state;
	seen[slot].search = search_number;
	return false;
}

static bool search(struct search *s, u64 done, u64 state)
{
	u64 first_reply = ~0ull;
	u32 i;

	if (done == s->all)
		return true;
	if (was_seen(s, done, state))
		return false;
	for (i = 0; i < s->count; i++)
		if (!(done >> i & 1) && s->op[i].reply < first_reply)
			first_reply = s->op[i].reply;
	for (i = 0; i < s->count; i++) {
		u64 next = state;

		/* One that began after another had ended cannot come first. */
		if (done >> i & 1 || s->op[i].call > first_reply)
			continue;
		if (s->apply(&next, s->op[i].data) &&
		    search(s, done | 1ull << i, next))
			return true;
	}
	return false;
}

bool linearizable(const struct linear_op *op, u32 count, u64 state,
		  linear_apply apply)
{
	struct search s = {
		.op = op,
		.count = count,
		.all = count == LINEAR_MAX ? ~0ull : (1ull << count) - 1,
		.apply = apply,
	};

	REQUIRE(count <= LINEAR_MAX);
	search_number++;
	return search(&s, 0, state);
}
