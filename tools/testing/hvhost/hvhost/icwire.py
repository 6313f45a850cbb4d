# SPDX-License-Identifier: GPL-2.0
"""The frame of the integration components (IC) in bytes, checked strictly.

A VMBus packet of an IC channel carries a pipe header, an IC header and a
body. Layouts: include/linux/hyperv.h of Linux (struct vmbuspipe_hdr, struct
icmsg_hdr, struct icmsg_negotiate) and OpenVMM's hyperv_ic_protocol. A reply
is held against OpenVMM's rules: what makes it fail a channel is a Violation.
"""
from __future__ import annotations

import struct
from dataclasses import dataclass, replace

PIPE = struct.Struct("<II")
IC = struct.Struct("<HHHHHHIBBxx")
NEGOTIATE = struct.Struct("<HHI")
VERSION = struct.Struct("<HH")
PIPE_DATA = 1

MSG_NEGOTIATE, MSG_HEARTBEAT, MSG_KVP, MSG_SHUTDOWN, MSG_TIMESYNC = range(5)
MSG_NAMES = {MSG_NEGOTIATE: "NEGOTIATE", MSG_HEARTBEAT: "HEARTBEAT",
             MSG_KVP: "KVP", MSG_SHUTDOWN: "SHUTDOWN",
             MSG_TIMESYNC: "TIMESYNC"}

FLAG_TRANSACTION, FLAG_REQUEST, FLAG_RESPONSE = 1, 2, 4
REQUEST = FLAG_TRANSACTION | FLAG_REQUEST
RESPONSE = FLAG_TRANSACTION | FLAG_RESPONSE

Version = tuple[int, int]

# HRESULTs of winerror.h and wbemcli.h that the components use.
STATUS = {
    0x00000000: "OK",
    0x80004005: "E_FAIL",
    0x80041002: "NOT_FOUND",
    0x80070032: "NOT_SUPPORTED",
    0x80070050: "ALREADY_EXISTS",
    0x80070057: "INVALID_ARGUMENT",
    0x80070070: "DISK_FULL",
    0x80070103: "NO_MORE_ITEMS",
    0x8007048F: "NOT_CONNECTED",
}
STATUS_BY_NAME = {name: number for number, name in STATUS.items()}


def status_name(status: int) -> str:
    """The name of a status, or its number."""
    return STATUS.get(status, f"0x{status:08x}")


def version_text(version: Version | None) -> str:
    """(4, 0) as "4.0"."""
    return "none" if version is None else f"{version[0]}.{version[1]}"


class Violation(Exception):
    """The guest broke the protocol. The text says which rule and how."""


@dataclass(frozen=True)
class Header:
    """The IC header; versions are those of framework and message."""

    type: int
    size: int
    fw: Version = (0, 0)
    msg: Version = (0, 0)
    status: int = 0
    tid: int = 0
    flags: int = REQUEST

    def pack(self) -> bytes:
        """As bytes."""
        return IC.pack(*self.fw, self.type, *self.msg, self.size, self.status,
                       self.tid, self.flags)

    @classmethod
    def unpack(cls, data: bytes) -> Header:
        """From bytes; the caller has checked that there are enough."""
        a, b, kind, c, d, size, status, tid, flags = IC.unpack_from(data)
        return cls(kind, size, (a, b), (c, d), status, tid, flags)


def pack(header: Header, body: bytes) -> bytes:
    """The payload of a VMBus packet; sets the size fields from @body."""
    ic = replace(header, size=len(body)).pack() + body
    return PIPE.pack(PIPE_DATA, len(ic)) + ic


