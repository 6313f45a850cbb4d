# SPDX-License-Identifier: GPL-2.0
"""The time synchronisation service: the host tells the guest the time.

Layout: struct ictimesync_data (versions up to 3.0) in include/linux/hyperv.h
of Linux. Times are 100 ns since 1601-01-01 UTC. 4.0 is not offered: it needs
the guest's reference counter at the moment of the sample.
"""
from __future__ import annotations

import struct
import time
from typing import TYPE_CHECKING

from . import icwire
from .ic import IcService

if TYPE_CHECKING:
    from .machine import Machine
    from .vmbus import Device

CLASS_ID = "9527e630-d0ae-497b-adce-e80ab0175caf"
INSTANCE_ID = "2dd1ce17-079e-403c-b352-a1921ee207ee"
VERSIONS = [(1, 0), (3, 0)]
BODY = struct.Struct("<QQQB")
PROBE, SYNC, SAMPLE = 0, 1, 2
EPOCH_1601 = 11644473600	# seconds from 1601 to 1970


class TimeSync(IcService):
    """Sends the host's time."""

    message_type = icwire.MSG_TIMESYNC
    name = "timesync"

    def __init__(self, machine: Machine, device: Device):
        super().__init__(machine, device, VERSIONS)

    def send_time(self, unix_time: float | None = None, flags: int = SAMPLE,
                  timeout: float = 10) -> None:
        """Sends a time (default: now) and waits for the answer."""
        seconds = time.time() if unix_time is None else unix_time
        ticks = int((seconds + EPOCH_1601) * 10_000_000)
        body = BODY.pack(ticks, 0, 0, flags)
        self.transact(body, "time sample", timeout).check()
