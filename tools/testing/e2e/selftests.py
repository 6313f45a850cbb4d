# SPDX-License-Identifier: GPL-2.0
"""Programs for a guest: tools/testing/selftests, and kvpctl."""
from __future__ import annotations

import fcntl
import functools
import hashlib
import subprocess
from pathlib import Path

import paths
from kernels import cache_root

TESTS = paths.HERE.parent / "selftests" / "hv_kvp"
KVPCTL = paths.ROOT / "tools" / "hv" / "kvp"
HEADER = paths.ROOT / "include" / "uapi" / "linux" / "hv_kvp.h"


def _built(source: Path, *variables: str) -> Path:
    """Folder with what make builds in @source, one for each state of the
    sources, because checkouts may share a cache."""
    digest = hashlib.sha256(" ".join(variables).encode())
    for path in [HEADER, *sorted(source.glob("*.[ch]")), source / "Makefile"]:
        digest.update(path.name.encode() + b"\0" + path.read_bytes())
    output = cache_root() / "selftests" / digest.hexdigest()[:16]
    output.mkdir(parents=True, exist_ok=True)
    with open(output / "lock", "w", encoding="ascii") as lock:
        fcntl.flock(lock, fcntl.LOCK_EX)
        done = subprocess.run(
            ["make", "-s", "-C", str(source), f"OUTPUT={output}", *variables],
            capture_output=True, text=True, check=False)
    if done.returncode:
        raise RuntimeError(f"{source.name} does not build:\n{done.stderr}")
    return output


@functools.lru_cache(maxsize=None)
def programs() -> dict[str, bytes]:
    """Path in the guest and contents of each. All are static, so that they
    need nothing of the guest's root."""
    kvpctl = _built(KVPCTL, "LDFLAGS=-static -s", "CFLAGS=-O2 -Werror")
    found = [*sorted(_built(TESTS).glob("hv_kvp_*")), kvpctl / "kvpctl"]
    return {f"bin/{path.name}": path.read_bytes() for path in found}
