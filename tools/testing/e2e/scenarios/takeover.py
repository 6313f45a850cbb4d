# SPDX-License-Identifier: GPL-2.0
"""hv_kvp takes the KVP device from hv_utils on a live system, and gives it
back; hv_utils' other services never notice."""
import threading
import time

from guests import HV_KVP, RMMOD, Setup
from hvhost import kvp
from hvhost.kvpwire import EXTERNAL, GUEST, Item
from scenario import Failed, Test, scenario

OURS = (HV_KVP,)
# Others that take over from it share the boot.
HV_UTILS = Setup(start="hv_utils", selftests=True)
KVP_ID = "242ff919-07db-4180-9c2e-b86cb68c8c55"
SECOND_ID = "242ff919-07db-4180-9c2e-b86cb68c8c56"
OTHERS = ("heartbeat", "shutdown", "timesync")


class Beating:
    """Heartbeats and time samples, all the while."""

    def __init__(self, t: Test):
        self.t, self.count, self.error = t, 0, None
        self._end = threading.Event()
        self._thread = threading.Thread(target=self._run, daemon=True)

    def _run(self) -> None:
        try:
            while not self._end.is_set():
                self.t.host.heartbeat.beat()
                self.t.host.timesync.send_time()
                self.count += 1
                time.sleep(0.05)
        except Exception as error:
            self.error = error

    def __enter__(self) -> "Beating":
        for name in OTHERS:
            self.t.host.services[name].wait_ready()
        self.opens = {n: self.t.host.services[n].device.opens for n in OTHERS}
        self._thread.start()
        return self

    def __exit__(self, kind, *_rest) -> None:
        self._end.set()
        self._thread.join(20)
        if kind:
            return
        if self.error:
            raise self.error
        if self.count < 3:
            raise Failed(f"only {self.count} heartbeats")
        for name in OTHERS:
            device = self.t.host.services[name].device
            if (device.opens, device.state) != (self.opens[name], "open"):
                raise Failed(f"{name} was closed in between")


def owner(t: Test, device: str = KVP_ID) -> str:
    """The driver that has the KVP device."""
    return t.sh(f"basename $(readlink /sys/bus/vmbus/devices/{device}/driver)"
                " 2>/dev/null || echo none")


def insert(t: Test) -> float:
    """insmod; returns after how many seconds 5.0 was agreed."""
    count, start = t.kvp.negotiations, time.monotonic()
    t.sh("insmod /modules/hv_kvp.ko", 60)
    t.kvp.wait_pushed(60, count + 1)
    t.eventually(lambda: t.kvp.msg == (5, 0), "5.0 negotiated", 30)
    t.kvp.wait_pushed(60)
    t.equal(owner(t), "hv_kvp")
    return time.monotonic() - start


def remove(t: Test) -> None:
    """rmmod; hv_utils and its daemon serve KVP again."""
    count = t.kvp.negotiations
    t.sh(RMMOD, 60)
    t.kvp.wait_pushed(60, count + 1)
    t.equal(t.kvp.msg, (4, 0))
    t.equal(owner(t), "hv_utils")


def take_and_give_back(t: Test, rounds: int) -> None:
    """The whole way, several times."""
    t.equal((owner(t), t.kvp.msg), ("hv_utils", (4, 0)))
    with Beating(t):
        for n in range(rounds):
            insert(t)
            t.works()
            t.kvp.set(GUEST, Item("round", str(n)))
            t.equal(t.kvp.get(GUEST, "round"), Item("round", str(n)))
            remove(t)
            t.works()


@scenario(HV_UTILS, guests=OURS, smoke=True)
def on_a_host_that_keeps_a_closed_device(t: Test) -> None:
    """As OpenVMM does. Giving back takes 5 s: the new offer that does not
    come is waited for."""
    take_and_give_back(t, 2 if t.kernel == "6.1" else 1)


@scenario(HV_UTILS, guests=OURS, smoke=True)
def on_a_host_that_offers_it_anew(t: Test) -> None:
    """As Hyper-V does."""
    t.reoffers()
    take_and_give_back(t, 3)


