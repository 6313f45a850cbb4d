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
            (version if more & 0x40 else packet(GET, 1))
            for error in range(8) for waits in (0, 1, 3) for more in (0, 0x20, 0x40, 0x60)
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


def make(fuzzer: str) -> Iterator[tuple[str, bytes]]:
    """Inputs for fuzz_@fuzzer, by name."""
    yield from {"packet": packets, "pool": pools}[fuzzer]()
