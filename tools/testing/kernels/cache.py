# SPDX-License-Identifier: GPL-2.0
"""The cache: directories named after what they were made from.

An entry appears under its final name only once it is complete, so that a run
which was interrupted leaves nothing that a later one could mistake for a
result.  A lock file per entry lets several runs share one cache.
"""
from __future__ import annotations

import contextlib
import fcntl
import hashlib
import os
import shutil
import subprocess
import sys
from collections.abc import Callable, Iterator
from pathlib import Path

PROJECT = Path(__file__).resolve().parents[3]


class Error(Exception):
    """Something the person at the terminal has to know; shown without a traceback."""


def show_uncaught(kind: type[BaseException], error: BaseException, trace) -> None:
    """Ends a program that did not catch an Error."""
    if issubclass(kind, Error):
        print(f"{Path(sys.argv[0]).name}: {error}", file=sys.stderr)
    else:
        sys.__excepthook__(kind, error, trace)


sys.excepthook = show_uncaught


def root() -> Path:
    """The cache directory: $HV_KVP_CACHE, else .cache in the project's root."""
    path = Path(os.environ.get("HV_KVP_CACHE") or PROJECT / ".cache").resolve()
    path.mkdir(parents=True, exist_ok=True)
    return path


def say(text: str) -> None:
    """Progress goes to stderr: stdout is for results."""
    print(f"# {text}", file=sys.stderr, flush=True)


def run(*command: str | Path, log: Path | None = None, **kwargs) -> None:
    """Run a command; its output goes to @log, or is shown only when it fails."""
    argv = [str(word) for word in command]
    if log:
        with open(log, "ab") as out:
            done = subprocess.run(argv, stdin=subprocess.DEVNULL, stdout=out,
                                  stderr=subprocess.STDOUT, check=False, **kwargs)
        tail = log.read_bytes()[-4000:]
    else:
        done = subprocess.run(argv, stdin=subprocess.DEVNULL, stdout=subprocess.PIPE,
                              stderr=subprocess.STDOUT, check=False, **kwargs)
        tail = done.stdout[-4000:]
    if done.returncode:
        raise Error(f"{' '.join(argv)}: exit status {done.returncode}\n"
                    + tail.decode(errors="replace"))


def output(*command: str | Path, **kwargs) -> str:
    """What a command that must succeed prints."""
    argv = [str(word) for word in command]
    done = subprocess.run(argv, stdin=subprocess.DEVNULL, capture_output=True, text=True,
                          check=False, **kwargs)
    if done.returncode:
        raise Error(f"{' '.join(argv)}: exit status {done.returncode}\n{done.stderr[-4000:]}")
    return done.stdout


def digest(*parts: str | bytes) -> str:
    """A short name for contents; the parts are kept apart by their lengths."""
    sha = hashlib.sha256()
    for part in parts:
        data = part.encode() if isinstance(part, str) else part
        sha.update(b"%d:" % len(data) + data)
    return sha.hexdigest()[:12]


@contextlib.contextmanager
def lock(name: str) -> Iterator[None]:
    """One process at a time; released by the kernel when the holder dies."""
    path = root() / "lock" / name.replace("/", "_")
    path.parent.mkdir(parents=True, exist_ok=True)
    with open(path, "w") as file:
        fcntl.flock(file, fcntl.LOCK_EX)
        yield


def entry(kind: str, key: str, build: Callable[[Path], None], resume: bool = False) -> Path:
    """The directory @kind/@key, made by @build if it is not there yet.

    With @resume an interrupted build goes on with what it has; else it starts anew.
    """
    final = root() / kind / key
    if final.is_dir():
        return final
    with lock(f"{kind}-{key}"):
        if final.is_dir():
            return final
        work = root() / kind / f".{key}.tmp"
        if not resume:
            remove(work)
        work.mkdir(parents=True, exist_ok=True)
        build(work)
        work.rename(final)
    return final


def remove(path: Path) -> None:
    """Remove a tree; away at once under its own name, so that no half of it is found."""
    if path.is_symlink() or path.is_file():
        path.unlink()
    elif path.exists():
        gone = path.with_name(f".{path.name.lstrip('.')}.gone.{os.getpid()}")
        path.rename(gone)
        shutil.rmtree(gone)


def remembered(kind: str, name: str, suffix: str) -> Path | None:
    """The entry that @name stood for last time, if it was made by today's recipe."""
    link = root() / kind / name
    if not link.is_symlink() or not link.is_dir():
        return None
    path = link.resolve()
    return path if path.name.endswith(suffix) else None


def remember(kind: str, name: str, path: Path) -> None:
    """Let @name stand for the entry @path, so that warm runs need no package index."""
    link = root() / kind / name
    new = link.with_name(f".{name}.link.{os.getpid()}")
    new.unlink(missing_ok=True)
    new.symlink_to(path.name)
    new.replace(link)


def forget(kind: str, name: str) -> None:
    """The next use of @name looks for the newest packages again."""
    (root() / kind / name).unlink(missing_ok=True)


def prune(path: Path, prefix: str, keep: int) -> None:
    """Note that the entry @path is in use; of those beside it that start with @prefix, keep
    the @keep last used."""
    os.utime(path)
    found = [other for other in path.parent.glob(f"{prefix}*") if other.is_dir()]
    found.sort(key=lambda other: other.stat().st_mtime, reverse=True)
    for other in found[keep:]:
        remove(other)
