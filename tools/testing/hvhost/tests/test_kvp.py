# SPDX-License-Identifier: GPL-2.0
"""The host's IC and KVP end against guests made of a few lines of Python."""
import ipaddress
import json
import re
import struct
import unittest
import xml.etree.ElementTree as ET

from fakes import FakeDevice, FakeMachine
from hvhost import component, icwire, kvpwire, testnic
from hvhost.component import PROPERTIES, Component
from hvhost.ic import (ChannelClosed, IcError, NoReply, State, StatusError,
                       Superseded)
from hvhost.icwire import Header, Violation
from hvhost.kvp import ALL_VERSIONS, Kvp, default_items
from hvhost.kvpwire import (AUTO, AUTO_EXTERNAL, EXTERNAL, GUEST, Address,
                            IpInfo, Item)

VM_ID = "11111111-2222-3333-4444-555555555555"
STATUS = icwire.STATUS_BY_NAME


class Guest:
    """A correct little guest; tests override what they want to be wrong."""

    def __init__(self, newest=(5, 0)):
        self.newest = newest
        self.pools = {n: {} for n in range(5)}

    def __call__(self, payload: bytes) -> list[bytes]:
        header, body = icwire.unpack(payload)
        if header.type == icwire.MSG_NEGOTIATE:
            return [self.negotiate(payload, header)]
        status, body = self.kvp(bytearray(body))
        return [self.reply(header, status, bytes(body))]

    def reply(self, header: Header, status: int, body: bytes) -> bytes:
        return icwire.pack(Header(header.type, 0, header.fw, header.msg,
                                  status, header.tid, icwire.RESPONSE), body)

    def negotiate(self, payload: bytes, header: Header) -> bytes:
        fw, msg = icwire.offered(payload)
        usable = [v for v in msg if v <= self.newest]
        body = bytearray(icwire.unpack(payload)[1])
        if usable:
            body[:16] = struct.pack("<HHIHHHH", 1, 1, 0, *max(fw),
                                    *max(usable))
        else:
            body[:4] = bytes(4)
        return self.reply(header, 0, bytes(body))

    def kvp(self, body: bytearray) -> tuple[int, bytearray]:
        op, number = body[:2]
        pool = self.pools[number]
        if op == kvpwire.SET:
            _, ksz, vsz = kvpwire.VALUE.unpack_from(body, 4)
            key = bytes(body[16:16 + ksz])
            pool[key] = bytes(body[4:8]), bytes(body[528:528 + vsz])
        elif op == kvpwire.ENUMERATE:
            index, = struct.unpack_from("<I", body, 4)
            if index >= len(pool):
                return STATUS["NO_MORE_ITEMS"], body
            key = list(pool)[index]
            self.put(body, 8, key, *pool[key])
        elif op in (kvpwire.GET, kvpwire.DELETE):
            at = 16 if op == kvpwire.GET else 8
            ksz, = struct.unpack_from("<I", body, 8 if at == 16 else 4)
            key = bytes(body[at:at + ksz])
            if key not in pool:
                return STATUS["NO_MORE_ITEMS"], body
            if op == kvpwire.GET:
                self.put(body, 4, key, *pool[key])
            else:
                del pool[key]
        return 0, body

    @staticmethod
    def put(body: bytearray, at: int, key: bytes, kind: bytes, value: bytes):
        body[at:at + 2572] = kvpwire.pack_value(
            int.from_bytes(kind, "little"), key, value)


def connect(guest=None, items=None) -> tuple[Kvp, FakeDevice]:
    """A KVP host with a guest that has just opened the channel."""
    device = FakeDevice(guest or Guest())
    kvp = Kvp(FakeMachine(), device, items)
    device.open()
    return kvp, device


