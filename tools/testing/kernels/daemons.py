# SPDX-License-Identifier: GPL-2.0
"""Debian's hyperv-daemons, with the libraries they need to run in an initramfs."""
from __future__ import annotations

import re
import shutil
from pathlib import Path

from . import apt
from .cache import Error, entry, output, remember, remembered, run, say

RECIPE = "-r1"

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


def keep_libraries(root: Path, names: set[str]) -> None:
    """Put the libraries into lib64, where the loader looks on every Debian, and drop the rest."""
    target = root.parent / "libs"
    target.mkdir()
    for name in names:
        shutil.copyfile(sorted(root.rglob(name))[0].resolve(), target / name)
        (target / name).chmod(0o755)
    for path in list(root.iterdir()):
        if path.name != "usr":
            shutil.rmtree(path) if path.is_dir() and not path.is_symlink() else path.unlink()
    for path in list((root / "usr").iterdir()):
        if path.name != "sbin":
            shutil.rmtree(path) if path.is_dir() and not path.is_symlink() else path.unlink()
    target.rename(root / "lib64")


def create(name: str, version: str, libc: str, work: Path) -> None:
    """Make the entry."""
    say(f"{name}: fetching hyperv-daemons {version}")
    debs = apt.download([("hyperv-daemons", "amd64", version), ("libc6", "amd64", libc)],
                        work / "debs")
    root = work / "root"
    for deb in debs:
        run("dpkg", "-x", deb, root)
    shutil.rmtree(work / "debs")
    daemon = root / "usr/sbin/hv_kvp_daemon"
    keep_libraries(root, needed(root, daemon))


def daemons(name: str) -> Path:
    """A tree with usr/sbin/hv_{kvp,vss,fcopy...}_daemon and lib64/ for the kernel @name.

    Copy it over the root of an initramfs: the loader finds its libraries in /lib64.
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
