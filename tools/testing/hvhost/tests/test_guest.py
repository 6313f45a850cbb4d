# SPDX-License-Identifier: GPL-2.0
"""Stock Debian 6.1 with hv_vmbus and hv_utils on hvhost: the hypervisor, the VMBus server, and how
their faults show. Nothing of KVP is in here: the heartbeat channel is the one that carries packets."""

from __future__ import annotations

import errno
import os
import re
import signal
import struct
import time
import unittest
from contextlib import contextmanager
from typing import Callable, Iterator

from hvhost import abi, testnic
from hvhost.agent import Agent
from hvhost.build import cache_dir
from hvhost.faults import (GuestHang, GuestPanic, GuestStopped, HostAssertion, HostFault, QemuDied,
                           TripleFault)
from hvhost.initramfs import Image, ModuleTree
from hvhost.machine import Machine
from hvhost.vmbus import (AFTER, BEFORE, INSTEAD, KEEP, READ, REOFFER, RING_IN, RING_OUT, SENT,
                          VERSIONS)
from kernels import stock

HEARTBEAT = ("57164f39-9115-4e78-ab55-382f3bd5422d", "fd149e91-82e0-4a7d-afa6-2a4166cbd7c0")
SHUTDOWN = ("0e0b6031-5213-4934-818b-38d90ced39db", "b6650ff7-33bc-4840-8048-e0676786f393")
DRIVER = "/sys/bus/vmbus/drivers/hv_utils"

# Integration component message: pipe header {1, size}, then fw version, type, version, size, status,
# id, flags, reserved; include/linux/hyperv.h, struct icmsg_hdr
_IC = struct.Struct("<IIHHHHHHIBBH")


def negotiate() -> bytes:
    """Offers framework and message version 3.0."""
    body = struct.pack("<HHIHHHH", 1, 1, 0, 3, 0, 3, 0)
    return _IC.pack(1, 20 + len(body), 3, 0, 0, 0, 0, len(body), 0, 0, 3, 0) + body


def heartbeat(number: int) -> bytes:
    """Type 1; the guest answers with its own sequence number, ours plus one."""
    body = struct.pack("<Q32x", number)
    return _IC.pack(1, 20 + len(body), 3, 0, 1, 3, 0, len(body), 0, 0, 3, 0) + body


class Guest:
    """A machine with an agent."""

    def __init__(self, release: str = "6.1", bzimage: bool = False,
                 modules: tuple[str, ...] = ("hv_vmbus", "hv_utils"), cmdline: str = "",
                 **machine: object) -> None:
        kernel = stock(release)
        if machine.get("cpus", 1) > 1:
            # The race of text patching under QEMU's threads (hypervisor.md) is not our subject.
            machine.setdefault("thread", "single")
        image = Image(tree=ModuleTree(kernel.modules_dir),
                      modules=[m for m in modules if kernel.module(m)])
        self.machine = Machine(kernel.vmlinuz if bzimage else kernel.vmlinux,
                               image.build(cache_dir()), cmdline, **machine)
        vmbus = self.machine.vmbus
        self.heartbeat = vmbus.add("heartbeat", *HEARTBEAT)
        self.shutdown = vmbus.add("shutdown", *SHUTDOWN)
        self.ring_pages: list[int] = []
        vmbus.on_message.append(self._gpadl)
        self.machine.start()
        self.agent = Agent(self.machine.agent_path, self.machine.check)
        self.agent.wait_up(120)
        self.heartbeat.wait_open(60)

    def _gpadl(self, _direction: str, kind: int, body: bytes) -> None:
        if kind == 8:
            self.ring_pages += [pfn << 12 for pfn, in struct.iter_unpack("<Q", body[28:])]

    def sh(self, command: str) -> str:
        return self.agent.run(command, 60).stdout.decode()

    def alive(self) -> None:
        """The heartbeat channel works in both directions, and nobody broke a rule."""
        self.heartbeat.wait_open(20)
        while self.heartbeat.peek().in_.used:
            time.sleep(0.01)
        answer, = self.heartbeat.transact([negotiate()], 20, 1 << 40)
        assert answer.payload[25] == 5, answer.payload.hex()
        answer, = self.heartbeat.transact([heartbeat(41)], 20, 1 << 41)
        assert struct.unpack_from("<Q", answer.payload, 28)[0] == 42, answer.payload.hex()
        assert not self.machine.vmbus.violations, self.machine.vmbus.violations

    def close(self) -> None:
        self.agent.close()
        self.machine.stop()


