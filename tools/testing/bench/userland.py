# SPDX-License-Identifier: GPL-2.0
"""What userland in the guest gets: items read through /dev/hv_kvp beside a pool file of
hv_kvp_daemon, and changes while sysfs follows with a file for each of 10,000 items."""
from __future__ import annotations

import gzip
import subprocess
from dataclasses import asdict, dataclass
from pathlib import Path

from cases import Boot, patient, say, summary, writing
from guest import HV_KVP, LIMITS, STOCK, Driver, Guest
from hvhost.kvpwire import GUEST
from report import Table, number

SIZES = (10, 1_000, 100_000)
BY_DAEMON = SIZES[:2]		# it writes the whole file for each SET: 100,000 would take days
RECORD = 512 + 2048
FOLDER = "/var/lib/hyperv"
FILES = 10_000			# items with a file each
CHANGES = 2_000			# of them, in a burst
VALUE = 20

PROGRAM = "bin/bench_userland"
# How often, by size of the pool. A GET in a large file reads half of it on average.
GETS = {10: 2_000, 1_000: 2_000, 100_000: 2_000}
FILE_GETS = {10: 500, 1_000: 100, 100_000: 4}
LISTS = {10: 500, 1_000: 50, 100_000: 2}

NO_FILES = Driver("hv_kvp, no files", "hv_kvp", f"{LIMITS} sysfs_items=0")
WITH_FILES = Driver("hv_kvp, 10,000 files", "hv_kvp", f"{LIMITS} sysfs_items={FILES}")


@dataclass
class Reading:
    """One way to read, at one size of the pool."""

    way: str
    items: int
    instructions: float		# of one of them
    rate: float			# of them in a second of wall time


@dataclass
class Changing:
    """What a change costs, in instructions, with and without files."""

    driver: str
    what: str
    instructions: float


def build(folder: Path, headers: Path, output: Path) -> bytes:
    """The program that runs in the guest."""
    output.parent.mkdir(parents=True, exist_ok=True)
    subprocess.run(["gcc", "-std=gnu11", "-O2", "-Wall", "-Wextra", "-Werror", "-static", "-s",
                    f"-I{headers}", "-o", str(output), str(folder / "userland.c")], check=True)
    return output.read_bytes()


def timed(guest: Guest, arguments: str) -> list[tuple[float, float]]:
    """Runs the program: ticks and seconds of one operation, a pair for each line."""
    text = guest.run(f"bench_userland {arguments} 2>&1 || echo FAILED", 600)
    lines = [line.split() for line in text.splitlines()]
    if not lines or any(len(line) != 3 or not line[0].isdigit() for line in lines):
        raise RuntimeError(f"bench_userland {arguments}: {text}")
    return [(int(ticks) / int(count), float(seconds) / int(count))
            for count, ticks, seconds in lines]


def files_of_daemon(boot: Boot) -> dict[str, bytes]:
    """The pool file as the unmodified daemon writes it, with 10 and with 1,000 items."""
    found, items = {}, 0
    with boot(STOCK, icount=False) as guest:
        guest.insert()
        for size in BY_DAEMON:
            guest.fill(items, size, VALUE)
            items = size
            data = gzip.decompress(guest.agent.run(f"gzip -c {FOLDER}/.kvp_pool_0", 120).stdout)
            if len(data) != size * RECORD:
                raise RuntimeError(f"a pool file of {len(data)} bytes for {size} items")
            found[f"{FOLDER[1:]}/{size}"] = data
    return found


def reading(guest: Guest, items: int) -> dict[str, tuple[float, float]]:
    """All ways at one size."""
    path = f"{FOLDER}/{items}"
    say(f"userland, {items} items: reading" + (", instructions" if guest.icount else ""))
    guest.run(f"bench_userland ioctl-fill {items}", 300)
    if items not in BY_DAEMON:
        guest.run(f"bench_userland file-fill {path} {items}", 300)
    found = {
        "GET": timed(guest, f"ioctl-get {items} {GETS[items]}"),
        "GET from the file": timed(guest, f"file-get {path} {items} {FILE_GETS[items]}"),
        "LIST": timed(guest, f"ioctl-list {LISTS[items]}"),
        "all of the file": timed(guest, f"file-list {path} {LISTS[items]}"),
    }
    return {way: one for way, (one,) in found.items()}


