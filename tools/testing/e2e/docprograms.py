# SPDX-License-Identifier: GPL-2.0
"""The short programs of the documentation, in C, Go and Python, for a guest."""
from __future__ import annotations

import functools
import os
import subprocess
import tempfile
from pathlib import Path

import paths
from hvhost import programs
from kernels import cache_root

PAGES = paths.ROOT / "Documentation" / "userspace-api" / "hv_kvp"
FOLDER = "opt/examples"
PYTHON = "/usr/bin/python3"
# What to call in the guest. -S: there is no more of Python than what the program needs.
COMMANDS = {"c": f"/{FOLDER}/example-c", "go": f"/{FOLDER}/example-go",
            "python": f"PYTHONHOME=/usr /{FOLDER}/python3 -I -S /{FOLDER}/example.py"}
# Where Python finds what the program imports, and what that imports.
IMPORTED = """
import sys, ctypes, fcntl, os, struct
for module in list(sys.modules.values()):
    print(getattr(module, "__file__", None) or "")
"""


def _run(*command: str, **env: str) -> str:
    try:
        done = subprocess.run(command, env=os.environ | env, capture_output=True, text=True,
                              check=False)
    except FileNotFoundError as error:
        raise RuntimeError(f"no {command[0]}: kernels.py setup check installs it") from error
    if done.returncode:
        raise RuntimeError(f"{' '.join(command)}:\n{done.stderr}")
    return done.stdout


def _compiled(folder: Path) -> dict[str, bytes]:
    c, go = str(folder / "c"), str(folder / "go")
    _run("gcc", "-std=gnu11", "-O2", "-Wall", "-Wextra", "-Werror", "-static", "-s",
         f"-I{paths.ROOT / 'include' / 'uapi'}", "-o", c, str(PAGES / "example.c"))
    # other options than the defaults would build all of the library anew
    _run("/usr/bin/go", "build", "-ldflags=-s -w", "-o", go, str(PAGES / "example.go"),
         GO111MODULE="off", GOFLAGS="", GOCACHE=str(cache_root() / "go"))
    return {f"{FOLDER}/example-c": Path(c).read_bytes(),
            f"{FOLDER}/example-go": Path(go).read_bytes()}


def _python() -> dict[str, bytes]:
    """This machine's Python, as much as the program needs. Of each folder all is
    kept as it is: Python looks for it there."""
    files = programs.bundle("python3", FOLDER)
    found = {Path(line) for line in _run(PYTHON, "-I", "-S", "-c", IMPORTED).splitlines()
             if line}
    for path in found:
        files[str(path)[1:]] = path.read_bytes()
        if path.suffix == ".so":
            files |= programs.libraries(path, FOLDER)
    return files


@functools.lru_cache(maxsize=None)
def files() -> dict[str, bytes]:
    """Paths in the guest and contents."""
    with tempfile.TemporaryDirectory(prefix="hv_kvp-examples.") as folder:
        found = _compiled(Path(folder))
    found |= _python()
    found[f"{FOLDER}/example.py"] = (PAGES / "example.py").read_bytes()
    return found
