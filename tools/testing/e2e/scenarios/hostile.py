# SPDX-License-Identifier: GPL-2.0
"""A host that breaks the rules: the guest answers or drops, stays alive, and
works right after."""
import random
import struct
import time
from dataclasses import dataclass

from guests import HV_KVP, STOCK, Setup
from hvhost import icwire, kvpwire
from hvhost.icwire import Header, status_name
from hvhost.kvpwire import EXTERNAL, GUEST, Item, pack_enumerate
from hvhost.vmbus import RING_OUT
from scenario import Test, scenario

QUIET = 0.3	# seconds in which an answer would have come

SPINNER = Setup(selftests=True)


def request(t: Test, body: bytes, **header) -> bytes:
    """A well framed KVP request; @header replaces fields."""
    fields = {"type": icwire.MSG_KVP, "size": 0, "fw": t.kvp.fw,
              "msg": t.kvp.msg} | header
    return icwire.pack(Header(**fields), body)


def poke(payload: bytes, at: int, data: bytes) -> bytes:
    """@payload with @data at an offset."""
    return payload[:at] + data + payload[at + len(data):]


def dropped(t: Test, cases: list[tuple[str, bytes]], **how) -> None:
    """Packets that are no requests: no answer, and the next one works."""
    for what, payload in cases:
        trans_id = t.kvp.raw(payload, **how)
        time.sleep(QUIET)
        got = t.kvp.raw_replies(trans_id)
        t.equal([p.payload[:64] for p in got], [], f"answers to {what}")
        t.works()


def survived(t: Test, payloads: list[bytes], **how) -> None:
    """Answered or not: the guest works after each."""
    for payload in payloads:
        trans_id = t.kvp.raw(payload, **how)
        if t.guest == STOCK:	# made for one request at a time
            t.kvp.wait(lambda i=trans_id: t.kvp.raw_replies(i), QUIET)
        t.works()


def offer_anew(t: Test) -> None:
    """The host gives the channel up, and offers the device again."""
    opens = t.device.opens
    t.device.rescind().result()
    t.device.wait_state("none", 60)
    t.device.reoffer().result()
    t.device.wait_opens(opens + 1, 60)


@scenario(smoke=True)
def bad_pools(t: Test) -> None:
    """What kills the stock daemon: pool 5 and pool 200, in each operation."""
    for pool in (5, 200):
        for body in (kvpwire.pack_enumerate(pool, 0),
                     kvpwire.pack_get(pool, "key"),
                     kvpwire.pack_set(pool, Item("key", "v")),
                     kvpwire.pack_delete(pool, "key")):
            got = t.raw_body(body)
            t.equal(status_name(got.status), "INVALID_ARGUMENT",
                    f"{kvpwire.OP_NAMES[body[0]]} in pool {pool}")
    t.equal(t.sh("echo alive"), "alive")
    t.works()


@scenario()
def short_packets(t: Test) -> None:
    """Payloads that end inside the headers."""
    whole = request(t, pack_enumerate(EXTERNAL, 0))
    dropped(t, [(f"{n} bytes", whole[:n]) for n in (0, 1, 4, 7, 8, 20)])


@scenario()
def truncated_bodies(t: Test) -> None:
    """The frame says more than there is."""
    whole = request(t, kvpwire.pack_set(EXTERNAL, Item("key", "value")))
    survived(t, [whole[:n] for n in (28, 30, 32, 100, 544, 600, 2600)])
    t.equal(t.kvp.enumerate(EXTERNAL), [])


@scenario()
def wrong_pipe_header(t: Test) -> None:
    """Flags and sizes of the pipe header."""
    whole = request(t, pack_enumerate(EXTERNAL, 0))
    dropped(t, [(f"pipe flags {flags}", poke(whole, 0,
                                             struct.pack("<I", flags)))
                for flags in (2, 3, 4)])
    survived(t, [poke(whole, 4, struct.pack("<I", size))
                 for size in (0, 1, 19, 20, 21, 100, 0x7fffffff, 0xffffffff,
                              len(whole) - 7, len(whole))])


@scenario()
def wrong_body_size(t: Test) -> None:
    """The IC header's size field."""
    whole = request(t, pack_enumerate(EXTERNAL, 0))
    survived(t, [poke(whole, 18, struct.pack("<H", size))
                 for size in (0, 1, 2, 3, 2579, 2581, 13312, 0xffff)])


