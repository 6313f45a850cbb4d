# SPDX-License-Identifier: GPL-2.0
"""Interfaces of the guest for the scenarios of IP information, and how an
answer is held against ipmodel's."""
from __future__ import annotations

import weakref
from dataclasses import replace
from itertools import groupby

from guests import HV_KVP, IP, Setup
from hvhost import testnic
from hvhost.host import Host
from hvhost.kvp import VERSIONS
from hvhost.kvpwire import (FAMILY_NONE, MAX_ADDRESSES, MAX_GATEWAYS,
                            ORIGIN_UNKNOWN, Address, IpInfo, subnet_text)
from ipmodel import SHOW, Interface, Snapshot, family_of
from scenario import Test

NICS = 4
KINDS = ("dummy", "veth", "bridge", "bonding", "8021q", "vrf")
SETUP = Setup(nics=NICS, extra=KINDS, selftests=True)
STRING_VERSIONS = [(3, 0), (4, 0)]
ADDRESS_UNITS, GATEWAY_UNITS = 1023, 511	# of a field, without the NUL

# Their parameters: none of the interfaces that they make by themselves.
LOAD = """cd /modules; for m in $(cat /etc/modules.order); do
case $m in hv_*) continue;; bonding) p=max_bonds=0;; dummy) p=numdummies=0;;
*) p=;; esac; [ -e /sys/module/$m ] || insmod $m.ko $p; done
cd /proc/sys/net/ipv6/conf
for i in default eth*; do echo 0 >$i/accept_dad; done"""


def name_of(number: int) -> str:
    """NIC @number's name."""
    return f"eth{number}"


NUMBERS = {testnic.instance_id(n): n for n in range(256)}
LOADED: weakref.WeakSet[Host] = weakref.WeakSet()	# hosts of prepared guests


class Network:
    """The guest's network, from the same start for each scenario: the NICs of
    the test class, named after their number, up and without addresses."""

    def __init__(self, t: Test):
        self.t = t
        if t.host not in LOADED:
            t.sh(LOAD)
            LOADED.add(t.host)
        t.sh(f"for n in $(ls /run/netns 2>/dev/null); do {IP} netns del $n; "
             "done")
        # What is above another goes with it, hence -force.
        t.sh(f"{IP} -force -batch - <<'END'\n" + "\n".join(self.sweep())
             + "\nEND\ntrue")

    def sweep(self) -> list[str]:
        """Commands that undo whatever a scenario before has left."""
        lines, last = [], []
        for i in self.snapshot().interfaces:
            if not i.device:
                lines += [f"link del {i.name}"] if i.name != "lo" else []
                continue
            number = NUMBERS[i.device.lower()]
            if "master" in i.entry:
                lines.append(f"link set {i.name} nomaster")
            lines += [f"link set {i.name} down", f"addr flush dev {i.name}",
                      f"link set {i.name} addrgenmode eui64 "
                      f"address {testnic.mac(number)}"]
            if i.name != name_of(number):
                lines.append(f"link set {i.name} name old{number}")
                last.append(f"link set old{number} name {name_of(number)}")
            last.append(f"link set {name_of(number)} up")
        return lines + last

    def ip(self, *lines: str) -> None:
        """Commands of ip(8), all of which must succeed."""
        for option, some in groupby(lines, lambda line: line[:3] == "-6 "):
            text = "\n".join(line.removeprefix("-6 ") for line in some)
            self.t.sh(f"{IP} {'-6' if option else ''} -batch - <<'END'\n"
                      f"{text}\nEND")

    def snapshot(self) -> Snapshot:
        """What ip(8) says now, with no address under way."""
        def settled() -> Snapshot | None:
            found = Snapshot(self.t.sh(SHOW))
            return found if self.settled(found) else None
        return self.t.eventually(settled, "addresses are usable")

    @staticmethod
    def settled(found: Snapshot) -> bool:
        """Every interface that is up has done with duplicates, except where
        a scenario wants tentative ones: it gives them in this network."""
        return not any(a.get("tentative") and not a.get("dadfailed")
                       and not a["local"].startswith(TENTATIVE)
                       for i in found.interfaces
                       for a in found.addresses(i.name))

    # Questions -----------------------------------------------------------

    def form(self, binary: bool) -> None:
        """Makes the host use the binary or the string messages."""
        service = self.t.kvp
        count = service.negotiations
        service.negotiate(VERSIONS if binary else STRING_VERSIONS)
        service.wait_ready(20, count + 1)
        if binary:
            self.t.true(service.binary_ip, "no binary form")

    def forms(self) -> tuple[bool, ...]:
        """The stock guest knows strings only."""
        return (True, False) if self.t.guest == HV_KVP else (False,)

    def check(self, *adapters: str, family: int = FAMILY_NONE,
              shown: str | None = None) -> IpInfo:
        """The answers for @adapters in each form are what ip(8) says. @shown:
        the interface that it must be about. Returns what was wanted."""
        snapshot = self.snapshot()
        for binary in self.forms():
            self.form(binary)
            for adapter in adapters:
                wanted = snapshot.info(adapter, family, binary)
                about = snapshot.shown(adapter)
                self.t.true(about and (not shown or about.name == shown),
                            f"the model takes {adapter} for {about and about.name}")
                got = self.t.kvp.get_ip_info(adapter, family)
                compare(self.t, got, wanted, binary, about)
        return wanted

    def unknown(self, *adapters: str, status: str = "NOT_FOUND") -> None:
        """No interface is named so."""
        snapshot = self.snapshot()
        for binary in self.forms():
            self.form(binary)
            for adapter in adapters:
                self.t.equal(snapshot.nic(adapter), None, f"nic {adapter!r}")
                self.t.status(status, lambda a=adapter: self.t.kvp
                              .get_ip_info(a), f"{adapter!r}")

    def gone(self, number: int) -> None:
        """NIC @number is not there. That the stock guest has another status
        for it is listed where it is the subject."""
        self.unknown(*self.names(number), status="NOT_FOUND"
                     if self.t.guest == HV_KVP else "E_FAIL")

    def names(self, number: int) -> tuple[str, ...]:
        """How a host names NIC @number: by the MAC address, and by the device,
        which the stock guest does not know here (ip.by_device_id)."""
        mac = testnic.mac(number).upper()
        return ((mac, testnic.instance_id(number))
                if self.t.guest == HV_KVP else (mac,))


