# SPDX-License-Identifier: GPL-2.0
"""What surrounds a message in the ring: descriptors that lie, packets that
come in parts, and indices that point anywhere, for the kernel with KASAN. icmodel.py says what is answered, and where packet
boundaries are lost; then the channel is opened anew, once."""
import random
import time
from collections.abc import Iterator

from guests import HV_KVP
from hvhost import kvpwire
from hvhost.kvpwire import EXTERNAL, Item
from hvhost.vmbus import PACKET_INBAND
from scenario import Failed, Test, scenario
from scenarios.fields import ON, ROOMY, Line, difference
from scenarios.hostile import offer_anew, request
from scenarios.icmodel import DESCRIPTOR, TRAILER

# Transactions of frames that are made here; the host's own begin above.
FIRST = 1
LAST_ID = (1 << 64) - 1


def frame(payload: bytes, trans_id: int, *, kind: int = PACKET_INBAND,
          offset8: int = 2, len8: int | None = None, flags: int = 0) -> bytes:
    """A packet as it is in the ring; what is given replaces what is right."""
    payload += bytes(-len(payload) % 8)
    right = (DESCRIPTOR.size + len(payload)) // 8
    return DESCRIPTOR.pack(kind, offset8, right if len8 is None else len8,
                           flags, trans_id) + payload + bytes(TRAILER)


class Ring(Line):
    """The host's end, which writes bytes into an empty ring."""

    def put(self, what: str, data: bytes, *parts: int) -> bool:
        """Writes @data, at once or in parts that begin at @parts, of which
        the guest hears when all are there. Whether boundaries were lost."""
        wanted, lost = self.model.stream(data)
        opens, count = self.t.device.opens, self.t.kvp.negotiations
        self.t.kvp.stale.clear()
        for start, end in zip((0, *parts), (*parts, len(data))):
            self.t.device.send_raw(data[start:end], signal=not parts).result()
        if parts:
            self.t.device.signal().result()
        if lost:
            self.t.eventually(lambda: self.t.device.opens > opens,
                              f"{what}: the channel is opened anew", 60)
            self.t.kvp.wait_pushed(60, count + 1)
            self.model.connect(self.t.kvp.msg)
        self.t.works()
        self.t.equal(self.t.device.opens, opens + lost, f"{what}: opens")
        self.opens = self.t.device.opens
        self.answers(what, wanted, lost)
        return lost

    def answers(self, what: str, wanted: list, lost: bool) -> None:
        """What came back. A host that has lost the channel may not have read
        all that the guest had said."""
        got = [(p.trans_id, p.payload) for p in self.t.kvp.stale]
        ids = [trans_id for trans_id, _ in wanted]
        self.t.equal([trans_id for trans_id, _ in got],
                     ids[:len(got)] if lost else ids, f"{what}: answers to")
        for (_, payload), (_, answer) in zip(got, wanted):
            if payload != answer.payload:
                raise Failed(f"{what}: "
                             + difference(payload, answer.payload))
        self.sent += 1
        self.answered += len(got)


def nested(host: Ring, inner: bytes, skip: int = 0) -> bytes:
    """A SET whose value holds packets."""
    body = bytearray(kvpwire.pack_set(EXTERNAL, Item("key", "v")))
    body[532 + skip:532 + skip + len(inner)] = inner
    return host.request(bytes(body))


