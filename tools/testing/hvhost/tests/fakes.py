# SPDX-License-Identifier: GPL-2.0
"""A machine and a device without a hypervisor: the other end is Python."""
from __future__ import annotations

import time
from collections.abc import Callable
from dataclasses import dataclass


@dataclass
class FakePacket:
    """What of a packet the services look at."""

    trans_id: int
    payload: bytes


class FakeMachine:
    """Waits by looking again and again."""

    def wait_for(self, predicate: Callable[[], object], timeout: float,
                 what: str) -> object:
        """As Machine.wait_for()."""
        deadline = time.monotonic() + timeout
        while not (value := predicate()):
            if time.monotonic() > deadline:
                raise TimeoutError(what)
            time.sleep(0.001)
        return value


class FakeDevice:
    """A channel. @guest gets each payload and returns the answers to it,
    payloads or None; with no guest, packets pile up in sent."""

    def __init__(self, guest: Callable[[bytes], list[bytes]] | None = None):
        self.on_open, self.on_close, self.on_packet = [], [], []
        self.guest = guest
        self.sent: list[tuple[int, bytes]] = []

    def send(self, payload: bytes, trans_id: int = 0, **_how) -> None:
        """As Device.send()."""
        self.sent.append((trans_id, payload))
        for answer in self.guest(payload) if self.guest else ():
            self.answer(trans_id, answer)

    def answer(self, trans_id: int, payload: bytes) -> None:
        """A packet from the guest."""
        for handler in self.on_packet:
            handler(self, FakePacket(trans_id, payload))

    def open(self) -> None:
        """The guest opens the channel."""
        for handler in self.on_open:
            handler(self)

    def close(self) -> None:
        """The guest closes it."""
        for handler in self.on_close:
            handler(self)
