# SPDX-License-Identifier: GPL-2.0
"""Packages of other suites and architectures, by an apt of our own.

The system's apt configuration stays as it is: only its mirrors and its
network settings are used.  Lists and archives live in the cache.
"""
from __future__ import annotations

import functools
import os
import re
import time
from pathlib import Path

from .cache import Error, lock, output, root, run, say

KEYRING = Path("/usr/share/keyrings/debian-archive-keyring.gpg")
NATIVE, CHROOT = "bookworm", "trixie"

# suite, which mirror has it, architectures whose index is needed
SUITES = (
    (NATIVE, "main", "amd64,arm64"),
    (f"{NATIVE}-security", "security", "amd64,arm64"),
    (CHROOT, "main", "amd64"),
    (f"{CHROOT}-backports", "main", "amd64"),
)

# the variables that name a mirror for the cache alone
VARIABLES = {"main": "HV_KVP_DEBIAN", "security": "HV_KVP_DEBIAN_SECURITY"}
# Debian's suites, where no index that says its origin was fetched yet
DEBIAN = re.compile(rf"(?:{NATIVE}|{CHROOT}|forky|sid|(?:old)*stable|testing|unstable)"
                    r"(-security|-updates|-backports)?")
NONE = f"""this system's apt sources have no archive of Debian's, where the kernels come from.
Name a mirror for the cache alone; the system's own sources stay as they are:
    export {VARIABLES['main']}=http://MIRROR/debian"""


def declared(targets: str) -> dict[str, str]:
    """The "main" and the "security" archive among @targets: lines of mirror, suite, component
    and origin. An archive of someone else's may have a suite of the same name."""
    found: dict[str, str] = {}
    guessed: dict[str, str] = {}
    for line in targets.splitlines():
        uri, suite, component, origin = line.split("|")
        known = DEBIAN.fullmatch(suite)
        if component != "main" or not (known or origin == "Debian"):
            continue
        kind = "security" if suite.endswith("-security") else "main"
        if origin == "Debian":
            found.setdefault(kind, uri)
        elif origin.startswith("$"):			# no index yet: apt knows no origin
            guessed.setdefault(kind, uri)
    return guessed | found


@functools.cache
def mirrors() -> dict[str, str]:
    """Where the system itself takes Debian ("main") and its security updates from."""
    form = "$(REPO_URI)|$(RELEASE)|$(COMPONENT)|$(ORIGIN)"
    found = declared(output("apt-get", "indextargets", "--format", form, "Created-By: Packages"))
    found |= {kind: os.environ[name] for kind, name in VARIABLES.items() if os.environ.get(name)}
    if "main" not in found:
        raise Error(NONE)
    return found


def beside(uri: str) -> str:
    """Where most mirrors of Debian have its security updates."""
    return uri.rstrip("/") + "-security"


def lines(uris: dict[str, str]) -> list[str]:
    """A sources.list of SUITES, for the archives that there are."""
    signed = f" signed-by={KEYRING}" if KEYRING.exists() else ""
    return [f"deb [arch={archs}{signed}] {uris[kind]} {suite} main"
            for suite, kind, archs in SUITES if kind in uris]


def source_lines(*suites: str) -> list[str]:
    """The lines of @suites in our sources.list, for another apt; see update()."""
    found = [line.split() for line in (root() / "apt/sources.list").read_text().splitlines()]
    return [" ".join(words).replace("amd64,arm64", "amd64")
            for words in found if words[-2] in suites]


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
        "Acquire::Languages=none",
    ) for word in ("-o", option)]


def fetch(sources: Path, uris: dict[str, str]) -> None:
    """Fetch the indices; a suite that cannot be fetched is an error, not an older list."""
    sources.write_text("".join(line + "\n" for line in lines(uris)))
    run("apt-get", *options(), "-q", "-o", "APT::Update::Error-Mode=any", "update")


def update(max_age: float = 6 * 3600) -> None:
    """Fetch the indices unless those in the cache are younger than @max_age seconds."""
    base = root() / "apt"
    stamp, sources = base / "updated", base / "sources.list"
    uris = mirrors()
    more = {"security": beside(uris["main"])} | uris
    with lock("apt"):
        if (stamp.exists() and sources.read_text().splitlines() in (lines(uris), lines(more))
                and time.time() - stamp.stat().st_mtime < max_age):
            return
        for part in ("lists/partial", "cache/archives/partial"):
            (base / part).mkdir(parents=True, exist_ok=True)
        say("fetching package indices")
        try:
            fetch(sources, more)
        except Error as error:
            if more == uris:
                raise Error(f"{error}\nanother mirror, for the cache alone: export "
                            f"{VARIABLES['main']}=http://MIRROR/debian") from None
            say(f"no {NATIVE}-security where the system's mirror is: without it")
            fetch(sources, uris)
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
