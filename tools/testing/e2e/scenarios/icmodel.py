# SPDX-License-Identifier: GPL-2.0
"""What the guest has to answer to any bytes in the channel's ring: the tables
of Documentation/design/service.md and ipagent.md once more, in Python.

Of an answer all bytes are known beforehand, but for those of IP information,
which the guest's network has. There is an IP agent that says yes to all.
"""
from __future__ import annotations

import ipaddress
import re
import struct
from dataclasses import dataclass

from hvhost import icwire, kvpwire
from hvhost.icwire import STATUS_BY_NAME, Header, Version
from hvhost.kvpwire import (AUTO, DELETE, ENUMERATE, GET, GET_IP_INFO,
                            KEY_SIZE, SET, SET_IP_INFO, VALUE_SIZE, Address,
                            IpInfo, Item)
from hvhost.vmbus import PACKET_INBAND

OK, INVALID = "OK", "INVALID_ARGUMENT"
NONE, UNSUPPORTED = "NO_MORE_ITEMS", "NOT_SUPPORTED"
UNKNOWN, UNCONNECTED = "NOT_FOUND", "NOT_CONNECTED"

FRAMEWORKS = {(1, 0), (3, 0)}
MESSAGES = {(1, 0), (3, 0), (4, 0), (5, 0)}

DESCRIPTOR = struct.Struct("<HHHHQ")	# type, offset8, len8, flags, trans_id
TRAILER = 8
LARGEST = 8192		# packet that is looked at
HEADERS = icwire.PIPE.size + icwire.IC.size
# Of the pipe header: part of a message, and commands about memory.
NO_MESSAGE = (2, 3, 4)

# Bytes of body that an operation needs; IP messages: string and binary form.
NEEDED = {GET: 2576, SET: 2576, DELETE: 520, ENUMERATE: 2580}
NEEDED_IP = {False: 7428, True: 3716}

NUMBERS = {kvpwire.DWORD: 4, kvpwire.QWORD: 8, kvpwire.QWORD_OLD: 8}
MAC = re.compile(r"[0-9a-f]{2}([:-]?)[0-9a-f]{2}(\1[0-9a-f]{2}){4}",
                 re.I | re.A)
GUID = re.compile(r"(\{)?[0-9a-f]{8}(-[0-9a-f]{4}){3}-[0-9a-f]{12}(?(1)\})",
                  re.I | re.A)
LENGTH = re.compile(r"/?(0|[1-9][0-9]{0,2})")
ZONE = re.compile(r"[A-Za-z0-9._-]{1,15}")

# Where lists and tables are in a body, and what they hold.
STRINGS_AT = {"addresses": (260, 1024), "subnets": (2308, 1024),
              "gateways": (4356, 512), "dns": (5380, 1024)}
TABLES_AT = ((288, 4), (544, 16), (2080, 4), (2100, 16), (2180, 4), (2436, 16))
MASKS_AT, PREFIXES_AT = 1568, 1824
MOST = (64, 64, 5, 5, 64, 64)	# addresses, gateways, DNS servers; 4 and 6


@dataclass(frozen=True)
class Stored:
    """An item of a pool in the bytes of the wire; @key is without its NUL."""

    key: bytes
    type: int
    value: bytes

    @classmethod
    def of(cls, item: Item) -> Stored:
        """What an item is stored as."""
        return cls(kvpwire.encode_text(item.key)[:-2], item.type,
                   kvpwire.encode_value(item))


@dataclass(frozen=True)
class Answer:
    """What comes back. @ip: from the IC header on it is what the guest's
    network says, in the form of @version."""

    payload: bytes
    status: str
    ip: bool = False
    binary: bool = False


def u32(body: bytes, at: int) -> int:
    """A number."""
    return struct.unpack_from("<I", body, at)[0]


def take_text(body: bytearray, at: int, size: int, room: int) -> bytes | None:
    """The string of @size bytes at @at, without its NUL, which it is given
    if it has none. None: it is no string."""
    if size % 2 or size > room:
        return None
    units = [bytes(body[n:n + 2]) for n in range(at, at + size, 2)]
    length = units.index(b"\0\0") if b"\0\0" in units else len(units)
    if 2 * length == room:
        return None
    body[at + 2 * length:at + 2 * length + 2] = b"\0\0"
    return b"".join(units[:length])


