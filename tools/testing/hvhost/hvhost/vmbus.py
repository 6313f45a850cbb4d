# SPDX-License-Identifier: GPL-2.0
"""The VMBus server of hvhost.elf, driven from Python: devices, packets, control messages.

Nothing here knows what a device is for. Callbacks run on the machine's event thread: they may send,
rescind and so on, but must not wait for anything.
"""

from __future__ import annotations

import collections
import dataclasses
import os
import struct
import threading
import uuid
from typing import TYPE_CHECKING, Any, Callable, Iterable

from . import abi
from .faults import ProtocolViolation
from .mailbox import Event

if TYPE_CHECKING:
    from .machine import Machine

KEEP, REOFFER = abi.CLOSE_KEEP, abi.CLOSE_REOFFER
SIGNAL_EDGE, SIGNAL_EACH, SIGNAL_ALWAYS = abi.SIGNAL_EDGE, abi.SIGNAL_EACH, abi.SIGNAL_ALWAYS
RING_OUT, RING_IN = abi.RING_OUT, abi.RING_IN
BEFORE, INSTEAD, AFTER = abi.WHEN_BEFORE, abi.WHEN_INSTEAD, abi.WHEN_AFTER
SENT, READ = abi.UPON_SENT, abi.UPON_READ

VERSIONS = (0x50003, 0x50002, 0x50001, 0x50000, 0x40001, 0x40000)

# include/linux/hyperv.h
CHN_FLAGS_PIPE = 0x11		# enumerate device interface, named pipe mode
PIPE_MODE_MESSAGE = 4
PACKET_INBAND = 6

STATES = {abi.DEV_NONE: "none", abi.DEV_OFFERED: "offered", abi.DEV_OPEN: "open",
          abi.DEV_RESCINDED: "rescinded"}

MESSAGE_NAMES = {
    1: "OFFERCHANNEL", 2: "RESCIND_CHANNELOFFER", 3: "REQUESTOFFERS", 4: "ALLOFFERS_DELIVERED",
    5: "OPENCHANNEL", 6: "OPENCHANNEL_RESULT", 7: "CLOSECHANNEL", 8: "GPADL_HEADER",
    9: "GPADL_BODY", 10: "GPADL_CREATED", 11: "GPADL_TEARDOWN", 12: "GPADL_TORNDOWN",
    13: "RELID_RELEASED", 14: "INITIATE_CONTACT", 15: "VERSION_RESPONSE", 16: "UNLOAD",
    17: "UNLOAD_RESPONSE", 22: "MODIFYCHANNEL", 24: "MODIFYCHANNEL_RESPONSE",
}

# transact() keeps no more than this in the host's memory.
_WINDOW_PACKETS, _WINDOW_BYTES = 512, 1 << 20

# What all packets that wait in hvhost's heap may take; a sender waits for room.
_IN_FLIGHT_BYTES = 3 << 20


@dataclasses.dataclass(frozen=True)
class Config:
    """How the host behaves; times in seconds."""

    versions: tuple[int, ...] = VERSIONS	# accepted, major << 16 | minor
    close_policy: int = KEEP		# KEEP: as OpenVMM; REOFFER: as Hyper-V
    signal_policy: int = SIGNAL_EDGE	# SIGNAL_EDGE is the rule: ring was empty and not masked
    rescind_delay: float = 0.0		# from CLOSE to RESCIND
    reoffer_delay: float = 0.0		# from RELID_RELEASED to OFFER
    spin: float = 0.001			# host CPU polls this long before it halts
    early_signal: bool = False		# raise a channel's event before its GPADL is answered

    def pack(self) -> bytes:
        versions = list(self.versions) + [0] * (8 - len(self.versions))
        return abi.STRUCTS["config"].pack(
            *versions, self.close_policy, self.signal_policy, int(self.rescind_delay * 1e6),
            int(self.reoffer_delay * 1e6), int(self.spin * 1e6),
            int(self.early_signal), 0, 0)


@dataclasses.dataclass(frozen=True)
class Packet:
    """A packet from the guest. offset8 and len8 are in units of 8 bytes, as on the wire."""

    type: int
    flags: int
    trans_id: int
    payload: bytes
    extra: bytes		# between the 16 bytes of the descriptor and the payload
    tsc: int			# when the host took it
    sent_tsc: int		# when the host's last packet went into the ring
    tsc_hz: int
    trailer: int
    offset8: int
    len8: int
    start: int

    @property
    def seconds(self) -> float:
        """From the host's last packet to this one."""
        return (self.tsc - self.sent_tsc) / self.tsc_hz