def unpack(payload: bytes) -> tuple[Header, bytes]:
    """Header and body of a payload. VMBus pads a packet to 8 bytes, so that
    more may follow; anything else that is odd is a Violation."""
    if len(payload) < PIPE.size + IC.size:
        raise Violation(f"packet of {len(payload)} bytes has no IC header")
    flags, size = PIPE.unpack_from(payload)
    if flags != PIPE_DATA:
        raise Violation(f"pipe header flags are {flags}, not {PIPE_DATA}")
    if not 0 <= len(payload) - PIPE.size - size < 8:
        raise Violation(f"pipe header says {size} bytes, "
                        f"{len(payload) - PIPE.size} came")
    if size < IC.size:
        raise Violation(f"pipe header says {size} bytes: no room for IC")
    header = Header.unpack(payload[PIPE.size:])
    body = payload[PIPE.size + IC.size:PIPE.size + size]
    if header.size > len(body):
        raise Violation(f"IC header says a body of {header.size} bytes, "
                        f"{len(body)} came")
    return header, body


def check_reply(request: bytes, payload: bytes) -> tuple[Header, bytes]:
    """Header and body of a reply that answers @request as the rules want."""
    asked = Header.unpack(request[PIPE.size:])
    header, body = unpack(payload)
    if len(payload) + 7 >> 3 != len(request) + 7 >> 3:
        raise Violation(f"reply is {len(payload)} bytes long, "
                        f"the request was {len(request)}")
    if header.flags != RESPONSE:
        raise Violation(f"reply has flags {header.flags}, not {RESPONSE}")
    if header.tid != asked.tid:
        raise Violation(f"reply has transaction id {header.tid}, "
                        f"the request had {asked.tid}")
    if header.type != asked.type:
        raise Violation(f"reply has type {header.type}, "
                        f"the request had {asked.type}")
    if header.type == MSG_NEGOTIATE:
        return header, body
    if (header.fw, header.msg) != (asked.fw, asked.msg):
        raise Violation(f"reply has versions {header.fw} {header.msg}, "
                        f"the request had {asked.fw} {asked.msg}")
    if header.size != asked.size:
        raise Violation(f"reply says a body of {header.size} bytes, "
                        f"the request had {asked.size}")
    return header, body


def pack_negotiate(fw: list[Version], msg: list[Version],
                   tid: int = 0) -> bytes:
    """A NEGOTIATE request that offers these versions."""
    body = NEGOTIATE.pack(len(fw), len(msg), 0)
    body += b"".join(VERSION.pack(*v) for v in [*fw, *msg])
    return pack(Header(MSG_NEGOTIATE, 0, tid=tid), body)


def unpack_negotiate(request: bytes,
                     payload: bytes) -> tuple[Version, Version] | None:
    """What the guest chose, (framework, message); None if nothing suits it."""
    _, body = check_reply(request, payload)
    if len(body) < NEGOTIATE.size:
        raise Violation("reply to NEGOTIATE has no counts")
    nfw, nmsg, _ = NEGOTIATE.unpack_from(body)
    if (nfw, nmsg) == (0, 0):
        return None
    if (nfw, nmsg) != (1, 1):
        raise Violation(f"reply to NEGOTIATE has counts {nfw} and {nmsg}")
    if len(body) < NEGOTIATE.size + 2 * VERSION.size:
        raise Violation("reply to NEGOTIATE has no versions")
    fw = VERSION.unpack_from(body, NEGOTIATE.size)
    msg = VERSION.unpack_from(body, NEGOTIATE.size + VERSION.size)
    offered_fw, offered_msg = offered(request)
    if fw not in offered_fw or msg not in offered_msg:
        raise Violation(f"the guest chose {version_text(fw)} and "
                        f"{version_text(msg)}, which were not offered")
    return fw, msg


def offered(request: bytes) -> tuple[list[Version], list[Version]]:
    """The versions that a NEGOTIATE request offers."""
    body = request[PIPE.size + IC.size:]
    nfw, nmsg, _ = NEGOTIATE.unpack_from(body)
    versions = [VERSION.unpack_from(body, NEGOTIATE.size + VERSION.size * i)
                for i in range(nfw + nmsg)]
    return versions[:nfw], versions[nfw:]
