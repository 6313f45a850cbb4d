#!/usr/bin/env python3
# SPDX-License-Identifier: GPL-2.0
"""example set KEY VALUE | get KEY | watch: items of pool GUEST."""
import ctypes
import fcntl
import os
import struct
import sys

# Numbers from numbers.md; structures from <linux/hv_kvp.h>
GET, SET, WATCH = 0xC040BD02, 0xC038BD04, 0x4008BD08
GUEST, SZ, VALUE_MAX, RECORD_MAX, WATCH_VALUES = 1, 1, 3069, 8192, 1
ADDED, CHANGED, DELETED, LOST = 1, 2, 3, 5


def set_item(fd: int, key: bytes, value: bytes) -> None:
    """struct hv_kvp_set; the kernel writes the generation into it."""
    k, v = ctypes.create_string_buffer(key), ctypes.create_string_buffer(value)
    arg = bytearray(struct.pack("=QQIIIIIIQQ", ctypes.addressof(k), ctypes.addressof(v), GUEST, 0,
                                len(key), len(value), SZ, 0, 0, 0))
    fcntl.ioctl(fd, SET, arg)
    print("generation", struct.unpack_from("=Q", arg, 48)[0])


def get_item(fd: int, key: bytes) -> None:
    """struct hv_kvp_get; the kernel writes the length of the value into it."""
    k, v = ctypes.create_string_buffer(key), ctypes.create_string_buffer(VALUE_MAX)
    arg = bytearray(struct.pack("=QQIIIIIIQQQ", ctypes.addressof(k), ctypes.addressof(v), GUEST, 0,
                                len(key), VALUE_MAX, 0, 0, 0, 0, 0))
    fcntl.ioctl(fd, GET, arg)
    print(v.raw[:struct.unpack_from("=I", arg, 28)[0]].decode())


def watch(fd: int) -> None:
    """struct hv_kvp_watch, then struct hv_kvp_event and hv_kvp_event_item."""
    fcntl.ioctl(fd, WATCH, struct.pack("=II", 1 << GUEST, WATCH_VALUES))
    while True:
        records = os.read(fd, RECORD_MAX)
        while records:
            size, kind = struct.unpack_from("=II", records)
            if kind in (ADDED, CHANGED, DELETED):
                key, key_len, value, value_len = struct.unpack_from("=IIII", records, 48)
                text = records[key:key + key_len].decode()
                if kind == DELETED:
                    print(f"deleted {text}", flush=True)
                else:
                    print(f"set {text}={records[value:value + value_len].decode()}", flush=True)
            elif kind == LOST:
                print("lost", flush=True)
            records = records[size:]


def main() -> None:
    """Opens the device, and does what the command line says."""
    fd = os.open("/dev/hv_kvp", os.O_RDWR | os.O_CLOEXEC)
    match [os.fsencode(word) for word in sys.argv[1:]]:
        case [b"set", key, value]:
            set_item(fd, key, value)
        case [b"get", key]:
            get_item(fd, key)
        case [b"watch"]:
            watch(fd)
        case _:
            sys.exit("usage: example.py set KEY VALUE | get KEY | watch")


if __name__ == "__main__":
    main()
