# SPDX-License-Identifier: GPL-2.0
"""The header for programs: that it compiles wherever it may be included, and its numbers."""
from __future__ import annotations

import re
import subprocess
import tempfile
from pathlib import Path

from kernels.cache import Error

HEADER = "include/uapi/linux/hv_kvp.h"
PAGE = "Documentation/userspace-api/hv_kvp/numbers.md"

C = [("gcc", f"-std={standard}", "-xc") for standard in
     ("c89", "c99", "c11", "c17", "c2x", "gnu89", "gnu2x")]
CXX = [("g++", f"-std={standard}", "-xc++") for standard in
       ("c++11", "c++14", "c++17", "c++20", "c++23")]
WARNINGS = ("-pedantic-errors", "-Wall", "-Wextra", "-Wpadded", "-Werror")
# Alone, twice, and beside what else a program of this kind includes, in either order. That has
# warnings of its own, which are not ours.
OURS = "#include <linux/hv_kvp.h>\n"
BESIDE = '#pragma GCC diagnostic ignored "-Wpadded"\n#include <linux/hyperv.h>\n'
ORDERS = {"alone": OURS, "twice": OURS * 2,
          "before linux/hyperv.h": OURS + BESIDE, "behind linux/hyperv.h": BESIDE + OURS,
          "behind libc": "#include <stdint.h>\n#include <sys/ioctl.h>\n" + OURS,
          "before libc": OURS + "#include <stdint.h>\n#include <sys/ioctl.h>\n"}
# Each structure is used, and none of its members has a name that C++ keeps.
USE = "struct all {{ {members} }};\nextern struct all all;\n"

STRUCT = re.compile(r"^struct (hv_kvp_\w+) \{$", re.MULTILINE)
CALL = re.compile(r"^#define (HV_KVP_IOC_(\w+))\s+(_IO\w*)\(HV_KVP_IOC_MAGIC, \d+, struct (\w+)\)$",
                  re.MULTILINE)
DOC = re.compile(r"/\*\*\n \* struct (\w+) -.*?\*/", re.DOTALL)
MEMBER = re.compile(r"^ \* @(\w+):((?:.*\n \*\t)*.*)", re.MULTILINE)


def machine(bits: int) -> list[str]:
    """Options for programs of so many bits. The headers of asm/ are the same for both."""
    if bits == 64:
        return []
    triplet = subprocess.run(["gcc", "-print-multiarch"], capture_output=True, text=True,
                             check=True).stdout.strip()
    return ["-m32", "-idirafter", f"/usr/include/{triplet}"]


def compiles(root: Path) -> str:
    """With every standard of C and C++, for 32 and 64 bits, in any order."""
    structs = STRUCT.findall((root / HEADER).read_text())
    use = USE.format(members=" ".join(f"struct {name} a{i};" for i, name in enumerate(structs)))
    bad: list[str] = []
    count = 0
    for compiler, *options in C + CXX:
        for bits in (64, 32):
            for order, includes in ORDERS.items():
                count += 1
                done = subprocess.run(
                    [compiler, *options, *WARNINGS, *machine(bits), "-fsyntax-only",
                     f"-I{root / 'include/uapi'}", "-"],
                    input=includes + use, capture_output=True, text=True, check=False)
                if done.returncode:
                    bad.append(f"{compiler} {options[0]}, {bits} bits, {order}:\n{done.stderr}")
    if bad or not structs:
        raise Error("\n".join(bad) or "no structures")
    return f"{len(structs)} structures, {count} times"


def last_required(text: str) -> dict[str, str]:
    """Of each structure the last member that every program must have."""
    found: dict[str, str] = {}
    for doc in DOC.finditer(text):
        for name, about in MEMBER.findall(doc[0]):
            if "required up to here" in re.sub(r"\s*\n \*\t", " ", about):
                found[doc[1]] = name
    return found


def page(root: Path) -> str:
    """The page of the numbers, as the compiler has them."""
    text = (root / HEADER).read_text()
    required = last_required(text)
    calls = CALL.findall(text)
    lines = "".join(
        f'printf("| {name} | 0x%08X | {kind} | %u | %u | %u |\\n", (unsigned){name}, '
        f"(unsigned)_IOC_NR({name}), (unsigned)sizeof(struct {struct}), "
        f"(unsigned)(offsetof(struct {struct}, {required[struct]}) + "
        f"sizeof(((struct {struct} *)0)->{required[struct]})));\n"
        for name, _, kind, struct in calls)
    program = f"#include <stddef.h>\n#include <stdio.h>\n{OURS}int main(void) {{ {lines} return 0; }}"
    with tempfile.TemporaryDirectory() as scratch:
        binary = Path(scratch, "numbers")
        subprocess.run(["gcc", "-xc", f"-I{root / 'include/uapi'}", "-o", binary, "-"],
                       input=program, text=True, check=True)
        table = subprocess.run([binary], capture_output=True, text=True, check=True).stdout
    return f"""# The numbers of the calls

For programs that have no C header: Python, Go, a rule of seccomp. They are the same on every
architecture whose `_IOC()` is that of asm-generic (x86, arm64, riscv and all newer ones).

| call | number | | nr | size | smallest size |
|---|---|---|---|---|---|
{table}
The number holds the size of the structure in bits 16 to 29. A program may use any size from the
smallest one on: it puts its own into the number. What it leaves out is 0 for the kernel, and what
the kernel does not know has to be 0. A number that is written here is good for ever.
"""


def numbers(root: Path) -> str:
    """The page has the numbers that the header has."""
    wanted = page(root)
    if (root / PAGE).read_text() != wanted:
        raise Error(f"{PAGE} is to be:\n{wanted}")
    return f"{wanted.count('HV_KVP_IOC_')} numbers"
