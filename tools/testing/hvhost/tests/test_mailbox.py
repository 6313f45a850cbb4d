# SPDX-License-Identifier: GPL-2.0
"""The mailbox's byte rings and the loader's tables, without a guest."""

import random
import struct
import unittest

from hvhost import abi, loader
from hvhost.mailbox import Event, Mailbox, MailboxError, Ring

FRAME = abi.STRUCTS["frame"]


def ring(size: int) -> Ring:
    return Ring(memoryview(bytearray(size)), memoryview(bytearray(8)).cast("Q"),
                memoryview(bytearray(8)).cast("Q"))


def frame(n: int, length: int) -> bytes:
    return FRAME.pack(FRAME.size + length, 1, 0, n, 0, 0) + bytes((n + i) & 0xFF
                                                                  for i in range(length))


class RingTest(unittest.TestCase):
    def test_random_frames_wrap(self) -> None:
        r, rnd = ring(1024), random.Random(1)
        sent, got, full = [], 0, 0
        while got < 20000:
            if rnd.random() < 0.5:
                f = frame(len(sent), rnd.randrange(300))
                if r.put(f):
                    sent.append(f)
                else:
                    full += 1
            elif got < len(sent):
                self.assertEqual(r.get(), sent[got])
                got += 1
            else:
                self.assertIsNone(r.get())
        self.assertGreater(full, 100)

    def test_exactly_full(self) -> None:
        r = ring(64)
        self.assertTrue(r.put(frame(1, 40)))
        self.assertFalse(r.put(frame(2, 0)))
        self.assertEqual(r.get(), frame(1, 40))
        self.assertTrue(r.empty)

    def test_too_large_and_damaged(self) -> None:
        r = ring(64)
        with self.assertRaises(MailboxError):
            r.put(frame(1, 41))
        for length in (23, 65):
            r = ring(64)
            r.put(struct.pack("<I", length) + bytes(20))
            with self.assertRaises(MailboxError):
                r.get()


class MailboxTest(unittest.TestCase):
    def setUp(self) -> None:
        self.memory = memoryview(bytearray(abi.END))
        self.box = Mailbox(self.memory)

    def put64(self, off: int, value: int) -> None:
        struct.pack_into("<Q", self.memory, abi.MAILBOX + off, value)

    def test_ready_and_version(self) -> None:
        self.assertFalse(self.box.ready)
        self.put64(abi.OFF_MAGIC, abi.MAGIC)
        with self.assertRaises(MailboxError):
            self.box.ready
        self.put64(abi.OFF_VERSION, abi.ABI_VERSION)
        self.assertTrue(self.box.ready)

    def test_command_goes_out(self) -> None:
        self.box.send(abi.CMD_SEND, 5, 6, 7, b"body")
        raw = self.box.commands.get()
        self.assertEqual(FRAME.unpack_from(raw), (FRAME.size + 4, abi.CMD_SEND, 7, 5, 6, 0))
        self.assertEqual(raw[FRAME.size:], b"body")

    def test_full_command_ring_times_out(self) -> None:
        while self.box.try_send(abi.CMD_RAW, 1, body=bytes(100000)):
            pass
        with self.assertRaises(MailboxError):
            self.box.send(abi.CMD_RAW, 1, body=bytes(100000), timeout=0.01)

    def test_events_and_doorbell(self) -> None:
        self.assertTrue(self.box.arm_doorbell())
        self.box.events.put(FRAME.pack(FRAME.size + 2, abi.EVT_LOG, 0, 3, 4, 99) + b"hi")
        self.assertFalse(self.box.arm_doorbell())
        self.assertEqual(list(self.box.receive()), [Event(abi.EVT_LOG, 3, 4, 99, b"hi")])

    def test_e820(self) -> None:
        struct.pack_into("<I", self.memory, abi.MAILBOX + abi.OFF_E820_COUNT, 2)
        struct.pack_into("<QQIQQI", self.memory, abi.MAILBOX + abi.OFF_E820,
                         0, 0x9F000, 1, 1 << 32, 1 << 30, 2)
        self.assertEqual(self.box.e820(), [(0, 0x9F000, 1), (1 << 32, 1 << 30, 2)])


class Memory:
    """Guest memory below 32 MiB."""

    def __init__(self) -> None:
        self.data = bytearray(64 << 20)

    def read_mem(self, gpa: int, n: int) -> bytes:
        return bytes(self.data[gpa:gpa + n])

    def write_mem(self, gpa: int, data: bytes) -> None:
        assert gpa + len(data) <= len(self.data)
        self.data[gpa:gpa + len(data)] = data


