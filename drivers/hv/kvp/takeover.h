/* SPDX-License-Identifier: GPL-2.0 */
/* Getting the KVP device from hv_utils, and giving it back. */
#ifndef HKVP_TAKEOVER_H
#define HKVP_TAKEOVER_H

int hkvp_takeover_start(void);
void hkvp_takeover_stop(void);
void hkvp_takeover_give_back(void);

#endif /* HKVP_TAKEOVER_H */
