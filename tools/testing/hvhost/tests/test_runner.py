# SPDX-License-Identifier: GPL-2.0
"""How the scenarios' runner builds modules and tells where the time went."""
import contextlib
import io
import sys
import threading
import unittest
from pathlib import Path
from unittest import mock

sys.path.append(str(Path(__file__).resolve().parents[2] / "e2e"))

# pylint: disable=wrong-import-position
import paths  # noqa: E402,F401  first: makes the packages importable
import guests  # noqa: E402
import runner  # noqa: E402
from hvhost.diagnosis import diagnosis  # noqa: E402


class FakeKernel:
    """Builds nothing, but for "slow", and then only when it may."""

    go = threading.Event()
    begun = threading.Event()
    builds: list[str] = []

    def __init__(self, name: str, flavour: str):
        self.name = name + flavour

    def build_module(self, *_which, **_how) -> Path:
        """As Kernel's."""
        self.builds.append(self.name)
        if self.name == "slow":
            self.begun.set()
            self.go.wait(30)
        return Path(f"{self.name}.ko")


class Building(unittest.TestCase):
    """Guests of several kernels are booted side by side."""

    def test_one_build_does_not_hold_up_another(self) -> None:
        """Seconds of a build would count as those of an unrelated boot."""
        got: list[Path] = []

        def ask(name: str) -> threading.Thread:
            thread = threading.Thread(
                target=lambda: got.append(guests.module(name)), daemon=True)
            thread.start()
            return thread

        with mock.patch.object(guests, "kernel_named", FakeKernel):
            slow = [ask("slow")]
            FakeKernel.begun.wait(30)
            slow.append(ask("slow"))
            other = ask("fast")
            other.join(5)
            try:
                self.assertEqual(got, [Path("fast.ko")])
            finally:
                FakeKernel.go.set()
                for thread in [*slow, other]:
                    thread.join(30)
        self.assertEqual(sorted(map(str, got)),
                         ["fast.ko", "slow.ko", "slow.ko"])
        self.assertEqual(sorted(FakeKernel.builds), ["fast", "slow"])


class Reports(unittest.TestCase):
    """The line of a scenario."""

    def line(self, **how) -> str:
        """What is printed about one that took half a minute."""
        out = io.StringIO()
        with contextlib.redirect_stdout(out):
            runner.Ktap(1).result("some", True, None, 30.2, **how)
        return out.getvalue().splitlines()[-1]

    def test_a_boot_is_told(self) -> None:
        """A slow boot must not look like a slow scenario."""
        self.assertEqual(self.line(), "ok 1 some # 30.2 s")
        self.assertEqual(self.line(boot=30.0),
                         "ok 1 some # 30.2 s, 30.0 s of them to boot")


class Diagnosis(unittest.TestCase):
    """The report about a guest that failed."""

    def test_no_part_keeps_another_from_being_told(self) -> None:
        """The guest does not answer, and the monitor is gone."""
        host = mock.Mock(services={})
        host.machine.hang.return_value = mock.Mock(details="RIP cpu0=0x1")
        host.machine.local_apics.side_effect = OSError("gone")
        host.agent.run.side_effect = TimeoutError("no answer\nin 5 s")
        host.machine.log = ["last words"]
        text = diagnosis(host)
        self.assertIn("==== CPUs\nRIP cpu0=0x1\n", text)
        self.assertIn("==== local APICs\nOSError: gone\n", text)
        self.assertIn("==== guest\nTimeoutError: no answer\n", text)
        self.assertIn("==== hvhost\nlast words\n", text)
