# SPDX-License-Identifier: GPL-2.0
"""What the host has to be told about an adapter, from what ip(8) in the guest
says: the rules of Documentation/design/ipinfo.md once more, over iproute2's
JSON instead of the kernel's own structures.
"""
from __future__ import annotations

import ipaddress
import json
import re
from collections.abc import Iterator

from guests import IP
from hvhost.kvpwire import (FAMILY_BOTH, FAMILY_NONE, FAMILY_V4, FAMILY_V6,
                            ORIGIN_OTHER, ORIGIN_STATIC, Address, IpInfo)

SHOW = f"""{IP} -j -d -batch - <<END
addr show
route show table all
END"""
MAC = re.compile(r"[0-9A-F]{2}(?:([:-]?)[0-9A-F]{2})(?:\1[0-9A-F]{2}){4}")
GUID = re.compile(r"\{?([0-9A-F]{8}(?:-[0-9A-F]{4}){3}-[0-9A-F]{12})\}?")
MAIN = "main"
# Types of a default route that end a look-up.
ANSWERS = ("unicast", "blackhole", "unreachable", "prohibit")


FAMILIES = ((4, FAMILY_V4), (6, FAMILY_V6))


def family_of(addresses: list[Address]) -> int:
    """Which families are among them."""
    return sum(bit for version, bit in FAMILIES
               if any(a.address.version == version for a in addresses))


def plain(adapter: str) -> str | None:
    """An adapter id as twelve digits or as a GUID; None for anything else."""
    text = adapter.upper()
    if MAC.fullmatch(text):
        return re.sub("[:-]", "", text)
    if (found := GUID.fullmatch(text)) and (
            (text[0] == "{") == (text[-1] == "}")):
        return found[1]
    return None


def digits(mac: str) -> str:
    """Twelve digits of a MAC address as ip(8) writes it."""
    return mac.replace(":", "").upper()


def eui64(mac: str) -> str:
    """The link-local address that the kernel makes of a MAC address."""
    octets = bytearray.fromhex(mac)
    octets[0] ^= 2
    return str(ipaddress.IPv6Address(
        b"\xfe\x80" + bytes(6) + octets[:3] + b"\xff\xfe" + octets[3:]))


class Interface:
    """One interface of the guest's initial network namespace."""

    def __init__(self, entry: dict):
        self.name, self.entry = entry["ifname"], entry
        self.device = (entry["parentdev"].upper()
                       if entry.get("parentbus") == "vmbus" else None)
        self.kind = entry.get("linkinfo", {}).get("info_kind", "")
        self.ethernet = entry["link_type"] == "ether"
        self.mac = digits(entry["address"]) if self.ethernet else ""
        self.permanent = digits(entry.get("permaddr", entry.get("address", ""))
                                ) if self.ethernet else ""
        self.shown = [a for a in entry["addr_info"]
                      if a["family"] in ("inet", "inet6")
                      and not a.get("dadfailed")
                      and (not a.get("tentative") or a.get("optimistic"))]

    @property
    def beyond_link_local(self) -> bool:
        """Has an address that others can use."""
        return any(not ipaddress.ip_address(a["local"]).is_link_local
                   or a["family"] == "inet" for a in self.shown)


