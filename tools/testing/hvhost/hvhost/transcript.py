# SPDX-License-Identifier: GPL-2.0
"""A record of every message between host and guest, for people to read.

Machine reports what it does; packets of the components are decoded. One line
an entry: seconds since the host started, who speaks, what was said.
"""
from __future__ import annotations

import threading
import time
from pathlib import Path

from . import icwire, kvpwire
from .icwire import Violation


def describe_ic(payload: bytes) -> str:
    """One line about the payload of an IC channel's packet, whatever is in
    it."""
    try:
        header, body = icwire.unpack(payload)
    except Violation as violation:
        return f"{len(payload)} bytes: {violation}: {payload[:32].hex(' ')}"
    reply = bool(header.flags & icwire.FLAG_RESPONSE)
    parts = [icwire.MSG_NAMES.get(header.type, f"type {header.type}"),
             f"id {header.tid}"]
    if header.flags not in (icwire.REQUEST, icwire.RESPONSE):
        parts.append(f"flags {header.flags:#x}")
    if header.type == icwire.MSG_NEGOTIATE:
        parts.append(_describe_versions(body, reply))
    elif header.type == icwire.MSG_KVP:
        parts.append(kvpwire.describe(body, reply and not header.status))
    if reply:
        parts.append(f"-> {icwire.status_name(header.status)}")
    return " ".join(parts)


def _describe_versions(body: bytes, reply: bool) -> str:
    if len(body) < icwire.NEGOTIATE.size:
        return f"(body of {len(body)} bytes)"
    nfw, nmsg, _ = icwire.NEGOTIATE.unpack_from(body)
    room = (len(body) - icwire.NEGOTIATE.size) // icwire.VERSION.size
    versions = [icwire.version_text(icwire.VERSION.unpack_from(
        body, icwire.NEGOTIATE.size + icwire.VERSION.size * i))
        for i in range(min(nfw + nmsg, room))]
    if reply and not nfw:
        return "nothing suits"
    return (f"framework {' '.join(versions[:nfw])}, "
            f"message {' '.join(versions[nfw:])}")


class Transcript:
    """The entries of one run."""

    def __init__(self) -> None:
        self._lock = threading.Lock()
        self._start = time.monotonic()
        self.lines: list[str] = []

    def add(self, who: str, text: str) -> None:
        """One entry, as of now."""
        stamp = time.monotonic() - self._start
        with self._lock:
            self.lines.append(f"{stamp:9.4f} {who:<14} {text}")

    def tail(self, count: int = 40) -> str:
        """The last entries."""
        with self._lock:
            return "\n".join(self.lines[-count:])

    def save(self, path: Path) -> None:
        """Writes all of it to a file."""
        with self._lock:
            path.write_text("\n".join(self.lines) + "\n",
                            errors="backslashreplace")
