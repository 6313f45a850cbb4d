# SPDX-License-Identifier: GPL-2.0
"""One guest with one of the three drivers, and the requests that it is measured with.

The requests go past the emulated host's KVP service, straight to the VMBus device: the host's CPU
sends the next one as soon as it has the answer to the last, with no Python in between.
"""
from __future__ import annotations

import re
import struct
import tempfile
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from pathlib import Path

from hvhost import icwire, initramfs, kvpwire, testnic, vmbus
from hvhost.agent import Agent
from hvhost.machine import Machine
from kernels import Kernel, cache_root, daemons

KVP_CLASS = "a9a0f4e7-5a45-4d96-b827-8a841e8c03e6"
KVP_INSTANCE = "242ff919-07db-4180-9c2e-b86cb68c8c55"
FRAMEWORKS = [(1, 0), (3, 0)]
MESSAGES = [(3, 0), (4, 0), (5, 0)]
POOL = kvpwire.EXTERNAL

MASK_OFFSET = 8			# of interrupt_mask in a ring's control page
SAMPLES = 450			# HKVP_BENCH_SAMPLES of measure.h
BATCH = 2000			# requests handed to the host's CPU at a time
PATIENCE = 60			# seconds for each answer

STATUS_AT = icwire.PIPE.size + 12	# of the status in an IC packet
POOL_BYTES = "/sys/class/misc/hv_kvp/external/bytes"
LIMITS = "host_items=1000000 host_bytes=1000000000"


class BenchError(Exception):
    """The run is worth nothing: a driver answered wrongly or was not measured."""


@dataclass(frozen=True)
class Driver:
    """What is inserted, and what else has to run for an answer."""

    name: str
    module: str
    parameters: str = ""
    daemon: bool = False


FLOOR = Driver("floor", "hkvp_floor")
HV_KVP = Driver("hv_kvp", "hv_kvp", LIMITS)
STOCK = Driver("stock", "hv_utils", daemon=True)
DRIVERS = (FLOOR, HV_KVP, STOCK)


def key_of(number: int) -> str:
    """A key of 20 characters."""
    return f"benchmark-key-{number:06d}"


def value_of(number: int, size: int) -> str:
    """A value of @size characters that tells whose it is."""
    return f"{number:06d}-".ljust(size, "v")


def kvp(body: bytes, version: icwire.Version = (5, 0)) -> bytes:
    """The packet of a KVP request."""
    return icwire.pack(icwire.Header(icwire.MSG_KVP, 0, fw=(3, 0), msg=version), body)


def get(number: int) -> bytes:
    """GET of item @number."""
    return kvp(kvpwire.pack_get(POOL, key_of(number)))


def set_(number: int, size: int) -> bytes:
    """SET of item @number to a value of @size characters."""
    return kvp(kvpwire.pack_set(POOL, kvpwire.Item(key_of(number), value_of(number, size))))


def delete(number: int) -> bytes:
    """DELETE of item @number."""
    return kvp(kvpwire.pack_delete(POOL, key_of(number)))


def enumerate_(index: int, pool: int = POOL) -> bytes:
    """ENUMERATE at @index."""
    return kvp(kvpwire.pack_enumerate(pool, index))


def status_of(packet: vmbus.Packet) -> int:
    """The status in an answer."""
    return struct.unpack_from("<I", packet.payload, STATUS_AT)[0]


def request_body(packet: vmbus.Packet) -> bytes:
    """What follows the IC header in an answer."""
    return icwire.unpack(packet.payload)[1]