class KvpTest(unittest.TestCase):
    """Operations and the state machine."""

    def test_operations(self):
        kvp, _ = connect()
        items = [Item("a", "1"), Item("\U0001f600" * 127, "v" * 1023),
                 Item("d", 0xffffffff, kvpwire.DWORD),
                 Item("q", 1 << 63, kvpwire.QWORD),
                 Item("e", "%x%", kvpwire.EXPAND_SZ), Item("empty", "")]
        for item in items:
            kvp.set(EXTERNAL, item)
            self.assertEqual(kvp.get(EXTERNAL, item.key), item)
        self.assertEqual(kvp.enumerate(EXTERNAL), items)
        kvp.delete(EXTERNAL, "a")
        with self.assertRaisesRegex(StatusError, "NO_MORE_ITEMS"):
            kvp.delete(EXTERNAL, "a")
        self.assertEqual(kvp.violations, [])

    def test_pushes_host_items_each_time(self):
        guest = Guest()
        items = default_items(VM_ID, "vm")
        items[EXTERNAL] = [Item("mine", "1")]
        kvp, device = connect(guest, items)
        kvp.wait_pushed(1)
        self.assertEqual(len(guest.pools[AUTO_EXTERNAL]), 16)
        for pool in guest.pools.values():
            pool.clear()
        device.close()
        self.assertIs(kvp.state, State.LOST)
        device.open()
        kvp.wait_pushed(1, count=2)
        self.assertEqual(len(guest.pools[AUTO_EXTERNAL]), 16)
        self.assertEqual(len(guest.pools[EXTERNAL]), 1)

    def test_offer_and_withdraw(self):
        guest = Guest()
        kvp, _ = connect(guest)
        kvp.offer_item(EXTERNAL, Item("x", "1"))
        kvp.negotiate()
        kvp.wait_pushed(1, count=2)
        self.assertEqual(len(guest.pools[EXTERNAL]), 1)
        kvp.withdraw_item(EXTERNAL, "x")
        self.assertEqual(guest.pools[EXTERNAL], {})

    def test_status_by_versions(self):
        for newest, status in (((5, 0), component.OK),
                               ((4, 0), component.DEGRADED),
                               ((1, 0), component.NON_RECOVERABLE)):
            kvp, device = connect(Guest(newest))
            self.assertEqual(component.operational_status(kvp), [status])
            device.close()
            self.assertEqual(component.operational_status(kvp),
                             [component.LOST])

    def test_no_contact(self):
        kvp = Kvp(FakeMachine(), FakeDevice())
        self.assertEqual(component.operational_status(kvp),
                         [component.NO_CONTACT])

    def test_every_version_pair(self):
        for fw in ([(1, 0)], [(3, 0)], [(1, 0), (3, 0)]):
            for msg in ALL_VERSIONS:
                kvp, _ = connect()
                kvp.negotiate([msg], fw).wait(1)
                self.assertEqual((kvp.fw, kvp.msg), (max(fw), msg))

    def test_stale_replies_are_dropped(self):
        kvp, device = connect()
        device.guest = None
        late = kvp.submit(kvpwire.pack_enumerate(GUEST, 0), "late")
        with self.assertRaises(NoReply):
            late.wait(0.05)
        trans_id, payload = device.sent[-1]
        device.guest = Guest()
        self.assertEqual(kvp.enumerate(GUEST), [])
        device.answer(trans_id, Guest()(payload)[0])
        self.assertEqual(len(kvp.stale), 1)
        self.assertIs(kvp.state, State.READY)

    def test_negotiate_in_between(self):
        kvp, device = connect()
        device.guest = None
        out = kvp.submit(kvpwire.pack_enumerate(GUEST, 0), "out")
        device.guest = Guest()
        kvp.negotiate().wait(1)
        with self.assertRaises(Superseded):
            out.wait(1)
        self.assertEqual(kvp.enumerate(GUEST), [])

    def test_close_in_between(self):
        kvp, device = connect()
        device.guest = None
        out = kvp.submit(kvpwire.pack_enumerate(GUEST, 0), "out")
        queued = kvp.submit(kvpwire.pack_enumerate(GUEST, 0), "queued")
        device.close()
        for request in (out, queued):
            with self.assertRaises(ChannelClosed):
                request.wait(1)

    def test_an_answer_to_nothing(self):
        kvp, device = connect()
        device.answer(0xdead, b"x" * 40)
        self.assertIs(kvp.state, State.FAILED)
        self.assertIn("answer to nothing", kvp.violations[0])

    def test_raw(self):
        kvp, device = connect()
        device.guest = lambda payload: [payload]
        trans_id = kvp.raw(b"junk")
        self.assertEqual(kvp.raw_reply(trans_id).payload, b"junk")
        self.assertEqual(kvp.violations, [])

    def test_capabilities(self):
        kvp, _ = connect()
        self.assertEqual(kvp.capabilities(limit=5), {
            "framework": "3.0", "message": "5.0",
            "types": ["SZ", "EXPAND_SZ", "DWORD", "QWORD"],
            "key_units": 255, "value_units": 1023, "get": True,
            "items": {"room": 5, "status": "OK"}})
        self.assertEqual(kvp.enumerate(EXTERNAL), [])


