# SPDX-License-Identifier: GPL-2.0
"""Runs scenarios: a boot for those that can share one, two boots at a time.

Prints KTAP. A failure of the stock guest that stock_defects.py expects is
"not ok ... # TODO reason" and counts as passed: that it fails is what was
expected. A listed defect that does not show counts as failed.
"""
from __future__ import annotations

import importlib
import re
import shutil
import threading
import time
import traceback
from collections.abc import Iterable
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass, field

import paths
import reports
import stock_defects
from guests import CHECKERS, STOCK, Setup, make_host
from hvhost.diagnosis import diagnosis
from hvhost.host import Host
from scenario import ALL, Failed, Scenario, Test

JOBS = 2
MAX_IN_A_BOOT = 60
# Of a guest that a thread for each CPU hurt, see guests.make_host().
STALE_CODE = re.compile(r"\bint3\b.*\[#1\]|Oops: int3")
LONGEST = 20	# scenarios whose times are printed at the end
PATIENT_BOOT = 300	# seconds; 12 on an idle machine
PATIENCE = 3	# seconds for an answer that a known defect swallows


def load_scenarios() -> list[Scenario]:
    """Imports scenarios/*.py; returns what they registered."""
    for path in sorted((paths.HERE / "scenarios").glob("*.py")):
        importlib.import_module(f"scenarios.{path.stem}")
    return ALL


@dataclass
class Group:
    """Scenarios that share a boot: same guest, kernel and set-up."""

    guest: str
    kernel: str
    setup: Setup
    scenarios: list[Scenario] = field(default_factory=list)

    @property
    def title(self) -> str:
        """For people and for file names."""
        return f"{self.guest}-{self.kernel}-{self.setup}"


def group(guest: str, kernel: str,
          scenarios: Iterable[Scenario]) -> list[Group]:
    """Puts @scenarios into groups; those that spoil a boot come last."""
    groups: dict[Setup, list[Group]] = {}
    for s in sorted(scenarios, key=lambda s: s.dirty):
        mine = groups.setdefault(s.setup, [])
        if not mine or len(mine[-1].scenarios) >= MAX_IN_A_BOOT:
            mine.append(Group(guest, kernel, s.setup))
        mine[-1].scenarios.append(s)
    return [g for some in groups.values() for g in some]


def complaints(host: Host) -> list[str]:
    """Lines of the console on which the kernel complained, of races only
    where they are hv_kvp's."""
    return reports.without_foreign(host.machine.console_text(),
                                   host.complaints())


def forgive(lines: list[str], pattern: str) -> list[str]:
    """@lines without those that were provoked; there must be some."""
    left = [line for line in lines if not re.search(pattern, line)]
    if left == lines:
        raise Failed(f"the kernel did not say: {pattern}")
    return left


class Ktap:
    """Prints results as they come, from several threads."""

    def __init__(self, count: int):
        self._lock = threading.Lock()
        self.number = self.passed = self.failed = self.expected = 0
        self.times: list[tuple[float, str]] = []
        print(f"KTAP version 1\n1..{count}", flush=True)

    def result(self, name: str, ok: bool, expected: str | None,
               seconds: float, notes: str = "", boot: float = 0) -> None:
        """One scenario's result; @expected: the reason why it fails; @boot:
        how many of its seconds went by until it had a guest of its own."""
        with self._lock:
            self.number += 1
            self.times.append((seconds, name))
            good = not ok if expected else ok
            self.passed += good
            self.failed += not good
            self.expected += bool(expected) and not ok
            if not good:
                for line in notes.splitlines():
                    print(f"# {line}")
            if expected and ok:
                print(f"# passed, but listed as a known defect: {expected}")
            todo = ""
            if expected and not ok:
                first = notes.strip().splitlines()
                todo = f" # TODO {expected}, {seconds:.1f} s"
                print(f"# {name}: {first[0][:160] if first else ''}")
            took = f" # {seconds:.1f} s"
            if boot:
                took += f", {boot:.1f} s of them to boot"
            print(f"{'ok' if ok else 'not ok'} {self.number} {name}"
                  f"{todo or took}", flush=True)

    def table(self, seconds: float) -> None:
        """Where the time went; a boot counts for the scenario that needed
        it."""
        print(f"# {seconds:.0f} s; the longest:")
        for took, name in sorted(self.times, reverse=True)[:LONGEST]:
            print(f"# {took:6.1f} s {name}")

    def close(self) -> int:
        """The closing line; returns the exit code."""
        if self.expected:
            print(f"# {self.expected} known defects of the stock guest "
                  "showed as expected")
        print(f"{self.passed} passed, {self.failed} failed", flush=True)
        return 1 if self.failed or not self.passed else 0


