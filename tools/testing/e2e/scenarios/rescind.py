# SPDX-License-Identifier: GPL-2.0
"""The device is withdrawn at each step of opening and closing a channel and of
each transaction, then offered again: the pools hold what they held, or what the
request in flight makes of it, and all else works. For the kernel with KASAN."""
import time
from collections.abc import Callable

import leaks
from guests import HV_KVP
from hvhost import icwire, kvpwire
from hvhost.ic import Request, State
from hvhost.icwire import Header
from hvhost.kvp import HOST_POOLS, VERSIONS
from hvhost.kvpwire import (AUTO, AUTO_EXTERNAL, EXTERNAL, GUEST, GET_IP_INFO,
                            IpInfo, Item)
from hvhost.vmbus import (AFTER, BEFORE, INSTEAD, MESSAGE_NAMES, READ,
                          SENT)
from scenario import HOST_WRITES, Failed, Test, scenario
from scenarios.channel import DRIVER, KVP_ID
from scenarios.failing import FAILSLAB, counter, prepare
from scenarios.ipset import (MAC, NIC, SETUP, SILENT, agent, info, line,
                             lines, saw)
from scenarios.sysfs import SYS

ON = ("debug",)
WHEN = {BEFORE: "before", INSTEAD: "instead of", AFTER: "after"}
# What the guest says, and when the device can go then. Linux waits for the
# answer to GPADL_TEARDOWN with the mutex that it needs to handle a rescind: a
# host that never gives it hangs every driver.
OPENING = {"GPADL_HEADER": (BEFORE, INSTEAD, AFTER),
           "OPENCHANNEL": (BEFORE, INSTEAD, AFTER)}
CLOSING = {"CLOSECHANNEL": (BEFORE, INSTEAD, AFTER),
           "GPADL_TEARDOWN": (BEFORE, AFTER)}
UNBIND = f"echo {KVP_ID} >{DRIVER}hv_kvp/unbind"
POOLS = {"external": EXTERNAL, "guest": GUEST, "auto_external": AUTO_EXTERNAL}
LOOK = (f"read -r state <{SYS}/operational_status; echo $state; "
        f"exec kvpctl list -p {','.join(POOLS)}")
# Seconds between a packet in the ring and the rescind, from within the guest's
# interrupt to well behind the answer.
LATER = (0.0, 0.0001, 0.0003, 0.001, 0.005)
# Packets that the ring holds, of the shortest, and a little more.
RINGFUL = 390
# More of them than the guest reads until a command that it is given is done.
FLOOD = 30000

Pools = dict[int, list[Item]]


def put(items: list[Item], item: Item) -> list[Item]:
    """@items once @item is set: an update keeps its place."""
    if any(i.key == item.key for i in items):
        return [item if i.key == item.key else i for i in items]
    return [*items, item]


def without(items: list[Item], key: str) -> list[Item]:
    """@items once @key is deleted: the last one moves into the hole."""
    at = [i.key for i in items].index(key)
    return [*items[:at], items[-1], *items[at + 1:-1]][:len(items) - 1]


