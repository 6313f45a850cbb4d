# SPDX-License-Identifier: GPL-2.0
"""The examples of the pages on the userspace API, as C and as C++."""
from __future__ import annotations

import re
import subprocess
from pathlib import Path

from kernels.cache import Error

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