class GroupRun:
    """Runs one group, with as many boots as it takes."""

    def __init__(self, group_: Group, ktap: Ktap, keep_logs: bool = False):
        self.group, self.ktap, self.keep_logs = group_, ktap, keep_logs
        self.host: Host | None = None
        self.boots = 0
        self.booting = 0.0	# seconds, since the scenario began

    def run(self) -> None:
        """All scenarios; never raises."""
        for one in self.group.scenarios:
            start = time.monotonic()
            self.booting = 0.0
            name = f"{self.group.guest}/{self.group.kernel}/{one.name}"
            if self.group.setup.cpus > 1:
                name += f"/{self.group.setup.cpus}cpu"
            expected = (stock_defects.reason(one.name, self.group.kernel)
                        if self.group.guest == STOCK else None)
            error = self._try(one, expected)
            if (expected and error and self.host and not stock_defects.shown(
                    one.name, self.host.machine.console_text())):
                print(f"# {one.name}: failed, but not with the trace that it "
                      "is known for", flush=True)
                expected = None
            self.ktap.result(name, error is None, expected,
                             time.monotonic() - start, error or "",
                             self.booting)
            if one.dirty or (error and not expected):
                self._stop()
        self._stop()

    def _try(self, one: Scenario, expected: str | None) -> str | None:
        """Runs a scenario; again, in a fresh guest, where hv_utils was unlucky.

        Its use-after-free can come in between at any time. For the rest it
        has races of its own (an answer that is lost when requests come close
        together), so one unexpected failure is told and tried again. That is
        for the stock guest alone: ours gets one try.
        """
        forgiven = bool(expected)
        for _ in range(stock_defects.TRIES):
            error = self._attempt(one, PATIENCE if expected else 600)
            if (not error or self.group.guest != STOCK
                    or one.name in stock_defects.TRACES):
                break
            if self.host and stock_defects.INTERMITTENT.search(
                    self.host.machine.console_text()):
                print(f"# {one.name}: hv_utils' use-after-free came in "
                      "between", flush=True)
            elif not forgiven:
                forgiven = True
                print(f"# {one.name}: the stock guest failed it once:",
                      *error.splitlines()[:3], sep="\n#   ", flush=True)
            else:
                break
            self._stop()
        return error

    def _attempt(self, one: Scenario, patience: float) -> str | None:
        """Runs a scenario; returns what went wrong, with the logs' ends."""
        try:
            host = self._ready()
        except Exception:	# whatever it is, it is this scenario's failure
            return self._failure(one, "the guest is not as promised")
        before = len(complaints(host))
        test = Test(host, self.group.guest, self.group.kernel,
                    self.group.setup)
        host.transcript.add("scenario", f"==== {one.name}")
        limit = one.limit * (4 if self.group.kernel in CHECKERS else 1)
        watchdog = threading.Timer(limit, lambda: (
            host.machine.set_fault(host.machine.hang(
                f"the scenario took longer than {limit} s"))))
        watchdog.start()
        host.kvp.patience = patience
        try:
            one.run(test)
            bad = complaints(host)[before:]
            if one.provokes:
                bad = forgive(bad, one.provokes)
            if bad:
                raise Failed("the kernel complained: " + "\n".join(bad))
            if host.kvp.violations:
                raise Failed("protocol violations: "
                             + "; ".join(host.kvp.violations))
        except Exception:
            return self._failure(one, report=patience > PATIENCE)
        finally:
            watchdog.cancel()
            host.kvp.patience = 600
            host.kvp.violations.clear()
        return None

    def _ready(self) -> Host:
        """A guest in the state that scenarios are promised."""
        if self.host:
            try:
                self._reset()
            except Exception as error:
                self.host.transcript.add("scenario", f"reset: {error!r}")
                # ours must survive every scenario that does not say "dirty"
                if self.group.guest != STOCK:
                    raise
                print(f"# {self.group.title}: the guest is good no more, "
                      f"booting again: {error}", flush=True)
                self._stop()
        if not self.host:
            start = time.monotonic()
            self._boot_with_luck()
            self._reset()
            self.booting += time.monotonic() - start
        return self.host

    def _boot_with_luck(self) -> None:
        """Boots, a second time where QEMU ran stale code the first time."""
        try:
            self._boot()
        except Exception:
            if (self.group.setup.thread != "multi" or not self.host
                    or not STALE_CODE.search(
                        self.host.machine.console_text())):
                raise
            print(f"# {self.group.title}: QEMU ran code that the guest had "
                  "patched; booting again", flush=True)
            self._stop()
            self._boot()

    def _boot(self) -> None:
        self.host = make_host(self.group.guest, self.group.kernel,
                              self.group.setup)
        self.boots += 1
        self.host.boot(PATIENT_BOOT if self.group.kernel in CHECKERS else 120)
        if self.group.setup.start != "none":
            self.host.kvp.wait_pushed(60)

    def _reset(self) -> None:
        Test(self.host, self.group.guest, self.group.kernel,
             self.group.setup).reset()

    def _failure(self, one: Scenario, what: str = "",
                 report: bool = True) -> str:
        """What went wrong, for people; @report: with the guest's state."""
        lines = traceback.format_exc().strip().splitlines()
        message = [lines[-1].removeprefix("scenario.Failed: ")]
        if what:
            message.insert(0, f"{what}: {lines[-1]}")
        message += ["", *lines]
        if self.host:
            where = paths.RESULTS / self.group.title / one.name
            # first: what the guest says of itself is on the console too
            state = diagnosis(self.host) if report else ""
            self.host.save(where)
            if state:
                (where / "state.log").write_text(state)
            message += ["", "transcript:", self.host.transcript.tail(25),
                        "", "console:", self.host.machine.console_tail(25),
                        "", f"all of it: {where.relative_to(paths.ROOT)}"]
        return "\n".join(message)

    def _stop(self) -> None:
        if not self.host:
            return
        if self.keep_logs:
            self.host.save(paths.RESULTS / self.group.title
                           / f"boot-{self.boots}")
        self.host.stop()
        self.host = None


def run_groups(groups: list[Group], jobs: int = JOBS,
               keep_logs: bool = False) -> int:
    """Runs all groups; returns the exit code."""
    start = time.monotonic()
    ktap = Ktap(sum(len(g.scenarios) for g in groups))
    # The longest first, so that no long one is left for the end.
    groups.sort(key=lambda g: (-(g.kernel in CHECKERS), -len(g.scenarios)))
    with ThreadPoolExecutor(jobs) as pool:
        for future in [pool.submit(GroupRun(g, ktap, keep_logs).run)
                       for g in groups]:
            future.result()
    ktap.table(time.monotonic() - start)
    return ktap.close()


def clear_results() -> None:
    """Removes the logs of earlier runs."""
    shutil.rmtree(paths.RESULTS, ignore_errors=True)
    paths.RESULTS.mkdir(parents=True)
