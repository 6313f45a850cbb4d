# SPDX-License-Identifier: GPL-2.0
"""src/ring.c in user space, with the address and undefined-behaviour sanitizers."""

import subprocess
import tempfile
import unittest
from pathlib import Path

HERE = Path(__file__).resolve().parent


class RingTest(unittest.TestCase):
    """Builds and runs ring_test.c; each of its results is a subtest."""

    def test_ring(self) -> None:
        with tempfile.TemporaryDirectory() as tmp:
            exe = Path(tmp) / "ring_test"
            subprocess.run(["gcc", "-std=gnu11", "-O1", "-g", "-Wall", "-Wextra", "-Werror",
                            "-fsanitize=address,undefined", "-fno-sanitize-recover=all",
                            "-o", exe, HERE / "ring_test.c", HERE.parent / "src" / "ring.c"],
                           check=True)
            run = subprocess.run([exe], capture_output=True, text=True, check=False)
        results = [line for line in run.stdout.splitlines() if "ok " in line]
        self.assertEqual(run.returncode, 0, run.stdout + run.stderr)
        self.assertTrue(results)
        for line in results:
            with self.subTest(line):
                self.assertTrue(line.startswith("ok "))
