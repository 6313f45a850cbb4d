# SPDX-License-Identifier: GPL-2.0
"""Each field of each message at its limits and beyond, messages that are cut
off, and random packets, for the kernel with KASAN. icmodel.py says what each
answer has to be, to the byte, and what is in the pools afterwards.

HV_KVP_SEED in the environment repeats the packets of an earlier run.
"""
import os
import random
import struct
import time
from collections.abc import Callable, Iterable, Iterator
from ipaddress import ip_address

import leaks
from guests import HV_KVP, IP, Setup
from hvhost import icwire, kvpwire, testnic
from hvhost.icwire import Header, Version, status_name
from hvhost.kvp import VERSIONS
from hvhost.kvpwire import AUTO, EXTERNAL, GUEST, Address, IpInfo, Item
from hvhost.vmbus import Packet
from scenario import Failed, Test, scenario
from scenarios.icmodel import HEADERS, STRINGS_AT, Answer, Model, Stored
from scenarios.ipset import agent, ifindex, line, saw

# Enough for the answers of the host's, which keeps all of them.
ROOMY = Setup(memory=768, nics=1, selftests=True)
ON = ("debug",)
RANDOM_PACKETS = 10000
BINARY: list[Version] = [(5, 0)]
STRINGS: list[Version] = [(4, 0)]
FORMS = {"5.0": BINARY, "4.0": STRINGS}

NIC, MAC = testnic.instance_id(0), testnic.mac(0).upper()
ADDRESSES = ["192.0.2.10/24", "2001:db8::10/64"]
# Nothing comes and goes by itself, so that intrinsic items stay what they are.
NETWORK = f"""cd /proc/sys/net/ipv6/conf/eth0
echo 0 >accept_dad; echo 1 >addr_gen_mode
{IP} addr flush dev eth0; {IP} link set eth0 up
{IP} addr add {ADDRESSES[0]} dev eth0; {IP} addr add {ADDRESSES[1]} dev eth0"""

# Where a field begins in a payload, and its bytes: pipe header, IC header.
HEADER_FIELDS = ((0, 4), (4, 4), (8, 2), (10, 2), (12, 2), (14, 2), (16, 2),
                 (18, 2), (20, 4), (24, 1), (25, 1), (26, 2))
Fields = tuple[tuple[int, int], ...]
# In a body: operation, pool, padding; type, sizes, the strings' ends.
VALUE_FIELDS: Fields = ((0, 1), (1, 1), (2, 2), (4, 4), (8, 4), (12, 4),
                        (16, 2), (526, 2), (528, 2), (2574, 2))
DELETE_FIELDS: Fields = ((0, 1), (1, 1), (2, 2), (4, 4), (8, 2), (518, 2))
ENUMERATE_FIELDS: Fields = ((0, 1), (1, 1), (2, 2), (4, 4), (8, 4), (12, 4),
                            (16, 4))
# Counts, adapter, family, DHCP, zero, the first entry of some tables.
BINARY_FIELDS: Fields = (
    (0, 1), (1, 1), (2, 2), *((at, 4) for at in range(4, 28, 4)), (28, 2),
    (282, 2), (284, 1), (285, 1), (286, 2), (288, 4), (1568, 4), (1824, 4),
    (2080, 4), (2180, 4), (3460, 2))
# Adapter, family, DHCP, the ends of each list.
STRING_FIELDS: Fields = (
    (0, 1), (1, 1), (2, 2), (256, 2), (258, 1), (259, 1),
    *((at + skip, 2) for at, units in STRINGS_AT.values()
      for skip in (0, 2 * units - 2)))

SIZES = (0, 1, 2, 3, 4, 5, 6, 7, 8, 9, 10, 11, 12, 64, 65, 127, 128, 255, 256,
         508, 509, 510, 511, 512, 513, 514, 520, 2044, 2046, 2047, 2048, 2049,
         2050, 2576, 2580, 2600, 7428, 7448, 13312, 0x7fff, 0x8000, 0xfffe,
         0xffff, 0x10000, 0x7fffffff, 0x80000000, 0xfffffffe, 0xffffffff)

FULL_KEY = kvpwire.encode_text("k" * 256)[:-2]		# no room for a NUL
FULL_VALUE = kvpwire.encode_text("v" * 1024)[:-2]
SET_KEY = kvpwire.pack_set(EXTERNAL, Item("key", "value"))


