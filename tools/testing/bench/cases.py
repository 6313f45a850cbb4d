# SPDX-License-Identifier: GPL-2.0
"""What is measured, in which guest, and in which order."""
from __future__ import annotations

import statistics
import subprocess
import sys
from collections.abc import Callable, Sequence
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import TypeVar

from hvhost.faults import GuestHang

from guest import FLOOR, HV_KVP, STOCK, Driver, Guest, delete, enumerate_, get, set_

SIZES = (10, 100, 1_000, 10_000, 100_000)
ROUND_TRIP_SIZES = (10, 100, 1_000)	# the stock pair takes minutes for more
VALUES = (20, 500)
ROUNDS = 200			# requests of each kind at each size
PASSES = 3			# times that requests which change nothing are repeated
CORE_ROWS = 24		# operations, sizes of the pool, of values
CONTENDERS = ("pool", "mutex", "spinlock", "rwlock")
OPERATIONS = ("GET", "ENUMERATE", "SET existing", "SET new", "DELETE")


@dataclass
class Count:
    """Instructions of one operation at one size of the pool."""

    operation: str
    items: int
    value: int
    samples: int
    disturbed: int		# left out: an interrupt came in between
    least: int
    median: float
    mean: float
    p95: int
    most: int


@dataclass
class Memory:
    """Bytes per item, with the pool at @items."""

    items: int
    value: int
    requested: float | None	# of the allocator: items, tree nodes, root
    slab: float			# pages that the allocator took for it


@dataclass
class Timing:
    """Times of the host in one guest, in instructions or in seconds."""

    driver: str
    items: int
    value: int
    enumerate_median: float
    set_median: float
    whole: float


@dataclass
class Start:
    """From entry of module_init to the first answered ENUMERATE."""

    driver: str
    time: float


Boot = Callable[..., Guest]
Timings = tuple[Start, list[Timing]]
T = TypeVar("T")


def say(text: str) -> None:
    """Progress goes to stderr."""
    print(f"# {text}", file=sys.stderr, flush=True)


