# SPDX-License-Identifier: GPL-2.0
"""GET, SET, DELETE and ENUMERATE on the pools."""
import struct

from hvhost import icwire, kvpwire
from hvhost.icwire import status_name
from hvhost.kvpwire import (AUTO_EXTERNAL, AUTO_INTERNAL, DWORD, EXPAND_SZ,
                            EXTERNAL, GUEST, QWORD, Item)
from guests import HV_KVP
from scenario import HOST_WRITES, Test, scenario


@scenario(smoke=True)
def set_enumerate_delete(t: Test) -> None:
    """The round trip in every pool that the host writes."""
    for pool in HOST_WRITES:
        items = [Item(f"key {n}", f"value {n}" * (n + 1)) for n in range(10)]
        for item in items:
            t.kvp.set(pool, item)
        t.equal(t.kvp.enumerate(pool), items)
        for item in reversed(items):
            t.kvp.delete(pool, item.key)
        t.equal(t.kvp.enumerate(pool), [])


@scenario(guests=(HV_KVP,))
def auto_internal(t: Test) -> None:
    """Pool 4 is defined, and empty: no host is known to use it, and the stock
    daemon has no file for it."""
    t.status("NOT_SUPPORTED",
             lambda: t.kvp.set(AUTO_INTERNAL, Item("k", "v")))
    t.status("NOT_SUPPORTED", lambda: t.kvp.delete(AUTO_INTERNAL, "k"))
    t.equal(t.kvp.enumerate(AUTO_INTERNAL), [])


@scenario()
def pools_are_separate(t: Test) -> None:
    """The same key has its own value in each pool."""
    for pool in HOST_WRITES:
        t.kvp.set(pool, Item("same", f"pool {pool}"))
    for pool in HOST_WRITES:
        t.equal(t.kvp.enumerate(pool), [Item("same", f"pool {pool}")])


@scenario(smoke=True)
def get_returns_the_value(t: Test) -> None:
    """GET, in every pool that the host writes."""
    for pool in HOST_WRITES:
        item = Item("key", "value of the key")
        t.kvp.set(pool, item)
        t.equal(t.kvp.get(pool, "key"), item)


@scenario()
def get_every_type(t: Test) -> None:
    """GET keeps type and value."""
    for item in (Item("s", "text"), Item("e", "%PATH%", EXPAND_SZ),
                 Item("d", 0xdeadbeef, DWORD), Item("q", 1 << 63, QWORD)):
        t.kvp.set(EXTERNAL, item)
        t.equal(t.kvp.get(EXTERNAL, item.key), item)


@scenario()
def missing_key(t: Test) -> None:
    """GET and DELETE of a key that is not there."""
    t.kvp.set(EXTERNAL, Item("there", "1"))
    t.status("NO_MORE_ITEMS", lambda: t.kvp.get(EXTERNAL, "missing"), "GET")
    t.status("NO_MORE_ITEMS", lambda: t.kvp.delete(EXTERNAL, "missing"),
             "DELETE")
    t.status("NO_MORE_ITEMS", lambda: t.kvp.delete(EXTERNAL, "ther"),
             "DELETE of a prefix")
    t.equal(t.kvp.enumerate(EXTERNAL), [Item("there", "1")])


@scenario()
def past_the_end(t: Test) -> None:
    """ENUMERATE at and far past the end."""
    t.kvp.set(EXTERNAL, Item("only", "1"))
    for index in (1, 2, 1000, 0x7fffffff):
        t.equal(t.kvp.enumerate_one(EXTERNAL, index), None, f"#{index}")
    t.equal(t.kvp.enumerate_one(EXTERNAL, 0), Item("only", "1"))


@scenario()
def index_that_looks_negative(t: Test) -> None:
    """An index is unsigned."""
    t.kvp.set(EXTERNAL, Item("only", "1"))
    for index in (0x80000000, 0xffffffff):
        t.equal(t.kvp.enumerate_one(EXTERNAL, index), None, f"#{index:#x}")


@scenario()
def expand_sz(t: Test) -> None:
    """Strings with variables keep type and text."""
    item = Item("path", "%SystemRoot%\\x", EXPAND_SZ)
    t.kvp.set(EXTERNAL, item)
    t.equal(t.kvp.enumerate(EXTERNAL), [item])


@scenario()
def dword(t: Test) -> None:
    """32-bit numbers keep type and value."""
    items = [Item(f"d{n:x}", n, DWORD)
             for n in (0, 1, 0x7fffffff, 0x80000000, 0xffffffff)]
    for item in items:
        t.kvp.set(EXTERNAL, item)
    t.equal(t.kvp.enumerate(EXTERNAL), items)


@scenario()
def qword(t: Test) -> None:
    """64-bit numbers keep type and value."""
    items = [Item(f"q{n:x}", n, QWORD)
             for n in (0, 1, 1 << 32, 1 << 63, (1 << 64) - 1)]
    for item in items:
        t.kvp.set(EXTERNAL, item)
    t.equal(t.kvp.enumerate(EXTERNAL), items)


