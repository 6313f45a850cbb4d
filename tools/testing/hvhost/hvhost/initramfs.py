# SPDX-License-Identifier: GPL-2.0
"""Builds the guest's initramfs: busybox, kernel modules, the agent and /init.

The guest is one cpio archive, made anew for each boot from what the caller
names, so that no state outlives a boot. Kernel modules come from a modules
tree, with their dependencies.
"""
from __future__ import annotations

import gzip
import lzma
import os
import re
import stat
import subprocess
from collections.abc import Iterable
from dataclasses import dataclass, field
from pathlib import Path

TOOLS = Path(__file__).resolve().parents[1]
AGENT_SOURCE = TOOLS / "guest" / "agent.c"
INIT = TOOLS / "guest" / "init"
BUSYBOX = Path("/bin/busybox")
AGENT_TTY = "/dev/ttyS1"


class InitramfsError(Exception):
    """Something that the initramfs needs is missing; says what."""


class Cpio:
    """Writes an archive in the "newc" format that the kernel unpacks.

    Format: Documentation/driver-api/early-userspace/buffer-format.rst of
    Linux. Parents are made as needed; a path can be given only once.
    """

    def __init__(self) -> None:
        self._out = bytearray()
        self._paths: set[str] = set()

    def _entry(self, path: str, mode: int, data: bytes = b"",
               device: tuple[int, int] = (0, 0)) -> None:
        name = path.encode() + b"\0"
        fields = [len(self._paths) + 1, mode, 0, 0, 1, 0, len(data), 0, 0,
                  *device, len(name), 0]
        self._out += b"070701" + b"".join(b"%08X" % f for f in fields) + name
        self._out += b"\0" * (-len(self._out) % 4)
        self._out += data
        self._out += b"\0" * (-len(self._out) % 4)

    def _add(self, path: str, mode: int, data: bytes = b"",
             device: tuple[int, int] = (0, 0)) -> None:
        path = path.strip("/")
        if path in self._paths:
            raise InitramfsError(f"/{path} is given twice")
        self.mkdir(os.path.dirname(path))
        self._paths.add(path)
        self._entry(path, mode, data, device)

    def mkdir(self, path: str, mode: int = 0o755) -> None:
        """Makes a directory and its parents, unless they are there."""
        path = path.strip("/")
        if path and path not in self._paths:
            self._add(path, stat.S_IFDIR | mode)

    def file(self, path: str, data: bytes, mode: int = 0o644) -> None:
        """Adds a regular file."""
        self._add(path, stat.S_IFREG | mode, data)

    def symlink(self, path: str, target: str) -> None:
        """Adds a symbolic link."""
        self._add(path, stat.S_IFLNK | 0o777, target.encode())

    def chardev(self, path: str, major: int, minor: int,
                mode: int = 0o600) -> None:
        """Adds a character device; /dev/console must exist before devtmpfs."""
        self._add(path, stat.S_IFCHR | mode, device=(major, minor))

    def __contains__(self, path: str) -> bool:
        return path.strip("/") in self._paths

    def finish(self) -> bytes:
        """The archive, padded to whole 512-byte blocks."""
        self._entry("TRAILER!!!", 0)
        self._out += b"\0" * (-len(self._out) % 512)
        return bytes(self._out)


def read_module(path: Path) -> bytes:
    """A module as the kernel loads it: 6.12 and later ship .ko.xz."""
    data = path.read_bytes()
    if path.suffix == ".xz":
        return lzma.decompress(data)
    if path.suffix == ".gz":
        return gzip.decompress(data)
    return data


def module_name(path: str | Path) -> str:
    """The name that the kernel gives a module file."""
    return re.sub(r"\.ko(\.[a-z]+)?$", "",
                  os.path.basename(path)).replace("-", "_")


class ModuleTree:
    """The modules of one kernel: LIB/modules/RELEASE, with dependencies."""

    def __init__(self, directory: Path):
        self.directory = Path(directory)
        self.files: dict[str, Path] = {}
        self.needs: dict[str, list[str]] = {}
        for line in (self.directory / "modules.dep").read_text().splitlines():
            path, _, needs = line.partition(":")
            name = module_name(path)
            self.files[name] = self.directory / path
            self.needs[name] = [module_name(n) for n in needs.split()]
        builtin = self.directory / "modules.builtin"
        self.builtin = {module_name(line) for line in
                        (builtin.read_text().split() if builtin.exists()
                         else ())}

    def order(self, names: Iterable[str]) -> list[Path]:
        """The files to insert, dependencies first; built-ins are left out."""
        done: list[str] = []

        def visit(name: str) -> None:
            name = name.replace("-", "_")
            if name in done or name in self.builtin:
                return
            if name not in self.files:
                raise InitramfsError(
                    f"no module {name} in {self.directory}")
            for need in reversed(self.needs[name]):
                visit(need)
            done.append(name)

        for name in names:
            visit(name)
        return [self.files[name] for name in done]