class Steps:
    """Has the device withdrawn at one step after the other, and knows what the
    pools hold."""

    def __init__(self, t: Test):
        leaks.begin(t)
        self.t, self.count, self.round = t, 0, 0
        self.pools: Pools = {pool: [] for pool in HOST_WRITES}
        for n in range(5):
            self.set(EXTERNAL, Item(f"kept{n}", f"value {n}"))
            self.set(GUEST, Item(f"kept{n}", f"value {n}"))
        t.sh("kvpctl set agent 'its own'")
        self.pools[GUEST].append(Item("agent", "its own"))
        count = t.kvp.negotiations
        self.renew()
        t.kvp.negotiate()
        t.kvp.wait_pushed(60, count + 1)
        self.pools = self.pushed()
        self.auto = self.intrinsic()

    def set(self, pool: int, item: Item) -> None:
        """An item of the host's, whatever comes of the connection."""
        self.t.kvp.set(pool, item)
        self.pools[pool] = put(self.pools[pool], item)

    def intrinsic(self) -> list[Item]:
        """What the guest says of itself, without what changes by itself."""
        return [item for item in self.t.kvp.enumerate(AUTO)
                if not item.key.startswith("NetworkAddress")]

    def renew(self) -> None:
        """The items that the host sends at the next connection have values
        that they never had."""
        self.round += 1
        for pool in HOST_POOLS:
            self.t.kvp.items[pool] = {
                f"own{n}": Item(f"own{n}", f"{n} of round {self.round}")
                for n in range(4)}

    def pushes(self) -> list[tuple[int, Item]]:
        """These items, in the order of their going."""
        return [(pool, item) for pool in HOST_POOLS
                for item in self.t.kvp.items[pool].values()]

    def pushed(self, count: int | None = None) -> Pools:
        """The pools once @count of them, or all, have arrived."""
        pools = dict(self.pools)
        for pool, item in self.pushes()[:count]:
            pools[pool] = put(pools[pool], item)
        return pools

    def with_pool(self, pool: int, items: list[Item]) -> Pools:
        """The pools with another one of them."""
        return {**self.pools, pool: items}

    def withdraw(self) -> None:
        """At rest, until the guest has let go."""
        self.t.device.rescind().result()
        self.t.device.wait_state("none")

    def offer(self, what: str | int, *args, **how) -> list[Pools]:
        """Offers the device anew, to be withdrawn as rescind_upon() has it.
        Returns what the pools may hold then: any number of pushes."""
        self.withdraw()
        self.renew()
        self.t.device.rescind_upon(what, *args, **how).result()
        offers = self.t.device.offers
        self.t.device.reoffer().result()
        self.t.equal(self.t.device.offers, offers + 1, "offers")
        return [self.pushed(n) for n in range(len(self.pushes()) + 1)]

    def step(self, name: str,
             act: Callable[[], list[Pools] | None]) -> Pools:
        """@act has the device withdrawn, and returns what the pools may hold
        after that, unless it is what they held. Returns what they do hold."""
        t = self.t
        t.host.transcript.add("scenario", f"-- {name}")
        try:
            allowed = act() or [self.pools]
            t.device.wait_state("none")
            t.equal(t.kvp.state, State.LOST)
            self.pools = found = self.look(allowed)
            self.connect()
        except Exception as error:
            raise Failed(f"{name}: {error}") from error
        self.count += 1
        return found

    def look(self, allowed: list[Pools]) -> Pools:
        """What agents find while there is no device; one of @allowed."""
        state, *rows = self.t.sh(LOOK).splitlines()
        self.t.equal(state, "Lost Communication")
        found: Pools = {pool: [] for pool in self.pools}
        for row in rows:
            name, key, value = row.split("\t")
            found[POOLS[name]].append(Item(key, value))
        for pools in allowed:
            if pools == found:
                return pools
        raise Failed("; ".join(
            f"{kvpwire.POOL_NAMES[pool]} holds {items}, not one of "
            f"{[pools[pool] for pools in allowed]}"
            for pool, items in found.items()
            if items not in [pools[pool] for pools in allowed])
            or f"a mixture: {found}, not one of {allowed}")

    def connect(self) -> None:
        """Offers the device; negotiation, pushes and pools are right."""
        count = self.t.kvp.negotiations
        self.renew()
        self.t.device.reoffer().result()
        self.t.kvp.wait_pushed(60, count + 1)
        self.pools = self.pushed()
        self.check()

    def check(self) -> None:
        """What host and guest think of each other."""
        t = self.t
        t.equal((t.kvp.fw, t.kvp.msg), ((3, 0), (5, 0)), "versions")
        for pool, items in self.pools.items():
            t.equal(t.kvp.enumerate(pool), items, kvpwire.POOL_NAMES[pool])

    def end(self, *notes: str) -> None:
        """All else is as it was, and nothing has leaked."""
        self.t.equal(self.intrinsic(), self.auto, "AUTO")
        self.t.equal(self.t.sh(f"cat {SYS}/operational_status"), "OK")
        self.t.works()
        leaks.check(self.t)
        print(f"# {self.count} steps", *notes, sep=", ", flush=True)


def whole(t: Test, body: bytes) -> bytes:
    """A well framed request of the versions that were agreed."""
    return icwire.pack(Header(icwire.MSG_KVP, 0, t.kvp.fw, t.kvp.msg), body)


