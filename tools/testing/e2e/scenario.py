# SPDX-License-Identifier: GPL-2.0
"""What a scenario is: a function that is given a running guest.

    @scenario()
    def set_and_enumerate(t):
        t.kvp.set(EXTERNAL, Item("a", "1"))
        t.equal(t.kvp.enumerate(EXTERNAL), [Item("a", "1")])

The same function is run against both guests. It finds the guest connected,
5.0 to 3.0 offered, the host's own items pushed and the pools otherwise empty,
and need not clean up.
"""
from __future__ import annotations

import dataclasses
import time
from collections.abc import Callable
from dataclasses import dataclass

from guests import GUESTS, HV_KVP, Setup, make_host
from hvhost import icwire, kvp, kvpwire
from hvhost.host import Host
from hvhost.ic import StatusError
from hvhost.kvpwire import Item
from hvhost.vmbus import KEEP, REOFFER

LIMIT = 240
HOST_WRITES = (kvpwire.EXTERNAL, kvpwire.GUEST, kvpwire.AUTO_EXTERNAL)


class Failed(AssertionError):
    """A scenario did not see what it had to see."""


@dataclass(frozen=True)
class Scenario:
    """A registered scenario. dirty: its boot cannot be used by others.
    smoke: in the short list, which also runs on the newest kernel. proof: the
    kernels that it is for; such a scenario is not for `make check`. provokes:
    what the kernel must say on the console, and is forgiven. limit: seconds
    after which the guest is stopped under it."""

    name: str
    run: Callable[[Test], None]
    setup: Setup
    guests: tuple[str, ...]
    dirty: bool
    smoke: bool
    proof: tuple[str, ...] = ()
    provokes: str = ""
    limit: int = LIMIT


ALL: list[Scenario] = []


def scenario(setup: Setup = Setup(), *, guests: tuple[str, ...] = GUESTS,
             dirty: bool = False, smoke: bool = False,
             proof: tuple[str, ...] = (), provokes: str = "",
             limit: int = LIMIT):
    """Registers a function as a scenario, named after its file and itself."""
    def register(function: Callable[[Test], None]):
        module = function.__module__.rpartition(".")[2]
        ALL.append(Scenario(f"{module}.{function.__name__}", function, setup,
                            guests, dirty, smoke, proof, provokes, limit))
        return function
    return register


class Test:
    """One run of a scenario against one guest."""

    def __init__(self, host: Host, guest: str, kernel: str, setup: Setup):
        self.host, self.guest = host, guest
        self.kernel, self.setup = kernel, setup

    @property
    def kvp(self) -> kvp.Kvp:
        """The host's KVP service."""
        return self.host.kvp

    @property
    def device(self):
        """The KVP device on VMBus."""
        return self.host.kvp.device

    def reoffers(self, on: bool = True, **delays: float) -> None:
        """Whether closing the channel makes the host withdraw the device and
        offer it anew, as Hyper-V does, or leave it, as OpenVMM does."""
        self.host.machine.vmbus.configure(
            close_policy=REOFFER if on else KEEP,
            **({"rescind_delay": 0.0, "reoffer_delay": 0.0} | delays))

    def sh(self, command: str, timeout: float = 30) -> str:
        """What a shell command in the guest prints; it must succeed."""
        return self.host.sh(command, timeout)

    def next_machine(self, start: str) -> Host:
        """Another machine with this one's disk; not yet booted."""
        return make_host(self.guest, self.kernel,
                         dataclasses.replace(self.setup, start=start),
                         self.host.disk)

    def on(self, host: Host) -> Test:
        """The same test on another machine."""
        return Test(host, self.guest, self.kernel, self.setup)

    # Assertions ----------------------------------------------------------

    @staticmethod
    def equal(got, wanted, what: str = "") -> None:
        """Fails with both values."""
        if got != wanted:
            raise Failed(f"{what + ': ' if what else ''}"
                         f"got {got!r}, wanted {wanted!r}")

    @staticmethod
    def true(condition, what: str) -> None:
        """Fails with a text."""
        if not condition:
            raise Failed(what)

    def status(self, name: str, call: Callable[[], object],
               what: str = "") -> None:
        """@call must end with the status @name."""
        try:
            call()
            got = "OK"
        except StatusError as error:
            got = icwire.status_name(error.status)
        self.equal(got, name, what or "status")

    def eventually(self, call: Callable[[], object], what: str,
                   timeout: float = 10) -> object:
        """Calls until it gives something true."""
        deadline = time.monotonic() + timeout
        while not (value := call()):
            if time.monotonic() > deadline:
                raise Failed(f"not within {timeout:g} s: {what}")
            time.sleep(0.05)
        return value

    # Raw requests --------------------------------------------------------

    def raw_body(self, body: bytes, timeout: float = 40):
        """Sends a KVP body of any contents and length as a well framed
        request; returns it with its answer."""
        return self.kvp.transact(body, f"raw body of {len(body)} bytes",
                                 timeout)

    def body_status(self, name: str, body: bytes, what: str) -> None:
        """A KVP body must be answered with the status @name, and must leave
        the guest working."""
        got = icwire.status_name(self.raw_body(body).status)
        self.equal(got, name, what)

    def works(self) -> None:
        """A round trip through the pools, after whatever happened."""
        item = Item("works?", "yes")
        self.kvp.set(kvpwire.EXTERNAL, item)
        self.true(item in self.kvp.enumerate(kvpwire.EXTERNAL),
                  "an item that was set is not enumerated")
        self.kvp.delete(kvpwire.EXTERNAL, item.key)

    # Between scenarios ---------------------------------------------------

    def reset(self) -> None:
        """Makes the guest look as if freshly connected, or raises."""
        service = self.kvp
        self.reoffers(False)
        self.device.stall(False)
        service.auto_negotiate = service.push_items = True
        service.versions, service.fw_versions = kvp.VERSIONS, [(1, 0), (3, 0)]
        for pool in kvp.HOST_POOLS:
            service.items[pool].clear()
        if self.setup.start == "none":
            return
        count = service.negotiations
        service.negotiate(kvp.VERSIONS, [(1, 0), (3, 0)])
        # hv_utils, which takes 2 s, is often stuck after a known defect
        service.wait_ready(20 if self.guest == HV_KVP else 8, count + 1)
        for pool in HOST_WRITES:
            for item in reversed(service.enumerate(pool)):
                service.delete(pool, item.key)
        service.stale.clear()
