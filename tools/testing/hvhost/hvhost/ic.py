# SPDX-License-Identifier: GPL-2.0
"""The host's end of an integration component (IC) on a VMBus channel.

What all components share: NEGOTIATE whenever the channel opens, and again
when the caller wants it; after that one transaction at a time, in the order
submitted. Replies are matched by VMBus transaction id. One that answers a
request from before a NEGOTIATE, a close or a timeout is stale: it is counted
and dropped, because a guest may hold a request for long.

Packets arrive on the machine's event thread. It may submit, but never wait.
"""
from __future__ import annotations

import enum
import threading
import time
from collections import deque
from collections.abc import Callable
from typing import TYPE_CHECKING

from . import icwire
from .icwire import Header, Version, Violation

if TYPE_CHECKING:
    from .machine import Machine
    from .vmbus import Device, Packet

DEFAULT_FW: list[Version] = [(1, 0), (3, 0)]


class State(enum.Enum):
    """Where a component stands, as the host sees it."""

    NO_CONTACT = "no contact"		# nothing was ever negotiated
    NEGOTIATING = "negotiating"
    READY = "ready"
    REFUSED = "no common version"
    FAILED = "protocol violation"
    LOST = "lost communication"		# the channel was closed or withdrawn


class IcError(Exception):
    """A request came to nothing."""


class NoReply(IcError):
    """The guest did not answer in time."""


class ChannelClosed(IcError):
    """The channel closed while a request was out."""


class Superseded(IcError):
    """A NEGOTIATE started everything over while a request was out."""


class StatusError(IcError):
    """The guest answered with a status other than 0."""

    def __init__(self, what: str, status: int):
        super().__init__(f"{what}: {icwire.status_name(status)}")
        self.status = status


class Request:
    """A request on its way: out, answered, or come to nothing (error)."""

    def __init__(self, service: IcService, payload: bytes, what: str,
                 done: Callable[[Request], None] | None = None):
        self.service, self.payload, self.what = service, payload, what
        self.trans_id: int | None = None
        self.header: Header | None = None
        self.body = b""
        self.packet: Packet | None = None
        self.error: Exception | None = None
        self.finished = False
        self._done = done

    def finish(self, error: Exception | None = None) -> None:
        """Called once, on the event thread or by whoever gives up."""
        self.error = error
        self.finished = True
        if self._done:
            self._done(self)

    def wait(self, timeout: float = 30) -> Request:
        """Waits for the answer; raises what went wrong."""
        if not self.service.wait(lambda: self.finished, timeout):
            self.service.abandon(self)
            raise NoReply(f"{self.what}: no answer in {timeout:g} s")
        if self.error:
            raise self.error
        return self

    @property
    def status(self) -> int:
        """The status in the answer."""
        return self.header.status

    def check(self) -> Request:
        """Raises StatusError unless the status is OK."""
        if self.status:
            raise StatusError(self.what, self.status)
        return self