class ViolationTest(unittest.TestCase):
    """Each way to break the rules is told."""

    def broken(self, spoil, request=None) -> str:
        """The violation after @spoil(reply) of a guest that holds a=1."""
        guest = Guest()
        kvp, device = connect(guest)
        kvp.set(GUEST, Item("a", "1"))
        device.guest = lambda payload: [bytes(
            spoil(bytearray(guest(payload)[0])))]
        with self.assertRaises((Violation, IcError)) as caught:
            (request or (lambda k: k.enumerate(GUEST)))(kvp)
        self.assertIs(kvp.state, State.FAILED)
        self.assertTrue(kvp.violations[0].endswith(str(caught.exception)))
        return str(caught.exception)

    def at(self, offset: int, data: bytes):
        def spoil(reply: bytearray) -> bytearray:
            reply[offset:offset + len(data)] = data
            return reply
        return spoil

    def test_frame(self):
        cases = [
            (self.at(0, b"\2"), "pipe header flags are 2"),
            (self.at(4, b"\1"), "pipe header says"),
            (self.at(12, b"\1"), "reply has type 1"),
            (self.at(8, b"\1"), "reply has versions"),
            (self.at(18, b"\0\0"), "body of 0 bytes"),
            (self.at(18, b"\xff\xff"), "body of 65535 bytes"),
            (self.at(24, b"\xfe"), "transaction id 254"),
            (self.at(25, b"\3"), "flags 3"),
            (lambda r: r[:40], "pipe header says"),
            (lambda r: r[:20], "no IC header"),
            (lambda r: r + b"12345678", "pipe header says"),
        ]
        for spoil, text in cases:
            self.assertIn(text, self.broken(spoil))

    def test_value(self):
        value = 28 + 8		# pipe and IC header, message header and index
        cases = [
            (self.at(value, b"\x08"), "value type 8"),
            (self.at(value, b"\x0b"), "QWORD of 4 bytes"),
            (self.at(value + 4, b"\x03"), "key: odd size 3"),
            (self.at(value + 4, b"\0"), "key: no NUL"),
            (self.at(value + 4, b"\x02\x02"), "key: size 514 of 512"),
            (self.at(value + 8, b"\x02\x08"), "value: size 2050 of 2048"),
            (self.at(value + 8, b"\x02"), "value: no NUL"),
            (self.at(value + 12, b"\x00\xd8"), "not UTF-16"),
            (self.at(32, b"\1"), "has index 1"),
            (self.at(28, b"\0"), "says operation 0"),
        ]
        for spoil, text in cases:
            self.assertIn(text, self.broken(spoil))

    def test_dword_size(self):
        spoil = self.at(36, b"\x04\0\0\0\x04\0\0\0\x02")
        self.assertIn("DWORD of 2 bytes", self.broken(spoil))

    def test_negotiate(self):
        def ask(kvp):
            kvp.negotiate().wait(1)

        body = 28
        for spoil, text in [
                (self.at(body, b"\2"), "counts 2 and 1"),
                (self.at(body + 8, b"\7"), "not offered"),
                (lambda r: r[:32], "pipe header says")]:
            self.assertIn(text, self.broken(spoil, ask))


