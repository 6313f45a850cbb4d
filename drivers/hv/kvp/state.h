/* SPDX-License-Identifier: GPL-2.0 */
/* The state of the service in WMI's words. */
#ifndef HKVP_STATE_H
#define HKVP_STATE_H

#include "ic.h"

const char *hkvp_state_name(enum hkvp_state state);
const char *hkvp_state_token(enum hkvp_state state);
const char *hkvp_state_description(enum hkvp_state state);

#endif /* HKVP_STATE_H */
