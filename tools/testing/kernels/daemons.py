# SPDX-License-Identifier: GPL-2.0
"""Debian's hyperv-daemons, with the libraries they need to run in an initramfs."""
from __future__ import annotations

import re
import shutil
from pathlib import Path

from . import apt
from .cache import Error, entry, output, remember, remembered, run, say

RECIPE = "-r2"
LOADER, LIBRARIES = "lib64", "lib/x86_64-linux-gnu"		# where the binaries look

# kernel: the versions of the daemons that fit it best, and the Debian release their libc is from
FITTING = {
    "6.1": (r"6\.1\..*", "2.36"),
    "6.12": (r"6\.12\..*", "2.41"),
    "7.3": (r"7\..*", "2.41"),
}


def newest(name: str, pattern: str) -> str:
    """The newest version of a package that matches @pattern."""
    for version in apt.versions(name):
        if re.fullmatch(pattern, version):
            return version
    raise Error(f"the mirrors have no {name} {pattern}")


def needed(root: Path, binary: Path) -> set[str]:
    """The libraries that @binary names, and those that they name."""
    names: set[str] = set()
    queue = [binary]
    while queue:
        text = output("readelf", "-ld", queue.pop())
        found = set(re.findall(r"\(NEEDED\).*\[(.*)\]", text))
        found |= {Path(path).name for path in re.findall(r"interpreter: (.*)\]", text)}
        for name in found - names:
            paths = sorted(root.rglob(name))
            if not paths:
                raise Error(f"{binary.name} needs {name}, which libc6 does not have")
            queue.append(paths[0].resolve())
        names |= found
    return names


def keep(unpacked: Path, root: Path) -> None:
    """Copy the daemons and the libraries that they need, and nothing else."""
    for daemon in sorted((unpacked / "usr/sbin").iterdir()):
        copy(daemon, root / "usr/sbin" / daemon.name)
        for name in needed(unpacked, daemon):
            folder = LOADER if name.startswith("ld-") else LIBRARIES
            copy(sorted(unpacked.rglob(name))[0].resolve(), root / folder / name)


def copy(source: Path, target: Path) -> None:
    """Copy an executable file, with its folder."""
    target.parent.mkdir(parents=True, exist_ok=True)
    shutil.copyfile(source, target)
    target.chmod(0o755)


def create(name: str, version: str, libc: str, work: Path) -> None:
    """Make the entry."""
    say(f"{name}: fetching hyperv-daemons {version}")
    debs = apt.download([("hyperv-daemons", "amd64", version), ("libc6", "amd64", libc)],
                        work / "debs")
    for deb in debs:
        run("dpkg", "-x", deb, work / "unpacked")
    keep(work / "unpacked", work / "root")
    shutil.rmtree(work / "debs")
    shutil.rmtree(work / "unpacked")


def daemons(name: str) -> Path:
    """A tree with usr/sbin/hv_{kvp,vss,...}_daemon, their loader and libc, for the kernel @name.

    To be copied over the root of an initramfs.
    """
    if name not in FITTING:
        raise Error(f"no daemons for {name}; there are {', '.join(FITTING)}")
    path = remembered("daemons", name, RECIPE)
    if not path:
        apt.update()
        pattern, series = FITTING[name]
        version = newest("hyperv-daemons", pattern)
        libc = newest("libc6", rf"{re.escape(series)}-.*")
        path = entry("daemons", f"{version}_{libc}{RECIPE}",
                     lambda work: create(name, version, libc, work))
        remember("daemons", name, path)
    return path / "root"
