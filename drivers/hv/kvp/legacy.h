/* SPDX-License-Identifier: GPL-2.0 */
/* The old daemon protocol, for software that expects hv_utils. */
#ifndef HKVP_LEGACY_H
#define HKVP_LEGACY_H

#include <linux/fs.h>
#include <linux/types.h>

struct hkvp;
struct hv_kvp_ipaddr_value;

/**
 * struct hkvp_legacy_ops - what is told of a daemon; process context, may sleep
 * @registered: a daemon has registered, and has stayed
 * @answered: its answer to hkvp_legacy_request(), a status of wire.h; or
 *	HKVP_E_FAIL: it is gone
 *
 * Either may be NULL.
 */
struct hkvp_legacy_ops {
	void (*registered)(void);
	void (*answered)(u64 id, u32 status);
};

/* Of the misc device. */
extern const struct file_operations hkvp_legacy_fops;

void hkvp_legacy_init(struct hkvp *kvp, const struct hkvp_legacy_ops *ops);
void hkvp_legacy_exit(void);
void hkvp_legacy_changed(void);
void hkvp_legacy_hang_up(void);

int hkvp_legacy_request(u64 id, const struct hv_kvp_ipaddr_value *ip);
void hkvp_legacy_cancel(u64 id);

#endif /* HKVP_LEGACY_H */
