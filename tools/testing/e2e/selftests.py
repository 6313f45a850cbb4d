# SPDX-License-Identifier: GPL-2.0
"""The programs of tools/testing/selftests, built to be put into a guest."""
from __future__ import annotations

import functools
import subprocess
from pathlib import Path

import paths
from kernels import cache_root

SOURCE = paths.HERE.parent / "selftests" / "hv_kvp"


@functools.lru_cache(maxsize=None)
def programs() -> dict[str, bytes]:
    """Path in the guest and contents of each; make sees what is up to date."""
    output = cache_root() / "selftests"
    output.mkdir(parents=True, exist_ok=True)
    done = subprocess.run(
        ["make", "-s", "-C", str(SOURCE), f"OUTPUT={output}"],
        capture_output=True, text=True, check=False)
    if done.returncode:
        raise RuntimeError(f"selftests do not build:\n{done.stderr}")
    return {f"bin/{path.name}": path.read_bytes()
            for path in sorted(Path(output).glob("hv_kvp_*"))}
