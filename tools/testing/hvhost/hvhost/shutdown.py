# SPDX-License-Identifier: GPL-2.0
"""The shutdown service: the host asks the guest to power off or restart.

Layout: struct shutdown_msg_data in include/linux/hyperv.h of Linux.
"""
from __future__ import annotations

import struct
from typing import TYPE_CHECKING

from . import icwire
from .ic import IcService

if TYPE_CHECKING:
    from .machine import Machine
    from .vmbus import Device

CLASS_ID = "0e0b6031-5213-4934-818b-38d90ced39db"
INSTANCE_ID = "b6650ff7-33bc-4840-8048-e0676786f393"
VERSIONS = [(1, 0), (3, 0), (3, 1), (3, 2)]
BODY = struct.Struct("<III2048s")
FORCE, RESTART, HIBERNATE = 1, 2, 4
REASON_PLANNED = 0x80000000	# SHTDN_REASON_FLAG_PLANNED


class Shutdown(IcService):
    """Asks the guest to go down."""

    message_type = icwire.MSG_SHUTDOWN
    name = "shutdown"

    def __init__(self, machine: Machine, device: Device):
        super().__init__(machine, device, VERSIONS)

    def request(self, flags: int = FORCE, timeout: float = 30) -> None:
        """Asks, and waits for the guest to say that it will."""
        message = "the test has ended".encode("utf-16-le")
        body = BODY.pack(REASON_PLANNED, 0, flags, message)
        self.transact(body, "shutdown", timeout).check()
