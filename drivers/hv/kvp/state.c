// SPDX-License-Identifier: GPL-2.0
/*
 * The state of the service in WMI's words: OperationalStatus[0] of
 * Msvm_KvpExchangeComponent, by the names that its reference gives the values.
 */
#include "state.h"

/**
 * hkvp_state_name() - name of an operational status
 * @state: enum hkvp_state
 *
 * Context: any.
 * Return: the name, a constant.
 */
const char *hkvp_state_name(enum hkvp_state state)
{
	switch (state) {
	case HKVP_STATE_OK:
		return "OK";
	case HKVP_STATE_DEGRADED:
		return "Degraded";
	case HKVP_STATE_NON_RECOVERABLE:
		return "Non-Recoverable Error";
	case HKVP_STATE_NO_CONTACT:
		return "No Contact";
	case HKVP_STATE_LOST:
		return "Lost Communication";
	}
	return "Unknown";
}

/**
 * hkvp_state_token() - name of an operational status, for programs
 * @state: enum hkvp_state
 *
 * Context: any.
 * Return: the name in one word, a constant.
 */
const char *hkvp_state_token(enum hkvp_state state)
{
	switch (state) {
	case HKVP_STATE_OK:
		return "ok";
	case HKVP_STATE_DEGRADED:
		return "degraded";
	case HKVP_STATE_NON_RECOVERABLE:
		return "non_recoverable";
	case HKVP_STATE_NO_CONTACT:
		return "no_contact";
	case HKVP_STATE_LOST:
		return "lost";
	}
	return "unknown";
}

/**
 * hkvp_state_description() - a sentence for an operational status
 * @state: enum hkvp_state
 *
 * Context: any.
 * Return: the sentence, a constant.
 */
const char *hkvp_state_description(enum hkvp_state state)
{
	switch (state) {
	case HKVP_STATE_OK:
		return "The service works.";
	case HKVP_STATE_DEGRADED:
		return "The service works, but the host offers a newer protocol version.";
	case HKVP_STATE_NON_RECOVERABLE:
		return "The guest and the host have no protocol version in common.";
	case HKVP_STATE_NO_CONTACT:
		return "The host has not negotiated a protocol version yet.";
	case HKVP_STATE_LOST:
		return "The channel to the host is closed.";
	}
	return "";
}