@dataclasses.dataclass(frozen=True)
class RingState:
    write_index: int
    read_index: int
    interrupt_mask: int
    pending_send_sz: int
    feature_bits: int
    data_size: int

    @property
    def used(self) -> int:
        return (self.write_index - self.read_index) % self.data_size if self.data_size else 0


@dataclasses.dataclass(frozen=True)
class Peek:
    out: RingState		# host -> guest
    in_: RingState		# guest -> host
    queued: int			# packets that wait in the host's memory
    relid: int
    state: str
    target_vp: int


class Reply:
    """Answer to a command, when it is there."""

    def __init__(self, machine: "Machine", what: str) -> None:
        self._machine, self._what = machine, what
        self._event: Event | None = None
        self.on_done: Callable[[], Any] | None = None

    def resolve(self, event: Event) -> None:
        """Called on the event thread."""
        self._event = event
        if self.on_done:
            self.on_done()

    @property
    def done(self) -> bool:
        return self._event is not None

    @property
    def status(self) -> int | None:
        """0, a negative errno, or None while there is no answer."""
        if self._event is None:
            return None
        return abi.STRUCTS["ack"].unpack_from(self._event.body)[0]

    def event(self, timeout: float = 30.0) -> Event:
        event = self._machine.wait_for(lambda: self._event, timeout, f"answer to {self._what}")
        status = self.status
        if status:
            raise OSError(-status, f"{self._what}: {os.strerror(-status)}")
        return event

    def result(self, timeout: float = 30.0) -> int:
        """TSC at which it was done. Raises OSError with what the host said."""
        return self.event(timeout).tsc


Sent = Reply


