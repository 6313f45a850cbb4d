# SPDX-License-Identifier: GPL-2.0
"""Line and branch coverage of the pure files, from gcov."""
from __future__ import annotations

import dataclasses
import json
import shutil
import subprocess
import tempfile
from pathlib import Path

GCOV = "gcov-12"		# of the compiler that the kernel was built with
FOLDER = "drivers/hv/kvp"
LINES, BRANCHES = 95, 90	# per cent of all pure files together, at least


@dataclasses.dataclass
class Covered:
    """Of one file, or of all: how many lines and branches there are, how many were taken."""
    lines: int = 0
    lines_hit: int = 0
    branches: int = 0
    branches_hit: int = 0

    def add(self, other: Covered) -> None:
        """Sum up."""
        self.lines += other.lines
        self.lines_hit += other.lines_hit
        self.branches += other.branches
        self.branches_hit += other.branches_hit

    def enough(self) -> bool:
        """Whether the aims are met."""
        return (100 * self.lines_hit >= LINES * self.lines
                and 100 * self.branches_hit >= BRANCHES * self.branches)

    def text(self) -> str:
        """Both as percentages and as counts."""
        def part(hit: int, of: int) -> str:
            return f"{100 * hit / of if of else 0:5.1f} % ({hit}/{of})"
        return (f"lines {part(self.lines_hit, self.lines)}, "
                f"branches {part(self.branches_hit, self.branches)}")


def pure(source: Path) -> list[str]:
    """The names of the files that know neither VMBus nor userland."""
    folder = source / FOLDER
    names = {"adapter.c", "codec.c", "ic.c", "ip_decode.c", "ip_encode.c", "ip_text.c",
             "ipagent.c", "legacy_msg.c", "name.c", "negotiate.c", "service.c"}
    names |= {path.name for path in folder.glob("pool*.c")}
    return sorted(name for name in names if not name.endswith("_kunit.c"))


def of_file(name: str, tree: Path, out: Path) -> Covered | None:
    """Coverage of one file; None if the guest brought no counters for it."""
    stem = name.removesuffix(".c")
    notes = sorted(tree.rglob(f"{stem}.gcno"))
    counts = out / f"{stem}.gcda"
    if len(notes) != 1 or not counts.exists():
        return None
    with tempfile.TemporaryDirectory() as scratch:
        shutil.copy(notes[0], scratch)
        shutil.copy(counts, scratch)
        text = subprocess.run([GCOV, "--json-format", "--stdout", "-b", f"{stem}.gcda"],
                              cwd=scratch, capture_output=True, text=True, check=True).stdout
    found = Covered()
    for file in json.loads(text)["files"]:
        if not file["file"].endswith(f"{FOLDER}/{name}"):
            continue			# headers, and tests included at the end of a file
        for line in file["lines"]:
            found.lines += 1
            found.lines_hit += line["count"] > 0
            found.branches += len(line["branches"])
            found.branches_hit += sum(branch["count"] > 0 for branch in line["branches"])
    return found if found.lines else None
