/* SPDX-License-Identifier: GPL-2.0 */
/*
 * One packet of the channel: checks pipe and IC header, hands the body to
 * negotiate.c or service.c, and turns the buffer into the answer in place.
 *
 * Pure; the fuzzers enter here.
 */
#ifndef HKVP_IC_H
#define HKVP_IC_H

#include <linux/types.h>
#include "service.h"

struct hkvp_ic;

/*
 * @packet, @len: payload of a VMBus packet (from the pipe header on), private
 * and writable; rewritten into the answer of the same length on HKVP_REPLY.
 * @gfp: GFP_ATOMIC in the channel callback, GFP_KERNEL in process context
 * (then never HKVP_DEFER).
 */
enum hkvp_verdict hkvp_ic_packet(struct hkvp_ic *ic, void *packet, u32 len,
				 gfp_t gfp);

#endif /* HKVP_IC_H */
