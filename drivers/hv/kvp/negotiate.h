/* SPDX-License-Identifier: GPL-2.0 */
/*
 * Version negotiation of an integration component.
 *
 * Pure: bytes in, bytes out, no state of its own.
 */
#ifndef HKVP_NEGOTIATE_H
#define HKVP_NEGOTIATE_H

#include <linux/types.h>
#include "wire.h"

/**
 * struct hkvp_versions - what one NEGOTIATE came to
 * @fw: framework version chosen, HKVP_VERSION(), 0 if none is common
 * @msg: message version chosen, 0 if none is common
 * @fw_offered: newest framework version the host offered, 0 if it offered none
 * @msg_offered: newest message version the host offered, 0 if it offered none
 *
 * @fw and @msg are both 0 or both not.
 */
struct hkvp_versions {
	u32 fw;
	u32 msg;
	u32 fw_offered;
	u32 msg_offered;
};

int hkvp_negotiate(void *body, u32 *size, struct hkvp_versions *versions);

#endif /* HKVP_NEGOTIATE_H */
