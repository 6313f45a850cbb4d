# SPDX-License-Identifier: GPL-2.0
"""The mailbox: two byte rings in memory shared with hvhost.elf.

One thread may send and one may receive. Indices are free-running byte counts; each is written by
one side only. The stores rely on x86's ordering, like those on the other side: a native-format
memoryview cast makes each of them one aligned 8-byte access.
"""

from __future__ import annotations

import dataclasses
import time
from typing import Iterator

from . import abi

_FRAME = abi.STRUCTS["frame"]


class MailboxError(Exception):
    """The mailbox is not what it should be, or a ring stayed full."""


@dataclasses.dataclass(frozen=True)
class Event:
    type: int
    seq: int
    dev: int
    tsc: int
    body: bytes


def _align8(n: int) -> int:
    return (n + 7) & ~7


class Ring:
    """One direction, as a window of bytes and the two indices that belong to it."""

    def __init__(self, data: memoryview, head: memoryview, tail: memoryview) -> None:
        self._data, self._head, self._tail = data, head, tail
        self.size = len(data)

    def _copy_in(self, pos: int, data: bytes) -> None:
        off = pos % self.size
        first = min(len(data), self.size - off)
        self._data[off:off + first] = data[:first]
        self._data[:len(data) - first] = data[first:]

    def _copy_out(self, pos: int, n: int) -> bytes:
        off = pos % self.size
        first = min(n, self.size - off)
        return bytes(self._data[off:off + first]) + bytes(self._data[:n - first])

    def put(self, frame: bytes) -> bool:
        """Append a frame; False when there is no room."""
        head, need = self._head[0], _align8(len(frame))
        if need > self.size:
            raise MailboxError(f"a frame of {len(frame)} bytes in a ring of {self.size}")
        if head + need - self._tail[0] > self.size:
            return False
        self._copy_in(head, frame)
        self._head[0] = head + need
        return True

    def get(self) -> bytes | None:
        """Oldest frame, or None."""
        head, tail = self._head[0], self._tail[0]
        if head == tail:
            return None
        length = int.from_bytes(self._copy_out(tail, 4), "little")
        if length < _FRAME.size or _align8(length) > head - tail:
            raise MailboxError(f"frame of {length} bytes, {head - tail} in the ring")
        frame = self._copy_out(tail, length)
        self._tail[0] = tail + _align8(length)
        return frame

    @property
    def empty(self) -> bool:
        return self._head[0] == self._tail[0]


class Mailbox:
    """Commands out, events in, over a map of guest memory."""

    def __init__(self, memory: memoryview) -> None:
        box = abi.MAILBOX

        def u64(off: int) -> memoryview:
            return memory[box + off:box + off + 8].cast("Q")

        def u32(off: int) -> memoryview:
            return memory[box + off:box + off + 4].cast("I")

        self._magic = u64(abi.OFF_MAGIC)
        self._version = u32(abi.OFF_VERSION)
        self._wait = u32(abi.OFF_EVT_WAIT)
        self._hz = u64(abi.OFF_TSC_HZ)
        self._tsc0 = u64(abi.OFF_TSC0)
        self._memory = memory
        self.commands = Ring(memory[abi.CMD_RING:abi.CMD_RING + abi.CMD_SIZE],
                             u64(abi.OFF_CMD_HEAD), u64(abi.OFF_CMD_TAIL))
        self.events = Ring(memory[abi.EVT_RING:abi.EVT_RING + abi.EVT_SIZE],
                           u64(abi.OFF_EVT_HEAD), u64(abi.OFF_EVT_TAIL))

    @property
    def ready(self) -> bool:
        if self._magic[0] != abi.MAGIC:
            return False
        if self._version[0] != abi.ABI_VERSION:
            raise MailboxError(f"hvhost.elf has ABI {self._version[0]}, not {abi.ABI_VERSION}")
        return True

    @property
    def tsc_hz(self) -> int:
        return self._hz[0]

    @property
    def tsc0(self) -> int:
        return self._tsc0[0]

    def e820(self) -> list[tuple[int, int, int]]:
        """The firmware's memory map: (address, size, type)."""
        base = abi.MAILBOX
        count = int.from_bytes(self._memory[base + abi.OFF_E820_COUNT:
                                            base + abi.OFF_E820_COUNT + 4], "little")
        out = []
        for i in range(count):
            at = base + abi.OFF_E820 + 20 * i
            entry = bytes(self._memory[at:at + 20])
            out.append((int.from_bytes(entry[:8], "little"), int.from_bytes(entry[8:16], "little"),
                        int.from_bytes(entry[16:], "little")))
        return out

    def cpu_stats(self, cpu: int) -> tuple[int, ...]:
        at = abi.MAILBOX + abi.OFF_STATS + cpu * abi.SIZEOF_cpu_stats
        return abi.STRUCTS["cpu_stats"].unpack(self._memory[at:at + abi.SIZEOF_cpu_stats])

    def try_send(self, kind: int, seq: int, dev: int = 0, flags: int = 0, body: bytes = b"") -> bool:
        """Append a command; False when there is no room."""
        return self.commands.put(
            _FRAME.pack(_FRAME.size + len(body), kind, flags, seq, dev, 0) + body)

    def send(self, kind: int, seq: int, dev: int = 0, flags: int = 0, body: bytes = b"",
             timeout: float = 30.0) -> None:
        """The same, waiting for room: the host CPU takes commands as it can."""
        deadline = time.monotonic() + timeout
        while not self.try_send(kind, seq, dev, flags, body):
            if time.monotonic() > deadline:
                raise MailboxError("hvhost does not take commands")
            time.sleep(0.0002)

    def receive(self) -> Iterator[Event]:
        """All events that are there now."""
        while (frame := self.events.get()) is not None:
            _, kind, _, seq, dev, tsc = _FRAME.unpack_from(frame)
            yield Event(kind, seq, dev, tsc, frame[_FRAME.size:])

    def arm_doorbell(self) -> bool:
        """Ask for a doorbell at the next event. False: there is one already, do not sleep."""
        self._wait[0] = 1
        if self.events.empty:
            return True
        self._wait[0] = 0
        return False
