/* SPDX-License-Identifier: GPL-2.0 */
/*
 * What one run at the channel's ring may take: packets, and time.
 *
 * Packets alone are no bound: IP information of a guest with thousands of
 * interfaces takes a thousand times as long as an item.
 */
#ifndef HKVP_SHARE_H
#define HKVP_SHARE_H

#include <linux/compiler.h>
#include <linux/types.h>

#define HKVP_SHARE_PACKETS	64
/* As the network has it: net.core.netdev_budget_usecs. */
#define HKVP_SHARE_NS		2000000u

/**
 * struct hkvp_share - what a run has taken of its share; begins with zeroes
 * @packets: packets, the one that is asked about included
 * @end: no more packets from then on, ns
 */
struct hkvp_share {
	u32 packets;
	u64 end;
};

/**
 * hkvp_share_take() - whether the run may take one more packet
 * @share: of the run
 * @clock: ns that never go back
 *
 * Always one: time counts from the second on, because a host that waits for each
 * answer, as it should, is not to pay for a look at the clock.
 *
 * Context: any.
 * Return: true if it may.
 */
static __always_inline bool hkvp_share_take(struct hkvp_share *share,
					    u64 (*clock)(void))
{
	u64 now;

	if (!share->packets++)
		return true;
	if (share->packets > HKVP_SHARE_PACKETS)
		return false;
	now = clock();
	if (share->packets == 2)
		share->end = now + HKVP_SHARE_NS;
	return now < share->end;
}

#endif /* HKVP_SHARE_H */
