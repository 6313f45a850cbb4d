/* SPDX-License-Identifier: GPL-2.0 */
/* Calibration; the clock itself is in host.h. */
#ifndef HVHOST_TIME_H
#define HVHOST_TIME_H

/* Sets host.tsc_hz, tsc_scale and tsc0. Takes 50 ms. */
void time_init(void);

#endif