@contextmanager
def guest(**how: object) -> Iterator[Guest]:
    g = Guest(**how)
    try:
        yield g
    finally:
        g.close()


def complaints(text: str) -> list[str]:
    return [line for line in text.splitlines()
            if re.search(r"WARNING:|\bBUG:|\bOops\b|Call Trace|rcu.*stall|soft lockup", line)]


# -- VMBus, all on one guest with two CPUs -----------------------------------------------------------

def t_packets(g: Guest) -> None:
    g.alive()
    answers = g.heartbeat.transact((heartbeat(n) for n in range(3000)), 20)
    got = [struct.unpack_from("<Q", a.payload, 28)[0] for a in answers]
    assert got == list(range(1, 3001)), "answers out of order"
    assert all(a.tsc > a.sent_tsc for a in answers)


def t_full_ring_refuses(g: Guest) -> None:
    sent = []
    while True:
        reply = g.heartbeat.send(heartbeat(len(sent)), len(sent), signal=False, wait_room=False)
        try:
            reply.result(10)
        except OSError as err:
            assert err.errno == 28, err		# ENOSPC
            break
        sent.append(reply)
        assert len(sent) < 1000, "the ring never fills"
    peek = g.heartbeat.peek()
    size = 16 + (len(heartbeat(0)) + 7) // 8 * 8 + 8
    assert peek.out.data_size - peek.out.used <= size, peek
    g.heartbeat.signal()
    for n in range(len(sent)):
        assert g.heartbeat.recv(20).trans_id == n


def t_full_ring_waits(g: Guest) -> None:
    """What does not fit waits in order, and goes when the guest has made room and says so."""
    # The ring is not empty after the first, so that none of the others is signalled either.
    sent = [g.heartbeat.send(heartbeat(n), n, signal=n > 0) for n in range(400)]
    peek = g.heartbeat.peek()
    assert peek.queued and peek.out.pending_send_sz, peek
    g.heartbeat.signal()
    for reply in sent:
        reply.result(20)
    g.machine.wait_for(lambda: not g.heartbeat.peek().out.used, 20, "the guest to read all")
    assert g.heartbeat.peek().queued == 0
    # hv_utils drops an answer when its own ring is full, so that some may be missing.
    time.sleep(0.1)
    ids = [p.trans_id for p in g.heartbeat._received]
    g.heartbeat._received.clear()
    assert len(ids) >= 100 and ids == sorted(set(ids)), ids


def t_stall(g: Guest) -> None:
    g.heartbeat.stall(True).result()
    g.heartbeat.send(heartbeat(7), 7).result()
    g.machine.wait_for(lambda: g.heartbeat.peek().in_.used, 10, "answer in the ring")
    assert not g.heartbeat._received
    g.heartbeat.stall(False).result()
    assert g.heartbeat.recv(10).trans_id == 7


