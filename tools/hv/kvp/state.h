/* SPDX-License-Identifier: GPL-2.0 */
/* Names of states and versions, as Msvm_KvpExchangeComponent has them. */
#ifndef STATE_H
#define STATE_H

#include <stdint.h>

/* Bytes that version_text() needs. */
#define VERSION_TEXT	12

/* OperationalStatus[0] in words. */
const char *state_name(uint32_t state);

/* "5.0", or "none" for 0; returns @buffer. */
const char *version_text(uint32_t version, char *buffer);

#endif /* STATE_H */
