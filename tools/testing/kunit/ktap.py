# SPDX-License-Identifier: GPL-2.0
"""Reads the results of KUnit's test modules from a kernel's log.

Not from debugfs: there a case has 512 bytes (KUNIT_LOG_SIZE), which a table of
parameters overruns, and the rest is lost.
"""
from __future__ import annotations

import dataclasses
import re
from collections.abc import Iterator

# of the tree that the module was built in
COPY = re.compile(r"\S*/module/\S+?/src/(?:\S*\.\./)?")
TIME = re.compile(r"^(?:<\d+>)?\[ *\d+\.\d+\](?:\[ *[CT]\d+\])? ?")
SUITE = re.compile(r"^    # Subtest: (\S+)$")
PLAN = re.compile(r"^    1\.\.(\d+)$")
RESULT = re.compile(r"^( *)(not ok|ok) (\d+)(?: -)? (.*?)(?: # SKIP ?(.*))?$")


@dataclasses.dataclass
class Test:
    """One case, or one row of the table of a case; @skip is the reason if it was skipped."""
    name: str
    passed: bool
    skip: str | None = None


class Malformed(Exception):
    """The log is not that of suites that ran to their end."""


def untimed(log: str) -> list[str]:
    """The lines of the log without their timestamps."""
    return [TIME.sub("", line) for line in log.splitlines()]


def diagnostics(lines: list[str]) -> Iterator[str]:
    """What KUnit says of failed expectations and of its totals."""
    for line in lines:
        if re.match(r"^ +# (?!Subtest)", line) or re.match(r"^ {4,}(Expected|\S+ ==)", line):
            yield COPY.sub("", line)


def numbered(seen: list[int], what: str) -> None:
    """Results must be 1, 2, 3...: the console can drop lines."""
    if seen != list(range(1, len(seen) + 1)):
        raise Malformed(f"{what}: results {seen} are not consecutive")


class Suite:
    """Collects what the log says of one suite."""

    def __init__(self, name: str):
        self.name = name
        self.planned: int | None = None
        self.tests: list[Test] = []
        self.numbers: list[int] = []
        self.rows: list[Test] = []
        self.row_numbers: list[int] = []

    def row(self, number: int, test: Test) -> None:
        """One row of the table of the case that is running."""
        self.rows.append(test)
        self.row_numbers.append(number)

    def case(self, number: int, test: Test) -> None:
        """The end of a case; its rows, if it has any, stand for it."""
        numbered(self.row_numbers, f"{self.name}.{test.name}")
        if test.passed and not all(row.passed for row in self.rows):
            raise Malformed(f"{self.name}.{test.name} passed, a row of it did not")
        self.numbers.append(number)
        for row in self.rows:
            self.tests.append(dataclasses.replace(row, name=f"{test.name}: {row.name}"))
        if not self.rows or not test.passed and all(row.passed for row in self.rows):
            self.tests.append(test)
        self.rows, self.row_numbers = [], []

    def end(self, test: Test) -> list[Test]:
        """The end of the suite: all its tests, named with its name."""
        numbered(self.numbers, self.name)
        if not self.planned or self.planned != len(self.numbers):
            raise Malformed(f"{self.name}: {self.planned} planned, {len(self.numbers)} reported")
        found = [dataclasses.replace(each, name=f"{self.name}.{each.name}") for each in self.tests]
        if not test.passed and all(each.passed for each in found):
            found.append(Test(f"{self.name} as a whole", False))
        return found


def suites(lines: list[str]) -> dict[str, list[Test]]:
    """The tests of each suite that the log has, in its order."""
    done: dict[str, list[Test]] = {}
    suite: Suite | None = None
    for line in lines:
        if "printk messages dropped" in line:
            raise Malformed(line)
        start, plan, result = SUITE.match(line), PLAN.match(line), RESULT.match(line)
        if start:
            if suite:
                raise Malformed(f"{suite.name} did not end before {start[1]} began")
            suite = Suite(start[1])
        elif plan and suite:
            suite.planned = int(plan[1])
        elif result:
            test = Test(result[4].strip(), result[2] == "ok", result[5])
            number, depth = int(result[3]), len(result[1])
            if depth == 0:
                # a suite whose init failed has no header and no cases
                done[test.name] = suite.end(test) if suite else [test]
                suite = None
            elif suite and depth == 4:
                suite.case(number, test)
            elif suite:
                suite.row(number, test)
    if suite:
        raise Malformed(f"{suite.name} did not end")
    return done
