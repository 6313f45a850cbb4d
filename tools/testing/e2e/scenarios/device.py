# SPDX-License-Identifier: GPL-2.0
"""/dev/hv_kvp: the selftests in the guest, and what only a host can cause."""
import re
import time

from guests import CHECKERS, HV_KVP, Setup
from hvhost import kvpwire
from hvhost.agent import Job, Result
from hvhost.kvpwire import (AUTO_EXTERNAL, DWORD, EXTERNAL, GUEST, QWORD,
                            Item)
from scenario import Failed, Test, scenario
from scenarios.memory import number, run

OURS = (HV_KVP,)
# Limits that a test can reach.
AGENT_BYTES = 4 << 20
LIMITS = f"agent_items=3000 agent_bytes={AGENT_BYTES} sysfs_items=10000"
DEVICE = Setup(selftests=True, params=LIMITS)
SMP = Setup(selftests=True, params=LIMITS, cpus=2)
FUZZ_CALLS = 20000
GUEST_BYTES = "/sys/class/misc/hv_kvp/guest/bytes"
LARGE = 2500	# items of a thousand characters: more than AGENT_BYTES
SIGUSR1 = 10
WATCH_STATE, WATCH_HOST_READ = 2, 4		# HV_KVP_WATCH_*
STATE_OK, STATE_LOST = "2", "13"


def check_ktap(result: Result, skips: bool = False) -> None:
    """All that a program of tests printed must have passed. @skips: what the
    kernel is built without may be left out."""
    lines = result.text.splitlines()
    left_out = r"(, \d+ skipped)?" if skips else ""
    closing = re.match(rf"(\d+) passed, (\d+) failed{left_out}$",
                       lines[-1] if lines else "")
    if not closing or closing[1] == "0" or closing[2] != "0" or result.code:
        bad = [line for line in lines if line.startswith(("not ok", "# "))]
        raise Failed("\n".join([f"{result.command}: exit code {result.code}",
                                *(bad or lines[-5:])]))


def selftest(t: Test, command: str) -> None:
    """Runs a program of tests in the guest."""
    checked = t.kernel in CHECKERS
    check_ktap(t.host.run(command, timeout=900 if checked else 220,
                          check=False), skips=checked)


def describe_host(t: Test, count: int = 1) -> None:
    """Items that a new connection brings again."""
    t.kvp.offer_item(AUTO_EXTERNAL, Item("VirtualMachineId", t.host.vm_id))
    for n in range(1, count):
        t.kvp.offer_item(AUTO_EXTERNAL, Item(f"about-the-host-{n}", "x" * 40))


def start(t: Test, arguments: str, first: bytes) -> Job:
    """Starts hv_kvp_tool, and waits for its first line."""
    job = t.host.spawn(f"hv_kvp_tool {arguments}")
    t.eventually(lambda: job.stdout == first + b"\n",
                 f"hv_kvp_tool {arguments} says {first!r}")
    return job


def tool(t: Test, arguments: str) -> list[str]:
    """The lines that hv_kvp_tool prints."""
    return t.sh(f"hv_kvp_tool {arguments}").splitlines()


@scenario(DEVICE, guests=OURS, smoke=True)
def every_call(t: Test) -> None:
    """The selftests, all calls with all their errors."""
    describe_host(t)
    selftest(t, "hv_kvp_test")


@scenario(DEVICE, guests=OURS)
def every_call_with_32_bits(t: Test) -> None:
    """The same from a 32-bit program on the 64-bit kernel."""
    describe_host(t)
    selftest(t, "hv_kvp_test32")


@scenario(DEVICE, guests=OURS)
def fuzz(t: Test) -> None:
    """Random calls; the device works afterwards."""
    selftest(t, f"hv_kvp_fuzz {FUZZ_CALLS} {int(time.time())}")
    t.works()


@scenario(DEVICE, guests=OURS, proof=("6.1",), limit=3000)
def fuzz_a_million_times(t: Test) -> None:
    """1,000,000 calls, with seeds of their own for each tenth."""
    for n in range(10):
        selftest(t, f"hv_kvp_fuzz 100000 {int(time.time()) + n}")
    t.works()


@scenario(DEVICE, guests=OURS)
def fuzz_with_32_bits(t: Test) -> None:
    """The same from a 32-bit program."""
    selftest(t, f"hv_kvp_fuzz32 {FUZZ_CALLS} {int(time.time())}")
    t.works()


