# SPDX-License-Identifier: GPL-2.0
"""Msvm_KvpExchangeComponent as the host shows it."""
import json
import xml.etree.ElementTree as ET

from hvhost import component
from hvhost.kvpwire import AUTO, GUEST, Item
from scenario import Test, scenario


@scenario(smoke=True)
def the_newest_version_is_ok(t: Test) -> None:
    """With what a current host offers the service is OK, not Degraded."""
    view = t.host.component()
    t.equal(view["OperationalStatus"], [component.OK])
    t.equal(view["StatusDescriptions"], ["OK"])


@scenario()
def an_older_host_is_ok(t: Test) -> None:
    """The newest version that this host has was agreed."""
    t.kvp.negotiate([(1, 0), (3, 0), (4, 0)]).wait(30)
    t.equal(t.host.component()["OperationalStatus"], [component.OK])


@scenario()
def degraded_and_worse(t: Test) -> None:
    """A version from the future, then only versions from the future."""
    t.kvp.negotiate([(3, 0), (4, 0), (9, 0)]).wait(30)
    t.equal(t.host.component()["OperationalStatus"], [component.DEGRADED])
    t.kvp.negotiate([(9, 0)]).wait(30)
    t.equal(t.host.component(refresh=False)["OperationalStatus"],
            [component.NON_RECOVERABLE])
    t.device.rescind().result()
    t.device.wait_state("none")
    t.equal(t.host.component(refresh=False)["OperationalStatus"],
            [component.LOST])
    t.kvp.versions = [(4, 0)]
    t.device.reoffer().result()
    t.kvp.wait_ready()
    t.equal(t.host.component()["OperationalStatus"], [component.OK])


@scenario(smoke=True)
def items_and_properties(t: Test) -> None:
    """All 34 properties; the items are those of GUEST and AUTO."""
    t.kvp.set(GUEST, Item("agent <&>", "has \"news\""))
    view = t.host.component()
    t.equal(len(json.loads(view.json())), 34)
    names = [[p.findtext("VALUE") for p in ET.fromstring(i)
              if p.get("NAME") == "Name"][0]
             for i in view["GuestExchangeItems"]]
    t.equal(names, ["agent <&>"])
    t.equal(len(view["GuestIntrinsicExchangeItems"]),
            len(t.kvp.enumerate(AUTO)))
    t.equal(view["SystemName"], t.host.vm_id.upper())
    t.true(view.mof().startswith("instance of Msvm_KvpExchangeComponent"),
           "no MOF")


@scenario()
def capabilities(t: Test) -> None:
    """What the guest can do, found out by trying."""
    t.equal(t.kvp.capabilities(limit=20), {
        "framework": "3.0", "message": "5.0",
        "types": ["SZ", "EXPAND_SZ", "DWORD", "QWORD"],
        "key_units": 255, "value_units": 1023, "get": True,
        "items": {"room": 20, "status": "OK"}})
