# SPDX-License-Identifier: GPL-2.0
"""The inputs that the fuzzers start from.

Made here rather than kept as files: the format of fuzz_packet.c then has one
description of what good conversations look like, and git no binary files.
"""
from __future__ import annotations

import random
from collections.abc import Iterator

# Templates of fuzz_packet.c.
NEGOTIATE, GET, SET, DELETE, ENUMERATE, GET_IP, SET_IP, DWORD, QWORD_8, QWORD, EXPAND, ZERO = \
    range(12)
# Its control bits.
LATER, LENGTH, PROCESS, REOPEN = 0x10, 0x20, 0x40, 0x80

BODY = 28
KEY_SIZE, VALUE_SIZE, KEY, VALUE = BODY + 8, BODY + 12, BODY + 16, BODY + 528


def packet(template: int, variant: int = 0, pool: int = 0, control: int = 0,
           length: int | None = None, patches: tuple[tuple[int, bytes], ...] = ()) -> bytes:
    """One record."""
    data = bytes([control | (LENGTH if length is not None else 0), template | variant << 4,
                  pool | len(patches) << 3])
    if length is not None:
        data += length.to_bytes(2, "little")
    for offset, new in patches:
        data += offset.to_bytes(2, "little") + bytes([len(new)]) + new
    return data


def u32(value: int) -> bytes:
    """Little-endian."""
    return value.to_bytes(4, "little")


V3, V4, V5, V6, NONE = (packet(NEGOTIATE, n) for n in (1, 2, 3, 4, 8))


