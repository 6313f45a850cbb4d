# SPDX-License-Identifier: GPL-2.0
"""/dev/vmbus/hv_kvp: Debian's unmodified hv_kvp_daemon, and a program that reads
as libhvee does. The selftests of the device run with those of the other one, in
device.py."""
import contextlib
import time
from collections.abc import Iterator

from guests import HV_KVP, RMMOD, START_DAEMON, STOP_DAEMON, Setup
from hvhost.agent import AgentError, Job
from hvhost.kvpwire import (AUTO_EXTERNAL, DWORD, EXTERNAL, GUEST, QWORD,
                            Item)
from scenario import Failed, Test, scenario
from scenarios.takeover import BUS, HV_UTILS, KVP_ID, owner

OURS = (HV_KVP,)
CLIENTS = Setup(selftests=True, daemon=True)
HOST_POOLS = (EXTERNAL, GUEST, AUTO_EXTERNAL)
NODE = "/dev/vmbus/hv_kvp"
RECORD, KEY = 2560, 512		# bytes of a record in the daemon's files
IN_THE_WAY = "has hv_utils' /dev/vmbus/hv_kvp open"
# Of the service of backups, another one with a daemon.
VSS_CLASS = "35fa2e29-ea23-4236-96ae-3a6ebacba440"
VSS_ID = "2450ee40-33bf-4fbd-892e-9fb06e9214cf"
VSS_NODE = "/dev/vmbus/hv_vss"
LEFT_OUT = "/sys/kernel/debug/hv_kvp/legacy_left_out"


@contextlib.contextmanager
def daemon(t: Test) -> Iterator[Job]:
    """hv_kvp_daemon, started again when it ends, as systemd does."""
    t.sh("rm -f /run/no-daemon /var/lib/hyperv/.kvp_pool_*")
    job = t.host.spawn("hvhost-daemon")
    try:
        t.eventually(lambda: pid(t), "the daemon runs")
        yield job
    finally:
        job.kill()
        t.sh(f"{STOP_DAEMON}; rm /run/no-daemon")


def pid(t: Test) -> str:
    """Of the daemon, or nothing."""
    return t.host.run("pidof hv_kvp_daemon", check=False).text


def file_items(t: Test, pool: int) -> dict[str, str]:
    """What the daemon's file of a pool holds, by whole records: the daemon may
    be writing it, or be about to make it."""
    try:
        data = t.host.agent.get(f"/var/lib/hyperv/.kvp_pool_{pool}")
    except AgentError:
        return {}
    data = data[:len(data) - len(data) % RECORD]
    found = {}
    for at in range(0, len(data), RECORD):
        key, value = (part.split(b"\0")[0].decode() for part in (
            data[at:at + KEY], data[at + KEY:at + RECORD]))
        if key in found:
            raise Failed(f"pool {pool} has {key!r} twice in its file")
        found[key] = value
    return found


def pool_items(t: Test, pool: int) -> dict[str, str]:
    """What a pool holds."""
    return {item.key: item.text for item in t.kvp.enumerate(pool)}


def files_follow(t: Test, what: str) -> None:
    """The files must soon be what the pools are."""
    pools = {pool: pool_items(t, pool) for pool in HOST_POOLS}

    def wrong() -> list[str]:
        return [f"pool {pool}, {key!r}: {found.get(key)!r} in the file, "
                f"{wanted.get(key)!r} in the pool"
                for pool, wanted in pools.items()
                for found in [file_items(t, pool)]
                for key in sorted(found.keys() | wanted.keys())
                if found.get(key) != wanted.get(key)]
    try:
        t.eventually(lambda: not wrong(), what, 20)
    except Failed as error:
        raise Failed("\n".join([str(error), *wrong()[:10]])) from None