class IcService:
    """One component. Subclasses say what it talks about."""

    message_type = icwire.MSG_NEGOTIATE
    name = "IC"

    def __init__(self, machine: Machine, device: Device,
                 versions: list[Version],
                 fw_versions: list[Version] | None = None):
        self.machine, self.device = machine, device
        self.versions = list(versions)
        self.fw_versions = list(fw_versions or DEFAULT_FW)
        self.auto_negotiate = True
        self.patience = 600.0	# seconds; no wait takes longer
        self.state = State.NO_CONTACT
        self.fw: Version | None = None
        self.msg: Version | None = None
        self.negotiations = 0		# completed, with or without success
        self.violations: list[str] = []
        self.stale: list[Packet] = []
        self._lock = threading.RLock()
        self._queue: deque[Request] = deque()
        self._out: Request | None = None
        self._negotiate: Request | None = None
        self._raw: dict[int, list[Packet]] = {}
        self._issued = 0x1000
        self._tid = 0
        device.on_open.append(self._opened)
        device.on_close.append(self._closed)
        device.on_packet.append(self._packet)

    # What subclasses add -------------------------------------------------

    def ready(self) -> None:
        """Called on the event thread after each successful NEGOTIATE."""

    # Waiting -------------------------------------------------------------

    def wait(self, done: Callable[[], object], timeout: float) -> bool:
        """Waits on the caller's thread; False when the time is up. Raises
        what ails the guest or its protocol."""
        timeout = min(timeout, self.patience)
        deadline = time.monotonic() + timeout
        self.machine.wait_for(
            lambda: done() or time.monotonic() >= deadline,
            timeout + 10, f"{self.name}: the host's event loop")
        return bool(done())

    def wait_ready(self, timeout: float = 60, count: int = 0) -> IcService:
        """Waits until the versions are agreed, at least @count times."""
        self.wait(lambda: (self.state is State.READY
                           and self.negotiations >= count)
                  or self.state in (State.FAILED, State.REFUSED), timeout)
        if self.state is State.FAILED:
            raise Violation(self.violations[-1])
        if self.state is not State.READY or self.negotiations < count:
            raise NoReply(f"{self.name} is not ready: {self.state.value}, "
                          f"{self.negotiations} negotiations")
        return self

    def wait_state(self, state: State, timeout: float = 30) -> None:
        """Waits for a state."""
        if not self.wait(lambda: self.state is state, timeout):
            raise NoReply(f"{self.name}: state is {self.state.value}, "
                          f"not {state.value}")

    # Sending -------------------------------------------------------------

    def _next_ids(self) -> tuple[int, int]:
        self._issued += 1
        self._tid = (self._tid + 1) & 0xff
        return self._issued, self._tid

    def negotiate(self, versions: list[Version] | None = None,
                  fw_versions: list[Version] | None = None) -> Request:
        """Sends NEGOTIATE now; starts everything over, as after a restore."""
        with self._lock:
            if versions is not None:
                self.versions = list(versions)
            if fw_versions is not None:
                self.fw_versions = list(fw_versions)
            if self.state is not State.NO_CONTACT:
                self._abort(Superseded(
                    f"{self.name}: NEGOTIATE came in between"))
            trans_id, tid = self._next_ids()
            request = Request(self, icwire.pack_negotiate(
                self.fw_versions, self.versions, tid),
                f"{self.name} NEGOTIATE")
            request.trans_id = trans_id
            self._negotiate = request
            self.state = State.NEGOTIATING
            self.fw = self.msg = None
            self.device.send(request.payload, trans_id)
        return request

    def submit(self, body: bytes, what: str,
               done: Callable[[Request], None] | None = None) -> Request:
        """Queues a request; it goes out when those before it are answered."""
        with self._lock:
            header = Header(self.message_type, 0)
            request = Request(self, icwire.pack(header, body), what, done)
            self._queue.append(request)
            self._pump()
        return request

    def transact(self, body: bytes, what: str, timeout: float = 30) -> Request:
        """Submits and waits; the status is the caller's business."""
        return self.submit(body, what).wait(timeout)

    def _pump(self) -> None:
        if self.state is not State.READY or self._out or not self._queue:
            return
        request = self._out = self._queue.popleft()
        request.trans_id, tid = self._next_ids()
        header, body = icwire.unpack(request.payload)
        request.payload = icwire.pack(
            Header(header.type, 0, self.fw, self.msg, tid=tid), body)
        self.device.send(request.payload, request.trans_id)

    def abandon(self, request: Request) -> None:
        """Forgets a request that timed out: its answer will be stale."""
        with self._lock:
            if request is self._out:
                self._out = None
            elif request is self._negotiate:
                self._negotiate = None
            elif request in self._queue:
                self._queue.remove(request)
            self._pump()

    def raw(self, payload: bytes, **how) -> int:
        """Puts any bytes into the channel, past the queue and all checks;
        @how goes to Device.send(). Returns the transaction id to give to
        raw_replies()."""
        with self._lock:
            trans_id, _ = self._next_ids()
            self._raw[trans_id] = []
        # Not under the lock: a flood may have to wait for the event thread.
        self.device.send(payload, trans_id, **how)
        return trans_id

    def raw_replies(self, trans_id: int) -> list[Packet]:
        """What has come back for a raw packet so far."""
        return self._raw[trans_id]

    def raw_reply(self, trans_id: int, timeout: float = 10) -> Packet:
        """The first answer to a raw packet."""
        if not self.wait(lambda: self._raw[trans_id], timeout):
            raise NoReply(f"{self.name}: raw packet {trans_id:#x} "
                          f"was not answered in {timeout:g} s")
        return self._raw[trans_id][0]

    # The event thread ----------------------------------------------------

    def _opened(self, _device: Device) -> None:
        if self.auto_negotiate:
            self.negotiate()

    def _closed(self, _device: Device) -> None:
        with self._lock:
            if self.state is not State.NO_CONTACT:
                self.state = State.LOST
            self._abort(ChannelClosed(f"{self.name}: the channel closed"))

    def _abort(self, error: IcError) -> None:
        given_up = [r for r in (self._negotiate, self._out) if r]
        given_up += self._queue
        self._negotiate = self._out = None
        self._queue.clear()
        for request in given_up:
            request.finish(error)

    def _packet(self, _device: Device, packet: Packet) -> bool:
        with self._lock:
            if packet.trans_id in self._raw:
                self._raw[packet.trans_id].append(packet)
            elif self._negotiate and packet.trans_id == self._negotiate.trans_id:
                self._negotiated(packet)
            elif self._out and packet.trans_id == self._out.trans_id:
                self._answered(packet)
            elif packet.trans_id <= self._issued:
                self.stale.append(packet)
            else:
                self._fail(Violation("an answer to nothing, transaction "
                                     f"{packet.trans_id:#x}"))
        return True

    def _fail(self, violation: Violation) -> None:
        """OpenVMM's reaction: the channel is of no more use."""
        self.violations.append(f"{self.name}: {violation}")
        self.state = State.FAILED
        self._abort(IcError(f"{self.name} failed: {violation}"))

    def _negotiated(self, packet: Packet) -> None:
        request, self._negotiate = self._negotiate, None
        request.packet = packet
        try:
            request.header, request.body = icwire.check_reply(
                request.payload, packet.payload)
            chosen = icwire.unpack_negotiate(request.payload, packet.payload)
        except Violation as violation:
            request.finish(violation)
            self._fail(violation)
            return
        self.negotiations += 1
        if chosen:
            self.fw, self.msg = chosen
            self.state = State.READY
        else:
            self.state = State.REFUSED
        request.finish()
        if chosen:
            self.ready()
            self._pump()

    def _answered(self, packet: Packet) -> None:
        request, self._out = self._out, None
        request.packet = packet
        try:
            request.header, request.body = icwire.check_reply(
                request.payload, packet.payload)
            self.inspect(request)
        except Violation as violation:
            request.finish(violation)
            self._fail(violation)
            return
        request.finish()
        self._pump()

    def inspect(self, request: Request) -> None:
        """Subclasses check the body of an answer; may raise Violation."""