# A prefix (IPv6 documentation) for addresses that are to stay tentative.
TENTATIVE = "2001:db8:dad:"


def first_that_fit(entries: list[str], units: int) -> int:
    """How many entries of a list go into a string of @units."""
    used = 0
    for count, entry in enumerate(entries):
        used += len(entry) + (count > 0)
        if used > units:
            return count
    return len(entries)


def cut(info: IpInfo, binary: bool) -> IpInfo:
    """What of @info has room, whole entries."""
    if binary:
        return replace(
            info,
            addresses=[a for part in info.split("addresses")
                       for a in part[:MAX_ADDRESSES]],
            gateways=[g for part in info.split("gateways")
                      for g in part[:MAX_GATEWAYS]])
    room = min(first_that_fit([str(a.address) for a in info.addresses],
                              ADDRESS_UNITS),
               first_that_fit([subnet_text(a) for a in info.addresses],
                              ADDRESS_UNITS))
    gateways, inside = info.gateways, info.addresses[:room]
    return replace(
        info, addresses=[Address(a.address, a.prefix, ORIGIN_UNKNOWN)
                         for a in inside], family=family_of(inside),
        gateways=gateways[:first_that_fit([str(g) for g in gateways],
                                          GATEWAY_UNITS)])


def compare(t: Test, got: IpInfo, whole: IpInfo, binary: bool,
            about: Interface) -> None:
    """Fails with the first field that differs."""
    wanted = cut(whole, binary)
    what = (f"{got.adapter} ({about.name}), "
            f"{'binary' if binary else 'string'} form: ")
    t.equal(got.adapter, wanted.adapter, what + "adapter")
    t.equal(list(map(str, got.addresses)), list(map(str, wanted.addresses)),
            what + "addresses")
    t.equal([a.origin for a in got.addresses],
            [a.origin for a in wanted.addresses], what + "origins")
    t.equal(got.family, wanted.family, what + "family")
    t.equal(len(got.gateways), len(wanted.gateways),
            what + f"number of gateways {got.gateways}")
    if len(wanted.gateways) == len(whole.gateways):
        # The order of the tables beside main is nobody's promise.
        t.equal(sorted(map(str, got.gateways)),
                sorted(map(str, wanted.gateways)), what + "gateways")
    t.true(set(got.gateways) <= set(whole.gateways),
           what + f"gateways {got.gateways}")
    t.equal(got.gateways[:1], wanted.gateways[:1], what + "first gateway")
    t.equal(got.dhcp, wanted.dhcp, what + "dhcp")