def full(operation: int) -> bytes:
    """A body with strings that fill their fields, and sizes that are right
    for the longest that are allowed."""
    body = kvpwire.MESSAGE.pack(operation, EXTERNAL) + kvpwire.pack_value(
        kvpwire.SZ, FULL_KEY, FULL_VALUE, 510, 2046)
    return body.ljust(kvpwire.BODY_SIZE, b"\0")


def ip_info(adapter: str = MAC) -> IpInfo:
    """A bit of everything."""
    return IpInfo(adapter, kvpwire.FAMILY_BOTH, False,
                  [Address.parse(a) for a in ADDRESSES],
                  [ip_address("192.0.2.1"), ip_address("2001:db8::1")],
                  [ip_address("198.51.100.1"), ip_address("2001:db8::53")])


# Body, its fields, and what is sent in front of it.
MESSAGES: dict[str, tuple[bytes, Fields, tuple[bytes, ...]]] = {
    "GET": (kvpwire.pack_get(EXTERNAL, "key"), VALUE_FIELDS[:8], (SET_KEY,)),
    "GET, full": (full(kvpwire.GET), VALUE_FIELDS[:8], (full(kvpwire.SET),)),
    "GET in AUTO": (kvpwire.pack_get(AUTO, "OSName"), VALUE_FIELDS[:8], ()),
    "SET": (SET_KEY, VALUE_FIELDS, ()),
    "SET, full": (full(kvpwire.SET), VALUE_FIELDS, ()),
    "SET, DWORD": (kvpwire.pack_set(GUEST, Item("d", 7, kvpwire.DWORD)),
                   VALUE_FIELDS, ()),
    "SET, QWORD": (kvpwire.pack_set(GUEST, Item("q", 7, kvpwire.QWORD)),
                   VALUE_FIELDS, ()),
    "DELETE": (kvpwire.pack_delete(EXTERNAL, "key"), DELETE_FIELDS,
               (SET_KEY,)),
    "ENUMERATE": (kvpwire.pack_enumerate(EXTERNAL, 0), ENUMERATE_FIELDS,
                  (SET_KEY,)),
    "ENUMERATE AUTO": (kvpwire.pack_enumerate(AUTO, 9), ENUMERATE_FIELDS, ()),
}


def ip_messages(versions: list[Version]) -> dict[
        str, tuple[bytes, Fields, tuple[bytes, ...]]]:
    """The IP messages in the form of a version."""
    pack, fields = ((kvpwire.pack_ip_binary, BINARY_FIELDS)
                    if versions == BINARY else
                    (kvpwire.pack_ip_strings, STRING_FIELDS))
    return {kvpwire.OP_NAMES[op]: (pack(op, ip_info()), fields, ())
            for op in (kvpwire.GET_IP_INFO, kvpwire.SET_IP_INFO)}


def with_field(payload: bytes, at: int, size: int) -> Iterator[bytes]:
    """@payload with each of SIZES that a field can hold in it."""
    for number in SIZES:
        if number < 1 << 8 * size:
            yield (payload[:at] + number.to_bytes(size, "little")
                   + payload[at + size:])


def is_negotiate(payload: bytes) -> bool:
    """Whether the IC header says so."""
    return payload[12:14] == bytes(2)


def begin(payload: bytes, how: dict) -> bytes:
    """What the guest takes for the payload, which may begin late."""
    return payload[8 * how.get("offset8", 2) - 16:]


# The host's end ----------------------------------------------------------

def difference(got: bytes, wanted: bytes) -> str:
    """Where two answers differ, for people."""
    if len(got) != len(wanted):
        return f"{len(got)} bytes, wanted {len(wanted)}"
    at = next(n for n, pair in enumerate(zip(got, wanted))
              if pair[0] != pair[1])
    said = [status_name(Header.unpack(p[8:]).status) for p in (got, wanted)]
    return (f"{said[0]}, wanted {said[1]}; from byte {at} on "
            f"{got[at:at + 8].hex(' ')}, wanted {wanted[at:at + 8].hex(' ')}")