def packets() -> Iterator[tuple[str, bytes]]:
    """Conversations for fuzz_packet.c, by name."""
    every = b"".join(packet(op, 1, pool) for pool in range(6) for op in range(1, 11))
    for name, version in (("v3", V3), ("v4", V4), ("v5", V5), ("v6", V6), ("none", NONE)):
        yield f"every-{name}", version + every
    fill = b"".join(packet(SET, n) for n in range(8))
    walk = b"".join(packet(ENUMERATE, n) for n in range(9))
    yield "enumerate", V5 + fill + walk
    yield "enumerate-changed", V5 + fill + packet(ENUMERATE) + packet(DELETE, 0) + \
        packet(ENUMERATE, 1) + packet(SET, 9) + packet(ENUMERATE, 2) + V5 + walk
    yield "enumerate-silence", V5 + fill + packet(ENUMERATE) + packet(DELETE) + \
        packet(ENUMERATE, 1, control=LATER) + packet(ENUMERATE, 2, control=LATER) + \
        packet(ENUMERATE, 3, control=LATER) + packet(ENUMERATE, 4, control=LATER)
    yield "enumerate-31-s", V5 + fill + packet(ENUMERATE) + packet(DELETE) + \
        b"".join(packet(GET, 1, control=LATER) for _ in range(2)) + packet(ENUMERATE, 1)
    yield "enumerate-pools", V5 + fill + packet(SET, 1, 1) + packet(SET, 2, 1) + \
        b"".join(packet(ENUMERATE, n, pool) for n in range(3) for pool in (0, 1, 2, 3, 4))
    yield "full", V5 + fill + packet(SET, 8) + packet(DELETE, 3) + packet(SET, 8) + walk
    yield "reopen", V5 + fill + packet(ENUMERATE) + packet(GET, 1, control=REOPEN) + V4 + walk
    yield "no-memory", V5 + b"".join(packet(SET, n, control=n) for n in range(1, 16)) + \
        b"".join(packet(op, n, control=PROCESS | n) for op in (SET, DELETE) for n in range(1, 8))
    yield "longest", V5 + packet(SET, patches=(
        (KEY_SIZE, u32(510)), (KEY, b"k" * 255), (KEY + 255, b"k" * 255), (VALUE_SIZE, u32(2046)),
        *((VALUE + 255 * n, b"v" * 255) for n in range(9)))) + walk
    yield "strings", V5 + b"".join(packet(SET, patches=((KEY_SIZE, u32(n)), (KEY, b"key\0e\0y\0"),
                                                       (VALUE_SIZE, u32(n)), (VALUE, b"value")))
                                   for n in (0, 1, 2, 6, 8, 512, 514, 0xffffffff))
    yield "lengths", V5 + packet(SET, 1) + b"".join(
        packet(op, 1, patches=((KEY_SIZE, u32(n)), (KEY + n, b"z")))
        for op in (GET, SET) for n in (2, 4)) + b"".join(
        packet(op, patches=((VALUE_SIZE, u32(n)),)) for op in (SET, DWORD, QWORD, QWORD_8, EXPAND)
        for n in (0, 1, 2, 3, 5, 7, 9))
    yield "no-room", V5 + b"".join(
        packet(SET, patches=((at, u32(size)), *((data + 255 * n, b"x" * 255)
                                                for n in range(size // 255 + 1))))
        for at, data, size in ((KEY_SIZE, KEY, 512), (VALUE_SIZE, VALUE, 2048)))
    yield "bodies", b"".join(v + packet(op, patches=((18, n.to_bytes(2, "little")),))
                             for v in (V4, V5) for op, least in (
                                 (GET, 2576), (SET, 2576), (DELETE, 520), (ENUMERATE, 2580),
                                 (GET_IP, 3716), (SET_IP, 3716), (GET_IP, 7428), (SET_IP, 7428))
                             for n in (0, 1, 2, least - 1, least))
    yield "counts", V5 + b"".join(packet(SET_IP, patches=((BODY + 4 * n, u32(count)),))
                                  for n in range(1, 7) for count in (5, 6, 64, 65, 1 << 31))
    yield "intrinsic", V5 + b"".join(packet(GET, 0, 2, patches=(
        (KEY_SIZE, u32(6)), (KEY, b"I\0" + digit + b"\0"))) for digit in (b"0", b"1", b"2"))
    yield "ip", b"".join(v + b"".join(packet(op, n, control=control) for op in (GET_IP, SET_IP)
                                      for n in range(8) for control in (0, PROCESS))
                         for v in (V4, V5))
    # Bits of the adapter's name: how often there is no answer yet, and what comes of it.
    for name, version, at in (("v4", V4, 2), ("v5", V5, 28)):
        yield f"wait-{name}", version + b"".join(
            packet(SET_IP, control=control, patches=((BODY + at, bytes([waits << 3 | more | error])),)) +
            (version if more & 0xc0 else packet(GET, 1))
            for error in range(8) for waits in (0, 1, 3)
            for more in (0, 0x20, 0x40, 0x60, 0x80, 0xa0)
            for control in (0, PROCESS))
    yield "torn", V5 + b"".join(packet(SET, length=n, patches=((4, u32(size)),))
                                for n in (0, 7, 8, 19, 20, 27, 28, 32, 40, 2600, 2608)
                                for size in (0, 19, 20, n - 8 if n > 8 else 0, n))
    yield "headers", V5 + b"".join(packet(GET, patches=((offset, bytes([value])),))
                                   for offset in range(BODY) for value in (0, 1, 4, 255))
    yield "versions", b"".join(packet(NEGOTIATE, n) for n in range(16)) + \
        b"".join(packet(NEGOTIATE, 3, patches=((BODY + at, bytes([value])),))
                 for at in range(4) for value in (0, 1, 3, 9, 255)) + \
        packet(NEGOTIATE, 3, patches=((BODY, b"\xff\xff\1\0"),)) + \
        packet(NEGOTIATE, 3, patches=((BODY + 8, b"\3\0\0\0\1\0\0\0\5\0\0\0\4\0\0\0"),))


def pools() -> Iterator[tuple[str, bytes]]:
    """Sequences for fuzz_pool.c: any bytes are one; some of each of its setups."""
    numbers = random.Random(1)
    for setup in range(6):
        for size in (60, 400, 2000):
            yield f"{setup}-{size}", bytes([setup]) + numbers.randbytes(size)


# Kinds of inputs of fuzz_ip.c, and its other control bits.
STRINGS, BINARY, RAW, CALLS, FLAG, ODD = 0, 1, 2, 3, 4, 8

MAC = b"00:15:5D:01:02:03"
GUID = b"f8615163-df3e-46c5-913f-f2d2f965ed0e"
IDS = (MAC, b"00155d010203", b"00-15-5d-01-02-03", GUID, b"{" + GUID.upper() + b"}", b"", b"eth0",
       b"000000000000", b"00:15-5D:01:02:03", b"00155d01020g", GUID[:-1], b"{" + GUID, b"{" * 128,
       MAC + b"\x81\x00", GUID.replace(b"-", b"0"), b"{" + GUID + b"]")
ADDRESSES = (b"10.0.0.1", b"255.255.255.255", b"0.0.0.0", b"01.2.3.4", b"1.2.3", b"1.2.3.4.5", b"256.1.1.1",
             b"::", b"::1", b"1::", b"fe80::1", b"1:2:3:4:5:6:7:8", b"1::3:4:5:6:7:8", b"1::2:3:4:5:6:7:8",
             b"::ffff:1.2.3.4", b"::1.2.3.4", b"1:2:3:4:5:6:1.2.3.4", b"1:2:3:4:5:6:7:1.2.3.4",
             b"fe80::5efe:1.2.3.4", b":::", b"1:::2", b"1::2::3", b":1", b"1:", b"12345::", b"g::",
             b"1:0:0:2:0:0:0:3", b"0:0:1:0:0:1:0:0", b"ffff:ffff:ffff:ffff:ffff:ffff:255.255.255.255",
             b"::ffff:0.0.0.0", b"-1.2.3.4", b"::1%eth0", b"\x80\x01", b"\xa5\x31")
SUBNETS = (b"/24", b"24", b"255.255.255.0", b"0.0.0.0", b"255.0.255.0", b"255.255.255.255", b"/32", b"/33",
           b"/0", b"/00", b"/128", b"/129", b"/", b"//8", b"/255.0.0.0", b"1000", b"+8")


def strings(name: bytes, addresses: bytes = b"", subnets: bytes = b"", gateways: bytes = b"", dns: bytes = b"",
            family: int = 3, dhcp: int = 0, control: int = 0) -> bytes:
    """A message of string form."""
    return bytes([STRINGS | control, family, dhcp]) + \
        b"\n".join((name, addresses, subnets, gateways, dns))


def binary(counts: bytes, tables: bytes, name: bytes = MAC, family: int = 3, control: int = FLAG) -> bytes:
    """A message of binary form."""
    return bytes([BINARY | control, family, 0]) + name + b"\n" + counts + tables


def call(table: int, times: int, address: bytes, prefix: int = 24) -> bytes:
    """Calls of the encoder."""
    return bytes([table | times << 3, prefix, 2]) + address


def ips() -> Iterator[tuple[str, bytes]]:
    """Messages and answers for fuzz_ip.c, by name."""
    numbers = random.Random(1)
    for n, name in enumerate(IDS):
        yield f"id-{n}", strings(name, control=ODD)
        yield f"id-binary-{n}", binary(b"", b"", name)
    for n, address in enumerate(ADDRESSES):
        yield f"address-{n}", strings(MAC, address, b"/24")
        yield f"others-{n}", strings(MAC, gateways=address, dns=address + b"; " + address + b";")
    for n, subnet in enumerate(SUBNETS):
        for family, address in (("v4", b"10.0.0.1"), ("v6", b"fe80::1")):
            yield f"subnet-{family}-{n}", strings(MAC, address, subnet)
    for family in range(5):
        yield f"family-{family}", strings(GUID, b"10.0.0.1;fe80::1", b"255.0.0.0;/64", b"10.0.0.254;fe80::2",
                                          b"1.1.1.1;::2", family, family)
    yield "lists-differ", strings(MAC, b"10.0.0.1;10.0.0.2", b"/8")
    yield "lists-differ-too", strings(MAC, b"10.0.0.1", b"/8;/9")
    yield "more-subnets", strings(MAC, b"10.0.0.1", b"/8;/9; rubbish\t;x y;;\x80\x01", family=1)
    yield "blanks", strings(MAC, b" 10.0.0.1 ;\t::1\t;", b" 8;9 ", b"; 1.1.1.1 ;", b"1.1.1.1 1", family=3)
    for zone in (b"%", b"%eth0", b"%12", b"%$(id)", b"%" + b"z" * 15, b"%" + b"z" * 16, b"%a%b"):
        yield f"zone-{zone.decode()}", strings(MAC, b"fe80::1" + zone, b"64", b"10.0.0.1" + zone, b"::1" + zone)
    for count in (5, 6, 64, 65):
        v4, v6 = (b";".join(form % n for n in range(count)) for form in (b"1.1.1.%d", b"::%x"))
        yield f"many-v4-{count}", strings(MAC, v4, b";".join([b"/8"] * count), dns=v4)
        yield f"many-v6-{count}", strings(MAC, v6, b";".join([b"/64"] * count), dns=v6)
        yield f"gateways-{count}", strings(MAC, gateways=v4 + b";" + v6)
    # Grows when written again: past the end of its list.
    yield "grows", strings(MAC, dns=b";".join(b"::ffff:ff%02x:ffff" % n for n in range(60)))
    # Lists without a NUL, whose last entry would go on in the next one.
    longest = b"1.1.1.1;" + b";" * 1009 + b"1.1.1.1"
    yield "no-nul", strings(MAC, longest, b"8;" + b";" * 1021 + b"8", b"1.1.1.1;" + b";" * 497 + b"1.1.1.1", longest)
    yield "no-nul-at-all", strings(b"0" * 128, b":" * 1024, b" " * 1024, b"1" * 512, b";" * 1024)
    full = bytes([64, 64, 5, 5, 64, 64])
    for n in range(4):
        yield f"binary-{n}", binary(full, numbers.randbytes(3428), control=FLAG * (n & 1) | ODD * (n >> 1))
    # Prefixes within their range, and what is the same twice.
    yield "binary-same", binary(full, bytes(3428), GUID)
    yield "binary-longest", binary(full, b"\xff" * 1280 + b"\x20\0\0\0" * 64 + b"\x80\0\0\0" * 64 +
                                   b"\xfe" * 1636)
    yield "binary-masks", binary(b"\x21", bytes(1280) + b"".join(
        (0xffffffff00000000 >> n & 0xffffffff).to_bytes(4, "big") for n in range(33)), control=0)
    for prefix in (128, 129, 256):
        yield f"binary-prefix-{prefix}", binary(b"\0\1\0\0\0\0", bytes(1536) + u32(prefix), control=0)
    # As text for hv_kvp_daemon these just fit, and just do not.
    for last in (1, 10):
        yield f"daemon-{last}", binary(b"\6\x32\0\0\0\0", b"\1" * 23 + bytes([last]) + bytes(232) + b"\xff" * 1024)
    for at in range(6):
        for count in (64, 65, 5, 6):
            yield f"count-{at}-{count}", binary(bytes(at) + bytes([count]), b"")
        yield f"count-{at}-huge", binary(bytes(at) + b"\xff\xff\xff\xff\xff", b"")
    for size in (0, 300, 4000):
        yield f"raw-{size}", bytes([RAW]) + numbers.randbytes(size)
        yield f"raw-binary-{size}", bytes([RAW | FLAG]) + numbers.randbytes(size)
    for table in range(6):
        address = b"\xfe\x80" + b"\x11" * 14 if table & 1 else b"\x0a\0\0\0"
        yield f"calls-{table}", bytes([CALLS]) + b"".join(
            call(table, 31, address[:-1] + bytes([31 * n])) for n in range(6))
        yield f"calls-mixed-{table}", bytes([CALLS | FLAG | ODD]) + call(table, 3, address) + b"".join(
            call(n, 7, address if (n ^ table) & 1 == 0 else (address * 4)[:4 if table & 1 else 16])
            for n in range(6)) + call(table, 3, address)


def make(fuzzer: str) -> Iterator[tuple[str, bytes]]:
    """Inputs for fuzz_@fuzzer, by name."""
    yield from {"packet": packets, "pool": pools, "ip": ips}[fuzzer]()
