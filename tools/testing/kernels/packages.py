# SPDX-License-Identifier: GPL-2.0
"""Debian packages the tests are run with, installed when one is missing."""
from __future__ import annotations

import os
from pathlib import Path

from .cache import Error, lock, run, say

# What a guest needs: build the module (perl: with W=1 kbuild runs kernel-doc) and the emulated host,
# boot a stock kernel on it; ip(8) to be put into it.
RUN = """
    gcc-12 gcc make perl libelf-dev pahole kmod xz-utils zstd lz4 cpio busybox-static
    qemu-system-x86 acpica-tools python3 debian-archive-keyring iproute2
""".split()

# What `make check` needs besides: kernels built from source, other targets, analysis, 32-bit
# programs (not gcc-multilib, which keeps the cross compiler out) and where the kernel runs none an
# emulator for them; what judges the installed files; Go, for the program of the documentation.
CHECK = """
    flex bison bc libssl-dev rsync g++
    sparse clang libclang-rt-dev lld llvm lcov mmdebstrap
    gcc-12-aarch64-linux-gnu binutils-aarch64-linux-gnu
    libc6-dev-i386 lib32gcc-12-dev qemu-user
    systemd udev initramfs-tools-core dracut-core shellcheck groff-base mandoc e2fsprogs
    pyflakes3 jq zsh fish golang-go
""".split()

STATUS = Path("/var/lib/dpkg/status")


def installed() -> dict[str, str]:
    """Installed packages and their versions, read as dpkg keeps them: no process to start."""
    found: dict[str, str] = {}
    name = version = ""
    here = False
    for line in STATUS.read_text(errors="replace").splitlines() + [""]:
        if line.startswith("Package: "):
            name = line[9:]
        elif line.startswith("Status: "):
            here = line.endswith(" installed")
        elif line.startswith("Version: "):
            version = line[9:]
        elif not line:
            if here and name:
                found[name] = version
            name, here = "", False
    return found


def setup(which: str) -> None:
    """Install what is missing of the set "run" or "check"; nothing to do, nothing done."""
    wanted = {"run": RUN, "check": RUN + CHECK}[which]
    with lock("setup"):
        missing = sorted(set(wanted) - installed().keys())
        if not missing:
            return
        if os.geteuid() != 0:
            raise Error("not installed: " + " ".join(missing) + "; run as root, or install them")
        say("installing " + " ".join(missing))
        env = dict(os.environ, DEBIAN_FRONTEND="noninteractive")
        run("apt-get", "-q", "update", env=env)
        run("apt-get", "-q", "install", "-y", "--no-install-recommends", *missing, env=env)
        left = set(wanted) - installed().keys()
        if left:
            raise Error("apt-get said it installed them, dpkg says not: " + " ".join(left))
