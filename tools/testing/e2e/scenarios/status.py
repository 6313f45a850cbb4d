# SPDX-License-Identifier: GPL-2.0
"""The status of each answer to a request that cannot be met, and that such a
request changes nothing."""
import contextlib
import struct

from guests import HV_KVP, Setup
from hvhost import kvpwire
from hvhost.icwire import status_name
from hvhost.kvpwire import (AUTO, BODY_SIZE, DELETE, ENUMERATE, EXTERNAL, GET,
                            GUEST, KEY_SIZE, MESSAGE, SET, SZ, VALUE_SIZE,
                            Item, encode_text, pack_value)
from scenario import Test, scenario

BARE = Setup(start="none")
INVALID = "INVALID_ARGUMENT"
KEY, VALUE = encode_text("key"), encode_text("value")


def body(operation: int, pool: int, rest: bytes) -> bytes:
    """A body of full length."""
    return (MESSAGE.pack(operation, pool) + rest).ljust(BODY_SIZE, b"\0")


def unchanged(t: Test, cases: list[tuple[str, str, bytes]]) -> None:
    """Each (status, what, body) gets its status and changes no pool."""
    item = Item("stays", "as it is")
    for pool in (EXTERNAL, GUEST):
        t.kvp.set(pool, item)
    for status, what, request in cases:
        t.body_status(status, request, what)
        for pool in (EXTERNAL, GUEST):
            t.equal(t.kvp.enumerate(pool), [item], f"after {what}")


@scenario()
def pool_out_of_range(t: Test) -> None:
    """No pool has a number of 5 or more."""
    unchanged(t, [
        (INVALID, f"operation {op} in pool {pool}",
         body(op, pool, rest))
        for pool in (5, 6, 127, 200, 255)
        for op, rest in ((GET, pack_value(0, KEY, b"")),
                         (SET, pack_value(SZ, KEY, VALUE)),
                         (DELETE, struct.pack("<I", len(KEY)) + KEY),
                         (ENUMERATE, struct.pack("<I", 0)))])


@scenario()
def empty_key(t: Test) -> None:
    """A key has at least one character."""
    cases = []
    for key in (b"", b"\0\0"):
        cases += [
            (INVALID, f"SET key[{len(key)}]",
             body(SET, EXTERNAL, pack_value(SZ, key, VALUE))),
            (INVALID, f"GET key[{len(key)}]",
             body(GET, EXTERNAL, pack_value(0, key, b""))),
            (INVALID, f"DELETE key[{len(key)}]",
             body(DELETE, EXTERNAL, struct.pack("<I", len(key)) + key))]
    unchanged(t, cases)


@scenario()
def odd_sizes(t: Test) -> None:
    """UTF-16 has an even number of bytes."""
    unchanged(t, [
        (INVALID, "SET odd key",
         body(SET, EXTERNAL, pack_value(SZ, KEY, VALUE, key_size=7))),
        (INVALID, "SET odd value",
         body(SET, EXTERNAL, pack_value(SZ, KEY, VALUE, value_size=11))),
        (INVALID, "GET odd key",
         body(GET, EXTERNAL, pack_value(0, KEY, b"", key_size=1))),
        (INVALID, "DELETE odd key",
         body(DELETE, EXTERNAL, struct.pack("<I", 3) + KEY))])


@scenario()
def oversized(t: Test) -> None:
    """A size beyond its field."""
    cases = []
    for size in (KEY_SIZE + 2, 0x8000, 0x7ffffffe, 0xfffffffe):
        cases += [
            (INVALID, f"SET key[{size:#x}]",
             body(SET, EXTERNAL, pack_value(SZ, KEY, VALUE, key_size=size))),
            (INVALID, f"GET key[{size:#x}]",
             body(GET, EXTERNAL, pack_value(0, KEY, b"", key_size=size))),
            (INVALID, f"DELETE key[{size:#x}]",
             body(DELETE, EXTERNAL, struct.pack("<I", size) + KEY))]
    for size in (VALUE_SIZE + 2, 0xfffffffe):
        cases.append((INVALID, f"SET value[{size:#x}]", body(
            SET, EXTERNAL, pack_value(SZ, KEY, VALUE, value_size=size))))
    unchanged(t, cases)


@scenario()
def unknown_value_type(t: Test) -> None:
    """Types that KVP does not have."""
    unchanged(t, [
        (INVALID, f"type {kind}",
         body(SET, EXTERNAL, pack_value(kind, KEY, VALUE)))
        for kind in (0, 3, 5, 7, 9, 12, 0xffffffff)])


@scenario()
def wrong_number_size(t: Test) -> None:
    """A DWORD has 4 bytes, a QWORD 8."""
    unchanged(t, [
        (INVALID, f"type {kind} of {size} bytes",
         body(SET, EXTERNAL, pack_value(kind, KEY, bytes(size))))
        for kind, size in ((kvpwire.DWORD, 0), (kvpwire.DWORD, 2),
                           (kvpwire.DWORD, 8), (kvpwire.QWORD, 4),
                           (kvpwire.QWORD, 16))])