@scenario(smoke=True)
def figures_that_nobody_looks_at(t: Test) -> None:
    """A host that leaves the body's size 0, or gets it or the flags of the
    pipe header wrong, works with hv_utils, so it may be out there. What comes
    back says how much it is, as hosts ask."""
    item = Item("key", "value")
    t.kvp.set(EXTERNAL, item)
    whole = request(t, pack_enumerate(EXTERNAL, 0))
    for what, at, data in (
            *((f"body size {size}", 18, struct.pack("<H", size))
              for size in (0, len(whole) - 27, 0xffff)),
            *((f"pipe flags {flags}", 0, struct.pack("<I", flags))
              for flags in (0, 5, 0x10001, 0xffffffff))):
        got = t.kvp.raw_reply(t.kvp.raw(poke(whole, at, data)), 30).payload
        header, body = Header.unpack(got[8:]), got[28:len(whole)]
        t.equal(status_name(header.status), "OK", what)
        t.equal(kvpwire.unpack_enumerate(body, 0), item, what)
        if t.guest != STOCK:
            t.equal(header.size, len(body), what)
    t.works()


@scenario()
def not_a_request(t: Test) -> None:
    """Packets that say they are responses, or nothing at all."""
    body = pack_enumerate(EXTERNAL, 0)
    dropped(t, [("a response", request(t, body, flags=icwire.RESPONSE)),
                ("response and request", request(t, body, flags=7))])
    survived(t, [request(t, body, flags=f) for f in (0, 1, 2, 8, 0xff)])


@scenario()
def unsolicited_responses(t: Test) -> None:
    """A response that nobody asked for, to NEGOTIATE and to KVP."""
    bodies = [icwire.NEGOTIATE.pack(1, 1, 0) + struct.pack("<4H", 9, 9, 9, 9),
              pack_enumerate(GUEST, 0)]
    for kind, body in zip((icwire.MSG_NEGOTIATE, icwire.MSG_KVP), bodies):
        t.kvp.raw(icwire.pack(Header(kind, 0, flags=icwire.RESPONSE), body))
    t.works()


@scenario()
def other_message_types(t: Test) -> None:
    """Types of the other components, and of none: several behind each other,
    and each by itself."""
    body = pack_enumerate(EXTERNAL, 0)
    payloads = [request(t, body, type=kind)
                for kind in (1, 3, 4, 5, 8, 100, 0xffff)]
    for payload in payloads:
        t.kvp.raw(payload)
    t.works()
    survived(t, payloads)


@scenario()
def malformed_negotiate(t: Test) -> None:
    """Counts that do not fit the packet. NEGOTIATE starts everything over,
    so a good one has to follow, which takes hv_utils 2 s each time."""
    for fw, msg, rest in (
            (0, 0, b""), (1, 0, bytes(4)), (0, 1, bytes(4)), (1, 1, b""),
            (1, 1, bytes(4)), (0xffff, 0xffff, b""), (0xffff, 1, bytes(64)),
            (1, 0xffff, bytes(64)), (2, 2, bytes(15)),
            (4096, 4096, bytes(2000)))[::1 if t.guest == HV_KVP else 4]:
        t.kvp.raw(icwire.pack(Header(icwire.MSG_NEGOTIATE, 0),
                              icwire.NEGOTIATE.pack(fw, msg, 0) + rest))
        t.kvp.negotiate().wait(30)
        t.works()


@scenario()
def wrong_trailers(t: Test) -> None:
    """Linux never looks at the trailer of a packet; nor must we fail."""
    whole = request(t, pack_enumerate(EXTERNAL, 0))
    for trailer in (0, 1, 0xffffffff, (1 << 64) - 1, 0x1234 << 32):
        trans_id = t.kvp.raw(whole, trailer=trailer)
        header, _ = icwire.unpack(t.kvp.raw_reply(trans_id).payload)
        t.equal(status_name(header.status), "NO_MORE_ITEMS")
    t.works()


