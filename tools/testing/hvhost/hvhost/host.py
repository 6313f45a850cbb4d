# SPDX-License-Identifier: GPL-2.0
"""A Hyper-V host with one guest, in one object.

    with Host(kernel, Image(...)) as host:
        host.boot()
        host.kvp.wait_ready()
        host.kvp.set(EXTERNAL, Item("key", "value"))
        print(host.run("uname -a").text)
        print(host.component().mof())

What goes wrong on the host's side, or kills the guest, is raised by whatever
waits at that moment, as the fault that it is (see faults.py).
"""
from __future__ import annotations

import re
import shutil
import tempfile
import uuid
from pathlib import Path

from . import heartbeat, kvp, shutdown, testnic, timesync
from .agent import Agent, Job, Result
from .component import Component
from .ic import IcService
from .initramfs import Image
from .kvpwire import Item
from .machine import Machine
from .transcript import Transcript, describe_ic
from .vmbus import Config, Device

SERVICES = {
    "kvp": (kvp, kvp.Kvp),
    "heartbeat": (heartbeat, heartbeat.Heartbeat),
    "shutdown": (shutdown, shutdown.Shutdown),
    "timesync": (timesync, timesync.TimeSync),
}

# What a kernel prints when it complains about itself.
COMPLAINT = re.compile(
    r"WARNING:|\bBUG:|\bOops\b|Kernel panic|KASAN|KCSAN|UBSAN|kmemleak"
    r"|possible (circular|recursive) locking|suspicious RCU|INFO: task "
    r"|rcu.*(stall|detected)|soft lockup|refcount_t|general protection"
    r"|unregister_netdevice|sysfs: cannot create duplicate"
    r"|\[hv_kvp\] enqueued on deprecated workqueue")


class Host:
    """Boots a guest and plays the host for it."""

    def __init__(self, kernel: Path, image: Image, *, cache: Path,
                 cpus: int = 1, memory: int = 512, cmdline: str = "",
                 config: Config | None = None,
                 services: tuple[str, ...] = tuple(SERVICES),
                 items: dict[int, list[Item]] | None = None,
                 vm_name: str = "guest", disk: int | Path = 0, nics: int = 0,
                 **machine):
        """@disk: MiB of an empty NVMe disk, or the file of another host's
        (see self.disk), which must not run any more but still exist. @nics:
        how many devices of testnic's class to offer."""
        self.workdir = Path(tempfile.mkdtemp(prefix="hvhost."))
        self.disk = disk if isinstance(disk, Path) else None
        if disk and not self.disk:
            self.disk = self.workdir / "disk.img"
            with open(self.disk, "wb") as image_file:
                image_file.truncate(disk << 20)
        if self.disk:
            machine["qemu_args"] = (
                *machine.get("qemu_args", ()),
                "-drive", f"file={self.disk},if=none,id=disk,format=raw",
                "-device", "nvme,drive=disk,serial=1")
        self.vm_id = str(uuid.uuid4())
        self.transcript = Transcript()
        self.machine = Machine(
            kernel, image.build(cache), cmdline, cpus=cpus, memory=memory,
            workdir=self.workdir, config=config or Config(),
            transcript=self._record, **machine)
        self.services: dict[str, IcService] = {}
        for name in services:
            module, service = SERVICES[name]
            device = self.machine.vmbus.add(name, module.CLASS_ID,
                                            module.INSTANCE_ID)
            self.services[name] = service(self.machine, device)
        if "kvp" in self.services:
            for pool, those in kvp.default_items(
                    self.vm_id.upper(), vm_name).items():
                self.kvp.items[pool] = {i.key: i for i in those}
            for pool, those in (items or {}).items():
                self.kvp.items[pool].update({i.key: i for i in those})
        self.nics: dict[int, Device] = {}
        for number in range(nics):
            self.add_nic(number)
        self._agent: Agent | None = None

    def __enter__(self) -> Host:
        return self

    def __exit__(self, *_exc) -> None:
        self.stop()

    def _record(self, _seconds: float, kind: str, name: str,
                fields: dict) -> None:
        """An entry of Machine's; the stamp is ours, so that what this side
        sends and what it receives are on one clock."""
        payload = fields.get("payload")
        if payload is not None:
            text = f"{fields.get('trans_id', 0):#x} {describe_ic(payload)}"
        elif "body" in fields:
            text = fields["body"][8:40].hex(" ", 4)
        else:
            text = " ".join(f"{k}={v}" for k, v in fields.items())
        self.transcript.add(kind, f"{name} {text}")

    # Life ----------------------------------------------------------------

    def boot(self, timeout: float = 120, wait: bool = True) -> None:
        """Starts the guest and waits until its agent answers."""
        self.machine.start()
        self._agent = Agent(self.machine.agent_path, self.machine.check)
        if wait:
            self._agent.wait_up(timeout)

    def stop(self) -> None:
        """Ends the guest at once and removes what the run left behind."""
        if self._agent:
            self._agent.close()
            self._agent = None
        self.machine.stop()
        shutil.rmtree(self.workdir, ignore_errors=True)

    def save(self, directory: Path) -> None:
        """Keeps console and transcript of this run."""
        directory.mkdir(parents=True, exist_ok=True)
        (directory / "console.log").write_text(self.machine.console_text())
        self.transcript.save(directory / "transcript.log")

    # The guest -----------------------------------------------------------

    @property
    def agent(self) -> Agent:
        """The line into the guest."""
        if not self._agent:
            raise RuntimeError("the guest was not booted")
        return self._agent

    def run(self, command: str, timeout: float = 30,
            check: bool = True) -> Result:
        """Runs a shell command in the guest."""
        self.transcript.add("agent", f"run {command}")
        return self.agent.run(command, timeout, check)

    def spawn(self, command: str) -> Job:
        """Starts a shell command in the guest."""
        self.transcript.add("agent", f"start {command}")
        return self.agent.start(command)

    def sh(self, command: str, timeout: float = 30) -> str:
        """What a shell command that must succeed prints."""
        return self.run(command, timeout).text

    def complaints(self) -> list[str]:
        """Lines of the console on which the kernel complained."""
        return [line for line in self.machine.console_text().splitlines()
                if COMPLAINT.search(line)]

    # The host ------------------------------------------------------------

    def add_nic(self, number: int) -> Device:
        """Offers NIC @number, before the start or at any time after it."""
        device = self.machine.vmbus.add(f"nic{number}", testnic.CLASS_ID,
                                        testnic.instance_id(number))
        self.nics[number] = device
        return device

    def remove_nic(self, number: int) -> None:
        """Withdraws NIC @number for good, and waits until the guest has let
        go of it."""
        device = self.nics.pop(number)
        device.remove().result()
        device.wait_state("none")

    @property
    def kvp(self) -> kvp.Kvp:
        """The KVP service."""
        return self.services["kvp"]

    @property
    def heartbeat(self) -> heartbeat.Heartbeat:
        """The heartbeat service."""
        return self.services["heartbeat"]

    @property
    def shutdown(self) -> shutdown.Shutdown:
        """The shutdown service."""
        return self.services["shutdown"]

    @property
    def timesync(self) -> timesync.TimeSync:
        """The time synchronisation service."""
        return self.services["timesync"]

    def component(self, refresh: bool = True) -> Component:
        """Msvm_KvpExchangeComponent; by default asks the guest anew."""
        if refresh:
            self.kvp.refresh()
        return Component.of(self.kvp, self.vm_id)
