# SPDX-License-Identifier: GPL-2.0
"""The checkers find what they are there for, and so do the tests: bugs on
purpose, of a module that does nothing else (tools/testing/e2e/bugs)."""
import leaks
import reports
from guests import HV_KVP, Setup
from scenario import Failed, Test, scenario

BUGS = Setup(bugs=True)
# KCSAN needs two CPUs that really run side by side.
SMP = Setup(cpus=2, bugs=True, thread="multi")


@scenario(BUGS, guests=(HV_KVP,), dirty=True, proof=("debug",),
          provokes="kmemleak: .* suspected memory leaks")
def a_leak(t: Test) -> None:
    """kmemleak names who allocated what nobody points to."""
    leaks.begin(t)
    t.sh("insmod /modules/hkvp_bugs.ko bug=leak", 60)
    try:
        leaks.check(t)
    except Failed as found:
        t.true("size 1024" in str(found) and "[hkvp_bugs]" in str(found),
               f"not the leak on purpose: {found}")
    else:
        raise Failed("kmemleak did not find the leak")


@scenario(BUGS, guests=(HV_KVP,), dirty=True, proof=("debug",),
          provokes="BUG: KASAN: .*use-after-free in ")
def a_use_after_free(t: Test) -> None:
    """KASAN; the runner's look at the console notices."""
    t.sh("insmod /modules/hkvp_bugs.ko bug=use-after-free", 60)


@scenario(SMP, guests=(HV_KVP,), proof=("kcsan",))
def a_race(t: Test) -> None:
    """KCSAN; its report is read correctly, and is not hv_kvp's."""
    t.sh("insmod /modules/hkvp_bugs.ko bug=race", 60)
    blocks = [block for block in reports.kcsan_blocks(
        t.host.machine.console_text()) if any("[hkvp_bugs]" in line
                                              for line in block)]
    t.true(blocks, "KCSAN did not find the race")
    for block in blocks:
        t.true(all(reports.sides(block)), f"cannot be read: {block}")
        t.true(not reports.ours(block), f"taken for hv_kvp's: {block}")
        renamed = [line.replace("[hkvp_bugs]", reports.OURS) for line in block]
        t.true(reports.ours(renamed), f"not taken for hv_kvp's: {renamed}")