@scenario()
def qword_with_linuxs_number(t: Test) -> None:
    """Type 8, as Linux's header has it, is taken and answered as 11."""
    t.kvp.set(EXTERNAL, Item("q", 1 << 40, kvpwire.QWORD_OLD))
    t.equal(t.kvp.enumerate(EXTERNAL), [Item("q", 1 << 40, QWORD)])


@scenario()
def a_value_changes_its_type(t: Test) -> None:
    """SET replaces type and value of a key."""
    for item in (Item("k", "text"), Item("k", 7, DWORD), Item("k", 8, QWORD),
                 Item("k", "text again")):
        t.kvp.set(EXTERNAL, item)
        t.equal(t.kvp.enumerate(EXTERNAL), [item])


@scenario()
def long_strings(t: Test) -> None:
    """As long as every guest can."""
    item = Item("k" * 250, "v" * 1020)
    t.kvp.set(EXTERNAL, item)
    t.equal(t.kvp.enumerate(EXTERNAL), [item])
    t.kvp.delete(EXTERNAL, item.key)
    t.equal(t.kvp.enumerate(EXTERNAL), [])


@scenario(smoke=True)
def full_length(t: Test) -> None:
    """255 and 1,023 code units, the protocol's limits, and around them."""
    items = [Item("a" * 255, "1"), Item("b", "v" * 1023),
             Item("c" * 255, "v" * 1023), Item("d" * 254, "v" * 1022)]
    for item in items:
        t.kvp.set(EXTERNAL, item)
    t.equal(t.kvp.enumerate(EXTERNAL), items)
    for item in items:
        t.equal(t.kvp.get(EXTERNAL, item.key), item)
        t.kvp.delete(EXTERNAL, item.key)


@scenario()
def beyond_ascii(t: Test) -> None:
    """Text of the basic plane and beyond it, in keys and values."""
    items = [Item("Schlüssel", "Wert äöü"), Item("鍵", "値" * 100),
             Item("\U0001f511", "\U0001f600\U0001f601"),
             Item("mixed \U0001d11e é", "a\U0010ffffz\ufffd")]
    for item in items:
        t.kvp.set(EXTERNAL, item)
    t.equal(t.kvp.enumerate(EXTERNAL), items)


@scenario()
def full_length_beyond_ascii(t: Test) -> None:
    """Full lengths in characters of three and of four bytes of UTF-8."""
    items = [Item("鍵" * 255, "値" * 1023),
             Item("\U0001f511" * 127 + "x", "\U0001f600" * 511 + "y")]
    for item in items:
        t.kvp.set(EXTERNAL, item)
    t.equal(t.kvp.enumerate(EXTERNAL), items)


@scenario()
def empty_value(t: Test) -> None:
    """An empty string is a value."""
    items = [Item("empty", ""), Item("next", "x")]
    for item in items:
        t.kvp.set(EXTERNAL, item)
    t.equal(t.kvp.enumerate(EXTERNAL), items)


@scenario()
def keys_are_exact(t: Test) -> None:
    """Case counts, spaces count, a prefix is another key."""
    items = [Item(k, f"<{k}>") for k in ("key", "Key", "KEY", "key ", "ke",
                                         "keykey", " key", "k\u00e9y")]
    for item in items:
        t.kvp.set(EXTERNAL, item)
    t.equal(t.kvp.enumerate(EXTERNAL), items)
    t.kvp.delete(EXTERNAL, "KEY")
    left = t.kvp.enumerate(EXTERNAL)
    t.equal(sorted(i.key for i in left),
            sorted(i.key for i in items if i.key != "KEY"))


@scenario()
def an_update_keeps_its_place(t: Test) -> None:
    """Insertion order, whatever is changed later."""
    keys = [f"k{n}" for n in range(6)]
    for key in keys:
        t.kvp.set(EXTERNAL, Item(key, "old"))
    t.kvp.set(EXTERNAL, Item("k2", "new " * 100))
    t.kvp.set(EXTERNAL, Item("k0", ""))
    got = t.kvp.enumerate(EXTERNAL)
    t.equal([i.key for i in got], keys)
    t.equal((got[2].value, got[0].value), ("new " * 100, ""))


@scenario()
def indices_stay_dense(t: Test) -> None:
    """After any delete the indices count up from 0 without a hole."""
    keys = {f"k{n}" for n in range(12)}
    for n in range(12):
        t.kvp.set(EXTERNAL, Item(f"k{n}", str(n)))
    for gone in ("k0", "k5", "k11", "k7", "k1"):
        t.kvp.delete(EXTERNAL, gone)
        keys.remove(gone)
        got = t.kvp.enumerate(EXTERNAL)
        t.equal({i.key for i in got}, keys, f"after {gone}")
        t.equal(len(got), len(keys), f"after {gone}")


