# SPDX-License-Identifier: GPL-2.0
"""Power loss at each step of a change of the network: what the disk holds then,
and what the next boot makes of it."""
from __future__ import annotations

import contextlib
from collections.abc import Iterator
from pathlib import Path

from guest import Guest
from hvhost.ic import Request
from hvhost.kvpwire import IpInfo
from kernels import Error
from kernels.cache import output, run

HERE = Path(__file__).resolve().parent
STOP = "/usr/local/lib/stop_at.so"
UNIT = "/run/systemd/system/hv-kvp-agent.service.d/stop.conf"
# What the network stacks read at boot.
READ_AT_BOOT = ("etc/systemd/network", "etc/NetworkManager/system-connections",
                "etc/network", "etc/netplan")
STEPS = 80		# no change has as many


def build_stop(root: Path) -> None:
    """What has the agent stop before each of its steps, into the guest."""
    target = root / STOP.lstrip("/")
    target.parent.mkdir(parents=True, exist_ok=True)
    run("gcc", "-O2", "-shared", "-fPIC", "-o", target,
        HERE / "stop_at.c")


@contextlib.contextmanager
def mounted(disk: Path) -> Iterator[Path]:
    """The file system on @disk, its journal replayed, as at a boot."""
    where = disk.with_suffix(".mnt")
    where.mkdir()
    run("mount", "-o", "loop", disk, where)
    try:
        yield where
    finally:
        run("umount", where)
        where.rmdir()


def configuration(root: Path) -> str:
    """All that a stack would read."""
    found = []
    for folder in READ_AT_BOOT:
        for path in sorted((root / folder).rglob("*")):
            if path.is_file() and not path.name.endswith("~"):
                text = "\n".join(line for line in path.read_text().splitlines()
                                 # when a profile was used last
                                 if not line.startswith("timestamp="))
                found.append(f"{path.relative_to(root)} "
                             f"{path.stat().st_mode:o}\n{text}")
    return "\n".join(found)


def after_boot(guest: Guest, copy: Path) -> str:
    """What the stacks would read if the power failed now: the early unit has
    been at work, on a copy of the disk."""
    with guest.machine.paused():
        run("cp", "--sparse=always", guest.disk, copy)
        with mounted(copy) as root:
            output(root / "usr/sbin/kvpctl", "agent", "--recover",
                   f"--root={root}")
            text = configuration(root)
    copy.unlink()
    return text


def stopped(guest: Guest, pid: str, request: Request) -> bool:
    """Whether the agent has come to its next step, and not to the end."""
    for _ in range(500):
        if request.finished:
            return False
        if guest.sh(f"cut -d' ' -f3 /proc/{pid}/stat") == "T":
            return True
    raise Error("the agent does not come to its next step")


def each_step(guest: Guest, change: IpInfo, copy: Path) -> list[str]:
    """What would be read after a power failure before each step of @change."""
    found: list[str] = []
    guest.sh(f"mkdir -p $(dirname {UNIT}); printf '[Service]\\nEnvironment="
             f"LD_PRELOAD={STOP}\\n' >{UNIT}; systemctl daemon-reload; "
             "systemctl restart hv-kvp-agent")
    pid = guest.show("hv-kvp-agent", "MainPID")[0]
    guest.eventually("the agent's device", lambda: guest.sh(
        f"ls -l /proc/{pid}/fd | grep -c /dev/hv_kvp || :"), "1")
    request = guest.kvp.submit_set_ip_info(change)
    while stopped(guest, pid, request) and len(found) < STEPS:
        found.append(after_boot(guest, copy))
        guest.sh(f"kill -CONT {pid}")
    # done or not: on a slow machine so many stops take longer than it has
    guest.sh(f"rm {UNIT}; systemctl daemon-reload; systemctl kill -s KILL "
             "hv-kvp-agent; systemctl restart hv-kvp-agent")
    return found


def judge(steps: list[str], old: str, new: str) -> str:
    """The old configuration or the new one, never another."""
    for number, text in enumerate(steps, 1):
        if text not in (old, new):
            raise Error(f"step {number}: neither old nor new:\n{text}")
    if old == new or len(steps) < 4 or old not in steps:
        raise Error(f"{len(steps)} steps, {steps.count(old)} of them old")
    return f"{len(steps)} steps, the old configuration at {steps.count(old)}"
