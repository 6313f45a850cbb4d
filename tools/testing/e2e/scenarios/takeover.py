# SPDX-License-Identifier: GPL-2.0
"""hv_kvp takes the KVP device from hv_utils on a live system, and gives it
back; hv_utils' other services never notice."""
import contextlib
import threading
import time
from collections.abc import Iterator

from guests import HV_KVP, RMMOD, START_DAEMON, STOP_DAEMON, Setup
from hvhost import kvp
from hvhost.kvpwire import EXTERNAL, GUEST, Item
from scenario import Failed, Test, scenario

OURS = (HV_KVP,)
ON = ("debug",)
# Others that take over from it share the boot.
HV_UTILS = Setup(start="hv_utils", selftests=True)
KVP_ID = "242ff919-07db-4180-9c2e-b86cb68c8c55"
SECOND_ID = "242ff919-07db-4180-9c2e-b86cb68c8c56"
THIRD_ID = "242ff919-07db-4180-9c2e-b86cb68c8c57"
BUS = "/sys/bus/vmbus"
PARAMETER = "/sys/module/hv_kvp/parameters/takeover"
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
    return t.sh(f"basename $(readlink {BUS}/devices/{device}/driver)"
                " 2>/dev/null || echo none")


def write(t: Test, file: str, text: str) -> int:
    """Writes to a file of VMBus's, by hand; returns the shell's exit code."""
    return t.host.run(f"echo {text} >{BUS}/{file}", 60, check=False).code


def bind(t: Test, driver: str, device: str = KVP_ID) -> None:
    """By hand; the driver must take it."""
    t.equal(write(t, f"drivers/{driver}/bind", device), 0, f"bind {driver}")
    t.equal(owner(t, device), driver)


def unbind(t: Test, driver: str, device: str = KVP_ID) -> None:
    """By hand."""
    t.equal(write(t, f"drivers/{driver}/unbind", device), 0,
            f"unbind {driver}")


def override(t: Test, driver: str, device: str = KVP_ID) -> None:
    """driver_override, or none."""
    t.equal(write(t, f"devices/{device}/driver_override", driver), 0,
            f"driver_override {driver}")


def stays(t: Test, driver: str, what: str) -> None:
    """The device has this driver, and still has it a while later."""
    t.eventually(lambda: owner(t) == driver, f"{what}: {driver} has it")
    time.sleep(1)
    t.equal(owner(t), driver, what)


def renew(t: Test) -> None:
    """The host withdraws the device and offers a new one."""
    t.device.rescind().result()
    t.device.wait_state("none")
    t.device.reoffer().result()


def insert(t: Test) -> float:
    """The daemon is stopped, as it must be, and hv_kvp inserted; returns after
    how many seconds 5.0 was agreed."""
    t.sh(STOP_DAEMON)
    count, start = t.kvp.negotiations, time.monotonic()
    t.sh("insmod /modules/hv_kvp.ko", 60)
    t.kvp.wait_pushed(60, count + 1)
    t.eventually(lambda: t.kvp.msg == (5, 0), "5.0 negotiated", 30)
    t.kvp.wait_pushed(60)
    t.equal(owner(t), "hv_kvp")
    took = time.monotonic() - start
    t.sh(START_DAEMON)
    return took


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


@contextlib.contextmanager
def overridden(t: Test) -> Iterator[None]:
    """driver_override gives the device to hv_kvp, to nobody, and so on."""
    file = f"{BUS}/devices/{KVP_ID}/driver_override"
    t.sh("rm -f /run/enough")
    job = t.host.spawn(f"while [ ! -e /run/enough ]; do {{ echo hv_kvp >{file};"
                       f" echo >{file}; }} 2>/dev/null; done")
    yield
    t.sh("touch /run/enough")
    job.wait(60)
    override(t, "")


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


@scenario(HV_UTILS, guests=OURS, smoke=True)
def off_while_hv_utils_is_there(t: Test) -> None:
    """takeover=off: what hv_utils has stays there, and new devices are its
    own too. By hand each driver can have it, on a host that leaves a closed
    device. Changed at run time, it counts for the next device."""
    t.sh(STOP_DAEMON)
    t.sh("insmod /modules/hv_kvp.ko takeover=off", 60)
    stays(t, "hv_utils", "loaded with takeover=off")
    renew(t)
    stays(t, "hv_utils", "a new device")
    unbind(t, "hv_utils")
    stays(t, "none", "unbound from hv_utils")
    count = t.kvp.negotiations
    bind(t, "hv_kvp")
    t.kvp.wait_pushed(30, count + 1)
    t.equal(t.kvp.msg, (5, 0))
    unbind(t, "hv_kvp")
    stays(t, "none", "unbound from hv_kvp")
    override(t, "hv_kvp")
    t.true(write(t, "drivers/hv_utils/bind", KVP_ID), "the override counts")
    bind(t, "hv_kvp")
    override(t, "")
    unbind(t, "hv_kvp")
    bind(t, "hv_utils")
    stays(t, "hv_utils", "bound to hv_utils")
    t.sh(f"echo on >{PARAMETER}")
    stays(t, "hv_utils", "takeover=on alone")
    renew(t)
    stays(t, "hv_kvp", "a new device, takeover=on")
    t.sh(RMMOD, 60)
    t.eventually(lambda: owner(t) == "hv_utils", "hv_utils has it again")
    t.kvp.wait_pushed(60)


