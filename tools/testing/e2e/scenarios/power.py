# SPDX-License-Identifier: GPL-2.0
"""Suspend and hibernation: pools are kept, versions are agreed again."""
import time

from guests import HV_KVP, Setup
from hvhost.kvpwire import FAMILY_V4, GUEST, IpInfo, Item
from scenario import Test, scenario

# pm_test needs CONFIG_PM_DEBUG, which Debian's cloud kernels lack; the CPUs
# of the emulated host cannot be switched off and on again, hence one.
PM = Setup(flavour="amd64", disk=1024)
DISK = Setup(disk=1024)
LEVELS = ("freezer", "devices", "platform", "processors", "core")


def prepare(t: Test) -> list[Item]:
    """Items to find again."""
    items = [Item(f"kept{n}", f"value {n}") for n in range(5)]
    for item in items:
        t.kvp.set(GUEST, item)
    return items


def check(t: Test, items: list[Item]) -> None:
    """All as before, and the service OK."""
    t.kvp.wait_pushed(60)
    t.equal(t.kvp.enumerate(GUEST), items)
    t.works()
    t.host.heartbeat.wait_ready()
    t.host.heartbeat.beat()


def pm_test(t: Test, level: str, how: str) -> None:
    """One of the kernel's test levels; each waits 5 s where it turns
    round."""
    t.sh(f"echo {level} >/sys/power/pm_test")
    t.sh("echo 1 >/sys/module/suspend/parameters/pm_test_delay "
         "2>/dev/null || true")
    t.sh(f"echo {how} >/sys/power/state", 90)
    t.sh("echo none >/sys/power/pm_test")


@scenario(PM)
def pm_test_freezer(t: Test) -> None:
    """Only the processes are frozen."""
    items = prepare(t)
    pm_test(t, "freezer", "freeze")
    check(t, items)


@scenario(PM)
def pm_test_suspend(t: Test) -> None:
    """Suspend to idle, down to devices and platform."""
    items = prepare(t)
    for level in ("devices", "platform"):
        pm_test(t, level, "freeze")
        check(t, items)


@scenario(PM)
def pm_test_hibernation(t: Test) -> None:
    """Hibernation turned round at each level: below "freezer" VMBus unloads
    and connects again."""
    t.sh("mkswap /dev/nvme0n1 >/dev/null && swapon /dev/nvme0n1")
    items = prepare(t)
    # 5 s each. The other guest and the other kernels see the ends of it.
    every = t.guest == HV_KVP and t.kernel == "6.1"
    for level in LEVELS if every else ("devices", "core"):
        unloads = t.host.machine.vmbus.unloads
        pm_test(t, level, "disk")
        check(t, items)
        if level in ("platform", "processors", "core"):
            t.equal(t.host.machine.vmbus.unloads, unloads + 1,
                    f"VMBus connections at {level}")
    t.sh("swapoff /dev/nvme0n1")


@scenario(PM, guests=(HV_KVP,))
def pm_test_during_set_ip_info(t: Test) -> None:
    """VMBus unloads while a request waits for an IP agent, as it does in the
    first two minutes: the request is over, and holds up nothing."""
    t.sh("mkswap /dev/nvme0n1 >/dev/null && swapon /dev/nvme0n1")
    items = prepare(t)
    t.kvp.negotiate()
    t.kvp.wait_ready(20)
    request = t.kvp.submit_set_ip_info(IpInfo("00:15:5D:01:02:03", FAMILY_V4, dhcp=True))
    time.sleep(1)
    t.true(not request.finished, "the request waits")
    pm_test(t, "core", "disk")
    check(t, items)
    t.sh("swapoff /dev/nvme0n1")


@scenario(DISK, dirty=True, smoke=True)
def hibernation(t: Test) -> None:
    """The whole way: the image is written, the machine switched off, and
    another one started that finds the image on its disk."""
    t.sh("mkswap /dev/nvme0n1 >/dev/null && swapon /dev/nvme0n1")
    items = prepare(t)
    t.sh("echo shutdown >/sys/power/disk; echo 1 >/tmp/before")
    t.host.spawn("echo disk >/sys/power/state")
    t.equal(t.host.machine.wait_shutdown(120), "guest-shutdown")
    with t.next_machine("resume") as host:
        host.boot()
        t.equal(host.sh("cat /tmp/before"), "1")
        after = t.on(host)
        check(after, items)
        if t.guest == HV_KVP:
            t.equal(after.sh(
                "cat /sys/class/misc/hv_kvp/operational_status"), "OK")
        t.equal(host.complaints(), [])
