# SPDX-License-Identifier: GPL-2.0
"""The kernel's source, from Debian's linux-source package, unpacked once."""
from __future__ import annotations

import functools
from pathlib import Path

from . import apt
from .cache import Error, digest, entry, remember, remembered, remove, run, say

PACKAGE = "linux-source-6.1"
ARCHIVE = Path(f"usr/src/{PACKAGE}.tar.xz")

# On a CPU with AMX the floating point state of a process has 11 KiB, for which UML
# up to 6.1 has 2,696 bytes: every process dies ("ptrace set fp regs failed").
# The buffer is in thread_info, hence KERNEL_STACK_ORDER in uml-base.config.
PATCHED = "arch/x86/um/user-offsets.c"
PATCH = ("DEFINE_LONGS(HOST_FP_SIZE, 2696)", "DEFINE_LONGS(HOST_FP_SIZE, 12288)")


def change() -> str:
    """Names our change to the source."""
    return digest(PATCHED, *PATCH)


def unpack(version: str, work: Path) -> None:
    """Make the entry."""
    say(f"fetching and unpacking {PACKAGE} {version}")
    debs, package = work / ".debs", work / ".package"
    for deb in apt.download([(PACKAGE, "amd64", version)], debs):
        run("dpkg", "-x", deb, package)
    run("tar", "-C", work, "--strip-components=1", "-xf", package / ARCHIVE)
    remove(debs)
    remove(package)
    path = work / PATCHED
    text = path.read_text()
    if text.count(PATCH[0]) != 1:
        raise Error(f"{path} is not as expected")
    path.write_text(text.replace(*PATCH))


@functools.cache
def source() -> Path:
    """The source tree, the newest that the mirrors had at first; not to be built in, only from."""
    path = remembered("source", PACKAGE, change())
    if not path:
        apt.update()
        found = apt.versions(PACKAGE)
        if not found:
            raise Error(f"the mirrors have no {PACKAGE}")
        path = entry("source", f"{found[0]}_{change()}", lambda work: unpack(found[0], work))
        remember("source", PACKAGE, path)
    return path


def key() -> str:
    """Names the source with our change to it."""
    return source().name


def version() -> str:
    """The version of the package."""
    return key().rpartition("_")[0]
