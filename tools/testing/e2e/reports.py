# SPDX-License-Identifier: GPL-2.0
"""What the kernel's checkers report, and whom it is about.

KCSAN in its strict form finds races all over Linux 6.1. Those that have no
function of hv_kvp on either stack are somebody else's: they are counted and
do not fail a scenario. All other checkers' reports count, whoever is to blame.
"""
from __future__ import annotations

import re

OURS = "[hv_kvp]"
RULE = re.compile(r"={40,}$")
KCSAN = "BUG: KCSAN:"
CLOSING = "Reported by Kernel Concurrency Sanitizer"


def kcsan_blocks(console: str) -> list[list[str]]:
    """KCSAN's reports: from the line that says what to the closing line."""
    blocks: list[list[str]] = []
    inside = False
    for line in console.splitlines():
        if KCSAN in line:
            blocks.append([])
            inside = True
        if inside:
            blocks[-1].append(line)
        if CLOSING in line or RULE.search(line):
            inside = False
    return blocks


def ours(block: list[str]) -> bool:
    """hv_kvp is on one of the report's stacks."""
    return any(OURS in line for line in block)


def foreign_races(console: str) -> int:
    """How many races KCSAN saw that do not concern hv_kvp."""
    return sum(not ours(block) for block in kcsan_blocks(console))


def without_foreign(console: str, complaints: list[str]) -> list[str]:
    """@complaints without those lines, which are of foreign races."""
    foreign = {line for block in kcsan_blocks(console) if not ours(block)
               for line in block}
    return [line for line in complaints if line not in foreign]