def short_lengths(host: Ring) -> Iterator[tuple[str, bytes]]:
    """Descriptors that say less than there is: what follows is read as the
    next one. It may be one, and be followed by nothing that is."""
    ask = host.request(kvpwire.pack_enumerate(EXTERNAL, 0))
    size = (len(ask) + 16) // 8
    for len8 in (2, 3, 4, 5, 100, size - 2, size - 1):
        yield f"length {len8} of {size}", frame(ask, FIRST, len8=len8)
    # an answer needs 28 bytes; these are the smallest requests
    small = host.request(b"")
    inner = frame(small, FIRST + 1) + frame(small, FIRST + 2)
    whole = nested(host, inner)
    at = whole.index(inner)
    for early in (0, 8, 16):
        yield (f"packets in a packet, {early} bytes early",
               frame(whole, FIRST, len8=(16 + at - TRAILER - early) // 8))
    # a packet that ends where its own end was to be
    first = host.request(bytes(60))
    yield "the last packet in a packet", frame(
        first + frame(small, FIRST + 1)[:-TRAILER], FIRST,
        len8=(16 + len(first) - TRAILER) // 8)


def long_lengths(host: Ring) -> Iterator[tuple[str, bytes]]:
    """Descriptors that say more than there is, or than there can be; with a
    packet behind them, which that swallows or cuts."""
    ask = host.request(kvpwire.pack_enumerate(EXTERNAL, 0))
    size = (len(ask) + 16) // 8
    behind = frame(ask, FIRST + 1)
    for len8 in (size + 1, 1000, 1024, 1025, 1535, 1536, 0x7fff, 0xffff):
        yield f"length {len8} of {size}", frame(ask, FIRST, len8=len8)
    for len8 in (size + 1, size + 2, size + 3, size + len(behind) // 8,
                 size + len(behind) // 8 + 1, 1000):
        yield (f"length {len8} of {size} and a packet",
               frame(ask, FIRST, len8=len8) + behind)
    for good in (1, 3):
        yield f"{good} good ones and a bad one", (
            b"".join(frame(ask, FIRST + n) for n in range(good))
            + frame(ask, FIRST + good, len8=size + 1))


def offsets(host: Ring) -> Iterator[tuple[str, bytes]]:
    """Where a payload is said to begin."""
    ask = host.request(kvpwire.pack_enumerate(EXTERNAL, 0))
    size = (len(ask) + 16) // 8
    for offset8 in (0, 1, 2, 3, size - 4, size - 1, size, size + 1, 0x7fff,
                    0xffff):
        yield f"offset {offset8} of {size}", frame(ask, FIRST, offset8=offset8)
    for offset8, len8 in ((0, 0), (0, 1), (1, 1), (2, 1), (2, 2), (3, 2)):
        yield (f"offset {offset8}, length {len8}",
               frame(b"", FIRST, offset8=offset8, len8=len8))
    yield "nothing but a descriptor, and a packet", (
        frame(b"", FIRST) + frame(ask, FIRST + 1))


def limits(host: Ring) -> None:
    """Types, flags and transactions: what is in band is answered, with the
    same transaction; nothing is opened anew."""
    ask = host.request(kvpwire.pack_enumerate(EXTERNAL, 0))
    for number in (0, 1, 2, 0x7fff, 0x8000, 0xffff):
        lost = [host.put(f"flags {number:#x}",
                         frame(ask, FIRST, flags=number)),
                host.put(f"type {number:#x}", frame(ask, FIRST, kind=number))]
        host.t.equal(lost, [False, False], f"flags and type {number:#x}")
    for trans_id in (0, 1, 1 << 31, 1 << 32, 1 << 63, LAST_ID):
        answers = host.t.device.transact([ask], first_trans_id=trans_id)
        host.t.equal([(p.trans_id, p.payload) for p in answers],
                     [(trans_id, host.model.packet(ask).payload)],
                     f"transaction {trans_id:#x}")


@scenario(ROOMY, guests=(HV_KVP,), proof=ON)
def descriptors(t: Test) -> None:
    """Types, flags and transactions at their limits; lengths that are too
    short or too long, and offsets, some of which are right by chance, or hold
    packets of their own."""
    host = Ring(t)
    limits(host)
    for kind in (short_lengths, long_lengths, offsets):
        lost = [host.put(what, data) for what, data in kind(host)]
        t.true(any(lost) and not all(lost),
               f"{kind.__name__}: boundaries were lost in all or in none")
    host.finish()


@scenario(ROOMY, guests=(HV_KVP,), proof=ON)
def packets_in_parts(t: Test) -> None:
    """Bytes that are no packet yet. The guest that looks at them in between
    has lost the boundaries; the rest, behind the next open, is no packet
    either. The guest that looks later finds a packet."""
    host = Ring(t)
    ask = frame(host.request(kvpwire.pack_enumerate(EXTERNAL, 0)), FIRST)
    for length in (1, 4, 8, 12, 16, 20, 24, 32, 100, len(ask) // 16 * 8,
                   len(ask) - 16, len(ask) - 8, len(ask) - 4):
        t.true(host.put(f"{length} bytes of a packet", ask[:length]),
               f"{length} bytes of a packet were one")
        host.put(f"the rest from {length} on", ask[length:])
    for cuts in ((8,), (16,), (24, 48), (len(ask) - 8,)):
        t.true(not host.put(f"parts from {cuts} on", ask, *cuts),
               "a packet in parts was none")
    host.finish()


@scenario(ROOMY, guests=(HV_KVP,), proof=ON)
def lengths_that_cannot_be(t: Test) -> None:
    """Descriptors that destroy the frame, as the host's own send has them:
    the channel is opened anew once each time, and works then."""
    whole = request(t, kvpwire.pack_enumerate(EXTERNAL, 0))
    for len8, offset8 in ((0, 0), (1, 2), (2, 3), (0xffff, 2), (5, 0xffff),
                          (1535, 2), (1536, 2), (1025, 2)):
        opens, count = t.device.opens, t.kvp.negotiations
        t.kvp.raw(whole, len8=len8, offset8=offset8)
        what = f"length {len8} offset {offset8}"
        t.eventually(lambda o=opens: t.device.opens > o,
                     f"reopened after {what}", 60)
        t.kvp.wait_pushed(60, count + 1)
        t.works()
        t.equal(t.device.opens, opens + 1, what)


@scenario(ROOMY, guests=(HV_KVP,), dirty=True, proof=ON)
def indices_that_cannot_be(t: Test) -> None:
    """Ring indices of the host's that point anywhere; after a new offer all
    is well."""
    rng = random.Random(3)
    for value in (1, 7, 0x2fff, 0x3000, 0x3001, 0x7fffffff, 0xfffffff8,
                  rng.getrandbits(32)):
        for ring, offset in ((0, 0), (0, 4), (1, 0), (1, 4)):
            opens = t.device.opens
            t.device.poke(ring, offset, value).result()
            t.device.signal().result()
            time.sleep(0.1)
            t.equal(t.sh("echo alive"), "alive")
            if t.device.state == "open" and t.device.opens == opens:
                offer_anew(t)
            t.kvp.wait_pushed(60)
            t.works()
