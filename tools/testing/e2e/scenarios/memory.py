# SPDX-License-Identifier: GPL-2.0
"""Many items in a small guest, and what is pinned while much changes."""
import time
from collections import Counter
from collections.abc import Callable

from guests import HV_KVP, Setup
from hvhost import icwire, kvpwire
from hvhost.icwire import Header
from hvhost.kvpwire import (AUTO_EXTERNAL, AUTO_INTERNAL, EXTERNAL, GUEST,
                            Item)
from scenario import Test, scenario

MANY = 100000
# With the module's own limits.
SMALL = Setup(memory=256)
# With programs for the guest.
PINNED = Setup(memory=256, selftests=True)
UPDATES = 1000000
HELD = 500
CHUNK = 2000	# requests that this program holds at a time
# drivers/hv/kvp/service.h: a host that is silent for so long has left
SILENCE = 30
# drivers/hv/kvp/pool.h: what may wait to be freed before writers wait
BACKLOG = 4 << 20
# What the slabs may grow by, in times of what the pools say they hold: objects
# are rounded up, and pages are not full.
SLAB = 2
POOL = "/sys/class/misc/hv_kvp/external"


def item(n: int) -> Item:
    """The nth: a key and a value of 20 characters."""
    return Item(f"a key with {n:09}", f"value number {n:07}")


def update(n: int) -> bytes:
    """The nth of many SETs: as long as what it replaces, and never there."""
    return kvpwire.pack_set(EXTERNAL, Item(item(n % HELD).key,
                                           f"update number{n:07}"))


def run(t: Test, count: int, pack: Callable[[int], bytes],
        look: Callable[[int, bytes], None] = lambda n, body: None) -> float:
    """Requests 0 to @count - 1, back to back; all must succeed. Returns the
    seconds that it took."""
    began = time.monotonic()
    header = Header(icwire.MSG_KVP, 0, t.kvp.fw, t.kvp.msg)
    for start in range(0, count, CHUNK):
        numbers = range(start, min(start + CHUNK, count))
        packets = t.device.transact(
            [icwire.pack(header, pack(n)) for n in numbers], 60)
        for n, packet in zip(numbers, packets):
            answer, body = icwire.unpack(packet.payload)
            t.equal(answer.status, 0, f"status of request {n}")
            look(n, body)
    return time.monotonic() - began


def number(t: Test, path: str) -> int:
    """What a file of the pool's holds."""
    return int(t.sh(f"cat {POOL}/{path}"))


def kib(t: Test, name: str) -> int:
    """A line of /proc/meminfo."""
    return int(t.sh(f"grep ^{name}: /proc/meminfo").split()[1])


@scenario(SMALL, guests=(HV_KVP,), proof=("6.1",), limit=900)
def hundred_thousand_items(t: Test) -> None:
    """Set, enumerated and deleted in a guest with 256 MiB; then the memory
    is free again."""
    before = kib(t, "Slab")
    took = run(t, MANY, lambda n: kvpwire.pack_set(EXTERNAL, item(n)))
    t.equal(number(t, "count"), MANY)
    taken, slab = number(t, "bytes"), kib(t, "Slab") - before << 10
    print(f"# set: {took:.0f} s; {taken / MANY:.0f} bytes an item, "
          f"slab {slab / MANY:.0f}, {kib(t, 'MemAvailable')} KiB left",
          flush=True)
    t.true(slab <= SLAB * taken, f"slab +{slab}, for {taken} bytes")

    def look(n: int, body: bytes) -> None:
        t.equal(kvpwire.unpack_enumerate(body, n), item(n))

    took = run(t, MANY, lambda n: kvpwire.pack_enumerate(EXTERNAL, n), look)
    print(f"# enumerated: {took:.0f} s", flush=True)
    t.equal(t.kvp.enumerate_one(EXTERNAL, MANY), None)
    took = run(t, MANY, lambda n: kvpwire.pack_delete(EXTERNAL, item(n).key))
    print(f"# deleted: {took:.0f} s", flush=True)
    t.equal(number(t, "count"), 0)
    t.eventually(lambda: number(t, "bytes") < 4096, "memory is given back", 60)
    t.eventually(lambda: kib(t, "Slab") - before << 10 < BACKLOG,
                 "the slabs are given back", 30)
    print(f"# slab {kib(t, 'Slab') - before:+} KiB after all", flush=True)
    t.works()


