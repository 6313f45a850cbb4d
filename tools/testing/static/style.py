# SPDX-License-Identifier: GPL-2.0
"""checkpatch --strict and kernel-doc over our C, pyflakes over our Python."""
from __future__ import annotations

import fnmatch
import re
import subprocess
import tempfile
from pathlib import Path

from kernels import stock
from kernels.cache import Error
from kernels.source import source

FOLDERS = ("drivers", "include", "tools")
DOCUMENTED = ("drivers", "include")
SUFFIXES = {".c", ".h", ".S"}

# What checkpatch finds that is no fault: files, types, reason.
EXCEPTIONS = (
    ("drivers/hv/kvp/trace.h", {"PARENTHESIS_ALIGNMENT", "OPEN_ENDED_LINE"},
     "TRACE_EVENT() is written so in every trace header of the kernel"),
    ("drivers/hv/kvp/compat.h", {"NEW_TYPEDEFS", "COMPLEX_MACRO", "MACRO_WITH_FLOW_CONTROL",
                                 "CAMELCASE", "TRAILING_STATEMENTS", "LINUX_VERSION_CODE",
                                 "CONSTANT_COMPARISON"},
     "what differs between kernels is a type or a statement, chosen by macros and _Generic, and a "
     "function that was replaced by its version"),
    ("tools/*", {"PREFER_DEFINED_ATTRIBUTE_MACRO", "BIT_MACRO", "VOLATILE",
                 "EMBEDDED_FUNCTION_NAME", "AVOID_EXTERNS", "ENOSYS", "PREFER_KERNEL_TYPES",
                 "AVOID_BUG"},
     "user space and freestanding code has no kernel headers; externs name assembly and linker "
     "symbols, BUG() ends a program"),
    ("tools/testing/shim/*", {"NEW_TYPEDEFS", "MEMORY_BARRIER", "COMPLEX_MACRO",
                                            "CAMELCASE", "MACRO_ARG_REUSE"},
     "they define for user space what the kernel's headers of these names define"),
    ("tools/testing/hvhost/src/types.h", {"MEMORY_BARRIER", "COMPLEX_MACRO", "MACRO_ARG_REUSE"},
     "it defines barriers and accessors as the kernel does"),
    ("tools/testing/selftests/*", {"MACRO_ARG_REUSE"},
     "TEST() makes a function and what registers it of one name"),
    ("tools/testing/fuzz/fuzz_*.c", {"CAMELCASE"}, "libFuzzer calls them by these names"),
)
FINDING = re.compile(r"^(?P<file>\S+?):(?P<line>\d+): (?:ERROR|WARNING|CHECK):(?P<type>\w+): .*")


def sources(root: Path, folders: tuple[str, ...]) -> list[str]:
    """Our C files below @folders, without what a build left there."""
    found = []
    for folder in folders:
        for path in sorted((root / folder).rglob("*")):
            if path.suffix in SUFFIXES and not path.name.endswith(".mod.c"):
                found.append(str(path.relative_to(root)))
    return found


def excepted(line: str) -> bool:
    """Whether a finding is one of EXCEPTIONS."""
    match = FINDING.match(line)
    return bool(match) and any(fnmatch.fnmatch(match["file"], files) and match["type"] in types
                               for files, types, _ in EXCEPTIONS)


def checkpatch(root: Path) -> str:
    """Run it on every file; returns what it ran on."""
    files = sources(root, FOLDERS)
    with tempfile.TemporaryDirectory() as scratch:		# it leaves a file where it is run
        for folder in FOLDERS:
            Path(scratch, folder).symlink_to(root / folder)
        done = subprocess.run(["perl", source() / "scripts/checkpatch.pl", "--no-tree", "--strict",
                               "--show-types", "--emacs", "-f", *files],
                              cwd=scratch, capture_output=True, text=True, check=False)
    lines = (done.stdout + done.stderr).splitlines()
    totals = [line for line in lines if re.match(r"total: .* lines checked$", line)]
    if not files or len(totals) != len(files):
        raise Error(f"checkpatch looked at {len(totals)} of {len(files)} files\n" + done.stderr)
    found = [line for line in lines if FINDING.match(line) and not excepted(line)]
    if found:
        raise Error("\n".join(found))
    return f"{len(files)} files"


def kernel_doc(root: Path) -> str:
    """Run the one of 6.12, the newest in perl: it also wants return values described."""
    files = sources(root, DOCUMENTED)
    done = subprocess.run(["perl", stock("6.12").kdir / "scripts/kernel-doc", "-none", "-v",
                           "-Wall", "-Werror", *files],
                          cwd=root, capture_output=True, text=True, check=False)
    lines = (done.stdout + done.stderr).splitlines()
    seen = [line for line in lines if ": info: Scanning doc for" in line]
    rest = [line for line in lines if line not in seen]
    if done.returncode or rest:
        raise Error("\n".join(rest) or f"exit status {done.returncode}")
    if not seen:
        raise Error(f"kernel-doc found no comment in {len(files)} files")
    return f"{len(seen)} comments in {len(files)} files"


def scripts(root: Path) -> list[str]:
    """Our files of Python, by name or by first line."""
    found = []
    for path in sorted((root / "tools").rglob("*")):
        if path.is_file() and "build" not in path.parts and (path.suffix == ".py" or (
                not path.suffix and path.read_bytes()[:64].startswith(b"#!/usr/bin/env python3\n"))):
            found.append(str(path.relative_to(root)))
    return found


def pyflakes(root: Path) -> str:
    """Names that nothing defines, and imports that nothing uses unless the line says noqa."""
    files = scripts(root)
    done = subprocess.run(["pyflakes3", *files], cwd=root, capture_output=True, text=True,
                          check=False)
    findings = []
    for line in (done.stdout + done.stderr).splitlines():
        file, number = (line.split(":") + ["", ""])[:2]
        meant = number.isdigit() and "# noqa" in (
            root / file).read_text().splitlines()[int(number) - 1]
        if not meant:
            findings.append(line)
    if findings or not files or done.returncode not in (0, 1):
        raise Error("\n".join(findings) or f"pyflakes3 ended with {done.returncode}")
    return f"{len(files)} files"