def t_poke_and_raw(g: Guest) -> None:
    peek = g.heartbeat.peek()
    g.heartbeat.poke(RING_OUT, 12, 0x1234).result()		# pending_send_sz
    assert g.heartbeat.peek().out.pending_send_sz == 0x1234
    g.heartbeat.poke(RING_OUT, 12, 0).result()
    payload = heartbeat(1)
    start = peek.out.write_index
    payload += bytes(-len(payload) % 8)
    raw = struct.pack("<HHHHQ", 6, 2, (16 + len(payload)) // 8, 0, 99) + payload + \
        struct.pack("<II", 0, start)
    g.heartbeat.send_raw(raw).result()
    assert g.heartbeat.recv(10).trans_id == 99


def t_rescind_reoffer(g: Guest) -> None:
    for _ in range(3):
        old, opens = g.heartbeat.relid, g.heartbeat.opens
        g.heartbeat.rescind().result()
        g.heartbeat.wait_state("none", 20)
        g.heartbeat.reoffer().result()
        g.heartbeat.wait_opens(opens + 1, 20)
        assert g.heartbeat.relid != old
        g.alive()


def t_rescind_upon(g: Guest) -> None:
    """The host withdraws the device by itself; what it is waited for is not repeated."""
    device = g.heartbeat
    # Not upon what opens a channel: hv_utils panics where vmbus_open() fails. And Linux waits for
    # the answer to GPADL_TEARDOWN with what it needs to handle a rescind.
    for what, when in (("CLOSECHANNEL", INSTEAD), ("CLOSECHANNEL", AFTER),
                       ("GPADL_TEARDOWN", BEFORE), ("GPADL_TEARDOWN", AFTER)):
        opens = device.opens
        device.rescind_upon(what, when=when).result()
        g.sh(f"echo {HEARTBEAT[1]} > {DRIVER}/unbind")
        device.wait_state("none", 20)
        device.reoffer().result()
        device.wait_opens(opens + 1, 20)
        g.alive()
    for what in (SENT, READ):
        device._received.clear()
        opens = device.opens
        device.rescind_upon(what, 2).result()
        device.send(heartbeat(1), 1).result()
        assert device.recv(10).trans_id == 1 and device.state == "open"
        device.send(heartbeat(2), 2)
        device.wait_state("none", 20)
        assert what == SENT or device.recv(0.5).trans_id == 2
        device.reoffer().result()
        device.wait_opens(opens + 1, 20)
        device._received.clear()
        g.alive()


def t_queued_packets_are_cancelled(g: Guest) -> None:
    replies = [g.heartbeat.send(heartbeat(n), n, signal=False) for n in range(400)]
    opens = g.heartbeat.opens
    g.heartbeat.rescind().result()
    try:
        replies[-1].result(10)
        raise AssertionError("a packet went out after the rescind")
    except OSError as err:
        assert err.errno == 125, err			# ECANCELED
    g.heartbeat.wait_state("none", 20)
    try:
        g.heartbeat.send(b"x").result(10)
        raise AssertionError("sent on a closed channel")
    except OSError as err:
        assert err.errno == 107, err			# ENOTCONN
    g.heartbeat.reoffer().result()
    g.heartbeat.wait_opens(opens + 1, 20)
    g.heartbeat._received.clear()
    g.alive()


def t_close_keeps_offer(g: Guest) -> None:
    g.machine.vmbus.configure(close_policy=KEEP)
    opens, relid = g.heartbeat.opens, g.heartbeat.relid
    g.sh(f"echo {HEARTBEAT[1]} > {DRIVER}/unbind")
    g.heartbeat.wait_state("offered", 10)
    g.sh(f"echo {HEARTBEAT[1]} > {DRIVER}/bind")
    g.heartbeat.wait_opens(opens + 1, 10)
    assert g.heartbeat.relid == relid
    g.alive()


def t_close_reoffers(g: Guest) -> None:
    for rescind_delay, reoffer_delay in ((0, 0), (0.05, 0), (0, 0.2)):
        g.machine.vmbus.configure(close_policy=REOFFER, rescind_delay=rescind_delay,
                                  reoffer_delay=reoffer_delay)
        opens, relid = g.heartbeat.opens, g.heartbeat.relid
        g.sh(f"echo {HEARTBEAT[1]} > {DRIVER}/unbind")
        g.heartbeat.wait_opens(opens + 1, 20)
        assert g.heartbeat.relid != relid
        g.alive()
    g.machine.vmbus.configure(close_policy=KEEP, rescind_delay=0, reoffer_delay=0)


def t_add_and_remove(g: Guest) -> None:
    device = g.machine.vmbus.add("test", "0197fcbe-3ea4-4c8f-a5a8-a0d1e2f3a4b5",
                                 "11111111-2222-3333-4444-555555555555")
    g.machine.wait_for(lambda: device.state == "offered", 10, "offer")
    for _ in range(100):
        if "11111111-2222" in g.sh("ls /sys/bus/vmbus/devices"):
            break
        time.sleep(0.05)
    else:
        raise AssertionError("the guest does not show the device")
    device.remove().result()
    g.machine.wait_for(lambda: device.state == "none", 10, "release")
    assert "11111111-2222" not in g.sh("ls /sys/bus/vmbus/devices")


def shown_nics(g: Guest) -> set[str]:
    """Instance GUIDs of the test class that the guest shows."""
    class_id = f"{{{testnic.CLASS_ID}}}"
    shown = g.sh("cd /sys/bus/vmbus/devices; grep -H . */class_id")
    return {line.partition("/")[0] for line in shown.splitlines() if line.endswith(class_id)}


def t_several_of_the_test_class(g: Guest) -> None:
    """As many as the host has room for; one goes, one comes back, at run time."""
    vmbus = g.machine.vmbus
    room = abi.MAX_DEVICES - len(vmbus.devices)
    nics = [vmbus.add(f"nic{n}", testnic.CLASS_ID, testnic.instance_id(n)) for n in range(room)]
    try:
        vmbus.add("one too many", testnic.CLASS_ID, testnic.instance_id(room))
        raise AssertionError("a device without room for it")
    except OSError as err:
        assert err.errno == errno.ENOSPC, err
    for nic in nics:
        nic.wait_state("offered", 10)
    assert len({nic.relid for nic in nics}) == room
    every = {testnic.instance_id(n) for n in range(room)}

    def wait_shown(wanted: set[str]) -> None:
        for _ in range(100):
            if (shown := shown_nics(g)) == wanted:
                return
            time.sleep(0.05)
        raise AssertionError(f"the guest shows {shown}, not {wanted}")

    wait_shown(every)
    nics[1].rescind().result()
    nics[1].wait_state("none", 10)
    wait_shown(every - {testnic.instance_id(1)})
    nics[1].reoffer().result()
    nics[1].wait_state("offered", 10)
    wait_shown(every)
    g.alive()
    for nic in nics:
        nic.remove().result()
    for nic in nics:
        nic.wait_state("none", 10)
    wait_shown(set())


def t_modify_channel(g: Guest) -> None:
    for cpu in (1, 0):
        g.sh(f"echo {cpu} > /sys/bus/vmbus/devices/{HEARTBEAT[1]}/channels/"
             f"{g.heartbeat.relid}/cpu")
        g.machine.wait_for(lambda: g.heartbeat.target_vp == cpu, 10, f"target VP {cpu}")
        g.alive()


def t_control_messages(g: Guest) -> None:
    """Pointless ones, fifty at a time: the slot's flow control holds and the guest lives."""
    g.machine.vmbus.post(*[struct.pack("<II", 18 + n % 3, 0) + bytes(n) for n in range(50)])
    g.machine.vmbus.post(struct.pack("<III", 2, 0, 1999))	# rescind of an unknown channel
    g.alive()


def t_every_version(g: Guest) -> None:
    """rmmod unloads, insmod makes contact anew; the same devices come back."""
    vmbus = g.machine.vmbus
    for version in (*reversed(VERSIONS), None):
        vmbus.configure(versions=VERSIONS if version is None else (version,))
        unloads = vmbus.unloads
        g.sh("rmmod hv_utils hv_vmbus")
        g.machine.wait_for(lambda: vmbus.unloads == unloads + 1, 10, "UNLOAD")
        assert g.heartbeat.state == "none" and g.shutdown.state == "none"
        g.sh("insmod /modules/hv_vmbus.ko && insmod /modules/hv_utils.ko")
        assert vmbus.wait_contact(20) == (version or VERSIONS[0])
        g.alive()
        g.shutdown.wait_open(10)


def t_broken_ring(g: Guest) -> None:
    """A write index that cannot be stops the channel, visibly; a reopen heals it."""
    vmbus = g.machine.vmbus
    vmbus.strict = False
    g.heartbeat.poke(RING_IN, 0, 0xFFFFFFF8).result()
    g.heartbeat.stall(False).result()
    g.machine.wait_for(lambda: vmbus.violations, 10, "violation")
    assert vmbus.violations[0][0] == "heartbeat" and vmbus.violations[0][2], vmbus.violations
    try:
        g.heartbeat.send(heartbeat(1)).result(10)
        raise AssertionError("sent on a broken channel")
    except OSError as err:
        assert err.errno == 71, err			# EPROTO
    vmbus.violations.clear()
    vmbus.strict = True
    g.sh(f"echo {HEARTBEAT[1]} > {DRIVER}/unbind; echo {HEARTBEAT[1]} > {DRIVER}/bind")
    g.alive()


def t_no_version(g: Guest) -> None:
    vmbus = g.machine.vmbus
    g.sh("rmmod hv_utils hv_vmbus")
    vmbus.configure(versions=())
    asked = len(vmbus.contacts)
    g.sh("insmod /modules/hv_vmbus.ko; true")
    g.machine.wait_for(lambda: len(vmbus.contacts) > asked, 10, "contact")
    assert not any(ok for _, ok in vmbus.contacts[asked:])
    vmbus.configure(versions=VERSIONS)
    g.sh("rmmod hv_vmbus 2>/dev/null; insmod /modules/hv_vmbus.ko && insmod /modules/hv_utils.ko")
    g.alive()


ON_ONE_GUEST: list[Callable[[Guest], None]] = [
    t_packets, t_full_ring_refuses, t_full_ring_waits, t_stall, t_poke_and_raw, t_rescind_reoffer,
    t_rescind_upon, t_queued_packets_are_cancelled, t_close_keeps_offer, t_close_reoffers, t_add_and_remove,
    t_several_of_the_test_class,
    t_modify_channel, t_control_messages, t_broken_ring,
    t_every_version, t_no_version,
]


# -- faults, a guest each ----------------------------------------------------------------------------

def fault_of(g: Guest, kind: type[HostFault], provoke: Callable[[], object], timeout: float = 30
             ) -> HostFault:
    provoke()
    try:
        g.machine.wait_for(lambda: None, timeout, "nothing")
    except kind as fault:
        return fault
    raise AssertionError("not reached")


def t_panic() -> None:
    with guest() as g:
        fault = fault_of(g, GuestPanic, lambda: g.agent.start("echo c > /proc/sysrq-trigger"))
        assert "sysrq triggered crash" in fault.details, fault
        assert "Kernel panic" in fault.message, fault
        assert fault.console_tail


def t_triple_fault() -> None:
    with guest(cmdline="reboot=triple,force") as g:
        fault = fault_of(g, TripleFault, lambda: g.agent.start("reboot -f"))
        assert "rip=" in fault.details, fault


def t_hang() -> None:
    with guest() as g:
        # An unsignalled packet is never answered: as good as a guest that hangs.
        g.heartbeat.send(negotiate(), 1, signal=False).result()
        fault = fault_of(g, GuestHang, lambda: None, 0.5)
        assert re.search(r"guest CPU 0: [1-9]\d* exits", fault.details), fault
        assert "RIP cpu0=0x" in fault.details and "cpu1=0x" in fault.details, fault


def t_host_assertion() -> None:
    with guest() as g:
        frame = abi.STRUCTS["frame"].pack(7, abi.CMD_NOP, 0, 0, 0, 0)
        fault = fault_of(g, HostAssertion, lambda: g.machine._mailbox.commands.put(frame))
        assert "command frame of 7 bytes" in fault.message, fault


def t_qemu_dies() -> None:
    with guest() as g:
        fault_of(g, QemuDied, lambda: os.kill(g.machine._qemu.pid, signal.SIGKILL))


def t_power_off() -> None:
    with guest() as g:
        g.agent.start("poweroff -f")
        assert g.machine.wait_shutdown(30) == "guest-shutdown"
        try:
            g.machine.check()
            raise AssertionError("no GuestStopped")
        except GuestStopped:
            pass


# -- shapes of guests ----------------------------------------------------------------------------------

def shape(cpus: int = 1, memory: int = 512, **how: object) -> Callable[[], None]:
    def run() -> None:
        with guest(cpus=cpus, memory=memory, **how) as g:
            g.alive()
            assert int(g.sh("nproc")) == cpus
            total = int(re.search(r"MemTotal:\s+(\d+)", g.sh("cat /proc/meminfo")).group(1)) // 1024
            assert memory * 0.8 < total <= memory, f"{total} MiB of {memory}"
            # Linux takes pages from the top: the rings show whether high memory is reachable.
            assert (max(g.ring_pages) >= 4 << 30) == (memory > 4096), g.ring_pages
            assert not complaints(g.machine.console_text()), complaints(g.machine.console_text())
    return run


def t_cpu_hotplug() -> None:
    """CPUs go offline and come back, which costs hvhost a forced exit; NMIs still reach the guest."""
    with guest(cpus=4) as g:
        online = "for c in 1 2 3; do echo {} > /sys/devices/system/cpu/cpu$c/online; done; nproc"
        for _ in range(3):
            assert g.sh(online.format(0)).strip() == "1"
            g.alive()
            assert g.sh(online.format(1)).strip() == "4"
            g.alive()
        assert not complaints(g.machine.console_text()), complaints(g.machine.console_text())
        g.sh("echo l > /proc/sysrq-trigger")
        g.machine.wait_console("NMI backtrace for cpu 3", 20)
        g.alive()
        assert not g.machine.log, g.machine.log


def t_hibernate(policy: int) -> Callable[[], None]:
    """Levels of the kernel's own test of hibernation, each of which waits 5 s; the scenarios have all.

    At "platform" the channels are closed, the bus unloaded, and all of it made anew; "core" also
    takes the system devices down, the hypercall page among them.
    """
    def run() -> None:
        # The cloud kernels have no CONFIG_PM_DEBUG.
        with guest(release="6.1-amd64") as g:
            vmbus = g.machine.vmbus
            vmbus.configure(close_policy=policy)
            for level in ("platform", "core"):
                before = vmbus.unloads, g.heartbeat.opens
                g.sh(f"echo {level} > /sys/power/pm_test && echo disk > /sys/power/state")
                assert vmbus.unloads > before[0], f"{level}: no UNLOAD"
                g.heartbeat.wait_opens(before[1] + 1)
                g.alive()
            assert not complaints(g.machine.console_text()), complaints(g.machine.console_text())
    return run


STANDALONE: list[tuple[str, Callable[[], None]]] = [
    ("guest panic", t_panic), ("triple fault", t_triple_fault), ("hang", t_hang),
    ("host assertion", t_host_assertion), ("QEMU dies", t_qemu_dies), ("power off", t_power_off),
    ("bzImage", shape(bzimage=True)), ("4 CPUs", shape(cpus=4)), ("256 MiB", shape(memory=256)),
    ("6 GiB, 2 CPUs", shape(cpus=2, memory=6144)), ("icount", shape(icount=0)),
    ("CPU hotplug", t_cpu_hotplug),
    ("hibernation, offers stay", t_hibernate(KEEP)),
    ("hibernation, offers renewed", t_hibernate(REOFFER)),
    ("6.12", shape(release="6.12")), ("7.3, 2 CPUs", shape(release="7.3", cpus=2)),
]


def cases() -> Iterator[tuple[str, Callable[[], None]]]:
    """All tests by name. Those of the shared guest boot it when the first of them runs."""
    shared: list[Guest] = []

    def on_shared(test: Callable[[Guest], None]) -> Callable[[], None]:
        def run() -> None:
            if not shared:
                shared.append(Guest(cpus=2))
            test(shared[0])
        return run

    def clean() -> None:
        g = shared[0]
        found = complaints(g.machine.console_text())
        log = g.machine.log
        g.close()
        assert not found, found
        assert not log, log

    for test in ON_ONE_GUEST:
        yield "vmbus: " + test.__name__[2:].replace("_", " "), on_shared(test)
    yield "vmbus: the guest never complained", clean
    for name, run in STANDALONE:
        yield "machine: " + name, run


class GuestTest(unittest.TestCase):
    """Filled from cases(), in that order."""


def _fill() -> None:
    for number, (name, run) in enumerate(cases()):
        setattr(GuestTest, f"test_{number:02d}_{re.sub('[^0-9a-zA-Z]+', '_', name)}",
                lambda self, run=run: run())


_fill()