@scenario(DEVICE, guests=OURS)
def items_of_the_host(t: Test) -> None:
    """What the host sets is read with its type, as the host's and fresh;
    what the guest sets is seen by the host."""
    t.kvp.set(EXTERNAL, Item("s", "text \u20ac"))
    t.kvp.set(EXTERNAL, Item("d", 4711, DWORD))
    t.equal(tool(t, "list 0"), ["host s text \u20ac", "host d 4711"])
    t.kvp.set(GUEST, Item("from the host", "x"))
    t.equal(tool(t, "list 1"), ["host from the host x"])
    selftest(t, "hv_kvp_test every_type")
    t.equal([(i.key, i.type) for i in t.kvp.enumerate(GUEST)],
            [("key", QWORD)])


@scenario(DEVICE, guests=OURS)
def stale_items(t: Test) -> None:
    """What the host does not send again on a new connection is marked, and a
    purge takes that and nothing else."""
    describe_host(t, 3)
    t.kvp.offer_item(EXTERNAL, Item("again", "1"))
    t.kvp.set(EXTERNAL, Item("once", "2"))
    t.kvp.set(GUEST, Item("never stale", "3"))
    before = tool(t, "state")[0].split()[1]
    count = t.kvp.negotiations
    t.kvp.negotiate([(5, 0)], [(3, 0)])
    t.kvp.wait_pushed(60, count + 1)
    t.equal(int(tool(t, "state")[0].split()[1]), int(before) + 1)
    t.equal(sorted(tool(t, "list 0")), ["host again 1", "host+stale once 2"])
    t.equal(tool(t, "purge 0"), ["1"])
    t.equal(tool(t, "list 0"), ["host again 1"])
    t.equal(tool(t, "list 1"), ["host never stale 3"])
    t.equal(t.kvp.enumerate(EXTERNAL), [Item("again", "1")])
    described = tool(t, "list 3")
    t.equal(len(described), 3)
    t.true(all(line.startswith("host ") for line in described),
           "pushed items are fresh")


@scenario(DEVICE, guests=OURS)
def changes_by_the_host(t: Test) -> None:
    """A reader is told of each, in order."""
    watch = start(t, "watch", b"watching")

    def told(changes: int) -> list[str]:
        lines = watch.stdout.decode().splitlines()[1:]
        # each change, and a version behind it
        return [line.rsplit(" ", 1)[0] for line in lines
                ] if len(lines) >= 2 * changes else []

    t.kvp.set(EXTERNAL, Item("k", "1"))
    t.eventually(lambda: told(1), "told of the first change")
    t.kvp.set(EXTERNAL, Item("k", "2"))
    t.eventually(lambda: told(2), "told of the second change")
    t.kvp.delete(EXTERNAL, "k")
    t.eventually(lambda: told(3), "told of the third change")
    watch.kill()
    t.equal(told(3), ["0 added k", "0 version ", "0 set k", "0 version ",
                      "0 deleted k", "0 version "])


@scenario(DEVICE, guests=OURS)
def events_of_the_host(t: Test) -> None:
    """State, connection, staleness, and what the host has read: one reader is
    told of all, and only who asked for it."""
    t.kvp.offer_item(EXTERNAL, Item("again", "1"))
    t.kvp.set(EXTERNAL, Item("once", "2"))
    t.sh("hv_kvp_test item_to_be_read")
    watch = start(t, f"watch {WATCH_STATE | WATCH_HOST_READ}", b"watching")
    plain = start(t, "watch 0", b"watching")

    def told(job: Job = watch) -> list[str]:
        return job.stdout.decode().splitlines()[1:]

    read = [line for line in tool(t, "pools") if line.startswith("1 ")][0].split()
    t.equal(len(t.kvp.enumerate(GUEST)), 1)
    t.eventually(lambda: f"1 host-read  {read[1]}" in told(),
                 "told that the host has read")
    t.true(tool(t, "pools")[1].split()[2] == read[1], "and of which generation")
    t.equal(t.kvp.enumerate_one(GUEST, 0).key, "read")
    time.sleep(0.5)
    t.equal(len([line for line in told() if "host-read" in line]), 1)

    before = int(tool(t, "state")[0].split()[1])
    count = t.kvp.negotiations
    t.kvp.negotiate([(5, 0)], [(3, 0)])
    t.kvp.wait_pushed(60, count + 1)
    t.eventually(lambda: f"state {STATE_OK} {before + 1}" in told(),
                 "told of the connection")
    t.eventually(lambda: "0 set again" in " ".join(told()),
                 "told of the item that came again")
    lines = [line.split()[1] for line in told() if line.startswith("0 ")]
    t.true(lines.index("stale") < lines.index("set"),
           "stale comes before what is fresh again")
    t.device.rescind().result()
    t.device.wait_state("none")
    t.eventually(lambda: f"state {STATE_LOST} {before + 1}" in told(),
                 "told of the loss")
    t.true(not [line for line in told(plain)
                if line.split()[0] == "state" or "host-read" in line],
           "nobody is told what he did not ask for")
    t.true(any("stale" in line for line in told(plain)), "of pools he is")
    count = t.kvp.negotiations
    t.device.reoffer().result()
    t.kvp.wait_pushed(60, count + 1)
    for job in (watch, plain):
        job.kill()


