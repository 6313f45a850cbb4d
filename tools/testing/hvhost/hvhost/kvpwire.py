# SPDX-License-Identifier: GPL-2.0
"""KVP messages in bytes: every operation and both forms of IP information.

Layouts: include/uapi/linux/hyperv.h of Linux and OpenVMM's
hyperv_ic_protocol::kvp. Sizes are in bytes and count the NUL of strings.
Decoding is as strict as OpenVMM's, which fails a channel on what is a
Violation here.
"""
from __future__ import annotations

import ipaddress
import struct
from dataclasses import dataclass, field

from .icwire import Violation

GET, SET, DELETE, ENUMERATE, GET_IP_INFO, SET_IP_INFO = range(6)
OP_NAMES = {GET: "GET", SET: "SET", DELETE: "DELETE", ENUMERATE: "ENUMERATE",
            GET_IP_INFO: "GET_IP_INFO", SET_IP_INFO: "SET_IP_INFO"}

EXTERNAL, GUEST, AUTO, AUTO_EXTERNAL, AUTO_INTERNAL = range(5)
POOL_NAMES = {EXTERNAL: "EXTERNAL", GUEST: "GUEST", AUTO: "AUTO",
              AUTO_EXTERNAL: "AUTO_EXTERNAL", AUTO_INTERNAL: "AUTO_INTERNAL"}

SZ, EXPAND_SZ, DWORD, QWORD = 1, 2, 4, 11
QWORD_OLD = 8	# as Linux's header has it; OpenVMM fails the channel on it
TYPE_NAMES = {SZ: "SZ", EXPAND_SZ: "EXPAND_SZ", DWORD: "DWORD",
              QWORD: "QWORD", QWORD_OLD: "QWORD(8)"}

KEY_SIZE, VALUE_SIZE = 512, 2048
KEY_UNITS, VALUE_UNITS = KEY_SIZE // 2 - 1, VALUE_SIZE // 2 - 1
BODY_SIZE = 2580	# of GET, SET, DELETE and ENUMERATE
IP_BODY_SIZE = 7428	# of both forms of the IP messages

MESSAGE = struct.Struct("<BBxx")
VALUE = struct.Struct("<III")


def encode_text(text: str) -> bytes:
    """UTF-16LE with its NUL. Lone surrogates pass: hosts have sent them."""
    return text.encode("utf-16-le", "surrogatepass") + b"\0\0"


def decode_text(field_bytes: bytes, size: int, what: str) -> str:
    """The string in the first @size bytes of a field."""
    if size % 2:
        raise Violation(f"{what}: odd size {size}")
    if size > len(field_bytes):
        raise Violation(f"{what}: size {size} of {len(field_bytes)}")
    if size < 2 or field_bytes[size - 2:size] != b"\0\0":
        raise Violation(f"{what}: no NUL at the end of {size} bytes")
    try:
        return field_bytes[:size - 2].decode("utf-16-le")
    except UnicodeDecodeError as error:
        raise Violation(f"{what}: not UTF-16: {error}") from None


@dataclass(frozen=True)
class Item:
    """A key with its value: a string, or an integer for DWORD and QWORD."""

    key: str
    value: str | int
    type: int = SZ

    @property
    def text(self) -> str:
        """The value as WMI shows it."""
        return str(self.value)

    def __str__(self) -> str:
        return f"{self.key!r} = {self.value!r} {TYPE_NAMES[self.type]}"


def encode_value(item: Item) -> bytes:
    """The value of @item."""
    if item.type == DWORD:
        return struct.pack("<I", item.value)
    if item.type in (QWORD, QWORD_OLD):
        return struct.pack("<Q", item.value)
    return encode_text(item.value)


def pack_value(kind: int, key: bytes, value: bytes,
               key_size: int | None = None,
               value_size: int | None = None) -> bytes:
    """struct hv_kvp_exchg_msg_value from ready bytes; the sizes can lie."""
    return (VALUE.pack(kind, len(key) if key_size is None else key_size,
                       len(value) if value_size is None else value_size)
            + key.ljust(KEY_SIZE, b"\0") + value.ljust(VALUE_SIZE, b"\0"))


