# SPDX-License-Identifier: GPL-2.0
"""Many items in a small guest, and what is pinned while much changes."""
import time
from collections.abc import Callable

from guests import HV_KVP, Setup
from hvhost import icwire, kvpwire
from hvhost.icwire import Header
from hvhost.kvpwire import EXTERNAL, Item
from scenario import Test, scenario

MANY = 100000
SMALL = Setup(memory=256, params="host_bytes=67108864")
# Small items and few, so that what is kept of old versions would show.
PINNED = Setup(memory=256, selftests=True)
UPDATES = 1000000
HELD = 500
CHUNK = 2000	# requests that this program holds at a time
# drivers/hv/kvp/pool.h: what may wait to be freed before writers wait
BACKLOG = 4 << 20
POOL = "/sys/class/misc/hv_kvp/external"


def item(n: int) -> Item:
    """The nth: a key and a value of 20 characters."""
    return Item(f"a key with {n:09}", f"value number {n:07}")


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
    print(f"# set: {took:.0f} s; {number(t, 'bytes') / MANY:.0f} bytes an "
          f"item, slab {(kib(t, 'Slab') - before) * 1024 / MANY:.0f}, "
          f"{kib(t, 'MemAvailable')} KiB left", flush=True)

    def look(n: int, body: bytes) -> None:
        t.equal(kvpwire.unpack_enumerate(body, n), item(n))

    took = run(t, MANY, lambda n: kvpwire.pack_enumerate(EXTERNAL, n), look)
    print(f"# enumerated: {took:.0f} s", flush=True)
    t.equal(t.kvp.enumerate_one(EXTERNAL, MANY), None)
    took = run(t, MANY, lambda n: kvpwire.pack_delete(EXTERNAL, item(n).key))
    print(f"# deleted: {took:.0f} s", flush=True)
    t.equal(number(t, "count"), 0)
    t.eventually(lambda: number(t, "bytes") < 4096, "memory is given back", 60)
    print(f"# slab {kib(t, 'Slab') - before:+} KiB after all", flush=True)
    t.works()


@scenario(PINNED, guests=(HV_KVP,), proof=("6.1",), limit=3000)
def pins_left_open(t: Test) -> None:
    """An enumeration and cursors of lists are abandoned, and everything
    changes again and again: what is kept is the pinned versions, and no more
    than the backlog behind them."""
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
    t.kvp.enumerate_one(EXTERNAL, 0)
    slab, most = kib(t, "Slab"), 0
    step, generation = UPDATES // 20, number(t, "generation")
    for _ in range(20):
        run(t, step, lambda n: kvpwire.pack_set(EXTERNAL, item(n % HELD)))
        most = max(most, number(t, "bytes"))
    t.equal(number(t, "generation"), generation + UPDATES)
    # the current version, three lists, the enumeration, and sysfs' own
    bound = 6 * full + BACKLOG
    print(f"# {UPDATES} updates: at most {most} bytes, {full} without pins; "
          f"slab {kib(t, 'Slab') - slab:+} KiB", flush=True)
    t.true(most <= bound, f"{most} bytes, the bound is {bound}")
    for holder in holders:
        holder.kill(10)
        t.equal(holder.wait(30).text, f"held\n{HELD} of {HELD}")
    t.kvp.negotiate().wait(30)
    t.eventually(lambda: number(t, "bytes") <= full + 4096,
                 "what was pinned is given back", 60)
    t.works()