def mirror(t: Test, ms: int) -> Job:
    """A mirror that answers after so long."""
    return start(t, f"mirror {ms}", b"mirror")


@scenario(DEVICE, guests=OURS)
def mirror_is_asked(t: Test) -> None:
    """Once an enumeration of GUEST and once a GET there, and for nothing else;
    the host's answer waits for the mirror's."""
    t.sh("hv_kvp_test item_to_be_read")
    job = mirror(t, 0)
    asked = lambda: job.stdout.decode().splitlines()[1:]	# noqa: E731
    t.equal(len(t.kvp.enumerate(GUEST)), 1)
    t.equal(len(asked()), 1)
    t.equal(t.kvp.get(GUEST, "read").value, "v")
    t.eventually(lambda: len(asked()) == 2, "asked before a GET")
    t.kvp.set(EXTERNAL, Item("k", "1"))
    t.kvp.get(EXTERNAL, "k")
    t.kvp.enumerate(EXTERNAL)
    t.kvp.enumerate(AUTO_EXTERNAL)
    t.kvp.set(GUEST, Item("k", "1"))
    time.sleep(0.3)
    t.equal(len(asked()), 2)
    t.true("late" not in asked(), "it was in time")
    job.kill()
    job.wait()
    t.equal(t.kvp.get(GUEST, "read").value, "v")
    t.works()


@scenario(DEVICE, guests=OURS)
def mirror_that_is_silent(t: Test) -> None:
    """Costs the host its time once: it is not asked again before it answers."""
    t.sh("hv_kvp_test item_to_be_read")
    job = mirror(t, 99999)
    for _ in range(5):
        t.equal(len(t.kvp.enumerate(GUEST)), 1)
    t.equal(len(job.stdout.decode().splitlines()[1:]), 1)
    job.kill()
    job.wait()
    # killed in the middle of a question, which then is over
    job = mirror(t, 99999)
    t.equal(len(t.kvp.enumerate(GUEST)), 1)
    job.kill()
    job.wait()
    t.works()


@scenario(DEVICE, guests=OURS)
def device_removed_under_a_reader(t: Test) -> None:
    """The descriptor outlives the channel; items stay, the state tells, and
    changes come again with the next connection."""
    describe_host(t, 20)
    t.kvp.set(EXTERNAL, Item("kept", "1"))
    watch = start(t, "watch", b"watching")
    held = start(t, "hold 3", b"held")
    count = t.kvp.negotiations
    t.device.rescind().result()
    t.device.wait_state("none")
    t.equal(tool(t, "state")[0].split()[0], STATE_LOST)
    t.equal(tool(t, "list 0"), ["host kept 1"])
    t.true(watch.running, "the reader still waits")
    t.device.reoffer().result()
    t.kvp.wait_pushed(60, count + 1)
    t.equal(tool(t, "state")[0].split()[0], STATE_OK)
    t.kvp.set(EXTERNAL, Item("new", "2"))
    t.eventually(lambda: b"0 added new" in watch.stdout, "told of the change")
    held.kill(10)
    t.equal(held.wait().text, "held\n20 of 20",
            "the list goes on with its version")
    watch.kill()


