/* SPDX-License-Identifier: GPL-2.0 */
/*
 * The KUnit suites of the pure files, in one module: tools/testing/kunit.
 */
#ifndef HKVP_KUNIT_H
#define HKVP_KUNIT_H

#include <kunit/test.h>

extern struct kunit_suite hkvp_channel_suite;
extern struct kunit_suite hkvp_codec_suite;
extern struct kunit_suite hkvp_legacy_suite;
extern struct kunit_suite hkvp_name_suite;
extern struct kunit_suite hkvp_negotiate_suite;
extern struct kunit_suite hkvp_pool_suite;
extern struct kunit_suite hkvp_budget_suite;
extern struct kunit_suite hkvp_update_suite;
extern struct kunit_suite hkvp_service_suite;
extern struct kunit_suite hkvp_ic_suite;
extern struct kunit_suite hkvp_adapter_suite;
extern struct kunit_suite hkvp_ip_encode_suite;
extern struct kunit_suite hkvp_ip_decode_suite;
extern struct kunit_suite hkvp_ipagent_suite;
extern struct kunit_suite hkvp_ip_text_suite;
extern struct kunit_suite hkvp_mirror_suite;
extern struct kunit_suite hkvp_view_suite;

#endif /* HKVP_KUNIT_H */