class Guest:
    """A booted guest. The driver is inserted by insert()."""

    def __init__(self, kernel: Kernel, modules: dict[str, Path], driver: Driver, *, cpu: str,
                 icount: bool, memory: int = 1024, nics: int = 0,
                 files: dict[str, bytes] | None = None):
        self.driver, self.icount = driver, icount
        tree = initramfs.ModuleTree(kernel.modules_dir)
        image = initramfs.Image(tree=tree, modules=["hv_vmbus"], on_disk=["hv_utils"],
                                extra_modules=list(modules.values()),
                                overlays=[daemons(kernel.name)], files=files or {})
        self._order = [initramfs.module_name(path) for path in tree.order(["hv_utils"])]
        self._workdir = tempfile.TemporaryDirectory(prefix="hkvp-bench.")
        self.machine = Machine(kernel.vmlinux, image.build(cache_root()),
                               "nokaslr random.trust_cpu=off quiet", cpus=1, memory=memory,
                               cpu_model=cpu, icount=0 if icount else None,
                               workdir=Path(self._workdir.name),
                               config=vmbus.Config(spin=0 if icount else 0.001))
        self.device = self.machine.vmbus.add("kvp", KVP_CLASS, KVP_INSTANCE)
        for number in range(nics):
            self.machine.vmbus.add(f"nic{number}", testnic.CLASS_ID, testnic.instance_id(number))
        self.agent: Agent | None = None

    def __enter__(self) -> Guest:
        self.machine.start()
        self.agent = Agent(self.machine.agent_path, self.machine.check)
        self.agent.wait_up(300)
        return self

    def __exit__(self, *exc) -> None:
        if self.agent:
            self.agent.close()
        self.machine.stop()
        self._workdir.cleanup()

    def run(self, command: str, timeout: float = 120) -> str:
        """Runs a shell command in the guest; its output."""
        return self.agent.run(command, timeout).text

    # inserting ---------------------------------------------------------------

    def insert(self) -> float:
        """Inserts the driver and waits for the first answer to ENUMERATE. Returns the time from the
        entry of module_init to it, in TSC ticks (in seconds without icount).

        The host negotiates as soon as the channel opens, and asks as soon as that is answered.
        """
        trace = "/sys/kernel/tracing"
        self.run(f"echo x86-tsc > {trace}/trace_clock; echo > {trace}/trace; "
                 f"echo 1 > {trace}/events/initcall/initcall_start/enable")
        job = self.agent.start(self._insert_command())
        self.device.wait_open(120)
        self._transact([icwire.pack_negotiate(FRAMEWORKS, MESSAGES)], 120)
        answer, = self._transact([enumerate_(0, kvpwire.AUTO)], 120)
        job.wait(120)
        text = self.run(f"echo 0 > {trace}/events/initcall/enable; cat {trace}/trace")
        starts = [int(ticks) for ticks in re.findall(r"(\d+): initcall_start: ", text)]
        if len(starts) != len(self._modules()):
            raise BenchError(f"not {len(self._modules())} initcalls in the trace:\n{text}")
        return self._time(answer.tsc - starts[-1])

    def _modules(self) -> list[str]:
        """What is inserted, the driver last. VMBus is there from boot."""
        if self.driver is not STOCK:
            return [self.driver.module]
        return [name for name in self._order if name != "hv_vmbus"]

    def _insert_command(self) -> str:
        lines = [f"insmod /modules/{name}.ko" for name in self._modules()]
        lines[-1] += f" {self.driver.parameters}"
        if self.driver.daemon:
            lines.append("hv_kvp_daemon")	# as udev does when the device appears
        return " && ".join(lines)

    # requests ----------------------------------------------------------------

    def _time(self, ticks: int) -> float:
        return ticks if self.icount else ticks / self.machine.tsc_hz

    def _transact(self, payloads: Sequence[bytes], timeout: float) -> list[vmbus.Packet]:
        packets: list[vmbus.Packet] = []
        for at in range(0, len(payloads), BATCH):
            part = payloads[at:at + BATCH]
            packets += self.device.transact(part, timeout)
        if len(packets) != len(payloads):
            raise BenchError(f"{len(packets)} answers to {len(payloads)} requests")
        return packets

    def transact(self, payloads: Iterable[bytes], timeout: float = PATIENCE,
                 want: int | None = 0) -> list[vmbus.Packet]:
        """Requests and their answers. @want: the status that all must have; the floor has none."""
        packets = self._transact(list(payloads), timeout)
        if want is not None and self.driver is not FLOOR:
            for number, packet in enumerate(packets):
                if status_of(packet) != want:
                    raise BenchError(f"request {number} of {len(packets)}: status "
                                     f"{icwire.status_name(status_of(packet))}")
        return packets

    def fill(self, start: int, end: int, size: int) -> None:
        """SETs items @start to @end - 1."""
        for at in range(start, end, BATCH):
            self.transact(set_(n, size) for n in range(at, min(end, at + BATCH)))

    def round_trips(self, payloads: Iterable[bytes]) -> list[float]:
        """Time of each transaction as the host sees it."""
        return [self._time(p.tsc - p.sent_tsc) for p in self.transact(payloads)]

    def total(self, payloads: Sequence[bytes], last: int) -> float:
        """Time of all transactions, from the first packet sent to the last received; the last has
        the status @last."""
        packets = self.transact(payloads, want=None)
        for number, packet in enumerate(packets):
            want = last if number == len(packets) - 1 else 0
            if self.driver is not FLOOR and status_of(packet) != want:
                raise BenchError(f"request {number} of {len(packets)}: status "
                                 f"{icwire.status_name(status_of(packet))}")
        return self._time(packets[-1].tsc - packets[0].sent_tsc)

    def whole_enumeration(self, items: int) -> float:
        """Time of a whole enumeration of @items items, the NO_MORE_ITEMS at its end included."""
        return self.total([enumerate_(i) for i in range(items + 1)],
                          icwire.STATUS_BY_NAME["NO_MORE_ITEMS"])

    # instruction counts ------------------------------------------------------

    def samples(self, payloads: Sequence[bytes]) -> list[int]:
        """Instructions of each request from entry of the callback to the return of
        vmbus_sendpacket(); 0 for one that an interrupt disturbed.

        The host does not want to be told meanwhile (interrupt_mask), as a busy host does not: the
        hypercall and the emulation behind it are no part of the driver. It looks every millisecond.
        """
        path = f"/sys/module/{self.driver.module}/parameters/bench_samples"
        found: list[int] = []
        for at in range(0, len(payloads), SAMPLES):
            part = payloads[at:at + SAMPLES]
            self.run(f"echo 0 > {path}")
            self.device.poke(vmbus.RING_IN, MASK_OFFSET, 1)
            try:
                self.transact(part)
            finally:
                self.device.poke(vmbus.RING_IN, MASK_OFFSET, 0)
            got = [int(word) for word in self.run(f"cat {path}").split()]
            if len(got) != len(part):
                raise BenchError(f"{len(got)} samples of {len(part)} requests")
            found += got
        return found

    # memory ------------------------------------------------------------------

    def requested(self, items: int) -> float:
        """Bytes per item that the pool has requested from the allocator: items, nodes, root."""
        return int(self.run(f"cat {POOL_BYTES}")) / items

    def slab_bytes(self) -> int:
        """Bytes of all slab pages, once nothing waits to be freed any more."""
        self.run("sleep 2; echo 3 > /proc/sys/vm/drop_caches; sleep 1")
        text = self.run("cat /proc/meminfo")
        return 1024 * int(re.search(r"^Slab:\s+(\d+) kB", text, re.MULTILINE)[1])