class WireTest(unittest.TestCase):
    """Layouts, by their known offsets and sizes."""

    def test_sizes(self):
        self.assertEqual(len(kvpwire.pack_enumerate(0, 0)), 2580)
        self.assertEqual(len(kvpwire.pack_ip_strings(4, IpInfo("x"))), 7428)
        self.assertEqual(len(kvpwire.pack_ip_binary(4, IpInfo("x"))), 7428)
        request = icwire.pack_negotiate([(1, 0), (3, 0)], [(5, 0)])
        self.assertEqual(len(request), 8 + 20 + 8 + 12)

    def test_offsets(self):
        body = kvpwire.pack_set(3, Item("k", 7, kvpwire.DWORD))
        self.assertEqual(body[:4], b"\1\3\0\0")
        self.assertEqual(struct.unpack_from("<III", body, 4), (4, 4, 4))
        self.assertEqual(body[16:20], b"k\0\0\0")
        self.assertEqual(body[528:532], b"\7\0\0\0")
        self.assertEqual(kvpwire.pack_delete(0, "k")[4:12],
                         b"\4\0\0\0k\0\0\0")

    def test_ip_info(self):
        info = IpInfo("00:15:5D:01:02:03", kvpwire.FAMILY_BOTH, True,
                      [Address.parse("192.0.2.1/24", 2),
                       Address.parse("198.51.100.7/30", 1),
                       Address.parse("2001:db8::1/64", 1)],
                      [ipaddress.ip_address("192.0.2.254"),
                       ipaddress.ip_address("fe80::1")],
                      [ipaddress.ip_address("192.0.2.53")])
        self.assertEqual(kvpwire.unpack_ip_binary(
            kvpwire.pack_ip_binary(4, info)), info)
        got = kvpwire.unpack_ip_strings(kvpwire.pack_ip_strings(4, info))
        self.assertEqual([str(a) for a in got.addresses],
                         [str(a) for a in info.addresses])
        self.assertEqual((got.gateways, got.dns, got.dhcp),
                         (info.gateways, info.dns, True))
        binary = kvpwire.pack_ip_binary(4, info)
        at = 4 + 24 + 256
        self.assertEqual(binary[at:at + 8], b"\3\1\0\0" + b"\xc0\0\2\1")
        self.assertEqual(binary[3460:3464], b"\2\0\1\0")	# origins

    def test_ip_violations(self):
        info = IpInfo("x", 3, False, [Address.parse("192.0.2.1/24")])
        good = kvpwire.pack_ip_binary(4, info)
        for at, data, text in ((4, b"\x41", "65 entries"),
                               (1564, b"\xff\0\xff\0", "subnet mask"),
                               (3460, b"\7", "origins")):
            bad = bytearray(good)
            if text == "subnet mask":
                at = good.index(b"\xff\xff\xff\0")
            bad[at:at + len(data)] = data
            with self.assertRaisesRegex(Violation, text):
                kvpwire.unpack_ip_binary(bytes(bad))
        strings = bytearray(kvpwire.pack_ip_strings(4, info))
        strings[2:258] = b"a\0" * 128
        with self.assertRaisesRegex(Violation, "adapter: no NUL"):
            kvpwire.unpack_ip_strings(bytes(strings))

    def test_ip_from_a_host_that_lies(self):
        info = IpInfo("x", 3, False, [Address.parse("192.0.2.1/24"),
                                      Address.parse("2001:db8::1/64")])
        lists = ("192.0.2.1;2001:db8::1", "255.255.255.0;64", "", "")
        good = kvpwire.pack_ip_strings(5, info)
        self.assertEqual(kvpwire.pack_ip_texts(5, "x", 3, 0, *lists), good)
        long = kvpwire.pack_ip_texts(5, "x" * 200, 3, 0, "1\n2" * 2000)
        self.assertEqual(len(long), kvpwire.IP_BODY_SIZE)
        self.assertEqual(long[2:258], b"x\0" * 128)
        self.assertEqual(long[260:266], b"1\0\n\0" + b"2\0")
        self.assertEqual(long[258 + 2 + 2048:][:4], bytes(4))
        for where in ("adapter", "addresses", "gateways", "dns"):
            bad = IpInfo("x")
            setattr(bad, where, "x" * 128 if where == "adapter" else
                    [ipaddress.ip_address("198.51.100.100")] * 69
                    if where != "addresses" else
                    [Address.parse("198.51.100.100/24")] * 69)
            with self.assertRaisesRegex(ValueError, "characters, room for"):
                kvpwire.pack_ip_strings(5, bad)
        binary = kvpwire.pack_ip_binary(5, info)
        lying = kvpwire.pack_ip_binary(5, info, (65, 64, 0, 0, 0, 1 << 31))
        self.assertEqual(lying[28:], binary[28:])
        self.assertEqual(struct.unpack_from("<6I", lying, 4),
                         (65, 64, 0, 0, 0, 1 << 31))
        self.assertEqual(len(kvpwire.pack_ip_binary(5, IpInfo("x" * 200))),
                         kvpwire.IP_BODY_SIZE)

    def test_nics(self):
        self.assertEqual(testnic.mac(0x0a0b0c), "00:15:5d:0a:0b:0c")
        self.assertEqual(testnic.instance_id(255),
                         "7e57c1a5-0000-4000-8000-00155d0000ff")

    def test_describe_never_fails(self):
        good = kvpwire.pack_set(0, Item("k", "v"))
        for op in range(8):
            for length in (0, 1, 2, 3, 5, 9, 17, 600, 2580):
                body = (bytes([op, 9]) + b"\xff" * 2578)[:length]
                self.assertTrue(kvpwire.describe(body, True))
        self.assertIn("SET EXTERNAL type SZ key[4] 'k' value[4] 'v'",
                      kvpwire.describe(good, False))


