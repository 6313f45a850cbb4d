# SPDX-License-Identifier: GPL-2.0
"""A small Debian of the next release, for kernels whose kbuild needs its libc and gcc."""
from __future__ import annotations

import subprocess
from collections.abc import Sequence
from pathlib import Path

from . import apt
from .cache import entry, run, say
from .kernel import Kernel

RECIPE = "-r1"
LEAN = ("doc", "man", "info", "locale")


def network() -> list[str]:
    """The system's settings for reaching its mirrors, for the apt that fills the chroot."""
    done = subprocess.run(["apt-config", "dump"], capture_output=True, text=True, check=True)
    wanted = ("Acquire::http::Proxy ", "Acquire::https::Proxy ", "Acquire::Check-Valid-Until ")
    return [f"--aptopt={line}" for line in done.stdout.splitlines() if line.startswith(wanted)]


def create(kernel: Kernel, work: Path) -> None:
    """Install the kernel's headers, which bring the compiler that they need."""
    apt.update()
    say(f"{kernel.name}: making a {apt.CHROOT} chroot to build modules in")
    run("mmdebstrap", "--variant=minbase", "--mode=root", *network(),
        *(f"--dpkgopt=path-exclude=/usr/share/{name}/*" for name in LEAN),
        f"--include=gcc,make,linux-headers-{kernel.release}",
        apt.CHROOT, work / "root",
        *apt.source_lines(apt.CHROOT, f"{apt.CHROOT}-backports"))
    (work / "root/src").mkdir()


def root(kernel: Kernel) -> Path:
    """The chroot for @kernel."""
    path = entry("chroot", f"{kernel.release}_{kernel.version}{RECIPE}",
                 lambda work: create(kernel, work))
    return path / "root"


def kdir(kernel: Kernel) -> Path:
    """The headers in the chroot, as seen from outside."""
    return root(kernel) / "usr/src" / f"linux-headers-{kernel.release}"


def make(kernel: Kernel, tree: Path, folder: str, args: Sequence[str]) -> list[str]:
    """The command that runs make in the chroot, with @tree as /src in a mount namespace.

    objtool reads its stack limit from /proc.
    """
    base = root(kernel)
    script = ('mount -t proc proc "$0/proc" && mount --bind "$1" "$0/src" && shift && '
              'exec chroot "$0" "$@"')
    return ["unshare", "-m", "sh", "-ec", script, str(base), str(tree.resolve()),
            "make", "-C", f"/usr/src/linux-headers-{kernel.release}", f"M=/src/{folder}", *args]