def put_item(body: bytearray, at: int, item: Stored) -> None:
    """An item in an answer; what is behind its strings stays."""
    kvpwire.VALUE.pack_into(body, at, item.type, len(item.key) + 2,
                            len(item.value))
    for start, data in ((at + 12, item.key + b"\0\0"),
                        (at + 12 + KEY_SIZE, item.value)):
        body[start:start + len(data)] = data


# IP messages -------------------------------------------------------------

def field_text(body: bytes, at: int, units: int) -> str:
    """The text of a field up to its first NUL, or all of it."""
    text = "".join(map(chr, struct.unpack_from(f"<{units}H", body, at)))
    return text.partition("\0")[0]


def entries(body: bytes, name: str) -> list[str]:
    """Of a list. Blanks around one and empty ones do not count."""
    parts = field_text(body, *STRINGS_AT[name]).split(";")
    return [part.strip(" \t") for part in parts if part.strip(" \t")]


def parse_ip(text: str):
    """An address, its zone cut off; ValueError."""
    address, percent, zone = text.partition("%")
    if not percent:
        return ipaddress.ip_address(text)
    if not ZONE.fullmatch(zone):
        raise ValueError(text)
    return ipaddress.IPv6Address(address)


def mask_length(mask: int) -> int:
    """The length of the prefix that it stands for; ValueError."""
    bits = f"{mask:032b}"
    if "01" in bits:
        raise ValueError(f"mask {bits}")
    return bits.count("1")


def subnet_length(text: str, version: int) -> int:
    """Of a subnet of the string form; ValueError."""
    if version == 4 and "." in text:
        return mask_length(int(ipaddress.IPv4Address(text)))
    found = LENGTH.fullmatch(text)
    if not found or int(found[1]) > (32 if version == 4 else 128):
        raise ValueError(text)
    return int(found[1])


def limited(some: list, most: int) -> list:
    """IPv4 first, and of each family the first @most."""
    four = [one for one in some if one.version == 4]
    six = [one for one in some if one.version == 6]
    return four[:most] + six[:most]


def family_of(addresses: list[Address]) -> int:
    """Which families are among them."""
    return sum(bit for version, bit in ((4, kvpwire.FAMILY_V4),
                                        (6, kvpwire.FAMILY_V6))
               if any(a.address.version == version for a in addresses))


def read_strings(body: bytes) -> tuple[list, list, list]:
    """Addresses, gateways, DNS servers of the string form; ValueError."""
    found = [parse_ip(text) for text in entries(body, "addresses")]
    subnets = entries(body, "subnets")
    if len(subnets) < len(found) or len(limited(found, 64)) < len(found):
        raise ValueError(f"{len(found)} addresses, {len(subnets)} subnets")
    addresses = [Address(ip, subnet_length(text, ip.version))
                 for ip, text in zip(found, subnets)]
    return (sorted(addresses, key=lambda a: a.address.version),
            limited([parse_ip(e) for e in entries(body, "gateways")], 5),
            limited([parse_ip(e) for e in entries(body, "dns")], 64))


def read_tables(body: bytes) -> tuple[list, list, list]:
    """The same of the binary form, whose counts are within their tables."""
    counts = kvpwire.IP_COUNTS.unpack_from(body, 4)
    tables = [[ipaddress.ip_address(bytes(body[n:n + size]))
               for n in range(at, at + size * count, size)]
              for (at, size), count in zip(TABLES_AT, counts)]
    lengths = [mask_length(int.from_bytes(body[n:n + 4], "big")) for n in range(
        MASKS_AT, MASKS_AT + 4 * counts[0], 4)]
    lengths += [u32(body, PREFIXES_AT + 4 * n) for n in range(counts[1])]
    if max(lengths, default=0) > 128:
        raise ValueError(f"prefix lengths {lengths}")
    return ([Address(ip, n) for ip, n in zip(tables[0] + tables[1], lengths)],
            tables[2] + tables[3], tables[4] + tables[5])


def plain(adapter: str) -> str:
    """A name of an adapter, however it is written; "" for none."""
    if not (MAC.fullmatch(adapter) or GUID.fullmatch(adapter)):
        return ""
    bare = re.sub("[^0-9a-f]", "", adapter.lower())
    return "" if bare == 12 * "0" else bare


