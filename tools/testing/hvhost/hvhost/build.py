# SPDX-License-Identifier: GPL-2.0
"""Build hvhost.elf and the ACPI table, once for each state of their sources."""

from __future__ import annotations

import fcntl
import hashlib
import os
import subprocess
from pathlib import Path

from .abi import SOURCE


class BuildError(Exception):
    """The compiler's or iasl's words."""


def cache_dir() -> Path:
    root = SOURCE.parents[3]
    return Path(os.environ.get("HV_KVP_CACHE") or root / ".cache")


def build() -> Path:
    """Folder with hvhost.elf and vmbus.aml; also hvhost64.elf with symbols, for gdb."""
    digest = hashlib.sha256()
    for path in sorted(SOURCE.iterdir()):
        if path.is_file():
            digest.update(path.name.encode() + b"\0" + path.read_bytes())
    out = cache_dir() / "hvhost" / digest.hexdigest()[:16]
    out.mkdir(parents=True, exist_ok=True)
    with open(out / "lock", "w", encoding="ascii") as lock:
        fcntl.flock(lock, fcntl.LOCK_EX)
        if not (out / "done").exists():
            run = subprocess.run(["make", "-s", "-C", str(SOURCE), f"O={out}"],
                                 capture_output=True, text=True, check=False)
            if run.returncode:
                raise BuildError(run.stdout + run.stderr)
            (out / "done").touch()
    return out
