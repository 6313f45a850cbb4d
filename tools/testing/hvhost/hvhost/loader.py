# SPDX-License-Identifier: GPL-2.0
"""Put a Linux kernel into guest memory: the x86 boot protocol, and ACPI without the host's CPU.

Done from outside because guest memory is a shared file: no copying in the guest, and any image
size. Sources: Documentation/x86/boot.rst and zero-page.rst of Linux; ACPI 6.4 chapter 5.
"""

from __future__ import annotations

import dataclasses
import struct
from typing import Protocol

from . import abi

E820_RAM, E820_RESERVED = 1, 2

_HDR_START = 0x1F1		# of the setup header, in the image and in boot_params
_E820_COUNT, _E820_TABLE, _E820_MAX = 0x1E8, 0x2D0, 128

# All between 64 KiB and 640 KiB, clear of the trampoline and of the firmware's data.
_BOOT_PARAMS = 0x10000
_CMDLINE = 0x20000
_CMDLINE_MAX = 2047


class LoadError(Exception):
    """The kernel or initrd cannot be loaded as it is."""


class Memory(Protocol):
    def read_mem(self, gpa: int, n: int) -> bytes: ...
    def write_mem(self, gpa: int, data: bytes) -> None: ...


@dataclasses.dataclass(frozen=True)
class Entry:
    rip: int
    boot_params: int


def guest_e820(firmware: list[tuple[int, int, int]]) -> list[tuple[int, int, int]]:
    """The firmware's map with hvhost's memory marked as reserved."""
    out = []
    for addr, size, kind in firmware:
        end = addr + size
        if kind != E820_RAM or end <= abi.BASE or addr >= abi.END:
            out.append((addr, size, kind))
            continue
        if end < abi.END:
            raise LoadError("guest memory ends inside hvhost's")
        if addr < abi.BASE:
            out.append((addr, abi.BASE - addr, E820_RAM))
        out.append((abi.BASE, abi.END - abi.BASE, E820_RESERVED))
        if end > abi.END:
            out.append((abi.END, end - abi.END, E820_RAM))
    if len(out) > _E820_MAX:
        raise LoadError(f"{len(out)} memory ranges")
    return out


def _load_bzimage(mem: Memory, image: bytes) -> tuple[int, bytearray]:
    """Entry point and setup header of a bzImage."""
    setup_sects = image[0x1F1] or 4
    header_end = 0x202 + image[0x201]
    version, = struct.unpack_from("<H", image, 0x206)
    xloadflags, = struct.unpack_from("<H", image, 0x236)
    if version < 0x20C or not xloadflags & 1:
        raise LoadError("bzImage without a 64-bit entry point")
    pref_address, = struct.unpack_from("<Q", image, 0x258)
    if pref_address < abi.END:
        raise LoadError(f"bzImage wants to run at {pref_address:#x}, which is hvhost's")
    mem.write_mem(pref_address, image[(setup_sects + 1) * 512:])
    header = bytearray(image[_HDR_START:header_end])
    struct.pack_into("<I", header, 0x214 - _HDR_START, pref_address)	# code32_start
    return pref_address + 0x200, header


def _load_elf(mem: Memory, image: bytes) -> tuple[int, bytearray]:
    """Entry point of a vmlinux, and the setup header that it has not got."""
    entry, phoff = struct.unpack_from("<QQ", image, 24)
    phentsize, phnum = struct.unpack_from("<HH", image, 54)
    for i in range(phnum):
        kind, _, offset, _, paddr, filesz, memsz, _ = struct.unpack_from(
            "<IIQQQQQQ", image, phoff + i * phentsize)
        if kind != 1:
            continue
        if paddr < abi.END:
            raise LoadError(f"vmlinux has a segment at {paddr:#x}, which is hvhost's")
        mem.write_mem(paddr, image[offset:offset + filesz])
        mem.write_mem(paddr + filesz, bytes(memsz - filesz))
    header = bytearray(0x268 - _HDR_START)

    def put(fmt: str, off: int, value: int) -> None:
        struct.pack_into(fmt, header, off - _HDR_START, value)

    put("<H", 0x1FE, 0xAA55)
    put("<I", 0x202, 0x53726448)	# "HdrS"
    put("<H", 0x206, 0x20F)		# protocol version
    put("<B", 0x211, 1)			# loaded high
    put("<I", 0x22C, 0x7FFFFFFF)	# initrd_addr_max
    put("<I", 0x238, _CMDLINE_MAX)
    return entry, header