@scenario(DEVICE, guests=OURS)
def lists_of_what_is_current(t: Test) -> None:
    """The host's enumeration holds an old version, larger than agents may hold
    of such: lists of the current one, which hold nothing, are left alone."""
    def fill(letter: str) -> None:
        run(t, LARGE, lambda n: kvpwire.pack_set(
            EXTERNAL, Item(f"large {n}", letter * 1000)))

    t.kvp.set(EXTERNAL, Item("first", "and all that fits"))
    fill("a")
    t.kvp.enumerate_one(EXTERNAL, 0)
    fill("b")
    holders = [start(t, f"hold {EXTERNAL}", b"held") for _ in range(2)]
    time.sleep(2)	# the trimmer comes each second
    t.true(number(t, "bytes") > LARGE * 2000 + AGENT_BYTES,
           "too little is held")
    for holder in holders:
        holder.kill(SIGUSR1)
        t.equal(holder.wait(30).text, f"held\n{LARGE + 1} of {LARGE + 1}")
    run(t, LARGE, lambda n: kvpwire.pack_delete(EXTERNAL, f"large {n}"))


def stall(t: Test, users: int, tasks: int, copies: int) -> None:
    """Tasks stop in the middle of batches: old versions are kept for @copies of
    them and no more, others go on, and when the tasks are killed it is all over."""
    def size() -> int:
        return int(t.sh(f"cat {GUEST_BYTES}", 60))

    job = t.host.spawn(f"hv_kvp_stall {users} {tasks}")
    t.eventually(lambda: job.stdout.endswith(b"\nstalled\n"),
                 f"they are stalled: {job.stdout.decode()}", 200)
    values = int(job.stdout.split()[0])
    # keys, heads and nodes are less than a quarter of an item of this size
    bound = (1 + copies) * values * 5 // 4
    job.kill(SIGUSR1)
    wanted = ["root", "change"] + ["batch"] * (users == 1)
    t.eventually(lambda: job.stdout.decode().split()[2:] == wanted,
                 f"others go on: {job.stdout.decode()}", 100)
    t.kvp.set(GUEST, Item("stall0", "the host waits for nobody"))
    # what waits to be freed is gone after a while; what is kept is not
    t.eventually(lambda: size() <= bound,
                 f"old versions are given back: {size()} bytes, the bound is "
                 f"{bound}", 60)
    print(f"# {tasks} tasks of {users} users: {size()} bytes for {values} of "
          f"values; the bound is {bound}", flush=True)
    job.kill(SIGUSR1)
    t.true(job.wait(60).text.endswith("ended"), "they can be killed")
    t.eventually(lambda: size() <= values * 5 // 4,
                 "all old versions are given back", 30)
    t.works()


@scenario(DEVICE, guests=OURS)
def tasks_that_stall(t: Test) -> None:
    """64 of one user: one old version is kept for them."""
    stall(t, 1, 16 if t.kernel in CHECKERS else 64, 1)


@scenario(DEVICE, guests=OURS)
def users_who_stall(t: Test) -> None:
    """64 of eight users: two."""
    stall(t, 8, 16 if t.kernel in CHECKERS else 64, 2)


@scenario(DEVICE, guests=OURS, dirty=True)
def unload_while_open(t: Test) -> None:
    """Refused, and possible once the descriptor is closed."""
    watch = start(t, "watch", b"watching")
    t.true(t.host.run("rmmod hv_kvp", check=False).code, "rmmod is refused")
    t.works()
    watch.kill()
    watch.wait()
    t.sh("rmmod hv_kvp", 60)
    t.true(t.host.run("ls /dev/hv_kvp", check=False).code, "the node is gone")


@scenario(SMP, guests=OURS)
def busy_on_both_sides(t: Test) -> None:
    """Agents write, list, fuzz and fall behind while the host does its work:
    it gets its answers, and nothing of either side is lost."""
    watch = t.host.spawn("hv_kvp_tool watch >/dev/null")
    jobs = [t.host.spawn(f"hv_kvp_fuzz{kind} 4000 {int(time.time())}")
            for kind in ("", "32")]
    slowest = 0.0
    for n in range(100000):
        began = time.monotonic()
        t.kvp.set(EXTERNAL, Item(f"busy{n % 50}", str(n)))
        t.equal(t.kvp.get(EXTERNAL, f"busy{n % 50}").value, str(n))
        slowest = max(slowest, time.monotonic() - began)
        if n >= 100 and not any(job.running for job in jobs):
            break
    for job in jobs:
        check_ktap(job.wait(200))
    watch.kill()
    t.true(slowest < 10, f"the host waited {slowest:.1f} s")
    t.equal(len([item for item in t.kvp.enumerate(EXTERNAL)
                 if item.key.startswith("busy")]), 50)