@scenario(HV_UTILS, guests=OURS)
def off_on_a_host_that_offers_it_anew(t: Test) -> None:
    """There the parameter decides alone: what either driver gives up comes as
    a new device."""
    t.sh(STOP_DAEMON)
    t.sh("insmod /modules/hv_kvp.ko", 60)
    stays(t, "hv_kvp", "taken over")
    t.reoffers()
    for value, other, driver in (("off", "hv_kvp", "hv_utils"),
                                 ("off", "hv_utils", "hv_utils"),
                                 ("on", "hv_utils", "hv_kvp"),
                                 ("on", "hv_kvp", "hv_kvp")):
        t.sh(f"echo {value} >{PARAMETER}")
        opens = t.device.opens
        unbind(t, other)
        t.device.wait_opens(opens + 1)
        stays(t, driver, f"takeover={value}, unbound from {other}")
    t.sh(RMMOD, 60)
    t.kvp.wait_pushed(60)


@scenario(Setup(start="none"), guests=OURS)
def off_without_hv_utils(t: Test) -> None:
    """Nobody has the device until somebody binds it: what happens at boot must
    not depend on which module is loaded first."""
    t.sh("insmod /modules/hv_kvp.ko takeover=off")
    for _ in range(2):
        stays(t, "none", "takeover=off")
        count = t.kvp.negotiations
        bind(t, "hv_kvp")
        t.kvp.wait_pushed(30, count + 1)
        t.works()
        renew(t)
        t.device.wait_state("offered")
    t.sh("rmmod hv_kvp", 60)
    t.device.wait_state("offered")


@scenario(HV_UTILS, guests=OURS, smoke=True)
def bound_by_hand(t: Test) -> None:
    """An administrator gives the device to hv_utils while hv_kvp is there, and
    back: it stays where it was bound."""
    insert(t)
    t.sh(STOP_DAEMON)
    unbind(t, "hv_kvp")
    stays(t, "none", "unbound from hv_kvp")
    bind(t, "hv_utils")
    stays(t, "hv_utils", "bound to hv_utils")
    unbind(t, "hv_utils")
    stays(t, "none", "unbound from hv_utils")
    count = t.kvp.negotiations
    bind(t, "hv_kvp")
    t.kvp.wait_pushed(30, count + 1)
    t.sh(START_DAEMON)
    remove(t)


@scenario(guests=OURS, smoke=True)
def devices_that_are_not_kvp(t: Test) -> None:
    """driver_override and new_id bring them to the driver, which refuses them;
    KVP goes on, or comes back, all the same."""
    beat = t.host.services["heartbeat"]
    beat.wait_ready()
    device, opens = str(beat.device.instance_id), beat.device.opens
    count = t.kvp.negotiations
    unbind(t, "hv_kvp")
    unbind(t, "hv_utils", device)
    override(t, "hv_kvp", device)
    t.true(write(t, "drivers/hv_kvp/bind", device), "bound by driver_override")
    override(t, "", device)
    write(t, "drivers/hv_kvp/new_id", str(beat.device.class_id))
    t.true(write(t, "drivers/hv_kvp/bind", device), "bound by new_id")
    t.equal(owner(t, device), "none")
    t.equal(beat.device.opens, opens, "opens of another device")
    write(t, "drivers/hv_kvp/remove_id", str(beat.device.class_id))
    bind(t, "hv_utils", device)
    beat.wait_ready()
    # new_id has the driver core try all devices without a driver
    t.equal(owner(t), "hv_kvp")
    t.kvp.wait_pushed(30, count + 1)
    t.works()


@scenario(Setup(start="none"), guests=OURS)
def another_device_at_the_same_address(t: Test) -> None:
    """One that was left alone and is gone says nothing about the next one,
    which nobody has offered to the driver."""
    vmbus = t.host.machine.vmbus
    t.sh("insmod /modules/hv_kvp.ko")
    t.kvp.wait_pushed(30)
    for n in range(4):
        second = vmbus.add("second", kvp.CLASS_ID, SECOND_ID)
        t.eventually(lambda: SECOND_ID in t.sh(f"ls {BUS}/devices"), "second")
        second.remove().result()
        t.eventually(lambda: SECOND_ID not in t.sh(f"ls {BUS}/devices"),
                     "it is gone")
        t.sh(f"echo 0 >{BUS}/drivers_autoprobe")
        third = vmbus.add("third", kvp.CLASS_ID, THIRD_ID)
        t.eventually(lambda: THIRD_ID in t.sh(f"ls {BUS}/devices"), "third")
        t.sh(f"echo 1 >{BUS}/drivers_autoprobe")
        count = t.kvp.negotiations
        t.device.rescind().result()
        t.device.wait_state("none")
        time.sleep(0.5)
        t.equal(owner(t, THIRD_ID), "none", f"round {n}")
        third.remove().result()
        t.device.reoffer().result()
        t.kvp.wait_pushed(30, count + 1)
    t.sh("rmmod hv_kvp", 60)
    t.device.wait_state("offered")


@scenario(Setup(start="hv_utils", cpus=2, thread="multi"), guests=OURS,
          proof=ON, limit=600)
def driver_override_all_the_while(t: Test) -> None:
    """Somebody writes driver_override while the device is taken: the name that
    is looked at must not be freed meanwhile."""
    for reoffers in (False, True):
        t.reoffers(reoffers)
        for _ in range(10):
            with overridden(t):
                insert(t)
                t.works()
            remove(t)