def build_agent(cache: Path) -> Path:
    """Compiles the guest agent, statically, once per version of its source."""
    agent = cache / "hvhost-agent"
    if agent.exists() and agent.stat().st_mtime > AGENT_SOURCE.stat().st_mtime:
        return agent
    cache.mkdir(parents=True, exist_ok=True)
    temp = cache / f"hvhost-agent.{os.getpid()}"
    subprocess.run(["gcc", "-O2", "-Wall", "-Wextra", "-Werror", "-static",
                    "-s", "-o", str(temp), str(AGENT_SOURCE)], check=True)
    temp.rename(agent)
    return agent


@dataclass
class Image:
    """What goes into a guest.

    modules: names to insert at boot from @tree, in this order (dependencies
    come by themselves); on_disk: names that are only made available below
    /modules, for the test to insert. extra_modules: .ko files made available
    in the same place. overlays: folders copied over the guest's root. setup: shell lines that /init runs after
    the modules, before the agent starts.
    """

    tree: ModuleTree | None = None
    modules: list[str] = field(default_factory=list)
    on_disk: list[str] = field(default_factory=list)
    extra_modules: list[Path] = field(default_factory=list)
    overlays: list[Path] = field(default_factory=list)
    files: dict[str, bytes] = field(default_factory=dict)
    setup: str = ""
    hostname: str = "guest"

    def build(self, cache: Path, compress: bool = False) -> bytes:
        """The archive. Uncompressed by default: unpacking costs guest time."""
        cpio = Cpio()
        for directory in ("proc", "sys", "dev", "tmp", "run", "etc", "root",
                          "var/lib/hyperv", "var/run", "modules", "bin",
                          "sbin", "usr/bin", "usr/sbin", "mnt"):
            cpio.mkdir(directory)
        cpio.chardev("dev/console", 5, 1)
        cpio.file("bin/busybox", BUSYBOX.read_bytes(), 0o755)
        applets = subprocess.run([str(BUSYBOX), "--list"], check=True,
                                 capture_output=True, text=True)
        for applet in applets.stdout.split():
            if applet != "busybox":
                cpio.symlink(f"bin/{applet}", "busybox")
        cpio.file("bin/hvhost-agent", build_agent(cache).read_bytes(), 0o755)
        cpio.file("init", INIT.read_bytes(), 0o755)
        cpio.file("etc/hostname", self.hostname.encode() + b"\n")
        cpio.file("etc/hosts", b"127.0.0.1 localhost\n127.0.1.1 "
                  + self.hostname.encode() + b"\n")
        cpio.file("etc/os-release", b'NAME="Debian GNU/Linux"\nID=debian\n'
                                    b'VERSION_ID="12"\n')
        cpio.file("etc/passwd", b"root:x:0:0:root:/root:/bin/sh\n"
                                b"nobody:x:65534:65534::/:/bin/sh\n")
        cpio.file("etc/group", b"root:x:0:\nnogroup:x:65534:\n")
        cpio.file("etc/setup", self.setup.encode())
        self._modules(cpio)
        for tree in self.overlays:
            self._overlay(cpio, tree)
        for path, data in self.files.items():
            executable = data.startswith((b"#!", b"\x7fELF"))
            cpio.file(path, data, 0o755 if executable else 0o644)
        archive = cpio.finish()
        return gzip.compress(archive, 1) if compress else archive

    def _modules(self, cpio: Cpio) -> None:
        at_boot = self.tree.order(self.modules) if self.tree else []
        available = self.tree.order(self.on_disk) if self.tree else []
        for path in dict.fromkeys([*at_boot, *available, *self.extra_modules]):
            cpio.file(f"modules/{module_name(path)}.ko", read_module(path))
        cpio.file("etc/modules", "".join(
            f"{module_name(p)}\n" for p in at_boot).encode())
        # What a test that inserts one of them has to insert before it.
        cpio.file("etc/modules.order", "".join(
            f"{module_name(p)}\n" for p in available).encode())

    def _overlay(self, cpio: Cpio, tree: Path) -> None:
        for path in sorted(tree.rglob("*")):
            target = str(path.relative_to(tree))
            if path.is_symlink():
                cpio.symlink(target, os.readlink(path))
            elif path.is_file():
                cpio.file(target, path.read_bytes(),
                          stat.S_IMODE(path.stat().st_mode))
