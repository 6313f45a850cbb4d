# SPDX-License-Identifier: GPL-2.0
"""What can end a scenario, each with its own class: the guest's faults and the host's own."""

from __future__ import annotations


class HostFault(Exception):
    """A fault with everything known about it; str() is the whole report."""

    def __init__(self, message: str, console_tail: str = "", details: str = "") -> None:
        super().__init__(message)
        self.message = message
        self.console_tail = console_tail
        self.details = details

    def __str__(self) -> str:
        parts = [f"{type(self).__name__}: {self.message}"]
        if self.details:
            parts.append(self.details.rstrip())
        if self.console_tail:
            parts.append("--- console ---\n" + self.console_tail.rstrip())
        return "\n".join(parts)


class GuestPanic(HostFault):
    """The guest's kernel panicked; details are its last messages, from the crash MSRs."""


class TripleFault(HostFault):
    """A guest CPU shut down: a fault while it delivered a double fault."""


class HostAssertion(HostFault):
    """hvhost.elf itself failed: an assertion, an exception or an unexpected #VMEXIT."""


class QemuDied(HostFault):
    """QEMU ended by itself; details are what it printed."""


class GuestHang(HostFault):
    """Something did not happen in time; details tell where each guest CPU is."""


class GuestStopped(HostFault):
    """The guest powered off or reset while something else was awaited."""


class ProtocolViolation(HostFault):
    """The guest broke a rule of VMBus: a message or a ring that no good host accepts."""
