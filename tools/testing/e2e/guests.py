# SPDX-License-Identifier: GPL-2.0
"""The two guests that every scenario is run against, and how they boot.

stock    Debian's kernel with hv_utils and Debian's hv_kvp_daemon, unmodified
hv_kvp   the same kernel with hv_kvp.ko beside hv_utils
"""
from __future__ import annotations

import collections
import functools
import threading
from dataclasses import dataclass
from pathlib import Path

import docprograms
import paths
import selftests
from hvhost import programs
from hvhost.host import Host
from hvhost.initramfs import Image, ModuleTree
from kernels import Kernel, cache_root, custom, daemons, stock

STOCK, HV_KVP = "stock", "hv_kvp"
GUESTS = (STOCK, HV_KVP)
CHECKERS = {"debug": "x86-debug", "kcsan": "x86-kcsan"}
# Debian's real-time flavours, which have all that the flavours of a Setup have.
REALTIME = ("6.1-rt", "6.12-rt", "7.3-rt")

# Debian starts the daemon when the device appears and stops it when it goes
# (udev rule and unit of hyperv-daemons); without systemd this loop does.
DAEMON = b"""#!/bin/sh
while :; do
	[ -e /run/no-daemon ] || [ ! -e /dev/vmbus/hv_kvp ] || hv_kvp_daemon -n
	sleep 0.2
done
"""

# As systemctl stop and start of the unit. An open device keeps its module.
STOP_DAEMON = ("touch /run/no-daemon; sleep 0.1; "
               "while killall hv_kvp_daemon 2>/dev/null; do sleep 0.1; done")
START_DAEMON = "rm -f /run/no-daemon"
RMMOD = f"{STOP_DAEMON}; rmmod hv_kvp && {START_DAEMON}"

# hv_utils runs these for the shutdown service; there is no init to ask.
POWEROFF = b"#!/bin/sh\nexec busybox poweroff -f\n"
REBOOT = b"#!/bin/sh\nexec busybox reboot -f\n"

# What is booted is what the static checks have built.
MAKE = ("W=1",)

_guard = threading.Lock()
_building: dict[tuple, threading.Lock] = collections.defaultdict(threading.Lock)


@dataclass(frozen=True)
class Setup:
    """How a guest is booted. Scenarios with equal ones share a boot.

    start: "normal", the guest's own KVP driver is at work; "none", no KVP
    driver is loaded yet; "hv_utils", hv_utils with its daemon is at work,
    whatever the guest; "resume", whatever is hibernated on the disk. flavour:
    of the kernel package, "" for the cloud one. thread: QEMU's, "" for what
    suits the number of CPUs; "multi" where CPUs must really run at a time.
    disk: MiB of an NVMe disk. extra: modules to have in /modules. params: of
    hv_kvp. selftests: the programs of tools/testing/selftests are there. daemon:
    hv_kvp_daemon is there, for a scenario to start by hvhost-daemon. nics:
    interfaces of hkvp_netdev's on VMBus devices; IP is there too. bugs: the
    module with bugs on purpose is there. examples: the programs of the
    documentation are there.
    """

    cpus: int = 1
    memory: int = 512
    start: str = "normal"
    flavour: str = ""
    disk: int = 0
    cmdline: str = ""
    extra: tuple[str, ...] = ("dummy",)
    params: str = ""
    selftests: bool = False
    daemon: bool = False
    thread: str = ""
    nics: int = 0
    bugs: bool = False
    examples: bool = False

    def __str__(self) -> str:
        parts = [f"{self.cpus}cpu"]
        parts += [self.start] if self.start != "normal" else []
        parts += [self.flavour] if self.flavour else []
        parts += [f"{self.memory}MiB"] if self.memory != 512 else []
        parts += ["disk"] if self.disk else []
        parts += ["daemon"] if self.daemon else []
        parts += [self.thread] if self.thread else []
        parts += [f"{self.nics}nics"] if self.nics else []
        parts += ["bugs"] if self.bugs else []
        parts += ["examples"] if self.examples else []
        parts += [self.params.replace(" ", ",")] if self.params else []
        return "+".join(parts)


def kernel_named(name: str, flavour: str = "") -> Kernel:
    """The kernel that the command line calls @name."""
    if name in CHECKERS:
        return custom(CHECKERS[name])
    return stock(f"{name}-{flavour}" if flavour and name not in REALTIME
                 else name)