class Device:
    """A device that the host offers, and its channel."""

    def __init__(self, server: "VmbusServer", name: str, number: int, class_id: uuid.UUID,
                 instance_id: uuid.UUID, offer: bytes) -> None:
        self.server, self.name, self.number = server, name, number
        self.class_id, self.instance_id = class_id, instance_id
        self.relid = self.target_vp = self.opens = self.closes = self.offers = 0
        self.state = "none"
        self.ring_in_size = self.ring_out_size = 0
        self.gpadls: dict[int, int] = {}	# handle: pages
        self.on_open: list[Callable[[Device], Any]] = []
        self.on_close: list[Callable[[Device], Any]] = []
        self.on_rescind_done: list[Callable[[Device], Any]] = []
        self.on_state: list[Callable[[Device], Any]] = []
        self.on_packet: list[Callable[[Device, Packet], Any]] = []
        self._offer = offer
        self._machine = server.machine
        self._received: collections.deque[Packet] = collections.deque()
        self._transactions: dict[int, Packet | None] = {}

    # -- offers ----------------------------------------------------------------------------------

    def offer(self) -> Reply:
        """Make the device known to the host, which offers it as soon as the guest wants offers."""
        return self._command(abi.CMD_OFFER, "offer", self._offer)

    def rescind(self) -> Reply:
        """Withdraw the device until reoffer()."""
        return self._command(abi.CMD_RESCIND, "rescind")

    def rescind_upon(self, what: str | int, nth: int = 1, when: int = AFTER,
                     delay: float = 0.0) -> Reply:
        """Withdraw the device, as rescind() does, as soon as something happens the nth time from
        now on: a message from the guest by its name, SENT (a packet is in the ring to the guest)
        or READ (one of the guest's was taken out of the other).

        when, of a message: BEFORE the host handles and answers it, INSTEAD of that, or AFTER it;
        delay is from then on, in seconds, and is for AFTER alone. The host does it itself,
        without this program in between. Only the last call counts; nth 0 undoes it.
        """
        kind = {n: k for k, n in MESSAGE_NAMES.items()}[what] if isinstance(what, str) else what
        return self._command(abi.CMD_RESCIND_UPON, "rescind_upon", abi.STRUCTS["upon"].pack(
            kind, nth, when, int(delay * 1e6)))

    def reoffer(self) -> Reply:
        """Offer it again, with a new channel id, once the guest has released the old one."""
        return self._command(abi.CMD_REOFFER, "reoffer")

    def remove(self) -> Reply:
        """Withdraw and forget it."""
        self.server.devices.pop(self.name, None)
        return self._command(abi.CMD_REMOVE, "remove")

    # -- sending ---------------------------------------------------------------------------------

    def send(self, payload: bytes, trans_id: int = 0, *, type: int = PACKET_INBAND, flags: int = 0,
             offset8: int | None = None, len8: int | None = None, trailer: int | None = None,
             signal: bool = True, wait_room: bool = True, serial: bool = False) -> Reply:
        """Send a packet. It waits its turn in the host's memory; the reply says when it went.

        offset8, len8 and trailer replace what is right. serial: not before the guest has answered
        the serial packet before (a packet with its trans_id counts as the answer).
        """
        bits = 0 if signal else abi.SEND_NO_SIGNAL
        bits |= 0 if wait_room else abi.SEND_NO_WAIT
        bits |= abi.SEND_SERIAL if serial else 0
        if offset8 is not None or len8 is not None:
            bits |= abi.SEND_RAW_DESC
            offset8 = 2 if offset8 is None else offset8
            len8 = 2 + (len(payload) + 7) // 8 if len8 is None else len8
        if trailer is not None:
            bits |= abi.SEND_TRAILER
        head = abi.STRUCTS["send"].pack(type, flags, offset8 or 0, len8 or 0, trans_id, trailer or 0)
        self.server.record("send", self.name, trans_id=trans_id, type=type, payload=payload)
        return self._queue(abi.CMD_SEND, "send", head + payload, bits)

    def send_raw(self, data: bytes, signal: bool = True) -> Reply:
        """Put bytes into the host -> guest ring as they are, packet or not."""
        self.server.record("send raw", self.name, payload=data)
        return self._queue(abi.CMD_RAW, "send_raw", data, 0 if signal else abi.SEND_NO_SIGNAL)

    def poke(self, ring: int, offset: int, value: int, size: int = 4) -> Reply:
        """Write to a ring's control page; offsets from 4096 on are the data."""
        body = abi.STRUCTS["poke"].pack(ring, offset, size, 0, value)
        return self._command(abi.CMD_POKE, "poke", body)

    def peek(self, timeout: float = 10.0) -> Peek:
        """Both rings' control pages and what waits in the host."""
        body = self._command(abi.CMD_PEEK, "peek").event(timeout).body[abi.SIZEOF_ack:]
        v = abi.STRUCTS["peek"].unpack(body)
        return Peek(RingState(*v[:6]), RingState(*v[6:12]), v[12], v[13], STATES[v[14]], v[15])

    def stall(self, on: bool = True) -> Reply:
        """Leave what the guest sends in the ring, or go on."""
        return self._command(abi.CMD_STALL, "stall", b"", 1 if on else 0)

    def signal(self) -> Reply:
        """Raise the channel's event in the guest."""
        return self._command(abi.CMD_SIGNAL, "signal")

    def cancel(self) -> Reply:
        """Drop what waits in the host; those replies say ECANCELED."""
        return self._command(abi.CMD_CANCEL, "cancel")

    def transact(self, payloads: Iterable[bytes], timeout: float = 30.0,
                 first_trans_id: int = 1 << 32) -> list[Packet]:
        """Send requests one after the other, each when the one before is answered; the answers.

        The host CPU runs them back to back, without this program in between. timeout is for each
        answer. The answers do not go to on_packet.
        """
        requests = list(payloads)
        ids = range(first_trans_id, first_trans_id + len(requests))
        answers: dict[int, Packet | None] = dict.fromkeys(ids)
        self._transactions = answers
        replies: list[Reply] = []
        done = done_bytes = sent_bytes = 0

        def advance() -> bool:
            """Count what has been answered; True when there was something new."""
            nonlocal done, done_bytes
            before = done
            while done < len(replies) and (answers[ids[done]] or replies[done].status):
                replies[done].result(0)		# raises what the host said against it
                done_bytes += len(requests[done])
                done += 1
            return done > before

        try:
            while done < len(requests):
                while len(replies) < len(requests) and len(replies) - done < _WINDOW_PACKETS and \
                        sent_bytes - done_bytes < _WINDOW_BYTES:
                    i = len(replies)
                    replies.append(self.send(requests[i], ids[i], serial=True))
                    sent_bytes += len(requests[i])
                self._machine.wait_for(advance, timeout,
                                       f"answer {done} of {len(requests)} from {self.name}")
            return [answers[i] for i in ids]
        finally:
            if done < len(requests):
                self.cancel()
            self._transactions = {}

    # -- receiving -------------------------------------------------------------------------------

    def recv(self, timeout: float = 30.0, trans_id: int | None = None) -> Packet:
        """Oldest packet that no on_packet callback took (by returning True)."""
        def take() -> Packet | None:
            for packet in list(self._received):
                if trans_id is None or packet.trans_id == trans_id:
                    self._received.remove(packet)
                    return packet
            return None

        return self._machine.wait_for(take, timeout, f"packet from {self.name}")

    def wait_state(self, state: str, timeout: float = 30.0) -> None:
        self._machine.wait_for(lambda: self.state == state, timeout,
                               f"{self.name} to be {state} (it is {self.state})")

    def wait_open(self, timeout: float = 30.0) -> None:
        self.wait_state("open", timeout)

    def wait_opens(self, n: int, timeout: float = 30.0) -> None:
        """Until it has been opened n times in all."""
        self._machine.wait_for(lambda: self.opens >= n, timeout,
                               f"open number {n} of {self.name} ({self.opens} so far)")

    # -- events, on the event thread --------------------------------------------------------------

    def handle_state(self, body: bytes) -> None:
        state, self.relid, self.target_vp, self.ring_in_size, self.ring_out_size, _ = \
            abi.STRUCTS["state"].unpack(body)
        old, self.state = self.state, STATES[state]
        self.server.record("state", self.name, state=self.state, relid=self.relid,
                           target_vp=self.target_vp)
        if self.state == "offered" and old == "none":
            self.offers += 1
        if self.state == "open" and old != "open":
            self.opens += 1
            self._call(self.on_open)
        if old == "open" and self.state != "open":
            self.closes += 1
            self._call(self.on_close)
        if old == "rescinded" and self.state == "none":
            self._call(self.on_rescind_done)
        self._call(self.on_state)

    def handle_packet(self, event: Event) -> None:
        size = abi.SIZEOF_packet
        kind, flags, offset8, len8, trans_id, trailer, sent_tsc, start, _ = \
            abi.STRUCTS["packet"].unpack(event.body[:size])
        skip = offset8 * 8 - 16
        packet = Packet(kind, flags, trans_id, event.body[size + skip:],
                        event.body[size:size + skip], event.tsc, sent_tsc,
                        self._machine.tsc_hz, trailer, offset8, len8, start)
        self.server.record("packet", self.name, trans_id=trans_id, type=kind,
                           payload=packet.payload)
        if self._transactions.get(trans_id, packet) is None:
            self._transactions[trans_id] = packet
            return
        taken = False
        for callback in list(self.on_packet):
            taken = callback(self, packet) is True or taken
        if not taken:
            self._received.append(packet)

    def handle_gpadl(self, body: bytes) -> None:
        handle, pages, what = struct.unpack("<III", body)
        if what == abi.GPADL_CREATED:
            self.gpadls[handle] = pages
        else:
            self.gpadls.pop(handle, None)
        self.server.record("gpadl", self.name, handle=handle, pages=pages,
                           created=what == abi.GPADL_CREATED)

    def _call(self, callbacks: list[Callable[[Device], Any]]) -> None:
        for callback in list(callbacks):
            callback(self)

    def _queue(self, kind: int, what: str, body: bytes, flags: int) -> Reply:
        """A command that hvhost keeps in its heap until the packet has gone."""
        self.server.take_room(len(body))
        return self._command(kind, what, body, flags, lambda: self.server.give_room(len(body)))

    def _command(self, kind: int, what: str, body: bytes = b"", flags: int = 0,
                 on_done: Callable[[], Any] | None = None) -> Reply:
        return self._machine.command(kind, f"{what} on {self.name}", self.number, flags, body,
                                     on_done)