@scenario(PINNED, guests=(HV_KVP,), proof=("6.1",), limit=3000)
def pins_left_open(t: Test) -> None:
    """The host goes through an enumeration slowly and agents leave cursors of
    lists open, while everything changes again and again: each sees what there
    was when it began, and what is kept is these versions and no more than the
    backlog behind them."""
    run(t, HELD, lambda n: kvpwire.pack_set(EXTERNAL, item(n)))
    t.eventually(lambda: number(t, "items_generation")
                 == number(t, "generation"), "sysfs is up to date")
    time.sleep(1)
    full = number(t, "bytes")
    holders = []
    for n in range(3):
        holders.append(t.host.spawn("hv_kvp_tool hold 0"))
        t.eventually(lambda n=n: holders[n].stdout == b"held\n", "a list")
        run(t, HELD, lambda n: kvpwire.pack_set(EXTERNAL, item(n)))
    slab, generation = kib(t, "Slab"), number(t, "generation")
    most = grown = longest = 0
    for index in range(HELD):
        began = time.monotonic()
        t.equal(t.kvp.enumerate_one(EXTERNAL, index), item(index),
                f"after {index * CHUNK} updates")
        run(t, CHUNK, lambda n, i=index: update(i * CHUNK + n))
        longest = max(longest, time.monotonic() - began)
        if index % 25 == 24:
            most = max(most, number(t, "bytes"))
            grown = max(grown, kib(t, "Slab") - slab)
    t.true(longest < SILENCE, f"the host was silent for {longest:.0f} s")
    t.equal(number(t, "generation"), generation + UPDATES)
    # the current version, three lists, the enumeration, and sysfs' own
    bound = 6 * full + BACKLOG
    print(f"# {UPDATES} updates: at most {most} bytes, {full} without pins; "
          f"slab +{grown} KiB", flush=True)
    t.true(most <= bound, f"{most} bytes, the bound is {bound}")
    t.true(grown << 10 <= SLAB * bound,
           f"slab +{grown} KiB, {SLAB} times {bound} bytes is the bound")
    for holder in holders:
        holder.kill(10)
        t.equal(holder.wait(30).text, f"held\n{HELD} of {HELD}")
    # still the old one, and its end
    t.equal(t.kvp.enumerate_one(EXTERNAL, HELD - 1), item(HELD - 1))
    t.equal(t.kvp.enumerate_one(EXTERNAL, HELD), None)
    t.eventually(lambda: number(t, "bytes") <= full + 4096,
                 "what was pinned is given back", 60)
    t.works()


