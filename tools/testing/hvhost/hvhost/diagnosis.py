# SPDX-License-Identifier: GPL-2.0
"""What can be known about a guest that does not do what it should.

Taken when a scenario fails, before the guest is ended: both sides of each
channel, where the CPUs are, which interrupts they have not taken, and what the
guest itself says, if it still says anything.
"""
from __future__ import annotations

from collections.abc import Callable
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from .host import Host

# The last two are the kernel's: stacks of the CPUs, and of who is blocked.
ASK = ("cd /sys/class/misc/hv_kvp 2>/dev/null && grep -s . status/* "
       "operational_status; "
       "cd /sys/kernel/debug/hv_kvp 2>/dev/null && grep -s . *; "
       "cat /proc/interrupts /proc/softirqs; "
       "echo 9 >/proc/sys/kernel/printk; "
       "echo l >/proc/sysrq-trigger; echo w >/proc/sysrq-trigger")
ASK_SECONDS = 5


def _channels(host: Host) -> str:
    return "\n".join(f"{name}: {service.state.value}, device {service.device.state}, "
                     f"{service.device.peek(2)}"
                     for name, service in host.services.items())


def _guest(host: Host) -> str:
    return host.agent.run(ASK, ASK_SECONDS, check=False).text


def _part(title: str, ask: Callable[[], str]) -> str:
    """A part; that it cannot be had is news too."""
    try:
        text = ask()
    except Exception as error:	# pylint: disable=broad-except
        text = f"{type(error).__name__}: {(str(error).splitlines() or [''])[0]}"
    return f"==== {title}\n{text.rstrip()}\n"


def diagnosis(host: Host) -> str:
    """A report, of which no part keeps another from being told."""
    machine = host.machine
    return "\n".join((
        _part("channels, as the host sees them", lambda: _channels(host)),
        _part("CPUs", lambda: machine.hang("").details),
        _part("local APICs", machine.local_apics),
        _part("guest", lambda: _guest(host)),
        _part("hvhost", lambda: "\n".join(machine.log)),
    ))
