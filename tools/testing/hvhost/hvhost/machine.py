# SPDX-License-Identifier: GPL-2.0
"""A guest on the emulated host: QEMU, hvhost.elf, a Linux kernel, and what goes wrong with them."""

from __future__ import annotations

import atexit
import contextlib
import dataclasses
import errno
import itertools
import mmap
import os
import re
import select
import shutil
import socket
import struct
import subprocess
import tempfile
import threading
import time
import traceback
from collections.abc import Iterator
from pathlib import Path
from typing import Any, Callable, TypeVar

from . import abi, build, loader
from .faults import (GuestHang, GuestPanic, GuestStopped, HostAssertion, HostFault, QemuDied,
                     TripleFault)
from .mailbox import Event, Mailbox
from .qmp import Qmp, QmpError
from .vmbus import Config, Reply, VmbusServer

T = TypeVar("T")

MIB, GIB = 1 << 20, 1 << 30
QEMU = "qemu-system-x86_64"

# QEMU hw/i386/pc_piix.c: with 3.5 GiB and more, RAM below 4 GiB ends at 3 GiB
_LOWMEM_SPLIT, _LOWMEM_MAX = 3 * GIB, 0xE0000000

_RIP = re.compile(r"CPU#(\d+).*?RIP=([0-9a-f]+)", re.S)


@dataclasses.dataclass(frozen=True)
class CpuStats:
    exits: int
    cpuid: int
    msr: int
    hypercall: int
    io: int
    other: int
    last_rip: int
    last_exit_code: int
    last_exit_tsc: int
    state: int
    irqs: int