class VmbusServer:
    """All devices and the control path."""

    def __init__(self, machine: "Machine", config: Config) -> None:
        self.machine, self.config = machine, config
        self.devices: dict[str, Device] = {}
        self.version: int | None = None
        self.contacts: list[tuple[int, bool]] = []
        self.unloads = 0
        self.os_ids: list[int] = []
        self.strict = True		# a fatal violation raises at the next wait
        self.violations: list[tuple[str, str, bool]] = []	# device name, text, fatal
        self.on_message: list[Callable[[str, int, bytes], Any]] = []
        self.on_violation: list[Callable[[Device | None, str, bool], Any]] = []
        self._by_number: dict[int, Device] = {}
        self._in_flight = 0
        self._lock = threading.Lock()

    def configure(self, **changes: Any) -> None:
        """Change Config fields, now or before the start."""
        self.config = dataclasses.replace(self.config, **changes)
        if self.machine.up:
            self._send_config().result()

    def _send_config(self) -> Reply:
        return self.machine.command(abi.CMD_CONFIG, "config", body=self.config.pack())

    def add(self, name: str, class_id: uuid.UUID | str, instance_id: uuid.UUID | str, *,
            chn_flags: int = CHN_FLAGS_PIPE, pipe_mode: int | None = PIPE_MODE_MESSAGE,
            user_def: bytes = b"", mmio_megabytes: int = 0, sub_channel: int = 0,
            offer: bool = True) -> Device:
        """Describe a device. It is offered unless offer is False; then call offer() later."""
        if name in self.devices:
            raise ValueError(f"there is a device {name} already")
        class_id, instance_id = uuid.UUID(str(class_id)), uuid.UUID(str(instance_id))
        if pipe_mode is not None:
            user_def = struct.pack("<I", pipe_mode) + user_def
        body = abi.STRUCTS["offer"].pack(class_id.bytes_le, instance_id.bytes_le, chn_flags,
                                         mmio_megabytes, sub_channel, 0, user_def.ljust(120, b"\0"))
        with self._lock:
            number = max(self._by_number, default=0) + 1
            device = Device(self, name, number, class_id, instance_id, body)
            self.devices[name] = self._by_number[number] = device
        if offer and self.machine.up:
            try:
                device.offer().result()
            except OSError:		# the host has no room
                del self.devices[name], self._by_number[number]
                raise
        elif offer:
            self.machine.at_start(device.offer)
        return device

    def begin(self) -> None:
        """hvhost is up: the configuration goes first."""
        self._send_config().result()

    def post(self, *messages: bytes) -> Reply:
        """Raw control messages to the guest, back to back."""
        body = b"".join(struct.pack("<II", len(m), 0) + m + bytes(-len(m) % 8) for m in messages)
        return self.machine.command(abi.CMD_POST, "post", body=body)

    def wait_contact(self, timeout: float = 60.0) -> int:
        """Until a version is agreed on; the version."""
        return self.machine.wait_for(lambda: self.version, timeout, "VMBus contact")

    def take_room(self, size: int) -> None:
        """Wait until hvhost has room for a packet. Callbacks do not wait: the room is kept ample."""
        def take() -> bool:
            with self._lock:
                if self._in_flight and self._in_flight + size > _IN_FLIGHT_BYTES:
                    return False
                self._in_flight += size
                return True

        if self.machine.on_event_thread():
            with self._lock:
                self._in_flight += size
        elif not take():
            self.machine.wait_for(take, 60.0, "room in hvhost's memory: the guest does not read")

    def give_room(self, size: int) -> None:
        with self._lock:
            self._in_flight -= size

    def record(self, kind: str, name: str, **fields: Any) -> None:
        self.machine.record(kind, name, fields)

    def handle(self, event: Event) -> bool:
        """Event thread. False: not for the VMBus server."""
        device = self._by_number.get(event.dev)
        if event.type == abi.EVT_PACKET:
            device.handle_packet(event)
        elif event.type == abi.EVT_STATE:
            device.handle_state(event.body)
        elif event.type == abi.EVT_GPADL:
            if device:
                device.handle_gpadl(event.body)
        elif event.type in (abi.EVT_MSG_RX, abi.EVT_MSG_TX):
            self._message("rx" if event.type == abi.EVT_MSG_RX else "tx", event.body[8:])
        elif event.type == abi.EVT_CONTACT:
            version, accepted, _, _ = struct.unpack("<IIII", event.body)
            self.contacts.append((version, bool(accepted)))
            self.version = version if accepted else None
            self.record("contact", "", version=version, accepted=bool(accepted))
        elif event.type == abi.EVT_UNLOAD:
            self.version = None
            self.unloads += 1
            self.record("unload", "")
        elif event.type == abi.EVT_VIOLATION:
            self._violation(device, event.body)
        else:
            return False
        return True

    def _message(self, direction: str, body: bytes) -> None:
        kind = int.from_bytes(body[:4], "little")
        self.record(f"message {direction}", MESSAGE_NAMES.get(kind, str(kind)), body=body)
        for callback in list(self.on_message):
            callback(direction, kind, body)

    def _violation(self, device: Device | None, body: bytes) -> None:
        fatal, text = bool(int.from_bytes(body[:4], "little")), body[4:].decode(errors="replace")
        name = device.name if device else ""
        self.violations.append((name, text, fatal))
        self.record("violation", name, text=text, fatal=fatal)
        for callback in list(self.on_violation):
            callback(device, text, fatal)
        if fatal and self.strict:
            self.machine.set_fault(ProtocolViolation(f"{name}: {text}" if name else text))
