# SPDX-License-Identifier: GPL-2.0
"""Programs of this machine for a guest, with the libraries that they need.

Each goes into a folder of its own with its libraries and its loader, because
another libc may be in the guest already: Debian's daemons bring theirs.
"""
from __future__ import annotations

import functools
import re
import shutil
import subprocess
from pathlib import Path

from .initramfs import InitramfsError

# What ldd prints: "libc.so.6 => /lib/.../libc.so.6 (0x...)" or, of the loader,
# "/lib64/ld-linux-x86-64.so.2 (0x...)".
LIBRARY = re.compile(r"(?:=> )?(/\S+) \(0x[0-9a-f]+\)$", re.MULTILINE)


def _libraries(program: Path) -> list[Path]:
    listed = subprocess.run(["ldd", str(program)], check=True,
                            capture_output=True, text=True).stdout
    if "not found" in listed:
        raise InitramfsError(f"{program} lacks libraries:\n{listed}")
    return [Path(p) for p in LIBRARY.findall(listed)]


def libraries(program: Path, folder: str) -> dict[str, bytes]:
    """What @program, or a library that one loads, needs."""
    return {f"{folder}/lib/{p.name}": p.resolve().read_bytes()
            for p in _libraries(program)}


@functools.lru_cache(maxsize=None)
def bundle(name: str, folder: str) -> dict[str, bytes]:
    """Paths in the guest and contents, for Image.files. @folder/@name is what
    to call."""
    found = shutil.which(name, path="/usr/sbin:/usr/bin:/sbin:/bin")
    if not found:
        raise InitramfsError(f"no program {name} on this machine")
    program = Path(found).resolve()
    loader = next(p.name for p in _libraries(program)
                  if p.name.startswith("ld-"))
    files = libraries(program, folder)
    files[f"{folder}/lib/{name}"] = program.read_bytes()
    files[f"{folder}/{name}"] = (
        f"#!/bin/sh\nexec /{folder}/lib/{loader} --library-path /{folder}/lib "
        f"/{folder}/lib/{name} \"$@\"\n").encode()
    return files
