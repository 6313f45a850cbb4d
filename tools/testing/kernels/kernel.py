# SPDX-License-Identifier: GPL-2.0
"""What a kernel is to the tests: files to boot it with, a tree to build modules against."""
from __future__ import annotations

import dataclasses
import json
from collections.abc import Sequence
from pathlib import Path

from .cache import Error

INFO = "kernel.json"


@dataclasses.dataclass(frozen=True)
class Kernel:
    """A kernel in the cache; every path is below @path.

    @name is what the tests call it ("6.1", "uml-gcov"), @release what uname -r says there,
    @arch the kernel's ARCH ("x86_64", "arm64", "um"), @version that of the Debian package.
    @chroot says that its modules are built in a chroot with a newer toolchain, @make what
    the kernel's make has to be told besides, to build them with the compiler of the kernel.
    """
    name: str
    release: str
    version: str
    arch: str
    path: Path
    chroot: bool = False
    make: tuple[str, ...] = ()

    def save(self, path: Path) -> None:
        """Write what load() reads into the entry that is being made at @path."""
        data = dataclasses.asdict(self) | {"path": ""}
        (path / INFO).write_text(json.dumps(data, indent=1) + "\n")

    @staticmethod
    def load(path: Path) -> Kernel:
        """The kernel of a complete entry."""
        return Kernel(**(json.loads((path / INFO).read_text()) | {"path": path}))

    def _file(self, name: str) -> Path:
        path = self.path / name
        if not path.exists():
            raise Error(f"{self.name} is for compiling only: it has no {name}")
        return path

    @property
    def vmlinux(self) -> Path:
        """The uncompressed ELF image (the program itself on UML)."""
        return self._file("vmlinux")

    @property
    def vmlinuz(self) -> Path:
        """The bzImage."""
        return self._file("vmlinuz")

    @property
    def config(self) -> Path:
        """The kernel's .config."""
        return self._file("config")

    @property
    def system_map(self) -> Path:
        """The symbol table, System.map."""
        return self._file("System.map")

    @property
    def root(self) -> Path:
        """The tree that lib/modules is in, as depmod -b and modprobe -d want it."""
        return self._file("root")

    @property
    def modules_dir(self) -> Path:
        """.../lib/modules/RELEASE; the modules in it are not compressed, depmod has run."""
        return self._file(f"root/lib/modules/{self.release}/modules.dep").parent

    @property
    def kdir(self) -> Path:
        """The tree for `make -C KDIR M=...`; in a chroot kernel it is inside the chroot."""
        if self.chroot:
            from .chroot import kdir
            return kdir(self)
        return self._file("build")

    def module(self, name: str) -> Path | None:
        """The .ko of the module @name; None when it is built in or absent."""
        spellings = {name.replace("-", "_"), name.replace("_", "-"), name}
        for path in sorted(self.modules_dir.rglob("*.ko")):
            if path.stem in spellings:
                return path
        return None

    def build(self, source: Path, folder: str = "", args: Sequence[str] = ()) -> Path:
        """Build the external module in @folder of the tree @source; see build.build()."""
        from .build import build
        return build(self, source, folder, args)

    def build_module(self, source: Path, name: str = "hv_kvp", folder: str = "",
                     args: Sequence[str] = ()) -> Path:
        """Like build(), and return NAME.ko."""
        tree = self.build(source, folder, args)
        found = sorted(tree.rglob(f"{name}.ko"))
        if len(found) != 1:
            raise Error(f"{len(found)} files {name}.ko were built in {tree}")
        return found[0]
