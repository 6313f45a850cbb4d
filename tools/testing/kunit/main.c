// SPDX-License-Identifier: GPL-2.0
/*
 * The module that runs the suites of the pure files.
 */
#include <linux/module.h>
#include "../../../drivers/hv/kvp/kunit.h"

kunit_test_suites(&hkvp_codec_suite, &hkvp_negotiate_suite, &hkvp_pool_suite,
		  &hkvp_budget_suite, &hkvp_update_suite,
		  &hkvp_service_suite, &hkvp_ic_suite, &hkvp_name_suite,
		  &hkvp_adapter_suite, &hkvp_ip_encode_suite,
		  &hkvp_ip_decode_suite, &hkvp_ipagent_suite, &hkvp_ip_text_suite,
		  &hkvp_legacy_suite, &hkvp_channel_suite,
		  &hkvp_mirror_suite, &hkvp_view_suite);

MODULE_DESCRIPTION("KUnit tests of hv_kvp");
MODULE_LICENSE("GPL");