def slowest(t: Test, rounds: int) -> float:
    """Transactions of every kind; seconds that the slowest took."""
    worst = 0.0
    for n in range(rounds):
        for call in (lambda n=n: t.kvp.set(EXTERNAL, Item(f"k{n}", "v" * n)),
                     lambda n=n: t.kvp.get(EXTERNAL, f"k{n}"),
                     lambda: t.kvp.enumerate_one(EXTERNAL, 0),
                     lambda n=n: t.kvp.set(GUEST, Item("g", str(n))),
                     lambda n=n: n % 2 and t.kvp.delete(EXTERNAL, f"k{n}")):
            began = time.monotonic()
            call()
            worst = max(worst, time.monotonic() - began)
    return worst


def expect_quick(t: Test, seconds: float, what: str) -> None:
    """The host must not have waited for anybody: hv_utils' limit for its
    daemon is 30 s, and a loaded machine is not that slow."""
    t.true(seconds < 5, f"{what}: the host waited {seconds:.1f} s")


@scenario(CLIENTS, guests=OURS, smoke=True)
def the_daemon_keeps_its_files(t: Test) -> None:
    """Items that are there when it starts, and each kind of change."""
    t.kvp.set(AUTO_EXTERNAL, Item("HostName", "host.example"))
    t.kvp.set(EXTERNAL, Item("there before", "1"))
    t.kvp.set(EXTERNAL, Item("goes", "2"))
    with daemon(t):
        files_follow(t, "the items that were there")
        t.equal(len(file_items(t, EXTERNAL)), 2)
        t.kvp.set(EXTERNAL, Item("new \u20ac", "text \U0001f600"))
        t.kvp.set(EXTERNAL, Item("there before", ""))
        t.kvp.set(EXTERNAL, Item("dword", 0xffffffff, DWORD))
        t.kvp.set(EXTERNAL, Item("qword", 1 << 63, QWORD))
        t.kvp.set(GUEST, Item("of the host", "in GUEST"))
        t.kvp.delete(EXTERNAL, "goes")
        files_follow(t, "SET and DELETE")
        t.equal(file_items(t, EXTERNAL)["qword"], str(1 << 63))
        for n in range(60):
            t.kvp.set(EXTERNAL, Item(f"many{n}", "x" * n))
        for n in range(0, 60, 2):
            t.kvp.delete(EXTERNAL, f"many{n}")
        files_follow(t, "many of them")
        count = t.kvp.negotiations
        t.kvp.negotiate([(5, 0)], [(3, 0)])
        t.kvp.wait_pushed(60, count + 1)
        t.kvp.set(EXTERNAL, Item("on a new connection", "3"))
        files_follow(t, "a new connection")


@scenario(CLIENTS, guests=OURS, smoke=True)
def the_host_never_waits(t: Test) -> None:
    """The daemon is stopped, goes on, is killed, and comes back; its files
    are right whenever it is there."""
    with daemon(t):
        files_follow(t, "at the start")
        t.sh("killall -STOP hv_kvp_daemon")
        expect_quick(t, slowest(t, 30), "stopped")
        t.true(not file_items(t, EXTERNAL), "a stopped daemon writes nothing")
        t.sh("killall -CONT hv_kvp_daemon")
        files_follow(t, "going on")
        t.sh("touch /run/no-daemon; killall -9 hv_kvp_daemon")
        expect_quick(t, slowest(t, 40), "killed")
        t.true(not pid(t), "no daemon runs")
        t.sh("rm /run/no-daemon")
        t.eventually(lambda: file_items(t, EXTERNAL).get("k38") == "v" * 38,
                     "started again")
    expect_quick(t, slowest(t, 5), "gone")


@scenario(CLIENTS, guests=OURS)
def what_libhvee_reads(t: Test) -> None:
    """All of the host's items at once, without those that are too long; then
    nothing for a second."""
    t.kvp.set(AUTO_EXTERNAL, Item("VirtualMachineName", "web-7"))
    parts = {f"ignition.config.{n}": "\u20ac" * 300 for n in range(50)}
    for key, value in parts.items():
        t.kvp.set(EXTERNAL, Item(key, value))
    before = int(t.sh(f"cat {LEFT_OUT}"))
    t.kvp.set(EXTERNAL, Item("long value", "\u20ac" * 1023))
    t.kvp.set(EXTERNAL, Item("\u20ac" * 255, "long key"))
    t.kvp.set(EXTERNAL, Item("d", 7, DWORD))
    lines = t.sh("hv_kvp_reader").splitlines()
    t.equal(lines, [f"set 0 {key} {value}" for key, value in parts.items()]
            + ["set 0 d 7", "set 3 VirtualMachineName web-7"])
    t.equal(int(t.sh(f"cat {LEFT_OUT}")), before + 2)


