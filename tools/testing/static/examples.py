# SPDX-License-Identifier: GPL-2.0
"""The examples of the pages on the userspace API, as C and as C++, and the programs beside them."""
from __future__ import annotations

import os
import re
import subprocess
from pathlib import Path

from kernels.cache import Error
from kernels.cache import root as cache_root

from .header import machine

PAGES = "Documentation/userspace-api/hv_kvp"
# Whoever calls a device from C++ has designated initializers since C++20.
COMPILERS = (("gcc", "-std=gnu11", "-xc"), ("g++", "-std=gnu++20", "-xc++"))
# The examples leave out what is done with the values, and fields that are 0.
WARNINGS = ("-Wall", "-Wextra", "-Werror", "-Wno-unused", "-Wno-missing-field-initializers")
CODE = re.compile(r"(?:^(?: {4}.*)?\n)+", re.MULTILINE)
LEFT_OUT = re.compile(r"^(\s*)\.\.\.", re.MULTILINE)
# What the examples take from the program around them.
PROGRAM = """#include <errno.h>
#include <net/if.h>
#include <stdint.h>
#include <stdio.h>
#include <sys/ioctl.h>
#include <unistd.h>
#include <linux/hv_kvp.h>

extern int fd;
extern struct hv_kvp_op *ops;
extern unsigned int count;
extern __u8 servers[2][4];
extern struct hv_kvp_ip_request request;
extern const char *record;

void example(void);
void example(void)
{
#line %d "%s"
%s
}
"""


def examples(page: Path) -> list[tuple[int, str]]:
    """The page's blocks of code that are about the device: line and text."""
    text = page.read_text()
    return [(text.count("\n", 0, match.start()) + 1, match[0]) for match in CODE.finditer(text)
            if "hv_kvp_" in match[0]]


def compiles(root: Path) -> str:
    """Each example compiles, with '...' for an empty block."""
    bad: list[str] = []
    count = 0
    for page in sorted((root / PAGES).glob("*.md")):
        for line, text in examples(page):
            count += 1
            source = PROGRAM % (line, page.relative_to(root), LEFT_OUT.sub(r"\1{ }", text))
            for compiler, *options in COMPILERS:
                done = subprocess.run(
                    [compiler, *options, *WARNINGS, "-fsyntax-only",
                     f"-I{root / 'include/uapi'}", "-"],
                    input=source, capture_output=True, text=True, check=False)
                if done.returncode:
                    bad.append(f"{compiler}:\n{done.stderr}")
    if bad or not count:
        raise Error("\n".join(bad) or "no examples")
    return f"{count} examples"


# The programs: whole ones, in three languages.
CHECKS = (
    *(("gcc", *machine(bits), "-std=gnu11", "-Wall", "-Wextra", "-Wshadow", "-Werror",
       "-fsyntax-only", "-Iinclude/uapi", f"{PAGES}/example.c") for bits in (64, 32)),
    ("/usr/bin/gofmt", "-l", f"{PAGES}/example.go"),
    ("/usr/bin/go", "vet", f"{PAGES}/example.go"),
    ("pyflakes3", f"{PAGES}/example.py"),
)
NUMBER = re.compile(r"0x[0-9A-F]{8}\b")
STANDARD = re.compile(r"^(?:import|from) (\w+)", re.MULTILINE)


def programs(root: Path) -> str:
    """The programs are as their compilers want them, with the numbers of the page and
    with nothing but what comes with the language."""
    bad = []
    env = os.environ | {"GO111MODULE": "off", "GOFLAGS": "", "GOCACHE": str(cache_root() / "go")}
    for command in CHECKS:
        done = subprocess.run(command, cwd=root, env=env, capture_output=True, text=True,
                              check=False)
        if done.returncode or done.stdout:
            bad.append(f"{' '.join(command)}:\n{done.stdout}{done.stderr}")
    numbers = set(NUMBER.findall((root / PAGES / "numbers.md").read_text()))
    for name in ("example.py", "example.go"):
        used = set(NUMBER.findall((root / PAGES / name).read_text()))
        bad += [f"{name}: {one} is the number of no call" for one in sorted(used - numbers)]
        if not used:
            bad.append(f"{name} has no numbers")
    imported = set(STANDARD.findall((root / PAGES / "example.py").read_text()))
    if imported - {"ctypes", "fcntl", "os", "struct", "sys"}:
        bad.append(f"example.py imports {' '.join(sorted(imported))}")
    if bad:
        raise Error("\n".join(bad))
    return f"{len(CHECKS)} checks"