def silently(t: Test, payload: bytes) -> None:
    """A packet that lies in the ring, and the guest does not know."""
    # the guest may still be at what came before
    time.sleep(0.05)
    t.kvp.raw(payload, signal=False)
    time.sleep(0.02)
    t.true(t.device.peek().out.used, "the packet was read without a signal")
    t.device.rescind().result()


def ms(delay: float) -> str:
    """For the names of steps."""
    return f"{delay * 1000:g} ms later"


def opening_and_closing(steps: Steps) -> None:
    """A driver that is told to, and a host that offers anew."""
    t, said = steps.t, set()

    def note(direction: str, kind: int, body: bytes) -> None:
        if direction == "rx":
            name, relid = MESSAGE_NAMES[kind], int.from_bytes(
                body[8:12], "little")
            # which has no room for a channel id
            if name == "GPADL_BODY" or relid and relid == t.device.relid:
                said.add(name)

    def close(what: str, **how) -> None:
        t.device.rescind_upon(what, **how).result()
        t.sh(UNBIND, 60)

    def release(delay: float) -> list[Pools]:
        # a host that offers anew what was closed, and thinks better of it
        steps.renew()
        offers = t.device.offers
        t.reoffers()
        try:
            close("RELID_RELEASED", delay=delay)
            t.eventually(lambda: t.device.offers > offers, "a new offer", 30)
            t.device.wait_state("none")
        finally:
            t.reoffers(False)
        return [steps.pushed(n) for n in range(len(steps.pushes()) + 1)]

    t.host.machine.vmbus.on_message.append(note)
    try:
        for what, whens in OPENING.items():
            for when in whens:
                steps.step(f"{WHEN[when]} {what}",
                           lambda w=what, h=when: steps.offer(w, when=h))
        for what, whens in CLOSING.items():
            for when in whens:
                steps.step(f"{WHEN[when]} {what}",
                           lambda w=what, h=when: close(w, when=h))
        for delay in (0.0, 0.0005, 0.002):
            steps.step(f"offered again, {ms(delay)}",
                       lambda d=delay: release(d))
    finally:
        t.host.machine.vmbus.on_message.remove(note)
    t.equal(said, {*OPENING, *CLOSING, "RELID_RELEASED"}, "messages")


def opening_anew(steps: Steps) -> int:
    """A driver that lost packet boundaries. Returns how often it began."""
    t, first = steps.t, 3

    def destroy(what: str | int, **how) -> None:
        t.device.rescind_upon(what, **how).result()
        t.kvp.raw(whole(t, kvpwire.pack_enumerate(GUEST, 0)), len8=1)

    reopens, count = counter(t, "channel_reopens"), steps.count
    for delay in LATER[:first]:
        steps.step(f"destroyed packet, {ms(delay)}",
                   lambda d=delay: destroy(SENT, delay=d))
    for what, whens in {**CLOSING, **OPENING}.items():
        for when in whens:
            steps.step(f"opening anew, {WHEN[when]} {what}",
                       lambda w=what, h=when: destroy(w, when=h))
    for what in CLOSING:
        steps.step(f"opening anew, 100 ms after {what}",
                   lambda w=what: destroy(w, delay=0.1))
    reopens = counter(t, "channel_reopens") - reopens
    # after the first packets it may be the rescind that comes first
    t.true(reopens >= steps.count - count - first, f"{reopens} reopens")
    return reopens


@scenario(SETUP, guests=(HV_KVP,), proof=ON)
def handshakes(t: Test) -> None:
    """Upon each message that the guest sends while it opens or closes the
    channel and gives it back: before the host answers it, instead of, and
    after that. These are all the messages that there are. Then the same, and
    while it waits, where the driver opens the channel anew by itself."""
    steps = Steps(t)
    try:
        opening_and_closing(steps)
        reopens = opening_anew(steps)
    finally:
        t.device.rescind_upon(SENT, 0).result()
    steps.end(f"{reopens} channels opened anew")


