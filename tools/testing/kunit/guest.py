# SPDX-License-Identifier: GPL-2.0
"""What a guest does that inserts the test module, and what to make of what it
leaves: the console's log, on which the tests report, and files (coverage, leaks).
"""
from __future__ import annotations

import dataclasses
import re
import shutil
import subprocess
from pathlib import Path

from . import ktap

BUSYBOX = Path("/bin/busybox")
START, DONE = "TESTS-START", "INIT-DONE"

# Whether a leak is one is known 5 s after the allocation (MSECS_MIN_AGE in mm/kmemleak.c).
INIT = """#!/bin/busybox sh
/bin/busybox --install -s /bin
mount -t devtmpfs dev /dev
mount -t proc proc /proc
mount -t sysfs sysfs /sys
mount -t debugfs debugfs /sys/kernel/debug
@MOUNT@
leaks=/sys/kernel/debug/kmemleak
[ -e $leaks ] && echo scan > $leaks && echo clear > $leaks
echo @START@ > /dev/kmsg
insmod /@MODULE@.ko
echo $? > /out/insmod
find /sys/kernel/debug/gcov -name '*.gcda' 2>/dev/null | while read file; do
	cat $file > /out/$(basename $file)
done
rmmod @MODULE@
echo $? > /out/rmmod
if [ -e $leaks ]; then
	sleep 6
	echo scan > $leaks
	sleep 6
	echo scan > $leaks
	cat $leaks > /out/kmemleak
fi
@BRING@
echo @DONE@ > /dev/kmsg
poweroff -f
"""

SPLAT = re.compile(r"""
    \bBUG:|\bWARNING:|\bINFO:\ (?!.*KUnit)|KASAN|UBSAN|ODEBUG|Oops|Call\ Trace|cut\ here
  | general\ protection|kernel\ panic|suspicious\ RCU|kmemleak:\ \d+\ new|list_(add|del)\ corruption
  | refcount_t:|unable\ to\ handle
""", re.VERBOSE | re.IGNORECASE)


@dataclasses.dataclass
class Boot:
    """What one boot left behind."""
    lines: list[str]		# the console from the start of the tests, without timestamps
    out: Path			# the files the guest wrote
    problems: list[str]		# why the boot counts as failed, whatever the tests say


def initramfs(folder: Path, module: Path, mount: str, bring: str = "") -> Path:
    """A cpio archive with busybox, the module and INIT. @mount: the command that makes /out, for
    files; @bring: one that sends them out."""
    tree = folder / "root"
    for name in ("bin", "proc", "sys", "dev", "out"):
        (tree / name).mkdir(parents=True)
    shutil.copy(BUSYBOX, tree / "bin/busybox")
    shutil.copy(module, tree / module.name)
    text = INIT
    for word, value in (("MOUNT", mount), ("BRING", bring), ("START", START),
                        ("DONE", DONE), ("MODULE", module.stem)):
        text = text.replace(f"@{word}@", value)
    (tree / "init").write_text(text)
    (tree / "init").chmod(0o755)
    archive = folder / "initrd"
    with open(archive, "wb") as file:
        subprocess.run("find . | cpio --quiet -o -H newc", shell=True, cwd=tree, stdout=file,
                       check=True)
    return archive


def after_start(log: str) -> list[str]:
    """The lines that count: the debug kernel has two complaints of its own at boot."""
    lines = ktap.untimed(log)
    return lines[lines.index(START) + 1:] if START in lines else []


def problems(lines: list[str], out: Path, debug: bool) -> list[str]:
    """What went wrong in a boot, apart from failed tests."""
    if not lines:
        return [f"the kernel did not get to the tests (no {START})"]
    found = [] if DONE in lines else [f"the kernel did not finish (no {DONE})"]
    splat = next((i for i, line in enumerate(lines) if SPLAT.search(line)), None)
    if splat is not None:
        found.append("the kernel complained:")
        found += lines[splat:splat + 30]
    for name in ("insmod", "rmmod"):
        path = out / name
        if not path.exists() or path.read_text().strip() != "0":
            found.append(f"{name} failed")
    leaks = out / "kmemleak"
    if debug and not leaks.exists():
        found.append("kmemleak did not run")
    elif debug and leaks.read_text().strip():
        found += ["leaked:", *leaks.read_text().splitlines()[:30]]
    return found
