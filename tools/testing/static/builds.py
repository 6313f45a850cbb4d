# SPDX-License-Identifier: GPL-2.0
"""The module built for every kernel, with more warnings, and with sparse."""
from __future__ import annotations

import re
from pathlib import Path

from kernels import Kernel
from kernels.build import LOG, complaints
from kernels.cache import Error

MODULE = "drivers/hv/kvp"


def clean(kernel: Kernel, root: Path, args: list[str], folder: str = "") -> list[str]:
    """Build with make's @args: the lines of the log, or an error if one is a complaint."""
    lines = (kernel.build(root, folder, args) / LOG).read_text(errors="replace").splitlines()
    found = complaints(lines)
    if found:
        raise Error("\n".join(found))
    return lines


def stems(lines: list[str], tool: str) -> set[str]:
    """Names, without suffix, of the files that the log says @tool was run on."""
    found = (re.match(rf"^  {tool}(?: \[M\])? +\S*?([^/\s]+)\.[co]$", line) for line in lines)
    return {match[1] for match in found if match and not match[1].endswith(".mod")}


def units(root: Path) -> set[str]:
    """The module's source files, as its Kbuild should have them."""
    found = {path.stem for path in (root / MODULE).glob("*.c")}
    return {name for name in found if not name.endswith("_kunit")}


def complete(lines: list[str], tool: str, root: Path) -> str:
    """An error unless @tool was run on each file of the module."""
    seen, wanted = stems(lines, tool), units(root)
    missing = sorted(wanted - seen)
    if missing or not seen:
        raise Error(f"{tool} was not run on {', '.join(missing) or 'any file'}")
    return f"{len(wanted)} files"


def warnings(kernel: Kernel, root: Path) -> str:
    """W=1 prints nothing, and every file was compiled."""
    return complete(clean(kernel, root, ["W=1"]), "CC", root)


def sparse(kernel: Kernel, root: Path) -> str:
    """C=2 prints nothing, and every file was checked."""
    return complete(clean(kernel, root, ["C=2"]), "CHECK", root)


def extra_modules(root: Path) -> list[str]:
    """Folders with other modules that only tests use, without the folders that these descend to."""
    return sorted(str(path.parent.relative_to(root))
                  for path in (root / "tools/testing").rglob("Kbuild")
                  if path.parent.name != "kunit"
                  and not (path.parent.parent / "Kbuild").exists())


def both(kernel: Kernel, root: Path, folder: str) -> str:
    """A module that only tests use: W=1 and C=2 print nothing."""
    seen = stems(clean(kernel, root, ["W=1", "C=2"], folder), "CHECK")
    if not seen:
        raise Error("CHECK was not run on any file")
    return f"{len(seen)} files"


def alone(kernel: Kernel, root: Path, folder: str) -> str:
    """The same for a kernel without sparse."""
    seen = stems(clean(kernel, root, ["W=1"], folder), "CC")
    if not seen:
        raise Error("no file was compiled")
    return f"{len(seen)} files"
