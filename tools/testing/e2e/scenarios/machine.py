# SPDX-License-Identifier: GPL-2.0
"""Guests of other sizes, and their end."""
from guests import Setup
from hvhost import shutdown
from hvhost.kvpwire import EXTERNAL, GUEST, Item
from scenario import Test, scenario


def busy(t: Test) -> None:
    """The conversation while every CPU of the guest has other work."""
    t.equal(t.sh("nproc"), str(t.setup.cpus))
    jobs = [t.host.spawn("while :; do :; done")
            for _ in range(t.setup.cpus)]
    items = [Item(f"k{n}", f"value {n}") for n in range(30)]
    for item in items:
        t.kvp.set(GUEST, item)
    t.equal(t.kvp.enumerate(GUEST), items)
    for job in jobs:
        job.kill()
    for name in ("heartbeat", "timesync", "shutdown"):
        t.host.services[name].wait_ready()
    t.host.heartbeat.beat()
    t.works()


@scenario(Setup(cpus=2), smoke=True)
def two_cpus(t: Test) -> None:
    """With two CPUs."""
    busy(t)


LARGE = Setup(cpus=4, memory=5120)


@scenario(LARGE)
def four_cpus(t: Test) -> None:
    """With four CPUs."""
    busy(t)


@scenario(LARGE)
def more_than_4_gib(t: Test) -> None:
    """With memory above 4 GiB."""
    kib = int(t.sh("awk '/MemTotal/{print $2}' /proc/meminfo"))
    t.true(kib > 4_500_000, f"MemTotal is {kib} KiB")
    item = Item("k", "v" * 1000)
    t.kvp.set(EXTERNAL, item)
    t.equal(t.kvp.enumerate(EXTERNAL), [item])


@scenario(smoke=True)
def other_services(t: Test) -> None:
    """Heartbeat and time go on beside KVP."""
    t.host.heartbeat.wait_ready()
    t.host.timesync.wait_ready()
    for _ in range(5):
        t.host.heartbeat.beat()
        t.works()
        t.host.timesync.send_time()


@scenario(dirty=True, smoke=True)
def host_shuts_the_guest_down(t: Test) -> None:
    """The shutdown service: the guest powers itself off."""
    t.host.shutdown.wait_ready()
    t.host.shutdown.request(shutdown.FORCE)
    t.equal(t.host.machine.wait_shutdown(60), "guest-shutdown")


@scenario(dirty=True)
def guest_reboots(t: Test) -> None:
    """The guest restarts by itself, with the channel in use."""
    t.kvp.set(GUEST, Item("k", "v"))
    t.host.spawn("reboot -f")
    t.equal(t.host.machine.wait_shutdown(60), "guest-reset")