@scenario(CLIENTS, guests=OURS)
def many_items(t: Test) -> None:
    """A thousand, in the order in which they were set."""
    for n in range(1000):
        t.kvp.set(EXTERNAL, Item(f"k{n}", str(n)))
    lines = t.sh("hv_kvp_reader", 60).splitlines()
    t.equal(lines, [f"set 0 k{n} {n}" for n in range(1000)])


def withdraw(t: Test) -> None:
    """The host takes the device away; the node goes with it."""
    t.device.rescind().result()
    t.device.wait_state("none")
    t.eventually(lambda: t.host.run(f"[ ! -e {NODE} ]", check=False).code == 0,
                 "the node is gone")


def offer(t: Test) -> None:
    """The host offers it anew; the node comes back."""
    count = t.kvp.negotiations
    t.device.reoffer().result()
    t.kvp.wait_pushed(60, count + 1)
    t.eventually(lambda: t.host.run(f"[ -e {NODE} ]", check=False).code == 0,
                 "the node is back")


@scenario(CLIENTS, guests=OURS)
def rescind_under_a_reader(t: Test) -> None:
    """EPOLLHUP and EBADF; the next device is there for the next one, even
    while an old descriptor is still held."""
    reader = t.host.spawn("hv_kvp_reader hold")
    t.eventually(lambda: b"idle" in reader.stdout, "the reader waits")
    t.kvp.set(EXTERNAL, Item("k", "1"))
    t.eventually(lambda: b"set 0 k 1" in reader.stdout, "told of the item")
    withdraw(t)
    t.equal(reader.wait().text.splitlines()[-2:],
            ["hang-up", "read: Bad file descriptor"])
    offer(t)
    stuck = t.host.spawn("hv_kvp_reader stuck")
    t.eventually(lambda: b"stuck" in stuck.stdout, "one that reads nothing")
    t.equal(t.host.run("hv_kvp_reader", check=False).text,
            "open: Device or resource busy")
    withdraw(t)
    offer(t)
    t.equal(t.sh("hv_kvp_reader"), "set 0 k 1")
    t.true(stuck.running, "the old descriptor is still held")
    stuck.kill()
    t.works()


@scenario(CLIENTS, guests=OURS)
def rescinds_under_the_daemon(t: Test) -> None:
    """It is served by each new device, whatever it was doing."""
    with daemon(t):
        for n in range(5):
            t.kvp.set(EXTERNAL, Item("round", str(n)))
            if n == 3:
                t.sh("killall -STOP hv_kvp_daemon")
            withdraw(t)
            offer(t)
            if n == 3:
                t.sh("killall -CONT hv_kvp_daemon")
            t.kvp.set(EXTERNAL, Item(f"after {n}", "x"))
            files_follow(t, f"round {n}")


@scenario(CLIENTS, guests=OURS, dirty=True)
def unload_under_the_daemon(t: Test) -> None:
    """Refused while it runs, and possible once it is stopped."""
    # without an item the files would be right before the daemon is there
    t.kvp.set(EXTERNAL, Item("to be told", "x"))
    with daemon(t):
        files_follow(t, "at the start")
        t.true(t.host.run("rmmod hv_kvp", check=False).code,
               "rmmod is refused")
        t.works()
        files_follow(t, "after that")
    t.sh(RMMOD, 60)
    t.true(t.host.run("ls /sys/module/hv_kvp", check=False).code,
           "the module is gone")


