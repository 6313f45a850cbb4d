# SPDX-License-Identifier: GPL-2.0
"""Allocations that fail: state stays as it was, the host gets an answer,
nothing leaks. For a kernel with failslab."""
import time

import leaks
from guests import HV_KVP, Setup
from hvhost.ic import StatusError
from hvhost.icwire import status_name
from hvhost.kvpwire import EXTERNAL, GUEST, Item
from scenario import Failed, Test, scenario
from scenarios.device import check_ktap
from scenarios.sysfs import SYS
from scenarios.takeover import owner

FAILSLAB = "/sys/kernel/debug/failslab"
NEEDED = Setup(selftests=True, memory=768)
UNLOADED = Setup(selftests=True, memory=768, start="none")
ON = ("debug",)
MODULE = "/modules/hv_kvp.ko"
# How long allocations of insmod fail in turn, and how many of them must have.
SECONDS, AT_LEAST = 100, 25
# Requests that the callback must have left to the work item.
DEFERRED = 20


def prepare(t: Test) -> None:
    """Failures are silent, and hit allocations that could wait too."""
    leaks.begin(t)
    t.sh(f"cd {FAILSLAB} && echo 0 >probability && echo 0 >verbose && "
         "echo N >ignore-gfp-wait && echo -1 >times && echo 1 >interval")


@scenario(NEEDED, guests=(HV_KVP,), proof=ON)
def calls_of_agents(t: Test) -> None:
    """Each allocation of each call of /dev/hv_kvp."""
    prepare(t)
    result = t.host.run("hv_kvp_failnth", timeout=200, check=False)
    check_ktap(result)
    for line in result.text.splitlines():
        if line.startswith("ok"):
            print(f"# {line}", flush=True)
    t.works()
    leaks.check(t)


def under_failures(t: Test, percent: int, only_atomic: bool,
                   seconds: int) -> dict[str, int]:
    """SETs, DELETEs and GETs of the host's while allocations fail. Returns how
    often there was which status; fails if the pool is not what it says."""
    wanted: dict[str, Item] = {}
    found: dict[str, int] = {}
    n = 0
    t.sh(f"echo {'Y' if only_atomic else 'N'} >{FAILSLAB}/ignore-gfp-wait")
    job = t.host.spawn(f"hv_kvp_failslab {percent} {seconds}")
    t.eventually(lambda: job.stdout == b"failing\n", "allocations fail", 60)
    while job.running:
        n += 1
        key = f"k{n % 37}"
        item = Item(key, f"{n} " + "v" * (n % 300))
        try:
            if n % 5 == 4 and key in wanted:
                t.kvp.delete(EXTERNAL, key)
                del wanted[key]
            else:
                t.kvp.set(EXTERNAL, item)
                wanted[key] = item
            status = "OK"
        except StatusError as error:
            status = status_name(error.status)
        found[status] = found.get(status, 0) + 1
        if key in wanted:
            t.equal(t.kvp.get(EXTERNAL, key), wanted[key], f"after {status}")
    t.equal(job.wait(10).code, 0, "exit code of hv_kvp_failslab")
    t.equal({i.key: i for i in t.kvp.enumerate(EXTERNAL)}, wanted)
    t.works()
    return found


def counter(t: Test, name: str) -> int:
    """A counter."""
    return int(t.sh(f"cat /sys/kernel/debug/hv_kvp/{name}"))


@scenario(NEEDED, guests=(HV_KVP,), proof=ON)
def requests_in_the_callback(t: Test) -> None:
    """Atomic allocations fail, all of them and some: the work item does it,
    and the host sees nothing of it."""
    prepare(t)
    for percent in (100, 30):
        before, sent, rounds = counter(t, "op_deferred"), 0, 0
        # a busy machine does little in one round
        while (deferred := counter(t, "op_deferred") - before) <= DEFERRED:
            rounds += 1
            t.true(rounds < 6, f"{deferred} of {sent} deferred")
            found = under_failures(t, percent, True, 4)
            t.equal(list(found), ["OK"], "statuses")
            sent += found["OK"]
        print(f"# {percent} %: {deferred} of {sent} deferred", flush=True)
    leaks.check(t)


