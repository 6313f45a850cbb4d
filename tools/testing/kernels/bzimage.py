# SPDX-License-Identifier: GPL-2.0
"""The ELF vmlinux inside an x86 bzImage.

Documentation/arch/x86/boot.rst of the kernel: the setup header has at 0x1f1
setup_sects, at 0x202 "HdrS", at 0x206 the protocol version, at 0x248 payload_offset and at
0x24c payload_length, both in the protected-mode part, which starts after
setup_sects + 1 sectors of 512 bytes.  A payload ends with its unpacked size in
four bytes, little endian.
"""
from __future__ import annotations

import lzma
import struct
import subprocess
import zlib
from pathlib import Path

from .cache import Error

GZIP, XZ, ZSTD, LZ4, ELF = b"\x1f\x8b", b"\xfd7zXZ\0", b"\x28\xb5\x2f\xfd", b"\x02\x21L\x18", b"\x7fELF"


def payload(image: bytes) -> bytes:
    """The compressed kernel of a bzImage."""
    if len(image) < 0x250 or image[0x202:0x206] != b"HdrS":
        raise Error("not a bzImage")
    sectors = image[0x1f1] or 4
    version, = struct.unpack_from("<H", image, 0x206)
    if version < 0x208:
        raise Error(f"boot protocol {version:#x} has no payload_offset")
    offset, length = struct.unpack_from("<II", image, 0x248)
    start = (sectors + 1) * 512 + offset
    if start + length > len(image):
        raise Error("the bzImage is shorter than its payload")
    return image[start:start + length]


def unpack(data: bytes, *command: str) -> bytes:
    """What Python 3.11 cannot unpack itself."""
    done = subprocess.run(command, input=data, capture_output=True, check=False)
    if done.returncode:
        raise Error(f"{command[0]}: " + done.stderr.decode(errors="replace"))
    return done.stdout


def vmlinux(bzimage: Path) -> bytes:
    """The ELF image in @bzimage."""
    data = payload(bzimage.read_bytes())
    size, = struct.unpack_from("<I", data, len(data) - 4)
    packed = data[:-4]
    if packed.startswith(GZIP):
        elf = zlib.decompressobj(zlib.MAX_WBITS | 16).decompress(packed)
    elif packed.startswith(XZ):
        elf = lzma.LZMADecompressor().decompress(packed)
    elif packed.startswith(ZSTD):
        elf = unpack(packed, "zstd", "-dqc")
    elif packed.startswith(LZ4):
        elf = unpack(packed, "lz4", "-dqc")
    elif packed.startswith(ELF):
        return data
    else:
        raise Error(f"{bzimage}: unknown compression {packed[:6].hex()}")
    if len(elf) != size or not elf.startswith(ELF):
        raise Error(f"{bzimage}: {len(elf)} bytes unpacked, {size} expected, or no ELF")
    return elf
