# SPDX-License-Identifier: GPL-2.0
"""Packages of other suites and architectures, by an apt of our own.

The system's apt configuration stays as it is: only its mirrors and its
network settings are used.  Lists and archives live in the cache.
"""
from __future__ import annotations

import functools
import re
import time
from pathlib import Path

from .cache import Error, lock, output, root, run, say

KEYRING = Path("/usr/share/keyrings/debian-archive-keyring.gpg")
NATIVE, CHROOT = "bookworm", "trixie"

# suite, which of the system's mirrors has it, architectures whose index is needed
SUITES = (
    (NATIVE, "main", "amd64,arm64"),
    (f"{NATIVE}-security", "security", "amd64,arm64"),
    (CHROOT, "main", "amd64"),
    (f"{CHROOT}-backports", "main", "amd64"),
)


@functools.cache
def mirrors() -> dict[str, str]:
    """Where the system itself takes Debian ("main") and its security updates from."""
    form = "$(REPO_URI) $(RELEASE) $(COMPONENT)"
    found: dict[str, str] = {}
    for line in output("apt-get", "indextargets", "--format", form,
                       "Created-By: Packages").splitlines():
        uri, release, component = line.split()
        if component != "main":
            continue
        if release == NATIVE:
            found.setdefault("main", uri)
        elif release == f"{NATIVE}-security":
            found.setdefault("security", uri)
    for kind in ("main", "security"):
        if kind not in found:
            raise Error(f"this system's apt sources have no {NATIVE} {kind} archive")
    return found


def source_line(suite: str, archs: str = "amd64") -> str:
    """The sources.list line of one of SUITES."""
    kind = next(kind for name, kind, _ in SUITES if name == suite)
    options = f"arch={archs}"
    if KEYRING.exists():
        options += f" signed-by={KEYRING}"
    return f"deb [{options}] {mirrors()[kind]} {suite} main"


def options() -> list[str]:
    """What turns apt-get and apt-cache into ours."""
    base = root() / "apt"
    return [word for option in (
        f"Dir::Etc::sourcelist={base}/sources.list",
        "Dir::Etc::sourceparts=-",
        f"Dir::State::lists={base}/lists",
        f"Dir::Cache={base}/cache",
        # Debian's container images turn the parsed index off: two seconds for each question
        "Dir::Cache::pkgcache=pkgcache.bin",
        "Dir::Cache::srcpkgcache=srcpkgcache.bin",
        "APT::Architectures::=amd64",
        "APT::Architectures::=arm64",
        "APT::Sandbox::User=root",
    ) for word in ("-o", option)]


def update(max_age: float = 6 * 3600) -> None:
    """Fetch the indices unless those in the cache are younger than @max_age seconds."""
    base = root() / "apt"
    stamp, sources = base / "updated", base / "sources.list"
    text = "".join(source_line(suite, archs) + "\n" for suite, _, archs in SUITES)
    with lock("apt"):
        if (stamp.exists() and sources.read_text() == text
                and time.time() - stamp.stat().st_mtime < max_age):
            return
        for part in ("lists/partial", "cache/archives/partial"):
            (base / part).mkdir(parents=True, exist_ok=True)
        sources.write_text(text)
        say("fetching package indices")
        # a suite that cannot be fetched is an error, not an older list
        run("apt-get", *options(), "-q", "-o", "APT::Update::Error-Mode=any", "update")
        stamp.touch()


def version_key(version: str) -> tuple:
    """Orders Debian versions of kernels: numbers by value, '~' before everything."""
    return tuple((0, 0, "") if part == "~" else (2, int(part), "") if part.isdigit()
                 else (1, 0, part) for part in re.findall(r"\d+|~|[^\d~]+", version)) + ((0, 1, ""),)


def names(pattern: str) -> list[str]:
    """Package names that match @pattern whole; names may be known by dependencies only."""
    prefix = re.match(r"[a-z0-9.+-]*", pattern.replace("\\", "")).group()
    prefix = prefix[:len("linux-headers-6")]
    found = output("apt-cache", *options(), "pkgnames", prefix).split()
    return [name for name in found if re.fullmatch(pattern, name)]


def versions(name: str, arch: str = "amd64") -> list[str]:
    """The versions of a package that can be downloaded, newest first."""
    rows = output("apt-cache", *options(), "madison", f"{name}:{arch}").splitlines()
    found = {row.split("|")[1].strip() for row in rows if row.rstrip().endswith("Packages")}
    return sorted(found, key=version_key, reverse=True)


def download(wanted: list[tuple[str, str, str]], into: Path) -> list[Path]:
    """Download (name, architecture, version) packages into the empty directory @into."""
    into.mkdir(parents=True)
    run("apt-get", *options(), "-q", "download",
        *(f"{name}:{arch}={version}" for name, arch, version in wanted), cwd=into)
    debs = sorted(into.glob("*.deb"))
    if len(debs) != len(wanted):
        raise Error(f"{len(wanted)} packages asked for, {len(debs)} downloaded: {wanted}")
    return debs


def field(name: str, arch: str, version: str, key: str) -> str:
    """One field of a package's index entry."""
    text = output("apt-cache", *options(), "show", f"{name}:{arch}={version}")
    match = re.search(rf"^{key}: (.*)$", text, re.MULTILINE)
    return match[1] if match else ""
