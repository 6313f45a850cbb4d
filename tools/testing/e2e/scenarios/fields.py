# SPDX-License-Identifier: GPL-2.0
"""Each field of each message at its limits and beyond, random packets, and
devices withdrawn at any moment, for the kernel with KASAN."""
import random
import time
from collections.abc import Iterator

import leaks
from guests import HV_KVP, Setup
from hvhost import icwire, kvpwire
from hvhost.icwire import Header
from hvhost.kvpwire import EXTERNAL, GUEST, Item
from scenario import Test, scenario

# Enough for the answers of the host's, which keeps all of them.
ROOMY = Setup(memory=768)
ON = ("debug",)
RANDOM_PACKETS = 10000

# Where a field begins in a payload, and its bytes.
HEADER_FIELDS = ((0, 4), (4, 4), (8, 2), (10, 2), (12, 2), (14, 2), (16, 2),
                 (18, 2), (20, 4), (24, 1), (25, 1), (26, 2))
BODY = icwire.PIPE.size + icwire.IC.size
VALUE_FIELDS = ((4, 4), (8, 4), (12, 4))
MESSAGES = {
    "GET": (kvpwire.pack_get(EXTERNAL, "key"), VALUE_FIELDS),
    "SET": (kvpwire.pack_set(EXTERNAL, Item("key", "value")), VALUE_FIELDS),
    "SET DWORD": (kvpwire.pack_set(GUEST, Item("d", 7, kvpwire.DWORD)),
                  VALUE_FIELDS),
    "DELETE": (kvpwire.pack_delete(EXTERNAL, "key"), ((4, 4),)),
    "ENUMERATE": (kvpwire.pack_enumerate(EXTERNAL, 0),
                  ((4, 4), (8, 4), (12, 4), (16, 4))),
    # the counts of the binary form, the strings' beginnings of the other
    "GET_IP_INFO": (bytes((4, 0)) + bytes(7426),
                    tuple((n, 4) for n in range(4, 28, 4)) + ((284, 2),)),
    "SET_IP_INFO": (bytes((5, 0)) + bytes(7426),
                    tuple((n, 4) for n in range(4, 28, 4)) + ((284, 2),)),
}
SIZES = (0, 1, 2, 3, 4, 5, 6, 7, 8, 9, 11, 12, 64, 65, 127, 128, 255, 256,
         509, 510, 511, 512, 513, 514, 520, 2046, 2047, 2048, 2049, 2050,
         2576, 2580, 2600, 7428, 7448, 13312, 0x7fff, 0x8000, 0xfffe, 0xffff,
         0x10000, 0x7fffffff, 0x80000000, 0xfffffffe, 0xffffffff)


def with_field(payload: bytes, at: int, size: int) -> Iterator[bytes]:
    """@payload with each of SIZES that a field can hold in it."""
    for number in SIZES:
        if number < 1 << 8 * size:
            yield (payload[:at] + number.to_bytes(size, "little")
                   + payload[at + size:])


def request(t: Test, body: bytes) -> bytes:
    """A well framed request of the versions that were agreed."""
    return icwire.pack(Header(icwire.MSG_KVP, 0, t.kvp.fw, t.kvp.msg), body)


def connected(t: Test) -> None:
    """What was sent may have been a NEGOTIATE: start over, and work."""
    t.kvp.negotiate().wait(60)
    t.kvp.wait_pushed(60)
    t.works()


def send_all(t: Test, payloads: list[bytes], **how) -> tuple[int, int]:
    """Sends packets of any kind; returns how many were sent and answered. No
    packet may have two answers, or one of another length or status."""
    ids = [t.kvp.raw(payload, **how) for payload in payloads]
    connected(t)
    answered = 0
    for payload, trans_id in zip(payloads, ids):
        replies = t.kvp.raw_replies(trans_id)
        t.true(len(replies) <= 1, f"{len(replies)} answers to one packet")
        for reply in replies:
            answered += 1
            t.equal(len(reply.payload), len(payload) + 7 & ~7, "length")
            status = Header.unpack(reply.payload[8:]).status
            t.true(status in icwire.STATUS, f"status {status:#x}")
    return len(payloads), answered


@scenario(ROOMY, guests=(HV_KVP,), proof=ON)
def limits_of_every_field(t: Test) -> None:
    """Headers and bodies of all operations, with versions 5.0 and 4.0."""
    leaks.begin(t)
    sent = answered = 0
    for versions in ([(5, 0)], [(4, 0)]):
        t.kvp.negotiate(versions).wait(30)
        for body, fields in MESSAGES.values():
            whole = request(t, body)
            places = [*HEADER_FIELDS, (BODY, 1), (BODY + 1, 1), (BODY + 2, 2),
                      *((BODY + at, size) for at, size in fields)]
            n, m = send_all(t, [p for at, size in places
                                for p in with_field(whole, at, size)])
            sent, answered = sent + n, answered + m
            t.kvp.negotiate(versions).wait(30)
    print(f"# {sent} packets, {answered} answered", flush=True)
    t.true(0 < answered < sent, "all or none were answered")
    leaks.check(t)


@scenario(ROOMY, guests=(HV_KVP,), proof=ON)
def limits_of_negotiate(t: Test) -> None:
    """The headers and counts of NEGOTIATE, each followed by a good one."""
    whole = icwire.pack_negotiate([(1, 0), (3, 0)], [(3, 0), (4, 0), (5, 0)])
    places = (*HEADER_FIELDS, *((BODY + at, 2) for at in range(0, 28, 2)))
    sent, answered = send_all(t, [p for at, size in places
                                  for p in with_field(whole, at, size)])
    print(f"# {sent} packets, {answered} answered", flush=True)