@scenario(SETUP, guests=(HV_KVP,), proof=ON)
def negotiating(t: Test) -> None:
    """NEGOTIATE not signalled, on its way and answered, the first one of a
    channel and a later one; each of the items that the host sends after it."""
    steps = Steps(t)
    payload = icwire.pack_negotiate([(1, 0), (3, 0)], VERSIONS)

    def first() -> None:
        t.kvp.auto_negotiate = False
        try:
            steps.withdraw()
            t.device.reoffer().result()
            t.device.wait_open()
        finally:
            t.kvp.auto_negotiate = True
        silently(t, payload)

    def again(what: int, delay: float = 0.0) -> None:
        # the same items once more: whatever arrives, nothing changes
        t.device.rescind_upon(what, delay=delay).result()
        t.kvp.negotiate()

    steps.step("the first NEGOTIATE, not signalled", first)
    steps.step("a later NEGOTIATE, not signalled",
               lambda: silently(t, payload))
    for delay in LATER:
        steps.step(f"the first NEGOTIATE, {ms(delay)}",
                   lambda d=delay: steps.offer(SENT, delay=d))
        steps.step(f"a later NEGOTIATE, {ms(delay)}",
                   lambda d=delay: again(SENT, d))
    steps.step("the first NEGOTIATE, answered", lambda: steps.offer(READ))
    steps.step("a later NEGOTIATE, answered", lambda: again(READ))
    count = len(steps.pushes())
    for n in range(1, count + 1):
        name = f"push {n} of {count}"
        # NEGOTIATE is the first packet; what is answered is there, what comes
        # behind what is out is not
        steps.step(f"{name}, out", lambda n=n: steps.offer(
            SENT, n + 1)[n - 1:n + 1])
        steps.step(f"{name}, answered", lambda n=n: steps.offer(
            READ, n + 1)[n:n + 2])
    steps.end()


# What a request asks for, and what it makes of the pools.
Operation = tuple[bytes, Pools | None]


def setting(steps: Steps, pool: int, key: str) -> Operation:
    """SET, of a value that was never there."""
    item = Item(key, f"set by step {steps.count}")
    return (kvpwire.pack_set(pool, item),
            steps.with_pool(pool, put(steps.pools[pool], item)))


def deleting(steps: Steps, pool: int) -> Operation:
    """DELETE, of an item that is not the last one."""
    keys = [item.key for item in steps.pools[pool]]
    if "doomed" not in keys or keys[-1] == "doomed":
        steps.set(pool, Item("doomed", "x"))
        steps.set(pool, Item(f"behind {steps.count}", "y"))
    return (kvpwire.pack_delete(pool, "doomed"),
            steps.with_pool(pool, without(steps.pools[pool], "doomed")))


OPERATIONS: dict[str, Callable[[Steps], Operation]] = {
    "GET": lambda s: (kvpwire.pack_get(EXTERNAL, "kept1"), None),
    "ENUMERATE 0": lambda s: (kvpwire.pack_enumerate(GUEST, 0), None),
    "ENUMERATE 3": lambda s: (kvpwire.pack_enumerate(EXTERNAL, 3), None),
    "GET_IP_INFO": lambda s: (s.t.kvp.pack_ip(
        GET_IP_INFO, IpInfo(NIC, kvpwire.FAMILY_NONE)), None),
    "SET": lambda s: setting(s, EXTERNAL, "kept1"),
    "SET of a new key": lambda s: setting(s, GUEST, f"new {s.count}"),
    "DELETE": lambda s: deleting(s, EXTERNAL),
    "DELETE in GUEST": lambda s: deleting(s, GUEST),
}


class Tally:
    """How often what was the case."""

    def __init__(self) -> None:
        self.answered = self.changed = self.changes = self.requests = 0

    def __str__(self) -> str:
        return (f"{self.answered} of {self.requests} requests answered, "
                f"{self.changed} of {self.changes} changes made")


def in_flight(steps: Steps, name: str, operation: Operation, tally: Tally,
              what: int, delay: float = 0.0) -> bool:
    """One request, with the device gone @delay after it is sent, or answered.
    Who has an answer can rely on it. True if there was one."""
    t = steps.t
    body, after = operation
    out: list[Request] = []

    def act() -> list[Pools]:
        t.device.rescind_upon(what, delay=delay).result()
        out.append(t.kvp.submit(body, name))
        return [steps.pools, after] if after else [steps.pools]

    found = steps.step(name, act)
    t.true(out[0].finished, f"{name}: the request is still out")
    tally.requests += 1
    tally.changes += after is not None
    tally.changed += found is after
    if out[0].error:
        return False
    tally.answered += 1
    out[0].check()
    if after:
        t.equal(found, after, f"{name}: answered")
    return True