class Line:
    """The host's end of the channel, past its service, with the model."""

    def __init__(self, t: Test):
        t.sh(NETWORK)
        leaks.begin(t)
        self.t, self.opens = t, t.device.opens
        self.model = Model((MAC, NIC))
        self.sent = self.answered = 0
        self.start()
        for pool in kvpwire.POOL_NAMES:
            self.model.pools[pool] = [Stored.of(item)
                                      for item in t.kvp.enumerate(pool)]

    def start(self, versions: list[Version] | None = None) -> None:
        """A fresh negotiation."""
        count = self.t.kvp.negotiations
        self.t.kvp.negotiate(versions or VERSIONS)
        self.t.kvp.wait_pushed(60, count + 1)
        self.model.connect(self.t.kvp.msg)

    def request(self, body: bytes) -> bytes:
        """A well framed request of the versions that were agreed."""
        return icwire.pack(Header(icwire.MSG_KVP, 0, (3, 0), self.model.msg
                                  or self.t.kvp.msg), body)

    def look(self) -> list[bytes]:
        """Requests that tell all that is in the pools."""
        return [self.request(kvpwire.pack_enumerate(pool, index))
                for pool, items in self.model.pools.items() if pool != AUTO
                for index in range(len(items) + 1)]

    def empty(self) -> None:
        """Deletes all items, whatever keys they have."""
        self.run("emptying the pools", [
            self.request((kvpwire.MESSAGE.pack(kvpwire.DELETE, pool)
                          + struct.pack("<I", len(item.key) + 2)
                          + item.key).ljust(kvpwire.BODY_SIZE, b"\0"))
            for pool, items in self.model.pools.items() if pool != AUTO
            for item in reversed(items)])

    def run(self, what: str,
            packets: Iterable[bytes | tuple[bytes, dict]]) -> None:
        """Sends payloads, with what else Device.send() is to have, and looks
        at the pools. Each answer has to be what the model says."""
        pairs = list(self.apart(packets))
        wanted = [self.wanted(*pair) for pair in pairs]
        for payload in self.look():
            pairs.append((payload, {}))
            wanted.append(self.model.packet(payload))
        ids = [self.t.kvp.raw(payload, **how) for payload, how in pairs]
        self.t.kvp.raw_reply(ids[-1], 120)
        for n, (pair, trans_id) in enumerate(zip(pairs, ids)):
            replies = self.t.kvp.raw_replies(trans_id)
            try:
                self.check(replies, wanted[n])
            except (Failed, icwire.Violation) as error:
                raise Failed(f"{what}: packet {n} of {len(pairs)}, "
                             f"{pair[0][:64].hex(' ', 4)} {pair[1] or ''}: "
                             f"{error}") from error
            self.answered += len(replies)
        self.sent += len(pairs)

    def apart(self, packets: Iterable[bytes | tuple[bytes, dict]]
              ) -> Iterator[tuple[bytes, dict]]:
        """No NEGOTIATE is right behind a SET_IP_INFO, which that would end, or
        not, as the agent is fast: ipset.negotiation_behind has that."""
        for packet in packets:
            pair = packet if isinstance(packet, tuple) else (packet, {})
            if is_negotiate(begin(*pair)):
                yield self.request(kvpwire.pack_get(EXTERNAL, "apart")), {}
            yield pair

    def wanted(self, payload: bytes, how: dict) -> Answer | None:
        """What the model says of a packet."""
        if how.get("type", 6) != 6:
            return None
        return self.model.packet(begin(payload, how))

    def check(self, replies: list[Packet], wanted: Answer | None) -> None:
        """The answers to one packet."""
        self.t.equal(len(replies), 1 if wanted else 0, "number of answers")
        if not wanted:
            return
        got = replies[0].payload
        kept = HEADERS if wanted.ip else None
        if got[:kept] != wanted.payload[:kept]:
            raise Failed(difference(got[:kept], wanted.payload[:kept]))
        if wanted.ip:
            self.check_ip(got[HEADERS:], wanted)

    def check_ip(self, body: bytes, wanted: Answer) -> None:
        """IP information: the addresses of the family that was asked for."""
        info = (kvpwire.unpack_ip_binary if wanted.binary
                else kvpwire.unpack_ip_strings)(body)
        asked = wanted.payload[HEADERS + (284 if wanted.binary else 258)]
        shown = [str(a) for a in info.addresses if not a.address.is_link_local]
        self.t.equal(shown, [a for a, family in zip(ADDRESSES, (1, 2))
                             if not asked or asked & family], "addresses")
        self.t.equal((info.family, info.gateways, info.dns),
                     (asked or kvpwire.FAMILY_BOTH, [], []), "family, lists")

    def told(self, job) -> None:
        """The agent has had what the model let through, and nothing else."""
        index = ifindex(self.t)
        saw(self.t, job, [line(info, index if known else 0)
                          for known, info in self.model.handed], "of the agent")
        self.model.handed.clear()

    def finish(self) -> None:
        """All is as ever: the host's service, the channel, memory."""
        print(f"# {self.sent} packets, {self.answered} answered", flush=True)
        self.start()
        self.empty()
        self.t.works()
        self.t.equal(self.t.device.opens, self.opens, "channel opened anew")
        leaks.check(self.t)