@scenario(ROOMY, guests=(HV_KVP,), proof=ON)
def every_length(t: Test) -> None:
    """Packets cut off at each length around what matters, as they are and
    with sizes that fit."""
    for body in (kvpwire.pack_set(EXTERNAL, Item("key", "value")),
                 kvpwire.pack_enumerate(EXTERNAL, 0)):
        whole = request(t, body)
        lengths = [*range(80), *range(540, 570), *range(2590, len(whole) + 1)]
        send_all(t, [whole[:n] for n in lengths])
        send_all(t, [request(t, body[:n]) for n in lengths])


def random_packet(rng: random.Random, t: Test) -> tuple[bytes, dict]:
    """Mostly a message with something wrong in it; sometimes noise."""
    how: dict = {}
    if rng.random() < 0.1:
        payload = bytearray(rng.randbytes(rng.choice((0, 8, 28, 100, 3000))))
    else:
        body = rng.choice(list(MESSAGES.values()))[0]
        payload = bytearray(request(t, body))
        if rng.random() < 0.05:
            payload = bytearray(icwire.pack_negotiate([(3, 0)], [(5, 0)]))
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
        # a longer descriptor, of a packet that is none the longer
        how["len8"] = 2 + (len(payload) + 7) // 8
        how["offset8"] = rng.randrange(2, how["len8"] + 1)
    return bytes(payload), how


@scenario(ROOMY, guests=(HV_KVP,), proof=ON)
def random_packets(t: Test) -> None:
    """10,000 of them, and the guest works after each hundred."""
    seed = int(time.time())
    rng = random.Random(seed)
    print(f"# seed {seed}", flush=True)
    leaks.begin(t)
    opens, answered = t.device.opens, 0
    for _ in range(RANDOM_PACKETS // 100):
        ids = []
        for _ in range(100):
            payload, how = random_packet(rng, t)
            ids.append(t.kvp.raw(payload, **how))
        connected(t)
        replies = [len(t.kvp.raw_replies(i)) for i in ids]
        t.true(max(replies) <= 1, "two answers to one packet")
        answered += sum(replies)
    t.equal(t.device.opens, opens, "channel opened anew")
    print(f"# {RANDOM_PACKETS} packets, {answered} answered", flush=True)
    leaks.check(t)


@scenario(ROOMY, guests=(HV_KVP,), proof=ON)
def rescind_at_any_moment(t: Test) -> None:
    """Before a request, between it and its answer, with the work item at the
    ring (more than 64 packets), with a full ring, in an enumeration, and while
    the channel is being opened: 40 times."""
    rng = random.Random(20)
    leaks.begin(t)
    items = [Item(f"kept{n}", f"value {n}") for n in range(10)]
    for item in items:
        t.kvp.set(GUEST, item)
    enumerate_one = kvpwire.pack_enumerate(GUEST, 3)
    for n in range(40):
        before = t.kvp.negotiations
        stalled = n % 4 == 3
        if stalled:
            t.device.stall().result()
        for index in range(rng.randrange(5)):
            if not stalled:
                t.equal(t.kvp.enumerate_one(GUEST, index), items[index])
        whole = request(t, enumerate_one)
        for _ in range((0, 1, 150, 30)[n % 4]):
            t.kvp.raw(whole)
        time.sleep(rng.random() * rng.choice((0, 0.002, 0.02, 0.2)))
        t.device.rescind().result()
        t.device.wait_state("none")
        if stalled:
            t.device.stall(False).result()
        t.device.reoffer().result()
        if n % 5 == 4:
            time.sleep(rng.random() * 0.02)
            t.device.rescind().result()
            t.device.wait_state("none")
            t.device.reoffer().result()
        t.kvp.wait_pushed(60, before + 1)
        t.equal(t.kvp.enumerate(GUEST), items)
    t.works()
    leaks.check(t)


@scenario(ROOMY, guests=(HV_KVP,), dirty=True, proof=ON)
def lengths_that_cannot_be(t: Test) -> None:
    """Descriptors that destroy the frame: the channel is opened anew each
    time, and works then."""
    for len8, offset8 in ((0, 0), (1, 2), (2, 3), (0xffff, 2), (5, 0xffff),
                          (3583, 2), (3584, 2), (2100, 2)):
        opens, count = t.device.opens, t.kvp.negotiations
        whole = request(t, kvpwire.pack_enumerate(EXTERNAL, 0))
        t.kvp.raw(whole, len8=len8, offset8=offset8)
        t.eventually(lambda o=opens: t.device.opens > o,
                     f"reopened after length {len8} offset {offset8}", 30)
        t.kvp.wait_pushed(60, count + 1)
        t.works()


@scenario(ROOMY, guests=(HV_KVP,), dirty=True, proof=ON)
def indices_that_cannot_be(t: Test) -> None:
    """Ring indices of the host's that point anywhere; after a new offer all
    is well."""
    rng = random.Random(3)
    for value in (1, 7, 0x6fff, 0x7000, 0x7001, 0x7fffffff, 0xfffffff8,
                  rng.getrandbits(32)):
        for ring, offset in ((0, 0), (0, 4), (1, 0), (1, 4)):
            opens = t.device.opens
            t.device.poke(ring, offset, value).result()
            t.device.signal().result()
            time.sleep(0.1)
            t.equal(t.sh("echo alive"), "alive")
            if t.device.state == "open" and t.device.opens == opens:
                t.device.rescind().result()
                t.device.wait_state("none", 60)
                t.device.reoffer().result()
                t.device.wait_opens(opens + 1, 60)
            t.kvp.wait_pushed(60)
            t.works()