@scenario()
def other_packet_types(t: Test) -> None:
    """VMBus packets that carry no data in band."""
    whole = request(t, pack_enumerate(EXTERNAL, 0))
    for kind in (0, 1, 7, 8, 9, 11, 0xffff):
        survived(t, [whole], type=kind)


@scenario()
def large_descriptors(t: Test) -> None:
    """A payload that starts later than right behind the descriptor."""
    whole = request(t, pack_enumerate(EXTERNAL, 0))
    survived(t, [bytes(8) + whole], offset8=3,
             len8=3 + (len(whole) + 7) // 8)


@scenario()
def largest_message(t: Test) -> None:
    """8,192 bytes in the ring; the longest message of KVP takes 7,472."""
    body = kvpwire.pack_set(EXTERNAL, Item("key", "value"))
    trans_id = t.kvp.raw(request(t, body.ljust(8192 - 44, b"\0")))
    header, _ = icwire.unpack(t.kvp.raw_reply(trans_id).payload)
    t.equal(status_name(header.status), "OK")
    t.equal(t.kvp.enumerate(EXTERNAL), [Item("key", "value")])


@scenario()
def the_same_packet_again(t: Test) -> None:
    """A host that repeats itself gets the same answer each time."""
    t.kvp.set(EXTERNAL, Item("k", "v"))
    whole = request(t, pack_enumerate(EXTERNAL, 0), tid=77)
    first = t.kvp.raw_reply(t.kvp.raw(whole)).payload
    for _ in range(9):
        t.equal(t.kvp.raw_reply(t.kvp.raw(whole)).payload, first)


@scenario(guests=(HV_KVP,))
def the_same_packet_ten_times_at_once(t: Test) -> None:
    """The same without waiting for the answers. The stock guest is made for
    one request at a time, and now and then loses an answer here."""
    t.kvp.set(EXTERNAL, Item("k", "v"))
    whole = request(t, pack_enumerate(EXTERNAL, 0), tid=77)
    ids = [t.kvp.raw(whole) for _ in range(10)]
    first = t.kvp.raw_reply(ids[0]).payload
    t.true(all(t.kvp.raw_reply(i).payload == first for i in ids),
           "answers differ")


@scenario(guests=(HV_KVP,))
def flood(t: Test) -> None:
    """2,000 requests as fast as the ring takes them: each has one answer. The
    stock guest loses some."""
    before = time.monotonic()
    whole = request(t, pack_enumerate(EXTERNAL, 0))
    ids = [t.kvp.raw(whole) for _ in range(2000)]
    t.kvp.raw_reply(ids[-1], 60)
    t.true(all(len(t.kvp.raw_replies(i)) == 1 for i in ids),
           "not every request has one answer")
    t.true(time.monotonic() - before < 60, "it took more than a minute")
    t.works()


STATISTICS = "/sys/kernel/debug/hv_kvp/"
WINDOW = 200		# ms that a program of the guest's computes, at first
FLOOD = 20000		# packets: more than a guest takes in that time
LEAST = 100		# that it takes, with all checkers
TICKS = 30		# of the guest's CPU, of 10 ms, that are looked at
# Of them that are the program's, at least: a driver that works in a thread
# leaves it half, less with all checkers. One that goes on while there is
# something to read leaves it 30 %, but more where the host is slow to make room
# for answers: hence the work item's runs too.
SHARE = 0.25
LONGEST = 0.15		# seconds that it may be without the CPU
TRIES = 10


@dataclass
class Spin:
    """The CPU's ticks in a program, and all of them; its longest time without
    the CPU; packets and runs of the driver's work item meanwhile."""

    own: int
    busy: int
    longest: float
    packets: int
    runs: int


def under_flood(t: Test, window: int) -> tuple[Spin, int]:
    """A program computes for @window ms while the host's CPU sends as fast as
    the ring takes it: it has all of the packets before it begins to read
    answers. Also how many it still had afterwards, without which there was no
    flood for all the time."""
    t.device.stall().result()
    whole = request(t, b"")
    ids = [t.kvp.raw(whole) for _ in range(FLOOD)]
    job = t.host.spawn(f"hv_kvp_spin {window} {STATISTICS}packets "
                       f"{STATISTICS}channel_work_runs")
    t.host.agent.wait(lambda: job.stdout, 30, "the program begins")
    t.device.stall(False).result()
    own, busy, longest, packets, runs = map(
        int, job.wait(120).text.split()[1:])
    left = t.device.peek().queued
    t.device.cancel().result()
    t.works()
    counts = [len(t.kvp.raw_replies(i)) for i in ids]
    t.true(counts == [1] * sum(counts) + [0] * (FLOOD - sum(counts)),
           "not each of the packets that were sent has one answer")
    return Spin(own, busy, longest / 1e6, packets, runs), left


@scenario(SPINNER, guests=(HV_KVP,))
def flood_beside_other_work(t: Test) -> None:
    """A flood that does not end leaves the guest's only CPU to others: a
    program that computes gets its share, and never waits for long."""
    some: list[Spin] = []
    window = WINDOW
    for _ in range(TRIES):
        one, left = under_flood(t, window)
        print(f"# {window} ms: {one}, {left} left", flush=True)
        if not left:		# a fast machine
            window //= 2
        elif one.packets >= LEAST:
            some.append(one)
        busy = sum(s.busy for s in some)
        if busy >= TICKS:
            break
    t.true(busy >= TICKS, f"no flood for so long: {busy} ticks")
    share = sum(s.own for s in some) / busy
    t.true(share >= SHARE, f"{share:.0%} of the CPU")
    t.true(min(s.longest for s in some) < LONGEST, "waited for too long")
    t.true(sum(128 * s.runs - s.packets for s in some) >= 0,
           "the work item did not take over")


@scenario()
def random_bodies(t: Test) -> None:
    """500 requests with random operations, pools, sizes and bytes."""
    random.seed(20)
    for _ in range(500):
        length = random.choice((2, 4, 8, 20, 520, 2576, 2580, 7428))
        body = bytearray(random.randbytes(length))
        body[0] = random.choice((0, 1, 2, 3, 4, 5, random.randrange(256)))
        body[1] = random.choice((0, 1, 2, 3, 4, random.randrange(256)))
        if body[0] in (4, 5):
            continue	# an agent may take its time over those
        t.kvp.raw(request(t, bytes(body)))
    for pool in (0, 1, 3):
        while t.kvp.transact(pack_enumerate(pool, 0), "ENUMERATE").status == 0:
            t.kvp.negotiate().wait(30)
            break
    t.works()


@scenario(dirty=True)
def destroyed_length(t: Test) -> None:
    """A descriptor whose length cannot be: packet boundaries are lost. The
    guest gives up the channel, and works once it is opened anew."""
    opens = t.device.opens
    whole = request(t, pack_enumerate(EXTERNAL, 0))
    t.kvp.raw(whole, len8=1)
    t.eventually(lambda: t.device.opens > opens, "the channel is reopened",
                 30)
    t.kvp.wait_pushed(60)
    t.works()


@scenario(guests=(HV_KVP,))
def plausible_lengths(t: Test) -> None:
    """Lengths that could be: shorter than the packet, so that what follows is
    read as the next descriptor; longer than what has come; and less than a
    descriptor. The channel is opened anew, once, and works."""
    whole = request(t, pack_enumerate(EXTERNAL, 0))
    size = 2 + (len(whole) + 7) // 8
    for what, send in (
            *((f"length {n} of {size}", lambda n=n: t.kvp.raw(whole, len8=n))
              for n in (2, 4, 100, size - 1, size + 1, 1000, 2047)),
            ("8 bytes", lambda: t.device.send_raw(bytes(8)))):
        opens, count = t.device.opens, t.kvp.negotiations
        send()
        t.eventually(lambda o=opens: t.device.opens > o,
                     f"reopened after {what}", 30)
        t.kvp.wait_pushed(60, count + 1)
        t.works()
        t.equal(t.device.opens, opens + 1, what)


@scenario(dirty=True)
def wild_write_index(t: Test) -> None:
    """The host's write index points far outside the ring."""
    opens = t.device.opens
    t.device.poke(RING_OUT, 0, 0x7ffffff0).result()
    t.device.signal().result()
    time.sleep(1)
    t.equal(t.sh("echo alive"), "alive")
    if t.device.opens == opens:
        # Nothing the guest could do about it: the host has to start over.
        offer_anew(t)
    t.kvp.wait_pushed(60)
    t.works()