# Fields ------------------------------------------------------------------

def sweep(host: Line, versions: list[Version], name: str, places: Fields,
          whole: bytes, before: tuple[bytes, ...]) -> None:
    """Each field by itself, with a negotiation of its own, since what reads as
    a NEGOTIATE without a common version leaves none; those come last."""
    for at, size in places:
        host.start(versions)
        packets = sorted(with_field(whole, at, size), key=is_negotiate)
        host.run(f"{name}, {size} bytes at {at}", [
            payload for packet in packets
            for payload in (*map(host.request, before), packet)])


@scenario(ROOMY, guests=(HV_KVP,), proof=ON)
def limits_of_every_field(t: Test) -> None:
    """Headers and bodies of all operations, the IP messages in both forms. An
    agent gets what is right of SET_IP_INFO and nothing else."""
    host = Line(t)
    for form, versions in FORMS.items():
        with agent(t, 0) as job:
            for name, (body, fields, before) in (
                    MESSAGES | ip_messages(versions)).items():
                host.start(versions)
                host.empty()
                places = (*(HEADER_FIELDS if ", " not in name else ()),
                          *((HEADERS + at, size) for at, size in fields))
                sweep(host, versions, f"{form} {name}", places,
                      host.request(body), before)
            host.told(job)
    host.finish()


def filled(body: bytes, at: int, units: int, text: str) -> bytes:
    """@body with a field that @text fills from its beginning on."""
    data = text.encode("utf-16-le")[:2 * units]
    return body[:at] + data + body[at + len(data):]


def full_lists(body: bytes) -> Iterator[bytes]:
    """Lists up to the last unit of their fields: one entry at the very end,
    with a NUL behind it and without, nothing at all, and no entry. The field
    behind begins with a digit, which would change the entry."""
    last = {"addresses": "192.0.2.10;2001:db8::10",
            "subnets": "255.255.255.0;/64", "gateways": "192.0.2.1",
            "dns": "2001:db8::53"}
    for name, (at, units) in STRINGS_AT.items():
        entry = last[name]
        for text in (";" * (units - len(entry)) + entry,
                     ";" * (units - len(entry) - 1) + entry + "\0",
                     ";" * units, " " * units, "1" * units,
                     "\u20ac" * units, "\0" * units):
            yield filled(body, at, units, text)
    at, units = STRINGS_AT["dns"]
    body = filled(body, at, units, ";" * units)
    for count in (64, 65):
        yield filled(body, at, units, ";".join(["10.0.0.1"] * count))


def full_names(body: bytes) -> Iterator[bytes]:
    """An adapter in 128 units: what is behind its NUL means nothing."""
    for name in (MAC, NIC, f"{{{NIC}}}", f"{{{NIC.upper()}}}"):
        yield filled(body, 2, 128, (name + "\0").ljust(128, "x"))
        yield filled(body, 2, 128, name.ljust(128, "x"))
        yield filled(body, 2, 128, name.ljust(128, "\0")[:127] + "1")


@scenario(ROOMY, guests=(HV_KVP,), proof=ON)
def full_strings_of_ip_messages(t: Test) -> None:
    """The first and the last unit of each field, and none for a NUL."""
    host = Line(t)
    with agent(t, 0) as job:
        for operation in (kvpwire.GET_IP_INFO, kvpwire.SET_IP_INFO):
            body = kvpwire.pack_ip_strings(operation, ip_info())
            host.start(STRINGS)
            host.run(kvpwire.OP_NAMES[operation],
                     map(host.request, (*full_lists(body), *full_names(body))))
        host.told(job)
    host.finish()


def between_good_ones(host: Line, negotiations: Iterable[bytes],
                      ) -> Iterator[bytes]:
    """Each NEGOTIATE with a request behind it, which shows what was agreed,
    then a good one, and a request again."""
    probe = host.request(kvpwire.pack_get(EXTERNAL, "key"))
    good = icwire.pack_negotiate([(3, 0)], BINARY)
    for payload in negotiations:
        yield from (payload, probe, good, probe)


