# SPDX-License-Identifier: GPL-2.0
"""What the kernel's checkers report, and whom it is about.

KCSAN in its strict form finds races all over Linux 6.1, in work queues and
timers among others, which everybody calls. A race is ours if hv_kvp itself
made one of the two accesses, or had a library function make it, or if both
stacks came through it. Others are somebody else's: they are counted and do not
fail a scenario. All other checkers' reports count, whoever is to blame.
"""
from __future__ import annotations

import re

OURS = "[hv_kvp]"
RULE = re.compile(r"={40,}$")
KCSAN = "BUG: KCSAN:"
CLOSING = "Reported by Kernel Concurrency Sanitizer"
ACCESS = re.compile(r"\b(?:read|write)\b.* to 0x[0-9a-f]+ of \d+ bytes by ")
FRAME = re.compile(r"\s(?P<name>[\w.]+)\+0x[0-9a-f]+/0x[0-9a-f]+"
                   r"(?P<module> \[\w+\])?$")
# They access what their caller hands them.
LIBRARY = re.compile(r"_*(mem|str|raw_copy_|copy_|csum_|kfree|refcount_|find_"
                     r"|list_|hsiphash|siphash|vsn?printf|sn?printf|string)")


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


def sides(block: list[str]) -> list[list[re.Match[str]]]:
    """The stack of each access, innermost first."""
    found: list[list[re.Match[str]]] = []
    for line in block:
        if ACCESS.search(line):
            found.append([])
        elif CLOSING in line:
            break
        elif found and (frame := FRAME.search(line)):
            found[-1].append(frame)
    return found


def came_through(side: list[re.Match[str]]) -> bool:
    """hv_kvp is somewhere on the stack."""
    return any((frame["module"] or "").strip() == OURS for frame in side)


def accessed(side: list[re.Match[str]]) -> bool:
    """hv_kvp made the access, or a library function that it called."""
    for frame in side:
        if (frame["module"] or "").strip() == OURS:
            return True
        if not LIBRARY.match(frame["name"]):
            break
    return False


def ours(block: list[str]) -> bool:
    """hv_kvp is to blame. A report that cannot be read is."""
    both = sides(block)
    if not all(both) or not both:
        return any(OURS in line for line in block)
    return any(map(accessed, both)) or all(map(came_through, both))


def foreign_races(console: str) -> int:
    """How many races KCSAN saw that do not concern hv_kvp."""
    return sum(not ours(block) for block in kcsan_blocks(console))


def without_foreign(console: str, complaints: list[str]) -> list[str]:
    """@complaints without the first lines of foreign races. What else is said
    in the middle of such a report is another CPU's, and stays."""
    foreign = {block[0] for block in kcsan_blocks(console) if not ours(block)}
    return [line for line in complaints if line not in foreign]