# The service -------------------------------------------------------------

class Model:
    """The guest, from one packet to the next."""

    def __init__(self, adapters: tuple[str, ...] = ()):
        """@adapters: how the NIC that there is may be named."""
        self.adapters = {plain(name) for name in adapters}
        self.pools: dict[int, list[Stored]] = {
            pool: [] for pool in kvpwire.POOL_NAMES}
        self.msg: Version | None = None
        self.cursors: dict[int, tuple[list[Stored], int]] = {}
        self.handed: list[tuple[bool, IpInfo]] = []	# to the agent: known, what

    def connect(self, msg: Version | None) -> None:
        """A NEGOTIATE with this outcome."""
        self.msg = msg
        self.cursors.clear()

    def stream(self, data: bytes) -> tuple[list[tuple[int, Answer]], bool]:
        """Bytes that are all that is in the ring: the answers, with their
        transactions; whether packet boundaries are lost."""
        found: list[tuple[int, Answer]] = []
        while data:
            if len(data) < DESCRIPTOR.size + TRAILER:
                return found, True
            kind, offset8, len8, _, trans_id = DESCRIPTOR.unpack_from(data)
            if (not 2 <= offset8 <= len8 or 8 * len8 > LARGEST
                    or 8 * len8 + TRAILER > len(data)):
                return found, True
            answer = (self.packet(data[8 * offset8:8 * len8])
                      if kind == PACKET_INBAND else None)
            if answer:
                found.append((trans_id, answer))
            data = data[8 * len8 + TRAILER:]
        return found, False

    def packet(self, payload: bytes) -> Answer | None:
        """One packet; None: it is no request."""
        data = bytearray(payload + bytes(-len(payload) % 8))
        if len(data) < HEADERS:
            return None
        flags, size = icwire.PIPE.unpack_from(data)
        header = Header.unpack(data[icwire.PIPE.size:])
        if (flags in NO_MESSAGE or header.flags & icwire.FLAG_RESPONSE
                or not icwire.IC.size <= size <= len(data) - icwire.PIPE.size):
            return None
        known = header.type in (icwire.MSG_NEGOTIATE, icwire.MSG_KVP)
        if not known and not header.flags & icwire.FLAG_REQUEST:
            return None

        came = size - icwire.IC.size
        body = data[HEADERS:HEADERS + min(header.size or came, came)]
        said = len(body)	# what the answer's header says
        if header.type == icwire.MSG_NEGOTIATE:
            status, said = self.negotiate(body)
        elif known:
            status = self.kvp(body)
        else:
            status = UNSUPPORTED
        data[HEADERS:HEADERS + len(body)] = body
        struct.pack_into("<HI", data, icwire.PIPE.size + 10, said,
                         STATUS_BY_NAME[status])
        data[icwire.PIPE.size + 17] = icwire.RESPONSE
        return Answer(bytes(data), status, status == OK and known and
                      header.type == icwire.MSG_KVP and body[0] == GET_IP_INFO,
                      self.binary)

    def negotiate(self, body: bytearray) -> tuple[str, int]:
        """The body of a NEGOTIATE becomes its answer's; status and size."""
        if len(body) < icwire.NEGOTIATE.size:
            return INVALID, len(body)
        counts = struct.unpack_from("<HH", body)
        offers = [icwire.VERSION.unpack_from(body, at)
                  for at in range(8, len(body) - 3, 4)]
        body[:4] = bytes(4)
        if sum(counts) > len(offers):
            return INVALID, len(body)
        fw = FRAMEWORKS & set(offers[:counts[0]])
        msg = MESSAGES & set(offers[counts[0]:sum(counts)])
        self.connect(max(msg) if fw and msg else None)
        if self.msg:
            body[:4] = struct.pack("<HH", 1, 1)
            body[8:16] = struct.pack("<4H", *max(fw), *self.msg)
        return OK, min(len(body), 16)

    @property
    def binary(self) -> bool:
        """The form of the IP messages."""
        return self.msg is not None and self.msg >= (5, 0)

    def kvp(self, body: bytearray) -> str:
        """The body of a KVP message becomes its answer's; status."""
        if len(body) < 2:
            return INVALID
        operation, pool = body[:2]
        if not self.msg:
            return UNCONNECTED
        if operation not in kvpwire.OP_NAMES:
            return UNSUPPORTED
        if len(body) < NEEDED.get(operation, NEEDED_IP[self.binary]):
            return INVALID
        if operation in (GET_IP_INFO, SET_IP_INFO):
            return self.ip(operation, body)
        if pool not in self.pools:
            return INVALID
        return {GET: self.get, SET: self.set, DELETE: self.delete,
                ENUMERATE: self.enumerate}[operation](pool, body)

    def find(self, pool: int, key: bytes) -> int | None:
        """The place of an item."""
        return next((n for n, item in enumerate(self.pools[pool])
                     if item.key == key), None)

    def get(self, pool: int, body: bytearray) -> str:
        """GET."""
        key = take_text(body, 16, u32(body, 8), KEY_SIZE)
        if not key:
            return INVALID
        place = self.find(pool, key)
        if place is None:
            return NONE
        put_item(body, 4, self.pools[pool][place])
        return OK

    def set(self, pool: int, body: bytearray) -> str:
        """SET: a new item comes last, another keeps its place."""
        if pool == AUTO:
            return UNSUPPORTED
        kind, key_size, size = kvpwire.VALUE.unpack_from(body, 4)
        key = take_text(body, 16, key_size, KEY_SIZE)
        if not key:
            return INVALID
        if kind in (kvpwire.SZ, kvpwire.EXPAND_SZ):
            text = take_text(body, 528, size, VALUE_SIZE)
            if text is None:
                return INVALID
            value = text + b"\0\0"
        elif NUMBERS.get(kind) == size:
            value = bytes(body[528:528 + size])
        else:
            return INVALID
        kind = kvpwire.QWORD if kind == kvpwire.QWORD_OLD else kind
        place = self.find(pool, key)
        items = self.pools[pool]
        if place is None:
            items.append(Stored(key, kind, value))
        else:
            items[place] = Stored(key, kind, value)
        return OK

    def delete(self, pool: int, body: bytearray) -> str:
        """DELETE: the last item moves into the hole."""
        if pool == AUTO:
            return UNSUPPORTED
        key = take_text(body, 8, u32(body, 4), KEY_SIZE)
        if not key:
            return INVALID
        place = self.find(pool, key)
        if place is None:
            return NONE
        items = self.pools[pool]
        items[place] = items[-1]
        items.pop()
        return OK

    def enumerate(self, pool: int, body: bytearray) -> str:
        """ENUMERATE: from index 0 on it sees what there was at index 0, for as
        long as each index is the last one or the next one."""
        index = u32(body, 4)
        items, last = self.cursors.pop(pool, (None, 0))
        if index == 0:
            items = list(self.pools[pool])
        elif items is not None and not last <= index <= last + 1:
            items = None
        seen = self.pools[pool] if items is None else items
        if index >= len(seen):
            return NONE
        if items is not None:
            self.cursors[pool] = items, index
        put_item(body, 8, seen[index])
        return OK

    def ip(self, operation: int, body: bytearray) -> str:
        """GET_IP_INFO and SET_IP_INFO."""
        at = 28 if self.binary else 2
        adapter = field_text(body, at, 128)
        family, dhcp = body[at + 256:at + 258]
        if operation == GET_IP_INFO:
            if self.binary and family > kvpwire.FAMILY_BOTH:
                return INVALID
            return OK if plain(adapter) in self.adapters else UNKNOWN
        if self.binary and any(
                count > most for count, most in
                zip(kvpwire.IP_COUNTS.unpack_from(body, 4), MOST)):
            return INVALID
        if not plain(adapter):
            return UNKNOWN
        if family > kvpwire.FAMILY_BOTH:
            return INVALID
        try:
            lists = (read_tables if self.binary else read_strings)(body)
        except ValueError:
            return INVALID
        if not self.binary:
            family |= family_of(lists[0])
            family |= kvpwire.FAMILY_V4 if dhcp and not family else 0
        if not family:
            return INVALID
        self.handed.append((plain(adapter) in self.adapters, IpInfo(
            adapter, family, bool(dhcp), *lists)))
        return OK