def load(mem: Memory, firmware_map: list[tuple[int, int, int]], kernel: bytes,
         initrd: bytes | None, cmdline: str) -> Entry:
    """Place everything; the entry point is for 64-bit mode with RSI = boot_params."""
    line = cmdline.encode() + b"\0"
    if len(line) > _CMDLINE_MAX:
        raise LoadError(f"command line of {len(line)} bytes")
    e820 = guest_e820(firmware_map)
    if kernel[:4] == b"\x7fELF":
        rip, header = _load_elf(mem, kernel)
    elif kernel[0x202:0x206] == b"HdrS":
        rip, header = _load_bzimage(mem, kernel)
    else:
        raise LoadError("neither a bzImage nor an ELF vmlinux")

    params = bytearray(4096)
    params[_HDR_START:_HDR_START + len(header)] = header
    params[0x210] = 0xFF			# type_of_loader: no number assigned
    struct.pack_into("<I", params, 0x228, _CMDLINE)
    if initrd:
        at = _initrd_address(e820, len(initrd))
        mem.write_mem(at, initrd)
        struct.pack_into("<II", params, 0x218, at, len(initrd))
    params[_E820_COUNT] = len(e820)
    for i, entry in enumerate(e820):
        struct.pack_into("<QQI", params, _E820_TABLE + 20 * i, *entry)
    mem.write_mem(_CMDLINE, line)
    mem.write_mem(_BOOT_PARAMS, bytes(params))
    return Entry(rip, _BOOT_PARAMS)


def _initrd_address(e820: list[tuple[int, int, int]], size: int) -> int:
    """As high as initrd_addr_max and RAM allow."""
    best = 0
    for addr, length, kind in e820:
        end = min(addr + length, 0x7FFFFFFF)
        at = (end - size) & ~0xFFF
        if kind == E820_RAM and addr >= abi.END and at > addr:
            best = max(best, at)
    if not best:
        raise LoadError(f"no room for an initrd of {size} bytes")
    return best


def _checksum(table: bytearray) -> None:
    table[9] = 0
    table[9] = -sum(table) & 0xFF


def _find_rsdt(mem: Memory) -> int:
    area = mem.read_mem(0xE0000, 0x20000)
    for at in range(0, len(area), 16):
        if area[at:at + 8] == b"RSD PTR " and not sum(area[at:at + 20]) & 0xFF:
            return struct.unpack_from("<I", area, at + 16)[0]
    raise LoadError("no ACPI RSDP")


def _read_table(mem: Memory, at: int) -> bytearray:
    length, = struct.unpack_from("<I", mem.read_mem(at, 8), 4)
    return bytearray(mem.read_mem(at, length))


def hide_host_cpu(mem: Memory, guest_cpus: int) -> None:
    """Rebuild the MADT without the host's CPU, and with a wakeup mailbox for further guest CPUs.

    The mailbox (ACPI 6.4, 5.2.12.19) is the only way in which Linux can start a CPU here: one
    started by INIT and SIPI would run outside of SVM.
    """
    rsdt_at = _find_rsdt(mem)
    rsdt = _read_table(mem, rsdt_at)
    for off in range(36, len(rsdt), 4):
        at, = struct.unpack_from("<I", rsdt, off)
        if mem.read_mem(at, 4) == b"APIC":
            break
    else:
        raise LoadError("no ACPI MADT")
    old = _read_table(mem, at)
    new = old[:44]
    pos = 44
    while pos < len(old):
        kind, length = old[pos], old[pos + 1]
        # type 0: local APIC {type, length, processor uid, APIC id, flags}
        if not (kind == 0 and old[pos + 3] >= guest_cpus):
            new += old[pos:pos + length]
        pos += length
    if guest_cpus > 1:
        new += struct.pack("<BBHIQ", 0x10, 16, 0, 0, abi.MAILBOX + abi.OFF_MP_MAILBOX)
    struct.pack_into("<I", new, 4, len(new))
    _checksum(new)
    where = abi.MAILBOX + abi.OFF_ACPI
    mem.write_mem(where, bytes(new))
    struct.pack_into("<I", rsdt, off, where)
    _checksum(rsdt)
    mem.write_mem(rsdt_at, bytes(rsdt))
