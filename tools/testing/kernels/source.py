# SPDX-License-Identifier: GPL-2.0
"""The kernel's source, from Debian's linux-source package, unpacked once."""
from __future__ import annotations

from pathlib import Path

from .cache import Error, digest, entry, run, say
from .packages import installed

PACKAGE = "linux-source-6.1"
ARCHIVE = Path(f"/usr/src/{PACKAGE}.tar.xz")

# On a CPU with AMX the floating point state of a process has 11 KiB, for which UML
# up to 6.1 has 2,696 bytes: every process dies ("ptrace set fp regs failed").
# The buffer is in thread_info, hence KERNEL_STACK_ORDER in uml-base.config.
PATCHED = "arch/x86/um/user-offsets.c"
PATCH = ("DEFINE_LONGS(HOST_FP_SIZE, 2696)", "DEFINE_LONGS(HOST_FP_SIZE, 12288)")


def version() -> str:
    """The version of the installed package."""
    found = installed().get(PACKAGE)
    if not found:
        raise Error(f"{PACKAGE} is not installed; run kernels.py setup")
    return found


def key() -> str:
    """Names the source with our change to it."""
    return f"{version()}_{digest(PATCHED, *PATCH)}"


def unpack(work: Path) -> None:
    """Make the entry."""
    say(f"unpacking {PACKAGE}")
    run("tar", "-C", work, "--strip-components=1", "-xf", ARCHIVE)
    path = work / PATCHED
    text = path.read_text()
    if text.count(PATCH[0]) != 1:
        raise Error(f"{path} is not as expected")
    path.write_text(text.replace(*PATCH))


def source() -> Path:
    """The source tree; not to be built in, only from."""
    return entry("source", key(), unpack)
