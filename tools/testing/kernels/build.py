# SPDX-License-Identifier: GPL-2.0
"""External modules, each built in a copy of the sources made for one kernel.

Kbuild's objects do not say which kernel they are for, so no two kernels may
share a tree.  A copy is named after kernel, sources and options: building the
same again costs nothing, and its log can be read again.
"""
from __future__ import annotations

import os
import re
from collections.abc import Iterator, Sequence
from pathlib import Path

from . import chroot
from .cache import Error, digest, entry, prune, run
from .kernel import Kernel

LOG = "build.log"
KEEP = 12			# copies kept for each kernel

# what a module is built from, apart from the folder that is asked for
SOURCES = ("Kbuild", "Makefile", "drivers", "include")
NAMES = {"Kbuild", "Makefile"}
SUFFIXES = {".c", ".h", ".S"}

# make's own lines, and that another release's gcc of the same version is at work; whatever else a
# build prints is a complaint
QUIET = re.compile(r"""^(
    make(\[\d+\])?:\ (Entering|Leaving)\ directory .*
  | \ \ (CC|CHECK|LD|MODPOST|BTF|AR)(\ \[M\])?\ .*
  | Skipping\ BTF\ generation\ for\ .*
  | warning:\ the\ compiler\ differs\ from\ the\ one\ used\ to\ build\ the\ kernel
  | \ \ (The\ kernel\ was\ built\ by|You\ are\ using):\ .*gcc.*
  | \s*)$""", re.VERBOSE)
# where the sources were copied to
COPY = re.compile(r"\S*/module/\S+?/src/")


def complaints(lines: list[str]) -> list[str]:
    """What a build's log says besides which files it made; names as in the sources."""
    return [COPY.sub("", line) for line in lines if not QUIET.match(line)]


def files(source: Path, folder: str) -> Iterator[Path]:
    """The source files, relative to @source; what a build inside @source left is not one."""
    tops = list(SOURCES) + ([folder] if folder else [])
    found: set[Path] = set()
    for top in tops:
        path = source / top
        inside = path.rglob("*") if path.is_dir() else [path]
        for file in inside:
            if not file.is_file() or file.name.endswith(".mod.c"):
                continue
            if file.name in NAMES or file.suffix in SUFFIXES:
                found.add(file.relative_to(source))
    yield from sorted(found)


def command(kernel: Kernel, tree: Path, folder: str, args: Sequence[str]) -> list[str]:
    """The make command that builds the modules in @folder of @tree."""
    jobs = f"-j{min(2, os.cpu_count() or 1)}"
    words = [jobs, *kernel.make, "modules", *args]
    if kernel.chroot:
        return chroot.make(kernel, tree, folder, words)
    return ["make", "-C", str(kernel.kdir), f"M={(tree / folder).resolve()}", *words]


def build(kernel: Kernel, source: Path, folder: str = "", args: Sequence[str] = ()) -> Path:
    """Build the modules of @folder in a copy of the tree @source, and return the copy.

    @args go to make ("W=1", "C=2"); make's output is in the file LOG of the copy.
    """
    source = Path(source).resolve()
    names = list(files(source, folder))
    contents = {name: (source / name).read_bytes() for name in names}
    key = digest(str(kernel.path.name), folder, "\0".join(args),
                 *(part for name in names for part in (str(name), contents[name])))

    def make(work: Path) -> None:
        tree = work / "src"
        for name in names:
            path = tree / name
            path.parent.mkdir(parents=True, exist_ok=True)
            path.write_bytes(contents[name])
        log = tree / LOG
        try:
            run(*command(kernel, tree, folder, args), log=log)
        except Error:
            lines = log.read_text(errors="replace").splitlines()
            raise Error("\n".join([f"no modules of {folder or 'the tree'} for {kernel.name}:",
                                   *complaints(lines)])) from None

    path = entry("module", f"{kernel.name}_{key}", make)
    prune(path, f"{kernel.name}_", KEEP)
    return path / "src"