def take_from_the_daemon(t: Test, rounds: int) -> None:
    """hv_kvp comes while the daemon is connected to hv_utils: it waits until
    the daemon ends, of itself or killed while it is stopped; until then all is
    as it was, and hv_kvp can go again. Then the daemon serves hv_kvp."""
    for n in range(rounds):
        t.eventually(lambda: pid(t), "the daemon runs", 20)
        t.kvp.wait_pushed(60)
        t.works()
        stopped = n % 3 == 1
        if stopped:
            t.sh("killall -STOP hv_kvp_daemon")
        for _ in range(1 + n % 2):
            said = t.host.machine.console_text().count(IN_THE_WAY)
            t.sh("lsmod | grep -q ^hv_kvp && rmmod hv_kvp; "
                 "insmod /modules/hv_kvp.ko", 120)
            t.eventually(lambda s=said: t.host.machine.console_text().count(
                IN_THE_WAY) > s, "hv_kvp says who is in the way", 20)
            t.equal(owner(t), "hv_utils")
        # reading it takes the lock of the device
        t.sh(f"cat {BUS}/devices/{KVP_ID}/driver_override")
        if not stopped:
            t.works()
        t.equal(t.kvp.msg, (4, 0))
        t.sh("touch /run/no-daemon; sleep 0.3; killall -9 hv_kvp_daemon"
             if stopped else STOP_DAEMON)
        t.eventually(lambda: t.kvp.msg == (5, 0), "5.0 negotiated", 30)
        t.kvp.wait_pushed(60)
        t.equal(owner(t), "hv_kvp")
        t.sh(START_DAEMON)
        t.kvp.set(EXTERNAL, Item(f"hv_kvp {n}", str(n)))
        t.eventually(lambda n=n: file_items(t, EXTERNAL).get(
            f"hv_kvp {n}") == str(n), "the daemon is told by hv_kvp", 20)
        count = t.kvp.negotiations
        t.sh(RMMOD, 60)
        t.kvp.wait_pushed(60, count + 1)
        t.equal(t.kvp.msg, (4, 0))
        t.kvp.set(EXTERNAL, Item(f"hv_utils {n}", str(n)))
        t.equal(file_items(t, EXTERNAL).get(f"hv_utils {n}"), str(n))


@scenario(HV_UTILS, guests=OURS)
def takeover_under_the_daemon(t: Test) -> None:
    """Each way in which the daemon ends, once."""
    take_from_the_daemon(t, 3)


@scenario(HV_UTILS, guests=OURS, proof=("debug",), limit=900)
def takeover_under_the_daemon_many_times(t: Test) -> None:
    """Fifty times, with KASAN, which is where hv_utils is seen to use freed
    memory when it loses the device under its daemon."""
    take_from_the_daemon(t, 50)


@scenario(HV_UTILS, guests=OURS)
def takeover_beside_another_daemon(t: Test) -> None:
    """hv_utils' other nodes do not matter, though they keep its module as the
    one of KVP does."""
    vss = t.host.machine.vmbus.add("vss", VSS_CLASS, VSS_ID)
    t.eventually(lambda: t.host.run(f"[ -e {VSS_NODE} ]",
                                    check=False).code == 0, "the node of VSS")
    other = t.host.spawn(f"exec sleep 1000 <>{VSS_NODE}")
    t.eventually(lambda: pid(t), "the daemon runs", 20)
    t.sh("insmod /modules/hv_kvp.ko", 60)
    time.sleep(2.5)
    t.equal(owner(t), "hv_utils", "while hv_kvp_daemon is connected")
    t.sh(STOP_DAEMON)
    t.eventually(lambda: t.kvp.msg == (5, 0), "5.0 negotiated", 30)
    t.kvp.wait_pushed(60)
    t.equal(owner(t), "hv_kvp")
    t.true(other.running, "the other daemon is still there")
    other.kill()
    t.sh(RMMOD, 60)
    # not under an open node, see above
    t.eventually(lambda: t.host.run(
        "grep -q '^hv_utils [0-9]* 1 ' /proc/modules", check=False).code == 0,
        "hv_kvp_daemon alone has a node open", 20)
    vss.remove().result()
    t.kvp.wait_pushed(60)