@scenario(PINNED, guests=(HV_KVP,), proof=("6.1",))
def pin_abandoned(t: Test) -> None:
    """The host leaves an enumeration and says nothing of it: what it pinned
    is given back after a while, and its next index is of the present."""
    run(t, HELD, lambda n: kvpwire.pack_set(EXTERNAL, item(n)))
    t.eventually(lambda: number(t, "items_generation")
                 == number(t, "generation"), "sysfs is up to date")
    time.sleep(1)
    full = number(t, "bytes")
    t.equal(t.kvp.enumerate_one(EXTERNAL, 0), item(0))
    began = time.monotonic()
    run(t, HELD, update)
    t.eventually(lambda: number(t, "items_generation")
                 == number(t, "generation"), "sysfs is up to date")
    time.sleep(1)
    held = number(t, "bytes")
    t.true(held > full + full // 2, f"{held} bytes with a pin, {full} without")
    t.eventually(lambda: number(t, "bytes") <= full + 4096,
                 "what was pinned is given back", 60)
    took = time.monotonic() - began
    print(f"# {held} bytes with a pin, {full} after {took:.0f} s", flush=True)
    # the guest's clock and the host's need not run alike
    t.true(took > SILENCE - 3, f"given back after {took:.0f} s already")
    t.equal(t.kvp.enumerate_one(EXTERNAL, 1),
            Item(item(1).key, f"update number{1:07}"))
    t.works()


# What a host may do to a small guest with the module's own limits.
POOLS = (EXTERNAL, GUEST, AUTO_EXTERNAL, AUTO_INTERNAL)
# The largest item there is, one a little above a size of kmalloc()'s, a small one.
SIZES = (1023, 490, 4)
ROUNDS = 2
# More than there is room for, on the way to which a guest may fall over.
TOO_MANY = 60000
# An agent that reads and writes as long as its file is there, and says how often
# it could not.
AGENT = """
touch /tmp/agent
n=0 bad=0
while [ -e /tmp/agent ]; do
    n=$((n + 1))
    kvpctl set beat $n && [ "$(kvpctl get beat)" = $n ] || bad=$((bad + 1))
done
echo $n $bad
"""


def request(t: Test, bodies: list[bytes]) -> Counter[str]:
    """Back to back; how often each status came."""
    header = Header(icwire.MSG_KVP, 0, t.kvp.fw, t.kvp.msg)
    statuses: Counter[str] = Counter()
    for start in range(0, len(bodies), CHUNK):
        for packet in t.device.transact(
                [icwire.pack(header, body)
                 for body in bodies[start:start + CHUNK]], 120):
            answer, _ = icwire.unpack(packet.payload)
            statuses[icwire.status_name(answer.status)] += 1
    return statuses


def fill(t: Test, pool: int, value: str, key: str) -> int:
    """SETs of new keys until the guest has no room; how many were tried."""
    for start in range(0, TOO_MANY, CHUNK):
        said = request(t, [
            kvpwire.pack_set(pool, Item(f"{key}{n:06}", value))
            for n in range(start, start + CHUNK)])
        t.true(said.keys() <= {"OK", "DISK_FULL", "FAIL", "NOT_SUPPORTED"},
               f"pool {pool}: {said}")
        if said["OK"] < CHUNK:
            return start + CHUNK if start or said["OK"] else 0
    return TOO_MANY


def hold(t: Test, pool: int) -> None:
    """A cursor at the beginning of the pool as it is now."""
    request(t, [kvpwire.pack_enumerate(pool, n) for n in (0, 1)])


def rewrite(t: Test, pool: int, count: int, value: str, key: str) -> None:
    """Another value for each, the cursor kept alive on the way."""
    for start in range(0, count, CHUNK):
        bodies = [kvpwire.pack_set(pool, Item(f"{key}{n:06}", value))
                  for n in range(start, min(start + CHUNK, count))]
        request(t, [*bodies, *(kvpwire.pack_enumerate(p, 1) for p in POOLS)])


@scenario(PINNED, guests=(HV_KVP,), proof=("6.1",), limit=1800)
def host_takes_everything(t: Test) -> None:
    """A host fills each pool that it may write, holds an enumeration of each,
    and rewrites everything, with items of several sizes: in the end it is told
    that there is no room. No process dies for it, an agent goes on all the
    while, and what it stored can be saved."""
    agent = t.host.spawn(AGENT)
    t.eventually(lambda: not t.host.run("kvpctl get beat", check=False).code,
                 "the agent is up", 30)
    least = kib(t, "MemAvailable")
    began = time.monotonic()
    for turn in range(ROUNDS):
        for size in SIZES:
            counts = {}
            for pool in POOLS:
                counts[pool] = fill(t, pool, "x" * size, f"{size}:")
                hold(t, pool)
            for pool in POOLS:
                rewrite(t, pool, counts[pool], "y" * size, f"{size}:")
            free = kib(t, "MemAvailable")
            least = min(least, free)
            print(f"# round {turn}, values of {size}: {counts}, {free} KiB "
                  f"available", flush=True)
            t.true(any(count < TOO_MANY for count in counts.values()),
                   "there is no end to it")
            t.sh("kvpctl save /tmp/saved", 120)
            for pool in POOLS:
                said = request(t, [
                    kvpwire.pack_delete(pool, f"{size}:{n:06}")
                    for n in range(counts[pool])])
                t.true(said.keys() <= {"OK", "NO_MORE_ITEMS"},
                       f"deletes of pool {pool}: {said}")
    took = time.monotonic() - began
    t.sh("rm /tmp/agent")
    done, bad = map(int, agent.wait(60).text.split())
    print(f"# {took:.0f} s, at least {least} KiB available, {done} turns of "
          f"the agent's", flush=True)
    t.true(done, "the agent did nothing")
    t.equal(bad, 0, "what the agent could not do")
    t.equal(t.sh("dmesg | grep -ciE 'oom-kill|out of memory' || true").strip(),
            "0", "processes that were killed")
    t.works()
