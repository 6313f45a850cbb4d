# SPDX-License-Identifier: GPL-2.0
"""Numbers test results, prints them as KTAP, and counts them."""
from __future__ import annotations

import threading


class Tally:
    """What a run has found so far; may be used by several threads."""

    def __init__(self) -> None:
        self.passed = self.failed = self.skipped = 0
        self._lock = threading.Lock()
        print("KTAP version 1", flush=True)

    def result(self, name: str, passed: bool, notes: str = "", skip: str | None = None) -> None:
        """Print one result, @notes as diagnostics before it; @skip is the reason of a skip."""
        with self._lock:
            for line in notes.splitlines():
                print(f"# {line}")
            if skip is not None:
                self.skipped += 1
            elif passed:
                self.passed += 1
            else:
                self.failed += 1
            number = self.passed + self.failed + self.skipped
            tail = "" if skip is None else f" # SKIP {skip or 'no reason given'}"
            print(f"{'ok' if passed else 'not ok'} {number} - {name}{tail}", flush=True)

    def close(self) -> int:
        """Print the plan and the closing line; the exit status of the run."""
        print(f"1..{self.passed + self.failed + self.skipped}")
        text = f"{self.passed} passed, {self.failed} failed"
        print(text + (f", {self.skipped} skipped" if self.skipped else ""), flush=True)
        return 1 if self.failed or not self.passed else 0
