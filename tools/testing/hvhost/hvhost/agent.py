# SPDX-License-Identifier: GPL-2.0
"""Runs commands and moves files in the guest, over its second serial port.

The other end is guest/agent.c, which also describes the frames. A reader
thread sorts what arrives by the id of the command, so that commands run side
by side and a slow one holds up no other.
"""
from __future__ import annotations

import os
import socket
import struct
import threading
import time
import zlib
from collections.abc import Callable
from dataclasses import dataclass

MAGIC = b"\xa5\x5a"
HEADER = struct.Struct("<2scBII")
CHUNK = 8192
POLL = 0.1


class AgentError(Exception):
    """The agent refused something, or its line broke."""


class AgentTimeout(AgentError):
    """The guest did not answer in time."""


class CommandFailed(AgentError):
    """A command that had to succeed did not."""


@dataclass(frozen=True)
class Result:
    """How a command ended: exit code (128 + N for signal N) and output."""

    command: str
    code: int
    stdout: bytes
    stderr: bytes

    @property
    def text(self) -> str:
        """stdout as text, without the newline at its end."""
        return self.stdout.decode(errors="surrogateescape").rstrip("\n")


def frame(kind: bytes, ident: int, payload: bytes = b"") -> bytes:
    """One frame, ready for the line."""
    header = HEADER.pack(MAGIC, kind, 0, ident, len(payload))
    header = HEADER.pack(MAGIC, kind, -sum(header) & 0xff, ident, len(payload))
    body = header + payload
    return body + struct.pack("<I", zlib.crc32(body[2:]))


class FrameReader:
    """Takes frames out of a byte stream and skips what is none."""

    def __init__(self) -> None:
        self._buffer = bytearray()
        self.skipped = 0

    def feed(self, data: bytes) -> list[tuple[bytes, int, bytes]]:
        """The frames (type, id, payload) that are complete after @data."""
        self._buffer += data
        frames = []
        while True:
            start = self._buffer.find(MAGIC)
            if start < 0:
                start = max(0, len(self._buffer) - 1)
            self.skipped += start
            del self._buffer[:start]
            if len(self._buffer) < HEADER.size + 4:
                return frames
            _, kind, _, ident, size = HEADER.unpack_from(self._buffer)
            if size > 65536 or sum(self._buffer[:HEADER.size]) & 0xff:
                self._skip_magic()
                continue
            end = HEADER.size + size
            if len(self._buffer) < end + 4:
                return frames
            crc, = struct.unpack_from("<I", self._buffer, end)
            if crc != zlib.crc32(self._buffer[2:end]):
                self._skip_magic()
                continue
            frames.append((kind, ident, bytes(self._buffer[HEADER.size:end])))
            del self._buffer[:end + 4]

    def _skip_magic(self) -> None:
        del self._buffer[:2]
        self.skipped += 2


class Job:
    """A command that runs in the guest."""

    def __init__(self, agent: Agent, ident: int, what: str):
        self.agent, self.ident, self.what = agent, ident, what
        self.stdout, self.stderr = bytearray(), bytearray()
        self.end: tuple[int, int] | None = None

    @property
    def running(self) -> bool:
        """Has not ended yet."""
        return self.end is None

    def kill(self, signal: int = 9) -> None:
        """Sends a signal to the command and all it started."""
        self.agent.send(b"K", self.ident, struct.pack("<I", signal))

    def wait(self, timeout: float = 30) -> Result:
        """Waits for the end; raises AgentTimeout, or what ails the guest."""
        self.agent.wait(lambda: self.end, timeout, self.what)
        kind, value = self.end
        if kind == 2:
            raise AgentError(f"{self.what}: {os.strerror(value)}")
        return Result(self.what, 128 + value if kind == 1 else value,
                      bytes(self.stdout), bytes(self.stderr))