def unpack_value(data: bytes) -> Item:
    """The item in a reply."""
    kind, key_size, value_size = VALUE.unpack_from(data)
    key_field = data[VALUE.size:VALUE.size + KEY_SIZE]
    value = data[VALUE.size + KEY_SIZE:VALUE.size + KEY_SIZE + VALUE_SIZE]
    key = decode_text(key_field, key_size, "key")
    if kind in (SZ, EXPAND_SZ):
        return Item(key, decode_text(value, value_size, "value"), kind)
    if kind == DWORD:
        if value_size != 4:
            raise Violation(f"DWORD of {value_size} bytes")
        return Item(key, struct.unpack_from("<I", value)[0], kind)
    if kind == QWORD:
        if value_size != 8:
            raise Violation(f"QWORD of {value_size} bytes")
        return Item(key, struct.unpack_from("<Q", value)[0], kind)
    raise Violation(f"value type {kind}")


def _body(operation: int, pool: int, data: bytes) -> bytes:
    return (MESSAGE.pack(operation, pool) + data).ljust(BODY_SIZE, b"\0")


def pack_get(pool: int, key: str) -> bytes:
    """GET of a key."""
    return _body(GET, pool, pack_value(0, encode_text(key), b""))


def pack_set(pool: int, item: Item) -> bytes:
    """SET of an item."""
    return _body(SET, pool, pack_value(item.type, encode_text(item.key),
                                       encode_value(item)))


def pack_delete(pool: int, key: str) -> bytes:
    """DELETE of a key."""
    data = encode_text(key)
    return _body(DELETE, pool, struct.pack("<I", len(data)) + data)


def pack_enumerate(pool: int, index: int) -> bytes:
    """ENUMERATE at an index."""
    return _body(ENUMERATE, pool, struct.pack("<I", index)
                 + pack_value(0, b"", b""))


def unpack_get(body: bytes) -> Item:
    """The item in the reply to GET."""
    return unpack_value(body[MESSAGE.size:])


def unpack_enumerate(body: bytes, index: int) -> Item:
    """The item in the reply to ENUMERATE at @index."""
    got, = struct.unpack_from("<I", body, MESSAGE.size)
    if got != index:
        raise Violation(f"reply to ENUMERATE {index} has index {got}")
    return unpack_value(body[MESSAGE.size + 4:])


# IP information ----------------------------------------------------------

FAMILY_NONE, FAMILY_V4, FAMILY_V6, FAMILY_BOTH = range(4)
ORIGIN_UNKNOWN, ORIGIN_OTHER, ORIGIN_STATIC = range(3)

IP_COUNTS = struct.Struct("<6I")
MAX_ADDRESSES, MAX_GATEWAYS, MAX_DNS = 64, 5, 64
ADAPTER_SIZE = 256
# op, pool, adapter, family, dhcp, addresses, subnets, gateways, dns
IP_STRINGS = struct.Struct("<BB256sBB2048s2048s1024s2048s")
IP_STRING_ROOM = 256, 2048, 2048, 1024, 2048	# of the five strings


@dataclass(frozen=True)
class Address:
    """One address of an adapter. @origin exists in the binary form only."""

    address: ipaddress.IPv4Address | ipaddress.IPv6Address
    prefix: int
    origin: int = ORIGIN_UNKNOWN

    @classmethod
    def parse(cls, text: str, origin: int = ORIGIN_UNKNOWN) -> Address:
        """From "192.0.2.1/24"."""
        interface = ipaddress.ip_interface(text)
        return cls(interface.ip, interface.network.prefixlen, origin)

    def __str__(self) -> str:
        return f"{self.address}/{self.prefix}"


@dataclass
class IpInfo:
    """What GET_IP_INFO asks for and SET_IP_INFO sets."""

    adapter: str
    family: int = FAMILY_NONE
    dhcp: bool = False
    addresses: list[Address] = field(default_factory=list)
    gateways: list = field(default_factory=list)
    dns: list = field(default_factory=list)

    def split(self, name: str) -> tuple[list, list]:
        """The IPv4 ones and the IPv6 ones of a list."""
        def version(entry) -> int:
            return getattr(entry, "address", entry).version

        entries = getattr(self, name)
        return ([e for e in entries if version(e) == 4],
                [e for e in entries if version(e) == 6])


def subnet_text(a: Address) -> str:
    """The subnet of an address in the string form."""
    if a.address.version == 6:
        return f"/{a.prefix}"
    return str(ipaddress.ip_network(f"0.0.0.0/{a.prefix}").netmask)


def pack_ip_texts(operation: int, adapter: str, family: int = FAMILY_NONE,
                  dhcp: int = 0, addresses: str = "", subnets: str = "",
                  gateways: str = "", dns: str = "") -> bytes:
    """The string form with whatever text a host may send: nothing is checked,
    and what is longer than its field is cut, with its NUL."""
    return IP_STRINGS.pack(
        operation, 0, encode_text(adapter), family, dhcp,
        *map(encode_text, (addresses, subnets, gateways, dns))
        ).ljust(IP_BODY_SIZE, b"\0")