@scenario(NEEDED, guests=(HV_KVP,), proof=ON)
def requests_everywhere(t: Test) -> None:
    """Those of the work item fail too: the status says so."""
    prepare(t)
    found = under_failures(t, 30, False, 8)
    if set(found) - {"OK", "E_FAIL"} or "E_FAIL" not in found:
        raise Failed(f"statuses: {found}")
    print(f"# statuses with 30 % failing: {found}", flush=True)
    leaks.check(t)


@scenario(NEEDED, guests=(HV_KVP,), proof=ON)
def files_in_sysfs(t: Test) -> None:
    """Those of items that could not be made come later, without any further
    change."""
    prepare(t)
    folder = f"{SYS}/guest"
    job = t.host.spawn("hv_kvp_failslab 15 5")
    t.eventually(lambda: job.stdout == b"failing\n", "allocations fail", 60)
    tries = count = 0
    while job.running:
        tries += 1
        try:
            t.kvp.set(GUEST, Item(f"file {tries}", "v"))
            count += 1
        except StatusError:
            pass
    job.wait(30)
    files = int(t.sh(f"ls {folder}/items | wc -l"))
    print(f"# {count} of {tries} items set while memory was short; "
          f"{files} files at the end of that", flush=True)
    t.true(count > 20, f"{count} items set while memory was short")
    # only what is tried again without being told can bring these
    t.eventually(lambda: t.sh(f"ls {folder}/items | wc -l") == str(count)
                 and t.sh(f"cat {folder}/items_left_out") == "0",
                 f"{count} files, none left out", 20)
    t.sh(f"hv_kvp_tree compare {GUEST} {folder}", 60)
    leaks.check(t)


@scenario(UNLOADED, guests=(HV_KVP,), proof=ON)
def inserting(t: Test) -> None:
    """Allocations of an insmod fail, from the last one on: the last are the
    module's own. Then it goes again, or never came."""
    prepare(t)
    total = 100000 - int(t.sh(f"hv_kvp_failnth {MODULE} 100000 ''").split()[0])
    t.kvp.wait_pushed(60)
    t.sh("rmmod hv_kvp", 60)
    refused = 0
    n, end = total + 1, time.monotonic() + SECONDS
    while n > 1 and time.monotonic() < end:
        n -= 1
        text = t.sh(f"hv_kvp_failnth {MODULE} {n} ''", 60)
        if text.endswith("inserted"):
            t.sh("rmmod hv_kvp", 60)
        else:
            refused += 1
            t.true("Cannot allocate memory" in text, f"allocation {n}: {text}")
    print(f"# allocations {n} to {total}: insmod refused {refused} times",
          flush=True)
    t.true(total - n >= AT_LEAST, f"allocations {n} to {total} only")
    count = t.kvp.negotiations
    t.sh(f"insmod {MODULE}", 60)
    t.kvp.wait_pushed(60, count + 1)
    t.works()
    t.sh("rmmod hv_kvp", 60)
    leaks.check(t)


@scenario(UNLOADED, guests=(HV_KVP,), proof=ON)
def inserting_beside_hv_utils(t: Test) -> None:
    """An insmod that fails late had the device already: hv_utils gets it back.
    Without the daemon, whose descriptor hv_utils would use after its end."""
    prepare(t)
    t.sh("for m in $(cat /etc/modules.order); do "
         "insmod /modules/$m.ko 2>/dev/null; done; lsmod | grep -q hv_utils")
    t.eventually(lambda: owner(t) == "hv_utils", "hv_utils has it", 30)
    total = 100000 - int(t.sh(f"hv_kvp_failnth {MODULE} 100000 ''").split()[0])
    t.eventually(lambda: owner(t) == "hv_kvp", "hv_kvp has it", 30)
    t.sh("rmmod hv_kvp", 60)
    refused = 0
    for n in range(total, 0, -1):
        text = t.sh(f"hv_kvp_failnth {MODULE} {n} ''", 60)
        if text.endswith("inserted"):
            t.sh("rmmod hv_kvp", 60)
        else:
            refused += 1
        t.equal(owner(t), "hv_utils", f"who has it after {text}")
        if refused == 2:
            break
    t.equal(refused, 2, "insmods refused")
