# SPDX-License-Identifier: GPL-2.0
"""The archive writer, against cpio(1) and by its error rules."""
import shutil
import subprocess
import tempfile
import unittest
from pathlib import Path

from hvhost.initramfs import Cpio, InitramfsError, ModuleTree, module_name


class CpioTest(unittest.TestCase):
    """What we write, cpio(1) unpacks."""

    def test_round_trip(self):
        if not shutil.which("cpio"):
            self.fail("cpio is not installed; kernels.py setup installs it")
        cpio = Cpio()
        data = bytes(range(256)) * 5
        cpio.file("a/b/c.bin", data, 0o755)
        cpio.symlink("a/link", "b/c.bin")
        cpio.file("empty", b"")
        archive = cpio.finish()
        self.assertEqual(len(archive) % 512, 0)
        with tempfile.TemporaryDirectory() as temp:
            subprocess.run(["cpio", "-id", "--quiet"], input=archive,
                           cwd=temp, check=True)
            root = Path(temp)
            self.assertEqual((root / "a/link").read_bytes(), data)
            self.assertEqual((root / "a/b/c.bin").stat().st_mode & 0o777,
                             0o755)
            self.assertEqual((root / "empty").read_bytes(), b"")

    def test_a_path_twice(self):
        cpio = Cpio()
        cpio.file("/x", b"1")
        with self.assertRaisesRegex(InitramfsError, "/x is given twice"):
            cpio.file("x", b"2")


class ModuleTreeTest(unittest.TestCase):
    """Dependencies come first, once, and built-ins not at all."""

    def tree(self) -> ModuleTree:
        directory = Path(self.enterContext(tempfile.TemporaryDirectory()))
        (directory / "modules.dep").write_text(
            "k/hv_utils.ko: k/hv_vmbus.ko k/ptp.ko\nk/hv_vmbus.ko:\n"
            "k/ptp.ko: k/pps-core.ko\nk/pps-core.ko:\n")
        (directory / "modules.builtin").write_text("kernel/x/nvme.ko\n")
        return ModuleTree(directory)

    def names(self, *wanted) -> list[str]:
        return [p.name for p in self.tree().order(wanted)]

    def test_order(self):
        self.assertEqual(self.names("hv_utils", "ptp", "hv-vmbus", "nvme"),
                         ["pps-core.ko", "ptp.ko", "hv_vmbus.ko",
                          "hv_utils.ko"])

    def test_missing(self):
        with self.assertRaisesRegex(InitramfsError, "no module nosuch"):
            self.names("nosuch")

    def test_names(self):
        self.assertEqual(module_name("a/pps-core.ko.xz"), "pps_core")