def work_item_at_the_ring(steps: Steps) -> None:
    """A flood: the callback leaves the ring to the work item after 64 packets.
    The device goes when a request is in the ring, behind others; and while the
    channel is closed under the work item, which would have much more to do."""
    t, short = steps.t, bytes(8)

    def act(ahead: int) -> list[Pools]:
        body, after = setting(steps, GUEST, "kept2")
        t.device.rescind_upon(SENT, ahead + 1).result()
        for _ in range(ahead):
            t.device.send(short)
        t.kvp.raw(whole(t, body))
        for _ in range(RINGFUL):
            t.device.send(short)
        return [steps.pools, after]

    def close() -> list[Pools]:
        body, after = setting(steps, GUEST, "kept2")
        # no signal for the first one, nor for those that come behind it
        t.device.send(short, signal=False)
        for n in range(FLOOD):
            last = t.device.send(short)
            if n % RINGFUL == RINGFUL - 1:
                t.kvp.raw(whole(t, body))
        t.device.rescind_upon("CLOSECHANNEL", when=BEFORE).result()
        t.device.signal().result()
        job = t.host.spawn(UNBIND)
        t.device.wait_state("none", 60)
        t.equal(job.wait(30).code, 0, UNBIND)
        t.true(last.status, "the flood was over before the channel closed")
        return [steps.pools, after]

    for ahead in (RINGFUL - 100, 2 * RINGFUL):
        steps.step(f"behind {ahead} packets", lambda a=ahead: act(a))
    for n in range(3):
        runs, read = (counter(t, "channel_work_runs"),
                      counter(t, "dropped_short"))
        steps.step(f"closed in a flood, {n}", close)
        t.true(counter(t, "channel_work_runs") > runs, "the work item ran")
        print(f"# {counter(t, 'dropped_short') - read} of {FLOOD} packets "
              "read until the channel closed", flush=True)


def answer_held_back(steps: Steps) -> None:
    """The ring to the host is full: an answer waits for room. What was asked
    for is done, and the requests behind it are not begun."""
    t, count = steps.t, 16

    def act(delay: float) -> list[Pools]:
        items = steps.pools[GUEST]
        values = [Item("kept3", f"{n} in step {steps.count}")
                  for n in range(count)]
        t.device.stall().result()
        for item in values:
            t.kvp.raw(whole(t, kvpwire.pack_set(GUEST, item)))
        t.eventually(lambda: t.device.peek().in_.pending_send_sz,
                     "the guest waits for room")
        time.sleep(delay)
        t.device.rescind().result()
        return [steps.with_pool(GUEST, put(items, item))
                for item in values[1:-1]]

    full, delays = counter(t, "channel_ring_full"), (0.0, 0.01, 0.1)
    for delay in delays:
        steps.step(f"a full ring, {ms(delay)}", lambda d=delay: act(d))
    t.equal(counter(t, "channel_ring_full") - full, len(delays), "full rings")


def deferred(steps: Steps) -> int:
    """An allocation fails in the callback: the work item does the request.
    Returns how many times it did."""
    t = steps.t

    def gone() -> bool:
        # Where it was VMBus that got no memory, for the rescind, it looks
        # again at the next interrupt.
        t.host.heartbeat.beat()
        return t.device.state == "none"

    def act(delay: float) -> list[Pools]:
        body, after = setting(steps, GUEST, "kept4")
        t.sh(f"cd {FAILSLAB} && echo Y >ignore-gfp-wait && echo 2 >times")
        job = t.host.spawn("hv_kvp_failslab 100 1")
        t.eventually(lambda: job.stdout == b"failing\n", "allocations fail")
        time.sleep(0.05)
        t.device.rescind_upon(SENT, delay=delay).result()
        t.kvp.raw(whole(t, body))
        t.eventually(gone, "the device is gone", 30)
        t.equal(job.wait(30).code, 0, "exit code of hv_kvp_failslab")
        return [steps.pools, after]

    t.host.heartbeat.wait_ready()
    total = 0
    try:
        for delay in LATER:
            before = now = counter(t, "op_deferred")
            for _ in range(6):
                steps.step(f"deferred, {ms(delay)}", lambda d=delay: act(d))
                now = counter(t, "op_deferred")
                # the allocation that failed may have been somebody else's
                if now > before:
                    break
            t.true(now > before, f"no SET was deferred, {ms(delay)}")
            total += now - before
    finally:
        t.sh(f"cd {FAILSLAB} && echo N >ignore-gfp-wait && echo -1 >times")
    return total


