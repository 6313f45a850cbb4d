// SPDX-License-Identifier: GPL-2.0
/* Names of states and versions. */
#include <stdio.h>

#include <linux/hv_kvp.h>

#include "state.h"

const char *state_name(uint32_t state)
{
	switch (state) {
	case HV_KVP_STATE_OK:
		return "OK";
	case HV_KVP_STATE_DEGRADED:
		return "Degraded";
	case HV_KVP_STATE_NON_RECOVERABLE:
		return "Non-Recoverable Error";
	case HV_KVP_STATE_NO_CONTACT:
		return "No Contact";
	case HV_KVP_STATE_LOST:
		return "Lost Communication";
	default:
		return "Unknown";
	}
}

const char *version_text(uint32_t version, char *buffer)
{
	if (version)
		snprintf(buffer, VERSION_TEXT, "%u.%u", version >> 16,
			 version & 0xffff);
	else
		snprintf(buffer, VERSION_TEXT, "none");
	return buffer;
}
