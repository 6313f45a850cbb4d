# SPDX-License-Identifier: GPL-2.0
"""The heartbeat service: the guest counts up a number that the host sends.

Layout: struct heartbeat_msg_data in include/linux/hyperv.h of Linux.
"""
from __future__ import annotations

import struct
from typing import TYPE_CHECKING

from . import icwire
from .ic import IcService, Request

if TYPE_CHECKING:
    from .machine import Machine
    from .vmbus import Device

CLASS_ID = "57164f39-9115-4e78-ab55-382f3bd5422d"
INSTANCE_ID = "fd149e91-82e0-4a7d-afa6-2a4166cbd7c0"
VERSIONS = [(1, 0), (3, 0)]
BODY = struct.Struct("<Q32x")


class Heartbeat(IcService):
    """Asks whether the guest is alive."""

    message_type = icwire.MSG_HEARTBEAT
    name = "heartbeat"

    def __init__(self, machine: Machine, device: Device):
        super().__init__(machine, device, VERSIONS)
        self.sequence = 0

    def inspect(self, request: Request) -> None:
        got, = BODY.unpack(request.body)
        if got != self.sequence + 1:
            raise icwire.Violation(
                f"heartbeat answers {got} to {self.sequence}")
        self.sequence = got

    def beat(self, timeout: float = 10) -> int:
        """One heartbeat; returns the guest's number."""
        self.transact(BODY.pack(self.sequence), "heartbeat", timeout).check()
        return self.sequence