class ComponentTest(unittest.TestCase):
    """All 34 properties, in three forms."""

    def make(self) -> Component:
        guest = Guest()
        kvp, _ = connect(guest)
        kvp.set(GUEST, Item("<&>", 'say "hi"\\'))
        kvp.set(AUTO, Item("OSName", "Linux"))
        kvp.refresh()
        return Component.of(kvp, VM_ID)

    def test_properties(self):
        view = self.make()
        self.assertEqual(len(PROPERTIES), 34)
        self.assertEqual(list(view.values), [p[0] for p in PROPERTIES])
        self.assertEqual(view["OperationalStatus"], [2])
        self.assertEqual(view["StatusDescriptions"], ["OK"])
        self.assertEqual(view["EnabledState"], 2)
        self.assertEqual(
            view["DeviceID"],
            "Microsoft:11111111-2222-3333-4444-555555555555\\"
            "242FF919-07DB-4180-9C2E-B86CB68C8C55")
        self.assertEqual(json.loads(view.json()), view.values)

    def test_items(self):
        item = ET.fromstring(self.make()["GuestExchangeItems"][0])
        self.assertEqual(item.get("CLASSNAME"), "Msvm_KvpExchangeDataItem")
        values = {p.get("NAME"): p.findtext("VALUE")
                  for p in item.findall("PROPERTY")}
        self.assertEqual(values, {
            "Caption": None, "Data": 'say "hi"\\', "Description": None,
            "ElementName": None, "Name": "<&>", "Source": "1"})
        self.assertEqual(list(values), sorted(values))

    def test_mof(self):
        text = self.make().mof()
        self.assertEqual(len(re.findall(r"^\t\w+ = ", text, re.M)), 34)
        self.assertIn('\tCaption = "Key-Value Pair Exchange";', text)
        self.assertIn("\tOperationalStatus = {2};", text)
        self.assertIn("\tStatus = NULL;", text)
        self.assertIn(r'say \"hi\"\\', text)
        self.assertIn('\\"string\\"', text)

    def test_degraded(self):
        kvp, _ = connect(Guest((4, 0)))
        self.assertEqual(Component.of(kvp, VM_ID)["StatusDescriptions"],
                         ["Degraded: negotiated 4.0, expected 5.0"])
