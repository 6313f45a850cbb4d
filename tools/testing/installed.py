# SPDX-License-Identifier: GPL-2.0
"""`make install` as the tests run it: in a copy of the sources, below a folder."""
from __future__ import annotations

import os
import shutil
import subprocess
from pathlib import Path

from kernels import Error, Kernel
from kernels.cache import PROJECT

TREE = ("Kbuild", "Makefile", "COPYING", "drivers", "include", "tools/hv")

# Whoever runs this by make, perhaps with DESTDIR=, does not mean the make here.
OURS = {name: value for name, value in os.environ.items()
        if name not in ("DESTDIR", "INSTALL_MOD_PATH", "MAKEFLAGS",
                        "MAKEOVERRIDES", "MFLAGS")}


def run(*command: str | Path, cwd: Path | None = None,
        env: dict[str, str] | None = None, check: bool = True,
        stdin: str = "") -> str:
    """What a command prints, on both streams; an error if it fails."""
    done = subprocess.run([str(c) for c in command], cwd=cwd, text=True,
                          env=dict(OURS, **(env or {})), check=False,
                          input=stdin, stdout=subprocess.PIPE,
                          stderr=subprocess.STDOUT)
    if check and done.returncode:
        raise Error(f"{command[0]}: exit status {done.returncode}\n"
                    f"{done.stdout}")
    return done.stdout


class Sources:
    """A copy of what a release has, to run its Makefile in."""

    def __init__(self, path: Path):
        self.path = path
        for name in TREE:
            target = path / name
            target.parent.mkdir(parents=True, exist_ok=True)
            if (PROJECT / name).is_dir():
                shutil.copytree(PROJECT / name, target)
            else:
                shutil.copy2(PROJECT / name, target)
        for left in path.rglob("*"):		# of builds in the tree
            if left.suffix in (".o", ".ko", ".cmd", ".mod"):
                left.unlink()

    def make(self, kernel: Kernel, destdir: Path, *targets: str) -> None:
        """The top-level Makefile, for @kernel, below @destdir."""
        run("make", "-s", f"KDIR={kernel.kdir}", f"KVER={kernel.release}",
            f"DESTDIR={destdir}", "CPPFLAGS=-Werror", *kernel.make, *targets,
            cwd=self.path)
