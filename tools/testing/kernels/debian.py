# SPDX-License-Identifier: GPL-2.0
"""Debian's stock kernels and their headers, unpacked side by side in the cache."""
from __future__ import annotations

import dataclasses
import re
import shutil
from pathlib import Path

from . import apt, bzimage
from .cache import Error, entry, remember, remembered, run, say
from .kernel import Kernel

RECIPE = "-r1"		# changes when an entry is made in another way


# what make needs to build for another architecture than this machine's
CROSS = {"arm64": ("ARCH=arm64", "CROSS_COMPILE=aarch64-linux-gnu-",
                   "CC=aarch64-linux-gnu-gcc-12")}


@dataclasses.dataclass(frozen=True)
class Spec:
    """How to find a kernel: the releases it may have, best series first, and its flavour."""
    series: tuple[str, ...]
    flavour: str
    arch: str = "x86_64"
    boot: bool = True		# the image too, or the headers alone
    chroot: bool = False
    check: bool = True		# part of what `make check` needs

    @property
    def suffix(self) -> str:
        """What the names of its entries end with."""
        return RECIPE if self.boot else f"{RECIPE}-headers"


V61, V612 = (r"6\.1\.0-\d+",), (r"6\.12\.\d+(?:\.\d+)?\+deb12",)
# 7.3, or whatever replaced it: the newest kernel that Debian has for its stable release
NEWEST = (r"7\.3\.\d+(?:\.\d+)?\+deb13", r"\d+\.\d+\.\d+(?:\.\d+)?\+deb13")

SPECS = {
    "6.1": Spec(V61, "cloud-amd64"),
    "6.12": Spec(V612, "cloud-amd64"),
    "7.3": Spec(NEWEST, "cloud-amd64", chroot=True),
    "6.1-amd64": Spec(V61, "amd64"),		# with CONFIG_PM_DEBUG, unlike the cloud flavour
    "6.12-amd64": Spec(V612, "amd64"),
    "6.1-rt": Spec(V61, "rt-amd64"),
    "6.12-rt": Spec(V612, "rt-amd64"),
    "7.3-rt": Spec(NEWEST, "rt-amd64", chroot=True, check=False),
    "6.1-arm64": Spec(V61, "arm64", arch="arm64", boot=False),
    "6.12-arm64": Spec(V612, "arm64", arch="arm64", boot=False),
}


def find(spec: Spec) -> tuple[str, str]:
    """The newest release of @spec that has headers, and their package version."""
    port = "arm64" if spec.arch == "arm64" else "amd64"
    for series in spec.series:
        names = apt.names(rf"linux-headers-{series}-{spec.flavour}")
        names.sort(key=apt.version_key, reverse=True)
        for name in names:
            versions = apt.versions(name, port)
            if versions:
                return name.removeprefix("linux-headers-"), versions[0]
    raise Error(f"the mirrors have no linux-headers for {spec.series[0]} {spec.flavour}")


def image_packages(release: str, version: str) -> list[tuple[str, str, str]]:
    """The packages that hold the image and the modules: one up to 6.12, three since 7.2."""
    if version in apt.versions(f"linux-binary-{release}"):
        names = [f"linux-binary-{release}", f"linux-modules-{release}", f"linux-base-{release}"]
        return [(name, "amd64", version) for name in names]
    for name in (f"linux-image-{release}-unsigned", f"linux-image-{release}"):
        if version in apt.versions(name):
            return [(name, "amd64", version)]
    raise Error(f"the mirrors have no image of {release} {version}")


def header_packages(spec: Spec, release: str, version: str) -> list[tuple[str, str, str]]:
    """Headers, the common part, and kbuild for this machine, as the package's Depends says."""
    port = "arm64" if spec.arch == "arm64" else "amd64"
    name = f"linux-headers-{release}"
    depends = apt.field(name, port, version, "Depends")
    wanted = [(name, port, version)]
    for pattern in (r"linux-headers-[^\s,]+-common(?:-rt)?", r"linux-kbuild-[^\s,]+"):
        match = re.search(rf"(?:^|[ ,])({pattern})(?=[ ,]|$)", depends)
        if not match:
            raise Error(f"{name} does not depend on {pattern}: {depends}")
        found = apt.versions(match[1])
        if not found:
            raise Error(f"the mirrors have no {match[1]}, which {name} needs")
        wanted.append((match[1], "amd64", version if version in found else found[0]))
    return wanted


def relocate_headers(root: Path, release: str) -> Path:
    """Make the headers work where they lie: their Makefile names /usr/src; relative to it now."""
    kdir = root / "usr/src" / f"linux-headers-{release}"
    makefile = kdir / "Makefile"
    here = "$(realpath $(dir $(lastword $(MAKEFILE_LIST)))/.."
    text = re.sub(r"(?<=[ =])/usr/src(/\S+)", rf"{here}\1)", makefile.read_text())
    if here not in text:
        raise Error(f"{makefile} is not as expected: {text}")
    makefile.write_text(text)
    return kdir


def unpack_image(root: Path, work: Path, release: str) -> None:
    """Put image, map, configuration and plain modules where Kernel looks for them."""
    merged = root / "usr/lib/modules"
    modules = root / "lib/modules"
    if merged.is_dir() and not modules.is_dir():
        modules.parent.mkdir(exist_ok=True)
        merged.rename(modules)
    tree = modules / release
    for name in ("vmlinuz", "System.map", "config"):
        found = [path for path in (root / "boot" / f"{name}-{release}", tree / name)
                 if path.is_file()]
        if found:
            shutil.copyfile(found[0], work / name)
            found[0].unlink()
    (work / "vmlinux").write_bytes(bzimage.vmlinux(work / "vmlinuz"))
    for suffix, command in ((".xz", ["xz", "-d"]), (".zst", ["zstd", "-dq", "--rm"])):
        packed = sorted(tree.rglob(f"*.ko{suffix}"))
        if packed:
            run(*command, *packed)
    for link in ("build", "source"):
        (tree / link).unlink(missing_ok=True)
    run("depmod", "-b", root, release)


def unpack(name: str, spec: Spec, release: str, version: str, work: Path) -> None:
    """Make the entry of one kernel."""
    packages = [] if spec.chroot else header_packages(spec, release, version)
    if spec.boot:
        packages += image_packages(release, version)
    say(f"{name}: fetching Debian's {release} ({version})")
    debs = apt.download(packages, work / "debs")
    root = work / "root"
    for deb in debs:
        run("dpkg", "-x", deb, root)
    shutil.rmtree(work / "debs")
    if not spec.chroot:
        kdir = relocate_headers(root, release)
        (work / "build").symlink_to(kdir.relative_to(work))
    if spec.boot:
        unpack_image(root, work, release)
    Kernel(name, release, version, spec.arch, work, spec.chroot,
           CROSS.get(spec.arch, ())).save(work)


def stock(name: str) -> Kernel:
    """One of SPECS: from the cache, else the newest that the mirrors have."""
    if name not in SPECS:
        raise Error(f"no stock kernel {name}; there are {', '.join(SPECS)}")
    spec = SPECS[name]
    path = remembered("stock", name, spec.suffix)
    if not path:
        apt.update()
        release, version = find(spec)
        path = entry("stock", f"{release}_{version}{spec.suffix}",
                     lambda work: unpack(name, spec, release, version, work))
        remember("stock", name, path)
    return Kernel.load(path)
