# SPDX-License-Identifier: GPL-2.0
"""kmemleak in the guest: what is allocated and nobody points to any more."""
from __future__ import annotations

from scenario import Failed, Test

FILE = "/sys/kernel/debug/kmemleak"
DEBUGFS = "mount -t debugfs debugfs /sys/kernel/debug 2>/dev/null; "


def begin(t: Test) -> None:
    """What there is by now is not looked at again."""
    t.sh(f"{DEBUGFS} [ ! -e {FILE} ] || echo clear >{FILE}", 60)


def check(t: Test) -> None:
    """Fails with the traces of what leaked since. A block is suspected after
    5 s, and reported when two scans in a row find the same checksum."""
    found = t.sh(f"[ -e {FILE} ] || exit 0; sleep 6; "
                 f"echo scan >{FILE} && echo scan >{FILE} && cat {FILE}",
                 200)	# echo fails where kmemleak has given up
    if found:
        raise Failed(f"kmemleak:\n{found}")
