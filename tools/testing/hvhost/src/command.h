/* SPDX-License-Identifier: GPL-2.0 */
#ifndef HVHOST_COMMAND_H
#define HVHOST_COMMAND_H

#include "types.h"

/* Host CPU: run the next command of the driving program. True when there was one. */
bool command_poll(void);

#endif