class Machine:
    """One guest, from power-on to the end. A context manager that stops it."""

    def __init__(self, kernel: Path | str, initrd: bytes | Path | str | None = None,
                 cmdline: str = "", *, cpus: int = 1, memory: int = 512,
                 cpu_model: str = "max,-la57", icount: int | None = None,
                 thread: str = "multi", workdir: Path | None = None, qemu_args: tuple[str, ...] = (),
                 config: Config = Config(),
                 transcript: Callable[[float, str, str, dict[str, Any]], Any] | None = None) -> None:
        """kernel is a bzImage or an ELF vmlinux; memory is MiB that the guest can use.

        icount is QEMU's shift: time then counts instructions. thread "single" lets QEMU run all CPUs
        in turn: less concurrency, but without the race of text patching that hypervisor.rst tells
        of. transcript(seconds since the host came up, kind, device or message name, fields) sees
        everything that happens.
        """
        if not 1 <= cpus <= abi.MAX_CPUS:
            raise ValueError(f"{cpus} CPUs")
        if icount is not None and config.spin:
            config = dataclasses.replace(config, spin=0.0)	# the guest would pay for it
        self.kernel, self.initrd, self.cpus, self.memory = kernel, initrd, cpus, memory
        self.cmdline = f"console=ttyS0 nr_cpus={cpus} panic=-1 {cmdline}".strip()
        self.cpu_model, self.icount, self.qemu_args = cpu_model, icount, tuple(qemu_args)
        self.thread = "single" if icount is not None else thread
        self.transcript = transcript
        self.vmbus = VmbusServer(self, config)
        self.expect_panic = False
        self.panic: GuestPanic | None = None
        self.fault: HostFault | None = None
        self.stopped: str | None = None		# why the guest ended; faults are known by then
        self._stop_reason: str | None = None	# the same, as soon as QMP says so
        self.log: list[str] = []		# hvhost's own words
        self.up = False
        self.cpus_up = 0
        self._own_workdir = workdir is None
        self.workdir = Path(workdir or tempfile.mkdtemp(prefix="hvhost-"))
        self.agent_path = str(self.workdir / "agent.sock")
        self._console = self.workdir / "console.log"
        self._qemu: subprocess.Popen[bytes] | None = None
        self._qmp: Qmp | None = None
        self._bell: socket.socket | None = None
        self._map: mmap.mmap | None = None
        self._mailbox: Mailbox | None = None
        self._ram_size = (memory * MIB) + abi.END
        self._cond = threading.Condition()
        self._send_lock = threading.Lock()
        self._backlog: list[tuple[Any, ...]] = []
        self._replies: dict[int, Reply] = {}
        self._seq = itertools.count(1)
        self._pump: threading.Thread | None = None
        self._quit = False
        self._at_start: list[Callable[[], Reply]] = []

    def __enter__(self) -> "Machine":
        return self

    def __exit__(self, *exc: object) -> None:
        self.stop()

    @contextlib.contextmanager
    def paused(self) -> Iterator[None]:
        """No CPU runs, and nothing is written to a disk."""
        self._qmp.command("stop")
        try:
            yield
        finally:
            self._qmp.command("cont")

    # -- life ------------------------------------------------------------------------------------

    def start(self, boot: bool = True, timeout: float = 60.0) -> None:
        """QEMU and hvhost up, configuration and devices known to the host; then the guest."""
        products = build.build()
        shm = Path("/dev/shm")
        where = shm if shutil.disk_usage(shm).free > self._ram_size else self.workdir
        fd, path = tempfile.mkstemp(prefix="hvhost-", dir=where)
        atexit.register(self.stop)
        try:
            os.ftruncate(fd, self._ram_size)
            self._map = mmap.mmap(fd, self._ram_size)
            self._spawn(products, path)
            self._mailbox = Mailbox(memoryview(self._map))
            self._connect(timeout)
        finally:
            os.close(fd)
            os.unlink(path)			# QEMU and we keep it open
        self.up = True
        self._pump = threading.Thread(target=self._run, name="hvhost events", daemon=True)
        self._pump.start()
        self.vmbus.begin()
        for action in self._at_start:
            action().result()
        self._at_start = []
        if boot:
            self.boot()

    def at_start(self, action: Callable[[], Reply]) -> None:
        """Something to tell hvhost before the guest boots."""
        self._at_start.append(action)

    def boot(self) -> None:
        """Load the kernel and let CPU 0 enter it."""
        initrd = self.initrd
        if initrd is not None and not isinstance(initrd, (bytes, bytearray)):
            initrd = Path(initrd).read_bytes()
        entry = loader.load(self, self._mailbox.e820(), Path(self.kernel).read_bytes(), initrd,
                            self.cmdline)
        loader.hide_host_cpu(self, self.cpus)
        body = abi.STRUCTS["boot"].pack(entry.rip, entry.boot_params)
        self.command(abi.CMD_BOOT, "boot", body=body).result()

    def stop(self) -> None:
        """End QEMU and clean up; the console stays readable."""
        self._quit = True
        text = self.console_text()
        if self._qemu and self._qemu.poll() is None:
            self._qemu.kill()
        if self._qemu:
            self._qemu.wait()
        if self._pump and self._pump is not threading.current_thread():
            self._pump.join(5)
        for thing in (self._qmp, self._bell):
            if thing:
                thing.close()
        self.up = False
        atexit.unregister(self.stop)
        if self._own_workdir and self.workdir.exists():
            self._kept_console = text
            shutil.rmtree(self.workdir, ignore_errors=True)

    def _spawn(self, products: Path, ram: str) -> None:
        icount = () if self.icount is None else ("-icount", f"shift={self.icount},sleep=off")
        args = [
            # QEMU ends with the thread that started it, however that ends
            "setpriv", "--pdeathsig", "KILL",
            QEMU, "-M", "pc,smm=off,hpet=off,memory-backend=ram",
            "-accel", f"tcg,thread={self.thread}", *icount,
            "-cpu", self.cpu_model, "-smp", str(self.cpus + 1),
            "-m", f"{self._ram_size // MIB}M",
            "-object", f"memory-backend-file,id=ram,size={self._ram_size},mem-path={ram},share=on",
            "-nodefaults", "-no-user-config", "-display", "none", "-no-reboot",
            "-kernel", str(products / "hvhost.elf"), "-append", f"cpus={self.cpus + 1}",
            "-acpitable", f"file={products / 'vmbus.aml'}",
            "-chardev", f"file,id=con,path={self._console}", "-serial", "chardev:con",
            "-chardev", f"socket,id=agent,path={self.agent_path},server=on,wait=off",
            "-serial", "chardev:agent",
            "-chardev", f"file,id=log,path={self.workdir / 'hvhost.log'}",
            "-device", f"isa-debugcon,iobase={abi.LOG_PORT:#x},chardev=log",
            "-chardev", f"socket,id=bell,path={self.workdir / 'bell.sock'},server=on,wait=off",
            "-device", f"isa-debugcon,iobase={abi.DOORBELL_PORT:#x},chardev=bell",
            "-qmp", f"unix:{self.workdir / 'qmp.sock'},server=on,wait=off",
            *self.qemu_args,
        ]
        with open(self.workdir / "qemu.log", "wb") as log:
            # a group of its own: a ^C at the terminal is for us to handle
            self._qemu = subprocess.Popen(args, stdin=subprocess.DEVNULL, stdout=log, stderr=log,
                                          start_new_session=True)

    def _connect(self, timeout: float) -> None:
        """Sockets up and the mailbox there."""
        deadline = time.monotonic() + timeout
        while True:
            if self._qemu.poll() is not None:
                raise QemuDied(f"QEMU ended with {self._qemu.returncode}", "", self._file("qemu.log"))
            if time.monotonic() > deadline:
                raise HostAssertion("hvhost.elf did not come up", "", self._file("hvhost.log"))
            if self._qmp is None and (self.workdir / "qmp.sock").exists():
                try:
                    self._qmp = Qmp(str(self.workdir / "qmp.sock"), self._qmp_event)
                    self._bell = socket.socket(socket.AF_UNIX)
                    self._bell.connect(str(self.workdir / "bell.sock"))
                except ConnectionRefusedError:
                    self._qmp = None
            if self._qmp and self._mailbox.ready:
                return
            time.sleep(0.002)

    # -- commands and events -----------------------------------------------------------------------

    def on_event_thread(self) -> bool:
        """Whether the caller is a callback, which must not wait."""
        return threading.current_thread() is self._pump

    def command(self, kind: int, what: str, dev: int = 0, flags: int = 0, body: bytes = b"",
                on_done: Callable[[], Any] | None = None) -> Reply:
        """Send a command to hvhost; from any thread, callbacks included."""
        if not self.up:
            raise RuntimeError("the machine is not running")
        reply = Reply(self, what)
        reply.on_done = on_done
        seq = next(self._seq)
        self._replies[seq] = reply
        if self.on_event_thread():
            # It must not wait: the host may wait for it to take events.
            self._backlog.append((kind, seq, dev, flags, body))
        else:
            with self._send_lock:
                self._mailbox.send(kind, seq, dev, flags, body)
        return reply

    def _flush_backlog(self) -> None:
        with self._send_lock:
            while self._backlog:
                if not self._mailbox.try_send(*self._backlog[0]):
                    return
                self._backlog.pop(0)

    def _run(self) -> None:
        try:
            while not self._quit:
                if not self._take_events():
                    self._sleep()
        except Exception as err:	# pylint: disable=broad-except
            # A callback or the mailbox failed: whoever waits must hear of it.
            if not self._quit:
                self.set_fault(HostAssertion(f"event thread: {type(err).__name__}: {err}",
                                             details=_traceback(err)))

    def _take_events(self) -> bool:
        busy = False
        for event in self._mailbox.receive():
            self._dispatch(event)
            self._flush_backlog()
            busy = True
        if busy:
            with self._cond:
                self._cond.notify_all()
        return busy

    def _sleep(self) -> None:
        self._flush_backlog()
        if self._qemu.poll() is not None:
            self._qemu_ended()
            return
        if self._mailbox.arm_doorbell():
            timeout = 0.001 if self._backlog else 0.1
            if select.select([self._bell], [], [], timeout)[0] and not self._bell.recv(4096):
                time.sleep(0.01)		# QEMU is about to be gone

    def _dispatch(self, event: Event) -> None:
        if event.type == abi.EVT_ACK:
            reply = self._replies.pop(event.seq, None)
            if reply:
                reply.resolve(event)
                if reply.status == -errno.ENOMEM:
                    self.set_fault(HostAssertion("hvhost's heap is used up"))
            return
        self._event_time = event.tsc
        if self.vmbus.handle(event):
            return
        body = event.body
        if event.type == abi.EVT_LOG:
            self.log.append(body.decode(errors="replace"))
            self.record("log", "", {"text": self.log[-1]})
        elif event.type == abi.EVT_OS_ID:
            self.vmbus.os_ids.append(int.from_bytes(body, "little"))
            self.record("os id", "", {"id": self.vmbus.os_ids[-1]})
        elif event.type == abi.EVT_CPU_UP:
            self.cpus_up += 1
            self.record("cpu up", str(int.from_bytes(body, "little")), {})
        elif event.type == abi.EVT_CRASH:
            self._guest_panic(body)
        elif event.type == abi.EVT_TRIPLE:
            regs = _describe_regs(body)
            self.set_fault(TripleFault(f"guest CPU {_regs_cpu(body)} shut down", details=regs))
        elif event.type == abi.EVT_FATAL:
            text = body[abi.SIZEOF_regs:].decode(errors="replace")
            self.set_fault(HostAssertion(text, details=_describe_regs(body)))
        else:
            raise AssertionError(f"event of type {event.type}")

    def _guest_panic(self, body: bytes) -> None:
        params = struct.unpack_from("<6Q", body)
        text = body[48:].decode(errors="replace")
        where = "crash MSRs: " + " ".join(f"{p:#x}" for p in params[:5])
        found = re.search(r"Kernel panic[^\n]*", text)
        fault = GuestPanic(found.group(0) if found else "guest reported a crash",
                           details=text or where)
        self.record("crash", "", {"params": params, "text": text})
        if self.panic is None or text:
            self.panic = fault
        if not self.expect_panic:
            self.set_fault(fault)

    def _qmp_event(self, name: str, data: dict[str, Any]) -> None:
        if name == "SHUTDOWN":
            with self._cond:
                self._stop_reason = data.get("reason", "?")
                self._cond.notify_all()

    def _qemu_ended(self) -> None:
        """QEMU is gone. With -no-reboot that is how a guest's reset or power-off looks."""
        for _ in range(100):
            if self._stop_reason:
                break
            time.sleep(0.01)			# the QMP thread may be behind
        # What hvhost said last, such as a guest's panic, is the cause and comes first.
        self._take_events()
        self._quit = True
        if self._stop_reason is None and not self.fault:
            self.set_fault(QemuDied(f"QEMU ended with {self._qemu.returncode}",
                                    details=self._file("qemu.log")))
        found = re.search(r"Kernel panic[^\n]*", self.console_text())
        if self._stop_reason and found and not self.panic:
            # The crash MSRs are only used once hv_vmbus is there.
            self.panic = GuestPanic(found.group(0))
            if not self.expect_panic:
                self.set_fault(self.panic)
        with self._cond:
            self.stopped = self._stop_reason
            self._cond.notify_all()

    def record(self, kind: str, name: str, fields: dict[str, Any]) -> None:
        """For the transcript."""
        if self.transcript:
            tsc = getattr(self, "_event_time", None) if \
                threading.current_thread() is self._pump else None
            self.transcript(self.seconds(tsc), kind, name, fields)

    def seconds(self, tsc: int | None) -> float:
        """Host time since hvhost came up; None: of the last event."""
        tsc = tsc or getattr(self, "_event_time", 0)
        return (tsc - self._mailbox.tsc0) / self.tsc_hz if tsc else 0.0

    # -- waiting and faults ------------------------------------------------------------------------

    def set_fault(self, fault: HostFault) -> None:
        """The first one counts."""
        fault.console_tail = fault.console_tail or self.console_tail()
        with self._cond:
            if self.fault is None:
                self.fault = fault
            self._cond.notify_all()

    def check(self) -> None:
        """Raise what has gone wrong, if anything has."""
        if self.fault:
            raise self.fault
        if self.stopped:
            raise GuestStopped(f"guest ended: {self.stopped}", self.console_tail())

    def wait_for(self, predicate: Callable[[], T | None], timeout: float, what: str) -> T:
        """First true value of predicate, which is asked again after each event.

        Raises the fault that makes waiting useless, or GuestHang.
        """
        deadline = time.monotonic() + timeout
        with self._cond:
            while True:
                value = predicate()
                if value:
                    return value
                self.check()
                left = deadline - time.monotonic()
                if left <= 0:
                    break
                self._cond.wait(min(left, 0.05))
        raise self.hang(f"{what}: not within {timeout:g} s")

    def wait_console(self, pattern: str, timeout: float) -> re.Match[str]:
        """Until the guest's console shows pattern."""
        deadline = time.monotonic() + timeout
        while True:
            found = re.search(pattern, self.console_text())
            if found:
                return found
            self.check()
            if time.monotonic() > deadline:
                raise self.hang(f"console: no {pattern!r} within {timeout:g} s")
            time.sleep(0.02)

    def wait_shutdown(self, timeout: float) -> str:
        """Until the guest powers off or resets; QMP's reason."""
        deadline = time.monotonic() + timeout
        with self._cond:
            while not self.stopped:
                if self.fault:
                    raise self.fault
                if time.monotonic() > deadline:
                    break
                self._cond.wait(0.1)
        if not self.stopped:
            raise self.hang(f"shutdown: not within {timeout:g} s")
        return self.stopped

    def hang(self, message: str) -> HostFault:
        """A GuestHang that says where each CPU is."""
        lines = []
        for cpu, st in enumerate(self.cpu_stats()):
            ago = ""
            if st.last_exit_tsc and self._mailbox.events:
                ago = f", last exit {st.last_exit_code:#x} at rip {st.last_rip:#x}"
            lines.append(f"guest CPU {cpu}: {st.exits} exits ({st.msr} MSR, {st.hypercall} "
                         f"hypercalls), {st.irqs} SynIC interrupts{ago}")
        for sample in self.sample_rip():
            lines.append("RIP " + " ".join(f"cpu{c}={rip:#x}" for c, rip in sorted(sample.items())))
        return GuestHang(message, self.console_tail(), "\n".join(lines))

    def sample_rip(self, n: int = 5, interval: float = 0.02) -> list[dict[int, int]]:
        """Where each CPU is, n times; the highest one is the host's. Empty if QEMU does not say."""
        out = []
        for _ in range(n):
            try:
                text = self._qmp.human("info registers -a")
            except QmpError:
                break
            out.append({int(c): int(rip, 16) for c, rip in _RIP.findall(text)})
            time.sleep(interval)
        return out

    def local_apics(self) -> str:
        """What QEMU knows of each guest CPU's local APIC: what it has not taken yet, above all."""
        return "\n".join(self._qmp.human(f"info lapic {cpu}") for cpu in range(self.cpus))

    def cpu_stats(self) -> list[CpuStats]:
        return [CpuStats(*self._mailbox.cpu_stats(i)[:11]) for i in range(self.cpus)]

    @property
    def tsc_hz(self) -> int:
        return self._mailbox.tsc_hz

    # -- memory and console ------------------------------------------------------------------------

    def _offset(self, gpa: int, n: int) -> int:
        """Place in the file of a range of guest-physical memory."""
        low = _LOWMEM_SPLIT if self._ram_size >= _LOWMEM_MAX else self._ram_size
        if gpa + n <= low:
            return gpa
        off = gpa - 4 * GIB + low
        if gpa >= 4 * GIB and off + n <= self._ram_size:
            return off
        raise ValueError(f"no RAM at {gpa:#x}, {n} bytes")

    def read_mem(self, gpa: int, n: int) -> bytes:
        off = self._offset(gpa, n)
        return self._map[off:off + n]

    def write_mem(self, gpa: int, data: bytes) -> None:
        off = self._offset(gpa, len(data))
        self._map[off:off + len(data)] = data

    def console_text(self) -> str:
        kept = getattr(self, "_kept_console", None)
        return kept if kept is not None else self._file("console.log").replace("\r", "")

    def console_tail(self, n: int = 60) -> str:
        return "\n".join(self.console_text().splitlines()[-n:])

    def _file(self, name: str) -> str:
        try:
            return (self.workdir / name).read_text(errors="replace")
        except FileNotFoundError:
            return ""


def _traceback(err: BaseException) -> str:
    return "".join(traceback.format_exception(err))


def _regs_cpu(body: bytes) -> int:
    return abi.STRUCTS["regs"].unpack_from(body)[0]


def _describe_regs(body: bytes) -> str:
    v = abi.STRUCTS["regs"].unpack_from(body)
    names = ("rip", "rsp", "rflags", "cr0", "cr2", "cr3", "cr4", "rax", "rcx", "rdx", "rbx", "-",
             "rbp", "rsi", "rdi", *(f"r{i}" for i in range(8, 16)))
    head = f"cpu {v[0]}"
    if v[1] != 0xFFFFFFFF:
        head += f", exception {v[1]}"
    head += f", exit code {v[2]:#x} info {v[3]:#x} {v[4]:#x}"
    return head + "\n" + " ".join(f"{n}={x:x}" for n, x in zip(names, v[5:]) if n != "-")
