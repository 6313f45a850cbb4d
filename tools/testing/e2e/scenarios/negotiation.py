# SPDX-License-Identifier: GPL-2.0
"""Which versions are agreed, and NEGOTIATE at any moment."""
from hvhost import icwire
from hvhost.ic import State, Superseded
from hvhost.kvp import ALL_VERSIONS, VERSIONS
from hvhost.kvpwire import EXTERNAL, GUEST, Item, pack_enumerate
from scenario import Test, scenario

BOTH_FW = [(1, 0), (3, 0)]


def agree(t: Test, fw: list, msg: list) -> tuple:
    """Negotiates and shows that the outcome works."""
    t.kvp.negotiate(msg, fw).wait(30)
    t.kvp.wait_pushed()
    t.works()
    return t.kvp.fw, t.kvp.msg


@scenario(smoke=True)
def up_to_4_0(t: Test) -> None:
    """Each version up to 4.0 alone, with each framework and with both."""
    for fw in ([(1, 0)], [(3, 0)], BOTH_FW):
        for msg in ((1, 0), (3, 0), (4, 0)):
            t.equal(agree(t, fw, [msg]), (max(fw), msg))


@scenario()
def only_5_0(t: Test) -> None:
    """5.0 alone, with each framework and with both."""
    for fw in ([(1, 0)], [(3, 0)], BOTH_FW):
        t.equal(agree(t, fw, [(5, 0)]), (max(fw), (5, 0)))


@scenario(smoke=True)
def newest_of_all(t: Test) -> None:
    """Of everything that a host may offer, in any order, the newest."""
    for versions in (VERSIONS, ALL_VERSIONS, ALL_VERSIONS[::-1]):
        t.equal(agree(t, BOTH_FW, versions), ((3, 0), (5, 0)))


@scenario()
def newest_up_to_4_0(t: Test) -> None:
    """The newest, whatever the order."""
    for versions in ([(1, 0), (3, 0), (4, 0)], [(4, 0), (1, 0)],
                     [(3, 0), (1, 0), (4, 0)]):
        t.equal(agree(t, BOTH_FW, versions), ((3, 0), (4, 0)))


@scenario(smoke=True)
def no_common_version(t: Test) -> None:
    """Nothing suits: the answer says so, and the next NEGOTIATE works."""
    for fw, msg in ((BOTH_FW, [(6, 0)]), (BOTH_FW, [(2, 7), (9, 1)]),
                    ([(2, 0)], [(4, 0)]), ([(7, 7)], [(4, 0), (5, 0)])):
        t.kvp.negotiate(msg, fw).wait(30)
        t.equal(t.kvp.state, State.REFUSED, f"{fw} {msg}")
    t.equal(agree(t, BOTH_FW, [(4, 0)]), ((3, 0), (4, 0)))


@scenario()
def unknown_ones_among_known(t: Test) -> None:
    """Versions from the future do not disturb."""
    fw = [(1, 0), (3, 0), (4, 0), (9, 9)]
    msg = [(3, 0), (4, 0), (4, 1), (6, 0), (65535, 65535)]
    t.equal(agree(t, fw, msg), ((3, 0), (4, 0)))


@scenario()
def in_the_middle_of_an_enumeration(t: Test) -> None:
    """NEGOTIATE between two indices: all starts over and nothing is lost."""
    items = [Item(f"k{n}", str(n)) for n in range(8)]
    for item in items:
        t.kvp.set(GUEST, item)
    for n in range(4):
        t.equal(t.kvp.enumerate_one(GUEST, n), items[n])
    t.kvp.negotiate().wait(30)
    t.equal(t.kvp.enumerate_one(GUEST, 4), items[4])
    t.equal(t.kvp.enumerate(GUEST), items)


@scenario()
def while_a_request_is_out(t: Test) -> None:
    """NEGOTIATE right behind a request, ten times: it always gets through."""
    for _ in range(10):
        out = t.kvp.submit(pack_enumerate(EXTERNAL, 0), "out")
        t.kvp.negotiate().wait(30)
        try:
            out.wait(1)
        except Superseded:
            pass
    t.works()


@scenario()
def twice_in_a_row(t: Test) -> None:
    """Two NEGOTIATEs without waiting: the second one counts."""
    count = t.kvp.negotiations
    t.kvp.negotiate([(3, 0)])
    t.kvp.negotiate([(4, 0)]).wait(30)
    t.equal(t.kvp.msg, (4, 0))
    t.equal(t.kvp.negotiations, count + 1)
    t.works()


@scenario()
def host_items_each_time(t: Test) -> None:
    """The host sends its items at every NEGOTIATE: each is there once."""
    t.kvp.items[EXTERNAL] = {f"own{n}": Item(f"own{n}", "x")
                             for n in range(5)}
    for _ in range(3):
        t.kvp.negotiate().wait(30)
        t.kvp.wait_pushed()
    t.equal(t.kvp.enumerate(EXTERNAL), list(t.kvp.items[EXTERNAL].values()))


@scenario()
def many_versions_offered(t: Test) -> None:
    """A long list, the right ones at its end."""
    fw = [(100 + n, 0) for n in range(50)] + BOTH_FW
    msg = [(200 + n, 0) for n in range(50)] + [(4, 0)]
    t.equal(agree(t, fw, msg), ((3, 0), (4, 0)))


@scenario()
def reply_has_the_requests_length(t: Test) -> None:
    """Byte for byte the request's frame, but for counts, versions, flags."""
    request = t.kvp.negotiate([(4, 0)], BOTH_FW).wait(30)
    t.equal(len(request.packet.payload), len(request.payload))
    header, _ = icwire.unpack(request.packet.payload)
    t.equal(header.status, 0)
