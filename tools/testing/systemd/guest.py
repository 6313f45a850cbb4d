# SPDX-License-Identifier: GPL-2.0
"""One power-on of a whole Debian on the emulated host, and what is asked of it."""
from __future__ import annotations

import json
import re
import time
from collections.abc import Callable
from ipaddress import ip_address
from pathlib import Path

from hvhost import testnic
from hvhost.host import Host
from hvhost.kvpwire import AUTO, FAMILY_V4, Address, IpInfo
from kernels import Error, Kernel, cache_root

UP = 400		# s, on two cores that others share
DOWN = 200
RECORD, KEY = 2560, 512		# bytes of a record in hv_kvp_daemon's files


class Initramfs:
    """One that is ready, in place of hvhost.initramfs.Image."""

    def __init__(self, path: Path):
        self.path = path

    def build(self, _cache: Path) -> bytes:
        """The archive, unchanged."""
        return self.path.read_bytes()


def wanted(what: str, got: object, want: object) -> None:
    """An error unless the two are equal."""
    if got != want:
        raise Error(f"{what}: {got!r}, not {want!r}")


def until_nul(field: bytes) -> str:
    """A field of hv_kvp_daemon's."""
    return field.split(b"\0")[0].decode()


class Guest(Host):
    """Debian on @disk, which several may boot from, one after the other."""

    def __init__(self, kernel: Kernel, disk: Path, initramfs: Path,
                 nic: int = 0):
        """@nic: number of the test NIC, which its MAC address comes from."""
        super().__init__(kernel.vmlinux, Initramfs(initramfs),
                         cache=cache_root(), memory=1024, disk=disk,
                         cmdline="root=/dev/nvme0n1 rootfstype=ext4 ro")
        self.kernel = kernel
        self.add_nic(nic)

    def up(self) -> str:
        """Boots until no unit is being started any more."""
        start = time.monotonic()
        if not self._agent:
            self.boot(wait=False)
        self.agent.wait_up(UP)
        self.run("systemctl is-system-running --wait", UP, check=False)
        return f"in {time.monotonic() - start:.0f} s"

    def all_well(self) -> None:
        """systemd says so."""
        failed = self.sh("for u in $(systemctl --failed --plain --no-legend | "
                         "cut -d' ' -f1); do systemctl status -n 20 --no-pager "
                         "$u; done; systemctl list-jobs --no-pager --no-legend")
        wanted("failed units", failed, "")
        wanted("state", self.run("systemctl is-system-running",
                                 check=False).text, "running")

    def down(self, reason: str) -> str:
        """Waits for the end that somebody has asked for."""
        start = time.monotonic()
        wanted("QEMU's reason", self.machine.wait_shutdown(DOWN), reason)
        return f"in {time.monotonic() - start:.0f} s"

    def eventually(self, what: str, ask: Callable[[], object], want: object,
                   timeout: float = 30) -> None:
        """Asks again until the answer is as wanted."""
        end = time.monotonic() + timeout
        while (got := ask()) != want and time.monotonic() < end:
            time.sleep(0.3)
        wanted(what, got, want)

    def show(self, unit: str, *names: str) -> list[str]:
        """Properties of a unit."""
        text = self.sh(f"systemctl show {unit} " + " ".join(
            f"-p {name}" for name in names))
        found = dict(line.split("=", 1) for line in text.splitlines())
        return [found[name] for name in names]

    def journal(self, boot: int = 0) -> str:
        """What of a boot's journal is a complaint of ours, or about us. Not
        that Debian's udev rule wants a daemon which is masked: systemd may say
        so, depending on when the device appears."""
        text = self.sh(f"journalctl -b {boot} -o short-monotonic --no-hostname "
                       "--no-pager -q", 60)
        if "systemd[1]:" not in text:
            raise Error(f"no journal of boot {boot}")
        ours = re.compile(r"ordering cycle|(hv.kvp|kvpctl).*(fail|error|cannot"
                          r"|warn|denied|invalid|ignor|unknown|timed out"
                          r"|not (implemented|supported|permitted|found))", re.I)
        return "\n".join(line for line in text.splitlines()
                         if ours.search(line) and "kernel:" not in line and
                         "Unit hv-kvp-daemon.service is masked." not in line)

    def auto(self) -> dict[str, object]:
        """The guest's intrinsic items, as the host reads them."""
        return {item.key: item.value for item in self.kvp.enumerate(AUTO)}

    def daemon_items(self, pool: int) -> dict[str, str]:
        """What hv_kvp_daemon's file of a pool holds. Strings end in a NUL, and
        what follows that is nothing."""
        data = self.run(f"cat /var/lib/hyperv/.kvp_pool_{pool}",
                        check=False).stdout
        return {until_nul(data[at:at + KEY]):
                until_nul(data[at + KEY:at + RECORD])
                for at in range(0, len(data), RECORD)}

    def driver(self, service: str) -> str:
        """The driver that the device of a service is bound to."""
        device = self.services[service].device.instance_id
        return self.sh("basename $(readlink -f /sys/bus/vmbus/devices/"
                       f"{device}/driver)")

    def addresses(self) -> list[str]:
        """What the test NIC has, but for link-local ones."""
        found = json.loads(self.sh("ip -j address show dev eth0"))
        return sorted(f"{a['local']}/{a['prefixlen']}"
                      for a in found[0]["addr_info"] if a["scope"] == "global")


def info(*addresses: str, gateway: str, dns: str, nic: int = 0) -> IpInfo:
    """A static configuration of a test NIC."""
    return IpInfo(testnic.instance_id(nic), FAMILY_V4, False,
                  [Address.parse(a) for a in addresses],
                  [ip_address(gateway)], [ip_address(dns)])