def pack_ip_strings(operation: int, info: IpInfo) -> bytes:
    """The string form, of message versions up to 4.0. Guests write lengths of
    prefixes as /64; those that they are given have no slash: hv_kvp_daemon
    reads them with atoi(), and so do scripts (Ubuntu's hv_set_ifconfig)."""
    subnets = [subnet_text(a) for a in info.addresses]
    if operation == SET_IP_INFO:
        subnets = [text.removeprefix("/") for text in subnets]
    lists = [";".join(map(str, entries)) for entries in (
        [a.address for a in info.addresses], subnets, info.gateways, info.dns)]
    for text, room in zip((info.adapter, *lists), IP_STRING_ROOM):
        if len(encode_text(text)) > room:
            raise ValueError(f"{len(text)} characters, room for {room} bytes")
    return pack_ip_texts(operation, info.adapter, info.family, info.dhcp,
                         *lists)


def _field_text(data: bytes, what: str) -> str:
    """A string that fills its field up to a NUL; the NUL must be there."""
    for at in range(0, len(data) - 1, 2):
        if data[at:at + 2] == b"\0\0":
            return decode_text(data, at + 2, what)
    raise Violation(f"{what}: no NUL in {len(data)} bytes")


def _parse_list(text: str, parse, what: str) -> list:
    try:
        return [parse(entry) for entry in text.split(";") if entry]
    except ValueError as error:
        raise Violation(f"{what}: {error}") from None


def _prefix(subnet: str) -> int:
    if subnet.startswith("/"):
        return int(subnet[1:])
    return ipaddress.ip_network(f"0.0.0.0/{subnet}").prefixlen


def unpack_ip_strings(body: bytes) -> IpInfo:
    """The string form of a reply."""
    (_, _, adapter, family, dhcp, addresses, subnets, gateways,
     dns) = IP_STRINGS.unpack_from(body)
    found = _parse_list(_field_text(addresses, "addresses"),
                        ipaddress.ip_address, "addresses")
    masks = _parse_list(_field_text(subnets, "subnets"), _prefix, "subnets")
    if len(found) != len(masks):
        raise Violation(f"{len(found)} addresses, {len(masks)} subnets")
    return IpInfo(
        _field_text(adapter, "adapter"), family, bool(dhcp),
        [Address(a, p) for a, p in zip(found, masks)],
        _parse_list(_field_text(gateways, "gateways"), ipaddress.ip_address,
                    "gateways"),
        _parse_list(_field_text(dns, "dns"), ipaddress.ip_address, "dns"))


def pack_ip_binary(operation: int, info: IpInfo,
                   counts: tuple[int, ...] | None = None) -> bytes:
    """The binary form, of message version 5.0. @counts: other ones than what
    is there, in the order of IP_COUNTS, from a host that lies."""
    v4, v6 = info.split("addresses")
    gw4, gw6 = info.split("gateways")
    dns4, dns6 = info.split("dns")

    def table(entries, size: int, room: int) -> bytes:
        data = b"".join(entries)
        if len(data) > size * room:
            raise ValueError(f"{len(data) // size} entries, room for {room}")
        return data.ljust(size * room, b"\0")

    def mask(a: Address) -> bytes:
        return ipaddress.ip_network(f"0.0.0.0/{a.prefix}").netmask.packed

    body = MESSAGE.pack(operation, GUEST)
    body += IP_COUNTS.pack(*counts or map(len, (v4, v6, gw4, gw6, dns4, dns6)))
    body += encode_text(info.adapter)[:ADAPTER_SIZE].ljust(ADAPTER_SIZE, b"\0")
    body += struct.pack("<BBH", info.family, info.dhcp, 0)
    body += table((a.address.packed for a in v4), 4, MAX_ADDRESSES)
    body += table((a.address.packed for a in v6), 16, MAX_ADDRESSES)
    body += table((mask(a) for a in v4), 4, MAX_ADDRESSES)
    body += table((struct.pack("<I", a.prefix) for a in v6), 4, MAX_ADDRESSES)
    body += table((g.packed for g in gw4), 4, MAX_GATEWAYS)
    body += table((g.packed for g in gw6), 16, MAX_GATEWAYS)
    body += table((d.packed for d in dns4), 4, MAX_DNS)
    body += table((d.packed for d in dns6), 16, MAX_DNS)
    body += table((struct.pack("<H", a.origin) for a in [*v4, *v6]), 2,
                  2 * MAX_ADDRESSES)
    return body.ljust(IP_BODY_SIZE, b"\0")