@scenario(ROOMY, guests=(HV_KVP,), proof=ON)
def limits_of_negotiate(t: Test) -> None:
    """The headers, counts and versions of NEGOTIATE, each followed by a good
    one."""
    host = Line(t)
    whole = icwire.pack_negotiate([(1, 0), (3, 0)], [(3, 0), (4, 0), (5, 0)])
    for at, size in (*HEADER_FIELDS, *((HEADERS + n, 2)
                                       for n in range(0, 28, 2))):
        host.start()
        host.run(f"{size} bytes at {at}", between_good_ones(
            host, with_field(whole, at, size)))
    host.finish()


# Lengths -----------------------------------------------------------------

def lengths(needed: int, size: int) -> list[int]:
    """Of payloads: around the headers, what is needed and the whole."""
    return sorted({n for middle in (40, HEADERS + 512, HEADERS + needed, size)
                   for n in range(middle - 40, middle + 40) if n <= size})


def cut(host: Line, body: bytes, needed: int) -> Iterator[bytes]:
    """A message as its beginning, and with sizes that fit that."""
    whole = host.request(body)
    for n in lengths(needed, len(whole)):
        yield whole[:n]
        yield host.request(body[:n])


@scenario(ROOMY, guests=(HV_KVP,), proof=ON)
def every_length(t: Test) -> None:
    """Messages cut off at each length around what matters, as they are and
    with sizes that fit."""
    host = Line(t)
    for form, versions in FORMS.items():
        needed = {"DELETE": 520, "ENUMERATE": 2580} | dict.fromkeys(
            ip_messages(versions), 3716 if versions == BINARY else 7428)
        with agent(t, 0) as job:
            for name, (body, _, before) in (
                    MESSAGES | ip_messages(versions)).items():
                host.start(versions)
                host.empty()
                host.run(f"{form} {name}", [
                    payload for packet in cut(host, body,
                                              needed.get(name, 2576))
                    for payload in (*map(host.request, before), packet)])
            host.told(job)
    whole = icwire.pack_negotiate([(1, 0), (3, 0)], [(4, 0), (5, 0)])
    host.start()
    host.run("NEGOTIATE", between_good_ones(host, [
        payload for n in range(len(whole) + 1) for payload in (
            whole[:n], icwire.pack(Header(icwire.MSG_NEGOTIATE, 0),
                                   whole[HEADERS:n]))]))
    host.finish()


# Random packets ----------------------------------------------------------

def random_packet(rng: random.Random, request: Callable[[bytes], bytes],
                  bodies: list[bytes]) -> tuple[bytes, dict]:
    """Mostly a message with something wrong in it; sometimes noise."""
    how: dict = {}
    if rng.random() < 0.1:
        payload = bytearray(rng.randbytes(rng.choice((0, 8, 28, 100, 3000))))
    else:
        payload = bytearray(request(rng.choice(bodies)))
        if rng.random() < 0.05:
            payload = bytearray(icwire.pack_negotiate([(3, 0)], BINARY))
        for _ in range(rng.choice((0, 1, 1, 2, 4))):
            at = rng.randrange(min(len(payload), rng.choice((56, 600, 8000))))
            payload[at] = rng.choice((0, 1, 2, 255, rng.randrange(256)))
        if rng.random() < 0.2:
            payload = payload[:rng.randrange(len(payload))]
    if rng.random() < 0.05:
        how["type"] = rng.choice((0, 1, 7, 9, 11, 0xffff))
    if rng.random() < 0.1:
        how["trailer"] = rng.getrandbits(64)
    if rng.random() < 0.05:
        # a payload that begins later
        how["len8"] = 2 + (len(payload) + 7) // 8
        how["offset8"] = rng.randrange(2, how["len8"] + 1)
    return bytes(payload), how


@scenario(ROOMY, guests=(HV_KVP,), proof=ON)
def random_packets(t: Test) -> None:
    """10,000 of them, half of them for each form of the IP messages, and the
    guest works after each hundred."""
    seed = int(os.environ.get("HV_KVP_SEED") or time.time())
    rng = random.Random(seed)
    print(f"# HV_KVP_SEED={seed}", flush=True)
    host = Line(t)
    for versions in FORMS.values():
        bodies = [body for body, _, _ in (
            MESSAGES | ip_messages(versions)).values()]
        with agent(t, 0) as job:
            host.start(versions)
            for n in range(RANDOM_PACKETS // 200):
                host.run(f"HV_KVP_SEED={seed}: hundred {n}",
                         [random_packet(rng, host.request, bodies)
                          for _ in range(100)])
                host.start(versions)
                host.empty()
                t.works()
            host.told(job)
    host.finish()