class LoaderTest(unittest.TestCase):
    MAP = [(0, 0x9FC00, 1), (0xF0000, 0x10000, 2), (0x100000, (64 << 20) - 0x100000, 1)]

    def test_hvhost_is_reserved(self) -> None:
        self.assertEqual(loader.guest_e820(self.MAP)[2:], [
            (abi.BASE, abi.END - abi.BASE, 2), (abi.END, (64 << 20) - abi.END, 1)])
        with self.assertRaises(loader.LoadError):
            loader.guest_e820([(0, 0x200000, 1)])

    def test_elf_and_initrd(self) -> None:
        image = bytearray(0x300)
        image[:4] = b"\x7fELF"
        struct.pack_into("<QQ", image, 24, 0x1000040, 64)
        struct.pack_into("<HH", image, 54, 56, 1)
        struct.pack_into("<IIQQQQQQ", image, 64, 1, 5, 0x200, 0, 0x1000000, 0x100, 0x180, 0)
        image[0x200:] = b"k" * 0x100
        mem = Memory()
        mem.data[0x1000100:0x1000200] = b"\xff" * 0x100
        entry = loader.load(mem, self.MAP, bytes(image), b"initrd", "console=ttyS0")
        self.assertEqual(entry.rip, 0x1000040)
        self.assertEqual(mem.read_mem(0x1000000, 0x100), b"k" * 0x100)
        self.assertEqual(mem.read_mem(0x1000100, 0x81), bytes(0x80) + b"\xff")
        params = mem.read_mem(entry.boot_params, 4096)
        at, size = struct.unpack_from("<II", params, 0x218)
        self.assertEqual(mem.read_mem(at, size), b"initrd")
        line, = struct.unpack_from("<I", params, 0x228)
        self.assertEqual(mem.read_mem(line, 14), b"console=ttyS0\0")
        self.assertEqual(params[0x1E8], 4)

    def test_refusals(self) -> None:
        with self.assertRaises(loader.LoadError):
            loader.load(Memory(), self.MAP, bytes(1024), None, "")
        elf = bytearray(0x100)
        elf[:4] = b"\x7fELF"
        struct.pack_into("<QQ", elf, 24, 0, 64)
        struct.pack_into("<HH", elf, 54, 56, 1)
        struct.pack_into("<IIQQQQQQ", elf, 64, 1, 5, 0, 0, abi.BASE, 1, 1, 0)
        with self.assertRaises(loader.LoadError):
            loader.load(Memory(), self.MAP, bytes(elf), None, "")

    def test_madt_hides_host_cpu(self) -> None:
        mem = Memory()
        madt = bytearray(b"APIC" + bytes(40))
        for cpu in range(3):
            madt += struct.pack("<BBBBI", 0, 8, cpu, cpu, 1)
        madt += struct.pack("<BBBBII", 1, 12, 0, 0, 0xFEC00000, 0)
        struct.pack_into("<I", madt, 4, len(madt))
        rsdt = bytearray(b"RSDT" + struct.pack("<I", 40) + bytes(28) + struct.pack("<I", 0x3000000))
        rsdp = bytearray(b"RSD PTR " + bytes(8) + struct.pack("<I", 0x3001000))
        rsdp[8] = -sum(rsdp) & 0xFF
        mem.write_mem(0x3000000, bytes(madt))
        mem.write_mem(0x3001000, bytes(rsdt))
        mem.write_mem(0xF5000, bytes(rsdp))
        loader.hide_host_cpu(mem, 2)
        at, = struct.unpack_from("<I", mem.read_mem(0x3001000, 40), 36)
        length, = struct.unpack_from("<I", mem.read_mem(at, 8), 4)
        new = mem.read_mem(at, length)
        self.assertEqual(sum(new) & 0xFF, 0)
        self.assertEqual(sum(mem.read_mem(0x3001000, 40)) & 0xFF, 0)
        entries, pos = [], 44
        while pos < len(new):
            entries.append((new[pos], new[pos + 3]))
            pos += new[pos + 1]
        self.assertEqual([e for e in entries if e[0] == 0], [(0, 0), (0, 1)])
        self.assertEqual([e[0] for e in entries], [0, 0, 1, 0x10])