@scenario()
def shorter_than_needed(t: Test) -> None:
    """A body that ends before what its operation needs."""
    full = {GET: body(GET, EXTERNAL, pack_value(0, KEY, b"")),
            SET: body(SET, EXTERNAL, pack_value(SZ, KEY, VALUE)),
            DELETE: body(DELETE, EXTERNAL,
                         struct.pack("<I", len(KEY)) + KEY),
            ENUMERATE: body(ENUMERATE, EXTERNAL, struct.pack("<I", 0))}
    unchanged(t, [
        (INVALID, f"operation {op} in {length} bytes", full[op][:length])
        for op in full for length in (2, 4, 7, 12)])


@scenario()
def write_to_auto(t: Test) -> None:
    """The guest's own items are not the host's to write."""
    before = [i.key for i in t.kvp.enumerate(AUTO)]
    t.status("NOT_SUPPORTED", lambda: t.kvp.set(AUTO, Item("x", "y")), "SET")
    t.status("NOT_SUPPORTED",
             lambda: t.kvp.set(AUTO, Item("OSName", "Windows")), "SET OSName")
    t.status("NOT_SUPPORTED", lambda: t.kvp.delete(AUTO, "OSName"), "DELETE")
    t.equal([i.key for i in t.kvp.enumerate(AUTO)], before)


@scenario()
def unknown_operation(t: Test) -> None:
    """Operations that KVP does not have."""
    unchanged(t, [("NOT_SUPPORTED", f"operation {op}",
                   body(op, EXTERNAL, pack_value(SZ, KEY, VALUE)))
                  for op in (6, 7, 100, 255)])


@contextlib.contextmanager
def inserted(t: Test, params: str):
    """hv_kvp with parameters of its own, for one scenario."""
    count = t.kvp.negotiations
    t.sh(f"insmod /modules/hv_kvp.ko {params}")
    t.kvp.wait_pushed(30, count + 1)
    yield
    t.sh("rmmod hv_kvp", 60)


@scenario(BARE, guests=(HV_KVP,))
def limit_of_items(t: Test) -> None:
    """DISK_FULL at the limit; updates and deletes still work."""
    with inserted(t, "host_items=50"):
        fill_with_items(t)


def fill_with_items(t: Test) -> None:
    """In a pool with room for 50."""
    have = len(t.kvp.enumerate(EXTERNAL))
    for n in range(50 - have):
        t.kvp.set(EXTERNAL, Item(f"k{n}", "x"))
    t.status("DISK_FULL", lambda: t.kvp.set(EXTERNAL, Item("more", "x")))
    t.kvp.set(EXTERNAL, Item("k0", "updated"))
    t.kvp.delete(EXTERNAL, "k1")
    t.kvp.set(EXTERNAL, Item("more", "x"))
    t.status("DISK_FULL", lambda: t.kvp.set(EXTERNAL, Item("k1", "x")))
    t.equal(len(t.kvp.enumerate(EXTERNAL)), 50)


@scenario(BARE, guests=(HV_KVP,))
def limit_of_bytes(t: Test) -> None:
    """DISK_FULL when the bytes are used up, long before the items are."""
    with inserted(t, "host_bytes=65536"):
        fill_with_bytes(t)


def fill_with_bytes(t: Test) -> None:
    """In a pool with room for 64 KiB."""
    count = 0
    status = "OK"
    for count in range(100):
        answer = t.kvp.transact(
            kvpwire.pack_set(EXTERNAL, Item(f"k{count}", "v" * 1000)), "SET")
        status = status_name(answer.status)
        if status != "OK":
            break
    t.equal(status, "DISK_FULL")
    t.true(5 < count < 35, f"{count} items of 2 kB fitted into 64 KiB")
    t.equal(len(t.kvp.enumerate(EXTERNAL)), count)
    for n in range(count):
        t.kvp.delete(EXTERNAL, f"k{n}")
    t.kvp.set(EXTERNAL, Item("again", "v" * 1000))


@scenario(BARE, guests=(HV_KVP,))
def host_may_not_write_guest(t: Test) -> None:
    """A parameter keeps the host from writing GUEST; EXTERNAL stays its."""
    with inserted(t, "host_may_write_guest=0"):
        t.status("NOT_SUPPORTED", lambda: t.kvp.set(GUEST, Item("k", "v")))
        t.status("NOT_SUPPORTED", lambda: t.kvp.delete(GUEST, "k"))
        t.kvp.set(EXTERNAL, Item("k", "v"))
        t.equal(t.kvp.get(EXTERNAL, "k"), Item("k", "v"))


@scenario()
def ip_of_an_unknown_adapter(t: Test) -> None:
    """GET_IP_INFO of a MAC address that no interface has."""
    t.status("NOT_FOUND", lambda: t.kvp.get_ip_info("00:15:5D:99:99:99"))
    t.works()
