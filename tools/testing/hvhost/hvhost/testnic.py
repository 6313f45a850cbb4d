# SPDX-License-Identifier: GPL-2.0
"""VMBus devices of a class of our own, for tools/testing/netdev: a network
interface in the guest whose VMBus device id is real.

Nothing is exchanged on their channels: hkvp_netdev never opens them.
"""
from __future__ import annotations

import uuid

CLASS_ID = "c8d7d2a6-5b1c-4f0e-9a27-6e1f3c0d5b44"
VENDOR = "00155d"	# Microsoft's, which Hyper-V gives its virtual NICs


def mac(number: int) -> str:
    """The MAC address that NIC @number has at first."""
    octets = bytes.fromhex(VENDOR) + number.to_bytes(3, "big")
    return octets.hex(":")


def instance_id(number: int) -> str:
    """NIC @number's instance GUID; the module takes the MAC from its end."""
    return str(uuid.UUID("7e57c1a5-0000-4000-8000-"
                         + mac(number).replace(":", "")))