def enumerations(steps: Steps) -> None:
    """Between two indices: the version that the host was reading is given
    back at once, and the next connection has nothing of it."""
    t, large = steps.t, 1000

    def number(name: str) -> int:
        return int(t.sh(f"cat {SYS}/guest/{name}"))

    def quiet() -> int:
        t.eventually(lambda: number("items_generation")
                     == number("generation"), "sysfs is up to date")
        return number("bytes")

    def act(index: int, letter: str) -> list[Pools]:
        before = quiet()
        items = steps.pools[GUEST]
        for n in range(index + 1):
            t.equal(t.kvp.enumerate_one(GUEST, n), items[n])
        t.sh(f"kvpctl set large {letter * large}")
        t.eventually(lambda: quiet() > before + large, "two versions")
        steps.withdraw()
        t.eventually(lambda: quiet() < before + large, "one version")
        return [steps.with_pool(GUEST, put(items,
                                           Item("large", letter * large)))]

    steps.set(GUEST, Item("large", "a" * large))
    last = len(steps.pools[GUEST]) - 1
    for index, letter in ((0, "b"), (last, "c")):
        steps.step(f"after index {index}",
                   lambda i=index, c=letter: act(i, c))


@scenario(SETUP, guests=(HV_KVP,), proof=ON)
def whoever_has_the_ring(t: Test) -> None:
    """The work item has it; an answer waits for room in the other one; a
    request is deferred to process context; an enumeration is open."""
    prepare(t)
    steps = Steps(t)
    try:
        work_item_at_the_ring(steps)
        answer_held_back(steps)
        times = deferred(steps)
        enumerations(steps)
    finally:
        t.device.rescind_upon(SENT, 0).result()
    steps.end(f"{times} requests deferred")


def set_ip_info(steps: Steps, tally: Tally) -> None:
    """SET_IP_INFO waits for an agent; an agent has it; an agent answers. The
    agent of the next connection gets that one's request only."""
    t = steps.t

    def operation() -> Operation:
        return t.kvp.pack_ip(kvpwire.SET_IP_INFO, info(MAC)), None

    def next_one() -> None:
        other = info(MAC, dhcp=True)
        with agent(t, 0) as job:
            t.kvp.set_ip_info(other)
            saw(t, job, [line(other, 0)], "of this connection")

    def waits(job=None) -> None:
        out = t.kvp.submit_set_ip_info(info(MAC))
        if job:
            t.eventually(lambda: lines(job), "the agent has the request")
        else:
            time.sleep(0.2)
        t.true(not out.finished, "the request waits")
        t.device.rescind().result()

    steps.step("no agent, waiting", waits)
    next_one()
    for delay in LATER:
        in_flight(steps, f"no agent, {ms(delay)}", operation(), tally, SENT,
                  delay)
    next_one()
    with agent(t, SILENT) as job:
        steps.step("a silent agent", lambda: waits(job))
    next_one()
    with agent(t, 0):
        for delay in LATER:
            in_flight(steps, f"an agent, {ms(delay)}", operation(), tally,
                      SENT, delay)
        t.true(in_flight(steps, "an agent, answered", operation(), tally,
                         READ), "it was answered")
    next_one()


@scenario(SETUP, guests=(HV_KVP,), proof=ON)
def each_operation(t: Test) -> None:
    """A request in the ring and not signalled, on its way, and answered."""
    steps, tally = Steps(t), Tally()
    for name, make in OPERATIONS.items():
        body, _ = make(steps)
        steps.step(f"{name}, not signalled",
                   lambda b=body: silently(t, whole(t, b)))
        for delay in LATER:
            in_flight(steps, f"{name}, {ms(delay)}", make(steps), tally, SENT,
                      delay)
        t.true(in_flight(steps, f"{name}, answered", make(steps), tally, READ),
               f"{name} was answered")
    t.true(tally.answered < tally.requests, "some were not answered")
    set_ip_info(steps, tally)
    steps.end(str(tally))