# iproute2's ip(8); the guest's ip without a path is busybox's.
IP = "/opt/iproute2/ip"
NETDEV = "hkvp_netdev", "tools/testing/netdev"
BUGS = "hkvp_bugs", "tools/testing/e2e/bugs"


@functools.lru_cache(maxsize=None)
def _module(name: str, flavour: str, which: tuple[str, ...]) -> Path:
    return kernel_named(name, flavour).build_module(
        paths.ROOT, *which, args=MAKE)


def module(name: str, flavour: str = "",
           which: tuple[str, ...] = ()) -> Path:
    """hv_kvp.ko for a kernel, or another: its name and its folder.

    Whoever builds one keeps nobody waiting who is to have another: a boot would
    seem to take as long as the build.
    """
    with _guard:
        building = _building[name, flavour, which]
    with building:
        return _module(name, flavour, which)


@functools.lru_cache(maxsize=None)
def _tree(directory: Path) -> ModuleTree:
    return ModuleTree(directory)


def _load(guest: str, setup: Setup) -> str:
    """What /init does once the modules of VMBus are in."""
    hv_kvp = f"insmod /modules/hv_kvp.ko {setup.params}\n"
    hv_utils = "[ -e /modules/hv_utils.ko ] && insmod /modules/hv_utils.ko\n"
    daemon = "hvhost-daemon >/dev/null 2>&1 &\n"
    steps = "mkdir -p /var/lib/hyperv\n"
    if setup.nics:
        steps += f"insmod /modules/{NETDEV[0]}.ko\n"
    if setup.start == "none":
        return steps
    if setup.start == "resume":
        return "cat /sys/block/nvme0n1/dev >/sys/power/resume\n"
    if guest == STOCK or setup.start == "hv_utils":
        return steps + hv_utils + daemon
    return steps + hv_kvp + hv_utils


def image(guest: str, kernel_name: str, setup: Setup) -> tuple[Path, Image]:
    """Kernel image and initramfs of a guest."""
    kernel = kernel_named(kernel_name, setup.flavour)
    tree = _tree(kernel.modules_dir)
    with_daemon = (guest == STOCK or setup.start == "hv_utils"
                   or setup.daemon)
    base = ("6.1" if kernel_name in CHECKERS
            else kernel_name.removesuffix("-rt"))
    extra = [name for name in setup.extra
             if name in tree.files and name not in tree.builtin]
    at_boot = ["nvme"] if setup.disk else []
    at_boot += ["hv_vmbus"] if setup.start != "resume" else []
    modules = ([module(kernel_name, setup.flavour)]
               if guest == HV_KVP else [])
    files = {"bin/hvhost-daemon": DAEMON, "sbin/poweroff": POWEROFF,
             "sbin/reboot": REBOOT}
    if setup.nics:
        modules.append(module(kernel_name, setup.flavour, NETDEV))
        files |= programs.bundle("ip", str(Path(IP).parent)[1:])
    if setup.bugs:
        modules.append(module(kernel_name, setup.flavour, BUGS))
    if setup.selftests:
        files |= selftests.programs()
    if setup.examples:
        files |= docprograms.files()
    initramfs = Image(
        tree=tree,
        modules=[n for n in at_boot if n in tree.files],
        on_disk=[*(["hv_utils"] if "hv_utils" in tree.files else []), *extra],
        extra_modules=modules,
        overlays=[daemons(base)] if with_daemon else [], files=files,
        setup=(_preload(tree) if setup.start != "resume" else "")
        + _load(guest, setup), hostname="guest-1")
    return kernel.vmlinux, initramfs


def _preload(tree: ModuleTree) -> str:
    """hv_utils needs other modules first on some kernels."""
    if "hv_utils" not in tree.files:
        return ""
    needs = [p.name for p in tree.order(["hv_utils"])[:-1]]
    return "".join(f"insmod /modules/{n} 2>/dev/null\n" for n in needs
                   if n != "hv_vmbus.ko")


def make_host(guest: str, kernel_name: str, setup: Setup,
              disk: Path | None = None) -> Host:
    """A host with this guest, not yet booted. @disk: of an earlier one."""
    kernel, initramfs = image(guest, kernel_name, setup)
    return Host(kernel, initramfs, cache=cache_root(), cpus=setup.cpus,
                memory=setup.memory, cmdline=setup.cmdline,
                disk=disk or setup.disk, nics=setup.nics,
                # With a thread for each CPU a loaded machine makes QEMU's TCG
                # run stale code where the guest patches its own.
                thread=setup.thread
                or ("single" if setup.cpus > 1 else "multi"))
