# SPDX-License-Identifier: GPL-2.0
"""struct hv_kvp_ip_config in bytes, as HV_KVP_IOC_IP_REQUEST gives it.

The layout is taken from <linux/hv_kvp.h> by hand; a test asks the compiler
whether it still agrees.
"""

import ipaddress
import struct
from dataclasses import dataclass, field

ADDRESSES, GATEWAYS, DNS = 64, 5, 64
V4, V6 = 1, 2
GUID, MAC = 1, 2
SIZE = 4 * 2 + 16 + 8 + 4 * 7 + ADDRESSES * (4 + 16 + 1 + 1) + GATEWAYS * 20 + DNS * 20


def _pack(texts: list[str], version: int, room: int) -> bytes:
    """Addresses of one version, in a row and padded to @room of them."""
    size = 4 if version == 4 else 16
    packed = b"".join(ip.packed for ip in map(_address, texts)
                      if ip.version == version)
    return packed.ljust(room * size, b"\0")


def _address(text: str) -> ipaddress.IPv4Address | ipaddress.IPv6Address:
    return ipaddress.ip_address(text.split("/")[0])


def _prefixes(texts: list[str], version: int) -> bytes:
    return bytes(int(text.split("/")[1]) for text in texts
                 if _address(text).version == version).ljust(ADDRESSES, b"\0")


def _count(texts: list[str], version: int) -> int:
    return sum(_address(text).version == version for text in texts)


@dataclass
class Request:
    """What a host wants; text as people write it, "192.0.2.1/24"."""

    adapter: str = "00:15:5d:00:00:01"      # or a GUID
    addresses: list[str] = field(default_factory=list)
    gateways: list[str] = field(default_factory=list)
    dns: list[str] = field(default_factory=list)
    dhcp: int = 0
    family: int = V4 | V6
    counts: tuple[int, ...] | None = None   # what a lying kernel would say
    kind: int | None = None                 # likewise of the adapter

    def pack(self) -> bytes:
        """The structure's bytes."""
        lists = (self.addresses, self.gateways, self.dns)
        counts = self.counts or tuple(_count(texts, version)
                                      for texts in lists
                                      for version in (4, 6))
        adapter = bytes.fromhex(self.adapter.replace(":", "").replace("-", ""))
        kind = MAC if len(adapter) == 6 else GUID
        return b"".join((
            struct.pack("=2I16s6s2x", self.kind if self.kind is not None else kind, self.family,
                        adapter if kind == GUID else b"", adapter if kind == MAC else b""),
            struct.pack("=7I", self.dhcp, *counts),
            _pack(self.addresses, 4, ADDRESSES),
            _pack(self.addresses, 6, ADDRESSES),
            _prefixes(self.addresses, 4), _prefixes(self.addresses, 6),
            _pack(self.gateways, 4, GATEWAYS),
            _pack(self.gateways, 6, GATEWAYS),
            _pack(self.dns, 4, DNS), _pack(self.dns, 6, DNS)))