def spread(items: int, count: int) -> list[int]:
    """@count numbers of items, evenly over the pool, in an order that jumps about."""
    step = max(1, items // count)
    numbers = [n * step % items for n in range(count)]
    return numbers[::2] + numbers[1::2]


def summary(operation: str, items: int, value: int, samples: Sequence[int]) -> Count:
    """The figures of one operation."""
    good = sorted(s for s in samples if s)
    if len(good) * 2 < len(samples):
        raise RuntimeError(f"{operation} at {items} items: {len(samples) - len(good)} of "
                           f"{len(samples)} samples disturbed")
    return Count(operation, items, value, len(good), len(samples) - len(good), good[0],
                 statistics.median(good), round(statistics.fmean(good), 1),
                 good[len(good) * 95 // 100], good[-1])


def undisturbed(passes: Sequence[Sequence[int]]) -> list[int]:
    """Each request's least count of several passes: the same request takes the same path, what
    one pass has more came from the other CPU's share of the clock."""
    return [min((s for s in samples if s), default=0) for samples in zip(*passes)]


def reading(guest: Guest, items: int) -> dict[str, list[int]]:
    """GET and ENUMERATE: change nothing, so each request is repeated and the least taken."""
    numbers = spread(items, ROUNDS)
    first = min(items, ROUNDS)
    # A walk from the start, which pins a version, then anywhere.
    indices = [n % first for n in range(ROUNDS // 2)] + numbers[:ROUNDS // 2]
    return {
        "GET": undisturbed([guest.samples([get(n) for n in numbers]) for _ in range(PASSES)]),
        "ENUMERATE": undisturbed([guest.samples([enumerate_(i) for i in indices])
                                  for _ in range(PASSES)]),
    }


def writing(guest: Guest, items: int, value: int) -> dict[str, list[int]]:
    """SET and DELETE: a key is deleted and set again at once, so that the pool keeps its size."""
    numbers = spread(items, ROUNDS)
    pairs = [request for n in numbers for request in (delete(n), set_(n, value))]
    samples = guest.samples([set_(n, value) for n in numbers])
    both = guest.samples(pairs)
    return {"SET existing": samples, "DELETE": both[::2], "SET new": both[1::2]}


def floor_counts(boot: Boot) -> list[Count]:
    """The floor: it does not know one operation from another, so the packets are the same."""
    with boot(FLOOR, icount=True) as guest:
        guest.insert()
        counts = []
        for value in VALUES:
            counts += [summary("ENUMERATE", 0, value, reading(guest, 10)["ENUMERATE"]),
                       summary("SET", 0, value, writing(guest, 10, value)["SET existing"])]
        return counts


def driver_counts(boot: Boot, value: int, sizes: Sequence[int]) -> tuple[list[Count], list[Memory]]:
    """hv_kvp as the pool grows, and what an item takes."""
    counts: list[Count] = []
    memory: list[Memory] = []
    with boot(HV_KVP, icount=True) as guest:
        guest.insert()
        before, items = guest.slab_bytes(), 0
        for size in sizes:
            guest.fill(items, size, value)
            items = size
            say(f"hv_kvp, value {value}, {items} items: instructions")
            for operation, samples in (reading(guest, items) | writing(guest, items, value)).items():
                counts.append(summary(operation, items, value, samples))
            if items >= 1_000:
                slab = guest.slab_bytes() - before
                memory.append(Memory(items, value, guest.requested(items), slab / items))
    return counts, memory


def timings(boot: Boot, driver: Driver, sizes: Sequence[int], icount: bool,
            value: int = 20) -> Timings:
    """What the host sees of one driver, in instructions or in seconds."""
    found = []
    with boot(driver, icount=icount) as guest:
        start = Start(driver.name, guest.insert())
        items = 0
        for size in sizes:
            guest.fill(items, size, value)
            items = size
            say(f"{driver.name}, {items} items: round trips"
                + (", instructions" if icount else ""))
            numbers = spread(items, 50)
            # Each takes the stock pair seconds, and the others a tenth of one.
            rounds = 1 if icount else max(3 if driver is STOCK else 21, 500 // items)
            found.append(Timing(
                driver.name, items, value,
                statistics.median(guest.round_trips(enumerate_(n) for n in numbers)),
                statistics.median(guest.round_trips(set_(n, value) for n in numbers)),
                statistics.median(guest.whole_enumeration(items) for _ in range(rounds))))
    return start, found


def patient(call: Callable[[], T], driver: Driver) -> T:
    """Calls again, once, where hv_utils lost an answer, as it now and then does."""
    try:
        return call()
    except GuestHang as error:
        if driver is not STOCK:
            raise
        say(f"{driver.name}: {error.args[0]}; once more")
        return call()


def measure(boot: Boot, quick: bool) -> dict:
    """Everything, as plain data."""
    sizes = SIZES[:3] if quick else SIZES
    result: dict = {"counts": [], "memory": [], "instructions": [], "wall": [],
                    "start_instructions": [], "start_wall": []}
    say("floor: instructions")
    result["floor"] = [asdict(c) for c in floor_counts(boot)]
    for value in VALUES:
        counts, memory = driver_counts(boot, value, sizes)
        result["counts"] += [asdict(c) for c in counts]
        result["memory"] += [asdict(m) for m in memory]
    for icount, times, starts in ((True, "instructions", "start_instructions"),
                                  (False, "wall", "start_wall")):
        for driver in (FLOOR, HV_KVP, STOCK):
            wanted = ROUND_TRIP_SIZES[:2] if quick else ROUND_TRIP_SIZES
            start, found = patient(lambda: timings(boot, driver, wanted, icount), driver)
            result[times] += [asdict(t) for t in found]
            result[starts].append(asdict(start))
    return result


def core_alone(folder: Path) -> list[list[str]]:
    """Requests in time, in user space: the table that core_time prints, as rows."""
    say("the core in time, in user space")
    done = subprocess.run(["make", "-s", "-C", str(folder), "core_time"], check=True,
                          capture_output=True, text=True)
    rows = [[cell.strip() for cell in line.strip("|").split("|")]
            for line in done.stdout.splitlines() if line.startswith("|")]
    if len(rows) != 2 + CORE_ROWS:
        raise RuntimeError(f"core_time printed:\n{done.stdout}")
    return [rows[0], *rows[2:]]


def pool_alone(folder: Path) -> list[list[str]]:
    """The pool in user space beside locks around a hash table: the table that it prints, as rows."""
    say("the pool alone, in user space")
    done = subprocess.run(["make", "-s", "-C", str(folder), "pool_bench"], check=True,
                          capture_output=True, text=True)
    rows = [[cell.strip() for cell in line.strip("|").split("|")]
            for line in done.stdout.splitlines() if line.startswith("|")]
    if [row[0] for row in rows] != ["", "---", *CONTENDERS]:
        raise RuntimeError(f"pool_bench printed:\n{done.stdout}")
    return [rows[0], *rows[2:]]
