# SPDX-License-Identifier: GPL-2.0
"""Programs for a guest: tools/testing/selftests, and kvpctl."""
from __future__ import annotations

import functools
import subprocess
from pathlib import Path

import paths
from kernels import cache_root

TESTS = paths.HERE.parent / "selftests" / "hv_kvp"
KVPCTL = paths.ROOT / "tools" / "hv" / "kvp"


def _make(source: Path, output: Path, *variables: str) -> None:
    output.mkdir(parents=True, exist_ok=True)
    done = subprocess.run(
        ["make", "-s", "-C", str(source), f"OUTPUT={output}", *variables],
        capture_output=True, text=True, check=False)
    if done.returncode:
        raise RuntimeError(f"{source.name} does not build:\n{done.stderr}")


@functools.lru_cache(maxsize=None)
def programs() -> dict[str, bytes]:
    """Path in the guest and contents of each; make sees what is up to date.
    All are static, so that they need nothing of the guest's root."""
    output = cache_root() / "selftests"
    _make(TESTS, output)
    _make(KVPCTL, output / "kvpctl.build", "LDFLAGS=-static",
          "CFLAGS=-O2 -Werror")
    found = [*sorted(output.glob("hv_kvp_*")), output / "kvpctl.build/kvpctl"]
    return {f"bin/{path.name}": path.read_bytes() for path in found}
