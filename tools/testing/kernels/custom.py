# SPDX-License-Identifier: GPL-2.0
"""Kernels with the checkers that stock kernels lack, built from Debian's source.

Each starts from the architecture's tinyconfig and adds the fragments named here,
which lie in tools/testing/kunit/configs.
"""
from __future__ import annotations

import os
import re
import shutil
from pathlib import Path

from . import source
from .cache import PROJECT, Error, digest, entry, prune, run, say
from .kernel import Kernel
from .packages import installed

RECIPE = "r1"
CONFIGS = PROJECT / "tools/testing/kunit/configs"
COMPILER = "gcc-12"
KEEP = 2			# builds kept of each

# name -> ARCH, fragments
CUSTOM = {
    "uml-gcov": ("um", ("uml-base", "uml-gcov")),
    "uml-debug": ("um", ("uml-base", "uml-debug")),
    "x86-debug": ("x86_64", ("x86-base", "x86-debug")),
    "x86-kcsan": ("x86_64", ("x86-base", "x86-kcsan")),
}


def fragments(name: str) -> list[Path]:
    """The files that the configuration of @name is made of."""
    return [CONFIGS / f"{part}.config" for part in CUSTOM[name][1]]


def key(name: str) -> str:
    """Names everything that the kernel is built from."""
    compiler = installed().get(COMPILER, "")
    texts = [path.read_text() for path in fragments(name)]
    return f"{name}_{digest(RECIPE, source.key(), compiler, *texts)}"


def make(arch: str, out: Path, log: Path, *targets: str) -> None:
    """Run the kernel's make for the output directory @out."""
    run("nice", "-n", "10", "make", "-C", source.source(), f"ARCH={arch}", f"O={out}",
        f"CC={COMPILER}", f"HOSTCC={COMPILER}", f"-j{min(2, os.cpu_count() or 1)}", *targets,
        log=log)


def dropped(wanted: list[Path], config: Path) -> list[str]:
    """The fragments' options that are not in @config: Kconfig drops them without a word."""
    have = dict(re.findall(r"^(CONFIG_\w+)=(.*)$", config.read_text(), re.MULTILINE))
    options: dict[str, str] = {}
    for path in wanted:
        options |= dict(re.findall(r"^(CONFIG_\w+)=(.*)$", path.read_text(), re.MULTILINE))
    return [f"{name}={value}" for name, value in options.items()
            if have.get(name, "n") != value]


def configure(name: str, out: Path, log: Path) -> None:
    """Make .config, with all that was asked for."""
    arch, _ = CUSTOM[name]
    make(arch, out, log, "tinyconfig")
    run("scripts/kconfig/merge_config.sh", "-m", "-O", out, out / ".config", *fragments(name),
        cwd=source.source(), env=dict(os.environ, ARCH=arch), log=log)
    make(arch, out, log, "olddefconfig")
    lost = dropped(fragments(name), out / ".config")
    if lost:
        raise Error(f"{name}: Kconfig dropped {' '.join(lost)}")


def slim(out: Path) -> None:
    """Drop the objects: modules are built with headers, scripts and tools alone."""
    for path in list(out.rglob("*")):
        if path.suffix in (".o", ".a", ".cmd", ".gcno") and path.is_file():
            if path.relative_to(out).parts[0] not in ("scripts", "tools"):
                path.unlink()


def create(name: str, work: Path) -> None:
    """Make the entry."""
    arch, _ = CUSTOM[name]
    out, log = work / "build", work / "build.log"
    out.mkdir(exist_ok=True)
    log.unlink(missing_ok=True)
    say(f"building the kernel {name}, some minutes")
    configure(name, out, log)
    make(arch, out, log, *(("all",) if arch == "um" else ("bzImage", "modules")))
    release = (out / "include/config/kernel.release").read_text().strip()
    if arch == "um":
        (work / "vmlinux").symlink_to("build/linux")
    else:
        (work / "vmlinux").symlink_to("build/vmlinux")
        (work / "vmlinuz").symlink_to("build/arch/x86/boot/bzImage")
        make(arch, out, log, "modules_install", f"INSTALL_MOD_PATH={work / 'root'}")
        for link in ("build", "source"):
            (work / "root/lib/modules" / release / link).unlink(missing_ok=True)
    shutil.copyfile(out / ".config", work / "config")
    shutil.copyfile(out / "System.map", work / "System.map")
    slim(out)
    Kernel(name, release, source.version(), arch, work,
           make=(f"ARCH={arch}", f"CC={COMPILER}")).save(work)


def custom(name: str) -> Kernel:
    """One of CUSTOM, built if it is not in the cache; an interrupted build goes on."""
    if name not in CUSTOM:
        raise Error(f"no custom kernel {name}; there are {', '.join(CUSTOM)}")
    path = entry("custom", key(name), lambda work: create(name, work), resume=True)
    prune(path, f"{name}_", KEEP)
    return Kernel.load(path)
