# SPDX-License-Identifier: GPL-2.0
"""What the stock guest (hv_utils with hv_kvp_daemon) is known to fail.

Scenario -> reason. Such a failure is expected; when a listed scenario passes
on the stock guest, that is reported as a failure of this list. A reason that
holds for some kernels only is a dict of kernel -> reason.
"""
from __future__ import annotations

import re

STOPS_AT_4_0 = "hv_utils knows no version beyond 4.0"
GET_IS_EMPTY = "hv_utils passes value_size 0 down and reads 4 bytes too far"
TYPES = "QWORD and EXPAND_SZ arrive empty, DWORD becomes a string"
LENGTHS = "strings are cut at 254 and 1,022 code units, or 511 bytes of UTF-8"
UNCHECKED = "sizes, types and keys from the host are not checked"
BAD_POOL = "the daemon indexes its files with any pool number and dies"
SHIFTS = "the daemon moves the items behind a deleted one down"
LOST = "an answer that finds the ring full is dropped"
BLIND = "flags and sizes of the frame are not looked at"
BY_TEXT = "an adapter is a current MAC address in capitals and colons only"
NO_ADAPTER = "answers E_FAIL for an adapter that is not there"
PREFIX = "adds what the interfaces have whose names begin alike"
ROUTES = ("every default route of table main is shown, none of other tables, "
          "no next hop of several")
ONE_PACKET = "a packet that is not answered leaves those behind it in the ring"
VMBUS = "VMBus parses what a destroyed ring holds; hv_utils does not reopen"

DEFECTS: dict[str, str | dict[str, str]] = {
    "auto.get_by_key": "GET in AUTO looks for a pool file",
    "auto.many_addresses": "the list is cut inside an address",
    "channel.full_ring": LOST,
    "channel.full_ring_for_long": LOST,
    "component.capabilities": STOPS_AT_4_0,
    "component.the_newest_version_is_ok": STOPS_AT_4_0,
    "hostile.bad_pools": BAD_POOL,
    "hostile.destroyed_length": VMBUS,
    "hostile.not_a_request": BLIND,
    "hostile.other_message_types": ONE_PACKET,
    "hostile.random_bodies": BAD_POOL,
    "hostile.truncated_bodies": BLIND,
    "hostile.wild_write_index": VMBUS,
    "hostile.wrong_pipe_header": BLIND,
    "ip.a_router":
        "knows only what the distribution's hv_get_dhcp_info prints",
    "ip.bond_above": BY_TEXT,
    "ip.bridge_above": "takes the port for its link-local address alone",
    "ip.by_device_id": BY_TEXT,
    "ip.dhcp": "knows only what the distribution's hv_get_dhcp_info prints",
    "ip.exact_match": PREFIX,
    "ip.kinds_of_ipv6": "tentative addresses and other hosts' are shown",
    "ip.mac_in_every_writing": BY_TEXT,
    "ip.malformed_adapters": NO_ADAPTER,
    "ip.metrics": ROUTES,
    "ip.metrics_of_ipv6": ROUTES,
    "ip.next_hops": ROUTES,
    "ip.router_advertisements":
        "knows only what the distribution's hv_get_dhcp_info prints",
    "ip.several_tables": ROUTES,
    "ip.the_best_address_first": "addresses are in the order of the kernel",
    "ip.the_hosts_nics_first": "the list is in the order of the interfaces",
    "ip.the_mac_changes": BY_TEXT,
    "ip.unknown_adapters": NO_ADAPTER,
    "ip.virtual_function":
        "takes whichever interface it reads first that has the MAC address",
    "ip.vlans_last": PREFIX,
    "ip.vrf": ROUTES,
    "ipset.hostile_texts_and_the_daemon":
        "the daemon copies a text of the host's into 46 bytes and dies",
    "items.a_delete_moves_the_last_item": SHIFTS,
    "items.a_value_changes_its_type": TYPES,
    "items.deleted_under_an_enumeration": SHIFTS,
    "items.dword": TYPES,
    "items.expand_sz": TYPES,
    "items.full_length": LENGTHS,
    "items.full_length_beyond_ascii": LENGTHS,
    "items.get_every_type": GET_IS_EMPTY,
    "items.get_returns_the_value": GET_IS_EMPTY,
    "items.index_that_looks_negative":
        "the daemon's index is signed and reads before its array",
    "items.qword": TYPES,
    "items.qword_with_linuxs_number": TYPES,
    "items.unpaired_surrogates": "conversion to UTF-8 drops them",
    "negotiation.newest_of_all": STOPS_AT_4_0,
    "negotiation.only_5_0": STOPS_AT_4_0,
    "offers.thousand_with_hv_utils":
        "takes its transport from a list twice where vmbus_open() fails",
    "status.empty_key": UNCHECKED,
    "status.ip_of_an_unknown_adapter": NO_ADAPTER,
    "status.odd_sizes": UNCHECKED,
    "status.oversized": UNCHECKED,
    "status.pool_out_of_range": BAD_POOL,
    "status.shorter_than_needed": UNCHECKED,
    "status.unknown_operation": UNCHECKED,
    "status.unknown_value_type": UNCHECKED,
    "status.write_to_auto": "writes to AUTO are answered OK and ignored",
    "status.wrong_number_size": UNCHECKED,
}


# Where the kernel dies of a defect: what its console then has to show.
TRACES = {
    "offers.thousand_with_hv_utils": re.compile(
        r"list_del corruption(.*\n)*.* hvutil_transport_destroy\+.*\n"
        r"(.*\n)?.* util_probe\+"),
}

# A use-after-free in hv_utils, which needs no more than a rescind while its
# daemon is connected: hvt_op_release() completes the release and then unlocks
# a mutex in the object that has just been freed. It hits now and then, in any
# scenario that takes the device away. Where the console shows it, the scenario
# is run again in a fresh guest.
INTERMITTENT = re.compile(r"(hvt_op_\w+|hvutil_transport_\w+)\+0x\w+/\w+ "
                          r"\[hv_utils\]")
TRIES = 3


def reason(scenario: str, kernel: str) -> str | None:
    """Why @scenario fails on the stock guest with @kernel; None: it must
    pass."""
    why = DEFECTS.get(scenario)
    return why.get(kernel) if isinstance(why, dict) else why


def shown(scenario: str, console: str) -> bool:
    """Whether @console has what has to be there if @scenario fails as
    expected."""
    trace = TRACES.get(scenario)
    return not trace or bool(trace.search(console))