class Snapshot:
    """The guest's network at one moment."""

    def __init__(self, text: str):
        addresses, routes = map(json.loads, text.splitlines())
        self.interfaces = [Interface(e) for e in addresses]
        self.by_name = {i.name: i for i in self.interfaces}
        self.routes = [r for r in routes if r["dst"] == "default"
                       and r["type"] in ANSWERS]
        self.halves = [r for r in routes if r["type"] == "unicast"
                       and r["dst"] in ("0.0.0.0/1", "128.0.0.0/1")]

    def addresses(self, name: str) -> list[dict]:
        """What ip(8) shows of an interface's addresses."""
        return self.by_name[name].entry["addr_info"]

    # Which interface -----------------------------------------------------

    def nic(self, adapter: str) -> Interface | None:
        """The interface that an adapter id names."""
        wanted = plain(adapter)
        usable = [i for i in self.interfaces
                  if i.ethernet and i.kind != "vlan"]
        orders = (
            (i for i in usable if i.device and i.device == wanted),
            (i for i in usable if i.device and i.permanent == wanted),
            (i for i in usable if i.device and i.mac == wanted),
            (i for i in usable if i.mac == wanted and i.shown),
            (i for i in usable if i.mac == wanted))
        return next((i for order in orders for i in order), None)

    def uppers(self, below: Interface) -> Iterator[Interface]:
        """All that is above, the nearest first, never by way of a VLAN."""
        master = self.by_name.get(below.entry.get("master", ""))
        if master and master.kind != "vlan":
            yield master
            yield from self.uppers(master)

    def lowers(self, upper: Interface) -> Iterator[Interface]:
        """All that is below: its ports, and what a VLAN is on."""
        for i in self.interfaces:
            if upper.name == i.entry.get("master") or (
                    upper.kind in ("vlan", "macvlan", "ipvlan")
                    and i.name == upper.entry.get("link")):
                yield i
                yield from self.lowers(i)

    def port(self, below: Interface, upper: Interface) -> Interface | None:
        """Where @upper has what is @below it; None if it is not below."""
        way = [below, *self.uppers(below)]
        return way[way.index(upper) - 1] if upper in way[1:] else None

    def is_its_bridge(self, nic: Interface, upper: Interface) -> bool:
        """A bridge has this NIC, and no other of the host's elsewhere."""
        ports = {port for i in self.interfaces
                 if i.device and (port := self.port(i, upper))}
        return bool(upper.kind == "bridge" and nic.device and len(ports) == 1)

    def shown(self, adapter: str) -> Interface | None:
        """The interface whose addresses are the adapter's."""
        nic = self.nic(adapter)
        if not nic:
            return None
        macs = {nic.mac, nic.permanent}
        uppers = [u for u in self.uppers(nic) if u.mac in macs]
        uppers += [u for u in self.uppers(nic) if self.is_its_bridge(nic, u)]
        spoken = [nic, *uppers]
        vlans = [v for v in self.interfaces if v.kind == "vlan"
                 and v.beyond_link_local and self.untagged(v) in spoken]
        orders = (
            (i for i in spoken if i.beyond_link_local),
            (i for i in self.interfaces if i.beyond_link_local
             and i.mac in macs and self.is_twin(i, nic)),
            iter(vlans if len(vlans) == 1 else ()),
            (i for i in spoken if i.shown))
        return next((i for order in orders for i in order), nic)

    def is_twin(self, other: Interface, nic: Interface) -> bool:
        """Whether another device with the MAC address of a NIC may be taken
        for it: none of the host's, nor above another of those."""
        return bool(other.ethernet and other.kind != "vlan"
                    and not other.device and all(
                        i in (nic, other) for i in self.lowers(other)
                        if i.device))

    def untagged(self, vlan: Interface) -> Interface | None:
        """What a VLAN is on, below all other VLANs."""
        below = self.by_name.get(vlan.entry.get("link", ""))
        return self.untagged(below) if below and below.kind == "vlan" else below

    # In which order ------------------------------------------------------

    def source(self, interface: Interface | None, version: int) -> str | None:
        """The address that comes first. Of IPv4 it is the one that packets of
        the default route have; of IPv6 the preferred source of that route, else
        one that lasts. @interface: out of it; None: out of any."""
        routes = [r for i in ([interface] if interface else self.interfaces)
                  for r in self.default_routes(i)
                  if self.version(r) == version
                  and r["table"] == (self.first_table(i) if interface else MAIN)]
        best = min(routes, key=self.rank, default=None)
        if not interface and version == 4 and best and any(
                r["type"] != "unicast" and r["table"] == MAIN
                and self.version(r) == 4
                and self.rank(r) < self.rank(best) for r in self.routes):
            best = None
        if best and "prefsrc" in best:
            return best["prefsrc"]
        if best:
            interface = self.by_name[best.get("nexthops", [best])[0]["dev"]]
        if version == 6:
            return next((a["local"] for a in interface.shown
                         if a["family"] == "inet6" and a["scope"] != "link"
                         and not a.get("temporary") and not a.get("deprecated")
                         ), None) if interface else None
        gateways = [ipaddress.ip_address(g) for g in self.hops(best, interface)
                    ] if best else []
        mine = [a for a in interface.shown if a["family"] == "inet"
                and not a.get("secondary") and a["scope"] == "global"
                ] if best else []
        near = [a for a in mine if gateways and gateways[0] in
                ipaddress.ip_interface(f"{a.get('address', a['local'])}/"
                                       f"{a['prefixlen']}").network]
        return next((a["local"] for a in near + mine), None)

    def in_order(self, interface: Interface, version: int) -> list[dict]:
        """Addresses of an interface as the host is to see them."""
        first = self.source(interface, version)
        return sorted((a for a in interface.shown if a["family"] ==
                       ("inet" if version == 4 else "inet6")),
                      key=lambda a: a["local"] != first)

    def every_address(self, version: int) -> list[str]:
        """NetworkAddressIPv4 or 6: the default route's address first, then
        what leads to the host, then the rest."""
        first = self.source(None, version)

        def rank(i: Interface, local: str) -> int:
            if local == first and i.ethernet:
                return 0
            return 1 if i.device or any(b.device for b in self.lowers(i)) else 2
        found = [(rank(i, a["local"]), a["local"]) for i in self.interfaces
                 if i.entry["link_type"] != "loopback" for a in i.shown
                 if a["family"] == ("inet" if version == 4 else "inet6")]
        return [local for _, local in sorted(found, key=lambda e: e[0])]

    # What is said of it --------------------------------------------------

    def hops(self, route: dict, interface: Interface) -> list[str] | None:
        """Gateways of a route out of @interface, by any of its next hops;
        None if it does not go out there."""
        out = [h for h in route.get("nexthops", [route])
               if h.get("dev") == interface.name
               and not {"dead", "linkdown"} & set(h.get("flags", []))]
        gateways = [h.get("gateway") or h.get("via", {}).get("host")
                    for h in out]
        return [g for g in gateways if g] if out else None

    def default_routes(self, interface: Interface) -> list[dict]:
        """Of each table and family the one that is used, main's first."""
        best: dict[tuple[str, int], dict] = {}
        for route in self.routes:
            if not self.answers(route, interface):
                continue
            key = route["table"], self.version(route)
            old = best.get(key)
            if not old or self.rank(route) < self.rank(old):
                best[key] = route
        first = self.first_table(interface)
        return sorted((r for r in best.values() if r["type"] == "unicast"
                       and not self.hidden(r, interface)),
                      key=lambda r: r["table"] != first)

    def first_table(self, interface: Interface) -> str:
        """The one that is asked for the interface: its VRF's, or main."""
        master = self.by_name.get(interface.entry.get("master", ""), interface)
        if master.kind != "vrf":
            return MAIN
        return str(master.entry["linkinfo"]["info_data"]["table"])

    def answers(self, route: dict, interface: Interface) -> bool:
        """A look-up for @interface ends at this route at the latest. One that
        rejects does so for every interface; IPv6 passes over it."""
        if route["type"] != "unicast":
            return self.version(route) == 4
        return (not route.get("tos")
                and self.hops(route, interface) is not None)

    def hidden(self, route: dict, interface: Interface) -> bool:
        """Two halves of everything out of the same interface: nothing is left
        for this one."""
        halves = {r["dst"] for r in self.halves
                  if r["table"] == route["table"]
                  and self.hops(r, interface) is not None}
        return self.version(route) == 4 and len(halves) == 2

    @staticmethod
    def version(route: dict) -> int:
        """4 or 6. Only IPv6 routes have a preference."""
        return 6 if "pref" in route else 4

    @staticmethod
    def rank(route: dict) -> tuple[int, int]:
        """What a better route has less of."""
        return (route.get("metric", 0),
                ("high", "medium", "low").index(route.get("pref", "medium")))

    def gateways(self, interface: Interface, version: int) -> list:
        """Those of one family, each once."""
        found = [ipaddress.ip_address(g)
                 for route in self.default_routes(interface)
                 for g in self.hops(route, interface)]
        return [g for g in dict.fromkeys(found) if g.version == version]

    def from_server(self, interface: Interface, *protocols: str) -> list[dict]:
        """Default routes that a server or a router gave."""
        return [r for r in self.default_routes(interface)
                if r.get("protocol") in protocols]

    def origin(self, interface: Interface, entry: dict) -> int:
        """Whether somebody in the guest set an address, as far as it shows."""
        given = any(r.get("prefsrc") == entry["local"]
                    for r in self.from_server(interface, "dhcp", "ra"))
        # ip(8) of Debian 12 does not know of an address's protocol yet, which
        # says that the kernel made it.
        by_kernel = entry["local"] in (eui64(interface.mac),
                                       eui64(interface.permanent)) or \
            entry.get("mngtmpaddr", False)
        return (ORIGIN_OTHER if entry.get("dynamic") or given or by_kernel
                else ORIGIN_STATIC)

    def dhcp(self, interface: Interface) -> bool:
        """Whether a server configures it."""
        v4 = [a for a in interface.shown if a["family"] == "inet"]
        v6 = [a for a in interface.shown if a["family"] == "inet6"
              and a.get("scope") == "global" and a.get("dynamic")]
        if any(a.get("dynamic") for a in v4) or self.from_server(
                interface, "dhcp"):
            return True
        return not v4 and bool(v6 or self.from_server(interface, "ra"))

    def info(self, adapter: str, family: int = FAMILY_NONE,
             binary: bool = True) -> IpInfo | None:
        """What GET_IP_INFO should give, nothing cut; None: no such adapter.
        Only the binary form is about the family that is asked for."""
        interface = self.shown(adapter)
        if not interface:
            return None
        info = IpInfo(adapter, FAMILY_NONE, self.dhcp(interface))
        for version, bit in FAMILIES:
            if binary and not (family or FAMILY_BOTH) & bit:
                continue
            those = self.in_order(interface, version)
            info.addresses += [
                Address(ipaddress.ip_address(a["local"]), a["prefixlen"],
                        self.origin(interface, a)) for a in those]
            info.gateways += self.gateways(interface, version)
        info.family = family_of(info.addresses)
        return info