def readings(boot: Boot, program: bytes, sizes: tuple[int, ...]) -> list[Reading]:
    """In one guest for instructions, and in another for times."""
    files = patient(lambda: files_of_daemon(boot), STOCK) | {PROGRAM: program}
    found: dict[bool, dict] = {}
    for icount in (True, False):
        with boot(HV_KVP, icount=icount, files=files) as guest:
            guest.insert()
            found[icount] = {size: reading(guest, size) for size in sizes}
    return [Reading(way, size, found[True][size][way][0], 1 / found[False][size][way][1])
            for size in sizes for way in found[True][size]]


def changes(boot: Boot, program: bytes, driver: Driver) -> list[Changing]:
    """The host's changes, in the callback, and an agent's, until sysfs shows the last one."""
    found: list[Changing] = []

    def add(what: str, instructions: float) -> None:
        found.append(Changing(driver.name, what, instructions))

    with boot(driver, icount=True, files={PROGRAM: program}) as guest:
        guest.insert()
        guest.fill(0, FILES, VALUE)
        say(f"{driver.name}: changes")
        for operation, samples in writing(guest, FILES, VALUE).items():
            add(f"{operation} by the host, in the callback",
                summary(operation, FILES, VALUE, samples).median)
        timed(guest, f"change add {FILES}")
        shown = int(guest.run("ls /sys/class/misc/hv_kvp/guest/items | wc -l"))
        if shown != (FILES if driver is WITH_FILES else 0):
            raise RuntimeError(f"{driver.name}: {shown} files of pool {GUEST}")
        for kind, what in (("set", "SET of an existing key"), ("delete", "DELETE"),
                           ("add", "SET of a new key")):
            call, whole = timed(guest, f"change {kind} {CHANGES}")
            add(f"{what} by an agent, the call", call[0])
            add(f"{what} by an agent, and all that follows", whole[0])
    return found


def measure(boot: Boot, program: bytes, quick: bool) -> dict:
    """Everything, as plain data."""
    sizes = SIZES[:2] if quick else SIZES
    return {"reading": [asdict(r) for r in readings(boot, program, sizes)],
            "changing": [asdict(c) for driver in (NO_FILES, WITH_FILES)
                         for c in changes(boot, program, driver)]}


def reading_table(result: dict) -> Table:
    """Reading, in both units."""
    rows = []
    figures = {(r["way"], r["items"]): r for r in result["reading"]}
    for ours, file in (("GET", "GET from the file"), ("LIST", "all of the file")):
        for items in dict.fromkeys(r["items"] for r in result["reading"]):
            a, b = figures[ours, items], figures[file, items]
            rows.append([ours, number(items), number(a["rate"]), number(b["rate"]),
                         number(a["rate"] / b["rate"]), number(a["instructions"]),
                         number(b["instructions"]),
                         number(b["instructions"] / a["instructions"])])
    return ("Reading items: ioctl beside the daemon's pool file",
            ["what", "items", "ioctl, per second", "file, per second", "times as many",
             "ioctl, instructions", "file, instructions", "times as many"], rows)


def changing_table(result: dict) -> Table:
    """Changes, beside each other."""
    figures = {(c["driver"], c["what"]): c["instructions"] for c in result["changing"]}
    rows = []
    for what in dict.fromkeys(c["what"] for c in result["changing"]):
        without, files = figures[NO_FILES.name, what], figures[WITH_FILES.name, what]
        rows.append([what, number(without), number(files), number(files - without)])
    return ("A change to a pool of 10,000 items, instructions",
            ["what", "no files in sysfs", "10,000 files", "difference"], rows)


def tables(result: dict) -> list[Table]:
    """Both."""
    return [reading_table(result), changing_table(result)]
