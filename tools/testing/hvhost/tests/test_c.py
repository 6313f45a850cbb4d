# SPDX-License-Identifier: GPL-2.0
"""The VMBus server's C in user space, with the address and undefined-behaviour sanitizers."""

import subprocess
import tempfile
import unittest
from pathlib import Path

HERE = Path(__file__).resolve().parent
SRC = HERE.parent / "src"


class CTest(unittest.TestCase):
    """Builds and runs a C program; each of its results is a subtest."""

    def program(self, name: str, *sources: str) -> None:
        with tempfile.TemporaryDirectory() as tmp:
            exe = Path(tmp) / name
            subprocess.run(["gcc", "-std=gnu11", "-O1", "-g", "-Wall", "-Wextra", "-Werror",
                            "-fsanitize=address,undefined", "-fno-sanitize-recover=all",
                            "-o", exe, HERE / f"{name}.c", *(SRC / s for s in sources)],
                           check=True)
            run = subprocess.run([exe], capture_output=True, text=True, check=False, timeout=120)
        results = [line for line in run.stdout.splitlines() if "ok " in line]
        self.assertEqual(run.returncode, 0, run.stdout + run.stderr)
        self.assertTrue(results)
        for line in results:
            with self.subTest(line):
                self.assertTrue(line.startswith("ok "))

    def test_ring(self) -> None:
        self.program("ring_test", "ring.c")

    def test_vmbus(self) -> None:
        self.program("vmbus_test", "vmbus.c", "gpadl.c", "channel.c", "ring.c")