class Agent:
    """The line to one guest. @check is called while waiting: it raises when
    the guest is known to be dead, which beats a timeout."""

    def __init__(self, path: str, check: Callable[[], None] = lambda: None):
        self._check = check
        self._socket = socket.socket(socket.AF_UNIX)
        self._socket.connect(path)
        self._changed = threading.Condition()
        self._send_lock = threading.Lock()
        self._jobs: dict[int, Job] = {}
        self._next = 1
        self._pongs: set[bytes] = set()
        self._closed = False
        self._reader = FrameReader()
        threading.Thread(target=self._read, daemon=True,
                         name="agent").start()

    def close(self) -> None:
        """Ends the reader thread."""
        try:
            self._socket.shutdown(socket.SHUT_RDWR)
        except OSError:
            pass
        self._socket.close()

    def _read(self) -> None:
        while True:
            try:
                data = self._socket.recv(65536)
            except OSError:
                data = b""
            with self._changed:
                if not data:
                    self._closed = True
                for kind, ident, payload in self._reader.feed(data):
                    self._frame(kind, ident, payload)
                self._changed.notify_all()
            if not data:
                return

    def _frame(self, kind: bytes, ident: int, payload: bytes) -> None:
        if kind == b"p":
            self._pongs.add(payload)
            return
        job = self._jobs.get(ident)
        if job is None:
            return
        if kind == b"o":
            job.stdout += payload
        elif kind == b"e":
            job.stderr += payload
        elif kind == b"x" and len(payload) == 5:
            job.end = (payload[0], struct.unpack_from("<I", payload, 1)[0])
            del self._jobs[ident]

    def send(self, kind: bytes, ident: int, payload: bytes = b"") -> None:
        """Puts one frame on the line."""
        with self._send_lock:
            self._socket.sendall(frame(kind, ident, payload))

    def wait(self, done: Callable[[], object], timeout: float,
             what: str) -> None:
        """Waits until @done gives something true."""
        deadline = time.monotonic() + timeout
        while True:
            with self._changed:
                if done():
                    return
                left = deadline - time.monotonic()
                if left > 0 and not self._closed:
                    self._changed.wait(min(POLL, left))
                    if done():
                        return
            self._check()
            if self._closed:
                raise AgentError(f"{what}: the guest's serial line closed")
            if left <= 0:
                raise AgentTimeout(f"{what}: no answer in {timeout:g} s")

    def wait_up(self, timeout: float = 60) -> None:
        """Waits until the agent answers."""
        token = b"up?" + os.urandom(4)
        deadline = time.monotonic() + timeout
        while True:
            # Bytes that arrive before the guest has opened its port are lost.
            self.send(b"P", 0, token)
            try:
                self.wait(lambda: token in self._pongs,
                          min(1.0, max(0.1, deadline - time.monotonic())),
                          "the guest's agent")
                return
            except AgentTimeout:
                if time.monotonic() >= deadline:
                    raise AgentTimeout("the guest's agent did not come up "
                                       f"in {timeout:g} s") from None

    def _start(self, kind: bytes, payload: bytes, what: str) -> Job:
        with self._changed:
            job = Job(self, self._next, what)
            self._jobs[job.ident] = job
            self._next += 1
        self.send(kind, job.ident, payload)
        return job

    def start(self, command: str) -> Job:
        """Starts a shell command and does not wait for it."""
        return self._start(b"E", command.encode() + b"\0", command)

    def run(self, command: str, timeout: float = 30,
            check: bool = True) -> Result:
        """Runs a shell command; raises CommandFailed unless it exits 0."""
        result = self.start(command).wait(timeout)
        if check and result.code:
            raise CommandFailed(
                f"{command!r} exited with {result.code}\n"
                + (result.stdout + result.stderr).decode(errors="replace"))
        return result

    def put(self, path: str, data: bytes, mode: int = 0o644) -> None:
        """Writes a file. One chunk is on the line at a time: a serial port
        without flow control drops what its reader has no room for."""
        for offset in range(0, max(len(data), 1), CHUNK):
            head = struct.pack("<I?", mode, offset > 0)
            payload = (head + path.encode() + b"\0"
                       + data[offset:offset + CHUNK])
            self._start(b"W", payload, f"put {path}").wait()

    def get(self, path: str, timeout: float = 30) -> bytes:
        """The contents of a file."""
        return self._start(b"R", path.encode() + b"\0",
                           f"get {path}").wait(timeout).stdout