@scenario(HV_UTILS, guests=OURS)
def on_a_slow_host(t: Test) -> None:
    """Rescind and offer come late."""
    for rescind, reoffer in ((0.1, 0.0), (0.0, 0.5), (0.15, 0.3)):
        t.reoffers(rescind_delay=rescind, reoffer_delay=reoffer)
        take_and_give_back(t, 1)


@scenario(Setup(start="hv_utils", cpus=2), guests=OURS)
def on_two_cpus(t: Test) -> None:
    """With more than one CPU in the guest."""
    t.reoffers()
    take_and_give_back(t, 3)


@scenario(Setup(start="none"), guests=OURS, dirty=True)
def hv_kvp_first(t: Test) -> None:
    """hv_kvp is there when hv_utils comes: it keeps the device, and hv_utils
    gets it when hv_kvp goes."""
    t.sh("insmod /modules/hv_kvp.ko")
    t.kvp.wait_pushed()
    t.sh("for m in $(cat /etc/modules.order); do "
         "insmod /modules/$m.ko 2>/dev/null; done; lsmod | grep -q hv_utils")
    for name in OTHERS:
        t.host.services[name].wait_ready()
    t.equal(owner(t), "hv_kvp")
    t.kvp.set(EXTERNAL, Item("a", "b"))
    t.equal(t.kvp.get(EXTERNAL, "a"), Item("a", "b"))
    with Beating(t):
        t.sh("rmmod hv_kvp", 60)
        t.eventually(lambda: owner(t) == "hv_utils", "hv_utils has it")
        t.sh("insmod /modules/hv_kvp.ko", 60)
        t.eventually(lambda: owner(t) == "hv_kvp", "hv_kvp has it")
        t.kvp.wait_pushed()
        t.works()


@scenario(HV_UTILS, guests=OURS)
def rescinds_after_the_takeover(t: Test) -> None:
    """Every new device is hv_kvp's, not hv_utils'."""
    insert(t)
    for _ in range(5):
        count = t.kvp.negotiations
        t.device.rescind().result()
        t.device.wait_state("none")
        t.device.reoffer().result()
        t.kvp.wait_pushed(60, count + 1)
        t.equal((owner(t), t.kvp.msg), ("hv_kvp", (5, 0)))
    remove(t)


@scenario(Setup(start="none"), guests=OURS, smoke=True)
def insert_and_remove(t: Test) -> None:
    """Without hv_utils, ten times; the host sees it come and go."""
    for _ in range(10):
        count = t.kvp.negotiations
        t.sh("insmod /modules/hv_kvp.ko")
        t.kvp.wait_pushed(30, count + 1)
        t.works()
        t.sh("rmmod hv_kvp", 60)
        t.device.wait_state("offered")


@scenario(Setup(start="none"), guests=OURS, smoke=True)
def offered_before_the_old_one_is_withdrawn(t: Test) -> None:
    """As a device of another name, and hv_utils is not there: it is served
    once the old one is gone. One that was unbound by hand stays so."""
    vmbus, count = t.host.machine.vmbus, t.kvp.negotiations
    t.sh("insmod /modules/hv_kvp.ko")
    t.kvp.wait_pushed(30, count + 1)
    second = kvp.Kvp(t.host.machine,
                     vmbus.add("second", kvp.CLASS_ID, SECOND_ID))
    t.eventually(lambda: t.sh(f"ls /sys/bus/vmbus/devices/{SECOND_ID}"),
                 "the second device is known")
    t.works()
    t.equal(owner(t, SECOND_ID), "none")
    t.device.rescind().result()
    second.wait_pushed(30, 1)
    t.equal(owner(t, SECOND_ID), "hv_kvp")
    second.set(EXTERNAL, Item("a", "b"))
    t.equal(second.get(EXTERNAL, "a"), Item("a", "b"))
    t.sh(f"echo {SECOND_ID} >/sys/bus/vmbus/drivers/hv_kvp/unbind")
    time.sleep(0.5)
    t.equal(owner(t, SECOND_ID), "none")
    second.device.remove().result()
    count = t.kvp.negotiations
    t.device.reoffer().result()
    t.kvp.wait_pushed(30, count + 1)
    t.sh("rmmod hv_kvp", 60)
    t.device.wait_state("offered")