@scenario(smoke=True)
def a_delete_moves_the_last_item(t: Test) -> None:
    """The last item takes the place of the deleted one."""
    for n in range(6):
        t.kvp.set(EXTERNAL, Item(f"k{n}", str(n)))
    order = [f"k{n}" for n in range(6)]
    for gone in ("k1", "k5", "k0", "k4"):
        at = order.index(gone)
        order[at] = order[-1]
        order.pop()
        t.kvp.delete(EXTERNAL, gone)
        t.equal([i.key for i in t.kvp.enumerate(EXTERNAL)], order,
                f"after {gone}")


@scenario()
def two_hundred_items(t: Test) -> None:
    """More than one page of items, changed and emptied."""
    items = [Item(f"key-{n:04}", f"value {n}") for n in range(200)]
    for item in items:
        t.kvp.set(GUEST, item)
    t.equal(t.kvp.enumerate(GUEST), items)
    for n in range(0, 200, 7):
        items[n] = Item(items[n].key, "changed")
        t.kvp.set(GUEST, items[n])
    t.equal(t.kvp.enumerate(GUEST), items)


@scenario()
def deleted_under_an_enumeration(t: Test) -> None:
    """Every item that stays is seen by an enumeration that was on its way
    when others were deleted."""
    for n in range(20):
        t.kvp.set(EXTERNAL, Item(f"k{n}", str(n)))
    seen = [t.kvp.enumerate_one(EXTERNAL, n).key for n in range(10)]
    for n in (3, 4, 15):
        t.kvp.delete(EXTERNAL, f"k{n}")
    index = 10
    while item := t.kvp.enumerate_one(EXTERNAL, index):
        seen.append(item.key)
        index += 1
    missing = {f"k{n}" for n in range(20)} - {"k3", "k4", "k15"} - set(seen)
    t.equal(missing, set(), "not seen")


@scenario()
def a_string_ends_at_its_nul(t: Test) -> None:
    """What follows the first NUL of a value is not part of it."""
    t.kvp.set(EXTERNAL, Item("k", "before\0after"))
    t.equal(t.kvp.enumerate(EXTERNAL), [Item("k", "before")])


@scenario()
def a_missing_nul_is_added(t: Test) -> None:
    """Sizes that leave out the NUL are taken; the answers have it."""
    key, value = "key".encode("utf-16-le"), "value".encode("utf-16-le")
    body = kvpwire.MESSAGE.pack(kvpwire.SET, EXTERNAL)
    body += kvpwire.pack_value(kvpwire.SZ, key, value)
    t.body_status("OK", body.ljust(kvpwire.BODY_SIZE, b"\0"), "SET")
    t.equal(t.kvp.enumerate(EXTERNAL), [Item("key", "value")])
    t.kvp.delete(EXTERNAL, "key")
    t.equal(t.kvp.enumerate(EXTERNAL), [])


@scenario()
def short_messages(t: Test) -> None:
    """A host may send no more than the operation needs."""
    t.kvp.set(EXTERNAL, Item("k", "v"))
    body = kvpwire.pack_delete(EXTERNAL, "k")[:520]
    t.body_status("OK", body, "DELETE of 520 bytes")
    t.equal(t.kvp.enumerate(EXTERNAL), [])
    body = kvpwire.pack_set(EXTERNAL, Item("k", "v"))[:2576]
    t.body_status("OK", body, "SET of 2576 bytes")
    t.equal(t.kvp.enumerate(EXTERNAL), [Item("k", "v")])


@scenario()
def unpaired_surrogates(t: Test) -> None:
    """What Windows allows in a string comes back unchanged in its bytes."""
    units = struct.pack("<4H", 0x41, 0xd800, 0x42, 0)
    body = kvpwire.MESSAGE.pack(kvpwire.SET, EXTERNAL)
    body += kvpwire.pack_value(kvpwire.SZ, b"k\0\0\0", units)
    t.body_status("OK", body.ljust(kvpwire.BODY_SIZE, b"\0"), "SET")
    trans_id = t.kvp.raw(icwire.pack(
        icwire.Header(icwire.MSG_KVP, 0, t.kvp.fw, t.kvp.msg),
        kvpwire.pack_enumerate(EXTERNAL, 0)))
    header, body = icwire.unpack(t.kvp.raw_reply(trans_id).payload)
    t.equal(status_name(header.status), "OK")
    at = kvpwire.MESSAGE.size + 4 + kvpwire.VALUE.size + kvpwire.KEY_SIZE
    t.equal(body[at:at + len(units)], units)
    # the host's own enumeration would not take it
    t.kvp.delete(EXTERNAL, "k")


@scenario()
def host_items_in_auto_external(t: Test) -> None:
    """What describes the host arrives as Hyper-V sends it."""
    items = {"HostName": "h.example", "PhysicalHostName": "H",
             "VirtualMachineName": "vm \u00fc", "VirtualMachineId": "1-2-3"}
    t.kvp.items[AUTO_EXTERNAL] = {k: Item(k, v) for k, v in items.items()}
    t.kvp.negotiate().wait(30)
    t.kvp.wait_pushed()
    t.equal({i.key: i.value for i in t.kvp.enumerate(AUTO_EXTERNAL)}, items)
