# SPDX-License-Identifier: GPL-2.0
"""Whether reports.py of the scenarios tells whose race KCSAN found. The texts
have the form of KCSAN's reports and are made up."""
import sys
import unittest
from pathlib import Path

sys.path.append(str(Path(__file__).resolve().parents[2] / "e2e"))

import reports  # noqa: E402  pylint: disable=wrong-import-position
from hvhost.host import COMPLAINT  # noqa: E402  pylint: disable=wrong-import-position

RULE = "=" * 66
FOREIGN = f"""[   11.500000][   T31] {RULE}
[   11.500001][   T31] BUG: KCSAN: data-race in worker_a / worker_b
[   11.500002][   T31] 
[   11.500003][   T31] write to 0xffff888001234560 of 8 bytes by task 31 on cpu 0:
[   11.500004][   T31]  worker_a+0x10/0x40
[   11.500005][   T31]  kthread+0x100/0x120
[   11.500006][   T31] 
[   11.500007][   T31] read to 0xffff888001234560 of 8 bytes by task 32 on cpu 1:
[   11.500008][   T31]  worker_b+0x20/0x80 [hv_utils]
[   11.500009][   T31] 
[   11.500010][   T31] Reported by Kernel Concurrency Sanitizer on:
[   11.500011][   T31] CPU: 0 PID: 31 Comm: made-up Not tainted 6.1.0 #1
[   11.500012][   T31] {RULE}
"""
OURS = f"""[   12.500000][   T40] {RULE}
[   12.500001][   T40] BUG: KCSAN: data-race in copy_out / hkvp_made_up [hv_kvp]
[   12.500003][   T40] write (marked) to 0xffff888001234568 of 4 bytes by task 40 on cpu 1:
[   12.500004][   T40]  hkvp_made_up+0x10/0x40 [hv_kvp]
[   12.500007][   T40] read to 0xffff888001234568 of 4 bytes by interrupt on cpu 0:
[   12.500008][   T40]  copy_out+0x20/0x80
[   12.500010][   T40] Reported by Kernel Concurrency Sanitizer on:
[   12.500012][   T40] {RULE}
"""
# a stack only, below a function of the kernel's: what races is still ours
CALLED = OURS.replace("hkvp_made_up [hv_kvp]", "strcpy").replace(
    "  hkvp_made_up+0x10/0x40 [hv_kvp]",
    "  strcpy+0x1/0x2\n[   12.500005][   T40]  hkvp_outer+0x8/0x9 [hv_kvp]")
UNKNOWN = f"""[   13.500000][   T50] {RULE}
[   13.500001][   T50] BUG: KCSAN: data-race in hkvp_other+0x1/0x2 [hv_kvp]
[   13.500002][   T50] race at unknown origin, with read to 0xffff888001234568 of 8 bytes by task 50 on cpu 0:
[   13.500003][   T50]  hkvp_other+0x1/0x2 [hv_kvp]
[   13.500004][   T50] {RULE}
"""
# a race of the kernel's own, which a caller of ours came into
PASSED = OURS.replace("hkvp_made_up [hv_kvp]", "queue_made_up").replace(
    "  hkvp_made_up+0x10/0x40 [hv_kvp]",
    "  queue_made_up+0x1/0x2\n[   12.500005][   T40]  hkvp_outer+0x8/0x9 [hv_kvp]")
BOTH = PASSED.replace(
    "  copy_out+0x20/0x80",
    "  copy_out+0x20/0x80\n[   12.500009][   T40]  hkvp_third+0x8/0x9 [hv_kvp]")
WARNING = "[   14.0][   T60] WARNING: CPU: 0 PID: 60 at made/up.c:7 f+0x1/0x2\n"


def found(console: str) -> list[str]:
    """What of @console fails a scenario."""
    return reports.without_foreign(console, [
        line for line in console.splitlines() if COMPLAINT.search(line)])


class Races(unittest.TestCase):
    """Reports of KCSAN's, and others between them."""

    def test_foreign(self):
        """Not ours: counted, and no complaint."""
        self.assertEqual(found(FOREIGN + FOREIGN), [])
        self.assertEqual(reports.foreign_races(FOREIGN + FOREIGN), 2)

    def test_ours(self):
        """On a stack of either side, in whatever order they come."""
        for text in (OURS, CALLED, UNKNOWN, BOTH):
            for console in (text, FOREIGN + text, text + FOREIGN):
                self.assertEqual(len(found(console)), 1, console)
                self.assertIn("BUG: KCSAN", found(console)[0])
                self.assertEqual(reports.foreign_races(console),
                                 console.count("worker_a /"))

    def test_passed_through(self):
        """hv_kvp called what raced with something that it has no part in."""
        self.assertEqual(found(PASSED + OURS.replace("[hv_kvp]", "[hv_kvpx]")),
                         [])
        self.assertEqual(reports.foreign_races(PASSED), 1)

    def test_others_count(self):
        """A warning counts, also one in the middle of somebody else's race."""
        half, rest = FOREIGN[:300], FOREIGN[300:]
        half, rest = half[:half.rindex("\n") + 1], half[half.rindex("\n") + 1:] + rest
        for console in (WARNING, FOREIGN + WARNING, half + WARNING + rest):
            self.assertEqual(found(console), [WARNING.strip()])

    def test_torn(self):
        """A report without its end, as a console that stops leaves it."""
        self.assertEqual(len(found(OURS[:200])), 1)
        self.assertEqual(found(FOREIGN[:200]), [])


if __name__ == "__main__":
    unittest.main()