class _Reader:
    """Takes fixed tables off a body, one after the other."""

    def __init__(self, data: bytes):
        self.data, self.at = data, 0

    def take(self, size: int) -> bytes:
        """The next @size bytes."""
        self.at += size
        return self.data[self.at - size:self.at]

    def table(self, size: int, room: int, count: int) -> list[bytes]:
        """The first @count entries of a table that has @room."""
        if count > room:
            raise Violation(f"{count} entries in a table of {room}")
        data = self.take(size * room)
        return [data[size * i:size * (i + 1)] for i in range(count)]


def unpack_ip_binary(body: bytes) -> IpInfo:
    """The binary form of a reply."""
    r = _Reader(body)
    r.take(MESSAGE.size)
    n4, n6, ngw4, ngw6, ndns4, ndns6 = IP_COUNTS.unpack(r.take(IP_COUNTS.size))
    adapter = _field_text(r.take(ADAPTER_SIZE), "adapter")
    family, dhcp, _ = struct.unpack("<BBH", r.take(4))
    v4 = r.table(4, MAX_ADDRESSES, n4)
    v6 = r.table(16, MAX_ADDRESSES, n6)
    masks = r.table(4, MAX_ADDRESSES, n4)
    prefixes = r.table(4, MAX_ADDRESSES, n6)
    gw4 = r.table(4, MAX_GATEWAYS, ngw4)
    gw6 = r.table(16, MAX_GATEWAYS, ngw6)
    dns4 = r.table(4, MAX_DNS, ndns4)
    dns6 = r.table(16, MAX_DNS, ndns6)
    origins = [struct.unpack("<H", o)[0]
               for o in r.table(2, 2 * MAX_ADDRESSES, n4 + n6)]
    if any(o > ORIGIN_STATIC for o in origins):
        raise Violation(f"address origins {origins}")
    try:
        lengths = [_prefix(str(ipaddress.IPv4Address(m))) for m in masks]
    except ValueError as error:
        raise Violation(f"subnet mask: {error}") from None
    lengths += [struct.unpack("<I", p)[0] for p in prefixes]
    if any(p > 128 for p in lengths):
        raise Violation(f"prefix lengths {lengths}")
    every = [ipaddress.IPv4Address(a) for a in v4]
    every += [ipaddress.IPv6Address(a) for a in v6]
    return IpInfo(
        adapter, family, bool(dhcp),
        [Address(*entry) for entry in zip(every, lengths, origins)],
        [*map(ipaddress.IPv4Address, gw4), *map(ipaddress.IPv6Address, gw6)],
        [*map(ipaddress.IPv4Address, dns4),
         *map(ipaddress.IPv6Address, dns6)])


# For the transcript ------------------------------------------------------

def _lenient_text(data: bytes, size: int) -> str:
    size = min(size, len(data))
    return data[:size].decode("utf-16-le", "replace").partition("\0")[0]


def _lenient_value(data: bytes, with_value: bool) -> str:
    if len(data) < VALUE.size:
        return "(short)"
    kind, key_size, value_size = VALUE.unpack_from(data)
    key = data[VALUE.size:VALUE.size + KEY_SIZE]
    value = data[VALUE.size + KEY_SIZE:]
    text = (f"type {TYPE_NAMES.get(kind, kind)} key[{key_size}] "
            f"{_lenient_text(key, key_size)!r}")
    if not with_value:
        return text
    if kind in (DWORD, QWORD, QWORD_OLD):
        shown = str(int.from_bytes(value[:min(value_size, 8)], "little"))
    else:
        shown = repr(_lenient_text(value, value_size))
    return text + f" value[{value_size}] {shown[:120]}"


def describe(body: bytes, reply: bool) -> str:
    """One line about a KVP body, whatever is in it."""
    if len(body) < 2:
        return f"KVP body of {len(body)} bytes"
    operation, pool = body[0], body[1]
    text = (f"{OP_NAMES.get(operation, f'op {operation}')} "
            f"{POOL_NAMES.get(pool, f'pool {pool}')}")
    data = body[MESSAGE.size:]
    if operation in (GET, SET):
        return f"{text} {_lenient_value(data, operation == SET or reply)}"
    if operation == DELETE and len(data) >= 4:
        size, = struct.unpack_from("<I", data)
        return f"{text} key[{size}] {_lenient_text(data[4:], size)!r}"
    if operation == ENUMERATE and len(data) >= 4:
        index, = struct.unpack_from("<I", data)
        shown = f" {_lenient_value(data[4:], True)}" if reply else ""
        return f"{text} #{index}{shown}"
    return f"{text} ({len(body)} bytes)"
